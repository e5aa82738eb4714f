"""The page of a review: stars and words for a visit, then thanks, where else one may write, and how to leave a tip."""

from __future__ import annotations

import re
from typing import Any, Final

from aiohttp import web
from markupsafe import Markup

from bot.pages.forms import FIELD
from bot.pages.join import drawn
from bot.pages.site import ONCE_MORE, Missing, Site, asked_language, render, spoken, tongues
from bot.webhooks import read_form
from handlers import formats, reviews_page
from handlers.i18n import Translator, mark, translator
from handlers.plan_after import RATES
from handlers.reviews import LONGEST
from handlers.reviews_page import Visited
from handlers.wording_choices import labels
from storage.records import Millis

LARGEST: Final = 64 * 1024
"""Bytes of a form: every letter of the longest text may take twelve."""
CHOOSE: Final = mark("Please choose from one to five stars.")


async def show(site: Site, request: web.Request) -> web.Response:
    """The page as it is now."""
    return _page(site, request, await _visited(site, request))


async def press(site: Site, request: web.Request) -> web.StreamResponse:
    """The form of the page: done, or too late; back to the page, which shows it."""
    visited, form = await _visited(site, request), await read_form(request, LARGEST)
    token, stars, text = request.match_info["token"], form.get("stars", ""), form.get("text", "")
    if not site.forms.genuine(request, _name(token), form.get(FIELD, "")):
        return _page(site, request, visited, status=403, notice=ONCE_MORE, said=(stars, text))
    if not re.fullmatch("[1-5]", stars):
        return _page(site, request, visited, status=422, notice=CHOOSE, said=("", text))
    if not await reviews_page.give(site.desk, token, int(stars), _clean(text)):
        raise Missing
    raise web.HTTPSeeOther(site.root + _name(token) + asked_language(request))


def _clean(text: str) -> str:
    """What a store keeps: line ends as everywhere else, no U+0000, no more than fits."""
    return text.replace("\r\n", "\n").replace("\x00", "")[:LONGEST]


async def _visited(site: Site, request: web.Request) -> Visited:
    visited = await reviews_page.visit_behind(site.desk, request.match_info["token"])
    if visited is None:
        raise Missing
    return visited


def _name(token: str) -> str:
    """The page's path below the root: what its form is signed for."""
    return f"r/{token}"


def _page(
    site: Site,
    request: web.Request,
    visited: Visited,
    *,
    status: int = 200,
    notice: str | None = None,
    said: tuple[str, str] | None = None,
) -> web.Response:
    """``said``: stars and words of a form that was not taken, to be shown again."""
    language = spoken(request, visited.person.language)
    token, nonce, t = request.match_info["token"], site.forms.nonce(request), translator(language)
    review = visited.review
    stars, text = said or ((str(review.rating), review.text or "") if review else ("", ""))
    response = render(
        site,
        "review.html",
        status=status,
        lang=language,
        t=t,
        tongues=tongues(language),
        here=site.root + _name(token),
        query=asked_language(request),
        signature=site.forms.sign(_name(token), nonce),
        notice=t(notice) if notice else None,
        stars=stars,
        text=text,
        longest=LONGEST,
        **_shown(visited, t, site.desk.now()),
    )
    site.forms.remember(request, response, nonce)
    return response


def _shown(visited: Visited, t: Translator, now: Millis) -> dict[str, Any]:
    """The visit and its review in words of one language, as the template takes it."""
    salon, zone, review = visited.person.salon, visited.person.place.zone, visited.review
    start = formats.local(visited.booking.starts_at, zone)
    return {
        "salon": salon.name if salon else visited.person.business.name,
        "date": formats.long_date(start.date(), t.language, formats.local(now, zone).year),
        "time": formats.clock(start),
        "moment": start.isoformat(),
        "master": visited.master.name if visited.master else None,
        "services": [service.name for service in visited.services],
        "rates": [(number, labels(verb, t.language)) for number, verb in enumerate(RATES, 1)],
        "rating": review.rating if review else None,
        "words": review.text if review else None,
        "open": visited.open,
        "urls": salon.review_urls if salon else (),
        "tip_url": visited.tip_url,
        "code": Markup(drawn(visited.tip_url)) if visited.tip_url else None,
    }
