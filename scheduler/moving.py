"""Filling one database from another: who may, how it goes on after a kill, and when the new one may be run."""

from __future__ import annotations

from typing import Any, Final

from scheduler.pause import ROW, Pause, let_go, pause, pause_of
from storage.portable import Counted, Name, Reader, Tell, carry, is_empty
from storage.records import Task, new_id
from storage.store import Store, StoreError

OWN: Final[frozenset[Name]] = frozenset({(Task, "", ROW)})
"""Each database says for itself whether it sends."""


async def fill(source: Reader, target: Store, origin: str, tell: Tell) -> list[Counted]:
    """Bring everything into ``target``, which must be empty, or half filled from the same ``origin``.

    No service runs on it from now on until :func:`finish`. Messages that were leased or on the wire come as they are: their
    leases run out, and they are taken up as after any crash, once and on one side only.
    Raises StoreError where ``target`` holds anything else.
    """
    paused = await pause_of(target)
    if not _fills_from(paused, origin):
        if paused is not None or not await is_empty(target):
            raise StoreError(
                "the target holds data already: name an empty database (a new name in its address will do)"
            )
        await pause(target, "filling", origin=origin)
    return await carry(source, target, but=OWN, tell=tell)


async def finish(target: Store, origin: str, paused: Pause | None) -> None:
    """Let services run on a database that is filled; with sending ``paused``, where it was or shall be."""
    if _fills_from(await pause_of(target), origin):
        await restore_pause(target, paused)


def _fills_from(paused: Pause | None, origin: str) -> bool:
    return paused is not None and paused.why == "filling" and paused.notes["origin"] == origin


async def give_up(source: Store, target: str) -> Pause:
    """Mark ``source`` as being moved to ``target`` (a name of it without secrets), so that it never sends again.

    A mark for the same target stands. Raises StoreError where it was moved elsewhere, or where another process has the
    database open: what that one changes would be lost, and both would send.
    """
    before = await pause_of(source)
    mark = before if before is not None and before.why == "moved" else None
    if mark is not None and mark.notes["done"]:
        if mark.notes["target"] != target:
            raise StoreError(f"the source was moved already, to {mark.notes['target']}")
        return mark
    if mark is None or mark.notes["target"] != target:
        kept = mark.notes["before"] if mark else _noted(before)
        mark = await pause(source, "moved", origin=new_id(), target=target, before=kept, done=False)
    # Whoever opens it from now on sees the mark; whoever had it open before holds its lock.
    if await source.alone():
        return mark
    await restore_pause(source, before)
    raise StoreError("another process has the source open: stop every service on it first")


async def given_up(source: Store, mark: Pause) -> None:
    """Note that everything has arrived."""
    await pause(source, "moved", mark.since, **{**mark.notes, "done": True})


def before_move(mark: Pause) -> Pause | None:
    """How sending was paused before the move."""
    kept = mark.notes["before"]
    return None if kept is None else Pause(kept["why"], kept["since"], kept["notes"])


async def restore_pause(store: Store, before: Pause | None) -> None:
    """Let sending be as it was: on, or paused."""
    if before is None:
        await let_go(store)
    else:
        await pause(store, before.why, before.since, **before.notes)


def _noted(paused: Pause | None) -> dict[str, Any] | None:
    return None if paused is None else {"why": paused.why, "since": paused.since, "notes": dict(paused.notes)}
