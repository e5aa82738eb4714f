"""When a client is invited again: by the service, by the client's own rhythm where it is steady, and not at all."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.rebook import LONGEST, SHORTEST, invitation, rhythm
from handlers.settings import in_force, place
from storage.records import Booking, Business, Service
from tests.support.planning import a_booking, at, wall

FIRST = date(2026, 1, 5)
BUSINESS = Business(business="b", id="b", name="B")
SERVICE = Service(business="b", id="haircut", name="Стрижка")


def days(*gaps: int) -> list[date]:
    """Days of visits with these days between them."""
    found = [FIRST]
    for gap in gaps:
        found.append(found[-1] + timedelta(days=gap))
    return found


@pytest.mark.parametrize(
    ("gaps", "expected"),
    [
        ((), None),
        ((28,), None),
        ((28, 28), 28),
        ((27, 30), 28),
        ((28, 60), None),
        ((28, 28, 28, 90), 28),
        ((28, 90, 28, 90), None),
        ((14, 40, 14, 41, 14), None),
        ((90, 90, 21, 21, 21, 21, 21, 21), 21),
        ((3, 3, 3), None),
        ((500, 500), None),
        ((8, 8, 10, 12), 9),
    ],
)
def test_a_rhythm_is_what_comes_back_steadily(gaps: tuple[int, ...], expected: int | None) -> None:
    assert rhythm(days(*gaps)) == expected


@given(st.lists(st.integers(0, 600), max_size=12))
def test_a_rhythm_is_never_shorter_or_longer_than_makes_sense(gaps: list[int]) -> None:
    found = rhythm(days(*gaps))
    assert found is None or SHORTEST <= found <= LONGEST


def invited(
    start: str = "2026-11-27 15:00",
    now: str | None = None,
    intervals: tuple[str | None, ...] = ("P3W",),
    came: tuple[date, ...] = (),
    settings: dict[str, Any] | None = None,
    **visit: Any,
) -> str | None:
    """When the invitation after a visit is due, or why not."""
    booking: Booking = a_booking(at(start), at(start) - 86_400_000, status="arrived", **visit)
    services = [replace(SERVICE, id=f"s{number}", rebook_after=after) for number, after in enumerate(intervals)]
    business = replace(BUSINESS, settings=settings or {})
    found = invitation(booking, came, services, in_force(business, None), place(business, None), at(now or start))
    return None if found is None else found.reason or wall(found.due)


def test_the_interval_of_the_service_counts_at_the_salons_hour() -> None:
    assert invited() == "2026-12-18 11:00"
    assert invited(settings={"kinds": {"rebook_invitation": {"at": "18:30"}}}) == "2026-12-18 18:30"


def test_of_several_services_the_shortest_counts() -> None:
    assert invited(intervals=("P2M", "P3W", None)) == "2026-12-18 11:00"


@pytest.mark.parametrize(
    ("start", "interval", "due"),
    [
        ("2027-01-31 15:00", "P1M", "2027-02-28 11:00"),
        ("2027-12-31 15:00", "P2M", "2028-02-29 11:00"),
        ("2026-11-27 15:00", "P24M", "2028-11-27 11:00"),
        ("2027-03-27 15:00", "P1D", "2027-03-28 11:00"),
    ],
)
def test_months_end_on_their_last_day_and_days_are_the_salons(start: str, interval: str, due: str) -> None:
    assert invited(start, intervals=(interval,)) == due


def test_a_steady_rhythm_outranks_the_service() -> None:
    assert invited(came=tuple(days(35, 35, 35))) == "2027-01-01 11:00"


def test_without_interval_and_rhythm_nobody_is_invited() -> None:
    assert invited(intervals=(None,)) is None


def test_an_hour_in_quiet_hours_waits_for_their_end() -> None:
    assert invited(settings={"kinds": {"rebook_invitation": {"at": "07:00"}}}) == "2026-12-18 09:00"


def test_whoever_is_marked_long_afterwards_is_not_invited_for_a_day_that_has_passed() -> None:
    assert invited(now="2026-12-20 12:00") == "too_late"


def test_whoever_did_not_come_is_asked_on_the_next_day() -> None:
    marked = at("2026-11-27 19:00")
    missed = a_booking(at("2026-11-27 15:00"), at("2026-11-20 15:00"), status="no_show", updated_at=marked)
    found = invitation(missed, (), (), in_force(BUSINESS, None), place(BUSINESS, None), marked)
    assert found is not None and (found.reason, wall(found.due)) == (None, "2026-11-28 11:00")
    late = invitation(missed, (), (), in_force(BUSINESS, None), place(BUSINESS, None), at("2026-12-10 12:00"))
    assert late is not None and late.reason == "too_late"
