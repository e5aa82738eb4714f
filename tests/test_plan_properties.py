"""What holds for every booking, on every clock, whatever happens to it in whatever order."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from handlers import quiet
from handlers.durations import DAY, HOUR, MINUTE
from handlers.plan import PLANNED_KINDS, Case, plan
from handlers.reasons import REASONS
from handlers.reconcile import reconcile
from handlers.settings import in_force, place
from storage.records import WAITING, Booking, Business, Client, Message, Millis
from storage.store import Changes, OneOf
from tests.support.planning import KYIV, OLENA, TELEGRAM, a_booking, at, planned, wall

ZONES = [KYIV, "Europe/Istanbul", "Asia/Almaty", "America/New_York"]
LEADS = ["PT15M", "PT45M", "PT1H", "PT3H", "PT10H", "P1D", "PT24H", "P1DT2H", "P3D", "P1W"]
QUIET = [
    False,
    {},
    {"from": "13:00", "to": "15:00"},
    {"from": "00:00", "to": "23:45"},
    {"from": "03:30", "to": "04:30"},
]
ORIGIN = at("2027-03-20 12:00")
"""A week before Kyiv's clocks go forward, some days after New York's have."""

own_settings = st.fixed_dictionaries(
    {"quiet_hours": st.sampled_from(QUIET)},
    optional={
        "kinds": st.fixed_dictionaries(
            {},
            optional={
                "booking_created": st.sampled_from([False, {"for": ["client"]}]),
                "booking_changed": st.sampled_from([False, {"ignore_shift_under": False}]),
                "booking_cancelled": st.just(False),
                "reminder": st.one_of(
                    st.just(False),
                    st.fixed_dictionaries(
                        {"before": st.lists(st.sampled_from(LEADS), max_size=5, unique=True), "confirm": st.booleans()}
                    ),
                ),
            },
        ),
    },
)
own_notify = st.fixed_dictionaries(
    {},
    optional={
        "created": st.booleans(),
        "reminders": st.lists(st.sampled_from(LEADS), max_size=5, unique=True),
        "confirm": st.booleans(),
    },
)
quarters = st.integers(-8 * 96, 24 * 96).map(lambda n: ORIGIN + n * 15 * MINUTE)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Any booking that a PUT may make, looked at any time after."""
    business = Business(
        business="b", id="b", name="Салон", timezone=draw(st.sampled_from(ZONES)), settings=draw(own_settings)
    )
    booked = draw(quarters)
    seen = {
        "status": draw(st.sampled_from(["booked", "booked", "booked", "confirmed", "arrived", "no_show"])),
        "created_by": draw(st.sampled_from(["staff", "client"])),
        "answer": draw(st.sampled_from([None, None, "confirmed", "move_requested", "declined"])),
        "notify": draw(own_notify),
    }
    if draw(st.booleans()):
        seen |= {"changed_revision": 2, "changed_at": booked + draw(st.integers(0, 96)) * 15 * MINUTE}
        seen |= {
            "revision": 2,
            "changed_from": {"starts_at": draw(quarters), "master": draw(st.sampled_from(["m1", "m2"]))},
        }
    return Case(
        booking=a_booking(draw(quarters), booked, **seen),
        client=replace(OLENA, silent=draw(st.booleans()) and draw(st.booleans())),
        settings=in_force(business, None),
        place=place(business, None),
        now=booked + draw(st.integers(0, 12 * 96)) * 15 * MINUTE,
        addresses=(TELEGRAM,),
        linked_channels=frozenset({"telegram"}),
    )


@given(cases())
@settings(max_examples=400)
def test_every_message_is_planned_or_has_a_reason(case: Case) -> None:
    for row in plan(case):
        assert (row.status == "planned") == (row.reason is None)
        assert row.reason is None or row.reason in REASONS
        assert row.status in ("planned", "skipped", "cancelled")


@given(cases())
@settings(max_examples=400)
def test_no_message_is_planned_beyond_the_start_of_the_visit(case: Case) -> None:
    for row in plan(case):
        if row.status == "planned":
            assert row.due_at < row.not_after <= case.booking.starts_at
            assert case.now < row.not_after


@given(cases())
@settings(max_examples=400)
def test_no_two_messages_say_the_same(case: Case) -> None:
    rows = plan(case)
    assert len({row.key for row in rows}) == len({row.id for row in rows}) == len(rows)
    sent = [(row.kind, row.params.get("lead")) for row in rows if row.status == "planned"]
    assert len(set(sent)) == len(sent)
    moments = [row.due_at for row in rows if row.status == "planned" and row.kind == "reminder"]
    assert len(set(moments)) == len(moments)


@given(cases())
@settings(max_examples=400)
def test_no_reminder_rings_in_quiet_hours_or_right_after_a_notice(case: Case) -> None:
    rows = [row for row in plan(case) if row.status == "planned"]
    notices = [row.due_at for row in rows if row.kind != "reminder"]
    for row in rows:
        if row.kind == "reminder":
            assert quiet.span(row.due_at, case.settings.quiet_hours, case.place.zone) is None
            assert not any(due <= row.due_at <= due + HOUR // 2 for due in notices)
            assert row.due_at >= case.now


@given(cases())
@settings(max_examples=400)
def test_only_a_client_who_has_not_answered_is_asked(case: Case) -> None:
    open_question = case.booking.status == "booked" and case.booking.answer is None
    for row in plan(case):
        asked = [choice.verb for choice in row.choices]
        assert "confirm" not in asked or (open_question and row.params["asks"])
        if row.status == "planned":
            assert [verb for verb in asked if verb != "late"][-2:] == ["move", "cancel"]
            assert "late" not in asked or row.kind == "reminder"


@given(cases())
@settings(max_examples=200)
def test_planning_again_changes_nothing(case: Case) -> None:
    rows = applied([], reconcile(case.booking, (), plan(case), case.now).changes)
    assert not reconcile(case.booking, rows, plan(case), case.now).changes


def applied(rows: Sequence[Message], changes: Changes) -> list[Message]:
    """The rows after a commit, as :class:`storage.store.Changes` says it is done."""
    after = {row.id: row for row in rows}
    for new in changes.inserts:
        assert isinstance(new, Message)
        if all(row.key != new.key for row in after.values()):
            after[new.id] = new
    for patch in changes.patches:
        row = after[patch.id]
        fits = all(
            getattr(row, name) in value.values if isinstance(value, OneOf) else getattr(row, name) == value
            for name, value in patch.where.items()
        )
        assert fits
        after[patch.id] = replace(row, **patch.set)
    return list(after.values())


class OneBooking(RuleBasedStateMachine):
    """A booking that is moved, cancelled, answered and given away while its messages go out."""

    @initialize(own=own_settings, zone=st.sampled_from(ZONES), start=st.integers(1, 20 * 96), notify=own_notify)
    def make(self, own: dict[str, Any], zone: str, start: int, notify: dict[str, Any]) -> None:
        self.business = Business(business="b", id="b", name="Салон", timezone=zone, settings=own)
        self.now: Millis = ORIGIN
        self.client: Client = OLENA
        self.booking: Booking = a_booking(ORIGIN + start * 15 * MINUTE, ORIGIN, notify=notify)
        self.rows: list[Message] = []
        self.gone: set[str] = set()
        self.replan()

    def replan(self) -> None:
        case = Case(
            booking=self.booking,
            client=self.client,
            settings=in_force(self.business, None),
            place=place(self.business, None),
            now=self.now,
            addresses=(TELEGRAM, replace(TELEGRAM, id="telegram:78", address="78", client="c2")),
            linked_channels=frozenset({"telegram"}),
        )
        self.rows = applied(self.rows, reconcile(self.booking, self.rows, plan(case), self.now).changes)
        assert not reconcile(self.booking, self.rows, plan(case), self.now).changes

    def store(self, **fields: Any) -> None:
        self.booking = replace(self.booking, revision=self.booking.revision + 1, updated_at=self.now, **fields)
        self.replan()

    @rule(quarters=st.integers(1, 3 * 96))
    def time_passes(self, quarters: int) -> None:
        self.now += quarters * 15 * MINUTE

    @rule(quarters=st.integers(1, 10 * 96))
    def move(self, quarters: int) -> None:
        following = self.booking.revision + 1
        self.store(
            starts_at=self.now + quarters * 15 * MINUTE,
            moved_revision=following,
            changed_revision=following,
            changed_at=self.now,
            changed_from={"starts_at": self.booking.starts_at},
            answer=None,
        )

    @rule(by=st.sampled_from(["staff", "client"]))
    def cancel(self, by: Any) -> None:
        self.store(
            status="cancelled", cancelled_by=by, cancelled_at=self.now, cancelled_revision=self.booking.revision + 1
        )

    @rule()
    def make_anew(self) -> None:
        following = self.booking.revision + 1
        self.store(
            status="booked",
            booked_revision=following,
            booked_at=self.now,
            moved_revision=following,
            cancelled_revision=None,
        )

    @rule(client=st.sampled_from(["c1", "c2"]))
    def give_to(self, client: str) -> None:
        following = self.booking.revision + 1
        self.client = replace(OLENA, id=client)
        self.store(
            client=client,
            booked_revision=following,
            booked_at=self.now,
            moved_revision=following,
            changed_revision=None,
        )

    @rule(status=st.sampled_from(["booked", "confirmed", "arrived", "no_show"]))
    def mark(self, status: Any) -> None:
        self.store(status=status)

    @rule(answer=st.sampled_from([None, "confirmed", "move_requested"]))
    def answer(self, answer: Any) -> None:
        self.store(answer=answer)

    @rule(own=own_settings, silent=st.booleans())
    def settings_change(self, own: dict[str, Any], silent: bool) -> None:
        self.business = replace(self.business, settings=own)
        self.client = replace(self.client, silent=silent)
        self.replan()

    @rule(which=st.integers(0, 9), outcome=st.sampled_from(["sent", "failed", "unknown", "planned"]))
    def outbox_works(self, which: int, outcome: Any) -> None:
        """One due row takes its next step; what is on the wire ends in ``outcome``."""
        due = [row for row in self.rows if row.status in (*WAITING, "sending") and row.due_at <= self.now]
        if not due:
            return
        row = due[which % len(due)]
        if row.status == "planned":
            moved = replace(row, status="leased", token="w")
        elif row.status == "leased":
            moved = replace(row, status="sending", attempts=row.attempts + 1)
        else:
            moved = replace(row, status="failed" if row.void else outcome, token=None)
        self.rows = [moved if each is row else each for each in self.rows]

    def true(self, row: Message) -> bool:
        """A cancellation is for a cancelled booking or for a client who lost it, all else for the others."""
        if row.client != self.booking.client:
            return row.kind == "booking_cancelled"
        return (row.kind == "booking_cancelled") == (self.booking.status == "cancelled")

    @invariant()
    def waiting_rows_are_true(self) -> None:
        waiting = [row for row in self.rows if row.status in WAITING]
        for row in waiting:
            assert row.kind in PLANNED_KINDS
            # A row that comes back from the wire keeps the revision it was sent at: what it tells is still so.
            assert row.revision == self.booking.revision or row.attempts
            assert row.not_after <= self.booking.starts_at or row.client != self.booking.client
            assert row.reason is None
            assert self.true(row)
        named = [(row.client, row.kind, row.params.get("lead")) for row in waiting]
        assert len(set(named)) == len(named)

    @invariant()
    def what_is_on_the_wire_and_untrue_is_void(self) -> None:
        for row in self.rows:
            if row.status == "sending" and row.void is None:
                assert self.true(row)

    @invariant()
    def what_was_tried_and_given_up_stays_given_up(self) -> None:
        assert not [row.id for row in self.rows if row.id in self.gone and row.status in (*WAITING, "sending")]
        self.gone |= {row.id for row in self.rows if row.attempts and row.status not in (*WAITING, "sending")}

    @invariant()
    def a_silent_client_waits_for_nothing(self) -> None:
        if self.client.silent:
            assert not [row for row in self.rows if row.status in WAITING and row.client == self.client.id]


TestOneBooking = OneBooking.TestCase
TestOneBooking.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


@pytest.mark.parametrize("sunday", ["2027-03-28", "2027-06-27", "2027-10-31"])
def test_a_day_before_is_the_same_time_on_the_wall_for_every_hour_of_a_week(sunday: str) -> None:
    """Kyiv's clocks change on the first and the last of these Sundays. At night the reminder goes at nine instead."""
    business = Business(business="b", id="b", name="Салон", settings={"kinds": {"reminder": {"before": ["P1D"]}}})
    begin = at(f"{sunday} 00:00") - 3 * DAY
    for hour in range(7 * 24):
        start = begin + hour * HOUR
        case = Case(
            booking=a_booking(start, begin - 20 * DAY),
            client=OLENA,
            settings=in_force(business, None),
            place=place(business, None),
            now=begin - 20 * DAY,
            addresses=(TELEGRAM,),
            linked_channels=frozenset({"telegram"}),
        )
        (reminder,) = planned(case, "reminder")
        shown = datetime.strptime(wall(start), "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
        day = shown if shown.hour >= 21 else shown - timedelta(days=1)
        clock = shown.hour if 9 <= shown.hour < 21 else 9
        assert wall(reminder.due_at) == f"{day:%Y-%m-%d} {clock:02}:00"
