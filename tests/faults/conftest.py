"""A database of each kind, and a sink."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.faults.salon import number_of
from tests.faults.sink import Sink


@pytest.fixture(params=["sqlite", "mongodb"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/vizit.db"
    address: str = request.getfixturevalue("mongodb_url")
    return address


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    """Both platforms; every fifth person has blocked the bot, and is on WhatsApp."""
    async with Sink(blocked=lambda chat: number_of(chat) % 5 == 0) as sink:
        yield sink
