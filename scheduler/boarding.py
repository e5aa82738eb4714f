"""From the claim to the guard: which of the leased messages go next, and what becomes of those that can't.

One address has one message on its way at a time. Whoever would be the second is parked until the first is settled, so the
store's own index only ever meets other workers.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from handlers.channel import Capabilities, Rendered, SendError
from handlers.delivery import Attempt, Decided, Means, decide, failed
from handlers.departure import may_go, passed_over, put_off
from handlers.facts import Facts, load_facts
from handlers.grouping import companions, may_have_company, spoken_for, together, with_several_visits
from handlers.routing import Route
from handlers.turn import Desk
from handlers.wording import Unrendered
from scheduler.pace import NEAR, Pacer, Way
from scheduler.ready import Job, Ready
from storage.failpoints import reach
from storage.records import LANES, Message, Millis
from storage.store import Changes, Conflict, Patch, StoreError

Render = Callable[[Message, Capabilities, Facts], Rendered | Unrendered]

MOST: Final = 500
"""How many of a lane are held at most, where a slow channel holds up some and others might go."""
TROUBLE: Final[tuple[Millis, Millis]] = (1_000, 300_000)
"""The shortest and the longest wait of a message that could not be judged or put into words."""

_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Flight:
    """One message on its way over a wire, and how that ended."""

    job: Job
    way: Way
    facts: Facts
    rendered: Rendered
    also: tuple[Patch, ...] = ()
    """What is written with the guard: the rows for which this message speaks."""
    until: Millis = 0
    """When, by the store's clock, it has been on the wire for too long."""
    cut_off: str | None = None
    """Why it was taken off the wire."""
    provider_id: str | None = None
    error: SendError | None = None

    @property
    def message(self) -> Message:
        """The row as it was leased."""
        return self.job.message


class Boarding:
    """What this worker has leased, from the lanes to messages that are ready for the guard."""

    def __init__(
        self, desk: Desk, means: Means, pacer: Pacer, render: Render, too_late: Callable[[Message], None]
    ) -> None:
        self._desk, self._means, self._pacer, self._render = desk, means, pacer, render
        self._too_late = too_late
        self._ready = Ready()
        self._hand: dict[Job, Way | None] = {}
        """What was drawn in this round, with the address that it took."""
        self._taken: set[Way] = set()
        """The addresses of the hand, and of everything that is on its way and not settled."""
        self._told = False
        """A mistake of the program was logged in this round."""
        self.chores: list[Changes] = []
        """Changes that may be written at any time and that contradict nobody."""

    def __len__(self) -> int:
        return len(self._ready) + len(self._hand)

    def add(self, messages: Iterable[Message]) -> None:
        """Take in what was claimed; what a provider's long pause keeps back is given back at once."""
        for message in messages:
            until = self._pacer.long_pause(message.channel)
            if until is None:
                self._ready.add(Job(message))
            else:
                self._give_back(message, until)

    def able(self) -> bool:
        """Whether anything could go now if there were a wire for it."""
        return any(self._ready.waiting(lane, self._pacer.room) for lane in LANES)

    def wants(self, lane: int, least: int) -> bool:
        """Whether more of a lane should be claimed, so that ``least`` of it could go at once."""
        return self._ready.waiting(lane, self._pacer.room) < least and self._ready.held(lane) < MOST

    def next_moment(self) -> Millis | None:
        """When, by the store's clock, something that waits for time may go."""
        moments = (self._ready.next_wake(), self._pacer.next_room() if len(self._ready) else None)
        return min((moment for moment in moments if moment is not None), default=None)

    async def prepare(self, free: int) -> list[Flight]:
        """Draw messages for ``free`` wires, find their ways, ask for permits, and render those that may go."""
        self._told = False
        await self._draw(free)
        if not self._hand:
            return []
        facts = await load_facts(self._desk, [job.message for job in self._hand])
        several = await with_several_visits(self._desk, [job.message for job in self._hand])
        bound: list[tuple[Job, Route, Way]] = []
        for job in list(self._hand):
            route = await self._route(job, facts[job.message.id])
            if route is not None:
                bound.append((job, route, Way(route.channel, route.address)))
        waits = await self._pacer.ask([(way, job.permits) for job, _, way in bound])
        reach("permitted")
        flights = []
        for (job, route, way), until in zip(bound, waits, strict=True):
            if until:
                self._hold(job, way, until)
            elif (flight := await self._flight(job, route, way, facts[job.message.id], several)) is not None:
                flights.append(flight)
        return flights

    def boarded(self, flights: Iterable[Flight]) -> None:
        """These have passed the guard: they are on their way until they :meth:`leave`."""
        flown = {flight.job for flight in flights}
        self._hand = {job: way for job, way in self._hand.items() if job not in flown}
        self._ready.sent(len(flown))

    def put_back(self) -> None:
        """The round failed: the hand goes back to the head of its lanes."""
        for job, way in reversed(self._hand.items()):
            if way is not None:
                self._taken.discard(way)
                job.waited = way
            self._ready.restore(job)
        self._hand.clear()

    def leave(self, way: Way) -> None:
        """The address is free for the next message."""
        self._taken.discard(way)
        self._ready.release(way)

    def reread(self, flight: Flight) -> None:
        """The row changed between reading and guard: read it again, render it again."""
        flight.job.stale = True
        self._set_down(flight.job)
        self._ready.restore(flight.job)

    def lost(self, flight: Flight) -> None:
        """The row belongs to somebody else by now, or to nobody any more."""
        self._set_down(flight.job)

    def refused(self, flight: Flight, wait: Millis) -> None:
        """Another worker has a message on its way to this address."""
        self._set_down(flight.job)
        self.chores.append(put_off(flight.message, self._desk.now() + wait))

    def all_given_back(self) -> Changes:
        """Everything that is held here goes back as it came, for others to claim."""
        changes = Changes()
        for job in (*self._hand, *self._ready):
            changes += put_off(job.message, job.message.next_at)
        return changes

    async def _draw(self, free: int) -> None:
        clock = self._desk.store.clock()
        self._ready.wake(clock)
        for channel, until in self._pacer.long_pauses().items():
            for job in self._ready.withdraw(channel):
                self._release_waited(job)
                self._give_back(job.message, until)
        for job in self._ready.draw(free, self._pacer.room):
            message = job.message
            forecast = Way(message.channel or "", message.address or "")
            if (message.lease_until or 0) <= clock:
                self._release_waited(job)
                self.chores.append(put_off(message, message.next_at))
            elif forecast in self._taken:
                if job.waited != forecast:
                    self._release_waited(job)
                self._ready.park(job, forecast)
            else:
                self._hand[job] = None
        for job in [job for job in self._hand if job.stale]:
            await self._refresh(job)

    async def _refresh(self, job: Job) -> None:
        fresh = await self._desk.store.get(Message, job.message.business, job.message.id)
        if fresh is None or (fresh.status, fresh.token) != ("leased", job.message.token):
            self._set_down(job)
        else:
            job.message, job.stale = fresh, False

    async def _route(self, job: Job, facts: Facts) -> Route | None:
        """The way that ``job`` takes, which is its own from then on; None where it does not go now."""
        try:
            verdict = may_go(Attempt(job.message, facts, self._means))
        except Exception as error:
            await self._trouble(job, error)
            return None
        if isinstance(verdict, Decided):
            if await self._drop(job, _still_not) and facts.now >= job.message.not_after:
                self._too_late(job.message)
            return None
        way = Way(verdict.channel, verdict.address)
        if job.waited == way:
            job.waited = None
        self._release_waited(job)
        if way in self._taken:
            del self._hand[job]
            self._ready.park(job, way)
            return None
        self._taken.add(way)
        self._hand[job] = way
        return verdict

    async def _flight(
        self, job: Job, route: Route, way: Way, facts: Facts, several: Collection[tuple[str, str]]
    ) -> Flight | None:
        if not route.window_open:
            facts = replace(facts, window_open=False)
        flight: Flight | Unrendered | None = None
        try:
            if may_have_company(job.message, facts, route, several):
                flight = await self._group(job, route, way, facts)
            flight = flight or self._worded(job, job.message, way, facts)
        except Exception as error:
            await self._trouble(job, error)
            return None
        if isinstance(flight, Unrendered):
            await self._drop(job, partial(_not_carried, route=route, reason=flight.reason))
            return None
        reach("rendered")
        return flight

    def _worded(
        self, job: Job, message: Message, way: Way, facts: Facts, also: tuple[Patch, ...] = ()
    ) -> Flight | Unrendered:
        rendered = self._render(message, self._means.channels[way.channel], facts)
        return rendered if isinstance(rendered, Unrendered) else Flight(job, way, facts, rendered, also)

    async def _group(self, job: Job, route: Route, way: Way, facts: Facts) -> Flight | None:
        """The message of all whose reminders may go with this one; of fewer, where one message can't carry them all."""
        channels = self._means.channels
        members = await companions(self._desk, channels, job.message, facts, route)
        while members:
            group, about = together(job.message, facts, members, channels[route.channel])
            flight = self._worded(job, group, way, about, spoken_for(group, members, route))
            if not isinstance(flight, Unrendered):
                return flight
            members = members[:-1]
        return None

    def _hold(self, job: Job, way: Way, until: Millis) -> None:
        """No permit yet: a short while is waited for here, a long one in the store."""
        del self._hand[job]
        if until <= self._desk.store.clock() + NEAR:
            self._taken.discard(way)
            job.waited = way
            self._ready.hold(job, until)
        else:
            self.leave(way)
            self._give_back(job.message, until)

    def _give_back(self, message: Message, until: Millis) -> None:
        self.chores.append(put_off(message, self._desk.now() + until - self._desk.store.clock()))

    async def _drop(self, job: Job, judge: Callable[[Attempt], Decided]) -> bool:
        """Commit that a message does not go; where the row has changed, it is read and judged anew, and this is False."""
        try:
            changes = await decide(self._desk, job.message, self._means, judge)
            await self._desk.store.commit(changes)
        except Conflict:
            changes = Changes()
        self._set_down(job)
        if changes:
            return True
        job.stale = True
        self._ready.restore(job)
        return False

    async def _trouble(self, job: Job, error: Exception) -> None:
        """A mistake of this program: the message comes back later, ever more rarely, until its time is over."""
        if isinstance(error, StoreError):
            raise error
        message, now, kind = job.message, self._desk.now(), type(error).__name__
        # One mistake often hits everything that is due: where it lies is said once a round.
        _log.error("message %s could not be prepared: %s", message.id, kind, exc_info=None if self._told else error)
        self._told = True
        shortest, longest = TROUBLE
        next_at = now + min(longest, max(shortest, (now - message.due_at) // 2))
        if next_at < message.not_after:
            self._set_down(job)
            self.chores.append(put_off(message, next_at))
        else:
            broken = SendError("permanent", "internal", kind)
            await self._drop(job, partial(failed, error=broken))

    def _set_down(self, job: Job) -> None:
        """Out of the hand, and out of the way of others."""
        way = self._hand.pop(job, None)
        if way is not None:
            self.leave(way)
        self._release_waited(job)

    def _release_waited(self, job: Job) -> None:
        waited, job.waited = job.waited, None
        if waited is not None and waited not in self._taken:
            self._ready.release(waited)


def _still_not(attempt: Attempt) -> Decided:
    verdict = may_go(attempt)
    return verdict if isinstance(verdict, Decided) else Decided(Changes())


def _not_carried(attempt: Attempt, route: Route, reason: str) -> Decided:
    tried = replace(attempt.message, channel=route.channel, address=route.address)
    return passed_over(replace(attempt, message=tried), reason, cascade=True)
