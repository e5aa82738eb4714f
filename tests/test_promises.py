"""The promises, against any order of events: bookings made, moved, cancelled, answered and sent again, crashes anywhere.

The store is a real one and the outbox too; only the wire is played. Whatever happens, no message is about a
visit that is not so, none is lost, and none goes twice whose first outcome was known.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from handlers.channel import TELEGRAM, Capabilities, Channel, Edit, Rendered, SendError
from handlers.delivery import means_of
from handlers.respond import respond
from handlers.turn import Desk, Links, Press, Turn
from handlers.visits import Wanted, put_booking
from scheduler.outbox import WIRE_LEASE, Outbox
from scheduler.sweeps import recover
from storage import failpoints
from storage.opening import open_store
from storage.records import REACHED, Address, Booking, Business, Client, Message, Millis, Salon, StaffChat, address_id
from storage.store import Changes, Conflict, Put, Store
from tests.support.planning import at, wall

T = TypeVar("T")
HOUR: Millis = 3_600_000
SOON: Millis = 360_000
"""After so long a message that may be tried again is."""
EXAMPLES = int(os.environ.get("VIZIT_TEST_EXAMPLES", "25"))
STEPS = int(os.environ.get("VIZIT_TEST_STEPS", "30"))
AS_MANY = settings(
    max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None, suppress_health_check=list(HealthCheck)
)
MONDAY = at("2026-11-23 12:00")
CHATS = {"anna": "1", "boris": "2"}
ABOUT_A_VISIT = ("booking_created", "booking_changed", "reminder")
FINAL = (*REACHED, "skipped", "cancelled", "expired", "failed", "unknown")


class PowerCut(BaseException):
    """The process ends here, in the middle of whatever it was doing."""


@dataclass
class Wire:
    """Telegram as the outbox sees it: takes messages, or fails in the way that comes next."""

    truth: Callable[[str], Awaitable[tuple[Message, Booking | None]]]
    now: Callable[[], Millis]
    next_outcomes: list[str] = field(default_factory=list)
    arrived: list[Message] = field(default_factory=list)
    excused: Counter[str] = field(default_factory=Counter)
    """By id, how often the outcome of a send stayed unknown."""
    broken: list[str] = field(default_factory=list)
    """Promises that something on this wire has broken; raised later, since the outbox survives what a channel raises."""

    name = "telegram"
    capabilities: Capabilities = TELEGRAM

    async def send(self, rendered: Rendered, to: str, message_id: str) -> str | None:
        """Check what goes out against the truth of this moment; then do as the next outcome says."""
        row, booking = await self.truth(message_id)
        try:
            self._check(row, booking, rendered, to)
        except AssertionError as broken:
            self.broken.append(f"{row.key}: {broken}")
        outcome = self.next_outcomes.pop(0) if self.next_outcomes else "ok"
        if outcome == "refused":
            raise SendError("not_sent", "429", retry_after=1000)
        if outcome == "blocked":
            raise SendError("permanent", "403", address_dead=True)
        if outcome == "vanished":
            self.excused[message_id] += 1
            raise SendError("unknown", "timeout")
        self.arrived.append(row)
        if outcome == "unheard":
            self.excused[message_id] += 1
            raise SendError("unknown", "timeout")
        return rendered.provider_id if isinstance(rendered, Edit) else f"{len(self.arrived)}"

    def _check(self, row: Message, booking: Booking | None, rendered: Rendered, to: str) -> None:
        assert row.status == "sending", f"sent while {row.status}"
        assert row.address == to, "sent to another address than its row says"
        assert row.not_after > self.now(), "sent too late"
        assert row.void is None, f"sent though void: {row.void}"
        if row.kind not in ABOUT_A_VISIT or booking is None:
            return
        assert booking.status in ("booked", "confirmed"), f"{row.kind} of a visit that is {booking.status}"
        assert booking.client == row.client, f"{row.kind} to a client who has lost the visit"
        assert booking.starts_at > self.now(), f"{row.kind} after the visit began"
        body = getattr(rendered, "body", "") or ""
        assert wall(booking.starts_at)[-5:] in body, f"{row.kind} names another time than {wall(booking.starts_at)}"


class Promises(RuleBasedStateMachine):
    """One salon, one staff chat, two clients, two bookings."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.time = MONDAY
        self.events = 0
        self.cut_at: tuple[str, int] | None = None
        self.deaths = 0
        self.store: Store = self.run(self.open())
        self.wire = Wire(self.truth, lambda: self.time)
        self.run(self.furnish())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run on this machine's own loop."""
        return self.runner.run(work)

    def teardown(self) -> None:
        """After everything: power and wire are back, two weeks pass, and every message is where it ends."""
        try:
            self.cut_at = None
            self.wire.next_outcomes.clear()
            for _ in range(15):
                self.time += 24 * HOUR
                self.work_until_quiet()
            self.nothing_untrue_has_gone()
            self.nothing_goes_twice_whose_outcome_was_known()
            rows = self.run(self.all_messages())
            assert {row.status for row in rows} <= set(FINAL), [
                (r.key, r.status) for r in rows if r.status not in FINAL
            ]
            arrived = Counter(row.id for row in self.wire.arrived)
            for row in rows:
                if row.status in REACHED:
                    assert arrived[row.id] >= 1, f"{row.key} counts as sent and never arrived"
                assert row.status not in ("skipped", "cancelled", "expired") or row.reason, f"{row.key} has no reason"
        finally:
            self.run(self.store.close())
            self.runner.close()
            self.folder.cleanup()

    # The world

    def database(self) -> str:
        """Where the store is."""
        return f"sqlite:///{self.folder.name}/vizit.db"

    async def open(self) -> Store:
        store = await open_store(self.database())
        clock = store.clock
        # Nobody is sure to be alone on every database: then so much time passes that the leases of the dead are over.
        store.clock = lambda: clock() + self.deaths * (WIRE_LEASE + 1)  # type: ignore[method-assign]
        return store

    async def furnish(self) -> None:
        people = [
            Client(business="b", id=name, name=name, phone=f"+38067111000{chat}", created_at=MONDAY)
            for name, chat in CHATS.items()
        ]
        chats = [
            Address(business="b", id=address_id("telegram", chat, name), channel="telegram", address=chat, client=name)
            for name, chat in CHATS.items()
        ]
        business = Business(business="b", id="b", name="Мрія", created_at=MONDAY)
        staff = StaffChat(business="b", id="staff", chat="-9", linked_at=MONDAY)
        salon = Salon(business="b", id="s1", name="Мрія")
        records = (business, salon, staff, *people, *chats)
        await self.store.commit(Changes(puts=tuple(Put(record) for record in records)))

    def desk(self) -> Desk:
        return Desk(self.store, lambda: self.time, Links(None, b"0" * 32), frozenset({"telegram"}))

    async def truth(self, message_id: str) -> tuple[Message, Booking | None]:
        row = (await self.store.find(Message, {"id": message_id}))[0]
        return row, await self.store.get(Booking, "b", row.booking) if row.booking else None

    async def all_messages(self) -> list[Message]:
        return await self.store.find(Message, {"business": "b"}, limit=10_000)

    # Crashes

    def attempt(self, work: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        """Do ``work``, in which the power may be cut; then a new process finds what is on the disk."""
        with contextlib.ExitStack() as stack:
            if self.cut_at is not None:
                name, left = self.cut_at
                self.cut_at = None
                stack.enter_context(failpoints.armed(name, self.countdown(left)))
            try:
                self.run(work())
                return
            except PowerCut:
                pass
        self.run(self.restart())

    def countdown(self, left: int) -> Callable[[], None]:
        passed = 0

        def reached() -> None:
            nonlocal passed
            passed += 1
            if passed == left:
                raise PowerCut

        return reached

    async def restart(self) -> None:
        """Another process: nothing is left but the file."""
        await self.store.close()
        self.deaths += 1
        for row in await self._sending():
            self.wire.excused[row.id] += 1

    async def _sending(self) -> list[Message]:
        self.store = await self.open()
        return await self.store.find(Message, {"status": "sending"}, order=("lease_until", "id"), limit=1000)

    def work_until_quiet(self) -> None:
        """Let the outbox send all that is due; a power cut on the way is followed by a new process."""
        for _ in range(10):
            try:
                self.run(self.send_all())
                return
            except PowerCut:
                self.run(self.restart())
        raise AssertionError("the power was never cut so often")

    async def send_all(self) -> None:
        channels: dict[str, Channel] = {"telegram": self.wire}
        await recover(self.desk(), means_of(channels))
        outbox = Outbox(self.desk(), channels, means_of(channels))
        work = asyncio.create_task(outbox.run())
        idle = asyncio.create_task(outbox.idle())
        try:
            await asyncio.wait({work, idle}, return_when=asyncio.FIRST_COMPLETED)
            if not idle.done():
                await work
        finally:
            idle.cancel()
            if not work.done():
                await outbox.stop()
            await asyncio.gather(work, idle, return_exceptions=True)

    # What happens

    @rule(
        point=st.sampled_from((*failpoints.COMMIT, *failpoints.STEP, *("commit.statement", "step.statement") * 2)),
        left=st.integers(1, 12),
    )
    def power_will_be_cut(self, point: str, left: int) -> None:
        """During the next thing that writes."""
        self.cut_at = (point, left)

    @rule(outcome=st.sampled_from(("refused", "blocked", "vanished", "unheard", "unheard")), times=st.integers(1, 3))
    def the_wire_will_fail(self, outcome: str, times: int) -> None:
        """With the next messages."""
        self.wire.next_outcomes += [outcome] * times

    @rule(
        id=st.sampled_from(("b-1", "b-2")),
        client=st.sampled_from(tuple(CHATS)),
        day=st.integers(0, 5),
        hour=st.sampled_from((9, 15, 20)),
        status=st.sampled_from(("booked", "booked", "booked", "cancelled", "confirmed")),
    )
    def the_salon_puts(self, id: str, client: str, day: int, hour: int, status: Any) -> None:
        """A booking: new, moved, given to somebody else, cancelled or booked again."""
        starts = at(f"2026-11-{23 + day:02d} {hour:02d}:00")
        wanted = Wanted(salon="s1", client_id=client, starts_at=starts, status=status)

        async def put() -> None:
            business = await self.store.get(Business, "b", "b")
            assert business is not None
            await put_booking(self.desk(), business, id, wanted)

        self.attempt(put)

    @rule(
        chat=st.sampled_from(tuple(CHATS.values())), verb=st.sampled_from(("confirm", "move", "cancel", "cancel_yes"))
    )
    def a_client_presses(self, chat: str, verb: str) -> None:
        """A button of the newest message that has it, however old."""
        offered = [row for row in self.wire.arrived if row.address == chat and verb in [c.verb for c in row.choices]]
        if not offered:
            return
        row = offered[-1]
        index = [choice.verb for choice in row.choices].index(verb)
        self.events += 1
        event = str(self.events)

        async def press() -> None:
            turn = Turn(
                channel="telegram", address=chat, user=chat, event=event, at=self.time, press=Press(verb, row.id, index)
            )
            for _ in range(5):
                with contextlib.suppress(Conflict):
                    await self.store.commit(await respond(self.desk(), turn))
                    return
            raise AssertionError("a press met five conflicts though nobody else was there")

        self.attempt(press)

    @rule(rounds=st.sampled_from((1, 1, 3)))
    def the_outbox_works(self, rounds: int = 1) -> None:
        """Everything that is due goes, unless the power is cut; in later rounds also what is tried again."""
        with contextlib.ExitStack() as stack:
            if self.cut_at is not None:
                name, left = self.cut_at
                self.cut_at = None
                stack.enter_context(failpoints.armed(name, self.countdown(left)))
            self.work_until_quiet()
        for _ in range(rounds - 1):
            self.time += SOON
            self.work_until_quiet()

    @rule(hours=st.integers(1, 30))
    def time_passes(self, hours: int) -> None:
        """With nobody at work: an outage."""
        self.time += hours * HOUR

    @invariant()
    def nothing_untrue_has_gone(self) -> None:
        """Everything was still so when it went on the wire."""
        assert not self.wire.broken

    @invariant()
    def a_booking_and_its_messages_are_there_together(self) -> None:
        """Whatever was cut off: every stored booking has its notice, and what waits is at the booking's revision."""
        self.run(self.compare())

    async def compare(self) -> None:
        rows = await self.all_messages()
        known = {booking.id: booking.revision for booking in await self.store.find(Booking, {"business": "b"})}
        early = [row.key for row in rows if row.booking and row.revision > known.get(row.booking, 0)]
        assert not early, f"these tell of a booking that is not stored: {early}"
        for booking in await self.store.find(Booking, {"business": "b"}):
            mine = [row for row in rows if row.booking == booking.id and row.staff_chat is None]
            told = f":r{booking.booked_revision}:client:{booking.client}:"
            assert any(row.kind == "booking_created" and told in row.key for row in mine), (
                "a booking without its notice"
            )
            waiting = [r for r in mine if r.status == "planned" and r.kind in ABOUT_A_VISIT and not r.hop]
            stale = [row.key for row in waiting if row.revision != booking.revision and not row.attempts]
            assert not stale, f"these wait at an old revision: {stale}"
            if booking.status == "cancelled":
                assert not waiting, "reminders of a cancelled visit wait"

    @invariant()
    def nothing_goes_twice_whose_outcome_was_known(self) -> None:
        """A second copy is only ever that of a send of which nobody heard how it ended."""
        for id, times in Counter(row.id for row in self.wire.arrived).items():
            assert times <= 1 + min(1, self.wire.excused[id]), f"message {id} arrived {times} times"


Promises.TestCase.settings = AS_MANY
TestPromises = Promises.TestCase
