"""One database per test, on every store; opened once as `store`, and again by `another` as another process would."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest

from storage.opening import open_store
from storage.store import Store

OpenAnother = Callable[[], Awaitable[Store]]


@pytest.fixture
async def another(database: str) -> AsyncIterator[OpenAnother]:
    """Opens one more handle on the database of this test; all are closed in the end."""
    async with AsyncExitStack() as opened:

        async def open_one() -> Store:
            store = await open_store(database)
            opened.push_async_callback(store.close)
            return store

        yield open_one


@pytest.fixture
async def store(another: OpenAnother) -> Store:
    """A handle on the database of this test."""
    return await another()
