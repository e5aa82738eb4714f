"""A client who runs late says so with one tap, and hears what the staff say to it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot.playground.telegram_world import Message
from handlers.wording import labels
from tests.conversations.staff_room import offering, press
from tests.conversations.world import Client, World

HEAD = "Клієнт запізнюється на 10 хвилин"


@pytest.fixture
def database(tmp_path: Path) -> str:
    """One store has to be enough: these are the longest conversations."""
    return f"sqlite:///{tmp_path}/vizit.db"


async def an_hour_before(world: World) -> Client:
    """A client who has just been reminded of the visit at 15:00, and can be written to freely."""
    anna = await world.client()
    await world.put()
    await world.clock_to("Thu 15:00")
    await anna.taps("confirm")
    await world.clock_to("Fri 14:00")
    return anna


def news(world: World) -> Message:
    """What the staff read of it."""
    return next(message for message in reversed(world.group.messages) if HEAD in message.text)


async def test_the_last_reminder_offers_to_say_so_and_earlier_ones_do_not(world: World) -> None:
    anna = await world.client()
    await world.put()
    assert not anna.offers("late")
    await world.clock_to("Thu 15:00")
    assert not anna.offers("late")
    await anna.taps("confirm")
    await world.clock_to("Fri 14:00")
    assert anna.offers("late")


async def test_a_reminder_long_before_the_visit_does_not_offer_it(world: World) -> None:
    await world.stage.api.call("PATCH", "/settings", {"kinds": {"reminder": {"before": ["PT4H"]}}})
    anna = await world.client()
    await world.put()
    await world.clock_to("Fri 11:00")
    assert anna.offers("cancel")
    assert not anna.offers("late")


async def test_one_tap_tells_the_staff_and_the_visit_stands(world: World) -> None:
    anna = await an_hour_before(world)
    before = await world.booking()
    await anna.taps("late")
    assert "Дякуємо, що попередили" in anna.last.text
    card = news(world)
    assert "15:00" in card.text
    assert "Anna" in card.text
    after = await world.booking()
    assert (after["status"], after["revision"]) == (before["status"], before["revision"])


async def test_typed_words_mean_the_same(world: World) -> None:
    anna = await an_hour_before(world)
    await anna.says("Запізнююсь на 10 хвилин, вибачте")
    assert HEAD in world.staff_heard[-1]


async def test_said_twice_it_is_told_once(world: World) -> None:
    anna = await an_hour_before(world)
    reminder = anna.last
    await anna.taps("late", reminder)
    await anna.taps("late", reminder)
    assert sum(HEAD in text for text in world.staff_heard) == 1


async def test_the_staff_see_whether_the_break_before_the_next_visit_absorbs_it(world: World) -> None:
    anna = await an_hour_before(world)
    boris = await world.client("boris")
    await world.put("b-2", client=boris, at_="Fri 16:10")
    await anna.taps("late")
    card = news(world)
    assert "Наступний візит: 16:10, Boris" in card.text
    assert "Перерви до нього вистачає." in card.text


async def test_the_staff_see_that_the_next_visit_would_begin_later(world: World) -> None:
    anna = await an_hour_before(world)
    boris = await world.client("boris")
    await world.put("b-0", client=boris, at_="Fri 16:00", status="cancelled")
    await world.put("b-2", client=boris, at_="Fri 16:05")
    await world.put("b-3", client=boris, at_="Fri 16:00", master="m2")
    await anna.taps("late")
    card = news(world)
    assert "Наступний візит: 16:05, Boris" in card.text
    assert "Його доведеться почати пізніше." in card.text


async def test_after_the_last_visit_of_the_day_nobody_waits(world: World) -> None:
    anna = await an_hour_before(world)
    boris = await world.client("boris")
    await world.put("b-2", client=boris, at_="Sat 12:00")
    await anna.taps("late")
    assert "Це останній візит майстра сьогодні." in news(world).text


async def test_we_will_wait_goes_back_with_one_tap_and_the_card_says_who_said_it(world: World) -> None:
    anna = await an_hour_before(world)
    await anna.taps("late")
    card = news(world)
    await press(world, "late_wait", card)
    assert "зачекаємо на вас" in anna.last.text
    assert "Відповіли: зачекаємо" in card.text
    assert "Хто відповів: Марія" in card.text
    assert not card.buttons


async def test_please_call_us_names_the_phone(world: World) -> None:
    anna = await an_hour_before(world)
    await anna.taps("late")
    await press(world, "late_call", news(world))
    assert "+380 44 123 4567" in anna.last.text.replace("\u00a0", " ")


async def test_of_two_answers_at_once_the_client_gets_one_and_the_card_shows_which(world: World) -> None:
    anna = await an_hour_before(world)
    await anna.taps("late")
    told, card = len(anna.heard), news(world)
    oleh = world.stage.telegram.user(9001, "Олег", "uk")
    await world.group.add(oleh)
    await asyncio.gather(world.staff.taps(labels("late_wait", "uk"), card), oleh.taps(labels("late_call", "uk"), card))
    await world.stage.quiet()
    assert len(anna.heard) == told + 1
    waits = "зачекаємо" in anna.last.text
    assert ("Відповіли: зачекаємо" in card.text) == waits
    assert ("Марія" in card.text) == waits


async def test_a_few_minutes_after_the_start_it_can_still_be_said(world: World) -> None:
    anna = await an_hour_before(world)
    reminder = anna.last
    await world.clock_to("Fri 15:05")
    await anna.taps("late", reminder)
    assert HEAD in world.staff_heard[-1]
    await world.clock_to("Fri 16:00")
    told = len(world.staff_heard)
    await anna.taps("late", reminder)
    assert "уже минув" in anna.last.text
    assert len(world.staff_heard) == told


async def test_for_a_cancelled_visit_nobody_is_late(world: World) -> None:
    anna = await an_hour_before(world)
    reminder = anna.last
    await world.put(status="cancelled")
    told = len(world.staff_heard)
    if world.channel == "telegram":
        assert not reminder.wire.buttons
    else:
        await anna.taps("late", reminder)
        assert "скасовано" in anna.last.text
    assert len(world.staff_heard) == told


async def test_where_no_staff_hear_it_the_client_is_asked_to_call(world: World) -> None:
    await world.stage.api.call("PATCH", "/settings", {"staff": {"running_late": False}})
    anna = await an_hour_before(world)
    await anna.taps("late")
    assert "+380 44 123 4567" in anna.last.text.replace("\u00a0", " ")
    assert offering(world.group, "late_wait") == []
