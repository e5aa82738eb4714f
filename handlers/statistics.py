"""Counting messages in the owner's five words. No counters are kept: every number is a grouping of message rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

from handlers.settings import in_force
from handlers.turn import Desk
from handlers.wording_reasons import NO_RECEIPT
from storage.records import Business, Message, MessageStatus, Millis, Salon
from storage.store import OneOf, Range, Where

Word = Literal["processing", "waiting", "delivered", "not_delivered", "cancelled"]
GroupBy = Literal["kind", "channel", "salon", "master", "day"]

WORDS: Final[tuple[Word, ...]] = ("processing", "waiting", "delivered", "not_delivered", "cancelled")
STATUS_REPORTED: Final[Mapping[MessageStatus, Word | None]] = {
    "planned": "processing",
    "leased": "processing",
    "sending": "processing",
    "sent": "waiting",
    "unknown": "waiting",
    "delivered": "delivered",
    "read": "delivered",
    "failed": "not_delivered",
    "expired": "not_delivered",
    "cancelled": "cancelled",
    "skipped": None,
}
"""Status to the owner's word; None is not counted."""
FINAL_WHEN_SENT: Final = frozenset({"telegram", "manual"})
"""Channels that tell no more than "sent": there it means delivered."""
OPEN: Final = ("sent", "unknown")
"""States that wait for a word of delivery, and mean not delivered once ``undelivered_after`` has passed."""
BEST_FIRST: Final[tuple[Word | None, ...]] = ("delivered", "waiting", "processing", "not_delivered", "cancelled", None)
"""Which hop speaks for a notice."""
ROWS_AT_ONCE: Final = 5000
REFUSED: Final = "refused"
"""Why, where a provider gave no code."""


def reported(message: Message, now: Millis, undelivered_after: Millis) -> Word | None:
    """The owner's word for one message. What was sent without a word for ``undelivered_after`` is not delivered."""
    word = _word(message.status, message.channel)
    since = message.sent_at if message.sent_at is not None else message.due_at
    return "not_delivered" if word == "waiting" and since < now - undelivered_after else word


def why(message: Message, now: Millis, undelivered_after: Millis) -> str | None:
    """Why one message was not delivered, or does not go: a key of :data:`handlers.wording_reasons.REASONS`, or a code that
    a provider gave. None where there is nothing to explain."""
    word = reported(message, now, undelivered_after)
    return _undelivered(word, message.status, message.reason, message.error_code) or message.reason or message.void


def _undelivered(word: Word | None, status: str, reason: str | None, code: str | None) -> str | None:
    if word != "not_delivered":
        return None
    return NO_RECEIPT if status in OPEN else code or reason or REFUSED


def _word(status: MessageStatus, channel: str | None) -> Word | None:
    return "delivered" if status == "sent" and channel in FINAL_WHEN_SENT else STATUS_REPORTED[status]


class Cell(NamedTuple):
    """What rows are counted by."""

    status: MessageStatus
    channel: str | None
    key: Any
    word: Word | None
    why: str | None = None
    """Of what was not delivered."""


@dataclass(frozen=True, slots=True)
class Stats:
    """Counts by word, in all and per group; the total of either is the sum of its words. ``reasons``: why so many were not
    delivered, the most frequent first; their sum is that word's."""

    words: Mapping[Word, int]
    groups: tuple[tuple[Any, Mapping[Word, int]], ...] = ()
    reasons: tuple[tuple[str, int], ...] = ()


async def count_messages(
    desk: Desk, business: Business, where: Where, *, group_by: GroupBy | None = None, notices: bool = False
) -> Stats:
    """Count the messages that match ``where`` (fields of :class:`Message` beside the business).

    Rows to staff are counted only where ``where`` names a kind that begins with ``staff_``. ``notices``: a chain of hops
    counts once, by its best hop; ``where`` then speaks of the first hop, but for ``channel`` and ``status``, which speak of
    the one that counts.
    """
    whole: dict[str, Any] = {**where, "business": business.id}
    if not str(where.get("kind", "")).startswith("staff_"):
        whole["staff_chat"] = None
    limits = await _limits(desk, business)
    if not notices:
        cells = await _cells(desk, whole, limits, group_by)
    else:
        first = {name: value for name, value in whole.items() if name not in ("channel", "status")}
        cells = await _cells(desk, {**first, "hop": 0}, limits, group_by)
        await _count_chains(desk, first, limits, group_by, cells)
        cells = Counter({cell: n for cell, n in cells.items() if _matches(cell, where)})
    return _stats(cells, group_by)


async def count_by_day(desk: Desk, business: Business, where: Where) -> Counter[Cell]:
    """The cells of the messages to clients that match ``where``, their key being the day: tables by day, by channel and
    by reason are sums of these."""
    whole = {"staff_chat": None, **where, "business": business.id}
    return await _cells(desk, whole, await _limits(desk, business), "day")


class _Limits:
    """``undelivered_after`` of every salon of one business."""

    def __init__(self, business: Business, salons: Iterable[Salon], now: Millis) -> None:
        self.now = now
        self._business = in_force(business, None).undelivered_after
        self._salons = {salon.id: in_force(business, salon).undelivered_after for salon in salons}

    def of(self, salon: str | None) -> Millis:
        return self._salons.get(salon or "", self._business)

    def all(self) -> set[Millis]:
        return {self._business, *self._salons.values()}


async def _limits(desk: Desk, business: Business) -> _Limits:
    salons = await desk.store.find(Salon, {"business": business.id}, limit=ROWS_AT_ONCE)
    return _Limits(business, salons, desk.now())


async def _cells(desk: Desk, where: Mapping[str, Any], limits: _Limits, group_by: GroupBy | None) -> Counter[Cell]:
    """Count by state, channel and group, with what has waited too long set apart."""
    fixed = ["status", "channel", "salon", "reason", "error_code"]
    names = [*fixed, *([group_by] if group_by and group_by not in fixed else [])]
    cells: Counter[Cell] = Counter()
    for values, n in (await desk.store.count(Message, where, names)).items():
        cells[_counted(dict(zip(names, values, strict=True)), group_by)] += n
    for limit in limits.all():
        for late in _late(where, limits.now - limit):
            for values, n in (await desk.store.count(Message, late, names)).items():
                row = dict(zip(names, values, strict=True))
                cell = _counted(row, group_by)
                if cell.word == "waiting" and limits.of(row["salon"]) == limit:
                    cells[cell] -= n
                    cells[cell._replace(word="not_delivered", why=NO_RECEIPT)] += n
    return cells


def _counted(row: Mapping[str, Any], group_by: GroupBy | None) -> Cell:
    word = _word(row["status"], row["channel"])
    because = _undelivered(word, row["status"], row["reason"], row["error_code"])
    return Cell(row["status"], row["channel"], row.get(group_by or ""), word, because)


def _late(where: Mapping[str, Any], before: Millis) -> list[dict[str, Any]]:
    """What has been open since before a moment: by when it was sent, else by when it was due."""
    asked = where.get("status")
    states = tuple(status for status in OPEN if asked is None or _allows(asked, status))
    due: Range = where.get("due_at", Range())
    until = before if due.until is None else min(before, due.until)
    opened = {**where, "status": OneOf(states)}
    return [
        {**opened, "sent_at": Range(None, before)},
        {**opened, "sent_at": None, "due_at": Range(due.since, until)},
    ]


def _allows(wanted: Any, value: Any) -> bool:
    return value in wanted.values if isinstance(wanted, OneOf) else bool(value == wanted)


def _matches(cell: Cell, where: Where) -> bool:
    return all(_allows(where[name], getattr(cell, name)) for name in ("channel", "status") if name in where)


async def _count_chains(
    desk: Desk, first: Mapping[str, Any], limits: _Limits, group_by: GroupBy | None, cells: Counter[Cell]
) -> None:
    """Count every chain of hops by its best one, in place of its first."""
    best: dict[str, Cell] = {}
    async for hop in _later_hops(desk, first):
        cell = _cell(hop, limits, group_by)
        known = best.get(hop.fallback_of or "")
        if known is None or _rank(cell) < _rank(known):
            best[hop.fallback_of or ""] = cell
    heads = await desk.store.get_many(Message, [(first["business"], id) for id in best])
    for head in heads.values():
        if not _in(head.due_at, first.get("due_at", Range())):
            continue
        cell, own = best[head.id], _cell(head, limits, group_by)
        cells[own] -= 1
        better = min(own, cell, key=_rank)
        cells[better if group_by == "channel" else better._replace(key=own.key)] += 1


async def _later_hops(desk: Desk, first: Mapping[str, Any]) -> AsyncIterator[Message]:
    """Every hop after the first that may belong to what is counted: none is due before its first."""
    where = {**first, "hop": Range(1, None), "due_at": Range(first.get("due_at", Range()).since, None)}
    after: Sequence[Any] | None = None
    while True:
        page = await desk.store.find(Message, where, order=("due_at", "id"), after=after, limit=ROWS_AT_ONCE)
        for row in page:
            yield row
        if len(page) < ROWS_AT_ONCE:
            return
        after = (page[-1].due_at, page[-1].id)


def _cell(message: Message, limits: _Limits, group_by: GroupBy | None) -> Cell:
    word = reported(message, limits.now, limits.of(message.salon))
    because = _undelivered(word, message.status, message.reason, message.error_code)
    return Cell(message.status, message.channel, getattr(message, group_by) if group_by else None, word, because)


def _rank(cell: Cell) -> int:
    return BEST_FIRST.index(cell.word)


def _in(moment: Millis, due: Range) -> bool:
    return (due.since is None or moment >= due.since) and (due.until is None or moment < due.until)


def _stats(cells: Counter[Cell], group_by: GroupBy | None) -> Stats:
    words: Counter[Word] = Counter()
    reasons: Counter[str] = Counter()
    groups: dict[Any, Counter[Word]] = {}
    for cell, n in cells.items():
        if cell.word is not None and n:
            words[cell.word] += n
            groups.setdefault(cell.key, Counter())[cell.word] += n
        if cell.why is not None and n:
            reasons[cell.why] += n
    told = tuple(sorted(reasons.items(), key=lambda item: (-item[1], item[0])))
    if group_by is None:
        return Stats(_all_words(words), reasons=told)
    ordered = sorted(groups.items(), key=lambda item: (item[0] is not None, item[0] or ""))
    return Stats(_all_words(words), tuple((key, _all_words(counted)) for key, counted in ordered), told)


def _all_words(counted: Counter[Word]) -> dict[Word, int]:
    return {word: counted[word] for word in WORDS}
