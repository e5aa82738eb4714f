"""What a hundred messages cost the database, counted: a statement or a round trip too many is seen before it is felt."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from storage import mongo
from storage.records import Message
from storage.sqlite import open_sqlite
from storage.store import Changes, Claim, Guard, Settle, Stepped, Store
from tests.store_contract.samples import message

MANY = 100
DUE = 2000
TOKEN = "t" * 32


class Trips(CommandListener):
    """The names of the commands that went to the server."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def started(self, event: CommandStartedEvent) -> None:
        self.seen.append(event.command_name)

    def succeeded(self, event: CommandSucceededEvent) -> None:
        pass

    def failed(self, event: CommandFailedEvent) -> None:
        pass


async def waiting(store: Store, number: int) -> None:
    """So many messages are due, each to an address of its own."""
    rows = (message(channel="telegram", address=str(n)) for n in range(number))
    await store.commit(Changes(inserts=tuple(rows)))


def claim(token: str, until: int) -> Claim:
    return Claim(lane=1, limit=MANY, due=DUE, token=token, lease_until=until)


def guard(row: Message, until: int) -> Guard:
    return Guard(row.id, TOKEN, row.revision, DUE, until, "telegram", row.address or "", text="…", language="uk")


def settle(row: Message) -> Settle:
    return Settle(row.id, TOKEN, f"sid:{row.id}", DUE, None)


async def life(store: Store, seen: Callable[[], int]) -> tuple[list[Stepped], list[int]]:
    """Claim a hundred, guard them, and settle them, as three steps; what each step did, and what it took."""
    await waiting(store, MANY)
    until = store.clock() + 60_000
    began = [seen()]
    claimed = await store.step(claims=[claim(TOKEN, until)])
    began.append(seen())
    guarded = await store.step(guards=[guard(row, until) for row in claimed.claimed])
    began.append(seen())
    settled = await store.step(settles=[settle(row) for row in claimed.claimed])
    began.append(seen())
    return [claimed, guarded, settled], [after - before for before, after in pairwise(began)]


def whole(steps: list[Stepped]) -> bool:
    """Whether all hundred were claimed, went out, and were settled."""
    claimed, guarded, settled = steps
    return len(claimed.claimed) == MANY and guarded.guarded == ("sending",) * MANY and all(settled.settled)


async def test_on_sqlite_a_message_takes_a_statement_for_its_guard_and_one_for_its_settling(tmp_path: Path) -> None:
    store = await open_sqlite(tmp_path / "vizit.db")
    seen: list[str] = []
    store._connection.set_trace_callback(seen.append)
    steps, counts = await life(store, lambda: len(seen))
    store._connection.set_trace_callback(None)
    await store.close()
    assert whole(steps)
    # Around each of them a transaction begins and ends; a lease also says that it need not be synced, and unsays it.
    assert counts == [5, MANY + 2, MANY + 2]


async def test_on_mongodb_a_hundred_messages_are_guarded_in_one_round_trip_and_settled_in_one(
    mongodb_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    trips = Trips()
    monkeypatch.setattr(mongo, "AsyncIOMotorClient", partial(AsyncIOMotorClient, event_listeners=[trips]))
    store = await mongo.open_mongo(mongodb_url)
    steps, counts = await life(store, lambda: len(trips.seen))
    await store.close()
    assert whole(steps)
    # A claim looks, takes, and reads what it took.
    assert counts == [3, 1, 1]
