"""What a mailing brought: who was reached, booked and came, against those who were held out and got nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Final

from handlers.campaigns import KIND, parts
from handlers.durations import DAY
from handlers.retention import Rate, wilson
from handlers.settings import in_force
from handlers.statistics import BEST_FIRST, Word, reported
from handlers.turn import Desk
from storage.campaigns import member_id
from storage.records import BonusEntry, Booking, Business, Campaign, CampaignMember, Message, Millis
from storage.store import OneOf, Range

WITHIN: Final[Millis] = 60 * DAY
"""What clients do later than this after they were chosen is no longer counted."""


@dataclass(slots=True)
class Outcome:
    """What the clients of one part did. ``revenue``: hundredths of the business's currency."""

    clients: int = 0
    booked: int = 0
    came: int = 0
    revenue: int = 0

    @property
    def rate(self) -> Rate:
        """The share that came."""
        return wilson(self.came, self.clients)


@dataclass(frozen=True, slots=True)
class Difference:
    """How many percentage points more came of those who were written to, with a 95 % interval."""

    points: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a mailing so far. ``words``: the messages in the owner's five words; ``left_out``: reasons."""

    words: Mapping[Word, int]
    read: int
    message: Outcome
    holdout: Outcome
    left_out: Mapping[str, int]
    bonus_spent: int
    """Of the points that the mailing gave, at most so many were spent."""

    @property
    def difference(self) -> Difference:
        """By R. Newcombe's method (1998) for two independent shares."""
        one, other = self.message.rate, self.holdout.rate
        points = one.percent - other.percent
        low = points - sqrt((one.percent - one.low) ** 2 + (other.high - other.percent) ** 2)
        high = points + sqrt((one.high - one.percent) ** 2 + (other.percent - other.low) ** 2)
        return Difference(round(points, 1), round(max(low, -100.0), 1), round(min(high, 100.0), 1))


async def result_of(desk: Desk, business: Business, campaign: Campaign) -> Result:
    """Count what became of a mailing until now."""
    words: Counter[Word] = Counter()
    outcomes = {"message": Outcome(), "holdout": Outcome()}
    left_out: Counter[str] = Counter()
    read = spent = 0
    for part in ("message", "holdout", "left_out"):
        async for members in parts(desk, campaign, part):
            if part == "left_out":
                left_out.update(member.reason or "" for member in members)
                continue
            await _add(desk, business, outcomes[part], members)
            if part == "message":
                seen, told = await _messages(desk, business, members)
                read += seen
                words.update(told)
                spent += await _spent(desk, campaign, members) if campaign.bonus else 0
    return Result(words, read, outcomes["message"], outcomes["holdout"], dict(left_out.most_common()), spent)


async def _add(desk: Desk, business: Business, outcome: Outcome, members: Sequence[CampaignMember]) -> None:
    since = {member.client: member.at for member in members if member.client is not None}
    outcome.clients += len(members)
    where = {"business": business.id, "client": OneOf(tuple(since)), "starts_at": Range(min(since.values(), default=0))}
    fields = ("client", "status", "starts_at", "created_at", "price", "currency")
    booked, came = set[str](), set[str]()
    for client, status, starts_at, created_at, price, currency in await desk.store.rows(Booking, where, fields):
        at = since[client]
        if at <= created_at < at + WITHIN and status not in ("cancelled", "no_show"):
            booked.add(client)
        if status == "arrived" and at <= starts_at < at + WITHIN:
            came.add(client)
            outcome.revenue += price if price is not None and currency == business.currency else 0
    outcome.booked += len(booked)
    outcome.came += len(came)


async def _messages(desk: Desk, business: Business, members: Sequence[CampaignMember]) -> tuple[int, Counter[Word]]:
    """How many were read, and the notices in the owner's words, each by its best hop."""
    firsts = tuple(member.message for member in members if member.message is not None)
    first_rows = (await desk.store.get_many(Message, [(business.id, id) for id in firsts])).values()
    hops = await desk.store.find(
        Message, {"fallback_of": OneOf(firsts)}, order=("fallback_of",), limit=5 * len(firsts) + 1
    )
    limit = in_force(business, None).undelivered_after
    best: dict[str, Word | None] = {}
    read = set[str]()
    for row in (*first_rows, *hops):
        root, word = row.fallback_of or row.id, reported(row, desk.now(), limit)
        if root not in best or BEST_FIRST.index(word) < BEST_FIRST.index(best[root]):
            best[root] = word
        if row.status == "read":
            read.add(root)
    return len(read), Counter(word for word in best.values() if word is not None)


async def _spent(desk: Desk, campaign: Campaign, members: Sequence[CampaignMember]) -> int:
    """How much of the gifts is no longer there because it was used."""
    ids = [
        (campaign.business, f"{member_id(KIND, campaign.id)}~{member.client}") for member in members if member.client
    ]
    gifts = (await desk.store.get_many(BonusEntry, ids)).values()
    now = desk.now()
    return sum(gift.amount - gift.remaining for gift in gifts if gift.expires_at is None or gift.expires_at > now)
