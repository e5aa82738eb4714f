"""What follows from the outcome of a send: which state the row takes, whether it is tried again, what takes over.

Everything but :func:`decide` is pure: it judges an :class:`Attempt`, a row with a fresh read behind it,
and answers with what to commit. The patches expect the row to be as it was read, so a row that was made void, taken over
or reported on in the meantime raises Conflict, and the attempt is read and judged anew.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from handlers import events, grouping
from handlers.by_hand import first_cards
from handlers.channel import BY_HAND, Capabilities, Channel, Findable, SendError
from handlers.chat_fate import owners_told
from handlers.facts import RINGING, Facts, load_facts
from handlers.hops import awake, cascades, expected, next_hop, reached, still_true
from handlers.reach import MANUAL
from handlers.routing import AS_TEMPLATE
from handlers.staff import REPLY, reply_lost
from handlers.turn import Desk
from storage.records import (
    ANSWERS_LANE,
    MAILING_LANE,
    SERVICE_LANE,
    Address,
    Business,
    Message,
    Millis,
    Salon,
    StaffChat,
    address_id,
)
from storage.store import Changes, Patch

DEAD_FOR: Final[Millis] = 30 * 86_400_000
FIRST_WAIT: Final[Millis] = 2_000
LONGEST_WAIT: Final[Millis] = 300_000
LOOK_AFTER: Final[Millis] = 60_000
"""Before a provider is asked whether it took a message: its list may lag behind."""
USEFUL_UNTIL: Final[Millis] = 30 * 60_000
"""A message that may have arrived is not repeated later than this before the visit."""
PERHAPS_SENT: Final = "perhaps_sent"
ABSENT: Final = "absent"
"""Error code of a row that the provider did not know when it was asked the first time."""
NotReached = Callable[[Desk, Message, Business, "Salon | None"], Awaitable[Changes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What this process can do for a message.

    ``channels`` are on in this process; ``lookups`` are those whose provider can be asked what became of a message.
    ``not_reached`` tells the staff of a client who could not be told, ``chance`` gives numbers in [0, 1).
    """

    channels: Mapping[str, Capabilities]
    lookups: frozenset[str] = frozenset()
    not_reached: NotReached | None = None
    chance: Callable[[], float] = random.random


@dataclass(frozen=True, slots=True)
class Attempt:
    """A row whose outcome is judged, and what stands behind it now (its hops too)."""

    message: Message
    facts: Facts
    means: Means


class Decided(NamedTuple):
    """What to commit. ``ended``: why the client was not told and no channel is left, where that is so. ``held``: the row
    as it waits for a person from now on. ``lost``: the staff chat that can be written to no more."""

    changes: Changes
    ended: str | None = None
    held: Message | None = None
    lost: StaffChat | None = None


def means_of(channels: Mapping[str, Channel], not_reached: NotReached | None = None, *, by_hand: bool = False) -> Means:
    """The means of a process with these channels; ``by_hand``: people send what no channel can."""
    people = {MANUAL: BY_HAND} if by_hand else {}
    return Means(
        channels={name: channel.capabilities for name, channel in channels.items()} | people,
        lookups=frozenset(name for name, channel in channels.items() if isinstance(channel, Findable)),
        not_reached=not_reached,
    )


async def decide(desk: Desk, message: Message, means: Means, judge: Callable[[Attempt], Decided]) -> Changes:
    """What to commit for ``message``, read just now, after ``judge``; with the word to the staff where it ended."""
    facts = (await load_facts(desk, [message], hops=True))[message.id]
    members = await grouping.members_of(desk, message)
    message = grouping.alone(message, facts, desk.channels)
    decided = judge(Attempt(message, facts, means))
    if decided.held is not None:
        return decided.changes + await first_cards(desk, decided.held, facts, _why(facts))
    changes = grouping.waiting_alone(decided.changes, message) + await _untold(desk, message, facts, means, decided)
    for member in members:
        its = replace(member.facts, visits=facts.visits)
        sent = grouping.on_the_wire(member, message, its, desk.channels)
        judged = judge(Attempt(sent, its, means))
        changes += grouping.apart(member, sent, judged.changes) + await _untold(desk, sent, its, means, judged)
    return changes


async def _untold(desk: Desk, message: Message, facts: Facts, means: Means, decided: Decided) -> Changes:
    if decided.lost is not None:
        return await owners_told(desk, decided.lost)
    if decided.ended is None:
        return Changes()
    if message.kind == REPLY:
        return await reply_lost(desk, replace(message, reason=decided.ended), facts.business)
    changes = await events.of_message(desk, message, decided.ended)
    if means.not_reached is None:
        return changes
    return changes + await means.not_reached(desk, replace(message, reason=decided.ended), facts.business, facts.salon)


def _why(facts: Facts) -> str:
    """What became of the hop before: the provider's code, else our own word, else that nothing was heard."""
    last = max(facts.hops, key=lambda hop: hop.hop, default=None)
    if last is None:
        return ""
    return last.error_code or last.reason or "no_receipt"


def not_taken(attempt: Attempt, error: SendError) -> Decided:
    """The provider did not take the message, or it is not known whether it did."""
    message = attempt.message
    if error.outcome == "unknown":
        return unsure(attempt, error.code, error.text)
    if message.void is None and error.moved_to is not None and error.moved_to != message.address:
        return _moved(attempt, error, error.moved_to)
    if message.void is None and error.outcome == "not_sent":
        return _again(attempt, error)
    if message.edits is not None and message.text is not None and not error.address_dead:
        # What it was to be written into is gone; what it says is not.
        return Decided(move(message, status="planned", next_at=attempt.facts.now, edits=None, **_error(error)))
    again = error.needs_template and not message.params.get(AS_TEMPLATE)
    return failed(attempt, error, again=again, as_template=again)


def unsure(attempt: Attempt, code: str, text: str = "") -> Decided:
    """It may have gone out. A service message gets one more try if that is of use, a mailing never; where the provider
    can be asked, it is asked first."""
    message, now = attempt.message, attempt.facts.now
    said = {"error_code": code, "error_text": text or None}
    if message.void is not None:
        return Decided(move(message, status="unknown", reason=message.void, **said))
    if message.channel in attempt.means.lookups:
        return Decided(move(message, status="unknown", fallback_at=now + LOOK_AFTER, **said))
    once_more = awake(message, attempt.facts, now + _backoff(attempt))
    if _repeatable(attempt) and once_more < message.not_after:
        return Decided(move(message, status="planned", next_at=once_more, reason=PERHAPS_SENT, **said))
    timer = fallback_at(message, attempt.facts, _channel(attempt), now)
    return Decided(move(message, status="unknown", fallback_at=timer, **said))


def looked_up(attempt: Attempt, provider_id: str | None) -> Decided:
    """The provider was asked about an ``unknown`` row: it has it, or (the second time in a row) never had."""
    message, now = attempt.message, attempt.facts.now
    if provider_id is not None:
        timer = fallback_at(message, attempt.facts, _channel(attempt), now)
        found = {"status": "sent", "sent_at": message.sent_at or now, "provider_id": provider_id, "fallback_at": timer}
        return Decided(move(message, **found))
    if message.error_code != ABSENT:
        return Decided(move(message, error_code=ABSENT, fallback_at=now + LOOK_AFTER))
    once_more = awake(message, attempt.facts, now)
    if message.void is None and _repeatable(attempt) and once_more < message.not_after:
        return Decided(move(message, status="planned", next_at=once_more, reason=PERHAPS_SENT, fallback_at=None))
    return failed(attempt, SendError("permanent", ABSENT, message.error_text or ""))


def timer_ran_out(attempt: Attempt) -> Decided:
    """No word of delivery came in time: the next channel takes over, unless the client has been heard of since."""
    message, facts = attempt.message, attempt.facts
    done = move(message, fallback_at=None)
    about = filter(None, (facts.booking, *(visit.booking for visit in facts.visits)))
    if any((booking.answer_at or 0) >= (message.sent_at or message.due_at) for booking in about):
        return Decided(done)
    hop = next_hop(message, attempt.facts, attempt.means.channels)
    if hop is not None:
        return Decided(done + Changes(inserts=(hop,)) + expected(message, attempt.facts))
    return Decided(done, ended(attempt, "no_receipt"))


def fallback_at(message: Message, facts: Facts, channel: Capabilities | None, sent_at: Millis) -> Millis | None:
    """When the next channel takes over if nothing is heard of a message that ``channel`` took at ``sent_at``.

    None where the channel does not report delivery, and for mailings, which never go twice.
    """
    if channel is None or not channel.receipts or message.lane != SERVICE_LANE or not cascades(message):
        return None
    return sent_at + min(facts.settings.fallback_after, (message.not_after - message.due_at) // 3)


def _again(attempt: Attempt, error: SendError) -> Decided:
    message = attempt.message
    wait = _backoff(attempt)
    if error.retry_after is not None:
        wait = error.retry_after + round(FIRST_WAIT * attempt.means.chance() / 4)
    next_at = awake(message, attempt.facts, attempt.facts.now + wait)
    if next_at >= message.not_after:
        return failed(attempt, error)
    return Decided(move(message, status="planned", next_at=next_at, **_error(error)))


def _backoff(attempt: Attempt) -> Millis:
    """Twice as long each time, half of it left to chance, so that not everybody comes back at once."""
    longest = min(LONGEST_WAIT, FIRST_WAIT << min(attempt.message.attempts, 20))
    return round(longest * (1 + attempt.means.chance()) / 2)


def _repeatable(attempt: Attempt) -> bool:
    message, booking = attempt.message, attempt.facts.booking
    if message.lane == MAILING_LANE or message.reason == PERHAPS_SENT:
        return False
    until = booking.starts_at if booking is not None and message.staff_chat is None else message.not_after
    return message.lane == ANSWERS_LANE or attempt.facts.now + USEFUL_UNTIL <= until


def _moved(attempt: Attempt, error: SendError, chat: str) -> Decided:
    """A group that became a supergroup: it has another id from now on, and gets the message there at once.

    What stands in the old chat can't be rewritten any more: an edit goes as a message of its own.
    """
    message, here = attempt.message, attempt.facts.staff_chat
    again = move(message, status="planned", next_at=attempt.facts.now, address=chat, edits=None, **_error(error))
    if here is None or here.chat != message.address:
        return Decided(again)
    moved = Patch(StaffChat, here.business, here.id, {"chat": chat}, {"chat": here.chat}, must=False)
    return Decided(again + Changes(patches=(moved,)))


def failed(
    attempt: Attempt,
    error: SendError,
    *,
    again: bool = False,
    as_template: bool = False,
    wait: Millis = 0,
    taken_as: str | None = None,
) -> Decided:
    """It will not arrive this way: the address is marked where that is why, and the next channel takes over.

    ``taken_as``: the provider's id, where it took the message before it failed; its word may come before its answer.
    """
    message, facts = attempt.message, attempt.facts
    known: dict[str, Any] = {"reason": message.void} if message.void is not None else {}
    if taken_as is not None:
        known |= {"provider_id": message.provider_id or taken_as, "sent_at": message.sent_at or facts.now}
    changes = move(message, status="failed", fallback_at=None, **known, **_error(error))
    if error.address_dead:
        changes += _mark_dead(attempt, error.code)
        facts = _without(facts, message)
    hop = None
    if not (error.opted_out and message.lane == MAILING_LANE):
        channels = attempt.means.channels
        hop = next_hop(message, facts, channels, again=again, as_template=as_template, wait=wait if again else 0)
    if hop is not None:
        return Decided(changes + Changes(inserts=(hop,)) + expected(message, facts))
    lost = facts.staff_chat if error.address_dead and message.staff_chat is not None else None
    return Decided(changes, ended(attempt, error.code), lost=lost)


def _mark_dead(attempt: Attempt, why: str) -> Changes:
    message, facts = attempt.message, attempt.facts
    if message.channel is None or message.address is None:
        return Changes()
    if message.staff_chat is not None:
        dead = Patch(StaffChat, message.business, message.staff_chat, {"dead_reason": why}, must=False)
        return Changes(patches=(dead,))
    marks = {"dead_until": facts.now + DEAD_FOR, "dead_reason": why}
    here = [row for row in facts.addresses if (row.channel, row.address) == (message.channel, message.address)]
    if here:
        return Changes(patches=tuple(Patch(Address, row.business, row.id, marks, must=False) for row in here))
    unknown = Address(
        business=message.business,
        id=address_id(message.channel, message.address),
        channel=message.channel,
        address=message.address,
        phone=message.address if facts.client and facts.client.phone == message.address else None,
        dead_until=facts.now + DEAD_FOR,
        dead_reason=why,
    )
    return Changes(inserts=(unknown,)) if facts.client else Changes()


def _without(facts: Facts, message: Message) -> Facts:
    """``facts`` as they are once the address of ``message`` is marked."""
    rows = tuple(
        replace(row, dead_until=facts.now + DEAD_FOR)
        if (row.channel, row.address) == (message.channel, message.address)
        else row
        for row in facts.addresses
    )
    return replace(facts, addresses=rows)


def ended(attempt: Attempt, why: str) -> str | None:
    """``why``, where the client was to hear of a visit that is still ahead, or what the staff answered, and now will not;
    else None."""
    message, facts = attempt.message, attempt.facts
    if message.kind == REPLY:
        return why
    if message.kind not in RINGING or message.staff_chat is not None or message.void is not None:
        return None
    arrived = any(reached(hop, attempt.means.channels) for hop in facts.hops)
    return why if still_true(message, facts) and not arrived else None


def _channel(attempt: Attempt) -> Capabilities | None:
    return attempt.means.channels.get(attempt.message.channel or "")


def _error(error: SendError) -> dict[str, Any]:
    return {"error_code": error.code, "error_text": error.text or None}


def move(message: Message, **fields: Any) -> Changes:
    """The row gets ``fields`` and is nobody's any more, provided that it is still as it was read."""
    where = {"status": message.status, "token": message.token, "revision": message.revision, "void": message.void}
    free = {"token": None, "lease_until": None} if message.token is not None else {}
    return Changes(patches=(Patch(Message, message.business, message.id, {**free, **fields}, where),))
