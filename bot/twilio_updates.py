"""What an inbound message of Twilio says: the form of the webhook becomes a Turn.

Fields: twilio.com/docs/messaging/guides/webhook-request; new ones are added without notice and ignored.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final

from bot.whatsapp import PREFIX
from handlers.turn import Turn, unpack
from storage.records import InboxEvent

PHONE: Final = re.compile(r"\+[1-9]\d{6,14}")
PAYLOADS: Final = ("ButtonPayload", "ListId")


def read_message(event: InboxEvent) -> Turn | None:
    """The turn of a stored message, by WhatsApp or by SMS; None where nobody is named who could be answered."""
    form: Mapping[str, str] = json.loads(event.payload)
    sender = form.get("From", "")
    address = sender.removeprefix(PREFIX).strip()
    if not address:
        return None
    return Turn(
        channel="whatsapp" if sender.startswith(PREFIX) else "sms",
        address=address,
        user=address,
        event=event.id.partition(":")[2],
        at=event.received_at,
        text=_text(form.get("Body")),
        press=next(filter(None, (unpack(form.get(name, "")) for name in PAYLOADS)), None),
        reply_to=form.get("OriginalRepliedMessageSid") or None,
        phone=address if PHONE.fullmatch(address) else None,
        name=_text(form.get("ProfileName")),
        photo=_photo(form),
    )


def _text(value: str | None) -> str | None:
    return (value or "").strip() or None


def _photo(form: Mapping[str, str]) -> str | None:
    """The address of the first picture that came along."""
    count = form.get("NumMedia", "0")
    for number in range(min(int(count), 10) if count.isascii() and count.isdigit() else 0):
        if form.get(f"MediaContentType{number}", "").startswith("image/"):
            return form.get(f"MediaUrl{number}")
    return None
