"""One inbound event on any channel, already verified, and the payload that stands behind a button."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple
from urllib.parse import quote

from storage.records import Booking, Client, Millis
from storage.store import Store

PAYLOAD_VERSION = "1"


@dataclass(frozen=True, slots=True)
class Press:
    """A pressed choice as the wire carries it: a claim, not a proof. ``message`` is the id of the row it stands on."""

    verb: str
    message: str
    index: int


def pack(verb: str, message: str, index: int) -> str:
    """The payload of a button: ``1.confirm.<22 characters>.0``, well under Telegram's 64 bytes.

    ``message`` is 32 hex digits. The caller's own ids never go on the wire.
    """
    short = base64.urlsafe_b64encode(bytes.fromhex(message)).decode().rstrip("=")
    return f"{PAYLOAD_VERSION}.{verb}.{short}.{index}"


def unpack(data: str) -> Press | None:
    """The press behind a payload, or None where it is not one of ours (forged, foreign, of another version)."""
    parts = data.split(".")
    if len(parts) != 4 or parts[0] != PAYLOAD_VERSION or not parts[3].isascii() or not parts[3].isdigit():
        return None
    try:
        raw = base64.urlsafe_b64decode(parts[2].encode("ascii") + b"==")
    except (binascii.Error, ValueError):
        return None
    if len(raw) != 16 or len(parts[3]) > 3:
        return None
    return Press(parts[1], raw.hex(), int(parts[3]))


class Contact(NamedTuple):
    """A shared contact. ``own``: the platform says that it is the sender's own (``contact.user_id == from.id``)."""

    phone: str
    own: bool


class Payment(NamedTuple):
    """Money that has come in. ``invoice`` is what we gave the invoice along, ``charge`` the platform's id of the payment,
    ``amount`` in hundredths."""

    invoice: str
    charge: str
    amount: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One inbound event.

    ``kind``: ``message`` (text, contact, press, photo), ``blocked`` and ``unblocked`` (the person did it to the bot),
    ``removed`` (the bot was taken out of a group, or, with the text ``muted``, may not write there), ``migrated`` (the
    group's chat has the id ``text`` from now on).
    ``address`` is the chat; ``user`` the person who acted (Telegram user id, WhatsApp address).
    """

    channel: str
    address: str
    user: str
    event: str
    at: Millis
    kind: Literal["message", "blocked", "unblocked", "removed", "migrated"] = "message"
    text: str | None = None
    press: Press | None = None
    reply_to: str | None = None
    """The provider's id of the message that was replied to or whose button was pressed."""
    contact: Contact | None = None
    phone: str | None = None
    """The sender's own phone where the channel vouches for it (WhatsApp), ``+E164``."""
    name: str | None = None
    language: str | None = None
    """The language of the person's app, where the platform tells; a hint only."""
    private: bool = True
    thread: int | None = None
    photo: str | None = None
    """The provider's id of a photo that came along."""
    title: str | None = None
    """The title of a group."""
    payment: Payment | None = None


@dataclass(slots=True)
class Links:
    """Makes the addresses that messages carry. ``public_url`` None: no links. ``bot``: the Telegram bot's user name, None
    until Telegram has told it; the process then writes it here, once."""

    public_url: str | None
    secret: bytes
    bot: str | None = None
    whatsapp: str | None = None
    """The WhatsApp sender, ``+E164``."""

    def token(self, purpose: str, business: str, booking: str, generation: int = 0) -> str:
        """16 bytes of HMAC-SHA256 over purpose, business, booking and generation, in 22 URL-safe characters.

        Parts are percent-encoded, so no two different lists of parts can make the same text.
        """
        text = ":".join(quote(part, safe="") for part in (purpose, business, booking, str(generation)))
        digest = hmac.new(self.secret, text.encode(), hashlib.sha256).digest()[:16]
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")

    def visit_token(self, booking: Booking) -> str:
        """The token of the visit page. Its generation is the making, the last reopening or the last change of client:
        whoever had the booking before holds another one."""
        return self.token("visit", booking.business, booking.id, booking.booked_revision)

    def review_token(self, booking: Booking) -> str:
        """The token of the page on which a visit is reviewed, for the client who had it."""
        return self.token("review", booking.business, booking.id, booking.booked_revision)

    def settings_token(self, client: Client) -> str:
        """The token of the page on which a client switches messages on and off."""
        return self.token("settings", client.business, client.id)

    def visit(self, booking: Booking) -> str | None:
        """The visit page of a booking, for the client who has it now."""
        return self.page("v", self.visit_token(booking))

    def review(self, booking: Booking) -> str | None:
        """The page on which a visit is reviewed."""
        return self.page("r", self.review_token(booking))

    def settings(self, client: Client) -> str | None:
        """The page on which a client switches messages on and off."""
        return self.page("s", self.settings_token(client))

    def join(self, business: str, salon: str) -> str | None:
        """The public page of a salon. A tilde parts the two ids, since no id can hold one."""
        return self.page("join", f"{business}~{salon}")

    def page(self, kind: str, name: str) -> str | None:
        """A page of this service: ``https://…/kind/name``; None without a public address."""
        return f"{self.public_url}/{kind}/{name}" if self.public_url else None

    def whatsapp_chat(self, text: str) -> str | None:
        """The link that opens a chat with the WhatsApp sender, ``text`` ready to be sent."""
        return f"https://wa.me/{self.whatsapp.lstrip('+')}?text={quote(text, safe='')}" if self.whatsapp else None

    def telegram_start(self, payload: str) -> str | None:
        """The link that opens a private chat with the bot and says ``/start payload``."""
        return f"https://t.me/{self.bot}?start={payload}" if self.bot else None

    def telegram_group(self, payload: str) -> str | None:
        """The link that adds the bot to a group and says ``/start payload`` there."""
        return f"https://t.me/{self.bot}?startgroup={payload}" if self.bot else None


@dataclass(frozen=True, slots=True)
class Desk:
    """What a handler may use: the store, the time (playground's shift included), the makers of links, and the names of the
    channels that are switched on in this process, and of those among them that take money."""

    store: Store
    now: Callable[[], Millis]
    links: Links
    channels: frozenset[str] = frozenset({"telegram", "whatsapp"})
    invoices: frozenset[str] = frozenset()
