"""What Telegram's errors mean, as literal tables.

Source: core.telegram.org/bots/api#making-requests; the descriptions are not documented and stand here as observed.
"""

from __future__ import annotations

from typing import Final

from aiogram.exceptions import (
    ClientDecodeError,
    TelegramAPIError,
    TelegramBadRequest,
    TelegramConflictError,
    TelegramEntityTooLarge,
    TelegramForbiddenError,
    TelegramMigrateToChat,
    TelegramNetworkError,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramServerError,
    TelegramUnauthorizedError,
)

from bot.provider_codes import AGAIN, DEAD, LOCKED_OUT, REFUSED, UNCERTAIN, Meaning, slow_down, wire_error
from handlers.channel import SendError
from storage.records import Millis

NOT_MODIFIED: Final = "message is not modified"
QUERY_TOO_OLD: Final = "query is too old"
THREAD_GONE: Final = ("message thread not found", "topic_closed", "topic_deleted", "topic_id_invalid")
TELEGRAM_UNREACHABLE: Final = (
    "chat not found",
    "user not found",
    "user_id_invalid",
    "peer_id_invalid",
    "chat_id_invalid",
    "user_is_blocked",
    "input_user_deactivated",
    "user_deactivated",
    "group chat was deactivated",
    "group chat was deleted",
    "group chat was upgraded",
    "channel_private",
    "chat_write_forbidden",
    "chat_restricted",
    "chat_send_plain_forbidden",
    "no rights to send",
    "not enough rights to send",
    "need administrator rights",
    "bot is not a member",
    "bot was kicked",
)
"""Words of a 400 that speak of the chat, not of the message."""
FLOOD_PAUSE: Final[Millis] = 5_000
"""For a 429 that does not say how long."""

TELEGRAM_CLASSES: Final[tuple[tuple[type[Exception], str, Meaning], ...]] = (
    (TelegramEntityTooLarge, "413", REFUSED),
    (TelegramForbiddenError, "403", DEAD),
    (TelegramBadRequest, "400", REFUSED),
    (TelegramUnauthorizedError, "401", LOCKED_OUT),
    (TelegramNotFound, "404", LOCKED_OUT),  # a wrong token makes the method's own address unknown
    (TelegramConflictError, "409", AGAIN),
    (TelegramServerError, "500", UNCERTAIN),
    (ClientDecodeError, "undecodable", UNCERTAIN),  # a 5xx or 429 with a page of HTML, also a broken 200
    (TelegramAPIError, "refused", AGAIN),
    (UnicodeEncodeError, "unencodable", REFUSED),  # half of a surrogate pair, before anything is sent
)
"""The first class that fits."""


def says(error: Exception, *words: str) -> bool:
    """Whether Telegram's description holds one of these words (lower case)."""
    return any(word in str(getattr(error, "message", "")).lower() for word in words)


def telegram_error(error: Exception, chat: str) -> SendError:
    """What an exception of aiogram means for a message to ``chat`` (a decimal id, below zero for groups).

    A 429 does not say whose limit was hit. Groups have one of their own (20 a minute), so only the group waits; a
    private chat is held to one message a second here, so it is taken for the bot's limit and everything waits.
    """
    if isinstance(error, TelegramRetryAfter):
        meaning = slow_down(error.retry_after * 1000, "chat" if chat.startswith("-") else "channel")
        return meaning.error("429", f"retry after {error.retry_after} s")
    if isinstance(error, TelegramMigrateToChat):
        return AGAIN.error("400", "the group became a supergroup", moved_to=str(error.migrate_to_chat_id))
    if isinstance(error, TelegramNetworkError) and not isinstance(error, TelegramEntityTooLarge):
        return wire_error(error.__cause__)
    for kind, code, meaning in TELEGRAM_CLASSES:
        if isinstance(error, kind):
            return _worded(error, code, meaning)
    return UNCERTAIN.error(type(error).__name__)


def _worded(error: Exception, code: str, meaning: Meaning) -> SendError:
    text = str(getattr(error, "message", "")) if isinstance(error, TelegramAPIError) else type(error).__name__
    if code == "400" and says(error, *TELEGRAM_UNREACHABLE):
        meaning = DEAD
    if code == "refused" and says(error, "too many requests"):
        code, meaning = "429", slow_down(FLOOD_PAUSE, "channel")
    return meaning.error(code, text)
