"""Calls about mailings to groups of clients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import Field
from typing_extensions import TypedDict

from bot.api.count_shapes import WordsOut, words_out
from bot.api.fields import Instant, Lasting, Line, Name
from bot.api.paging import part
from bot.api.problems import Problem
from bot.api.requests import Body, NoQuery, Page
from bot.api.serving import Answer, Call, Route, found
from bot.api.shapes import ListOut, Moment, MoneyOut, money, utc, when
from bot.api.tenants import put_status
from handlers import campaigns
from handlers.audience import Audience
from handlers.campaign_results import Outcome, Result, result_of
from handlers.costs import decimal_text, usual_prices
from handlers.i18n import LANGUAGES, language_of
from handlers.invalid import Invalid
from handlers.settings_schema import Text
from handlers.templates import check
from handlers.wording_campaign import in_words
from storage.records import Campaign

TAG: Final = "Mailings"


class CampaignIn(Body):
    """A mailing. It may be replaced until it is started."""

    name: Name
    audience: Audience = Field(default_factory=Audience, description="Filters, all of which must hold.")
    texts: dict[str, Text] | None = Field(
        None, description="The text by language, with variables in brackets; left out: the ready one.", examples=[{}]
    )
    bonus: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        None, description="Points for everybody written to."
    )
    bonus_expires_after: Lasting | None = None
    promo_code: Line | None = None
    holdout_percent: Annotated[int, Field(ge=0, le=50)] = Field(
        10, description="So many of a hundred, drawn by lot, get nothing, for comparison."
    )
    per_hour: Annotated[int, Field(ge=1, le=3600)] = 200
    starts_at: Instant | None = Field(None, description="Not before this moment; left out: once it is started.")


class OutcomeOut(TypedDict):
    """What the clients of one part did; ``percent`` of them came, with its 95 % Wilson interval."""

    clients: int
    booked: int
    came: int
    percent: float
    low: float
    high: float
    revenue: MoneyOut | None


class DifferenceOut(TypedDict):
    """How many percentage points more came of those who were written to, with its 95 % interval (Newcombe)."""

    points: float
    low: float
    high: float


class ResultOut(TypedDict):
    """What a mailing brought until now. ``summary`` says it in a sentence of the business's language."""

    status_reported: WordsOut
    read: int
    message: OutcomeOut
    holdout: OutcomeOut
    difference: DifferenceOut
    left_out: dict[str, int]
    bonus_spent: str
    summary: str


class CampaignOut(TypedDict):
    """A mailing. ``result`` is null until it is started, and in lists."""

    id: str
    name: str
    status: Literal["draft", "listing", "running", "stopped", "done"]
    audience: dict[str, Any]
    texts: dict[str, str]
    bonus: int | None
    bonus_expires_after: str | None
    promo_code: str | None
    holdout_percent: int
    per_hour: int
    starts_at: Moment | None
    created_at: Moment
    started_at: Moment | None
    finished_at: Moment | None
    result: ResultOut | None


class PreviewOut(TypedDict):
    """What a start would do now. ``cost``: by the usual prices of the last month, where there are any."""

    matched: int
    message: int
    holdout: int
    left_out: dict[str, int]
    channels: dict[str, int]
    cost: list[MoneyOut]


def campaign_out(campaign: Campaign, result: ResultOut | None = None) -> CampaignOut:
    """The JSON of a mailing."""
    return {
        "id": campaign.id,
        "name": campaign.name,
        "status": campaign.status,
        "audience": dict(campaign.audience),
        "texts": dict(campaign.texts),
        "bonus": campaign.bonus,
        "bonus_expires_after": campaign.bonus_expires_after,
        "promo_code": campaign.promo_code,
        "holdout_percent": campaign.holdout_percent,
        "per_hour": campaign.per_hour,
        "starts_at": when(campaign.starts_at),
        "created_at": utc(campaign.created_at),
        "started_at": when(campaign.started_at),
        "finished_at": when(campaign.finished_at),
        "result": result,
    }


def _outcome(outcome: Outcome, currency: str) -> OutcomeOut:
    rate = outcome.rate
    return {
        "clients": outcome.clients,
        "booked": outcome.booked,
        "came": outcome.came,
        "percent": rate.percent,
        "low": rate.low,
        "high": rate.high,
        "revenue": money(outcome.revenue, currency),
    }


def result_out(result: Result, currency: str, language: str) -> ResultOut:
    """The JSON of what a mailing brought."""
    return {
        "status_reported": words_out(result.words),
        "read": result.read,
        "message": _outcome(result.message, currency),
        "holdout": _outcome(result.holdout, currency),
        "difference": {
            "points": result.difference.points,
            "low": result.difference.low,
            "high": result.difference.high,
        },
        "left_out": dict(result.left_out),
        "bonus_spent": str(result.bonus_spent),
        "summary": in_words(result.message.rate.percent, result.holdout.rate.percent, result.holdout.clients, language),
    }


async def put_campaign(call: Call[CampaignIn, NoQuery]) -> Answer:
    """Create or replace a mailing."""
    campaign, new = await campaigns.save(call.desk, call.business, call.id, fields_of(call.body))
    return Answer(put_status(new), campaign_out(campaign))


def fields_of(body: CampaignIn) -> dict[str, Any]:
    """The fields of the record that a body asks for. Raises :class:`Invalid` for a text that can't be kept."""
    return {
        "name": body.name,
        "audience": body.audience.model_dump(exclude_none=True, by_alias=True),
        "texts": _texts(body.texts or {}),
        "bonus": body.bonus,
        "bonus_expires_after": body.bonus_expires_after,
        "promo_code": body.promo_code,
        "holdout_percent": body.holdout_percent,
        "per_hour": body.per_hour,
        "starts_at": body.starts_at,
    }


def _texts(given: Mapping[str, str]) -> dict[str, str]:
    """The texts by the short names of their languages. Raises :class:`Invalid`."""
    faults, texts = [], {}
    for tag, text in given.items():
        language = language_of(tag, "")
        if not language:
            faults.append((f"/texts/{tag}", f"is not one of the languages {', '.join(LANGUAGES)}"))
        else:
            texts[language] = text
            faults += [(f"/texts/{tag}", why) for why in check(text)]
    if faults:
        raise Invalid(faults)
    return texts


async def _campaign(call: Call[Any, Any]) -> Campaign:
    return found(await call.desk.store.get(Campaign, call.business.id, call.id))


async def get_campaign(call: Call[None, NoQuery]) -> Answer:
    """One mailing with its result."""
    campaign = await _campaign(call)
    if campaign.started_at is None:
        return Answer(200, campaign_out(campaign))
    result = await result_of(call.desk, call.business, campaign)
    return Answer(200, campaign_out(campaign, result_out(result, call.business.currency, call.business.language)))


async def get_campaigns(call: Call[None, Page]) -> Answer:
    """All mailings."""
    found_ones = await part(call.desk.store, Campaign, {"business": call.business.id}, call.query)
    return Answer(200, {"items": [campaign_out(one) for one in found_ones.records], "next": found_ones.next})


async def post_preview(call: Call[None, NoQuery]) -> Answer:
    """What a start would do now."""
    seen = await campaigns.preview(call.desk, call.business, await _campaign(call))
    prices = await usual_prices(call.desk, call.business)
    cost: list[MoneyOut] = [
        {"amount": decimal_text(price * seen.ways[channel]), "currency": currency}
        for channel, (price, currency) in sorted(prices.items())
        if channel in seen.ways
    ]
    told: PreviewOut = {
        "matched": seen.matched,
        "message": seen.message,
        "holdout": seen.holdout,
        "left_out": dict(seen.left_out),
        "channels": dict(seen.ways),
        "cost": cost,
    }
    return Answer(200, told)


async def post_start(call: Call[None, NoQuery]) -> Answer:
    """Begin a mailing."""
    try:
        begun = await campaigns.start(call.desk, await _campaign(call))
    except campaigns.Ended:
        raise Problem("conflict", "The mailing was stopped: make another one.") from None
    return Answer(200, campaign_out(begun))


async def post_stop(call: Call[None, NoQuery]) -> Answer:
    """End a mailing."""
    return Answer(200, campaign_out(await campaigns.stop(call.desk, call.business, await _campaign(call))))


EXAMPLE: Final[dict[str, Any]] = {
    "name": "Повертаємо тих, хто давно не був",
    "audience": {"last_visit": {"to": "2026-08-31"}, "visits": {"min": 2}},
    "texts": {"uk": "[Клієнт], ми сумуємо за вами! Даруємо вам [Кількість бонусів]. Запис: [Посилання]"},
    "bonus": 500,
    "holdout_percent": 10,
}


def _route(method: str, path: str, do: Any, summary: str, **more: Any) -> Route:
    return Route(method=method, path=path, do=do, tag=TAG, summary=summary, **more)


ROUTES: Final[tuple[Route, ...]] = (
    _route(
        "PUT",
        "/campaigns/{id}",
        put_campaign,
        "Create or replace a mailing that was not started",
        body=CampaignIn,
        answers={200: CampaignOut, 201: CampaignOut},
        shows=EXAMPLE,
    ),
    _route("GET", "/campaigns/{id}", get_campaign, "One mailing with its result", answers={200: CampaignOut}),
    _route("GET", "/campaigns", get_campaigns, "All mailings, by id", query=Page, answers={200: ListOut[CampaignOut]}),
    _route(
        "POST",
        "/campaigns/{id}/preview",
        post_preview,
        "Who would be written to now, on which channels, and who is left out and why",
        answers={200: PreviewOut},
    ),
    _route(
        "POST",
        "/campaigns/{id}/start",
        post_start,
        "Begin a mailing",
        note="The same again changes nothing. Messages go slowly and in the salon's daytime; whether each client may be "
        "written to is asked again at that moment. 409 where the mailing was stopped.",
        answers={200: CampaignOut},
        may=("conflict",),
    ),
    _route(
        "POST",
        "/campaigns/{id}/stop",
        post_stop,
        "End a mailing",
        note="What waits is taken off, with its gift; what went out has gone out.",
        answers={200: CampaignOut},
    ),
)
