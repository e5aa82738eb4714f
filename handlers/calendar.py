"""A visit as an iCalendar file (RFC 5545): one event that a later file of the same visit replaces."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final
from uuid import UUID, uuid5

from handlers import formats
from handlers.i18n import Translator
from handlers.pages import Visit
from storage.records import Booking, Millis

PRODUCT: Final = "-//Vizit//Visits//EN"
_VISITS: Final = UUID("6f0d6c0e-3f0a-4d0b-9a51-6b1f3c6f5a57")


def visit_calendar(visit: Visit, t: Translator, url: str | None) -> bytes:
    """The file: the same UID for every state of a booking, SEQUENCE its revision, CANCELLED when it is.

    Times are in UTC, which every calendar shows in its owner's zone. ``url`` is the visit page.
    """
    # Read when somebody first asks for a file: it would cost every start a tenth of a second and 3 MB.
    from icalendar import Calendar, Event, vUri

    booking, salon = visit.booking, visit.person.salon
    event = Event()
    event.add("uid", uid(booking))
    event.add("sequence", booking.revision)
    event.add("dtstamp", _moment(booking.updated_at))
    event.add("dtstart", _moment(booking.starts_at))
    event.add("dtend", _moment(booking.ends_at))
    event.add("status", "CANCELLED" if booking.status == "cancelled" else "CONFIRMED")
    event.add("summary", _title(visit))
    if salon is not None:
        event.add("location", ", ".join(filter(None, (salon.name, salon.address))))
    event.add("description", "\n".join(_details(visit, t, url)))
    if url is not None:
        event.add("url", vUri(url))
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add_component(event)
    return bytes(calendar.to_ical())


def uid(booking: Booking) -> str:
    """The name of a booking in calendars, the same for ever; nothing can be read from it."""
    return f"{uuid5(_VISITS, f'{booking.business}~{booking.id}')}@vizit"


def _moment(at: Millis) -> datetime:
    return datetime.fromtimestamp(at // 1000, UTC)


def _title(visit: Visit) -> str:
    where = visit.person.salon.name if visit.person.salon else visit.person.business.name
    return ", ".join([*(service.name for service in visit.services), where])


def _details(visit: Visit, t: Translator, url: str | None) -> list[str]:
    salon = visit.person.salon
    lines = [t("Specialist: {master}").replace("{master}", visit.master.name)] if visit.master else []
    lines += notes(visit, t.language)
    return [*lines, *([formats.phone(salon.phone)] if salon and salon.phone else []), *([url] if url else [])]


def notes(visit: Visit, language: str) -> list[str]:
    """What to know before coming, each note once; in the salon's language where there is none in the reader's."""
    spoken = visit.person.place.language
    said = (service.note.get(language) or service.note.get(spoken) for service in visit.services)
    return list(dict.fromkeys(filter(None, said)))
