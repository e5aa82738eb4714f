"""Moving whole databases: backups, what is restored from them, and a salon that has outgrown its file."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, closing, redirect_stderr, redirect_stdout
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any, get_args

import pytest

from bot.__main__ import main
from scheduler import moving, pause
from scheduler.owner import NEVER
from storage import portable, restoring
from storage.codec import layout
from storage.opening import open_store
from storage.records import RECORDS, Business, Client, Message, Record, Task
from storage.store import Changes, Put, SchemaNewer, Store, StoreBusy, StoreError
from tests.store_contract.samples import client, filled, message
from tests.support.commands import Ended, command
from tests.support.process import environment

DYING = "tests.support.dying_command"


@asynccontextmanager
async def database(url: str) -> AsyncIterator[Store]:
    store = await open_store(url)
    try:
        yield store
    finally:
        await store.close()


def samples() -> Iterator[Any]:
    """Two records of every kind that is stored: one with all of its fields, and one with what can't be left out."""
    for record in RECORDS:
        for number, fill in enumerate(("full", "bare")):
            made = filled(record, fill, id=f"{number}{record.__name__}")  # type: ignore[arg-type]
            yield replace(made, next_at=NEVER) if record is Task else made


async def stored(store: Store) -> set[Any]:
    """All records of a store as text, but for its own pause."""
    found = [row for record in RECORDS for row in await store.find(record, {}, order=portable.order_of(record))]
    return {repr(row) for row in found if not (isinstance(row, Task) and row.id == pause.ROW)}


def quiet(kind: str, done: int, total: int) -> None:
    """Tells nobody."""


@pytest.fixture
def file(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'vizit.db'}"


def test_no_kind_of_record_is_left_out_of_the_list_that_copies_go_by() -> None:
    assert set(get_args(Record)) == set(RECORDS)


async def test_every_kind_of_record_arrives_as_it_was(file: str, mongodb_url: str) -> None:
    async with database(file) as source, database(mongodb_url) as target:
        await source.commit(Changes(inserts=tuple(samples())))
        counted = await moving.fill(portable.Whole(source), target, "o", quiet)
        assert await stored(target) == await stored(source)
        assert {kind for kind, here, there in counted if here == 2} >= {layout(r).table for r in RECORDS} - {"task"}
        # The target says of itself that it is being filled.
        assert [kind for kind, here, there in counted if here != there] == ["task"]


async def test_a_kind_that_is_left_out_is_told_by_the_numbers(
    file: str, mongodb_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with database(file) as source, database(mongodb_url) as target:
        await source.commit(Changes(inserts=(client("c"),)))

        async def nothing(*_: object) -> None:
            """Brings nothing."""

        monkeypatch.setattr(portable, "_bring", nothing)
        counted = await portable.carry(portable.Whole(source), target, tell=quiet)
        assert [one for one in counted if one.source != one.target] == [("client", 1, 0)]


async def test_what_was_copied_before_is_brought_up_to_date_and_nothing_comes_twice(
    file: str, mongodb_url: str
) -> None:
    async with database(file) as source, database(mongodb_url) as target:
        await source.commit(Changes(inserts=(client("a"), client("b"), message())))
        await moving.fill(portable.Whole(source), target, "o", quiet)
        await source.commit(Changes(puts=(Put(client("b", name="Інша")),), inserts=(client("c"),)))
        await moving.fill(portable.Whole(source), target, "o", quiet)
        assert await stored(target) == await stored(source)


async def test_a_database_that_holds_data_of_its_own_is_not_filled(file: str, mongodb_url: str) -> None:
    async with database(file) as source, database(mongodb_url) as target:
        await target.commit(Changes(inserts=(client("a"),)))
        with pytest.raises(StoreError, match="holds data"):
            await moving.fill(portable.Whole(source), target, "o", quiet)


async def test_a_database_half_filled_from_elsewhere_is_not_filled(file: str, mongodb_url: str) -> None:
    async with database(file) as source, database(mongodb_url) as target:
        await moving.fill(portable.Whole(source), target, "one", quiet)
        with pytest.raises(StoreError, match="holds data"):
            await moving.fill(portable.Whole(source), target, "two", quiet)


async def test_a_file_that_a_service_has_open_is_not_given_up(file: str) -> None:
    async with database(file), database(file) as source:
        with pytest.raises(StoreError, match="another process"):
            await moving.give_up(source, "db/vizit")
        assert await pause.pause_of(source) is None


async def test_a_file_that_was_given_up_never_sends_again_and_the_new_database_sends_as_it_did(
    file: str, mongodb_url: str
) -> None:
    async with database(file) as source, database(mongodb_url) as target:
        await pause.pause(source, "restored", 77)
        mark = await moving.give_up(source, "db/vizit")
        await moving.fill(portable.Whole(source), target, mark.notes["origin"], quiet)
        with pytest.raises(StoreError, match="half filled"):
            await pause.may_run(target)
        await moving.given_up(source, mark)
        await moving.finish(target, mark.notes["origin"], moving.before_move(mark))
        with pytest.raises(StoreError, match="moved"):
            await pause.may_run(source)
        assert await pause.pause_of(target) == pause.Pause("restored", 77)
        with pytest.raises(StoreError, match="moved already"):
            await moving.give_up(source, "db/other")


async def test_a_backup_of_mongodb_is_of_one_moment(mongodb_url: str) -> None:
    async with database(mongodb_url) as store:
        await store.commit(Changes(inserts=(client("a"), client("b"))))
        async with portable.at_one_moment(store) as reader:
            assert await reader.number(Client) == 2
            await store.commit(Changes(inserts=(client("c"), message())))
            assert [row.id for row in await reader.page(Client, None, 10)] == ["a", "b"]
            assert [row.id for row in await reader.page(Client, ("a", "a"), 10)] == ["b"]
            assert await reader.page(Message, None, 10) == []


def test_what_is_no_backup_is_refused(tmp_path: Path) -> None:
    other, newer, torn = (tmp_path / name for name in ("other.db", "newer.db", "torn.db"))
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE business (id)")
    with closing(sqlite3.connect(newer)) as connection:
        connection.execute("CREATE TABLE business (id)")
        connection.execute("PRAGMA user_version = 9999")
    torn.write_bytes(b"no database at all, but long enough to look like one" * 100)
    for path, why in ((other, "no backup"), (torn, "not a database"), (tmp_path / "none.db", "there is no file")):
        with pytest.raises(StoreError, match=why):
            restoring.check_backup(path)
    with pytest.raises(SchemaNewer):
        restoring.check_backup(newer)


async def test_a_damaged_backup_is_refused(tmp_path: Path, file: str) -> None:
    async with database(file) as store:
        await store.commit(Changes(inserts=tuple(client(f"{n}", name="Ї" * 400) for n in range(200))))
    path = tmp_path / "vizit.db"
    content = bytearray(path.read_bytes())
    content[-40_000:-20_000] = b"\xff" * 20_000
    path.write_bytes(content)
    with pytest.raises(StoreError):
        restoring.check_backup(path)


async def test_a_database_that_a_service_has_open_is_not_replaced(tmp_path: Path, file: str) -> None:
    async with database(file):
        with pytest.raises(StoreBusy, match="stop it"), restoring.nobody_else(tmp_path / "vizit.db"):
            pass


Vizit = Callable[..., Awaitable[Ended]]


@pytest.fixture
def vizit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Vizit:
    """Runs a command in a folder of its own, with sound settings and these beside them, to its end."""
    monkeypatch.chdir(tmp_path)

    def run(*args: str, **variables: str) -> Ended:
        with monkeypatch.context() as patched, redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
            for name, value in environment(**variables).items():
                patched.setenv(name, value)
            status = main(args)
        return Ended(status, out.getvalue(), err.getvalue())

    return lambda *args, **variables: asyncio.to_thread(run, *args, **variables)


async def salon(url: str) -> None:
    """A database with a business, and messages: one that was due an hour ago, one of the next hour."""
    async with database(url) as store:
        hour, now = 3_600_000, store.clock()
        rows = tuple(
            message(id=f"{n:032x}", business="mriya", due_at=now + at, not_after=now + 9 * hour, salon="s1")
            for n, at in enumerate((-hour, hour))
        )
        await store.commit(Changes(inserts=(Business(business="mriya", id="mriya", name="Мрія"), *rows)))


async def test_a_salon_that_outgrew_its_file_moves_and_can_only_be_run_at_its_new_place(
    tmp_path: Path, file: str, mongodb_url: str, vizit: Vizit
) -> None:
    await salon(file)
    ended = await vizit("copy", file, mongodb_url)
    assert (ended.status, "message                    2         2\n" in ended.out) == (0, True), ended.err
    assert "Everything is in" in ended.out and "business" in ended.err
    again = await vizit("copy", file, mongodb_url)
    assert (again.status, "already" in again.out) == (0, True)
    old = await command(tmp_path, "bot", "run", VIZIT_DATABASE=file, VIZIT_LISTEN="127.0.0.1:0")
    assert (old.status, "was moved" in old.err) == (1, True)
    async with database(mongodb_url) as store:
        await pause.may_run(store)
        assert await store.count(Message, {}) == {(): 2}


@pytest.mark.parametrize(("point", "nth"), [("commit.statement", "5"), ("commit.done", "4")])
async def test_a_copy_that_was_killed_goes_on(
    tmp_path: Path, file: str, mongodb_url: str, point: str, nth: str, vizit: Vizit
) -> None:
    await salon(file)
    async with database(file) as store:
        await store.commit(Changes(inserts=tuple(client(f"c{n}") for n in range(700))))
    killed = await command(tmp_path, DYING, point, nth, "copy", file, mongodb_url)
    assert killed.status == -signal.SIGKILL
    refused = await command(tmp_path, "bot", "run", VIZIT_DATABASE=mongodb_url, VIZIT_LISTEN="127.0.0.1:0")
    assert (refused.status, "half filled" in refused.err) == (1, True)
    ended = await vizit("copy", file, mongodb_url)
    assert ended.status == 0, ended.err
    async with database(mongodb_url) as store, database(file) as source:
        assert await stored(store) == await stored(source)


async def test_numbers_that_differ_end_a_copy_with_1_and_say_of_what(
    tmp_path: Path, file: str, mongodb_url: str, vizit: Vizit
) -> None:
    await salon(file)
    await command(tmp_path, DYING, "commit.done", "4", "copy", file, mongodb_url)
    async with database(mongodb_url) as store:
        await store.commit(Changes(inserts=(client("stray"),)))
    ended = await vizit("copy", file, mongodb_url)
    assert ended.status == 1
    assert "not everything has arrived: client: 0 here, 1 there" in ended.err


async def test_a_backup_of_either_database_is_restored_into_either_and_nothing_is_sent_before_a_person_says_so(
    tmp_path: Path, file: str, mongodb_url: str, vizit: Vizit
) -> None:
    await salon(mongodb_url)
    made = await vizit("backup", "copy.db", VIZIT_DATABASE=mongodb_url)
    assert (made.status, made.out) == (0, "copy.db: a complete copy, checked\n"), made.err
    assert os.listdir(tmp_path) == ["copy.db"]

    restored = await vizit("restore", "copy.db", VIZIT_DATABASE=file)
    assert restored.status == 0, restored.err
    assert "Sending is paused" in restored.out
    assert "  mriya     s1     reminder  1         20" in restored.out

    asked = await vizit("release", VIZIT_DATABASE=file)
    assert (asked.status, "--drop-past-due" in asked.err) == (1, True)
    checked = await vizit("check", VIZIT_DATABASE=file)
    assert "sending: paused since" in checked.out
    done = await vizit("release", "--drop-past-due", VIZIT_DATABASE=file)
    assert (done.status, "1 messages that were past due were dropped" in done.out) == (0, True)
    async with database(file) as store:
        assert await pause.pause_of(store) is None
        assert await store.count(Message, {}, ("status",)) == {("expired",): 1, ("planned",): 1}


async def test_a_restore_never_destroys_what_is_there(tmp_path: Path, file: str, vizit: Vizit) -> None:
    await salon(file)
    assert (await vizit("backup", "copy.db")).status == 0
    async with database(file) as store:
        await store.commit(Changes(inserts=(client("later"),)))
    refused = await vizit("restore", "copy.db")
    assert (refused.status, "--overwrite" in refused.err) == (1, True)
    done = await vizit("restore", "copy.db", "--overwrite")
    assert done.status == 0, done.err
    (kept,) = [name for name in os.listdir(tmp_path) if re.fullmatch(r"vizit\.db\.before-\d{8}-\d{6}", name)]
    async with database(f"sqlite:///{tmp_path / kept}") as former, database(file) as store:
        assert (await former.count(Client, {}), await store.count(Client, {})) == ({(): 1}, {(): 0})


async def test_a_backup_is_restored_into_mongodb_and_into_no_database_that_holds_data(
    tmp_path: Path, file: str, mongodb_url: str, vizit: Vizit
) -> None:
    await salon(file)
    assert (await vizit("backup", "copy.db")).status == 0
    for status in (0, 1):
        ended = await vizit("restore", "copy.db", VIZIT_DATABASE=mongodb_url)
        assert ended.status == status, ended.err
    assert "holds data" in ended.err
    async with database(mongodb_url) as store:
        paused = await pause.pause_of(store)
        assert paused is not None and paused.why == "restored"
        assert await store.count(Message, {}) == {(): 2}


async def test_a_file_that_was_given_up_is_taken_up_again_only_when_a_person_says_so(
    tmp_path: Path, file: str, vizit: Vizit
) -> None:
    async with database(file) as store:
        await pause.pause(store, "restored", 77)
        await moving.give_up(store, "db/vizit")
    refused = await vizit("release")
    assert (refused.status, "--moved-back" in refused.err) == (1, True)
    taken = await vizit("release", "--moved-back")
    assert (taken.status, "may be run again" in taken.out) == (0, True)
    async with database(file) as store:
        assert await pause.pause_of(store) == pause.Pause("restored", 77)


async def test_sending_is_paused_and_goes_on_at_a_word(tmp_path: Path, file: str, vizit: Vizit) -> None:
    await salon(file)
    assert "paused" in (await vizit("pause")).out
    async with database(file) as store:
        assert (await pause.pause_of(store)).why == "asked"  # type: ignore[union-attr]
    assert "goes on" in (await vizit("release")).out
    assert "not paused" in (await vizit("release")).out
