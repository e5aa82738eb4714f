"""Steps of the outbox on MongoDB: settling, guarding and claiming in batches.

Each is a conditional update of many documents, every document by itself. All updates of one call write the same mark, by
which it can be told afterwards which documents it changed, also when an answer of the server was lost on the way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from motor.motor_asyncio import AsyncIOMotorCollection
from pymongo import UpdateOne
from pymongo.errors import AutoReconnect, BulkWriteError, PyMongoError, WriteConcernError

from storage import mongo_writes
from storage.failpoints import reach
from storage.mongo_documents import Document, documents
from storage.mongo_errors import DUPLICATE_KEY, codes_of
from storage.mongo_schema import Database
from storage.records import Message, new_id
from storage.store import Claim, Conflict, Guard, GuardResult, Settle

Collection = AsyncIOMotorCollection[Document]

MARK: Final = "step"
CLAIM_TRIES: Final = 3
"""How often a claim looks again when other workers took all that it had found."""

_STATEMENT: Final = "step.statement"


def _by_id(values: Mapping[str, Any]) -> Document:
    """An expression for the value that belongs to a document's ``_id``; the field is left out where that is None."""
    place = {"$indexOfArray": [{"$literal": list(values)}, "$_id"]}
    picked = {"$arrayElemAt": [{"$literal": list(values.values())}, place]}
    return {"$ifNull": [picked, "$$REMOVE"]}


async def _update(collection: Collection, found: Document, changes: Document | Sequence[Document]) -> int | None:
    """Update many documents; how many, or None where the answer was lost and the update was sent once more."""
    reach(_STATEMENT)
    try:
        return (await collection.update_many(found, changes)).modified_count
    except (AutoReconnect, WriteConcernError):
        # What was updated no longer matches, so a second time only finishes what the first one left.
        await collection.update_many(found, changes)
        return None


async def _marked(collection: Collection, ids: Sequence[str], mark: str) -> set[str]:
    return {row["_id"] async for row in collection.find({"_id": {"$in": list(ids)}, MARK: mark}, {"_id": 1})}


async def settle(collection: Collection, settles: Sequence[Settle]) -> tuple[bool, ...]:
    """``sending`` becomes ``sent``: one update for the rows of each token."""
    mark, done = new_id(), set[str]()
    for token in {settle.token: None for settle in settles}:
        mine = {settle.id: settle for settle in settles if settle.token == token}
        changes = {
            "status": "sent",
            "provider_id": _by_id({id: settle.provider_id for id, settle in mine.items()}),
            "sent_at": _by_id({id: settle.sent_at for id, settle in mine.items()}),
            "fallback_at": _by_id({id: settle.fallback_at for id, settle in mine.items()}),
            MARK: mark,
        }
        found = {"_id": {"$in": list(mine)}, "status": "sending", "token": token}
        count = await _update(collection, found, [{"$set": changes}, {"$unset": ["token", "lease_until"]}])
        done |= set(mine) if count == len(mine) else await _marked(collection, list(mine), mark)
    return tuple(settle.id in done for settle in settles)


def _guard_found(guard: Guard) -> Document:
    return {
        "status": "leased",
        "token": guard.token,
        "revision": guard.revision,
        "not_after": {"$gt": guard.now},
        "held": False,
    }


def _guard_changes(guards: Mapping[str, Guard], mark: str) -> Document:
    names = ("lease_until", "channel", "address", "text", "language", "segments")
    written = {name: _by_id({id: getattr(guard, name) for id, guard in guards.items()}) for name in names}
    return {"status": "sending", "attempts": {"$add": ["$attempts", 1]}, MARK: mark, **written}


async def _guard_alike(collection: Collection, guards: Mapping[str, Guard], mark: str) -> set[str]:
    """Guard rows of one token, revision and time; the ids of those that moved to ``sending``."""
    found = _guard_found(next(iter(guards.values())))
    try:
        changes = [{"$set": _guard_changes(guards, mark)}]
        count = await _update(collection, {"_id": {"$in": list(guards)}, **found}, changes)
    except PyMongoError as error:
        if DUPLICATE_KEY not in codes_of(error):
            raise
        # An address is busy. What came before that row has moved; the others are tried one by one.
        moved = await _marked(collection, list(guards), mark)
        rest = {id: guard for id, guard in guards.items() if id not in moved}
        await _guard_each(collection, rest, mark)
        count = None
    return set(guards) if count == len(guards) else await _marked(collection, list(guards), mark)


async def _guard_each(collection: Collection, guards: Mapping[str, Guard], mark: str) -> None:
    reach(_STATEMENT)
    writes = [
        UpdateOne({"_id": id, **_guard_found(guard)}, [{"$set": _guard_changes({id: guard}, mark)}])
        for id, guard in guards.items()
    ]
    try:
        await collection.bulk_write(writes, ordered=False)
    except BulkWriteError as error:
        if codes_of(error) - {DUPLICATE_KEY}:
            raise


async def guard(database: Database, guards: Sequence[Guard], patience_s: float) -> tuple[GuardResult, ...]:
    """``leased`` becomes ``sending``; a row that takes others with it does so in a transaction of its own."""
    collection = mongo_writes.collection_of(database, Message)
    alone = await _guard_many(collection, [each for each in guards if not each.also])
    together = [await _guard_together(database, each, patience_s) for each in guards if each.also]
    results = {False: iter(alone), True: iter(together)}
    return tuple(next(results[bool(each.also)]) for each in guards)


async def _guard_together(database: Database, guard: Guard, patience_s: float) -> GuardResult:
    collection, mark = mongo_writes.collection_of(database, Message), new_id()

    async def work(session: mongo_writes.Session) -> bool:
        reach(_STATEMENT)
        changes = [{"$set": _guard_changes({guard.id: guard}, mark)}]
        found = {"_id": guard.id, **_guard_found(guard)}
        if not (await collection.update_one(found, changes, session=session)).modified_count:
            return False
        await mongo_writes.apply_patches(database, session, guard.also, _STATEMENT)
        return True

    try:
        moved = await mongo_writes.transact(database, work, patience_s)
    except Conflict:
        return "stale"
    except PyMongoError as error:
        if DUPLICATE_KEY not in codes_of(error):
            raise
        return "busy"
    return "sending" if moved else (await _why_refused(collection, [guard]))[guard.id]


async def _guard_many(collection: Collection, guards: Sequence[Guard]) -> tuple[GuardResult, ...]:
    """One update for the rows of each token and revision, if no address is busy."""
    mark, moved = new_id(), set[str]()
    alike: dict[tuple[str, int, int], dict[str, Guard]] = {}
    for each in guards:
        alike.setdefault((each.token, each.revision, each.now), {})[each.id] = each
    for group in alike.values():
        moved |= await _guard_alike(collection, group, mark)
    refused = [each for each in guards if each.id not in moved]
    why = await _why_refused(collection, refused) if refused else {}
    return tuple("sending" if each.id in moved else why[each.id] for each in guards)


async def _why_refused(collection: Collection, guards: Sequence[Guard]) -> dict[str, GuardResult]:
    fields = ("status", "token", "revision", "not_after", "held")
    cursor = collection.find({"_id": {"$in": [guard.id for guard in guards]}}, dict.fromkeys(fields, 1))
    rows = {row["_id"]: row async for row in cursor}

    def why(guard: Guard) -> GuardResult:
        row = rows.get(guard.id)
        if row is None or (row["status"], row.get("token"), row["held"]) != ("leased", guard.token, False):
            return "lost"
        if row["not_after"] <= guard.now:
            return "lost"
        return "busy" if row["revision"] == guard.revision else "stale"

    return {guard.id: why(guard) for guard in guards}


async def _claim_once(collection: Collection, claim: Claim, mark: str) -> list[Document] | None:
    """Lease what is due now; the rows, or None where other workers took all that was found."""
    due = {"status": "planned", "held": False, "lane": claim.lane, "next_at": {"$lte": claim.due}}
    cursor = collection.find(due, {"_id": 1}).sort([("next_at", 1), ("_id", 1)]).limit(claim.limit)
    found = {"_id": {"$in": [row["_id"] for row in await cursor.to_list(claim.limit)]}}
    if not found["_id"]["$in"]:
        return []
    leased = {"status": "leased", "token": claim.token, "lease_until": claim.lease_until, MARK: mark}
    if await _update(collection, {**found, **due}, {"$set": leased}) == 0:
        return None
    return [row async for row in collection.find({**found, MARK: mark})]


async def claim(collection: Collection, claims: Sequence[Claim]) -> tuple[Message, ...]:
    """``planned`` becomes ``leased``; the rows as they are after that, so that nothing is worked on that had changed."""
    claimed: list[Message] = []
    for each in claims:
        rows, tries = None, CLAIM_TRIES if each.limit > 0 else 0
        while rows is None and tries > 0:
            rows, tries = await _claim_once(collection, each, new_id()), tries - 1
        claimed += map(documents(Message).from_document, rows or ())
    return tuple(sorted(claimed, key=lambda message: (message.next_at, message.id)))
