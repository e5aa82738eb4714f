"""What the providers' errors mean, as literal tables: Telegram's words, Twilio's codes, and failures of the wire."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import aiohttp
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
from twilio.base.exceptions import TwilioRestException, TwilioServiceException

from handlers.channel import SendError
from handlers.delivery import Verdict
from storage.records import Millis


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a provider's error means; the fields are those of :class:`handlers.channel.SendError`."""

    outcome: Literal["not_sent", "permanent", "unknown"]
    retry_after: Millis | None = None
    scope: Literal["chat", "channel"] = "chat"
    address_dead: bool = False
    needs_template: bool = False
    opted_out: bool = False

    def error(self, code: str, text: str = "", *, moved_to: str | None = None) -> SendError:
        """The error to raise for the provider's own ``code`` and ``text``."""
        return SendError(
            self.outcome,
            code,
            text,
            retry_after=self.retry_after,
            scope=self.scope,
            address_dead=self.address_dead,
            moved_to=moved_to,
            needs_template=self.needs_template,
            opted_out=self.opted_out,
        )


AGAIN: Final = Meaning("not_sent")
"""Surely not sent; a later try may do."""
REFUSED: Final = Meaning("permanent")
"""Not with this content, or not by this channel at all."""
DEAD: Final = Meaning("permanent", address_dead=True)
"""Not to this address."""
LEFT: Final = Meaning("permanent", address_dead=True, opted_out=True)
"""The person does not want it."""
UNCERTAIN: Final = Meaning("unknown")
"""It may have gone out."""
LOCKED_OUT: Final = Meaning("not_sent", retry_after=60_000, scope="channel")
"""The provider does not accept our credentials: nothing goes out until a person corrects them."""


def slow_down(retry_after: Millis, scope: Literal["chat", "channel"]) -> Meaning:
    """Surely not sent, and the provider asks for a pause of ``retry_after`` milliseconds."""
    return Meaning("not_sent", retry_after=retry_after, scope=scope)


# The wire

NEVER_LEFT: Final = (
    aiohttp.ClientConnectorError,  # DNS, refused, TLS, proxy out of reach
    aiohttp.ConnectionTimeoutError,  # also while waiting for a free connection
    aiohttp.ServerFingerprintMismatch,
    aiohttp.ClientHttpProxyError,
    aiohttp.InvalidURL,
)
"""Failures before the first byte of a request. All others of aiohttp, and timeouts, may come after the last one."""


def wire_error(error: BaseException | None) -> SendError:
    """A failure of the HTTP client. Its own words are left out: they may hold a URL, and that the bot's token."""
    meaning = AGAIN if isinstance(error, NEVER_LEFT) else UNCERTAIN
    code = "timeout" if isinstance(error, asyncio.TimeoutError) else "network"
    return meaning.error(code, type(error).__name__)


# Telegram: core.telegram.org/bots/api#making-requests; the descriptions are not documented and stand here as observed.

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


# Twilio: twilio.com/docs/api/errors. 63xxx mostly come by status callback, after a 201; 21xxx answer the request.

TWILIO_CODES: Final[Mapping[int, Meaning]] = {
    20003: LOCKED_OUT,
    20404: LOCKED_OUT,
    20429: slow_down(1_000, "channel"),
    20500: UNCERTAIN,
    20503: UNCERTAIN,
    21211: DEAD,  # not a phone number
    21217: DEAD,
    21408: REFUSED,  # the country is not switched on in the account
    21610: LEFT,  # STOP
    21611: slow_down(30_000, "channel"),  # the sender's queue is full
    21614: DEAD,  # not a mobile number
    21635: DEAD,  # a landline
    21656: REFUSED,  # content variables
    30001: slow_down(30_000, "channel"),
    30003: slow_down(600_000, "chat"),  # the phone is off
    30004: LEFT,
    30005: DEAD,
    30006: DEAD,
    30007: REFUSED,  # filtered
    30008: REFUSED,
    30036: REFUSED,  # waited longer than its ValidityPeriod
    30042: REFUSED,
    63001: REFUSED,
    63003: DEAD,  # not on WhatsApp
    63005: REFUSED,
    63007: REFUSED,  # no such sender
    63012: slow_down(30_000, "chat"),  # the provider's own fault
    63013: REFUSED,
    63014: LEFT,  # blocked by the person
    63015: DEAD,  # has not joined the sandbox
    63016: Meaning("permanent", needs_template=True),
    63017: slow_down(1_000, "channel"),
    63018: slow_down(10_000, "chat"),  # one message in six seconds to one person
    63021: REFUSED,
    63024: DEAD,
    63032: REFUSED,  # Meta's experiment: this person gets nothing from businesses for now
    63040: REFUSED,  # template rejected, paused, disabled
    63041: REFUSED,
    63042: REFUSED,
    63049: REFUSED,  # Meta withheld marketing: no retry
    63051: REFUSED,
    63112: REFUSED,
    92007: REFUSED,
}
"""A code that is not here is judged by the status of the HTTP answer, or refuses the message when it came by callback."""

TWILIO_STATUSES: Final[Mapping[int, Meaning]] = {
    401: LOCKED_OUT,
    403: LOCKED_OUT,
    404: LOCKED_OUT,
    429: TWILIO_CODES[20429],
}


def twilio_error(error: Exception) -> SendError:
    """What an exception of the Twilio SDK, or of the HTTP client below it, means."""
    if isinstance(error, TwilioRestException):
        return _answered(error.status, error.code, error.msg)
    if isinstance(error, TwilioServiceException):
        return _answered(error.status, error.code, error.detail or error.title)
    if isinstance(error, UnicodeEncodeError):
        return REFUSED.error("unencodable")
    if isinstance(error, (aiohttp.ClientError, asyncio.TimeoutError)):
        return wire_error(error)
    return UNCERTAIN.error("undecodable", type(error).__name__)


def _answered(status: int, code: int | None, text: str) -> SendError:
    by_status = UNCERTAIN if status >= 500 else TWILIO_STATUSES.get(status, REFUSED)
    return TWILIO_CODES.get(code or 0, by_status).error(str(code or status), text)


def twilio_verdict(status: str, code: str | None, text: str = "") -> Verdict:
    """What the status callback ``failed`` or ``undelivered`` means; ``code`` is its ErrorCode, which is often absent."""
    number = int(code) if code and code.isascii() and code.isdigit() else 0
    meaning = TWILIO_CODES.get(number, REFUSED)
    return Verdict(
        status,
        code or "",
        text,
        permanent=meaning.outcome == "permanent",
        address_dead=meaning.address_dead,
        needs_template=meaning.needs_template,
        opted_out=meaning.opted_out,
    )
