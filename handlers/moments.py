"""Moments as text: RFC 3339 with an offset on the way in, UTC with ``Z`` on the way out."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache

from storage.records import Millis

_RFC3339 = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,9}))?(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_EARLIEST: Millis = (datetime(1900, 1, 1, tzinfo=UTC) - _EPOCH) // _MILLISECOND
_LATEST: Millis = (datetime(2200, 1, 1, tzinfo=UTC) - _EPOCH) // _MILLISECOND
"""Moments outside are slips of the pen, and calendars of other zones end somewhere."""


@lru_cache(maxsize=4096)
def parse_moment(text: str) -> Millis:
    """The moment that ``text`` names, cut to whole milliseconds.

    Raises ``ValueError`` with a sentence for a caller: no date and time of RFC 3339, no offset, no such day,
    a year before 1900 or after 2199.
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise ValueError("must be a date and time with an offset, like 2026-11-27T15:00:00+02:00")
    day, time, fraction, sign, hours, minutes = match.groups()
    if hours is not None and (int(hours) > 23 or int(minutes) > 59):
        raise ValueError("has an offset that does not exist")
    try:
        wall = datetime.fromisoformat(f"{day}T{time}+00:00")
    except ValueError:
        raise ValueError("names a day or a time that does not exist") from None
    offset = 0 if hours is None else (int(hours) * 60 + int(minutes)) * 60_000 * (-1 if sign == "-" else 1)
    moment = (wall - _EPOCH) // _MILLISECOND + int(((fraction or "") + "000")[:3]) - offset
    if not _EARLIEST <= moment < _LATEST:
        raise ValueError("must lie between the years 1900 and 2199")
    return moment


def moment_text(moment: Millis, zone: tzinfo = UTC) -> str:
    """RFC 3339 with ``Z``, or with the offset of another ``zone``; milliseconds only where there are any."""
    there = (_EPOCH + moment * _MILLISECOND).astimezone(zone)
    text = there.isoformat(timespec="milliseconds" if moment % 1000 else "seconds")
    return text.removesuffix("+00:00") + "Z" if zone is UTC else text
