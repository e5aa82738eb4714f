"""Moments of the API: RFC 3339 with an offset in, UTC with Z out."""

from datetime import UTC, datetime
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
    ],
)  # fmt: skip
def test_anything_else_is_no_moment(text: str) -> None:
    with pytest.raises(ValueError, match="must|not exist"):
        parse_moment(text)


def test_a_moment_can_be_shown_with_the_offset_of_a_place() -> None:
    moment = parse_moment("2026-11-27T13:00:00Z")
    assert moment_text(moment, ZoneInfo("Europe/Kyiv")) == "2026-11-27T15:00:00+02:00"
    assert moment_text(moment, ZoneInfo("Europe/London")) == "2026-11-27T13:00:00+00:00"


@given(st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)))
def test_what_is_shown_reads_back_as_the_same(moment: datetime) -> None:
    millis = round((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000)
    assert parse_moment(moment_text(millis)) == millis
