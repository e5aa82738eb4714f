"""What callers ask of reviews and tips, and what they are answered."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from typing_extensions import TypedDict

from bot.api.fields import Id, QueryInstant, QueryInt
from bot.api.requests import Page, Query
from bot.api.shapes import Moment, MoneyOut, money, utc
from handlers.review_stats import Averages, Figure
from storage.records import Review, Tip


class TipFilters(Query):
    """Of whom, and when; ``since`` ≤ at < ``until``."""

    salon: Id | None = None
    master: Id | None = None
    since: QueryInstant | None = None
    until: QueryInstant | None = None


class ReviewFilters(TipFilters):
    """Of whom, with how many stars, and when; ``since`` ≤ at < ``until``."""

    rating: QueryInt | None = Field(None, ge=1, le=5)


class ReviewsQuery(Page, ReviewFilters):
    """Which reviews, and which part of the list."""


class TipsQuery(Page, TipFilters):
    """Which tips, and which part of the list."""


class AveragesQuery(ReviewFilters):
    """Which reviews are counted, and how."""

    group_by: Literal["salon", "master", "service", "month"] | None = None


class ReviewOut(TypedDict):
    """A review. ``client`` and ``text`` are null after the person was erased; ``photo``: one came along; ``at``: when the
    stars were given first."""

    booking: str
    client: str | None
    master: str | None
    salon: str
    services: list[str]
    rating: int
    text: str | None
    photo: bool
    channel: str
    at: Moment
    updated_at: Moment


class TipOut(TypedDict):
    """A tip that was paid here; those through a master's own link are not known."""

    id: str
    booking: str
    client: str | None
    master: str | None
    salon: str
    amount: MoneyOut
    provider: str
    charge: str | None
    at: Moment


class FigureOut(TypedDict):
    """How many reviews, and the average of their stars; null where there are none."""

    reviews: int
    average: float | None


class AverageGroupOut(FigureOut):
    """The same for one group. ``key`` is null where a visit names no such thing; a month is ``YYYY-MM``."""

    key: str | None
    name: str | None


class AveragesOut(TypedDict):
    """The average of all, and of each group. A visit of two services counts for both."""

    total: FigureOut
    groups: list[AverageGroupOut]


def review_out(record: Review) -> ReviewOut:
    """The JSON of a review."""
    return {
        "booking": record.id,
        "client": record.client,
        "master": record.master,
        "salon": record.salon,
        "services": record.services.split(),
        "rating": record.rating,
        "text": record.text,
        "photo": record.photo is not None,
        "channel": record.channel,
        "at": utc(record.at),
        "updated_at": utc(record.updated_at),
    }


def tip_out(record: Tip) -> TipOut:
    """The JSON of a tip."""
    paid = money(record.amount, record.currency)
    assert paid is not None
    return {
        "id": record.id,
        "booking": record.booking,
        "client": record.client,
        "master": record.master,
        "salon": record.salon,
        "amount": paid,
        "provider": record.provider,
        "charge": record.charge,
        "at": utc(record.at),
    }


def _figure(figure: Figure) -> FigureOut:
    return {"reviews": figure.reviews, "average": figure.average}


def averages_out(found: Averages) -> AveragesOut:
    """The JSON of averages."""
    groups: list[AverageGroupOut] = [
        {"key": group.key, "name": group.name, **_figure(group.figure)} for group in found.groups
    ]
    return {"total": _figure(found.total), "groups": groups}
