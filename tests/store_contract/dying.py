"""A process that commits and is killed on the way: `python -m tests.store_contract.dying ADDRESS POINT NTH`."""

import asyncio
import os
import signal
import sys

from storage.failpoints import armed
from storage.opening import open_store
from tests.store_contract.samples import BUSY


async def die(database: str, point: str, nth: int) -> None:
    """Commit, and be killed the n-th time that the point is reached."""
    store = await open_store(database)
    left = [nth]

    def action() -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    with armed(point, action):
        await store.commit(BUSY)


if __name__ == "__main__":
    asyncio.run(die(sys.argv[1], sys.argv[2], int(sys.argv[3])))
