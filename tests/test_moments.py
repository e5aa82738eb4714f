"""Moments of the API: RFC 3339 with an offset in, UTC with Z out."""

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.moments import moment_text, parse_moment


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-11-27T15:00:00+02:00", "2026-11-27T13:00:00Z"),
        ("2026-11-27T15:00:00Z", "2026-11-27T15:00:00Z"),
        ("2026-11-27t15:00:00z", "2026-11-27T15:00:00Z"),
        ("2026-11-27 15:00:00-03:30", "2026-11-27T18:30:00Z"),
        ("2026-11-27T15:00:00.5Z", "2026-11-27T15:00:00.500Z"),
        ("2026-11-27T15:00:00.123999Z", "2026-11-27T15:00:00.123Z"),
        ("1969-12-31T23:59:59.250Z", "1969-12-31T23:59:59.250Z"),
    ],
)
def test_a_moment_is_read_with_its_offset_and_shown_in_utc(text: str, utc: str) -> None:
    assert moment_text(parse_moment(text)) == utc


@pytest.mark.parametrize(
    "text",
    [
        "", "2026-11-27", "2026-11-27T15:00:00", "2026-11-27T15:00Z", "2026-02-30T10:00:00Z", "2026-11-27T24:00:00Z",
        "2026-11-27T15:00:00+0200", "2026-11-27T15:00:00+25:00", "٢٠٢٦-11-27T15:00:00Z", "2026-11-27T15:00:00Z\n",
        "1899-12-31T23:59:59Z", "2200-01-01T00:00:00Z", "9999-12-31T23:59:59-01:00", "0001-01-01T00:00:00+01:00",
    ],
)  # fmt: skip
def test_anything_else_is_no_moment(text: str) -> None:
    with pytest.raises(ValueError, match=r"must|not exist"):
        parse_moment(text)


def test_a_moment_can_be_shown_with_the_offset_of_a_place() -> None:
    moment = parse_moment("2026-11-27T13:00:00Z")
    assert moment_text(moment, ZoneInfo("Europe/Kyiv")) == "2026-11-27T15:00:00+02:00"
    assert moment_text(moment, ZoneInfo("Europe/London")) == "2026-11-27T13:00:00+00:00"


@given(st.integers(-2_000_000_000_000, 7_000_000_000_000))
def test_what_is_shown_reads_back_as_the_same(moment: int) -> None:
    assert parse_moment(moment_text(moment)) == moment
