"""The conversation: one turn in, one value of changes out. The same on every channel."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from handlers import (
    answers,
    bonus_answers,
    chat_fate,
    consent,
    family,
    greeting,
    late,
    rebook_answers,
    reviews,
    staff_turn,
    tips,
    whys,
)
from handlers.free_text import told_to_staff
from handlers.presence import Here, mark_dead, who_is_here
from handlers.recognise import command_of, recognise
from handlers.replies import answer
from handlers.texted import respond_to_text
from handlers.turn import Desk, Turn
from storage.records import REACHED, Booking, Business, Choice, Client, Message, Millis
from storage.store import Changes, OneOf, Range

OPEN_FOR: Final[Millis] = 48 * 3_600_000
"""A typed answer without a payload belongs to the newest question of the last 48 hours."""
EQUALLY_NEW: Final[Millis] = 10 * 60_000
DEAD_FOR: Final[Millis] = 30 * 86_400_000
LISTED: Final = 10
"""How many coming visits a list shows."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a turn is about: the row it answers (if any), the client who speaks, and the business."""

    here: Here
    business: str
    client: Client | None
    row: Message | None = None

    @property
    def language(self) -> str | None:
        """The language to speak to somebody of whom no client is known."""
        return self.here.language if self.client is None else None


async def respond(desk: Desk, turn: Turn) -> Changes:
    """What ``turn`` changes: bookings, consents, links, and the answers as rows to be sent. Commits nothing itself."""
    if turn.kind == "blocked":
        dead = await mark_dead(desk, turn, "blocked", desk.now() + DEAD_FOR)
        return dead + await chat_fate.changed(desk, turn)
    if turn.kind == "unblocked" and turn.private:
        return (await who_is_here(desk, turn)).changes + await chat_fate.changed(desk, turn)
    if turn.channel == "sms":
        return await respond_to_text(desk, turn)
    staffed = await staff_turn.respond_staff(desk, turn)
    if staffed is not None or not turn.private:
        return staffed or Changes()
    here = await who_is_here(desk, turn)
    return here.changes + await _converse(desk, turn, here)


async def _converse(desk: Desk, turn: Turn, here: Here) -> Changes:
    if turn.contact is not None:
        return await greeting.contact_shared(desk, turn, here)
    if turn.payment is not None:
        return await tips.paid(desk, turn, turn.payment)
    if turn.press is not None:
        return await _pressed(desk, turn, here)
    salon = greeting.join_code_of(turn)
    if salon is not None:
        return await greeting.joined(desk, turn, here, salon)
    command = command_of(turn.text) if turn.text else None
    if command == "start":
        return await greeting.started(desk, turn, here)
    if not here.clients:
        return await greeting.stranger(desk, turn, here, command)
    context = await _resolve(desk, turn, here)
    if command is not None:
        return await _command(desk, turn, context, command)
    return await _typed(desk, turn, context)


async def _pressed(desk: Desk, turn: Turn, here: Here) -> Changes:
    """A button: its row must have gone to this very chat, whoever forwarded or forged it."""
    press = turn.press
    assert press is not None
    found = await desk.store.find(Message, {"id": press.message}, limit=1)
    row = found[0] if found else None
    if row is None or (row.channel, row.address) != (turn.channel, turn.address) or row.staff_chat is not None:
        return await _not_yours(desk, turn, here)
    if press.index >= len(row.choices) or row.choices[press.index].verb != press.verb:
        return await _not_yours(desk, turn, here)
    return await _chosen(desk, turn, here, row, row.choices[press.index], pressed=True)


async def _not_yours(desk: Desk, turn: Turn, here: Here) -> Changes:
    """A press that stands for nothing of this chat: nothing is done, and what can be done is said."""
    if not here.clients:
        return await greeting.stranger(desk, turn, here, None)
    context = Context(here, here.clients[0].business, here.clients[0])
    return _say(desk, turn, context, "old_button", choices=(Choice("bookings"),))


async def _chosen(desk: Desk, turn: Turn, here: Here, row: Message, choice: Choice, *, pressed: bool) -> Changes:
    """Carry out one choice of one row."""
    if choice.verb in answers.VISIT_VERBS:
        return await answers.answer_visit(desk, turn, here, row, choice, pressed=pressed)
    if choice.verb in family.VERBS:
        return await family.answer_for_several(desk, turn, here, row, choice, pressed=pressed)
    if choice.verb in reviews.VERBS:
        return await reviews.answered(desk, turn, row, choice, pressed=pressed)
    if choice.verb == tips.VERB:
        return await tips.pressed(desk, turn, row, choice)
    if choice.verb in whys.VERBS:
        return await whys.answered(desk, turn, row, choice, pressed=pressed)
    if choice.verb in rebook_answers.ANSWERS:
        return await rebook_answers.answered(desk, turn, row, choice, pressed=pressed)
    if choice.verb == "late":
        return await late.told(desk, turn, here, row, choice)
    client = await desk.store.get(Client, row.business, row.client) if row.client else None
    context = Context(here, row.business, client, row)
    if choice.verb == "language":
        return await consent.choose_language(desk, turn, here, row.business, str(choice.args["language"]))
    if choice.verb == "business":
        return await _about_business(desk, turn, here, choice)
    return await _command(desk, turn, context, choice.verb)


async def _about_business(desk: Desk, turn: Turn, here: Here, choice: Choice) -> Changes:
    """The person said which business was meant: the word that was ambiguous is taken up again there."""
    said = replace(turn, text=str(choice.args["text"]), press=None)
    business = str(choice.args["business"])
    newest = await _newest(desk, turn, business)
    clients = here.of(business)
    context = Context(here, business, clients[0] if clients else None, newest[0] if newest else None)
    return await _typed(desk, said, context)


async def _resolve(desk: Desk, turn: Turn, here: Here) -> Context:
    """The message that was replied to, else the newest question of the last 48 hours, else just the person."""
    row: Message | None = None
    if turn.reply_to is not None:
        replied = await desk.store.find(
            Message,
            {"provider_id": turn.reply_to, "channel": turn.channel, "address": turn.address},
            order=("-sent_at",),
        )
        row = replied[0] if replied else None
    if row is None:
        newest = await _newest(desk, turn)
        row = newest[0] if newest else None
    if row is not None and row.client is not None:
        client = await desk.store.get(Client, row.business, row.client)
        return Context(here, row.business, client or here.clients[0], row)
    return Context(here, here.clients[0].business, here.clients[0])


async def _newest(desk: Desk, turn: Turn, business: str | None = None) -> list[Message]:
    """Messages to this chat with open choices, newest first."""
    sent = await desk.store.find(
        Message,
        {
            "channel": turn.channel,
            "address": turn.address,
            "status": OneOf(REACHED),
            "sent_at": Range(desk.now() - OPEN_FOR, None),
        },
        order=("-sent_at",),
        limit=20,
    )
    return [row for row in sent if row.choices and not row.staff_chat and business in (None, row.business)]


async def _typed(desk: Desk, turn: Turn, context: Context) -> Changes:
    """Words: an answer to the newest question, or something for a person to read."""
    row = context.row
    if row is None or turn.text is None:
        return await _free_text(desk, turn, context)
    language = (context.client.language if context.client else None) or context.here.language or "uk"
    index = recognise(turn.text, row, language)
    if index is None:
        return await _free_text(desk, turn, context)
    rivals = [other for other in await _newest(desk, turn) if other.business != row.business]
    if rivals and turn.reply_to is None and abs((rivals[0].sent_at or 0) - (row.sent_at or 0)) < EQUALLY_NEW:
        which = await _which(desk, turn.text, sorted({row.business, rivals[0].business}))
        return _say(desk, turn, context, "which_business", choices=which)
    return await _chosen(desk, turn, context.here, row, row.choices[index], pressed=False)


async def _which(desk: Desk, text: str, businesses: list[str]) -> tuple[Choice, ...]:
    """One choice for each business that the same word may have been meant for."""
    known = await desk.store.get_many(Business, [(business, business) for business in businesses])
    return tuple(
        Choice("business", {"business": one.id, "name": one.name, "text": text})
        for one in sorted(known.values(), key=lambda one: one.name)
    )


async def _command(desk: Desk, turn: Turn, context: Context, command: str) -> Changes:
    """The words that always work, typed or pressed."""
    if command == "bookings":
        return await _bookings(desk, turn, context)
    if command in ("language", "language_ask"):
        return _say(desk, turn, context, "language_ask", choices=greeting.LANGUAGE_CHOICES)
    if command in consent.COMMANDS or command in consent.SYNONYMS:
        return await consent.withdraw_or_give(desk, turn, context.here, context.business, command, context.row)
    if command == "bonus":
        return await bonus_answers.balances(desk, turn, context.here, context.business)
    if command == "help":
        return _say(desk, turn, context, "help", choices=greeting.MENU)
    return _say(desk, turn, context, "menu", choices=greeting.MENU)


async def _bookings(desk: Desk, turn: Turn, context: Context) -> Changes:
    """The visits ahead of everybody behind this chat, one answer for each business."""
    rows: list[Message] = []
    for business in context.here.businesses or (context.business,):
        ahead: list[Booking] = []
        for client in context.here.of(business):
            ahead += await desk.store.find(
                Booking,
                {"business": business, "client": client.id, "starts_at": Range(desk.now(), None)},
                order=("starts_at", "id"),
                limit=LISTED,
            )
        ahead = [booking for booking in ahead if booking.status in ("booked", "confirmed")]
        ahead = sorted(ahead, key=lambda booking: (booking.starts_at, booking.id))[:LISTED]
        rows.append(_list_row(desk, turn, context, business, ahead))
    return Changes(inserts=tuple(rows))


def _list_row(desk: Desk, turn: Turn, context: Context, business: str, ahead: list[Booking]) -> Message:
    """A single visit comes with its buttons; of several each has a button that shows it."""
    people = context.here.of(business)
    client = people[0] if people else context.client
    single = ahead[0] if len(ahead) == 1 else None
    choices = answers.open_choices(single) if single else tuple(Choice("visit", {"booking": b.id}) for b in ahead)
    return answer(
        turn,
        "bookings",
        business=business,
        now=desk.now(),
        client=(single.client if single else None) or (client.id if client else None),
        booking=single,
        choices=choices,
        params={"bookings": [booking.id for booking in ahead]},
        tag=f":{business}",
    )


async def _free_text(desk: Desk, turn: Turn, context: Context) -> Changes:
    """What no rule understands is for a person: the staff chat gets it where there is one."""
    client = context.client
    reviewed = await reviews.words_given(desk, turn, context.here, context.row)
    if reviewed is not None:
        return reviewed
    told = await told_to_staff(desk, turn, client, context.row) if client else Changes()
    if not told:
        return _say(desk, turn, context, "not_understood", choices=greeting.MENU)
    return _say(desk, turn, context, "message_passed_on") + told


def _say(desk: Desk, turn: Turn, context: Context, kind: str, *, choices: tuple[Choice, ...] = ()) -> Changes:
    row = answer(
        turn,
        kind,
        business=context.business,
        now=desk.now(),
        language=context.language,
        client=context.client.id if context.client else None,
        choices=choices,
    )
    return Changes(inserts=(row,))
