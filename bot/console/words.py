"""What the console calls kinds of messages, channels, and what became of a message."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from handlers.i18n import ENDONYMS, LANGUAGES, Translator, mark
from handlers.settings_schema import ANSWER_KINDS, KINDS
from handlers.statistics import WORDS, Word

KIND_NAMES: Final[Mapping[str, str]] = {
    "booking_created": mark("Booking notice"),
    "booking_changed": mark("News of a change"),
    "booking_cancelled": mark("News of a cancellation"),
    "reminder": mark("Reminder"),
    "review_request": mark("Request for a review"),
    "rebook_invitation": mark("Invitation to rebook"),
    "bonus_accrued": mark("Bonuses accrued"),
    "bonus_birthday": mark("Birthday gift"),
    "bonus_expiring": mark("Bonuses about to expire"),
    "campaign": mark("Mailing"),
    "visit_confirmed": mark("Answer: confirmed"),
    "visit_declined": mark("Answer: can't come"),
    "visit_cancelled": mark("Answer: cancelled"),
    "move_requested": mark("Answer: asks to move"),
    "thanks": mark("Answer: thanks"),
    "help": mark("Answer: help"),
}
"""Kind to its name; kinds of a conversation that an owner never sets are all called alike."""
CONVERSATION: Final = mark("Conversation")
CHANNEL_NAMES: Final[Mapping[str, str]] = {"telegram": "Telegram", "whatsapp": "WhatsApp", "sms": "SMS"}
BY_HAND: Final = mark("By hand")
NO_CHANNEL: Final = mark("No channel")
REPORTED: Final[Mapping[Word, tuple[str, str]]] = {
    "delivered": (mark("Delivered"), "good"),
    "not_delivered": (mark("Not delivered"), "bad"),
    "processing": (mark("Processing"), "plain"),
    "waiting": (mark("Waiting"), "wait"),
    "cancelled": (mark("Cancelled"), "off"),
}
"""The owner's word to its name and tone."""
NOT_SENT: Final = (mark("Not sent"), "off")
"""What was planned and is not to be sent."""


def kind_name(kind: str, t: Translator) -> str:
    """What a kind is called."""
    return t(KIND_NAMES.get(kind, CONVERSATION))


def channel_name(channel: str | None, t: Translator) -> str:
    """What a channel is called; None: none leads there."""
    if channel is None:
        return t(NO_CHANNEL)
    return t(BY_HAND) if channel == "manual" else CHANNEL_NAMES.get(channel, channel)


def state_of(word: Word | None, t: Translator) -> tuple[str, str]:
    """The name and tone of what became of a message."""
    name, tone = REPORTED[word] if word is not None else NOT_SENT
    return t(name), tone


def choices(any_: str, names: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """What a filter offers: anything, called ``any_``, and then each."""
    return [("", any_), *names]


def kinds(t: Translator) -> list[tuple[str, str]]:
    """Every kind that an owner writes texts for."""
    return [(kind, kind_name(kind, t)) for kind in (*KINDS, *ANSWER_KINDS)]


def channels(t: Translator) -> list[tuple[str, str]]:
    """Every channel."""
    return [(name, channel_name(name, t)) for name in ("telegram", "whatsapp", "sms", "manual")]


def states(t: Translator) -> list[tuple[str, str]]:
    """The owner's five words."""
    return [(word, t(REPORTED[word][0])) for word in WORDS]


def languages() -> list[tuple[str, str]]:
    """Every language by its own name."""
    return [(language, ENDONYMS[language]) for language in LANGUAGES]
