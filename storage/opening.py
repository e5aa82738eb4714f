"""Opens the store that an address names."""

from __future__ import annotations

from storage.sqlite import open_sqlite
from storage.store import Store


async def open_store(url: str) -> Store:
    """The store behind ``sqlite:///file``, ``sqlite:///:memory:`` or ``mongodb://host/database?replicaSet=name``.

    Brings the schema to this version. Raises ValueError for another kind of address, StoreBusy where the database is
    out of reach, SchemaNewer where a newer version of this service wrote it.
    """
    if url.startswith("sqlite:///"):
        return await open_sqlite(url)
    if url.startswith(("mongodb://", "mongodb+srv://")):
        # The driver costs a sixth of a second and memory, and most installations live without it.
        from storage.mongo import open_mongo

        return await open_mongo(url)
    raise ValueError(f"not the address of a database: {url.split('://')[0]}://…")
