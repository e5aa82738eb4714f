"""Messages: how many arrived, by day and channel, why others did not; every single one, and sending it again."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from datetime import date, timedelta
from typing import Any, Final

from aiohttp import web

from bot import tables
from bot.console import words
from bot.console.filters import when
from bot.console.message_filters import DEAD, Filters, read_filters, where_of
from bot.console.message_rows import Row, rows_of, word_of
from bot.console.site import SAVED, Action, Call, Missing, Page
from handlers.day_cards import day_of
from handlers.dead_letters import Refused, resend
from handlers.formats import short_date
from handlers.i18n import mark
from handlers.statistics import WORDS, Cell, Word, count_by_day
from handlers.wording_reasons import in_words
from storage.records import Message, Receipt, Salon

SHOWN: Final = 50
LOOKED_AT: Final = 500
"""Rows that are read for one part of the list; a state is told by more than the index knows."""
EXPORTED: Final = 1000
MOST_EXPORTED: Final = 200_000
CHAIN: Final = 20


async def show(call: Call) -> web.StreamResponse:
    """Figures and list of what the filters leave."""
    filters = read_filters(call.query, day_of(call.business, None, call.now))
    where = await where_of(call, filters)
    salons = await call.salons()
    rows, more = await _part(call, filters, where, {salon.id: salon for salon in salons}, call.query.get("after", ""))
    figures = {k: v for k, v in where.items() if k != "status"}
    cells = await count_by_day(call.desk, call.business, figures) if filters.since or filters.query else Counter[Cell]()
    return call.render(
        "messages.html",
        filters=filters,
        asked=filters.asked,
        kinds=words.choices(call.t(mark("All kinds")), words.kinds(call.t)),
        channels=words.choices(call.t(mark("All channels")), words.channels(call.t)),
        states=words.choices(
            call.t(mark("All states")), [*words.states(call.t), (DEAD, call.t(mark("Can be sent again")))]
        ),
        salons=words.choices(call.t(mark("All salons")), [(salon.id, salon.name) for salon in salons]),
        table=_by_channel(call, cells),
        days=_by_day(call, cells, filters),
        legend=words.channels(call.t),
        reasons=_reasons(call, cells),
        rows=rows,
        more=more,
        first="after" not in call.query,
    )


def _counted(cells: Counter[Cell]) -> list[tuple[Cell, Word, int]]:
    return [(cell, cell.word, n) for cell, n in cells.items() if cell.word is not None and n]


def _by_channel(call: Call, cells: Counter[Cell]) -> dict[str, Any] | None:
    """The five words by channel, and in all; None where there is nothing to count."""
    counts: Counter[tuple[Word, str | None]] = Counter()
    for cell, word, n in _counted(cells):
        counts[word, cell.channel] += n
    order = [name for name, _ in words.channels(call.t)]
    found = {channel for _, channel in counts}
    channels = sorted(found, key=lambda name: order.index(name) if name in order else len(order))
    lines = [
        {"state": words.state_of(word, call.t), "counts": [counts[word, channel] for channel in channels]}
        for word in WORDS
    ]
    names = [words.channel_name(channel, call.t) for channel in channels]
    total = [sum(counts[word, channel] for word in WORDS) for channel in channels]
    return {"channels": names, "lines": lines, "total": total} if channels else None


def _by_day(call: Call, cells: Counter[Cell], filters: Filters) -> list[dict[str, Any]]:
    """A bar for each day, its parts being the channels: ``x`` and ``width`` in thousandths of the busiest day."""
    by_day: dict[str, Counter[str]] = {}
    for cell, _, n in _counted(cells):
        by_day.setdefault(str(cell.key), Counter())[cell.channel or "none"] += n
    most = max((counts.total() for counts in by_day.values()), default=0)
    bars = []
    for day in _days(filters, by_day):
        counts, x, parts = by_day.get(day, Counter()), 0, []
        for channel in (*(name for name, _ in words.channels(call.t)), "none"):
            width = round(1000 * counts[channel] / most) if most else 0
            if width:
                parts.append({"channel": channel, "x": x, "width": width})
                x += width
        shown = short_date(date.fromisoformat(day), call.language)
        bars.append({"day": shown, "parts": parts, "total": counts.total()})
    return bars if most else []


def _days(filters: Filters, by_day: Mapping[str, Any]) -> list[str]:
    """Every day of the period, those without messages too."""
    if filters.since is None or filters.until is None:
        return sorted(by_day)
    length = (filters.until - filters.since).days + 1
    return [(filters.since + timedelta(days=n)).isoformat() for n in range(length)]


def _reasons(call: Call, cells: Counter[Cell]) -> list[tuple[str, int]]:
    """Why messages did not arrive, the most frequent reason first."""
    told: Counter[str] = Counter()
    for cell, n in cells.items():
        if cell.why is not None and n:
            told[in_words(cell.why, call.language)] += n
    return told.most_common()


async def _part(
    call: Call, filters: Filters, where: Mapping[str, Any], salons: Mapping[str, Salon], after: str
) -> tuple[list[Row], str | None]:
    """A part of the list, the newest first, and where the next one begins."""
    rows: list[Message] = []
    cursor, seen = _cursor(after), 0
    while len(rows) < SHOWN and seen < LOOKED_AT:
        found = await call.desk.store.find(
            Message, where, order=("-due_at", "-id"), after=cursor, limit=SHOWN - len(rows)
        )
        seen += len(found)
        rows += [row for row in found if filters.keeps(word_of(call, row, salons))]
        if len(found) == 0:
            return await rows_of(call, rows, salons), None
        cursor = (found[-1].due_at, found[-1].id)
    return await rows_of(call, rows, salons), f"{cursor[0]}:{cursor[1]}" if cursor else None


def _cursor(text: str) -> tuple[int, str] | None:
    due, _, id = text.partition(":")
    return (int(due), id) if due.isdigit() and len(due) < 16 and id.isalnum() else None


# One message


async def _message(call: Call) -> Message:
    """The message of the path, if it is a client's and this person may see it. Raises :class:`Missing`."""
    row = await call.record(Message, call.path("id"))
    if row.staff_chat is not None or not call.visitor.sees(row):
        raise Missing
    return row


async def show_one(call: Call) -> web.StreamResponse:
    """A message with its text, what the providers said of it, and the other tries to reach the client."""
    row = await _message(call)
    salons = {salon.id: salon for salon in await call.salons()}
    where = {"business": call.business.id, "fallback_of": row.fallback_of or row.id}
    hops = await call.desk.store.find(Message, where, order=("fallback_of",), limit=CHAIN)
    root = await call.record(Message, row.fallback_of) if row.fallback_of else row
    chain = sorted((hop for hop in (root, *hops)), key=lambda hop: hop.hop)
    said = {"business": call.business.id, "message": row.id}
    (shown,) = await rows_of(call, [row], salons)
    return call.render(
        "message.html",
        row=shown,
        chain=await rows_of(call, chain, salons) if len(chain) > 1 else [],
        receipts=await call.desk.store.find(Receipt, said, order=("at", "id"), limit=CHAIN),
    )


async def send_again(call: Call) -> web.StreamResponse:
    """Send a message once more."""
    row = await _message(call)
    try:
        made = await resend(call.desk, row)
    except Refused:
        return call.go(f"messages/{row.id}", "refused")
    return call.go(f"messages/{made.id}", "again")


# The file


async def export(call: Call) -> web.StreamResponse:
    """What the filters leave, as a file for a spreadsheet."""
    filters = read_filters(call.query, day_of(call.business, None, call.now))
    where = await where_of(call, filters)
    salons = {salon.id: salon for salon in await call.salons()}
    t = call.t
    head = [t(name) for name in HEADS]
    response = await tables.begun(call.request, "messages.csv")
    await response.write(tables.lines([head], call.language))
    async for part in _all(call, where):
        kept = [row for row in part if filters.keeps(word_of(call, row, salons))]
        shown = await rows_of(call, kept, salons)
        await response.write(tables.lines((_cells(call, row, salons) for row in shown), call.language))
    await response.write_eof()
    return response


HEADS: Final = (
    mark("Planned for"),
    mark("Sent at"),
    mark("Client"),
    mark("Phone"),
    mark("Kind"),
    mark("Channel"),
    mark("State"),
    mark("Reason"),
    mark("Location"),
    mark("Text"),
)


def _cells(call: Call, row: Row, salons: Mapping[str, Salon]) -> list[object]:
    message, client = row.message, row.client
    salon = salons.get(message.salon or "")
    return [
        when(message.due_at, call.zone, call.language),
        when(message.sent_at, call.zone, call.language) if message.sent_at else "",
        client.name if client else "",
        client.phone if client else "",
        row.kind,
        row.channel,
        row.state[0],
        row.because,
        salon.name if salon else "",
        message.text,
    ]


async def _all(call: Call, where: Mapping[str, Any]) -> AsyncIterator[list[Message]]:
    after: tuple[int, str] | None = None
    for _ in range(MOST_EXPORTED // EXPORTED):
        part = await call.desk.store.find(Message, where, order=("due_at", "id"), after=after, limit=EXPORTED)
        if part:
            yield part
        if len(part) < EXPORTED:
            return
        after = (part[-1].due_at, part[-1].id)


PAGE: Final = Page(
    path="messages",
    area="messages",
    title=mark("Messages"),
    notices={
        "saved": SAVED,
        "again": mark("The message is on its way once more."),
        "refused": mark(
            "It can't be sent again: the visit is over or has changed, or the message is on its way already."
        ),
    },
    actions=(
        Action("GET", "", show),
        Action("GET", ".csv", export),
        Action("GET", "/{id}", show_one),
        Action("POST", "/{id}/again", send_again),
    ),
)
