"""ISO 8601 durations: days and weeks by the calendar of a zone, hours and minutes as time that elapses.

The grammar is ``PnW``, ``PnD``, ``PTnH``, ``PTnM`` and combinations, and ``PnM`` (calendar months) where it is allowed.
A wall-clock time that a zone skips moves forward by what was skipped; of one that comes twice the first is meant.
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import Final, NamedTuple

from storage.records import Millis

MINUTE: Final[Millis] = 60_000
HOUR: Final[Millis] = 60 * MINUTE
DAY: Final[Millis] = 24 * HOUR

_GRAMMAR = re.compile(
    r"P(?=[0-9T])(?:([0-9]{1,4})M)?(?:([0-9]{1,4})W)?(?:([0-9]{1,4})D)?"
    r"(?:T(?=[0-9])(?:([0-9]{1,5})H)?(?:([0-9]{1,6})M)?)?"
)


class Duration(NamedTuple):
    """A length of time. ``months`` and ``days`` are counted on a calendar, ``elapsed`` is milliseconds."""

    months: int
    days: int
    elapsed: Millis


NOTHING: Final = Duration(0, 0, 0)


@lru_cache(maxsize=4096)
def parse(text: str, *, months: bool = False) -> Duration:
    """The duration that ``text`` writes; ``PnM`` only with ``months``.

    Raises ``ValueError`` with a sentence for a caller.
    """
    match = _GRAMMAR.fullmatch(text)
    if match is None:
        raise ValueError("must be a duration like P1D, P2W or PT1H30M" + (", or P1M" if months else ""))
    month, week, day, hour, minute = (int(part or 0) for part in match.groups())
    if match[1] is not None and not months:
        raise ValueError("must not count in months")
    return Duration(month, week * 7 + day, hour * HOUR + minute * MINUTE)


@lru_cache(maxsize=4096)
def canonical(duration: Duration) -> str:
    """The one way to write ``duration``: ``P1W`` and ``P7D`` are ``P7D``, ``PT60M`` is ``PT1H``, nothing is ``PT0M``."""
    months, days, elapsed = duration
    hours, minutes = divmod(elapsed // MINUTE, 60)
    dates = (f"{months}M" if months else "") + (f"{days}D" if days else "")
    times = (f"{hours}H" if hours else "") + (f"{minutes}M" if minutes else "")
    return f"P{dates}T{times}" if times else f"P{dates}" if dates else "PT0M"


@lru_cache(maxsize=4096)
def length(duration: Duration) -> Millis:
    """How long ``duration`` is for comparisons: a day is 24 hours, a month 30 days."""
    return (duration.months * 30 + duration.days) * DAY + duration.elapsed


def before(moment: Millis, duration: Duration | str, zone: tzinfo) -> Millis:
    """``duration`` before ``moment``: first back on the calendar of ``zone``, then back by what elapses."""
    months, days, elapsed = parse(duration, months=True) if isinstance(duration, str) else duration
    return _shift(moment, -months, -days, zone) - elapsed


def after(moment: Millis, duration: Duration | str, zone: tzinfo) -> Millis:
    """``duration`` after ``moment``: first on along the calendar of ``zone``, then on by what elapses."""
    months, days, elapsed = parse(duration, months=True) if isinstance(duration, str) else duration
    return _shift(moment, months, days, zone) + elapsed


def wall(moment: Millis, zone: tzinfo) -> datetime:
    """What calendar and clock show in ``zone``, to the second."""
    return datetime.fromtimestamp(moment // 1000, zone)


def local_day(moment: Millis, zone: tzinfo) -> date:
    """The calendar day in ``zone``."""
    return wall(moment, zone).date()


def moment_of(day: date, at: time, zone: tzinfo) -> Millis:
    """When the clocks of ``zone`` show ``at`` on ``day``: moved forward where they skip it, the first of two."""
    return int(datetime.combine(day, at.replace(fold=0), zone).timestamp()) * 1000


def _shift(moment: Millis, months: int, days: int, zone: tzinfo) -> Millis:
    if not months and not days:
        return moment
    there = wall(moment, zone)
    day = _months_on(there.date(), months) + timedelta(days=days)
    return moment_of(day, there.time(), zone) + moment % 1000


def _months_on(day: date, months: int) -> date:
    if not months:
        return day
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
