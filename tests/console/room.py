"""A salon with a busy day, its console over real HTTP, and a person who reads and presses."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, DummyCookieJar

from bot import servers
from bot.config import Listen
from bot.console import console_routes
from handlers import tenants, visits
from handlers.console import console_link
from handlers.turn import Desk, Links
from storage.opening import open_store
from storage.records import Booking, Business, Message, StaffChat, new_id
from storage.sqlite import open_sqlite
from storage.store import Changes, Patch
from tests.support.pages import HOUR, NOON, SALON, Answer

DAY = 24 * HOUR
MINUTE = 60_000
HOSTILE = "<script>alert(\"1\")</script> & 'Оʼліна' =2+2"
"""A name that would break out of most pages."""
CLIENTS: Mapping[str, Mapping[str, Any]] = {
    "c1": {"name": "Олена Коваль", "first_name": "Олена", "phone": "+380671234567", "language": "uk"},
    "c2": {"name": "Ayşe Yılmaz", "first_name": "Ayşe", "phone": "+905321234567", "language": "tr"},
    "c3": {"name": "Ирина Соколова", "phone": "+77011234567", "language": "ru"},
    "c4": {"name": HOSTILE, "phone": "+380671112233", "language": "uk"},
    "c5": {"name": "Марко Шевченко", "phone": "+380501112233", "language": "uk"},
    "c6": {"name": "Олена Ковальчук", "phone": "+380931234567", "language": "uk"},
}


@dataclass
class Room:
    """The salon «Мрія», a neighbour's business, and the console. ``now`` may be moved."""

    desk: Desk
    http: ClientSession
    url: str = ""
    now: int = NOON
    seconds: float = 0.0
    cookies: dict[str, str] = field(default_factory=dict)
    business: Business = field(default_factory=lambda: Business(business="mriya", id="mriya", name="Мрія"))
    key: str = ""

    async def ask(self, path: str, method: str = "GET", **settings: Any) -> Answer:
        """One request below ``/console/`` with the person's cookies, redirections not followed."""
        url = path if path.startswith("http") else f"{self.url}/console/{path}"
        settings = {"cookies": self.cookies, "allow_redirects": False, **settings}
        async with self.http.request(method, url, **settings) as answer:
            for name, cookie in answer.cookies.items():
                self.cookies[name] = cookie.value
            return Answer(answer.status, dict(answer.headers), await answer.read())

    async def post(self, path: str, *, on: str = "", follow: bool = True, **fields: Any) -> Answer:
        """Press a button of the form at ``path``, as it stands on the page ``on``; the page that it leads to."""
        page = await self.ask(on)
        data = [("form", page.field("form"))]
        for name, value in fields.items():
            data += [(name, one) for one in (value if isinstance(value, list | tuple) else [value])]
        answer = await self.ask(path, "POST", data=data)
        if follow and answer.status == 303:
            return await self.ask(self.url + answer.headers["Location"])
        return answer

    async def enter(self, key: str | None = None) -> Answer:
        """Sign in with a key, as the owner."""
        page = await self.ask("sign-in")
        data = {"form": page.field("form"), "key": self.key if key is None else key}
        return await self.ask("sign-in", "POST", data=data)

    async def enter_as(self, role: str, *, salon: str | None = None, master: str | None = None) -> StaffChat:
        """Link a private chat with this role, and sign in by a link of the bot's."""
        chat = await self.chat(role, salon=salon, master=master)
        token, changes = console_link(self.desk, chat)
        await self.desk.store.commit(changes)
        self.cookies.clear()
        page = await self.ask(f"in/{token}")
        answer = await self.ask(f"in/{token}", "POST", data={"form": page.field("form")})
        assert answer.status == 303, answer.words
        return chat

    async def chat(self, role: str, *, salon: str | None = None, master: str | None = None) -> StaffChat:
        """A private chat of somebody of the staff."""
        chat = StaffChat(
            business=self.business.id,
            id=new_id(),
            chat="77",
            user="77",
            title="Марія",
            role=role,  # type: ignore[arg-type]
            salon=salon,
            master=master,
            linked_at=self.now,
        )
        await self.desk.store.commit(Changes(inserts=(chat,)))
        return chat

    async def book(self, id: str, client: str, starts_at: int, **fields: Any) -> Booking:
        """PUT a booking as the booking system would."""
        given = {"services": ("haircut",), "master": "m1", "price": 90_050, "currency": "UAH", "salon": "s1", **fields}
        wanted = visits.Wanted(client_id=client, client_fields=CLIENTS[client], starts_at=starts_at, **given)
        return (await visits.put_booking(self.desk, self.business, id, wanted)).booking

    async def rows(self, booking: str, kind: str | None = None) -> list[Message]:
        """The messages to the client about a booking."""
        where = {"business": self.business.id, "booking": booking, "staff_chat": None}
        found = await self.desk.store.find(Message, where, order=("booking",))
        return [row for row in found if kind in (None, row.kind)]

    async def becomes(self, booking: str, kind: str, **fields: Any) -> Message:
        """Let something have become of a message."""
        (row, *_) = await self.rows(booking, kind)
        patch = Patch(Message, row.business, row.id, fields)
        await self.desk.store.commit(Changes(patches=(patch,)))
        return row

    async def now_business(self) -> Business:
        """The business as stored."""
        found = await self.desk.store.get(Business, self.business.id, self.business.id)
        assert found is not None
        return found


def links_of(answer: Answer) -> set[str]:
    """Where the links of a page lead."""
    return set(re.findall(r'href="(/console/[^"#?]*)', answer.text))


@asynccontextmanager
async def opened(database: Path | str, *, tries: int = 1_000_000, public: str | None = None) -> AsyncIterator[Room]:
    """The salon, furnished but without visits, and its console on a free port. ``database``: a file, or an address."""
    store = await (open_store(database) if isinstance(database, str) else open_sqlite(database, patience_s=0.05))
    links = Links("https://vizit.example", b"s" * 32, bot="mriya_bot", whatsapp="+380500000000")
    async with ClientSession(cookie_jar=DummyCookieJar()) as http:
        room = Room(Desk(store, lambda: room.now, links, frozenset({"telegram", "whatsapp", "sms", "manual"})), http)
        links.public_url = public
        app = servers.application()
        app.add_routes(console_routes(room.desk, tries=tries, clock=lambda: room.seconds))
        runner = await servers.serve(app, Listen("127.0.0.1", 0))
        try:
            host, port = runner.addresses[0][:2]
            room.url = f"http://{host}:{port}"
            links.public_url = public or room.url
            room.now -= 30 * DAY
            await furnish(room)
            room.now += 30 * DAY
            yield room
        finally:
            await runner.cleanup()
            await store.close()


async def furnish(room: Room) -> None:
    """The business with two salons, its people and services, and a neighbour with the same ids."""
    for id, name in (("mriya", "Мрія"), ("other", "Сусіди")):
        business = (await tenants.put_business(room.desk, id, {"name": name, "country": "UA"})).record
        await tenants.put_salon(room.desk, business, "s1", SALON)
        if id == "mriya":
            room.business = business
    room.key = (await tenants.create_key(room.desk, "mriya")).key
    second = {**SALON, "name": "Мрія на Подолі", "address": "вул. Хорива, 12"}
    await tenants.put_salon(room.desk, room.business, "s2", second)
    for id, master in {"m1": ("s1", "Наталія"), "m2": ("s1", "Оксана"), "m3": ("s2", "Ірина")}.items():
        await tenants.put_master(room.desk, room.business, id, {"salon": master[0], "name": master[1]})
    await tenants.put_service(room.desk, room.business, "haircut", {"name": "Стрижка", "duration": "PT1H"})
    await tenants.put_service(room.desk, room.business, "brows", {"name": "Брови", "rebook_after": "P21D"})


async def busy_day(room: Room) -> None:
    """Visits in every state, and messages that became all that messages can become."""
    desk = room.desk
    room.now = NOON - 3 * DAY
    plan = (
        ("b1", "c1", 2, "m1", "s1"),
        ("b2", "c2", 3, "m2", "s1"),
        ("b3", "c3", 4, "m1", "s1"),
        ("b4", "c4", 5, "m2", "s1"),
        ("b5", "c5", 6, "m1", "s1"),
        ("b6", "c6", 26, "m3", "s2"),
        ("b7", "c1", 50, "m1", "s1"),
    )
    for id, client, hours, master, salon in plan:
        await room.book(id, client, NOON + hours * HOUR, master=master, salon=salon)
    sent = {"sent_at": room.now, "due_at": room.now, "held": False}
    await room.becomes("b1", "booking_created", status="sent", channel="telegram", text="Ви записані", **sent)
    await room.becomes("b2", "booking_created", status="read", channel="whatsapp", text="Randevunuz", **sent)
    failed = {"status": "failed", "channel": "sms", "error_code": "30005", "text": "Вы записаны"}
    await room.becomes("b3", "booking_created", **failed, **sent)
    await room.becomes("b4", "booking_created", status="delivered", channel="whatsapp", segments=None, **sent)
    room.now = NOON
    for id in ("b1", "b2", "b3", "b4", "b5"):
        for row in await room.rows(id, "reminder"):
            if row.due_at <= room.now and row.status == "planned":
                went = {"status": "sent", "channel": "telegram", "sent_at": row.due_at, "text": "Нагадуємо"}
                went |= {"b2": {"status": "read", "channel": "whatsapp"}, "b3": failed}.get(id, {})
                patch = Patch(Message, row.business, row.id, went)
                await desk.store.commit(Changes(patches=(patch,)))
