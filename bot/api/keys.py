"""Who calls: keys, the admin key, failed tries per peer, and calls per key."""

from __future__ import annotations

import hmac
import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from aiohttp import web

from bot.api.problems import Problem, wait
from handlers.tenants import find_key, key_digest
from storage.store import Store

CACHE_S: Final = 2.0
"""A key that was revoked in another process opens nothing after so many seconds."""
MOST_REMEMBERED: Final = 1000
MINUTE_S: Final = 60.0
MOST_PEERS: Final = 10_000
LONGEST_KEY: Final = 256
ADMIN: Final = "admin"


class Caller(NamedTuple):
    """Who calls. ``key`` names the key in limits; ``business`` None: the admin."""

    key: str
    business: str | None


@dataclass
class Tries:
    """Failed tries of each peer in the running minute."""

    most: int
    clock: Callable[[], float]
    _seen: OrderedDict[str, tuple[float, int]] = field(default_factory=OrderedDict)

    def left_over(self, peer: str) -> float | None:
        """Seconds for which the peer has no try left; None where it has."""
        since, failed = self._seen.get(peer, (0.0, 0))
        left = since + MINUTE_S - self.clock()
        return left if failed >= self.most and left > 0 else None

    def failed(self, peer: str) -> None:
        """Count a failed try."""
        now = self.clock()
        since, failed = self._seen.pop(peer, (now, 0))
        self._seen[peer] = (since, failed + 1) if now < since + MINUTE_S else (now, 1)
        while len(self._seen) > MOST_PEERS:
            self._seen.popitem(last=False)


@dataclass
class Rate:
    """Calls a second for each key: a bucket of one second's calls that fills steadily. 0: no limit."""

    per_second: float
    clock: Callable[[], float]
    _buckets: dict[str, tuple[float, float]] = field(default_factory=dict)

    def take(self, key: str) -> None:
        """Count a call. Raises :class:`Problem` (429) where there are too many."""
        if self.per_second <= 0:
            return
        now = self.clock()
        most = max(1.0, self.per_second)
        left, at = self._buckets.get(key, (most, now))
        left = min(most, left + (now - at) * self.per_second)
        if left < 1:
            self._buckets[key] = (left, now)
            raise wait("too-many", math.ceil((1 - left) / self.per_second), "This key makes too many calls a second.")
        self._buckets[key] = (left - 1, now)


class Keys:
    """Tells who calls by the header Authorization.

    A key that opened something here is remembered: its caller is not shut out by the wrong tries of a neighbour behind
    the same address.
    """

    def __init__(self, store: Store, admin_key: str, tries: int, clock: Callable[[], float]) -> None:
        self._store = store
        self._admin = key_digest(admin_key)
        self._clock = clock
        self._tries = Tries(tries, clock)
        self._known: OrderedDict[str, tuple[Caller, float]] = OrderedDict()

    async def caller(self, request: web.Request) -> Caller:
        """Who sends this request. Raises :class:`Problem`: 401, or 429 after too many wrong tries of the peer."""
        key = _bearer(request)
        digest = key_digest(key)
        known = self._known.get(digest)
        if known is not None and self._clock() < known[1]:
            return known[0]
        peer = request.remote or ""
        shut = self._tries.left_over(peer)
        if shut is not None and known is None:
            raise wait("too-many", math.ceil(shut), "Too many wrong keys came from this address.")
        caller = await self._look_up(key, digest)
        if caller is None:
            self._known.pop(digest, None)
            self._tries.failed(peer)
            raise _unauthorized("This key opens nothing: it is unknown or was revoked.")
        self._remember(digest, caller)
        return caller

    async def _look_up(self, key: str, digest: str) -> Caller | None:
        if hmac.compare_digest(digest, self._admin):
            return Caller(ADMIN, None)
        found = await find_key(self._store, key)
        return Caller(found.id, found.business) if found else None

    def _remember(self, digest: str, caller: Caller) -> None:
        self._known[digest] = (caller, self._clock() + CACHE_S)
        self._known.move_to_end(digest)
        while len(self._known) > MOST_REMEMBERED:
            self._known.popitem(last=False)

    def forget(self, key: str) -> None:
        """The key with this id was revoked: it opens nothing from now on."""
        for digest in [digest for digest, (caller, _) in self._known.items() if caller.key == key]:
            del self._known[digest]


def _bearer(request: web.Request) -> str:
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    key = key.strip()
    if scheme.lower() != "bearer" or not key:
        raise _unauthorized("")
    if len(key) > LONGEST_KEY or not key.isascii():
        raise _unauthorized("This is not a key of this service.")
    return key


def _unauthorized(detail: str) -> Problem:
    return Problem("unauthorized", detail, headers={"WWW-Authenticate": 'Bearer realm="vizit"'})
