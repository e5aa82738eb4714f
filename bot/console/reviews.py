"""What clients think and give: stars by specialist, reviews and tips, the newest first. A specialist sees the own ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from aiohttp import web

from bot.console.site import Action, Call, Page
from handlers.formats import money
from handlers.i18n import mark
from handlers.review_stats import averages
from storage.records import Client, Master, Review, Tip

SHOWN: Final = 50
MOST: Final = 500


async def show(call: Call) -> web.StreamResponse:
    """Averages, the newest reviews and the newest tips of the visits that the person may see."""
    own = call.visitor.own
    found = await averages(call.desk, call.business, own, "master")
    order = ("-at", "-id")
    reviews = await call.desk.store.find(Review, own, order=order, after=_after(call), limit=SHOWN)
    tips = await call.desk.store.find(Tip, {**own, "status": "paid"}, order=order, limit=SHOWN)
    masters = await call.desk.store.find(Master, {"business": call.business.id}, limit=MOST)
    return call.render(
        "reviews.html",
        total=found.total,
        groups=found.groups,
        reviews=reviews,
        tips=tips,
        sums=_sums(call, tips),
        names={master.id: master.name for master in masters},
        clients=await _clients(call, [*reviews, *tips]),
        more=f"{reviews[-1].at}:{reviews[-1].id}" if len(reviews) == SHOWN else None,
    )


def _after(call: Call) -> tuple[int, str] | None:
    """Behind which review the part begins."""
    at, parted, id = call.query.get("after", "").partition(":")
    return (int(at), id) if parted and at.isascii() and at.isdigit() and len(at) < 16 else None


def _sums(call: Call, tips: Sequence[Tip]) -> str:
    """What the tips that are shown come to, for each currency."""
    counted: Counter[str] = Counter()
    for tip in tips:
        counted[tip.currency] += tip.amount
    return ", ".join(money(amount, currency, call.language) for currency, amount in sorted(counted.items()))


async def _clients(call: Call, rows: Sequence[Any]) -> Mapping[str, Client]:
    keys = sorted({(call.business.id, row.client) for row in rows if row.client})
    found = await call.desk.store.get_many(Client, keys) if keys else {}
    return {id: client for (_, id), client in found.items()}


PAGE: Final = Page(path="reviews", area="reviews", title=mark("Reviews and tips"), actions=(Action("GET", "", show),))
