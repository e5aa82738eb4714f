"""The Telegram channel, through aiogram, against the emulated Bot API and against servers that misbehave."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiogram import Bot
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.playground.telegram_emulator import TelegramEmulator
from bot.playground.telegram_people import Group, User
from bot.telegram import TelegramChannel, make_bot, provider_id, split_provider_id
from handlers.channel import Button, Edit, SendError, Template, Text
from handlers.turn import pack
from storage.records import new_id
from tests.support.bots import hang_up

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
ROW = new_id()


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
def channel(bot: Bot) -> TelegramChannel:
    return TelegramChannel(bot)


@pytest.fixture
async def olena(telegram: TelegramEmulator) -> User:
    user = telegram.user(501, "Олена", "uk", "+380671234567")
    await user.start()
    return user


@pytest.fixture
async def group(telegram: TelegramEmulator, olena: User) -> Group:
    group = telegram.group("Салон", [olena], supergroup=True)
    await group.add_bot()
    return group


async def failure(channel: TelegramChannel, to: str, what: Text | Edit | None = None) -> SendError:
    with pytest.raises(SendError) as caught:
        await channel.send(what or Text("Чекаємо на вас"), to, ROW)
    return caught.value


async def test_a_text_arrives_as_it_is_written(channel: TelegramChannel, olena: User) -> None:
    hostile = "<b>Ім'я</b> & *зірки* _ [посилання](http://x) https://example.com"
    await channel.send(Text(hostile), "501", ROW)
    assert olena.messages[-1].text == hostile
    assert olena.messages[-1].markup is None


async def test_no_link_preview_is_asked_for(telegram: TelegramEmulator, channel: TelegramChannel, olena: User) -> None:
    await channel.send(Text("https://example.com"), "501", ROW)
    call = telegram.calls[-1]
    assert (call.method, call.params["link_preview_options"]) == ("sendMessage", {"is_disabled": True})
    assert "parse_mode" not in call.params


async def test_the_id_of_a_message_names_its_chat_since_numbers_begin_anew_in_each(
    channel: TelegramChannel, telegram: TelegramEmulator, olena: User
) -> None:
    other = telegram.user(502, "Інна")
    await other.start()
    first = await channel.send(Text("one"), "501", ROW)
    second = await channel.send(Text("two"), "502", ROW)
    assert first == provider_id(501, olena.messages[-1].message_id)
    assert first != second
    assert split_provider_id("-1001234:56") == ("-1001234", 56)


async def test_buttons_stand_in_their_rows_with_payload_link_and_colour(channel: TelegramChannel, olena: User) -> None:
    data = pack("confirm", ROW, 0)
    rows = (
        (Button("Прийду", data, style="success"), Button("Не зможу", "1.cancel.x.1", style="danger")),
        (Button("Карта", url="https://example.com/map"),),
    )
    await channel.send(Text("Прийдете?", buttons=rows), "501", ROW)
    assert olena.messages[-1].buttons == [
        [
            {"text": "Прийду", "data": data, "style": "success"},
            {"text": "Не зможу", "data": "1.cancel.x.1", "style": "danger"},
        ],
        [{"text": "Карта", "url": "https://example.com/map"}],
    ]


async def test_the_phone_is_asked_for_with_a_keyboard_that_can_be_taken_away(
    channel: TelegramChannel, olena: User
) -> None:
    await channel.send(Text("Ваш номер?", ask_contact="📱 Поділитися"), "501", ROW)
    assert olena.messages[-1].keyboard == [[{"text": "📱 Поділитися", "request_contact": True}]]
    await channel.send(Text("Дякуємо!", drop_keyboard=True), "501", ROW)
    assert olena.chat.keyboard is None


async def test_a_quiet_message_does_not_ring(telegram: TelegramEmulator, channel: TelegramChannel, olena: User) -> None:
    await channel.send(Text("Новий запис", quiet=True), "501", ROW)
    assert telegram.calls[-1].params["disable_notification"] is True
    await channel.send(Text("Нагадування"), "501", ROW)
    assert "disable_notification" not in telegram.calls[-1].params


async def test_a_topic_gets_its_own_messages(channel: TelegramChannel, group: Group) -> None:
    thread = await group.topic("Записи")
    await channel.send(Text("Новий запис", thread=thread), str(group.id), ROW)
    assert group.messages[-1].thread == thread


async def test_news_for_a_topic_that_is_gone_still_reach_the_chat(channel: TelegramChannel, group: Group) -> None:
    await channel.send(Text("Новий запис", thread=777), str(group.id), ROW)
    assert (group.messages[-1].text, group.messages[-1].thread) == ("Новий запис", None)


async def test_an_answer_hangs_on_the_message_it_answers(channel: TelegramChannel, olena: User) -> None:
    question = await olena.says("А можна о 17:00?")
    await channel.send(Text("Так", reply_to=provider_id(501, question.message_id)), "501", ROW)
    assert olena.messages[-1].reply_to is question


async def test_an_answer_to_a_message_that_is_gone_is_still_sent(channel: TelegramChannel, olena: User) -> None:
    await channel.send(Text("Так", reply_to=provider_id(501, 4242)), "501", ROW)
    assert olena.messages[-1].text == "Так"


async def test_an_edit_rewrites_text_and_buttons(channel: TelegramChannel, olena: User) -> None:
    sent = await channel.send(Text("Прийдете?", buttons=((Button("Так", "1.a.b.0"),),)), "501", ROW)
    assert sent is not None
    edit = Edit(sent, "✅ Підтверджено", ((Button("Перенести", "1.move.b.1"),),))
    assert await channel.send(edit, "501", ROW) == sent
    assert (olena.messages[-1].text, olena.messages[-1].titles) == ("✅ Підтверджено", ["Перенести"])


async def test_an_edit_without_buttons_takes_them_off(channel: TelegramChannel, olena: User) -> None:
    sent = await channel.send(Text("Прийдете?", buttons=((Button("Так", "1.a.b.0"),),)), "501", ROW)
    assert sent is not None
    await channel.send(Edit(sent), "501", ROW)
    assert (olena.messages[-1].text, olena.messages[-1].titles) == ("Прийдете?", [])


async def test_an_edit_that_changes_nothing_counts_as_done(channel: TelegramChannel, olena: User) -> None:
    sent = await channel.send(Text("Прийдете?"), "501", ROW)
    assert sent is not None
    assert await channel.send(Edit(sent, "Прийдете?"), "501", ROW) == sent
    assert await channel.send(Edit(sent), "501", ROW) == sent


async def test_an_edit_of_a_message_that_is_gone_fails_but_leaves_the_address_alive(
    channel: TelegramChannel, olena: User
) -> None:
    for edit in (Edit("501:4242", "Нове"), Edit("501:4242")):
        error = await failure(channel, "501", edit)
        assert (error.outcome, error.code, error.address_dead) == ("permanent", "400", False)


async def test_a_person_who_blocked_the_bot_is_not_tried_again(channel: TelegramChannel, olena: User) -> None:
    await olena.blocks()
    error = await failure(channel, "501")
    assert (error.outcome, error.code, error.address_dead) == ("permanent", "403", True)
    assert "blocked" in error.text


async def test_a_person_who_never_wrote_and_a_chat_that_is_not_there_cannot_be_reached(
    channel: TelegramChannel, telegram: TelegramEmulator
) -> None:
    telegram.user(503)
    for to in ("503", "999999"):
        error = await failure(channel, to)
        assert (error.outcome, error.address_dead) == ("permanent", True)


async def test_a_group_that_threw_the_bot_out_cannot_be_reached(channel: TelegramChannel, group: Group) -> None:
    await group.remove_bot()
    error = await failure(channel, str(group.id))
    assert (error.outcome, error.address_dead) == ("permanent", True)


async def test_a_group_that_became_a_supergroup_tells_its_new_id(
    channel: TelegramChannel, telegram: TelegramEmulator, olena: User
) -> None:
    basic = telegram.group("Салон", [olena])
    await basic.add_bot()
    old = basic.id
    await basic.upgrade()
    error = await failure(channel, str(old))
    assert (error.outcome, error.moved_to) == ("not_sent", str(basic.id))


async def test_a_text_that_telegram_refuses_leaves_the_address_alive(channel: TelegramChannel, olena: User) -> None:
    error = await failure(channel, "501", Text("x" * 4097))
    assert (error.outcome, error.code, error.address_dead) == ("permanent", "400", False)


async def test_a_flood_limit_holds_up_the_group_or_everything(
    channel: TelegramChannel, telegram: TelegramEmulator, olena: User, group: Group
) -> None:
    limit = {"ok": False, "error_code": 429, "description": "Too Many Requests: retry after 17"}
    telegram.fail("sendMessage", status=429, body=limit | {"parameters": {"retry_after": 17}}, times=2)
    in_group, in_private = await failure(channel, str(group.id)), await failure(channel, "501")
    assert (in_group.outcome, in_group.retry_after, in_group.scope) == ("not_sent", 17_000, "chat")
    assert (in_private.outcome, in_private.retry_after, in_private.scope) == ("not_sent", 17_000, "channel")


async def test_a_flood_limit_without_a_number_still_pauses(
    channel: TelegramChannel, telegram: TelegramEmulator, olena: User
) -> None:
    body = {"ok": False, "error_code": 429, "description": "Too Many Requests"}
    telegram.fail("sendMessage", status=429, body=body)
    error = await failure(channel, "501")
    assert (error.outcome, error.code, error.retry_after, error.scope) == ("not_sent", "429", 5_000, "channel")


@pytest.mark.parametrize("acts", [True, False])
async def test_a_connection_that_breaks_leaves_it_open_whether_the_message_went(
    channel: TelegramChannel, telegram: TelegramEmulator, olena: User, acts: bool
) -> None:
    telegram.drop("sendMessage", acts=acts)
    assert (await failure(channel, "501")).outcome == "unknown"


@pytest.mark.parametrize("body", [None, "<html>502 Bad Gateway</html>", {"ok": False}, {"error": "?"}])
async def test_a_server_in_trouble_leaves_it_open_whether_the_message_went(
    channel: TelegramChannel, telegram: TelegramEmulator, olena: User, body: dict[str, object] | str | None
) -> None:
    telegram.fail("sendMessage", status=502, body=body)
    assert (await failure(channel, "501")).outcome == "unknown"


async def test_a_wrong_token_holds_up_everything_and_kills_nobody(telegram: TelegramEmulator) -> None:
    bot = make_bot("42:wrong", telegram.base_url)
    error = await failure(TelegramChannel(bot), "501")
    assert (error.outcome, error.code, error.scope, error.address_dead) == ("not_sent", "401", "channel", False)
    await hang_up(bot)


async def test_a_server_that_is_not_there_got_nothing(telegram: TelegramEmulator) -> None:
    bot = make_bot(telegram.token, telegram.base_url)
    await telegram.stop()
    error = await failure(TelegramChannel(bot), "501")
    assert (error.outcome, error.code) == ("not_sent", "network")
    assert telegram.token not in str(error)
    await hang_up(bot)


async def test_half_a_surrogate_pair_is_refused_before_anything_is_sent(
    channel: TelegramChannel, telegram: TelegramEmulator, olena: User
) -> None:
    before = len(telegram.calls)
    error = await failure(channel, "501", Text("\ud83d"))
    assert (error.outcome, error.code) == ("permanent", "unencodable")
    assert len(telegram.calls) == before


async def test_only_the_id_is_read_from_the_answer_so_a_server_may_say_less_than_telegram() -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.json_response({"ok": True, "result": {"message_id": 7}})

    async with serving(answer) as channel:
        assert await channel.send(Text("x"), "501", ROW) == "501:7"


@pytest.mark.parametrize("text", ["[]", "null", '{"ok": true}', '{"ok": true, "result": {}}', "{", ""])
async def test_an_answer_that_says_nothing_leaves_it_open_whether_the_message_went(text: str) -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(text=text, content_type="application/json")

    async with serving(answer) as channel:
        assert (await failure(channel, "501")).outcome == "unknown"


async def test_a_template_is_no_business_of_telegram(channel: TelegramChannel) -> None:
    with pytest.raises(TypeError):
        await channel.send(Template("HX" + "0" * 32), "501", ROW)


async def test_what_goes_over_the_wire_is_json_that_says_no_more_than_it_must() -> None:
    seen: dict[str, Any] = {}

    async def answer(request: web.Request) -> web.StreamResponse:
        seen.update(await request.json())
        return web.json_response({"ok": True, "result": {"message_id": 1}})

    async with serving(answer) as channel:
        await channel.send(Text("Ї", buttons=((Button("Так", "d"),),), quiet=True), "501", ROW)
    assert seen == {
        "chat_id": 501,
        "text": "Ї",
        "disable_notification": True,
        "link_preview_options": {"is_disabled": True},
        "reply_markup": {"inline_keyboard": [[{"text": "Так", "callback_data": "d"}]]},
    }


class serving:
    """A Bot API of one handler, and a channel to it."""

    def __init__(self, answer: Answer) -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", answer)
        self._server = TestServer(app)

    async def __aenter__(self) -> TelegramChannel:
        await self._server.start_server()
        self._bot = make_bot("42:ABC", str(self._server.make_url("")).rstrip("/"))
        return TelegramChannel(self._bot)

    async def __aexit__(self, *_: object) -> None:
        await hang_up(self._bot)
        await self._server.close()
