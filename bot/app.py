"""The composition root: the one place where rooms, channels and settings meet, and where their lives begin and end."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Literal

from aiohttp import web

from bot import health, outbound, servers
from bot.api.app import add_api, api_app
from bot.config import Config
from bot.console import console_routes
from bot.inbox import Inbox
from bot.loops import spare_the_collector
from bot.metrics import Gauges, Metrics, measured, watch_requests
from bot.pages import page_routes
from bot.providers import Job, Provider, providers
from bot.receipts import hear
from bot.ticks import ticks
from bot.webhooks_out import Courier
from handlers import client_words, page_keeping
from handlers.delivery import means_of
from handlers.reach import MANUAL
from handlers.respond import respond
from handlers.staff import not_reached
from handlers.turn import Desk, Links
from scheduler.clock import Clock, Tick
from scheduler.outbox import Outbox
from scheduler.owner import while_owner
from scheduler.pause import may_run
from scheduler.time import Now
from storage.opening import open_store
from storage.records import Millis
from storage.store import Store

Role = Literal["web", "worker"]

WIRE_S: Final = 25.0
"""Seconds that messages on the wire have to finish once the process stops."""
STALE_S: Final = 60.0
"""A clock without a tick, or an outbox without a round, for so long stands still."""

_log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class App:
    """One process of the service, made by :func:`build`: :meth:`start` it, and :meth:`close` it whatever happened."""

    config: Config
    store: Store
    now: Now
    desk: Desk
    inbox: Inbox
    outbox: Outbox
    courier: Courier
    clock: Clock
    ticks: list[Tick]
    site: web.Application
    """Routes may be added until it starts."""
    readiness: health.Readiness
    providers: list[Provider]
    works: bool
    """Whether it sends and sweeps, or only answers HTTP."""
    vital: list[Job] = field(default_factory=list)
    """Runs in the background, and the process is of no use without it."""
    passing: list[Job] = field(default_factory=list)
    """Done once in the background; what fails is only logged."""
    url: str = ""
    """Where it listens, once it was started."""
    lifelines: list[asyncio.Task[object]] = field(default_factory=list)
    """The vital jobs while they run: one that ends has failed."""
    _errands: list[asyncio.Task[object]] = field(default_factory=list)
    _sending: bool = False
    _runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen, and begin to work. Raises OSError where the address can't be had."""
        self._runner = await servers.serve(self.site, self.config.listen)
        self.url = servers.address(self._runner)
        if self.works:
            self._sending = True
            self.lifelines.append(asyncio.create_task(self.outbox.run()))
            self.clock.start()
        self.lifelines += [asyncio.create_task(job()) for job in self.vital]
        self._errands = [asyncio.create_task(_logged(job)) for job in (*self.passing, self._catch_up)]
        _log.info("listening on %s", self.url)

    async def tick(self) -> None:
        """Do now what is done from time to time."""
        for tick in self.ticks:
            await self.clock.tick(tick.name)

    async def close(self) -> None:
        """Take no more work, finish what is on the wire within 25 seconds, and give everything up."""
        self.readiness.stopping = True
        async with AsyncExitStack() as steps:
            # Taken from the last to the first; one that fails keeps none of the others from being done.
            steps.push_async_callback(self.store.close)
            for provider in self.providers:
                steps.push_async_callback(provider.close)
            steps.push_async_callback(self._finish)
            steps.push_async_callback(self.clock.stop)

    async def _finish(self) -> None:
        idle = [*self._errands, *self.lifelines[self._sending :]]
        for task in idle:
            task.cancel()
        await asyncio.gather(*idle, return_exceptions=True)
        sent = self.outbox.stop(WIRE_S) if self._sending else asyncio.sleep(0)
        await asyncio.gather(self._take_no_more(), sent, self.courier.stop())

    async def _take_no_more(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
        await self.inbox.stop()

    async def _catch_up(self) -> None:
        """Do at once what the last process left behind, without waiting for the first ticks."""
        if await self.store.alone():
            await self.inbox.sweep(orphans=True)
        if self.works:
            await page_keeping.begin(self.desk)
            await self.tick()


async def _logged(job: Job) -> None:
    try:
        await job()
    except Exception:
        _log.exception("%s failed", getattr(job, "__qualname__", "a job"))


async def build(config: Config, *, only: Role | None = None, starts_at: Millis | None = None) -> App:
    """Open the database (and migrate it), and put a process together. Nothing runs before :meth:`App.start`.

    ``only``: that half of the service. ``starts_at``: what time it is to be, for the playground and for tests.
    Raises StoreBusy, StoreError (also for a database that is half filled, or was moved), SchemaNewer.
    """
    store = await open_store(config.database.get_secret_value())
    try:
        await may_run(store)
        return _compose(config, store, only, starts_at)
    except BaseException:
        await store.close()
        raise


def _compose(config: Config, store: Store, only: Role | None, starts_at: Millis | None) -> App:
    metrics = Metrics()
    now = Now(store.clock, 0 if starts_at is None else starts_at - store.clock())
    links = Links(config.public_url, config.secret.get_secret_value().encode(), whatsapp=config.twilio_whatsapp_from)
    carriers = providers(config, links, store, now)
    channels = {channel.name: measured(channel, metrics) for one in carriers for channel in one.channels}
    if not channels:
        _log.warning("no channel is set up, so nothing will be sent: .env.example says how")
    invoices = frozenset(name for name, channel in channels.items() if channel.capabilities.invoices)
    desk = Desk(store, now, links, frozenset({*channels, MANUAL}), invoices)
    means = means_of(channels, not_reached, by_hand=True)
    readers = {source: read for one in carriers for source, read in one.readers.items()}
    kept = config.inbox_days * 86_400_000
    inbox = Inbox(desk, readers, respond, kept=kept, on_repeat=lambda source: metrics.duplicates.labels(source).inc())
    rates = {"telegram": config.telegram_rate, "whatsapp": config.whatsapp_rate, "sms": config.sms_rate}
    outbox = Outbox(desk, channels, means, rates=rates, observe=metrics.observer(now))
    attached = [one.attach(inbox, partial(hear, desk, means)) for one in carriers]
    courier = Courier(desk, partial(outbound.session, config.webhook_allow))
    doing = ticks(desk, inbox, outbox, channels, means, metrics)
    doing.append(Tick("webhooks", courier.look, 1))
    doing += [tick for each in attached for tick in each.ticks]
    app = App(
        config=config,
        store=store,
        now=now,
        desk=desk,
        inbox=inbox,
        outbox=outbox,
        courier=courier,
        clock=Clock(doing, store.clock),
        ticks=doing,
        site=servers.application([watch_requests(metrics)]),
        readiness=health.Readiness({"database": health.database(store)}),
        providers=carriers,
        works=only != "web",
    )
    for each in attached:
        if only != "worker":
            app.site.add_routes(each.routes)
            app.passing += each.serving
        if app.works:
            app.vital += [partial(while_owner, store, name, job) for name, job in each.fetching.items()]
    if only != "worker":
        admin_key = config.admin_key.get_secret_value()
        api = api_app(desk, admin_key=admin_key, rate=config.api_rate, allow=config.webhook_allow)
        add_api(app.site, api)
        app.site.add_routes(page_routes(desk))
        app.site.add_routes(console_routes(desk))
        app.passing.append(partial(client_words.fill, desk))
    _watch(app, metrics)
    return app


def _watch(app: App, metrics: Metrics) -> None:
    """Let health and metrics see what the process does."""
    store, clock, outbox = app.store, app.clock, app.outbox

    def last_tick() -> Millis:
        return max(clock.last.values(), default=0)

    def since(moment: Callable[[], Millis]) -> Callable[[], float | None]:
        return lambda: (store.clock() - moment()) / 1000 if moment() else None

    if app.works:
        metrics.last_tick.set_function(lambda: last_tick() / 1000)
        app.readiness.checks |= {
            "clock": health.fresh(since(last_tick), STALE_S),
            "outbox": health.fresh(since(lambda: outbox.last_round), STALE_S),
        }
    app.site.add_routes(health.routes(app.readiness, Gauges(metrics, store, app.now).text, health.sending(store)))


async def run(config: Config, *, only: Role | None = None) -> None:
    """The service, until SIGTERM or SIGINT; a second signal ends it at once.

    Raises what :func:`build` and :meth:`App.start` raise, and whatever ended a job that must not end.
    """
    app = await build(config, only=only)
    spare_the_collector()
    loop, told = asyncio.get_running_loop(), asyncio.Event()
    signals = (signal.SIGTERM, signal.SIGINT)
    for number in signals:
        loop.add_signal_handler(number, told.set)
    stop = asyncio.create_task(told.wait())
    try:
        await app.start()
        await asyncio.wait((stop, *app.lifelines), return_when=asyncio.FIRST_COMPLETED)
        for task in app.lifelines:
            if task.done():
                task.result()
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
        stop.cancel()
        _log.info("stopping")
        await app.close()
        _log.info("stopped")
