"""A backup put back: the file that `vizit backup` wrote, checked, brought to this version, and put in a database's place."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from storage import schema, sqlite_files
from storage.codec import layout
from storage.records import RECORDS
from storage.store import StoreBusy, StoreError

BESIDE: Final = ("", "-wal", "-shm")
"""A database may consist of three files."""


def check_backup(file: Path) -> None:
    """Raises StoreError where a file is no sound database of this service, SchemaNewer where it needs a newer version."""
    if not file.is_file():
        raise StoreError(f"there is no file {file}")
    with _reading(file) as connection:
        findings = [finding for (finding,) in connection.execute("PRAGMA integrity_check")]
        if findings != ["ok"]:
            raise StoreError(f"{file} is damaged: {'; '.join(findings[:3])}")
        schema.check_current(connection)
        if not schema.version_of(connection) or "business" not in _tables(connection):
            raise StoreError(f"{file} is no backup of Vizit")


def copy_out(file: Path, target: Path) -> None:
    """Copy a database to a new file ``target``, whole, with whatever still lies in the log beside it."""
    target.unlink(missing_ok=True)
    with _reading(file) as connection:
        connection.execute("VACUUM INTO ?", (str(target),))


def holds_data(path: Path) -> bool:
    """Whether anything is stored in the database at ``path``; what can't be read counts as data."""
    if not path.exists() or not path.stat().st_size:
        return False
    try:
        with _reading(path) as connection:
            names = _tables(connection) & {layout(record).table for record in RECORDS}
            return any(connection.execute(f"SELECT 1 FROM {name} WHERE 1 LIMIT 1").fetchone() for name in sorted(names))
    except StoreError:
        return True


@contextmanager
def nobody_else(path: Path) -> Iterator[None]:
    """Keep every service out of the database at ``path``. Raises StoreBusy where one has it open."""
    lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise StoreBusy(f"a service has {path} open: stop it first") from None
    finally:
        os.close(lock)


def put_in_place(finished: Path, path: Path, aside: Path | None) -> None:
    """Let ``finished`` be the database at ``path``. What is there is kept as ``aside``, with the log beside it; without
    ``aside`` there is nothing worth keeping."""
    for end in BESIDE:
        former = path.with_name(path.name + end)
        if aside is None:
            former.unlink(missing_ok=True)
        elif former.exists():
            former.rename(aside.with_name(aside.name + end))
    finished.rename(path)
    sqlite_files.sync(path)
    sqlite_files.sync(path.parent)


def forget(path: Path) -> None:
    """Remove a database that was only needed on the way, and what lies beside it."""
    for end in (*BESIDE, ".lock"):
        path.with_name(path.name + end).unlink(missing_ok=True)


def _tables(connection: sqlite3.Connection) -> set[str]:
    return {name for _, name, *_ in connection.execute("PRAGMA table_list")}


@contextmanager
def _reading(file: Path) -> Iterator[sqlite3.Connection]:
    try:
        with closing(sqlite_files.connect(str(file), read_only=True)) as connection:
            yield connection
    except sqlite3.Error as error:
        raise sqlite_files.translated(error) or StoreError(f"{file}: {error}") from error
