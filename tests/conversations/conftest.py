"""Every conversation is had on each channel, and over each store but for the longest."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.playground.stage import opened
from tests.conversations.world import BUSINESS, MONDAY, SALON_BODY, World, set_the_stage


@pytest.fixture(params=["telegram", "whatsapp"])
def channel(request: pytest.FixtureRequest) -> str:
    """The channel that the scene's clients use."""
    return str(request.param)


@pytest.fixture
async def world(channel: str, database: str) -> AsyncIterator[World]:
    """The salon on a Monday at noon, nobody booked yet."""
    start = int(MONDAY.timestamp() * 1000)
    async with opened(database, start, business=BUSINESS, salon=SALON_BODY) as stage:
        yield await set_the_stage(stage, channel)
