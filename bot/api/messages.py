"""Calls about messages: search, counts, dead letters, and what people send by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.api.bookings import salons_of
from bot.api.count_shapes import costs_out, stats_out
from bot.api.paging import BY_DUE, part
from bot.api.requests import CostsQuery, MessageFilters, MessagesQuery, NoQuery, Page, StatsQuery
from bot.api.serving import Answer, Call, found
from bot.api.visit_shapes import MessageOut, messages_out
from handlers import dead_letters
from handlers.costs import count_costs
from handlers.i18n import language_of
from handlers.people import phone_or_invalid
from handlers.statistics import count_messages
from storage.records import WAITING, Client, Message
from storage.store import OneOf, Range

MOST_AT_ONE_PHONE = 1000


async def get_messages(call: Call[None, MessagesQuery]) -> Answer:
    """Messages by due time."""
    where = {"business": call.business.id, **await _where(call, call.query)}
    return await _list(call, where, call.query)


async def get_manual(call: Call[None, Page]) -> Answer:
    """Messages that wait for a person to send them."""
    held = {"business": call.business.id, "status": "planned", "held": True}
    return await _list(call, held, call.query)


async def get_stats(call: Call[None, StatsQuery]) -> Answer:
    """Counts in the owner's five words."""
    query = call.query
    where = await _where(call, query)
    stats = await count_messages(call.desk, call.business, where, group_by=query.group_by, notices=query.notices)
    return Answer(200, stats_out(stats, query.language or language_of(call.business.language, "en")))


async def get_costs(call: Call[None, CostsQuery]) -> Answer:
    """What messages cost."""
    query = call.query
    return Answer(200, costs_out(await count_costs(call.desk, call.business, query.since, query.until, query.group_by)))


async def post_resend(call: Call[None, NoQuery]) -> Answer:
    """Send a dead letter once more."""
    return Answer(201, await _one(call, await dead_letters.resend(call.desk, await _message(call))))


async def post_sent(call: Call[None, NoQuery]) -> Answer:
    """Say that a held message was sent by hand."""
    return Answer(200, await _one(call, await dead_letters.sent_by_hand(call.desk, await _message(call))))


async def _message(call: Call[None, NoQuery]) -> Message:
    return found(await call.desk.store.get(Message, call.business.id, call.id))


async def _shown(call: Call[Any, Any], rows: Sequence[Message]) -> list[MessageOut]:
    salons = await salons_of(call.desk, call.business, (row.salon for row in rows))
    return messages_out(rows, call.business, salons, call.desk.now())


async def _one(call: Call[Any, Any], row: Message) -> MessageOut:
    (shown,) = await _shown(call, [row])
    return shown


async def _list(call: Call[Any, Any], where: dict[str, Any], page: Page) -> Answer:
    rows = await part(call.desk.store, Message, where, page, BY_DUE)
    return Answer(200, {"items": await _shown(call, rows.records), "next": rows.next})


async def _where(call: Call[Any, Any], query: MessageFilters) -> dict[str, Any]:
    """The filters as fields of a message."""
    where: dict[str, Any] = {
        name: value for name in ("client", "kind", "channel", "status") if (value := getattr(query, name)) is not None
    }
    if query.status == "planned":
        where["status"] = OneOf(WAITING)
    if query.since is not None or query.until is not None:
        where["due_at"] = Range(query.since, query.until)
    if query.phone is not None:
        phone = phone_or_invalid(query.phone, call.business.country, "/phone")
        people = await call.desk.store.find(
            Client, {"business": call.business.id, "phone": phone}, limit=MOST_AT_ONE_PHONE
        )
        ids = tuple(person.id for person in people if query.client in (None, person.id))
        where["client"] = OneOf(ids)
    return where
