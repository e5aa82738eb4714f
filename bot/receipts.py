"""What becomes of a provider's word about a message: it is stored, and the message moves on, in one commit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from handlers.delivery import Means, receipt
from handlers.turn import Desk
from storage.records import Message
from storage.store import Conflict

if TYPE_CHECKING:
    from bot.twilio_inbound import StatusWord

CONFLICTS: Final = 5
"""How often a word is judged anew when the message changed while it was being judged."""


async def hear(desk: Desk, means: Means, word: StatusWord) -> None:
    """Store a word; nothing happens where the message is unknown (erased, or of another installation).

    Raises Conflict where the message would not hold still, StoreBusy.
    """
    for last in (*(False,) * (CONFLICTS - 1), True):
        found = await desk.store.find(Message, {"id": word.message}, limit=1)
        if not found:
            return
        changes = await receipt(desk, found[0], word.verdict, means, id=word.id, raw=word.raw, provider_id=word.sid)
        try:
            await desk.store.commit(changes)
            return
        except Conflict:
            if last:
                raise
