"""Messages as lists show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.console import words
from bot.console.site import Call
from handlers.dead_letters import RESENDABLE
from handlers.settings import in_force
from handlers.statistics import Word, reported, why
from handlers.wording_reasons import in_words
from storage.records import Client, Message, Salon


@dataclass(frozen=True, slots=True)
class Row:
    """One message as the list shows it. ``because``: why it did not arrive or does not go, in words."""

    message: Message
    client: Client | None
    kind: str
    channel: str
    state: tuple[str, str]
    because: str | None

    @property
    def again(self) -> bool:
        """Whether it can be sent once more."""
        return self.message.status in RESENDABLE


def word_of(call: Call, row: Message, salons: Mapping[str, Salon]) -> Word | None:
    """The owner's word for a message."""
    return reported(row, call.now, in_force(call.business, salons.get(row.salon or "")).undelivered_after)


async def rows_of(call: Call, found: Sequence[Message], salons: Mapping[str, Salon]) -> list[Row]:
    """Messages as lists show them, in their order."""
    ids = sorted({row.client for row in found if row.client})
    clients = await call.desk.store.get_many(Client, [(call.business.id, id) for id in ids]) if ids else {}
    made = []
    for row in found:
        late = in_force(call.business, salons.get(row.salon or "")).undelivered_after
        code = why(row, call.now, late)
        made.append(
            Row(
                row,
                clients.get((call.business.id, row.client or "")),
                words.kind_name(row.kind, call.t),
                words.channel_name(row.channel, call.t),
                words.state_of(reported(row, call.now, late), call.t),
                in_words(code, call.language) if code else None,
            )
        )
    return made
