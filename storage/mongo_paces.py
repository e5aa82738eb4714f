"""Paces on MongoDB: read, reckoned with here, and written back if nobody else did so in between."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from typing import Any, Final

from motor.motor_asyncio import AsyncIOMotorCollection
from pymongo import UpdateOne
from pymongo.errors import BulkWriteError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from storage.mongo_documents import Document
from storage.mongo_errors import DUPLICATE_KEY, codes_of
from storage.mongo_schema import PACE, Database
from storage.pace import Pace, take
from storage.records import Millis, new_id
from storage.store import Granted, Permit, StoreBusy

PAUSE_S: Final = (0.0005, 0.01)


def _paces(database: Database) -> AsyncIOMotorCollection[Document]:
    # A permit that a failing primary forgets costs one send too many, and all others would wait for the journal.
    return database.get_collection(PACE, read_concern=ReadConcern("local"), write_concern=WriteConcern(w=1, j=False))


def _write(name: str, before: Pace | None, after: Pace, mark: str) -> UpdateOne:
    found: dict[str, Any] = {"_id": name}
    # A pace that is new must not be there: then the upsert is refused, as its name is taken.
    found |= {"arrival": before.arrival, "held_until": before.held_until} if before else {"arrival": None}
    return UpdateOne(found, {"$set": {**after._asdict(), "mark": mark}}, upsert=before is None)


async def _try(
    paces: AsyncIOMotorCollection[Document], permits: Sequence[Permit], now: Millis
) -> tuple[list[Granted], set[str]]:
    """What each permit would get, and the names of the paces that others changed in the meantime."""
    names = list({permit.name: None for permit in permits})
    stored = {
        row["_id"]: Pace(row["arrival"], int(row["held_until"])) async for row in paces.find({"_id": {"$in": names}})
    }
    after, grants = dict(stored), []
    for permit in permits:
        granted, after[permit.name] = take(after.get(permit.name, Pace()), permit, now)
        grants.append(granted)
    changed = [name for name in names if after[name] != stored.get(name, Pace())]
    if not changed:
        return grants, set()
    mark = new_id()
    try:
        done = await paces.bulk_write(
            [_write(name, stored.get(name), after[name], mark) for name in changed], ordered=False
        )
        if done.matched_count + done.upserted_count == len(changed):
            return grants, set()
    except BulkWriteError as error:
        if codes_of(error) - {DUPLICATE_KEY}:
            raise
    written = {row["_id"] async for row in paces.find({"_id": {"$in": changed}, "mark": mark}, {"_id": 1})}
    return grants, set(changed) - written


async def reserve(
    database: Database, permits: Sequence[Permit], clock: Callable[[], Millis], patience_s: float
) -> list[Granted]:
    """As many of each permit as may go now. Raises StoreBusy where others come first for ``patience_s`` seconds."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience_s
    paces = _paces(database)
    grants: dict[int, Granted] = {}
    while True:
        left = [number for number in range(len(permits)) if number not in grants]
        taken, lost = await _try(paces, [permits[number] for number in left], clock())
        grants |= {
            number: granted for number, granted in zip(left, taken, strict=True) if permits[number].name not in lost
        }
        if not lost:
            return [grants[number] for number in range(len(permits))]
        if loop.time() >= deadline:
            raise StoreBusy(f"others took the pace {lost} first, again and again")
        await asyncio.sleep(random.uniform(*PAUSE_S))


async def hold(database: Database, name: str, until: Millis) -> None:
    """No permit of this pace before ``until``; an earlier hold that lasts longer stays."""
    change = {"$max": {"held_until": until}, "$setOnInsert": {"arrival": 0.0}}
    await _paces(database).update_one({"_id": name}, change, upsert=True)


async def forget(database: Database, now: Millis) -> None:
    """Remove the paces that no longer matter."""
    await _paces(database).delete_many({"arrival": {"$lt": now}, "held_until": {"$lt": now}})
