"""Clients and visits from a CSV file: uploaded, shown as what would be stored, and stored when that is right."""

from __future__ import annotations

import base64
import binascii
from typing import Any, Final

from aiohttp import web

from bot.console.site import Action, Call, Page
from handlers.i18n import mark
from handlers.import_rows import NOTIFY, Notify
from handlers.import_tables import Table, Unusable, read_table
from handlers.importing import Rejected, carry_out, prepare

LARGEST: Final = 150_000
"""Bytes of a file: with it in a hidden field, a form stays below what the console takes. ``vizit import`` takes any."""
SHOWN: Final = 10
MOST_REJECTED: Final = 100
NO_FILE: Final = mark("Choose a CSV file of at most 150 KB.")


async def show(call: Call) -> web.StreamResponse:
    """The form for a file."""
    return await _page(call)


async def bring(call: Call) -> web.StreamResponse:
    """Show what the file would do; with ``do=save`` store it. The file travels in the form, so nothing is kept of it."""
    content = await _content(call)
    if not content:
        return await _page(call, fault=call.t(NO_FILE))
    try:
        table = read_table(content)
    except Unusable as unusable:
        return await _page(call, fault=call.t(unusable.why).format(**unusable.values))
    salons = {one.id for one in await call.salons()}
    salon = call.form.get("salon") if call.form.get("salon") in salons else None
    chosen: Notify = next((name for name in NOTIFY if name == call.form.get("notify")), "reminders")
    prepared = await prepare(call.desk, call.business, table, salon=salon, notify=chosen)
    if call.form.get("do") == "save":
        done = await carry_out(call.desk, call.business, prepared)
        refused = _refused(call, [*prepared.rejected, *done.rejected])
        return await _page(call, done=done, refused=refused)
    return await _page(
        call,
        table=table,
        prepared=prepared,
        sample=_sample(table),
        refused=_refused(call, prepared.rejected),
        file=base64.b64encode(content).decode(),
        salon=salon or "",
        notify=chosen,
    )


async def _content(call: Call) -> bytes:
    """The file as uploaded, or as the form carries it; empty where there is none or it is too large."""
    carried = call.form.get("file", "")
    if carried:
        try:
            content = base64.b64decode(carried, validate=True)
        except (binascii.Error, ValueError):
            return b""
    else:
        upload = (await call.request.post()).get("upload")
        content = upload.file.read(LARGEST + 1) if isinstance(upload, web.FileField) else b""
    return content if len(content) <= LARGEST else b""


def _sample(table: Table) -> list[list[str]]:
    """The first rows, each as long as the header."""
    return [[*row.cells, *[""] * len(table.header)][: len(table.header)] for row in table.rows[:SHOWN]]


def _refused(call: Call, rows: list[Rejected]) -> dict[str, Any]:
    first = [{"line": row.line, "column": row.column, "why": row.in_words(call.t)} for row in rows[:MOST_REJECTED]]
    return {"count": len(rows), "rows": first}


async def _page(call: Call, **values: Any) -> web.Response:
    empty: dict[str, Any] = {
        "table": None,
        "prepared": None,
        "sample": [],
        "refused": {"count": 0, "rows": []},
        "file": "",
    }
    salons = [(one.id, one.name) for one in await call.salons()]
    blank = {**empty, "fault": "", "done": None, "salon": "", "notify": "reminders", "salons": salons}
    return call.render("import.html", status=422 if values.get("fault") else 200, **{**blank, **values})


PAGE: Final = Page(
    path="import",
    area="import",
    title=mark("Import"),
    actions=(Action("GET", "", show), Action("POST", "", bring)),
)
