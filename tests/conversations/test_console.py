"""The way into the console leads through the bot."""

from __future__ import annotations

import re

import pytest
from aiohttp import ClientSession, CookieJar

from bot.playground.telegram_people import User
from tests.conversations.staff_room import of_bot
from tests.conversations.world import World

CHANNEL = "telegram"


@pytest.fixture
def channel() -> str:
    """Owners write to the bot on Telegram."""
    return CHANNEL


async def owner(world: World, role: str = "owner") -> User:
    """Somebody whose private chat is linked with this role."""
    person = world.stage.telegram.user(9100, "Ганна", "uk")
    wanted = {"role": role, "language": "uk", "salon": "s1", **({"master": "m1"} if role == "master" else {})}
    code = await world.stage.api.call("POST", "/staff-chats/links", wanted)
    await person.start()
    await person.says(f"/link {code['code']}")
    await world.stage.quiet()
    return person


async def test_an_owner_asks_the_bot_and_gets_in_by_a_link_that_works_once(world: World) -> None:
    person = await owner(world)
    await person.says("/console")
    await world.stage.quiet()
    said = of_bot(person, world)[-1].text or ""
    (url,) = re.findall(r"http\S+/console/in/\S+", said)
    # A browser keeps cookies of an address without a name too.
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as browser:
        async with browser.get(url) as page:
            form = re.findall(r'name="form" value="([^"]*)"', await page.text())[0]
        async with browser.post(url, data={"form": form}) as inside:
            assert inside.status == 200
            assert "Мрія" in await inside.text()
        async with browser.get(url) as again:
            assert again.status == 404


async def test_in_a_group_and_for_a_client_the_word_does_nothing(world: World) -> None:
    client = await world.client()
    heard = len(world.staff_heard)
    await world.staff.says("/console", in_chat=world.group)
    await client.says("/console")
    await world.stage.quiet()
    assert len(world.staff_heard) == heard
    assert not any("/console/in/" in one.text for one in client.heard)
