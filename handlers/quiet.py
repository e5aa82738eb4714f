"""Quiet hours: when people are not to be disturbed, by the clocks of the salon."""

from __future__ import annotations

from datetime import date, time, timedelta, tzinfo
from functools import lru_cache
from typing import Final, NamedTuple

from handlers.durations import local_day, moment_of
from storage.records import Millis


class Hours(NamedTuple):
    """From when to when it is quiet, on the wall. ``end`` before ``begin``: across midnight; both the same: never."""

    begin: time
    end: time


AT_NIGHT: Final = Hours(time(21), time(9))
"""When nobody is sent advertising, also where no quiet hours are set."""


class Span(NamedTuple):
    """One quiet stretch: ``begin <= x < end``."""

    begin: Millis
    end: Millis


def hours(begin: str, end: str) -> Hours:
    """Quiet hours from ``21:00`` and ``09:00``."""
    return Hours(time.fromisoformat(begin), time.fromisoformat(end))


def span(moment: Millis, quiet: Hours | None, zone: tzinfo) -> Span | None:
    """The quiet stretch that ``moment`` lies in; None when it is not quiet then. ``quiet`` None: there are none."""
    if quiet is None:
        return None
    today = local_day(moment, zone)
    for day in (today - timedelta(days=1), today):
        found = _span_of(day, quiet, zone)
        if found.begin <= moment < found.end:
            return found
    return None


def end_of(moment: Millis, quiet: Hours | None, zone: tzinfo) -> Millis:
    """``moment`` itself, or the end of the quiet hours that it lies in."""
    found = span(moment, quiet, zone)
    return moment if found is None else found.end


def awake_after(moment: Millis, lasting: Millis, quiet: Hours | None, zone: tzinfo, latest: Millis) -> Millis:
    """``lasting`` after ``moment``, quiet hours not counted, but never later than ``latest``."""
    left = lasting
    while moment < latest:
        moment = end_of(moment, quiet, zone)
        begin = _next_begin(moment, quiet, zone)
        if begin is None or moment + left <= begin:
            return min(moment + left, latest)
        left -= begin - moment
        moment = begin
    return latest


def _next_begin(moment: Millis, quiet: Hours | None, zone: tzinfo) -> Millis | None:
    """When it next becomes quiet after ``moment``, at which it is not; None: within three days it doesn't."""
    if quiet is None:
        return None
    today = local_day(moment, zone)
    spans = (_span_of(today + timedelta(days=ahead), quiet, zone) for ahead in range(3))
    return next((found.begin for found in spans if moment <= found.begin < found.end), None)


@lru_cache(maxsize=4096)
def _span_of(day: date, quiet: Hours, zone: tzinfo) -> Span:
    """The quiet stretch that begins on ``day``; empty where both ends are the same, or fall together in a lost hour."""
    begin = moment_of(day, quiet.begin, zone)
    if quiet.begin == quiet.end:
        return Span(begin, begin)
    last = day if quiet.begin < quiet.end else day + timedelta(days=1)
    return Span(begin, moment_of(last, quiet.end, zone))
