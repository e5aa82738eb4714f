"""What a change of settings would do to messages that wait: asked before it is saved."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, NamedTuple

from handlers.replan import replanned, rows_of, surroundings
from handlers.turn import Desk
from storage.records import Booking, Business, Message, Salon
from storage.store import Range

LOOKED_AT: Final = 200
"""Visits ahead that are looked at; the nearest ones, whose messages go first."""


class Touched(NamedTuple):
    """How many messages to clients would be planned, moved or taken back; ``more``: there are visits beyond those looked
    at."""

    messages: int
    more: bool


async def touched(desk: Desk, business: Business, salon: Salon | None) -> Touched:
    """What planning all visits ahead anew would change, were the settings those of ``business`` and ``salon``.

    ``salon``: the one whose settings are to change; None: the business's are.
    """
    where = {
        "business": business.id,
        "starts_at": Range(desk.now(), None),
        **({"salon": salon.id} if salon else {}),
    }
    visits = await desk.store.find(Booking, where, order=("starts_at", "id"), limit=LOOKED_AT + 1)
    count = 0
    for visit in visits[:LOOKED_AT]:
        around = await surroundings(desk, business, visit)
        if salon is not None:
            around = replace(around, salon=salon)
        changes = replanned(desk, visit, around, await rows_of(desk, visit)).changes
        ids = {patch.id for patch in changes.patches if patch.record is Message}
        ids |= {put.record.id for put in changes.puts if isinstance(put.record, Message)}
        ids |= {row.id for row in changes.inserts if isinstance(row, Message) and row.staff_chat is None}
        count += len(ids)
    return Touched(count, len(visits) > LOOKED_AT)
