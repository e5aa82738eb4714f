"""Sending paused over all workers: one row in the store says so, with the reason, until a person lets it go on.

The outbox looks at the row once a second at most. While it is there nothing is claimed and nothing goes on the wire;
everything else goes on, so bookings are taken and planned, and what is past its time expires.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from scheduler.owner import NEVER
from scheduler.sweeps import LOST
from storage.records import LANES, Message, Millis, Task
from storage.store import Changes, Delete, OneOf, Patch, Put, Range, Store, StoreError

ROW: Final = "sending"
"""Id of the row, a :class:`Task` of no business that is never due."""
KIND: Final = "pause"
LOOK_EVERY: Final[Millis] = 1_000
PART: Final = 200

Why = Literal["asked", "restored", "filling", "moved"]
"""``asked``: a person paused it. ``restored``: the database came from a backup. ``filling``: a copy into this database has
not come to its end. ``moved``: another database takes its place. With the last two, no service may run at all."""
REASONS: Final[Mapping[Why, str]] = {
    "asked": "a person paused it",
    "restored": "the database was brought back from a backup",
    "filling": "the database is only half filled",
    "moved": "the database was moved to another one",
}
NOT_TO_RUN: Final[Mapping[str, str]] = {
    "filling": "this database is only half filled: let `vizit copy` or `vizit restore` come to its end",
    "moved": "this database was moved to another one by `vizit copy`; `vizit release --moved-back` takes it up again",
}


@dataclass(frozen=True, slots=True)
class Pause:
    """That sending is paused: why, since when (store's clock), and what a command has noted with it."""

    why: Why
    since: Millis
    notes: Mapping[str, Any] = field(default_factory=dict)


async def pause_of(store: Store) -> Pause | None:
    """Whether sending is paused; None: it is not."""
    row = await store.get(Task, "", ROW)
    if row is None:
        return None
    return Pause(row.params["why"], row.params["since"], row.params["notes"])


async def pause(store: Store, why: Why, since: Millis | None = None, **notes: Any) -> Pause:
    """Pause sending, as of now or ``since``; a pause that is there already is replaced."""
    begun = store.clock() if since is None else since
    params = {"why": why, "since": begun, "notes": notes}
    await store.commit(Changes(puts=(Put(Task(business="", id=ROW, kind=KIND, params=params, next_at=NEVER)),)))
    return Pause(why, begun, notes)


async def let_go(store: Store) -> None:
    """End the pause: workers go on within a second."""
    await store.commit(Changes(deletes=(Delete(Task, "", ROW),)))


async def may_run(store: Store) -> None:
    """Raise StoreError where this database is half filled, or was given up for another one."""
    paused = await pause_of(store)
    if paused is not None and paused.why in NOT_TO_RUN:
        raise StoreError(NOT_TO_RUN[paused.why])


class Brake:
    """What a worker knows of the pause: asked of the store once a second at most, so that no step pays for it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._looked_at: Millis | None = None
        self.on = False

    async def look(self) -> bool:
        """Whether sending is paused, as of the last second."""
        now = self._store.clock()
        if self._looked_at is None or not 0 <= now - self._looked_at < LOOK_EVERY:
            self.on = await pause_of(self._store) is not None
            self._looked_at = now
        return self.on


@dataclass(frozen=True, slots=True)
class Overdue:
    """Messages of one kind, of one salon, that were due when the pause began: some may have gone out before."""

    business: str
    salon: str | None
    kind: str
    number: int
    oldest: Millis


async def overdue(store: Store, since: Millis) -> list[Overdue]:
    """What was due at ``since`` and has not been sent by this database, by business, salon and kind."""
    found: dict[tuple[str, str, str], Overdue] = {}
    async for rows in _due(store, since):
        for row in rows:
            key = (row.business, row.salon or "", row.kind)
            known = found.get(key) or Overdue(row.business, row.salon, row.kind, 0, row.due_at)
            found[key] = replace(known, number=known.number + 1, oldest=min(known.oldest, row.due_at))
    return [found[key] for key in sorted(found)]


async def drop_overdue(store: Store, since: Millis) -> int:
    """End what was due at ``since``, for everybody to see; how many those were.

    What came due later was certainly sent by nobody else, so it is left to go out.
    """
    dropped = 0
    async for rows in _due(store, since):
        ended = {"status": "expired", "reason": "restored"}
        dropped += await _patched(store, rows, ended, {"status": "planned"})
    return dropped


async def settle_wires(store: Store) -> None:
    """Make a database that was brought back forget what was under way when it was copied.

    What had only been leased is free again. Of what was on the wire nobody will ever know the outcome, and timers that
    have run out since waited for reports that went to the database before: neither is a reason to send once more.
    """
    under_way = {"status": OneOf(("leased", "sending")), "lease_until": Range(0, None)}
    async for rows in _pages(store, under_way, ("lease_until", "id")):
        free = {"status": "planned", "token": None, "lease_until": None}
        lost = {**free, "status": "unknown", "error_code": LOST, "fallback_at": None}
        await _patched(store, rows, free, {"status": "leased"})
        await _patched(store, rows, lost, {"status": "sending"})
    for status in ("sent", "unknown"):
        waiting = {"status": status, "fallback_at": Range(None, store.clock() + 1)}
        async for rows in _pages(store, waiting, ("fallback_at", "id")):
            await _patched(store, rows, {"fallback_at": None}, {"status": status})


async def _patched(store: Store, rows: Sequence[Message], fields: Mapping[str, Any], where: Mapping[str, Any]) -> int:
    patches = (Patch(Message, row.business, row.id, fields, where, must=False) for row in rows)
    return sum((await store.commit(Changes(patches=tuple(patches)))).matched)


async def _due(store: Store, since: Millis) -> AsyncIterator[list[Message]]:
    for lane in LANES:
        where = {"status": "planned", "held": False, "lane": lane, "next_at": Range(None, since + 1)}
        async for rows in _pages(store, where, ("next_at", "id")):
            yield rows


async def _pages(store: Store, where: Mapping[str, Any], order: tuple[str, str]) -> AsyncIterator[list[Message]]:
    """Messages page by page; what a page's reader takes out of the query is not missed by the next one."""
    after: tuple[Any, ...] | None = None
    while rows := await store.find(Message, where, order=order, after=after, limit=PART):
        yield rows
        after = tuple(getattr(rows[-1], name) for name in order)
