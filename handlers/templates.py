"""Owners' texts with ``[Variables]``, and the choice between a WhatsApp template and free text.

A variable may be written in any of the languages in any text. ``[[`` stands for a bracket. Nothing else in an owner's
text means anything: what looks like code is refused when a text is saved, and would be sent as it stands.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from difflib import get_close_matches
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from handlers.filling import Pieces, fill_pieces
from handlers.settings import WhatsAppTemplate

ALIASES: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "client": {"uk": ("Клієнт", "Імʼя"), "tr": ("Müşteri", "Ad"), "ru": ("Клиент", "Имя"), "en": ("Client", "Name")},
    "date": {"uk": ("Дата",), "tr": ("Tarih",), "ru": ("Дата",), "en": ("Date",)},
    "day": {"uk": ("День",), "tr": ("Gün",), "ru": ("День",), "en": ("Day",)},
    "time": {"uk": ("Час",), "tr": ("Saat",), "ru": ("Время",), "en": ("Time",)},
    "old_date": {"uk": ("Стара дата",), "tr": ("Eski tarih",), "ru": ("Старая дата",), "en": ("Old date",)},
    "old_time": {"uk": ("Старий час",), "tr": ("Eski saat",), "ru": ("Старое время",), "en": ("Old time",)},
    "service": {"uk": ("Послуга",), "tr": ("Hizmet",), "ru": ("Услуга",), "en": ("Service",)},
    "master": {
        "uk": ("Майстер", "Спеціаліст"),
        "tr": ("Uzman",),
        "ru": ("Мастер", "Специалист"),
        "en": ("Specialist", "Master"),
    },
    "salon": {
        "uk": ("Салон", "Філія"),
        "tr": ("Salon", "Şube"),
        "ru": ("Салон", "Филиал"),
        "en": ("Salon", "Location"),
    },
    "address": {"uk": ("Адреса",), "tr": ("Adres",), "ru": ("Адрес",), "en": ("Address",)},
    "link": {"uk": ("Посилання",), "tr": ("Bağlantı", "Link"), "ru": ("Ссылка",), "en": ("Link",)},
    "amount": {"uk": ("Сума",), "tr": ("Tutar",), "ru": ("Сумма",), "en": ("Amount",)},
    "balance": {"uk": ("Баланс",), "tr": ("Bakiye",), "ru": ("Баланс",), "en": ("Balance",)},
    "n": {
        "uk": ("Кількість бонусів",),
        "tr": ("Bonus puan",),
        "ru": ("Количество бонусов",),
        "en": ("Bonus points",),
    },
    "code": {"uk": ("Промокод",), "tr": ("Promosyon kodu",), "ru": ("Промокод",), "en": ("Promo code",)},
    "price": {"uk": ("Вартість", "Ціна"), "tr": ("Ücret", "Fiyat"), "ru": ("Стоимость", "Цена"), "en": ("Price",)},
    "phone": {"uk": ("Телефон",), "tr": ("Telefon",), "ru": ("Телефон",), "en": ("Phone",)},
}
"""Variable to its names by language; the first of a language is the one to show to an owner who speaks it."""

_NUMBERED: Final = re.compile(r"\{\{(\d+)\}\}")
_TOKEN: Final = re.compile(r"\[\[|\[([^\[\]\n]*)\]")
_BRACKET: Final = "["
_APOSTROPHES: Final = str.maketrans({"'": "ʼ", "’": "ʼ", "‘": "ʼ", "`": "ʼ", "İ": "i", "I": "i", "ı": "i"})
_CODE: Final = re.compile(
    r"\{[^{}\n]*\}+|[{}]|%\(\w*\)?|<[a-zA-Z/!?%][^<>\n]*>?"
    r"|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069]"
)
"""Placeholders and tags of other systems, and characters that nobody types. They would go out as they stand; an owner who
writes one expects something else."""
_SUFFIX: Final = re.compile(r"\]['’ʼ]?[^\W\d_]")
_PREPOSITION: Final = re.compile(r"\b(в|во|у|на|о|об)\s+\[([^\[\]\n]*)\]", re.IGNORECASE)


def fold(alias: str) -> str:
    """A name as it is looked up: NFC, single spaces, the four Turkish i's as one, one apostrophe, no case."""
    squeezed = " ".join(unicodedata.normalize("NFC", alias).split())
    return squeezed.translate(_APOSTROPHES).casefold()


_NAMES: Final[Mapping[str, str]] = {
    **{fold(alias): name for name, languages in ALIASES.items() for aliases in languages.values() for alias in aliases},
    **{name: name for name in ALIASES},
}


class Piece(NamedTuple):
    """A part of an owner's text: as written, and the variable that it names (None: plain text, "": unknown)."""

    text: str
    variable: str | None = None


def _parse(text: str) -> tuple[Piece, ...]:
    """An owner's text taken apart, in order and whole but for doubled brackets."""
    pieces: list[Piece] = []
    end = 0
    for token in _TOKEN.finditer(text):
        pieces.append(Piece(text[end : token.start()]))
        name = token[1]
        pieces.append(Piece(_BRACKET) if name is None else Piece(name, _NAMES.get(fold(name), "")))
        end = token.end()
    return (*pieces, Piece(text[end:]))


class Fault(NamedTuple):
    """What an owner's text must not hold. ``near``: the variable that was perhaps meant, as people write it; ``code``: it is
    no variable, but looks like a piece of a program."""

    text: str
    near: str | None = None
    code: bool = False


def faults(text: str) -> list[Fault]:
    """Every variable that nobody knows, and whatever looks like code, each once; none: the text may be kept."""
    unknown = (Fault(piece.text, _nearest(piece.text)) for piece in _parse(text) if piece.variable == "")
    code = (Fault(found.group(), code=True) for found in _CODE.finditer(text))
    return list(dict.fromkeys((*unknown, *code)))


def check(text: str) -> list[str]:
    """What is wrong with an owner's text, a sentence for each fault; empty: it may be kept."""
    return [_said(fault) for fault in faults(text)]


def _said(fault: Fault) -> str:
    if fault.code:
        return f"{fault.text!r} looks like code, which means nothing here: variables stand in [square brackets]"
    meant = f"; did you mean [{fault.near}]?" if fault.near else ""
    return f"[{fault.text}] is not a variable{meant} ([[ stands for a bracket)"


def _nearest(name: str) -> str | None:
    near = get_close_matches(fold(name), _NAMES, n=1, cutoff=0.6)
    return _spelt(near[0]) if near else None


def _spelt(folded: str) -> str:
    aliases = (alias for languages in ALIASES.values() for known in languages.values() for alias in known)
    return next((alias for alias in aliases if fold(alias) == folded), folded)


def warnings(text: str) -> list[str]:
    """What will read badly in an owner's text once values stand in it, a sentence for each; it may be kept all the same."""
    advice = "put the variable after a colon or a comma"
    found = []
    if _SUFFIX.search(text):
        found.append(f"letters right after a variable will not fit every value: {advice}")
    for preposition, name in _PREPOSITION.findall(text):
        if _NAMES.get(fold(name)) in ("date", "old_date", "time", "old_time"):
            found.append(f"“{preposition} [{name}]” will not agree with every value: {advice}")
    return found


def canonical(text: str) -> str:
    """The same text with every variable under its canonical name: ``[Дата]`` becomes ``[date]``; unknown ones stay."""
    return "".join(
        f"[{piece.variable or piece.text}]"
        if piece.variable is not None
        else ("[[" if piece.text == _BRACKET else piece.text)
        for piece in _parse(text)
    )


@lru_cache(maxsize=1024)
def lines_of(text: str) -> tuple[Pieces, ...]:
    """An owner's text as lines of alternating plain text and variable names; unknown variables leave nothing."""
    lines: list[list[str]] = [[""]]
    for piece in _parse(text.replace("\r\n", "\n")):
        if piece.variable is None:
            first, *rest = piece.text.split("\n")
            lines[-1][-1] += first
            lines += [[line] for line in rest]
        elif piece.variable:
            lines[-1] += [piece.variable, ""]
    return tuple(tuple(line) for line in lines)


def fill(text: str, values: Mapping[str, str]) -> str:
    """An owner's text with its values; lines whose variables are all empty are left out."""
    filled = (fill_pieces(line, values) for line in lines_of(text))
    return "\n".join(line for line in filled if line is not None)


def form(
    verbs: tuple[str, ...], window_open: bool, template: WhatsAppTemplate | None
) -> WhatsAppTemplate | Literal["text"] | None:
    """How a message with these choices goes out on a channel with a window.

    Window open: as the template if its quick replies are just these choices, else as text (free text has no buttons).
    Closed: as the template, else (None) not at all.
    """
    if not window_open:
        return template
    fits = template is not None and bool(verbs) and sorted(template.buttons) == sorted(verbs)
    return template if fits else "text"


_BREAKS: Final = re.compile(r"[\n\r\t]+| {4,}")


def template_values(template: WhatsAppTemplate, values: Mapping[str, str]) -> dict[str, str]:
    """The numbered variables of a Content template: never empty, one line, no runs of spaces (Twilio 21656, 63013)."""
    return {
        str(number): _BREAKS.sub(" ", values[name]).strip() or "—" for number, name in enumerate(template.variables, 1)
    }


def body_of(template: WhatsAppTemplate, values: Mapping[str, str]) -> str:
    """The text that a template makes of the values of its numbered variables; empty where we do not know its text."""
    return _NUMBERED.sub(lambda found: values[found[1]], template.body)
