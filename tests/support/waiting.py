"""Waiting for what other tasks do, without clocks."""

import asyncio
from collections.abc import Callable


async def turn() -> None:
    """Let every other task that can run go one step."""
    await asyncio.sleep(0)


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds that announces itself by no event."""
    while not holds():
        await turn()
