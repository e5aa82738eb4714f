"""The commands that move whole databases: backup, restore, copy; and those that pause sending and let it go on."""

from __future__ import annotations

import hashlib
import tempfile
from argparse import Namespace
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from bot.cli_database import SQLITE, opened, refuse, shown_time, there
from bot.cli_erasures import erased_again, known_before
from bot.cli_progress import Progress
from bot.config import load
from scheduler import moving, pause
from storage import restoring
from storage.backups import note_backup
from storage.opening import open_store
from storage.portable import Counted, at_one_moment, carry
from storage.sqlite import SqliteStore, open_sqlite, path_of
from storage.store import Store, StoreError

MONGODB: Final = ("mongodb://", "mongodb+srv://")


# Backups


async def backup(args: Namespace) -> bool:
    """Copy the database to the new file `args.file`, complete and checked, or not at all; while everything goes on."""
    url, target = load().database.get_secret_value(), Path(args.file)
    if url.startswith(SQLITE) and not there(path_of(url)):
        return refuse(f"there is no database {path_of(url)}")
    store = await open_store(url)
    try:
        await (store.backup(target) if isinstance(store, SqliteStore) else _copied_to_file(store, target))
        await note_backup(store, _size(target))
    finally:
        await store.close()
    print(f"{target}: a complete copy, checked")
    return True


async def _copied_to_file(store: Store, target: Path) -> None:
    """A database elsewhere, as it is now, written to a file that either kind of database can be restored from."""
    if there(str(target)):
        raise FileExistsError(f"{target} is there already")
    unfinished = target.with_name(f"{target.name}.unfinished")
    restoring.forget(unfinished)
    try:
        file = await open_sqlite(unfinished)
        try:
            async with at_one_moment(store) as reader:
                counted = await carry(reader, file, tell=Progress())
        finally:
            await file.close()
        if wrong := _differences(counted):
            raise StoreError(f"the copy is not whole: {'; '.join(wrong)}")
        restoring.check_backup(unfinished)
        restoring.put_in_place(unfinished, target, None)
    finally:
        restoring.forget(unfinished)


# Restoring


async def restore(args: Namespace) -> bool:
    """Put a backup in the place of the database, with sending paused until a person has seen what is overdue."""
    url, file = load().database.get_secret_value(), Path(args.file)
    restoring.check_backup(file)
    known = await known_before(load()) if not url.startswith(SQLITE) or there(path_of(url)) else []
    if url.startswith(SQLITE):
        kept = await _restore_file(file, Path(path_of(url)), args.overwrite)
        print(f"{file}: restored{f'; what was there is kept as {kept}' if kept else ''}")
    elif args.overwrite:
        return refuse("nothing is removed from a server: give VIZIT_DATABASE the name of a new database")
    else:
        await _restore_elsewhere(file, url)
        print(f"{file}: restored")
    async with opened(load()) as store:
        await erased_again(store, load(), known)
        await _tell(store)
    print(
        "Now start the service: it takes bookings, and sends nothing. Then, when you have seen what is there:\n"
        "  vizit release --drop-past-due    these are not sent; what came due since then is\n"
        "  vizit release --send-past-due    these are sent too, where they are not too late yet"
    )
    return True


async def _restore_file(file: Path, path: Path, overwrite: bool) -> Path | None:
    with restoring.nobody_else(path):
        holds = restoring.holds_data(path)
        if holds and not overwrite:
            raise StoreError(f"{path} holds data: --overwrite puts it aside and takes the backup instead")
        unfinished = path.with_name(f"{path.name}.restoring")
        try:
            await _readied(file, unfinished)
            aside = path.with_name(f"{path.name}.before-{datetime.now(UTC):%Y%m%d-%H%M%S}") if holds else None
            restoring.put_in_place(unfinished, path, aside)
        finally:
            restoring.forget(unfinished)
    return aside


async def _restore_elsewhere(file: Path, url: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        ready = Path(folder) / "ready.db"
        await _readied(file, ready)
        async with AsyncExitStack() as stack:
            source, target = await open_sqlite(ready), await open_store(url)
            stack.push_async_callback(source.close)
            stack.push_async_callback(target.close)
            origin = _digest(file)
            async with at_one_moment(source) as reader:
                counted = await moving.fill(reader, target, origin, Progress())
            if wrong := _differences(counted):
                raise StoreError(f"not everything has arrived: {'; '.join(wrong)}")
            await moving.finish(target, origin, await pause.pause_of(source))


async def _readied(file: Path, target: Path) -> None:
    """A copy of the backup that may become the database: of this version's schema, and with sending paused."""
    restoring.copy_out(file, target)
    store = await open_sqlite(target)
    try:
        await pause.settle_wires(store)
        await pause.pause(store, "restored")
    finally:
        await store.close()


# Copying to MongoDB


async def copy(args: Namespace) -> bool:
    """Move everything from a SQLite database, on which no service runs, to an empty MongoDB."""
    if not args.source.startswith(SQLITE) or not args.target.startswith(MONGODB):
        return refuse("the source is sqlite:///FILE, the target mongodb://host/db?replicaSet=name")
    if not there(path_of(args.source)):
        return refuse(f"there is no database {path_of(args.source)}")
    async with AsyncExitStack() as stack:
        source, target = await open_store(args.source), await open_store(args.target)
        stack.push_async_callback(source.close)
        stack.push_async_callback(target.close)
        return await _moved(source, target, _without_secrets(args.target))


async def _moved(source: Store, target: Store, name: str) -> bool:
    mark = await moving.give_up(source, name)
    origin, before = mark.notes["origin"], moving.before_move(mark)
    if mark.notes["done"]:
        await moving.finish(target, origin, before)
        print(f"Everything was copied to {name} already; nothing was changed.")
        return True
    async with at_one_moment(source) as reader:
        counted = await moving.fill(reader, target, origin, Progress())
    for kind in counted:
        print(f"{kind.kind:<18} {kind.source:>9,} {kind.target:>9,}{'' if kind.source == kind.target else '  differ'}")
    if wrong := _differences(counted):
        return refuse(f"not everything has arrived: {'; '.join(wrong)}. Run it again; the source is as it was")
    await moving.given_up(source, mark)
    await moving.finish(target, origin, before)
    print(f"Everything is in {name}. Set VIZIT_DATABASE to it, and start the service; the source never sends again.")
    return True


# Pausing


async def pause_sending(_: Namespace) -> bool:
    """Send nothing more until `release`, over all workers."""
    async with opened(load()) as store:
        paused = await pause.pause_of(store)
        if paused is None:
            await pause.pause(store, "asked")
    print("Sending is paused." if paused is None else f"Sending was paused already: {pause.REASONS[paused.why]}.")
    return True


async def release(args: Namespace) -> bool:
    """End the pause; where a person has to say what becomes of overdue messages, only once that was said."""
    async with opened(load()) as store:
        paused = await pause.pause_of(store)
        if paused is None:
            print("Sending is not paused.")
            return True
        if paused.why in pause.NOT_TO_RUN and not (paused.why == "moved" and args.moved_back):
            return refuse(pause.NOT_TO_RUN[paused.why])
        if paused.why == "moved":
            return await _take_up(store, moving.before_move(paused))
        dropped = 0
        if paused.why == "restored":
            if not (args.drop_past_due or args.send_past_due) and await pause.overdue(store, paused.since):
                await _tell(store)
                return refuse("say what becomes of these: --drop-past-due or --send-past-due")
            dropped = await pause.drop_overdue(store, paused.since) if args.drop_past_due else 0
        await pause.let_go(store)
    print(f"{f'{dropped} messages that were past due were dropped. ' if dropped else ''}Sending goes on.")
    return True


async def _take_up(store: Store, before: pause.Pause | None) -> bool:
    """Let a database that was copied away be run again, with sending as it was before."""
    await moving.restore_pause(store, before)
    print(
        "The database may be run again. " + ("Sending goes on." if before is None else "Sending is paused, as it was.")
    )
    return True


async def _tell(store: Store) -> None:
    """Say that sending is paused, and what was due by then."""
    paused = await pause.pause_of(store)
    if paused is None:
        return
    print(f"Sending is paused since {shown_time(paused.since)}: {pause.REASONS[paused.why]}.")
    rows = await pause.overdue(store, paused.since)
    if not rows:
        print("Nothing was due by then.")
        return
    print("Due by then; some of it may have gone out before:")
    shown = [("business", "salon", "kind", "messages", "oldest")]
    shown += [(r.business, r.salon or "", r.kind, f"{r.number:,}", shown_time(r.oldest)) for r in rows]
    print("\n".join(_table(shown)))


def _table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  " + "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) for row in rows]


# Small things


def _differences(counted: Sequence[Counted]) -> list[str]:
    return [f"{kind}: {source:,} here, {target:,} there" for kind, source, target in counted if source != target]


def _without_secrets(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.netloc.rpartition('@')[2]}{parts.path}"


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _size(path: Path) -> int:
    return path.stat().st_size
