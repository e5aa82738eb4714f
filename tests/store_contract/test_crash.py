"""A process that is killed in the middle of a commit leaves all of it or nothing."""

import asyncio
import signal
import sys

import pytest

from storage.records import Client
from storage.store import Changes, Patch, Store
from tests.store_contract.samples import BEFORE, BUSY, everything


@pytest.mark.parametrize(
    ("point", "nth", "kept"),
    [
        ("commit.begin", 1, False),
        ("commit.statement", 2, False),
        ("commit.statement", 6, False),
        ("commit.end", 1, False),
        ("commit.done", 1, True),
    ],
)
async def test_a_process_killed_within_a_commit_leaves_all_of_it_or_nothing(
    store: Store, database: str, point: str, nth: int, kept: bool
) -> None:
    await store.commit(Changes(inserts=BEFORE))
    before = await everything(store)
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.store_contract.dying", database, point, str(nth)
    )
    assert await child.wait() == -signal.SIGKILL
    after = await everything(store)
    assert (after != before) is kept
    if kept:
        ids = {row.id for row in after}
        assert {"new", "put", "over", "b" * 32} <= ids
        assert "gone" not in ids


async def test_what_a_process_was_changing_when_it_was_killed_can_be_changed_at_once_by_others(
    store: Store, database: str
) -> None:
    await store.commit(Changes(inserts=BEFORE))
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.store_contract.dying", database, "commit.end", "1"
    )
    assert await child.wait() == -signal.SIGKILL
    await store.commit(Changes(patches=(Patch(Client, "a", "old", {"name": "changed"}),)))
    assert (await store.commit(BUSY)).inserted == (True, True, False)
