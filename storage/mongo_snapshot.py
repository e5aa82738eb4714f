"""A database of MongoDB as it was at one moment, read while others write to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

import pymongo
from motor.motor_asyncio import AsyncIOMotorClientSession

from storage.mongo import MongoStore
from storage.mongo_documents import documents, following, sorting
from storage.mongo_errors import translated
from storage.mongo_schema import Database
from storage.mongo_writes import collection_of
from storage.portable import order_of

R = TypeVar("R")

PATIENCE_S: Final = 60.0
"""To count millions takes longer than a call of the service may."""


class Snapshot:
    """A :class:`storage.portable.Reader` whose answers are all of the moment of its first one."""

    def __init__(self, database: Database, session: AsyncIOMotorClientSession) -> None:
        self._database, self._session = database, session

    async def page(self, record: type[R], after: tuple[Any, ...] | None, limit: int) -> list[R]:
        """See :class:`storage.portable.Reader`."""
        order = order_of(record)
        wanted = {} if after is None else following(record, order, after)
        cursor = collection_of(self._database, record).find(wanted, session=self._session)
        with translated(), pymongo.timeout(PATIENCE_S):
            rows = await cursor.sort(sorting(record, order)).limit(limit).batch_size(limit).to_list(limit)
        return list(map(documents(record).from_document, rows))

    async def number(self, record: type[Any]) -> int:
        """See :class:`storage.portable.Reader`."""
        with translated(), pymongo.timeout(PATIENCE_S):
            return int(await collection_of(self._database, record).count_documents({}, session=self._session))


@asynccontextmanager
async def snapshot(store: MongoStore) -> AsyncIterator[Snapshot]:
    """Reads ``store`` as it is now. Raises StoreError once the server has forgotten that moment."""
    database = store.database
    async with await database.client.start_session(snapshot=True) as session:
        yield Snapshot(database, session)
