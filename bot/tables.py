"""CSV for spreadsheets: what somebody typed as a name never becomes a formula there."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Final

from aiohttp import web

DANGEROUS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠")
"""With what a cell must not begin (OWASP, CSV injection); the wide forms too, which some programs take for the others."""
BOM: Final = "\ufeff"
"""Without it, Excel takes the text for another encoding."""


def safe(value: object) -> str:
    """A cell that every spreadsheet shows as it is: one that could be a formula gets an apostrophe in front."""
    text = "" if value is None else str(value).replace("\0", "")
    return f"'{text}" if text.lstrip(" ").startswith(DANGEROUS) else text


def delimiter(language: str) -> str:
    """What parts cells: Excel expects a semicolon where the decimal sign is a comma."""
    return "," if language == "en" else ";"


def lines(rows: Iterable[Iterable[object]], language: str) -> bytes:
    """Rows as lines of a file, every cell safe."""
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter(language)).writerows([safe(cell) for cell in row] for row in rows)
    return file.getvalue().encode()


async def begun(request: web.Request, name: str) -> web.StreamResponse:
    """An answer that is a file called ``name``, to be written line by line."""
    response = web.StreamResponse(
        headers={
            "Content-Type": "text/csv; charset=utf-8",
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        }
    )
    await response.prepare(request)
    await response.write(BOM.encode())
    return response
