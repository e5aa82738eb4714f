"""What the process counts and times, for Prometheus. No label names a person, a business or a phone.

Counted where it happens: sends around the channel, requests around the handlers. What the database knows is asked for
when somebody looks, at most once in a while, since looking must not slow down what is looked at.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from handlers.channel import Capabilities, Channel, Findable, Rendered, SendError
from scheduler.pause import pause_of
from storage.backups import last_backup
from storage.records import Message, Millis
from storage.store import Range, Store, StoreError, Where

UNFINISHED: Final[Mapping[str, Where]] = {
    "planned": {"not_after": Range(0)},
    "leased": {"lease_until": Range(0)},
    "sending": {"lease_until": Range(0)},
}
"""The states that are shown, each with what an index needs to find them: a count of all that was ever sent would grow
without end."""
FRESH_S: Final = 10.0
"""For how long an answer of the database is shown again."""
SURFACES: Final = ("api", "telegram", "twilio", "sms-gateway", "v", "r", "s", "join", "console")
"""First parts of paths by which requests are told apart; anything else is `other`."""
WEBHOOKS: Final = frozenset({"telegram", "twilio", "sms-gateway"})
SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
LATE: Final = (0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 21600)


class Metrics:
    """The counters, timers and gauges of one process, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.sends = self._counter("send_attempts", "Sends by how they ended", "channel", "outcome")
        self.unknown = self._counter("send_unknown", "Sends of which it is not known whether they arrived", "channel")
        self.send_seconds = self._histogram("send_duration_seconds", "One send, on the wire", SECONDS, "channel")
        self.lateness = self._histogram("send_lateness_seconds", "From due to taken by the provider", LATE, "channel")
        self.claims = self._counter("outbox_claims", "Messages that this process took up")
        self.expired = self._counter("messages_expired", "Messages that were too late to be sent", "kind")
        self.leases_lost = self._counter("lease_lost", "Messages taken away by another worker, or made untrue")
        self.webhooks = self._counter("webhook_requests", "Calls of providers by how they ended", "source", "result")
        self.duplicates = self._counter("webhook_duplicates", "Events that had been here before", "source")
        self.refusals = self._counter("auth_failures", "Requests without the right key, secret or signature", "surface")
        self.requests = self._histogram("http_request_duration_seconds", "HTTP requests", SECONDS, "surface", "status")
        self.messages = self._gauge("outbox_messages", "Messages not yet finished", "state", "kind", "channel")
        self.oldest_due = self._gauge("outbox_oldest_due_seconds", "How long the earliest due message has waited")
        self.last_tick = self._gauge("scheduler_last_tick_timestamp_seconds", "When the clock last ticked")
        self.database_up = self._gauge("database_up", "1 while the database answers what is asked for this page")
        self.clock_skew = self._gauge("clock_skew_seconds", "How far the database's clock is ahead of this machine's")
        self.paused = self._gauge("sending_paused", "1 while sending is paused, over all workers")
        self.backup_at = self._gauge("backup_last_success_timestamp_seconds", "When a backup was last made; 0: never")
        self.backup_bytes = self._gauge("backup_last_size_bytes", "How large that backup is")

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(f"vizit_{name}", meaning, labels, registry=self.registry)

    def _histogram(self, name: str, meaning: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(f"vizit_{name}", meaning, labels, buckets=buckets, registry=self.registry)

    def _gauge(self, name: str, meaning: str, *labels: str) -> Gauge:
        return Gauge(f"vizit_{name}", meaning, labels, registry=self.registry)

    def has_expired(self, message: Message) -> None:
        """Count a message that was too late."""
        self.expired.labels(message.kind).inc()

    def observer(self, now: Callable[[], Millis]) -> Callable[[str, Message], None]:
        """What the outbox tells of its rows, counted. ``now`` is the time by which they are due."""
        counted = {"claimed": self.claims, "lost": self.leases_lost}

        def observe(what: str, message: Message) -> None:
            if what in counted:
                counted[what].inc()
            elif what == "expired":
                self.has_expired(message)
            elif what == "sent":
                self.lateness.labels(message.channel or "none").observe(max(0, now() - message.due_at) / 1000)

        return observe


def measured(channel: Channel, metrics: Metrics) -> Channel:
    """The channel, its sends counted and timed."""
    return MeasuredFindable(channel, channel, metrics) if isinstance(channel, Findable) else Measured(channel, metrics)


class Measured:
    """A channel that counts and times its sends."""

    def __init__(self, channel: Channel, metrics: Metrics) -> None:
        self._channel = channel
        self._metrics = metrics
        self._seconds = metrics.send_seconds.labels(channel.name)
        self._sent = metrics.sends.labels(channel.name, "sent")

    @property
    def name(self) -> str:
        """See :class:`handlers.channel.Channel`."""
        return self._channel.name

    @property
    def capabilities(self) -> Capabilities:
        """See :class:`handlers.channel.Channel`."""
        return self._channel.capabilities

    async def send(self, rendered: Rendered, to: str, message_id: str) -> str | None:
        """See :meth:`handlers.channel.Channel.send`."""
        began = time.perf_counter()
        try:
            provider_id = await self._channel.send(rendered, to, message_id)
        except SendError as error:
            self._metrics.sends.labels(self.name, error.outcome).inc()
            if error.outcome == "unknown":
                self._metrics.unknown.labels(self.name).inc()
            raise
        finally:
            self._seconds.observe(time.perf_counter() - began)
        self._sent.inc()
        return provider_id


class MeasuredFindable(Measured):
    """The same for a channel whose provider can be asked what became of a message."""

    def __init__(self, channel: Channel, findable: Findable, metrics: Metrics) -> None:
        super().__init__(channel, metrics)
        self.look_up = findable.look_up


def watch_requests(metrics: Metrics) -> Middleware:
    """A middleware, the outermost, that counts and times requests and notices refused ones."""

    @web.middleware
    async def watch(request: web.Request, handler: Handler) -> web.StreamResponse:
        first = request.path.split("/", 2)[1]
        surface = first if first in SURFACES else "other"
        began, status = time.perf_counter(), 500
        try:
            response = await handler(request)
            status = response.status
            return response
        except web.HTTPException as answer:
            status = answer.status
            raise
        finally:
            metrics.requests.labels(surface, f"{status // 100}xx").observe(time.perf_counter() - began)
            if status in (401, 403):
                metrics.refusals.labels(surface).inc()
            if surface in WEBHOOKS:
                result = "ok" if status < 400 else "refused" if status < 500 else "failed"
                metrics.webhooks.labels(surface, result).inc()

    return watch


class Gauges:
    """Asks the database for what it knows, at most every `FRESH_S` seconds."""

    def __init__(self, metrics: Metrics, store: Store, now: Callable[[], Millis]) -> None:
        self._metrics = metrics
        self._store = store
        self._now = now
        self._asked_at: float | None = None

    async def text(self) -> bytes:
        """All metrics in Prometheus's text format. While the database does not answer, what it said last."""
        if self._asked_at is None or time.monotonic() - self._asked_at >= FRESH_S:
            try:
                await self._ask()
            except StoreError:
                self._metrics.database_up.set(0)
            else:
                self._metrics.database_up.set(1)
        return generate_latest(self._metrics.registry)

    async def _ask(self) -> None:
        counted = {
            state: await self._store.count(Message, {"status": state, **where}, ("kind", "channel"))
            for state, where in UNFINISHED.items()
        }
        next_due = await self._store.next_due()
        paused, backup = await pause_of(self._store), await last_backup(self._store)
        self._asked_at = time.monotonic()
        self._metrics.messages.clear()
        for state, groups in counted.items():
            for (kind, channel), n in groups.items():
                self._metrics.messages.labels(state, kind, channel or "none").set(n)
        waited = 0 if next_due is None else max(0, self._now() - next_due)
        self._metrics.oldest_due.set(waited / 1000)
        self._metrics.paused.set(paused is not None)
        self._metrics.backup_at.set(backup.at / 1000)
        self._metrics.backup_bytes.set(backup.size)
        self._metrics.clock_skew.set(round(self._store.clock() / 1000 - time.time(), 3))
