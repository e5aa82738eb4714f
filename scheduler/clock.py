"""The clock: calls sweeps at intervals or at times of day. It remembers nothing; what is to be done lies in the store."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from storage.records import Millis
from storage.store import StoreBusy

UTC: Final = ZoneInfo("UTC")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Tick:
    """Something to do every ``every`` seconds, or, with ``at`` (``HH:MM``), once a day by the clock's zone."""

    name: str
    run: Callable[[], Awaitable[object]]
    every: float = 60.0
    at: str | None = None


class Clock:
    """Runs ticks: each at most once at a time, late ones at once and only once, however long this process was away.

    ``now`` stamps the ticks for :attr:`last`: when each one last went well.
    """

    def __init__(self, ticks: Sequence[Tick], now: Callable[[], Millis], zone: ZoneInfo = UTC) -> None:
        self._ticks = {tick.name: tick for tick in ticks}
        self._now, self._zone = now, zone
        self._running: set[asyncio.Task[object]] = set()
        self._scheduler: AsyncIOScheduler | None = None
        self.last: dict[str, Millis] = {}

    def start(self) -> None:
        """Begin to tick, on the running event loop."""
        scheduler = AsyncIOScheduler(
            timezone=self._zone, job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        )
        for tick in self._ticks.values():
            scheduler.add_job(self._run, self._trigger(tick), args=[tick.name], id=tick.name)
        scheduler.start()
        self._scheduler = scheduler

    async def stop(self, timeout: float = 5.0) -> None:
        """Tick no more; what runs may end within ``timeout`` seconds."""
        if self._scheduler is None:
            return
        self._scheduler.pause()
        if self._running:
            await asyncio.wait(self._running, timeout=timeout)
        # Cancels what still runs: a sweep is made of commits, and goes on after the next start.
        self._scheduler.shutdown(wait=False)
        self._scheduler = None

    async def tick(self, name: str) -> None:
        """Run one tick now, outside of its times."""
        await self._run(name)

    def fresh(self, name: str, within: Millis) -> bool:
        """Whether this tick last went well no longer than ``within`` milliseconds ago."""
        return self._now() - self.last.get(name, 0) <= within

    def _trigger(self, tick: Tick) -> IntervalTrigger | CronTrigger:
        if tick.at is None:
            return IntervalTrigger(seconds=tick.every, timezone=self._zone)
        hour, minute = tick.at.split(":")
        return CronTrigger(hour=int(hour), minute=int(minute), timezone=self._zone)

    async def _run(self, name: str) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._running.add(task)
        try:
            await self._ticks[name].run()
        except StoreBusy as busy:
            _log.warning("tick %s: the store is busy: %s", name, busy)
        except Exception:
            _log.exception("tick %s failed", name)
        else:
            self.last[name] = self._now()
        finally:
            self._running.discard(task)
