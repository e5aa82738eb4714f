"""`/healthz`: the loop lives. `/readyz`: work gets done. `/metrics`: how much of it. None of them asks a provider: a
provider that is down must not have this process restarted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from handlers.moments import moment_text
from scheduler.pause import pause_of
from storage.store import SchemaNewer, Store, StoreBusy, StoreError

Check = Callable[[], Awaitable[str | None]]
"""Says why not, or None when all is well. What it says is shown to everybody."""

REMEMBERED_S: Final = 1.0
"""For how long a verdict holds: each look writes to the database, and anybody may look."""
PATIENCE_S: Final = 5.0


def database(store: Store) -> Check:
    """The database takes and gives back a row, and its schema is this version's."""

    async def check() -> str | None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                await store.ready()
        except TimeoutError:
            return f"did not answer within {PATIENCE_S:.0f} s"
        except SchemaNewer:
            return "was written by a newer version"
        except StoreBusy:
            return "is busy, full, read-only or out of reach"
        except StoreError:
            return "can't be used"
        return None

    return check


def fresh(age: Callable[[], float | None], within_s: float) -> Check:
    """Something that must happen again and again did so within so many seconds; `age` None: not yet."""

    async def check() -> str | None:
        seconds = age()
        if seconds is None:
            return "has not happened yet"
        return None if seconds < within_s else f"last happened {seconds:.0f} s ago"

    return check


@dataclass
class Readiness:
    """The verdict over all checks. `stopping`: the process takes no more work, whatever they say."""

    checks: dict[str, Check]
    stopping: bool = False
    _verdict: dict[str, str] = field(default_factory=dict)
    _given_at: float | None = None

    async def reasons(self) -> dict[str, str]:
        """Why this process is not ready, by check; empty when it is."""
        if self.stopping:
            return {"process": "is stopping"}
        if self._given_at is None or time.monotonic() - self._given_at >= REMEMBERED_S:
            answers = await asyncio.gather(*(check() for check in self.checks.values()))
            self._verdict = {name: why for name, why in zip(self.checks, answers, strict=True) if why is not None}
            self._given_at = time.monotonic()
        return self._verdict


Sending = Callable[[], Awaitable[dict[str, str]]]
"""What `/readyz` tells of the pause: nothing while messages are sent."""


def sending(store: Store) -> Sending:
    """Whether sending is paused, why and since when. A process that is paused takes bookings, so it is ready."""

    async def tell() -> dict[str, str]:
        try:
            paused = await pause_of(store)
        except StoreError:
            return {"sending": "not known"}
        return {} if paused is None else {"sending": "paused", "why": paused.why, "since": moment_text(paused.since)}

    return tell


async def _on() -> dict[str, str]:
    return {}


def routes(
    readiness: Readiness, measured: Callable[[], Awaitable[bytes]], sending: Sending = _on
) -> list[web.RouteDef]:
    """The three routes; `measured` gives the metrics as text, `sending` what is to be told of a pause."""

    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def readyz(_: web.Request) -> web.Response:
        reasons = await readiness.reasons()
        if not reasons:
            return web.json_response({"status": "ready", **await sending()})
        found = [{"check": name, "why": why} for name, why in reasons.items()]
        return web.json_response({"status": "not ready", "reasons": found}, status=503)

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=await measured(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return [web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", metrics)]
