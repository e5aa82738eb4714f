"""The country that a phone belongs to."""

from __future__ import annotations

from functools import lru_cache

import phonenumbers


@lru_cache(maxsize=4096)
def country_of(phone: str) -> str | None:
    """The country (ISO 3166) of a phone in E.164; None where it is of no country. +7 is told apart by the whole number."""
    try:
        return phonenumbers.region_code_for_number(phonenumbers.parse(phone))
    except phonenumbers.NumberParseException:
        return None
