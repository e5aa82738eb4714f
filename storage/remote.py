"""The frozen records of what a provider keeps for us: templates and bills; see :mod:`storage.records`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final, Literal

from storage.basics import Millis

TemplateStatus = Literal["unsubmitted", "received", "pending", "approved", "rejected", "paused", "disabled"]

UNDER_REVIEW: Final[tuple[TemplateStatus, ...]] = ("received", "pending", "paused")
"""States of a template that WhatsApp will change by itself before long."""
LIVING: Final[tuple[TemplateStatus, ...]] = (*UNDER_REVIEW, "approved", "disabled")
"""States that may become others without our doing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentTemplate:
    """One version of one of our Content templates at Twilio, and WhatsApp's word on it.

    ``business`` is empty for those that are made of the catalogs and serve everybody. ``id`` is
    ``kind:variant:language:version``; a new version has a new name, so that the old one serves until it is approved. The
    ``variant`` of a salon's own text ends in ``@`` and the salon's id.
    """

    JSON: ClassVar[tuple[str, ...]] = ("variables", "buttons")
    business: str = ""
    id: str
    kind: str
    variant: str
    language: str
    version: int
    sid: str
    name: str
    category: Literal["utility", "marketing"]
    body: str
    """With ``{{1}}``, ``{{2}}`` … in the place of the variables."""
    variables: tuple[str, ...] = ()
    """What those stand for, by canonical names."""
    buttons: tuple[str, ...] = ()
    """The verbs of its quick replies, in order."""
    digest: str
    """Of all that a person sees of it: another one means that the text has changed since."""
    status: TemplateStatus = "unsubmitted"
    reason: str | None = None
    """Why it was rejected, in the provider's words."""
    created_at: Millis = 0
    updated_at: Millis = 0
    """When the provider was last asked about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one message cost, in the provider's own figures. ``id`` is the message's.

    Kept beside the messages, since most never get one: Telegram is free, and prices come a day later.
    """

    JSON: ClassVar[tuple[str, ...]] = ()
    business: str
    id: str
    channel: str
    day: str
    """The message's, ``YYYY-MM-DD``."""
    due_at: Millis
    """The message's: costs are counted over the same periods as messages."""
    amount: int
    """In hundred-thousandths of ``currency``: providers charge fractions of a cent."""
    currency: str
    segments: int | None = None
