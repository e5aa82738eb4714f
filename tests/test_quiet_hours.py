"""Quiet hours on the salon's clocks: across midnight, within a day, over both changes of the clocks."""

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers import quiet
from handlers.durations import HOUR, MINUTE
from handlers.quiet import awake_after, end_of, span
from tests.support.planning import KYIV, at, wall

NIGHT = quiet.hours("21:00", "09:00")
SIESTA = quiet.hours("13:00", "15:00")
NEVER = quiet.hours("09:00", "09:00")


@pytest.mark.parametrize(
    ("hours", "zone", "moment", "stretch"),
    [
        (NIGHT, KYIV, "2026-11-27 20:59", None),
        (NIGHT, KYIV, "2026-11-27 21:00", ("2026-11-27 21:00", "2026-11-28 09:00")),
        (NIGHT, KYIV, "2026-11-28 00:00", ("2026-11-27 21:00", "2026-11-28 09:00")),
        (NIGHT, KYIV, "2026-11-28 08:59", ("2026-11-27 21:00", "2026-11-28 09:00")),
        (NIGHT, KYIV, "2026-11-28 09:00", None),
        (NIGHT, "Europe/Istanbul", "2026-11-28 03:00", ("2026-11-27 21:00", "2026-11-28 09:00")),
        (NIGHT, "Asia/Almaty", "2026-12-31 23:59", ("2026-12-31 21:00", "2027-01-01 09:00")),
        (SIESTA, KYIV, "2026-11-27 12:59", None),
        (SIESTA, KYIV, "2026-11-27 13:00", ("2026-11-27 13:00", "2026-11-27 15:00")),
        (SIESTA, KYIV, "2026-11-27 15:00", None),
        (NEVER, KYIV, "2026-11-27 09:00", None),
        (None, KYIV, "2026-11-27 03:00", None),
        # A quiet time that the clocks skip on 28 March 2027 begins when they go on.
        (quiet.hours("03:30", "08:00"), KYIV, "2027-03-28 04:00", None),
        (quiet.hours("03:30", "08:00"), KYIV, "2027-03-28 04:30", ("2027-03-28 04:30", "2027-03-28 08:00")),
        # One that lies wholly in the lost hour is moved on with it.
        (quiet.hours("03:10", "03:50"), KYIV, "2027-03-28 04:20", ("2027-03-28 04:10", "2027-03-28 04:50")),
    ],
)
def test_when_it_is_quiet(hours: quiet.Hours | None, zone: str, moment: str, stretch: tuple[str, str] | None) -> None:
    found = span(at(moment, zone), hours, ZoneInfo(zone))
    assert (found and (wall(found.begin, zone), wall(found.end, zone))) == stretch


@pytest.mark.parametrize(("evening", "lasting"), [("2027-03-27", 11), ("2027-10-30", 13), ("2027-06-01", 12)])
def test_a_night_in_which_the_clocks_change_ends_on_the_wall(evening: str, lasting: int) -> None:
    found = span(at(f"{evening} 22:00"), NIGHT, ZoneInfo(KYIV))
    assert found is not None
    assert wall(found.end).endswith("09:00")
    assert found.end - found.begin == lasting * HOUR


def test_a_quiet_time_that_comes_twice_begins_with_the_first() -> None:
    found = span(at("2027-10-31 03:45", fold=1), quiet.hours("03:30", "06:00"), ZoneInfo(KYIV))
    assert found is not None
    assert found.begin == at("2027-10-31 03:30", fold=0)


def test_outside_of_quiet_hours_nothing_is_put_off() -> None:
    noon = at("2026-11-27 12:00")
    assert end_of(noon, NIGHT, ZoneInfo(KYIV)) == noon
    assert wall(end_of(at("2026-11-27 23:00"), NIGHT, ZoneInfo(KYIV))) == "2026-11-28 09:00"


@pytest.mark.parametrize(
    ("moment", "hours", "awake"),
    [
        ("2026-11-27 12:00", 6, "2026-11-27 18:00"),
        ("2026-11-27 15:00", 6, "2026-11-27 21:00"),
        ("2026-11-27 20:00", 6, "2026-11-28 14:00"),
        ("2026-11-27 23:00", 6, "2026-11-28 15:00"),
        ("2026-11-27 10:00", 30, "2026-11-29 16:00"),
        ("2027-03-27 20:00", 6, "2027-03-28 14:00"),
    ],
)
def test_time_in_quiet_hours_is_not_counted(moment: str, hours: int, awake: str) -> None:
    latest = at("2030-01-01 00:00")
    assert wall(awake_after(at(moment), hours * HOUR, NIGHT, ZoneInfo(KYIV), latest)) == awake


def test_counting_stops_at_the_latest_moment() -> None:
    latest = at("2026-11-28 10:00")
    assert awake_after(at("2026-11-27 20:00"), 6 * HOUR, NIGHT, ZoneInfo(KYIV), latest) == latest
    assert awake_after(at("2026-11-29 20:00"), 6 * HOUR, NIGHT, ZoneInfo(KYIV), latest) == latest


ZONES = st.sampled_from([KYIV, "Europe/Istanbul", "Asia/Almaty", "America/Sao_Paulo"])
CLOCKS = st.builds(lambda hour, quarter: f"{hour:02}:{quarter * 15:02}", st.integers(0, 23), st.integers(0, 3))


@given(ZONES, CLOCKS, CLOCKS, st.integers(0, 4 * 24 * 30), st.integers(1, 48))
def test_counting_by_stretches_is_the_same_as_counting_quarter_by_quarter(
    zone: str, begin: str, end: str, quarter: int, quarters: int
) -> None:
    """Around the last change of clocks in Kyiv of 2027, two weeks to either side."""
    place, hours = ZoneInfo(zone), quiet.hours(begin, end)
    moment = at("2027-10-17 00:00", zone) + quarter * 15 * MINUTE
    latest = moment + 60 * 24 * HOUR
    counted, left = moment, quarters
    while left:
        left -= span(counted, hours, place) is None
        counted += 15 * MINUTE
    assert awake_after(moment, quarters * 15 * MINUTE, hours, place, latest) == counted
