"""The frozen records of bonus points and of what clients don't want to be invited to; see :mod:`storage.records`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from storage.basics import Millis

BonusReason = Literal["accrual", "birthday", "gift", "redemption", "correction", "expiry"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BonusEntry:
    """One line of the ledger of a client's bonus points. Written once; only what is left of its points changes later.

    ``id`` is the caller's own, or, for what is entered here, one with a tilde, which no caller's id can hold.
    """

    JSON: ClassVar[tuple[str, ...]] = ()
    business: str
    id: str
    client: str
    amount: int
    """Whole points: above zero they come, below zero they go."""
    reason: BonusReason
    booking: str | None = None
    """The visit that brought them."""
    at: Millis
    expires_at: Millis | None = None
    """From when on its points can't be spent any more; None: never."""
    remaining: int = 0
    """How many of its points are neither spent nor expired. The balance is the sum of these, as of the amounts."""
    lapses_at: Millis | None = None
    """``expires_at`` while something remains; None else."""
    warned: bool = False
    """The client was told, or was to be told, that its points expire."""
    announce: bool = True
    """The client is to hear of it."""
    digest: str = ""
    """Of all that the caller asked for, to tell a repetition from another entry under the same id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BonusAccount:
    """The balance of one client, whose id it has. Every entry is written in one commit with its account, and expects the
    ``revision`` that it was decided by: so no two entries can both spend the same points."""

    JSON: ClassVar[tuple[str, ...]] = ()
    business: str
    id: str
    balance: int = 0
    revision: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Unwanted:
    """A service to whose next visit a client doesn't want to be invited."""

    JSON: ClassVar[tuple[str, ...]] = ()
    business: str
    id: str
    client: str
    service: str
    at: Millis


def unwanted_id(client: str, service: str) -> str:
    """The id of the row of a client and a service; a tilde parts the two, since no id can hold one."""
    return f"{client}~{service}"
