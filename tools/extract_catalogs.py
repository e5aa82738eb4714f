"""Collects every sentence of the program into locales/vizit.pot, and brings the catalogs to the same list.

    python -m tools.extract_catalogs

New sentences arrive untranslated, sentences that nobody says any more leave. Locations name files without lines, so that
a template changes only when its sentences do.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import polib
from babel.messages.extract import extract_from_dir

ROOT = Path(__file__).resolve().parent.parent
LANGUAGES: Final = ("uk", "tr", "ru")
METHODS: Final = [("handlers/**.py", "python"), ("bot/**.py", "python"), ("bot/**.html", "jinja2")]
KEYWORDS: Final = {
    "t": None,
    "mark": None,
    "plural": (1, 2),
    "count": (1, 2),
}
"""Functions that are given msgids; see handlers.i18n."""
COMMENTS: Final = ["Translators:"]
SLAVIC: Final = "nplurals=3; plural=(n%10==1 && n%100!=11 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2);"
PLURALS: Final = {"uk": SLAVIC, "ru": SLAVIC, "tr": "nplurals=2; plural=(n != 1);"}
"""Babel and msginit would each write another header for Turkish; this one keeps both of its forms."""
HEADER: Final = {
    "MIME-Version": "1.0",
    "Content-Type": "text/plain; charset=UTF-8",
    "Content-Transfer-Encoding": "8bit",
}


class Sentence(NamedTuple):
    """One msgid as the code has it."""

    msgid: str
    plural: str = ""
    context: str | None = None


def sentences(root: Path = ROOT) -> dict[Sentence, tuple[list[str], list[str]]]:
    """Every msgid of the code, with the files that say it and the comments for translators."""
    found: dict[Sentence, tuple[list[str], list[str]]] = {}
    for file, _, said, comments, context in extract_from_dir(root, METHODS, keywords=KEYWORDS, comment_tags=COMMENTS):
        singular, plural = said if isinstance(said, tuple) else (said, "")
        files, notes = found.setdefault(Sentence(singular, plural, context), ([], []))
        files += [file] if file not in files else []
        notes += [note for note in comments if note not in notes]
    return found


def template(root: Path = ROOT) -> polib.POFile:
    """The catalog template as the code wants it now."""
    pot = polib.POFile(wrapwidth=100)
    pot.metadata = {"Project-Id-Version": "vizit", **HEADER}
    for sentence, (files, notes) in sentences(root).items():
        pot.append(
            polib.POEntry(
                msgid=sentence.msgid,
                msgid_plural=sentence.plural,
                msgstr_plural={0: "", 1: ""} if sentence.plural else {},
                msgctxt=sentence.context,
                comment="\n".join(notes),
                occurrences=[(file, "") for file in files],
                flags=["python-brace-format"] if "{" in sentence.msgid + sentence.plural else [],
            )
        )
    return pot


def catalog(root: Path, language: str) -> Path:
    """Where the catalog of a language lies."""
    return root / "locales" / language / "LC_MESSAGES" / "vizit.po"


def updated(pot: polib.POFile, path: Path, language: str) -> polib.POFile:
    """The catalog at ``path`` with the sentences of ``pot``, in its order; translations are kept by msgid and context."""
    kept = {(entry.msgctxt, entry.msgid): entry for entry in (polib.pofile(path) if path.exists() else ())}
    po = polib.POFile(wrapwidth=100)
    po.metadata = {"Project-Id-Version": "vizit", "Language": language, **HEADER, "Plural-Forms": PLURALS[language]}
    po.extend(_translated(entry, kept, language) for entry in pot)
    return po


def _translated(
    entry: polib.POEntry, kept: dict[tuple[str | None, str], polib.POEntry], language: str
) -> polib.POEntry:
    old = kept.get((entry.msgctxt, entry.msgid))
    forms = 2 if language == "tr" else 3
    empty = dict.fromkeys(range(forms), "") if entry.msgid_plural else {}
    return polib.POEntry(
        msgid=entry.msgid,
        msgid_plural=entry.msgid_plural,
        msgctxt=entry.msgctxt,
        comment=entry.comment,
        tcomment=old.tcomment if old else "",
        occurrences=entry.occurrences,
        flags=entry.flags,
        msgstr=old.msgstr if old else "",
        msgstr_plural=(old.msgstr_plural or empty) if old else empty,
    )


def write(root: Path = ROOT) -> Iterator[Path]:
    """Write the template and every catalog that changes; the files that were written."""
    pot = template(root)
    wanted = [(root / "locales" / "vizit.pot", pot)]
    wanted += [(catalog(root, language), updated(pot, catalog(root, language), language)) for language in LANGUAGES]
    for path, content in wanted:
        text = f"{content}\n"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            yield path


if __name__ == "__main__":
    for written in write():
        sys.stdout.write(f"Wrote {written.relative_to(ROOT)}\n")
