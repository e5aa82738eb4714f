"""Reminders of several visits that are read at one address, of several people or of one, as one message.

A group is formed when the first of its reminders goes: that row, the leader, speaks for the others, which are skipped in
the very step that puts the leader on the wire. Every booking keeps rows and hops of its own. What the outcome of the
leader's send would mean for a member, had it gone by itself, it does mean for it: so each member waits again, takes its
next hop or fails beside the leader, and those that wait again may be grouped anew.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from handlers.channel import Capabilities
from handlers.decisions import open_choices
from handlers.durations import HOUR, local_day
from handlers.facts import Facts, Visit, load_facts
from handlers.hops import expected, still_true
from handlers.keys import first_hop
from handlers.plan import Case, plan
from handlers.presence import clients_at
from handlers.reading import ROWS, Key
from handlers.reconcile import SPOKEN_FOR_BY
from handlers.routing import Route, hindrance, route, tried
from handlers.turn import Desk
from storage.records import WAITING, Address, Booking, Choice, Message, Millis
from storage.store import Changes, OneOf, Patch, Range

GROUP: Final = "group"
"""Parameter of a leader: the ids of the rows that it speaks for."""
SEEN: Final = "seen"
"""Parameter of a message about several visits: the revision at which it shows each booking."""
BOOKINGS: Final = "bookings"
OWN: Final = frozenset({GROUP, SEEN, BOOKINGS})
WITHIN: Final[Millis] = 2 * HOUR
"""The reminders of a group fall due no further apart than this."""
MOST: Final = 8
"""Visits in one message."""
CANDIDATES: Final = 50
WAITING_REMINDER: Final[Mapping[str, Any]] = {"kind": "reminder", "status": OneOf(WAITING), "held": False}


@dataclass(frozen=True, slots=True)
class Member:
    """A reminder beside the leader's, and what stands behind it."""

    message: Message
    facts: Facts


async def with_several_visits(desk: Desk, messages: Sequence[Message]) -> frozenset[Key]:
    """Of the clients who get ``messages``: those who wait for reminders of several visits. One query for all of them."""
    reminders = [row for row in messages if row.kind == "reminder" and row.client is not None]
    if not reminders:
        return frozenset()
    due = [row.due_at for row in reminders]
    where = {
        "business": OneOf(tuple(sorted({row.business for row in reminders}))),
        "client": OneOf(tuple(sorted({row.client for row in reminders if row.client}))),
        "due_at": Range(min(due) - WITHIN, max(due) + WITHIN + 1),
        **WAITING_REMINDER,
    }
    visits: dict[Key, set[str | None]] = defaultdict(set)
    for row in await desk.store.find(Message, where, order=("client",), limit=ROWS):
        visits[row.business, row.client or ""].add(row.booking)
    return frozenset(key for key, bookings in visits.items() if len(bookings) > 1)


def may_have_company(message: Message, facts: Facts, way: Route, several: Collection[Key]) -> bool:
    """Whether ``message`` is a reminder that goes where others may go too: of the same client, who is one of ``several``, or
    of somebody else. Asks nobody."""
    if message.kind != "reminder" or message.staff_chat is not None:
        return False
    if facts.siblings or (message.business, message.client) in several:
        return True
    return any(row.shared and (row.channel, row.address) == (way.channel, way.address) for row in facts.addresses)


async def companions(
    desk: Desk, channels: Mapping[str, Capabilities], leader: Message, facts: Facts, way: Route
) -> tuple[Member, ...]:
    """The reminders that may go with ``leader``: of the same readers, salon, day of the visit and lead, due within
    :data:`WITHIN`, that wait, are true, and would take the same way now; those due nearest to it first."""
    people = await _readers(desk, facts, way)
    where = {
        "business": leader.business,
        "client": OneOf(tuple(sorted(people))),
        "due_at": Range(leader.due_at - WITHIN, leader.due_at + WITHIN + 1),
        **WAITING_REMINDER,
    }
    found = await desk.store.find(Message, where, order=("due_at", "id"), limit=CANDIDATES)
    rows = [row for row in found if row.booking != leader.booking and _alike(row, leader)]
    known = await load_facts(desk, rows) if rows else {}
    closed = tried(leader, facts)
    fitting = {
        row.booking: Member(row, known[row.id])
        for row in rows
        if _fits(row, known[row.id], facts) and _way_of(row, known[row.id], channels, closed) == way
    }
    return _near(leader, fitting.values())


async def _readers(desk: Desk, facts: Facts, way: Route) -> set[str]:
    """The ids of everybody who reads the chat that ``way`` leads to."""
    people = {person.id for person in (facts.client, *facts.siblings) if person is not None}
    if any(row.shared for row in facts.addresses):
        where = {"business": facts.business.id, "channel": way.channel, "address": way.address}
        for row in await desk.store.find(Address, where):
            people |= {client.id for client in await clients_at(desk, row)}
    return people


def _alike(row: Message, leader: Message) -> bool:
    return row.salon == leader.salon and row.params.get("lead") == leader.params.get("lead")


def _fits(row: Message, its: Facts, facts: Facts) -> bool:
    if its.booking is None or row.revision != its.booking.revision or its.now >= row.not_after:
        return False
    return _day(its) == _day(facts) and still_true(row, its) and hindrance(row, its) is None


def _way_of(row: Message, its: Facts, channels: Mapping[str, Capabilities], closed: frozenset[str]) -> object:
    """The way of ``row`` without the channels in ``closed``, which have not served the leader: the readers are the same."""
    return route(row, its, channels, tried(row, its) | closed)


def _day(facts: Facts) -> object:
    """The salon and the calendar day of the visit."""
    booking = facts.booking
    return booking and (booking.salon, local_day(booking.starts_at, facts.place.zone))


def _near(leader: Message, fitting: Iterable[Member]) -> tuple[Member, ...]:
    first = last = leader.due_at
    chosen: list[Member] = []
    for member in sorted(fitting, key=lambda one: (abs(one.message.due_at - leader.due_at), one.message.id)):
        due = member.message.due_at
        if max(last, due) - min(first, due) <= WITHIN:
            first, last = min(first, due), max(last, due)
            chosen.append(member)
    return tuple(chosen[: MOST - 1])


def together(
    leader: Message, facts: Facts, members: Sequence[Member], capabilities: Capabilities
) -> tuple[Message, Facts]:
    """The leader as the message of all of them, and what stands behind that."""
    everybody = sorted((Member(leader, facts), *members), key=lambda one: (_starts_at(one), one.message.booking or ""))
    visits = tuple(visit for one in everybody if (visit := _visit(one.facts)) is not None)
    asked = [
        one.message.booking or ""
        for one in everybody
        if any(choice.verb == "confirm" for choice in one.message.choices)
    ]
    params = {
        **leader.params,
        BOOKINGS: [visit.booking.id for visit in visits],
        SEEN: seen_of(visit.booking for visit in visits),
        GROUP: [member.message.id for member in members],
    }
    late = (Choice("late"),) if any(map(_says_late, everybody)) else ()
    choices = (*choices_of_several(asked, ticks=capabilities.window is None), *late)
    others = {row.id: row for one in everybody for row in one.facts.others}
    return replace(leader, params=params, choices=choices), replace(facts, visits=visits, others=tuple(others.values()))


def _says_late(member: Member) -> bool:
    return any(choice.verb == "late" for choice in member.message.choices)


def _starts_at(member: Member) -> Millis:
    return member.facts.booking.starts_at if member.facts.booking else 0


def _visit(facts: Facts) -> Visit | None:
    if facts.booking is None:
        return None
    return Visit(
        booking=facts.booking,
        salon=facts.salon,
        client=facts.client,
        master=facts.master,
        services=facts.services,
    )


def seen_of(bookings: Iterable[Booking]) -> dict[str, int]:
    """The value of :data:`SEEN` for these bookings as they are."""
    return {booking.id: booking.revision for booking in bookings}


def choices_of_several(asked: Sequence[str], *, ticks: bool) -> tuple[Choice, ...]:
    """What can be chosen under a message about several visits, of which ``asked`` wait for a word.

    ``ticks``: one choice for each, where the channel has room for them.
    """
    if not asked:
        return (Choice("change"),)
    if not ticks:
        return (Choice("confirm_all"), Choice("one_by_one"))
    return (*(Choice("tick", {"booking": id}) for id in asked), Choice("confirm_all"), Choice("change"))


def spoken_for(group: Message, members: Sequence[Member], way: Route) -> tuple[Patch, ...]:
    """What the guard of a group writes beside its own row: each member must still wait, at the revision it shows."""
    own = Patch(Message, group.business, group.id, {"params": group.params, "choices": group.choices})
    return (own, *(_skipped(group, member.message, way) for member in members))


def _skipped(group: Message, row: Message, way: Route) -> Patch:
    fields = {
        "status": "skipped",
        "reason": "grouped",
        "token": None,
        "lease_until": None,
        "channel": way.channel,
        "address": way.address,
        "params": {**row.params, SPOKEN_FOR_BY: group.id},
    }
    return Patch(
        Message, row.business, row.id, fields, {"status": OneOf(WAITING), "revision": row.revision, "held": False}
    )


def alone(message: Message, facts: Facts, channels: frozenset[str]) -> Message:
    """A row of a group as it would be by itself now: with the choices of its own plan, and nothing of the group."""
    if message.params.keys().isdisjoint((GROUP, SPOKEN_FOR_BY)) or facts.booking is None:
        return message
    params = {name: value for name, value in message.params.items() if name not in (*OWN, SPOKEN_FOR_BY)}
    case = Case(
        booking=facts.booking,
        client=facts.client,
        settings=facts.settings,
        place=facts.place,
        now=facts.now,
        addresses=facts.addresses,
        linked_channels=channels,
    )
    target = next((row for row in plan(case) if row.key == first_hop(message.key)), None)
    if target is None:
        return replace(message, params=params, choices=open_choices(facts.booking))
    return replace(message, params={**params, **target.params}, choices=target.choices)


async def rows_behind(desk: Desk, leader: Message) -> list[Message]:
    """The rows that ``leader`` speaks for, whatever became of them; none for any other message."""
    ids = leader.params.get(GROUP, ())
    found = await desk.store.get_many(Message, [(leader.business, id) for id in ids]) if ids else {}
    return [row for row in found.values() if row.params.get(SPOKEN_FOR_BY) == leader.id]


async def members_of(desk: Desk, leader: Message) -> tuple[Member, ...]:
    """The rows that ``leader`` speaks for now, with their hops, as far as they are still true."""
    rows = [row for row in await rows_behind(desk, leader) if row.status == "skipped"]
    known = await load_facts(desk, rows, hops=True) if rows else {}
    return tuple(Member(row, known[row.id]) for row in rows if still_true(row, known[row.id]))


def on_the_wire(member: Member, leader: Message, facts: Facts, channels: frozenset[str]) -> Message:
    """The member as it would stand, had it gone by itself where ``leader`` went; ``facts`` are the member's."""
    return replace(
        alone(member.message, facts, channels),
        **{name: getattr(leader, name) for name in _OF_THE_SEND},
        void=None,
    )


_OF_THE_SEND: Final = (
    "status", "reason", "token", "channel", "address", "attempts", "sent_at", "fallback_at", "provider_id", "text",
    "error_code", "error_text",
)  # fmt: skip


def apart(member: Member, sent: Message, changes: Changes) -> Changes:
    """What the outcome changes for a member. ``sent`` is the member as :func:`on_the_wire`, ``changes`` what was decided
    for that one: it waits again, or fails where no hop takes over, and else stays as it is."""
    row, booking = member.message, member.facts.booking
    here = [patch for patch in changes.patches if patch.record is Message and patch.id == row.id]
    rest = tuple(patch for patch in changes.patches if patch not in here)
    fields: dict[str, Any] = {name: value for patch in here for name, value in patch.set.items()}
    hops = any(isinstance(one, Message) and one.fallback_of == (row.fallback_of or row.id) for one in changes.inserts)
    status = fields.get("status")
    revision = booking.revision if booking else row.revision
    if status == "planned":
        fields = {"reason": None, **fields, "params": sent.params, "choices": sent.choices, "revision": revision}
    elif status != "failed" or hops:
        fields = {"status": "skipped"}
    own = Patch(Message, row.business, row.id, fields, {"status": "skipped", "revision": row.revision})
    changed = Changes(changes.inserts, changes.puts, (*rest, own), changes.deletes)
    return changed + expected(row, member.facts) if status == "planned" else changed


def waiting_alone(changes: Changes, leader: Message) -> Changes:
    """``changes`` with nothing of the group left on the leader where it waits again; ``leader`` is as :func:`alone`."""

    def own(patch: Patch) -> Patch:
        if patch.record is not Message or patch.id != leader.id or patch.set.get("status") != "planned":
            return patch
        return replace(patch, set={**patch.set, "params": leader.params, "choices": leader.choices})

    return replace(changes, patches=tuple(map(own, changes.patches)))
