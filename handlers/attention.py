"""A client's attention: whether an offer may be made to this person now, and if not, why, and until when.

An offer is every message that needs the client's consent to advertising: birthday gifts, news of bonus points, invitations,
mailings. Whoever plans one asks :func:`handlers.offers.may_advertise`, which stands on what is here; the moment it goes, the
outbox asks :func:`barred` and :func:`crowded` again, with what is true then.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from handlers.durations import DAY, HOUR, MINUTE
from handlers.reach import Way, lawful, ways
from handlers.reasons import Reason
from handlers.settings import Settings
from storage.records import MAILING_LANE, WAITING, Address, Client, Message, Millis
from storage.store import OneOf, Range

RANK: Final = ("bonus_birthday", "bonus_expiring", "rebook_invitation", "bonus_accrued", "campaign")
"""Kinds of offers, the most useful to the client first: of several that are due together that one goes."""
TELLS_BALANCE: Final = frozenset({"bonus_birthday", "bonus_expiring", "rebook_invitation"})
"""Offers that say how many points there are: news of points that waits beside one of them is told by it."""
UNLESS_BOOKED: Final = "unless_booked"
"""Parameter of an offer that makes no sense to somebody who has booked."""
WEEK: Final[Millis] = 7 * DAY
TOGETHER: Final[Millis] = 3 * HOUR
"""Offers due within this are due together: the second one waits so long after the first."""
LOOK_AGAIN: Final[Millis] = 15 * MINUTE
"""A more useful offer is about to go: whether it did is seen then."""
LONGEST_LIFE: Final[Millis] = WEEK + 4 * DAY
"""No offer that went within the last week was due longer ago: a mailing waits for three days, and for its morning."""


class Verdict(NamedTuple):
    """``reason`` None: the offer may be made. ``until``: it may be later, from then on."""

    reason: Reason | None = None
    until: Millis | None = None


FREE: Final = Verdict()


def barred(kind: str, client: Client | None, settings: Settings, *, ahead: bool = False) -> Reason | None:
    """Why this client gets no offer of this kind at all as things stand; None: nothing stands against it.

    ``ahead``: the offer makes no sense to somebody who has a visit ahead, and the client has one.
    """
    if client is None:
        return "no_client"
    if client.silent:
        return "opted_out"
    known = settings.kinds.get(kind)
    if known is not None and not known.enabled:
        return "switched_off"
    if client.marketing_consent is not True:
        return "no_consent"
    return "has_booking" if ahead else None


def asks_for_nothing_booked(kind: str, params: object) -> bool:
    """Whether an offer makes no sense to somebody who has a visit ahead."""
    return kind == "rebook_invitation" or (isinstance(params, dict) and bool(params.get(UNLESS_BOOKED)))


def crowded(message: Message, others: Iterable[Message], settings: Settings, now: Millis) -> Verdict:
    """Whether other offers to the same client leave room for ``message`` now.

    ``others`` are those that went of late or are due (:func:`offers_where`); hops of ``message`` itself don't count.
    """
    strange = [row for row in others if _root(row) != _root(message)]
    went = sorted({_root(row): _when(row) for row in strange if row.status not in WAITING}.values())
    week = [moment for moment in went if moment > now - WEEK]
    rivals = [row for row in strange if _rivals(row, now) and _precedes(row, message)]
    told = [row for row in strange if row.kind in TELLS_BALANCE and (row in rivals or _told_since(row, message))]
    if message.kind == "bonus_accrued" and told:
        return Verdict("grouped")
    if settings.weekly_limit is not None and len(week) >= settings.weekly_limit:
        return Verdict("weekly_limit", week[-settings.weekly_limit] + WEEK)
    if week and week[-1] > now - TOGETHER:
        return Verdict("better_offer", week[-1] + TOGETHER)
    return Verdict("better_offer", now + LOOK_AGAIN) if rivals else FREE


def _root(row: Message) -> str:
    return row.fallback_of or row.id


def _when(row: Message) -> Millis:
    return row.sent_at if row.sent_at is not None else row.due_at


def _rivals(row: Message, now: Millis) -> bool:
    return row.status in WAITING and not row.held and row.next_at <= now


def _precedes(row: Message, message: Message) -> bool:
    return (_rank(row.kind), row.due_at, row.id) < (_rank(message.kind), message.due_at, message.id)


def _rank(kind: str) -> int:
    return RANK.index(kind) if kind in RANK else len(RANK)


def _told_since(row: Message, news: Message) -> bool:
    return row.status not in WAITING and _when(row) >= news.created_at


def offers_where(businesses: Sequence[str], clients: Sequence[str], now: Millis) -> dict[str, object]:
    """Which rows are offers to these clients that went of late, are on their way, or are due."""
    return {
        "business": OneOf(tuple(businesses)),
        "client": OneOf(tuple(clients)),
        "due_at": Range(now - LONGEST_LIFE, now + 1),
        "lane": MAILING_LANE,
        "status": OneOf((*WAITING, "sending", "sent", "delivered", "read", "unknown")),
    }


def ahead_where(businesses: Sequence[str], clients: Sequence[str], now: Millis) -> dict[str, object]:
    """Which bookings of these clients are visits ahead."""
    return {
        "business": OneOf(tuple(businesses)),
        "client": OneOf(tuple(clients)),
        "starts_at": Range(now, None),
        "status": OneOf(("booked", "confirmed")),
    }


def way_of(open_ways: Sequence[Way]) -> Way | Reason:
    """The first way on which the law lets an offer go, or why there is none."""
    for way in open_ways:
        if lawful(MAILING_LANE, way):
            return way
    return "law" if open_ways else "no_channel"


def ways_for(
    kind: str, client: Client, addresses: Sequence[Address], settings: Settings, channels: frozenset[str], now: Millis
) -> list[Way]:
    """Every way on which an offer of ``kind`` may reach ``client``, in the order of the settings."""
    return ways(client, addresses, settings.channels_for(kind, client.phone), channels, now)
