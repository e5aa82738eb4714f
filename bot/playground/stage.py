"""A salon on emulated platforms: the whole service, its people, and a clock that moves in steps.

The playground's page and the conversation tests stand on it. Everything goes over HTTP on loopback, through the real
clients of the platforms; only the people and the platforms themselves are played.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from aiohttp import ClientSession, web

from bot.app import App, build
from bot.config import Config
from bot.playground.telegram_emulator import DEMO_TOKEN as TELEGRAM_TOKEN
from bot.playground.telegram_emulator import TelegramEmulator
from bot.playground.twilio_emulator import DEMO_ACCOUNT, DEMO_WHATSAPP, TwilioEmulator
from bot.playground.twilio_emulator import DEMO_TOKEN as TWILIO_TOKEN
from scheduler import gifts
from scheduler.staff_cards import next_card
from scheduler.sweeps import next_timer
from storage.records import Millis

BUSINESS: Final = "demo"
SALON: Final = "s1"
MOST_STEPS: Final = 2000
"""Steps of one move of the clock, after which something must be sending itself messages."""
OUTAGE: Final[Millis] = 26 * 3_600_000
Routes = Callable[[], Iterable[web.RouteDef]]


class Refused(Exception):
    """The API did not do what was asked. ``problem`` is its answer."""

    def __init__(self, status: int, problem: Any) -> None:
        super().__init__(f"{status}: {problem}")
        self.status = status
        self.problem = problem


@dataclass(slots=True)
class Api:
    """The HTTP API as a booking system uses it: ``path`` is below ``/api/v1``. Raises :class:`Refused` from 400 on."""

    url: str
    session: ClientSession
    key: str
    business: str | None = None
    """Named in a header, where the key is the admin's."""

    async def call(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        """One request; answers with the JSON body, None where there is none."""
        headers = {"Authorization": f"Bearer {self.key}"}
        if self.business is not None:
            headers["Vizit-Business"] = self.business
        url = f"{self.url}/api/v1{path}"
        async with self.session.request(method, url, json=body, headers=headers, params=query) as answer:
            said = None if answer.status == 204 else await answer.json(content_type=None)
            if answer.status >= 400:
                raise Refused(answer.status, said)
            return said


@dataclass(slots=True)
class Stage:
    """The service and its platforms while they run. Made by :func:`opened`."""

    telegram: TelegramEmulator
    twilio: TwilioEmulator
    config: Config
    session: ClientSession
    app: App
    admin: Api
    api: Api
    routes: Routes
    moving: asyncio.Lock = field(default_factory=asyncio.Lock)

    def now(self) -> Millis:
        """The time on stage."""
        return self.app.now()

    async def quiet(self) -> None:
        """Wait until nobody has anything left to do at this moment: platforms, inbox and outbox."""
        before = None
        while before != (seen := (self.telegram.version, self.twilio.version)):
            before = seen
            await self.telegram.idle()
            await self.twilio.idle()
            await self.app.inbox.idle()
            await self.app.outbox.idle()

    async def next_moment(self) -> Millis | None:
        """When something is to happen next: a message falls due, a timer of a cascade runs out, a card is to be made."""
        desk = self.app.desk
        moments = (
            await self.app.store.next_due(),
            await next_timer(desk),
            await next_card(desk),
            await gifts.next_moment(desk),
        )
        return min((moment for moment in moments if moment is not None), default=None)

    async def move_to(self, moment: Millis) -> None:
        """Let time pass until ``moment``, stopping at everything that is due on the way until all is quiet."""
        async with self.moving:
            await self.quiet()
            for _ in range(MOST_STEPS):
                due = await self.next_moment()
                if due is None or due > moment:
                    break
                await self._now_is(due)
            else:
                raise RuntimeError("the clock was moved, and there was always something more to send")
            await self._now_is(moment)

    async def next_message(self) -> bool:
        """Let time pass until the next message has gone; False when none is waiting."""
        async with self.moving:
            await self.quiet()
            due = await self.next_moment()
            if due is not None:
                await self._now_is(due)
            return due is not None

    async def _now_is(self, moment: Millis) -> None:
        self.app.now.move_to(moment)
        await self.app.tick()
        self.app.outbox.wake()
        await self.quiet()

    async def power_cut(self, lasts: Millis = OUTAGE) -> None:
        """The service is off for ``lasts`` milliseconds, then starts again from what is on its disk."""
        async with self.moving:
            await self.quiet()
            wakes = self.now() + lasts
            await self.app.close()
            self.app = await _started(self.config, wakes, self.routes)
            await self.app.tick()
            await self.quiet()


@asynccontextmanager
async def opened(
    database: str,
    starts_at: Millis,
    *,
    business: Mapping[str, Any],
    salon: Mapping[str, Any],
    listen: tuple[str, int] = ("127.0.0.1", 0),
    hurry: bool = True,
    disorder: float = 0.0,
    routes: Routes = tuple,
    settings: Mapping[str, Any] | None = None,
) -> AsyncIterator[Stage]:
    """A stage with one business and one salon, at the time ``starts_at``.

    ``database``: the address of an empty one. ``hurry``: no pauses and no limits of pace, for tests; else the platforms
    take their time. ``disorder``: how often Twilio's callbacks come twice or out of order, 0 to 1. ``routes`` are served
    beside the service's own. ``settings`` of the process stand beside the stage's, or in their place.
    """

    def now() -> datetime:
        return datetime.fromtimestamp((stage.now() if stage is not None else starts_at) / 1000, UTC)

    stage: Stage | None = None
    host, port = listen[0], listen[1] or _free_port(listen[0])
    url = f"http://{host}:{port}"
    sleep = _no_sleep if hurry else asyncio.sleep
    telegram = TelegramEmulator(now=now, limits=not hurry, sleep=sleep)
    twilio = TwilioEmulator(now=now, inbound_url=f"{url}/twilio/inbound", disorder=disorder, sleep=sleep)
    async with telegram, twilio, ClientSession() as session:
        config = _config(database, url, f"{host}:{port}", telegram, twilio, hurry, settings or {})
        app = await _started(config, starts_at, routes)
        admin = Api(app.url, session, config.admin_key.get_secret_value())
        await admin.call("PUT", f"/businesses/{BUSINESS}", dict(business))
        key = (await admin.call("POST", f"/businesses/{BUSINESS}/keys", {}))["key"]
        stage = Stage(
            telegram=telegram,
            twilio=twilio,
            config=config,
            session=session,
            app=app,
            admin=admin,
            api=Api(app.url, session, key),
            routes=routes,
        )
        try:
            await stage.api.call("PUT", f"/salons/{SALON}", dict(salon))
            yield stage
        finally:
            await stage.app.close()


async def _started(config: Config, starts_at: Millis, routes: Routes) -> App:
    app = await build(config, starts_at=starts_at)
    app.site.add_routes(list(routes()))
    await app.start()
    return app


def _config(
    database: str,
    url: str,
    listen: str,
    telegram: TelegramEmulator,
    twilio: TwilioEmulator,
    hurry: bool,
    settings: Mapping[str, Any],
) -> Config:
    """The settings of the service on stage; its secrets are made for this one performance."""
    unlimited = {"telegram_rate": 0, "whatsapp_rate": 0, "sms_rate": 0, "api_rate": 0} if hurry else {}
    own: dict[str, Any] = {
        "admin_key": secrets.token_hex(32),
        "secret": secrets.token_hex(32),
        "database": database,
        "listen": listen,
        "public_url": url,
        "telegram_token": TELEGRAM_TOKEN,
        "telegram_mode": "webhook",
        "telegram_secret": secrets.token_hex(16),
        "telegram_api": telegram.base_url,
        "twilio_account_sid": DEMO_ACCOUNT,
        "twilio_auth_token": TWILIO_TOKEN,
        "twilio_whatsapp_from": DEMO_WHATSAPP,
        "twilio_api": twilio.base_url,
        "twilio_content_api": twilio.base_url,
    }
    return Config.of(**own | unlimited | dict(settings))


def _free_port(host: str) -> int:
    """A port that nobody listens on now: clients are told the address before the service listens there."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


async def _no_sleep(_: float) -> None:
    await asyncio.sleep(0)
