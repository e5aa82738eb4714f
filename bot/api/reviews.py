"""Calls about reviews and tips, and the rows that serve and describe them."""

from __future__ import annotations

from typing import Any, Final

from bot.api.paging import BY_AT, part
from bot.api.review_shapes import (
    AveragesOut,
    AveragesQuery,
    ReviewFilters,
    ReviewOut,
    ReviewsQuery,
    TipFilters,
    TipOut,
    TipsQuery,
    averages_out,
    review_out,
    tip_out,
)
from bot.api.serving import Answer, Call, Route
from bot.api.shapes import ListOut
from handlers.review_stats import averages
from storage.records import Review, Tip
from storage.store import Range


async def get_reviews(call: Call[None, ReviewsQuery]) -> Answer:
    """Reviews by time."""
    where = {"business": call.business.id, **_where(call.query)}
    found = await part(call.desk.store, Review, where, call.query, BY_AT)
    return Answer(200, {"items": [review_out(record) for record in found.records], "next": found.next})


async def get_averages(call: Call[None, AveragesQuery]) -> Answer:
    """Averages of reviews."""
    found = await averages(call.desk, call.business, _where(call.query), call.query.group_by)
    return Answer(200, averages_out(found))


async def get_tips(call: Call[None, TipsQuery]) -> Answer:
    """Tips by time."""
    where = {"business": call.business.id, "status": "paid", **_where(call.query)}
    found = await part(call.desk.store, Tip, where, call.query, BY_AT)
    return Answer(200, {"items": [tip_out(record) for record in found.records], "next": found.next})


def _where(query: ReviewFilters | TipFilters) -> dict[str, Any]:
    """The filters as fields of a record."""
    names = ("salon", "master", "rating")
    where = {name: value for name in names if (value := getattr(query, name, None)) is not None}
    if query.since is not None or query.until is not None:
        where["at"] = Range(query.since, query.until)
    return where


ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="GET",
        path="/reviews",
        do=get_reviews,
        tag="Reviews and tips",
        summary="Reviews by time",
        note="By when the stars were given first. A visit has one review, which its client may change for a day.",
        query=ReviewsQuery,
        answers={200: ListOut[ReviewOut]},
    ),
    Route(
        method="GET",
        path="/reviews/stats",
        do=get_averages,
        tag="Reviews and tips",
        summary="Averages, with how many reviews they rest on",
        query=AveragesQuery,
        answers={200: AveragesOut},
    ),
    Route(
        method="GET",
        path="/tips",
        do=get_tips,
        tag="Reviews and tips",
        summary="Tips by time",
        note="What was paid by an invoice in the chat. What goes through a master's own link is between the two.",
        query=TipsQuery,
        answers={200: ListOut[TipOut]},
    ),
)
