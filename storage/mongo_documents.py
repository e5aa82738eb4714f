"""Records as documents of MongoDB, and conditions and orders as queries.

A field that is None is left out of the document, so that a partial index need not hold it. The id of a message is its
``_id``, since it is unique by itself; every other document has an ``_id`` of the driver's making.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from typing import Any, Generic, TypeVar

from storage.codec import JSON_KINDS, Kind, Shape, check_word, layout, revive, sought
from storage.records import RECORDS, Message
from storage.store import Not, OneOf, Patch, Query, Range, Where

R = TypeVar("R")

Document = dict[str, Any]

ASCENDING, DESCENDING = 1, -1
ASKED = "asked"


@dataclass(frozen=True, slots=True)
class Documents(Generic[R]):
    """How a record type lies in its collection."""

    record: type[R]
    collection: str
    shapes: tuple[Shape, ...]
    fields: tuple[str, ...]
    """The name of each shape in the document."""
    readers: tuple[tuple[int, Callable[[Any], Any]], ...]
    """By the place of a field: what makes a value of it out of the driver's."""
    make: Callable[[Iterable[Any]], R]

    def to_document(self, value: R) -> Document:
        """The document of a record."""
        values = attrgetter(*(shape.name for shape in self.shapes))(value)
        return {field: each for field, each in zip(self.fields, values, strict=True) if each is not None}

    def from_document(self, document: Mapping[str, Any]) -> R:
        """The record of a document; fields of it that belong to the store alone are passed over."""
        values = list(map(document.get, self.fields))
        for index, read in self.readers:
            if values[index] is not None:
                values[index] = read(values[index])
        return self.make(values)

    def field(self, name: str) -> str:
        """The name in the document of a field that is sought or sorted by. Raises KeyError and ValueError."""
        return self.fields[self.shapes.index(sought(self.record, name))]


def _reader(kind: Kind) -> Callable[[Any], Any] | None:
    # The driver's own kind of integer, by which it tells 64 bits from 32, stays behind.
    return int if kind == "integer" else partial(revive, kind) if kind in JSON_KINDS else None


def _documents(record: type[R]) -> Documents[R]:
    known = layout(record)
    shapes = tuple(known.shapes.values())
    fields = tuple("_id" if record is Message and name == "id" else name for name in known.names)
    readers = tuple((index, reader) for index, shape in enumerate(shapes) if (reader := _reader(shape.kind)))
    return Documents(record, known.table, shapes, fields, readers, known.make)


_DOCUMENTS: dict[type[Any], Documents[Any]] = {record: _documents(record) for record in RECORDS}


def documents(record: type[R]) -> Documents[R]:
    """How a record type lies in its collection. Raises KeyError for what is not stored."""
    return _DOCUMENTS[record]


def _wanted(shape: Shape, wanted: Any) -> Document:
    match wanted:
        case Not(None):
            return {"$exists": True}
        case Not(value):
            check_word(shape, value)
            return {"$ne": value}
        case OneOf(values):
            for value in values:
                check_word(shape, value)
            return {"$in": list(values)}
        case Range(since, until):
            return {sign: side for sign, side in (("$gte", since), ("$lt", until)) if side is not None}
    check_word(shape, wanted)
    return {"$eq": wanted}


def query(record: type[Any], where: Where) -> Document:
    """The query for a condition. Raises KeyError for a field that the record has not, ValueError for one that is JSON."""
    kind = documents(record)
    terms = {kind.field(name): _wanted(sought(record, name), wanted) for name, wanted in where.items()}
    return {field: term for field, term in terms.items() if term}


def sorting(record: type[Any], order: Sequence[str]) -> list[tuple[str, int]]:
    """The sort for an order: what is absent comes first, and last where a field is turned around."""
    kind = documents(record)
    return [(kind.field(name.lstrip("-")), DESCENDING if name.startswith("-") else ASCENDING) for name in order]


def rows_of(
    record: type[Any], where: Where, fields: Sequence[str]
) -> tuple[Document, Document, Callable[[Document], tuple[Any, ...]]]:
    """How some fields of what matches are read: the query, the projection, and the values of one document."""
    kind = documents(record)
    names = {shape.name: (field, shape.kind) for shape, field in zip(kind.shapes, kind.fields, strict=True)}
    read = [names[name] for name in fields]
    shown: Document = {"_id": 0} | {field: 1 for field, _ in read}

    def value(document: Document, field: str, kind: Kind) -> Any:
        found = document.get(field)
        if found is None or kind == "text":
            return found
        return int(found) if kind == "integer" else revive(kind, found) if kind in JSON_KINDS else found

    return query(record, where), shown, lambda document: tuple(value(document, *each) for each in read)


def pipeline(asked: Query, mark: int) -> list[Document]:
    """The stages that find what is asked, every document marked with ``mark`` in :data:`ASKED`."""
    return [
        {"$match": query(asked.record, asked.where)},
        {"$sort": dict(sorting(asked.record, asked.order))},
        {"$limit": asked.limit},
        {"$set": {ASKED: mark}},
    ]


def _beyond(shape: Shape, field: str, direction: int, last: Any) -> Document | None:
    if direction == ASCENDING:
        return {field: {"$exists": True} if last is None else {"$gt": last}}
    if last is None:
        return None
    less = {field: {"$lt": last}}
    return {"$or": [less, {field: None}]} if shape.optional else less


def following(record: type[Any], order: Sequence[str], after: Sequence[Any]) -> Document:
    """The query for what lies behind the record whose order fields are ``after``."""
    if len(after) != len(order):
        raise ValueError("`after` needs one value for each field of `order`")
    sides = list(zip(sorting(record, order), order, after, strict=True))
    branches = []
    for index, ((field, direction), name, last) in enumerate(sides):
        beyond = _beyond(sought(record, name.lstrip("-")), field, direction, last)
        if beyond is not None:
            branches.append({"$and": [*({same: value} for (same, _), _, value in sides[:index]), beyond]})
    (first, direction), name, last = sides[0]
    bounds: list[Document] = [{"$or": branches}] if branches else [{"_id": {"$in": []}}]
    if last is not None and (direction == ASCENDING or not sought(record, name.lstrip("-")).optional):
        # Says nothing new, but lets an index begin where the last page ended.
        bounds.append({first: {"$gte" if direction == ASCENDING else "$lte": last}})
    return {"$and": bounds}


def named(record: type[Any], business: str | None, id: str) -> Document:
    """The query for the record ``(business, id)``; only a message is named by its id alone."""
    if business is not None:
        return {"business": business, documents(record).field("id"): id}
    if record is not Message:
        raise ValueError("only a Message is named by its id alone")
    return {"_id": id}


def new_by(record: type[Any], document: Document) -> Document:
    """The query that finds a document if it is not new."""
    names = ("business", "key") if record is Message else ("business", "id")
    return {name: document[name] for name in names}


def update(patch: Patch) -> Document:
    """The update of a patch. Raises KeyError and ValueError for what makes no sense."""
    kind = layout(patch.record)
    if not patch.set:
        raise ValueError("a patch that sets nothing")
    if not {"business", "id"}.isdisjoint(patch.set):
        raise ValueError("a patch can't rename a record")
    names = {kind.shapes[name].name: value for name, value in patch.set.items()}
    changes = {
        "$set": {name: value for name, value in names.items() if value is not None},
        "$unset": {name: "" for name, value in names.items() if value is None},
    }
    return {operator: fields for operator, fields in changes.items() if fields}
