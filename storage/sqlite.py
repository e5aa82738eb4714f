"""The Store on SQLite: one connection, used on the event loop in small steps, and one of its own for reports.

A transaction begins and ends within one synchronous function, so neither a cancelled await nor another handler can meet
inside of it. A lock that another process holds is waited for between transactions, never inside one.
"""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any, TypeVar

from storage import schema, sqlite_files, sqlite_writes, statements
from storage.codec import DECODED_KINDS, decode, layout, shapes
from storage.failpoints import COMMIT, STEP, reach
from storage.records import LANES, Millis
from storage.sqlite_files import MEMORY, Presence
from storage.statements import FIXED
from storage.store import (
    Changes,
    Claim,
    Committed,
    Granted,
    Guard,
    Permit,
    Query,
    Settle,
    Stepped,
    StoreError,
    Where,
    touches_messages,
)

R = TypeVar("R")
T = TypeVar("T")

PATIENCE_S = 5.0
"""How long a lock of another process is waited for."""
PAUSE_S = (0.001, 0.012)
"""Between two tries, at least and at most; drawn anew each time so that two waiting processes don't keep step."""
BREAK_OFF_S = 0.02
"""Between two tries to break off the reports of a store that is being closed."""
REPORT_ROWS = 1000
"""A find that may answer with more rows runs on the connection for reports."""


async def patiently(work: Callable[[], T], patience_s: float) -> T:
    """Run ``work``, and again while another process holds the lock that it needs. Raises StoreBusy, Conflict, StoreError."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience_s
    while True:
        try:
            return work()
        except sqlite3.Error as error:
            meaning = sqlite_files.translated(error)
            if meaning is None:
                raise
            if not sqlite_files.is_locked(error) or loop.time() >= deadline:
                raise meaning from error
        await asyncio.sleep(random.uniform(*PAUSE_S))


def transact(
    connection: sqlite3.Connection,
    work: Callable[[sqlite3.Cursor], T],
    points: Sequence[str] = (),
    *,
    durable: bool = True,
) -> T:
    """Run ``work`` in a transaction; whatever is raised undoes all of it.

    It is on the disk when this returns. One that is not ``durable`` costs an eighth: a power cut may undo it, together
    with nothing but others like it. ``points`` are the failpoints passed at the beginning, before the commit and after.
    """
    cursor = connection.cursor()
    if points:
        reach(points[0])
    if not durable:
        cursor.execute(sqlite_files.SYNC_LATER)
    try:
        cursor.execute("BEGIN IMMEDIATE")
        result = work(cursor)
        if points:
            reach(points[-2])
        cursor.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            cursor.execute("ROLLBACK")
        raise
    finally:
        if not durable:
            cursor.execute(sqlite_files.SYNC_NOW)
    if points:
        reach(points[-1])
    return result


class SqliteStore:
    """A Store on one database file, or in memory. Made by :func:`open_sqlite`."""

    def __init__(self, path: str, connection: sqlite3.Connection, presence: Presence | None, patience_s: float) -> None:
        self._path = path
        self._connection = connection
        self._patience_s = patience_s
        self._presence = presence
        self._woken: list[Callable[[], None]] = []
        self._thread = None if path == MEMORY else ThreadPoolExecutor(1, thread_name_prefix="vizit-reports")
        self._reports: sqlite3.Connection | None = None

    async def _patiently(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return await patiently(lambda: work(self._connection), self._patience_s)

    async def _transact(
        self, work: Callable[[sqlite3.Cursor], T], points: Sequence[str] = (), *, durable: bool = True
    ) -> T:
        return await self._patiently(lambda connection: transact(connection, work, points, durable=durable))

    async def _rows(self, text: str, values: Sequence[Any]) -> list[Any]:
        return await self._patiently(lambda connection: connection.execute(text, values).fetchall())

    async def _report(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``work`` where it may take long: on the thread and connection for reports."""
        if self._thread is None:
            return await self._patiently(work)
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._run_report, work)

    def _run_report(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            if self._reports is None:
                self._reports = sqlite_files.connect(self._path, patience_s=self._patience_s, read_only=True)
            return work(self._reports)
        except sqlite3.Error as error:
            meaning = sqlite_files.translated(error)
            if meaning is None:
                raise
            raise meaning from error

    async def get(self, record: type[R], business: str, id: str) -> R | None:
        """See :meth:`storage.store.Store.get`."""
        rows = await self._rows(FIXED[record].get, (business, id))
        return layout(record).from_row(rows[0]) if rows else None

    async def get_many(self, record: type[R], keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], R]:
        """See :meth:`storage.store.Store.get_many`."""
        ids_of: dict[str, list[str]] = {}
        for business, id in keys:
            ids_of.setdefault(business, []).append(id)
        columns = layout(record)
        id_column = columns.names.index("id")
        found: dict[tuple[str, str], R] = {}
        for business, ids in ids_of.items():
            rows = await self._rows(FIXED[record].get_several, (business, json.dumps(ids, ensure_ascii=False)))
            found.update(((business, row[id_column]), columns.from_row(row)) for row in rows)
        return found

    async def find(
        self,
        record: type[R],
        where: Where,
        *,
        order: Sequence[str] = ("id",),
        after: Sequence[Any] | None = None,
        limit: int = 200,
    ) -> list[R]:
        """See :meth:`storage.store.Store.find`. One that may be large runs beside the event loop."""
        sql = statements.select(record, where, order, after, limit)
        from_row = layout(record).from_row
        if limit > REPORT_ROWS:
            return await self._report(lambda connection: list(map(from_row, connection.execute(*sql).fetchall())))
        return list(map(from_row, await self._rows(*sql)))

    async def find_all(self, queries: Sequence[Query]) -> list[list[Any]]:
        """See :meth:`storage.store.Store.find_all`."""
        asked = [statements.select(each.record, each.where, each.order, None, each.limit) for each in queries]
        found = await self._patiently(lambda connection: [connection.execute(*sql).fetchall() for sql in asked])
        return [list(map(layout(each.record).from_row, rows)) for each, rows in zip(queries, found, strict=True)]

    async def count(self, record: type[Any], where: Where, group_by: Sequence[str] = ()) -> dict[tuple[Any, ...], int]:
        """See :meth:`storage.store.Store.count`. Runs beside the event loop."""
        sql = statements.tally(record, where, group_by)
        grouped = [shapes(record)[name] for name in group_by]
        rows = await self._report(lambda connection: connection.execute(*sql).fetchall())
        return {tuple(map(decode, grouped, row)): row[-1] for row in rows}

    async def rows(self, record: type[Any], where: Where, fields: Sequence[str]) -> list[tuple[Any, ...]]:
        """See :meth:`storage.store.Store.rows`. Runs beside the event loop."""
        sql = statements.rows(record, where, fields)
        read = [shapes(record)[name] for name in fields]
        plain = not any(shape.kind in DECODED_KINDS for shape in read)

        def answer(connection: sqlite3.Connection) -> list[tuple[Any, ...]]:
            found = connection.execute(*sql).fetchall()
            return found if plain else [tuple(map(decode, read, row)) for row in found]

        return await self._report(answer)

    async def among(self, record: type[Any], where: Where, field: str, values: Sequence[str]) -> set[str]:
        """See :meth:`storage.store.Store.among`. Runs beside the event loop."""
        sql = statements.among(record, where, field, values)
        return await self._report(lambda connection: {value for (value,) in connection.execute(*sql)})

    async def commit(self, changes: Changes) -> Committed:
        """See :meth:`storage.store.Store.commit`."""
        if not changes:
            return Committed()
        done = await self._transact(lambda cursor: sqlite_writes.apply(cursor, changes), COMMIT)
        if touches_messages(changes, done):
            for woken in self._woken:
                woken()
        return done

    async def step(
        self, settles: Sequence[Settle] = (), guards: Sequence[Guard] = (), claims: Sequence[Claim] = ()
    ) -> Stepped:
        """See :meth:`storage.store.Store.step`."""
        if not (settles or guards or claims):
            return Stepped()
        # A lease that a power cut undoes is one that nothing was sent under.
        durable = bool(settles or guards)
        return await self._transact(
            lambda cursor: sqlite_writes.take_step(cursor, settles, guards, claims), STEP, durable=durable
        )

    async def next_due(self) -> Millis | None:
        """See :meth:`storage.store.Store.next_due`."""
        rows = [row for lane in LANES for row in await self._rows(statements.NEXT_DUE, (lane,))]
        return min((due for (due,) in rows if due is not None), default=None)

    async def reserve(self, permits: Sequence[Permit]) -> list[Granted]:
        """See :meth:`storage.store.Store.reserve`."""
        if not permits:
            return []
        # A permit that a power cut undoes lets one more go after it.
        return await self._transact(
            lambda cursor: sqlite_writes.take_permits(cursor, permits, self.clock()), durable=False
        )

    async def hold(self, name: str, until: Millis) -> None:
        """See :meth:`storage.store.Store.hold`."""
        await self._transact(lambda cursor: sqlite_writes.hold_pace(cursor, name, until), durable=False)

    def clock(self) -> Millis:
        """This machine's time."""
        return sqlite_files.machine_time()

    def subscribe(self, woken: Callable[[], None]) -> None:
        """See :meth:`storage.store.Store.subscribe`."""
        self._woken.append(woken)

    async def alone(self) -> bool:
        """See :meth:`storage.store.Store.alone`. What is in memory is always alone."""
        presence = self._presence
        if presence is None:
            return True
        return await self._transact(lambda _: presence.alone())

    async def ready(self) -> None:
        """See :meth:`storage.store.Store.ready`."""
        if not await self._patiently(schema.check_current):
            raise StoreError("the database has an older schema: it needs to be migrated")
        now = self.clock()
        await self._transact(lambda cursor: cursor.execute(statements.PROBE, (now,)))
        if (now,) not in await self._rows(statements.READ_PROBE, ()):
            raise StoreError("a row that was written can't be read")

    async def backup(self, target: Path) -> None:
        """Copy the database to a new file while everything goes on; complete and checked, or not there at all.

        Raises FileExistsError where ``target`` is there already, StoreError where the copy is not sound.
        """
        await self._report(lambda connection: sqlite_files.back_up(connection, target))

    async def close(self) -> None:
        """See :meth:`storage.store.Store.close`. A report that is still being read is broken off."""
        if self._thread is not None:
            await self._close_reports()
            self._thread.shutdown()
        self._connection.close()
        if self._presence is not None:
            self._presence.close()

    async def _close_reports(self) -> None:
        last = asyncio.ensure_future(self._report(lambda connection: connection.close()))
        while not last.done():
            if self._reports is not None:
                # Whatever was queued before has to be broken off too, and a report that only begins isn't stopped yet.
                with suppress(sqlite3.ProgrammingError):
                    self._reports.interrupt()
            await asyncio.wait({last}, timeout=BREAK_OFF_S)
        with suppress(StoreError):
            await last


def _prepare(connection: sqlite3.Connection) -> None:
    sqlite_files.configure(connection)
    if not schema.check_current(connection):
        transact(connection, lambda cursor: schema.migrate(cursor.connection))
    now = sqlite_files.machine_time()
    transact(connection, lambda cursor: cursor.execute(statements.FORGET_PACES, (now, now)))


def path_of(url_or_path: str | Path) -> str:
    """The file that a database address names: ``sqlite:///file`` is relative, ``sqlite:////file`` is absolute."""
    return str(url_or_path).removeprefix("sqlite:///")


async def open_sqlite(url_or_path: str | Path, *, patience_s: float = PATIENCE_S) -> SqliteStore:
    """Open a database, made or migrated if need be; ``sqlite:///:memory:`` makes one that lasts as long as the store.

    ``patience_s``: for how many seconds every call waits for a lock that another process holds.
    Raises StoreBusy where the file can't be opened or is locked, SchemaNewer, and StoreError where it is no database.
    """
    path = path_of(url_or_path)
    with ExitStack() as undone:
        presence = None if path == MEMORY else undone.enter_context(closing(Presence(path)))
        connection = undone.enter_context(closing(await patiently(lambda: sqlite_files.connect(path), patience_s)))
        await patiently(lambda: _prepare(connection), patience_s)
        undone.pop_all()
    return SqliteStore(path, connection, presence, patience_s)
