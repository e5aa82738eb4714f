"""Channels on the console: how each one stands, and the order in which they are tried."""

from __future__ import annotations

from handlers import tenants
from handlers.settings import in_force
from handlers.settings_schema import CHANNELS
from storage.records import ContentTemplate, Cost
from storage.store import Changes
from tests.console.room import Room
from tests.support.pages import Answer


async def press(room: Room, channel: str, do: str) -> Answer:
    return await room.post("channels", on="channels", channel=channel, do=do)


async def order(room: Room) -> tuple[str, ...]:
    return in_force(await room.now_business(), None).channels


async def test_each_channel_shows_its_sender_price_package_and_what_went_wrong(busy: Room) -> None:
    package = {"packages": {"sms": {"size": 100, "since": "2026-11-01T00:00:00+02:00"}}}
    await tenants.patch_business_settings(busy.desk, busy.business, package)
    cost = Cost(
        business="mriya", id="x", channel="sms", day="2026-11-25", due_at=busy.now - 1, amount=7_500, currency="USD"
    )
    template = ContentTemplate(
        id="reminder:plain:uk:1", kind="reminder", variant="plain", language="uk", version=1, sid="HX1", name="n",
        category="utility", body="b", digest="d", status="rejected", reason="Too <b>promotional</b>",
    )  # fmt: skip
    await busy.desk.store.commit(Changes(inserts=(cost, template)))
    await busy.becomes("b3", "booking_created", due_at=busy.now - 1)
    page = await busy.ask("channels")
    for part in ("@mriya_bot", "+380 50 000 0000", "0.075 USD", "100", "неправильний номер", "Too <b>promotional</b>"):
        assert part in page.words, part
    assert "<b>promotional" not in page.text


async def test_the_order_is_changed_place_by_place_and_messages_follow(busy: Room) -> None:
    assert await order(busy) == CHANNELS
    done = await press(busy, "sms", "up")
    assert "Збережено" in done.words
    assert await order(busy) == ("telegram", "sms", "whatsapp", "manual")
    await press(busy, "telegram", "up")
    await press(busy, "telegram", "down")
    assert await order(busy) == ("sms", "telegram", "whatsapp", "manual")
    await press(busy, "whatsapp", "off")
    assert await order(busy) == ("sms", "telegram", "manual")
    await press(busy, "whatsapp", "on")
    assert await order(busy) == ("sms", "telegram", "whatsapp", "manual")


async def test_the_last_channel_stays_and_unknown_ones_are_not_there(busy: Room) -> None:
    for name in ("telegram", "whatsapp", "sms"):
        await press(busy, name, "off")
    assert (await press(busy, "manual", "off")).status == 422
    assert await order(busy) == ("manual",)
    for channel, do in (("fax", "on"), ("sms", "up"), ("manual", "explode")):
        assert (await press(busy, channel, do)).status == 404


async def test_channels_are_the_owners(room: Room) -> None:
    for role, master in (("administrator", None), ("master", "m1")):
        await room.enter_as(role, salon="s1", master=master)
        assert (await room.ask("channels")).status == 404
