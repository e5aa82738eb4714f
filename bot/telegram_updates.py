"""What an update of Telegram says: an update, as the Bot API delivers it, becomes a Turn, or nothing.

Updates are read as plain mappings: a field that is missing or of another shape than documented costs no more than
itself. Source: core.telegram.org/bots/api#update.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bot.telegram import provider_id
from handlers.tips import Checkout
from handlers.turn import Contact, Payment, Turn, unpack
from storage.records import InboxEvent, Millis

Fields = Mapping[str, Any]

CHECKOUT: Final = "pre_checkout_query"
ALLOWED_UPDATES: Final = ["message", "callback_query", "my_chat_member", CHECKOUT]
"""What is asked of Telegram, and nothing else."""
SPOKEN: Final = frozenset(
    "text caption photo contact sticker voice audio video video_note document animation location venue dice poll "
    "story paid_media checklist game successful_payment".split()
)
"""A message with none of these fields is a service message: somebody joined, a topic was made."""
GONE: Final = frozenset({"left", "kicked"})
MUTED: Final = "muted"
"""Text of a turn ``removed``: the bot is still there, and may not write."""
HERE: Final = frozenset({"member", "administrator", "creator", "restricted"})


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads stored updates. ``bot_name`` answers with the bot's user name, or None while it is not known yet."""

    bot_name: Callable[[], str | None]

    def __call__(self, event: InboxEvent) -> Turn | None:
        """The turn of a stored event; None where there is nothing to react to."""
        update = json.loads(event.payload)
        id = event.id.partition(":")[2]
        if message := part(update, "message"):
            return _message(message, id, event.received_at, self.bot_name())
        if press := part(update, "callback_query"):
            return _press(press, id, event.received_at)
        return _membership(part(update, "my_chat_member"), id, event.received_at)


def part(fields: Fields, name: str) -> Fields:
    """The object under ``name``; empty where there is none."""
    value = fields.get(name)
    return value if isinstance(value, dict) else {}


def number(fields: Fields, name: str) -> int | None:
    """The whole number under ``name``."""
    value = fields.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def words(fields: Fields, name: str) -> str | None:
    """The text under ``name``, None where it is empty. Half a surrogate pair, which no store can keep, becomes ``?``."""
    value = fields.get(name)
    return value.encode("utf-8", "replace").decode() or None if isinstance(value, str) else None


def _message(message: Fields, event: str, at: Millis, bot_name: str | None) -> Turn | None:
    chat, sender = part(message, "chat"), part(message, "from")
    place, user = number(chat, "id"), number(sender, "id")
    if place is None or chat.get("type") == "channel":
        return None
    if (moved := number(message, "migrate_to_chat_id")) is not None:
        return Turn(
            channel="telegram",
            address=str(place),
            user=str(user or place),
            event=event,
            at=at,
            kind="migrated",
            text=str(moved),
            private=False,
        )
    # An anonymous administrator, a linked channel and another bot are no persons, and have no rights here.
    if user is None or sender.get("is_bot") or part(message, "sender_chat") or not SPOKEN & message.keys():
        return None
    text = words(message, "text") or words(message, "caption")
    if text is not None and text.startswith("/"):
        text = _for_us(text, bot_name)
        if text is None:
            return None
    return Turn(
        channel="telegram",
        address=str(place),
        user=str(user),
        event=event,
        at=at,
        text=text,
        reply_to=_replied(part(message, "reply_to_message"), place),
        contact=_contact(part(message, "contact"), user),
        name=_name(sender),
        language=words(sender, "language_code"),
        private=chat.get("type") == "private",
        thread=_thread(message),
        photo=_photo(message),
        title=words(chat, "title"),
        payment=_payment(part(message, "successful_payment")),
    )


def checkout(query: Fields) -> Checkout | None:
    """Who wants to pay what, as Telegram asks before it takes the money; None where it does not say. A payer's private
    chat has the id of the payer."""
    question, invoice, amount = words(query, "id"), words(query, "invoice_payload"), number(query, "total_amount")
    sender = part(query, "from")
    payer, currency = number(sender, "id"), words(query, "currency")
    if question is None or invoice is None or amount is None or payer is None or currency is None:
        return None
    return Checkout("telegram", str(payer), question, invoice, amount, currency, words(sender, "language_code"))


def _payment(paid: Fields) -> Payment | None:
    invoice, charge = words(paid, "invoice_payload"), words(paid, "telegram_payment_charge_id")
    amount, currency = number(paid, "total_amount"), words(paid, "currency")
    if invoice is None or charge is None or amount is None or currency is None:
        return None
    return Payment(invoice, charge, amount, currency)


def _press(press: Fields, event: str, at: Millis) -> Turn | None:
    """A pressed button. A payload that is not ours leaves a turn without words, about the message that it stood on."""
    sender, message = part(press, "from"), part(press, "message")
    chat = part(message, "chat")
    place, user, id = number(chat, "id"), number(sender, "id"), number(message, "message_id")
    if place is None or user is None:
        return None
    return Turn(
        channel="telegram",
        address=str(place),
        user=str(user),
        event=event,
        at=at,
        press=unpack(words(press, "data") or ""),
        reply_to=provider_id(place, id) if id is not None else None,
        name=_name(sender),
        language=words(sender, "language_code"),
        private=chat.get("type") == "private",
        thread=_thread(message),
        title=words(chat, "title"),
    )


def _membership(change: Fields, event: str, at: Millis) -> Turn | None:
    """Blocked and unblocked in a private chat; thrown out of a group or muted there, and taken in or heard again."""
    chat, sender = part(change, "chat"), part(change, "from")
    place, user = number(chat, "id"), number(sender, "id")
    old, new = part(change, "old_chat_member"), part(change, "new_chat_member")
    if place is None or user is None or chat.get("type") == "channel":
        return None
    private = chat.get("type") == "private"
    was, now = old.get("status"), new.get("status")
    if now in GONE:
        nothing_new = was == now
    else:
        nothing_new = now not in HERE or _may_write(old) == _may_write(new)
    if nothing_new:
        return None
    gone, muted = now in GONE, now in HERE and not _may_write(new)
    return Turn(
        channel="telegram",
        address=str(place),
        user=str(user),
        event=event,
        at=at,
        kind=("blocked" if private else "removed") if gone or muted else "unblocked",
        text=MUTED if muted else None,
        name=_name(sender),
        language=words(sender, "language_code"),
        private=private,
        title=words(chat, "title"),
    )


def _may_write(member: Fields) -> bool:
    """Whether a member of a chat may write there. Who is restricted may do some things, perhaps this one."""
    status = member.get("status")
    return status in HERE and not (status == "restricted" and member.get("can_send_messages") is False)


def _for_us(text: str, bot_name: str | None) -> str | None:
    """A command without the name of the bot that it is addressed to; None when that is another bot."""
    command, space, rest = text.partition(" ")
    command, at, addressee = command.partition("@")
    if at and bot_name is not None and addressee.lower() != bot_name.lower():
        return None
    return command + space + rest


def _replied(replied: Fields, place: int) -> str | None:
    """In a topic every message counts as a reply to the one that opened it: that says nothing."""
    id = number(replied, "message_id")
    return None if id is None or "forum_topic_created" in replied else provider_id(place, id)


def _contact(contact: Fields, user: int) -> Contact | None:
    """A card is the sender's own if Telegram put the sender's id on it: a forwarded or typed one has another, or none."""
    phone = words(contact, "phone_number")
    return Contact(phone, own=number(contact, "user_id") == user) if phone else None


def _name(sender: Fields) -> str | None:
    return " ".join(filter(None, (words(sender, "first_name"), words(sender, "last_name")))) or None


def _thread(message: Fields) -> int | None:
    """The topic. Outside of forums the same field numbers chains of replies."""
    return number(message, "message_thread_id") if message.get("is_topic_message") else None


def _photo(message: Fields) -> str | None:
    """The largest of the sizes, which stands last."""
    sizes = message.get("photo")
    largest = sizes[-1] if isinstance(sizes, list) and sizes else None
    return words(largest, "file_id") if isinstance(largest, dict) else None
