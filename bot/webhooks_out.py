"""Sends to webhooks what the store holds for them: signed, in the order of each stream, at least once.

A delivery is leased before it is sent and settled after. Whoever dies in between leaves a lease that lapses, and the
next worker sends it again under the same ``webhook-id``. A receiver that can't be reached at all is left alone for a
while, so that it does not keep the others waiting.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from aiohttp import ClientError, ClientResponse, ClientSession
from standardwebhooks import Webhook as Signer

from bot.outbound import TOTAL_S, Forbidden
from handlers.turn import Desk
from handlers.webhooks import GONE, Answer, disabled, patched, settled, signing_secrets
from storage.records import Delivery, Millis, Webhook, new_id
from storage.store import Changes, Conflict, Delete, Patch, Range, StoreError

CHUNK: Final = 100
MOST_CHUNKS: Final = 20
"""Of due deliveries that one look goes through."""
AT_ONCE: Final = 16
AT_ONCE_EACH: Final = 4
"""Streams of one webhook that are sent to at the same time."""
LEASE: Final[Millis] = round(3 * TOTAL_S * 1000)
LATER: Final[Millis] = 1_000
"""When a delivery is looked at again whose webhook is busy with others."""
FIRST_REST: Final[Millis] = 5_000
LONGEST_REST: Final[Millis] = 300_000
UNWELL: Final = (429, 502, 503, 504)
"""Answers that speak of the receiver as a whole, not of one event."""

_log = logging.getLogger(__name__)

Stream = tuple[str, str, str]
Hook = tuple[str, str]


class Courier:
    """Takes deliveries out. :meth:`look` begins what is due and returns; :meth:`idle` waits for what was begun."""

    def __init__(self, desk: Desk, session: Callable[[], ClientSession], chance: Callable[[], float] = random.random):
        self._desk, self._make_session, self._chance = desk, session, chance
        self._session: ClientSession | None = None
        self._busy: dict[Stream, asyncio.Task[None]] = {}
        self._rests: dict[Hook, tuple[Millis, int]] = {}
        """Until when a webhook is left alone, and how often in a row it could not be reached."""

    async def look(self) -> None:
        """Begin to send what is due, as far as there is room."""
        after: tuple[Millis, str] | None = None
        where = {"status": "pending", "next_at": Range(None, self._desk.now() + 1)}
        for _ in range(MOST_CHUNKS):
            if len(self._busy) >= AT_ONCE:
                return
            rows = await self._desk.store.find(Delivery, where, order=("next_at", "id"), after=after, limit=CHUNK)
            await self._put_off([row for row in rows if not self._begun(row)])
            if len(rows) < CHUNK:
                return
            after = rows[-1].next_at, rows[-1].id

    async def idle(self) -> None:
        """Wait until nothing is on its way."""
        while self._busy:
            await asyncio.wait(tuple(self._busy.values()))

    async def stop(self) -> None:
        """Finish what is on its way, for as long as a request may take, and give up the connections."""
        if self._busy:
            _, late = await asyncio.wait(tuple(self._busy.values()), timeout=TOTAL_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def _begun(self, row: Delivery) -> bool:
        """Begin with the stream of ``row``; False where it has to wait, since its webhook rests or is busy."""
        stream = (row.business, row.webhook, row.stream)
        if stream in self._busy:
            return True
        hook = (row.business, row.webhook)
        loads = Counter(busy[:2] for busy in self._busy)
        if self._rest_of(hook) > self._desk.now() or loads[hook] >= AT_ONCE_EACH or len(self._busy) >= AT_ONCE:
            return False
        task = asyncio.get_running_loop().create_task(self._drain(row))
        self._busy[stream] = task
        task.add_done_callback(lambda _: self._busy.pop(stream, None))
        return True

    def _rest_of(self, hook: Hook) -> Millis:
        return self._rests.get(hook, (0, 0))[0]

    async def _put_off(self, rows: list[Delivery]) -> None:
        """Let these wait, so that they don't stand before others in the next look; what is past its time ends."""
        now = self._desk.now()
        patches = []
        for row in rows:
            until = max(self._rest_of((row.business, row.webhook)), now + LATER)
            over = row.give_up_at <= now and row.attempts > 0
            fields: dict[str, object] = {"status": "failed"} if over else {"next_at": until}
            as_read = {"status": "pending", "next_at": row.next_at, "token": row.token}
            patches.append(Patch(Delivery, row.business, row.id, fields, as_read, must=False))
        await self._desk.store.commit(Changes(patches=tuple(patches)))

    async def _drain(self, row: Delivery) -> None:
        """Send the deliveries of one stream one after the other, until one of them has to wait."""
        try:
            first: Delivery | None = row
            while first is not None:
                first = await self._sent_first(first)
        except StoreError as error:
            _log.warning("deliveries to webhook %s wait: %s", row.webhook, error)
        except Exception:
            _log.exception("a delivery to webhook %s failed", row.webhook)

    async def _sent_first(self, row: Delivery) -> Delivery | None:
        """Send the oldest delivery of the stream of ``row``; answers with the next one, None where it has to wait."""
        head = await self._head(row)
        if head is None:
            return None
        taken = head.token is not None and head.next_at > self._desk.now()
        if head.id == row.id and taken:
            return None
        if head.id != row.id and head.next_at > self._desk.now():
            behind = {"next_at": head.next_at}
            as_read = {"status": "pending", "token": row.token, "next_at": row.next_at}
            patch = Patch(Delivery, row.business, row.id, behind, as_read, must=False)
            await self._desk.store.commit(Changes(patches=(patch,)))
            return None
        leased = await self._leased(head)
        if leased is None or not await self._attempt(leased):
            return None
        return await self._head(row)

    async def _head(self, row: Delivery) -> Delivery | None:
        where = {"business": row.business, "webhook": row.webhook, "stream": row.stream, "status": "pending"}
        rows = await self._desk.store.find(Delivery, where, limit=1)
        return rows[0] if rows else None

    async def _leased(self, row: Delivery) -> Delivery | None:
        """``row`` as this worker has it now, its try counted; None where another one was quicker."""
        token, until = new_id(), self._desk.now() + LEASE
        taken = {"token": token, "next_at": until, "attempts": row.attempts + 1}
        as_read = {"status": "pending", "token": row.token, "attempts": row.attempts, "next_at": row.next_at}
        patch = Patch(Delivery, row.business, row.id, taken, as_read, must=False)
        if not (await self._desk.store.commit(Changes(patches=(patch,)))).matched[0]:
            return None
        return replace(row, token=token, next_at=until, attempts=row.attempts + 1)

    async def _attempt(self, row: Delivery) -> bool:
        """Send it and settle it; whether the receiver has it, so that the next of the stream may follow."""
        store = self._desk.store
        hook = await store.get(Webhook, row.business, row.webhook)
        if hook is None:
            await store.commit(Changes(deletes=(Delete(Delivery, row.business, row.id),)))
            return False
        if hook.disabled_at is not None:
            over = replace(row, status="failed", error="the webhook is disabled", token=None)
            await store.commit(Changes(patches=(patched(row, over),)))
            return True
        answer = await self._post(hook, row)
        after = settled(row, answer, self._desk.now(), self._chance())
        changes = Changes(patches=(patched(row, after),))
        if answer.status == GONE:
            changes += await disabled(self._desk, hook)
            _log.warning("webhook %s of %s is gone, and disabled from now on", hook.id, hook.business)
        self._note((hook.business, hook.id), answer)
        try:
            await store.commit(changes)
        except Conflict:
            return False
        return answer.good or after.status == "failed"

    def _note(self, hook: Hook, answer: Answer) -> None:
        """Remember how the receiver is."""
        if answer.error is None and answer.status not in UNWELL:
            self._rests.pop(hook, None)
            return
        times = self._rests.get(hook, (0, 0))[1]
        rest = min(LONGEST_REST, FIRST_REST << min(times, 10))
        self._rests[hook] = self._desk.now() + max(rest, min(answer.retry_after or 0, LONGEST_REST)), times + 1

    async def _post(self, hook: Webhook, row: Delivery) -> Answer:
        if self._session is None:
            self._session = self._make_session()
        try:
            async with self._session.post(
                hook.url, data=row.body.encode(), headers=self._headers(hook, row), allow_redirects=False
            ) as response:
                return Answer(response.status, retry_after=_retry_after(response))
        except Forbidden as error:
            return Answer(error=str(error))
        except TimeoutError:
            return Answer(error="no answer in time")
        # aiohttp raises ValueError for addresses that it can't read.
        except (ClientError, OSError, ValueError) as error:
            return Answer(error=_why(error))

    def _headers(self, hook: Webhook, row: Delivery) -> dict[str, str]:
        """The headers of Standard Webhooks: the signature is over id, time of the try, and body."""
        at = datetime.fromtimestamp(self._desk.store.clock() // 1000, UTC)
        signatures = (Signer(secret).sign(row.id, at, row.body) for secret in signing_secrets(hook, self._desk.now()))
        return {
            "Content-Type": "application/json",
            "User-Agent": "Vizit",
            "webhook-id": row.id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": " ".join(signatures),
        }


def _retry_after(response: ClientResponse) -> Millis | None:
    seconds = response.headers.get("Retry-After", "")
    return int(seconds) * 1000 if seconds.isascii() and seconds.isdigit() and len(seconds) < 7 else None


def _why(error: Exception) -> str:
    """Kind of an error, and what a forbidden address was called beneath it."""
    beneath: BaseException | None = error
    while beneath is not None:
        if isinstance(beneath, Forbidden):
            return str(beneath)
        beneath = getattr(beneath, "os_error", None) or beneath.__cause__
    return type(error).__name__
