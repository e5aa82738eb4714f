"""The Bot API calls that are made for every message, as aiogram methods that build nothing nobody reads.

aiogram's own ``SendMessage`` validates its keyboard button by button and parses the whole answer, for half of what a
send costs. These declare the few fields that are used, take nested ones as finished JSON, and read of the answer what is
kept. They go through the same session and raise the same exceptions. Source: core.telegram.org/bots/api.
"""

from __future__ import annotations

from typing import Any, ClassVar

from aiogram.methods import TelegramMethod
from pydantic import BaseModel

NO_PREVIEW = '{"is_disabled":true}'


class Sent(BaseModel):
    """What is kept of a sent message."""

    message_id: int


class SendText(TelegramMethod[Sent]):
    """``sendMessage``. ``reply_markup``, ``reply_parameters`` and ``link_preview_options`` are JSON."""

    __returning__: ClassVar[Any] = Sent
    __api_method__: ClassVar[str] = "sendMessage"

    chat_id: str
    text: str
    message_thread_id: int | None = None
    disable_notification: bool | None = None
    link_preview_options: str = NO_PREVIEW
    reply_parameters: str | None = None
    reply_markup: str | None = None


class EditText(TelegramMethod[Any]):
    """``editMessageText``. Without ``reply_markup`` (JSON) the buttons are taken off."""

    __returning__: ClassVar[Any] = Any
    __api_method__: ClassVar[str] = "editMessageText"

    chat_id: str
    message_id: int
    text: str
    link_preview_options: str = NO_PREVIEW
    reply_markup: str | None = None


class EditButtons(TelegramMethod[Any]):
    """``editMessageReplyMarkup``. Without ``reply_markup`` (JSON) the buttons are taken off."""

    __returning__: ClassVar[Any] = Any
    __api_method__: ClassVar[str] = "editMessageReplyMarkup"

    chat_id: str
    message_id: int
    reply_markup: str | None = None


class AnswerPress(TelegramMethod[Any]):
    """``answerCallbackQuery``: ends the clock that turns on a pressed button."""

    __returning__: ClassVar[Any] = Any
    __api_method__: ClassVar[str] = "answerCallbackQuery"

    callback_query_id: str


class FetchUpdates(TelegramMethod[list[dict[str, Any]]]):
    """``getUpdates``, the updates as they came: one of a shape not known yet must not hold up the others."""

    __returning__: ClassVar[Any] = list[Any]
    __api_method__: ClassVar[str] = "getUpdates"

    offset: int | None = None
    timeout: int
    allowed_updates: list[str]


class Me(BaseModel):
    """What is kept of ``getMe``."""

    username: str | None = None


class WhoAmI(TelegramMethod[Me]):
    """``getMe``."""

    __returning__: ClassVar[Any] = Me
    __api_method__: ClassVar[str] = "getMe"
