"""Reads that belong together: what is to be known is named first, and then asked for at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

from storage.store import OneOf, Query, Store, Where

R = TypeVar("R")
Key = tuple[str, str]

ROWS: Final = 1000
"""No batch of messages has more rows of one kind behind it."""


class Reading:
    """Questions whose answers fill what each of them gave back, once :meth:`read` has asked them all."""

    def __init__(self) -> None:
        self._queries: list[Query] = []
        self._takers: list[Callable[[list[Any]], None]] = []

    def by_id(self, record: type[R], keys: Iterable[tuple[str, str | None]]) -> dict[Key, R]:
        """The records with these businesses and ids, by both; keys without an id are passed over."""
        found: dict[Key, R] = {}
        wanted = {(business, id) for business, id in keys if id}

        def take(rows: list[Any]) -> None:
            found.update({key: row for row in rows if (key := (row.business, row.id)) in wanted})

        self._ask(record, "id", wanted, take, {})
        return found

    def by(self, record: type[R], name: str, keys: Iterable[Key], **where: Any) -> dict[Key, list[R]]:
        """The records of several businesses by business and the field ``name``."""
        found: dict[Key, list[R]] = defaultdict(list)

        def take(rows: list[Any]) -> None:
            for row in rows:
                found[row.business, getattr(row, name)].append(row)

        self._ask(record, name, set(keys), take, where)
        return found

    def of(self, record: type[R], name: str, values: Iterable[str]) -> dict[str, list[R]]:
        """The records of any business by the field ``name``, which must have an index of its own."""
        found: dict[str, list[R]] = defaultdict(list)

        def take(rows: list[Any]) -> None:
            for row in rows:
                found[getattr(row, name)].append(row)

        if wanted := tuple(sorted(values)):
            self._queries.append(Query(record, {name: OneOf(wanted)}, order=(name,), limit=ROWS))
            self._takers.append(take)
        return found

    async def read(self, store: Store) -> None:
        """Ask, and fill in the answers."""
        for take, rows in zip(self._takers, await store.find_all(self._queries), strict=True):
            take(rows)

    def _ask(
        self, record: type[Any], name: str, keys: set[Key], take: Callable[[list[Any]], None], where: Where
    ) -> None:
        if not keys:
            return
        businesses, values = ({key[side] for key in keys} for side in (0, 1))
        sought = {"business": OneOf(tuple(sorted(businesses))), name: OneOf(tuple(sorted(values))), **where}
        # In the order of the index that serves the list; by id, SQLite would rather read all that the business has.
        self._queries.append(Query(record, sought, order=(name,), limit=ROWS))
        self._takers.append(take)
