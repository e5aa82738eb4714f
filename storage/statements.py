"""The SQL of SQLite: conditions, orders and whole statements, made from field names and where-values.

Words of a fixed list and booleans stand in the text itself, because a partial index serves only a query whose text
implies the condition of the index. Everything else is bound.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple

from storage.codec import Shape, check_word, encode, layout, shapes, sought
from storage.records import RECORDS, Message
from storage.store import Not, OneOf, Patch, Range, Where

MARK: Final = "?"


class Sql(NamedTuple):
    """A piece of SQL and the values for its question marks."""

    text: str
    values: tuple[Any, ...] = ()


def _operand(shape: Shape, value: Any) -> str:
    if shape.words:
        check_word(shape, value)
        return f"'{value}'"
    return str(int(value)) if shape.kind == "boolean" else MARK


def _either(texts: Sequence[str]) -> str:
    return f"({' OR '.join(texts)})" if len(texts) > 1 else texts[0]


def _one_of(shape: Shape, values: tuple[Any, ...]) -> str:
    known = [value for value in values if value is not None]
    texts = [f"{shape.name} IS NULL"] if len(known) < len(values) else []
    if shape.words:
        for word in known:
            check_word(shape, word)
        # In the order of the list, so that the text is the same as that of a partial index.
        known = sorted(set(known), key=shape.words.index)
    if shape.words or shape.kind == "boolean" or len(known) == 1:
        texts += [f"{shape.name} = {_operand(shape, value)}" for value in known]
    elif known:
        # One text for lists of any length.
        texts.append(f"{shape.name} IN (SELECT value FROM json_each(?))")
    return _either(texts) if texts else "0"


def _terms(shape: Shape, outline: Any) -> list[str]:
    match outline:
        case None:
            return [f"{shape.name} IS NULL"]
        case Not(value):
            return [f"{shape.name} IS NOT {'NULL' if value is None else _operand(shape, value)}"]
        case OneOf(values):
            return [_one_of(shape, values)]
        case Range(since, until):
            sides = ((">=", since), ("<", until))
            return [f"{shape.name} {sign} ?" for sign, side in sides if side is not None]
    return [f"{shape.name} = {_operand(shape, outline)}"]


def _mark(value: Any) -> str | None:
    return None if value is None else MARK


def _outline(shape: Shape, wanted: Any) -> tuple[Any, tuple[Any, ...]]:
    """A where-value as far as it makes the text, with marks for what is bound, and that."""
    if wanted is None:
        return None, ()
    if isinstance(wanted, Range):
        sides = tuple(side for side in (wanted.since, wanted.until) if side is not None)
        return Range(_mark(wanted.since), _mark(wanted.until)), sides
    if shape.words or shape.kind == "boolean":
        return wanted, ()
    if isinstance(wanted, OneOf):
        known = [value for value in wanted.values if value is not None]
        marks = (MARK,) * min(len(known), 2) + (None,) * (len(known) < len(wanted.values))
        return OneOf(marks), tuple(known) if len(known) < 2 else (json.dumps(known, ensure_ascii=False),)
    if isinstance(wanted, Not):
        return Not(_mark(wanted.value)), () if wanted.value is None else (wanted.value,)
    return MARK, (wanted,)


@lru_cache(maxsize=4096)
def _text(record: type[Any], outlines: tuple[tuple[str, Any], ...]) -> str:
    return " AND ".join(text for name, outline in outlines for text in _terms(sought(record, name), outline)) or "1"


def condition(record: type[Any], where: Where) -> Sql:
    """What follows WHERE. Raises KeyError for a field that the record has not, ValueError for one that is JSON.

    Making the text takes longer than many a query, so it is made once for all values that may be bound to it.
    """
    outlines, values = [], list[Any]()
    for name, wanted in where.items():
        outline, bound = _outline(sought(record, name), wanted)
        outlines.append((name, outline))
        values += bound
    return Sql(_text(record, tuple(outlines)), tuple(values))  # type: ignore[arg-type]  # classes are hashable


def _any(parts: Sequence[Sql]) -> Sql:
    return Sql(_either([part.text for part in parts]), tuple(value for part in parts for value in part.values))


def _all(terms: Sequence[Sql]) -> Sql:
    return Sql(" AND ".join(term.text for term in terms), tuple(value for term in terms for value in term.values))


def _beyond(shape: Shape, descending: bool, last: Any) -> Sql | None:
    """That a field lies strictly behind ``last``; absent sorts before everything. None: nothing can."""
    if descending:
        if last is None:
            return None
        less = Sql(f"{shape.name} < ?", (last,))
        return _any([less, Sql(f"{shape.name} IS NULL")]) if shape.optional else less
    return Sql(f"{shape.name} IS NOT NULL") if last is None else Sql(f"{shape.name} > ?", (last,))


def _following(record: type[Any], order: Sequence[str], after: Sequence[Any]) -> Sql:
    """That a record lies behind the one whose order fields are ``after``."""
    if len(after) != len(order):
        raise ValueError("`after` needs one value for each field of `order`")
    sides = [(sought(record, name.lstrip("-")), name.startswith("-")) for name in order]
    if len({descending for _, descending in sides}) == 1 and not any(shape.optional for shape, _ in sides):
        names, marks = ", ".join(shape.name for shape, _ in sides), ", ".join("?" * len(sides))
        return Sql(f"({names}) {'<' if sides[0][1] else '>'} ({marks})", tuple(after))
    branches = []
    for index, (shape, descending) in enumerate(sides):
        beyond = _beyond(shape, descending, after[index])
        if beyond is not None:
            same = [Sql(f"{sides[i][0].name} IS ?", (after[i],)) for i in range(index)]
            branches.append(_all([*same, beyond]))
    return _any(branches) if branches else Sql("0")


@lru_cache(maxsize=1024)
def _frame(record: type[Any], order: tuple[str, ...]) -> tuple[str, str]:
    """What stands before and behind the condition of a SELECT of all columns."""
    sides = [(sought(record, name.lstrip("-")).name, " DESC" if name.startswith("-") else "") for name in order]
    by = ", ".join(f"{name}{direction}" for name, direction in sides)
    return f"SELECT {', '.join(layout(record).names)} FROM {layout(record).table} WHERE ", f" ORDER BY {by} LIMIT ?"


def select(record: type[Any], where: Where, order: Sequence[str], after: Sequence[Any] | None, limit: int) -> Sql:
    """A whole SELECT of all columns."""
    found = condition(record, where)
    if after is not None:
        found = _all([found, _following(record, order, after)])
    before, behind = _frame(record, tuple(order))  # type: ignore[arg-type]  # classes are hashable
    return Sql(f"{before}{found.text}{behind}", (*found.values, limit))


def tally(record: type[Any], where: Where, group_by: Sequence[str]) -> Sql:
    """A SELECT of the group fields and the count of each group."""
    found = condition(record, where)
    names = ", ".join(sought(record, name).name for name in group_by)
    text = f"SELECT {names + ', ' if names else ''}count(*) FROM {layout(record).table} WHERE {found.text}"
    return Sql(f"{text} GROUP BY {names}" if names else text, found.values)


def rows(record: type[Any], where: Where, fields: Sequence[str]) -> Sql:
    """A SELECT of some columns."""
    found = condition(record, where)
    names = ", ".join(shapes(record)[name].name for name in fields)
    return Sql(f"SELECT {names} FROM {layout(record).table} WHERE {found.text}", found.values)


def among(record: type[Any], where: Where, field: str, values: Sequence[str]) -> Sql:
    """A SELECT of those values that some record has. One search for each, however many records there are of it."""
    found = condition(record, where)
    table, name = layout(record).table, sought(record, field).name
    one = f"SELECT 1 FROM {table} WHERE {name} = wanted.value AND {found.text}"
    listed = json.dumps(list(values), ensure_ascii=False)
    return Sql(f"SELECT wanted.value FROM json_each(?) AS wanted WHERE EXISTS ({one})", (listed, *found.values))


@dataclass(frozen=True, slots=True)
class Fixed:
    """The statements of a record type that are always the same."""

    get: str
    """Bind business and id."""
    get_several: str
    """Bind business and a JSON list of ids."""
    insert: str
    """Bind a row. Does nothing where the record is there already: a message by its key, all else by its id."""
    put_new: str
    """Bind a row. Does nothing where the id is there already."""
    put_over: str
    """Bind a row, which replaces what is there."""
    put_expected: str | None
    """Bind a row, then business, id and the stored revision that is expected; None: the record has no revision."""
    delete: str
    """Bind business and id."""


def _fixed(record: type[Any]) -> Fixed:
    names, table = layout(record).names, layout(record).table
    unique, primary = ("business, key", "id") if record is Message else ("business, id", "business, id")
    this = "business = ? AND id = ?"
    columns, row = ", ".join(names), ", ".join("?" * len(names))
    insert = f"INSERT INTO {table} ({columns}) VALUES ({row}) ON CONFLICT"
    over = ", ".join(f"{name} = excluded.{name}" for name in names if name not in ("business", "id"))
    every = ", ".join(f"{name} = ?" for name in names)
    return Fixed(
        get=f"SELECT {columns} FROM {table} WHERE {this}",
        get_several=f"SELECT {columns} FROM {table} WHERE business = ? AND id IN (SELECT value FROM json_each(?))",
        insert=f"{insert} ({unique}) DO NOTHING",
        put_new=f"{insert} ({primary}) DO NOTHING",
        # A message is found by its id alone, but never becomes another business's.
        put_over=f"{insert} ({primary}) DO UPDATE SET {over} WHERE {table}.business = excluded.business",
        put_expected=f"UPDATE {table} SET {every} WHERE {this} AND revision = ?" if "revision" in names else None,
        delete=f"DELETE FROM {table} WHERE {this}",
    )


FIXED: dict[type[Any], Fixed] = {record: _fixed(record) for record in RECORDS}


def _named(patch: Patch) -> Where:
    if patch.business is not None:
        return {"business": patch.business, "id": patch.id}
    if patch.record is not Message:
        raise ValueError("only a Message is named by its id alone")
    return {"id": patch.id}


def update(patch: Patch) -> Sql:
    """The UPDATE of a patch."""
    all_shapes = shapes(patch.record)
    if not patch.set:
        raise ValueError("a patch that sets nothing")
    if not {"business", "id"}.isdisjoint(patch.set):
        raise ValueError("a patch can't rename a record")
    sets = ", ".join(f"{all_shapes[name].name} = ?" for name in patch.set)
    values = tuple(encode(all_shapes[name], value) for name, value in patch.set.items())
    found = condition(patch.record, {**_named(patch), **patch.where})
    return Sql(f"UPDATE {layout(patch.record).table} SET {sets} WHERE {found.text}", values + found.values)


_MESSAGE_COLUMNS = ", ".join(layout(Message).names)

CLAIM = (
    "UPDATE message SET status = 'leased', token = ?, lease_until = ? WHERE id IN (SELECT id FROM message "
    "WHERE status = 'planned' AND held = 0 AND lane = ? AND next_at <= ? ORDER BY next_at, id LIMIT ?) "
    f"RETURNING {_MESSAGE_COLUMNS}"
)
GUARD = (
    "UPDATE OR IGNORE message SET status = 'sending', attempts = attempts + 1, lease_until = ?, channel = ?, "
    "address = ?, text = ?, language = ?, segments = ? WHERE id = ? AND status = 'leased' AND token = ? "
    "AND revision = ? AND not_after > ? AND held = 0"
)
GUARD_STATE = (
    "SELECT revision FROM message WHERE id = ? AND status = 'leased' AND token = ? AND not_after > ? AND held = 0"
)
SETTLE = (
    "UPDATE message SET status = 'sent', provider_id = ?, sent_at = ?, fallback_at = ?, token = NULL, "
    "lease_until = NULL WHERE id = ? AND status = 'sending' AND token = ?"
)
NEXT_DUE = "SELECT min(next_at) FROM message WHERE status = 'planned' AND held = 0 AND lane = ?"
PACE = "SELECT arrival, held_until FROM pace WHERE name = ?"
SET_PACE = (
    "INSERT INTO pace (name, arrival, held_until) VALUES (?, ?, ?) "
    "ON CONFLICT (name) DO UPDATE SET arrival = excluded.arrival, held_until = excluded.held_until"
)
FORGET_PACES = "DELETE FROM pace WHERE arrival < ? AND held_until < ?"
PROBE = "INSERT INTO probe (id, at) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET at = excluded.at"
READ_PROBE = "SELECT at FROM probe WHERE id = 1"
