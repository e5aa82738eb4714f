"""Who came today, said in the staff chat with one tap."""

from __future__ import annotations

import pytest

from bot.playground.telegram_world import Message
from tests.conversations.staff_room import of_bot
from tests.conversations.world import World

SHE_CAME, SHE_DID_NOT = "✅ 15:00, Anna", "🚫 15:00, Anna"


@pytest.fixture
def channel() -> str:
    """Clients of these scenes use Telegram."""
    return "telegram"


async def today(world: World, at: str = "Fri 15:05") -> Message:
    """The list of the day's visits, asked for when Anna's has begun."""
    await world.client()
    await world.put()
    await world.clock_to(at)
    await world.staff.says("/today", in_chat=world.group)
    await world.stage.quiet()
    return of_bot(world.group, world)[-1]


async def taps(world: World, title: str, on: Message) -> None:
    await world.staff.taps(title, on)
    await world.stage.quiet()


async def test_before_a_visit_there_is_nothing_to_say_of_it(world: World) -> None:
    assert not (await today(world, "Fri 14:59")).buttons


async def test_a_client_who_came_is_marked_with_one_tap_and_the_list_shows_it_in_place(world: World) -> None:
    card = await today(world)
    assert card.titles == [SHE_CAME, SHE_DID_NOT]
    told = len(world.group.messages)
    await taps(world, SHE_CAME, card)
    assert (await world.booking())["status"] == "arrived"
    assert "✅ 15:00, Anna" in card.text
    assert card.titles == [SHE_DID_NOT]
    assert len(world.group.messages) == told


async def test_a_slip_of_the_finger_is_taken_back(world: World) -> None:
    card = await today(world)
    await taps(world, SHE_DID_NOT, card)
    assert (await world.booking())["status"] == "no_show"
    await taps(world, SHE_CAME, card)
    assert (await world.booking())["status"] == "arrived"


async def test_a_visit_that_was_cancelled_meanwhile_stays_cancelled(world: World) -> None:
    card = await today(world)
    await world.put(status="cancelled")
    await taps(world, SHE_CAME, card)
    assert (await world.booking())["status"] == "cancelled"
    assert not card.buttons


async def test_a_visit_that_moved_to_tomorrow_is_not_marked_by_an_old_button(world: World) -> None:
    card = await today(world)
    await world.put(at_="Sat 15:00")
    await taps(world, SHE_CAME, card)
    assert (await world.booking())["status"] == "booked"


async def test_elsewhere_the_button_does_nothing(world: World) -> None:
    card = await today(world)
    stranger = world.stage.telegram.user(5555, "Stranger", "uk")
    await stranger.start()
    await world.stage.quiet()
    stranger._press(stranger.messages[-1], card.buttons[0][0]["data"], False)
    await world.stage.quiet()
    assert (await world.booking())["status"] == "booked"
