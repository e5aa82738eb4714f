"""Notices of a booking, a change and a cancellation: to whom, when, with which buttons, and when in quiet hours."""

from dataclasses import replace
from typing import Any

import pytest

from handlers.plan import cancellation_for
from tests.support.planning import KYIV, OLENA, TELEGRAM, a_case, at, outcome, outcomes, plan, the, verbs, wall

START, BOOKED = "2026-11-27 15:00", "2026-11-20 12:00"


def a_changed_case(changed: str, was: dict[str, Any], *, start: str = START, **fields: Any) -> Any:
    """A booking made at ``BOOKED`` that became what it is at ``changed``; ``was``: what the client believed."""
    return a_case(
        start,
        BOOKED,
        **{
            "now": changed,
            "revision": 2,
            "changed_revision": 2,
            "changed_at": at(changed),
            "changed_from": was,
            **fields,
        },
    )


def a_cancelled_case(cancelled: str, *, start: str = START, **fields: Any) -> Any:
    """A booking made at ``BOOKED`` that the salon cancelled at ``cancelled``."""
    made = {"status": "cancelled", "cancelled_by": "staff", "cancelled_revision": 2, "cancelled_at": at(cancelled)}
    return a_case(start, BOOKED, **{"now": cancelled, "revision": 2, **made, **fields})


def test_a_new_booking_is_announced_at_once_until_it_begins() -> None:
    row = the(a_case(START, BOOKED), "booking_created")
    assert (row.status, row.reason, row.key) == ("planned", None, "booking:b-1:booking_created:r1:client:c1:0")
    assert (wall(row.due_at), wall(row.next_at), wall(row.not_after)) == (BOOKED, BOOKED, START)
    assert (row.client, row.salon, row.master, row.lane, row.revision, row.day) == (
        "c1",
        "s1",
        "m1",
        1,
        1,
        "2026-11-20",
    )
    assert (row.channel, row.address) == ("telegram", "77")


@pytest.mark.parametrize(
    ("start", "booked", "fields", "asks"),
    [
        # A reminder that asks is still to come.
        (START, BOOKED, {}, False),
        (START, "2026-11-27 12:00", {}, False),
        # None is: booked within the hour, or just before the reminder.
        (START, "2026-11-27 14:10", {}, True),
        (START, "2026-11-27 13:40", {}, True),
        (START, BOOKED, {"notify": {"reminders": []}}, True),
        (START, BOOKED, {"settings": {"kinds": {"reminder": {"before": []}}}}, True),
        # Nobody asks, or the client has answered.
        (START, "2026-11-27 14:10", {"notify": {"confirm": False}}, False),
        (START, "2026-11-27 14:10", {"settings": {"kinds": {"reminder": {"confirm": False}}}}, False),
        (START, "2026-11-27 14:10", {"settings": {"kinds": {"reminder": False}}}, False),
        (START, "2026-11-27 14:10", {"settings": {"kinds": {"reminder": False}}, "notify": {"confirm": True}}, True),
        (START, "2026-11-27 14:10", {"status": "confirmed"}, False),
    ],
)
def test_the_booking_notice_asks_only_if_no_asking_reminder_is_still_to_come(
    start: str, booked: str, fields: dict[str, Any], asks: bool
) -> None:
    row = the(a_case(start, booked, **fields), "booking_created")
    assert verbs(row) == (["confirm", "move", "cancel"] if asks else ["move", "cancel"])
    assert row.params["asks"] is asks


@pytest.mark.parametrize(
    ("announced", "created_by", "notify", "told"),
    [
        (["client", "staff"], "staff", {}, True),
        (["client", "staff"], "client", {}, True),
        (["client"], "staff", {}, False),
        (["client"], "client", {}, True),
        (["staff"], "client", {}, False),
        ([], "client", {}, False),
        (["client"], "staff", {"created": True}, True),
        (["client", "staff"], "staff", {"created": False}, False),
    ],
)
def test_whose_bookings_are_announced(
    announced: list[str], created_by: str, notify: dict[str, Any], told: bool
) -> None:
    settings = {"kinds": {"booking_created": {"for": announced}}}
    row = the(a_case(START, BOOKED, settings=settings, created_by=created_by, notify=notify), "booking_created")
    assert (row.status, row.reason) == (("planned", None) if told else ("skipped", "switched_off"))


@pytest.mark.parametrize(
    ("was", "told"),
    [
        ({"starts_at": at("2026-11-27 16:00")}, ["starts_at"]),
        ({"starts_at": at("2026-11-26 15:00")}, ["starts_at"]),
        ({"starts_at": at(START), "master": "m2"}, ["master"]),
        ({"starts_at": at(START), "master": None}, ["master"]),
        ({"starts_at": at(START), "salon": "s2"}, ["salon"]),
        ({"starts_at": at(START), "services": ["brows"]}, ["services"]),
        ({"starts_at": at("2026-11-27 16:00"), "master": "m2"}, ["starts_at", "master"]),
        # A shift of ten minutes is told, and a smaller one with something else.
        ({"starts_at": at("2026-11-27 15:10")}, ["starts_at"]),
        ({"starts_at": at("2026-11-27 14:50")}, ["starts_at"]),
        ({"starts_at": at("2026-11-27 15:09"), "master": "m2"}, ["starts_at", "master"]),
    ],
)
def test_a_change_of_time_salon_master_or_services_is_told_with_what_was_before(
    was: dict[str, Any], told: list[str]
) -> None:
    row = the(a_changed_case("2026-11-21 12:00", was), "booking_changed")
    assert outcome(row) == "2026-11-21 12:00"
    assert row.params == {**was, "changed": told, "asks": False}
    assert (row.key, wall(row.not_after)) == ("booking:b-1:booking_changed:r2:client:c1:0", START)
    assert verbs(row) == ["move", "cancel"]


@pytest.mark.parametrize("was", ["2026-11-27 15:09", "2026-11-27 14:51", "2026-11-27 15:05"])
def test_a_small_shift_alone_is_not_told(was: str) -> None:
    assert outcomes(a_changed_case("2026-11-21 12:00", {"starts_at": at(was)}))["booking_changed"] == "small_shift"


def test_every_shift_is_told_where_no_least_one_is_set() -> None:
    settings = {"kinds": {"booking_changed": {"ignore_shift_under": False}}}
    case = a_changed_case("2026-11-21 12:00", {"starts_at": at("2026-11-27 15:01")}, settings=settings)
    assert outcomes(case)["booking_changed"] == "2026-11-21 12:00"


def test_a_change_that_was_taken_back_before_it_was_told_is_not_told() -> None:
    was = {"starts_at": at(START), "salon": "s1", "master": "m1", "services": ["haircut"]}
    assert outcomes(a_changed_case("2026-11-21 12:00", was))["booking_changed"] == "nothing_changed"


def test_a_change_from_before_the_booking_was_made_anew_is_history() -> None:
    for booked in (2, 4):
        case = a_changed_case("2026-11-21 12:00", {"master": "m2"}, revision=4, booked_revision=booked)
        assert "booking_changed" not in outcomes(case)


def test_a_change_speaks_for_a_booking_notice_that_could_not_go_before() -> None:
    case = a_changed_case("2026-11-20 12:30", {"master": "m2"})
    assert outcomes(case)["booking_created"] == "superseded"
    small = a_changed_case("2026-11-20 12:30", {"starts_at": at("2026-11-27 15:05")})
    assert outcomes(small)["booking_created"] == BOOKED


def test_a_change_asks_where_no_asking_reminder_is_still_to_come() -> None:
    """The newest message is the one with buttons: a client who has not answered must find the question there."""
    moved = a_changed_case("2026-11-21 12:00", {"starts_at": at(START)}, start="2026-11-21 12:40")
    assert verbs(the(moved, "booking_changed")) == ["confirm", "move", "cancel"]
    assert verbs(the(replace(moved, booking=replace(moved.booking, status="confirmed")), "booking_changed")) == [
        "move",
        "cancel",
    ]


def test_a_cancellation_is_told_at_once_and_has_no_buttons() -> None:
    case = a_cancelled_case("2026-11-21 12:00")
    row = the(case, "booking_cancelled")
    assert outcome(row) == "2026-11-21 12:00"
    assert (row.key, wall(row.not_after), row.choices) == ("booking:b-1:booking_cancelled:r2:client:c1:0", START, ())
    assert row.params == {"starts_at": at(START), "salon": "s1", "master": "m1", "services": ["haircut"]}


def test_a_cancellation_takes_all_else_with_it() -> None:
    case = a_cancelled_case("2026-11-21 12:00", changed_revision=2, changed_at=at("2026-11-20 13:00"))
    rows = {row.params.get("lead", row.kind): (row.status, row.reason) for row in plan(case)}
    gone = ("cancelled", "booking_cancelled")
    assert rows.pop("booking_cancelled") == ("planned", None)
    assert rows == {"booking_created": gone, "booking_changed": gone, "P1D": gone, "PT1H": gone}


def test_a_client_who_cancelled_is_not_told_of_it() -> None:
    assert outcomes(a_cancelled_case("2026-11-21 12:00", cancelled_by="client"))["booking_cancelled"] == "by_client"


def test_a_booking_first_heard_of_as_cancelled_tells_nobody() -> None:
    case = a_cancelled_case(BOOKED, revision=1, cancelled_revision=1)
    assert [row.kind for row in plan(case) if row.status == "planned"] == []
    assert "booking_cancelled" not in outcomes(case)


def test_a_booking_that_is_made_anew_is_announced_again() -> None:
    case = a_case(
        START, BOOKED, now="2026-11-22 12:00", revision=3, booked_revision=3, booked_at=at("2026-11-22 12:00")
    )
    assert the(case, "booking_created").key == "booking:b-1:booking_created:r3:client:c1:0"
    assert outcomes(case)["booking_created"] == "2026-11-22 12:00"


@pytest.mark.parametrize(
    ("zone", "start", "booked", "fields", "goes"),
    [
        # Staff book at night for another day: in the morning.
        (KYIV, "2026-11-29 15:00", "2026-11-26 22:00", {}, "2026-11-27 09:00"),
        (KYIV, "2026-11-29 15:00", "2026-11-27 02:00", {}, "2026-11-27 09:00"),
        (KYIV, "2026-11-27 12:00", "2026-11-26 22:00", {}, "2026-11-27 09:00"),
        # The client did, and waits for the answer; or the visit is near.
        (KYIV, "2026-11-29 15:00", "2026-11-26 22:00", {"created_by": "client"}, "2026-11-26 22:00"),
        (KYIV, "2026-11-27 11:59", "2026-11-26 22:00", {}, "2026-11-26 22:00"),
        # Outside of quiet hours, and without any.
        (KYIV, "2026-11-29 15:00", "2026-11-26 20:59", {}, "2026-11-26 20:59"),
        (KYIV, "2026-11-29 15:00", "2026-11-27 09:00", {}, "2026-11-27 09:00"),
        (KYIV, "2026-11-29 15:00", "2026-11-26 22:00", {"settings": {"quiet_hours": False}}, "2026-11-26 22:00"),
        # Nights in which the clocks change, and zones that have none of that.
        (KYIV, "2027-03-29 15:00", "2027-03-27 22:00", {}, "2027-03-28 09:00"),
        (KYIV, "2027-11-02 15:00", "2027-10-30 22:00", {}, "2027-10-31 09:00"),
        ("Europe/Istanbul", "2026-11-29 15:00", "2026-11-26 22:00", {}, "2026-11-27 09:00"),
        ("Asia/Almaty", "2026-11-29 15:00", "2026-11-26 22:00", {}, "2026-11-27 09:00"),
    ],
)
def test_a_booking_notice_waits_for_the_morning_unless_it_can_not(
    zone: str, start: str, booked: str, fields: dict[str, Any], goes: str
) -> None:
    assert outcomes(a_case(start, booked, zone=zone, **fields))["booking_created"] == goes


@pytest.mark.parametrize(
    ("start", "was", "goes"),
    [
        ("2026-11-29 15:00", "2026-11-28 15:00", "2026-11-27 09:00"),
        # The old or the new start lies before the end of the quiet hours and three hours.
        ("2026-11-27 11:59", "2026-11-28 15:00", "2026-11-26 22:00"),
        ("2026-11-29 15:00", "2026-11-27 11:59", "2026-11-26 22:00"),
        ("2026-11-29 15:00", "2026-11-27 12:00", "2026-11-27 09:00"),
    ],
)
def test_a_change_at_night_wakes_only_for_a_visit_that_is_near(start: str, was: str, goes: str) -> None:
    for created_by in ("staff", "client"):
        case = a_changed_case("2026-11-26 22:00", {"starts_at": at(was)}, start=start, created_by=created_by)
        assert outcomes(case)["booking_changed"] == goes


@pytest.mark.parametrize(
    ("start", "goes"), [("2026-11-27 12:00", "2026-11-27 09:00"), ("2026-11-27 11:59", "2026-11-26 22:00")]
)
def test_a_cancellation_at_night_wakes_only_for_a_visit_that_is_near(start: str, goes: str) -> None:
    for created_by in ("staff", "client"):
        case = a_cancelled_case("2026-11-26 22:00", start=start, created_by=created_by)
        assert outcomes(case)["booking_cancelled"] == goes


@pytest.mark.parametrize(
    ("now", "expected"),
    [("2026-11-21 12:00", BOOKED), ("2026-11-21 12:01", "too_late"), ("2026-11-27 15:00", "too_late")],
)
def test_a_notice_that_could_not_go_for_a_day_is_no_longer_news(now: str, expected: str) -> None:
    assert outcomes(a_case(START, BOOKED, now=now))["booking_created"] == expected


def test_a_notice_is_not_planned_once_the_visit_has_begun() -> None:
    assert outcomes(a_case("2026-11-20 12:30", BOOKED, now="2026-11-20 12:29"))["booking_created"] == BOOKED
    assert outcomes(a_case("2026-11-20 12:30", BOOKED, now="2026-11-20 12:30"))["booking_created"] == "too_late"


def test_a_move_into_the_past_is_not_told() -> None:
    case = a_changed_case("2026-11-21 12:00", {"starts_at": at(START)}, start="2026-11-21 11:00")
    assert outcomes(case) == {
        "booking_created": "too_late",
        "booking_changed": "past_visit",
        "P1D": "too_late",
        "PT1H": "too_late",
    }


def test_a_client_who_lost_the_booking_to_another_hears_that_it_is_cancelled() -> None:
    case = a_case(START, BOOKED, now="2026-11-21 12:00", notify={"created": False})
    row = cancellation_for(
        case.booking,
        OLENA,
        revision=2,
        settings=case.settings,
        place=case.place,
        now=case.now,
        addresses=(TELEGRAM,),
        linked_channels=case.linked_channels,
    )
    assert (row.key, row.status) == ("booking:b-1:booking_cancelled:r2:client:c1:0", "planned")
    assert (row.client, row.revision, row.channel, row.address) == ("c1", 2, "telegram", "77")
    assert (wall(row.due_at), wall(row.not_after), row.choices) == ("2026-11-21 12:00", START, ())
    assert row.params["starts_at"] == at(START)
    silent = cancellation_for(
        case.booking,
        replace(OLENA, silent=True),
        revision=2,
        settings=case.settings,
        place=case.place,
        now=case.now,
        addresses=(TELEGRAM,),
        linked_channels=case.linked_channels,
    )
    assert (silent.status, silent.reason) == ("skipped", "opted_out")
