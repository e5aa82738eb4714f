"""What a provider says of a message after it has taken it, and what follows: it arrived, it is on its way, or it failed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from handlers import grouping
from handlers.by_hand import shown_anew
from handlers.channel import SendError
from handlers.delivery import Attempt, Decided, Means, decide, failed, fallback_at, move
from handlers.routing import AGAIN, AS_TEMPLATE
from handlers.turn import Desk
from storage.records import WAITING, Message, Millis, Receipt
from storage.store import Changes, OneOf, Patch

ONCE_MORE_AFTER: Final[Millis] = 60_000
"""Before a channel whose provider reported a passing failure is tried once more."""
WORDS: Final[Mapping[str, str]] = {
    "accepted": "sent",
    "scheduled": "sent",
    "queued": "sent",
    "sending": "sent",
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "undelivered": "failed",
    "failed": "failed",
    "canceled": "failed",
}
"""A provider's word to the state that it stands for here; any other word is kept and changes nothing."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A provider's word about a message, its codes already read: the fields mean what they do in a SendError."""

    status: str
    code: str = ""
    text: str = ""
    permanent: bool = True
    address_dead: bool = False
    needs_template: bool = False
    opted_out: bool = False


async def receipt(
    desk: Desk,
    message: Message,
    verdict: Verdict,
    means: Means,
    *,
    id: str,
    raw: Mapping[str, Any],
    provider_id: str | None = None,
) -> Changes:
    """What a provider's word about ``message``, read just now, changes; a Conflict asks for another reading.

    ``id`` names the word, so that its repeat is not kept twice. The state only moves forward: later words win over
    earlier ones, and failure over everything but an arrival.
    """
    word = Receipt(business=message.business, id=id, message=message.id, status=verdict.status, at=desk.now(), raw=raw)
    kept, state = Changes(inserts=(word,)), WORDS.get(verdict.status)
    if not message.attempts:
        return kept
    if state in ("delivered", "read"):
        return kept + await _arrived(desk, message, state, provider_id)
    if state == "sent" and message.status in ("sending", "unknown"):
        return kept + await decide(desk, message, means, lambda attempt: _taken(attempt, provider_id))
    if state == "failed" and message.status in ("sending", "sent", "unknown"):
        return kept + await decide(desk, message, means, lambda attempt: _undelivered(attempt, verdict, provider_id))
    return kept


async def _arrived(desk: Desk, message: Message, state: str, provider_id: str | None) -> Changes:
    now = desk.now()
    if message.status == "read" or message.status == state:
        return Changes()
    seen = {"read_at": now} if state == "read" else {}
    arrival = {
        "status": state,
        "sent_at": message.sent_at or now,
        "delivered_at": message.delivered_at or now,
        "provider_id": message.provider_id or provider_id,
        "fallback_at": None,
    }
    told = await grouping.rows_behind(desk, message)
    reached_by = {row.fallback_of or row.id: row.hop for row in (message, *told)}
    later = await desk.store.find(Message, {"fallback_of": OneOf(tuple(reached_by)), "status": OneOf(WAITING)})
    changes = move(message, **arrival, **seen)
    with_it = {"status": "skipped", "reason": "grouped"}
    changes += Changes(
        patches=tuple(
            Patch(Message, row.business, row.id, with_it, {"status": "failed"}, must=False)
            for row in told
            if row.status == "failed"
        )
    )
    needless = {
        "status": "cancelled",
        "reason": "reached_by_earlier_channel",
        "token": None,
        "lease_until": None,
        "held": False,
    }
    for hop in later:
        if hop.hop > reached_by[hop.fallback_of or ""]:
            spared = Patch(Message, hop.business, hop.id, needless, {"status": OneOf(WAITING)}, must=False)
            changes += Changes(patches=(spared,))
            changes += await shown_anew(desk, hop) if hop.held else Changes()
    return changes


def _taken(attempt: Attempt, provider_id: str | None) -> Decided:
    message, now = attempt.message, attempt.facts.now
    timer = fallback_at(message, attempt.facts, attempt.means.channels.get(message.channel or ""), now)
    found = {"sent_at": message.sent_at or now, "provider_id": message.provider_id or provider_id}
    return Decided(move(message, status="sent", fallback_at=timer, **found))


def _undelivered(attempt: Attempt, verdict: Verdict, provider_id: str | None) -> Decided:
    message = attempt.message
    error = SendError(
        "permanent",
        verdict.code or message.error_code or verdict.status,
        verdict.text or message.error_text or "",
        address_dead=verdict.address_dead,
        opted_out=verdict.opted_out,
    )
    if verdict.needs_template and not message.params.get(AS_TEMPLATE):
        return failed(attempt, error, again=True, as_template=True, taken_as=provider_id)
    passing = not verdict.permanent and AGAIN not in message.params
    return failed(attempt, error, again=passing, wait=ONCE_MORE_AFTER, taken_as=provider_id)
