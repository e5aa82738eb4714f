"""What a message costs from its claim to its settling, counted over the whole outbox, and that no index is missing on it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import MongoClient
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from handlers.channel import TELEGRAM, WHATSAPP
from handlers.delivery import means_of
from handlers.turn import Desk, Links
from scheduler.outbox import Outbox
from storage import mongo
from storage.records import Message
from storage.sqlite import open_sqlite
from storage.store import Changes, Store
from tests.support.post import BOOKING, BUSINESS, MASTER, NOON, SALON, Scripted, another, message

MANY = 300
EXPLAINED = ("find", "aggregate", "update")
ASKED_OF_A_SERVER = ("hello", "ping", "endSessions")


class Commands(CommandListener):
    """The commands that went to the server."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []

    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name not in ASKED_OF_A_SERVER:
            self.seen.append(dict(event.command))

    def succeeded(self, event: CommandSucceededEvent) -> None:
        pass

    def failed(self, event: CommandFailedEvent) -> None:
        pass


def visits() -> Iterator[Any]:
    """A salon, and as many people with a visit each, whose notices are due."""
    yield from (BUSINESS, SALON, MASTER)
    for number in range(MANY):
        client, address = another(number)
        yield from (client, replace(address, client=client.id))
        yield replace(BOOKING, id=f"b{number}", client=client.id)
        row = {"booking": f"b{number}", "client": client.id, "address": address.address}
        yield message("booking_created", **row)


async def send(store: Store) -> Scripted:
    """Send everything that is due, with the words of the service."""
    telegram = Scripted("telegram", TELEGRAM)
    channels = {"telegram": telegram, "whatsapp": Scripted("whatsapp", WHATSAPP)}
    desk = Desk(store, lambda: NOON, Links(None, b"secret" * 8), frozenset(channels))
    outbox = Outbox(desk, channels, means_of(channels))
    running = asyncio.create_task(outbox.run())
    await outbox.idle()
    await outbox.stop()
    await running
    return telegram


async def test_on_sqlite_a_message_takes_at_most_three_statements(tmp_path: Path) -> None:
    store = await open_sqlite(tmp_path / "vizit.db")
    await store.commit(Changes(inserts=tuple(visits())))
    seen: list[str] = []
    store._connection.set_trace_callback(seen.append)
    telegram = await send(store)
    store._connection.set_trace_callback(None)
    counts = await store.count(Message, {"business": "a"}, ("status",))
    await store.close()
    assert len(telegram.calls) == MANY and counts == {("sent",): MANY}
    # One for the guard, one for the settling, and what a step of fifteen or more asks for all of its own.
    assert len(seen) <= 3 * MANY
    # Claims are made by the hundred, and their lanes looked through when they seem empty.
    assert sum(text.startswith("UPDATE message SET status = 'leased'") for text in seen) <= MANY // 100 + 6
    # What is written is synced once a step, not once a message.
    assert sum(text == "COMMIT" for text in seen) <= MANY / 10


async def test_on_mongodb_a_message_takes_a_quarter_of_a_round_trip_and_every_one_finds_its_index(
    mongodb_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = Commands()
    monkeypatch.setattr(mongo, "AsyncIOMotorClient", partial(AsyncIOMotorClient, event_listeners=[commands]))
    store = await mongo.open_mongo(mongodb_url)
    await store.commit(Changes(inserts=tuple(visits())))
    commands.seen.clear()
    telegram = await send(store)
    seen = [*commands.seen]
    counts = await store.count(Message, {"business": "a"}, ("status",))
    await store.close()
    assert len(telegram.calls) == MANY and counts == {("sent",): MANY}
    assert len(seen) <= MANY / 4
    assert not [command for command in seen if "getMore" in command]
    with MongoClient[dict[str, Any]](mongodb_url) as server:
        wrong = [command for command in seen if "COLLSCAN" in explained(server, command)]
    assert not wrong


def explained(server: MongoClient[dict[str, Any]], command: dict[str, Any]) -> str:
    """How the server would go about a command."""
    name = next(iter(command))
    if name not in EXPLAINED:
        return ""
    kept = {"find", "aggregate", "update", "updates", "filter", "sort", "limit", "pipeline", "cursor", "projection"}
    asked = {field: value for field, value in command.items() if field in kept}
    return str(server.get_default_database().command("explain", asked, verbosity="queryPlanner"))
