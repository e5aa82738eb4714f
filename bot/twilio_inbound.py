"""Twilio's webhooks: what people write (WhatsApp and SMS), and what became of messages. Only what Twilio signed counts."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aiohttp import web
from multidict import MultiDict
from twilio.request_validator import RequestValidator

from bot.inbox import Inbox
from bot.receipts import Heard, StatusWord
from bot.twilio_codes import twilio_verdict
from bot.twilio_sender import STATUS_PATH
from bot.webhooks import read_form, storing
from handlers.receipts import Verdict

SOURCE: Final = "twilio"
PATH: Final = "/twilio/inbound"
SIGNATURE_HEADER: Final = "X-Twilio-Signature"
LONGEST_FORM: Final = 64 * 1024
"""Bytes. A message has 4096 characters at most, of at most twelve bytes each once they are percent-encoded."""
NO_REPLY: Final = '<?xml version="1.0" encoding="UTF-8"?><Response/>'
"""Answers go by the API: what is answered here can carry no buttons and no template."""
SID: Final = re.compile(r"(SM|MM)[0-9a-f]{32}")
OURS: Final = re.compile(r"[0-9a-f]{32}")
FAILED: Final = frozenset({"failed", "undelivered", "canceled"})
STATUSES: Final = FAILED | {"accepted", "scheduled", "queued", "sending", "sent", "delivered", "read"}

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Signature:
    """Checks that a form was signed by Twilio for the address it was sent to.

    ``public_url`` is our address as Twilio knows it: what a proxy in front of us makes of the request does not matter.
    ``tokens``: the auth token, and the one before it while that is being changed.
    """

    public_url: str
    tokens: Sequence[str]

    def holds(self, path: str, form: MultiDict[str], signature: str) -> bool:
        """Whether ``signature`` is Twilio's for this form at ``path`` (with its query, as it came)."""
        url = self.public_url.rstrip("/") + path
        return any(_valid(token, url, form, signature) for token in self.tokens)


def _valid(token: str, url: str, form: MultiDict[str], signature: str) -> bool:
    try:
        return bool(RequestValidator(token).validate(url, form, signature))
    # The validator trips over forms and addresses that Twilio would never send: those are not Twilio's.
    except Exception:
        return False


def twilio_routes(inbox: Inbox, signature: Signature, heard: Heard) -> list[web.RouteDef]:
    """The two routes that Twilio calls. ``heard`` is given every word about a message of ours, repeats included; when it
    returns, that is on disk.

    403 without a valid signature, 400 and 413 for what is no form of Twilio's, 503 while nothing can be stored.
    """

    async def inbound(request: web.Request) -> web.Response:
        form = await _signed(request, signature)
        sid = form.get("MessageSid", "")
        if not SID.fullmatch(sid):
            raise web.HTTPBadRequest(text="not a message")
        with storing():
            await inbox.accept(SOURCE, sid, dict(form))
        return web.Response(text=NO_REPLY, content_type="text/xml")

    async def status(request: web.Request) -> web.Response:
        form = await _signed(request, signature)
        word = _word(request.match_info["message"], form)
        # What is not ours to know is taken with thanks: an error would only make Twilio say it again.
        if word is not None:
            with storing():
                await heard(word)
        return web.Response()

    return [web.post(PATH, inbound), web.post(f"{STATUS_PATH}/{{message}}", status)]


async def _signed(request: web.Request, signature: Signature) -> MultiDict[str]:
    given = request.headers.get(SIGNATURE_HEADER)
    if not given:
        raise web.HTTPForbidden(text="not signed")
    form = await read_form(request, LONGEST_FORM)
    if not signature.holds(request.raw_path, form, given):
        raise web.HTTPForbidden(text="wrong signature")
    return form


def _word(message: str, form: MultiDict[str]) -> StatusWord | None:
    sid, status = form.get("MessageSid", ""), form.get("MessageStatus", "")
    if not OURS.fullmatch(message) or not SID.fullmatch(sid) or status not in STATUSES:
        _log.info("a status callback that says nothing of ours")
        return None
    verdict = Verdict(status)
    if status in FAILED:
        verdict = twilio_verdict(status, form.get("ErrorCode"), form.get("ChannelStatusMessage", ""))
    return StatusWord(message, sid, verdict, dict(form))
