"""One row of an imported table as what the booking system would have PUT."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar

from handlers import import_cells as cells
from handlers.i18n import mark
from handlers.import_cells import Unread
from handlers.import_columns import folded
from handlers.import_tables import Row, Table
from handlers.settings import in_force, place
from handlers.visits import Wanted
from storage.records import BookingStatus, Business, Master, Millis, Salon, Service

T = TypeVar("T")
R = TypeVar("R", Salon, Master, Service)

EMPTY: Final = mark("is empty: every row needs it")
NO_PERSON: Final = mark("is empty: give a phone, or the client's id")
NO_NAME: Final = mark("is empty: a new client needs a name")
WHICH_SALON: Final = mark("does not say which salon: write one of these: {known}")
BEFORE_START: Final = mark("lies before the start: write a later time")
WRONG_CELLS: Final = mark("more cells than columns: put a text that holds the separator in quotes")

Notify = Literal["reminders", "all", "none"]
"""What follows from visits that are still to come. ``reminders``: all but the news that they were booked, which the clients
know. ``all``: what would follow if the booking system had just told of them. ``none``: nothing."""
NOTIFY: Final[Mapping[Notify, Mapping[str, Any]]] = {
    "reminders": {"created": False},
    "all": {},
    "none": {"created": False, "reminders": [], "confirm": False, "review": False},
}
PARTED: Final = re.compile(r"\s*[;|\n]\s*|\s+\+\s+|,\s+")
"""What stands between the services of one visit."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A row that is taken. ``id``: of the visit, or of the client. ``by_phone``: the client's id was made of the phone, so
    whoever is known by that phone is meant. ``wanted`` None: the row is a client."""

    line: int
    id: str
    client_id: str
    client_fields: Mapping[str, Any]
    by_phone: bool
    wanted: Wanted | None = None


class Wrong(Exception):
    """A row that can't be taken: the column as the file calls it (empty: the row as a whole), and why."""

    def __init__(self, column: str, unread: Unread) -> None:
        super().__init__(unread.why)
        self.column, self.unread = column, unread


class Known:
    """What a business has, by id and by folded name."""

    def __init__(
        self, business: Business, salons: Sequence[Salon], masters: Sequence[Master], services: Sequence[Service]
    ) -> None:
        self.business = business
        self.salons = by_name(salons)
        self.masters = {salon.id: by_name([one for one in masters if one.salon == salon.id]) for salon in salons}
        self.services = by_name(services)
        self.names = ", ".join(sorted(salon.name for salon in salons))
        self.only = salons[0] if len(salons) == 1 else None


def by_name(records: Sequence[R]) -> dict[str, R]:
    """Records by folded name, and by id."""
    names = {folded(record.name): record for record in reversed(records)}
    return names | {record.id: record for record in records}


def made_id(prefix: str, *parts: object) -> str:
    """An id that says the same whenever it is made of the same parts."""
    text = "\x1f".join(map(str, parts))
    return f"{prefix}-{hashlib.sha256(text.encode()).hexdigest()[:20]}"


class RowReader:
    """Reads the rows of a table. ``salon``: the one that is meant where a row names none.

    ``masters`` and ``services`` are those that rows name and nobody knows yet, by id.
    """

    def __init__(self, table: Table, known: Known, salon: Salon | None, notify: Notify, now: Millis) -> None:
        self._table, self._known, self._salon, self._notify, self._now = table, known, salon, notify, now
        self._row = Row(0, ())
        self.masters: dict[str, Master] = {}
        self.services: dict[str, Service] = {}

    def entry(self, row: Row) -> Entry:
        """What a row is. Raises :class:`Wrong`."""
        named = len(self._table.header)
        if len(row.cells) > named and any(row.cells[named:]):
            raise Wrong("", Unread(WRONG_CELLS))
        self._row = row
        salon = self._named_salon() if self._table.of_bookings else self._salon
        fields = self._person(salon)
        own = self._read("client_id", cells.own_id)
        if own is None and "phone" not in fields:
            raise self._wrong("phone", Unread(NO_PERSON))
        client = own or made_id("p", fields["phone"])
        if not self._table.of_bookings:
            return Entry(row.line, client, client, fields, own is None)
        assert salon is not None
        wanted = self._wanted(salon, client, fields)
        id = self._read("id", cells.own_id) or made_id("i", fields.get("phone", client), wanted.starts_at)
        return Entry(row.line, id, client, fields, own is None, wanted)

    def _person(self, salon: Salon | None) -> dict[str, Any]:
        country = place(self._known.business, salon).country
        first, last = self._read("first_name", cells.words), self._read("last_name", cells.words)
        fields = {
            "name": self._read("name", cells.words) or " ".join(filter(None, (first, last))) or None,
            "first_name": first,
            "phone": self._read("phone", lambda text: cells.phone(text, country)),
            "language": self._read("language", cells.language),
            "birthday": self._read("birthday", cells.birthday),
            "source": self._read("source", cells.words),
            "marketing_consent": self._read("consent", cells.answer),
        }
        return {name: value for name, value in fields.items() if value is not None}

    def _wanted(self, salon: Salon, client: str, fields: Mapping[str, Any]) -> Wanted:
        around = place(self._known.business, salon)
        starts_at = self._start(salon)
        ends_at = self._read("end", lambda text: cells.end(text, starts_at, around.zone))
        if ends_at is not None and ends_at < starts_at:
            raise self._wrong("end", Unread(BEFORE_START))
        lasts = self._read("duration", cells.lasting)
        if ends_at is None and lasts is not None:
            ends_at = starts_at + lasts
        price = self._read("price", cells.money)
        currency = self._read("currency", cells.currency) or (price and price.currency) or around.currency
        status = self._status(starts_at)
        return Wanted(
            salon=salon.id,
            client_id=client,
            client_fields=fields,
            master=self._named_master(salon),
            services=self._named_services(),
            starts_at=starts_at,
            ends_at=ends_at,
            price=price.amount if price else None,
            currency=currency if price else None,
            status=status,
            created_at=self._created_at(salon, starts_at),
            notify=NOTIFY[self._notify],
            news=self._notify == "all",
        )

    def _start(self, salon: Salon) -> Millis:
        zone = place(self._known.business, salon).zone
        field = "start" if "start" in self._table.places else "date"
        clock = self._read("time", str)
        found = self._read(field, lambda text: cells.moment(text, clock, zone))
        if found is None:
            raise self._wrong(field, Unread(EMPTY))
        return found

    def _status(self, starts_at: Millis) -> BookingStatus:
        """The row's; where the table has none at all, past visits have taken place."""
        told = self._read("status", cells.status)
        assumed: BookingStatus = (
            "arrived" if "status" not in self._table.places and starts_at <= self._now else "booked"
        )
        return told or assumed

    def _created_at(self, salon: Salon, starts_at: Millis) -> Millis | None:
        """When the client booked. A visit to come whose reminders are wanted counts as booked no earlier than messages were
        switched on, since else none would go."""
        zone = place(self._known.business, salon).zone
        told = self._read("created_at", lambda text: cells.moment(text, "00:00", zone))
        if starts_at <= self._now:
            return starts_at if told is None else min(told, starts_at)
        if told is None or self._notify == "all":
            return told
        return max(told, in_force(self._known.business, salon).enabled_since)

    def _named_salon(self) -> Salon:
        named = self._read("salon", str)
        found = self._known.salons.get(named) or self._known.salons.get(folded(named)) if named else self._salon
        if found is None:
            raise self._wrong("salon", Unread(WHICH_SALON, known=self._known.names))
        return found

    def _named_master(self, salon: Salon) -> str | None:
        named = self._read("master", cells.words)
        if named is None:
            return None
        masters = self._known.masters[salon.id]
        found = masters.get(named) or masters.get(folded(named))
        if found is None:
            id = made_id("m", salon.id, folded(named))
            found = Master(business=self._known.business.id, id=id, salon=salon.id, name=named, revision=1)
            self.masters[id] = masters[folded(named)] = found
        return found.id

    def _named_services(self) -> tuple[str, ...]:
        cell = self._read("services", str)
        if cell is None:
            return ()
        services = self._known.services
        whole = cell in services or folded(cell) in services
        found = []
        for named in [cell] if whole else filter(None, PARTED.split(cell)):
            service = services.get(named) or services.get(folded(named)) or self._new_service(named)
            found.append(service.id)
        return tuple(dict.fromkeys(found))

    def _new_service(self, named: str) -> Service:
        try:
            name = cells.words(named)
        except Unread as unread:
            raise self._wrong("services", unread) from None
        id = made_id("s", folded(name))
        made = Service(business=self._known.business.id, id=id, name=name, revision=1)
        self.services[id] = self._known.services[folded(name)] = made
        return made

    def _read(self, field: str, read: Callable[[str], T]) -> T | None:
        """The cell of a field, read; None where it is empty or the table has no such column."""
        at = self._table.places.get(field)
        text = self._row.cells[at] if at is not None and at < len(self._row.cells) else ""
        if not text:
            return None
        try:
            return read(text)
        except Unread as unread:
            raise self._wrong(field, unread) from None

    def _wrong(self, field: str, unread: Unread) -> Wrong:
        at = self._table.places.get(field)
        return Wrong(field if at is None else self._table.header[at], unread)
