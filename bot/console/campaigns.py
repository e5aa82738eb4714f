"""Mailings: whom to write to, what, and what it would reach; the start, the stop, and what came of it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from aiohttp import web

from bot.api.campaigns import CampaignIn, fields_of
from bot.api.reading import check
from bot.console.site import Action, Call, Missing, Page
from handlers import campaigns
from handlers.campaign_results import result_of
from handlers.costs import decimal_text, usual_prices
from handlers.i18n import LANGUAGES, mark
from handlers.invalid import Invalid
from handlers.moments import moment_text
from handlers.wording_campaign import in_words as result_in_words
from handlers.wording_reasons import in_words
from storage.records import Campaign, Master, Salon, Service
from storage.store import Conflict

LISTED: Final = 100
MOST: Final = 500
STATES: Final[Mapping[str, tuple[str, str]]] = {
    "draft": (mark("Draft"), "plain"),
    "listing": (mark("Starting"), "wait"),
    "running": (mark("On its way"), "told"),
    "done": (mark("Sent"), "good"),
    "stopped": (mark("Stopped"), "off"),
}
"""State to its word and its tone."""
LOST: Final = ("visit_from", "visit_to", "return_from", "return_to")
GROUPS: Final = ("salon", "master", "service", "source")
NUMBERS: Final = (
    ("visits.min", mark("Visits, at least")),
    ("visits.max", mark("Visits, at most")),
    ("spent.min", mark("Spent in all, at least")),
    ("spent.max", mark("Spent in all, at most")),
    ("average_bill.min", mark("Average bill, at least")),
    ("average_bill.max", mark("Average bill, at most")),
)
DAYS: Final = (("last_visit.from", mark("Last visit from")), ("last_visit.to", mark("Last visit until")))
LISTS: Final[tuple[tuple[str, str, type[Any]], ...]] = (
    ("salons", mark("Salons where they have been"), Salon),
    ("masters", mark("Specialists who served them"), Master),
    ("services", mark("Services they had"), Service),
)
WHOLE: Final = frozenset({"visits.min", "visits.max", "birthday_month"})
BLANK: Final[Mapping[str, Any]] = {
    "name": "", "audience": {}, "texts": {}, "bonus": "", "promo_code": "", "holdout_percent": 10, "per_hour": 200,
    "starts_at": None,
}  # fmt: skip
"""What stands in an empty form."""
TONGUES: Final[Mapping[str, str]] = {
    "uk": mark("Ukrainian"),
    "tr": mark("Turkish"),
    "ru": mark("Russian"),
    "en": mark("English"),
}


def _state(call: Call, campaign: Campaign) -> tuple[str, str]:
    word, tone = STATES[campaign.status]
    return call.t(word), tone


async def show_all(call: Call) -> web.StreamResponse:
    """All mailings, the newest first."""
    found = await call.desk.store.find(Campaign, {"business": call.business.id}, limit=LISTED)
    found.sort(key=lambda campaign: -campaign.created_at)
    rows = [{"campaign": campaign, "state": _state(call, campaign)} for campaign in found]
    return call.render("campaigns.html", rows=rows)


async def show_new(call: Call) -> web.StreamResponse:
    """An empty form; with the periods of a report behind the question mark, for the lost of that report."""
    query = call.query
    lost = {name: query[name] for name in LOST if query.get(name)}
    lost |= {name: query[name] for name in GROUPS if query.get(name)}
    audience: dict[str, Any] = {"lost": lost} if all(name in lost for name in LOST) else {}
    return await _form(call, secrets.token_hex(4), {"audience": audience})


async def _form(
    call: Call, id: str, values: Mapping[str, Any], faults: Sequence[str] = (), *, status: int = 200
) -> web.Response:
    values = {**BLANK, **values}
    choices = {
        name: [
            (record.id, record.name)
            for record in await call.desk.store.find(kind, {"business": call.business.id}, limit=MOST)
        ]
        for name, _, kind in LISTS
    }
    starts_at = values["starts_at"]
    return call.render(
        "campaign_form.html",
        status=status,
        id=id,
        values=values,
        audience=values["audience"],
        at=_picked(values["audience"]),
        numbers=[(name, call.t(title)) for name, title in NUMBERS],
        days=[(name, call.t(title)) for name, title in DAYS],
        lists=[(name, call.t(title), choices[name]) for name, title, _ in LISTS if choices[name]],
        months=[("", call.t(mark("Any month"))), *((str(month), str(month)) for month in range(1, 13))],
        tongues_of=[(tongue, call.t(TONGUES[tongue])) for tongue in LANGUAGES],
        starts_at=moment_text(starts_at, call.zone)[:16] if isinstance(starts_at, int) else (starts_at or "")[:16],
        lost=LOST + GROUPS,
        faults=faults,
    )


def _picked(audience: Mapping[str, Any]) -> dict[str, Any]:
    """The values of the filters by the names of their fields."""
    flat: dict[str, Any] = {}
    for name, value in audience.items():
        if isinstance(value, Mapping):
            flat |= {f"{name}.{inner}": each for inner, each in value.items()}
        else:
            flat[name] = value
    return flat


def _audience(form: Any) -> dict[str, Any]:
    """The filters of what was posted; what is empty is left out."""
    audience: dict[str, Any] = {}
    single = [*(name for name, _ in (*NUMBERS, *DAYS)), *(f"lost.{name}" for name in LOST + GROUPS), "birthday_month"]
    for name in single:
        text = form.get(name, "").strip().replace(",", ".")
        if text:
            value: Any = int(text) if name in WHOLE and text.isdecimal() else text
            outer, _, inner = name.partition(".")
            if inner:
                audience.setdefault(outer, {})[inner] = value
            else:
                audience[outer] = value
    for name, _, _ in LISTS:
        if form.getall(name, []):
            audience[name] = form.getall(name)
    sources = [line.strip() for line in form.get("sources", "").splitlines() if line.strip()]
    return audience | ({"sources": sources} if sources else {})


def _content(call: Call) -> dict[str, Any]:
    """What was posted, as the API would be sent it."""
    form = call.form
    texts = {
        tongue: text for tongue in LANGUAGES if (text := form.get(f"text.{tongue}", "").replace("\r\n", "\n").strip())
    }
    content: dict[str, Any] = {"name": form.get("name", ""), "audience": _audience(form), "texts": texts}
    for name in ("bonus", "holdout_percent", "per_hour"):
        text = form.get(name, "").strip()
        if text:
            content[name] = int(text) if text.isdecimal() else text
    if form.get("promo_code", "").strip():
        content["promo_code"] = form["promo_code"].strip()
    starts = form.get("starts_at", "").strip()
    if starts:
        content["starts_at"] = _moment(starts, call)
    return content


def _moment(text: str, call: Call) -> str:
    """A local time as RFC 3339; what is none stays as it is, and is refused."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=call.zone).isoformat()
    except ValueError:
        return text


async def save(call: Call) -> web.StreamResponse:
    """Keep the form, and go on to what it would reach."""
    id, content = call.path("id"), _content(call)
    try:
        await campaigns.save(call.desk, call.business, id, fields_of(check(CampaignIn, content)))
    except Invalid as error:
        faults = [f"{at}: {why}" if at else why for at, why in error.errors]
        return await _form(call, id, content, faults, status=422)
    return call.go(f"campaigns/{id}", "saved")


async def show_one(call: Call) -> web.StreamResponse:
    """A mailing: what a start would do, or what came of it."""
    campaign = await call.record(Campaign, call.path("id"))
    if call.query.get("edit") and campaign.status == "draft":
        return await _form(call, campaign.id, _values(campaign))
    if campaign.started_at is None:
        seen = await campaigns.preview(call.desk, call.business, campaign)
        prices = await usual_prices(call.desk, call.business)
        cost = [
            f"{decimal_text(price * seen.ways[channel])} {currency}"
            for channel, (price, currency) in sorted(prices.items())
            if channel in seen.ways
        ]
        return call.render(
            "campaign.html",
            campaign=campaign,
            state=_state(call, campaign),
            seen=seen,
            cost=cost,
            left_out=_why(call, seen.left_out),
            result=None,
        )
    result = await result_of(call.desk, call.business, campaign)
    held_out = result.holdout
    return call.render(
        "campaign.html",
        campaign=campaign,
        state=_state(call, campaign),
        seen=None,
        left_out=_why(call, result.left_out),
        result=result,
        sentence=result_in_words(result.message.rate.percent, held_out.rate.percent, held_out.clients, call.language),
    )


def _values(campaign: Campaign) -> dict[str, Any]:
    names = ("name", "audience", "texts", "bonus", "promo_code", "holdout_percent", "per_hour", "starts_at")
    return {name: getattr(campaign, name) for name in names}


def _why(call: Call, left_out: Mapping[str, int]) -> list[tuple[str, int]]:
    return [(in_words(reason, call.language), n) for reason, n in left_out.items()]


async def start(call: Call) -> web.StreamResponse:
    """Begin a mailing."""
    campaign = await call.record(Campaign, call.path("id"))
    try:
        await campaigns.start(call.desk, campaign)
    except (campaigns.Ended, Conflict):
        return call.go(f"campaigns/{campaign.id}", "changed")
    return call.go(f"campaigns/{campaign.id}", "started")


async def stop(call: Call) -> web.StreamResponse:
    """End a mailing."""
    campaign = await call.record(Campaign, call.path("id"))
    if campaign.status == "draft":
        raise Missing
    try:
        await campaigns.stop(call.desk, call.business, campaign)
    except Conflict:
        return call.go(f"campaigns/{campaign.id}", "changed")
    return call.go(f"campaigns/{campaign.id}", "stopped")


PAGE: Final = Page(
    path="campaigns",
    area="campaigns",
    title=mark("Mailings"),
    actions=(
        Action("GET", "", show_all),
        Action("GET", "/new", show_new),
        Action("GET", r"/{id:[A-Za-z0-9._:-]+}", show_one),
        Action("POST", r"/{id:[A-Za-z0-9._:-]+}", save),
        Action("POST", r"/{id:[A-Za-z0-9._:-]+}/start", start),
        Action("POST", r"/{id:[A-Za-z0-9._:-]+}/stop", stop),
    ),
    notices={
        "saved": mark("Saved. This is whom it would reach now; nothing has been sent yet."),
        "started": mark("The mailing has begun."),
        "stopped": mark("The mailing was stopped. What waited was taken off."),
        "changed": mark("It has just changed. Please look again."),
    },
)
