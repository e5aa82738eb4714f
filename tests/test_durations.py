"""Durations of the API: days and weeks by the salon's calendar, hours and minutes as they elapse."""

from datetime import date, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.durations import DAY, HOUR, MINUTE, Duration, after, before, canonical, length, moment_of, parse
from tests.support.planning import KYIV, at, wall


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("P1D", Duration(0, 1, 0)),
        ("P2W", Duration(0, 14, 0)),
        ("P1W2D", Duration(0, 9, 0)),
        ("PT1H", Duration(0, 0, HOUR)),
        ("PT90M", Duration(0, 0, 90 * MINUTE)),
        ("P1DT2H30M", Duration(0, 1, 150 * MINUTE)),
        ("PT24H", Duration(0, 0, DAY)),
        ("PT0M", Duration(0, 0, 0)),
    ],
)
def test_a_duration_counts_days_by_the_calendar_and_the_rest_as_it_elapses(text: str, duration: Duration) -> None:
    assert parse(text) == duration


@pytest.mark.parametrize(
    "text",
    [
        "", "P", "PT", "P1DT", "1D", "p1d", "P1H", "PT1D", "P1M", "P1Y", "PT1S", "PT1.5H", "P-1D", "-P1D", " P1D",
        "P1D ", "P1D\n", "PT1M1H", "P1D1W", "P١D", "P99999D",
    ],
)  # fmt: skip
def test_anything_else_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="must"):
        parse(text)


def test_months_count_only_where_they_are_allowed() -> None:
    assert parse("P1M", months=True) == Duration(1, 0, 0)
    assert parse("P2M1W", months=True) == Duration(2, 7, 0)
    with pytest.raises(ValueError, match="months"):
        parse("P0M")


@pytest.mark.parametrize(
    ("text", "same"),
    [("P1W", "P7D"), ("PT60M", "PT1H"), ("PT90M", "PT1H30M"), ("P0DT2H", "PT2H"), ("PT24H", "PT24H"), ("P0D", "PT0M")],
)
def test_a_duration_has_one_normal_form(text: str, same: str) -> None:
    assert canonical(parse(text)) == same


@given(st.builds(Duration, st.integers(0, 99), st.integers(0, 999), st.integers(0, 9999).map(lambda n: n * MINUTE)))
def test_the_normal_form_reads_back_as_the_same(duration: Duration) -> None:
    assert parse(canonical(duration), months=True) == duration


def test_lengths_can_be_compared() -> None:
    assert (
        length(parse("PT23H59M")) < length(parse("P1D")) == length(parse("PT24H")) < length(parse("P1M", months=True))
    )


@pytest.mark.parametrize(
    ("zone", "start", "lead", "due"),
    [
        # An ordinary day.
        (KYIV, "2026-11-27 15:00", "P1D", "2026-11-26 15:00"),
        (KYIV, "2026-11-27 15:00", "PT1H", "2026-11-27 14:00"),
        (KYIV, "2026-11-27 15:00", "P1DT2H", "2026-11-26 13:00"),
        # Clocks went forward on 28 March 2027 at 03:00: a day is 23 hours.
        (KYIV, "2027-03-28 15:00", "P1D", "2027-03-27 15:00"),
        (KYIV, "2027-03-28 15:00", "PT24H", "2027-03-27 14:00"),
        # 03:30 did not exist that day: it moves forward by the hour that is missing.
        (KYIV, "2027-03-29 03:30", "P1D", "2027-03-28 04:30"),
        # Clocks went back on 31 October 2027 at 04:00: a day is 25 hours.
        (KYIV, "2027-10-31 15:00", "P1D", "2027-10-30 15:00"),
        (KYIV, "2027-10-31 15:00", "PT24H", "2027-10-30 16:00"),
        # Turkey has no summer time; Kazakhstan went from UTC+6 to UTC+5 as March 2024 began.
        ("Europe/Istanbul", "2027-03-28 15:00", "P1D", "2027-03-27 15:00"),
        ("Europe/Istanbul", "2027-03-28 15:00", "PT24H", "2027-03-27 15:00"),
        ("Asia/Almaty", "2024-03-01 10:00", "P1D", "2024-02-29 10:00"),
        ("Asia/Almaty", "2024-03-01 10:00", "PT24H", "2024-02-29 11:00"),
        # Over the end of a year, and a month with 29 February.
        (KYIV, "2027-01-01 10:00", "P1W", "2026-12-25 10:00"),
        (KYIV, "2028-03-01 10:00", "P1D", "2028-02-29 10:00"),
        # Months keep the day, or take the last one of a shorter month.
        (KYIV, "2027-03-31 10:00", "P1M", "2027-02-28 10:00"),
        (KYIV, "2027-01-15 10:00", "P2M", "2026-11-15 10:00"),
    ],
)
def test_a_time_before_a_visit(zone: str, start: str, lead: str, due: str) -> None:
    assert wall(before(at(start, zone), lead, ZoneInfo(zone)), zone) == due


@pytest.mark.parametrize(
    ("start", "lead", "due"),
    [
        ("2027-01-31 10:00", "P1M", "2027-02-28 10:00"),
        ("2028-01-31 10:00", "P1M", "2028-02-29 10:00"),
        ("2026-11-30 10:00", "P3M", "2027-02-28 10:00"),
        ("2026-12-05 10:00", "P1M", "2027-01-05 10:00"),
        ("2027-03-27 03:30", "P1D", "2027-03-28 04:30"),
        ("2027-03-27 12:00", "PT24H", "2027-03-28 13:00"),
        ("2027-10-30 12:00", "P3W", "2027-11-20 12:00"),
    ],
)
def test_a_time_after_a_visit(start: str, lead: str, due: str) -> None:
    assert wall(after(at(start), lead, ZoneInfo(KYIV))) == due


def test_of_a_time_that_comes_twice_the_first_is_meant() -> None:
    due = before(at("2027-11-01 03:30"), "P1D", ZoneInfo(KYIV))
    assert due == at("2027-10-31 03:30", fold=0) == at("2027-10-31 03:30", fold=1) - HOUR
    assert moment_of(date(2027, 10, 31), time(3, 30, fold=1), ZoneInfo(KYIV)) == due


def test_milliseconds_are_kept() -> None:
    start = at("2026-11-27 15:00") + 123
    assert before(start, "P1D", ZoneInfo(KYIV)) == at("2026-11-26 15:00") + 123


@given(st.dates(date(2020, 1, 1), date(2035, 1, 1)), st.integers(4 * 60, 24 * 60 - 1), st.integers(1, 400))
def test_days_before_show_the_same_time_on_the_wall(day: date, minute: int, days: int) -> None:
    """From 04:00 on no clock in Kyiv is ever changed."""
    time = f"{minute // 60:02}:{minute % 60:02}"
    due = before(at(f"{day} {time}"), Duration(0, days, 0), ZoneInfo(KYIV))
    assert wall(due) == f"{day - timedelta(days=days)} {time}"
