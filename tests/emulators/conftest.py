"""The Telegram emulator, a real aiogram client of it, and one person who has started the bot."""

from collections.abc import AsyncIterator

import pytest
from aiogram import Bot

from bot.playground.telegram_emulator import TelegramEmulator
from bot.playground.telegram_people import User
from tests.emulators.hands import OLENA, Hands, at_once, client


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
async def telegram(hands: Hands) -> AsyncIterator[TelegramEmulator]:
    async with TelegramEmulator(now=hands.now, clock=hands.seconds, sleep=at_once) as emulator:
        yield emulator


@pytest.fixture
async def bot(telegram: TelegramEmulator) -> AsyncIterator[Bot]:
    async with client(telegram) as connected:
        yield connected


@pytest.fixture
async def olena(telegram: TelegramEmulator) -> User:
    user = telegram.user(OLENA, "Олена", "uk", "+380671234567")
    await user.start()
    return user
