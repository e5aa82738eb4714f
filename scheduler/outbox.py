"""The outbox: sends what is due. Claim by lease, permit, fresh read, guard, wire, settle; see "How a message lives".

One loop works in rounds. A round settles what the wires brought back, prepares messages for the wires that are free, and
hands settles, guards and claims to the store as one step. Everything that is held in memory is leased in the store, so
whatever dies here is taken up again.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import takewhile
from typing import Final

from handlers.channel import Channel, Rendered, SendError
from handlers.delivery import Means, decide, fallback_at, not_taken
from handlers.retire import retired_by
from handlers.segments import segments
from handlers.turn import Desk
from handlers.wording import render as render_words
from scheduler.boarding import Boarding, Flight, Render
from scheduler.pace import Pacer
from scheduler.pause import Brake
from scheduler.sweeps import recover
from storage.failpoints import reach
from storage.records import LANES, Message, Millis, new_id
from storage.store import Changes, Claim, Conflict, Guard, Settle, Stepped, StoreBusy, StoreError

Observe = Callable[[str, Message], None]

LEASE: Final[Millis] = 60_000
WIRE: Final[Millis] = 60_000
"""How long a send may take; a channel that keeps its own time never comes near."""
WIRE_LEASE: Final[Millis] = 150_000
"""How long a message may be ``sending`` before it is taken for lost: more than twice :data:`WIRE`."""
BATCH: Final = 100
"""How many messages of a lane are claimed at once."""
STEP: Final = 15
"""So many finished sends make a step, half of the wires: fewer waste transactions and reads, more leave wires idle."""
STEP_S: Final = 0.005
TICK_S: Final = 30.0
"""The safety net: it finds what no wake told of, such as the work of other processes."""
BUSY_S: Final = 0.2
TROUBLE_S: Final = 1.0
BUSY_ADDRESS: Final[Millis] = 50
"""Of a row whose address another worker is sending to; up to three times as long, by chance."""
TRIES: Final = 5

_log = logging.getLogger(__name__)


class Outbox:
    """Sends what is due on the channels of this process.

    ``rates``: messages a second for each channel (0 or absent: no limit). ``wires``: how many sends run at once.
    ``observe`` is told of rows that are ``claimed``, ``sent``, ``failed`` (a send that ended otherwise), ``expired``, or
    ``lost``.
    """

    def __init__(
        self,
        desk: Desk,
        channels: Mapping[str, Channel],
        means: Means,
        *,
        rates: Mapping[str, float] | None = None,
        render: Render = render_words,
        wires: int = 30,
        observe: Observe = lambda what, message: None,
    ) -> None:
        self._desk, self._store, self._channels, self._means = desk, desk.store, channels, means
        self._wires, self._observe = wires, observe
        self._pacer = Pacer(desk.store, rates or {})
        self._brake = Brake(desk.store)
        self._boarding = Boarding(desk, means, self._pacer, render, partial(observe, "expired"))
        self._flying: dict[Flight, asyncio.Task[None]] = {}
        self._landed: deque[Flight] = deque()
        self._crashed: deque[Flight] = deque()
        self._hungry: set[int] = set()
        """Lanes in which more may be due."""
        self._look = True
        """Whether to ask the store when something is due."""
        self._due: Millis | None = None
        self._signal, self._rest, self._ended = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._stopping = False
        self.last_round: Millis = 0
        """When, by the store's clock, the loop last went round."""
        desk.store.subscribe(self.wake)

    async def run(self) -> None:
        """Send until :meth:`stop`. A store that is busy is waited for; what one message breaks, it breaks for itself."""
        try:
            while not self._stopping and not await self._patiently(self._take_over):
                pass
            while not (self._stopping and self._wires_are_still()):
                if await self._patiently(self._round):
                    await self._wait()
            await self._patiently(self._give_back)
        finally:
            for task in self._flying.values():
                task.cancel()
            self._ended.set()

    def wake(self) -> None:
        """Something may have become due: a commit, a tick, a clock that was moved."""
        self._look = True
        self._rest.clear()
        self._signal.set()

    async def idle(self) -> None:
        """Wait until nothing is due, held, or on the wire."""
        self.wake()
        while not self._rest.is_set():
            await self._rest.wait()

    async def stop(self, timeout: float = 25.0) -> None:
        """Claim nothing more, finish what is on the wire (``timeout`` in seconds), and give the rest back."""
        self._stopping = True
        self._signal.set()
        try:
            async with asyncio.timeout(timeout):
                await self._ended.wait()
        except TimeoutError:
            self._cut_off(self._flying, "stopped")
            await self._ended.wait()

    # The loop

    async def _patiently(self, work: Callable[[], Awaitable[None]]) -> bool:
        """Whether ``work`` was done; if not, after a pause in which the store may come back."""
        try:
            await work()
        except StoreBusy as busy:
            _log.warning("the store is busy: %s", busy)
            await asyncio.sleep(BUSY_S)
        except Exception:
            _log.exception("a round of the outbox failed")
            await asyncio.sleep(TROUBLE_S)
        else:
            return True
        return False

    async def _round(self) -> None:
        self.last_round = self._store.clock()
        # One look at the oldest ones here is cheaper than a timer for each; channels have their own.
        self._cut_off(takewhile(lambda one: one.until < self.last_round, self._flying), "timeout")
        await self._resolve_crashed()
        await self._do_chores()
        settled = list(self._landed)
        self._landed.clear()
        for flight in settled:
            self._boarding.leave(flight.way)
        try:
            held = self._stopping or await self._brake.look()
            flights = await self._boarding.prepare(0 if held else self._wires - len(self._flying))
            claims = await self._claims()
            settles, guards = self._settles(settled), self._guards(flights)
            _pass("begin", settles, guards, claims)
            stepped = await self._store.step(settles, guards, claims)
            _pass("end", settles, guards, claims)
        except BaseException:
            self._look = True
            self._landed.extendleft(reversed(settled))
            self._boarding.put_back()
            raise
        self._after_guarding(flights, stepped)
        self._after_claiming(claims, stepped)
        self._after_settling(settled, stepped)
        await self._do_chores()

    async def _wait(self) -> None:
        """Until there is something to do; not at all where there is, and wires are free for it."""
        still = self._wires_are_still()
        if still if self._stopping else self._look or any(map(self._wants, self._hungry)) or self._may_send():
            return
        if still and not self._hungry and not self._boarding:
            self._rest.set()
        try:
            async with asyncio.timeout(self._patience()):
                await self._signal.wait()
        except TimeoutError:
            self._look = True
        self._signal.clear()

    def _wires_are_still(self) -> bool:
        return not (self._flying or self._landed or self._crashed)

    def _may_send(self) -> bool:
        """Whether a round is worth while for what is held: single wires are filled together with the next settles."""
        if self._brake.on:
            return False
        free = self._wires - len(self._flying)
        return (free >= STEP or not self._flying) and self._boarding.able()

    def _patience(self) -> float:
        """For how long there is nothing to do, in seconds."""
        waits, moment = [TICK_S], self._boarding.next_moment()
        if moment is not None and not self._stopping and not self._brake.on:
            waits.append((moment - self._store.clock()) / 1000)
        if self._due is not None and not self._stopping:
            waits.append((self._due - self._desk.now()) / 1000)
        return max(0.0, min(waits))

    # The store

    async def _take_over(self) -> None:
        """A lone process knows that whatever is leased was left by one that died."""
        if await self._store.alone():
            while taken := await recover(self._desk, self._means, everyone=True):
                _log.info("took up %d messages that were left on the way", taken)

    async def _give_back(self) -> None:
        await self._store.commit(self._boarding.all_given_back())

    async def _do_chores(self) -> None:
        chores = self._boarding.chores
        while chores:
            await self._store.commit(chores[0])
            chores.pop(0)

    def _settles(self, landed: Sequence[Flight]) -> list[Settle]:
        now = self._desk.now()
        return [
            Settle(
                flight.message.id,
                flight.message.token or "",
                flight.provider_id,
                now,
                fallback_at(flight.message, flight.facts, self._means.channels[flight.way.channel], now),
            )
            for flight in landed
        ]

    def _guards(self, flights: Sequence[Flight]) -> list[Guard]:
        now, until = self._desk.now(), self._store.clock() + WIRE_LEASE
        return [
            Guard(
                flight.message.id,
                flight.message.token or "",
                flight.message.revision,
                now,
                until,
                *flight.way,
                text=_text(flight.rendered),
                language=flight.facts.language,
                segments=self._segments(flight),
                also=flight.also,
            )
            for flight in flights
        ]

    def _segments(self, flight: Flight) -> int | None:
        """How many SMS the text takes, where the channel is paid by them."""
        short = self._means.channels[flight.way.channel].short
        return segments(_text(flight.rendered) or "") if short else None

    async def _claims(self) -> list[Claim]:
        if self._stopping:
            return []
        if self._brake.on:
            self._look, self._due, self._hungry = False, None, set()
            return []
        now = self._desk.now()
        if self._look:
            # Before it is asked: whatever wakes this while a store thinks is to be looked for again.
            self._look = False
            self._due = await self._store.next_due()
            if self._due is not None and self._due <= now:
                self._hungry, self._due = set(LANES), None
        until = self._store.clock() + LEASE
        # A token for each claim: who comes back late after a lapsed lease settles nothing that is not its own.
        return [Claim(lane, BATCH, now, new_id(), until) for lane in sorted(self._hungry) if self._wants(lane)]

    def _wants(self, lane: int) -> bool:
        return self._boarding.wants(lane, self._wires)

    def _after_claiming(self, claims: Sequence[Claim], stepped: Stepped) -> None:
        self._boarding.add(stepped.claimed)
        counts = Counter(message.lane for message in stepped.claimed)
        empty = {claim.lane for claim in claims if counts[claim.lane] < claim.limit}
        self._hungry -= empty
        self._look = self._look or bool(empty and not self._hungry)
        for message in stepped.claimed:
            self._observe("claimed", message)

    def _after_guarding(self, flights: Sequence[Flight], stepped: Stepped) -> None:
        results = list(zip(flights, stepped.guarded, strict=True))
        going = [flight for flight, result in results if result == "sending"]
        self._boarding.boarded(going)
        for flight in going:
            flight.until = self._store.clock() + WIRE
            self._flying[flight] = asyncio.create_task(self._send(flight))
        for flight, result in results:
            if result == "busy":
                self._boarding.refused(flight, BUSY_ADDRESS + round(2 * BUSY_ADDRESS * self._means.chance()))
            elif result == "stale":
                self._boarding.reread(flight)
            elif result == "lost":
                self._boarding.lost(flight)
                self._observe("lost", flight.message)

    def _after_settling(self, landed: Sequence[Flight], stepped: Stepped) -> None:
        for flight, settled in zip(landed, stepped.settled, strict=True):
            self._observe("sent" if settled else "lost", flight.message)
            if settled and self._means.channels[flight.way.channel].edit:
                old = retired_by(flight.message, flight.facts, *flight.way)
                self._boarding.chores.extend([Changes(inserts=old)] if old else [])

    # The wire

    async def _send(self, flight: Flight) -> None:
        channel, address = flight.way
        begun = False
        try:
            await self._pacer.on_time(channel, flight.job.permits.get(channel))
            begun = True
            reach("wire.begin")
            flight.provider_id = await self._channels[channel].send(flight.rendered, address, flight.message.id)
            reach("wire.end")
        except SendError as error:
            flight.error = error
        except asyncio.CancelledError:
            if not flight.cut_off:
                raise
            flight.error = SendError("unknown" if begun else "not_sent", flight.cut_off)
        except Exception as error:
            _log.exception("channel %s failed in an unforeseen way", channel)
            flight.error = SendError("unknown" if begun else "not_sent", "internal", type(error).__name__)
        (self._landed if flight.error is None else self._crashed).append(flight)
        del self._flying[flight]
        self._report()

    def _cut_off(self, flights: Iterable[Flight], why: str) -> None:
        for flight in flights:
            flight.cut_off = why
            self._flying[flight].cancel()

    def _report(self) -> None:
        """A send is over: enough of them make a step, and nobody waits long for others."""
        if len(self._landed) + len(self._crashed) >= STEP or not self._flying:
            self._signal.set()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(STEP_S, self._ring)

    def _ring(self) -> None:
        self._timer = None
        self._signal.set()

    async def _resolve_crashed(self) -> None:
        """Decide on every send that did not end well; each by itself, since each is its own story."""
        while self._crashed:
            flight = self._crashed[0]
            try:
                await self._resolve(flight)
            except StoreError:
                raise
            except Exception:
                _log.exception("message %s could not be judged; its lease will end", flight.message.id)
            self._crashed.popleft()
            self._boarding.leave(flight.way)
            self._observe("failed", flight.message)

    async def _resolve(self, flight: Flight) -> None:
        error = flight.error or SendError("unknown", "internal")
        if error.retry_after is not None:
            await self._pacer.forbid(flight.way, error.scope, error.retry_after)
        for _ in range(TRIES):
            row = await self._store.get(Message, flight.message.business, flight.message.id)
            if row is None or (row.status, row.token) != ("sending", flight.message.token):
                return
            changes = await decide(self._desk, row, self._means, partial(not_taken, error=error))
            reach("outcome.begin")
            try:
                await self._store.commit(changes)
                reach("outcome.end")
                return
            except Conflict:
                continue
        _log.warning("message %s kept changing; its lease will end", flight.message.id)


def _pass(side: str, settles: Sequence[Settle], guards: Sequence[Guard], claims: Sequence[Claim]) -> None:
    """The failpoints on one side of a step, by what the step holds."""
    for name, part in (("settle", settles), ("guard", guards), ("claim", claims)):
        if part:
            reach(f"{name}.{side}")


def _text(rendered: Rendered) -> str | None:
    return rendered.body or None
