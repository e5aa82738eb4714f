"""The cast of the conversation tests: one salon on a stage, a client on some channel, and the staff in their group.

A client says, taps and hears in the same words on every channel; how that looks on the wire is the channel's business.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bot.playground.cast import BUSINESS, MASTERS, SALON, SALON_BODY, SERVICES
from bot.playground.content import push_templates
from bot.playground.stage import Stage
from bot.playground.telegram_people import Group, User
from bot.playground.twilio_people import Person
from handlers.wording import labels

KYIV = ZoneInfo("Europe/Kyiv")
MONDAY = datetime(2027, 3, 1, 12, 0, tzinfo=KYIV)
"""When every scene begins: a Monday at noon, far from any change of clocks."""
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
PHONES = {"anna": "+380671110001", "boris": "+380671110002", "clara": "+380671110003"}


def at(words: str) -> datetime:
    """``Fri 15:00`` as the moment of the week that begins with :data:`MONDAY`; ``next Mon 09:00`` a week later."""
    later = words.startswith("next ")
    day, clock = words.removeprefix("next ").split()
    hour, minute = map(int, clock.split(":"))
    date = MONDAY.date() + timedelta(days=WEEKDAYS.index(day) + (7 if later else 0))
    return datetime(date.year, date.month, date.day, hour, minute, tzinfo=KYIV)


@dataclass
class Heard:
    """One message as the person sees it now: its text, and the titles of what can be pressed."""

    text: str
    titles: list[str]
    wire: Any


@dataclass
class Client:
    """A client of the salon, on Telegram or on WhatsApp."""

    id: str
    name: str
    phone: str
    language: str
    stage: Stage
    user: User | None = None
    person: Person | None = None

    @property
    def channel(self) -> str:
        """The channel that this client uses."""
        return "telegram" if self.user else "whatsapp"

    @property
    def heard(self) -> list[Heard]:
        """What the salon has told this client, oldest first, as it stands in the chat now."""
        if self.user is not None:
            bot = self.stage.telegram.world.bot
            return [
                Heard(message.text or "", list(message.titles), message)
                for message in self.user.messages
                if message.sender is bot
            ]
        assert self.person is not None
        return [
            Heard(message.body, [button["title"] for button in message.buttons], message)
            for message in self.person.messages
            if message.direction != "inbound"
        ]

    @property
    def last(self) -> Heard:
        """The newest message from the salon."""
        return self.heard[-1]

    async def says(self, text: str) -> None:
        """Write, and wait until everything that follows has happened."""
        if self.user is not None:
            await self.user.says(text)
        else:
            assert self.person is not None
            await self.person.says(text)
        await self.stage.quiet()

    async def taps(self, verb: str, on: Heard | None = None) -> None:
        """Choose ``verb`` on the newest message that offers it: a button where there is one, else its number."""
        await self.taps_soon(verb, on)
        await self.stage.quiet()

    async def taps_soon(self, verb: str, on: Heard | None = None) -> None:
        """The same without waiting for what follows."""
        title = labels(verb, self.language)
        if self.user is not None:
            message = on.wire if on else next(one.wire for one in reversed(self.heard) if title in one.titles)
            await self.user.taps(title, message)
            return
        assert self.person is not None
        bare = plain(title)
        heard = on or next(one for one in reversed(self.heard) if bare in one.titles or numbered(one.text, bare))
        if bare in heard.titles:
            await self.person.taps(bare, heard.wire)
            return
        await self.person.says(numbered(heard.text, bare), reply_to=heard.wire)

    def offers(self, verb: str, on: Heard | None = None) -> bool:
        """Whether a message (the newest by default) offers this choice."""
        heard = on or self.last
        title = labels(verb, self.language)
        return title in heard.titles or plain(title) in heard.titles or bool(numbered(heard.text, plain(title)))


def plain(title: str) -> str:
    """A title without its leading emoji, as WhatsApp shows it."""
    return title.lstrip("✅❌🔄🗓⏰ \ufe0f")


def numbered(text: str, title: str) -> str:
    """The number before a title; empty where no line of the text offers it. Turkish has a shorter dash there."""
    ends = (f"— {title}", f"– {title}")
    return next((line.split(" ", 1)[0] for line in text.splitlines() if line.endswith(ends)), "")


@dataclass
class World:
    """The salon, its staff, and the API of its booking system."""

    stage: Stage
    channel: str
    staff: User
    group: Group
    clients: dict[str, Client] = field(default_factory=dict)

    async def client(self, name: str = "anna", language: str = "uk", *, linked: bool = True) -> Client:
        """A client whom the salon knows; ``linked``: the person has opened the chat with the salon."""
        if name in self.clients:
            return self.clients[name]
        phone = PHONES[name]
        client = Client(name, name.capitalize(), phone, language, self.stage)
        body = {"name": client.name, "phone": phone, "language": language}
        await self.stage.api.call("PUT", f"/clients/{name}", body)
        if self.channel == "telegram":
            client.user = self.stage.telegram.user(1000 + len(self.clients), client.name, language, phone)
            if linked:
                await self._link(client)
        else:
            client.person = self.stage.twilio.person(phone, client.name)
            if linked:
                await client.says("/start")
        self.clients[name] = client
        return client

    async def _link(self, client: Client) -> None:
        link = await self.stage.api.call("POST", f"/clients/{client.id}/links", {})
        assert client.user is not None
        await client.user.start(link["url"].partition("start=")[2])
        await self.stage.quiet()

    async def put(self, id: str = "b-1", *, client: Client | None = None, at_: str | None = None, **fields: Any) -> Any:
        """PUT a booking; with ``at_`` like ``Fri 15:00``. Answers with the API's answer, after all is quiet."""
        body = {
            "salon": SALON,
            "client": {"id": (client or next(iter(self.clients.values()))).id},
            "master": "m1",
            "services": ["haircut"],
            "starts_at": at(at_ or "Fri 15:00").isoformat(),
            **fields,
        }
        answer = await self.stage.api.call("PUT", f"/bookings/{id}", {k: v for k, v in body.items() if v is not None})
        await self.stage.quiet()
        return answer

    async def booking(self, id: str = "b-1") -> Any:
        """The booking as the API shows it."""
        return await self.stage.api.call("GET", f"/bookings/{id}")

    async def timeline(self, id: str = "b-1", kind: str | None = None) -> list[Any]:
        """The booking's messages as the API shows them."""
        rows = (await self.stage.api.call("GET", f"/bookings/{id}/messages"))["items"]
        return [row for row in rows if kind in (None, row["kind"])]

    async def clock_to(self, words: str) -> None:
        """Let time pass until ``Thu 15:00`` of the scene's week."""
        await self.stage.move_to(int(at(words).timestamp() * 1000))

    @property
    def staff_heard(self) -> list[str]:
        """What the staff's group has been told, oldest first."""
        bot = self.stage.telegram.world.bot
        return [message.text or "" for message in self.group.messages if message.sender is bot]

    def staff_heads(self, since: int = 0) -> list[str]:
        """The first line of everything that the staff were told, without its emoji."""
        return [text.splitlines()[0].lstrip("🆕🔄❌✅🚫⚠️📵💬 ") for text in self.staff_heard[since:]]


async def set_the_stage(stage: Stage, channel: str) -> World:
    """A salon with two masters, its services, WhatsApp templates, and a group of staff that is linked to it."""
    if channel == "whatsapp":
        await push_templates(stage, ["uk"])
    for id, body in MASTERS.items():
        await stage.api.call("PUT", f"/masters/{id}", body)
    for id, body in SERVICES.items():
        await stage.api.call("PUT", f"/services/{id}", body)
    staff = stage.telegram.user(9000, "Марія", "uk")
    group = stage.telegram.group("Робочий чат", [staff])
    await group.add_bot()
    code = await stage.api.call("POST", "/staff-chats/links", {"salon": SALON, "language": "uk"})
    await staff.says(f"/link {code['code']}", in_chat=group)
    await stage.quiet()
    return World(stage, channel, staff, group)


__all__ = ["BUSINESS", "KYIV", "MONDAY", "SALON_BODY", "Client", "Heard", "World", "at", "plain", "set_the_stage"]
