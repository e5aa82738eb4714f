"""What the tests of the emulators share: a clock moved by hand, clients, and short words."""

import struct
import zlib
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.types import (
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    Update,
)

from bot.playground.telegram_emulator import TelegramEmulator

OLENA = 1001


class Hands:
    """A clock that is moved by hand: `now` for the platform, `seconds` for the flood limits."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    def seconds(self) -> float:
        return self.at.timestamp()

    def move(self, **by: float) -> None:
        self.at += timedelta(**by)


async def at_once(_: float) -> None:
    """A pause that takes no time."""


class PlainSession(AiohttpSession):
    """Closes at once: the stock one grants TLS a quarter of a second to say goodbye, and there is no TLS here."""

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


def client(telegram: TelegramEmulator, token: str | None = None) -> Any:
    session = PlainSession(api=TelegramAPIServer.from_base(telegram.base_url))
    return Bot(token or telegram.token, session=session).context()


def button(text: str, data: str) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text=text, callback_data=data)]])


async def everything(bot: Bot) -> list[Update]:
    """Fetch all that waits, and confirm it."""
    updates = await bot.get_updates()
    if updates:
        await bot.get_updates(offset=updates[-1].update_id + 1)
    return updates


def png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"".join(b"\0" + b"\xff" * width for _ in range(height)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


async def refused(kind: type[Exception], call: Awaitable[object], words: str) -> None:
    with pytest.raises(kind, match=words):
        await call
