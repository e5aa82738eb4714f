"""Opening, readiness, the clock, and who else is there."""

import asyncio
import time

import pytest

from storage.opening import open_store
from storage.records import Client
from storage.store import Changes, Store
from tests.store_contract.conftest import OpenAnother
from tests.store_contract.samples import client


async def test_what_was_committed_is_there_after_closing_and_opening_again(database: str) -> None:
    store = await open_store(database)
    await store.commit(Changes(inserts=(client("c"),)))
    await store.close()
    again = await open_store(database)
    assert await again.get(Client, "a", "c") == client("c")
    await again.close()


async def test_a_store_is_ready_and_stays_so(store: Store, another: OpenAnother) -> None:
    await store.ready()
    await (await another()).ready()
    await store.ready()


async def test_the_clock_is_in_milliseconds_and_goes_forward(store: Store) -> None:
    first = store.clock()
    assert abs(first - time.time() * 1000) < 60_000
    assert isinstance(first, int)
    assert store.clock() >= first


async def test_nobody_is_alone_with_another_at_the_same_database(store: Store, another: OpenAnother) -> None:
    other = await another()
    assert (await store.alone(), await other.alone()) == (False, False)
    assert (await store.alone(), await other.alone()) == (False, False)


async def test_several_open_an_empty_database_at_once(another: OpenAnother) -> None:
    stores = await asyncio.gather(*(another() for _ in range(4)))
    await stores[0].commit(Changes(inserts=(client("c"),)))
    assert await stores[3].get(Client, "a", "c") == client("c")


@pytest.mark.parametrize("url", ["", "vizit.db", "postgresql://host/db", "sqlite://vizit.db"])
async def test_an_address_of_another_kind_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="not the address of a database"):
        await open_store(url)
