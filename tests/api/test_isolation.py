"""No key reaches another business's things, by any route: 404, and nothing is written."""

import re
from typing import Any

import pytest

from bot.api.serving import Route
from bot.api.table import ROUTES
from storage.records import (
    RECORDS,
    ApiKey,
    Booking,
    Business,
    Delivery,
    LinkCode,
    Message,
    StaffChat,
    Webhook,
)
from storage.store import Changes
from tests.api.hands import Hands
from tests.api.test_messages import row

OTHER = {"Vizit-Business": "other"}
BODIES: dict[str, Any] = {
    "masters": {"salon": "s1", "name": "x"},
    "bookings": {"salon": "s1", "client": {"id": "c1", "name": "x"}, "starts_at": "2026-11-27T15:00:00+02:00"},
    "staff-chats": {"salon": "s1"},
    "webhooks": {"url": "https://booking.example/"},
}


@pytest.fixture
async def other(salon: Hands) -> Hands:
    """Things of the first business, and a second business whose key is used from now on."""
    booking = {**BODIES["bookings"], "client": {"id": "c1", "name": "Олена", "phone": "+380671234567"}}
    assert (await salon.put("/bookings/b-1", booking)).status == 201
    chat = StaffChat(business="krasa", id="chat", chat="-100", salon="s1")
    held = row(salon, id="f" * 32, held=True, status="planned")
    hook = Webhook(business="krasa", id="w", url="https://booking.example/", secret="whsec_AAAA")
    told = Delivery(
        business="krasa", id="d", webhook="w", stream="s", type="t", body="{}", created_at=1, next_at=1, give_up_at=2
    )
    await salon.store.commit(Changes(inserts=(chat, held, hook, told)))
    await salon.admin("PUT", "/businesses/other", {"name": "Інший", "country": "UA"})
    salon.key = (await salon.admin("POST", "/businesses/other/keys")).json["key"]
    return salon


async def everything(hands: Hands) -> dict[str, Any]:
    """All records of the first business."""
    return {
        kind.__name__: await hands.store.find(kind, {"business": "krasa"}) for kind in RECORDS if kind is not LinkCode
    }


NAMES = {
    "salons": "s1",
    "masters": "m1",
    "services": "haircut",
    "clients": "c1",
    "bookings": "b-1",
    "messages": "f" * 32,
    "staff-chats": "chat",
    "webhooks": "w",
}


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
async def test_a_foreign_key_finds_and_changes_nothing(other: Hands, route: Route) -> None:
    before = await everything(other)
    first = route.path.strip("/").split("/")[0]
    path = route.path.replace("{id}", NAMES.get(first, "krasa")).replace("{delivery}", "d")
    path = re.sub(r"\{\w+\}", "x", path)
    body = BODIES.get(first, {"name": "x"}) if route.body is not None else None
    reply = await other.call(route.method, path, body)
    if route.admin:
        assert reply.status == 403
    elif route.method == "PUT" and first in ("salons", "services", "clients", "webhooks", "campaigns"):
        assert reply.status == 201  # Its own thing, under the same id.
    elif route.body is not None and route.method in ("PUT", "POST"):
        assert reply.status in (404, 422)
    elif "{id}" in route.path:
        assert reply.status == 404
    else:
        assert reply.json.get("items", []) == []
    assert await everything(other) == before


async def test_lists_and_searches_show_ones_own_things_alone(other: Hands) -> None:
    for path in (
        "/messages?phone=%2B380671234567",
        "/messages?client=c1",
        "/bookings?client=c1",
        "/clients?phone=0671234567",
    ):
        assert (await other.get(path)).json["items"] == []
    assert (await other.get("/messages/stats")).json["total"] == 0


async def test_a_cursor_of_another_business_leads_nowhere(other: Hands) -> None:
    await other.admin("PUT", "/salons/a", {"name": "x"}, headers={"Vizit-Business": "krasa"})
    theirs = (await other.admin("GET", "/salons?limit=1", headers={"Vizit-Business": "krasa"})).json["next"]
    assert (await other.get(f"/salons?cursor={theirs}")).json["items"] == []


async def test_a_booking_cannot_name_what_belongs_to_another_business(other: Hands) -> None:
    await other.put("/salons/mine", {"name": "x"})
    body = {**BODIES["bookings"], "salon": "mine", "master": "m1", "services": ["haircut"]}
    reply = await other.put("/bookings/b-1", body)
    assert (reply.status, reply.faults) == (422, ["/master", "/services/0"])
    assert await other.store.get(Booking, "other", "b-1") is None


async def test_the_admin_key_acts_within_the_business_that_it_names(other: Hands) -> None:
    assert (await other.admin("GET", "/bookings/b-1", headers=OTHER)).status == 404
    assert (await other.admin("GET", "/bookings/b-1", headers={"Vizit-Business": "krasa"})).status == 200
    assert (await other.store.get(Business, "other", "other")) is not None
    assert {key.business for key in await other.store.find(ApiKey, {"business": "other"})} == {"other"}
    assert await other.store.find(Message, {"business": "other"}) == []
