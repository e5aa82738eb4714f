"""Answers to what somebody just said or pressed: rows of the first lane, to the chat that the turn came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from handlers.turn import Turn
from storage.records import ANSWERS_LANE, Booking, Choice, Message, Millis, StaffChat, new_id
from storage.store import Changes

ANSWER_LASTS: Final[Millis] = 10 * 60_000
"""An answer that could not be sent for ten minutes is no answer any more."""


def answer(
    turn: Turn,
    kind: str,
    *,
    business: str,
    now: Millis,
    language: str | None = None,
    client: str | None = None,
    staff_chat: str | None = None,
    booking: Booking | None = None,
    edits: str | None = None,
    choices: Sequence[Choice] = (),
    params: Mapping[str, Any] | None = None,
    tag: str = "",
) -> Message:
    """One answer to ``turn``; its key is the turn's event, so a turn that comes twice is answered once.

    ``language`` speaks to somebody of whom no record is known; ``tag`` tells several answers to one turn apart.
    """
    return Message(
        business=business,
        id=new_id(),
        key=f"answer:{turn.channel}:{turn.event}:{kind}{tag}",
        kind=kind,
        lane=ANSWERS_LANE,
        booking=booking.id if booking else None,
        client=client,
        staff_chat=staff_chat,
        salon=booking.salon if booking else None,
        master=booking.master if booking else None,
        channel=turn.channel,
        address=turn.address,
        revision=booking.revision if booking else 0,
        due_at=now,
        next_at=now,
        not_after=now + ANSWER_LASTS,
        params={**(params or {}), **({"thread": turn.thread} if turn.thread is not None else {})},
        choices=tuple(choices),
        edits=edits,
        language=language,
        created_at=now,
    )


def answer_staff(
    turn: Turn,
    kind: str,
    chat: StaffChat,
    *,
    now: Millis,
    params: Mapping[str, Any],
    choices: Sequence[Choice] = (),
    edits: str | None = None,
) -> Changes:
    """An answer to a staff chat that shows something of its salon and master, in place of ``edits`` where that is given."""
    row = answer(
        turn,
        kind,
        business=chat.business,
        now=now,
        staff_chat=chat.id,
        choices=choices,
        params=params,
        edits=edits,
        tag=f":{chat.id}",
    )
    return Changes(inserts=(replace(row, salon=chat.salon, master=chat.master),))
