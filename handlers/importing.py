"""Clients and visits from a table: read and checked first, so that a person sees what would happen, then stored in chunks.

A row becomes what the booking system would have PUT, and is stored by the same handlers. Ids are the caller's, else
made of phone and start, so the same file again changes nothing.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeVar

from handlers.batches import Item, put_bookings
from handlers.i18n import mark
from handlers.import_rows import NO_NAME, Entry, Known, Notify, RowReader, Wrong
from handlers.import_tables import Row, Table
from handlers.people import put_client
from handlers.turn import Desk
from storage.records import Business, Client, Master, Salon, Service
from storage.store import Changes, OneOf

R = TypeVar("R", Salon, Master, Service)
T = TypeVar("T")

TWICE: Final = mark("the same visit as in line {number}, told otherwise: give each visit an id of its own")
TWICE_CLIENT: Final = mark("the same client as in line {number}, told otherwise: leave one of the two")
NOT_STORED: Final = mark("could not be stored: {reason}")
LOOKED_UP: Final = 500
"""Phones that are looked up at once; so many rows are stored between two words about how far it is."""
ROWS_A_TURN: Final = 100
"""Rows that are read before others get their turn."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that is not taken: its line, the column as it is called in the file (empty: the whole row), and why.

    ``why`` is a sentence of the catalogs that goes on after the name of the column; ``values`` go into its braces.
    """

    line: int
    column: str
    why: str
    values: Mapping[str, str] = field(default_factory=dict)

    def in_words(self, translate: Callable[[str], str] = str) -> str:
        """The sentence after the name of the column."""
        return translate(self.why).format(**self.values)


@dataclass(slots=True)
class Prepared:
    """What a table would do: nothing is stored yet."""

    entries: list[Entry] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    repeated: int = 0
    """Rows that say once more what an earlier one said."""
    masters: dict[str, Master] = field(default_factory=dict)
    """Masters that are not known yet and will be made, by id; services likewise."""
    services: dict[str, Service] = field(default_factory=dict)
    ahead: int = 0
    """How many of the visits are still to come."""
    assumed_arrived: bool = False
    """The table has no state: past visits count as having taken place."""


@dataclass(slots=True)
class Done:
    """What became of the entries."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0
    rejected: list[Rejected] = field(default_factory=list)


async def prepare(
    desk: Desk, business: Business, table: Table, *, salon: str | None = None, notify: Notify = "reminders"
) -> Prepared:
    """Read every row, and find out what it would become. ``salon``: id of the one that is meant where a row names none."""
    known = Known(
        business,
        await _all(desk, Salon, business),
        await _all(desk, Master, business),
        await _all(desk, Service, business),
    )
    reader = RowReader(table, known, known.salons.get(salon) if salon else known.only, notify, desk.now())
    prepared = Prepared(assumed_arrived=table.of_bookings and "status" not in table.places)
    seen: dict[str, tuple[int, Entry]] = {}
    for part in _parts(table.rows, ROWS_A_TURN):
        for row in part:
            _take(reader, row, prepared, seen)
        await asyncio.sleep(0)
    prepared.masters, prepared.services = reader.masters, reader.services
    await _recognise(desk, business, table, prepared)
    prepared.ahead = sum(entry.wanted is not None and entry.wanted.starts_at > desk.now() for entry in prepared.entries)
    return prepared


def _take(reader: RowReader, row: Row, prepared: Prepared, seen: dict[str, tuple[int, Entry]]) -> None:
    try:
        entry = reader.entry(row)
    except Wrong as wrong:
        prepared.rejected.append(Rejected(row.line, wrong.column, wrong.unread.why, wrong.unread.values))
        return
    line, first = seen.setdefault(entry.id, (row.line, entry))
    if first is entry:
        prepared.entries.append(entry)
    elif replace(entry, line=line) == first:
        prepared.repeated += 1
    else:
        why = TWICE if entry.wanted else TWICE_CLIENT
        prepared.rejected.append(Rejected(row.line, "", why, {"number": str(line)}))


async def carry_out(
    desk: Desk, business: Business, prepared: Prepared, tell: Callable[[int, int], None] = lambda done, total: None
) -> Done:
    """Store what was prepared, in chunks; broken off and done again it is the same as once.

    ``tell`` hears how many entries were looked at, of how many.
    """
    done, total = Done(), len(prepared.entries)
    new: tuple[Master | Service, ...] = (*prepared.masters.values(), *prepared.services.values())
    for made in _parts(new, ROWS_A_TURN):
        await desk.store.commit(Changes(inserts=tuple(made)))
    tell(0, total)
    looked_at = 0
    for part in _parts(prepared.entries, LOOKED_UP):
        await (_store_visits if part[0].wanted else _store_clients)(desk, business, part, done)
        looked_at += len(part)
        tell(looked_at, total)
    return done


async def _store_visits(desk: Desk, business: Business, part: Sequence[Entry], done: Done) -> None:
    spread = _spread(part)
    items = [Item(entry.id, entry.wanted) for entry in spread if entry.wanted is not None]
    for entry, result in zip(spread, await put_bookings(desk, business, items), strict=True):
        if isinstance(result, Exception):
            done.rejected.append(Rejected(entry.line, "", NOT_STORED, {"reason": str(result)}))
        else:
            _count(done, result.created, result.changed)


def _spread(part: Sequence[Entry]) -> list[Entry]:
    """First visits before second ones, and so on: visits of one client can't share a commit, and tables are often sorted
    by client."""
    seen: Counter[str] = Counter()
    turns = []
    for entry in part:
        turns.append((seen[entry.client_id], entry))
        seen[entry.client_id] += 1
    return [entry for _, entry in sorted(turns, key=lambda turn: turn[0])]


async def _store_clients(desk: Desk, business: Business, part: Sequence[Entry], done: Done) -> None:
    for entry in part:
        try:
            kept = await put_client(desk, business, entry.id, entry.client_fields, whole=False)
        except Exception as error:
            done.rejected.append(Rejected(entry.line, "", NOT_STORED, {"reason": str(error)}))
        else:
            _count(done, kept.created, kept.changed)
        await asyncio.sleep(0)


def _count(done: Done, created: bool, changed: bool) -> None:
    done.created += created
    done.changed += changed and not created
    done.unchanged += not changed


async def _recognise(desk: Desk, business: Business, table: Table, prepared: Prepared) -> None:
    """Let rows that name no client's id be about the client who is known by the phone; a new one needs a name.

    Visits change nothing of a client who is known, and a new client is as the first row with a name has it.
    """
    known = await _known_clients(desk, business, prepared.entries)
    named: dict[str, Entry] = {}
    for entry in prepared.entries:
        if entry.by_phone and "name" in entry.client_fields:
            named.setdefault(entry.client_id, entry)
    introduced: set[str] = set()
    entries = []
    for entry in prepared.entries:
        if not entry.by_phone:
            entries.append(entry)
        elif (client := known.get(entry.client_fields["phone"])) is not None:
            entries.append(_about(entry, client, {} if entry.wanted else entry.client_fields))
        elif entry.client_id in named:
            first = named[entry.client_id].client_fields if entry.client_id not in introduced else {}
            entries.append(_about(entry, entry.client_id, first))
            introduced.add(entry.client_id)
        else:
            column = table.header[table.places["name"]] if "name" in table.places else ""
            prepared.rejected.append(Rejected(entry.line, column, NO_NAME))
    prepared.entries = entries
    prepared.rejected.sort(key=lambda rejected: rejected.line)


def _about(entry: Entry, client: str, fields: Mapping[str, Any]) -> Entry:
    wanted = entry.wanted and replace(entry.wanted, client_id=client, client_fields=fields)
    return replace(entry, id=entry.id if wanted else client, client_id=client, client_fields=fields, wanted=wanted)


async def _known_clients(desk: Desk, business: Business, entries: Sequence[Entry]) -> dict[str, str]:
    """Phone to the id of the client who has it; of several the one that was made first."""
    phones = sorted({entry.client_fields["phone"] for entry in entries if "phone" in entry.client_fields})
    found: dict[str, Client] = {}
    for part in _parts(phones, LOOKED_UP):
        where = {"business": business.id, "phone": OneOf(tuple(part))}
        for client in await desk.store.find(Client, where, order=("phone", "id"), limit=4 * LOOKED_UP):
            first = found.setdefault(client.phone or "", client)
            if (client.created_at, client.id) < (first.created_at, first.id):
                found[client.phone or ""] = client
    return {number: client.id for number, client in found.items()}


async def _all(desk: Desk, record: type[R], business: Business) -> list[R]:
    found: list[R] = []
    while True:
        after = (found[-1].id,) if found else None
        page = await desk.store.find(record, {"business": business.id}, after=after)
        found += page
        if not page:
            return found


def _parts(things: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (things[at : at + size] for at in range(0, len(things), size))
