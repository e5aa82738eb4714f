"""How Telegram's updates come in, by webhook or by polling: stored in the inbox before Telegram is told that they came."""

from __future__ import annotations

import asyncio
import hmac
import logging
import random
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

from aiogram import Bot
from aiogram.exceptions import (
    TelegramBadRequest,
    TelegramConflictError,
    TelegramRetryAfter,
    TelegramUnauthorizedError,
)
from aiohttp import web

from bot.inbox import Inbox
from bot.telegram_calls import AnswerCheckout, AnswerPress, FetchUpdates
from bot.telegram_codes import QUERY_TOO_OLD, says
from bot.telegram_updates import ALLOWED_UPDATES, CHECKOUT, checkout, part, words
from bot.webhooks import read_json, storing
from handlers.i18n import language_of, mark, translator
from handlers.tips import Checkout

SOURCE: Final = "telegram"
PATH: Final = "/telegram/webhook"
SECRET_HEADER: Final = "X-Telegram-Bot-Api-Secret-Token"
LONGEST_UPDATE: Final = 256 * 1024
"""Bytes. A text has 4096 characters at most; with entities and a message replied to, an update stays far below."""
POLL_S: Final = 25
"""How long Telegram may wait for an update before it answers with none."""
ANSWER_S: Final = 10
DECIDE_S: Final = 5
"""Seconds to decide on a payer; Telegram waits ten (core.telegram.org/bots/api#answerprecheckoutquery)."""
NOT_NOW: Final = mark("Please try again in a moment.")
LONGEST_PAUSE_S: Final = 30.0
LOCKED_OUT_S: Final = 60.0

_log = logging.getLogger(__name__)

Sleep = Callable[[float], Awaitable[None]]
LetThrough = Callable[[Checkout], Awaitable[str | None]]
"""Decides on a payer: None, or why not, in words for the payer."""


async def nobody(asked: Checkout) -> str | None:
    """Lets no payer through."""
    return translator(language_of(asked.language, "en"))(NOT_NOW)


class TelegramIntake:
    """Takes updates in, whichever way they come.

    What can't wait for its place in a queue is done in :meth:`take`: a pressed button is answered as soon as the press
    is on disk, so that its clock stops, and what the press leads to follows as messages; and whoever wants to pay is let
    through or not, by ``let_through``. That is no event to be kept: without an answer nothing is paid.
    """

    def __init__(self, bot: Bot, inbox: Inbox, let_through: LetThrough = nobody) -> None:
        self._bot = bot
        self._inbox = inbox
        self._let_through = let_through
        self._answers: set[asyncio.Task[None]] = set()

    async def take(self, update: dict[str, Any]) -> None:
        """Store one update; the same one again does nothing. Raises StoreBusy, and KeyError without ``update_id``."""
        asked = checkout(part(update, CHECKOUT))
        if asked is not None:
            self._soon(self._decide(asked))
            return
        # Another bot's updates are numbered anew, and the database may outlive a bot.
        new = await self._inbox.accept(SOURCE, f"{self._bot.id}-{update['update_id']}", update)
        press = words(part(update, "callback_query"), "id")
        if new and press is not None:
            self._soon(self._answer(press))

    def _soon(self, answer: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(answer)
        self._answers.add(task)
        task.add_done_callback(self._answers.discard)

    async def close(self) -> None:
        """Wait for the answers to presses that are on their way; each ends by itself in ten seconds."""
        if self._answers:
            await asyncio.wait(tuple(self._answers))

    async def _decide(self, asked: Checkout) -> None:
        """Say whether a payment may go on. Where that can't be decided in time, it may not: nothing is taken twice."""
        try:
            refusal = await asyncio.wait_for(self._let_through(asked), DECIDE_S)
        except Exception as error:
            _log.warning("a payer was not let through: %s", type(error).__name__)
            refusal = await nobody(asked)
        said = {"pre_checkout_query_id": asked.question, "ok": refusal is None, "error_message": refusal}
        call = AnswerCheckout(parameters=said)
        try:
            await self._bot(call, request_timeout=DECIDE_S)
        except Exception as error:
            _log.warning("a payer was not answered: %s", type(error).__name__)

    async def _answer(self, press: str) -> None:
        try:
            await self._bot(AnswerPress(parameters={"callback_query_id": press}), request_timeout=ANSWER_S)
        # The press is on disk, and what it means is done all the same; after an outage nobody waits for this any more.
        except Exception as error:
            late = isinstance(error, TelegramBadRequest) and says(error, QUERY_TOO_OLD)
            _log.log(logging.DEBUG if late else logging.WARNING, "a press was not answered: %s", type(error).__name__)


def webhook_route(intake: TelegramIntake, secret: str) -> web.RouteDef:
    """The route that Telegram posts updates to. ``secret`` is what Telegram was told to send along; ValueError if empty.

    401 without it, 400 and 413 for a body that is no update, 503 while nothing can be stored: Telegram tries again.
    """
    if not secret:
        raise ValueError("a webhook without a secret takes updates from anybody")
    expected = secret.encode()

    async def handle(request: web.Request) -> web.Response:
        given = request.headers.get(SECRET_HEADER, "").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(given, expected):
            raise web.HTTPUnauthorized(text="wrong secret")
        update = await read_json(request, LONGEST_UPDATE)
        if type(update.get("update_id")) is not int:
            raise web.HTTPBadRequest(text="not an update")
        with storing():
            await intake.take(update)
        return web.Response()

    return web.post(PATH, handle)


async def set_webhook(bot: Bot, public_url: str, secret: str, *, sleep: Sleep = asyncio.sleep) -> None:
    """Tell Telegram where to post updates; tried until it worked, since the network may come later than we do."""
    url = f"{public_url.rstrip('/')}{PATH}"
    await insist(
        lambda: bot.set_webhook(url, secret_token=secret, allowed_updates=ALLOWED_UPDATES), "setWebhook", sleep
    )


async def poll(bot: Bot, intake: TelegramIntake, *, sleep: Sleep = asyncio.sleep) -> None:
    """Fetch updates until cancelled.

    Telegram forgets an update when the next one is asked for, so that is done only when it is in the inbox. No failure
    ends the loop: no network at the start, a second poller (409), a wrong token, a busy database.
    """
    await insist(lambda: bot.delete_webhook(), "deleteWebhook", sleep)
    offset: int | None = None
    failures = 0
    while True:
        try:
            asked = {"offset": offset, "timeout": POLL_S, "allowed_updates": ALLOWED_UPDATES}
            for update in await bot(FetchUpdates(parameters=asked), request_timeout=POLL_S + 10):
                await intake.take(update)
                offset = update["update_id"] + 1
            failures = 0
        # Whatever went wrong, the next updates still have to be fetched.
        except Exception as error:
            _log.warning("updates can't be fetched: %s", _named(error))
            await sleep(pause_after(error, failures))
            failures += 1
            if isinstance(error, TelegramConflictError) and says(error, "webhook"):
                await insist(lambda: bot.delete_webhook(), "deleteWebhook", sleep)


async def insist(call: Callable[[], Awaitable[Any]], name: str, sleep: Sleep) -> None:
    """Make a call until it works."""
    failures = 0
    while True:
        try:
            await call()
            return
        except Exception as error:
            _log.warning("%s failed, and is tried again: %s", name, _named(error))
            await sleep(pause_after(error, failures))
            failures += 1


def pause_after(error: Exception, failures: int) -> float:
    """Seconds to wait after an error that comes after ``failures`` others in a row."""
    if isinstance(error, TelegramRetryAfter):
        return float(error.retry_after)
    if isinstance(error, TelegramUnauthorizedError):
        return LOCKED_OUT_S
    # Above 2**5 the greatest pause holds anyway; the jitter keeps two processes out of step.
    longest: float = min(LONGEST_PAUSE_S, 2.0 ** min(failures, 5))
    return longest * random.uniform(0.5, 1.0)


def _named(error: Exception) -> str:
    """What may be logged of an error: Telegram's own words, but never an URL, which holds the token."""
    if isinstance(error, (TelegramConflictError, TelegramBadRequest, TelegramUnauthorizedError)):
        return f"{type(error).__name__} {error.message}"
    return type(error).__name__
