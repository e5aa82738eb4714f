"""Reminders: any number, any lead, on the salon's clocks, never in quiet hours, never late, never right after a notice."""

from typing import Any

import pytest

from handlers.durations import MINUTE
from tests.support.planning import KYIV, a_case, at, outcome, outcomes, plan, planned, the, verbs, wall

ISTANBUL, ALMATY = "Europe/Istanbul", "Asia/Almaty"
NO_QUIET = {"quiet_hours": False}


def leads(*before: str, **settings: Any) -> dict[str, Any]:
    return {**settings, "kinds": {"reminder": {"before": list(before)}}}


@pytest.mark.parametrize(
    ("zone", "start", "booked", "before", "goes"),
    [
        # An ordinary week.
        (KYIV, "2026-11-27 15:00", "2026-11-20 12:00", ["P1D", "PT1H"], ["2026-11-26 15:00", "2026-11-27 14:00"]),
        (KYIV, "2026-11-27 15:00", "2026-11-20 12:00", ["PT15M"], ["2026-11-27 14:45"]),
        (KYIV, "2026-12-27 15:00", "2026-11-20 12:00", ["P30D", "P1W"], ["2026-11-27 15:00", "2026-12-20 15:00"]),
        (KYIV, "2026-11-27 15:00", "2026-11-20 12:00", [], []),
        # The longest lead comes first, in whatever order the owner wrote them.
        (KYIV, "2026-11-27 15:00", "2026-11-20 12:00", ["PT2H", "P2D"], ["2026-11-25 15:00", "2026-11-27 13:00"]),
        # Kyiv's clocks go forward on 28 March 2027: a day before is the same time, 24 hours before an hour earlier.
        (KYIV, "2027-03-28 15:00", "2027-03-20 12:00", ["P1D"], ["2027-03-27 15:00"]),
        (KYIV, "2027-03-28 15:00", "2027-03-20 12:00", ["PT24H"], ["2027-03-27 14:00"]),
        # They go back on 31 October 2027.
        (KYIV, "2027-10-31 15:00", "2027-10-20 12:00", ["P1D"], ["2027-10-30 15:00"]),
        (KYIV, "2027-10-31 15:00", "2027-10-20 12:00", ["PT24H"], ["2027-10-30 16:00"]),
        (KYIV, "2027-10-31 15:00", "2027-10-20 12:00", ["P1W", "PT4H"], ["2027-10-24 15:00", "2027-10-31 11:00"]),
        # Istanbul knows no summer time, Almaty changed its zone as March 2024 began.
        (ISTANBUL, "2027-03-28 15:00", "2027-03-20 12:00", ["P1D", "PT24H"], ["2027-03-27 15:00", "grouped"]),
        (ALMATY, "2024-03-01 15:00", "2024-02-20 12:00", ["P1D"], ["2024-02-29 15:00"]),
        (ALMATY, "2024-03-01 15:00", "2024-02-20 12:00", ["PT24H"], ["2024-02-29 16:00"]),
    ],
)
def test_a_reminder_goes_its_lead_before_the_visit(
    zone: str, start: str, booked: str, before: list[str], goes: list[str]
) -> None:
    """Two leads that come to the same moment remind once."""
    case = a_case(start, booked, zone=zone, settings=leads(*before))
    assert [outcome(row, zone) for row in plan(case) if row.kind == "reminder"] == goes


@pytest.mark.parametrize(
    ("zone", "start", "lead", "goes"),
    [
        # Due at night and with an hour left in the morning: when the quiet hours end.
        (KYIV, "2026-11-27 10:00", "PT2H", "2026-11-27 09:00"),
        (KYIV, "2026-11-27 10:00", "PT12H", "2026-11-26 20:30"),
        (KYIV, "2026-11-27 08:30", "P1D", "2026-11-26 09:00"),
        (KYIV, "2026-11-27 22:00", "P1D", "2026-11-27 09:00"),
        # Less than an hour left: half an hour before they begin, the evening before.
        (KYIV, "2026-11-27 09:59", "PT1H", "2026-11-26 20:30"),
        (KYIV, "2026-11-27 09:00", "PT1H", "2026-11-26 20:30"),
        (KYIV, "2026-11-27 07:00", "PT3H", "2026-11-26 20:30"),
        (KYIV, "2026-11-28 00:30", "PT2H", "2026-11-27 20:30"),
        # The edges themselves are outside: at 21:00 it is quiet, at 09:00 no more.
        (KYIV, "2026-11-27 10:00", "PT1H", "2026-11-27 09:00"),
        (KYIV, "2026-11-27 21:59", "PT1H", "2026-11-27 20:59"),
        (KYIV, "2026-11-27 22:00", "PT1H", "2026-11-27 20:30"),
        # Nights in which the clocks change.
        (KYIV, "2027-03-28 09:30", "PT1H", "2027-03-27 20:30"),
        (KYIV, "2027-03-28 08:30", "P1D", "2027-03-27 09:00"),
        (KYIV, "2027-10-31 09:30", "PT1H", "2027-10-30 20:30"),
        (KYIV, "2027-10-31 12:00", "PT4H", "2027-10-31 09:00"),
        (ISTANBUL, "2026-11-27 09:30", "PT1H", "2026-11-26 20:30"),
        (ALMATY, "2026-11-27 12:00", "PT4H", "2026-11-27 09:00"),
    ],
)
def test_a_reminder_never_rings_in_quiet_hours(zone: str, start: str, lead: str, goes: str) -> None:
    case = a_case(start, "2026-11-20 12:00" if start < "2027" else "2027-03-01 12:00", zone=zone, settings=leads(lead))
    assert outcomes(case)[lead] == goes


def test_quiet_hours_within_a_day_move_a_reminder_to_just_before_them() -> None:
    siesta = {"quiet_hours": {"from": "13:00", "to": "15:00"}}
    case = a_case("2026-11-27 15:30", "2026-11-20 12:00", settings=leads("PT1H", "PT2H", **siesta))
    assert outcomes(case)["PT2H"] == "2026-11-27 12:30"
    late = a_case("2026-11-27 17:00", "2026-11-20 12:00", settings=leads("PT3H", **siesta))
    assert outcomes(late)["PT3H"] == "2026-11-27 15:00"


def test_without_quiet_hours_a_reminder_rings_at_night() -> None:
    case = a_case("2026-11-27 07:00", "2026-11-20 12:00", settings=leads("PT1H", **NO_QUIET))
    assert outcomes(case)["PT1H"] == "2026-11-27 06:00"


@pytest.mark.parametrize(
    ("start", "before", "expected"),
    [
        # The evening slot, 20:30, is within two hours of the reminder of a day before.
        ("2026-11-28 09:30", ["P1D", "PT1H"], {"P1D": "2026-11-27 09:30", "PT1H": "2026-11-27 20:30"}),
        ("2026-11-28 09:30", ["PT14H", "PT1H"], {"PT14H": "2026-11-27 19:30", "PT1H": "quiet_hours"}),
        ("2026-11-28 09:30", ["PT15H", "PT1H"], {"PT15H": "2026-11-27 18:30", "PT1H": "2026-11-27 20:30"}),
        # Two that would both move to the same evening: one goes.
        ("2026-11-28 08:00", ["PT2H", "PT1H"], {"PT2H": "2026-11-27 20:30", "PT1H": "quiet_hours"}),
        # Two that would both move to the same morning: one goes.
        ("2026-11-28 16:00", ["PT10H", "PT9H"], {"PT10H": "2026-11-28 09:00", "PT9H": "quiet_hours"}),
    ],
)
def test_a_reminder_that_is_moved_keeps_away_from_the_others(
    start: str, before: list[str], expected: dict[str, str]
) -> None:
    found = outcomes(a_case(start, "2026-11-20 12:00", settings=leads(*before)))
    assert {lead: found[lead] for lead in before} == expected


def test_a_reminder_is_skipped_when_the_evening_before_has_passed() -> None:
    assert outcomes(a_case("2026-11-28 09:30", "2026-11-27 20:40", settings=leads("PT1H")))["PT1H"] == "quiet_hours"
    assert (
        outcomes(a_case("2026-11-28 09:30", "2026-11-27 19:00", settings=leads("PT1H")))["PT1H"] == "2026-11-27 20:30"
    )


@pytest.mark.parametrize(("booked", "why"), [("2026-11-27 19:45", "too_late"), ("2026-11-27 19:15", "just_told")])
def test_the_evening_before_is_not_refused_for_a_reminder_that_never_went(booked: str, why: str) -> None:
    case = a_case("2026-11-28 09:30", booked, settings=leads("PT14H", "PT1H"))
    assert outcomes(case)["PT14H"] == why
    assert outcomes(case)["PT1H"] == "2026-11-27 20:30"


def test_a_reminder_is_skipped_where_it_is_quiet_before_the_quiet_hours_too() -> None:
    nearly_always = {"quiet_hours": {"from": "00:00", "to": "23:45"}}
    case = a_case("2026-11-28 12:00", "2026-11-20 12:00", settings=leads("PT1H", **nearly_always))
    assert outcomes(case)["PT1H"] == "quiet_hours"


@pytest.mark.parametrize(
    ("booked", "reminder"),
    [
        ("2026-11-26 14:29", "2026-11-26 15:00"),
        ("2026-11-26 14:30", "just_told"),
        ("2026-11-26 14:45", "just_told"),
        ("2026-11-26 15:00", "just_told"),
        ("2026-11-26 15:01", "too_late"),
        ("2026-11-27 12:00", "too_late"),
    ],
)
def test_a_reminder_right_after_the_notice_or_before_the_booking_is_skipped(booked: str, reminder: str) -> None:
    assert outcomes(a_case("2026-11-27 15:00", booked, settings=leads("P1D")))["P1D"] == reminder


def test_why_a_reminder_was_skipped_does_not_change_with_time() -> None:
    later = a_case("2026-11-27 15:00", "2026-11-26 14:45", now="2026-11-27 16:00", settings=leads("P1D"))
    assert outcomes(later) == {"booking_created": "too_late", "P1D": "just_told"}


def test_a_notice_that_is_switched_off_tells_nothing_so_the_reminder_goes() -> None:
    case = a_case("2026-11-27 15:00", "2026-11-26 14:45", settings=leads("P1D"), notify={"created": False})
    assert outcomes(case) == {"booking_created": "switched_off", "P1D": "2026-11-26 15:00"}


def test_just_told_counts_from_the_notice_as_moved_by_quiet_hours() -> None:
    """Booked by staff at night: the notice goes at nine, and so a reminder of 09:20 says nothing new."""
    case = a_case("2026-11-28 09:20", "2026-11-26 23:00", settings=leads("P1D"))
    assert outcomes(case) == {"booking_created": "2026-11-27 09:00", "P1D": "just_told"}


def test_a_change_just_before_a_reminder_makes_it_needless() -> None:
    changed = {"revision": 2, "changed_revision": 2, "changed_at": at("2026-11-26 14:40")}
    case = a_case(
        "2026-11-27 15:00",
        "2026-11-20 12:00",
        now="2026-11-26 14:40",
        settings=leads("P1D", "PT1H"),
        changed_from={"master": "m2"},
        **changed,
    )
    assert outcomes(case)["P1D"] == "just_told"
    assert outcomes(case)["PT1H"] == "2026-11-27 14:00"


@pytest.mark.parametrize(
    ("zone", "start", "lead", "settings", "not_after"),
    [
        # A quarter of the lead after it was due, but an eighth of it before the start at the latest.
        (KYIV, "2026-11-27 15:00", "PT1H", NO_QUIET, "2026-11-27 14:15"),
        (KYIV, "2026-11-27 15:00", "PT2H", NO_QUIET, "2026-11-27 13:30"),
        (KYIV, "2026-11-27 15:00", "P1D", NO_QUIET, "2026-11-26 21:00"),
        (KYIV, "2026-12-27 15:00", "P7D", NO_QUIET, "2026-12-22 09:00"),
        # Time within quiet hours is not counted.
        (KYIV, "2026-11-27 15:00", "P1D", {}, "2026-11-26 21:00"),
        (KYIV, "2026-11-27 18:00", "P1D", {}, "2026-11-27 12:00"),
        (KYIV, "2026-11-27 20:30", "P1D", {}, "2026-11-27 14:30"),
        # Counted from the moved moment.
        (KYIV, "2026-11-27 08:30", "P1D", {}, "2026-11-26 15:00"),
        (KYIV, "2026-11-27 09:30", "PT1H", {}, "2026-11-26 20:45"),
        (KYIV, "2026-11-27 13:00", "PT4H", {}, "2026-11-27 10:00"),
        (KYIV, "2026-11-27 10:30", "PT4H", {}, "2026-11-27 10:00"),
        # An eighth before the start comes first.
        (KYIV, "2026-11-28 16:00", "PT20H", {}, "2026-11-28 13:00"),
        # Over a change of clocks: an elapsed quarter.
        (KYIV, "2027-03-28 18:00", "P1D", {}, "2027-03-28 12:00"),
        (ISTANBUL, "2027-03-28 18:00", "P1D", {}, "2027-03-28 12:00"),
    ],
)
def test_a_reminder_is_given_up_when_it_is_too_late(
    zone: str, start: str, lead: str, settings: dict[str, Any], not_after: str
) -> None:
    booked = "2026-11-02 12:00" if start < "2027" else "2027-03-01 12:00"
    row = the(a_case(start, booked, zone=zone, settings=leads(lead, **settings)), lead)
    assert wall(row.not_after, zone) == not_after


def test_a_booking_may_choose_its_own_reminders() -> None:
    case = a_case("2026-11-27 15:00", "2026-11-20 12:00", notify={"reminders": ["PT3H"]})
    assert outcomes(case) == {"booking_created": "2026-11-20 12:00", "PT3H": "2026-11-27 12:00"}
    assert [row.kind for row in plan(a_case("2026-11-27 15:00", "2026-11-20 12:00", notify={"reminders": []}))] == [
        "booking_created"
    ]


def test_a_booking_s_own_reminders_go_though_reminders_are_off() -> None:
    off = {"kinds": {"reminder": False}}
    chosen = a_case("2026-11-27 15:00", "2026-11-20 12:00", settings=off, notify={"reminders": ["PT3H"]})
    assert outcomes(chosen)["PT3H"] == "2026-11-27 12:00"
    others = a_case("2026-11-27 15:00", "2026-11-20 12:00", settings=off)
    assert (outcomes(others)["P1D"], outcomes(others)["PT1H"]) == ("switched_off", "switched_off")


def test_the_same_lead_written_twice_is_one_reminder() -> None:
    case = a_case("2026-12-27 15:00", "2026-11-20 12:00", notify={"reminders": ["P1W", "P7D"]})
    assert [row.key for row in plan(case) if row.kind == "reminder"] == ["booking:b-1:reminder:P7D:r1:client:c1:0"]


@pytest.mark.parametrize(
    ("fields", "asks"),
    [
        ({}, True),
        ({"notify": {"confirm": False}}, False),
        ({"status": "confirmed"}, False),
        ({"status": "confirmed", "answer": "confirmed"}, False),
        ({"answer": "move_requested"}, False),
        ({"answer": "declined"}, False),
    ],
)
def test_only_a_client_who_has_not_answered_is_asked_but_all_are_reminded(fields: dict[str, Any], asks: bool) -> None:
    rows = [row for row in planned(a_case("2026-11-27 15:00", "2026-11-20 12:00", **fields)) if row.kind == "reminder"]
    assert [row.params["lead"] for row in rows] == ["P1D", "PT1H"]
    for row in rows:
        assert [verb for verb in verbs(row) if verb != "late"] == ["confirm", "move", "cancel"][not asks :]
        assert row.params["asks"] is asks
        assert {choice.args["booking"] for choice in row.choices} == {"b-1"}


@pytest.mark.parametrize(
    ("leads", "offered"),
    [
        (["P1D", "PT1H"], ["PT1H"]),
        (["PT3H", "PT2H", "PT30M"], ["PT30M"]),
        (["P1D", "PT3H"], ["PT3H"]),
        (["P1D", "PT4H"], []),
        (["P1D"], []),
    ],
)
def test_only_the_last_reminder_offers_to_be_late_and_only_shortly_before(leads: list[str], offered: list[str]) -> None:
    rows = planned(a_case("2026-11-27 15:00", "2026-11-20 12:00", notify={"reminders": leads}))
    assert [row.params["lead"] for row in rows if "late" in verbs(row)] == offered


def test_a_salon_that_does_not_ask_still_asks_where_the_booking_says_so() -> None:
    settings = {"kinds": {"reminder": {"confirm": False}}}
    silent = a_case("2026-11-27 15:00", "2026-11-20 12:00", settings=settings)
    asking = a_case("2026-11-27 15:00", "2026-11-20 12:00", settings=settings, notify={"confirm": True})
    assert "confirm" not in verbs(the(silent, "P1D"))
    assert "confirm" in verbs(the(asking, "P1D"))


def test_the_key_of_a_reminder_tells_its_lead_and_the_last_move() -> None:
    case = a_case("2026-11-27 15:00", "2026-11-20 12:00", id="b:1", revision=5, moved_revision=3)
    assert the(case, "P1D").key == "booking:b%3A1:reminder:P1D:r3:client:c1:0"
    assert the(case, "P1D").revision == 5


def test_the_day_of_a_reminder_is_the_salon_s() -> None:
    case = a_case("2026-11-27 01:00", "2026-11-20 12:00", zone=ALMATY, settings=leads("PT30M", **NO_QUIET))
    row = the(case, "PT30M")
    assert row.day == "2026-11-27"
    assert row.due_at == row.next_at == at("2026-11-27 01:00", ALMATY) - 30 * MINUTE
