"""How moments, money and phones stand on the console's pages, as filters of its templates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

from babel.numbers import format_decimal

from handlers import formats
from storage.records import Millis


def put(text: str, /, **values: object) -> str:
    """A sentence with its ``{name}`` placeholders filled; values are never looked at again."""
    pieces = text.split("{")
    filled = [pieces[0]]
    for piece in pieces[1:]:
        name, closed, rest = piece.partition("}")
        filled.append(f"{values[name]}{rest}" if closed and name in values else f"{{{piece}")
    return "".join(filled)


def clock(moment: Millis, zone: ZoneInfo) -> str:
    """``15:00``."""
    return formats.clock(formats.local(moment, zone))


def day(moment: Millis, zone: ZoneInfo, language: str) -> str:
    """«пт, 27 лист.»."""
    return formats.short_date(formats.local(moment, zone).date(), language)


def long_day(moment: Millis, zone: ZoneInfo, language: str, now: Millis) -> str:
    """«пʼятниця, 27 листопада», with the year where it is not this one."""
    return formats.long_date(formats.local(moment, zone).date(), language, formats.local(now, zone).year)


def when(moment: Millis, zone: ZoneInfo, language: str) -> str:
    """«пт, 27 лист., 15:00»."""
    return f"{day(moment, zone, language)}, {clock(moment, zone)}"


def decimal(value: float, language: str) -> str:
    """A number as the language writes it: «66,7»."""
    return str(format_decimal(value, locale=language))


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    "put": put,
    "clock": clock,
    "day": day,
    "long_day": long_day,
    "when": when,
    "phone": formats.phone,
    "money": formats.money,
    "decimal": decimal,
}
