"""Many bookings at once: several of them share a commit, since a commit waits for the disk."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Final, NamedTuple

from handlers.turn import Desk
from handlers.visits import Placed, Wanted, decide, put_booking
from storage.records import Business
from storage.store import Changes, StoreError

AT_ONCE: Final = 20
"""Bookings that share a commit: few enough for the loop to turn meanwhile."""


class Item(NamedTuple):
    """A booking of a batch, as the caller wants it."""

    id: str
    wanted: Wanted


async def put_bookings(desk: Desk, business: Business, items: Sequence[Item]) -> list[Placed | Exception]:
    """What :func:`handlers.visits.put_booking` would have answered or raised for each item, in their order.

    Each item stands by itself: what is wrong with one keeps no other from being stored.
    """
    done: list[Placed | Exception] = []
    for group in _strangers(items):
        done += await _together(desk, business, group)
        await asyncio.sleep(0)  # Others get their turn: on SQLite nothing in here waits for anything.
    return done


def _strangers(items: Sequence[Item]) -> Iterator[list[Item]]:
    """Neighbours that share neither booking nor client: none of them is decided by what another one changes."""
    group: list[Item] = []
    taken: set[tuple[str, str]] = set()
    for item in items:
        names = {("booking", item.id), ("client", item.wanted.client_id)}
        if group and (len(group) == AT_ONCE or names & taken):
            yield group
            group, taken = [], set()
        group.append(item)
        taken |= names
    if group:
        yield group


async def _together(desk: Desk, business: Business, group: Sequence[Item]) -> list[Placed | Exception]:
    """One commit for all; where that is not to be had, one for each."""
    done: list[Placed | Exception] = []
    changes: list[Changes] = []
    for item in group:
        try:
            placed, change = await decide(desk, business, item.id, item.wanted)
        except Exception as error:
            done.append(error)
        else:
            done.append(placed)
            changes.append(change)
    whole = _all(changes)
    if not whole:
        return done
    try:
        await desk.store.commit(whole)
    except StoreError:
        return [await _alone(desk, business, item) for item in group]
    return done


async def _alone(desk: Desk, business: Business, item: Item) -> Placed | Exception:
    try:
        return await put_booking(desk, business, item.id, item.wanted)
    except Exception as error:
        return error


def _all(changes: Sequence[Changes]) -> Changes:
    return Changes(
        tuple(chain.from_iterable(change.inserts for change in changes)),
        tuple(chain.from_iterable(change.puts for change in changes)),
        tuple(chain.from_iterable(change.patches for change in changes)),
        tuple(chain.from_iterable(change.deletes for change in changes)),
    )
