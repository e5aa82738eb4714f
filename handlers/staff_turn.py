"""What staff say and press in a linked chat. Elsewhere the same words and buttons do nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Final

from handlers import attendance, chat_fate, reviews_staff, staff_settings
from handlers.by_hand import HELD
from handlers.channel import WHATSAPP
from handlers.console import console_link
from handlers.linking import use_staff_code
from handlers.recognise import command_of
from handlers.replies import answer
from handlers.staff import TOLD_BY
from handlers.staff_press import pressed
from handlers.turn import Desk, Turn
from storage.records import ANSWERS_LANE, Address, Choice, Client, Message, StaffChat, new_id
from storage.store import Changes

HELD_LIMIT: Final = 200
LISTED: Final = 10
"""How many messages that wait for a person a list shows; those that are due first."""
REPLY_LASTS: Final = 3_600_000
ABOUT_ALL: Final[Mapping[str, Callable[[Desk, Turn, StaffChat], Awaitable[Changes]]]] = {
    "today": attendance.listed,
    "stats": staff_settings.stats,
    "settings": staff_settings.settings,
}
"""Command to what it tells of the business, or of the chat's salon."""


async def respond_staff(desk: Desk, turn: Turn) -> Changes | None:
    """What a turn in a staff chat changes; None where the turn is not the staff's (a client's private chat)."""
    if turn.channel != "telegram":
        return None
    if turn.kind != "message":
        return await chat_fate.changed(desk, turn)
    code = _link_code(turn)
    if code is not None:
        return await _link(desk, turn, code)
    chats = await _chats(desk, turn)
    done = await _said(desk, turn, chats) if chats else None
    return done if done is None else chat_fate.revived(chats) + done


async def _said(desk: Desk, turn: Turn, chats: list[StaffChat]) -> Changes | None:
    """What a word or a press in these chats changes; None where it is not the staff's."""
    if turn.press is not None:
        done = await pressed(desk, turn, chats)
        return done if done is not None or turn.private else Changes()
    if turn.reply_to is not None and turn.text and not turn.text.startswith("/"):
        replied = await _reply_to_client(desk, turn, chats)
        if replied is not None:
            return replied
    command = command_of(turn.text) if turn.text else None
    if command == "manual":
        return await _waiting(desk, turn, chats)
    if command is not None and command in ABOUT_ALL:
        return await _of_each(desk, turn, chats, ABOUT_ALL[command])
    if command == "console" and turn.private:
        return _into_the_console(desk, turn, chats)
    if command == "help" and (not turn.private or await _is_no_client(desk, turn)):
        return _say(desk, turn, chats[0], "staff_help")
    return None if turn.private else Changes()


async def _is_no_client(desk: Desk, turn: Turn) -> bool:
    return not await desk.store.find(Address, {"channel": turn.channel, "address": turn.address}, limit=1)


async def _of_each(
    desk: Desk, turn: Turn, chats: list[StaffChat], told: Callable[[Desk, Turn, StaffChat], Awaitable[Changes]]
) -> Changes:
    changes = Changes()
    for chat in chats:
        changes += await told(desk, turn, chat)
    return changes


async def _chats(desk: Desk, turn: Turn) -> list[StaffChat]:
    """The linked chats at this address: one for each business that linked it; a topic is a chat of its own."""
    found = await chat_fate.chats_at(desk, turn)
    return [chat for chat in found if turn.private or chat.thread in (None, turn.thread)]


def _link_code(turn: Turn) -> str | None:
    """The code of ``/link CODE``, or of ``/start CODE`` in a group that a link added the bot to."""
    words = (turn.text or "").split()
    if len(words) != 2:
        return None
    command = words[0].split("@", 1)[0].lower()
    if command == "/link" or (command == "/start" and not turn.private):
        return words[1]
    return None


async def _link(desk: Desk, turn: Turn, code: str) -> Changes:
    linked = await use_staff_code(desk, turn, code)
    if linked.chat is not None:
        return linked.changes + _say(desk, turn, linked.chat, "staff_linked")
    refused = answer(turn, "staff_link_refused", business="", now=desk.now(), language=turn.language)
    return linked.changes + Changes(inserts=(refused,))


def _say(
    desk: Desk,
    turn: Turn,
    chat: StaffChat,
    kind: str,
    *,
    choices: tuple[Choice, ...] = (),
    client: str | None = None,
    **params: object,
) -> Changes:
    row = answer(
        turn,
        kind,
        business=chat.business,
        now=desk.now(),
        client=client,
        staff_chat=chat.id,
        choices=choices,
        params=params,
        tag=f":{chat.id}",
    )
    return Changes(inserts=(replace(row, salon=chat.salon, master=chat.master),))


async def _waiting(desk: Desk, turn: Turn, chats: list[StaffChat]) -> Changes:
    """The messages of each linked chat's salon or master that wait for a person, with a button for each."""
    changes = Changes()
    for chat in chats:
        where = {
            "business": chat.business,
            **HELD,
            **({"salon": chat.salon} if chat.salon else {}),
            **({"master": chat.master} if chat.master else {}),
        }
        held = await desk.store.find(Message, where, order=("due_at", "id"), limit=HELD_LIMIT)
        listed = held[:LISTED]
        choices = tuple(
            Choice("hand", {"message": row.id, "booking": row.booking, "number": number})
            for number, row in enumerate(listed, 1)
        )
        bookings = list(dict.fromkeys(row.booking for row in listed if row.booking))
        changes += _say(desk, turn, chat, "staff_manual_list", choices=choices, waiting=len(held), bookings=bookings)
    return changes


def _into_the_console(desk: Desk, turn: Turn, chats: list[StaffChat]) -> Changes:
    """A link that signs this person in, once, for each business; without a public address, that there is none."""
    changes = Changes()
    for chat in chats:
        token, made = console_link(desk, chat)
        url = desk.links.page("console/in", token)
        changes += (made if url else Changes()) + _say(desk, turn, chat, "staff_console", url=url or "")
    return changes


async def _reply_to_client(desk: Desk, turn: Turn, chats: list[StaffChat]) -> Changes | None:
    """A reply to a client's words goes back to that client, on the channel the words came from."""
    rows = await desk.store.find(
        Message, {"provider_id": turn.reply_to, "channel": turn.channel, "address": turn.address}, order=("-sent_at",)
    )
    told = next((row for row in rows if row.kind in ("staff_client_message", *reviews_staff.REPLIES)), None)
    chat = next((chat for chat in chats if told is not None and told.staff_chat == chat.id), None)
    if told is None or chat is None or told.client is None:
        return None
    client = await desk.store.get(Client, told.business, told.client)
    if client is None:
        return _say(desk, turn, chat, "staff_reply_failed")
    if not await _takes_words(desk, told):
        return _say(desk, turn, chat, "staff_reply_closed", client=client.id)
    row = (
        reviews_staff.reply(desk, turn, told, client)
        if told.kind in reviews_staff.REPLIES
        else _reply(desk, turn, told, client)
    )
    return Changes(inserts=(row,)) + _say(desk, turn, chat, "staff_reply_sent")


def _reply(desk: Desk, turn: Turn, told: Message, client: Client) -> Message:
    now = desk.now()
    return Message(
        business=told.business,
        id=new_id(),
        key=f"reply:{turn.channel}:{turn.event}",
        kind="staff_reply",
        lane=ANSWERS_LANE,
        client=client.id,
        salon=told.salon,
        channel=str(told.params["channel"]),
        address=str(told.params["address"]),
        due_at=now,
        next_at=now,
        not_after=now + REPLY_LASTS,
        params={"text": turn.text, TOLD_BY: told.staff_chat},
        created_at=now,
    )


async def _takes_words(desk: Desk, told: Message) -> bool:
    """Whether the client's chat takes free text now: WhatsApp's only for a day after the client's last word."""
    if told.params.get("channel") != "whatsapp" or WHATSAPP.window is None:
        return True
    where = {"business": told.business, "channel": "whatsapp", "address": str(told.params["address"])}
    heard = max((row.last_inbound_at or 0 for row in await desk.store.find(Address, where)), default=0)
    return desk.now() - heard < WHATSAPP.window
