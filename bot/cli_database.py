"""The commands that need nothing but the database: migrate, keys. They say what they did on standard output."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final

from bot.config import Config, load
from handlers.tenants import create_key, revoke_key
from handlers.turn import Desk, Links
from storage.opening import open_store
from storage.records import ApiKey, Business, Millis
from storage.store import Store

SQLITE: Final = "sqlite:///"
PAGE: Final = 200


@asynccontextmanager
async def opened(config: Config) -> AsyncIterator[Store]:
    """The database of these settings, closed at the end."""
    store = await open_store(config.database.get_secret_value())
    try:
        yield store
    finally:
        await store.close()


async def migrate(_: Namespace) -> bool:
    """Make or migrate the database; opening it does."""
    async with opened(load()) as store:
        await store.ready()
    print("The database has the schema of this version.")
    return True


async def keys_list(args: Namespace) -> bool:
    """Show the keys of a business: id, when made, when revoked."""
    async with opened(load()) as store:
        if not await known(store, args.business):
            return False
        after: tuple[str, ...] | None = None
        while keys := await store.find(ApiKey, {"business": args.business}, after=after, limit=PAGE):
            for key in keys:
                state = f"revoked {shown_time(key.revoked_at)}" if key.revoked_at is not None else "active"
                print(f"{key.id}  made {shown_time(key.created_at)}  {state}")
            after = (keys[-1].id,)
    return True


async def keys_new(args: Namespace) -> bool:
    """Make a key and show it, this once."""
    async with opened(load()) as store:
        if not await known(store, args.business):
            return False
        made = await create_key(desk_of(store), args.business)
    print(made.key)
    print(f"This is shown once. Its id is {made.record.id}.", file=sys.stderr)
    return True


async def keys_revoke(args: Namespace) -> bool:
    """Let a key open nothing from now on."""
    async with opened(load()) as store:
        if not await revoke_key(desk_of(store), args.business, args.key):
            return refuse(f"{args.business} has no key {args.key}")
    print(f"{args.key} opens nothing any more.")
    return True


def there(path: str) -> bool:
    """Whether there is such a file."""
    return os.path.exists(path)


async def known(store: Store, business: str) -> bool:
    """Whether there is such a business; where not, that is said."""
    return await store.get(Business, business, business) is not None or refuse(f"there is no business {business}")


def desk_of(store: Store) -> Desk:
    """What handlers need of a command: the store and its clock."""
    return Desk(store, store.clock, Links(None, b""))


def shown_time(moment: Millis) -> str:
    """A moment as commands show it."""
    return f"{datetime.fromtimestamp(moment / 1000, UTC):%Y-%m-%d %H:%M} UTC"


def refuse(why: str) -> bool:
    """Say on standard error why a command did not do it; False, as a command ends then."""
    print(f"vizit: {why}", file=sys.stderr)
    return False
