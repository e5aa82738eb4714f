"""What a worker holds in memory: leased messages in their lanes, those that wait for an address, those that wait for time."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from scheduler.pace import Permits, Way
from storage.records import LANES, MAILING_LANE, Message, Millis

MAILING_TURN: Final = 10
"""Every so many sends a mailing goes first, so that a flood of others never starves it."""
Queue = deque["Job"]


@dataclass(slots=True, eq=False)
class Job:
    """A leased message. ``permits``: those that it was given already, with their moments. ``waited``: the address that it
    waited for. ``stale``: the row has changed since it was read."""

    message: Message
    permits: Permits = field(default_factory=dict)
    waited: Way | None = None
    stale: bool = False


class Ready:
    """Leased messages by lane and forecast channel. One address has one message on the wire at a time."""

    def __init__(self) -> None:
        self._queues: dict[tuple[int, str | None], Queue] = {}
        self._parked: dict[Way, Queue] = {}
        self._later: list[tuple[Millis, int, Job]] = []
        self._counts = dict.fromkeys(LANES, 0)
        self._order = count()
        self._turn = 0

    def __len__(self) -> int:
        return sum(self._counts.values())

    def __iter__(self) -> Iterator[Job]:
        for queue in (*self._queues.values(), *self._parked.values()):
            yield from queue
        yield from (job for _, _, job in self._later)

    def held(self, lane: int) -> int:
        """How many messages of a lane are here, whatever they wait for."""
        return self._counts[lane]

    def waiting(self, lane: int, room: Callable[[str | None], int]) -> int:
        """How many messages of a lane could go at once if there were slots; ``room``: how many a channel can take."""
        queues = [(channel, queue) for (of, channel), queue in self._queues.items() if of == lane]
        return sum(min(len(queue), room(channel)) for channel, queue in queues)

    def add(self, job: Job) -> None:
        """A message at the end of its lane."""
        self._counts[job.message.lane] += 1
        self._queue(job).append(job)

    def restore(self, job: Job) -> None:
        """A drawn message back to the head of its lane."""
        self._counts[job.message.lane] += 1
        self._queue(job).appendleft(job)

    def park(self, job: Job, way: Way) -> None:
        """A drawn message that waits until its address is free."""
        self._counts[job.message.lane] += 1
        self._parked.setdefault(way, deque()).append(job)

    def hold(self, job: Job, until: Millis) -> None:
        """A drawn message that waits until a moment of the store's clock."""
        self._counts[job.message.lane] += 1
        heapq.heappush(self._later, (until, next(self._order), job))

    def release(self, way: Way) -> None:
        """The address is free: who waited for it longest is the next of its lane; the others wait for that one."""
        parked = self._parked.get(way)
        if parked:
            job = parked.popleft()
            job.waited = way
            self._queue(job).appendleft(job)
        if not parked:
            self._parked.pop(way, None)

    def wake(self, clock: Millis) -> None:
        """Whoever waited until now goes back to its lane."""
        woken = []
        while self._later and self._later[0][0] <= clock:
            woken.append(heapq.heappop(self._later)[-1])
        for job in reversed(woken):
            self._queue(job).appendleft(job)

    def next_wake(self) -> Millis | None:
        """When the first of those who wait for time is to be woken, by the store's clock."""
        return self._later[0][0] if self._later else None

    def sent(self, number: int) -> None:
        """Count sends, so that mailings get their turn."""
        self._turn += number

    def draw(self, number: int, room: Callable[[str | None], int]) -> list[Job]:
        """Take out up to ``number`` messages in the order in which they go, no more of a channel than it has ``room``."""
        left: dict[str | None, int] = {}
        drawn: list[Job] = []
        while len(drawn) < number:
            turn = (self._turn + len(drawn)) % MAILING_TURN == MAILING_TURN - 1
            lanes = (MAILING_LANE, *(lane for lane in LANES if lane != MAILING_LANE)) if turn else LANES
            job = next(filter(None, (self._first(lane, left, room) for lane in lanes)), None)
            if job is None:
                break
            drawn.append(job)
        return drawn

    def withdraw(self, channel: str) -> list[Job]:
        """Take out everything that could go now on a channel."""
        queues = [queue for (_, of), queue in self._queues.items() if of == channel]
        jobs = [job for queue in queues for job in queue]
        for queue in queues:
            queue.clear()
        for job in jobs:
            self._counts[job.message.lane] -= 1
        return jobs

    def _first(self, lane: int, left: dict[str | None, int], room: Callable[[str | None], int]) -> Job | None:
        """Take out the earliest message of a lane whose channel has room left."""
        best: Queue | None = None
        for (of, channel), queue in self._queues.items():
            if of == lane and queue and left.setdefault(channel, room(channel)) > 0:
                if best is None or queue[0].message.next_at < best[0].message.next_at:
                    best = queue
        if best is None:
            return None
        job = best.popleft()
        left[job.message.channel] -= 1
        self._counts[lane] -= 1
        return job

    def _queue(self, job: Job) -> Queue:
        return self._queues.setdefault((job.message.lane, job.message.channel), deque())
