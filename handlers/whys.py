"""Why clients don't come: one tap where a visit was cancelled, and once a year under a mailing to those who stay away.

The answers are counted and nothing else: the owner sees numbers from :data:`ENOUGH` answers up, and never whose they are.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal, get_args

from handlers import formats
from handlers.durations import DAY
from handlers.replies import answer
from handlers.settings import place
from handlers.turn import Desk, Turn
from storage.records import (
    Booking,
    Business,
    Campaign,
    CampaignMember,
    Choice,
    Client,
    Master,
    Message,
    Millis,
    Salon,
    Why,
    WhyReason,
)
from storage.store import Changes, OneOf

GroupBy = Literal["salon", "master"]

REASONS: Final[tuple[WhyReason, ...]] = get_args(WhyReason)
VERBS: Final[Mapping[str, WhyReason]] = {f"why_{reason}": reason for reason in REASONS}
CHOICES: Final = tuple(Choice(verb) for verb in VERBS)
ENOUGH: Final = 5
"""Fewer answers than these are shown to nobody: somebody might be recognised by them."""
ASKED_AGAIN: Final[Millis] = 365 * DAY
"""Who stays away is asked no sooner than this after the last time."""
NAMED: Final[Mapping[GroupBy, type[Any]]] = {"salon": Salon, "master": Master}


@dataclass(frozen=True, slots=True)
class Tally:
    """How many answers, and how many for each reason (every one is named)."""

    answers: int
    reasons: Mapping[WhyReason, int]


@dataclass(frozen=True, slots=True)
class Group:
    """The answers about one salon or master. ``key`` is None where a visit names none, ``name`` where a key has none."""

    key: str | None
    name: str | None
    tally: Tally


@dataclass(frozen=True, slots=True)
class Whys:
    """What clients answered. ``total`` is None below :data:`ENOUGH` answers, and smaller groups are left out."""

    total: Tally | None
    groups: tuple[Group, ...]


def asks_why(message: Message) -> bool:
    """Whether a message asks for the reason."""
    return any(choice.verb in VERBS for choice in message.choices)


async def answered(desk: Desk, turn: Turn, row: Message, choice: Choice, *, pressed: bool) -> Changes:
    """Count a choice of :data:`VERBS` under ``row``, once, and say thank you."""
    business = await desk.store.get(Business, row.business, row.business)
    booking = await desk.store.get(Booking, row.business, row.booking or "")
    said = answer(
        turn,
        "why_thanks",
        business=row.business,
        now=desk.now(),
        client=row.client,
        booking=booking,
        edits=row.id if pressed and row.kind == "visit_declined" else None,
        choices=(Choice("book"),),
    )
    if business is None:
        return Changes(inserts=(said,))
    salon = await desk.store.get(Salon, row.business, (booking.salon if booking else row.salon) or "")
    told = Why(
        business=row.business,
        id=hashlib.sha256(f"why~{row.id}".encode()).hexdigest(),
        salon=salon.id if salon else None,
        master=booking.master if booking else row.master,
        reason=VERBS[choice.verb],
        month=formats.local(desk.now(), place(business, salon).zone).strftime("%Y-%m"),
    )
    return Changes(inserts=(said, told))


def wins_back(campaign: Campaign) -> bool:
    """Whether a mailing is for those who stay away: the lost of a report, or whose last visit is long ago."""
    last = campaign.audience.get("last_visit") or {}
    return bool(campaign.audience.get("lost") or last.get("to"))


async def to_ask(desk: Desk, campaign: Campaign, client: Client) -> tuple[Choice, ...]:
    """The choices to put under a mailing's message: :data:`CHOICES` where it wins back and no other did so of late."""
    if not wins_back(campaign):
        return ()
    where = {"business": client.business, "client": client.id}
    members = await desk.store.find(CampaignMember, where, order=("client", "id"))
    since = desk.now() - ASKED_AGAIN
    others = {one.campaign for one in members if one.message and one.at > since} - {campaign.id}
    asked = await desk.store.get_many(Campaign, [(client.business, id) for id in others])
    return () if any(wins_back(one) for one in asked.values()) else CHOICES


async def whys(desk: Desk, business: Business, months: Sequence[date], group_by: GroupBy | None) -> Whys:
    """The answers of ``months`` (their first days), the most frequent groups first."""
    where = {"business": business.id, "month": OneOf(tuple(f"{month:%Y-%m}" for month in months))}
    counted = await desk.store.count(Why, where, ("reason", group_by) if group_by else ("reason",))
    every: Counter[WhyReason] = Counter()
    apart: dict[str | None, Counter[WhyReason]] = {}
    for values, number in counted.items():
        every[values[0]] += number
        if group_by:
            apart.setdefault(values[1], Counter())[values[0]] += number
    shown = _shown(apart)
    names = {}
    if group_by:
        found = await desk.store.get_many(NAMED[group_by], [(business.id, key) for key in shown if key])
        names = {id: one.name for (_, id), one in found.items()}
    groups = tuple(Group(key, names.get(key or ""), _tally(apart[key])) for key in shown)
    return Whys(_tally(every) if every.total() >= ENOUGH else None, groups)


def _shown(apart: Mapping[str | None, Counter[WhyReason]]) -> list[str | None]:
    """The groups large enough, unless what the whole holds beyond them would be too small: it could be reckoned."""
    keys = sorted(apart, key=lambda key: (-apart[key].total(), key is None, key or ""))
    shown = [key for key in keys if apart[key].total() >= ENOUGH]
    hidden = sum(apart[key].total() for key in keys[len(shown) :])
    while shown and 0 < hidden < ENOUGH:
        hidden += apart[shown.pop()].total()
    return shown


def _tally(counted: Counter[WhyReason]) -> Tally:
    return Tally(counted.total(), {reason: counted[reason] for reason in REASONS})
