"""Everything that one database holds, carried into another one: the same for copies, for backups and for what is restored.

Kinds of records are taken from :data:`storage.records.RECORDS`, so a new one is carried without a word here. Paces and
probes are not: they mean nothing an hour later.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple, Protocol, TypeVar

from storage.codec import layout
from storage.records import RECORDS, Message
from storage.sqlite import SqliteStore
from storage.store import Changes, Put, Store

R = TypeVar("R")

PART: Final = 500
"""Records that share a commit: some milliseconds on SQLite."""

Name = tuple[type[Any], str, str]
"""A record: its type, business and id."""
Tell = Callable[[str, int, int], None]
"""Hears how far it is: the name of the kind, how many of it were looked at, and how many there are."""


class Reader(Protocol):
    """Reads a whole database, kind by kind."""

    async def page(self, record: type[R], after: tuple[Any, ...] | None, limit: int) -> list[R]:
        """The next records in the order of :func:`order_of`."""

    async def number(self, record: type[Any]) -> int:
        """How many there are."""


class Counted(NamedTuple):
    """How many records of a kind the two databases hold."""

    kind: str
    source: int
    target: int


def order_of(record: type[Any]) -> tuple[str, ...]:
    """The fields by which the records of a kind are told apart, and an index sorts them."""
    return ("id",) if record is Message else ("business", "id")


class Whole:
    """Reads a store that nobody writes to meanwhile."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def page(self, record: type[R], after: tuple[Any, ...] | None, limit: int) -> list[R]:
        """See :class:`Reader`."""
        return await self._store.find(record, {}, order=order_of(record), after=after, limit=limit)

    async def number(self, record: type[Any]) -> int:
        """See :class:`Reader`."""
        return (await self._store.count(record, {}))[()]


@asynccontextmanager
async def at_one_moment(store: Store) -> AsyncIterator[Reader]:
    """Reads a store as it is now, whatever is written to it meanwhile; on MongoDB, for as long as that keeps its history
    (five minutes). On SQLite the caller sees to it that nobody writes."""
    if isinstance(store, SqliteStore):
        yield Whole(store)
        return
    from storage.mongo import MongoStore
    from storage.mongo_snapshot import snapshot

    assert isinstance(store, MongoStore)
    async with snapshot(store) as reader:
        yield reader


async def is_empty(store: Store) -> bool:
    """Whether a database holds no record of any kind."""
    return not any([await store.find(record, {}, order=order_of(record), limit=1) for record in RECORDS])


async def carry(source: Reader, target: Store, *, but: frozenset[Name] = frozenset(), tell: Tell) -> list[Counted]:
    """Bring into ``target`` every record of ``source`` that it does not hold as it is there; what each holds then.

    Doing it again is the same as once, and goes on where it was broken off. Nothing is removed from ``target``, so the
    numbers differ where it holds more. ``but``: records that each database keeps for itself.
    """
    counted = []
    for record in RECORDS:
        kind, total, done = layout(record).table, await source.number(record), 0
        tell(kind, done, total)
        after: tuple[Any, ...] | None = None
        while rows := await source.page(record, after, PART):
            await _bring(target, record, [row for row in rows if (record, *_named(row)) not in but])
            done += len(rows)
            tell(kind, done, total)
            after = tuple(getattr(rows[-1], name) for name in order_of(record))
        counted.append(Counted(kind, total, (await target.count(record, {}))[()]))
    return counted


def _named(row: Any) -> tuple[str, str]:
    return row.business, row.id


async def _bring(target: Store, record: type[Any], rows: list[Any]) -> None:
    known = await target.get_many(record, [_named(row) for row in rows])
    new = tuple(row for row in rows if _named(row) not in known)
    changed = tuple(Put(row) for row in rows if known.get(_named(row), row) != row)
    await target.commit(Changes(inserts=new, puts=changed))
