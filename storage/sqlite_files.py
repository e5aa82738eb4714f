"""Files of SQLite: opening a connection, what its errors mean, who else is there, and a copy made while running."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from pathlib import Path
from typing import Final
from urllib.parse import quote

from storage.records import Millis
from storage.store import Conflict, StoreBusy, StoreError

MEMORY: Final = ":memory:"
STATEMENTS_KEPT = 512
SYNC_NOW: Final = "PRAGMA synchronous = FULL"
"""A commit is on the disk before it is answered, also across a power cut."""
SYNC_LATER: Final = "PRAGMA synchronous = NORMAL"
"""A commit is on the disk with the next one that is synced."""
JOURNAL_BYTES = 64 * 1024 * 1024

_LOCKED = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_UNUSABLE = {
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_INTERRUPT,
}
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_TAKEN = {sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY}


def machine_time() -> Millis:
    """This machine's clock, in whole milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0)


def is_locked(error: sqlite3.Error) -> bool:
    """Whether another connection holds the lock that was needed: trying again soon may help."""
    return _code(error) & 0xFF in _LOCKED


def translated(error: sqlite3.Error) -> StoreError | None:
    """What an error of SQLite means to whoever uses a store; None for a mistake of the program."""
    code = _code(error)
    if code & 0xFF in _LOCKED | _UNUSABLE:
        return StoreBusy(str(error))
    if code & 0xFF in _DAMAGED:
        return StoreError(str(error))
    return Conflict(str(error)) if code in _TAKEN else None


def connect(path: str, *, patience_s: float = 0.0, read_only: bool = False) -> sqlite3.Connection:
    """A connection in autocommit mode that waits ``patience_s`` seconds for locks; usable on the calling thread only."""
    in_memory = path == MEMORY
    address = path if in_memory else f"file:{quote(os.path.abspath(path))}?mode={'ro' if read_only else 'rwc'}"
    return sqlite3.connect(
        address, uri=not in_memory, timeout=patience_s, isolation_level=None, cached_statements=STATEMENTS_KEPT
    )


def configure(connection: sqlite3.Connection) -> None:
    """Set what lasts as long as the connection, and the write-ahead log that lasts as long as the file."""
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(SYNC_NOW)
    connection.execute(f"PRAGMA journal_size_limit = {JOURNAL_BYTES}")
    connection.execute("PRAGMA temp_store = MEMORY")


class Presence:
    """A lock file beside the database, shared by every process that has it open, so that one can tell it is alone."""

    def __init__(self, path: str) -> None:
        try:
            self._file = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise StoreBusy(f"can't open the lock file beside the database: {error}") from error
        fcntl.flock(self._file, fcntl.LOCK_SH)

    def alone(self) -> bool:
        """Whether nobody else holds the lock at this moment.

        Asking gives up the shared lock for an instant, so two may not ask at once: call it inside of a write
        transaction of the database.
        """
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        finally:
            fcntl.flock(self._file, fcntl.LOCK_SH)
        return True

    def close(self) -> None:
        """Give up the lock."""
        os.close(self._file)


def sync(path: Path) -> None:
    """Have everything of a file, or the names in a folder, on the disk."""
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def back_up(connection: sqlite3.Connection, target: Path) -> None:
    """Copy the whole database to a new file ``target``, complete and checked or not there at all.

    Raises FileExistsError where the target is there already, StoreError where the copy is not sound.
    """
    if target.exists():
        raise FileExistsError(f"{target} is there already")
    unfinished = target.with_name(f"{target.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    try:
        connection.execute("VACUUM INTO ?", (str(unfinished),))
        copy = connect(str(unfinished), read_only=True)
        try:
            findings = [finding for (finding,) in copy.execute("PRAGMA integrity_check")]
        finally:
            copy.close()
        if findings != ["ok"]:
            raise StoreError(f"the copy is not sound: {'; '.join(findings[:3])}")
        sync(unfinished)
        unfinished.replace(target)
        sync(target.parent)
    finally:
        unfinished.unlink(missing_ok=True)
