"""Twilio's rules for addresses, content and segments, and its error codes. Source: twilio.com/docs/api/errors."""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from bot.playground.wire import Json

WHATSAPP = "whatsapp:"
PHONE = re.compile(r"\+[1-9]\d{7,14}")
USER_ID = re.compile(r"[A-Z]{2}\.[A-Za-z0-9]{1,128}")
"""A WhatsApp user without a phone to show (business-scoped user id)."""
LONGEST_BODY = 1600
LONGEST_TEMPLATE_BODY = 1024

REFUSALS: dict[int, tuple[int, str]] = {
    20001: (400, "A parameter is invalid"),
    20003: (401, "Authenticate"),
    20404: (404, "The requested resource was not found"),
    20429: (429, "Too Many Requests"),
    20500: (500, "An internal server error has occurred"),
    21211: (400, "Invalid 'To' Phone Number"),
    21217: (400, "The phone number does not appear to be valid"),
    21408: (400, "Permission to send an SMS has not been enabled for the region indicated by the 'To' number"),
    21602: (400, "Message body is required"),
    21603: (400, "A 'From' phone number is required"),
    21604: (400, "A 'To' phone number is required"),
    21606: (400, "The 'From' phone number provided is not a valid, message-capable Twilio phone number"),
    21609: (400, "The 'StatusCallback' URL is not a valid URL"),
    21610: (400, "Attempt to send to unsubscribed recipient"),
    21611: (400, "This 'From' number has exceeded the maximum number of queued messages"),
    21614: (400, "'To' number is not a valid mobile number"),
    21617: (400, "The concatenated message body exceeds the 1600 character limit"),
    21619: (400, "A text message body or media urls must be specified"),
    21620: (400, "Invalid media URL(s)"),
    21624: (400, "Invalid validity period value"),
    21635: (400, "The 'To' number is a landline"),
    21654: (400, "The ContentSid Parameter is Required"),
    21655: (400, "The ContentSid is Invalid"),
    21656: (400, "The Content Variables Parameter is invalid"),
    21658: (400, "Parameter exceeded character limit"),
    21703: (400, "The Messaging Service does not have a sender for this channel"),
    21705: (400, "The Messaging Service is invalid"),
    21910: (400, "Invalid From and To pair. From and To should be of the same channel"),
    63007: (400, "Twilio could not find a Channel with the specified From address"),
    92009: (400, "The Content has already been submitted for approval"),
}
"""Codes that come at once: HTTP status and words."""

FAILURES: dict[int, str] = {
    30001: "Queue overflow",
    30003: "Unreachable destination handset",
    30004: "Message blocked",
    30005: "Unknown destination handset",
    30006: "Landline or unreachable carrier",
    30007: "Message filtered",
    30008: "Unknown error",
    30036: "The validity period has expired",
    30042: "The sender ID is not allowed",
    63001: "Channel could not authenticate the request",
    63003: "Channel could not find To address",
    63005: "Channel did not accept given content",
    63012: "Channel provider returned an internal service error",
    63013: "This message send failed because it violates Channel provider's policy",
    63014: "This message failed to be delivered to the user because it was blocked by a user action",
    63015: "The sandbox can only send to people who have joined it",
    63016: "Failed to send freeform message because you are outside the allowed window. Use a Message Template",
    63017: "The account's message rate limit is exceeded",
    63018: "Rate limit exceeded for Channel",
    63021: "Channel invalid content error",
    63024: "Invalid message recipient",
    63032: "We cannot send this message to this user because of a limitation on WhatsApp",
    63040: "Template rejected",
    63041: "Template paused",
    63042: "Template disabled",
    63049: "Meta chose not to deliver this WhatsApp marketing message",
    63051: "The WhatsApp Business Account is locked",
    63112: "Meta has disabled the business's account",
    92007: "The content variables are invalid",
}
"""Codes that come later, by status callback."""

UNDELIVERED = frozenset({30003, 30004, 30005, 30006, 30007, 30008, 63003, 63016, 63024, 63049})
"""The failures that end as `undelivered`; the others end as `failed`. Both words are seen in practice."""

GSM_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_DOUBLE = frozenset("^{}\\[~]|€\f")


class Refusal(Exception):
    """A call that Twilio refuses at once, with one of the codes of `REFUSALS`."""

    def __init__(self, code: int, words: str = "") -> None:
        self.code = code
        self.status, usual = REFUSALS[code]
        self.words = words or usual
        super().__init__(self.words)

    def body(self) -> Json:
        """Twilio's JSON for it."""
        info = f"https://www.twilio.com/docs/errors/{self.code}"
        return {"code": self.code, "message": self.words, "more_info": info, "status": self.status}


def signature(token: str, url: str, fields: Mapping[str, str]) -> str:
    """The `X-Twilio-Signature` of a form POST: base64 of HMAC-SHA1 over the URL and the sorted fields.

    Source: twilio.com/docs/usage/security. A fragment takes no part.
    """
    signed = url.partition("#")[0] + "".join(name + fields[name] for name in sorted(fields))
    return base64.b64encode(hmac.new(token.encode(), signed.encode(), hashlib.sha1).digest()).decode()


def segments(body: str) -> int:
    """How many SMS a text takes: 160 or 153 characters of GSM-7, else 70 or 67 UTF-16 units each."""
    if all(char in GSM_BASIC or char in GSM_DOUBLE for char in body):
        length, whole, part = sum(2 if char in GSM_DOUBLE else 1 for char in body), 160, 153
    else:
        length, whole, part = len(body.encode("utf-16-le")) // 2, 70, 67
    return 1 if length <= whole else -(-length // part)


def check_to(to: str) -> None:
    """Refusal when `to` is no phone in E.164, nor `whatsapp:` with a phone or a user id (that without `+`)."""
    if not to:
        raise Refusal(21604)
    bare = to.removeprefix(WHATSAPP)
    if not PHONE.fullmatch(bare) and not (to.startswith(WHATSAPP) and USER_ID.fullmatch(bare)):
        raise Refusal(21211, f"The 'To' number {to} is not a valid phone number.")


def check_url(url: str, code: int) -> None:
    """Refusal with `code` when this is no complete http(s) URL."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or "_" in parts.hostname:
        raise Refusal(code)


def check_validity(text: str) -> None:
    """Refusal unless 1 to 36000 whole seconds."""
    if not text.isdigit() or not 1 <= int(text) <= 36000:
        raise Refusal(21624)
