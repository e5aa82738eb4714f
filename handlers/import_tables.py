"""Tables as text: how a file is encoded, what separates its cells, and which column is which."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

from handlers.i18n import mark
from handlers.import_columns import COLUMNS, folded, meanings

NO_TABLE: Final = mark("this is no table: export it as CSV")
NO_COLUMNS: Final = mark("the first line must name the columns, a phone or the client's id at least")
NO_ROWS: Final = mark("there is nothing under the names of the columns")
TWO_COLUMNS: Final = mark("two columns mean the same, remove one: {known}")
DELIMITERS: Final = (";", "\t", ",")
BOMS: Final = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_FIELDS: Final = meanings(COLUMNS)


class Unusable(Exception):
    """A whole file that can't be read: ``why`` is a sentence of the catalogs, ``values`` what goes into its braces."""

    def __init__(self, why: str, **values: str) -> None:
        super().__init__(why.format(**values))
        self.why, self.values = why, values


class Row(NamedTuple):
    """The cells of one line, trimmed; ``line`` counts from 1, as editors do."""

    line: int
    cells: Sequence[str]


@dataclass(frozen=True, slots=True)
class Table:
    """A file, taken apart."""

    encoding: str
    delimiter: str
    header: tuple[str, ...]
    """Names of the columns, as written."""
    places: Mapping[str, int]
    """Field to the index of its column."""
    rows: tuple[Row, ...]

    @property
    def of_bookings(self) -> bool:
        """Whether each row is a visit; else it is a client."""
        return "start" in self.places or "date" in self.places

    @property
    def ignored(self) -> tuple[str, ...]:
        """Columns that mean nothing here."""
        known = set(self.places.values())
        return tuple(name for index, name in enumerate(self.header) if index not in known and name)


def read_table(content: bytes) -> Table:
    """Take a CSV file apart. Raises :class:`Unusable`."""
    encoding = encoding_of(content)
    try:
        text = content.decode(encoding).replace("\x00", "")
    except UnicodeDecodeError:
        raise Unusable(NO_TABLE) from None
    first, _, rest = text.partition("\n")
    told = first.strip().removeprefix("sep=") if first.lower().startswith("sep=") else None
    delimiter = told if told in DELIMITERS else delimiter_of(first)
    skipped = 1 if told else 0
    reader = csv.reader(io.StringIO(rest if told else text, newline=""), delimiter=delimiter, skipinitialspace=True)
    rows, line = [], 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append(Row(line + skipped, tuple(cell.strip() for cell in cells)))
            line = reader.line_num + 1
    except csv.Error:
        raise Unusable(NO_TABLE) from None
    if not rows:
        raise Unusable(NO_COLUMNS)
    header = tuple(rows[0].cells)
    places = _places(header)
    if not {"phone", "client_id"} & places.keys():
        raise Unusable(NO_COLUMNS)
    if len(rows) == 1:
        raise Unusable(NO_ROWS)
    return Table(encoding, delimiter, header, places, tuple(rows[1:]))


def encoding_of(content: bytes) -> str:
    """The encoding that a file is written in: UTF-8 (UTF-16 by its mark), else what Windows writes in Cyrillic or Turkish."""
    for mark_, encoding in BOMS.items():
        if content.startswith(mark_):
            return encoding
    try:
        content.decode("utf-8")
        return "utf-8"
    except UnicodeDecodeError:
        pass  # One of the older ones, then.
    # Cyrillic words are made of such bytes alone; in Turkish ones they stand between Latin letters.
    special = [byte >= 0xA0 for byte in content]
    pairs = sum(one and other for one, other in pairwise(special))
    return "cp1251" if 2 * pairs > sum(special) else "cp1254"


def delimiter_of(header: str) -> str:
    """What separates the names of the columns."""
    return max(DELIMITERS, key=header.count)


def _places(header: Sequence[str]) -> dict[str, int]:
    places: dict[str, int] = {}
    for index, name in enumerate(header):
        field = _FIELDS.get(folded(name))
        if field is None:
            continue
        if field in places:
            raise Unusable(TWO_COLUMNS, known=f"{header[places[field]]}, {name}")
        places[field] = index
    if "first_name" in places and not {"name", "last_name"} & places.keys():
        # Where nothing else names the person, people write the whole name there.
        places["name"] = places.pop("first_name")
    return places
