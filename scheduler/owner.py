"""Work that only one process may do at a time, such as fetching a bot's updates: a lease in the store says whose it is."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, Final

from storage.records import Millis, Task, new_id
from storage.store import Changes, Patch, Store, StoreError

LEASE: Final[Millis] = 20_000
"""How long after the death of an owner nobody takes its place, by the store's clock."""
RENEW: Final[Millis] = 5_000
KIND: Final = "owner"
NEVER: Final[Millis] = 2**53
"""The due time of a lease, which is nothing to be done."""

_log = logging.getLogger(__name__)

Job = Callable[[], Coroutine[Any, Any, object]]
Sleep = Callable[[float], Awaitable[None]]


async def while_owner(store: Store, name: str, job: Job, *, sleep: Sleep = asyncio.sleep) -> None:
    """Run ``job`` while this process owns ``name``, and wait while another one does; until cancelled.

    The lease is renewed every five seconds; an owner that can't renew it stops ``job`` before another one may begin.
    Whoever is cancelled gives it up, and the next owner begins at its next look. Raises what ``job`` raises.
    """
    token = new_id()
    while True:
        until = await _taken(store, name, token)
        if until is None:
            await sleep(RENEW / 1000)
            continue
        _log.info("%s is done here from now on", name)
        try:
            await _work(store, name, token, until, job, sleep)
        finally:
            await _give_up(store, name, token)


async def _taken(store: Store, name: str, token: str) -> Millis | None:
    """Until when this process owns ``name`` now; None where another one does, or the store can't say."""
    until = store.clock() + LEASE
    try:
        lease = await store.get(Task, "", name)
        if lease is None:
            new = Task(business="", id=name, kind=KIND, next_at=NEVER, token=token, lease_until=until)
            taken = (await store.commit(Changes(inserts=(new,)))).inserted[0]
        # A process that is alone knows that the owner is gone.
        elif (lease.lease_until or 0) <= store.clock() or await store.alone():
            as_read = {"token": lease.token, "lease_until": lease.lease_until}
            taken = await _patched(store, name, {"token": token, "lease_until": until}, as_read)
        else:
            taken = False
    except StoreError as error:
        _log.warning("whose work %s is can't be read: %s", name, error)
        return None
    return until if taken else None


async def _work(store: Store, name: str, token: str, until: Millis, job: Job, sleep: Sleep) -> None:
    """Run ``job`` until it ends, or until the lease is lost."""
    working = asyncio.ensure_future(job())
    try:
        # Whoever can't reach the store may be kept waiting for it as long as between two renewals.
        while store.clock() + 2 * RENEW < until:
            pause = asyncio.ensure_future(sleep(RENEW / 1000))
            try:
                await asyncio.wait((working, pause), return_when=asyncio.FIRST_COMPLETED)
            finally:
                pause.cancel()
            if working.done():
                working.result()
                return
            after = store.clock() + LEASE
            try:
                if not await _patched(store, name, {"lease_until": after}, {"token": token}):
                    break
                until = after
            except StoreError as error:
                _log.warning("the lease of %s can't be renewed: %s", name, error)
        _log.warning("%s is another process's work from now on", name)
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)


async def _give_up(store: Store, name: str, token: str) -> None:
    try:
        await _patched(store, name, {"token": None, "lease_until": None}, {"token": token})
    except StoreError as error:
        _log.warning("the lease of %s has to run out: %s", name, error)


async def _patched(store: Store, name: str, fields: Mapping[str, object], where: Mapping[str, object]) -> bool:
    patch = Patch(Task, "", name, fields, where, must=False)
    return (await store.commit(Changes(patches=(patch,)))).matched[0]
