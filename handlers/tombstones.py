"""The keyed hashes by which an erased person is known again."""

from __future__ import annotations

from typing import Literal

from handlers.turn import Desk
from storage.records import Client, Millis, Tombstone
from storage.store import Put


def stone_id(desk: Desk, business: str, what: Literal["client", "phone"], value: str) -> str:
    """The id of the tombstone of a client's id or phone; without the service's secret it can't be told from another."""
    return desk.links.token(f"erased {what}", business, value)


def stones_of(desk: Desk, client: Client, at: Millis) -> tuple[Put, ...]:
    """The tombstones that the erasure of ``client`` leaves."""
    ids = [stone_id(desk, client.business, "client", client.id)]
    if client.phone is not None:
        ids.append(stone_id(desk, client.business, "phone", client.phone))
    return tuple(Put(Tombstone(business=client.business, id=id, at=at)) for id in ids)
