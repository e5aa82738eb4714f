"""Calls about the chats in which staff hear of the schedule."""

from __future__ import annotations

from typing import Any

from bot.api.paging import part
from bot.api.requests import NoQuery, Page, StaffChatIn, StaffLinkIn
from bot.api.serving import Answer, Call, found
from bot.api.shapes import staff_chat_out, utc
from handlers import tenants
from handlers.linking import PRIVATE_ROLES, staff_link
from handlers.settings import place
from storage.records import Salon, StaffChat


async def post_staff_link(call: Call[StaffLinkIn, NoQuery]) -> Answer:
    """A code that links a chat."""
    fields = await _with_language(call, call.body.given())
    made = await staff_link(call.desk, call.business.id, fields)
    links = call.desk.links
    private = fields.get("role", "master" if "master" in fields else "staff") in PRIVATE_ROLES
    url = links.telegram_start(made.code) if private else links.telegram_group(made.code)
    return Answer(201, {"code": made.code, "url": url, "expires_at": utc(made.expires_at)})


async def _with_language(call: Call[Any, NoQuery], fields: dict[str, Any]) -> dict[str, Any]:
    """``fields`` with the salon's language, else the business's, where none is given."""
    if "language" in fields:
        return fields
    salon = await call.desk.store.get(Salon, call.business.id, fields["salon"]) if "salon" in fields else None
    return {**fields, "language": place(call.business, salon).language}


async def get_staff_chats(call: Call[None, Page]) -> Answer:
    """All linked chats."""
    chats = await part(call.desk.store, StaffChat, {"business": call.business.id}, call.query)
    return Answer(200, {"items": [staff_chat_out(chat) for chat in chats.records], "next": chats.next})


async def get_staff_chat(call: Call[None, NoQuery]) -> Answer:
    """One linked chat."""
    return Answer(200, staff_chat_out(await _chat(call)))


async def put_staff_chat(call: Call[StaffChatIn, NoQuery]) -> Answer:
    """Change what a linked chat hears."""
    chat = await _chat(call)
    kept = await tenants.put_staff_chat(call.desk, chat, {"language": chat.language, **call.body.given()})
    return Answer(200, staff_chat_out(kept.record))


async def delete_staff_chat(call: Call[None, NoQuery]) -> Answer:
    """Unlink a chat."""
    if not await tenants.unlink_staff_chat(call.desk, call.business.id, call.id):
        found(None)
    return Answer(204)


async def _chat(call: Call[Any, NoQuery]) -> StaffChat:
    return found(await call.desk.store.get(StaffChat, call.business.id, call.id))
