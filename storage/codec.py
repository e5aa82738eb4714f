"""How records lie in a database: the shape of every field, and the way between a record and a row of SQLite.

Read once per record type from the annotations of :mod:`storage.records`, so a field is described in one place. What a
mapping or tuple looks like as plain JSON values is the same for both stores; SQLite then keeps it as JSON text.
"""

from __future__ import annotations

import json
import re
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from itertools import repeat
from operator import attrgetter, call
from typing import Any, Final, Generic, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from storage.records import RECORDS, Choice

R = TypeVar("R")

Kind = Literal["text", "integer", "boolean", "mapping", "texts", "choices"]
"""``texts``: a tuple of strings; ``choices``: a tuple of :class:`Choice`."""
JSON_KINDS: Final[tuple[Kind, ...]] = ("mapping", "texts", "choices")


@dataclass(frozen=True, slots=True)
class Shape:
    """One field: its name, what it holds, whether None is allowed, and its words where only a fixed list is."""

    name: str
    kind: Kind
    optional: bool
    words: tuple[str, ...] = ()


def _shape(name: str, hint: Any) -> Shape:
    options = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    optional = type(None) in options
    (bare,) = (option for option in options if option is not type(None))
    origin, inner = get_origin(bare), get_args(bare)
    if origin is Literal:
        return Shape(name, "text", optional, inner)
    if origin is tuple:
        return Shape(name, "choices" if inner[0] is Choice else "texts", optional)
    if origin is Mapping:
        return Shape(name, "mapping", optional)
    kinds: dict[Any, Kind] = {str: "text", int: "integer", bool: "boolean"}
    return Shape(name, kinds[bare], optional)


def _shapes(record: type[Any]) -> dict[str, Shape]:
    hints = get_type_hints(record)
    found = {field.name: _shape(field.name, hints[field.name]) for field in fields(record)}
    if {name for name, shape in found.items() if shape.kind in JSON_KINDS} != set(record.JSON):
        raise TypeError(f"{record.__name__}.JSON does not name exactly its mappings and tuples")
    return found


def _table(record: type[Any]) -> str:
    return re.sub(r"(?<=.)(?=[A-Z])", "_", record.__name__).lower()


def revive(kind: Kind, value: Any) -> Any:
    """A mapping or tuple from its plain JSON value."""
    if kind == "texts":
        return tuple(value)
    if kind == "choices":
        return tuple(Choice(verb, args) for verb, args in value)
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} can't be kept as JSON")


_encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_plain)


def to_text(value: Any) -> str | None:
    """The JSON text of a mapping or tuple; None stays None. Raises TypeError or ValueError for what JSON can't say."""
    return None if value is None else _encoder.encode(value)


def encode(shape: Shape, value: Any) -> Any:
    """The value of one column of SQLite."""
    if shape.kind in JSON_KINDS:
        return to_text(value)
    return value


def _from_text(kind: Kind, text: str | None) -> Any:
    if text is None:
        return None
    # Most are empty, and parsing costs ten times as much as looking.
    if text == "{}":
        return {}
    return () if text == "[]" else revive(kind, _parse(text)[0])


_parse = json.JSONDecoder().raw_decode
"""What :func:`to_text` wrote has no space around it, and not looking for some takes half the time."""
_DECODERS: dict[Kind, Callable[[Any], Any]] = {
    "boolean": {None: None, 0: False, 1: True}.__getitem__,
    **{kind: partial(_from_text, kind) for kind in JSON_KINDS},
}
DECODED_KINDS: Final = tuple(_DECODERS)
"""What SQLite has not itself."""


def decode(shape: Shape, value: Any) -> Any:
    """The value of a field from one column of SQLite."""
    decoder = _DECODERS.get(shape.kind)
    return decoder(value) if decoder else value


@dataclass(frozen=True, slots=True)
class Layout(Generic[R]):
    """A record type as a table of SQLite: names of columns, and both ways between a record and a row of them."""

    table: str
    """Also the name of the collection: ``StaffChat`` lies in ``staff_chat``."""
    shapes: dict[str, Shape]
    names: tuple[str, ...]
    to_row: Callable[[R], tuple[Any, ...]]
    from_row: Callable[[Sequence[Any]], R]
    make: Callable[[Iterable[Any]], R]
    """A record of the values of all its fields, in their order."""


def _layout(record: type[R]) -> Layout[R]:
    all_shapes = _shapes(record)
    names = tuple(all_shapes)
    values_of = attrgetter(*names)
    in_json = [index for index, shape in enumerate(all_shapes.values()) if shape.kind in JSON_KINDS]
    decoders = [(index, _DECODERS.get(shape.kind)) for index, shape in enumerate(all_shapes.values())]
    decoded = [(index, decoder) for index, decoder in decoders if decoder]
    setters = [getattr(record, name).__set__ for name in names]

    def to_row(value: R) -> tuple[Any, ...]:
        row = list(values_of(value))
        for index in in_json:
            row[index] = to_text(row[index])
        return tuple(row)

    def from_row(row: Sequence[Any]) -> R:
        values = list(row)
        for index, decoder in decoded:
            values[index] = decoder(values[index])
        return make(values)

    def make(values: Iterable[Any]) -> R:
        # The slots are filled directly: the generated __init__ takes twice as long, and a message has half a dozen rows
        # behind it. No setter answers with anything, so all of them are called.
        made = object.__new__(record)
        any(map(call, setters, repeat(made), values))
        return made

    return Layout(_table(record), all_shapes, names, to_row, from_row, make)


_LAYOUTS: dict[type[Any], Layout[Any]] = {record: _layout(record) for record in RECORDS}


def layout(record: type[R]) -> Layout[R]:
    """The layout of a record type. Raises KeyError for what is not stored."""
    return _LAYOUTS[record]


def shapes(record: type[Any]) -> dict[str, Shape]:
    """The fields of a record type by name, in their order."""
    return _LAYOUTS[record].shapes


def sought(record: type[Any], name: str) -> Shape:
    """A field by which records are found, sorted or grouped. Raises KeyError where there is none, ValueError for JSON."""
    shape = shapes(record)[name]
    if shape.kind in JSON_KINDS:
        raise ValueError(f"{record.__name__}.{name} is kept as JSON: nothing can be sought or sorted by it")
    return shape


def check_word(shape: Shape, value: Any) -> None:
    """Raise ValueError for a value that a field with a fixed list of words never has."""
    if shape.words and value is not None and value not in shape.words:
        raise ValueError(f"{shape.name} is never {value!r}")
