"""What is known of backups: a row in the database that was saved says when that was last done, and how large it was."""

from __future__ import annotations

from typing import Final, NamedTuple

from storage.records import Millis, Task
from storage.store import Changes, Put, Store

ROW: Final = "backup"
NEVER_DUE: Final[Millis] = 2**53


class Backup(NamedTuple):
    """The last backup that went well: when (store's clock; 0: there was none), and the bytes of its file."""

    at: Millis = 0
    size: int = 0


async def last_backup(store: Store) -> Backup:
    """The last one that was noted."""
    row = await store.get(Task, "", ROW)
    return Backup(row.params["at"], row.params["bytes"]) if row else Backup()


async def note_backup(store: Store, size: int) -> None:
    """Note that a backup of ``size`` bytes was made just now."""
    params = {"at": store.clock(), "bytes": size}
    await store.commit(Changes(puts=(Put(Task(business="", id=ROW, kind=ROW, params=params, next_at=NEVER_DUE)),)))
