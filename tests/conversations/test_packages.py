"""A salon that pays for SMS by the package: what happens when it runs low, and when it has run out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.playground.stage import opened
from bot.playground.twilio_emulator import DEMO_SMS
from handlers.moments import moment_text
from tests.conversations.world import BUSINESS, MONDAY, SALON_BODY, Client, World, set_the_stage

START = int(MONDAY.timestamp() * 1000)
REMINDERS_OFF = {"reminder": {"enabled": False}}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A salon that has SMS, then people who send by hand."""
    database = f"sqlite:///{tmp_path}/vizit.db"
    settings = {"twilio_sms_from": DEMO_SMS}
    async with opened(database, START, business=BUSINESS, salon=SALON_BODY, settings=settings) as stage:
        world = await set_the_stage(stage, "telegram")
        await stage.api.call("PATCH", "/settings", {"channels": ["sms", "manual"], "kinds": REMINDERS_OFF})
        yield world


async def buys(world: World, size: int) -> None:
    package = {"sms": {"size": size, "since": moment_text(world.stage.now())}}
    await world.stage.api.call("PATCH", "/settings", {"packages": package})


async def reachable_by_sms(world: World) -> Client:
    anna = await world.client("anna", linked=False)
    world.stage.twilio.person(anna.phone, "Anna")
    return anna


async def hops(world: World, id: str) -> list[tuple[Any, ...]]:
    rows = sorted(await world.timeline(id, "booking_created"), key=lambda row: row["hop"])
    return [(row["channel"], row["status"], row["reason"]) for row in rows]


async def test_when_a_package_is_used_up_the_next_channel_takes_over_and_the_timeline_says_why(world: World) -> None:
    anna = await reachable_by_sms(world)
    await buys(world, 2)
    for number in (1, 2, 3):
        await world.put(f"b-{number}", client=anna, at_=f"Fri 1{number}:00")
    assert await hops(world, "b-2") == [("sms", "delivered", None)]
    assert await hops(world, "b-3") == [("sms", "skipped", "package_used_up"), ("manual", "planned", None)]
    assert len(world.stage.twilio.person(anna.phone).texts) == 2
    (skipped, *_) = [row for row in await world.timeline("b-3") if row["status"] == "skipped"]
    assert skipped["why"] == "пакет повідомлень вичерпано"


async def test_a_new_package_opens_the_channel_again(world: World) -> None:
    anna = await reachable_by_sms(world)
    await buys(world, 1)
    await world.put("b-1", client=anna, at_="Fri 11:00")
    await world.clock_to("Mon 12:10")
    await buys(world, 1)
    await world.put("b-2", client=anna, at_="Fri 12:00")
    assert await hops(world, "b-2") == [("sms", "delivered", None)]


async def test_the_staff_hear_once_when_few_are_left(world: World) -> None:
    anna = await reachable_by_sms(world)
    await buys(world, 2)
    await world.put("b-1", client=anna, at_="Fri 11:00")
    await world.stage.app.clock.tick("packages")
    assert not any("Пакет SMS" in text for text in world.staff_heard)
    await world.put("b-2", client=anna, at_="Fri 12:00")
    for _ in range(2):
        await world.stage.app.clock.tick("packages")
        await world.stage.quiet()
    told = [text for text in world.staff_heard if "Пакет SMS" in text]
    assert len(told) == 1
    assert "SMS не залишилося." in told[0]
