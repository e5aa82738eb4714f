"""A database that can't be written for a while: the API says so, claims nothing that is not so, and all goes on by itself."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass

import pytest
from aiohttp import ClientSession
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from bot.app import App, build
from storage.mongo import MongoStore
from storage.opening import open_store
from storage.records import Booking
from storage.sqlite import SqliteStore
from tests.faults import salon
from tests.faults.sink import Sink
from tests.faults.worker import ADMIN_KEY, Orders, config
from tests.support.leftout import leave_out
from tests.support.mongod import free_port

Trouble = Callable[[App], AbstractContextManager[None]]
OUT_OF_DISK_SPACE = 14031


def sqlite_of(app: App) -> SqliteStore:
    assert isinstance(app.store, SqliteStore)
    return app.store


@contextmanager
def locked(app: App) -> Iterator[None]:
    """Another process holds the lock for longer than anybody waits."""
    with closing(sqlite3.connect(sqlite_of(app)._path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


@contextmanager
def full(app: App) -> Iterator[None]:
    """There is no room for another page."""
    connection = sqlite_of(app)._connection
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (most,) = connection.execute("PRAGMA max_page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    try:
        yield
    finally:
        connection.execute(f"PRAGMA max_page_count = {most}")


@contextmanager
def read_only(app: App) -> Iterator[None]:
    """Nothing may be written."""
    sqlite_of(app)._connection.execute("PRAGMA query_only = ON")
    try:
        yield
    finally:
        sqlite_of(app)._connection.execute("PRAGMA query_only = OFF")


@contextmanager
def server_full(app: App) -> Iterator[None]:
    """MongoDB's server has no room on its disk."""
    assert isinstance(app.store, MongoStore)
    server: MongoClient[dict[str, object]] = app.store._database.client.delegate
    fails = {"failCommands": ["insert", "update", "findAndModify"], "errorCode": OUT_OF_DISK_SPACE, "appName": "vizit"}
    try:
        server.admin.command({"configureFailPoint": "failCommand", "mode": "alwaysOn", "data": fails})
    except OperationFailure as error:
        leave_out("MongoDB", f"a server that was started with enableTestCommands=1 ({error.code})")
    try:
        yield
    finally:
        server.admin.command({"configureFailPoint": "failCommand", "mode": "off"})


@dataclass(frozen=True)
class Caller:
    """A booking system."""

    http: ClientSession
    port: int

    async def books(self, number: int) -> int:
        """The status of a PUT."""
        url = f"http://127.0.0.1:{self.port}/api/v1/bookings/n{number}"
        visit = {
            "salon": "s",
            "client": {"id": f"c{number}"},
            "created_by": "client",
            "starts_at": "2030-01-10T15:00:00+02:00",
            "notify": {"reminders": []},
        }
        headers = {"Authorization": f"Bearer {ADMIN_KEY}", "Vizit-Business": "b"}
        async with self.http.put(url, json=visit, headers=headers) as answer:
            return answer.status


@pytest.mark.parametrize(
    ("database", "trouble"),
    [("sqlite", locked), ("sqlite", full), ("sqlite", read_only), ("mongodb", server_full)],
    indirect=["database"],
)
async def test_while_nothing_can_be_written_the_api_says_so_and_afterwards_all_goes_on_by_itself(
    database: str, trouble: Trouble
) -> None:
    store = await open_store(database)
    await salon.furnish(store, range(200))
    port = free_port()
    async with Sink() as sink, ClientSession() as http:
        app = await build(config(Orders(database=database, sink=sink.url, port=port)))
        app.store._patience_s = 0.3  # type: ignore[attr-defined]
        await app.start()
        caller = Caller(http, port)
        try:
            assert await caller.books(0) == 201
            await sink.taken(1)
            with trouble(app):
                # What is free in the pages of a file that can't grow may still be filled.
                number = 1
                while (status := await caller.books(number)) == 201:
                    number += 1
            assert status == 503
            stored = {booking.id for booking in await store.find(Booking, {"business": "b"})}
            assert stored == {f"n{one}" for one in range(number)}
            assert await caller.books(number) == 201
            await sink.taken(number + 1)
        finally:
            await app.close()
            await store.close()
