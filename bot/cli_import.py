"""`vizit import`: clients and visits from a CSV file, with a preview, a bar, and a line for every row that is not taken."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterable
from pathlib import Path

from bot import logs
from bot.cli_database import known, refuse
from bot.cli_progress import Progress
from bot.config import load
from handlers.import_tables import Table, Unusable, read_table
from handlers.importing import Done, Prepared, Rejected, carry_out, prepare
from handlers.turn import Desk
from storage.records import Business, Salon
from storage.store import Store


async def bring(args: Namespace) -> bool:
    """Store what the file says, or only tell what would be stored. False where any row was not taken."""
    try:
        table = read_table(_content(args.file))
    except Unusable as unusable:
        return refuse(f"{args.file}: {unusable}")
    config = load()
    logs.configure(config.log, config.secrets)
    from bot.app import build

    # The channels and links of the service decide what is planned, so it is the service that does it.
    app = await build(config, only="web")
    try:
        business = await _business(app.store, args.business)
        return business is not None and await _bring(app.desk, business, table, args)
    finally:
        await app.close()


async def _bring(desk: Desk, business: Business, table: Table, args: Namespace) -> bool:
    if args.salon is not None and await desk.store.get(Salon, business.id, args.salon) is None:
        return refuse(f"{business.id} has no salon {args.salon}")
    prepared = await prepare(desk, business, table, salon=args.salon, notify=args.notify)
    print("\n".join(_preview(table, prepared)))
    _tell(prepared.rejected)
    if args.dry_run:
        print("Nothing was stored.")
        return not prepared.rejected
    bar = Progress()
    done = await carry_out(desk, business, prepared, lambda at, total: bar("rows", at, total))
    _tell(done.rejected)
    print(_result(prepared, done))
    return not (prepared.rejected or done.rejected)


async def _business(store: Store, named: str | None) -> Business | None:
    """The business that is named, or the only one that there is; where neither, that is said."""
    if named is not None:
        return await store.get(Business, named, named) if await known(store, named) else None
    first = await store.find(Business, {}, order=("business", "id"), limit=2)
    if len(first) == 1:
        return first[0]
    refuse("there is no business yet" if not first else "there are several businesses: name one with --business")
    return None


def _preview(table: Table, prepared: Prepared) -> Iterable[str]:
    """What was understood, a line each."""
    written = {",": "commas", ";": "semicolons", "\t": "tabs"}.get(table.delimiter, table.delimiter)
    what = "visits" if table.of_bookings else "clients"
    yield f"{len(table.rows):,} rows of {what}, {table.encoding}, separated by {written}"
    taken = sorted(table.places.items(), key=lambda place: place[1])
    yield "columns: " + ", ".join(f"{table.header[at]} = {field}" for field, at in taken)
    if table.ignored:
        yield f"ignored: {', '.join(table.ignored)}"
    for kind, made in (("masters", prepared.masters), ("services", prepared.services)):
        if made:
            yield f"new {kind}: {', '.join(sorted(one.name for one in made.values()))}"
    if table.of_bookings:
        yield f"{len(prepared.entries):,} can be stored, {prepared.ahead:,} of them are still to come"
    else:
        yield f"{len(prepared.entries):,} can be stored"
    if prepared.repeated:
        yield f"{prepared.repeated:,} say the same as an earlier one"
    if prepared.assumed_arrived:
        yield "there is no column for the state: visits of the past count as having taken place"


def _tell(rejected: Iterable[Rejected]) -> None:
    for row in rejected:
        column = f"{row.column}: " if row.column else ""
        print(f"line {row.line}: {column}{row.in_words()}", file=sys.stderr)


def _result(prepared: Prepared, done: Done) -> str:
    refused = len(prepared.rejected) + len(done.rejected)
    return f"{done.created:,} new, {done.changed:,} changed, {done.unchanged:,} as they were, {refused:,} not taken"


def _content(file: str) -> bytes:
    return Path(file).read_bytes()
