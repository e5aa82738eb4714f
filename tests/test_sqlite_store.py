"""What the store on SQLite does beyond what every store does: files, locks, failures of the disk, copies, threads."""

import asyncio
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from storage import schema
from storage.failpoints import armed
from storage.records import RECORDS, Client, Message
from storage.sqlite import SqliteStore, open_sqlite, path_of
from storage.store import Changes, Claim, Guard, Permit, Put, SchemaNewer, Settle, StoreBusy, StoreError
from tests.store_contract.samples import client, message


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the database of this test lies."""
    return tmp_path / "vizit.db"


@pytest.fixture
async def store(file: Path) -> AsyncIterator[SqliteStore]:
    """A store that waits for locks a tenth of a second only."""
    opened = await open_sqlite(file, patience_s=0.1)
    yield opened
    await opened.close()


@contextmanager
def raw(file: Path) -> Iterator[sqlite3.Connection]:
    """A plain connection to the file, as another program would open it."""
    with closing(sqlite3.connect(file, isolation_level=None, timeout=0)) as connection:
        yield connection


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("sqlite:///vizit.db", "vizit.db"),
        ("sqlite:////srv/vizit.db", "/srv/vizit.db"),
        ("sqlite:///:memory:", ":memory:"),
        (Path("a/b.db"), "a/b.db"),
    ],
    ids=str,
)
def test_an_address_names_a_file(address: str | Path, path: str) -> None:
    assert path_of(address) == path


async def test_a_file_with_an_awkward_name_is_opened(tmp_path: Path) -> None:
    file = tmp_path / "салон ?x=1#2%41 'q'.db"
    store = await open_sqlite(file)
    await store.commit(Changes(inserts=(client("c"),)))
    assert len(await store.find(Client, {}, limit=2000)) == 1
    await store.close()
    assert file.exists()


async def test_a_database_in_memory_serves_alone_and_is_gone_afterwards() -> None:
    for _ in range(2):
        store = await open_sqlite("sqlite:///:memory:")
        assert await store.count(Client, {}) == {(): 0}
        await store.commit(Changes(inserts=(client("c"), message())))
        assert len(await store.find(Client, {}, limit=5000)) == 1
        assert await store.alone()
        await store.ready()
        assert [granted.n for granted in await store.reserve([Permit("p", 2, 1e6, 1)])] == [1]
        await store.close()


def pragma(store: SqliteStore, name: str) -> object:
    return store._connection.execute(f"PRAGMA {name}").fetchone()[0]


async def test_the_database_has_a_write_ahead_log(store: SqliteStore) -> None:
    assert pragma(store, "journal_mode") == "wal"


FULL, NORMAL = 2, 1


async def test_every_commit_is_synced_before_it_is_answered(store: SqliteStore) -> None:
    seen: list[object] = []
    with armed("commit.statement", lambda: seen.append(pragma(store, "synchronous"))):
        await store.commit(Changes(inserts=(client("c"),)))
    assert (seen, pragma(store, "synchronous")) == ([FULL], FULL)


@pytest.mark.parametrize(
    ("step", "mode"),
    [
        ({"claims": [Claim(1, 1, 1000, "t", 9)]}, NORMAL),
        ({"guards": [Guard("m", "t", 1, 1, 9, "telegram", "7")]}, FULL),
        ({"settles": [Settle("m", "t", "p", 5)]}, FULL),
        ({"settles": [Settle("m", "t", "p", 5)], "claims": [Claim(1, 1, 1000, "t", 9)]}, FULL),
    ],
    ids=["claim", "guard", "settle", "settle and claim"],
)
async def test_a_step_is_synced_unless_it_only_leases(store: SqliteStore, step: dict[str, Any], mode: int) -> None:
    seen: set[object] = set()
    with armed("step.statement", lambda: seen.add(pragma(store, "synchronous"))):
        await store.step(**step)
    assert (seen, pragma(store, "synchronous")) == ({mode}, FULL)


async def test_a_step_that_fails_leaves_later_commits_synced(store: SqliteStore) -> None:
    def fail() -> None:
        raise OSError

    with armed("step.statement", fail), pytest.raises(OSError):
        await store.step(claims=[Claim(1, 1, 1000, "t", 9)])
    assert pragma(store, "synchronous") == FULL
    await store.reserve([Permit("p", 1, 1.0)])
    assert pragma(store, "synchronous") == FULL


def test_there_is_a_column_for_every_field_and_no_other() -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        schema.migrate(connection)
        for record in RECORDS:
            table = "".join(f"_{c.lower()}" if c.isupper() else c for c in record.__name__).lstrip("_")
            columns = {name: type_ for _, name, type_, *_ in connection.execute(f"PRAGMA table_info({table})")}
            assert list(columns) == [field.name for field in fields(record)], record.__name__


async def test_migrating_twice_changes_nothing(file: Path) -> None:
    await (await open_sqlite(file)).close()
    with raw(file) as connection:
        before = connection.execute("SELECT sql FROM sqlite_schema ORDER BY name").fetchall()
        assert schema.version_of(connection) == len(schema.MIGRATIONS) > 0
    await (await open_sqlite(file)).close()
    with raw(file) as connection:
        assert connection.execute("SELECT sql FROM sqlite_schema ORDER BY name").fetchall() == before


async def test_a_migration_that_fails_leaves_the_old_schema(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = await open_sqlite(file)
    await store.commit(Changes(inserts=(client("c"),)))
    await store.close()
    version = len(schema.MIGRATIONS)
    failing = (*schema.MIGRATIONS, ("CREATE TABLE extra (id TEXT) STRICT", "CREATE TABLE client (id TEXT) STRICT"))
    with monkeypatch.context() as patched:
        patched.setattr(schema, "MIGRATIONS", failing)
        with pytest.raises(sqlite3.OperationalError, match="already exists"):
            await open_sqlite(file)
    with raw(file) as connection:
        assert schema.version_of(connection) == version
        assert connection.execute("SELECT * FROM sqlite_schema WHERE name = 'extra'").fetchall() == []
    again = await open_sqlite(file)
    assert await again.get(Client, "a", "c") == client("c")
    await again.close()


async def test_a_migration_that_is_missing_runs_at_opening(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await (await open_sqlite(file)).close()
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, ("CREATE TABLE extra (id TEXT) STRICT",)))
    store = await open_sqlite(file)
    await store.ready()
    await store.close()
    with raw(file) as connection:
        assert connection.execute("SELECT count(*) FROM extra").fetchone() == (0,)


async def test_a_newer_schema_is_refused_and_left_alone(file: Path, store: SqliteStore) -> None:
    newer = len(schema.MIGRATIONS) + 1
    with raw(file) as connection:
        connection.execute(f"PRAGMA user_version = {newer}")
        with pytest.raises(SchemaNewer, match=f"{newer}"):
            await open_sqlite(file)
        with pytest.raises(SchemaNewer):
            await store.ready()
        assert schema.version_of(connection) == newer


async def test_a_store_whose_schema_was_taken_back_is_not_ready(file: Path, store: SqliteStore) -> None:
    with raw(file) as connection:
        connection.execute("PRAGMA user_version = 0")
    with pytest.raises(StoreError, match="older schema"):
        await store.ready()


async def test_what_is_no_database_is_refused(file: Path) -> None:
    await asyncio.to_thread(file.write_bytes, b"this is a letter, not a database\n" * 100)
    with pytest.raises(StoreError, match="not a database"):
        await open_sqlite(file)


async def test_a_folder_that_is_not_there_is_said_to_be_out_of_reach(tmp_path: Path) -> None:
    with pytest.raises(StoreBusy, match="lock file"):
        await open_sqlite(tmp_path / "nowhere" / "vizit.db")


async def test_a_lock_held_by_another_program_is_waited_for(file: Path) -> None:
    store = await open_sqlite(file, patience_s=60)
    with raw(file) as other:
        other.execute("BEGIN IMMEDIATE")
        commits = [asyncio.create_task(store.commit(Changes(inserts=(client(f"c{number}"),)))) for number in range(3)]
        reading = await store.find(Client, {})
        for _ in range(5):
            await asyncio.sleep(0)
        assert (reading, [task.done() for task in commits]) == ([], [False] * 3)
        other.execute("ROLLBACK")
        assert [done.inserted for done in await asyncio.gather(*commits)] == [(True,)] * 3
    await store.close()


async def test_a_lock_that_stays_is_reported_and_writes_nothing(file: Path, store: SqliteStore) -> None:
    with raw(file) as other:
        other.execute("BEGIN IMMEDIATE")
        for attempt in (
            store.commit(Changes(inserts=(client("c"),))),
            store.reserve([Permit("p", 1, 1.0)]),
            store.hold("p", 1),
            store.ready(),
            store.alone(),
            open_sqlite(file, patience_s=0.05),
        ):
            with pytest.raises(StoreBusy):
                await attempt
        other.execute("ROLLBACK")
    assert await store.find(Client, {}) == []
    await store.commit(Changes(inserts=(client("c"),)))


async def test_a_wait_that_is_cancelled_leaves_no_transaction_and_no_row(file: Path, store: SqliteStore) -> None:
    with raw(file) as other:
        other.execute("BEGIN IMMEDIATE")
        waiting = asyncio.create_task(store.commit(Changes(inserts=(client("c"),))))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        other.execute("ROLLBACK")
        other.execute("BEGIN IMMEDIATE")
        other.execute("ROLLBACK")
    assert not store._connection.in_transaction
    assert await store.find(Client, {}) == []


async def test_a_full_disk_is_reported_and_writes_nothing(store: SqliteStore) -> None:
    (pages,) = store._connection.execute("PRAGMA page_count").fetchone()
    store._connection.execute(f"PRAGMA max_page_count = {pages}")
    many = tuple(client(f"c{number}", name="x" * 1000) for number in range(100))
    with pytest.raises(StoreBusy, match="full"):
        await store.commit(Changes(inserts=many))
    assert await store.find(Client, {}) == []
    store._connection.execute("PRAGMA max_page_count = 100000")
    await store.commit(Changes(inserts=many))


async def test_a_database_that_may_only_be_read_is_reported_and_still_read(store: SqliteStore) -> None:
    await store.commit(Changes(inserts=(client("c"),)))
    store._connection.execute("PRAGMA query_only = ON")
    with pytest.raises(StoreBusy, match="readonly"):
        await store.commit(Changes(inserts=(client("d"),)))
    with pytest.raises(StoreBusy):
        await store.ready()
    assert await store.get(Client, "a", "c") is not None


def test_a_write_that_the_disk_refuses_is_reported_and_writes_nothing(file: Path) -> None:
    # A limit on the size of files makes a real write of a real file fail half way; the process has it for itself.
    program = f"""
        import asyncio, resource, signal
        from storage.records import Client
        from storage.sqlite import open_sqlite
        from storage.store import Changes, StoreBusy
        from tests.store_contract.samples import client

        async def main():
            store = await open_sqlite({str(file)!r})
            await store.commit(Changes(inserts=(client("before"),)))
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (800_000, hard))
            many = tuple(client(f"c{{number}}", name="x" * 1000) for number in range(3000))
            try:
                await store.commit(Changes(inserts=many))
            except StoreBusy as error:
                print(error)
            resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
            await store.commit(Changes(inserts=(client("after"),)))
            print(sorted(found.id for found in await store.find(Client, {{}})))
            await store.close()

        asyncio.run(main())
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["disk I/O error", "['after', 'before']"]


async def test_a_value_of_the_wrong_type_is_a_mistake_and_not_a_conflict(store: SqliteStore) -> None:
    wrong: Any = "tomorrow"
    with pytest.raises(sqlite3.IntegrityError):
        await store.commit(Changes(inserts=(client("d"),), puts=(Put(client("c", created_at=wrong)),)))
    with pytest.raises(TypeError):
        await store.commit(Changes(inserts=(client("d"), message(params={"when": {1, 2}}))))
    with pytest.raises(ValueError, match="JSON"):
        await store.commit(Changes(inserts=(client("d"), message(params={"when": float("nan")}))))
    assert await store.find(Client, {}) == []


async def test_handlers_at_once_never_meet_inside_a_transaction(store: SqliteStore) -> None:
    states: list[bool] = []

    async def commit(number: int) -> None:
        await store.commit(Changes(inserts=(client(f"c{number}"),)))
        states.append(store._connection.in_transaction)

    with armed("commit.begin", lambda: states.append(store._connection.in_transaction)):
        await asyncio.gather(*map(commit, range(20)))
    assert states == [False] * 40


async def test_a_report_sees_what_was_just_committed_and_leaves_the_loop_free(store: SqliteStore) -> None:
    await store.commit(Changes(inserts=tuple(client(f"c{number}") for number in range(2000))))
    reports = await asyncio.gather(
        store.find(Client, {}, limit=3000), store.count(Client, {}), store.find(Client, {}, limit=1)
    )
    assert (len(reports[0]), reports[1], len(reports[2])) == (2000, {(): 2000}, 1)


async def test_a_report_can_write_nothing(store: SqliteStore) -> None:
    with pytest.raises(StoreBusy, match="readonly"):
        await store._report(lambda connection: connection.execute("DELETE FROM client").fetchall())


async def test_one_process_alone_knows_it_until_another_comes_and_again_when_it_is_gone(file: Path) -> None:
    first = await open_sqlite(file)
    assert await first.alone()
    assert await first.alone()
    second = await open_sqlite(file)
    assert (await second.alone(), await first.alone()) == (False, False)
    await second.close()
    assert await first.alone()
    await first.close()


async def test_a_process_that_was_killed_leaves_no_presence(file: Path) -> None:
    program = (
        "import asyncio, os, signal\n"
        "from storage.sqlite import open_sqlite\n"
        f"asyncio.run(open_sqlite({str(file)!r}))\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", program)
    assert await child.wait() == -signal.SIGKILL
    store = await open_sqlite(file)
    assert await store.alone()
    await store.close()


async def test_paces_that_no_longer_matter_are_forgotten_at_opening(file: Path) -> None:
    first = await open_sqlite(file)
    await first.reserve([Permit("over", 1, 0.001), Permit("running", 1, 3_600_000.0)])
    await first.hold("held", first.clock() + 3_600_000)
    await first.hold("released", first.clock() - 1)
    await first.close()
    await (await open_sqlite(file)).close()
    with raw(file) as connection:
        assert connection.execute("SELECT name FROM pace ORDER BY name").fetchall() == [("held",), ("running",)]


async def test_a_copy_made_while_running_is_a_whole_database(store: SqliteStore, tmp_path: Path) -> None:
    await store.commit(Changes(inserts=tuple(client(f"c{number}") for number in range(500))))
    target = tmp_path / "copies" / "копія.db"
    target.parent.mkdir()
    copying = asyncio.create_task(store.backup(target))
    for number in range(20):
        await store.commit(Changes(inserts=(client(f"d{number}"),)))
        await asyncio.sleep(0)
    await copying
    assert os.listdir(target.parent) == ["копія.db"]
    assert stat.S_IMODE(target.stat().st_mode) & 0o400
    copy = await open_sqlite(target)
    assert len(await copy.find(Client, {}, limit=1000)) >= 500
    await copy.ready()
    await copy.close()


async def test_a_copy_never_overwrites_a_file(store: SqliteStore, tmp_path: Path) -> None:
    target = tmp_path / "copy.db"
    target.write_text("precious")
    with pytest.raises(FileExistsError):
        await store.backup(target)
    assert target.read_text() == "precious"


async def test_a_copy_that_is_not_sound_is_thrown_away(file: Path, tmp_path: Path) -> None:
    store = await open_sqlite(file)
    # A table that demands what its rows lack is what the check finds: made by rewriting the schema behind SQLite's back.
    await store.commit(Changes(inserts=(client("c"),)))
    with raw(file) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(
            "UPDATE sqlite_schema SET sql = replace(sql, 'phone TEXT', 'phone TEXT NOT NULL') WHERE name = 'client'"
        )
    await store.close()
    store = await open_sqlite(file)
    with pytest.raises(StoreError, match="not sound"):
        await store.backup(tmp_path / "copy.db")
    assert not [name for name in os.listdir(tmp_path) if "copy" in name]
    await store.close()


async def test_a_copy_into_a_folder_that_is_not_there_is_refused(store: SqliteStore, tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        await store.backup(tmp_path / "nowhere" / "copy.db")


async def test_closing_breaks_off_a_report_that_is_still_being_read(file: Path) -> None:
    store = await open_sqlite(file)
    await store.count(Client, {})
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    report = asyncio.create_task(store._report(lambda connection: connection.execute(endless).fetchall()))
    await asyncio.sleep(0)
    await store.close()
    with pytest.raises(StoreBusy, match="interrupted"):
        await report
    again = await open_sqlite(file)
    assert await again.alone()
    await again.close()


async def test_a_message_without_params_and_choices_has_empty_ones(store: SqliteStore) -> None:
    row = message()
    await store.commit(Changes(inserts=(row,)))
    (stored,) = await store.find(Message, {})
    assert (stored, stored.params, stored.choices) == (row, {}, ())
