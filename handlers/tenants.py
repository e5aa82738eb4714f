"""Businesses with their keys, salons, masters, services and staff chats: stored as the booking system tells them."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Generic, NamedTuple, TypeVar

from handlers import page_links, text_history
from handlers.invalid import Invalid
from handlers.linking import staff_fields
from handlers.replan import REPLAN
from handlers.settings import apply_patch
from handlers.turn import Desk
from storage.records import WAITING, ApiKey, Business, Master, Message, Salon, Service, StaffChat, Task, new_id
from storage.store import Changes, Conflict, Delete, OneOf, Patch, Put, Store, StoreBusy

R = TypeVar("R", Business, Salon, Master, Service, StaffChat)

TRIES: Final = 5
MOST_WAITING: Final = 1000


@dataclass(frozen=True, slots=True)
class Kept(Generic[R]):
    """A record as stored after a PUT."""

    record: R
    created: bool = False
    changed: bool = False


async def _kept(
    desk: Desk, kind: type[R], business: str, id: str, decide: Callable[[R | None], R], by: str = text_history.API
) -> Kept[R]:
    """Store what ``decide`` makes of the stored record, one revision on; nothing where that is the stored one.

    ``by``: who changes it, for the history of texts.
    """
    for _ in range(TRIES):
        before = await desk.store.get(kind, business, id)
        after = decide(before)
        if before is not None and after == before:
            return Kept(before)
        after = replace(after, revision=before.revision + 1 if before else 1)
        changes = Changes(puts=(Put(after, expect=before.revision if before else 0),))
        try:
            changes += _planned_anew(desk, before, after) + _named(desk, after) + _texts(desk, before, after, by)
            await desk.store.commit(changes)
        except Conflict:
            continue
        return Kept(after, created=before is None, changed=True)
    raise StoreBusy(f"{kind.__name__} {id} kept changing")


def _planned_anew(desk: Desk, before: object, after: object) -> Changes:
    """The task that follows when settings or the zone change: every due time hangs on them."""
    if isinstance(before, Business) and isinstance(after, Business):
        salon = None
    elif isinstance(before, Salon) and isinstance(after, Salon):
        salon = after.id
    else:
        return Changes()
    if (before.settings, before.timezone) == (after.settings, after.timezone):
        return Changes()
    params = {} if salon is None else {"salon": salon}
    return Changes(
        inserts=(Task(business=after.business, id=new_id(), kind=REPLAN, params=params, next_at=desk.now()),)
    )


def _texts(desk: Desk, before: object, after: object, by: str) -> Changes:
    """The versions of the texts that change."""
    if isinstance(after, Business) and (before is None or isinstance(before, Business)):
        return text_history.versions(before, after, by, desk.now())
    if isinstance(after, Salon) and (before is None or isinstance(before, Salon)):
        return text_history.versions(before, after, by, desk.now())
    return Changes()


def _named(desk: Desk, after: object) -> Changes:
    """The name by which people find a salon's chat."""
    return page_links.for_salon(desk, after) if isinstance(after, Salon) else Changes()


async def put_business(desk: Desk, id: str, fields: Mapping[str, Any]) -> Kept[Business]:
    """Replace the business ``id``: ``name`` and what it says of ``country, language, timezone, currency``."""

    def decide(before: Business | None) -> Business:
        known = before or Business(business=id, id=id, name="", created_at=desk.now())
        fresh = Business(business=id, id=id, **fields)
        return replace(fresh, settings=known.settings, created_at=known.created_at, revision=known.revision)

    return await _kept(desk, Business, id, id, decide)


async def put_salon(desk: Desk, business: Business, id: str, fields: Mapping[str, Any]) -> Kept[Salon]:
    """Replace the salon ``id``; ``fields`` are those of :class:`Salon` that a caller sets, normalised."""

    def decide(before: Salon | None) -> Salon:
        fresh = Salon(business=business.id, id=id, **fields)
        return replace(fresh, settings=before.settings, revision=before.revision) if before else fresh

    return await _kept(desk, Salon, business.id, id, decide)


async def put_master(desk: Desk, business: Business, id: str, fields: Mapping[str, Any]) -> Kept[Master]:
    """Replace the master ``id``. Raises :class:`Invalid` for an unknown salon."""
    if await desk.store.get(Salon, business.id, fields["salon"]) is None:
        raise Invalid([("/salon", f"there is no salon {fields['salon']!r}: PUT it first")])

    def decide(before: Master | None) -> Master:
        return Master(business=business.id, id=id, revision=before.revision if before else 0, **fields)

    return await _kept(desk, Master, business.id, id, decide)


async def put_service(desk: Desk, business: Business, id: str, fields: Mapping[str, Any]) -> Kept[Service]:
    """Replace the service ``id``; durations and price are normalised."""

    def decide(before: Service | None) -> Service:
        return Service(business=business.id, id=id, revision=before.revision if before else 0, **fields)

    return await _kept(desk, Service, business.id, id, decide)


async def put_staff_chat(desk: Desk, chat: StaffChat, fields: Mapping[str, Any]) -> Kept[StaffChat]:
    """Change what a linked chat hears: ``salon, master, language, events``; its role stays.

    Raises :class:`Invalid` for an unknown salon or master, and for a missing salon of anyone but an owner.
    """
    wanted = await staff_fields(desk, chat.business, {**fields, "role": chat.role})
    events = tuple(wanted["events"]) if wanted["events"] is not None else None

    def decide(before: StaffChat | None) -> StaffChat:
        return replace(
            before or chat,
            salon=wanted["salon"],
            master=wanted["master"],
            language=wanted["language"],
            events=events,
        )

    return await _kept(desk, StaffChat, chat.business, chat.id, decide)


async def unlink_staff_chat(desk: Desk, business: str, id: str) -> bool:
    """Nothing more is told in a chat, what waits for it included; False where there is none."""
    if await desk.store.get(StaffChat, business, id) is None:
        return False
    waiting = await desk.store.find(
        Message, {"business": business, "staff_chat": id, "status": OneOf(WAITING)}, limit=MOST_WAITING
    )
    off = {"status": "cancelled", "reason": "switched_off"}
    patches = tuple(Patch(Message, business, row.id, off, {"status": OneOf(WAITING)}, must=False) for row in waiting)
    await desk.store.commit(Changes(patches=patches, deletes=(Delete(StaffChat, business, id),)))
    return True


def settings_put(desk: Desk, before: Business | Salon, own: Mapping[str, Any], by: str) -> Changes:
    """What storing ``own`` (as :func:`apply_patch` made it) changes; nothing where it is so already. A Conflict says that
    somebody else was faster."""
    if own == before.settings:
        return Changes()
    after = replace(before, settings=own, revision=before.revision + 1)
    put = Changes(puts=(Put(after, expect=before.revision),))
    return put + _planned_anew(desk, before, after) + _texts(desk, before, after, by)


async def patch_business_settings(
    desk: Desk, business: Business, patch: Mapping[str, Any], by: str = text_history.API
) -> Business:
    """Apply a merge patch to the business's own settings; ``by`` does it. Raises :class:`Invalid`."""

    def decide(before: Business | None) -> Business:
        known = before or business
        return replace(known, settings=apply_patch(known.settings, patch, level="business"))

    return (await _kept(desk, Business, business.id, business.id, decide, by)).record


async def patch_salon_settings(desk: Desk, salon: Salon, patch: Mapping[str, Any], by: str = text_history.API) -> Salon:
    """Apply a merge patch to the salon's own settings; ``by`` does it. Raises :class:`Invalid`."""

    def decide(before: Salon | None) -> Salon:
        known = before or salon
        return replace(known, settings=apply_patch(known.settings, patch, level="salon"))

    return (await _kept(desk, Salon, salon.business, salon.id, decide, by)).record


class NewKey(NamedTuple):
    """A fresh key: ``key`` is shown this once, only its SHA-256 is kept."""

    record: ApiKey
    key: str


KEY_PREFIX: Final = "vizit_"
SECRET_BYTES: Final = 32


def key_digest(key: str) -> str:
    """SHA-256 of a key in hex: enough to know it again, since the key has 256 random bits."""
    return hashlib.sha256(key.encode()).hexdigest()


async def create_key(desk: Desk, business: str) -> NewKey:
    """A new key for ``business``: its id, so that people can tell keys apart, and 256 random bits."""
    id = new_id()
    key = f"{KEY_PREFIX}{id}_{secrets.token_urlsafe(SECRET_BYTES)}"
    record = ApiKey(business=business, id=id, digest=key_digest(key), created_at=desk.now())
    await desk.store.commit(Changes(inserts=(record,)))
    return NewKey(record, key)


async def revoke_key(desk: Desk, business: str, id: str) -> bool:
    """From now on the key opens nothing; False where there is no such key."""
    if await desk.store.get(ApiKey, business, id) is None:
        return False
    revoked = Patch(ApiKey, business, id, {"revoked_at": desk.now()}, {"revoked_at": None}, must=False)
    await desk.store.commit(Changes(patches=(revoked,)))
    return True


async def find_key(store: Store, key: str) -> ApiKey | None:
    """The living key behind what a caller sent, or None."""
    digest = key_digest(key)
    for found in await store.find(ApiKey, {"digest": digest}, limit=1):
        if found.revoked_at is None and hmac.compare_digest(found.digest, digest):
            return found
    return None
