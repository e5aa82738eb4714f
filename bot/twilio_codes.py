"""What Twilio's errors mean, as literal tables.

Source: twilio.com/docs/api/errors. 63xxx mostly come by status callback, after a 201; 21xxx answer the request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

import aiohttp
from twilio.base.exceptions import TwilioRestException, TwilioServiceException

from bot.provider_codes import DEAD, LEFT, LOCKED_OUT, REFUSED, UNCERTAIN, Meaning, slow_down, wire_error
from handlers.channel import SendError
from handlers.receipts import Verdict

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
