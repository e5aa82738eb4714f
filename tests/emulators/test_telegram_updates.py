"""Updates reach the bot by polling or by webhook, in order, and are kept until it has them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiogram import Bot, Dispatcher
from aiogram.exceptions import (
    TelegramBadRequest,
    TelegramConflictError,
    TelegramNetworkError,
)
from aiogram.types import Message
from aiohttp import web

from bot.playground.telegram_emulator import TelegramEmulator
from bot.playground.telegram_people import User
from tests.emulators.hands import Hands, everything, refused

# Updates by polling


async def test_updates_are_kept_until_the_offset_confirms_them(bot: Bot, olena: User) -> None:
    await olena.says("раз")
    first, second = await bot.get_updates()
    assert [one.update_id for one in await bot.get_updates()] == [first.update_id, second.update_id]
    rest = await bot.get_updates(offset=first.update_id + 1)
    assert [one.message.text for one in rest if one.message] == ["раз"]


async def test_a_long_poll_answers_when_something_happens(bot: Bot, telegram: TelegramEmulator, olena: User) -> None:
    await everything(bot)
    last = telegram.calls[-1].params["offset"]
    poll = asyncio.create_task(bot.get_updates(offset=last, timeout=30))
    await telegram.updates.fetching()
    await olena.says("раз")
    (update,) = await poll
    assert update.message and update.message.text == "раз"


async def test_a_second_poller_ends_the_first(bot: Bot, telegram: TelegramEmulator) -> None:
    first = asyncio.create_task(bot.get_updates(timeout=30))
    await telegram.updates.fetching()
    assert await bot.get_updates(timeout=0) == []
    await refused(TelegramConflictError, first, "other getUpdates request")


async def test_only_the_kinds_that_were_asked_for_are_queued(bot: Bot, olena: User) -> None:
    await everything(bot)
    await bot.get_updates(allowed_updates=["my_chat_member"])
    await olena.says("раз")
    await olena.blocks()
    assert [update.event_type for update in await bot.get_updates()] == ["my_chat_member"]


async def test_updates_are_forgotten_after_a_day(bot: Bot, olena: User, hands: Hands) -> None:
    hands.move(hours=25)
    await olena.says("раз")
    assert [u.message.text for u in await bot.get_updates() if u.message] == ["раз"]


async def test_idle_waits_for_the_poller_and_not_for_one_that_hung_up(
    bot: Bot, telegram: TelegramEmulator, olena: User
) -> None:
    assert not await telegram.idle()
    await everything(bot)
    assert await telegram.idle()
    await olena.says("раз")
    waiting = asyncio.create_task(telegram.idle(patience=60))
    await everything(bot)
    assert await waiting
    poll = asyncio.create_task(bot.get_updates(timeout=30))
    await telegram.updates.fetching()
    poll.cancel()
    await telegram.updates.fetching(False)
    await olena.says("два")
    assert not await telegram.idle()


async def test_a_real_dispatcher_polls_answers_and_stops(bot: Bot, telegram: TelegramEmulator, olena: User) -> None:
    dispatcher = Dispatcher()

    @dispatcher.message()
    async def echo(message: Message) -> None:
        await message.answer(f"{message.text}?")

    polling = asyncio.create_task(dispatcher.start_polling(bot, handle_signals=False, close_bot_session=False))
    await telegram.called("sendMessage")
    await olena.says("раз")
    await telegram.called("sendMessage", 2)
    assert await telegram.idle()
    await dispatcher.stop_polling()
    await polling
    assert [message.text for message in olena.messages] == ["/start", "/start?", "раз", "раз?"]


async def test_stopping_hangs_up_on_an_open_poll(bot: Bot, telegram: TelegramEmulator) -> None:
    poll = asyncio.create_task(bot.get_updates(timeout=30))
    await telegram.updates.fetching()
    await telegram.stop()
    await refused(TelegramNetworkError, poll, "disconnected")


# Updates by webhook


class Hook:
    """The bot's own web server; `statuses` are its next answers, 200 when they are used up."""

    def __init__(self) -> None:
        self.seen: list[tuple[str | None, dict[str, Any]]] = []
        self.statuses: list[int] = []
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        self.seen.append((request.headers.get("X-Telegram-Bot-Api-Secret-Token"), await request.json()))
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200)

    @property
    def texts(self) -> list[str | None]:
        return [body["message"].get("text") for _, body in self.seen if "message" in body]


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    server = Hook()
    application = web.Application()
    application.router.add_post("/telegram/webhook", server.take)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}/telegram/webhook"
    yield server
    await runner.cleanup()


async def test_a_webhook_gets_updates_in_order_with_the_secret(
    bot: Bot, telegram: TelegramEmulator, olena: User, hook: Hook
) -> None:
    await bot.set_webhook(hook.url, secret_token="s3cret", allowed_updates=["message"])
    for word in ("раз", "два", "три"):
        await olena.says(word)
    assert await telegram.idle()
    assert hook.texts == ["/start", "раз", "два", "три"]
    assert {secret for secret, _ in hook.seen} == {"s3cret"}
    info = await bot.get_webhook_info()
    assert (info.url, info.pending_update_count, info.allowed_updates) == (hook.url, 0, ["message"])


async def test_a_webhook_that_fails_is_tried_again_and_holds_up_the_rest(
    bot: Bot, telegram: TelegramEmulator, olena: User, hook: Hook
) -> None:
    hook.statuses = [500, 503]
    await bot.set_webhook(hook.url)
    await olena.says("раз")
    assert await telegram.idle()
    assert hook.texts == ["/start", "/start", "/start", "раз"]


async def test_a_webhook_that_keeps_failing_gets_its_updates_when_it_is_set_anew(
    bot: Bot, telegram: TelegramEmulator, olena: User, hook: Hook
) -> None:
    hook.statuses = [500] * 5
    await bot.set_webhook(hook.url)
    assert not await telegram.idle()
    info = await bot.get_webhook_info()
    assert (info.pending_update_count, info.last_error_message) == (
        1,
        "Wrong response from the webhook: 500 Internal Server Error",
    )
    await bot.set_webhook(hook.url)
    assert await telegram.idle()
    assert len(hook.seen) == 6


async def test_polling_and_a_webhook_exclude_each_other(bot: Bot, telegram: TelegramEmulator, hook: Hook) -> None:
    poll = asyncio.create_task(bot.get_updates(timeout=30))
    await telegram.updates.fetching()
    await bot.set_webhook(hook.url)
    await refused(TelegramConflictError, poll, "terminated by setWebhook")
    await refused(TelegramConflictError, bot.get_updates(), "while webhook is active")
    await bot.delete_webhook()
    assert await bot.get_updates() == []


@pytest.mark.parametrize(
    ("url", "secret", "words"), [("http://example.com/", "", "HTTPS URL"), ("https://example.com/", "ї", "unallowed")]
)
async def test_a_webhook_needs_https_and_a_plain_secret(bot: Bot, url: str, secret: str, words: str) -> None:
    await refused(TelegramBadRequest, bot.set_webhook(url, secret_token=secret or None), words)
