"""Who was erased, and must not come back by an import, a synchronisation or a restored backup.

An erasure leaves a tombstone for the person's id and one for the phone: keyed hashes with their time, which tell nobody
who it was. What is older than them is refused or erased again. A booking that is made later starts a new person, who has
said nothing of offers yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

from handlers.erasure import erase_client
from handlers.invalid import Invalid
from handlers.moments import moment_text
from handlers.tombstones import stone_id
from handlers.turn import Desk
from storage.records import Business, Client, Millis, Tombstone
from storage.store import Changes, Put

PAGE: Final = 200
ALWAYS_OLDER: Final[Millis] = -(2**53)
"""When something was made that has no date."""

What = Literal["client", "phone"]


async def erased_at(desk: Desk, business: str, what: What, value: str | None) -> Millis | None:
    """When the person with this id, or with this phone, was erased last; None: never."""
    if value is None:
        return None
    stone = await desk.store.get(Tombstone, business, stone_id(desk, business, what, value))
    return stone.at if stone is not None else None


async def admitted(
    desk: Desk, business: str, id: str, fields: Mapping[str, Any], made_at: Millis, at: str
) -> Mapping[str, Any]:
    """What may be stored of a client whom nobody knows yet: ``fields`` (as for ``merge_client``), without a consent that
    is older than an erasure.

    ``made_at`` is when what brings the client was made. Raises :class:`Invalid` at the pointer ``at`` where that is
    before the erasure of the same person.
    """
    as_person = await erased_at(desk, business, "client", id)
    if as_person is not None and made_at <= as_person:
        when = moment_text(as_person)
        raise Invalid(
            [(f"{at}/id" if at else "", f"was erased at {when}: a booking that is made later starts a new person")]
        )
    as_phone = await erased_at(desk, business, "phone", fields.get("phone"))
    last = max((moment for moment in (as_person, as_phone) if moment is not None), default=None)
    if last is None or fields.get("marketing_consent") is not True or (fields.get("consent_at") or 0) > last:
        return fields
    return {name: value for name, value in fields.items() if name not in ("marketing_consent", "consent_at")}


async def stones(desk: Desk) -> list[Tombstone]:
    """Every tombstone of every business."""
    found: list[Tombstone] = []
    for business in await _businesses(desk):
        after = None
        while page := await desk.store.find(Tombstone, {"business": business}, after=after, limit=PAGE):
            found += page
            after = (page[-1].id,)
    return found


async def erase_again(desk: Desk, known: Iterable[Tombstone] = ()) -> int:
    """Erase whoever was erased before, after a backup brought them back; answers with how many.

    ``known`` are tombstones that the backup lacks: they are kept from now on.
    """
    for stone in known:
        there = await desk.store.get(Tombstone, stone.business, stone.id)
        if there is None or there.at < stone.at:
            await desk.store.commit(Changes(puts=(Put(stone),)))
    erased = 0
    for business in await _businesses(desk):
        kept = {stone.id: stone.at for stone in await stones(desk) if stone.business == business}
        after = None
        while kept and (page := await desk.store.find(Client, {"business": business}, after=after, limit=PAGE)):
            for client in page:
                moment = kept.get(stone_id(desk, business, "client", client.id))
                if moment is not None and client.created_at <= moment:
                    erased += await erase_client(desk, business, client.id, moment)
            after = (page[-1].id,)
    return erased


async def _businesses(desk: Desk) -> list[str]:
    return [business.id for business in await desk.store.find(Business, {}, limit=100_000)]
