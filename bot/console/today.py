"""The first page: the visits of a day with their state, and what needs a person now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final

from aiohttp import web

from bot.console.site import Action, Call, Page
from handlers.console_day import Line, Needs, State, lines_of, needs_of
from handlers.day_cards import day_of
from handlers.formats import long_date
from handlers.i18n import mark
from handlers.wording_reasons import in_words

STATES: Final[Mapping[State, tuple[str, str]]] = {
    "untold": (mark("Not told yet"), "plain"),
    "told": (mark("Told"), "told"),
    "read": (mark("Has read"), "told"),
    "confirmed": (mark("Confirmed"), "good"),
    "moves": (mark("Asks to move"), "wait"),
    "unreached": (mark("Not reached"), "bad"),
    "declined": (mark("Can't come"), "off"),
    "cancelled": (mark("Cancelled"), "off"),
    "arrived": (mark("Has come"), "good"),
    "no_show": (mark("Did not come"), "bad"),
}
"""State to its word and its tone."""
REFRESH_S: Final = 30


async def show(call: Call) -> web.StreamResponse:
    """The page of ``?day=``, today's where it names none."""
    today = day_of(call.business, None, call.now)
    day = _asked(call.query.get("day", ""), today)
    lines = await lines_of(call.desk, call.visitor, day)
    needs = await needs_of(call.desk, call.visitor, today) if day == today else Needs(0, (), (), 0)
    counted = Counter(line.state for line in lines)
    return call.render(
        "today.html",
        day=day,
        today=today,
        heading=long_date(day, call.language, today.year),
        before=(day - timedelta(days=1)).isoformat(),
        after=(day + timedelta(days=1)).isoformat(),
        groups=_by_master(call, lines),
        many_salons=len({line.booking.salon for line in lines}) > 1,
        tally=[(call.t(word), tone, counted[state]) for state, (word, tone) in STATES.items() if counted[state]],
        visits=len(lines),
        needs=needs,
        states={state: (call.t(word), tone) for state, (word, tone) in STATES.items()},
        why=lambda line: in_words(line.why, call.language) if line.why else None,
        refresh=REFRESH_S,
    )


def _asked(text: str, today: date) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return today


def _by_master(call: Call, lines: list[Line]) -> list[dict[str, Any]]:
    """The visits under their masters, by name; those of nobody at the end."""
    groups: dict[str, dict[str, Any]] = {}
    for line in lines:
        id = line.booking.master or ""
        name = line.master.name if line.master else call.t(mark("No specialist named"))
        groups.setdefault(id, {"name": name, "lines": [], "last": not id})["lines"].append(line)
    return sorted(groups.values(), key=lambda group: (group["last"], group["name"]))


PAGE: Final = Page(path="", area="today", title=mark("Today"), actions=(Action("GET", "today", show),))
