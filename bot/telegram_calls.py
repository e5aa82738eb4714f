"""The Bot API calls that are made for every message, and the session that builds nothing for them that nobody reads.

aiogram's own ``SendMessage`` validates its keyboard button by button, goes as a form, which writes six letters for each
one of Cyrillic, and parses the whole answer: two thirds of what a send costs. These calls go as JSON, and of a good answer
only what is kept is read. They go through the same session and raise the same exceptions. Source:
core.telegram.org/bots/api#making-requests.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any, ClassVar, Final

from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.exceptions import ClientDecodeError
from aiogram.methods import Response, TelegramMethod
from aiohttp.payload import BytesPayload

NO_PREVIEW: Final = {"is_disabled": True}


class Call(TelegramMethod[Any]):
    """A call with the parameters that go over the wire; those that are None are left out. Answers with plain values."""

    __returning__: ClassVar[Any] = Any
    kept: ClassVar[str | None] = None
    """The field of the result that is answered with, where it is not the whole result."""

    parameters: dict[str, Any]


class SendText(Call):
    """``sendMessage``; answers with the message's id."""

    __api_method__: ClassVar[str] = "sendMessage"
    kept = "message_id"


class EditText(Call):
    """``editMessageText``. Without ``reply_markup`` the buttons are taken off."""

    __api_method__: ClassVar[str] = "editMessageText"


class EditButtons(Call):
    """``editMessageReplyMarkup``. Without ``reply_markup`` the buttons are taken off."""

    __api_method__: ClassVar[str] = "editMessageReplyMarkup"


class SendPhoto(Call):
    """``sendPhoto`` of a picture that Telegram has; answers with the message's id."""

    __api_method__: ClassVar[str] = "sendPhoto"
    kept = "message_id"


class SendInvoice(Call):
    """``sendInvoice``; answers with the message's id. ``prices`` are in the smallest units of ``currency``;
    ``start_parameter`` keeps a forwarded invoice from being paid by others."""

    __api_method__: ClassVar[str] = "sendInvoice"
    kept = "message_id"


class AnswerCheckout(Call):
    """``answerPreCheckoutQuery``: within ten seconds, or the payment is off."""

    __api_method__: ClassVar[str] = "answerPreCheckoutQuery"


class AnswerPress(Call):
    """``answerCallbackQuery``: ends the clock that turns on a pressed button."""

    __api_method__: ClassVar[str] = "answerCallbackQuery"


class FetchUpdates(Call):
    """``getUpdates``, the updates as they came: one of a shape not known yet must not hold up the others."""

    __api_method__: ClassVar[str] = "getUpdates"


class WhoAmI(Call):
    """``getMe``; answers with the bot's whole record."""

    __api_method__: ClassVar[str] = "getMe"


class Session(AiohttpSession):
    """aiogram's session, which sends a :class:`Call` as JSON and reads of its answer what is kept."""

    def build_form_data(self, bot: Bot, method: TelegramMethod[Any]) -> Any:
        """The body of a request. Raises UnicodeEncodeError for half of a surrogate pair."""
        if not isinstance(method, Call):
            return super().build_form_data(bot, method)
        given = {name: value for name, value in method.parameters.items() if value is not None}
        text = json.dumps(given, ensure_ascii=False, separators=(",", ":"))
        return BytesPayload(text.encode(), content_type="application/json")

    def check_response(self, bot: Bot, method: TelegramMethod[Any], status_code: int, content: str) -> Response[Any]:
        """What an answer says; whatever is not plainly good is aiogram's to judge."""
        if not isinstance(method, Call) or status_code != HTTPStatus.OK:
            return super().check_response(bot, method, status_code, content)
        try:
            said = json.loads(content)
            if said["ok"] is not True:
                return super().check_response(bot, method, status_code, content)
            result = said["result"]
            return Response.model_construct(ok=True, result=result[method.kept] if method.kept else result)
        except (ValueError, LookupError, TypeError) as error:
            raise ClientDecodeError("Failed to read the answer", error, content) from error
