"""Calls about bonus points: entering them in a client's ledger, and reading it."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field, WithJsonSchema
from typing_extensions import TypedDict

from bot.api.fields import Id, Instant, QueryInt, fault
from bot.api.paging import decode, encode
from bot.api.problems import Problem, invalid
from bot.api.requests import MOST_IN_LIST, Body, NoQuery, Page
from bot.api.serving import Answer, Call, Route, found
from bot.api.shapes import Moment, utc, when
from handlers import bonuses
from handlers.bonuses import Clash, Points
from handlers.ledger import whole
from storage.records import BonusEntry, BonusReason, Client

TAG: Final = "Bonus points"
ORDER: Final = ("at", "id")
_POINTS: Final = re.compile(r"-?[0-9]{1,9}(\.[0-9]{1,9})?")
GOES: Final = ("redemption", "expiry")
"""Reasons for which points go."""


def _points(value: str) -> str:
    if not _POINTS.fullmatch(value):
        raise fault('must be text like "21"')
    return value


Amount = Annotated[
    str,
    AfterValidator(_points),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": f"^{_POINTS.pattern}$",
            "description": "Points, rounded half up to whole ones. Above zero; a correction may carry a sign.",
            "examples": ["21"],
        }
    ),
]


class BonusIn(Body):
    """One entry of the ledger. The same again changes nothing."""

    id: Id
    amount: Amount
    reason: Literal["accrual", "birthday", "gift", "redemption", "correction"]
    expires_at: Instant | None = Field(
        None, description="From when on the points can't be spent any more; left out: as the settings say."
    )
    announce: bool = Field(True, description="The client hears of it, if the client agreed to offers.")


class BonusesQuery(Page):
    """Which part of the ledger."""

    limit: QueryInt = Field(MOST_IN_LIST, ge=1, le=MOST_IN_LIST)


class BonusEntryOut(TypedDict):
    """An entry of the ledger. ``change`` is what it does to the balance, with its sign; ``remaining`` is how many of its
    points are neither spent nor expired."""

    id: str
    amount: str
    reason: BonusReason
    change: int
    booking: str | None
    at: Moment
    expires_at: Moment | None
    remaining: int
    announce: bool


class BonusMadeOut(BonusEntryOut):
    """The entry, and the balance after it."""

    balance: str


class BonusesOut(TypedDict):
    """The balance now, and a part of the ledger, the oldest entry first. ``next``: the cursor of the next part."""

    balance: str
    entries: list[BonusEntryOut]
    next: str | None


def entry_out(entry: BonusEntry) -> BonusEntryOut:
    """The JSON of an entry; only a correction's amount carries a sign."""
    return {
        "id": entry.id,
        "amount": str(entry.amount if entry.reason == "correction" else abs(entry.amount)),
        "reason": entry.reason,
        "change": entry.amount,
        "booking": entry.booking,
        "at": utc(entry.at),
        "expires_at": when(entry.expires_at),
        "remaining": entry.remaining,
        "announce": entry.announce,
    }


async def post_bonus(call: Call[BonusIn, NoQuery]) -> Answer:
    """Enter points in the ledger."""
    client = found(await call.desk.store.get(Client, call.business.id, call.id))
    try:
        made = await bonuses.post(call.desk, call.business, client, _wanted(call.body))
    except Clash:
        raise Problem("conflict", f"There is an entry {call.body.id} already, and it says something else.") from None
    return Answer(201 if made.new else 200, {**entry_out(made.entry), "balance": str(made.balance)})


def _wanted(body: BonusIn) -> Points:
    amount = Decimal(body.amount)
    if amount < 0 and body.reason != "correction":
        raise invalid([("/amount", "must be above zero: only a correction carries a sign")])
    points = whole(amount)
    if points == 0:
        raise invalid([("/amount", "comes to no whole point")])
    points = -points if body.reason in GOES else points
    if points < 0 and body.expires_at is not None:
        raise invalid([("/expires_at", "is for points that come")])
    return Points(id=body.id, amount=points, reason=body.reason, expires_at=body.expires_at, announce=body.announce)


async def get_bonuses(call: Call[None, BonusesQuery]) -> Answer:
    """The balance and the ledger of a client."""
    found(await call.desk.store.get(Client, call.business.id, call.id))
    after: Any = decode(call.query.cursor, ORDER) if call.query.cursor is not None else None
    told = await bonuses.statement(call.desk, call.business.id, call.id, after, call.query.limit)
    return Answer(
        200,
        {
            "balance": str(told.balance),
            "entries": [entry_out(entry) for entry in told.entries],
            "next": encode(told.entries[-1], ORDER) if told.more else None,
        },
    )


EXAMPLE: Final[dict[str, Any]] = {"id": "visit-4711", "amount": "21", "reason": "accrual", "announce": True}
ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="POST",
        path="/clients/{id}/bonuses",
        do=post_bonus,
        tag=TAG,
        summary="Enter points in a client's ledger",
        note="Once for each id: the same again is answered 200 with what is stored, the same id with other content 409. "
        "Points are whole, one is worth one unit of the salon's money. Those that expire first are spent first. Below "
        "zero: 422.",
        body=BonusIn,
        answers={200: BonusMadeOut, 201: BonusMadeOut},
        may=("conflict",),
        shows=EXAMPLE,
    ),
    Route(
        method="GET",
        path="/clients/{id}/bonuses",
        do=get_bonuses,
        tag=TAG,
        summary="A client's points: the balance, and the ledger by time",
        query=BonusesQuery,
        answers={200: BonusesOut},
    ),
)
