"""What the bot says of itself in Telegram: name, descriptions and the menu of commands, in every language."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Final

from aiogram import Bot
from aiogram.exceptions import ClientDecodeError, TelegramBadRequest, TelegramNotFound
from aiogram.types import BotCommand, BotCommandScopeAllGroupChats, BotCommandScopeAllPrivateChats

from bot.telegram_calls import WhoAmI
from bot.telegram_inbound import Sleep, insist
from handlers.i18n import LANGUAGES, Translator, mark, translator

DESCRIPTION: Final = mark(
    "Your visits in this chat: what you have booked, a reminder in time, and one tap to confirm, move or cancel."
    " Press Start."
)
"""Shown in the empty chat; at most 512 characters."""
SHORT_DESCRIPTION: Final = mark("Reminders of your visits, and one tap to confirm, move or cancel.")
"""Shown in the bot's profile and beside its link; at most 120 characters."""
FOR_CLIENTS: Final = (
    ("bookings", mark("🗓 My bookings")),
    ("language", mark("Change the language")),
    ("offers", mark("Turn offers on")),
    ("stop", mark("Turn offers off")),
    ("help", mark("Help")),
)
FOR_STAFF: Final = (
    ("link", mark("Link this chat with a code")),
    ("today", mark("Today's visits")),
    ("stats", mark("Which messages arrived")),
    ("manual", mark("Messages to send by hand")),
    ("settings", mark("What is sent and when")),
    ("help", mark("Help")),
)

OTHERS: Final = "en"
"""The language of everybody whose own is not ours; Telegram has it under no language code at all."""

_log = logging.getLogger(__name__)


class Identity:
    """The bot's user name, None until Telegram has told it."""

    def __init__(self) -> None:
        self.name: str | None = None

    async def find_out(self, bot: Bot, *, sleep: Sleep = asyncio.sleep) -> str | None:
        """Ask Telegram until it answers."""

        async def ask() -> None:
            self.name = (await bot(WhoAmI(parameters={}))).get("username")

        await insist(ask, "getMe", sleep)
        return self.name


async def set_profile(bot: Bot, names: Mapping[str, str] | None = None, *, sleep: Sleep = asyncio.sleep) -> None:
    """Give the bot its name, descriptions and commands where it has not got them yet; the calls are strictly rationed.

    ``names``: the name by language, ``""`` for every language that has none of its own; without any, the name that the
    owner gave at @BotFather stays. Tried until it worked; what Telegram, or a server in its place, refuses or does not know
    is left as it is.
    """
    for language in LANGUAGES:
        code = None if language == OTHERS else language
        for step in (partial(_name, names or {}), _descriptions, _commands):
            await insist(_unless_refused(step, bot, translator(language), code), "the bot's profile", sleep)


def _unless_refused(
    step: Callable[[Bot, Translator, str | None], Awaitable[None]], bot: Bot, t: Translator, code: str | None
) -> Callable[[], Awaitable[None]]:
    async def call() -> None:
        try:
            await step(bot, t, code)
        except (TelegramBadRequest, TelegramNotFound, ClientDecodeError) as refusal:
            _log.warning("a part of the bot's profile was refused: %s", refusal.message)

    return call


async def _name(names: Mapping[str, str], bot: Bot, t: Translator, code: str | None) -> None:
    name = names.get(t.language) or names.get("")
    if name and (await bot.get_my_name(language_code=code)).name != name:
        await bot.set_my_name(name=name, language_code=code)


async def _descriptions(bot: Bot, t: Translator, code: str | None) -> None:
    long, short = t(DESCRIPTION), t(SHORT_DESCRIPTION)
    if (await bot.get_my_description(language_code=code)).description != long:
        await bot.set_my_description(description=long, language_code=code)
    if (await bot.get_my_short_description(language_code=code)).short_description != short:
        await bot.set_my_short_description(short_description=short, language_code=code)


async def _commands(bot: Bot, t: Translator, code: str | None) -> None:
    for scope, table in ((BotCommandScopeAllPrivateChats(), FOR_CLIENTS), (BotCommandScopeAllGroupChats(), FOR_STAFF)):
        wanted = [(command, t(description)) for command, description in table]
        there = await bot.get_my_commands(scope=scope, language_code=code)
        if [(entry.command, entry.description) for entry in there] != wanted:
            menu = [BotCommand(command=command, description=description) for command, description in wanted]
            await bot.set_my_commands(menu, scope=scope, language_code=code)
