"""Choices as a channel can show them: what each verb is called, how buttons stand in rows, and lines with numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Final, Literal, NamedTuple

from handlers import formats
from handlers.channel import Button, Capabilities
from handlers.facts import Facts, Visit
from handlers.i18n import ENDONYMS, mark, translator
from handlers.settings import place
from handlers.turn import pack
from storage.records import Choice, Message


class Verb(NamedTuple):
    """How a choice is shown. ``alone``: it has a row to itself; others stand two in a row."""

    label: str
    alone: bool = False
    style: Literal["primary", "success", "danger"] | None = None


VERBS: Final[Mapping[str, Verb]] = {
    "confirm": Verb(mark("✅ I'll be there"), alone=True, style="success"),
    "move": Verb(mark("🔄 Reschedule")),
    "cancel": Verb(mark("❌ I can't come")),
    "cancel_yes": Verb(mark("Yes, cancel"), style="danger"),
    "cancel_keep": Verb(mark("No, keep it")),
    "book": Verb(mark("Book a visit"), alone=True),
    "bookings": Verb(mark("🗓 My bookings"), alone=True),
    "menu": Verb(mark("Menu"), alone=True),
    "help": Verb(mark("Help")),
    "language_ask": Verb(mark("Change the language")),
    "offers_on": Verb(mark("Turn offers on")),
    "offers_off": Verb(mark("Turn offers off")),
    "all_off": Verb(mark("Turn everything off")),
    "all_on": Verb(mark("Turn back on")),
}
"""Verb to its button. A verb that is missing here and in :data:`NAMED` is a mistake of the program."""

Named = Callable[[Choice, Facts], str]


def _visit_title(choice: Choice, facts: Facts) -> str:
    visit = next((one for one in facts.visits if one.booking.id == choice.args["booking"]), None)
    return _when(visit, facts) if visit else str(choice.args["booking"])


def _when(visit: Visit, facts: Facts) -> str:
    moment = formats.local(visit.booking.starts_at, place(facts.business, visit.salon).zone)
    return f"{formats.short_date(moment.date(), facts.language)}, {formats.clock(moment)}"


NAMED: Final[Mapping[str, tuple[Named, bool]]] = {
    "language": (lambda choice, facts: ENDONYMS[choice.args["language"]], False),
    "business": (lambda choice, facts: str(choice.args.get("name", choice.args["business"])), True),
    "visit": (_visit_title, True),
}
"""Verb to what its button is called after, and whether it has a row to itself."""

EMOJI: Final = re.compile("[\u2190-\u2bff\ufe0f\u20e3\U0001f000-\U0001faff]+")
"""One emoji or several in a row."""


def without_emoji(title: str) -> str:
    """A title as WhatsApp takes it on a template's button."""
    return " ".join(EMOJI.sub(" ", title).split())


@cache
def labels(verb: str, language: str) -> str:
    """The title of a verb's button, with its emoji. Raises ``KeyError`` for a verb that has no title of its own."""
    return translator(language)(VERBS[verb].label)


def title(choice: Choice, facts: Facts) -> str:
    """The title of a choice's button."""
    named = NAMED.get(choice.verb)
    return named[0](choice, facts) if named else labels(choice.verb, facts.language)


def pressable(choices: Sequence[Choice]) -> tuple[int, ...]:
    """The indexes of the choices that can be answered in words: all but links. Their order gives them their numbers."""
    return tuple(index for index, choice in enumerate(choices) if choice.verb != "book")


def shown_choices(message: Message, capabilities: Capabilities, facts: Facts) -> tuple[int, ...]:
    """The indexes of the choices that this channel shows: a link only where buttons may open one, and there is one."""
    linked = capabilities.links and facts.salon is not None and bool(facts.salon.booking_url)
    return tuple(range(len(message.choices))) if linked else pressable(message.choices)


def button_rows(
    message: Message, indexes: Sequence[int], capabilities: Capabilities, facts: Facts
) -> tuple[tuple[Button, ...], ...]:
    """Buttons in rows: those that stand alone, and others two by two, in the order of the choices."""
    rows: list[tuple[Button, ...]] = []
    open_row = False
    for index in indexes:
        choice = message.choices[index]
        button = _button(message, index, capabilities, facts)
        alone = NAMED[choice.verb][1] if choice.verb in NAMED else VERBS[choice.verb].alone
        if open_row and not alone:
            rows[-1] = (*rows[-1], button)
            open_row = False
        else:
            rows.append((button,))
            open_row = not alone
    return tuple(rows)


def _button(message: Message, index: int, capabilities: Capabilities, facts: Facts) -> Button:
    choice = message.choices[index]
    said = title(choice, facts)
    if choice.verb == "book":
        return Button(said, url=facts.salon.booking_url if facts.salon else None)
    style = VERBS[choice.verb].style if choice.verb in VERBS and capabilities.styles else None
    return Button(said, data=pack(choice.verb, message.id, index), style=style)


def numbered(message: Message, facts: Facts) -> str:
    """The choices as lines to answer with a number, with the invitation to do so; empty where there are none."""
    t = translator(facts.language)
    lines = [t("Reply with a number:")]
    for number, index in enumerate(pressable(message.choices), 1):
        said = without_emoji(title(message.choices[index], facts))
        lines.append(t("{number} — {title}").replace("{number}", str(number)).replace("{title}", said))
    return "\n".join(lines) if len(lines) > 1 else ""
