"""One database per test, on every store; opened once as `store`, and again by `another` as another process would."""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from pymongo import MongoClient

from storage.opening import open_store
from storage.store import Store

OpenAnother = Callable[[], Awaitable[Store]]


@pytest.fixture(scope="session")
def mongodb_contract(mongod: str) -> Iterator[str]:
    """A database for all of these tests: to make its indexes anew for each one would take most of the time."""
    name = f"vizit_test_{secrets.token_hex(6)}"
    yield urlsplit(mongod)._replace(path=f"/{name}").geturl()
    with MongoClient[dict[str, object]](mongod) as client:
        client.drop_database(name)


def emptied(url: str) -> str:
    """The address of a database, after everything was removed from it but its schema."""
    with MongoClient[dict[str, object]](url) as client:
        # A process that was killed has left its transaction open.
        client.admin.command("killAllSessions", [])
        database = client.get_default_database()
        for name in database.list_collection_names():
            if name != "schema":
                database[name].delete_many({})
    return url


@pytest.fixture(params=["sqlite", "mongodb"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/contract.db"
    return emptied(request.getfixturevalue("mongodb_contract"))


@pytest.fixture
async def another(database: str) -> AsyncIterator[OpenAnother]:
    """Opens one more handle on the database of this test; all are closed in the end."""
    async with AsyncExitStack() as opened:

        async def open_one() -> Store:
            store = await open_store(database)
            opened.push_async_callback(store.close)
            return store

        yield open_one


@pytest.fixture
async def store(another: OpenAnother) -> Store:
    """A handle on the database of this test."""
    return await another()
