"""Applying Changes on MongoDB: one document by itself, several in a transaction."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, Final, TypeVar

from motor.motor_asyncio import AsyncIOMotorClientSession, AsyncIOMotorCollection
from pymongo import ReadPreference, UpdateOne
from pymongo.errors import PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from storage.failpoints import COMMIT, reach
from storage.mongo_documents import Document, documents, named, new_by, query, update
from storage.mongo_errors import TRANSIENT, UNKNOWN_COMMIT
from storage.mongo_schema import Database
from storage.records import Record
from storage.store import Changes, Committed, Conflict, Delete, Patch, Put

T = TypeVar("T")
Session = AsyncIOMotorClientSession
Collection = AsyncIOMotorCollection[Document]

DURABLE: Final = WriteConcern(w="majority", j=True)
"""Said with every write: what a server takes for its default depends on how many members it has."""
UPSERTS_AT_MOST: Final = 10
PAUSE_S: Final = (0.001, 0.02)
"""Between two tries of a transaction, at least and at most; drawn anew each time."""

_BEGIN, _STATEMENT, _END, _DONE = COMMIT


def collection_of(database: Database, record: type[Any]) -> Collection:
    """The collection of a record type."""
    return database[documents(record).collection]


async def _inserts(database: Database, session: Session | None, records: Sequence[Record]) -> tuple[bool, ...]:
    """Write what is new; whether each one was."""
    places: dict[type[Any], list[int]] = {}
    for place, record in enumerate(records):
        places.setdefault(type(record), []).append(place)
    inserted = [False] * len(records)
    for kind, mine in places.items():
        reach(_STATEMENT)
        made = [documents(kind).to_document(records[place]) for place in mine]
        # In a transaction others can't come in between, so many are looked up first and then written at half the cost.
        write = _insert_many if session is not None and len(made) > UPSERTS_AT_MOST else _insert_each
        for number in await write(collection_of(database, kind), session, kind, made):
            inserted[mine[number]] = True
    return tuple(inserted)


async def _insert_each(
    collection: Collection, session: Session | None, kind: type[Any], made: Sequence[Document]
) -> Iterable[int]:
    writes = []
    for document in made:
        found = new_by(kind, document)
        # What finds it is written too. Named only once, so that the server settles a race for it by itself.
        rest = {field: value for field, value in document.items() if field not in found}
        writes.append(UpdateOne(found, {"$setOnInsert": rest}, upsert=True))
    return (await collection.bulk_write(writes, session=session)).upserted_ids or {}


async def _insert_many(
    collection: Collection, session: Session | None, kind: type[Any], made: Sequence[Document]
) -> Iterable[int]:
    new = {tuple(new_by(kind, document).values()): number for number, document in reversed(list(enumerate(made)))}
    field = list(new_by(kind, made[0]))[-1]
    for business in {business for business, _ in new}:
        wanted = {"business": business, field: {"$in": [name for owner, name in new if owner == business]}}
        async for known in collection.find(wanted, {"_id": 0, field: 1}, session=session):
            del new[business, known[field]]
    if new:
        await collection.insert_many([made[number] for number in sorted(new.values())], session=session)
    return new.values()


async def _put(database: Database, session: Session | None, put: Put) -> None:
    reach(_STATEMENT)
    record, kind = put.record, type(put.record)
    collection, document = collection_of(database, kind), documents(kind).to_document(put.record)
    this = named(kind, record.business, record.id)
    if put.expect is None:
        await collection.replace_one(this, document, upsert=True, session=session)
    elif put.expect == 0:
        await collection.insert_one(document, session=session)
    else:
        if "revision" not in documents(kind).fields:
            raise ValueError(f"{kind.__name__} has no revision to expect")
        done = await collection.replace_one({**this, "revision": put.expect}, document, session=session)
        if not done.matched_count:
            raise Conflict(f"{kind.__name__} {record.id}: not at revision {put.expect}")


def _batches(patches: Sequence[Patch]) -> Iterator[list[Patch]]:
    """Patches that can be told in one word: neighbours of one kind that all must match, and any other by itself."""
    for _, batch in groupby(enumerate(patches), lambda at: (at[1].record, "all" if at[1].must else at[0])):
        yield [patch for _, patch in batch]


async def apply_patches(
    database: Database, session: Session | None, patches: Sequence[Patch], point: str = _STATEMENT
) -> tuple[bool, ...]:
    """Apply the patches; whether each one matched. Raises Conflict where one that must does not."""
    matched: list[bool] = []
    for batch in _batches(patches):
        reach(point)
        writes = [UpdateOne(_matching(patch), update(patch)) for patch in batch]
        done = await collection_of(database, batch[0].record).bulk_write(writes, session=session)
        if batch[0].must and done.matched_count < len(batch):
            raise Conflict(f"{batch[0].record.__name__} {', '.join(patch.id for patch in batch)}: not as it was")
        matched += [done.matched_count > 0] * len(batch)
    return tuple(matched)


def _matching(patch: Patch) -> Document:
    # Joined by $and, since a condition may speak of the fields that name the record too.
    return {"$and": [named(patch.record, patch.business, patch.id), query(patch.record, patch.where)]}


async def _delete(database: Database, session: Session | None, delete: Delete) -> None:
    reach(_STATEMENT)
    await collection_of(database, delete.record).delete_one(
        named(delete.record, delete.business, delete.id), session=session
    )


async def _apply(database: Database, session: Session | None, changes: Changes) -> Committed:
    inserted = await _inserts(database, session, changes.inserts)
    for put in changes.puts:
        await _put(database, session, put)
    matched = await apply_patches(database, session, changes.patches)
    for delete in changes.deletes:
        await _delete(database, session, delete)
    return Committed(inserted, matched)


async def _end(session: Session, deadline: float) -> None:
    """Commit the transaction; asks again where the answer was lost, which commits it no second time."""
    while True:
        try:
            return await session.commit_transaction()
        except PyMongoError as error:
            if not error.has_error_label(UNKNOWN_COMMIT) or asyncio.get_running_loop().time() >= deadline:
                raise


async def transact(database: Database, work: Callable[[Session], Awaitable[T]], patience_s: float) -> T:
    """Run ``work`` in a transaction; again, with everything read anew, where it met another one, up to a deadline."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience_s
    async with await database.client.start_session() as session:
        while True:
            session.start_transaction(ReadConcern("snapshot"), DURABLE, ReadPreference.PRIMARY)
            try:
                done = await work(session)
                await _end(session, deadline)
                return done
            except PyMongoError as error:
                if not error.has_error_label(TRANSIENT) or loop.time() >= deadline:
                    raise
            finally:
                if session.delegate.in_transaction:
                    await session.abort_transaction()
            await asyncio.sleep(random.uniform(*PAUSE_S))


async def apply(database: Database, changes: Changes, patience_s: float) -> Committed:
    """All of the changes or nothing. Raises Conflict, and the driver's errors."""
    reach(_BEGIN)
    parts = (changes.inserts, changes.puts, changes.patches, changes.deletes)
    if sum(map(len, parts)) == 1:
        # Its one statement makes it durable too.
        reach(_END)
        done = await _apply(database, None, changes)
    else:

        async def work(session: Session) -> Committed:
            committed = await _apply(database, session, changes)
            reach(_END)
            return committed

        done = await transact(database, work, patience_s)
    reach(_DONE)
    return done
