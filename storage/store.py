"""The Store protocol: all that the rooms above may ask of a database, the same on SQLite and MongoDB.

A store has no transaction object. Whoever changes something reads, decides, and hands one frozen :class:`Changes` to
:meth:`Store.commit`, which applies all of it or nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol, TypeVar

from storage.records import Message, Millis, Record

R = TypeVar("R")


class StoreError(Exception):
    """A store could not do what was asked; nothing was written."""


class Conflict(StoreError):
    """An expectation of :class:`Changes` no longer holds: read again and decide again."""


class StoreBusy(StoreError):
    """The database is locked, full, read-only or out of reach; nothing was written, and a later try may succeed."""


class SchemaNewer(StoreError):
    """The database was written by a newer version of this service."""


class Range(NamedTuple):
    """Where-value: ``since <= x < until``; None leaves that side open."""

    since: Any = None
    until: Any = None


class OneOf(NamedTuple):
    """Where-value: any of these values."""

    values: tuple[Any, ...]


class Not(NamedTuple):
    """Where-value: anything but this value (``Not(None)``: present)."""

    value: Any


Where = Mapping[str, Any]
"""Field name to a plain value (equality; None: absent), :class:`Range`, :class:`OneOf` or :class:`Not`."""


@dataclass(frozen=True, slots=True)
class Put:
    """Write a whole record. ``expect``: None writes over whatever is there, 0 demands that it is new, n that the stored
    ``revision`` is n; else :class:`Conflict`."""

    record: Record
    expect: int | None = None


@dataclass(frozen=True, slots=True)
class Patch:
    """Set some fields of the one record ``(business, id)`` if all of ``where`` hold. With ``must`` a record that does not
    match is a :class:`Conflict`; without, it is left alone. For a Message ``business`` may be None: its id is unique."""

    record: type[Any]
    business: str | None
    id: str
    set: Mapping[str, Any]
    where: Where = field(default_factory=dict)
    must: bool = True


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove the record ``(business, id)``; nothing happens if it is not there."""

    record: type[Any]
    business: str
    id: str


@dataclass(frozen=True, slots=True)
class Changes:
    """What a handler hands to the store; applied in the order inserts, puts, patches, deletes, all or nothing.

    ``inserts`` are written only if new: a Message by ``(business, key)``, all else by ``(business, id)``.
    """

    inserts: tuple[Record, ...] = ()
    puts: tuple[Put, ...] = ()
    patches: tuple[Patch, ...] = ()
    deletes: tuple[Delete, ...] = ()

    def __add__(self, other: Changes) -> Changes:
        """Both, in one commit."""
        return Changes(
            self.inserts + other.inserts,
            self.puts + other.puts,
            self.patches + other.patches,
            self.deletes + other.deletes,
        )

    def __bool__(self) -> bool:
        """Whether there is anything to write."""
        return bool(self.inserts or self.puts or self.patches or self.deletes)


@dataclass(frozen=True, slots=True)
class Committed:
    """What a commit did: per insert whether it was new, per patch whether it matched."""

    inserted: tuple[bool, ...] = ()
    matched: tuple[bool, ...] = ()


def touches_messages(changes: Changes, done: Committed) -> bool:
    """Whether a commit made or changed a message: whoever waits for the next due time looks again."""
    return (
        any(new and isinstance(record, Message) for record, new in zip(changes.inserts, done.inserted, strict=True))
        or any(isinstance(put.record, Message) for put in changes.puts)
        or any(hit and patch.record is Message for patch, hit in zip(changes.patches, done.matched, strict=True))
    )


@dataclass(frozen=True, slots=True)
class Claim:
    """Lease up to ``limit`` planned rows of one lane with ``next_at <= due`` that are not held, earliest first."""

    lane: int
    limit: int
    due: Millis
    token: str
    lease_until: Millis


@dataclass(frozen=True, slots=True)
class Guard:
    """Move one leased row to ``sending``: still leased by ``token``, still at ``revision``, ``not_after > now``, not held,
    and no other row in ``sending`` to the same channel and address. Raises ``attempts`` by one and writes what goes out.

    ``also`` are patches of messages that are made with it, all or nothing: rows for which this one speaks.
    """

    id: str
    token: str
    revision: int
    now: Millis
    lease_until: Millis
    channel: str
    address: str
    text: str | None = None
    language: str | None = None
    segments: int | None = None
    also: tuple[Patch, ...] = ()


GuardResult = Literal["sending", "busy", "stale", "lost"]
"""``busy``: another row is in ``sending`` to this address. ``stale``: still ours, but at another revision, or one of the
patches no longer fits (render anew). ``lost``: no longer ours, or past ``not_after``."""


@dataclass(frozen=True, slots=True)
class Settle:
    """A row that was taken by the provider: ``sending`` with this token becomes ``sent``, the token is given up."""

    id: str
    token: str
    provider_id: str | None
    sent_at: Millis
    fallback_at: Millis | None = None


@dataclass(frozen=True, slots=True)
class Stepped:
    """Results of :meth:`Store.step`, each in the order of what was asked; claimed rows sorted by ``next_at``."""

    settled: tuple[bool, ...] = ()
    guarded: tuple[GuardResult, ...] = ()
    claimed: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class Permit:
    """A wish for ``n`` sends under the pace ``name``: one every ``every`` milliseconds, at most ``burst`` at once."""

    name: str
    n: int
    every: float
    burst: int = 1


class Granted(NamedTuple):
    """How many of a :class:`Permit` may go now, and when (store's clock) the next one may be asked for.

    ``first``: the moment (store's clock) at which the first of them is exactly on time; the others follow one every
    ``every``. Whoever waits for these moments spreads a burst evenly, over all workers.
    """

    n: int
    next_at: Millis
    first: float = 0.0


@dataclass(frozen=True, slots=True)
class Query:
    """What :meth:`Store.find` may be asked."""

    record: type[Any]
    where: Where
    order: tuple[str, ...] = ("id",)
    limit: int = 200


class Store(Protocol):
    """A database. Methods raise :class:`StoreBusy` when it can't be used now."""

    async def get(self, record: type[R], business: str, id: str) -> R | None:
        """The record ``(business, id)``, or None."""

    async def get_many(self, record: type[R], keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], R]:
        """The records that exist among these ``(business, id)`` keys."""

    async def find(
        self,
        record: type[R],
        where: Where,
        *,
        order: Sequence[str] = ("id",),
        after: Sequence[Any] | None = None,
        limit: int = 200,
    ) -> list[R]:
        """Records that match, sorted by the fields of ``order`` (a leading ``-`` turns one around), at most ``limit``.

        ``after`` is the tuple of the order fields of the last record already seen. An index serves every query that
        the service runs.
        """

    async def find_all(self, queries: Sequence[Query]) -> list[list[Any]]:
        """What :meth:`find` answers to each of these; one round trip for all of them."""

    async def count(self, record: type[Any], where: Where, group_by: Sequence[str] = ()) -> dict[tuple[Any, ...], int]:
        """How many match, per tuple of the ``group_by`` fields; ``{(): n}`` without groups."""

    async def rows(self, record: type[Any], where: Where, fields: Sequence[str]) -> list[tuple[Any, ...]]:
        """The values of some fields of every record that matches, in no order.

        A report: it runs beside the event loop and may answer with a hundred thousand; who asks for more asks in portions.
        """

    async def among(self, record: type[Any], where: Where, field: str, values: Sequence[str]) -> set[str]:
        """Those of ``values`` that are the ``field`` of at least one record that matches. A report, like :meth:`rows`."""

    async def commit(self, changes: Changes) -> Committed:
        """Apply all of ``changes`` durably, or nothing and raise :class:`Conflict`."""

    async def step(
        self, settles: Sequence[Settle] = (), guards: Sequence[Guard] = (), claims: Sequence[Claim] = ()
    ) -> Stepped:
        """One step of the outbox: settle, guard, claim, in that order; one transaction on SQLite."""

    async def next_due(self) -> Millis | None:
        """The earliest ``next_at`` of any row that the outbox may claim, in any lane; None when there is none."""

    async def reserve(self, permits: Sequence[Permit]) -> list[Granted]:
        """Take permits of the paces that all workers share (generic cell rate), as many as may go now."""

    async def hold(self, name: str, until: Millis) -> None:
        """No permit of pace ``name`` before ``until`` (store's clock): a provider said so."""

    def clock(self) -> Millis:
        """The store's own clock, never shifted: leases, paces and holds live by it."""

    def subscribe(self, woken: Callable[[], None]) -> None:
        """Call ``woken`` on the event loop after every commit of this process that made or changed a message."""

    async def alone(self) -> bool:
        """True when surely no other process works on this database; MongoDB always answers False."""

    async def ready(self) -> None:
        """Write and read one row; raises :class:`StoreError` where that fails or the schema is not current."""

    async def close(self) -> None:
        """Give up connections and files."""


OpenStore = Callable[[str], Awaitable[Store]]
