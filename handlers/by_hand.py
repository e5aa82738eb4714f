"""Messages that a person sends: cards of them for the staff, and what the staff say became of them.

A message that waits for a person is a held row with its text ready. A card is a message to a staff chat that shows it; it
is put into words from the held row as that is when the card goes, so of two edits the later one tells the truth.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from handlers import staff
from handlers.channel import LONGEST_COPY
from handlers.durations import DAY, HOUR, MINUTE, local_day
from handlers.facts import Facts
from handlers.turn import Desk
from storage.records import ANSWERS_LANE, REACHED, Choice, Message, Millis, StaffChat, new_id
from storage.store import Changes, Patch

CARD: Final = "staff_manual"
TEXT: Final = "staff_text"
EVENT: Final = "not_reached"
"""What a staff chat must hear of to get cards: a card stands in for the news that a client was not reached."""
HELD: Final[Mapping[str, Any]] = {"status": "planned", "held": True}
MOST_CARDS: Final = 200
"""Cards about one client that are looked through."""
MORNING: Final = time(9)


def _in_an_hour(now: Millis, zone: ZoneInfo) -> Millis:
    return now // MINUTE * MINUTE + HOUR


def _tomorrow(now: Millis, zone: ZoneInfo) -> Millis:
    day = datetime.fromtimestamp(now / 1000, zone).date() + timedelta(days=1)
    return round(datetime.combine(day, MORNING, zone).timestamp() * 1000)


LATER: Final[Mapping[str, Callable[[Millis, ZoneInfo], Millis]]] = {
    "hand_hour": _in_an_hour,
    "hand_tomorrow": _tomorrow,
}
"""Verb to when a card comes back."""
DONE: Final[Mapping[str, Mapping[str, Any]]] = {
    "hand_sent": {"status": "sent", "held": False},
    "hand_skip": {"status": "cancelled", "held": False, "reason": "by_staff"},
}
"""Verb to what becomes of the held row."""
VERBS: Final = frozenset({*LATER, *DONE})


def waits(row: Message | None) -> bool:
    """Whether a person is still to send this message."""
    return row is not None and row.held and row.status == "planned"


def fits_a_button(row: Message) -> bool:
    """Whether a button can copy the text; a longer one is a message of its own, easy to copy whole."""
    return len(row.text or "") <= LONGEST_COPY


async def first_cards(desk: Desk, row: Message, facts: Facts, why: str) -> Changes:
    """Show a row that has just become held: a card in every chat that hears of clients who were not reached.

    ``facts`` are those of the row; ``why``: what kept it from going by itself, empty where the business wants it so.
    Cards that show it already are brought up to date: it may be held anew, with another text.
    """
    chats = await staff.chats_for(desk, facts.business, facts.salon, row.master, EVENT)
    params = {"message": row.id, "kind": row.kind, **({"reason": why} if why else {})}
    choices = card_choices(row, facts.now, facts.place.zone)
    new = tuple(card for chat in chats for card in _cards(row, facts, chat, params, choices))
    return Changes(inserts=new) + await shown_anew(desk, row, choices)


def _cards(
    row: Message, facts: Facts, chat: StaffChat, params: Mapping[str, Any], choices: tuple[Choice, ...]
) -> list[Message]:
    def to_chat(kind: str, tag: str) -> Message:
        return staff.staff_row(
            facts.business,
            chat,
            kind,
            key=f"manual:{row.id}:{chat.id}{tag}",
            now=facts.now,
            salon=facts.salon,
            booking=facts.booking,
            client=facts.client,
            params=params,
            lasts=max(row.not_after - facts.now, 0),
        )

    card = replace(to_chat(CARD, ""), choices=choices)
    if fits_a_button(row):
        return [card]
    # A moment later, so that it stands below the card.
    return [card, replace(to_chat(TEXT, ":text"), next_at=facts.now + 1)]


def card_choices(row: Message, now: Millis, zone: ZoneInfo) -> tuple[Choice, ...]:
    """What can be done about a row on its card: nothing once it waits no more, and what is put off is not put off again."""
    if not waits(row):
        return ()
    later = [verb for verb, moment in LATER.items() if row.next_at <= now and moment(now, zone) < row.not_after]
    return tuple(Choice(verb, {"message": row.id}) for verb in ("whatsapp", "copy", *DONE, *later))


async def shown_anew(desk: Desk, row: Message, choices: tuple[Choice, ...] = ()) -> Changes:
    """Bring the cards of ``row`` up to date, with these choices under them."""
    about = {"client": row.client} if row.client else {"booking": row.booking}
    where = {"business": row.business, **about, "kind": CARD}
    cards = await desk.store.find(Message, where, order=("-due_at", "-id"), limit=MOST_CARDS)
    return Changes(inserts=edits_of(cards, {row.id}, desk.now(), choices))


def edits_of(
    rows: Iterable[Message], about: Collection[str], now: Millis, choices: tuple[Choice, ...] = ()
) -> tuple[Message, ...]:
    """An edit for each card among ``rows`` that shows a message whose id is in ``about``."""
    shown = {
        row.provider_id: row
        for row in rows
        if row.kind == CARD and row.provider_id and row.status in REACHED and row.params.get("message") in about
    }
    return tuple(edit_of(card, now, choices) for card in shown.values())


def edit_of(card: Message, now: Millis, choices: tuple[Choice, ...] = ()) -> Message:
    """The row that rewrites ``card`` in place with what is true when it goes."""
    id = new_id()
    return Message(
        business=card.business,
        id=id,
        key=f"shown:{id}",
        kind=card.kind,
        lane=ANSWERS_LANE,
        booking=card.booking,
        client=card.client,
        staff_chat=card.staff_chat,
        salon=card.salon,
        master=card.master,
        day=card.day,
        channel=card.channel,
        address=card.address,
        due_at=now,
        next_at=now,
        not_after=now + DAY,
        params=card.params,
        choices=choices,
        edits=card.id,
        created_at=now,
    )


async def done(desk: Desk, row: Message, verb: str, by: str | None) -> Changes:
    """A person sent the message, or will not: ``verb`` is one of :data:`DONE`. A Conflict says that it waits no more."""
    fields = {**DONE[verb], **({"sent_at": desk.now()} if verb == "hand_sent" else {})}
    return _marked(row, fields, by) + await shown_anew(desk, row)


async def put_off(desk: Desk, row: Message, verb: str, by: str | None, zone: ZoneInfo) -> Changes:
    """Show the message again later: ``verb`` is one of :data:`LATER`. Nothing where that would be too late, or where it is
    put off already; a Conflict says that somebody was faster."""
    now = desk.now()
    until = LATER[verb](now, zone)
    if row.next_at > now or until >= row.not_after:
        return Changes()
    after = replace(row, next_at=until)
    edits = await shown_anew(desk, row, card_choices(after, now, zone))
    again = {edit.staff_chat: _again(edit, row, until, zone) for edit in edits.inserts if isinstance(edit, Message)}
    return _marked(row, {"next_at": until}, by) + edits + Changes(inserts=tuple(again.values()))


def _again(edit: Message, row: Message, until: Millis, zone: ZoneInfo) -> Message:
    """The card of a message that was put off, for when its time has come."""
    return replace(
        edit,
        id=new_id(),
        key=f"manual:{row.id}:{edit.staff_chat}:{until}",
        lane=row.lane,
        day=local_day(until, zone).isoformat(),
        edits=None,
        due_at=until,
        next_at=until,
        not_after=row.not_after,
        choices=card_choices(replace(row, next_at=until), until, zone),
    )


def _marked(row: Message, fields: Mapping[str, Any], by: str | None) -> Changes:
    params = {name: value for name, value in row.params.items() if name != "by"}
    said = {**fields, "params": {**params, **({"by": by} if by else {})}}
    return Changes(patches=(Patch(Message, row.business, row.id, said, {**HELD, "next_at": row.next_at}),))
