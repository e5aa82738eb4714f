"""The Store on MongoDB: a replica set, every write acknowledged by the majority and in the journal.

What decides about a message is a conditional write of its one document. Changes of several documents are a transaction,
which the server lets fail where another one touched the same documents.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC
from typing import Any, Final, TypeVar

import pymongo
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorCollection

from storage import mongo_paces, mongo_schema, mongo_sessions, mongo_steps, mongo_writes
from storage.codec import sought
from storage.failpoints import STEP, reach
from storage.mongo_documents import ASKED, Document, documents, following, pipeline, query, rows_of, sorting
from storage.mongo_errors import translated
from storage.mongo_schema import PROBE, Database
from storage.records import LANES, Message, Millis
from storage.store import (
    Changes,
    Claim,
    Committed,
    Granted,
    Guard,
    OneOf,
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

log = logging.getLogger(__name__)

PATIENCE_S: Final = 5.0
"""How long a call waits for a server, and a transaction for others that change the same documents."""
REPORT_ROWS: Final = 1000
"""A find that may answer with more is a report: it may take longer, and its rows are read beside the event loop."""
ROWS_AT_ONCE: Final = 50_000
REPORT_PATIENCE: Final = 4
"""How many times as long as any other call a report may take."""
STUCK_S: Final = 1.2
"""A write that takes longer looks for transactions of the dead: by then one that it met has been silent for long enough."""
CLOCK_EVERY_S: Final = 60.0
CLOCK_TRIES: Final = 3
DEFAULT_DATABASE: Final = "vizit"


class MongoStore:
    """A Store on one database of a replica set. Made by :func:`open_mongo`."""

    def __init__(self, database: Database, patience_s: float) -> None:
        self._database = database
        self._patience_s = patience_s
        self._woken: list[Callable[[], None]] = []
        self._running: set[asyncio.Task[Any]] = set()
        self._ahead = 0.0
        self._keeping_time: asyncio.Task[None] | None = None

    @property
    def database(self) -> Database:
        """Where it all lies, for what reads the whole of it."""
        return self._database

    def _collection(self, record: type[Any]) -> AsyncIOMotorCollection[Document]:
        return mongo_writes.collection_of(self._database, record)

    async def _finish(self, work: Coroutine[Any, Any, T]) -> T:
        """Run ``work`` to its end, also when whoever waits for it is cancelled: half a transaction helps nobody."""
        task = asyncio.ensure_future(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        watch = asyncio.get_running_loop().call_later(STUCK_S, self._watch, task)
        task.add_done_callback(lambda _: watch.cancel())
        return await asyncio.shield(task)

    def _watch(self, slow: asyncio.Task[Any]) -> None:
        unblocking = asyncio.ensure_future(self._unblock(slow))
        self._running.add(unblocking)
        unblocking.add_done_callback(self._running.discard)

    async def _unblock(self, slow: asyncio.Task[Any]) -> None:
        """Whoever died in the middle of a transaction may hold what this write needs."""
        while not slow.done():
            await mongo_sessions.end_abandoned(self._database)
            await asyncio.wait({slow}, timeout=STUCK_S)

    async def get(self, record: type[R], business: str, id: str) -> R | None:
        """See :meth:`storage.store.Store.get`."""
        kind = documents(record)
        with translated():
            found = await self._collection(record).find_one({"business": business, kind.field("id"): id})
        return None if found is None else kind.from_document(found)

    async def get_many(self, record: type[R], keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], R]:
        """See :meth:`storage.store.Store.get_many`."""
        ids_of: dict[str, list[str]] = {}
        for business, id in keys:
            ids_of.setdefault(business, []).append(id)
        kind = documents(record)
        id_field = kind.field("id")
        found: dict[tuple[str, str], R] = {}
        with translated():
            for business, ids in ids_of.items():
                cursor = self._collection(record).find({"business": business, id_field: {"$in": ids}})
                rows = await cursor.limit(len(ids)).batch_size(len(ids) + 1).to_list(None)
                found.update(((business, row[id_field]), kind.from_document(row)) for row in rows)
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
        """See :meth:`storage.store.Store.find`."""
        terms = [query(record, where), following(record, order, after) if after is not None else {}]
        wanted = [term for term in terms if term]
        cursor = self._collection(record).find({"$and": wanted} if wanted else {})
        cursor.sort(sorting(record, order)).limit(limit).batch_size(limit)
        from_document = documents(record).from_document
        large = limit > REPORT_ROWS
        with translated(), pymongo.timeout(self._patience_s * (REPORT_PATIENCE if large else 1)):
            rows = await cursor.to_list(limit)
        if large:
            return await asyncio.to_thread(lambda: list(map(from_document, rows)))
        return list(map(from_document, rows))

    async def find_all(self, queries: Sequence[Query]) -> list[list[Any]]:
        """See :meth:`storage.store.Store.find_all`."""
        found: list[list[Any]] = [[] for _ in queries]
        if not queries:
            return found
        stages = [(documents(each.record).collection, pipeline(each, mark)) for mark, each in enumerate(queries)]
        (_, begin), *others = stages
        unions: list[Document] = [{"$unionWith": {"coll": name, "pipeline": steps}} for name, steps in others]
        cursor = self._collection(queries[0].record).aggregate([*begin, *unions], batchSize=REPORT_ROWS)
        with translated(), pymongo.timeout(self._patience_s):
            rows = await cursor.to_list(None)
        for row in rows:
            found[row[ASKED]].append(documents(queries[row[ASKED]].record).from_document(row))
        return found

    async def count(self, record: type[Any], where: Where, group_by: Sequence[str] = ()) -> dict[tuple[Any, ...], int]:
        """See :meth:`storage.store.Store.count`."""
        fields = {name: f"${documents(record).field(name)}" for name in group_by}
        numbers = {name for name in group_by if sought(record, name).kind == "integer"}
        wanted = query(record, where)
        with translated(), pymongo.timeout(self._patience_s * REPORT_PATIENCE):
            if not group_by:
                return {(): await self._collection(record).count_documents(wanted)}
            stages = [{"$match": wanted}, {"$group": {"_id": fields, "n": {"$sum": 1}}}]
            groups = await self._collection(record).aggregate(stages).to_list(None)

        def value(group: Document, name: str) -> Any:
            found = group.get(name)
            return int(found) if found is not None and name in numbers else found

        return {tuple(value(group["_id"], name) for name in group_by): int(group["n"]) for group in groups}

    async def rows(self, record: type[Any], where: Where, fields: Sequence[str]) -> list[tuple[Any, ...]]:
        """See :meth:`storage.store.Store.rows`."""
        wanted, shown, values = rows_of(record, where, fields)
        cursor = self._collection(record).find(wanted, shown, batch_size=ROWS_AT_ONCE)
        with translated(), pymongo.timeout(self._patience_s * REPORT_PATIENCE):
            found = await cursor.to_list(None)
        return await asyncio.to_thread(lambda: list(map(values, found)))

    async def among(self, record: type[Any], where: Where, field: str, values: Sequence[str]) -> set[str]:
        """See :meth:`storage.store.Store.among`."""
        name = documents(record).field(field)
        wanted = query(record, {**where, field: OneOf(tuple(values))})
        with translated(), pymongo.timeout(self._patience_s * REPORT_PATIENCE):
            return set(await self._collection(record).distinct(name, wanted))

    async def commit(self, changes: Changes) -> Committed:
        """See :meth:`storage.store.Store.commit`.

        Where a server is lost in the very moment of a commit, StoreBusy may be raised for what was written after all:
        trying again with the same expectations finds that out.
        """
        return await self._finish(self._commit(changes)) if changes else Committed()

    async def _commit(self, changes: Changes) -> Committed:
        with translated():
            done = await mongo_writes.apply(self._database, changes, self._patience_s)
        if touches_messages(changes, done):
            for woken in self._woken:
                woken()
        return done

    async def step(
        self, settles: Sequence[Settle] = (), guards: Sequence[Guard] = (), claims: Sequence[Claim] = ()
    ) -> Stepped:
        """See :meth:`storage.store.Store.step`; rows are changed in batches, every one by itself but those of one guard."""
        return await self._finish(self._step(settles, guards, claims)) if settles or guards or claims else Stepped()

    async def _step(self, settles: Sequence[Settle], guards: Sequence[Guard], claims: Sequence[Claim]) -> Stepped:
        messages = self._collection(Message)
        begin, _, end, done = STEP
        reach(begin)
        with translated():
            stepped = Stepped(
                await mongo_steps.settle(messages, settles) if settles else (),
                await mongo_steps.guard(self._database, guards, self._patience_s) if guards else (),
                await mongo_steps.claim(messages, claims) if claims else (),
            )
        reach(end)
        reach(done)
        return stepped

    async def next_due(self) -> Millis | None:
        """See :meth:`storage.store.Store.next_due`."""
        stages: list[list[Document]] = [
            [
                {"$match": {"status": "planned", "held": False, "lane": lane}},
                {"$sort": {"next_at": 1}},
                {"$limit": 1},
                {"$project": {"next_at": 1}},
            ]
            for lane in LANES
        ]
        messages = self._collection(Message)
        others: list[Document] = [{"$unionWith": {"coll": messages.name, "pipeline": lane}} for lane in stages[1:]]
        with translated():
            rows = await messages.aggregate([*stages[0], *others]).to_list(None)
        return min((int(row["next_at"]) for row in rows), default=None)

    async def reserve(self, permits: Sequence[Permit]) -> list[Granted]:
        """See :meth:`storage.store.Store.reserve`."""
        if not permits:
            return []
        with translated():
            return await self._finish(mongo_paces.reserve(self._database, permits, self.clock, self._patience_s))

    async def hold(self, name: str, until: Millis) -> None:
        """See :meth:`storage.store.Store.hold`."""
        with translated():
            await mongo_paces.hold(self._database, name, until)

    def clock(self) -> Millis:
        """The server's time as last measured, carried on by this machine's steady clock."""
        return int(time.monotonic() * 1000 + self._ahead)

    async def measure_clock(self) -> None:
        """Ask the server for its time; of several answers the quickest one counts, with half of its way taken off."""
        best: tuple[float, float] | None = None
        with translated():
            for _ in range(CLOCK_TRIES):
                asked = time.monotonic() * 1000
                hello = await self._database.client.admin.command("hello")
                took = time.monotonic() * 1000 - asked
                server = hello["localTime"].replace(tzinfo=UTC).timestamp() * 1000
                best = min(filter(None, (best, (took, server - asked - took / 2))))
        if best is not None:
            self._ahead = best[1]

    async def keep_time(self) -> None:
        """Measure the server's clock now, and once a minute until the store is closed."""
        await self.measure_clock()
        self._keeping_time = asyncio.create_task(self._measure_again())

    async def _measure_again(self) -> None:
        while True:
            await asyncio.sleep(CLOCK_EVERY_S)
            try:
                await self.measure_clock()
            except StoreError as error:
                log.warning("the server's clock can't be read, the last reading stands: %s", error)

    def subscribe(self, woken: Callable[[], None]) -> None:
        """See :meth:`storage.store.Store.subscribe`."""
        self._woken.append(woken)

    async def alone(self) -> bool:
        """False: nobody can tell who else is at a server."""
        return False

    async def ready(self) -> None:
        """See :meth:`storage.store.Store.ready`."""
        now = self.clock()
        probe = self._database[PROBE]
        with translated():
            if not await mongo_schema.check_current(self._database):
                raise StoreError("the database has an older schema: it needs to be migrated")
            await probe.update_one({"_id": PROBE}, {"$set": {"at": now}}, upsert=True)
            if await probe.find_one({"_id": PROBE}) is None:
                raise StoreError("a row that was written can't be read")

    async def close(self) -> None:
        """See :meth:`storage.store.Store.close`. What is being written is finished first."""
        if self._keeping_time is not None:
            self._keeping_time.cancel()
            await asyncio.gather(self._keeping_time, return_exceptions=True)
        await asyncio.gather(*self._running, return_exceptions=True)
        self._database.client.close()


def _connect(url: str, patience_s: float) -> Database:
    client: AsyncIOMotorClient[Document] = AsyncIOMotorClient(
        url,
        io_loop=asyncio.get_running_loop(),
        appname=mongo_sessions.APP,
        # Said here and not left to the server, whose default falls to one member beside an arbiter.
        w="majority",
        journal=True,
        readConcernLevel="majority",
        serverSelectionTimeoutMS=int(patience_s * 1000),
        connectTimeoutMS=int(patience_s * 1000),
        timeoutMS=int(patience_s * 1000),
    )
    return client.get_default_database(DEFAULT_DATABASE)


async def open_mongo(url: str, *, patience_s: float = PATIENCE_S) -> MongoStore:
    """Open ``mongodb://host/database?replicaSet=name``, with collections and indexes made or added to if need be.

    ``patience_s``: for how many seconds a call waits for a server. Raises StoreBusy where none is in reach, SchemaNewer,
    and StoreError where the server is no replica set, too old, or lets nobody in.
    """
    with translated():
        database = _connect(url, patience_s)
        store = MongoStore(database, patience_s)
        try:
            await mongo_schema.check_server(database)
            if not await mongo_schema.check_current(database):
                # An index over a million rows takes its time.
                with pymongo.timeout(None):
                    await mongo_schema.migrate(database)
            await store.keep_time()
            await mongo_paces.forget(database, store.clock())
        except BaseException:
            await store.close()
            raise
    return store
