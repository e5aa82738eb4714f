"""The inbox: every inbound event is stored once, before its sender is answered, and then worked on until it is done.

An event's effects and its being done are one commit, so an event that comes a hundred times, or that two workers take
up, has its effect once. Events of one chat are worked on one after the other; different chats beside one another.
"""

from __future__ import annotations

import asyncio
import json
import logging
import traceback
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, NamedTuple

from handlers.turn import Desk, Turn
from storage.records import InboxEvent, Millis
from storage.store import Changes, Conflict, Delete, OneOf, Patch, Range, StoreBusy

Read = Callable[[InboxEvent], Turn | None]
"""What a stored event says; None when it is nothing to react to. Pure: it may be asked again after a crash."""
Respond = Callable[[Desk, Turn], Awaitable[Changes]]

LEASE: Final[Millis] = 60_000
"""An event that nobody has finished after this time is taken up anew."""
CONFLICTS: Final = 5
"""How often a turn is answered anew when somebody else changed what the answer was based on."""
BACKOFF: Final[tuple[Millis, ...]] = (5_000, 30_000, 120_000, 600_000)
"""Pauses after a failure; the failure after the last one is final."""
KEPT: Final[Millis] = 7 * 86_400_000
"""How long an event is remembered, to know its repeats: Telegram repeats for a day, Twilio for seconds."""
CHUNK: Final = 200

_log = logging.getLogger(__name__)

Chat = tuple[str, str]


class _Job(NamedTuple):
    event: InboxEvent
    turn: Turn


class Allowance:
    """How many events one chat may bring: ``burst`` at once, then one every ``every`` milliseconds."""

    def __init__(self, clock: Callable[[], Millis], burst: int, every: Millis) -> None:
        self._clock = clock
        self._room = burst * every
        self._every = every
        self._used_until: dict[Chat, Millis] = {}

    def spent(self, chat: Chat) -> bool:
        """Whether the next event of this chat is one too many."""
        return self._used_until.get(chat, 0) - self._clock() > self._room - self._every

    def spend(self, chat: Chat) -> None:
        """Count one event of this chat."""
        now = self._clock()
        self._used_until[chat] = max(self._used_until.get(chat, now), now) + self._every
        if len(self._used_until) > 10_000:
            self._used_until = {chat: until for chat, until in self._used_until.items() if until > now}


class Inbox:
    """Stores inbound events and has them answered.

    ``read`` names, for each source (``telegram``, ``twilio``), what turns a stored event into a turn. ``concurrency`` is
    how many chats are answered at once. A chat that brings more than ``burst`` events at once, or lastingly more than
    one every ``every`` milliseconds, is not listened to: the rest is stored as done with the error ``flood``.
    Events are remembered for ``kept`` milliseconds. ``on_repeat`` is told the source of an event that was here before.
    """

    def __init__(
        self,
        desk: Desk,
        read: Mapping[str, Read],
        respond: Respond,
        *,
        concurrency: int = 16,
        burst: int = 30,
        every: Millis = 500,
        kept: Millis = KEPT,
        on_repeat: Callable[[str], None] = lambda source: None,
    ) -> None:
        self._desk = desk
        self._kept = kept
        self._on_repeat = on_repeat
        self._read = read
        self._respond = respond
        self._slots = asyncio.Semaphore(concurrency)
        self._allowance = Allowance(desk.store.clock, burst, every)
        self._queues: dict[Chat, deque[_Job]] = {}
        self._held: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False

    async def accept(self, source: str, event_id: str, payload: Mapping[str, Any]) -> bool:
        """Store an event and begin to work on it; False when it was here before, and then nothing happens.

        When this returns, the event is on disk (one that says nothing to anybody is not kept). Raises StoreBusy.
        """
        event = InboxEvent(
            id=f"{source}:{event_id}",
            source=source,
            payload=json.dumps(payload, separators=(",", ":")),
            received_at=self._desk.now(),
            lease_until=self._desk.store.clock() + LEASE,
        )
        turn, error = self._turn(event)
        if turn is None and error is None:
            return True
        flooded = turn is not None and self._allowance.spent(_chat(turn))
        stored = _failed(event, error) if error else _finished(event, "flood") if flooded else event
        committed = await self._desk.store.commit(Changes(inserts=(stored,)))
        if not committed.inserted[0]:
            self._on_repeat(source)
            return False
        if turn is not None and not flooded:
            self._allowance.spend(_chat(turn))
            self._enqueue(event, turn)
        return True

    async def sweep(self, *, orphans: bool = False) -> int:
        """Take up events that nobody has finished: their worker died, or their answer failed and its pause is over.

        With ``orphans`` also those whose lease still runs: for the start of a process that has the database to itself.
        Answers with how many were taken up.
        """
        store = self._desk.store
        until = None if orphans else store.clock()
        where = {"status": "pending", "lease_until": Range(None, until)}
        found = await store.find(InboxEvent, where, order=("lease_until", "id"), limit=CHUNK)
        taken = [await self._take_up(event) for event in found if event.id not in self._held]
        return sum(taken)

    async def forget(self) -> int:
        """Remove what was done, or has failed, and was kept for long enough, a chunk at a time; answers with how many."""
        where = {"received_at": Range(None, self._desk.now() - self._kept), "status": OneOf(("done", "failed"))}
        gone = 0
        while old := await self._desk.store.find(InboxEvent, where, order=("received_at", "id"), limit=CHUNK):
            await self._desk.store.commit(Changes(deletes=tuple(Delete(InboxEvent, "", event.id) for event in old)))
            gone += len(old)
        return gone

    async def idle(self) -> None:
        """Wait until nothing is being worked on."""
        while self._tasks:
            await asyncio.wait(tuple(self._tasks))

    async def stop(self, timeout: float = 10.0) -> None:
        """Finish what was taken up, for ``timeout`` seconds at most; what is left is taken up by the next sweep.

        Events that still arrive are stored and wait for it too.
        """
        self._stopping = True
        if self._tasks:
            _, late = await asyncio.wait(tuple(self._tasks), timeout=timeout)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _take_up(self, event: InboxEvent) -> bool:
        """Lease an event that was left behind; False when another worker was quicker."""
        until = self._desk.store.clock() + LEASE
        as_seen = {"status": "pending", "lease_until": event.lease_until, "attempts": event.attempts}
        lease = Patch(InboxEvent, "", event.id, {"lease_until": until}, as_seen, must=False)
        committed = await self._desk.store.commit(Changes(patches=(lease,)))
        if not committed.matched[0]:
            return False
        turn, error = self._turn(event)
        if turn is not None:
            self._enqueue(event, turn)
            return True
        ended = {"status": "failed", "error": error} if error else {"status": "done", "payload": ""}
        await self._desk.store.commit(Changes(patches=(_ending(event, ended, must=False),)))
        return True

    def _turn(self, event: InboxEvent) -> tuple[Turn | None, str | None]:
        """What the event says, or the name of the error that reading it raised."""
        try:
            return self._read[event.source](event), None
        # An event of a shape that nobody thought of is kept for a person to see; the next one must get through.
        except Exception as error:
            _log.error("inbox event %s can't be read: %s", event.id, _where(error))
            return None, type(error).__name__

    def _enqueue(self, event: InboxEvent, turn: Turn) -> None:
        if self._stopping:
            return
        chat = _chat(turn)
        self._held.add(event.id)
        if chat in self._queues:
            self._queues[chat].append(_Job(event, turn))
            return
        self._queues[chat] = deque((_Job(event, turn),))
        task = asyncio.get_running_loop().create_task(self._work_off(chat))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work_off(self, chat: Chat) -> None:
        """Answer the events of one chat, in the order in which they came, until there are no more."""
        queue = self._queues[chat]
        try:
            while queue:
                async with self._slots:
                    await self._handle(queue[0])
                self._held.discard(queue.popleft().event.id)
        finally:
            self._held.difference_update(job.event.id for job in queue)
            del self._queues[chat]

    async def _handle(self, job: _Job) -> None:
        try:
            await self._answer(job)
        except StoreBusy:
            _log.warning("inbox event %s waits: the database is busy", job.event.id)
        # A mistake in one conversation must not end the others; it is stored, and tried again by the sweep.
        except Exception as error:
            _log.error("inbox event %s failed: %s", job.event.id, _where(error))
            await self._put_off(job.event, error)

    async def _answer(self, job: _Job) -> None:
        """Decide and commit; anew while somebody else changes what the decision was based on."""
        store = self._desk.store
        done = Changes(patches=(_ending(job.event, {"status": "done", "payload": "", "error": None}, must=True),))
        for last in (*(False,) * (CONFLICTS - 1), True):
            changes = await self._respond(self._desk, job.turn)
            try:
                await store.commit(changes + done)
                return
            except Conflict:
                now = await store.get(InboxEvent, "", job.event.id)
                if now is None or now.status != "pending":
                    return
                if last:
                    raise

    async def _put_off(self, event: InboxEvent, error: Exception) -> None:
        """Count a failure; the last one ends it, visibly."""
        tried = event.attempts + 1
        fields: dict[str, Any] = {"attempts": tried, "error": type(error).__name__}
        if tried > len(BACKOFF):
            fields["status"] = "failed"
        else:
            fields["lease_until"] = self._desk.store.clock() + BACKOFF[tried - 1]
        try:
            await self._desk.store.commit(Changes(patches=(_ending(event, fields, must=False),)))
        except StoreBusy:
            _log.warning("inbox event %s waits for its lease to lapse: the database is busy", event.id)


def _chat(turn: Turn) -> Chat:
    return turn.channel, turn.address


def _ending(event: InboxEvent, fields: Mapping[str, Any], *, must: bool) -> Patch:
    return Patch(InboxEvent, "", event.id, fields, {"status": "pending"}, must)


def _finished(event: InboxEvent, error: str) -> InboxEvent:
    """Done without being worked on. What it said is not kept."""
    return InboxEvent(
        id=event.id, source=event.source, payload="", received_at=event.received_at, status="done", error=error
    )


def _failed(event: InboxEvent, error: str) -> InboxEvent:
    return InboxEvent(
        id=event.id,
        source=event.source,
        payload=event.payload,
        received_at=event.received_at,
        status="failed",
        error=error,
    )


def _where(error: Exception) -> str:
    """Kind and place of an error, without its words, which may hold what a person wrote."""
    return f"{type(error).__name__}\n{''.join(traceback.format_tb(error.__traceback__))}"
