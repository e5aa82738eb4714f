"""A worker that is killed in the middle of a burst, and the one that takes its place."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from typing import Any

from bench.measuring import ROOT, Figures, Sink, answer_for
from storage.opening import open_store
from storage.records import Message
from storage.store import Changes, OneOf, Patch

MOST_LEASED = 1_000


def _worker(case: str, **arguments: Any) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "bench.ours", case, json.dumps(arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)


async def _end_leases(database: str) -> int:
    """What the dead one held is free at once, where it would be after its leases; how much that was."""
    store = await open_store(database)
    held = await store.find(
        Message, {"status": OneOf(("leased", "sending"))}, order=("lease_until", "id"), limit=MOST_LEASED
    )
    await store.commit(Changes(patches=tuple(Patch(Message, None, row.id, {"lease_until": 0}) for row in held)))
    await store.close()
    return len(held)


def _kill(database: str, sink: str, number: int) -> Figures:
    """Kill it when half of the messages arrived. `resumed_s`: from the kill to the next arrival, imports included."""
    server = Sink(sink)
    first = _worker("send", database=database, sink=sink, number=number, spread=0)
    server.wait(number // 2)
    first.kill()
    killed = time.time()
    first.wait()
    reached = set(server.tally()["first"])
    held = asyncio.run(_end_leases(database))
    second = _worker("resume", database=database, sink=sink)
    try:
        server.wait(len(reached) + 1)
        resumed = min(at for to, at in server.tally()["first"].items() if to not in reached) - killed
        second.wait()
    finally:
        second.kill()
        second.wait()
    tally = server.tally()
    arrived = len(tally["first"])
    twice = tally["calls"] - arrived
    return {"resumed_s": resumed, "held": held, "twice": twice, "lost": number - arrived}


if __name__ == "__main__":
    answer_for({"kill": _kill})
