"""Flood limits, the bot's own page, and a wire that breaks on purpose."""

import asyncio

import pytest
from aiogram import Bot
from aiogram.exceptions import (
    ClientDecodeError,
    TelegramBadRequest,
    TelegramNetworkError,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramServerError,
)
from aiogram.types import (
    BotCommand,
    BufferedInputFile,
)
from aiohttp import ClientSession

from bot.playground.telegram_emulator import TelegramEmulator
from bot.playground.telegram_people import User
from tests.emulators.hands import OLENA, Hands, button, client, everything, png, refused

# Flood limits


async def test_three_messages_at_once_are_let_through_and_then_one_a_second(
    bot: Bot, olena: User, hands: Hands
) -> None:
    for number in range(3):
        await bot.send_message(OLENA, str(number))
    with pytest.raises(TelegramRetryAfter) as refusal:
        await bot.send_message(OLENA, "3")
    assert refusal.value.retry_after == 1
    hands.move(seconds=1)
    await bot.send_message(OLENA, "3")
    await refused(TelegramRetryAfter, bot.send_message(OLENA, "4"), "Flood control")


async def test_a_group_takes_twenty_messages_a_minute(
    bot: Bot, telegram: TelegramEmulator, olena: User, hands: Hands
) -> None:
    group = telegram.group("Адміністратори", [olena])
    await group.add_bot()
    for number in range(20):
        hands.move(seconds=1)
        await bot.send_message(group.id, str(number))
    hands.move(seconds=1)
    with pytest.raises(TelegramRetryAfter) as refusal:
        await bot.send_message(group.id, "20")
    assert refusal.value.retry_after == 40
    hands.move(seconds=40)
    await bot.send_message(group.id, "20")


async def test_all_chats_together_take_thirty_messages_a_second(
    bot: Bot, telegram: TelegramEmulator, hands: Hands
) -> None:
    for number in range(31):
        await telegram.user(2000 + number).start()
    for number in range(30):
        await bot.send_message(2000 + number, "!")
    await refused(TelegramRetryAfter, bot.send_message(2030, "!"), "Flood control")
    hands.move(seconds=1)
    await bot.send_message(2030, "!")


async def test_a_refused_message_does_not_count(bot: Bot, telegram: TelegramEmulator, olena: User) -> None:
    for _ in range(5):
        await refused(TelegramBadRequest, bot.send_message(OLENA, "я" * 5000), "too long")
    assert await bot.send_message(OLENA, "!")


async def test_the_limits_can_be_switched_off(bot: Bot, telegram: TelegramEmulator, olena: User) -> None:
    telegram.limits = False
    for number in range(40):
        await bot.send_message(OLENA, str(number))
    assert len(olena.messages) == 41


# The bot's own page


async def test_name_descriptions_and_commands_are_kept_by_language(bot: Bot) -> None:
    await bot.set_my_name("Візит", language_code="uk")
    await bot.set_my_description("Нагадування", language_code="uk")
    await bot.set_my_short_description("Коротко", language_code="uk")
    await bot.set_my_commands([BotCommand(command="help", description="Довідка")], language_code="uk")
    assert (await bot.get_my_name("uk")).name == "Візит"
    assert (await bot.get_my_name("tr")).name == "Vizit"
    assert (await bot.get_my_description("uk")).description == "Нагадування"
    assert (await bot.get_my_short_description("uk")).short_description == "Коротко"
    assert [one.command for one in await bot.get_my_commands(language_code="uk")] == ["help"]
    assert await bot.get_my_commands(language_code="tr") == []


async def test_a_bad_command_or_a_long_name_is_refused(bot: Bot) -> None:
    bad = bot.set_my_commands([BotCommand(command="Довідка", description="?")])
    await refused(TelegramBadRequest, bad, "BOT_COMMAND_INVALID")
    await refused(TelegramBadRequest, bot.set_my_name("x" * 65), "NAME_TOO_LONG")


async def test_an_unknown_method_is_not_found(bot: Bot) -> None:
    await refused(TelegramNotFound, bot.get_sticker_set("x"), "method not found")


async def test_typing_can_be_shown(bot: Bot, olena: User) -> None:
    assert await bot.send_chat_action(OLENA, "typing")


# A wire that breaks


async def test_a_failure_is_answered_as_often_as_was_asked(bot: Bot, telegram: TelegramEmulator, olena: User) -> None:
    telegram.fail("sendMessage", status=500, times=2)
    for _ in range(2):
        await refused(TelegramServerError, bot.send_message(OLENA, "!"), "Internal Server Error")
    assert [message.text for message in olena.messages] == ["/start"]
    await bot.send_message(OLENA, "!")
    statuses = [call.status for call in telegram.calls if call.method == "sendMessage"]
    assert statuses == [500, 500, 200]


async def test_a_page_of_html_comes_instead_of_json(bot: Bot, telegram: TelegramEmulator, olena: User) -> None:
    telegram.fail("*", status=502, body="<html>502 Bad Gateway</html>")
    await refused(ClientDecodeError, bot.send_message(OLENA, "!"), "Failed to decode")


async def test_a_request_may_take_effect_before_the_connection_drops(
    bot: Bot, telegram: TelegramEmulator, olena: User
) -> None:
    telegram.drop("sendMessage")
    await refused(TelegramNetworkError, bot.send_message(OLENA, "раз"), "disconnected")
    telegram.drop("sendMessage", acts=False)
    await refused(TelegramNetworkError, bot.send_message(OLENA, "два"), "disconnected")
    assert [message.text for message in olena.messages] == ["/start", "раз"]
    assert telegram.calls[-1].status == 0


async def test_silence_lasts_until_the_emulator_stops(bot: Bot, telegram: TelegramEmulator, olena: User) -> None:
    telegram.silence("sendMessage")
    call = asyncio.create_task(bot.send_message(OLENA, "раз"))
    await telegram.called("sendMessage")
    assert olena.messages[-1].text == "раз"
    assert await bot.get_me() and not call.done()
    await telegram.stop()
    await refused(TelegramNetworkError, call, "disconnected")


async def test_answers_come_late_when_a_delay_is_set(olena: User, telegram: TelegramEmulator, bot: Bot) -> None:
    pauses: list[float] = []

    async def note(seconds: float) -> None:
        pauses.append(seconds)

    telegram.sleep = note
    telegram.delay(3, "sendMessage")
    await bot.send_message(OLENA, "!")
    await bot.get_me()
    telegram.heal()
    await bot.send_message(OLENA, "!")
    assert pauses == [3]


async def test_what_was_there_is_there_after_an_outage(telegram: TelegramEmulator, olena: User) -> None:
    port = int(telegram.base_url.rpartition(":")[2])
    await telegram.stop()
    await olena.says("раз")
    await telegram.start(port=port)
    async with client(telegram) as again:
        assert [u.message.text for u in await again.get_updates() if u.message] == ["/start", "раз"]


# The page


async def test_a_page_can_play_a_person_and_follow_the_chat(telegram: TelegramEmulator, bot: Bot, olena: User) -> None:
    await bot.send_message(OLENA, "Прийдете?", reply_markup=button("Так", "1"))
    base = f"{telegram.base_url}/play/telegram"
    async with ClientSession() as page:
        state = await (await page.get(f"{base}/state")).json()
        (chat,) = state["chats"]
        assert chat["messages"][-1]["buttons"] == [[{"text": "Так", "data": "1"}]]
        follower = asyncio.create_task(page.get(f"{base}/state", params={"since": state["version"]}))
        assert (await page.post(f"{base}/users/{OLENA}/says", json={"text": "так"})).status == 200
        assert (await (await follower).json())["chats"][0]["messages"][-1]["text"] == "так"
        message = chat["messages"][-1]["id"]
        tap = await page.post(f"{base}/users/{OLENA}/taps", json={"button": "Так", "message": message})
        assert tap.status == 200
        wrong = await page.post(f"{base}/users/{OLENA}/taps", json={"button": "Ні"})
        assert (wrong.status, (await wrong.json())["error"]) == (400, "no button 'Ні'; there are ['Так']")
        assert (await page.post(f"{base}/users/{OLENA}/deletes_account", json={})).status == 404
        assert (await page.post(f"{base}/users/{OLENA}/blocks", data={})).status == 415
    assert [update.event_type for update in await everything(bot)] == ["message", "message", "callback_query"]


async def test_a_page_can_play_a_group_and_show_a_photo(telegram: TelegramEmulator, bot: Bot, olena: User) -> None:
    group = telegram.group("Адміністратори", [olena])
    base = f"{telegram.base_url}/play/telegram"
    async with ClientSession() as page:
        assert (await page.post(f"{base}/groups/{group.id}/add_bot", json={"payload": "C"})).status == 200
        sent = await bot.send_photo(group.id, BufferedInputFile(png(1, 1), "x.png"))
        assert sent.photo
        shown = await page.get(f"{base}/files/{sent.photo[0].file_id}")
        assert (shown.content_type, await shown.read()) == ("image/png", png(1, 1))


async def test_the_log_of_calls_holds_their_parameters(telegram: TelegramEmulator, bot: Bot, olena: User) -> None:
    await bot.send_message(OLENA, "?", reply_markup=button("Так", "1"), disable_notification=True)
    call = telegram.calls[-1]
    assert (call.method, call.status) == ("sendMessage", 200)
    assert call.params["chat_id"] == OLENA and call.params["disable_notification"] is True
    assert call.params["reply_markup"]["inline_keyboard"][0][0]["callback_data"] == "1"
