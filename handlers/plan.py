"""The plan of a booking: every message that its client should get, and for every other one the reason why not.

Pure: the same case gives the same plan, whatever has been sent. :mod:`handlers.reconcile` holds it against stored rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from handlers import durations, plan_after
from handlers.durations import DAY, HOUR, Duration
from handlers.keys import booking_key
from handlers.reach import Way, ways
from handlers.reasons import Reason
from handlers.settings import Place, Settings
from handlers.timing import Slot, reminder_slots, rings_at
from storage.records import SERVICE_LANE, Address, Booking, Choice, Client, Message, MessageStatus, Millis, new_id

PLANNED_KINDS: Final = ("booking_created", "booking_changed", "booking_cancelled", "reminder", plan_after.REVIEW)
"""The kinds that the plan owns."""
WEAK: Final[tuple[Reason, ...]] = ("too_late", "superseded")
"""Reasons of time alone: they keep a message from being planned, and never take back one that is."""
FRESH: Final = DAY
"""A notice that could not go for this long is no longer news: it is not planned any more."""
ON_THE_WAY: Final = 3 * HOUR
"""The last reminder of a visit offers to say that one is late, if it comes no earlier before the start than this."""
OWN_SWITCHES: Final = {"booking_created": "created", "reminder": "reminders", "review_request": "review"}
"""Kind to the field of a booking's ``notify`` that overrules the settings."""
TOLD: Final = ("starts_at", "salon", "master", "services")
"""What a client is told of a booking and hears changes of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """All that a plan depends on. ``addresses`` are the client's; ``linked_channels`` are switched on in this process."""

    booking: Booking
    client: Client | None
    settings: Settings
    place: Place
    now: Millis
    addresses: tuple[Address, ...] = ()
    linked_channels: frozenset[str] = frozenset()
    asked: tuple[Millis, ...] = ()
    """When the client is, or was, asked for a review of other visits, or gave one; read for a visit that took place."""


class _View(NamedTuple):
    """A case with a client, and the first open way to that client for each kind."""

    case: Case
    client: Client
    way: Mapping[str, Way | None]


class _Draft(NamedTuple):
    kind: str
    revision: int
    due: Millis
    not_after: Millis
    reason: Reason | None
    lead: Duration | None = None
    late: bool = False
    """Whether it comes so shortly before the visit that the client may be on the way, and late."""


def plan(case: Case) -> tuple[Message, ...]:
    """Every message to the client of this booking: ``planned``, or ``skipped`` or ``cancelled`` with the reason.

    Nothing for a booking without a client. Messages have fresh ids; the key says which is which.
    """
    booking, client = case.booking, case.client
    if client is None or booking.client is None:
        return ()
    view = _view(case, client)
    changed = _changed(view)
    created = _created(view, changed)
    told = [notice.due for notice in (created, changed) if notice and notice.reason in (None, *WEAK)]
    slots = _slots(case, told)
    reminders = [_reminder(view, slot, last=slot is slots[-1]) for slot in slots]
    asking = _asking(booking, case.settings)
    asked_later = any(draft.reason is None for draft in reminders)
    notices = [draft for draft in (created, changed, _cancelled(view)) if draft]
    return (
        *(_row(view, draft, asks=asking and not asked_later) for draft in notices),
        *(_row(view, draft, asks=asking) for draft in reminders),
        *(_row(view, draft, asks=False) for draft in (_reviewed(view),) if draft),
    )


def switched_on(kind: str, booking: Booking | None, settings: Settings) -> bool:
    """Whether messages of ``kind`` are wanted: by the booking's own ``notify``, else by the settings.

    Kinds that have no switch (answers, staff) are on.
    """
    own = booking.notify.get(OWN_SWITCHES.get(kind, "")) if booking else None
    if own is not None:
        return own is not False
    known = settings.kinds.get(kind)
    if known is None:
        return True
    return known.enabled and (kind != "booking_created" or booking is None or booking.created_by in known.announced)


def what_changed(booking: Booking) -> list[str]:
    """Which of :data:`TOLD` differ from what the client believed before the last change."""
    now = {**{name: getattr(booking, name) for name in TOLD}, "services": list(booking.services)}
    was = {name: list(value) if name == "services" else value for name, value in booking.changed_from.items()}
    return [name for name in TOLD if name in was and was[name] != now[name]]


def cancellation_for(
    booking: Booking,
    former: Client,
    *,
    revision: int,
    settings: Settings,
    place: Place,
    now: Millis,
    addresses: tuple[Address, ...],
    linked_channels: frozenset[str],
) -> Message:
    """The cancellation for the client who lost ``booking`` to another one.

    ``booking`` is the booking as it was; ``revision`` is the one at which it became the other's.
    """
    case = Case(
        booking=booking,
        client=former,
        settings=settings,
        place=place,
        now=now,
        addresses=addresses,
        linked_channels=linked_channels,
    )
    view = _view(case, former)
    draft = _notice(case, "booking_cancelled", revision, now, _whole(view, "booking_cancelled"))
    return _row(view, draft, asks=False, revision=revision)


def _view(case: Case, client: Client) -> _View:
    orders = {kind: case.settings.channels_for(kind, client.phone) for kind in PLANNED_KINDS}
    first = {
        order: next(iter(ways(client, case.addresses, order, case.linked_channels, case.now)), None)
        for order in set(orders.values())
    }
    return _View(case, client, {kind: first[order] for kind, order in orders.items()})


def _created(view: _View, changed: _Draft | None) -> _Draft:
    booking = view.case.booking
    reason = _cancelled_first(booking) or _whole(view, "booking_created")
    if reason is None and changed is not None and changed.reason is None:
        reason = "superseded"
    return _notice(view.case, "booking_created", booking.booked_revision, booking.booked_at, reason)


def _changed(view: _View) -> _Draft | None:
    booking = view.case.booking
    revision, at = booking.changed_revision, booking.changed_at
    if revision is None or at is None or revision <= booking.booked_revision:
        return None
    reason = _cancelled_first(booking) or _whole(view, "booking_changed") or _not_worth_telling(view.case)
    return _notice(view.case, "booking_changed", revision, at, reason)


def _not_worth_telling(case: Case) -> Reason | None:
    booking, changes = case.booking, what_changed(case.booking)
    if not changes:
        return "nothing_changed"
    least = case.settings.kinds["booking_changed"].ignore_shift_under
    if changes == ["starts_at"] and least and abs(booking.starts_at - booking.changed_from["starts_at"]) < least:
        return "small_shift"
    return None


def _cancelled(view: _View) -> _Draft | None:
    """Nothing for a booking that was first heard of as cancelled."""
    booking = view.case.booking
    revision, at = booking.cancelled_revision, booking.cancelled_at
    if booking.status != "cancelled" or revision is None or at is None or revision <= booking.booked_revision:
        return None
    reason: Reason | None = "by_client" if booking.cancelled_by == "client" else None
    return _notice(view.case, "booking_cancelled", revision, at, reason or _whole(view, "booking_cancelled"))


def _notice(case: Case, kind: str, revision: int, at: Millis, reason: Reason | None) -> _Draft:
    """A message that is due as soon as what it tells has happened, but for quiet hours."""
    start = case.booking.starts_at
    due = rings_at(kind, case.booking, at, case.settings.quiet_hours, case.place.zone)
    if reason is None and start <= at:
        reason = "past_visit"
    if reason is None and (case.now >= start or case.now > due + FRESH):
        reason = "too_late"
    return _Draft(kind, revision, due, start, reason)


def _slots(case: Case, told: list[Millis]) -> list[Slot]:
    booking, settings = case.booking, case.settings
    own = booking.notify.get("reminders")
    leads = settings.kinds["reminder"].before if own is None else dict.fromkeys(durations.parse(lead) for lead in own)
    moved = booking.changed_revision is not None and booking.changed_revision >= booking.moved_revision
    return reminder_slots(
        booking.starts_at,
        leads,
        settings.quiet_hours,
        case.place.zone,
        told=told,
        known_at=booking.changed_at if moved and booking.changed_at is not None else booking.booked_at,
        now=case.now,
    )


def _reminder(view: _View, slot: Slot, *, last: bool) -> _Draft:
    booking = view.case.booking
    reason = _cancelled_first(booking) or _whole(view, "reminder") or slot.reason
    late = last and durations.length(slot.lead) <= ON_THE_WAY
    return _Draft("reminder", booking.moved_revision, slot.due, slot.not_after, reason, slot.lead, late)


def _reviewed(view: _View) -> _Draft | None:
    """A visit is asked about once, however often it is marked."""
    case = view.case
    asked = plan_after.review_request(case.booking, case.settings, case.place, case.asked, case.now)
    if asked is None:
        return None
    reason = _whole(view, plan_after.REVIEW) or asked.reason
    return _Draft(plan_after.REVIEW, case.booking.booked_revision, asked.due, asked.not_after, reason)


def _cancelled_first(booking: Booking) -> Reason | None:
    return "booking_cancelled" if booking.status == "cancelled" else None


def _whole(view: _View, kind: str) -> Reason | None:
    """Why no message of ``kind`` goes at all, whatever its time; None where nothing stands against it."""
    case, booking = view.case, view.case.booking
    over = booking.status in ("arrived", "no_show") and kind != plan_after.REVIEW
    if over or booking.first_seen_at >= booking.starts_at:
        return "past_visit"
    if not switched_on(kind, booking, case.settings):
        return "switched_off"
    if booking.created_at < case.settings.enabled_since:
        return "before_enabled"
    if view.client.silent:
        return "opted_out"
    return None if view.way[kind] else "no_channel"


def _asking(booking: Booking, settings: Settings) -> bool:
    """Whether the client is to be asked to confirm, and has not answered yet."""
    if booking.status != "booked" or booking.answer is not None:
        return False
    own = booking.notify.get("confirm")
    return settings.kinds["reminder"].confirm and switched_on("reminder", booking, settings) if own is None else own


def _row(view: _View, draft: _Draft, *, asks: bool, revision: int | None = None) -> Message:
    case, booking, client = view.case, view.case.booking, view.client
    lead = durations.canonical(draft.lead) if draft.lead else None
    way = view.way[draft.kind]
    return Message(
        business=booking.business,
        id=new_id(),
        key=booking_key(booking.id, draft.kind, draft.revision, client.id, lead),
        kind=draft.kind,
        lane=SERVICE_LANE,
        booking=booking.id,
        client=client.id,
        salon=booking.salon,
        master=booking.master,
        day=durations.local_day(draft.due, case.place.zone).isoformat(),
        channel=way.channel if way else None,
        address=way.address if way else None,
        revision=booking.revision if revision is None else revision,
        status=_status(draft.reason),
        reason=draft.reason,
        due_at=draft.due,
        next_at=draft.due,
        not_after=draft.not_after,
        params=_params(booking, draft.kind, lead, asks),
        choices=_choices(booking, draft, asks, case.now),
        created_at=case.now,
    )


def _status(reason: Reason | None) -> MessageStatus:
    if reason is None:
        return "planned"
    return "cancelled" if reason == "booking_cancelled" else "skipped"


def _params(booking: Booking, kind: str, lead: str | None, asks: bool) -> dict[str, Any]:
    if kind == "reminder":
        return {"lead": lead, "asks": asks}
    if kind == "booking_changed":
        return {**booking.changed_from, "changed": what_changed(booking), "asks": asks}
    if kind == "booking_cancelled":
        return {**{name: getattr(booking, name) for name in TOLD}, "services": list(booking.services)}
    return {} if kind == plan_after.REVIEW else {"asks": asks}


def _choices(booking: Booking, draft: _Draft, asks: bool, now: Millis) -> tuple[Choice, ...]:
    if draft.kind == plan_after.REVIEW:
        return plan_after.rates(booking)
    if draft.kind == "booking_cancelled" or booking.starts_at <= now or booking.status not in ("booked", "confirmed"):
        return ()
    verbs = (*(("confirm",) if asks else ()), "move", "cancel", *(("late",) if draft.late else ()))
    return tuple(Choice(verb, {"booking": booking.id}) for verb in verbs)
