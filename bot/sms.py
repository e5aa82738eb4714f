"""SMS as a channel: through the salon's own phone, through Twilio, or through the phone first and Twilio where it can't."""

from __future__ import annotations

import logging
from typing import Final, Protocol

from twilio.rest import Client

from bot.twilio_sender import TwilioSender
from handlers.channel import SMS, Capabilities, Rendered, SendError, Text
from storage.records import Message

_log = logging.getLogger(__name__)


class Carrier(Protocol):
    """Somebody who brings SMS to phones; ``to`` is ``+E164``."""

    async def text(self, body: str, to: str, message_id: str) -> str:
        """Hand over one text; answers with the carrier's id for it. Raises SendError."""

    async def look_up(self, message: Message) -> str | None:
        """The carrier's id of ``message`` if it went out after all; None where it did not. Raises SendError."""


class SmsChannel:
    """A :class:`handlers.channel.Channel`.

    ``carriers`` are tried in their order. The next one takes a text that the one before surely did not send, unless that
    was because of the addressee.
    """

    name: Final = "sms"
    capabilities: Final[Capabilities] = SMS

    def __init__(self, *carriers: Carrier) -> None:
        self._carriers = carriers

    async def send(self, rendered: Rendered, to: str, message_id: str) -> str | None:
        """See :meth:`handlers.channel.Channel.send`."""
        if not isinstance(rendered, Text):
            raise TypeError(f"an SMS cannot be a {type(rendered).__name__}")
        *others, last = self._carriers
        for carrier in others:
            try:
                return await carrier.text(rendered.body, to, message_id)
            except SendError as error:
                if error.outcome == "unknown" or error.address_dead:
                    raise
                _log.info("message %s goes by the next carrier of SMS: %s", message_id, error.code)
        return await last.text(rendered.body, to, message_id)

    async def look_up(self, message: Message) -> str | None:
        """See :meth:`Carrier.look_up`."""
        for carrier in self._carriers:
            found = await carrier.look_up(message)
            if found is not None:
                return found
        return None


class TwilioTexts:
    """Twilio as a :class:`Carrier`."""

    def __init__(self, sender: TwilioSender) -> None:
        self._sender = sender

    async def text(self, body: str, to: str, message_id: str) -> str:
        """See :meth:`Carrier.text`."""
        return await self._sender.create(to, message_id, body=body)

    async def look_up(self, message: Message) -> str | None:
        """See :meth:`Carrier.look_up`."""
        return await self._sender.look_up(message, message.address or "")


def twilio_texts(
    client: Client, from_: str | None, messaging_service: str | None, public_url: str | None
) -> TwilioTexts:
    """SMS from ``from_`` (``+E164``, a short code, or a name of at most 11 characters, which nobody can answer); without it
    from a sender that the Messaging Service chooses."""
    service = messaging_service if from_ is None else None
    return TwilioTexts(TwilioSender(client, from_, service, public_url))
