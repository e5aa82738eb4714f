"""The settings as a form: a table of fields, what stands in each, and the merge patch that a posted form makes.

Every field may be left to what it inherits: the salon from the business, the business from the defaults.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

from bot.console.words import KIND_NAMES
from handlers import durations
from handlers.i18n import Translator, mark
from handlers.settings_schema import MOST_REMINDERS, STAFF_EVENTS
from handlers.wording_settings import span

Control = Literal["switch", "choice", "duration", "durations", "time", "number", "hours"]
Path = tuple[str, ...]

INHERIT: Final = ""
OFF: Final = "off"
ON: Final = "on"
OWN: Final = "own"
AFTER_VISIT: Final = ("PT0M", "PT30M", "PT1H", "PT2H", "PT3H", "PT6H", "PT12H", "P1D", "P2D")
LEADS: Final = (
    "PT15M", "PT30M", "PT1H", "PT2H", "PT3H", "PT4H", "PT6H", "PT12H", "P1D", "P2D", "P3D", "P5D", "P7D", "P14D",
)  # fmt: skip
DAYS: Final = ("P1D", "P2D", "P3D", "P5D", "P7D", "P14D", "P30D")
SHORT: Final = ("PT5M", "PT10M", "PT15M", "PT30M", "PT1H")
WAITS: Final = ("PT15M", "PT30M", "PT1H", "PT2H", "PT4H", "PT12H", "PT24H")


@dataclass(frozen=True, slots=True)
class Field:
    """One setting. ``path``: where it lies in the JSON. ``options``: words of a choice, or durations to choose from.
    ``off``: it can be switched off."""

    path: Path
    title: str
    control: Control
    options: tuple[str, ...] = ()
    off: bool = False

    @property
    def name(self) -> str:
        """Its name in the form."""
        return ".".join(self.path)


class Section(NamedTuple):
    """A part of the form."""

    title: str
    fields: tuple[Field, ...]
    hint: str = ""


def _kind(kind: str, *fields: Field, hint: str = "") -> Section:
    return Section(KIND_NAMES[kind], (Field(("kinds", kind, "enabled"), SENT, "switch"), *fields), hint)


NOTHING: Final = mark("none")
SENT: Final = mark("Is it sent?")
FOR: Final[Mapping[str, str]] = {
    "client,staff": mark("all bookings"),
    "client": mark("those that clients make online"),
    "staff": mark("those that the staff make"),
}
STAFF_NAMES: Final[Mapping[str, str]] = {
    "booking_created": mark("A new booking"),
    "booking_changed": mark("A booking was changed"),
    "booking_cancelled": mark("A booking was cancelled"),
    "visit_confirmed": mark("A client confirmed"),
    "visit_declined": mark("A client can't come"),
    "move_requested": mark("A client asks to move"),
    "not_reached": mark("A client was not reached"),
    "review": mark("A review"),
    "tip": mark("A tip"),
    "client_message": mark("A client's message"),
    "running_late": mark("A client is late"),
}

SECTIONS: Final[tuple[Section, ...]] = (
    _kind(
        "booking_created",
        Field(("kinds", "booking_created", "for"), mark("For which bookings?"), "choice", tuple(FOR)),
    ),
    _kind(
        "reminder",
        Field(("kinds", "reminder", "before"), mark("How long before the visit?"), "durations", LEADS),
        Field(("kinds", "reminder", "confirm"), mark("With a request to confirm the visit?"), "switch"),
    ),
    _kind(
        "booking_changed",
        Field(
            ("kinds", "booking_changed", "ignore_shift_under"),
            mark("Don't tell of a shift shorter than"),
            "duration",
            SHORT,
            off=True,
        ),
    ),
    _kind("booking_cancelled"),
    _kind(
        "review_request",
        Field(("kinds", "review_request", "after"), mark("How long after the visit?"), "duration", AFTER_VISIT),
        Field(("kinds", "review_request", "max_age"), mark("At the latest after"), "duration", DAYS),
        Field(("kinds", "review_request", "tips"), mark("With an invitation to leave a tip?"), "switch"),
    ),
    _kind("rebook_invitation", Field(("kinds", "rebook_invitation", "at"), mark("At what time?"), "time")),
    _kind(
        "bonus_accrued",
        Field(("cashback_percent",), mark("Bonuses for a visit, per cent of its price"), "number", off=True),
        Field(
            ("bonus_expires_after",),
            mark("Bonuses expire after"),
            "duration",
            ("P30D", "P90D", "P180D", "P365D"),
            off=True,
        ),
    ),
    _kind(
        "bonus_birthday",
        Field(("birthday_bonus",), mark("How many bonuses?"), "number", off=True),
        Field(("kinds", "bonus_birthday", "days_before"), mark("How many days before the birthday?"), "number"),
        Field(("kinds", "bonus_birthday", "at"), mark("At what time?"), "time"),
    ),
    _kind(
        "bonus_expiring",
        Field(("kinds", "bonus_expiring", "before"), mark("How long before they expire?"), "duration", DAYS),
    ),
    _kind(
        "campaign",
        Field(("weekly_limit",), mark("Offers that one client gets in a week, at most"), "number", off=True),
    ),
    Section(
        mark("Quiet hours"),
        (Field(("quiet_hours",), mark("When are clients not disturbed?"), "hours", off=True),),
        mark("What falls into them waits for their end; answers to what a client does go at once."),
    ),
    Section(
        mark("When a message does not arrive"),
        (
            Field(("fallback_after",), mark("The next channel takes over after"), "duration", WAITS),
            Field(
                ("undelivered_after",),
                mark("Counts as not delivered after"),
                "duration",
                ("PT12H", "PT24H", "P2D", "P3D"),
            ),
        ),
    ),
    Section(
        mark("What the staff chats hear"),
        (
            *(Field(("staff", event), STAFF_NAMES[event], "switch") for event in STAFF_EVENTS),
            Field(("staff_cards", "morning"), mark("Today's visits, every morning at"), "time", off=True),
            Field(
                ("staff_cards", "evening"), mark("Who was not reached for tomorrow, every evening at"), "time", off=True
            ),
        ),
    ),
)
"""The form from top to bottom. Every kind of message is in it."""


def at(settings: Mapping[str, Any], path: Path) -> Any:
    """The value at ``path``; None where there is none, False where a whole kind is switched off above it."""
    value: Any = settings
    for name in path:
        if value is False:
            return False if path[-1] == "enabled" else None
        if not isinstance(value, Mapping) or name not in value:
            return None
        value = value[name]
    return value


def shown(field: Field, inherited: Mapping[str, Any], own: Mapping[str, Any], t: Translator) -> dict[str, Any]:
    """What the template needs of a field: ``mode`` (inherit, off, own or the chosen word), ``value`` or ``values``,
    ``inherited`` in words, and the options."""
    mine, above = at(own, field.path), at(inherited, field.path)
    value = above if mine is None else mine
    listed = field.control in ("switch", "choice", "duration")
    return {
        "field": field,
        "title": t(field.title),
        "inherited": in_words(field, above, t),
        "mode": word_of(field, mine) if listed else _mode(mine),
        "value": "" if value in (None, False) or isinstance(value, list | Mapping) else str(value),
        "values": _values(field, value),
        "options": _options(field, value, t),
        "slots": MOST_REMINDERS,
    }


def _mode(mine: Any) -> str:
    return INHERIT if mine is None else OFF if mine is False else OWN


def _values(field: Field, value: Any) -> Any:
    if field.control == "hours":
        hours = value if isinstance(value, Mapping) else {"from": "21:00", "to": "09:00"}
        return {"from": hours.get("from", "21:00"), "to": hours.get("to", "09:00")}
    return (
        [durations.canonical(durations.parse(one)) for one in value] if field.control == "durations" and value else []
    )


def word_of(field: Field, value: Any) -> str:
    """A value as it stands in a list to choose from."""
    if value is None:
        return INHERIT
    if field.control == "switch":
        return ON if value else OFF
    if value is False:
        return OFF
    if field.control == "choice":
        return ",".join(sorted(value))
    return _canonical(value)


def _canonical(text: str) -> str:
    """A duration in its one way of writing; what is none stays as it was typed, for the check to refuse."""
    try:
        return durations.canonical(durations.parse(text))
    except ValueError:
        return text


def _is_duration(text: str) -> bool:
    try:
        durations.parse(text)
    except ValueError:
        return False
    return True


def _options(field: Field, value: Any, t: Translator) -> list[tuple[str, str]]:
    if field.control == "switch":
        return [(ON, t(mark("yes"))), (OFF, t(mark("no")))]
    if field.control == "choice":
        return [(word, t(FOR[word])) for word in field.options]
    if field.control not in ("duration", "durations"):
        return []
    set_here = value if isinstance(value, list) else [value] if isinstance(value, str) else []
    known = {_canonical(text) for text in (*field.options, *set_here)}
    known = {text for text in known if _is_duration(text)}
    listed = sorted(known, key=lambda text: durations.length(durations.parse(text)))
    return [(text, length(text, t)) for text in listed] + ([(OFF, t(mark("off")))] if field.off else [])


def in_words(field: Field, value: Any, t: Translator) -> str:
    """A value as a person reads it."""
    if field.control == "switch":
        return t(mark("yes")) if value else t(mark("no"))
    if value is False or value is None:
        return t(mark("off"))
    if field.control == "choice":
        named = FOR.get(word_of(field, value), NOTHING)
        return t(named)
    if field.control == "hours":
        return f"{value['from']}–{value['to']}"
    if field.control == "duration":
        return length(value, t)
    if field.control == "durations":
        return ", ".join(length(text, t) for text in value) or t(NOTHING)
    return str(value)


def length(text: str, t: Translator) -> str:
    """A duration in words: «1 день», «2 години»."""
    return span(durations.parse(text, months=True), t) or t(mark("at once"))


def patch_of(form: Mapping[str, Any], values: Mapping[str, list[str]]) -> dict[str, Any]:
    """The merge patch of a posted form. ``values``: every value of a name that may come several times."""
    patch: dict[str, Any] = {}
    for section in SECTIONS:
        for field in section.fields:
            here = patch
            for name in field.path[:-1]:
                here = here.setdefault(name, {})
            here[field.path[-1]] = _posted(field, form, values)
    return patch


def _posted(field: Field, form: Mapping[str, Any], values: Mapping[str, list[str]]) -> Any:
    """What a field was set to: None inherits, False is off. What makes no sense is left for the check to refuse."""
    said = form.get(field.name, INHERIT)
    if said == INHERIT:
        return None
    if field.control == "switch":
        return said == ON
    if said == OFF:
        return False
    if field.control == "choice":
        return said.split(",")
    if field.control == "duration":
        return said
    if field.control == "durations":
        return list(dict.fromkeys(text for text in values.get(f"{field.name}.value", ()) if text))
    if field.control == "hours":
        return {"from": form.get(f"{field.name}.from", ""), "to": form.get(f"{field.name}.to", "")}
    typed = form.get(f"{field.name}.value", "").strip()
    if field.control == "time":
        return typed
    number = typed.replace(",", ".")
    try:
        return int(number) if number.lstrip("-").isdigit() else float(number)
    except ValueError:
        return typed
