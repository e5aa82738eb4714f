"""What the store on MongoDB does beyond what every store does: failing servers, lost answers, open transactions."""

import asyncio
import subprocess
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC
from typing import Any
from urllib.parse import urlsplit

import pytest
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from storage import mongo, mongo_schema, mongo_writes
from storage.failpoints import armed
from storage.mongo import MongoStore, open_mongo
from storage.opening import open_store
from storage.records import Booking, Client, Message
from storage.store import (
    Changes,
    Claim,
    Guard,
    Patch,
    Permit,
    Put,
    SchemaNewer,
    Settle,
    StoreBusy,
    StoreError,
)
from tests.store_contract.samples import BEFORE, BUSY, booking, client, everything, message
from tests.support.leftout import leave_out
from tests.support.mongod import NoServer, find_mongod, free_port

Sync = MongoClient[dict[str, Any]]
Failing = Callable[..., AbstractContextManager[None]]


@pytest.fixture
def url(mongodb_emptied: str) -> str:
    """The address of an empty database with all indexes."""
    return mongodb_emptied


@pytest.fixture
async def store(url: str) -> AsyncIterator[MongoStore]:
    """A store that is as patient as in service."""
    opened = await open_mongo(url)
    yield opened
    await opened.close()


@pytest.fixture
async def impatient(url: str) -> AsyncIterator[MongoStore]:
    """A store that soon gives up waiting for the server and for others."""
    opened = await open_mongo(url, patience_s=1.5)
    yield opened
    await opened.close()


@pytest.fixture
def failing(mongod: str) -> Iterator[Failing]:
    """Makes the server fail at the named commands while the context lasts, the first `times` times or always."""
    with Sync(mongod) as server:

        @contextmanager
        def fail(*commands: str, times: int | None = None, **how: Any) -> Iterator[None]:
            mode: Any = "alwaysOn" if times is None else {"times": times}
            order = {"configureFailPoint": "failCommand", "mode": mode}
            try:
                server.admin.command({**order, "data": {"failCommands": list(commands), "appName": "vizit", **how}})
            except OperationFailure as error:
                leave_out("MongoDB", f"a server that was started with enableTestCommands=1 ({error.code})")
            try:
                yield
            finally:
                server.admin.command({"configureFailPoint": "failCommand", "mode": "off"})

        yield fail


def leased(**fields: Any) -> Message:
    return message(status="leased", token="t", lease_until=1, **fields)


def guard(row: Message, address: str) -> Guard:
    return Guard(row.id, "t", 3, 2000, 9, "telegram", address, text=f"to {address}")


async def test_every_write_waits_for_the_majority_and_the_journal(store: MongoStore) -> None:
    durable = {"w": "majority", "j": True}
    assert store._database.write_concern.document == durable
    assert mongo_writes.DURABLE.document == durable
    assert store._database.read_concern.level == "majority"


async def test_a_database_without_a_name_in_its_address_is_called_vizit(mongod: str) -> None:
    database = mongo._connect(mongod, 1)
    assert database.name == "vizit"
    database.client.close()


async def test_a_field_that_is_none_is_left_out_of_the_document(store: MongoStore, url: str) -> None:
    await store.commit(Changes(inserts=(client("c", phone="+1"),)))
    await store.commit(Changes(patches=(Patch(Client, "a", "c", {"phone": None}),)))
    row = leased()
    await store.commit(Changes(inserts=(row,)))
    await store.step(guards=[guard(row, "1")])
    await store.step(settles=[Settle(row.id, "t", None, 5)])
    with Sync(url) as server:
        database = server.get_default_database()
        for document in (*database["client"].find(), *database["message"].find()):
            assert None not in document.values()


async def test_a_server_out_of_reach_is_reported(url: str) -> None:
    nowhere = urlsplit(url)._replace(netloc=f"127.0.0.1:{free_port()}").geturl()
    with pytest.raises(StoreBusy):
        await open_mongo(nowhere, patience_s=0.2)


async def test_a_name_and_password_that_are_wrong_are_reported(url: str) -> None:
    parts = urlsplit(url)
    with pytest.raises(StoreError, match="Authentication failed"):
        await open_store(parts._replace(netloc=f"somebody:secret@{parts.netloc}").geturl())


async def test_a_server_that_is_no_replica_set_is_refused() -> None:
    try:
        binary = find_mongod()
    except NoServer as error:
        leave_out("MongoDB", str(error))
    with tempfile.TemporaryDirectory(prefix="vizit-mongod-") as folder:
        port = free_port()
        command = [str(binary), "--dbpath", folder, "--port", f"{port}", "--bind_ip", "127.0.0.1", "--nounixsocket"]
        process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.DEVNULL)
        try:
            with pytest.raises(StoreError, match="replica set"):
                await open_mongo(f"mongodb://127.0.0.1:{port}/vizit", patience_s=60)
        finally:
            process.terminate()
            await process.wait()


async def test_a_newer_schema_is_refused_and_an_older_one_is_not_ready(store: MongoStore, url: str) -> None:
    with Sync(url) as server:
        schema = server.get_default_database()["schema"]
        try:
            schema.update_one({}, {"$inc": {"version": 1}})
            with pytest.raises(SchemaNewer):
                await open_mongo(url)
            with pytest.raises(SchemaNewer):
                await store.ready()
            schema.update_one({}, {"$inc": {"version": -2}})
            with pytest.raises(StoreError, match="older schema"):
                await store.ready()
        finally:
            schema.update_one({}, {"$set": {"version": mongo_schema.VERSION}})
    await store.ready()


async def test_a_server_that_fails_all_the_time_is_reported_and_no_transaction_is_done_in_part(
    store: MongoStore, impatient: MongoStore, failing: Failing
) -> None:
    row = leased()
    await store.commit(Changes(inserts=(*BEFORE, row)))
    before = await everything(store)
    with failing("find", "update", "insert", "delete", "aggregate", closeConnection=True):
        outcomes = await asyncio.gather(
            impatient.get(Client, "a", "old"),
            impatient.find(Client, {}),
            impatient.count(Client, {}),
            impatient.commit(BUSY),
            impatient.commit(Changes(inserts=(client("c"),))),
            impatient.step(guards=[guard(row, "1")]),
            impatient.reserve([Permit("p", 1, 1.0)]),
            impatient.hold("p", 1),
            impatient.next_due(),
            impatient.ready(),
            return_exceptions=True,
        )
    assert [type(outcome) for outcome in outcomes] == [StoreBusy] * 10
    # What was sent by itself in the very last moment may still arrive; of a transaction nothing can.
    after = [found for found in await everything(store) if found.id not in ("c", row.id)]
    assert after == [found for found in before if found.id != row.id]
    await impatient.ready()


@pytest.mark.parametrize("code", [91, 10107, 11600, 14031])
async def test_a_server_that_cannot_write_now_is_reported(impatient: MongoStore, failing: Failing, code: int) -> None:
    with failing("insert", "update", errorCode=code), pytest.raises(StoreBusy):
        await impatient.commit(Changes(inserts=(client("c"),)))


async def test_what_a_server_does_not_allow_is_no_reason_to_try_again(store: MongoStore, failing: Failing) -> None:
    with failing("find", errorCode=13), pytest.raises(StoreError) as raised:
        await store.find(Client, {})
    assert type(raised.value) is StoreError


async def test_a_transaction_that_meets_another_is_begun_anew(store: MongoStore, failing: Failing) -> None:
    await store.commit(Changes(inserts=BEFORE))
    label = {"errorCode": 112, "errorLabels": ["TransientTransactionError"]}
    with failing("delete", times=3, **label):
        assert (await store.commit(BUSY)).inserted == (True, True, False)
    assert await store.count(Client, {}) == {(): 4}


async def test_a_transaction_that_meets_others_again_and_again_is_reported(
    store: MongoStore, impatient: MongoStore, failing: Failing
) -> None:
    await store.commit(Changes(inserts=BEFORE))
    before = await everything(store)
    with failing("delete", errorCode=112, errorLabels=["TransientTransactionError"]), pytest.raises(StoreBusy):
        await impatient.commit(BUSY)
    assert await everything(store) == before


async def test_documents_held_by_an_open_transaction_are_reported_and_free_again_after_it(
    store: MongoStore, impatient: MongoStore, url: str
) -> None:
    await store.commit(Changes(inserts=BEFORE))
    with Sync(url) as other, other.start_session() as session:
        session.start_transaction()
        other.get_default_database()["client"].update_one({"id": "old"}, {"$set": {"name": "x"}}, session=session)
        with pytest.raises(StoreBusy):
            await impatient.commit(BUSY)
        session.abort_transaction()
    await store.commit(BUSY)


async def test_a_commit_whose_answer_was_lost_is_asked_for_again_and_done_once(
    store: MongoStore, failing: Failing
) -> None:
    await store.commit(Changes(inserts=BEFORE))
    lost = {"code": 64, "errmsg": "the answer was lost"}
    with failing("commitTransaction", times=2, writeConcernError=lost):
        await store.commit(BUSY)
    stored = await store.get(Booking, "a", "b")
    assert stored is not None and stored.revision == 2


async def test_of_inserts_of_one_key_at_once_each_is_told_whether_it_was_the_first(store: MongoStore) -> None:
    for number in range(20):
        racing = [store.commit(Changes(inserts=(message(key=f"k{number}"),))) for _ in range(4)]
        done = await asyncio.gather(*racing)
        assert sorted(committed.inserted for committed in done) == [(False,), (False,), (False,), (True,)]


@pytest.mark.parametrize(
    "how", [{"closeConnection": True}, {"writeConcernError": {"code": 64, "errmsg": "lost"}}], ids=str
)
async def test_a_guard_whose_answer_was_lost_is_still_answered(
    store: MongoStore, failing: Failing, how: dict[str, Any]
) -> None:
    rows = [leased(), leased(), leased(revision=4)]
    await store.commit(Changes(inserts=tuple(rows)))
    with failing("update", times=1, **how):
        step = await store.step(guards=[guard(row, f"{number}") for number, row in enumerate(rows)])
    assert step.guarded == ("sending", "sending", "stale")
    assert await store.count(Message, {}, ("status", "attempts")) == {("sending", 1): 2, ("leased", 0): 1}


@pytest.mark.parametrize(
    "how", [{"closeConnection": True}, {"writeConcernError": {"code": 64, "errmsg": "lost"}}], ids=str
)
async def test_a_settle_and_a_claim_whose_answers_were_lost_are_still_answered(
    store: MongoStore, failing: Failing, how: dict[str, Any]
) -> None:
    rows = [message(status="sending", token="t", channel="telegram", address=f"{number}") for number in range(2)]
    due = message()
    await store.commit(Changes(inserts=(*rows, due)))
    with failing("update", times=1, **how):
        step = await store.step(settles=[Settle(row.id, "t", f"p{row.id}", 5) for row in rows])
    assert step.settled == (True, True)
    with failing("update", times=1, **how):
        step = await store.step(claims=[Claim(1, 5, 1000, "new", 99)])
    assert [row.id for row in step.claimed] == [due.id]


async def test_a_commit_whose_caller_is_cancelled_goes_to_its_end(url: str) -> None:
    store = await open_mongo(url)
    await store.commit(Changes(inserts=BEFORE))
    committing: list[asyncio.Task[Any]] = []
    woken: list[str] = []
    store.subscribe(lambda: woken.append("woken"))

    def cancel() -> None:
        committing[0].cancel()

    with armed("commit.statement", cancel):
        committing.append(asyncio.create_task(store.commit(BUSY)))
        with pytest.raises(asyncio.CancelledError):
            await committing[0]
    await store.close()
    assert woken == ["woken"]
    again = await open_mongo(url)
    stored = await again.get(Booking, "a", "b")
    assert stored is not None and stored.revision == 2
    await again.close()


async def test_a_value_that_no_document_can_hold_is_a_mistake_and_writes_nothing(store: MongoStore) -> None:
    with pytest.raises(Exception, match="cannot encode object") as raised:
        await store.commit(Changes(inserts=(client("c"), message(params={"when": {1, 2}}))))
    assert not isinstance(raised.value, StoreError)
    with pytest.raises(OverflowError):
        await store.commit(Changes(puts=(Put(booking("b", price=2**63)), Put(client("c")))))
    assert await store.find(Client, {}) == []


async def test_permits_are_refused_when_others_always_come_first(
    store: MongoStore, impatient: MongoStore, url: str, failing: Failing
) -> None:
    assert (await store.reserve([Permit("p", 1, 1000.0, 9)]))[0].n == 1
    over = threading.Event()

    def come_first() -> None:
        with Sync(url) as other:
            while not over.is_set():
                other.get_default_database()["pace"].update_one({"_id": "p"}, {"$inc": {"arrival": 0.001}})

    # Our own writes are held up for longer than the other one needs for its next.
    with failing("update", blockConnection=True, blockTimeMS=60):
        other = asyncio.create_task(asyncio.to_thread(come_first))
        try:
            with pytest.raises(StoreBusy, match="first"):
                await impatient.reserve([Permit("p", 1, 1000.0, 9)])
        finally:
            over.set()
            await other
    assert (await store.reserve([Permit("p", 1, 1000.0, 9)]))[0].n == 1


async def test_paces_that_no_longer_matter_are_forgotten_at_opening(store: MongoStore, url: str) -> None:
    await store.reserve([Permit("over", 1, 0.001), Permit("running", 1, 3_600_000.0)])
    await store.hold("held", store.clock() + 3_600_000)
    await store.hold("released", store.clock() - 1)
    await (await open_mongo(url)).close()
    with Sync(url) as server:
        names = {row["_id"] for row in server.get_default_database()["pace"].find()}
    assert names == {"held", "running"}


async def test_the_clock_is_the_servers(store: MongoStore, url: str) -> None:
    store._ahead += 3_600_000
    await store.measure_clock()
    with Sync(url) as server:
        told = server.admin.command("hello")["localTime"].replace(tzinfo=UTC).timestamp() * 1000
    assert abs(store.clock() - told) < 60_000


async def test_the_clock_goes_on_when_the_server_does_not_answer(
    url: str, failing: Failing, monkeypatch: pytest.MonkeyPatch
) -> None:
    warned = asyncio.Event()
    monkeypatch.setattr(mongo, "CLOCK_EVERY_S", 0.001)
    monkeypatch.setattr(mongo.log, "warning", lambda *_: warned.set())
    store = await open_mongo(url, patience_s=1.5)
    before = store.clock()
    with failing("hello", errorCode=13):
        await warned.wait()
    assert before <= store.clock() < before + 60_000
    await store.close()
