"""The frozen records of mailings: what is written to whom, and what became of each one; see :mod:`storage.records`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from storage.basics import Millis

CampaignStatus = Literal["draft", "listing", "running", "stopped", "done"]
Part = Literal["message", "holdout", "left_out"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """A mailing to a group of clients."""

    JSON: ClassVar[tuple[str, ...]] = ("audience", "texts")
    business: str
    id: str
    name: str
    audience: Mapping[str, Any] = field(default_factory=dict)
    """Whom it is for: the filters as they were given."""
    texts: Mapping[str, str] = field(default_factory=dict)
    """The owner's text by language; empty: the ready one."""
    bonus: int | None = None
    """Whole points that everybody who is written to gets."""
    bonus_expires_after: str | None = None
    """ISO 8601; None: as the settings have it."""
    promo_code: str | None = None
    holdout_percent: int = 10
    """So many of a hundred get nothing, so that the rest can be compared with them."""
    per_hour: int = 200
    starts_at: Millis | None = None
    """Not before this moment."""
    status: CampaignStatus = "draft"
    created_at: Millis = 0
    started_at: Millis | None = None
    finished_at: Millis | None = None
    """When the last one was put in line, or it was stopped."""
    revision: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignMember:
    """One client of a mailing that was started: whether to be written to, held out for comparison, or left out and why.

    ``id`` is that of the campaign and of the client with a tilde between, which no caller's id can hold.
    """

    JSON: ClassVar[tuple[str, ...]] = ()
    business: str
    id: str
    campaign: str
    client: str | None
    """None after the person was erased."""
    part: Part
    reason: str | None = None
    at: Millis
    """When it was decided: what the client does from then on counts."""
    message: str | None = None
    """The row that was put in line."""


def member_id(campaign: str, client: str) -> str:
    """The id of a campaign's row of a client."""
    return f"{campaign}~{client}"
