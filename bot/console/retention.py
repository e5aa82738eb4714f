"""Who comes back: rates with their intervals, the lost one by one, months after the first visit, and who is overdue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from aiohttp import web

from bot import tables
from bot.api.retention_shapes import retention_rows
from bot.console.site import Action, Call, Page
from handlers.comings import cohorts, months_from, overdue
from handlers.day_cards import day_of
from handlers.durations import DAY
from handlers.formats import money
from handlers.i18n import mark
from handlers.invalid import Invalid
from handlers.lost import Person, people_of
from handlers.retention import Group, GroupBy, Periods, lost_clients, periods, retention
from handlers.whys import VERBS, whys
from handlers.whys import GroupBy as WhysBy
from handlers.wording_choices import labels
from handlers.wording_reasons import in_words

SHOWN: Final = 50
MONTHS: Final = 6
YEAR: Final = 13
"""Months of which the reasons are told, this one and the same of last year included."""
GROUPS: Final[tuple[tuple[GroupBy, str], ...]] = (
    ("master", mark("By specialist")),
    ("service", mark("By service")),
    ("salon", mark("By salon")),
    ("source", mark("By source")),
)
NOBODY: Final[Mapping[GroupBy, str]] = {
    "master": mark("No specialist named"),
    "service": mark("No service named"),
    "salon": mark("No salon named"),
    "source": mark("Unknown"),
}
NAMES: Final = ("visit_from", "visit_to", "return_from", "return_to")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the page is asked for: four days, how the lines are grouped, and of which group the lost are listed."""

    days: tuple[date, date, date, date]
    by: GroupBy
    key: str | None = None

    @property
    def query(self) -> str:
        """The same behind a question mark."""
        return urlencode({**{name: day.isoformat() for name, day in zip(NAMES, self.days, strict=True)}, "by": self.by})

    def periods(self, call: Call) -> Periods:
        """The moments. Raises :class:`Invalid`."""
        return periods(self.days[:2], self.days[2:], call.zone)


def read(query: Mapping[str, str], today: date) -> Asked:
    """What was asked for; what is no date is as if it were not said: last quarter's clients, and who came since."""
    quarter = date(today.year, (today.month - 1) // 3 * 3 + 1, 1)
    usual = (_back(quarter), quarter - timedelta(days=1), quarter, today)
    days = [_day(query.get(name, "")) or day for name, day in zip(NAMES, usual, strict=True)]
    by = next((by for by, _ in GROUPS if by == query.get("by")), GROUPS[0][0])
    return Asked((days[0], days[1], days[2], days[3]), by, query.get("key") or None)


def _back(quarter: date) -> date:
    return date(quarter.year - (quarter.month == 1), (quarter.month + 8) % 12 + 1, 1)


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 1990 <= day.year <= 2190 else None


def _line(call: Call, group: Group, asked: Asked | None) -> dict[str, Any]:
    """A line of the table; ``low``, ``percent`` and ``width`` of its bar in hundredths of the whole."""
    rate = group.rate
    name = call.t(mark("All clients")) if asked is None else group.name or group.key or call.t(NOBODY[asked.by])
    key = f"&{urlencode({'key': group.key})}" if asked is not None and group.key is not None else ""
    return {
        "name": name,
        "group": group,
        "rate": rate,
        "x": rate.low,
        "width": max(rate.high - rate.low, 0.5),
        "key": key,
        "listed": asked is None or group.key is not None,
    }


async def show(call: Call) -> web.StreamResponse:
    """The report."""
    today = day_of(call.business, None, call.now)
    asked = read(call.query, today)
    try:
        report = await retention(call.desk, call.business, asked.periods(call), asked.by)
    except Invalid as error:
        return call.render("retention.html", status=422, asked=asked, **_shared(call, asked), faults=_whys(error))
    first = _back(_back(date(today.year, (today.month - 1) // 3 * 3 + 1, 1)))
    count = sum(month <= today for month in months_from(first, MONTHS + 3))
    return call.render(
        "retention.html",
        asked=asked,
        **_shared(call, asked),
        faults=[],
        total=_line(call, report.total, None),
        lines=[_line(call, group, asked) for group in report.groups],
        masters=asked.by == "master",
        cohorts=await cohorts(call.desk, call.business, first, count, call.zone),
        reasons=await _reasons(call, today, asked.by),
    )


async def _reasons(call: Call, today: date, by: GroupBy) -> dict[str, Any]:
    """Why clients don't come, of the last year: a column for each reason and a line for each group that may be shown."""
    apart: WhysBy | None = "salon" if by == "salon" else "master" if by == "master" else None
    year = months_from(date(today.year - 1, today.month, 1), YEAR)
    found = await whys(call.desk, call.business, year, apart)
    named = [(group.name or group.key or call.t(NOBODY[by]), group.tally) for group in found.groups]
    total = [(call.t(mark("All clients")), found.total)] if found.total else []
    return {"titles": [labels(verb, call.language) for verb in VERBS], "lines": [*total, *named]}


def _shared(call: Call, asked: Asked) -> dict[str, Any]:
    titles = (mark("Clients from"), mark("to"), mark("Came again from"), mark("to"))
    fields = [
        {"name": name, "title": call.t(title), "value": day.isoformat()}
        for name, title, day in zip(NAMES, titles, asked.days, strict=True)
    ]
    return {"fields": fields, "groups": [(by, call.t(title)) for by, title in GROUPS]}


def _whys(error: Invalid) -> list[str]:
    return [why for _, why in error.errors]


async def show_lost(call: Call) -> web.StreamResponse:
    """The lost of all, or of one group."""
    asked = read(call.query, day_of(call.business, None, call.now))
    by = asked.by if asked.key is not None else None
    try:
        ids = await lost_clients(call.desk, call.business, asked.periods(call), by, asked.key)
    except Invalid as error:
        return call.render("retention.html", status=422, asked=asked, **_shared(call, asked), faults=_whys(error))
    return await _people(call, call.t(mark("Did not come back")), ids, query=asked.query, asked=asked)


async def show_overdue(call: Call) -> web.StreamResponse:
    """Who is later than the own rhythm would have it."""
    late = {row.client: round(row.rhythm / DAY) for row in await overdue(call.desk, call.business)}
    return await _people(call, call.t(mark("Overdue by their own rhythm")), list(late), rhythm=late)


async def _people(
    call: Call,
    heading: str,
    ids: Sequence[str],
    *,
    query: str = "",
    asked: Asked | None = None,
    rhythm: Mapping[str, int] | None = None,
) -> web.StreamResponse:
    at = int(call.query.get("at", "0")) if call.query.get("at", "0").isdecimal() else 0
    shown = await people_of(call.desk, call.business, ids[at : at + SHOWN])
    more = at + SHOWN if len(ids) > at + SHOWN else None
    return call.render(
        "lost.html",
        heading=heading,
        total=len(ids),
        people=[_person(call, person, (rhythm or {}).get(person.client.id)) for person in shown],
        query=query,
        asked=asked,
        more=more,
        path="retention/lost" if asked else "retention/overdue",
    )


def _person(call: Call, person: Person, days: int | None) -> dict[str, Any]:
    sums = [money(amount, currency, call.language) for currency, amount in sorted(person.spent.items())]
    return {
        "person": person,
        "spent": " + ".join(sums),
        "why_not": in_words(person.why_not, call.language) if person.why_not else None,
        "days": days,
    }


async def export(call: Call) -> web.StreamResponse:
    """The report as a file for a spreadsheet."""
    asked = read(call.query, day_of(call.business, None, call.now))
    report = await retention(call.desk, call.business, asked.periods(call), asked.by)
    response = await tables.begun(call.request, "retention.csv")
    await response.write(tables.lines(retention_rows(report), call.language))
    await response.write_eof()
    return response


PAGE: Final = Page(
    path="retention",
    area="retention",
    title=mark("Who comes back"),
    actions=(
        Action("GET", "", show),
        Action("GET", ".csv", export),
        Action("GET", "/lost", show_lost),
        Action("GET", "/overdue", show_overdue),
    ),
)
