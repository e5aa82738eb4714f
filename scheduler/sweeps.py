"""What is done from time to time, in chunks: each sweep is a plain function that does a part and says how much.

All of it may run twice, on one worker or on ten: every change expects the row to be as it was read.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Final

from handlers.by_hand import shown_anew
from handlers.channel import Channel, Findable, SendError
from handlers.delivery import LOOK_AFTER, Attempt, Decided, Means, decide, looked_up, move, timer_ran_out, unsure
from handlers.turn import Desk
from storage.records import WAITING, Address, Message, Millis, Task, new_id
from storage.store import Changes, Conflict, Delete, OneOf, Patch, Range, StoreError

CHUNK: Final = 100
LEASE: Final[Millis] = 60_000
LOST: Final = "lost_worker"
"""Error code of a message whose worker was gone before it could say what became of it."""

Runner = Callable[[Desk, Task], Awaitable["Task | None"]]
"""Does one part of a task, well under a minute; answers with the task as it goes on, or None when it is done."""

_log = logging.getLogger(__name__)


async def recover(desk: Desk, means: Means, *, everyone: bool = False) -> int:
    """Take up what dead workers held: what was leased is free again, of what was ``sending`` nobody knows the outcome.

    A lease counts as dead once it has lapsed; ``everyone``: all of them do, since no other process lives.
    """
    until = None if everyone else desk.store.clock()
    where = {"status": OneOf(("leased", "sending")), "lease_until": Range(0, until)}
    rows = await desk.store.find(Message, where, order=("lease_until", "id"), limit=CHUNK)
    freed = await desk.store.commit(Changes(patches=tuple(_free(row) for row in rows if row.status == "leased")))
    sending = [row for row in rows if row.status == "sending"]
    return sum(freed.matched) + await _each(desk, means, sending, lambda attempt: unsure(attempt, LOST))


def _free(row: Message) -> Patch:
    free = {"status": "planned", "token": None, "lease_until": None}
    where = {"status": "leased", "token": row.token, "lease_until": row.lease_until}
    return Patch(Message, row.business, row.id, free, where, must=False)


def _nobody(_: Message) -> None:
    """Hears of nothing."""


async def expire(desk: Desk, tell: Callable[[Message], None] = _nobody) -> int:
    """End what waits past its time, and ``tell`` of each row; what a living worker has leased, that worker ends itself."""
    where = {"status": OneOf(WAITING), "not_after": Range(None, desk.now() + 1)}
    rows = await desk.store.find(Message, where, order=("not_after", "id"), limit=CHUNK)
    fields = {"status": "expired", "reason": "too_late", "held": False}
    late = [row for row in rows if row.status == "planned"]
    patches = (Patch(Message, row.business, row.id, fields, {"status": "planned"}, must=False) for row in late)
    changes = Changes(patches=tuple(patches))
    for row in late:
        changes += await shown_anew(desk, row) if row.held else Changes()
    matched = (await desk.store.commit(changes)).matched
    for row, ended in zip(late, matched, strict=False):
        if ended:
            tell(row)
    return sum(matched)


async def run_timers(desk: Desk, means: Means) -> int:
    """Let the next channel take over from messages that nobody reported as delivered in time."""
    rows = [*await _timed(desk, "sent"), *await _timed(desk, "unknown")]
    late = [row for row in rows if row.status == "sent" or row.channel not in means.lookups]
    return await _each(desk, means, late, timer_ran_out)


async def look_up(desk: Desk, channels: Mapping[str, Channel], means: Means) -> int:
    """Ask the providers that can be asked about messages of which it is not known whether they were taken."""
    found = 0
    for row in await _timed(desk, "unknown"):
        channel = channels.get(row.channel or "")
        if not isinstance(channel, Findable):
            continue
        try:
            provider_id = await channel.look_up(row)
        except SendError as error:
            _log.warning("message %s could not be looked up: %s", row.id, error.code)
            found += await _committed(desk, move(row, fallback_at=desk.now() + LOOK_AFTER))
            continue
        found += await _each(desk, means, [row], partial(looked_up, provider_id=provider_id))
    return found


async def _timed(desk: Desk, status: str) -> list[Message]:
    where = {"status": status, "fallback_at": Range(None, desk.now() + 1)}
    return await desk.store.find(Message, where, order=("fallback_at", "id"), limit=CHUNK)


async def next_timer(desk: Desk) -> Millis | None:
    """When the first timer of the cascade runs out."""
    rows = [
        row
        for status in ("sent", "unknown")
        for row in await desk.store.find(
            Message, {"status": status, "fallback_at": Range(0, None)}, order=("fallback_at", "id"), limit=1
        )
    ]
    return min((row.fallback_at for row in rows if row.fallback_at is not None), default=None)


async def revive_addresses(desk: Desk) -> int:
    """Forget that an address was dead once its time is over."""
    where = {"dead_until": Range(None, desk.now() + 1)}
    rows = await desk.store.find(Address, where, order=("dead_until", "business", "id"), limit=CHUNK)
    alive = {"dead_until": None, "dead_reason": None}
    patches = (Patch(Address, row.business, row.id, alive, {"dead_until": row.dead_until}, must=False) for row in rows)
    return sum((await desk.store.commit(Changes(patches=tuple(patches)))).matched)


async def run_tasks(desk: Desk, runners: Mapping[str, Runner]) -> int:
    """Do one part of every task that is due, whose kind is in ``runners`` and that no other worker is at."""
    due = await desk.store.find(Task, {"next_at": Range(None, desk.now() + 1)}, order=("next_at", "id"), limit=CHUNK)
    done = 0
    for task in due:
        runner = runners.get(task.kind)
        if runner is not None and (task.lease_until or 0) <= desk.store.clock():
            done += await _run_task(desk, task, runner)
    return done


async def _run_task(desk: Desk, task: Task, runner: Runner) -> int:
    token = new_id()
    lease = {"token": token, "lease_until": desk.store.clock() + LEASE}
    if not await _committed(desk, _task_patch(task, lease, task.token)):
        return 0
    after = await runner(desk, task)
    if after is None:
        over = Delete(Task, task.business, task.id)
        return await _committed(desk, _task_patch(task, {"token": None}, token) + Changes(deletes=(over,)))
    on = {"cursor": after.cursor, "params": after.params, "next_at": after.next_at}
    return await _committed(desk, _task_patch(task, {**on, "token": None, "lease_until": None}, token))


def _task_patch(task: Task, fields: Mapping[str, object], token: str | None) -> Changes:
    where = {"token": token, "revision": task.revision}
    return Changes(patches=(Patch(Task, task.business, task.id, fields, where),))


async def _each(desk: Desk, means: Means, rows: Sequence[Message], judge: Callable[[Attempt], Decided]) -> int:
    """Judge these rows and commit what follows; one that makes trouble never stops the others."""
    done = 0
    for row in rows:
        try:
            done += await _committed(desk, await decide(desk, row, means, judge))
        except StoreError:
            raise
        except Exception:
            _log.exception("message %s could not be judged", row.id)
    return done


async def _committed(desk: Desk, changes: Changes) -> int:
    """1, or 0 where somebody else was faster: the next sweep reads anew."""
    try:
        await desk.store.commit(changes)
    except Conflict:
        return 0
    return 1
