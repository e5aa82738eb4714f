"""What the tests of the emulators share: a clock moved by hand, clients, and short words."""

import asyncio
import struct
import zlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
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
from aiohttp import web
from twilio.base.exceptions import TwilioRestException
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from bot.playground.telegram_emulator import TelegramEmulator
from bot.playground.twilio_emulator import DEMO_WHATSAPP, TwilioEmulator

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


class Sdk:
    """Twilio's own client. It is the blocking one, run beside the loop; the asynchronous one ignores timeouts."""

    def __init__(self, twilio: TwilioEmulator) -> None:
        self.client = Client(twilio.account.sid, twilio.auth_token)
        for domain in (self.client.api, self.client.content, self.client.messaging):
            domain.base_url = twilio.base_url

    async def send(self, to: str, body: str | None = None, **params: Any) -> Any:
        """Create a message, from the WhatsApp number unless `from_` or `messaging_service_sid` say otherwise."""
        params = {"to": to} | ({} if body is None else {"body": body}) | params
        if "messaging_service_sid" not in params:
            params.setdefault("from_", DEMO_WHATSAPP)
        return await asyncio.to_thread(partial(self.client.messages.create, **params))

    async def do(self, call: Callable[..., Any], *args: Any, **params: Any) -> Any:
        """Call the client."""
        return await asyncio.to_thread(partial(call, *args, **params))


async def refused_with(code: int, call: Awaitable[object], status: int = 400) -> None:
    """Twilio refuses the call at once, with this code."""
    with pytest.raises(TwilioRestException) as refusal:
        await call
    assert (refusal.value.code, refusal.value.status) == (code, status)


class Shop:
    """The web server of Twilio's customer: it takes callbacks and checks each with the SDK's own validator.

    `statuses` are its next answers, 200 when they are used up. With `dawdles` it lets the loop turn many times before
    it answers; `busiest` is how many calls it had at once.
    """

    def __init__(self, token: str) -> None:
        self.dawdles = False
        self.busy = self.busiest = 0
        self.validator = RequestValidator(token)
        self.seen: list[tuple[str, dict[str, str]]] = []
        self.tokens: list[str] = []
        self.statuses: list[int] = []
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        url = self.url + request.raw_path
        if not self.validator.validate(url, form, request.headers["X-Twilio-Signature"]):
            return web.Response(status=403)
        self.seen.append((request.path_qs, form))
        self.tokens.append(request.headers["I-Twilio-Idempotency-Token"])
        self.busy += 1
        self.busiest = max(self.busiest, self.busy)
        for _ in range(500 if self.dawdles else 0):
            await asyncio.sleep(0)
        self.busy -= 1
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200, text="<Response/>")

    @property
    def reported(self) -> list[str]:
        """The statuses that were called back."""
        return [form["MessageStatus"] for path, form in self.seen if path.startswith("/status")]

    @property
    def received(self) -> list[dict[str, str]]:
        """What people wrote."""
        return [form for path, form in self.seen if path.startswith("/inbound")]


def quick_reply(body: str, *actions: tuple[str, str]) -> dict[str, Any]:
    """The `types` of a template with quick replies."""
    buttons = [{"type": "QUICK_REPLY", "title": title, "id": payload} for title, payload in actions]
    return {"twilio/quick-reply": {"body": body, "actions": buttons}}


def list_picker(body: str, button: str, *items: str) -> dict[str, Any]:
    """The `types` of a template with a list."""
    entries = [{"item": item, "id": f"id-{place}", "description": ""} for place, item in enumerate(items)]
    return {"twilio/list-picker": {"body": body, "button": button, "items": entries}}
