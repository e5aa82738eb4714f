"""Calls about businesses, keys, salons, settings, masters and services."""

from __future__ import annotations

from typing import Any

from bot.api.paging import part
from bot.api.requests import BusinessIn, MasterIn, NoQuery, Page, SalonIn, ServiceIn
from bot.api.serving import Answer, Call, found
from bot.api.shapes import business_out, key_out, master_out, salon_out, service_out
from handlers import tenants
from handlers.people import phone_or_invalid
from handlers.settings import place, shown
from storage.records import ApiKey, Master, Salon, Service


def put_status(created: bool) -> int:
    """201 for what is new, 200 for what was there."""
    return 201 if created else 200


async def put_business(call: Call[BusinessIn, NoQuery]) -> Answer:
    """Create or replace a business."""
    kept = await tenants.put_business(call.desk, call.id, call.body.given())
    return Answer(put_status(kept.created), business_out(kept.record))


async def get_business(call: Call[None, NoQuery]) -> Answer:
    """One business."""
    return Answer(200, business_out(call.business))


async def post_key(call: Call[None, NoQuery]) -> Answer:
    """A new key."""
    made = await tenants.create_key(call.desk, call.business.id)
    return Answer(201, {"id": made.record.id, "key": made.key})


async def get_keys(call: Call[None, Page]) -> Answer:
    """All keys, revoked ones too."""
    keys = await part(call.desk.store, ApiKey, {"business": call.business.id}, call.query)
    return Answer(200, {"items": [key_out(key) for key in keys.records], "next": keys.next})


async def delete_key(call: Call[None, NoQuery]) -> Answer:
    """Revoke a key."""
    if not await tenants.revoke_key(call.desk, call.business.id, call.ids["key"]):
        found(None)
    call.keys.forget(call.ids["key"])
    return Answer(204)


async def put_salon(call: Call[SalonIn, NoQuery]) -> Answer:
    """Create or replace a salon."""
    fields = call.body.given()
    if "phone" in fields:
        fields["phone"] = phone_or_invalid(fields["phone"], fields.get("country") or call.business.country, "/phone")
    if "review_urls" in fields:
        fields["review_urls"] = tuple(fields["review_urls"])
    kept = await tenants.put_salon(call.desk, call.business, call.id, fields)
    return Answer(put_status(kept.created), salon_out(kept.record))


async def _salon(call: Call[Any, Any]) -> Salon:
    return found(await call.desk.store.get(Salon, call.business.id, call.id))


async def get_salon(call: Call[None, NoQuery]) -> Answer:
    """One salon."""
    return Answer(200, salon_out(await _salon(call)))


async def get_salons(call: Call[None, Page]) -> Answer:
    """All salons."""
    salons = await part(call.desk.store, Salon, {"business": call.business.id}, call.query)
    return Answer(200, {"items": [salon_out(salon) for salon in salons.records], "next": salons.next})


async def get_settings(call: Call[None, NoQuery]) -> Answer:
    """The business's settings."""
    return Answer(200, shown(call.business, None))


async def patch_settings(call: Call[Any, NoQuery]) -> Answer:
    """Change the business's settings."""
    return Answer(200, shown(await tenants.patch_business_settings(call.desk, call.business, call.body), None))


async def get_salon_settings(call: Call[None, NoQuery]) -> Answer:
    """A salon's settings."""
    return Answer(200, shown(call.business, await _salon(call)))


async def patch_salon_settings(call: Call[Any, NoQuery]) -> Answer:
    """Change a salon's settings."""
    salon = await tenants.patch_salon_settings(call.desk, await _salon(call), call.body)
    return Answer(200, shown(call.business, salon))


async def put_master(call: Call[MasterIn, NoQuery]) -> Answer:
    """Create or replace a master."""
    fields = call.body.given()
    if "phone" in fields:
        salon = await call.desk.store.get(Salon, call.business.id, fields["salon"])
        fields["phone"] = phone_or_invalid(fields["phone"], place(call.business, salon).country, "/phone")
    kept = await tenants.put_master(call.desk, call.business, call.id, fields)
    return Answer(put_status(kept.created), master_out(kept.record))


async def get_master(call: Call[None, NoQuery]) -> Answer:
    """One master."""
    return Answer(200, master_out(found(await call.desk.store.get(Master, call.business.id, call.id))))


async def get_masters(call: Call[None, Page]) -> Answer:
    """All masters."""
    masters = await part(call.desk.store, Master, {"business": call.business.id}, call.query)
    return Answer(200, {"items": [master_out(master) for master in masters.records], "next": masters.next})


async def put_service(call: Call[ServiceIn, NoQuery]) -> Answer:
    """Create or replace a service."""
    fields = call.body.given()
    if call.body.price is not None:
        fields |= {"price": call.body.price.hundredths, "currency": call.body.price.currency}
    if call.body.note is not None:
        fields["note"] = call.body.note.given()
    kept = await tenants.put_service(call.desk, call.business, call.id, fields)
    return Answer(put_status(kept.created), service_out(kept.record))


async def get_service(call: Call[None, NoQuery]) -> Answer:
    """One service."""
    return Answer(200, service_out(found(await call.desk.store.get(Service, call.business.id, call.id))))


async def get_services(call: Call[None, Page]) -> Answer:
    """All services."""
    services = await part(call.desk.store, Service, {"business": call.business.id}, call.query)
    return Answer(200, {"items": [service_out(service) for service in services.records], "next": services.next})
