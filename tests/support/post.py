"""A salon with a store, a clock that tests move, channels that do what they are told, and the outbox between them."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from handlers.channel import TELEGRAM, WHATSAPP, Capabilities, Edit, Rendered, SendError, Text
from handlers.delivery import Means, NotReached, means_of
from handlers.facts import Facts
from handlers.turn import Desk, Links
from handlers.wording import Unrendered
from scheduler.outbox import Outbox
from scheduler.time import Now
from storage.records import (
    Address,
    Booking,
    Business,
    Client,
    Master,
    Message,
    Salon,
    StaffChat,
    address_id,
    new_id,
)
from storage.sqlite import SqliteStore, open_sqlite
from storage.store import Changes, Patch

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
NOON = 1_795_950_000_000
"""2026-11-29T11:00:00Z, one in the afternoon in Kyiv, when nobody is asleep."""
START = NOON + DAY

Script = SendError | Exception | str | None


@dataclass
class Sent:
    """One call of a channel."""

    to: str
    rendered: Rendered
    message: str

    @property
    def text(self) -> str:
        return self.rendered.body or ""


@dataclass
class Scripted:
    """A channel that keeps what it is given. ``script``: how the next calls end, one word or error each, else well.

    With ``gate`` set, calls wait until it is opened.
    """

    name: str
    capabilities: Capabilities
    script: deque[Script] = field(default_factory=deque)
    calls: list[Sent] = field(default_factory=list)
    gate: asyncio.Event | None = None
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    most: int = 0
    """The largest number of calls that were open at once to one address."""
    open: list[str] = field(default_factory=list)

    async def send(self, rendered: Rendered, to: str, message_id: str) -> str | None:
        self.calls.append(Sent(to, rendered, message_id))
        self.open.append(to)
        self.most = max(self.most, self.open.count(to))
        self.arrived.set()
        try:
            await asyncio.sleep(0)
            if self.gate is not None:
                await self.gate.wait()
        finally:
            self.open.remove(to)
        end = self.script.popleft() if self.script else None
        if isinstance(end, Exception):
            raise end
        if isinstance(rendered, Edit):
            return rendered.provider_id
        return end or f"{to}:{len(self.calls)}"

    @property
    def texts(self) -> list[str]:
        return [call.text for call in self.calls]


def plain(message: Message, capabilities: Capabilities, facts: Facts) -> Rendered | Unrendered:
    """Kind, client, master and start: enough to see what a text was made from."""
    if capabilities.window is not None and not facts.window_open and "template" not in message.params:
        return Unrendered("no_template")
    words = [message.kind, facts.client and facts.client.name, facts.master and facts.master.name]
    body = " ".join(word for word in words if word)
    edited = facts.edited
    if message.edits and capabilities.edit and edited is not None and edited.provider_id:
        return Edit(edited.provider_id, None if message.kind == "retire" else body)
    return Text(body)


@dataclass
class Post:
    """A business ``a`` with one salon, master and client, and everything that sends for it."""

    store: SqliteStore
    telegram: Scripted
    whatsapp: Scripted
    clock: int = NOON
    not_reached: NotReached | None = None
    rendered: list[str] = field(default_factory=list)
    """Kinds of what was put into words."""

    def __post_init__(self) -> None:
        # The real store on a clock that stands still until a test moves it.
        self.store.clock = lambda: self.clock  # type: ignore[method-assign]
        self.now = Now(self.store.clock)
        self.desk = Desk(self.store, self.now, Links(None, b"secret" * 8))

    @property
    def channels(self) -> dict[str, Scripted]:
        return {"telegram": self.telegram, "whatsapp": self.whatsapp}

    @property
    def means(self) -> Means:
        return replace(means_of(self.channels, self.not_reached), chance=lambda: 0.5)

    def outbox(self, **options: Any) -> Outbox:
        return Outbox(self.desk, self.channels, self.means, **{"render": self.render, **options})

    def render(self, message: Message, capabilities: Capabilities, facts: Facts) -> Rendered | Unrendered:
        self.rendered.append(message.kind)
        return plain(message, capabilities, facts)

    @asynccontextmanager
    async def running(self, **options: Any) -> AsyncIterator[Outbox]:
        """An outbox at work; it is stopped in good order at the end."""
        outbox = self.outbox(**options)
        task = asyncio.create_task(outbox.run())
        try:
            yield outbox
            opened = [channel.gate for channel in self.channels.values() if channel.gate is not None]
            for gate in opened:
                gate.set()
            await outbox.stop()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def send_all(self, **options: Any) -> None:
        """Let an outbox run until nothing is due."""
        async with self.running(**options) as outbox:
            await outbox.idle()

    async def add(self, *records: Any) -> None:
        await self.store.commit(Changes(inserts=records))

    async def change(self, record: Any, **fields: Any) -> None:
        await self.store.commit(Changes(patches=(Patch(type(record), record.business, record.id, fields),)))

    async def read(self, message: Message | str) -> Message:
        """The row as it is now, by record, or by key."""
        if isinstance(message, Message):
            found = await self.store.get(Message, message.business, message.id)
        else:
            rows = await self.store.find(Message, {"business": "a", "key": message})
            found = rows[0] if rows else None
        assert found is not None
        return found

    def before_guard(self, *statements: str) -> Callable[[], None]:
        """An action for the point ``step.begin``: another connection writes, once, as soon as something is on its way."""
        done: list[bool] = []

        def act() -> None:
            if not done and self.rendered:
                done.append(True)
                with closing(sqlite3.connect(self.store._path)) as connection, connection:
                    for statement in statements:
                        connection.execute(statement)

        return act

    async def statuses(self) -> dict[str, str]:
        """Key to status, of every row."""
        return {row.key: row.status for row in await self.store.find(Message, {"business": "a"}, limit=1000)}


BUSINESS = Business(business="a", id="a", name="Салон", settings={"quiet_hours": False})
SALON = Salon(business="a", id="s", name="Салон")
MASTER = Master(business="a", id="m", salon="s", name="Оксана")
CLIENT = Client(business="a", id="c", name="Олена", phone="+380671234567", language="uk")
CHAT = Address(business="a", id=address_id("telegram", "100"), channel="telegram", address="100", phone=CLIENT.phone)
WROTE = Address(
    business="a", id=address_id("whatsapp", "+380671234567"), channel="whatsapp", address="+380671234567",
    phone=CLIENT.phone, last_inbound_at=NOON - HOUR,
)  # fmt: skip
STAFF = StaffChat(business="a", id="chat", chat="-500", salon="s")
BOOKING = Booking(
    business="a", id="b", salon="s", client="c", master="m", starts_at=START, ends_at=START + HOUR, created_at=NOON - DAY,
    first_seen_at=NOON - DAY, booked_at=NOON - DAY, revision=1,
)  # fmt: skip


def message(kind: str = "reminder", **fields: Any) -> Message:
    """A planned message about the booking, due now."""
    id = fields.pop("id", None) or new_id()
    given: dict[str, Any] = {
        "business": "a", "key": f"booking:b:{kind}:r1:client:c:{id}:0", "kind": kind, "lane": 1, "booking": "b",
        "client": "c", "salon": "s", "master": "m", "revision": 1, "due_at": NOON, "not_after": START,
        "channel": "telegram", "address": "100", "created_at": NOON,
    }  # fmt: skip
    given.update(fields)
    given.setdefault("next_at", given["due_at"])
    return Message(id=id, **given)


def answer(kind: str = "help", **fields: Any) -> Message:
    """An answer to the chat of the client."""
    return message(kind, **{"lane": 0, "booking": None, "not_after": NOON + 10 * MINUTE, "revision": 0, **fields})


def to_staff(kind: str = "staff_booking_created", **fields: Any) -> Message:
    return message(kind, **{"staff_chat": "chat", "address": "-500", **fields})


def another(number: int) -> tuple[Client, Address]:
    """Another client and the Telegram chat that leads there."""
    client = replace(CLIENT, id=f"c{number}", name=f"Client {number}", phone=f"+38067{number:07}")
    chat = f"{1000 + number}"
    address = replace(CHAT, id=address_id("telegram", chat), address=chat, phone=client.phone)
    return client, address


@asynccontextmanager
async def opened(path: str | Path = "sqlite:///:memory:", *, stage: bool = True) -> AsyncIterator[Post]:
    """The salon on a store; ``stage``: with its business, salon, master, client, Telegram chat and booking."""
    store = await open_sqlite(path)
    post = Post(store, Scripted("telegram", TELEGRAM), Scripted("whatsapp", WHATSAPP))
    if stage:
        await post.add(BUSINESS, SALON, MASTER, CLIENT, CHAT, BOOKING)
    try:
        yield post
    finally:
        await store.close()
