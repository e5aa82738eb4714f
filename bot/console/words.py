"""What the console calls kinds of messages, channels, and what became of a message."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from handlers import wording_settings
from handlers.i18n import ENDONYMS, LANGUAGES, Translator, mark
from handlers.settings_schema import ANSWER_KINDS, KINDS
from handlers.statistics import WORDS, Word
from handlers.wording_settings import WORD_NAMES, channel_called

KIND_NAMES: Final[Mapping[str, str]] = {
    **wording_settings.KIND_NAMES,
    "visit_confirmed": mark("Answer: confirmed"),
    "visit_declined": mark("Answer: can't come"),
    "visit_cancelled": mark("Answer: cancelled"),
    "move_requested": mark("Answer: asks to move"),
    "thanks": mark("Answer: thanks"),
    "help": mark("Answer: help"),
}
"""Kind to its name; kinds of a conversation that an owner never sets are all called alike."""
CONVERSATION: Final = mark("Conversation")
NO_CHANNEL: Final = mark("No channel")
REPORTED: Final[Mapping[Word, tuple[str, str]]] = {
    "delivered": (WORD_NAMES["delivered"], "good"),
    "not_delivered": (WORD_NAMES["not_delivered"], "bad"),
    "processing": (WORD_NAMES["processing"], "plain"),
    "waiting": (WORD_NAMES["waiting"], "wait"),
    "cancelled": (WORD_NAMES["cancelled"], "off"),
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
    return channel_called(channel, t)


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
