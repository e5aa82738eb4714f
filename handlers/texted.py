"""What people write back by SMS. A stop word ends the SMS to that phone, a start word lets them begin again, and all else
is for the staff to read. Nothing is answered by SMS but by the staff themselves: it costs, and goes one way."""

from __future__ import annotations

from typing import Final

from handlers import consent
from handlers.free_text import told_to_staff
from handlers.presence import Here, who_is_here
from handlers.recognise import command_of
from handlers.turn import Desk, Turn
from storage.records import REACHED, Address, Client, Message, Millis
from storage.store import Changes, OneOf, Patch

STOPS: Final = frozenset({"stop", "all_off"})
STARTS: Final = frozenset({"start", "offers", "all_on"})
OPTED_OUT: Final = "opted_out"
"""Why an address is dead whose owner wrote a stop word."""
FOR_GOOD: Final[Millis] = 50 * 366 * 86_400_000


async def respond_to_text(desk: Desk, turn: Turn) -> Changes:
    """What an SMS changes; nothing where no business knows the phone."""
    here = await who_is_here(desk, turn)
    if not here.clients:
        return Changes()
    command = command_of(turn.text or "")
    if command in STOPS:
        return here.changes + await _stopped(desk, turn, here)
    if command in STARTS:
        return here.changes
    client, row = await _speaker(desk, turn, here)
    stopped = any(known.dead_reason == OPTED_OUT for known in here.rows)
    return (Changes() if stopped else here.changes) + await told_to_staff(desk, turn, client, row)


async def _stopped(desk: Desk, turn: Turn, here: Here) -> Changes:
    """No more SMS to this phone, and no offers to anybody behind it on any channel."""
    dead = {"dead_until": desk.now() + FOR_GOOD, "dead_reason": OPTED_OUT}
    changes = Changes(patches=tuple(Patch(Address, row.business, row.id, dead) for row in here.rows))
    for client in here.clients:
        words = turn.text or ""
        changes += await consent.word_given(desk, client, "stop", at=turn.at, place=turn.channel, words=words)
    return changes


async def _speaker(desk: Desk, turn: Turn, here: Here) -> tuple[Client, Message | None]:
    """Who writes, and about what: whoever was last written to at this phone."""
    newest = await desk.store.find(
        Message,
        {"channel": turn.channel, "address": turn.address, "status": OneOf(REACHED)},
        order=("-sent_at",),
        limit=1,
    )
    for row in newest:
        for client in here.of(row.business):
            if client.id == row.client:
                return client, row
    return here.clients[0], None
