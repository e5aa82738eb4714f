"""Dates, times, money and phones as people of each language write them.

The names of days and months and the separators of numbers are taken from CLDR (Babel) once; formatting a message then
costs a few look-ups, where Babel's own functions would take most of the time of a send.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from functools import cache, lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import phonenumbers
from babel.dates import get_day_names, get_month_names
from babel.numbers import get_decimal_symbol, get_group_symbol

from handlers.i18n import LANGUAGES, NBSP
from storage.records import Millis

SIGNS: Final[Mapping[str, str]] = {
    "UAH": "₴",
    "TRY": "₺",
    "RUB": "₽",
    "KZT": "₸",
    "EUR": "€",
    "USD": "$",
    "GBP": "£",
    "PLN": "zł",
    "GEL": "₾",
    "AZN": "₼",
}
"""The sign of a currency; CLDR knows each only in its own country's language. Others are written as their code."""

# CLDR's own patterns where they read well; Babel's skeletons for weekday, day and month are uneven over these languages.
_LONG: Final[Mapping[str, str]] = {"tr": "{day} {month}{year} {weekday}"}
_SHORT: Final[Mapping[str, str]] = {"tr": "{day} {mon} {wd}"}
_LONG_ELSEWHERE: Final = "{weekday}, {day} {month}{year}"
_SHORT_ELSEWHERE: Final = "{wd}, {day} {mon}"


class Names(NamedTuple):
    """The words of one language, months from 1, weekdays from Monday (0), in the case that stands beside a day."""

    months: Mapping[int, str]
    months_short: Mapping[int, str]
    weekdays: Mapping[int, str]
    weekdays_short: Mapping[int, str]
    group: str
    decimal: str


@cache
def names(language: str) -> Names:
    """The names and number signs of one of :data:`handlers.i18n.LANGUAGES`."""
    if language not in LANGUAGES:
        raise KeyError(language)
    return Names(
        dict(get_month_names("wide", "format", language)),
        dict(get_month_names("abbreviated", "format", language)),
        dict(get_day_names("wide", "format", language)),
        dict(get_day_names("abbreviated", "format", language)),
        get_group_symbol(language),
        get_decimal_symbol(language),
    )


def local(moment: Millis, zone: ZoneInfo) -> datetime:
    """``moment`` on the wall of ``zone``."""
    return datetime.fromtimestamp(moment / 1000, zone)


@lru_cache(maxsize=4096)
def long_date(day: date, language: str, this_year: int) -> str:
    """«пʼятниця, 27 листопада», “27 Kasım Cuma”; with the year where it is not ``this_year``. Stands after a label."""
    words = names(language)
    return _LONG.get(language, _LONG_ELSEWHERE).format(
        weekday=words.weekdays[day.weekday()],
        day=day.day,
        month=words.months[day.month],
        year="" if day.year == this_year else f" {day.year}",
    )


@lru_cache(maxsize=4096)
def plain_day(day: date, language: str, this_year: int) -> str:
    """«27 листопада», “27 Kasım”: safe within a sentence; with the year where it is not ``this_year``."""
    year = "" if day.year == this_year else f" {day.year}"
    return f"{day.day} {names(language).months[day.month]}{year}"


@lru_cache(maxsize=4096)
def short_date(day: date, language: str) -> str:
    """«пт, 27 лист.», “27 Kas Cum”: for button titles."""
    words = names(language)
    return _SHORT.get(language, _SHORT_ELSEWHERE).format(
        wd=words.weekdays_short[day.weekday()], day=day.day, mon=words.months_short[day.month]
    )


def clock(moment: datetime) -> str:
    """``15:00``, on 24 hours in every language."""
    return f"{moment.hour:02}:{moment.minute:02}"


def money(amount: int, currency: str, language: str) -> str:
    """``amount`` hundredths of ``currency``: «1 250,50 ₴», “1.250 ₺”; no hundredths where there are none."""
    words = names(language)
    whole, rest = divmod(abs(amount), 100)
    number = f"{whole:,}".replace(",", words.group) + (f"{words.decimal}{rest:02}" if rest else "")
    return f"{'-' if amount < 0 else ''}{number}{NBSP}{SIGNS.get(currency, currency)}"


@lru_cache(maxsize=8192)
def phone(number: str) -> str:
    """An E.164 number as its country writes it abroad: ``+380 67 123 4567``; anything else as it came."""
    try:
        return phonenumbers.format_number(phonenumbers.parse(number), phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    except phonenumbers.NumberParseException:
        return number
