"""The SQL of SQLite: conditions, orders and whole statements, made from field names and where-values.

Words of a fixed list and booleans stand in the text itself, because a partial index serves only a query whose text
implies the condition of the index. Everything else is bound.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from storage.codec import Shape, check_word, encode, layout, shapes, sought
from storage.records import RECORDS, Message
from storage.store import Not, OneOf, Patch, Range, Where


class Sql(NamedTuple):
    """A piece of SQL and the values for its question marks."""

    text: str
    values: tuple[Any, ...] = ()


def _operand(shape: Shape, value: Any) -> Sql:
    if shape.words:
        check_word(shape, value)
        return Sql(f"'{value}'")
    if shape.kind == "boolean":
        return Sql(str(int(value)))
    return Sql("?", (value,))


def _any(parts: Sequence[Sql]) -> Sql:
    text = " OR ".join(part.text for part in parts)
    return Sql(f"({text})" if len(parts) > 1 else text, tuple(value for part in parts for value in part.values))


def _one_of(shape: Shape, values: tuple[Any, ...]) -> Sql:
    known = [value for value in values if value is not None]
    parts = [Sql(f"{shape.name} IS NULL")] if len(known) < len(values) else []
    if shape.words:
        # In the order of the list, so that the text is the same as that of a partial index.
        for word in known:
            check_word(shape, word)
        parts += [_compare(shape, "=", word) for word in sorted(set(known), key=shape.words.index)]
    elif len(known) == 1 or shape.kind == "boolean":
        parts += [_compare(shape, "=", value) for value in sorted(set(known))]
    elif known:
        # One text for lists of any length.
        listed = json.dumps(known, ensure_ascii=False)
        parts.append(Sql(f"{shape.name} IN (SELECT value FROM json_each(?))", (listed,)))
    return _any(parts) if parts else Sql("0")


def _compare(shape: Shape, operator: str, value: Any) -> Sql:
    operand = _operand(shape, value)
    return Sql(f"{shape.name} {operator} {operand.text}", operand.values)


def _terms(shape: Shape, wanted: Any) -> list[Sql]:
    match wanted:
        case None:
            return [Sql(f"{shape.name} IS NULL")]
        case Not(value):
            return [Sql(f"{shape.name} IS NOT NULL") if value is None else _compare(shape, "IS NOT", value)]
        case OneOf(values):
            return [_one_of(shape, values)]
        case Range(since, until):
            sides = ((">=", since), ("<", until))
            return [Sql(f"{shape.name} {sign} ?", (side,)) for sign, side in sides if side is not None]
    return [_compare(shape, "=", wanted)]


def _all(terms: Sequence[Sql]) -> Sql:
    return Sql(
        " AND ".join(term.text for term in terms) or "1", tuple(value for term in terms for value in term.values)
    )


def condition(record: type[Any], where: Where) -> Sql:
    """What follows WHERE. Raises KeyError for a field that the record has not, ValueError for one that is JSON."""
    return _all([term for name, wanted in where.items() for term in _terms(sought(record, name), wanted)])


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


def select(record: type[Any], where: Where, order: Sequence[str], after: Sequence[Any] | None, limit: int) -> Sql:
    """A whole SELECT of all columns."""
    terms = [condition(record, where)]
    if after is not None:
        terms.append(_following(record, order, after))
    found = _all(terms)
    columns = ", ".join(layout(record).names)
    by = ", ".join(
        f"{sought(record, name.lstrip('-')).name}{' DESC' if name.startswith('-') else ''}" for name in order
    )
    text = f"SELECT {columns} FROM {layout(record).table} WHERE {found.text} ORDER BY {by} LIMIT ?"
    return Sql(text, (*found.values, limit))


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
