"""The collections and indexes of MongoDB, by numbered versions: a document says which one the database has.

The indexes answer the same questions as those of SQLite. A partial index serves a query whose condition implies its own;
``PRESENT`` holds only the documents that have the field.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from motor.motor_asyncio import AsyncIOMotorDatabase
from pymongo import IndexModel

from storage.codec import layout
from storage.mongo_documents import Document
from storage.records import (
    RECORDS,
    WAITING,
    Address,
    ApiKey,
    BonusEntry,
    Booking,
    CampaignMember,
    Client,
    Consent,
    ConsoleSession,
    ContentTemplate,
    Cost,
    Delivery,
    InboxEvent,
    LinkCode,
    Master,
    Message,
    PageLink,
    Receipt,
    Review,
    Salon,
    StaffChat,
    Task,
    TextVersion,
    Tip,
    Unwanted,
    Why,
)
from storage.store import SchemaNewer, StoreError

Database = AsyncIOMotorDatabase[Document]

VERSION: Final = 11
"""Raised whenever an index is added or changed."""
OLDEST_SERVER: Final = (6, 0)
"""Older ones don't take a list of words as the condition of a partial index."""
SCHEMA: Final = "schema"
PACE: Final = "pace"
PROBE: Final = "probe"


class Index(NamedTuple):
    """An index: its fields, whether it is unique, and the condition of the documents that it holds."""

    fields: tuple[str, ...]
    unique: bool = False
    only: Mapping[str, Any] = {}


def present(field: str) -> dict[str, Any]:
    """The condition that a field is there."""
    return {field: {"$exists": True}}


IN_HAND: Final = {"status": {"$in": ["leased", "sending"]}}

INDEXES: Final[dict[type[Any], tuple[Index, ...]]] = {
    Message: (
        Index(("business", "key"), unique=True),
        Index(("lane", "next_at", "_id"), only={"status": "planned", "held": False}),
        Index(("channel", "address"), unique=True, only={"status": "sending"}),
        Index(("lease_until", "_id"), only=IN_HAND),
        Index(("not_after", "_id"), only={"status": {"$in": list(WAITING)}}),
        Index(("status", "fallback_at", "_id"), only=present("fallback_at")),
        Index(("business", "due_at", "_id"), only={"status": "planned", "held": True}),
        Index(("business", "booking"), only=present("booking")),
        Index(("business", "client", "due_at", "_id"), only=present("client")),
        Index(("business", "staff_chat", "due_at", "_id"), only=present("staff_chat")),
        Index(("channel", "address", "sent_at", "_id"), only=present("address")),
        Index(("fallback_of",), only=present("fallback_of")),
        Index(("provider_id",), only=present("provider_id")),
        Index(("business", "due_at", "_id")),
        Index(("business", "day", "kind", "status", "channel")),
        Index(("business", "channel", "sent_at", "segments"), only=present("segments")),
    ),
    ApiKey: (Index(("digest",), unique=True),),
    Salon: (Index(("id",)),),
    Master: (Index(("business", "salon", "id")),),
    Client: (
        Index(("business", "phone", "id"), only=present("phone")),
        Index(("phone", "business", "id"), only=present("phone")),
        Index(("business", "birth_day", "id"), only=present("birth_day")),
    ),
    BonusEntry: (
        Index(("business", "client", "at", "id")),
        Index(("business", "client", "remaining")),
        Index(("business", "booking"), only=present("booking")),
        Index(("lapses_at", "business", "id"), only=present("lapses_at")),
        Index(("business", "warned", "lapses_at", "id"), only=present("lapses_at")),
    ),
    Unwanted: (Index(("business", "client", "id")),),
    Address: (
        Index(("channel", "address")),
        Index(("business", "phone"), only=present("phone")),
        Index(("business", "client"), only=present("client")),
        Index(("dead_until", "business", "id"), only=present("dead_until")),
    ),
    Booking: (
        Index(("business", "starts_at", "id")),
        Index(("business", "client", "starts_at", "id", "status", "source"), only=present("client")),
        Index(("business", "salon", "starts_at", "id")),
        Index(("business", "master", "starts_at", "id"), only=present("master")),
        Index(("business", "status", "starts_at", "id", "client", "salon", "master")),
    ),
    Receipt: (Index(("business", "message", "at", "id")),),
    InboxEvent: (
        Index(("lease_until", "id"), only={"status": "pending"}),
        Index(("id",), only={"status": "failed"}),
        Index(("received_at", "id")),
    ),
    StaffChat: (Index(("chat", "business", "id")),),
    LinkCode: (Index(("expires_at", "id")), Index(("owner", "id"))),
    PageLink: (Index(("owner", "client", "id"), only=present("client")),),
    Consent: (Index(("business", "client", "at", "id")),),
    Task: (Index(("next_at", "id")),),
    ContentTemplate: (Index(("status", "kind", "business", "id")),),
    Cost: (Index(("business", "due_at", "channel", "day", "currency", "amount")),),
    Review: (
        Index(("business", "at", "id")),
        Index(("business", "salon", "at", "id")),
        Index(("business", "master", "at", "id"), only=present("master")),
        Index(("business", "rating", "at", "id")),
        Index(("business", "client", "at", "id"), only=present("client")),
    ),
    Tip: (
        Index(("business", "status", "at", "id")),
        Index(("business", "salon", "status", "at", "id")),
        Index(("business", "master", "status", "at", "id"), only=present("master")),
        Index(("business", "client", "at", "id"), only=present("client")),
    ),
    ConsoleSession: (Index(("owner", "expires_at", "id")),),
    TextVersion: (Index(("business", "kind", "language", "at", "id")),),
    Delivery: (
        Index(("next_at", "id"), only={"status": "pending"}),
        Index(("business", "webhook", "stream", "id"), only={"status": "pending"}),
        Index(("business", "webhook", "id")),
        Index(("business", "client", "id"), only=present("client")),
        Index(("created_at", "id")),
    ),
    CampaignMember: (
        Index(("business", "campaign", "part", "id", "reason")),
        Index(("business", "client", "id"), only=present("client")),
    ),
    Why: (Index(("business", "month", "salon", "master", "reason")),),
}


def _models(record: type[Any]) -> list[IndexModel]:
    named = () if record is Message else (Index(("business", "id"), unique=True),)
    return [
        IndexModel(
            [(field, 1) for field in index.fields],
            # Two indexes of the same fields are told apart by what they hold.
            name="_".join((*index.fields, *(["of", *index.only] if index.only else []))),
            unique=index.unique,
            **({"partialFilterExpression": index.only} if index.only else {}),
        )
        for index in (*named, *INDEXES.get(record, ()))
    ]


async def check_server(database: Database) -> None:
    """Raise StoreError where the server is too old or, having no replica set, without transactions."""
    hello = await database.client.admin.command("hello")
    if "setName" not in hello and hello.get("msg") != "isdbgrid":
        raise StoreError("MongoDB must run as a replica set (one of a single member will do): it has transactions then")
    info = await database.client.admin.command("buildInfo")
    if tuple(info["versionArray"][:2]) < OLDEST_SERVER:
        raise StoreError(
            f"MongoDB {info['version']} is too old: {'.'.join(map(str, OLDEST_SERVER))} or newer is needed"
        )


async def check_current(database: Database) -> bool:
    """Whether the database has this version's schema. Raises SchemaNewer where it has a newer one's."""
    stored = await database[SCHEMA].find_one({"_id": SCHEMA})
    version = stored["version"] if stored else 0
    if version > VERSION:
        raise SchemaNewer(f"the database has schema {version}, this program knows {VERSION}: run the newer one")
    return bool(version == VERSION)


async def migrate(database: Database) -> None:
    """Make what is missing. Doing it twice, or by two processes at once, is the same as once."""
    await asyncio.gather(*(database[layout(record).table].create_indexes(_models(record)) for record in RECORDS))
    born = {"birthday": {"$exists": True}, "birth_day": {"$exists": False}}
    day = {"$substrCP": ["$birthday", {"$subtract": [{"$strLenCP": "$birthday"}, 5]}, 5]}
    await database[layout(Client).table].update_many(born, [{"$set": {"birth_day": day}}])
    await database[SCHEMA].update_one({"_id": SCHEMA}, {"$max": {"version": VERSION}}, upsert=True)
