"""Pages for what was stored while there was no public address, or under another secret: made once, part by part."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from handlers import page_links
from handlers.linking import digest
from handlers.turn import Desk
from storage.records import Booking, Business, Client, Millis, Task
from storage.store import Changes, Range

PAGES: Final = "pages"
"""The kind of the task. Its id names the secret, and the row stays when it is done: so each secret is served once."""
PART: Final = 100
NEVER: Final[Millis] = 1 << 53

Cursor = Sequence[Any] | None


async def begin(desk: Desk) -> None:
    """Have the pages made that this process would give links to; nothing where it has no public address."""
    if desk.links.public_url is None:
        return
    id = f"{PAGES}:{digest(desk.links.token(PAGES, '', ''))[:16]}"
    if await desk.store.get(Task, "", id) is None:
        await desk.store.commit(Changes(inserts=(Task(business="", id=id, kind=PAGES, next_at=desk.now()),)))


async def pages_part(desk: Desk, task: Task) -> Task:
    """Make some of them: business by business, the visits that are ahead and then the clients.

    What is stored meanwhile has its page already, and a row that is there is left as it is.
    """
    at: Mapping[str, Any] = task.params
    if "business" not in at:
        return await _next(desk, task, None)
    after = await STAGES[at["stage"]](desk, at["business"], at.get("after"))
    if after is not None:
        return replace(task, params={**at, "after": after})
    if at["stage"] + 1 < len(STAGES):
        return replace(task, params={"business": at["business"], "stage": at["stage"] + 1})
    return await _next(desk, task, at["business"])


async def _next(desk: Desk, task: Task, last: str | None) -> Task:
    after = None if last is None else (last, last)
    found = await desk.store.find(Business, {}, order=("business", "id"), after=after, limit=1)
    if not found:
        return replace(task, params={}, next_at=NEVER)
    return replace(task, params={"business": found[0].id, "stage": 0})


async def _visits(desk: Desk, business: str, after: Cursor) -> Cursor:
    where = {"business": business, "starts_at": Range(desk.now(), None)}
    order = ("starts_at", "id")
    rows = await desk.store.find(Booking, where, order=order, after=tuple(after) if after else None, limit=PART)
    await _made(desk, [page_links.for_visit(desk, row) for row in rows])
    return [rows[-1].starts_at, rows[-1].id] if len(rows) == PART else None


async def _clients(desk: Desk, business: str, after: Cursor) -> Cursor:
    rows = await desk.store.find(Client, {"business": business}, after=tuple(after) if after else None, limit=PART)
    await _made(desk, [page_links.for_client(desk, row) for row in rows])
    return [rows[-1].id] if len(rows) == PART else None


async def _made(desk: Desk, pages: Sequence[Changes]) -> None:
    changes = sum(pages, Changes())
    if changes:
        await desk.store.commit(changes)


STAGES: Final[tuple[Callable[[Desk, str, Cursor], Awaitable[Cursor]], ...]] = (_visits, _clients)
