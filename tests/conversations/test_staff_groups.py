"""Groups of the staff: topics, groups that become supergroups, and groups in which the bot may not speak."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bot.playground.telegram_people import Group, User
from tests.conversations.staff_room import SENT_BY_HAND, cards, of_bot, out_of_reach, press, set_order
from tests.conversations.world import World

LOST = "Бот більше не може писати в робочий чат"


@pytest.fixture
def channel() -> str:
    """Clients of these scenes use Telegram, or nothing at all."""
    return "telegram"


async def an_owner(world: World) -> User:
    """The owner, in a private chat of her own."""
    owner = world.stage.telegram.user(9100, "Власниця", "uk")
    code = await world.stage.api.call("POST", "/staff-chats/links", {"role": "owner", "language": "uk"})
    await owner.says(f"/link {code['code']}")
    await world.stage.quiet()
    return owner


def heard(world: World, chat: Group | User, part: str) -> int:
    """How many messages of the bot in a chat hold ``part``."""
    return sum(part in message.text for message in of_bot(chat, world))


async def listed(world: World) -> dict[str, Any]:
    """The linked chats as the API shows them, by role."""
    return {chat["role"]: chat for chat in (await world.stage.api.call("GET", "/staff-chats"))["items"]}


async def test_what_concerns_a_topic_is_said_in_that_topic_alone(world: World) -> None:
    forum = world.stage.telegram.group("Форум", [world.staff])
    await forum.add_bot()
    await forum.upgrade()
    thread, other = await forum.topic("Записи"), await forum.topic("Різне")
    code = await world.stage.api.call("POST", "/staff-chats/links", {"salon": "s1", "language": "uk"})
    await world.staff.says(f"/link {code['code']}", in_chat=forum, thread=thread)
    await world.stage.quiet()
    await out_of_reach(world)
    (card,) = cards(forum)
    assert {message.thread for message in of_bot(forum, world)} == {thread}
    await world.staff.says("/manual", in_chat=forum, thread=other)
    await world.stage.quiet()
    assert {message.thread for message in of_bot(forum, world)} == {thread}
    await world.staff.says("/manual", in_chat=forum, thread=thread)
    await world.stage.quiet()
    assert of_bot(forum, world)[-1].thread == thread
    await press(world, "hand_sent", card)
    assert SENT_BY_HAND in card.text


async def test_an_owner_hears_that_the_bot_was_removed_and_the_group_gets_nothing_more(world: World) -> None:
    owner = await an_owner(world)
    await world.client()
    await world.group.remove_bot()
    await world.stage.quiet()
    assert heard(world, owner, LOST) == 1
    assert "Робочий чат" in of_bot(owner, world)[-1].text
    assert (await listed(world))["staff"]["dead_reason"] == "removed"
    told = len(of_bot(world.group, world))
    await world.put()
    assert len(of_bot(world.group, world)) == told
    assert heard(world, owner, LOST) == 1


async def test_a_group_that_takes_the_bot_in_again_is_linked_as_before(world: World) -> None:
    await world.client()
    await world.group.remove_bot()
    await world.stage.quiet()
    await world.group.add_bot()
    await world.stage.quiet()
    assert "Чат підключено" in of_bot(world.group, world)[-1].text
    assert (await listed(world))["staff"]["reachable"]
    await world.put()
    assert "Новий запис" in of_bot(world.group, world)[-1].text


async def test_an_owner_hears_that_the_bot_was_muted_and_the_group_that_it_is_heard_again(world: World) -> None:
    owner = await an_owner(world)
    await world.client()
    await world.group.mute_bot()
    await world.stage.quiet()
    assert heard(world, owner, LOST) == 1
    assert (await listed(world))["staff"]["dead_reason"] == "muted"
    await world.group.unmute_bot()
    await world.stage.quiet()
    assert "Чат підключено" in of_bot(world.group, world)[-1].text


async def without_word(world: World, happens: Callable[[], Any]) -> None:
    """Something happens on the platform, and the bot is not told."""
    emit, world.stage.telegram.world.emit = world.stage.telegram.world.emit, lambda kind, payload: None
    try:
        await happens()
    finally:
        world.stage.telegram.world.emit = emit


@pytest.mark.parametrize(("deed", "reason"), [("mute_bot", "400"), ("remove_bot", "403")])
async def test_a_chat_that_refuses_a_message_is_given_up_too(world: World, deed: str, reason: str) -> None:
    owner = await an_owner(world)
    await world.client()
    await without_word(world, getattr(world.group, deed))
    assert heard(world, owner, LOST) == 0
    await world.put()
    assert heard(world, owner, LOST) == 1
    assert (await listed(world))["staff"]["dead_reason"] == reason
    await world.put("b-2", at_="Sat 12:00")
    assert heard(world, owner, LOST) == 1, "it is said once"


async def test_without_an_owner_in_a_chat_the_api_still_shows_it(world: World) -> None:
    await world.group.remove_bot()
    await world.stage.quiet()
    chat = (await listed(world))["staff"]
    assert (chat["reachable"], chat["dead_reason"]) == (False, "removed")


async def test_whoever_speaks_to_the_bot_in_a_group_that_was_given_up_is_answered_again(world: World) -> None:
    await world.client()
    await without_word(world, world.group.mute_bot)
    await world.put()
    assert not (await listed(world))["staff"]["reachable"]
    await without_word(world, world.group.unmute_bot)
    await world.staff.says("/today", in_chat=world.group)
    await world.stage.quiet()
    assert "Сьогодні записів немає" in of_bot(world.group, world)[-1].text
    assert (await listed(world))["staff"]["reachable"]


async def test_an_owner_who_blocks_the_bot_and_comes_back_hears_the_news_again(world: World) -> None:
    owner = await an_owner(world)
    await owner.blocks()
    await world.stage.quiet()
    assert not (await listed(world))["owner"]["reachable"]
    await owner.unblocks()
    await world.stage.quiet()
    assert (await listed(world))["owner"]["reachable"]
    await world.client()
    await world.put()
    assert heard(world, owner, "Новий запис") == 1


@pytest.mark.parametrize("told", [True, False], ids=["by a service message", "by a refusal"])
async def test_a_group_that_becomes_a_supergroup_keeps_its_link(world: World, told: bool) -> None:
    await world.client()
    if told:
        await world.group.upgrade()
        await world.stage.quiet()
    else:
        await without_word(world, world.group.upgrade)
    before = len(world.staff_heard)
    await world.put()
    assert "Новий запис" in world.staff_heard[-1]
    assert len(world.staff_heard) == before + 1
    assert (await listed(world))["staff"]["reachable"]
    await world.staff.says("/today", in_chat=world.group)
    await world.stage.quiet()
    assert "Сьогодні записів немає" in world.staff_heard[-1]


async def test_a_card_from_before_is_shown_anew_in_the_supergroup(world: World) -> None:
    await set_order(world, "telegram", "manual")
    await world.client(linked=False)
    await world.put()
    await world.group.upgrade()
    await world.stage.quiet()
    (row,) = (await world.stage.api.call("GET", "/manual"))["items"]
    await world.stage.api.call("POST", f"/messages/{row['id']}/sent")
    await world.stage.quiet()
    assert SENT_BY_HAND in world.staff_heard[-1]
