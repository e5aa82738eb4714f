"""Single cells of imported tables, as people and spreadsheets write them: dates, times, money, lengths of time.

What can't be read raises :class:`Unread` with a sentence that goes on after the name of the column, and says what to do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, time
from functools import cache, lru_cache
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from babel.core import get_global
from babel.dates import get_month_names

from handlers import durations
from handlers.durations import HOUR, MINUTE, moment_of
from handlers.i18n import ENDONYMS, LANGUAGES, language_of, mark
from handlers.import_columns import ANSWERS, CURRENCIES, STATUSES, folded, meanings
from handlers.moments import parse_moment
from handlers.people import normal_phone
from storage.records import BookingStatus, Millis

BAD_DATE: Final = mark("is no date: write it like 27.11.2026 or 2026-11-27")
BAD_TIME: Final = mark("is no time of day: write it like 15:00")
NO_TIME: Final = mark("says no time of day: write it like 27.11.2026 15:00, or add a column for it")
BAD_PHONE: Final = mark("is no phone number: write it with + and the country code")
SPOILT_PHONE: Final = mark("was spoilt by the spreadsheet: format the column as text and export it again")
BAD_MONEY: Final = mark("is no amount of money: write it like 450.00")
BAD_DURATION: Final = mark("is no length of time: write minutes, like 90")
BAD_BIRTHDAY: Final = mark("is no birthday: write it like 14.03.1990 or 14.03")
BAD_WORD: Final = mark("is not understood: write one of these: {known}")
BAD_ID: Final = mark("must be 1 to 64 of A–Z, a–z, 0–9 and . _ : -")
TOO_LONG: Final = mark("is too long: 200 characters at most")

LONGEST_NAME: Final = 200
"""As in the API."""
YEARS: Final = range(1970, 2200)
OLDEST_BIRTH: Final = 1900
PIVOT: Final = 40
"""Two digits of a year of birth up to here mean this century."""
LONGEST: Final[Millis] = 30 * 24 * HOUR

_ID: Final = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._:-]{1,64}")
_DAY_FIRST: Final = re.compile(r"([0-9]{1,2})[./-]([0-9]{1,2})[./-]([0-9]{4}|[0-9]{2})(?![0-9])")
_YEAR_FIRST: Final = re.compile(r"([0-9]{4})[./-]([0-9]{1,2})[./-]([0-9]{1,2})(?![0-9])")
_IN_WORDS: Final = re.compile(r"([0-9]{1,2})\.? ([^\W\d_]{3,}),? ([0-9]{4})")
_NO_YEAR: Final = re.compile(r"([0-9]{1,2})[./-]([0-9]{1,2})\.?")
_TIME: Final = re.compile(r"([0-9]{1,2})[:.]([0-9]{2})(?:[:.][0-9]{2}(?:\.[0-9]+)?)?\s*([AaPp][Mm])?")
_MONEY: Final = re.compile(r"([0-9][0-9\s'’]*?(?:[.,][0-9]{3})*)(?:[.,]([0-9]{1,2}))?")
_HOURS: Final = re.compile(
    r"(?:([0-9]{1,2}) ?(?:h|hour|hours|г|год|години|ч|час|часа|sa|saat)\.? ?)?(?:([0-9]{1,3}) ?\D{0,8})?"
)
_STATUSES: Final = meanings(STATUSES)
_ANSWERS: Final = meanings(ANSWERS)
_CURRENCIES: Final = meanings(CURRENCIES)
_NAMED_LANGUAGES: Final = {folded(name): language for language, name in ENDONYMS.items()}


class Unread(Exception):
    """A cell that can't be read: ``why`` is a sentence of the catalogs, ``values`` what goes into its braces."""

    def __init__(self, why: str, **values: Any) -> None:
        super().__init__(why)
        self.why = why
        self.values: Mapping[str, str] = {name: str(value) for name, value in values.items()}


class Money(NamedTuple):
    """Hundredths, and the currency where the cell names one."""

    amount: int
    currency: str | None


@cache
def _months() -> dict[str, int]:
    """Folded name of a month, as calendars of our languages write it, to its number."""
    found = {}
    for language in LANGUAGES:
        for context in ("format", "stand-alone"):
            for width in ("wide", "abbreviated"):
                names = get_month_names(width, context, language)
                found.update({folded(str(name)).strip(" ."): number for number, name in names.items()})
    return found


def _date(year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError:
        raise Unread(BAD_DATE) from None


def _leading_date(text: str) -> tuple[date, str]:
    """The date at the beginning of a text, and what follows it."""
    if match := _YEAR_FIRST.match(text):
        return _date(int(match[1]), int(match[2]), int(match[3])), text[match.end() :]
    if match := _DAY_FIRST.match(text):
        year = int(match[3]) + (2000 if len(match[3]) == 2 else 0)
        return _date(year, int(match[2]), int(match[1])), text[match.end() :]
    if match := _IN_WORDS.match(text):
        month = _months().get(folded(match[2]))
        if month is not None:
            return _date(int(match[3]), month, int(match[1])), text[match.end() :]
    raise Unread(BAD_DATE)


def time_of(text: str) -> time:
    """``15:00``, ``9.30``, ``15:00:00``, ``3:00 PM``."""
    match = _TIME.fullmatch(text.strip())
    if match is None:
        raise Unread(BAD_TIME)
    hour, minute, half = int(match[1]), int(match[2]), (match[3] or "").lower()
    if half:
        hour = hour % 12 + (12 if half == "pm" else 0) if 1 <= hour <= 12 else 24
    if hour > 23 or minute > 59:
        raise Unread(BAD_TIME)
    return time(hour, minute)


@lru_cache(maxsize=4096)
def moment(text: str, clock: str | None, zone: ZoneInfo) -> Millis:
    """When a visit begins: a date with a time, in one cell or in two, on the clocks of ``zone`` unless it says an offset."""
    try:
        return parse_moment(text)
    except ValueError:
        pass  # Anything but RFC 3339 with an offset is local.
    day, rest = _leading_date(text)
    if day.year not in YEARS:
        raise Unread(BAD_DATE)
    rest = re.sub(r"^[\sT,]+|\s+$", "", rest)
    if clock and rest in ("", "00:00", "00:00:00", "0:00"):
        rest = clock
    if not rest:
        raise Unread(NO_TIME)
    return moment_of(day, time_of(re.sub(r"^(?:о|об|в|at|saat)\s+", "", rest)), zone)


def end(text: str, start: Millis, zone: ZoneInfo) -> Millis:
    """When a visit ends: a moment, or a time of the day on which it began (or of the next, past midnight)."""
    try:
        clock = time_of(text)
    except Unread:
        return moment(text, None, zone)
    first = datetime.fromtimestamp(start / 1000, zone).date()
    found = moment_of(first, clock, zone)
    return found if found > start else moment_of(date.fromordinal(first.toordinal() + 1), clock, zone)


def birthday(text: str) -> str:
    """``YYYY-MM-DD``, or ``--MM-DD`` where no year is given."""
    if match := _NO_YEAR.fullmatch(text):
        try:
            return f"--{date(2000, int(match[2]), int(match[1])):%m-%d}"
        except ValueError:
            raise Unread(BAD_BIRTHDAY) from None
    if (match := _DAY_FIRST.fullmatch(text)) and len(match[3]) == 2:
        century = 2000 if int(match[3]) <= PIVOT else 1900
        text = f"{match[1]}.{match[2]}.{century + int(match[3])}"
    try:
        born, _ = _leading_date(text)
    except Unread:
        raise Unread(BAD_BIRTHDAY) from None
    if born.year < OLDEST_BIRTH:
        raise Unread(BAD_BIRTHDAY)
    return born.isoformat()


@lru_cache(maxsize=4096)
def phone(text: str, country: str | None) -> str:
    """E.164."""
    if re.fullmatch(r"[0-9][.,][0-9]+E\+?[0-9]+", text, re.IGNORECASE):
        raise Unread(SPOILT_PHONE)
    found = normal_phone(text.removesuffix(".0"), country)
    if found is None:
        raise Unread(BAD_PHONE)
    return found


def money(text: str) -> Money:
    """``450``, ``450,00``, ``1 200.50 грн``, ``₺450``."""
    number = re.search(r"[0-9][0-9\s'’.,]*", text)
    if number is None or text.strip().startswith("-"):
        raise Unread(BAD_MONEY)
    digits = number[0].strip().rstrip(".,")
    match = _MONEY.fullmatch(digits)
    word = (text[: number.start()] + text[number.end() :]).strip(" .")
    currency = _CURRENCIES.get(folded(word)) if word else None
    if match is None or (word and currency is None):
        raise Unread(BAD_MONEY)
    whole = re.sub(r"[^0-9]", "", match[1])
    if len(whole) > 10:
        raise Unread(BAD_MONEY)
    return Money(int(whole) * 100 + int(((match[2] or "") + "00")[:2]), currency)


def lasting(text: str) -> Millis:
    """How long a visit takes: minutes, ``1:30``, ``1 h 30``, or as ISO 8601 has it."""
    if re.fullmatch(r"[0-9]{1,4}", text):
        found = int(text) * MINUTE
    elif match := re.fullmatch(r"([0-9]{1,2}):([0-9]{2})(?::[0-9]{2})?", text):
        found = int(match[1]) * HOUR + int(match[2]) * MINUTE
    elif text.startswith("P"):
        try:
            found = durations.length(durations.parse(text))
        except ValueError:
            raise Unread(BAD_DURATION) from None
    elif (match := _HOURS.fullmatch(text.casefold())) and (match[1] or match[2]):
        found = int(match[1] or 0) * HOUR + int(match[2] or 0) * MINUTE
    else:
        raise Unread(BAD_DURATION)
    if not 0 < found <= LONGEST:
        raise Unread(BAD_DURATION)
    return found


def status(text: str) -> BookingStatus:
    """A state, in any of our languages."""
    found = _STATUSES.get(folded(text))
    if found is None:
        raise Unread(BAD_WORD, known=", ".join(STATUSES))
    return found


def answer(text: str) -> bool:
    """Yes or no."""
    found = _ANSWERS.get(folded(text))
    if found is None:
        raise Unread(BAD_WORD, known="yes, no")
    return found


def language(text: str) -> str:
    """One of our languages, by its tag or by its own name."""
    found = language_of(text, "") or _NAMED_LANGUAGES.get(folded(text), "")
    if not found:
        raise Unread(BAD_WORD, known=", ".join(LANGUAGES))
    return found


def currency(text: str) -> str:
    """A currency by its code, sign or everyday name."""
    found = _CURRENCIES.get(folded(text))
    if found is None and text.upper() not in get_global("all_currencies"):
        raise Unread(BAD_WORD, known=", ".join(CURRENCIES))
    return found or text.upper()


def own_id(text: str) -> str:
    """The caller's own reference."""
    if not _ID.fullmatch(text):
        raise Unread(BAD_ID)
    return text


def words(text: str) -> str:
    """A name or the like."""
    if len(text) > LONGEST_NAME:
        raise Unread(TOO_LONG)
    return text
