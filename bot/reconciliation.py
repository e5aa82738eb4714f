"""Every night Twilio is asked about messages of which its last word never came, and what each message cost.

One worker does it, as a standing task in small parts, so that neither Twilio nor the database notices. A callback is lost
when this service was out of reach for longer than Twilio tried; prices are known hours after a message was sent.
"""

from __future__ import annotations

import json
import logging
import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any, Final, NamedTuple

from twilio.rest import Client

from bot.receipts import Heard, StatusWord
from bot.twilio_codes import twilio_error, twilio_verdict
from handlers.channel import Channel, Findable, SendError
from handlers.turn import Desk
from storage.records import Business, Cost, Message, Millis, Task
from storage.store import Changes, OneOf, Put, Range

RECONCILE: Final = "twilio_accounts"
"""The kind and the id of the task."""
HOUR: Final[Millis] = 3_600_000
DAY: Final[Millis] = 24 * HOUR
NIGHT: Final[tuple[Millis, Millis]] = (1 * HOUR, 2 * HOUR)
"""It begins within these hours after midnight UTC; in Kyiv and Istanbul that is early in the morning."""
YOUNGEST: Final[Millis] = HOUR
"""What went out less than that ago may still be reported on."""
OLDEST: Final[Millis] = 10 * DAY
PRICED: Final[Millis] = 3 * DAY
"""For so long after it went out or arrived a price is asked for: some messages never get one."""
PART: Final = 100
"""Messages that are asked about in one part."""
PAGE: Final = 50
PAGES: Final = 200
PART_LASTS: Final[Millis] = 20_000
"""By the store's clock; well within the lease of a task."""
BREATH: Final[Millis] = 1_000
AGAIN: Final[Millis] = 5 * 60_000
"""After Twilio did not answer."""
ON_THE_WIRE: Final = OneOf(("sent", "unknown", "delivered", "read", "failed"))
OPEN: Final = ("sent", "unknown")
SID: Final = re.compile(r"(SM|MM)[0-9a-f]{32}")
GONE: Final = "20404"
HUNDRED_THOUSANDTHS: Final = 100_000

_log = logging.getLogger(__name__)


class Account(NamedTuple):
    """What Twilio knows of a message. ``amount`` in hundred-thousandths of ``currency``, None: not known yet."""

    status: str
    code: str | None
    text: str
    amount: int | None
    currency: str
    segments: int | None
    raw: Mapping[str, Any]


async def ask(client: Client, sid: str) -> Account:
    """Ask about one message. Raises SendError."""
    try:
        one = await client.messages(sid).fetch_async()
    except Exception as error:
        raise twilio_error(error) from error
    segments = str(one.num_segments or "")
    code = None if one.error_code is None else str(one.error_code)
    raw = {
        "MessageSid": sid,
        "MessageStatus": str(one.status),
        "ErrorCode": code,
        "Price": one.price,
        "PriceUnit": one.price_unit,
        "NumSegments": one.num_segments,
    }
    return Account(
        status=str(one.status),
        code=code,
        text=str(one.error_message or ""),
        amount=_amount(one.price),
        currency=str(one.price_unit or ""),
        segments=int(segments) if segments.isascii() and segments.isdigit() else None,
        raw={name: value for name, value in raw.items() if value is not None},
    )


def _amount(price: Any) -> int | None:
    """Twilio writes what it charged as a negative decimal: ``-0.00750``."""
    if price is None:
        return None
    try:
        return round(-Decimal(str(price)) * HUNDRED_THOUSANDTHS)
    except InvalidOperation:
        return None


@dataclass(frozen=True, slots=True)
class Place:
    """How far a night's work has come: the business, the beginning of the day that is read, and the last message there."""

    business: str
    since: Millis
    due_at: Millis | None = None
    id: str = ""

    def __str__(self) -> str:
        return json.dumps([self.business, self.since, self.due_at, self.id])

    @classmethod
    def read(cls, text: str) -> Place:
        """A place from its text."""
        return cls(*json.loads(text))

    @property
    def after(self) -> tuple[Millis, str] | None:
        """The last message that was looked at on this day."""
        return None if self.due_at is None else (self.due_at, self.id)


class Reconciliation:
    """The task. ``channels``: those of Twilio; ``heard`` is given Twilio's word; ``chance`` gives numbers in [0, 1)."""

    def __init__(
        self,
        desk: Desk,
        client: Client,
        channels: Mapping[str, Channel],
        heard: Heard,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._desk, self._client, self._channels, self._heard, self._chance = desk, client, channels, heard, chance

    async def run(self, task: Task) -> Task:
        """One part; answers with the task as it goes on: at once, later where Twilio is out of reach, or next night."""
        now = self._desk.now()
        if task.cursor is None and not task.params.get("night"):
            return self._next_night(task)
        place = Place.read(task.cursor) if task.cursor else await self._next_business("")
        until, asked = self._desk.store.clock() + PART_LASTS, 0
        for _ in range(PAGES):
            if place is None:
                return self._next_night(task)
            if asked >= PART or self._desk.store.clock() >= until:
                break
            rows = await self._page(place)
            try:
                asked += await self._look_at(rows)
            except SendError as error:
                _log.warning("Twilio was asked what became of messages, and said %s", error.code)
                return replace(task, cursor=str(place), next_at=now + AGAIN)
            place = await self._onward(place, rows)
        return self._next_night(task) if place is None else replace(task, cursor=str(place), next_at=now + BREATH)

    def _next_night(self, task: Task) -> Task:
        tomorrow = (self._desk.now() // DAY + 1) * DAY
        start, width = NIGHT
        return replace(
            task, cursor=None, params={"night": True}, next_at=tomorrow + start + round(width * self._chance())
        )

    async def _next_business(self, before: str) -> Place | None:
        order = ("business", "id")
        found = await self._desk.store.find(Business, {}, order=order, after=(before, before), limit=1)
        return Place(found[0].id, self._desk.now() - OLDEST) if found else None

    async def _page(self, place: Place) -> list[Message]:
        """The next messages of one day that a provider has taken, whatever is known of them."""
        until = min(place.since + DAY, self._desk.now() - YOUNGEST)
        where = {
            "business": place.business,
            "due_at": Range(place.since, until),
            "channel": OneOf(tuple(sorted(self._channels))),
            "status": ON_THE_WIRE,
        }
        return await self._desk.store.find(Message, where, order=("due_at", "id"), after=place.after, limit=PAGE)

    async def _onward(self, place: Place, rows: Sequence[Message]) -> Place | None:
        if len(rows) == PAGE:
            return replace(place, due_at=rows[-1].due_at, id=rows[-1].id)
        if place.since + DAY < self._desk.now() - YOUNGEST:
            return Place(place.business, place.since + DAY)
        return await self._next_business(place.business)

    async def _look_at(self, rows: Sequence[Message]) -> int:
        """Ask about those of a page that something is not known of; how many those were. Raises SendError."""
        costs = await self._desk.store.get_many(Cost, [(row.business, row.id) for row in rows])
        priced = {id for _, id in costs}
        recent = self._desk.now() - PRICED
        asked = 0
        for row in rows:
            heard_of = max(row.due_at, row.sent_at or 0, row.delivered_at or 0)
            if row.status in OPEN or (row.id not in priced and heard_of >= recent):
                asked += await self._settle(row, row.id in priced)
        return asked

    async def _settle(self, row: Message, priced: bool) -> bool:
        """Whether Twilio was asked about a message; then its word is taken, and its price stored."""
        sid = row.provider_id or await self._found(row)
        if sid is None or not SID.fullmatch(sid):
            return False
        try:
            account = await ask(self._client, sid)
        except SendError as error:
            if error.code != GONE:
                raise
            return True
        if row.status in OPEN:
            verdict = twilio_verdict(account.status, account.code, account.text)
            await self._heard(StatusWord(row.id, sid, verdict, account.raw))
        if not priced and account.amount is not None:
            cost = Cost(
                business=row.business,
                id=row.id,
                channel=row.channel or "",
                day=row.day,
                due_at=row.due_at,
                amount=account.amount,
                currency=account.currency,
                segments=account.segments,
            )
            await self._desk.store.commit(Changes(puts=(Put(cost),)))
        return True

    async def _found(self, row: Message) -> str | None:
        """The sid of a message of which no answer ever came, by whom it went to, when, and what it says."""
        channel = self._channels.get(row.channel or "")
        return await channel.look_up(row) if row.status == "unknown" and isinstance(channel, Findable) else None
