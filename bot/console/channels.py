"""Channels: what each is set up with, what it costs and what went wrong lately; the order in which they are tried."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from aiohttp import web

from bot.console import words
from bot.console.site import Action, Call, Missing, Page
from handlers import formats, tenants
from handlers.console_settings import touched
from handlers.costs import decimal_text, usual_prices
from handlers.durations import DAY
from handlers.i18n import mark
from handlers.invalid import Invalid
from handlers.packages import left
from handlers.reach import MANUAL
from handlers.settings import apply_patch, in_force
from handlers.settings_schema import CHANNELS
from handlers.wording_reasons import in_words
from storage.records import ContentTemplate, Message
from storage.remote import TemplateStatus
from storage.store import Range

TEMPLATES: Final[Mapping[TemplateStatus, tuple[str, str]]] = {
    "approved": (mark("Approved"), "good"),
    "received": (mark("Waits for approval"), "wait"),
    "pending": (mark("Waits for approval"), "wait"),
    "unsubmitted": (mark("Not submitted yet"), "plain"),
    "paused": (mark("Paused by WhatsApp"), "wait"),
    "rejected": (mark("Rejected"), "bad"),
    "disabled": (mark("Switched off by WhatsApp"), "bad"),
}
"""WhatsApp's word on a template, and its tone."""
BAD: Final = ("failed", "unknown")
MOST_TEMPLATES: Final = 1000
REFUSED: Final = mark("That order is not possible: at least one channel must stay.")


async def show(call: Call) -> web.StreamResponse:
    """Every channel in the order of the settings, the unused ones below."""
    order = in_force(call.business, None).channels
    prices, packages = await usual_prices(call.desk, call.business), await left(call.desk.store, call.business)
    troubles = await _troubles(call)
    rest = tuple(name for name in CHANNELS if name not in order)
    cards = []
    for name in (*order, *rest):
        price, package = prices.get(name), packages.get(name)
        cards.append(
            {
                "name": name,
                "title": words.channel_name(name, call.t),
                "used": name in order,
                "first": bool(order) and name == order[0],
                "last": bool(order) and name == order[-1],
                "on": name in call.desk.channels,
                "sender": _sender(call, name),
                "price": f"{decimal_text(price[0])} {price[1]}" if price else "",
                "left": max(package.segments, 0) if package else None,
                "low": package is not None and package.low,
                "troubles": troubles.get(name, []),
            }
        )
    return call.render("channels.html", cards=cards, templates=await _templates(call))


def _sender(call: Call, name: str) -> str:
    """What clients see as the sender, where that is known here."""
    links = call.desk.links
    if name == "telegram":
        return f"@{links.bot}" if links.bot else ""
    return formats.phone(links.whatsapp) if name == "whatsapp" and links.whatsapp else ""


async def _troubles(call: Call) -> dict[str, list[tuple[str, int]]]:
    """Channel to why messages of the last day did not get through by it, and how many; the most frequent first."""
    where = {"business": call.business.id, "due_at": Range(call.now - DAY, call.now + 1)}
    counted = await call.desk.store.count(Message, where, ("channel", "status", "error_code"))
    found: dict[str, dict[str, int]] = {}
    for (channel, status, code), n in counted.items():
        if status in BAD and code and channel:
            there = found.setdefault(channel, {})
            why = in_words(code, call.language)
            there[why] = there.get(why, 0) + n
    return {channel: sorted(whys.items(), key=lambda one: (-one[1], one[0])) for channel, whys in found.items()}


async def _templates(call: Call) -> dict[str, Any]:
    """How many WhatsApp templates stand how, and those that were refused with WhatsApp's reason."""
    rows = [
        row
        for business in ("", call.business.id)
        for row in await call.desk.store.find(ContentTemplate, {"business": business}, limit=MOST_TEMPLATES)
    ]
    tally: dict[tuple[str, str], int] = {}
    for row in rows:
        word, tone = TEMPLATES[row.status]
        tally[call.t(word), tone] = tally.get((call.t(word), tone), 0) + 1
    refused = [
        {
            "kind": words.kind_name(row.kind, call.t),
            "language": dict(words.languages())[row.language],
            "why": row.reason,
        }
        for row in rows
        if row.status in ("rejected", "disabled")
    ]
    return {"tally": [(word, tone, n) for (word, tone), n in tally.items()], "refused": refused}


def moved(order: tuple[str, ...], name: str, verb: str) -> tuple[str, ...]:
    """The order after one press: ``up`` or ``down`` by one place, ``off``, or ``on`` at the end, before what people do by
    hand."""
    if verb == "off":
        return tuple(one for one in order if one != name)
    if verb == "on":
        others = [one for one in order if one != name]
        at = len(others) - (name != MANUAL and others[-1:] == [MANUAL])
        return (*others[:at], name, *others[at:])
    at = order.index(name)
    to = min(max(at + (1 if verb == "down" else -1), 0), len(order) - 1)
    rest = [one for one in order if one != name]
    return (*rest[:to], name, *rest[to:])


async def press(call: Call) -> web.StreamResponse:
    """Move a channel in the order, stop using it, or use it again; what that does to waiting messages is told."""
    name, verb = call.form.get("channel", ""), call.form.get("do", "")
    order = in_force(call.business, None).channels
    allowed = ("on",) if name not in order else ("up", "down", "off")
    if name not in CHANNELS or verb not in allowed:
        raise Missing
    patch = {"channels": list(moved(order, name, verb))}
    try:
        own = apply_patch(call.business.settings, patch, level="business")
        change = await touched(call.desk, replace(call.business, settings=own), None)
        if not patch["channels"]:
            return call.render("plain.html", status=422, line=call.t(REFUSED))
        await tenants.patch_business_settings(call.desk, call.business, patch)
    except Invalid:
        return call.render("plain.html", status=422, line=call.t(REFUSED))
    return call.go("channels", "saved", n=change.messages)


PAGE: Final = Page(
    path="channels",
    area="channels",
    title=mark("Channels"),
    notices={"saved": mark("Saved. Waiting messages that this changes: {n}")},
    actions=(Action("GET", "", show), Action("POST", "", press)),
)
