"""The commands about people who were erased: who a backup must not bring back is kept beside the backups."""

from __future__ import annotations

import json
import os
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from bot.cli_database import opened, refuse
from bot.config import Config, load
from handlers.privacy import erase_again, stones
from handlers.turn import Desk, Links
from storage.records import Tombstone
from storage.store import Store, StoreError


def desk_with_secret(store: Store, config: Config) -> Desk:
    """A desk that makes the keyed hashes of these settings."""
    return Desk(store, store.clock, Links(config.public_url, config.secret.get_secret_value().encode()))


async def save(args: Namespace) -> bool:
    """Write the tombstones of everybody who was erased to `args.file`; what is there is written over.

    It holds keyed hashes and times, no person.
    """
    config, target = load(), Path(args.file)
    async with opened(config) as store:
        kept = await stones(desk_with_secret(store, config))
    _write(target, kept)
    print(f"{target}: {len(kept)} tombstones")
    return True


def _write(target: Path, kept: Sequence[Tombstone]) -> None:
    lines = "".join(json.dumps({"business": one.business, "id": one.id, "at": one.at}) + "\n" for one in kept)
    unfinished = target.with_name(f"{target.name}.unfinished")
    unfinished.write_text(lines)
    os.replace(unfinished, target)


async def apply(args: Namespace) -> bool:
    """Erase again whoever a restored backup brought back, after the tombstones in `args.file` and in the database."""
    config = load()
    try:
        known = _read(Path(args.file))
    except (ValueError, TypeError, KeyError):
        return refuse(f"{args.file} was not written by `vizit erasures save`")
    async with opened(config) as store:
        print(told(await erase_again(desk_with_secret(store, config), known)))
    return True


def _read(file: Path) -> list[Tombstone]:
    rows = map(json.loads, file.read_text().splitlines())
    return [Tombstone(business=str(row["business"]), id=str(row["id"]), at=int(row["at"])) for row in rows]


def told(number: int) -> str:
    """How many were erased again, in words."""
    return f"Erased again: {number}." if number else "Nobody had to be erased again."


async def known_before(config: Config) -> list[Tombstone]:
    """The tombstones of the database that a backup is about to replace; none where it can't be read any more."""
    try:
        async with opened(config) as store:
            return await stones(desk_with_secret(store, config))
    except StoreError as error:
        print(f"Who was erased can't be read from the present database ({error}): use `vizit erasures apply FILE`.")
        return []


async def erased_again(store: Store, config: Config, known: Sequence[Tombstone]) -> None:
    """Let nobody come back with a backup who was erased after it was made."""
    print(told(await erase_again(desk_with_secret(store, config), known)))
