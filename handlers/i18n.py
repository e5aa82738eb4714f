"""Catalogs: gettext as in the standard library, the language always passed in, never global.

Msgids are English, so English needs no catalog. A sentence of the code is marked for extraction by the name of the
function it is given to: ``t("…")``, ``t.plural("…", "…", n)``, or :func:`mark` where a table is built before the
language is known.
"""

from __future__ import annotations

import gettext
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

LANGUAGES: Final = ("uk", "tr", "ru", "en")
"""Every language that messages are written in, in the order in which they are offered."""
ENDONYMS: Final[Mapping[str, str]] = {"uk": "Українська", "tr": "Türkçe", "ru": "Русский", "en": "English"}
ALIASES: Final[Mapping[str, str]] = {"ua": "uk"}
LOCALES: Final = Path(__file__).resolve().parent.parent / "locales"
DOMAIN: Final = "vizit"
NBSP: Final = "\u00a0"
_UNBREAKABLE: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    language: ((" —", f"{NBSP}—"), ("{n} ", "{n}" + NBSP)) for language in ("uk", "ru")
}
"""Where a line must not break. Put in when a catalog is read, so that catalogs and searches see plain spaces."""


class CatalogMissing(Exception):
    """A compiled catalog is not there."""


def mark(msgid: str) -> str:
    """``msgid`` as it is: says to the extraction that it will be translated later."""
    return msgid


def language_of(tag: str | None, fallback: str) -> str:
    """The language of ours behind a tag: ``uk-UA``, ``uk_UA`` and ``ua`` are ``uk``; ``fallback`` for any other."""
    if not tag:
        return fallback
    language = tag.strip().replace("_", "-").partition("-")[0].lower()
    language = ALIASES.get(language, language)
    return language if language in LANGUAGES else fallback


class Translator:
    """The sentences of one language, as templates with ``{name}`` placeholders; see :func:`handlers.filling.lay_out`.

    A msgid that no catalog holds comes back as it is.
    """

    __slots__ = ("_catalog", "_texts", "language")

    def __init__(self, language: str, catalog: gettext.NullTranslations) -> None:
        self.language: Final = language
        self._catalog = catalog
        self._texts: dict[str, str] = {}

    def __call__(self, msgid: str) -> str:
        """The translation of ``msgid``."""
        known = self._texts.get(msgid)
        if known is None:
            known = self._texts[msgid] = _unbreakable(self._catalog.gettext(msgid), self.language)
        return known

    def plural(self, one: str, many: str, n: int) -> str:
        """The form for ``n``; ``{n}`` is still to be filled in."""
        return _unbreakable(self._catalog.ngettext(one, many, n), self.language)


def catalog_path(language: str) -> Path:
    """Where the compiled catalog of a language lies, whether it is there or not."""
    return LOCALES / language / "LC_MESSAGES" / f"{DOMAIN}.mo"


def _unbreakable(text: str, language: str) -> str:
    for plain, fixed in _UNBREAKABLE.get(language, ()):
        text = text.replace(plain, fixed)
    return text


@cache
def translator(language: str) -> Translator:
    """The translator of one of :data:`LANGUAGES`, read once per process.

    Raises :class:`CatalogMissing` where the catalog is not compiled, ``KeyError`` for any other language.
    """
    if language not in LANGUAGES:
        raise KeyError(language)
    if language == "en":
        return Translator(language, gettext.NullTranslations())
    path = catalog_path(language)
    try:
        with path.open("rb") as compiled:
            return Translator(language, gettext.GNUTranslations(compiled))
    except FileNotFoundError:
        why = f"the catalog {path.name} of {language!r} is not compiled: run `python -m tools.compile_catalogs`"
        raise CatalogMissing(why) from None
