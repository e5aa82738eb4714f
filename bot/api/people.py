"""Calls about clients."""

from __future__ import annotations

from bot.api.bookings import salons_of
from bot.api.export_shapes import export_out
from bot.api.paging import part
from bot.api.problems import Problem
from bot.api.requests import ClientIn, ClientsQuery, NoQuery
from bot.api.serving import Answer, Call, found
from bot.api.shapes import client_out, utc
from bot.api.tenants import put_status
from handlers import people
from handlers.dossier import dossier_of
from handlers.erasure import erase_client
from handlers.linking import client_link
from handlers.people import phone_or_invalid
from storage.records import Client


async def put_client(call: Call[ClientIn, NoQuery]) -> Answer:
    """Create or replace a client."""
    fields = call.body.given()
    if "phone" in fields:
        fields["phone"] = phone_or_invalid(fields["phone"], call.business.country, "/phone")
    kept = await people.put_client(call.desk, call.business, call.id, fields)
    return Answer(put_status(kept.created), client_out(kept.client))


async def get_client(call: Call[None, NoQuery]) -> Answer:
    """One client."""
    return Answer(200, client_out(found(await call.desk.store.get(Client, call.business.id, call.id))))


async def get_clients(call: Call[None, ClientsQuery]) -> Answer:
    """All clients, or those with one phone."""
    where = {"business": call.business.id}
    if call.query.phone is not None:
        where["phone"] = phone_or_invalid(call.query.phone, call.business.country, "/phone")
    clients = await part(call.desk.store, Client, where, call.query)
    return Answer(200, {"items": [client_out(client) for client in clients.records], "next": clients.next})


async def delete_client(call: Call[None, NoQuery]) -> Answer:
    """Erase a person."""
    if not await erase_client(call.desk, call.business.id, call.id):
        found(None)
    return Answer(204)


async def get_export(call: Call[None, NoQuery]) -> Answer:
    """Everything that is stored about a person."""
    client = found(await call.desk.store.get(Client, call.business.id, call.id))
    dossier = await dossier_of(call.desk, client)
    named = {booking.salon for booking in dossier.bookings} | {row.salon for row in dossier.messages}
    salons = await salons_of(call.desk, call.business, named)
    return Answer(200, export_out(dossier, call.business, salons, call.desk.now()))


async def post_client_link(call: Call[None, NoQuery]) -> Answer:
    """A one-time Telegram link."""
    client = found(await call.desk.store.get(Client, call.business.id, call.id))
    if call.desk.links.telegram_start("") is None:
        raise Problem("conflict", "Telegram is not set up in this service, so there is nothing to link to.")
    made = await client_link(call.desk, call.business.id, client.id)
    return Answer(201, {"url": call.desk.links.telegram_start(made.code), "expires_at": utc(made.expires_at)})
