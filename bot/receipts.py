"""What becomes of a provider's word about a message: it is stored, and the message moves on, in one commit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from handlers.delivery import Means
from handlers.receipts import Verdict, receipt
from handlers.turn import Desk
from storage.failpoints import reach
from storage.records import Message
from storage.store import Conflict

CONFLICTS: Final = 5
"""How often a word is judged anew when the message changed while it was being judged."""


@dataclass(frozen=True, slots=True)
class StatusWord:
    """What a provider says of a message: ``message`` is the id of our row, ``sid`` the provider's, ``raw`` the whole."""

    message: str
    sid: str
    verdict: Verdict
    raw: Mapping[str, Any]

    @property
    def id(self) -> str:
        """The same for the same word, however often it is said."""
        return f"{self.sid}:{self.verdict.status}"


Heard = Callable[[StatusWord], Awaitable[None]]
"""Takes a word about a message; when it returns, that is on disk."""


async def hear(desk: Desk, means: Means, word: StatusWord) -> None:
    """Store a word; nothing happens where the message is unknown (erased, or of another installation).

    Raises Conflict where the message would not hold still, StoreBusy.
    """
    for last in (*(False,) * (CONFLICTS - 1), True):
        found = await desk.store.find(Message, {"id": word.message}, limit=1)
        if not found:
            return
        changes = await receipt(desk, found[0], word.verdict, means, id=word.id, raw=word.raw, provider_id=word.sid)
        reach("receipt.begin")
        try:
            await desk.store.commit(changes)
            reach("receipt.end")
            return
        except Conflict:
            if last:
                raise
