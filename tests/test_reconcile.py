"""The plan held against stored rows, in a real store: who may replace whom, and what can't be called back."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from handlers.plan import Case, cancellation_for, plan
from handlers.reconcile import Reconciled, reconcile
from storage.opening import open_store
from storage.records import Booking, Client, Message, Millis
from storage.store import Changes, Conflict, Patch, Store
from tests.support.planning import OLENA, TELEGRAM, a_case, at, the, verbs, wall

START, BOOKED = "2026-11-27 15:00", "2026-11-20 12:00"
P1D, PT1H, CREATED = "P1D", "PT1H", "booking_created"


@dataclass
class Timeline:
    """A booking's stored rows, planned and planned again."""

    store: Store

    async def rows(self) -> dict[str, Message]:
        """The stored rows by kind, or by the lead of a reminder; the newest of a name."""
        found = await self.store.find(Message, {"business": "b"}, order=("revision", "id"))
        return {str(row.params.get("lead", row.kind)): row for row in found}

    async def decide(self, case: Case) -> Reconciled:
        stored = await self.store.find(Message, {"business": "b"})
        return reconcile(case.booking, stored, plan(case), case.now)

    async def replan(self, case: Case) -> Reconciled:
        """Decide, commit, and see that there is nothing left to decide."""
        found = await self.decide(case)
        await self.store.commit(found.changes)
        again = await self.decide(case)
        assert not again.changes
        assert again.in_flight == found.in_flight
        return found

    async def become(self, name: str, **fields: Any) -> Message:
        """The world changes a row behind the planner's back."""
        row = (await self.rows())[name]
        await self.store.commit(Changes(patches=(Patch(Message, "b", row.id, fields),)))
        return (await self.rows())[name]


@pytest.fixture
async def timeline() -> AsyncIterator[Timeline]:
    store = await open_store("sqlite:///:memory:")
    yield Timeline(store)
    await store.close()


def case(now: str = BOOKED, *, start: str = START, **fields: Any) -> Case:
    return a_case(start, BOOKED, now=now, **fields)


def cancelled(now: str, **fields: Any) -> Case:
    gone = {"status": "cancelled", "cancelled_by": "staff", "cancelled_revision": 2, "cancelled_at": at(now)}
    return case(now, revision=2, **gone, **fields)


def moved(now: str, start: str, **fields: Any) -> Case:
    was = {"starts_at": at(START), "salon": "s1", "master": "m1", "services": ["haircut"]}
    seen = {"revision": 2, "moved_revision": 2, "changed_revision": 2, "changed_at": at(now), "changed_from": was}
    return case(now, start=start, **{**seen, **fields})


def states(rows: dict[str, Message], names: Iterable[str] = (CREATED, P1D, PT1H)) -> list[tuple[str, str | None]]:
    return [(rows[name].status, rows[name].reason) for name in names]


async def test_a_new_booking_stores_its_plan_with_the_reasons(timeline: Timeline) -> None:
    await timeline.replan(case("2026-11-27 12:00", booked_at=at("2026-11-27 12:00")))
    assert states(await timeline.rows()) == [("planned", None), ("skipped", "too_late"), ("planned", None)]


async def test_planning_the_same_again_changes_nothing(timeline: Timeline) -> None:
    await timeline.replan(case())
    assert not (await timeline.decide(case())).changes


async def test_a_booking_first_heard_of_as_cancelled_has_nothing_to_cancel(timeline: Timeline) -> None:
    await timeline.replan(case(status="cancelled", cancelled_revision=1, cancelled_at=at(BOOKED)))
    assert states(await timeline.rows()) == [("skipped", "booking_cancelled")] * 3


async def test_waiting_rows_that_stay_true_are_carried_on_to_the_new_revision(timeline: Timeline) -> None:
    await timeline.replan(case())
    await timeline.become(CREATED, status="sent", attempts=1)
    await timeline.become(PT1H, status="leased", token="w1", lease_until=at(START))
    await timeline.replan(case(revision=2, price=900))
    rows = await timeline.rows()
    assert [(rows[name].revision, rows[name].status) for name in (CREATED, P1D, PT1H)] == [
        (1, "sent"),
        (2, "planned"),
        (2, "leased"),
    ]
    assert rows[PT1H].token == "w1"


async def test_a_cancelled_booking_cancels_what_waits_and_is_told(timeline: Timeline) -> None:
    await timeline.replan(case())
    await timeline.become(CREATED, status="delivered", attempts=1)
    await timeline.replan(cancelled("2026-11-21 12:00"))
    gone = ("cancelled", "booking_cancelled")
    rows = await timeline.rows()
    assert states(rows) == [("delivered", None), gone, gone]
    assert rows["booking_cancelled"].status == "planned"


async def test_a_skipped_row_keeps_its_reason_when_the_booking_is_cancelled(timeline: Timeline) -> None:
    await timeline.replan(case("2026-11-27 12:00"))
    await timeline.replan(cancelled("2026-11-27 12:30"))
    assert states(await timeline.rows(), [P1D]) == [("skipped", "too_late")]


async def test_a_leased_row_is_taken_back(timeline: Timeline) -> None:
    await timeline.replan(case())
    await timeline.become(P1D, status="leased", token="w1", lease_until=at(START))
    await timeline.replan(cancelled("2026-11-26 15:00"))
    row = (await timeline.rows())[P1D]
    assert (row.status, row.reason, row.token, row.lease_until) == ("cancelled", "booking_cancelled", None, None)


async def test_a_row_that_goes_on_the_wire_meanwhile_makes_the_decision_anew(timeline: Timeline) -> None:
    await timeline.replan(case())
    decided = await timeline.decide(cancelled("2026-11-26 15:00"))
    row = await timeline.become(P1D, status="sending", attempts=1)
    with pytest.raises(Conflict):
        await timeline.store.commit(decided.changes)
    found = await timeline.replan(cancelled("2026-11-26 15:00"))
    assert found.in_flight == (row.id,)
    stored = (await timeline.rows())[P1D]
    assert (stored.status, stored.void) == ("sending", "booking_cancelled")


async def test_a_row_on_the_wire_that_is_settled_meanwhile_makes_the_decision_anew(timeline: Timeline) -> None:
    await timeline.replan(case())
    await timeline.become(P1D, status="sending", attempts=1)
    decided = await timeline.decide(cancelled("2026-11-26 15:00"))
    await timeline.become(P1D, status="sent")
    with pytest.raises(Conflict):
        await timeline.store.commit(decided.changes)
    assert (await timeline.replan(cancelled("2026-11-26 15:00"))).in_flight == ()
    assert (await timeline.rows())[P1D].void is None


async def test_a_row_on_the_wire_that_stays_true_is_left_alone(timeline: Timeline) -> None:
    await timeline.replan(case())
    before = await timeline.become(P1D, status="sending", attempts=1)
    found = await timeline.replan(case("2026-11-26 15:00", revision=2, status="confirmed", answer="confirmed"))
    assert found.in_flight == ()
    assert (await timeline.rows())[P1D] == before


@pytest.mark.parametrize("status", ["sent", "delivered", "read", "failed", "unknown", "expired"])
async def test_what_is_over_is_never_touched(timeline: Timeline, status: str) -> None:
    await timeline.replan(case())
    before = await timeline.become(P1D, status=status, attempts=1)
    await timeline.replan(cancelled("2026-11-26 16:00"))
    await timeline.replan(case("2026-11-26 16:00", revision=3))
    assert (await timeline.rows())[P1D] == before


async def test_a_row_that_was_tried_is_cancelled_while_it_waits_and_not_brought_back(timeline: Timeline) -> None:
    await timeline.replan(case())
    await timeline.become(P1D, attempts=1, next_at=at("2026-11-26 15:05"))
    await timeline.replan(case("2026-11-26 15:01", client=replace(OLENA, silent=True)))
    assert states(await timeline.rows(), [P1D]) == [("cancelled", "opted_out")]
    await timeline.replan(case("2026-11-26 14:00"))
    assert states(await timeline.rows(), [P1D]) == [("cancelled", "opted_out")]


async def test_rows_that_were_never_tried_follow_the_plan_back_and_forth(timeline: Timeline) -> None:
    silent = replace(OLENA, silent=True)
    await timeline.replan(case())
    first = await timeline.rows()
    await timeline.replan(case(client=silent))
    assert states(await timeline.rows()) == [("skipped", "opted_out")] * 3
    await timeline.replan(case(settings={"kinds": {"reminder": False}}))
    assert states(await timeline.rows()) == [("planned", None), *[("skipped", "switched_off")] * 2]
    await timeline.replan(case())
    assert await timeline.rows() == first


async def test_a_booking_cancelled_and_kept_after_all_has_its_reminders_back(timeline: Timeline) -> None:
    await timeline.replan(case())
    await timeline.replan(cancelled("2026-11-21 12:00"))
    await timeline.replan(case("2026-11-21 13:00", revision=3))
    rows = await timeline.rows()
    assert states(rows, [P1D, PT1H, "booking_cancelled"]) == [
        ("planned", None),
        ("planned", None),
        ("cancelled", "superseded"),
    ]
    assert rows[P1D].revision == 3


async def test_moving_a_booking_moves_its_reminders(timeline: Timeline) -> None:
    await timeline.replan(case())
    await timeline.replan(moved("2026-11-21 12:00", "2026-11-28 16:00"))
    old = [row for row in await timeline.store.find(Message, {"business": "b"}) if ":r1:" in row.key]
    assert {(row.params.get("lead"), row.status, row.reason) for row in old if row.kind == "reminder"} == {
        (P1D, "cancelled", "booking_moved"),
        (PT1H, "cancelled", "booking_moved"),
    }
    rows = await timeline.rows()
    assert [wall(rows[name].due_at) for name in (P1D, PT1H)] == ["2026-11-27 16:00", "2026-11-28 15:00"]
    assert [rows[name].status for name in (P1D, PT1H, "booking_changed")] == ["planned"] * 3


async def test_a_notice_that_waits_for_the_morning_lives_until_the_new_start(timeline: Timeline) -> None:
    night = {"booked_at": at("2026-11-26 23:00")}
    await timeline.replan(case("2026-11-26 23:00", start="2026-11-29 15:00", **night))
    await timeline.replan(case("2026-11-26 23:30", start="2026-11-28 10:00", revision=2, moved_revision=2, **night))
    row = (await timeline.rows())[CREATED]
    assert (row.status, wall(row.due_at), wall(row.not_after)) == ("planned", "2026-11-27 09:00", "2026-11-28 10:00")
    await timeline.replan(case("2026-11-26 23:40", start="2026-11-27 10:00", revision=3, moved_revision=3, **night))
    row = (await timeline.rows())[CREATED]
    assert (wall(row.due_at), wall(row.next_at), row.day) == ("2026-11-26 23:00", "2026-11-26 23:00", "2026-11-26")


async def test_a_leased_notice_lives_until_the_new_start_and_keeps_its_time(timeline: Timeline) -> None:
    await timeline.replan(case())
    before = await timeline.become(CREATED, status="leased", token="w1", next_at=at("2026-11-20 12:01"))
    await timeline.replan(case(start="2026-11-26 10:00", revision=2, moved_revision=2))
    row = (await timeline.rows())[CREATED]
    assert (row.status, row.token, row.due_at, row.next_at) == ("leased", "w1", before.due_at, before.next_at)
    assert (wall(row.not_after), row.revision) == ("2026-11-26 10:00", 2)


async def test_a_second_change_takes_the_place_of_one_that_waits(timeline: Timeline) -> None:
    await timeline.replan(moved("2026-11-21 22:00", "2026-11-28 16:00"))
    first = (await timeline.rows())["booking_changed"]
    await timeline.replan(
        moved("2026-11-21 23:00", "2026-11-28 17:00", revision=3, changed_revision=3, moved_revision=3)
    )
    rows = await timeline.store.find(Message, {"business": "b", "kind": "booking_changed"}, order=("revision",))
    assert [(row.status, row.reason) for row in rows if row.id == first.id] == [("cancelled", "superseded")]
    assert [row.status for row in rows if row.id != first.id] == ["planned"]


async def test_a_reminder_that_is_late_to_go_is_still_to_go(timeline: Timeline) -> None:
    """The plan would not make it any more; the row that is there goes on, with the buttons of today."""
    await timeline.replan(case())
    await timeline.become(P1D, attempts=1, next_at=at("2026-11-26 15:20"), params={"lead": P1D, "asks": True, "x": 1})
    await timeline.replan(case("2026-11-26 15:10", revision=2, status="confirmed", answer="confirmed"))
    row = (await timeline.rows())[P1D]
    assert (row.status, row.revision, wall(row.next_at)) == ("planned", 2, "2026-11-26 15:20")
    assert (verbs(row), row.params) == (["move", "cancel"], {"lead": P1D, "asks": False, "x": 1})


async def test_a_reminder_of_the_evening_before_that_is_late_to_go_is_still_to_go(timeline: Timeline) -> None:
    early = {"start": "2026-11-27 09:30", "settings": {"kinds": {"reminder": {"before": ["PT1H"]}}}}
    await timeline.replan(case(**early))
    assert wall((await timeline.rows())[PT1H].due_at) == "2026-11-26 20:30"
    await timeline.replan(case("2026-11-26 20:31", revision=2, **early))
    assert states(await timeline.rows(), [PT1H]) == [("planned", None)]


async def test_new_quiet_hours_move_what_waits_and_stop_what_has_no_moment_left(timeline: Timeline) -> None:
    loud = {"quiet_hours": False}
    await timeline.replan(case(start="2026-11-27 09:30", settings=loud))
    assert wall((await timeline.rows())[PT1H].due_at) == "2026-11-27 08:30"
    await timeline.replan(case(start="2026-11-27 09:30"))
    row = (await timeline.rows())[PT1H]
    assert (wall(row.due_at), wall(row.next_at), row.day) == ("2026-11-26 20:30", "2026-11-26 20:30", "2026-11-26")
    await timeline.replan(case("2026-11-26 20:00", start="2026-11-27 09:30", settings=loud))
    await timeline.replan(case("2026-11-26 20:40", start="2026-11-27 09:30"))
    assert states(await timeline.rows(), [PT1H]) == [("skipped", "quiet_hours")]


async def test_a_lead_that_is_no_longer_wanted_is_switched_off(timeline: Timeline) -> None:
    await timeline.replan(case())
    await timeline.replan(case(settings={"kinds": {"reminder": {"before": ["PT1H"]}}}))
    assert states(await timeline.rows()) == [("planned", None), ("cancelled", "switched_off"), ("planned", None)]


async def test_a_message_that_had_no_way_is_planned_once_a_chat_is_linked(timeline: Timeline) -> None:
    alone = {"linked": frozenset({"telegram"})}
    await timeline.replan(case(addresses=(), **alone))
    assert states(await timeline.rows()) == [("skipped", "no_channel")] * 3
    await timeline.replan(case("2026-11-20 12:10", **alone))
    rows = await timeline.rows()
    assert [(rows[name].status, rows[name].address) for name in (CREATED, P1D, PT1H)] == [("planned", "77")] * 3


async def test_what_was_missed_for_want_of_a_way_stays_as_it_was_noted(timeline: Timeline) -> None:
    alone = {"linked": frozenset({"telegram"})}
    await timeline.replan(case(addresses=(), **alone))
    await timeline.replan(case("2026-11-26 16:00", **alone))
    assert states(await timeline.rows()) == [("skipped", "no_channel"), ("skipped", "no_channel"), ("planned", None)]


@pytest.mark.parametrize("reason", ["by_staff", "erased"])
async def test_what_a_person_took_off_stays_off(timeline: Timeline, reason: str) -> None:
    await timeline.replan(case())
    await timeline.become(PT1H, status="cancelled", reason=reason)
    await timeline.replan(case(revision=2))
    assert states(await timeline.rows(), [PT1H]) == [("cancelled", reason)]


async def test_a_row_that_people_are_to_send_is_cancelled_like_any_other(timeline: Timeline) -> None:
    by_hand = {"linked": frozenset({"manual"}), "addresses": ()}
    await timeline.replan(case(**by_hand))
    await timeline.become(P1D, held=True, next_at=at("2026-11-26 18:00"))
    await timeline.replan(case("2026-11-26 15:10", **by_hand))
    held = (await timeline.rows())[P1D]
    assert (held.held, held.status, wall(held.next_at)) == (True, "planned", "2026-11-26 18:00")
    await timeline.replan(cancelled("2026-11-26 15:20", **by_hand))
    gone = (await timeline.rows())[P1D]
    assert (gone.held, gone.status, gone.reason) == (False, "cancelled", "booking_cancelled")


async def test_what_people_are_to_send_falls_due_again_when_the_visit_changes_and_so_may_its_text(
    timeline: Timeline,
) -> None:
    by_hand = {"linked": frozenset({"manual"}), "addresses": ()}
    await timeline.replan(case(**by_hand))
    await timeline.become(P1D, held=True, next_at=at("2026-11-26 18:00"))
    await timeline.replan(case("2026-11-26 15:10", revision=2, **by_hand))
    row = (await timeline.rows())[P1D]
    assert (row.held, row.status, wall(row.next_at), row.revision) == (False, "planned", "2026-11-26 15:00", 2)


async def test_what_people_are_to_send_stays_with_them_when_a_chat_is_linked(timeline: Timeline) -> None:
    either = {"linked": frozenset({"telegram", "manual"})}
    await timeline.replan(case(addresses=(), **either))
    assert (await timeline.become(CREATED, held=True)).channel == "manual"
    await timeline.replan(case("2026-11-20 12:10", **either))
    rows = await timeline.rows()
    assert [(rows[name].channel, rows[name].held) for name in (CREATED, P1D)] == [("manual", True), ("telegram", False)]


async def test_a_hop_keeps_its_channel_and_its_time(timeline: Timeline) -> None:
    await timeline.replan(case())
    first = await timeline.become(CREATED, status="failed", attempts=1)
    own = {"channel": "whatsapp", "address": "+380671234567", "due_at": at("2026-11-20 12:05"), "params": {"on": "wa"}}
    hop = replace(
        first,
        **{
            "id": "f" * 32,
            "key": first.key.removesuffix(":0") + ":1",
            "hop": 1,
            "status": "planned",
            "attempts": 0,
            **own,
        },
    )
    await timeline.store.commit(Changes(inserts=(hop,)))
    await timeline.replan(case("2026-11-20 12:04", revision=2, start="2026-11-26 10:00"))
    kept = await timeline.store.get(Message, "b", hop.id)
    assert kept is not None
    assert (kept.channel, kept.address, kept.due_at, kept.params["on"]) == (*list(own.values())[:3], "wa")
    assert (kept.revision, wall(kept.not_after)) == (2, "2026-11-26 10:00")


async def test_a_row_that_is_leased_meanwhile_is_not_moved_to_another_time(timeline: Timeline) -> None:
    night = {"booked_at": at("2026-11-26 23:00")}
    await timeline.replan(case("2026-11-26 23:00", start="2026-11-29 15:00", **night))
    decided = await timeline.decide(case("2026-11-26 23:30", start="2026-11-27 10:00", **night))
    await timeline.become(CREATED, status="leased", token="w1")
    with pytest.raises(Conflict):
        await timeline.store.commit(decided.changes)


async def test_a_row_that_goes_out_meanwhile_and_stays_true_is_no_conflict(timeline: Timeline) -> None:
    await timeline.replan(case())
    decided = await timeline.decide(case(revision=2))
    await timeline.become(CREATED, status="sent", attempts=1)
    await timeline.store.commit(decided.changes)
    rows = await timeline.rows()
    assert [(rows[name].status, rows[name].revision) for name in (CREATED, P1D)] == [("sent", 1), ("planned", 2)]


async def test_later_hops_live_and_die_with_the_message(timeline: Timeline) -> None:
    await timeline.replan(case())
    first = await timeline.become(P1D, status="sent", attempts=1)
    hop = replace(
        first,
        id="f" * 32,
        key=first.key.removesuffix(":0") + ":1",
        hop=1,
        fallback_of=first.id,
        status="planned",
        attempts=0,
        channel="whatsapp",
        address="+380671234567",
        due_at=at("2026-11-26 17:00"),
        next_at=at("2026-11-26 17:00"),
    )
    await timeline.store.commit(Changes(inserts=(hop,)))
    await timeline.replan(case("2026-11-26 16:30", revision=2, status="confirmed", answer="confirmed"))
    kept = await timeline.store.get(Message, "b", hop.id)
    assert kept is not None
    assert (kept.status, kept.revision, kept.channel, wall(kept.due_at), verbs(kept)) == (
        "planned",
        2,
        "whatsapp",
        "2026-11-26 17:00",
        ["move", "cancel"],
    )
    await timeline.replan(cancelled("2026-11-26 16:40"))
    gone = await timeline.store.get(Message, "b", hop.id)
    assert gone is not None
    assert (gone.status, gone.reason) == ("cancelled", "booking_cancelled")


async def test_a_hop_that_is_over_is_not_planned_anew(timeline: Timeline) -> None:
    await timeline.replan(case())
    first = (await timeline.rows())[P1D]
    hop = replace(first, id="f" * 32, key=first.key.removesuffix(":0") + ":1", hop=1, status="cancelled", reason="x")
    await timeline.store.commit(Changes(inserts=(hop,)))
    await timeline.replan(case(revision=2))
    assert await timeline.store.get(Message, "b", hop.id) == hop


async def test_what_a_person_sends_once_more_lives_and_dies_with_the_booking(timeline: Timeline) -> None:
    await timeline.replan(case())
    first = await timeline.become(CREATED, status="failed", attempts=1)
    again = replace(first, id="f" * 32, key=first.key + ":again:1", status="planned", attempts=0)
    await timeline.store.commit(Changes(inserts=(again,)))
    await timeline.replan(case("2026-11-20 13:00", revision=2))
    kept = await timeline.store.get(Message, "b", again.id)
    assert kept is not None
    assert (kept.status, kept.revision) == ("planned", 2)
    await timeline.replan(cancelled("2026-11-21 12:00"))
    gone = await timeline.store.get(Message, "b", again.id)
    assert gone is not None
    assert (gone.status, gone.reason) == ("cancelled", "booking_cancelled")


async def test_rows_of_other_kinds_and_to_staff_are_left_alone(timeline: Timeline) -> None:
    await timeline.replan(case())
    first = (await timeline.rows())[P1D]
    answer = replace(first, id="a" * 32, key="answer:1", kind="visit_confirmed", params={})
    staff = replace(first, id="b" * 32, key="staff:1", kind="booking_changed", staff_chat="s", params={})
    await timeline.store.commit(Changes(inserts=(answer, staff)))
    await timeline.replan(cancelled("2026-11-21 12:00"))
    assert await timeline.store.get(Message, "b", answer.id) == answer
    assert await timeline.store.get(Message, "b", staff.id) == staff


AYSE = Client(business="b", id="c2", name="Ayşe", phone="+905321112233")


def swapped(now: str, **fields: Any) -> Case:
    """The booking was Olena's and is Ayşe's now."""
    made = {"revision": 2, "booked_revision": 2, "moved_revision": 2, "booked_at": at(now)}
    found = case(now, **{**made, **fields})
    return replace(found, client=AYSE, booking=replace(found.booking, client="c2"))


def farewell(before: Booking, now: Millis, made: Case) -> Message:
    return cancellation_for(
        before,
        OLENA,
        revision=2,
        settings=made.settings,
        place=made.place,
        now=now,
        addresses=(TELEGRAM,),
        linked_channels=made.linked_channels,
    )


async def test_a_booking_given_to_another_client_cancels_for_the_one_and_tells_the_other(timeline: Timeline) -> None:
    before = case()
    await timeline.replan(before)
    await timeline.become(CREATED, status="sent", attempts=1)
    after = swapped("2026-11-21 12:00")
    found = await timeline.decide(after)
    word = farewell(before.booking, after.now, after)
    await timeline.store.commit(found.changes + Changes(inserts=(word,)))
    rows = await timeline.store.find(Message, {"business": "b"})
    of = {
        client: {(row.kind, row.status, row.reason) for row in rows if row.client == client} for client in ("c1", "c2")
    }
    assert of["c1"] == {
        ("booking_created", "sent", None),
        ("reminder", "cancelled", "other_client"),
        ("booking_cancelled", "planned", None),
    }
    assert of["c2"] == {("booking_created", "planned", None), ("reminder", "planned", None)}


async def test_the_former_client_s_cancellation_outlives_what_happens_to_the_booking(timeline: Timeline) -> None:
    before = case()
    after = swapped("2026-11-21 22:00")
    word = farewell(before.booking, after.now, after)
    await timeline.store.commit(Changes(inserts=(word,)))
    await timeline.replan(after)
    gone = {"status": "cancelled", "cancelled_revision": 3, "cancelled_at": at("2026-11-21 23:00")}
    await timeline.replan(swapped("2026-11-21 23:00", revision=3, **gone))
    stored = await timeline.store.get(Message, "b", word.id)
    assert stored is not None
    assert (stored.status, stored.revision) == ("planned", 3)


async def test_a_client_who_gets_the_booking_back_is_not_told_that_it_is_cancelled(timeline: Timeline) -> None:
    before = case()
    after = swapped("2026-11-21 22:00")
    word = farewell(before.booking, after.now, after)
    await timeline.store.commit(Changes(inserts=(word,)))
    back = {"revision": 3, "booked_revision": 3, "moved_revision": 3, "booked_at": at("2026-11-21 23:00")}
    await timeline.replan(case("2026-11-21 23:00", **back))
    stored = await timeline.store.get(Message, "b", word.id)
    assert stored is not None
    assert (stored.status, stored.reason) == ("cancelled", "superseded")


async def test_an_erased_client_s_rows_are_taken_back(timeline: Timeline) -> None:
    await timeline.replan(case())
    nobody = case(revision=2)
    await timeline.replan(replace(nobody, client=None, booking=replace(nobody.booking, client=None)))
    assert states(await timeline.rows()) == [("cancelled", "no_client")] * 3


async def test_a_visit_that_has_begun_needs_no_reminder(timeline: Timeline) -> None:
    await timeline.replan(case())
    await timeline.replan(case("2026-11-27 13:50", revision=2, status="arrived"))
    assert states(await timeline.rows(), [PT1H]) == [("skipped", "past_visit")]


def test_the_plan_itself_is_not_changed_by_being_reconciled() -> None:
    made = case()
    row = the(made, P1D)
    assert reconcile(made.booking, (), (row,), made.now).changes.inserts == (row,)
