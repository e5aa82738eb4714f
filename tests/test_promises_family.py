"""The promises once more, for two people who read one chat and whose reminders go together."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from handlers.channel import Rendered
from handlers.respond import respond
from handlers.turn import Press, Turn
from handlers.visits import Wanted, put_booking
from storage.records import (
    REACHED,
    Address,
    Booking,
    Business,
    Client,
    Message,
    Record,
    Salon,
    StaffChat,
    address_id,
)
from storage.store import Changes, Conflict, Put
from tests import test_promises as promises
from tests.support.planning import at, wall

PEOPLE = ("anna", "boris")
CHAT = "1"
PHONE = "+380671110001"


@dataclass
class FamilyWire(promises.Wire):
    """Looks at every visit that a message tells of."""

    visits: Callable[[Message], Awaitable[list[Booking]]] | None = None

    async def send(self, rendered: Rendered, to: str, message_id: str) -> str | None:
        row, _ = await self.truth(message_id)
        if row.kind == "reminder" and "group" in row.params:
            assert self.visits is not None
            for visit in await self.visits(row):
                said = getattr(rendered, "body", "") or ""
                if visit.status not in ("booked", "confirmed"):
                    self.broken.append(f"{row.key}: a line about a visit that is {visit.status}")
                elif visit.starts_at <= self.now():
                    self.broken.append(f"{row.key}: a line about a visit that has begun")
                elif wall(visit.starts_at)[-5:] not in said:
                    self.broken.append(f"{row.key}: names another time than {wall(visit.starts_at)}")
        return await super().send(rendered, to, message_id)


class FamilyPromises(promises.Promises):
    """One chat, two people behind it, two bookings that are often on one day."""

    def __init__(self) -> None:
        super().__init__()
        self.wire = FamilyWire(self.truth, lambda: self.time, visits=self.visits)

    async def furnish(self) -> None:
        """The salon, and a family with one phone."""
        people = [Client(business="b", id=name, name=name, phone=PHONE, created_at=promises.MONDAY) for name in PEOPLE]
        chat = Address(business="b", id=address_id("telegram", CHAT), channel="telegram", address=CHAT, phone=PHONE)
        business = Business(business="b", id="b", name="Мрія", created_at=promises.MONDAY)
        staff = StaffChat(business="b", id="staff", chat="-9", linked_at=promises.MONDAY)
        salon = Salon(business="b", id="s1", name="Мрія")
        records: tuple[Record, ...] = (business, staff, salon, chat, *people)
        await self.store.commit(Changes(puts=tuple(map(Put, records))))

    async def visits(self, row: Message) -> list[Booking]:
        """The bookings that a message tells of."""
        found = await self.store.get_many(Booking, [("b", id) for id in row.params["bookings"]])
        return list(found.values())

    @invariant()
    def whoever_is_spoken_for_is_told(self) -> None:
        """A skipped reminder names the message that tells it, and that one does; else there was nothing to tell any more."""
        untold = self.run(self.untold())
        assert not untold, f"these are told by nobody: {untold}"

    async def untold(self) -> list[str]:
        """The keys of reminders that another message was to tell, and that nobody tells."""
        rows = {row.id: row for row in await self.all_messages()}
        bookings = {booking.id: booking for booking in await self.store.find(Booking, {"business": "b"})}
        return [
            row.key
            for row in rows.values()
            if row.status == "skipped"
            and "grouped_with" in row.params
            and not self.tells(rows[row.params["grouped_with"]], row)
            and self.still_ahead(row, bookings[row.booking or ""])
        ]

    def tells(self, teller: Message, row: Message) -> bool:
        """Whether ``teller`` speaks for ``row``, and went out or may have."""
        return row.id in teller.params.get("group", ()) and teller.status in (*REACHED, "sending", "unknown")

    def still_ahead(self, row: Message, booking: Booking) -> bool:
        """Whether ``row`` is still true of its visit."""
        alive = booking.status in ("booked", "confirmed") and booking.starts_at > self.time
        return alive and booking.client == row.client and booking.moved_revision <= row.revision

    @rule(day=st.integers(1, 12), apart=st.sampled_from((0, 30, 90)), which=st.sampled_from(("", "", "", "b-1", "b-2")))
    def the_salon_puts(self, day: int, apart: int, which: str) -> None:
        """Both come on one day, unless they are to come anyway; or one of them is moved."""
        stored = [self.run(self.store.get(Booking, "b", id)) for id in ("b-1", "b-2")]
        if not which and all(one and one.starts_at > self.time and one.status != "cancelled" for one in stored):
            return
        starts = {"b-1": 15 * 60, "b-2": 15 * 60 + apart}
        for id, person in zip(("b-1", "b-2"), PEOPLE, strict=True):
            if which in ("", id):
                hour, minute = divmod(starts[id], 60)
                moment = at(f"2026-11-23 {hour:02d}:{minute:02d}") + day * 24 * promises.HOUR
                wanted = Wanted(salon="s1", client_id=person, starts_at=moment, reopen=True)
                self.attempt(partial(self.put, id, wanted))

    @rule(which=st.sampled_from(("b-1", "b-2")), status=st.sampled_from(("cancelled", "confirmed")))
    def the_salon_marks(self, which: str, status: Any) -> None:
        """One of the visits as it stands is taken off, or confirmed by phone."""
        booking = self.run(self.store.get(Booking, "b", which))
        if booking is not None and booking.client is not None:
            wanted = Wanted(salon="s1", client_id=booking.client, starts_at=booking.starts_at, status=status)
            self.attempt(partial(self.put, which, wanted))

    async def put(self, id: str, wanted: Wanted) -> None:
        """A PUT of the booking system."""
        business = await self.store.get(Business, "b", "b")
        assert business is not None
        await put_booking(self.desk(), business, id, wanted)

    @rule(verb=st.sampled_from(("tick", "confirm_all", "change")), which=st.integers(0, 1))
    def somebody_answers(self, verb: str, which: int) -> None:
        """On the newest message about both, however old."""
        offered = [row for row in self.wire.arrived if verb in [choice.verb for choice in row.choices]]
        if not offered:
            return
        row = offered[-1]
        places = [place for place, choice in enumerate(row.choices) if choice.verb == verb]
        self.events += 1
        press = Press(verb, row.id, places[which % len(places)])
        turn = Turn(channel="telegram", address=CHAT, user=CHAT, event=f"f{self.events}", at=self.time, press=press)

        async def answered() -> None:
            for _ in range(5):
                with contextlib.suppress(Conflict):
                    await self.store.commit(await respond(self.desk(), turn))
                    return
            raise AssertionError("a press met five conflicts though nobody else was there")

        self.attempt(answered)

    @rule(
        minutes=st.sampled_from((0, 0, 0, 20, 120)),
        outcome=st.sampled_from(("", "", "refused", "blocked", "vanished", "unheard")),
    )
    def time_passes(self, minutes: int, outcome: str) -> None:
        """Until a reminder falls due, and some more; the outbox is at work."""
        if self.cut_at is None:
            self.work_until_quiet()
        self.wire.next_outcomes[:] = [outcome] if outcome else []
        rows = self.run(self.all_messages())
        due = [row.next_at for row in rows if row.kind == "reminder" and row.status == "planned"]
        self.time = max(self.time, min(due, default=self.time)) + minutes * 60_000
        self.the_outbox_works()


FamilyPromises.TestCase.settings = settings(
    promises.Promises.TestCase.settings, max_examples=promises.EXAMPLES, stateful_step_count=promises.STEPS
)
TestFamilyPromises = FamilyPromises.TestCase
