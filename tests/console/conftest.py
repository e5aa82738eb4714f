"""The salon with its console, empty or on a busy day."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.console.room import Room, busy_day, opened


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    """The salon without visits; nobody is signed in."""
    async with opened(tmp_path / "vizit.db") as room:
        yield room


@pytest.fixture
async def busy(room: Room) -> Room:
    """The salon on a busy day, its owner signed in."""
    await busy_day(room)
    await room.enter()
    return room
