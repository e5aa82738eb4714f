"""WhatsApp outside of the 24 hours: what has no approved template goes another way, and what is approved is used at once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.content import push
from bot.content_api import ContentApi
from bot.playground.stage import opened
from bot.playground.twilio_emulator import DEMO_ACCOUNT, DEMO_TOKEN
from bot.twilio_http import make_client
from handlers.content_templates import of_catalogs
from tests.conversations.world import BUSINESS, MONDAY, SALON_BODY, World, set_the_stage

START = int(MONDAY.timestamp() * 1000)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A salon without templates, whose client is on WhatsApp and has never written."""
    database = f"sqlite:///{tmp_path}/vizit.db"
    async with opened(database, START, business=BUSINESS, salon=SALON_BODY) as stage:
        world = await set_the_stage(stage, "telegram")
        world.channel = "whatsapp"
        await world.client("anna", linked=False)
        yield world


async def pushed(world: World) -> None:
    """The templates of the catalogs are at Twilio, and reviewed; nobody here has asked."""
    twilio = world.stage.twilio
    client, http = make_client(DEMO_ACCOUNT, DEMO_TOKEN, api=twilio.base_url, content_api=twilio.base_url)
    async for _ in push(world.stage.app.desk, ContentApi(client), of_catalogs(["uk"])):
        pass
    await http.close()
    await twilio.idle()


async def ticks(world: World) -> None:
    """Twilio is asked for what there is to hear."""
    await world.stage.app.clock.tick("twilio")
    await world.stage.quiet()


async def hops(world: World, id: str) -> list[tuple[Any, ...]]:
    rows = sorted(await world.timeline(id, "booking_created"), key=lambda row: row["hop"])
    return [(row["channel"], row["status"], row["reason"]) for row in rows]


async def test_what_has_no_template_goes_by_the_next_channel_and_the_timeline_says_why(world: World) -> None:
    await world.put("b-1")
    assert await hops(world, "b-1") == [("whatsapp", "skipped", "no_template"), ("manual", "planned", None)]
    (skipped, *_) = await world.timeline("b-1", "booking_created")
    assert skipped["why"] == "для WhatsApp потрібен схвалений шаблон"


async def test_a_template_is_used_as_soon_as_it_is_approved_and_not_before(world: World) -> None:
    await pushed(world)
    await world.put("b-1")
    assert (await hops(world, "b-1"))[0] == ("whatsapp", "skipped", "no_template")
    await ticks(world)
    await world.put("b-2", at_="Sat 12:00")
    assert await hops(world, "b-2") == [("whatsapp", "delivered", None)]
    anna = await world.client("anna")
    assert anna.last.titles == ["Перенести", "Не зможу"]
    (row,) = await world.timeline("b-2", "booking_created")
    assert row["text"] == anna.last.text


async def test_a_template_that_whatsapp_pauses_is_not_used_again(world: World) -> None:
    await pushed(world)
    await ticks(world)
    anna = await world.client("anna")
    for sid in world.stage.twilio.templates:
        world.stage.twilio.review(sid, "paused", "Many people blocked it")
    world.stage.twilio.trouble(f"whatsapp:{anna.phone}", 63041)
    await world.put("b-1")
    assert (await hops(world, "b-1"))[0][:2] == ("whatsapp", "failed")
    await ticks(world)
    await world.put("b-2", at_="Sat 12:00")
    assert (await hops(world, "b-2"))[0] == ("whatsapp", "skipped", "no_template")


async def test_what_waits_for_a_person_goes_by_whatsapp_once_the_client_writes_there(world: World) -> None:
    await world.put("b-1")
    anna = await world.client("anna")
    await anna.says("Добрий день!")
    assert await hops(world, "b-1") == [
        ("whatsapp", "skipped", "no_template"),
        ("whatsapp", "delivered", "chat_linked"),
    ]
    assert any("15:00" in heard.text for heard in anna.heard)
