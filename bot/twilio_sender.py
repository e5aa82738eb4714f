"""Sending through Twilio, for WhatsApp and SMS alike."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from twilio.rest import Client

from bot.provider_codes import UNCERTAIN
from bot.twilio_codes import twilio_error
from storage.records import Message, Millis

STATUS_PATH: Final = "/twilio/status"
RETRIES: Final = "#rc=5&rp=all"
"""Asks Twilio to call back up to five times more, whatever went wrong; by default it does so once, and only when it
could not connect. The fragment is neither sent nor signed (twilio.com/docs/usage/webhooks/webhooks-connection-overrides)."""
VALID_S: Final = 600
"""How long a message may wait in Twilio's queue. What could not go within ten minutes fails there, and goes elsewhere."""
SKEW: Final[Millis] = 30_000
"""How far Twilio's clock may be behind ours. Less than the pause before a channel is tried again, whose first message has
the same words."""
LOOKED_AT: Final = 50


class TwilioSender:
    """Creates messages at Twilio and finds them again.

    ``from_`` is the sender as Twilio writes it (``whatsapp:+14155238886``, ``+14155238886``, a name); a Messaging Service
    beside it is named too, since Twilio's pages ask for one with templates, and without ``from_`` it chooses the sender.
    ``public_url`` is where Twilio can call back; None: it does not.
    """

    def __init__(
        self, client: Client, from_: str | None, messaging_service: str | None, public_url: str | None
    ) -> None:
        self._client = client
        self._from = {} if from_ is None else {"from_": from_}
        self._always: dict[str, Any] = {**self._from, "validity_period": VALID_S}
        if messaging_service is not None:
            self._always["messaging_service_sid"] = messaging_service
        self._status_url = None if public_url is None else f"{public_url.rstrip('/')}{STATUS_PATH}"

    async def create(self, to: str, message_id: str, **content: str) -> str:
        """Hand one message to Twilio; answers with its sid. ``content`` is ``body``, or ``content_sid`` and
        ``content_variables``. Raises SendError. Status callbacks name ``message_id``."""
        call = self._always | content
        if self._status_url is not None:
            call["status_callback"] = f"{self._status_url}/{message_id}{RETRIES}"
        try:
            created = await self._client.messages.create_async(to=to, **call)
        # Whatever a call ends with, the message may have gone out, and the table says so.
        except Exception as error:
            raise twilio_error(error) from error
        if not created.sid:
            raise UNCERTAIN.error("undecodable", "an answer without a sid")
        return str(created.sid)

    async def look_up(self, message: Message, to: str) -> str | None:
        """The sid of ``message`` if Twilio has it, for a send of which no answer came; None where it has not.

        Twilio's list shows neither our id nor the template, so it is found by addressee, time and text. Raises SendError.
        """
        since = datetime.fromtimestamp((message.due_at - SKEW) / 1000, UTC)
        try:
            found = await self._client.messages.list_async(
                to=to, **self._from, date_sent_after=since, limit=LOOKED_AT, page_size=LOOKED_AT
            )
        except Exception as error:
            raise twilio_error(error) from error
        for one in found:
            created = one.date_created
            if (one.body or "").strip() == (message.text or "").strip() and (created is None or created >= since):
                return str(one.sid)
        return None
