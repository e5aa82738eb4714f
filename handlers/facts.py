"""What a message is rendered and routed from: one fresh read of everything that stands behind its row."""

from __future__ import annotations

from dataclasses import dataclass

from handlers.settings import Place, Settings
from handlers.turn import Links
from storage.records import Address, Booking, Business, Client, Master, Message, Millis, Salon, Service, StaffChat


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One booking with the records it names, for messages that list several."""

    booking: Booking
    salon: Salon | None = None
    client: Client | None = None
    master: Master | None = None
    services: tuple[Service, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything that stands behind one message row at this moment.

    ``salon``, ``master`` and ``services`` are the booking's, in the order of the booking; ``client`` is the recipient, or
    whom a staff row is about. ``language`` is the recipient's (``uk``, ``tr``, ``ru`` or ``en``).
    """

    now: Millis
    links: Links
    business: Business
    place: Place
    settings: Settings
    language: str
    salon: Salon | None = None
    booking: Booking | None = None
    client: Client | None = None
    master: Master | None = None
    services: tuple[Service, ...] = ()
    addresses: tuple[Address, ...] = ()
    """Where the recipient can be reached."""
    siblings: tuple[Client, ...] = ()
    """Other clients of the business with the recipient's phone: they read the same chat."""
    staff_chat: StaffChat | None = None
    staff_linked: bool = False
    """Somebody of the salon's staff hears in a chat what this client says."""
    edited: Message | None = None
    """The row that ``message.edits`` names."""
    window_open: bool = True
    """The channel takes free text now; False only on WhatsApp, long after the person's last word."""
    visits: tuple[Visit, ...] = ()
    """The bookings whose ids ``message.params["bookings"]`` lists, in that order, those that no longer exist left out."""
