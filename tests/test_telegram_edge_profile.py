"""What the bot says of itself in Telegram."""

import json
from collections import Counter
from collections.abc import AsyncIterator

import pytest
from aiogram import Bot
from aiogram.types import BotCommandScopeAllGroupChats, BotCommandScopeAllPrivateChats

from bot.playground.telegram_emulator import TelegramEmulator
from bot.telegram import make_bot
from bot.telegram_profile import DESCRIPTION, FOR_CLIENTS, FOR_STAFF, SHORT_DESCRIPTION, Identity, set_profile
from handlers.i18n import LANGUAGES, translator
from tests.support.bots import hang_up

PRIVATE, GROUPS = BotCommandScopeAllPrivateChats(), BotCommandScopeAllGroupChats()


@pytest.fixture
async def telegram() -> AsyncIterator[TelegramEmulator]:
    async with TelegramEmulator(limits=False) as emulator:
        yield emulator


@pytest.fixture
async def bot(telegram: TelegramEmulator) -> AsyncIterator[Bot]:
    bot = make_bot(telegram.token, telegram.base_url)
    yield bot
    await hang_up(bot)


class Pauses(list[float]):
    """Writes pauses down in place of waiting."""

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)


def changes(telegram: TelegramEmulator) -> Counter[str]:
    return Counter(call.method for call in telegram.calls if call.method.startswith("set"))


async def test_everybody_reads_it_in_the_own_language_and_others_in_english(bot: Bot) -> None:
    await set_profile(bot)
    for code in ("uk", "tr", "ru", "en", "de", None):
        t = translator(code if code in LANGUAGES else "en")
        assert (await bot.get_my_description(language_code=code)).description == t(DESCRIPTION)
        assert (await bot.get_my_short_description(language_code=code)).short_description == t(SHORT_DESCRIPTION)


async def test_the_name_is_the_owners_in_each_language_and_stays_where_none_is_given(bot: Bot) -> None:
    before = (await bot.get_my_name()).name
    await set_profile(bot)
    assert (await bot.get_my_name(language_code="uk")).name == before
    await set_profile(bot, {"": "Vizit", "uk": "Мрія", "ru": "Мечта"})
    names = {code: (await bot.get_my_name(language_code=code)).name for code in ("uk", "tr", "ru", None)}
    assert names == {"uk": "Мрія", "tr": "Vizit", "ru": "Мечта", None: "Vizit"}


async def test_clients_and_staff_are_offered_their_own_commands(bot: Bot) -> None:
    await set_profile(bot)
    for code in ("uk", "tr", "ru", None):
        t = translator(code or "en")
        for scope, table in ((PRIVATE, FOR_CLIENTS), (GROUPS, FOR_STAFF)):
            menu = await bot.get_my_commands(scope=scope, language_code=code)
            assert [(entry.command, entry.description) for entry in menu] == [(name, t(text)) for name, text in table]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_fits(language: str) -> None:
    t = translator(language)
    assert len(t(DESCRIPTION)) <= 512
    assert len(t(SHORT_DESCRIPTION)) <= 120
    assert all(1 <= len(t(text)) <= 256 for _, text in (*FOR_CLIENTS, *FOR_STAFF))


async def test_what_is_there_already_is_not_set_again(bot: Bot, telegram: TelegramEmulator) -> None:
    await set_profile(bot)
    assert changes(telegram) == {"setMyDescription": 4, "setMyShortDescription": 4, "setMyCommands": 8}
    telegram.calls.clear()
    await set_profile(bot)
    assert changes(telegram) == {}


async def test_the_name_stays_as_its_owner_chose_it(bot: Bot, telegram: TelegramEmulator) -> None:
    await set_profile(bot)
    assert not [call for call in telegram.calls if "Name" in call.method]


async def test_a_network_that_comes_late_is_waited_for(bot: Bot, telegram: TelegramEmulator) -> None:
    telegram.drop("getMyDescription", times=2)
    telegram.fail("setMyCommands", status=429, times=1)
    pauses = Pauses()
    await set_profile(bot, sleep=pauses)
    assert changes(telegram)["setMyCommands"] == 9
    assert pauses[2:] == [1.0] and len(pauses) == 3


async def test_what_telegram_refuses_is_left_and_the_rest_is_set(bot: Bot, telegram: TelegramEmulator) -> None:
    refusal = {"ok": False, "error_code": 400, "description": "Bad Request: DESCRIPTION_INVALID"}
    telegram.fail("setMyDescription", status=400, body=refusal, times=4)
    telegram.fail("getMyCommands", status=200, body={"ok": True, "result": True}, times=1)
    pauses = Pauses()
    await set_profile(bot, sleep=pauses)
    assert pauses == []
    assert changes(telegram)["setMyCommands"] == 6


async def test_the_bots_name_is_asked_for_until_it_is_known(bot: Bot, telegram: TelegramEmulator) -> None:
    telegram.fail("getMe", status=500, times=3)
    identity, pauses = Identity(), Pauses()
    assert identity.name is None
    assert await identity.find_out(bot, sleep=pauses) == identity.name == "vizit_demo_bot"
    assert len(pauses) == 3


def test_what_is_said_here_is_what_the_catalogs_hold() -> None:
    said = [DESCRIPTION, SHORT_DESCRIPTION, *(text for _, text in (*FOR_CLIENTS, *FOR_STAFF))]
    for language in ("uk", "tr", "ru"):
        untranslated = [text for text in said if translator(language)(text) == text]
        assert not untranslated, json.dumps(untranslated)
