"""The types of single fields: what each takes, how it is normalised, and how the OpenAPI document describes it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import phonenumbers
from babel.core import get_global
from pydantic import AfterValidator, BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from handlers import durations
from handlers.i18n import LANGUAGES, language_of
from handlers.moments import parse_moment
from storage.records import Millis

ID_PATTERN: Final = r"^(?!\.{1,2}$)[A-Za-z0-9._:-]{1,64}$"
MOST_URL: Final = 2048
EARLIEST_BIRTH: Final = 1900
_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8})*")
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9][A-Za-z0-9_+-]*)*")
_AMOUNT = re.compile(r"[0-9]{1,10}(\.[0-9]{1,2})?")
_BIRTHDAY = re.compile(r"([0-9]{4}|-)-([0-9]{2})-([0-9]{2})")
_WORD = re.compile(r"[a-z][a-z_]{0,39}")
_LOST_PLUS = re.compile(r" (?=[0-9]{2}:[0-9]{2}$)")


def fault(why: str) -> PydanticCustomError:
    """What a check raises: a sentence that goes on after the name of the field."""
    return PydanticCustomError("field", "{why}", {"why": why})


def _described(kind: str = "string", **words: Any) -> WithJsonSchema:
    return WithJsonSchema({"type": kind, **words})


def is_id(text: str) -> bool:
    """Whether ``text`` can be a caller's own reference."""
    return _ID.fullmatch(text) is not None and text not in (".", "..")


ID_RULE: Final = "must be 1 to 64 of A-Z, a-z, 0-9, '.', '_', ':' and '-', and not '.' or '..'"


def _id(text: str) -> str:
    if not is_id(text):
        raise fault(ID_RULE)
    return text


Id = Annotated[str, AfterValidator(_id), _described(pattern=ID_PATTERN, examples=["b-1"])]
"""The caller's own reference."""


def _text(most: int) -> Callable[[str], str]:
    def check(value: str) -> str:
        if len(value) > most:
            raise fault(f"must have at most {most} characters")
        if "\x00" in value:
            raise fault("must not hold the character U+0000")
        value = value.strip()
        if not value:
            raise fault("must not be empty")
        return value

    return check


def _text_schema(most: int) -> WithJsonSchema:
    return _described(minLength=1, maxLength=most, pattern=r"^[^\u0000]*\S[^\u0000]*$")


Name = Annotated[str, AfterValidator(_text(200)), _text_schema(200)]
Line = Annotated[str, AfterValidator(_text(500)), _text_schema(500)]
"""Both are trimmed at their ends."""


def _instant(value: Any) -> Millis:
    if not isinstance(value, str):
        raise fault("must be a date and time with an offset, like 2026-11-27T15:00:00+02:00")
    try:
        return parse_moment(value)
    except ValueError as error:
        raise fault(str(error)) from None


_INSTANT_SCHEMA: Final = _described(
    format="date-time",
    description="RFC 3339 with an offset, cut to whole milliseconds; from 1900 to 2199.",
    examples=["2026-11-27T15:00:00+02:00"],
)
Instant = Annotated[Millis, BeforeValidator(_instant), _INSTANT_SCHEMA]
"""A moment, in milliseconds once it is read."""


def _instant_of_query(value: str) -> Millis:
    return _instant(_LOST_PLUS.sub("+", value))


QueryInstant = Annotated[Millis, BeforeValidator(_instant_of_query), _INSTANT_SCHEMA]
"""A moment in a query, where a space may stand for the ``+`` that it was decoded from."""


def _day(suffix: str, example: str) -> Callable[[Any], date]:
    def check(value: Any) -> date:
        try:
            found = date.fromisoformat(value + suffix) if len(value) == len(example) else None
        except (TypeError, ValueError):
            found = None
        if found is None or not EARLIEST_YEAR <= found.year <= LATEST_YEAR:
            raise fault(f"must be like {example}, from {EARLIEST_YEAR} to {LATEST_YEAR}")
        return found

    return check


EARLIEST_YEAR: Final = 1970
LATEST_YEAR: Final = 2199
_MONTH: Final = r"(19[7-9][0-9]|2[01][0-9]{2})-(0[1-9]|1[0-2])"
QueryDay = Annotated[
    date,
    BeforeValidator(_day("", "2026-11-27")),
    _described(format="date", pattern=f"^{_MONTH}-[0-9]{{2}}$", examples=["2026-11-27"]),
]
"""A calendar day in a query."""
QueryMonth = Annotated[
    date, BeforeValidator(_day("-01", "2026-11")), _described(pattern=f"^{_MONTH}$", examples=["2026-11"])
]
"""A month in a query, as its first day."""


def _language(value: str) -> str:
    language = language_of(value, "") if _LANGUAGE.fullmatch(value) else ""
    if not language:
        raise fault(f"must be one of the languages {', '.join(LANGUAGES)}")
    return language


Language = Annotated[
    str,
    AfterValidator(_language),
    _described(
        pattern=f"^{_LANGUAGE.pattern}$",
        description=f"One of {', '.join(LANGUAGES)}; tags like uk-UA, and ua, are understood.",
        examples=["uk"],
    ),
]


def _country(value: str) -> str:
    if value.upper() not in phonenumbers.SUPPORTED_REGIONS:
        raise fault("must be an ISO 3166 code of a country, like UA")
    return value.upper()


Country = Annotated[str, AfterValidator(_country), _described(pattern="^[A-Za-z]{2}$", examples=["UA"])]


def _currency(value: str) -> str:
    if value.upper() not in get_global("all_currencies"):
        raise fault("must be an ISO 4217 code of a currency, like UAH")
    return value.upper()


Currency = Annotated[str, AfterValidator(_currency), _described(pattern="^[A-Za-z]{3}$", examples=["UAH"])]


def _timezone(value: str) -> str:
    if len(value) <= 64 and _ZONE.fullmatch(value):
        try:
            return ZoneInfo(value).key
        except (LookupError, OSError, ValueError):
            pass  # The one sentence below speaks of every way in which a name can be no zone.
    raise fault("must be a zone of the IANA database, like Europe/Kyiv")


Timezone = Annotated[
    str,
    AfterValidator(_timezone),
    _described(pattern=f"^{_ZONE.pattern}$", maxLength=64, examples=["Europe/Kyiv"]),
]


def _url(value: str) -> str:
    try:
        parts = urlsplit(value)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound or len(value) > MOST_URL or re.search(r"[\s\x00-\x1f\x7f\\]", value):
        raise fault("must be a whole address that begins with https:// or http://")
    return value


Url = Annotated[
    str,
    AfterValidator(_url),
    _described(pattern="^https?://", maxLength=MOST_URL, examples=["https://salon.example"]),
]


def _amount(value: str) -> str:
    if not _AMOUNT.fullmatch(value):
        raise fault('must be text like "450.00", at most two decimals')
    return value


Amount = Annotated[str, AfterValidator(_amount), _described(pattern=f"^{_AMOUNT.pattern}$", examples=["450.00"])]


def _birthday(value: str) -> str:
    match = _BIRTHDAY.fullmatch(value)
    if match is None:
        raise fault("must be YYYY-MM-DD, or --MM-DD where the year is not known")
    year, month, day = match.groups()
    try:
        date(2000 if year == "-" else int(year), int(month), int(day))
    except ValueError:
        raise fault("names a day that does not exist") from None
    if year != "-" and int(year) < EARLIEST_BIRTH:
        raise fault(f"must not lie before {EARLIEST_BIRTH}; write --MM-DD where the year is not known")
    return value


Birthday = Annotated[
    str, AfterValidator(_birthday), _described(pattern=f"^{_BIRTHDAY.pattern}$", examples=["1990-03-14", "--03-14"])
]


def _duration(least: str, most: str, *, months: bool = False) -> Callable[[str], str]:
    low, high = (durations.length(durations.parse(limit, months=True)) for limit in (least, most))

    def check(value: str) -> str:
        try:
            parsed = durations.parse(value, months=months)
        except ValueError as error:
            raise fault(str(error)) from None
        if not low <= durations.length(parsed) <= high:
            raise fault(f"must be from {least} to {most}")
        return durations.canonical(parsed)

    return check


Lasting = Annotated[
    str,
    AfterValidator(_duration("PT1M", "P30D")),
    _described(pattern="^P", description="An ISO 8601 duration from PT1M to P30D.", examples=["PT1H30M"]),
]
"""How long a service takes."""
RebookAfter = Annotated[
    str,
    AfterValidator(_duration("P1D", "P24M", months=True)),
    _described(pattern="^P", description="An ISO 8601 duration from P1D to P24M.", examples=["P3W", "P1M"]),
]

Phone = Annotated[
    str,
    _described(
        minLength=1,
        maxLength=40,
        description="With + and the country code, or as it is dialled in the salon's (else the business's) country.",
        examples=["+380671234567"],
    ),
]
"""A phone as it was written: :func:`handlers.people.phone_or_invalid` reads it, which needs a country."""


def _query_phone(value: str) -> str:
    return "+" + value[1:] if value.startswith(" ") else value


QueryPhone = Annotated[Phone, BeforeValidator(_query_phone)]


def _whole(value: Any) -> int:
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{1,9}", value):
        raise fault("must be a whole number")
    return int(value)


QueryInt = Annotated[int, BeforeValidator(_whole)]


def _yes_or_no(value: Any) -> bool:
    if value not in ("true", "false"):
        raise fault("must be true or false")
    return bool(value == "true")


QueryBool = Annotated[bool, BeforeValidator(_yes_or_no)]


def _word(value: str) -> str:
    if not _WORD.fullmatch(value):
        raise fault("must be the word of a kind, like reminder")
    return value


Word = Annotated[str, AfterValidator(_word), _described(pattern=f"^{_WORD.pattern}$", examples=["reminder"])]
"""The word of a kind of message."""
