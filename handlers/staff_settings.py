"""Settings and statistics in a chat of the staff, for owners on the go."""

from __future__ import annotations

from dataclasses import replace
from datetime import time, timedelta
from typing import Any, Final

from handlers import tenants
from handlers.console_settings import Touched, touched
from handlers.durations import local_day, moment_of
from handlers.replies import answer_staff
from handlers.settings import Settings, apply_patch, in_force, place
from handlers.statistics import count_messages
from handlers.turn import Desk, Turn
from handlers.wording_settings import KIND_NAMES
from storage.records import Business, Choice, Message, Salon, StaffChat
from storage.store import Changes, Range

STATS: Final = "stats_of"
SWITCH: Final = "switch"
"""Verb of the button that switches something on or off: ``kind``, its field ``enabled`` or ``confirm``, and ``to``."""
PERIODS: Final = (1, 7, 30)
"""Days, today's among them, whose messages can be counted."""
MOST_REASONS: Final = 5
PLACE: Final = "telegram"


async def stats(desk: Desk, turn: Turn, chat: StaffChat, *, days: int = 7, edits: str | None = None) -> Changes:
    """What became of the messages of the last ``days``, of the chat's salon or master; ``edits``: in place of that row."""
    business, salon = await _whose(desk, chat)
    if business is None:
        return Changes()
    zone, now = place(business, salon).zone, desk.now()
    since = moment_of(local_day(now, zone) - timedelta(days=days - 1), time(0), zone)
    where: dict[str, Any] = {"due_at": Range(since, now + 1)}
    where |= {"salon": chat.salon} if chat.salon else {}
    where |= {"master": chat.master} if chat.master else {}
    counted = await count_messages(desk, business, where)
    params = {
        "days": days,
        "words": dict(counted.words),
        "reasons": [list(one) for one in counted.reasons[:MOST_REASONS]],
    }
    choices = tuple(Choice(STATS, {"days": other}) for other in PERIODS if other != days)
    return answer_staff(turn, "staff_stats", chat, now=desk.now(), params=params, choices=choices, edits=edits)


async def counted_anew(desk: Desk, turn: Turn, chat: StaffChat, row: Message, choice: Choice) -> Changes:
    """The same for another period."""
    return await stats(desk, turn, chat, days=int(choice.args["days"]), edits=row.id)


async def settings(desk: Desk, turn: Turn, chat: StaffChat) -> Changes:
    """What is in force for the chat's salon; an owner can change it in a chat of the own."""
    business, salon = await _whose(desk, chat)
    if business is None:
        return Changes()
    return _settings(desk, turn, chat, in_force(business, salon))


async def switched(desk: Desk, turn: Turn, chat: StaffChat, row: Message, choice: Choice) -> Changes:
    """Switch something on or off for what is not sent yet. For anybody but a linked owner, it only shows what is so."""
    business, salon = await _whose(desk, chat)
    if business is None:
        return Changes()
    before = salon or business
    if not _may_change(turn, chat):
        return _settings(desk, turn, chat, in_force(business, salon), edits=row.id)
    patch = {"kinds": {choice.args["kind"]: {choice.args["field"]: choice.args["to"]}}}
    own = apply_patch(before.settings, patch, level="salon" if salon else "business")
    if salon is None:
        business = replace(business, settings=own)
    else:
        salon = replace(salon, settings=own)
    moved = await touched(desk, business, salon)
    changes = tenants.settings_put(desk, before, own, by=turn.name or PLACE)
    return changes + _settings(desk, turn, chat, in_force(business, salon), moved, edits=row.id)


def _settings(
    desk: Desk,
    turn: Turn,
    chat: StaffChat,
    now: Settings,
    moved: Touched | None = None,
    *,
    edits: str | None = None,
) -> Changes:
    params = {"touched": moved.messages, "more": moved.more} if moved else {}
    choices = _switches(now) if _may_change(turn, chat) else ()
    return answer_staff(turn, "staff_settings", chat, now=desk.now(), params=params, choices=choices, edits=edits)


def _may_change(turn: Turn, chat: StaffChat) -> bool:
    return chat.role == "owner" and turn.private and chat.user == turn.user


def _switches(now: Settings) -> tuple[Choice, ...]:
    """One for each kind, and one for the request to confirm, each to what it is not."""
    kinds = (
        Choice(SWITCH, {"kind": kind, "field": "enabled", "to": not now.kinds[kind].enabled}) for kind in KIND_NAMES
    )
    asks = Choice(SWITCH, {"kind": "reminder", "field": "confirm", "to": not now.kinds["reminder"].confirm})
    return (*kinds, asks)


async def _whose(desk: Desk, chat: StaffChat) -> tuple[Business | None, Salon | None]:
    business = await desk.store.get(Business, chat.business, chat.business)
    return business, await desk.store.get(Salon, chat.business, chat.salon) if chat.salon else None
