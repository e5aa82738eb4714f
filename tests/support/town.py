"""A salon with a thousand clients, everybody with a trouble of their own, and platforms at their worst."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bot.playground.cast import MASTERS, SALON, SERVICES
from bot.playground.content import push_templates
from bot.playground.stage import BUSINESS as ID
from bot.playground.stage import Stage, opened
from bot.playground.twilio_emulator import DEMO_SMS
from bot.playground.twilio_rules import FAILURES
from bot.reconciliation import RECONCILE
from bot.twilio_codes import TWILIO_CODES
from storage.records import Address, Message, Millis, Task, address_id
from storage.store import Changes
from tests.conversations.world import BUSINESS, KYIV, MONDAY, SALON_BODY

SEED = 1000
SLOTS = tuple((day, hour) for day in (2, 3, 4) for hour in (10, 12, 14, 16))
"""Days after Monday, and hours: visits that share a moment make the clock stop less often."""

AT_ONCE = (21211, 21217, 21408, 21610, 21614, 21635)
"""Twilio refuses the address when it is asked."""
ONCE = (20003, 20404, 20429, 20500, 20503, 21611, 21656, 63007)
"""Twilio refuses one call, whatever it is about."""
LATER = tuple(code for code in TWILIO_CODES if code in FAILURES)
"""Twilio takes the message, and tells later."""
STATUS = {20003: 401, 20404: 404, 20429: 429, 20500: 500, 20503: 503}
TELEGRAM_REFUSALS = {
    "400": (400, "Bad Request: message text is empty"),
    "403": (403, "Forbidden: bot was blocked by the user"),
    "401": (401, "Unauthorized"),
    "404": (404, "Not Found"),
    "409": (409, "Conflict: terminated by other getUpdates request"),
    "413": (413, "Request Entity Too Large"),
    "429": (429, "Too Many Requests: retry after 3"),
    "500": (500, "Internal Server Error"),
}


def moment(day: int, hour: int) -> Millis:
    """That hour of the salon's clocks, so many days after Monday."""
    date = MONDAY.date() + timedelta(days=day)
    return int(datetime(date.year, date.month, date.day, hour, tzinfo=KYIV).timestamp() * 1000)


@dataclass
class Person:
    """A client: how they can be reached, and what stands in the way."""

    number: int
    home: str
    """``telegram``, ``whatsapp``, or ``sms``: a phone with neither."""
    trouble: int | None = None
    mood: str = ""
    """``blocked`` and ``gone`` on Telegram; ``off``: the phone is, for ever or until Thursday."""

    @property
    def id(self) -> str:
        return f"c{self.number}"

    @property
    def phone(self) -> str:
        return f"+38067{self.number:07}"

    @property
    def chat(self) -> int:
        return 100_000 + self.number


def people(count: int) -> Iterator[Person]:
    """Every trouble at least twice where there are enough of them; the others live on one channel or the other."""
    troubles = [("whatsapp" if code > 60_000 else "sms", code) for code in (*LATER, *AT_ONCE)] * 2
    moods = [("telegram", "blocked"), ("telegram", "gone"), ("whatsapp", "off"), ("whatsapp", "off until Thursday")]
    chance = random.Random(SEED)
    for number in range(count):
        if number < len(troubles):
            yield Person(number, *troubles[number])
        elif number < len(troubles) + 40:
            home, mood = moods[number % len(moods)]
            yield Person(number, home, mood=mood)
        else:
            yield Person(number, chance.choice(("telegram", "telegram", "whatsapp", "sms")))


@dataclass
class Town:
    """The salon, its thousand clients, and the platforms that carry its messages."""

    stage: Stage
    clients: list[Person]
    chance: random.Random = field(default_factory=lambda: random.Random(SEED))
    day: int = 0
    """Days after Monday."""

    async def move_in(self) -> None:
        """Everybody gets a phone and an account, with the troubles that they have."""
        twilio, telegram = self.stage.twilio, self.stage.telegram
        links = []
        for one in self.clients:
            person = twilio.person(one.phone, one.id, whatsapp=one.home != "sms")
            person.online = not one.mood.startswith("off")
            if one.trouble is not None:
                twilio.trouble(f"whatsapp:{one.phone}" if one.home == "whatsapp" else one.phone, one.trouble)
            if one.home == "telegram":
                user = telegram.user(one.chat, one.id, "uk", one.phone)
                user.chat.bot = {"blocked": "kicked", "gone": "gone"}.get(one.mood, "member")
                links.append(self._link(one))
        await self.stage.app.store.commit(Changes(inserts=tuple(links)))

    def _link(self, one: Person) -> Address:
        chat = str(one.chat)
        return Address(
            business=ID, id=address_id("telegram", chat), channel="telegram", address=chat, phone=one.phone, linked_at=1
        )

    async def book(self) -> None:
        """Everybody books, all at once, while the providers have their worst hour."""
        self.faults()
        items = [self.booking(one) for one in self.clients]
        for start in range(0, len(items), 500):
            answer = await self.stage.api.call("POST", "/bookings:batch", {"items": items[start : start + 500]})
            assert {result["status"] for result in answer["items"]} == {201}
        await self.stage.quiet()

    def booking(self, one: Person, later: int = 0, **fields: Any) -> dict[str, Any]:
        start = datetime.fromtimestamp(moment(*SLOTS[(one.number + later) % len(SLOTS)]) / 1000, KYIV)
        return {
            "id": f"b{one.number}",
            "salon": SALON,
            "client": {"id": one.id, "name": one.id, "phone": one.phone, "language": "uk"},
            "services": ["haircut"],
            "starts_at": start.isoformat(),
            "created_by": "client",
            **fields,
        }

    def faults(self) -> None:
        """What the next calls meet: each refusal once, broken answers, and connections that end too soon."""
        twilio, telegram = self.stage.twilio, self.stage.telegram
        for code in ONCE:
            body = {"code": code, "message": f"Refused with {code}", "status": STATUS.get(code, 400)}
            twilio.fail("create_message", status=STATUS.get(code, 400), body=body)
        for status, description in TELEGRAM_REFUSALS.values():
            parameters = {"parameters": {"retry_after": 3}} if status == 429 else {}
            refusal = {"ok": False, "error_code": status, "description": description, **parameters}
            telegram.fail("sendMessage", status=status, body=refusal)
        for emulator, method in ((twilio, "create_message"), (telegram, "sendMessage")):
            emulator.fail(method, status=502, body="<html>Bad Gateway</html>")
            for acts in (True, False):
                emulator.drop(method, acts=acts)
                emulator.fail(method, status=500, acts=acts)

    async def change_minds(self) -> None:
        """Some move their visit, some give it up, all after the first news has gone."""
        items = []
        for one in self.chance.sample(self.clients, len(self.clients) // 10):
            moved = self.chance.random() < 0.5
            items.append(self.booking(one, 1) if moved else self.booking(one, status="cancelled"))
        await self.stage.api.call("POST", "/bookings:batch", {"items": items})
        await self.stage.quiet()

    async def clock_to(self, day: int, hour: int) -> None:
        """Let time pass until that hour, so many days after Monday; every night's work is done by six in the morning."""
        while (morning := moment(self.day + 1, 6)) <= moment(day, hour):
            await self.stage.move_to(morning)
            await self._end_the_night()
            self.day += 1
        await self.stage.move_to(moment(day, hour))

    async def _end_the_night(self) -> None:
        while (task := await self.stage.app.store.get(Task, "", RECONCILE)) and task.cursor is not None:
            await self.stage.move_to(max(task.next_at, self.stage.now()) + 1000)

    def pauses_pass_on_stage(self) -> None:
        """What providers forbid for a while ends by the time on stage, which nobody has to wait for."""
        app = self.stage.app
        app.store.clock = app.now  # type: ignore[method-assign]

    async def power_cut(self, lasts: Millis) -> None:
        """The service is off for so long."""
        await self.stage.power_cut(lasts)
        self.pauses_pass_on_stage()

    async def phones_on(self) -> None:
        for one in self.clients:
            if one.mood == "off until Thursday":
                await self.stage.twilio.person(one.phone).comes_online()
        await self.stage.quiet()

    async def rows(self) -> list[Message]:
        """Every message to a client."""
        where = {"business": ID, "staff_chat": None}
        return await self.stage.app.store.find(Message, where, order=("due_at", "id"), limit=100_000)


@asynccontextmanager
async def a_town(folder: Path, clients: int) -> AsyncIterator[Town]:
    """The salon on a Monday at noon, its clients in their chats, callbacks twice, out of order, or never."""
    database, start = f"sqlite:///{folder}/vizit.db", int(MONDAY.timestamp() * 1000)
    settings = {"twilio_sms_from": DEMO_SMS}
    async with opened(database, start, business=BUSINESS, salon=SALON_BODY, disorder=0.2, settings=settings) as stage:
        town = Town(stage, list(people(clients)))
        town.pauses_pass_on_stage()
        await stage.api.call("PUT", "/masters/m1", MASTERS["m1"])
        await stage.api.call("PUT", "/services/haircut", SERVICES["haircut"])
        silent = dict.fromkeys(("booking_created", "booking_changed", "booking_cancelled", "not_reached"), False)
        own = {"channels": ["telegram", "whatsapp", "sms"], "staff": silent, "kinds": {"reminder": {"before": ["P1D"]}}}
        await stage.api.call("PATCH", "/settings", own)
        await push_templates(stage, ["uk"])
        await town.move_in()
        stage.twilio.lost = 0.1
        yield town
