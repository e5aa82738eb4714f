"""How Telegram's updates come in: by webhook, by polling, and from whoever only pretends."""

import asyncio
import gzip
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiogram import Bot
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bot.playground.telegram_emulator import TelegramEmulator
from bot.playground.telegram_people import User
from bot.telegram import TelegramChannel, make_bot
from bot.telegram_inbound import (
    LONGEST_UPDATE,
    PATH,
    SECRET_HEADER,
    TelegramIntake,
    poll,
    set_webhook,
    webhook_route,
)
from bot.telegram_updates import ALLOWED_UPDATES, Reader
from handlers.channel import Button, Text
from handlers.turn import pack
from storage.records import new_id
from storage.store import Changes, StoreBusy
from tests.support.bots import hang_up
from tests.support.inboxes import Listening, listening
from tests.support.waiting import turn, until

SECRET = "s3cret-s3cret"
ROW = new_id()
UPDATE = {
    "update_id": 5,
    "message": {
        "message_id": 1,
        "date": 1,
        "chat": {"id": 501, "type": "private"},
        "from": {"id": 501, "is_bot": False, "first_name": "О"},
        "text": "так",
    },
}
Client = TestClient[web.Request, web.Application]


@pytest.fixture
async def telegram() -> AsyncIterator[TelegramEmulator]:
    async with TelegramEmulator(limits=False) as emulator:
        yield emulator


@pytest.fixture
async def bot(telegram: TelegramEmulator) -> AsyncIterator[Bot]:
    bot = make_bot(telegram.token, telegram.base_url)
    yield bot
    await hang_up(bot)


@pytest.fixture
async def heard() -> AsyncIterator[Listening]:
    async with listening("telegram", Reader(lambda: "vizit_demo_bot")) as heard:
        yield heard


@pytest.fixture
async def intake(bot: Bot, heard: Listening) -> AsyncIterator[TelegramIntake]:
    intake = TelegramIntake(bot, heard.inbox)
    yield intake
    await intake.close()


@pytest.fixture
async def client(intake: TelegramIntake) -> AsyncIterator[Client]:
    app = web.Application()
    app.add_routes([webhook_route(intake, SECRET)])
    async with TestClient(TestServer(app)) as client:
        yield client


@pytest.fixture
async def olena(telegram: TelegramEmulator) -> User:
    return telegram.user(501, "Олена", "uk")


class Polling:
    """A poller in the background; its pauses are written down and not waited for."""

    def __init__(self, bot: Bot, intake: TelegramIntake) -> None:
        self.pauses: list[float] = []
        self._bot = bot
        self._intake = intake

    async def __aenter__(self) -> "Polling":
        self._task = asyncio.create_task(poll(self._bot, self._intake, sleep=self._sleep))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        await turn()


async def said(heard: Listening) -> list[str | None]:
    await heard.inbox.idle()
    return [turn.text for turn in heard.turns]


# Webhook


async def test_an_update_is_stored_and_answered_with_200(client: Client, heard: Listening) -> None:
    answer = await client.post(PATH, json=UPDATE, headers={SECRET_HEADER: SECRET})
    assert answer.status == 200
    assert [event.id for event in await heard.events()] == [f"telegram:{4200000042}-5"]
    assert await said(heard) == ["так"]


async def test_the_same_update_a_hundred_times_is_said_once(client: Client, heard: Listening) -> None:
    for _ in range(100):
        answer = await client.post(PATH, json=UPDATE, headers={SECRET_HEADER: SECRET})
        assert answer.status == 200
    assert await said(heard) == ["так"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {SECRET_HEADER: ""},
        {SECRET_HEADER: "wrong"},
        {SECRET_HEADER: SECRET.upper()},
        {SECRET_HEADER: SECRET[:-1]},
        {SECRET_HEADER: SECRET + "x"},
        {SECRET_HEADER: "секрет"},
        {SECRET_HEADER: "\udcff\udcfe"},
        {"X-Forwarded-For": "149.154.167.220"},
        {"Authorization": f"Bearer {SECRET}"},
    ],
)
async def test_without_the_secret_nobody_is_listened_to(
    client: Client, heard: Listening, headers: dict[str, str]
) -> None:
    raw = {name: value.encode("utf-8", "surrogateescape").decode("latin-1") for name, value in headers.items()}
    answer = await client.post(PATH, json=UPDATE, headers=raw)
    assert answer.status == 401
    assert await heard.events() == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"5",
        b'"x"',
        b"[]",
        b"{}",
        b"\xff\xfe\xfa",
        b'{"update_id": "5"}',
        b'{"update_id": null}',
        b'{"update_id": 5.5}',
        b'{"update_id": 1' + b"0" * 5000 + b"}",
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b"update_id=5",
    ],
)
async def test_what_is_no_update_is_refused_and_not_kept(client: Client, heard: Listening, body: bytes) -> None:
    answer = await client.post(PATH, data=body, headers={SECRET_HEADER: SECRET, "Content-Type": "application/json"})
    assert answer.status == 400
    assert await heard.events() == []


async def test_an_update_that_says_nothing_known_is_taken_and_not_kept(client: Client, heard: Listening) -> None:
    for body in ({"update_id": 6}, {"update_id": 7, "poll": {"id": "1"}}, {"update_id": 8, "message": 5}):
        answer = await client.post(PATH, json=body, headers={SECRET_HEADER: SECRET})
        assert answer.status == 200
    assert await heard.events() == []


async def test_a_body_that_is_too_long_is_refused_however_it_comes(client: Client, heard: Listening) -> None:
    long = json.dumps({"update_id": 5, "message": "x" * LONGEST_UPDATE}).encode()

    async def in_chunks() -> AsyncIterator[bytes]:
        yield long

    zipped = {"Content-Encoding": "gzip"}
    for body, extra in ((long, {}), (in_chunks(), {}), (gzip.compress(long), zipped)):
        answer = await client.post(PATH, data=body, headers={SECRET_HEADER: SECRET, **extra})
        assert answer.status == 413
    assert await heard.events() == []


async def test_only_post_is_answered(client: Client) -> None:
    assert (await client.get(PATH, headers={SECRET_HEADER: SECRET})).status == 405


async def test_while_nothing_can_be_stored_telegram_is_asked_to_come_again(
    client: Client, heard: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def busy(_: Changes) -> None:
        raise StoreBusy

    with monkeypatch.context() as patched:
        patched.setattr(heard.store, "commit", busy)
        answer = await client.post(PATH, json=UPDATE, headers={SECRET_HEADER: SECRET})
    assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
    assert (await client.post(PATH, json=UPDATE, headers={SECRET_HEADER: SECRET})).status == 200
    assert await said(heard) == ["так"]


async def test_a_webhook_without_a_secret_is_not_made(intake: TelegramIntake) -> None:
    with pytest.raises(ValueError, match="secret"):
        webhook_route(intake, "")


async def test_what_a_person_writes_comes_through_the_webhook(
    client: Client, telegram: TelegramEmulator, bot: Bot, heard: Listening, olena: User
) -> None:
    await set_webhook(bot, str(client.make_url("/")), SECRET)
    assert telegram.updates.webhook_info()["allowed_updates"] == sorted(ALLOWED_UPDATES)
    await olena.start("token")
    assert await telegram.idle()
    await olena.says("Добрий день")
    assert await telegram.idle()
    assert await said(heard) == ["/start token", "Добрий день"]


# Presses


async def asked(bot: Bot, olena: User) -> None:
    await olena.start()
    await TelegramChannel(bot).send(
        Text("Прийдете?", buttons=((Button("Так", pack("confirm", ROW, 0)),),)), str(olena.id), ROW
    )


async def test_a_press_is_answered_at_once_and_heard(
    client: Client, telegram: TelegramEmulator, bot: Bot, intake: TelegramIntake, heard: Listening, olena: User
) -> None:
    await asked(bot, olena)
    await set_webhook(bot, str(client.make_url("/")), SECRET)
    press = await olena.taps("Так")
    await telegram.idle()
    await intake.close()
    await heard.inbox.idle()
    assert getattr(press, "answered", False)
    assert [turn.press and turn.press.verb for turn in heard.turns] == [None, "confirm"]


async def test_a_press_that_is_too_old_to_be_answered_is_heard_all_the_same(
    telegram: TelegramEmulator, intake: TelegramIntake, heard: Listening, caplog: pytest.LogCaptureFixture
) -> None:
    update = {
        "update_id": 9,
        "callback_query": {
            "id": "gone",
            "from": {"id": 501},
            "message": {"message_id": 4, "chat": {"id": 501, "type": "private"}},
            "data": pack("confirm", ROW, 0),
        },
    }
    with caplog.at_level(logging.INFO):
        await intake.take(update)
        await intake.take(update)
        await intake.close()
    await heard.inbox.idle()
    assert [call.method for call in telegram.calls] == ["answerCallbackQuery"]
    assert [turn.press is not None for turn in heard.turns] == [True]
    assert caplog.records == []


async def test_an_answer_to_a_press_that_fails_otherwise_is_logged(
    telegram: TelegramEmulator, intake: TelegramIntake, heard: Listening, caplog: pytest.LogCaptureFixture
) -> None:
    telegram.fail("answerCallbackQuery", status=400, body={"ok": False, "description": "Bad Request: something else"})
    await intake.take({"update_id": 9, "callback_query": {"id": "x", "from": {"id": 1}}})
    telegram.fail("answerCallbackQuery", status=502, body="<html>")
    await intake.take({"update_id": 10, "callback_query": {"id": "x", "from": {"id": 1}}})
    await intake.close()
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]


# Polling


async def fetched(telegram: TelegramEmulator) -> None:
    """Wait until the poller, which may still be on its way, has taken everything."""
    while not await telegram.idle():
        await turn()


async def test_what_a_person_writes_is_fetched(
    telegram: TelegramEmulator, bot: Bot, intake: TelegramIntake, heard: Listening, olena: User
) -> None:
    await olena.start("token")
    async with Polling(bot, intake):
        await fetched(telegram)
        await olena.says("Добрий день")
        await fetched(telegram)
    assert await said(heard) == ["/start token", "Добрий день"]
    assert next(call for call in telegram.calls if call.method == "getUpdates").params["allowed_updates"] == (
        ALLOWED_UPDATES
    )


async def test_a_webhook_that_was_left_behind_is_taken_off(
    telegram: TelegramEmulator, bot: Bot, intake: TelegramIntake, heard: Listening, olena: User
) -> None:
    await bot.set_webhook("http://127.0.0.1:9/telegram/webhook")
    async with Polling(bot, intake):
        await olena.start()
        await fetched(telegram)
    assert await said(heard) == ["/start"]


async def test_a_webhook_that_somebody_sets_meanwhile_is_taken_off_again(
    telegram: TelegramEmulator, bot: Bot, intake: TelegramIntake, heard: Listening, olena: User
) -> None:
    async with Polling(bot, intake):
        await olena.start()
        await fetched(telegram)
        await bot.set_webhook("http://127.0.0.1:9/telegram/webhook")
        await until(lambda: not telegram.updates.webhook)
        await olena.says("ще тут")
        await fetched(telegram)
    assert await said(heard) == ["/start", "ще тут"]


async def test_an_update_is_asked_for_again_until_it_is_in_the_inbox(
    telegram: TelegramEmulator,
    bot: Bot,
    intake: TelegramIntake,
    heard: Listening,
    olena: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    commit, refusals = heard.store.commit, 3

    async def busy(changes: Changes) -> object:
        nonlocal refusals
        if refusals:
            refusals -= 1
            raise StoreBusy
        return await commit(changes)

    monkeypatch.setattr(heard.store, "commit", busy)
    await olena.start()
    await olena.says("друге")
    async with Polling(bot, intake) as polling:
        await fetched(telegram)
    assert await said(heard) == ["/start", "друге"]
    assert len(polling.pauses) == 3


@pytest.mark.parametrize("trouble", ["refused", "html", "dropped", "flood", "token"])
async def test_no_failure_of_the_network_ends_the_fetching(
    telegram: TelegramEmulator, bot: Bot, intake: TelegramIntake, heard: Listening, olena: User, trouble: str
) -> None:
    if trouble == "dropped":
        telegram.drop("getUpdates", times=2)
    elif trouble == "html":
        telegram.fail("getUpdates", status=502, body="<html>", times=2)
    else:
        status = {"refused": 500, "flood": 429, "token": 401}[trouble]
        telegram.fail("*", status=status, times=2)
    await olena.start()
    async with Polling(bot, intake) as polling:
        await fetched(telegram)
    assert await said(heard) == ["/start"]
    assert len(polling.pauses) == 2
    assert {"flood": [1.0, 1.0], "token": [60.0, 60.0]}.get(trouble, polling.pauses) == polling.pauses


async def test_it_starts_without_a_network_and_goes_on_when_there_is_one(
    telegram: TelegramEmulator, bot: Bot, intake: TelegramIntake, heard: Listening, olena: User
) -> None:
    port = int(telegram.base_url.rpartition(":")[2])
    await telegram.stop()
    await olena.start()
    async with Polling(bot, intake) as polling:
        await until(lambda: len(polling.pauses) >= 8)
        await telegram.start(port=port)
        await fetched(telegram)
    assert await said(heard) == ["/start"]
    assert all(0.5 <= pause <= 30 for pause in polling.pauses)
    assert max(polling.pauses[5:8]) > max(polling.pauses[:2])


async def test_a_second_poller_is_told_in_the_log_and_neither_ends(
    telegram: TelegramEmulator,
    bot: Bot,
    intake: TelegramIntake,
    heard: Listening,
    olena: User,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with Polling(bot, intake) as polling:
        await olena.start()
        await fetched(telegram)
        await bot.get_updates(timeout=0)
        await until(lambda: bool(polling.pauses))
        await olena.says("ще тут")
        await fetched(telegram)
    assert await said(heard) == ["/start", "ще тут"]
    assert "TelegramConflictError" in caplog.text and "other getUpdates" in caplog.text


async def test_the_token_is_never_logged(
    telegram: TelegramEmulator, bot: Bot, intake: TelegramIntake, caplog: pytest.LogCaptureFixture
) -> None:
    await telegram.stop()
    with caplog.at_level(logging.DEBUG):
        async with Polling(bot, intake) as polling:
            await until(lambda: len(polling.pauses) >= 2)
    assert "deleteWebhook" in caplog.text
    assert telegram.token.partition(":")[2] not in caplog.text


async def test_one_update_of_an_unknown_shape_does_not_hold_up_the_others(
    telegram: TelegramEmulator, bot: Bot, intake: TelegramIntake, heard: Listening, olena: User
) -> None:
    strange: dict[str, Any] = {"chat": [], "from": "who", "text": {"rich": True}, "date": "soon"}
    telegram.updates.put("message", strange)
    await olena.start()
    async with Polling(bot, intake):
        await fetched(telegram)
    assert await said(heard) == ["/start"]
