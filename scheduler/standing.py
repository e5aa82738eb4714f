"""Tasks that never end: what one worker of all does again and again, at moments that the task itself chooses."""

from __future__ import annotations

from collections.abc import Mapping

from handlers.turn import Desk
from scheduler.sweeps import Runner, run_tasks
from storage.records import Task
from storage.store import Changes


async def run_standing(desk: Desk, runners: Mapping[str, Runner]) -> int:
    """Do a part of each of these tasks that is due, making those that are not there yet; how many were done.

    ``runners`` by the kind of the task, which is its id too; each answers with the task as it goes on, never with None.
    """
    for kind in runners:
        if await desk.store.get(Task, "", kind) is None:
            task = Task(business="", id=kind, kind=kind, next_at=desk.now())
            await desk.store.commit(Changes(inserts=(task,)))
    return await run_tasks(desk, runners)
