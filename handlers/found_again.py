"""Messages that wait for a person although their client can be written to after all: they go by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from handlers.by_hand import HELD, shown_anew
from handlers.channel import WHATSAPP
from handlers.reach import MANUAL, ways
from handlers.reasons import Reason
from handlers.routing import AGAIN
from handlers.settings import in_force
from handlers.turn import Desk, Turn
from storage.records import Address, Business, Client, Message
from storage.store import Changes, Patch

WHY: Final[Reason] = "chat_linked"
"""The reason that such a row keeps, for its timeline."""
MOST: Final = 100
"""Messages of one client that may wait for a person."""


async def released(
    desk: Desk, business: Business, client: Client, addresses: Sequence[Address], channel: str
) -> Changes:
    """The messages to ``client`` that wait for a person go by ``channel`` instead, which has just become open; ``addresses``
    are the client's as they will be after the commit.

    Not those of a kind that the business wants to send by hand rather than there, nor what is too late. What a person
    marks at the same moment stays as it was marked.
    """
    way = next(iter(ways(client, addresses, [channel], desk.channels, desk.now())), None)
    if way is None:
        return Changes()
    where = {"business": client.business, "client": client.id, **HELD}
    rows = await desk.store.find(Message, where, order=("-due_at", "-id"), limit=MOST)
    changes = Changes()
    for row in rows:
        order = in_force(business, None).channels_for(row.kind, client.phone)
        if row.not_after > desk.now() and channel in order[: order.index(MANUAL) if MANUAL in order else None]:
            fields: dict[str, Any] = {
                "held": False,
                "next_at": desk.now(),
                "channel": channel,
                "address": way.address,
                "reason": WHY,
                "params": {**row.params, AGAIN: channel},
            }
            patch = Patch(Message, row.business, row.id, fields, {**HELD, "next_at": row.next_at}, must=False)
            changes += Changes(patches=(patch,)) + await shown_anew(desk, replace(row, **fields))
    return changes


def window_opens(turn: Turn, rows: Sequence[Address]) -> bool:
    """Whether free text may be sent to this chat from this turn on, and could not be before; ``rows`` are the chat's."""
    if turn.channel != "whatsapp" or WHATSAPP.window is None:
        return False
    return all(turn.at - (row.last_inbound_at or 0) >= WHATSAPP.window for row in rows)
