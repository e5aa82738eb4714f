"""Checks the catalogs against the code and against the rules of their languages; one line for each fault.

    python -m tools.check_catalogs

Exit status 1 where anything is wrong. The catalogs must be compiled before.
"""

import ast
import re
import sys
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import polib

from handlers.channel import Edit, Text
from handlers.filling import lay_out
from handlers.formats import plain_day
from handlers.i18n import translator
from handlers.segments import segments
from handlers.wording_choices import EMOJI
from handlers.wording_sms import PARTS
from tools.catalog_rules import PLACEHOLDER, RULES, Fault
from tools.extract_catalogs import KEYWORDS, LANGUAGES, PLURALS, ROOT, catalog, template
from tools.specimen import CHANNELS, SPECIMENS, unseen

NUMBERS: Final = (0, 1, 2, 5, 11, 21, 22, 101)
LONGEST: Final = 1024
"""Of any message: WhatsApp takes no more in a template."""
LONG_VALUES: Final = {
    "time": "15:00",
    "salon": "ж" * 22,
    "master": "ж" * 12,
    "link": "l" * 55,
    "n": "1234 " + "ж" * 7,
    "visits": ", ".join(["15:00 " + "ж" * 8] * 3),
}
"""Values as long as they may be for an SMS to keep its number of segments."""


def faults(root: Path = ROOT) -> Iterator[Fault]:
    """Everything that is wrong with the template and the catalogs under ``root``."""
    yield from unseen_sentences(root)
    yield from stale_template(root)
    for language in LANGUAGES:
        yield from catalog_faults(root, language)


def unseen_sentences(root: Path) -> Iterator[Fault]:
    """Sentences that the extraction can't see: an f-string, or a text put together, is a msgid that no catalog has."""
    for folder in ("handlers", "bot"):
        for path in sorted((root / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and _name(node.func) in KEYWORDS and any(map(_is_made, node.args)):
                    yield Fault("code", "", f"{path.relative_to(root)}:{node.lineno} translates a text put together")


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Name):
        return function.id
    return function.attr if isinstance(function, ast.Attribute) else ""


def _is_made(argument: ast.expr) -> bool:
    return isinstance(argument, ast.JoinedStr | ast.BinOp)


def stale_template(root: Path) -> Iterator[Fault]:
    """The template is what the code says now."""
    path = root / "locales" / "vizit.pot"
    if not path.exists() or path.read_text(encoding="utf-8") != f"{template(root)}\n":
        yield Fault("pot", "", "is not what the code says: run `python -m tools.extract_catalogs`")


def catalog_faults(root: Path, language: str) -> Iterator[Fault]:
    """What is wrong with one catalog."""
    po = polib.pofile(catalog(root, language))
    if po.metadata.get("Plural-Forms") != PLURALS[language]:
        yield Fault(language, "", f"the header must say Plural-Forms: {PLURALS[language]}")
    if po.metadata.get("Language") != language:
        yield Fault(language, "", f"the header must say Language: {language}")
    known = {(entry.msgctxt, entry.msgid) for entry in polib.pofile(root / "locales" / "vizit.pot")}
    found = {(entry.msgctxt, entry.msgid) for entry in po if not entry.obsolete}
    yield from (Fault(language, msgid, "is in the template, not here") for _, msgid in sorted(known - found, key=str))
    yield from (Fault(language, msgid, "is here, not in the template") for _, msgid in sorted(found - known, key=str))
    for entry in po:
        yield from (Fault(language, entry.msgid, why) for why in _entry_faults(language, entry))


def _entry_faults(language: str, entry: polib.POEntry) -> Iterator[str]:
    if entry.obsolete:
        yield "is obsolete"
        return
    if entry.fuzzy:
        yield "is fuzzy"
    if not entry.msgid_plural:
        forms = [(entry.msgid, entry.msgstr)]
    else:
        wanted = int(PLURALS[language].removeprefix("nplurals=")[0])
        if sorted(entry.msgstr_plural) != list(range(wanted)):
            yield f"must have {wanted} forms"
        forms = [(entry.msgid_plural, form) for form in entry.msgstr_plural.values()]
    for msgid, text in forms:
        for rule in RULES if text else RULES[:1]:
            yield from rule(language, msgid, text)


def reading_faults() -> Iterator[Fault]:
    """What is wrong with messages once values stand in them: every specimen, and every plural form."""
    yield from (Fault("code", "", f"the kind {kind} has no specimen") for kind in sorted(unseen()))
    for language in (*LANGUAGES, "en"):
        for specimen in SPECIMENS:
            for channel, capabilities in CHANNELS.items():
                rendered = specimen.rendered(language, capabilities)
                body = rendered.body or "" if isinstance(rendered, Text | Edit) else ""
                for why in _reading(body):
                    yield Fault(language, f"{specimen.kind} ({specimen.about}) on {channel}", why)
        yield from _counted(language)
        yield from short_faults(language, translator(language))


def short_faults(language: str, t: Callable[[str], str]) -> Iterator[Fault]:
    """Sentences for SMS that ``t`` makes too long for their number of segments, or decorates."""
    values = LONG_VALUES | {"day": _longest_day(language)}
    for msgid, most in PARTS.items():
        text = lay_out([t(msgid)], values)
        if (parts := segments(text)) > most:
            yield Fault(language, msgid, f"takes {parts} SMS with long values, at most {most}")
        if EMOJI.search(text):
            yield Fault(language, msgid, "has emoji in an SMS")


def _longest_day(language: str) -> str:
    """The longest day of this year, or of the next quarter with its year."""
    days = (date(2026, 1, 1) + timedelta(days=number) for number in range(455))
    return max((plain_day(day, language, 2026) for day in days), key=len)


def _reading(body: str) -> Iterator[str]:
    if PLACEHOLDER.search(body):
        yield "a variable was not filled in"
    if re.search(r"  |\n\n\n| ,|,,|, *(?:\n|$)", body):
        yield "an empty value left its place behind"
    if len(body) > LONGEST:
        yield f"is {len(body)} characters long, at most {LONGEST}"


def _counted(language: str) -> Iterator[Fault]:
    t = translator(language)
    for entry in polib.pofile(ROOT / "locales" / "vizit.pot"):
        for number in NUMBERS if entry.msgid_plural else ():
            values = dict.fromkeys(PLACEHOLDER.findall(entry.msgid_plural), "x") | {"n": str(number)}
            line = lay_out([t.plural(entry.msgid, entry.msgid_plural, number)], values)
            if not re.search(rf"(?<!\d){number}(?!\d)", line):
                yield Fault(language, entry.msgid, f"does not say {number}")


if __name__ == "__main__":
    listed = [*faults(), *reading_faults()]
    sys.stderr.writelines(f"{fault}\n" for fault in listed)
    sys.exit(1 if listed else 0)
