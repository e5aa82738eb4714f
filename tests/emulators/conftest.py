"""Both emulators, the real clients of them, and one person on each."""

from collections.abc import AsyncIterator

import pytest
from aiogram import Bot
from aiohttp import web

from bot.playground.telegram_emulator import TelegramEmulator
from bot.playground.telegram_people import User
from bot.playground.twilio_emulator import DEMO_TOKEN, TwilioEmulator
from bot.playground.twilio_people import Person
from tests.emulators.hands import OLENA, Hands, Sdk, Shop, at_once, client


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


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    server = Shop(DEMO_TOKEN)
    application = web.Application()
    application.router.add_post("/{tail:.*}", server.take)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield server
    await runner.cleanup()


@pytest.fixture
async def twilio(hands: Hands, shop: Shop) -> AsyncIterator[TwilioEmulator]:
    async with TwilioEmulator(now=hands.now, sleep=at_once, inbound_url=f"{shop.url}/inbound") as emulator:
        yield emulator


@pytest.fixture
def sdk(twilio: TwilioEmulator) -> Sdk:
    return Sdk(twilio)


@pytest.fixture
def ayse(twilio: TwilioEmulator) -> Person:
    return twilio.person("+905321234567", "Ayşe")
