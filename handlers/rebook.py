"""The invitation to come again: when a client is asked, and for which visit. One for each visit, of the last one alone.

A visit that took place is followed by the client's own rhythm where that is steady (:func:`rhythm`), else by the shortest
interval of its services. One that the client missed is followed by one invitation to another time, the next day. Whoever
has booked is not invited: the row stays, skipped, and is planned again should the booking be cancelled.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from statistics import median
from typing import Any, Final, NamedTuple

from handlers import durations
from handlers.attention import barred, way_of, ways_for
from handlers.durations import DAY, local_day, moment_of
from handlers.keys import encoded
from handlers.offers import offer_row
from handlers.reach import Way
from handlers.reasons import Reason
from handlers.replan import addresses_of
from handlers.settings import Place, Settings, in_force, place
from handlers.timing import rings_at
from handlers.turn import Desk
from storage.records import (
    WAITING,
    Booking,
    Business,
    Choice,
    Client,
    Message,
    Millis,
    Salon,
    Service,
    Unwanted,
)
from storage.store import Changes, OneOf, Patch

KIND: Final = "rebook_invitation"
LASTS: Final[Millis] = DAY
ENDED: Final = ("arrived", "no_show")
AHEAD: Final = ("booked", "confirmed")
LOOKED_AT: Final = 60
"""Visits of a client that are looked through, the newest first."""
ROWS: Final = 100
ENOUGH: Final = 3
"""Visits from which on a client can have a rhythm."""
REMEMBERED: Final = 6
"""Intervals between visits that a rhythm is read from, the newest."""
SHORTEST, LONGEST = 7, 400
"""Days between visits that can be a rhythm: closer ones are a course of treatment."""
MISSED_FOR: Final[Millis] = 7 * DAY
"""Whoever is marked as not come later than this is not asked about it any more."""
CHOICES: Final = tuple(Choice(verb) for verb in ("book", "rebook_not_now", "rebook_later", "rebook_never"))
LAST_WORDS: Final[tuple[Reason, ...]] = ("by_staff", "erased")
MOVES: Final = ("status", "reason", "salon", "master", "day", "channel", "address", "revision", "due_at", "next_at")
"""What a row that was never on the wire takes over when it is planned anew; ``not_after`` and ``choices`` too."""


class Invitation(NamedTuple):
    """An invitation as it should be: when, until when, and why not (None: it should)."""

    due: Millis
    not_after: Millis
    reason: Reason | None


def rhythm(days: Iterable[date]) -> int | None:
    """In how many days a client comes again, by the days of earlier visits; None where no rhythm is steady.

    Of the last six intervals the median counts, if there are two at least, if it is from a week to thirteen months, and if
    three quarters of them differ from it by no more than a fifth, or three days. So one holiday breaks no rhythm, and two
    interlaced ones (nails and hair) make none.
    """
    known = sorted(set(days))
    if len(known) < ENOUGH:
        return None
    gaps = [(later - earlier).days for earlier, later in pairwise(known)][-REMEMBERED:]
    middle = median(gaps)
    near = sum(abs(gap - middle) <= max(3, middle / 5) for gap in gaps)
    return round(middle) if SHORTEST <= middle <= LONGEST and near * 4 >= len(gaps) * 3 else None


def invitation(
    visit: Booking,
    came: Sequence[date],
    services: Sequence[Service],
    settings: Settings,
    here: Place,
    now: Millis,
) -> Invitation | None:
    """When the client of ``visit`` is invited again; None where nothing says when.

    ``came`` are the days of all visits that took place, ``services`` those of this one that the client may be asked about.
    """
    day = _day(visit, came, services, here, now)
    if day is None:
        return None
    at = moment_of(day, settings.kinds[KIND].at, here.zone)
    due = rings_at(KIND, None, at, settings.quiet_hours, here.zone)
    late = now >= due + LASTS or (visit.status == "no_show" and now > visit.starts_at + MISSED_FOR)
    return Invitation(due, due + LASTS, "too_late" if late else None)


def _day(visit: Booking, came: Sequence[date], services: Sequence[Service], here: Place, now: Millis) -> date | None:
    if visit.status == "no_show":
        return local_day(max(visit.starts_at, min(now, visit.updated_at)), here.zone) + timedelta(days=1)
    own = rhythm(came)
    if own is not None:
        return local_day(visit.starts_at, here.zone) + timedelta(days=own)
    intervals = [durations.parse(one.rebook_after, months=True) for one in services if one.rebook_after]
    shortest = min(intervals, key=durations.length, default=None)
    return None if shortest is None else local_day(durations.after(visit.starts_at, shortest, here.zone), here.zone)


async def replanned(desk: Desk, business: Business, client: Client, changed: Booking | None = None) -> Changes:
    """What must change so that ``client`` is invited as things stand, once ``changed`` is stored."""
    rows = await desk.store.find(
        Message,
        {"business": business.id, "client": client.id, "kind": KIND},
        order=("-due_at", "-id"),
        limit=ROWS,
    )
    if not rows and (changed is None or changed.status not in ENDED or changed.first_seen_at >= changed.starts_at):
        return Changes()
    visits = await _visits(desk, client, changed)
    last = next((visit for visit in visits if visit.status in ENDED), None)
    salon = await desk.store.get(Salon, business.id, last.salon) if last is not None else None
    settings = in_force(business, salon)
    if last is None or not _counts(last, settings):
        return _ended(rows, None, visits)
    wanted = await _wanted(desk, business, salon, client, last, visits)
    return _ended(rows, last, visits) + (_planned(rows, wanted, last, desk.now()) if wanted is not None else Changes())


async def _visits(desk: Desk, client: Client, changed: Booking | None) -> list[Booking]:
    """The client's visits as they will be, the newest first."""
    stored = await desk.store.find(
        Booking,
        {"business": client.business, "client": client.id},
        order=("-starts_at", "-id"),
        limit=LOOKED_AT,
    )
    if changed is None:
        return stored
    others = [visit for visit in stored if visit.id != changed.id]
    mine = [changed] if changed.client == client.id else []
    return sorted((*others, *mine), key=lambda visit: (visit.starts_at, visit.id), reverse=True)


def _counts(visit: Booking, settings: Settings) -> bool:
    """Whether this visit is followed by anything: an import, or what was before the start of messages, is not."""
    return visit.first_seen_at < visit.starts_at and visit.created_at >= settings.enabled_since


async def _wanted(
    desk: Desk, business: Business, salon: Salon | None, client: Client, last: Booking, visits: Sequence[Booking]
) -> Message | None:
    """The invitation after ``last``, as it should be stored."""
    settings, here, now = in_force(business, salon), place(business, salon), desk.now()
    refused = await desk.store.find(Unwanted, {"business": business.id, "client": client.id}, limit=ROWS)
    names = [id for id in last.services if id not in {row.service for row in refused}]
    found = await desk.store.get_many(Service, [(business.id, id) for id in names])
    came = [local_day(visit.starts_at, here.zone) for visit in visits if visit.status == "arrived"]
    invited = invitation(last, came, list(found.values()), settings, here, now)
    unwanted = bool(last.services) and not names
    if invited is None and not unwanted:
        return None
    due, not_after, late = invited or Invitation(now, now + LASTS, "unwanted")
    ahead = any(visit.status in AHEAD and visit.starts_at > now for visit in visits)
    why = barred(KIND, client, settings, ahead=ahead) or ("unwanted" if unwanted else late)
    way = way_of(ways_for(KIND, client, await addresses_of(desk, client), settings, desk.channels, now))
    return offer_row(
        desk,
        business,
        salon,
        client,
        KIND,
        key=key_of(last.id, client.id),
        due=due,
        not_after=not_after,
        way=why or (way if isinstance(way, Way) else None),
        choices=CHOICES,
        booking=last,
    )


def key_of(booking: str, client: str, again: str = "") -> str:
    """The key of the invitation after a visit; ``again``: of the one that the client asked for when that one came."""
    later = f":{again}" if again else ""
    return f"booking:{encoded(booking)}:{KIND}{later}:client:{encoded(client)}:0"


def _ended(rows: Sequence[Message], last: Booking | None, visits: Sequence[Booking]) -> Changes:
    """Invitations after other visits than the last one wait no longer."""
    stand = {visit.id: visit.status for visit in visits}
    patches = []
    for row in rows:
        if row.status in WAITING and row.booking != (last and last.id):
            came = stand.get(row.booking or "") in ENDED
            patches.append(_patch(row, {"status": "cancelled", "reason": "superseded" if came else "not_arrived"}))
    return Changes(patches=tuple(patches))


def _planned(rows: Sequence[Message], wanted: Message, last: Booking, now: Millis) -> Changes:
    """The rows about ``last`` as they should be now."""
    mine = [row for row in rows if row.booking == last.id]
    changes = Changes() if any(row.key == wanted.key for row in mine) else Changes(inserts=(wanted,))
    for row in mine:
        fresh = wanted if row.key == wanted.key else _moved(wanted, row, now)
        changes += Changes(patches=tuple(_kept(row, fresh, now)))
    return changes


def _moved(wanted: Message, row: Message, now: Millis) -> Message:
    """What the invitation would be at the time for which the client asked for one."""
    reason = None if wanted.reason == "too_late" and now < row.not_after else wanted.reason
    when = {name: getattr(row, name) for name in ("due_at", "next_at", "not_after", "day")}
    return replace(wanted, status="skipped" if reason else "planned", reason=reason, **when)


def _kept(row: Message, fresh: Message, now: Millis) -> list[Patch]:
    if row.status in WAITING:
        if fresh.reason not in (None, "too_late"):
            return [_patch(row, {"status": "cancelled", "reason": fresh.reason})]
        if row.status == "planned" and not row.attempts and row.due_at != fresh.due_at and fresh.reason is None:
            return [_taken_over(row, fresh)]
        return []
    never_went = row.status in ("skipped", "cancelled") and not row.attempts and row.reason not in LAST_WORDS
    if never_went and fresh.reason is None and now < fresh.not_after and row.hop == 0:
        return [_taken_over(row, fresh)]
    if never_went and fresh.reason is not None and fresh.reason != row.reason:
        return [Patch(Message, row.business, row.id, {"reason": fresh.reason}, {"status": row.status}, must=False)]
    return []


def _taken_over(row: Message, fresh: Message) -> Patch:
    fields: dict[str, Any] = {name: getattr(fresh, name) for name in (*MOVES, "not_after", "choices")}
    return Patch(Message, row.business, row.id, fields, {"status": row.status, "attempts": 0})


def _patch(row: Message, fields: Mapping[str, Any]) -> Patch:
    gone = {**fields, "token": None, "lease_until": None, "held": False}
    return Patch(Message, row.business, row.id, gone, {"status": OneOf(WAITING)})
