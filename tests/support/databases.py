"""An empty database of each kind: what is true of a store, or above one, is true on both."""

import secrets
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from pymongo import MongoClient


@pytest.fixture(scope="session")
def mongodb_kept(mongod: str) -> Iterator[str]:
    """The address of a database that tests use one after the other: to make its indexes anew takes longer than most."""
    name = f"vizit_test_{secrets.token_hex(6)}"
    yield urlsplit(mongod)._replace(path=f"/{name}").geturl()
    with MongoClient[dict[str, object]](mongod) as client:
        client.drop_database(name)


@pytest.fixture
def mongodb_emptied(mongodb_kept: str) -> str:
    """The address of a database with nothing in it but its schema."""
    return emptied(mongodb_kept)


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
    return str(request.getfixturevalue("mongodb_emptied"))
