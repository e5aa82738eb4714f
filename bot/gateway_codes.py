"""What SMS Gateway for Android answers and reports, as literal tables.

Sources: the server's handlers (github.com/android-sms-gateway/server), the app's own server and its messages of failure
(github.com/capcom6/android-sms-gateway), docs.sms-gate.app/features/status-tracking.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

import aiohttp
from android_sms_gateway.domain import MessageState
from android_sms_gateway.enums import ProcessState
from android_sms_gateway.errors import APIError

from bot.provider_codes import AGAIN, DEAD, LOCKED_OUT, REFUSED, UNCERTAIN, Meaning, slow_down, wire_error
from handlers.channel import SendError
from handlers.receipts import Verdict

GATEWAY_STATUSES: Final[Mapping[int, Meaning]] = {
    400: REFUSED,
    401: LOCKED_OUT,
    403: LOCKED_OUT,
    404: LOCKED_OUT,  # a wrong address: the path is always there
    413: REFUSED,
    429: slow_down(60_000, "channel"),
}
"""By the status of the HTTP answer; others from 500 on leave it open whether the message was taken."""
GATEWAY_WORDS: Final[tuple[tuple[str, Meaning], ...]] = (
    ("invalid phone number", DEAD),
    ("not mobile phone number", DEAD),
    ("can't parse phone number", DEAD),
    ("queue limit", REFUSED),  # the phone has not fetched what waits for it
)
"""Words of an answer that say more than its status (lower case)."""
GATEWAY_STATES: Final[Mapping[ProcessState, str]] = {
    ProcessState.Pending: "queued",
    ProcessState.Cancelling: "queued",
    ProcessState.Processed: "sending",
    ProcessState.Sent: "sent",
    ProcessState.Delivered: "delivered",
    ProcessState.Cancelled: "canceled",
    ProcessState.Failed: "failed",
}
"""A message's state to the word of :data:`handlers.delivery.WORDS` for it."""
GATEWAY_FAILURES: Final[tuple[tuple[str, Meaning], ...]] = (
    ("TTL expired", REFUSED),
    ("No SIMs found", REFUSED),
    ("RESULT_ERROR_LIMIT_EXCEEDED", REFUSED),  # the network's or Android's own limit
    ("RESULT_ERROR_RADIO_OFF", AGAIN),
    ("RESULT_ERROR_NO_SERVICE", AGAIN),
    ("RESULT_RADIO_NOT_AVAILABLE", AGAIN),
    ("RESULT_RIL_RADIO_NOT_AVAILABLE", AGAIN),
    ("RESULT_RIL_NETWORK_NOT_READY", AGAIN),
    ("RESULT_RIL_SMS_SEND_FAIL_RETRY", AGAIN),
    ("RESULT_RIL_REQUEST_RATE_LIMITED", AGAIN),
)
"""The phone's reasons of failure, by a part of their words; all others refuse the message."""
FAILED: Final = frozenset({"failed", "canceled"})


def gateway_error(error: Exception) -> SendError:
    """What an exception of the client, or of the HTTP client below it, means."""
    if isinstance(error, APIError):
        return _answered(error.status_code or 0, _words(error))
    if isinstance(error, (aiohttp.ClientError, asyncio.TimeoutError)):
        return wire_error(error)
    if isinstance(error, UnicodeEncodeError):
        return REFUSED.error("unencodable")
    return UNCERTAIN.error("undecodable", type(error).__name__)


def _answered(status: int, text: str) -> SendError:
    by_status = UNCERTAIN if status >= 500 else GATEWAY_STATUSES.get(status, REFUSED)
    said = (meaning for words, meaning in GATEWAY_WORDS if words in text.lower())
    return next(said, by_status).error(str(status), text)


def _words(error: APIError) -> str:
    answer = error.response
    return str(answer.get("message", "")) if isinstance(answer, dict) else ""


def gateway_verdict(state: MessageState) -> Verdict:
    """What a message's state means; the reason of a failure is its code, in the phone's own word for it."""
    word = GATEWAY_STATES[state.state]
    if word not in FAILED:
        return Verdict(word)
    reason = next((recipient.error for recipient in state.recipients if recipient.error), "") or ""
    code, meaning = next(((part, meaning) for part, meaning in GATEWAY_FAILURES if part in reason), (word, REFUSED))
    return Verdict(word, code, reason, permanent=meaning.outcome == "permanent")
