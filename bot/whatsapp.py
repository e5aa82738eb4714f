"""WhatsApp through Twilio as a channel."""

from __future__ import annotations

import json
from typing import Final

from twilio.rest import Client

from bot.twilio_sender import TwilioSender
from handlers.channel import WHATSAPP, Capabilities, Rendered, Template, Text
from storage.records import Message

PREFIX: Final = "whatsapp:"


class WhatsAppChannel:
    """A :class:`handlers.channel.Channel`. Addresses are ``+E164``, or ``CC.alnum`` for a person without a number.

    Buttons need a Content template, so those of a :class:`handlers.channel.Text` are not sent: its lines are numbered.
    """

    name: Final = "whatsapp"
    capabilities: Final[Capabilities] = WHATSAPP

    def __init__(
        self, client: Client, from_: str, messaging_service: str | None = None, public_url: str | None = None
    ) -> None:
        """``from_`` is the sender's number, ``+E164``; the rest as in :class:`bot.twilio_sender.TwilioSender`."""
        self._sender = TwilioSender(client, PREFIX + from_.removeprefix(PREFIX), messaging_service, public_url)

    async def send(self, rendered: Rendered, to: str, message_id: str) -> str | None:
        """See :meth:`handlers.channel.Channel.send`."""
        if isinstance(rendered, Text):
            return await self._sender.create(PREFIX + to, message_id, body=rendered.body)
        if isinstance(rendered, Template):
            return await self._sender.create(PREFIX + to, message_id, **_content(rendered))
        raise TypeError(f"WhatsApp cannot send a {type(rendered).__name__}")

    async def look_up(self, message: Message) -> str | None:
        """The provider's id of ``message`` if it went out after all; None where it did not. Raises SendError."""
        return await self._sender.look_up(message, PREFIX + (message.address or ""))


def _content(template: Template) -> dict[str, str]:
    """Without variables the parameter is left out: an empty object is refused for some templates."""
    variables = {"content_variables": json.dumps(dict(template.variables), ensure_ascii=False)}
    return {"content_sid": template.sid, **(variables if template.variables else {})}
