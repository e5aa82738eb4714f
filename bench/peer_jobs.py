"""What a peer does when a reminder is due: one message by aiogram, as this service does. Peers find it by its name."""

from __future__ import annotations

from typing import Any

from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer

from bench.limits import BODY

open_bots: list[Bot] = []
"""The one bot of the process."""


def open_bot(sink: str) -> Bot:
    """The bot that :func:`deliver` uses from now on."""
    bot = Bot("42:TOKEN", session=AiohttpSession(api=TelegramAPIServer.from_base(sink)))
    open_bots[:] = [bot]
    return bot


async def deliver(number: int, *_: Any) -> None:
    """Send it to person `number`."""
    await open_bots[0].send_message(1_000_000 + number, BODY)
