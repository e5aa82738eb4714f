"""Calls about who comes back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from zoneinfo import ZoneInfo

from bot.api.paging import page_of
from bot.api.requests import Page
from bot.api.retention_shapes import (
    CohortsOut,
    CohortsQuery,
    LostQuery,
    OverdueOut,
    PeriodsQuery,
    PersonOut,
    ReasonsOut,
    ReasonsQuery,
    RetentionOut,
    RetentionQuery,
    cohort_out,
    cohort_rows,
    person_out,
    reasons_out,
    retention_out,
    retention_rows,
)
from bot.api.serving import Answer, Call, Route
from bot.api.shapes import ListOut
from bot.tables import BOM, lines
from handlers.comings import LONGEST, cohorts, months_from, overdue
from handlers.durations import DAY, local_day
from handlers.invalid import Invalid
from handlers.lost import people_of
from handlers.retention import GroupBy, Periods, lost_clients, periods, retention
from handlers.settings import place
from handlers.whys import whys
from storage.records import Business

GROUPS: tuple[GroupBy, ...] = ("salon", "master", "service", "source")


def _zone(business: Business) -> ZoneInfo:
    return place(business, None).zone


def _table(rows: Iterable[Iterable[object]]) -> bytes:
    return BOM.encode() + lines(rows, "en")


def _periods(business: Business, asked: PeriodsQuery) -> Periods:
    return periods((asked.visit_from, asked.visit_to), (asked.return_from, asked.return_to), _zone(business))


async def get_retention(call: Call[None, RetentionQuery]) -> Answer:
    """Who comes back."""
    report = await retention(call.desk, call.business, _periods(call.business, call.query), call.query.group_by)
    if call.query.format == "csv":
        return Answer(200, csv=_table(retention_rows(report)))
    return Answer(200, retention_out(report))


async def get_lost(call: Call[None, LostQuery]) -> Answer:
    """Who did not come back."""
    asked = [(by, key) for by in GROUPS if (key := getattr(call.query, by)) is not None]
    if len(asked) > 1:
        raise Invalid([(f"/{asked[1][0]}", f"can't be given together with {asked[0][0]}: ask for one group")])
    by, key = asked[0] if asked else (None, None)
    lost = await lost_clients(call.desk, call.business, _periods(call.business, call.query), by, key)
    ids, more = page_of(lost, call.query)
    people = await people_of(call.desk, call.business, ids)
    return Answer(200, {"items": [person_out(person) for person in people], "next": more})


async def get_cohorts(call: Call[None, CohortsQuery]) -> Answer:
    """Who of each month's new clients came in the months after."""
    asked, zone = call.query, _zone(call.business)
    first = asked.from_
    count = sum(month <= _today(call, zone) for month in months_from(first, asked.months))
    if not count:
        raise Invalid([("/from", "must not lie in the future")])
    found = await cohorts(call.desk, call.business, first, count, zone, asked.salon)
    if asked.format == "csv":
        return Answer(200, csv=_table(cohort_rows(found)))
    return Answer(200, {"cohorts": [cohort_out(cohort) for cohort in found]})


def _today(call: Call[None, CohortsQuery], zone: ZoneInfo) -> date:
    return local_day(call.desk.now(), zone)


async def get_overdue(call: Call[None, Page]) -> Answer:
    """Who is later than the own rhythm would have it."""
    late = {row.client: row for row in await overdue(call.desk, call.business)}
    ids, more = page_of(sorted(late), call.query)
    people = await people_of(call.desk, call.business, ids)
    items = [{**person_out(person), "every_days": round(late[person.client.id].rhythm / DAY)} for person in people]
    return Answer(200, {"items": items, "next": more})


async def get_reasons(call: Call[None, ReasonsQuery]) -> Answer:
    """Why clients don't come."""
    asked = call.query
    count = (asked.to.year - asked.from_.year) * 12 + asked.to.month - asked.from_.month + 1
    if not 1 <= count <= LONGEST:
        raise Invalid([("/to", f"must be the month of from, or one of the {LONGEST - 1} after it")])
    found = await whys(call.desk, call.business, months_from(asked.from_, count), asked.group_by)
    return Answer(200, reasons_out(found))


TAG = "Retention"
ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/retention",
        do=get_retention,
        tag=TAG,
        summary="Who comes back",
        note="Of the clients with an `arrived` visit in the visit period: who had a later one in the return period or has a "
        "booking yet to come, and who is lost. By salon or master, returned means to the same one; who stayed with the salon "
        "but left the master is counted apart. By service or source, returned means to anything.",
        query=RetentionQuery,
        answers={200: RetentionOut},
        csv=True,
    ),
    Route(
        method="GET",
        path="/retention/lost",
        do=get_lost,
        tag=TAG,
        summary="Who did not come back, by id",
        query=LostQuery,
        answers={200: ListOut[PersonOut]},
    ),
    Route(
        method="GET",
        path="/retention/cohorts",
        do=get_cohorts,
        tag=TAG,
        summary="Who of each month's new clients came in the months after",
        query=CohortsQuery,
        answers={200: CohortsOut},
        csv=True,
    ),
    Route(
        method="GET",
        path="/retention/overdue",
        do=get_overdue,
        tag=TAG,
        summary="Who is later than the own rhythm would have it, by id",
        note="Clients with three visits or more at steady intervals, late by half an interval and a week at least, without a "
        "booking to come.",
        query=Page,
        answers={200: ListOut[OverdueOut]},
    ),
    Route(
        method="GET",
        path="/reasons",
        do=get_reasons,
        tag=TAG,
        summary="Why clients don't come, in numbers",
        note="One tap of theirs under a cancelled visit, or once a year under a mailing to those who stay away. Kept without "
        "client and visit. Fewer than five answers are not shown, nor a group where the rest would be fewer than five.",
        query=ReasonsQuery,
        answers={200: ReasonsOut},
    ),
)
