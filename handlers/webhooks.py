"""The webhooks of a business, and what becomes of a delivery after each try. Pure decisions; the wire is elsewhere.

The rules of Standard Webhooks (github.com/standard-webhooks/standard-webhooks, spec): any 2xx is success, 410 means that
the receiver is gone for good, everything else is tried again, ever more rarely, for about three days.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from handlers.dead_letters import Refused
from handlers.events import LASTS, MOST_WEBHOOKS
from handlers.staff import local_day, staff_row
from handlers.turn import Desk
from storage.records import Business, Delivery, Millis, StaffChat, Webhook
from storage.store import Changes, Conflict, Delete, Patch, Put, StoreBusy

TRIES: Final = 5
CHUNK: Final = 200
SECOND: Final[Millis] = 1000
WAITS: Final[tuple[Millis, ...]] = tuple(
    seconds * SECOND for seconds in (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
)
"""Between one try and the next; the last try is when the three days are over."""
OVERLAP: Final[Millis] = 86_400_000
"""How long both secrets sign after a change."""
GONE: Final = 410
SECRET_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Kept:
    """A webhook as stored after a PUT. ``secret`` is shown where it is new."""

    webhook: Webhook
    created: bool = False
    secret: str | None = None


def new_secret() -> str:
    """A signing secret as Standard Webhooks writes it: ``whsec_`` and 32 random bytes in base64."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


async def put_webhook(
    desk: Desk, business: str, id: str, url: str, events: tuple[str, ...] | None, *, rotate: bool = False
) -> Kept:
    """Make or replace a webhook. A disabled one is switched on again; ``rotate`` makes a new secret, and the old one signs
    beside it for a day.

    Raises :class:`Refused` where the business has as many as it may have, :class:`StoreBusy`.
    """
    for _ in range(TRIES):
        before = await desk.store.get(Webhook, business, id)
        if before is None:
            await _room_for_one_more(desk, business)
        after = _after(before, business, id, url, events, rotate, desk.now())
        if after == before:
            return Kept(after)
        try:
            await desk.store.commit(Changes(puts=(Put(after, expect=before.revision if before else 0),)))
        except Conflict:
            continue
        fresh = before is None or after.secret != before.secret
        return Kept(after, created=before is None, secret=after.secret if fresh else None)
    raise StoreBusy(f"webhook {id} kept changing")


async def _room_for_one_more(desk: Desk, business: str) -> None:
    if len(await desk.store.find(Webhook, {"business": business}, limit=MOST_WEBHOOKS)) == MOST_WEBHOOKS:
        raise Refused(f"a business has at most {MOST_WEBHOOKS} webhooks: delete one first")


def _after(
    before: Webhook | None,
    business: str,
    id: str,
    url: str,
    events: tuple[str, ...] | None,
    rotate: bool,
    now: Millis,
) -> Webhook:
    known = before or Webhook(business=business, id=id, url=url, secret=new_secret(), created_at=now)
    after = replace(known, url=url, events=events, disabled_at=None)
    if rotate and before is not None:
        after = replace(after, secret=new_secret(), previous_secret=before.secret, previous_until=now + OVERLAP)
    return after if after == before else replace(after, revision=known.revision + 1)


async def delete_webhook(desk: Desk, business: str, id: str) -> bool:
    """Remove a webhook with its deliveries, which are sent no more; False where there is none."""
    if await desk.store.get(Webhook, business, id) is None:
        return False
    await desk.store.commit(Changes(deletes=(Delete(Webhook, business, id),)))
    where = {"business": business, "webhook": id}
    while rows := await desk.store.find(Delivery, where, limit=CHUNK):
        await desk.store.commit(Changes(deletes=tuple(Delete(Delivery, business, row.id) for row in rows)))
    return True


def signing_secrets(hook: Webhook, now: Millis) -> tuple[str, ...]:
    """The secrets that sign now: the present one, and for a day after a change the one before."""
    old = hook.previous_secret if hook.previous_until is not None and now < hook.previous_until else None
    return (hook.secret, *((old,) if old else ()))


@dataclass(frozen=True, slots=True)
class Answer:
    """What a receiver answered: an HTTP status, or ``error``: why there was none. ``retry_after`` in milliseconds."""

    status: int | None = None
    error: str | None = None
    retry_after: Millis | None = None

    @property
    def good(self) -> bool:
        """Whether the receiver has the event."""
        return self.status is not None and 200 <= self.status < 300


def settled(row: Delivery, answer: Answer, now: Millis, chance: float) -> Delivery:
    """A delivery after a try. ``row`` counts that try already; ``chance`` in [0, 1) spreads what is tried again."""
    row = replace(row, tried_at=now, response=answer.status, error=answer.error, token=None)
    if answer.good:
        return replace(row, status="delivered")
    if answer.status == GONE or now >= row.give_up_at:
        return replace(row, status="failed")
    wait = WAITS[min(row.attempts, len(WAITS)) - 1]
    later = now + max(round(wait * (1 + chance / 10)), answer.retry_after or 0)
    return replace(row, next_at=min(later, row.give_up_at))


def patched(before: Delivery, after: Delivery) -> Patch:
    """``before`` becomes ``after``, if this worker still has it."""
    names = ("status", "attempts", "next_at", "token", "tried_at", "response", "error")
    fields: dict[str, Any] = {name: getattr(after, name) for name in names}
    where = {"status": "pending", "token": before.token}
    return Patch(Delivery, before.business, before.id, fields, where, must=False)


async def disabled(desk: Desk, hook: Webhook) -> Changes:
    """The receiver is gone: nothing is sent there any more, and the owners hear of it in their chats."""
    off = Patch(
        Webhook, hook.business, hook.id, {"disabled_at": desk.now(), "revision": hook.revision + 1},
        {"revision": hook.revision}, must=False,
    )  # fmt: skip
    business = await desk.store.get(Business, hook.business, hook.business)
    if business is None:
        return Changes(patches=(off,))
    chats = await desk.store.find(StaffChat, {"business": hook.business})
    day = local_day(desk.now(), business, None)
    rows = (
        staff_row(
            business, chat, "staff_webhook_gone", key=f"webhook:{hook.id}:{day}:staff:{chat.id}", now=desk.now(),
            params={"title": hook.url},
        )
        for chat in _owners(chats)
    )  # fmt: skip
    return Changes(inserts=tuple(rows), patches=(off,))


def _owners(chats: Sequence[StaffChat]) -> list[StaffChat]:
    return [chat for chat in chats if chat.role == "owner" and chat.dead_reason is None]


async def resend(desk: Desk, row: Delivery) -> Delivery:
    """Try a delivery for three days more, with the same ``webhook-id``: a receiver that has it already knows it again.

    Raises :class:`Refused` while it is on its way, and where its webhook is disabled.
    """
    hook = await desk.store.get(Webhook, row.business, row.webhook)
    if hook is None or hook.disabled_at is not None:
        raise Refused("the webhook is disabled: PUT it first")
    if row.status == "pending":
        raise Refused("it is on its way already")
    now = desk.now()
    after = replace(row, status="pending", attempts=0, next_at=now, give_up_at=now + LASTS, token=None, error=None)
    fields = {
        "status": "pending", "attempts": 0, "next_at": now, "give_up_at": after.give_up_at, "token": None, "error": None,
    }  # fmt: skip
    again = Patch(Delivery, row.business, row.id, fields, {"status": row.status})
    try:
        await desk.store.commit(Changes(patches=(again,)))
    except Conflict:
        raise Refused("it is on its way already") from None
    return after
