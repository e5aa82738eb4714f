"""A worker in a process of its own: the whole service, until nothing is left to do, it is told to stop, or it dies."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import time_machine

# What a process imports when it needs it is imported here, so that whoever is forked finds it done.
import bot.telegram_inbound
import bot.telegram_profile
import bot.telegram_updates
import bot.twilio_http
import bot.twilio_inbound
import bot.twilio_updates
import bot.whatsapp  # noqa: F401
from bot.app import App, Role, build
from bot.config import Config, Listen
from bot.loops import complete
from storage import failpoints
from storage.mongo import MongoStore
from storage.records import Millis
from storage.sqlite import SqliteStore
from storage.store import Store

ADMIN_KEY: Final = "0d4f1c2b3a59687786958473625140ffeeddccbb"
ACCOUNT: Final = "AC" + "0" * 32
TWILIO_TOKEN: Final = "token-of-the-sink"
STORES: Final = (SqliteStore, MongoStore)


@dataclass(frozen=True, kw_only=True)
class Orders:
    """What a worker is to do.

    ``ahead``: how far the store's clock is before the real one, as if time had passed (milliseconds). ``skew``: how far
    this machine's own clock is off (seconds). ``rate``: messages a second over all workers, 0: no limit. ``dies_at``: a
    failpoint, and the how manieth time that it is reached. ``stays``: goes on until SIGTERM. ``starts``: a file that gets
    a line for every send that starts, with its moment on this machine's steady clock (seconds).
    """

    database: str
    sink: str
    twilio: str | None = None
    """Where Twilio is; None: at the sink too."""
    ahead: Millis = 0
    skew: float = 0.0
    rate: float = 0.0
    dies_at: tuple[str, int] | None = None
    stays: bool = False
    starts: str | None = None
    role: Role | None = "worker"
    port: int = 0


def config(orders: Orders) -> Config:
    """The settings of a worker: both channels, which the sink plays."""
    return Config.of(
        admin_key=ADMIN_KEY,
        secret=ADMIN_KEY[::-1],
        database=orders.database,
        listen=Listen("127.0.0.1", orders.port),
        public_url=f"http://127.0.0.1:{orders.port or 1}",
        telegram_token="42:token-of-the-sink",
        telegram_mode="webhook",
        telegram_secret="secret-of-the-sink",
        telegram_api=orders.sink,
        twilio_account_sid=ACCOUNT,
        twilio_auth_token=TWILIO_TOKEN,
        twilio_whatsapp_from="+14155238886",
        twilio_api=orders.twilio or orders.sink,
        telegram_rate=orders.rate,
        whatsapp_rate=orders.rate,
        api_rate=0,
    )


def work(orders: Orders) -> None:
    """Be that worker; the process has nothing else to do."""
    with ExitStack() as stack:
        if orders.skew:
            wrong = datetime.now(UTC) + timedelta(seconds=orders.skew)
            stack.enter_context(time_machine.travel(wrong, tick=True))
        if orders.ahead:
            put_clocks_forward(orders.ahead)
        if orders.dies_at:
            point, number = orders.dies_at
            stack.enter_context(failpoints.armed(point, dying(number)))
        complete(_serve(orders))


def dying(number: int) -> Callable[[], None]:
    """Kill this process, as `kill -9` does, the how manieth time that this is called."""
    left = number

    def pass_by() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    return pass_by


def put_clocks_forward(by: Millis) -> None:
    """As if that much time had passed for every store that this process opens."""
    for kind in STORES:
        true: Callable[[Store], Millis] = kind.clock
        kind.clock = lambda store, true=true: true(store) + by  # type: ignore


async def _serve(orders: Orders) -> None:
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    app = await build(config(orders), only=orders.role)
    if orders.starts:
        note_starts(app, orders.starts)
    try:
        await app.start()
        if orders.stays:
            await told.wait()
        else:
            await _until_nothing_is_due(app)
    finally:
        await app.close()


def note_starts(app: App, path: str) -> None:
    """Have every send write down when it starts; several workers may share the file."""
    notes = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for channel in app.outbox._channels.values():

        async def send(*given: Any, really: Callable[..., Any] = channel.send) -> Any:
            os.write(notes, f"{time.monotonic()}\n".encode())
            return await really(*given)

        channel.send = send  # type: ignore[method-assign]


async def _until_nothing_is_due(app: App) -> None:
    await app.tick()
    await app.inbox.idle()
    await app.outbox.idle()
