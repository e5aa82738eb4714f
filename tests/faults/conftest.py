"""A sink."""

from collections.abc import AsyncIterator

import pytest

from tests.faults.salon import number_of
from tests.faults.sink import Sink


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    """Both platforms; every fifth person has blocked the bot, and is on WhatsApp."""
    async with Sink(blocked=lambda chat: number_of(chat) % 5 == 0) as sink:
        yield sink
