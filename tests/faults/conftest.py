"""A database of each kind, and a sink."""

import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from pymongo import MongoClient

from tests.faults.salon import number_of
from tests.faults.sink import Sink


@pytest.fixture(scope="session")
def mongodb_faults(mongod: str) -> Iterator[str]:
    """A database for all of these tests: to make its indexes anew for each one would take longer than most of them."""
    name = f"vizit_test_{secrets.token_hex(6)}"
    yield urlsplit(mongod)._replace(path=f"/{name}").geturl()
    with MongoClient[dict[str, object]](mongod) as client:
        client.drop_database(name)


def emptied(url: str) -> str:
    """The address of a database, after everything was removed from it but its schema."""
    with MongoClient[dict[str, object]](url) as client:
        # A process that was killed may have left its transaction open.
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
        return f"sqlite:///{tmp_path}/vizit.db"
    return emptied(request.getfixturevalue("mongodb_faults"))


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    """Both platforms; every fifth person has blocked the bot, and is on WhatsApp."""
    async with Sink(blocked=lambda chat: number_of(chat) % 5 == 0) as sink:
        yield sink
