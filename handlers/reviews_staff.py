"""What the staff hear of a review, and how they answer its client."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from handlers.by_hand import edit_of
from handlers.events import of_booking
from handlers.keys import encoded
from handlers.replies import answer
from handlers.routing import STAFF_CHANNEL
from handlers.staff import chats_for, staff_row
from handlers.turn import Desk, Turn
from storage.records import (
    REACHED,
    SERVICE_LANE,
    Booking,
    Business,
    Choice,
    Client,
    Message,
    Millis,
    Review,
    Salon,
    StaffChat,
    new_id,
)
from storage.store import Changes, Patch

CARD: Final = "staff_review"
WORDS: Final = "staff_review_words"
PICTURE: Final = "staff_review_photo"
ASK: Final = "staff_answer_ask"
ANSWER: Final = "answer_client"
"""The verb of the button under a card."""
REPLIES: Final = frozenset({CARD, WORDS, PICTURE, ASK})
"""Kinds of messages to staff that they may reply to, and the client gets the reply."""
LOW: Final = 3
"""Up to so many stars everybody who hears of reviews is told; above, the master alone."""
MOST: Final = 200
REPLY_LASTS: Final[Millis] = 86_400_000


async def told(
    desk: Desk, business: Business, salon: Salon | None, booking: Booking, review: Review, *, words: bool = False
) -> Changes:
    """A card for every chat that is to know of ``review`` and has none; cards that are there are rewritten, and ``words``
    that came since are told below them."""
    chats = await chats_for(desk, business, salon, review.master, "review")
    cards = await _cards(desk, booking)
    changes = Changes()
    for chat in chats:
        card = cards.get(chat.id)
        if card is not None:
            changes += _told_again(desk, business, salon, booking, review, chat, card, words=words)
        elif review.rating <= LOW or (chat.master is not None and chat.master == review.master):
            key = f"review:{encoded(booking.id)}:staff:{chat.id}:0"
            changes += _row(desk, business, salon, booking, chat, CARD, key)
        else:
            continue
        if review.photo is not None and review.photo.startswith(STAFF_CHANNEL):
            key = f"review:{encoded(booking.id)}:photo:staff:{chat.id}:0"
            changes += _row(desk, business, salon, booking, chat, PICTURE, key, after=1)
    said = {"rating": review.rating, "text": review.text, "photo": review.photo is not None, "channel": review.channel}
    return changes + await of_booking(desk, booking, "review.received", **said)


async def _cards(desk: Desk, booking: Booking) -> Mapping[str, Message]:
    """The first card of each chat, by the chat."""
    where = {"business": booking.business, "booking": booking.id, "kind": CARD}
    rows = await desk.store.find(Message, where, limit=MOST)
    return {row.staff_chat: row for row in rows if row.staff_chat and row.edits is None}


def _told_again(
    desk: Desk,
    business: Business,
    salon: Salon | None,
    booking: Booking,
    review: Review,
    chat: StaffChat,
    card: Message,
    *,
    words: bool,
) -> Changes:
    """News for a chat that has a card. One that has not been leased yet will say all; that it was not is expected."""
    if card.status == "planned" and not card.attempts:
        untouched = {"status": "planned", "attempts": 0}
        return Changes(patches=(Patch(Message, card.business, card.id, {"attempts": 0}, untouched),))
    if words:
        key = f"review:{encoded(booking.id)}:words:{review.revision}:staff:{chat.id}:0"
        return _row(desk, business, salon, booking, chat, WORDS, key)
    if card.status in (*REACHED, "sending"):
        return Changes(inserts=(edit_of(card, desk.now(), card.choices),))
    return Changes()


def _row(
    desk: Desk,
    business: Business,
    salon: Salon | None,
    booking: Booking,
    chat: StaffChat,
    kind: str,
    key: str,
    *,
    after: Millis = 0,
) -> Changes:
    """A row for one chat; ``after``: so many milliseconds behind the others, so that it comes below them."""
    row = staff_row(business, chat, kind, key=key, now=desk.now(), salon=salon, booking=booking)
    choices = () if kind == PICTURE else (Choice(ANSWER, {"booking": booking.id}),)
    return Changes(inserts=(replace(row, choices=choices, next_at=row.next_at + after),))


async def asked_to_answer(desk: Desk, turn: Turn, chat: StaffChat, card: Message, choice: Choice) -> Changes:
    """The button under a card: how to answer its client."""
    said = answer(
        turn,
        ASK,
        business=chat.business,
        now=desk.now(),
        client=card.client,
        staff_chat=chat.id,
        params={"booking": choice.args["booking"]},
    )
    return Changes(inserts=(replace(said, booking=card.booking, salon=card.salon, master=card.master),))


def reply(desk: Desk, turn: Turn, card: Message, client: Client) -> Message:
    """What the staff write to the client of a review: it takes whichever way leads there, as the review may have come
    from the page."""
    now = desk.now()
    params: dict[str, Any] = {"text": turn.text}
    return Message(
        business=card.business,
        id=new_id(),
        key=f"reply:{turn.channel}:{turn.event}",
        kind="staff_reply",
        lane=SERVICE_LANE,
        client=client.id,
        salon=card.salon,
        master=card.master,
        day=card.day,
        due_at=now,
        next_at=now,
        not_after=now + REPLY_LASTS,
        params=params,
        created_at=now,
    )
