"""How updates reach a bot: fetched by long polling, or posted to its webhook, in order."""

import asyncio
import re
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from aiohttp import ClientError, ClientSession, ClientTimeout

from bot.playground.telegram_world import ApiError
from bot.playground.wire import Bell, Json, Now, Sleep

UPDATE_LIVES = timedelta(hours=24)
"""How long an update is kept for a bot that does not come (core.telegram.org/bots/api#getting-updates)."""
NOT_BY_DEFAULT = {"chat_member", "message_reaction", "message_reaction_count"}
LONGEST_POLL = 50
MOST_UPDATES = 100
RETRY_PAUSES = (0.2, 0.5, 1.0, 2.0)
"""Seconds between the attempts at a webhook; after the last one it waits for new reason to try."""
WEBHOOK_ANSWERS_WITHIN = 60
SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")
BY_OTHER_POLL = "terminated by other getUpdates request; make sure that only one bot instance is running"
WEBHOOK_IS_SET = "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"


@dataclass(frozen=True)
class Waiting:
    """An update on its way; `at` is when it happened."""

    body: Json
    at: datetime

    @property
    def number(self) -> int:
        """Its `update_id`."""
        return int(self.body["update_id"])


class Updates:
    """The queue of one bot. `spawn` runs deliveries in the background; `session` gives the HTTP client for them."""

    def __init__(
        self,
        now: Now,
        sleep: Sleep,
        spawn: Callable[[Coroutine[Any, Any, None]], None],
        session: Callable[[], ClientSession],
    ) -> None:
        self._now = now
        self._sleep = sleep
        self._spawn = spawn
        self._session = session
        self._queue: deque[Waiting] = deque()
        self._next = 100_001
        self._allowed: frozenset[str] | None = None
        self._bell = Bell()
        self._poller: object | None = None
        self._polled = False
        self._stolen_by = ""
        self._delivering = False
        self._last_error = ""
        self.webhook = ""
        self._secret = ""

    async def fetching(self, expected: bool = True) -> None:
        """Wait until a poll is open, or until none is."""
        while (self._poller is not None) is not expected:
            await self._bell.wait()

    def put(self, kind: str, payload: Json) -> None:
        """Queue an update, unless the bot has not asked for its kind."""
        if (kind not in self._allowed) if self._allowed is not None else (kind in NOT_BY_DEFAULT):
            return
        self._queue.append(Waiting({"update_id": self._next, kind: payload}, self._now()))
        self._next += 1
        self._stir()

    def _stir(self) -> None:
        self._expire()
        self._bell.ring()
        if self.webhook and self._queue and not self._delivering:
            self._delivering = True
            self._spawn(self._deliver())

    def _expire(self) -> None:
        while self._queue and self._now() - self._queue[0].at > UPDATE_LIVES:
            self._queue.popleft()

    async def poll(self, params: Json) -> list[Json]:
        """getUpdates. ApiError 409 while a webhook is set, or when another poll takes over."""
        if self.webhook:
            raise ApiError(409, WEBHOOK_IS_SET)
        self._allow(params)
        self._stolen_by = BY_OTHER_POLL
        self._poller = me = object()
        self._polled = True
        self._confirm(int(params.get("offset") or 0))
        self._bell.ring()
        try:
            await self._arrival(me, min(float(params.get("timeout") or 0), LONGEST_POLL))
        except asyncio.CancelledError:
            # The bot hung up: nobody fetches any more, and `idle` should not wait for it.
            if self._poller is me:
                self._poller, self._polled = None, False
                self._bell.ring()
            raise
        if self._poller is not me:
            raise ApiError(409, self._stolen_by)
        self._poller = None
        self._bell.ring()
        limit = min(int(params.get("limit") or MOST_UPDATES), MOST_UPDATES)
        return [one.body for one in list(self._queue)[:limit]]

    async def _arrival(self, me: object, timeout: float) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + timeout
        while not self._queue and self._poller is me and (left := until - loop.time()) > 0:
            await self._bell.wait(left)

    def _confirm(self, offset: int) -> None:
        self._expire()
        if offset < 0:
            offset = self._next + offset
        while self._queue and self._queue[0].number < offset:
            self._queue.popleft()

    def _allow(self, params: Json) -> None:
        if params.get("allowed_updates") is not None:
            self._allowed = frozenset(params["allowed_updates"]) or None

    def set_webhook(self, params: Json) -> object:
        """setWebhook; without an `url` the same as deleteWebhook. Plain http is taken on loopback only."""
        url, secret = str(params.get("url", "")), str(params.get("secret_token", ""))
        if not url:
            return self.delete_webhook(params)
        parts = urlsplit(url)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost")):
            raise ApiError(400, "bad webhook: An HTTPS URL must be provided for webhook")
        if secret and not SECRET.fullmatch(secret):
            raise ApiError(400, "secret token contains unallowed characters")
        self._allow(params)
        self._drop(params)
        self.webhook, self._secret = url, secret
        self._steal("terminated by setWebhook request")
        self._stir()
        return True

    def delete_webhook(self, params: Json) -> object:
        """deleteWebhook."""
        self._drop(params)
        self.webhook = self._secret = self._last_error = ""
        self._polled = False
        return True

    def _drop(self, params: Json) -> None:
        if params.get("drop_pending_updates"):
            self._queue.clear()

    def _steal(self, reason: str) -> None:
        self._poller, self._stolen_by = None, reason

    def webhook_info(self) -> Json:
        """getWebhookInfo."""
        answer: Json = {
            "url": self.webhook,
            "has_custom_certificate": False,
            "pending_update_count": len(self._queue),
        }
        if self._last_error:
            answer |= {"last_error_date": int(self._now().timestamp()), "last_error_message": self._last_error}
        if self._allowed is not None:
            answer["allowed_updates"] = sorted(self._allowed)
        return answer

    async def _deliver(self) -> None:
        try:
            while self.webhook and self._queue:
                waiting = self._queue[0]
                if not await self._persist(waiting):
                    return
                if self._queue and self._queue[0] is waiting:
                    self._queue.popleft()
                self._bell.ring()
        finally:
            self._delivering = False
            self._bell.ring()

    async def _persist(self, waiting: Waiting) -> bool:
        for pause in (0.0, *RETRY_PAUSES):
            if pause:
                await self._sleep(pause)
            if not self.webhook:
                return False
            if await self._attempt(waiting):
                return True
        return False

    async def _attempt(self, waiting: Waiting) -> bool:
        headers = {"X-Telegram-Bot-Api-Secret-Token": self._secret} if self._secret else {}
        timeout = ClientTimeout(total=WEBHOOK_ANSWERS_WITHIN)
        try:
            posted = self._session().post(self.webhook, json=waiting.body, headers=headers, timeout=timeout)
            async with posted as answer:
                wrong = f"Wrong response from the webhook: {answer.status} {answer.reason}"
                self._last_error = "" if answer.ok else wrong
        except (ClientError, TimeoutError, OSError) as failure:
            self._last_error = f"Connection failed: {type(failure).__name__}"
        return not self._last_error

    async def settle(self, patience: float) -> bool:
        """Wait until the bot has taken every update. False when it is not coming: no webhook and no poll for
        `patience` seconds, or a webhook that fails."""
        while self._queue:
            if self._delivering:
                await self._bell.wait()
            elif not self._polled or self.webhook or not await self._bell.wait(patience):
                return False
        return True
