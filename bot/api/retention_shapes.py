"""What is asked and answered about who comes back."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field
from typing_extensions import TypedDict

from bot.api.fields import Id, QueryDay, QueryInt, QueryMonth
from bot.api.requests import Page, Query
from bot.api.shapes import Moment, MoneyOut, money, utc
from handlers.comings import LONGEST, Cohort
from handlers.lost import Person
from handlers.retention import Group, GroupBy, Retention, Tally
from handlers.whys import GroupBy as WhysBy
from handlers.whys import Tally as Counted
from handlers.whys import Whys
from storage.records import WhyReason

Format = Annotated[Literal["json", "csv"], Field(description="`csv`: a table for a spreadsheet, with a header.")]


class PeriodsQuery(Query):
    """Days, both ends included, in the business's time zone."""

    visit_from: QueryDay
    visit_to: QueryDay
    return_from: QueryDay
    return_to: QueryDay


class RetentionQuery(PeriodsQuery):
    """Which periods, and what the lines are of."""

    group_by: GroupBy | None = None
    format: Format = "json"


class LostQuery(PeriodsQuery, Page):
    """The lost of all, or of one group: at most one of the four."""

    salon: Id | None = None
    master: Id | None = None
    service: Id | None = None
    source: Annotated[str, Field(max_length=200)] | None = None


class CohortsQuery(Query):
    """Which months."""

    from_: QueryMonth = Field(alias="from")
    months: QueryInt = Field(12, ge=1, le=LONGEST)
    salon: Id | None = None
    format: Format = "json"


class ReasonsQuery(Query):
    """Which months, both included, and what the lines are of."""

    from_: QueryMonth = Field(alias="from")
    to: QueryMonth
    group_by: WhysBy | None = None


class ReasonsTallyOut(TypedDict):
    """How many answers, and how many for each reason: ``moved``, ``price``, ``time``, ``unhappy``, ``other``."""

    answers: int
    reasons: dict[WhyReason, int]


class ReasonsGroupOut(ReasonsTallyOut):
    """The same for one salon or master; ``key`` is null where a visit names none."""

    key: str | None
    name: str | None


class ReasonsOut(TypedDict):
    """Why clients don't come. ``total`` is null below five answers, and groups below five are left out."""

    total: ReasonsTallyOut | None
    groups: list[ReasonsGroupOut]


class TallyOut(TypedDict):
    """How many clients, and how many of them were new in the visit period."""

    total: int
    new: int


class ReturnedOut(TallyOut):
    """Who came back, the share in percent, and its 95 % Wilson interval. ``like_for_like``: the percent if the mix of new and
    known clients were that of the whole; null in the total and where a group has none of one kind."""

    percent: float
    low: float
    high: float
    like_for_like: float | None


class RetentionGroupOut(TypedDict):
    """One line of the report; ``returned``, ``lost`` and ``other_master`` add up to ``clients``. ``enough``: there are enough
    clients to judge by the percent."""

    key: str | None
    name: str | None
    clients: TallyOut
    returned: ReturnedOut
    lost: TallyOut
    other_master: TallyOut
    enough: bool


class RetentionOut(TypedDict):
    """Who comes back; groups with the most clients first."""

    total: RetentionGroupOut
    groups: list[RetentionGroupOut]


class PersonOut(TypedDict):
    """A client of a report. ``spent``: the prices of all visits. ``may_write``: an offer may be sent; ``why_not``: where not,
    a word of the fixed list."""

    client: str
    name: str
    phone: str | None
    last_visit: Moment
    salon: str
    master: str | None
    services: list[str]
    visits: int
    spent: list[MoneyOut]
    may_write: bool
    why_not: str | None


class OverdueOut(PersonOut):
    """A client who comes every ``every_days`` days as a rule and is late by it."""

    every_days: int


class MonthOut(TypedDict):
    """Who came so many months after the first visit, in percent with the 95 % Wilson interval."""

    month: int
    came: int
    percent: float
    low: float
    high: float


class CohortOut(TypedDict):
    """The new clients of one month (``YYYY-MM``); month 0 is that month."""

    month: str
    clients: int
    months: list[MonthOut]


class CohortsOut(TypedDict):
    """Who of each month's new clients came in the months after."""

    cohorts: list[CohortOut]


def _reasons(counted: Counted) -> ReasonsTallyOut:
    return {"answers": counted.answers, "reasons": dict(counted.reasons)}


def reasons_out(found: Whys) -> ReasonsOut:
    """The JSON of the reasons."""
    groups: list[ReasonsGroupOut] = [
        {"key": group.key, "name": group.name, **_reasons(group.tally)} for group in found.groups
    ]
    return {"total": _reasons(found.total) if found.total else None, "groups": groups}


def _tally(tally: Tally) -> TallyOut:
    return {"total": tally.total, "new": tally.new}


def group_out(group: Group) -> RetentionGroupOut:
    """The JSON of one line."""
    rate = group.rate
    return {
        "key": group.key,
        "name": group.name,
        "clients": _tally(group.clients),
        "returned": {
            "total": group.returned.total,
            "new": group.returned.new,
            "percent": rate.percent,
            "low": rate.low,
            "high": rate.high,
            "like_for_like": group.like_for_like,
        },
        "lost": _tally(group.lost),
        "other_master": _tally(group.other_master),
        "enough": group.enough,
    }


def retention_out(report: Retention) -> RetentionOut:
    """The JSON of the report."""
    return {"total": group_out(report.total), "groups": [group_out(group) for group in report.groups]}


def person_out(person: Person) -> PersonOut:
    """The JSON of a client of a report."""
    sums = [money(amount, currency) for currency, amount in sorted(person.spent.items())]
    return {
        "client": person.client.id,
        "name": person.client.name,
        "phone": person.client.phone,
        "last_visit": utc(person.last.starts_at),
        "salon": person.last.salon,
        "master": person.last.master,
        "services": list(person.last.services),
        "visits": person.visits,
        "spent": [amount for amount in sums if amount is not None],
        "may_write": person.why_not is None,
        "why_not": person.why_not,
    }


def cohort_out(cohort: Cohort) -> CohortOut:
    """The JSON of a cohort."""
    months: list[MonthOut] = []
    for month, came in enumerate(cohort.came):
        rate = cohort.rate(month)
        months.append({"month": month, "came": came, "percent": rate.percent, "low": rate.low, "high": rate.high})
    return {"month": cohort.month, "clients": cohort.clients, "months": months}


RETENTION_HEADER = (
    "key", "name", "clients", "new", "returned", "returned_new", "percent", "low", "high", "like_for_like", "lost",
    "lost_new", "other_master", "enough",
)  # fmt: skip


def retention_rows(report: Retention) -> list[tuple[Any, ...]]:
    """The report as a table: the total first, with the key empty."""
    rows: list[tuple[Any, ...]] = [RETENTION_HEADER]
    for group in (report.total, *report.groups):
        judged = "yes" if group.enough else "no"
        counts = (*group.clients, *group.returned, *group.rate, group.like_for_like, *group.lost)
        rows.append((group.key, group.name, *counts, group.other_master.total, judged))
    return rows


def cohort_rows(cohorts: tuple[Cohort, ...]) -> list[tuple[Any, ...]]:
    """Cohorts as a table: a line for each, a column for each month after."""
    width = len(cohorts[0].came) if cohorts else 0
    rows: list[tuple[Any, ...]] = [("month", "clients", *(f"month_{number}" for number in range(1, width)))]
    for cohort in cohorts:
        after = cohort.came[1:]
        rows.append((cohort.month, cohort.clients, *after, *([None] * (width - 1 - len(after)))))
    return rows
