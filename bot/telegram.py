"""Telegram as a channel: what was rendered becomes calls of the Bot API, its answers become ids and SendErrors."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import replace
from typing import Any, Final, TypeVar

from aiogram import Bot
from aiogram.client.telegram import PRODUCTION, TelegramAPIServer
from aiogram.exceptions import TelegramBadRequest
from aiohttp import ClientTimeout

from bot.telegram_calls import NO_PREVIEW, EditButtons, EditText, SendInvoice, SendPhoto, SendText, Session
from bot.telegram_codes import NOT_MODIFIED, THREAD_GONE, says, telegram_error
from handlers.channel import TELEGRAM, Button, Capabilities, Edit, Invoice, Photo, Rendered, Text

TIMEOUT: Final = ClientTimeout(total=35, sock_connect=10)
"""Seconds for a whole call, and for reaching the server. A message that was cut off later than that is unknown."""
CONNECTIONS: Final = 100
START: Final = "tip"
"""What a forwarded invoice says to the bot, in place of being paid."""

T = TypeVar("T")


def make_bot(token: str, api: str | None = None) -> Bot:
    """A client of the Bot API, or of the server at the base URL ``api``. Close its session at the end.

    aiogram hands the timeout to aiohttp as it is, so it can be more than one number.
    """
    server = TelegramAPIServer.from_base(api) if api else PRODUCTION
    return Bot(token, session=Session(api=server, limit=CONNECTIONS, timeout=TIMEOUT))


def provider_id(chat: int | str, message_id: int) -> str:
    """The id of a Telegram message: ``chat:message``, since message ids begin anew in every chat."""
    return f"{chat}:{message_id}"


def split_provider_id(id: str) -> tuple[str, int]:
    """Chat and message of :func:`provider_id`."""
    chat, _, message = id.rpartition(":")
    return chat, int(message)


class TelegramChannel:
    """A :class:`handlers.channel.Channel`. Texts go as they are, without ``parse_mode``, so no name can break one.

    One of three kinds of keyboard fits under a message: ``ask_contact`` comes before buttons, and these before
    ``drop_keyboard``. A topic that is gone is left out, so the message still reaches the chat. An edit that would change
    nothing counts as done. ``payments`` is the token of a payment provider; without it there are no invoices.
    """

    name: Final = "telegram"

    def __init__(self, bot: Bot, payments: str | None = None) -> None:
        self._bot = bot
        self._payments = payments
        self.capabilities: Final[Capabilities] = replace(TELEGRAM, invoices=payments is not None)

    async def send(self, rendered: Rendered, to: str, message_id: str) -> str | None:
        """See :meth:`handlers.channel.Channel.send`; ``to`` is a chat id in decimal."""
        if isinstance(rendered, Text):
            return provider_id(to, await self._call(self._post(_send_text(rendered, to)), to))
        if isinstance(rendered, Edit):
            await self._call(self._edit(_edit(rendered)), to)
            return rendered.provider_id
        if isinstance(rendered, Invoice) and self._payments is not None:
            return provider_id(to, await self._call(self._id(_send_invoice(rendered, to, self._payments)), to))
        if isinstance(rendered, Photo):
            return provider_id(to, await self._call(self._id(_send_photo(rendered, to)), to))
        raise TypeError(f"Telegram cannot send a {type(rendered).__name__}")

    async def _call(self, call: Awaitable[T], to: str) -> T:
        """What ``call`` answers with. Whatever else it ends with, the message may have gone out: the table says what is
        known."""
        try:
            return await call
        except Exception as error:
            raise telegram_error(error, to) from error

    async def _post(self, call: SendText) -> int:
        try:
            return await self._id(call)
        except TelegramBadRequest as error:
            if call.parameters["message_thread_id"] is None or not says(error, *THREAD_GONE):
                raise
            return await self._id(SendText(parameters={**call.parameters, "message_thread_id": None}))

    async def _id(self, call: SendText | SendInvoice | SendPhoto) -> int:
        return int(await self._bot(call))

    async def _edit(self, call: EditText | EditButtons) -> None:
        try:
            await self._bot(call)
        except TelegramBadRequest as error:
            if not says(error, NOT_MODIFIED):
                raise


def _send_text(text: Text, to: str) -> SendText:
    return SendText(
        parameters={
            "chat_id": int(to),
            "text": text.body,
            "message_thread_id": text.thread,
            "disable_notification": text.quiet or None,
            "link_preview_options": NO_PREVIEW,
            "reply_parameters": _reply(text.reply_to),
            "reply_markup": _markup(text),
        }
    )


def _send_invoice(invoice: Invoice, to: str, token: str) -> SendInvoice:
    return SendInvoice(
        parameters={
            "chat_id": int(to),
            "title": invoice.title,
            "description": invoice.body,
            "payload": invoice.payload,
            "provider_token": token,
            "currency": invoice.currency,
            "prices": [{"label": invoice.title, "amount": invoice.amount}],
            "start_parameter": START,
        }
    )


def _send_photo(photo: Photo, to: str) -> SendPhoto:
    return SendPhoto(
        parameters={
            "chat_id": int(to),
            "photo": photo.photo,
            "caption": photo.body,
            "message_thread_id": photo.thread,
            "disable_notification": photo.quiet or None,
        }
    )


def _edit(edit: Edit) -> EditText | EditButtons:
    chat, message = split_provider_id(edit.provider_id)
    markup = _inline(edit.buttons) if edit.buttons else None
    place = {"chat_id": int(chat), "message_id": message, "reply_markup": markup}
    if edit.body is None:
        return EditButtons(parameters=place)
    return EditText(parameters={**place, "text": edit.body, "link_preview_options": NO_PREVIEW})


def _reply(reply_to: str | None) -> Any:
    if reply_to is None:
        return None
    return {"message_id": split_provider_id(reply_to)[1], "allow_sending_without_reply": True}


def _markup(text: Text) -> Any:
    if text.ask_contact:
        key = {"text": text.ask_contact, "request_contact": True}
        return {"keyboard": [[key]], "resize_keyboard": True, "one_time_keyboard": True}
    if text.buttons:
        return _inline(text.buttons)
    return {"remove_keyboard": True} if text.drop_keyboard else None


def _inline(rows: tuple[tuple[Button, ...], ...]) -> Any:
    return {"inline_keyboard": [[_button(button) for button in row] for row in rows]}


def _button(button: Button) -> dict[str, Any]:
    fields: dict[str, Any] = {"text": button.title}
    if button.data is not None:
        fields["callback_data"] = button.data
    if button.url is not None:
        fields["url"] = button.url
    if button.copy:
        fields["copy_text"] = {"text": button.copy}
    if button.style is not None:
        fields["style"] = button.style
    return fields
