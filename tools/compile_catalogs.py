"""Compiles locales/*/LC_MESSAGES/*.po into .mo files, with Babel alone; leaves alone what is newer than its source.

    python -m tools.compile_catalogs

A file is complete or absent: it is written beside its place and moved there. Fuzzy entries are left out.
"""

import os
import sys
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

ROOT = Path(__file__).resolve().parent.parent


def is_current(compiled: Path, source: Path) -> bool:
    """Whether `compiled` exists and is no older than `source`."""
    return compiled.exists() and compiled.stat().st_mtime_ns >= source.stat().st_mtime_ns


def compile_catalog(source: Path, compiled: Path) -> None:
    """Compile one catalog. Raises babel.messages.pofile.PoFileError for a source that is not well formed."""
    language = source.parent.parent.name
    with source.open("rb") as lines:
        catalog = read_po(lines, locale=language, abort_invalid=True)
    unfinished = compiled.with_suffix(f".{os.getpid()}.tmp")
    with unfinished.open("wb") as out:
        write_mo(out, catalog)
    unfinished.replace(compiled)


def compile_all(root: Path = ROOT) -> list[Path]:
    """Compile every catalog under `root`/locales that needs it; the .mo files that were written."""
    sources = sorted(root.glob("locales/*/LC_MESSAGES/*.po"))
    stale = [(source, source.with_suffix(".mo")) for source in sources]
    stale = [(source, compiled) for source, compiled in stale if not is_current(compiled, source)]
    for source, compiled in stale:
        compile_catalog(source, compiled)
    return [compiled for _, compiled in stale]


if __name__ == "__main__":
    for written in compile_all():
        sys.stdout.write(f"Compiled {written.relative_to(ROOT)}\n")
