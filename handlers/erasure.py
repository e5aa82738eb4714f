"""Forgetting a person: no row, queue entry or photo tells afterwards who it was. What statistics need stays, without name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, TypeVar

from handlers import client_words
from handlers.by_hand import edits_of
from handlers.grouping import GROUP
from handlers.reconcile import SPOKEN_FOR_BY
from handlers.replan import addresses_of
from handlers.tombstones import stones_of
from handlers.turn import Desk
from storage.campaigns import member_id
from storage.records import (
    WAITING,
    Address,
    BonusAccount,
    BonusEntry,
    Booking,
    CampaignMember,
    Client,
    Consent,
    Delivery,
    InboxEvent,
    LinkCode,
    Message,
    Millis,
    PageLink,
    Receipt,
    Record,
    Review,
    Tip,
    Unwanted,
    new_id,
)
from storage.store import Changes, Conflict, Delete, OneOf, Patch, StoreBusy

R = TypeVar("R", bound=Record)

TRIES: Final = 5
PAGE: Final = 200
DELETED: Final[tuple[type[Any], ...]] = (Consent, Delivery, BonusEntry, Unwanted)
"""Rows that name a client and go with the client."""
NAMELESS: Final[Mapping[type[Any], Mapping[str, Any]]] = {
    Booking: {"client": None},
    # The stars stay for the averages; whoever adds words at this very moment has them taken as well.
    Review: {"client": None, "text": None, "photo": None},
    Tip: {"client": None},
}
"""Rows that stay without the client, and what is written over in them; each at the revision at which it was read."""


async def erase_client(desk: Desk, business: str, id: str, at: Millis | None = None) -> bool:
    """Forget a person, in one commit; False where there is none.

    The client, the chats that lead to nobody else, consents, points, receipts and the links of pages go. Messages keep
    what statistics need, without text, address and details; pending ones are cancelled, and what is on the wire is not
    tried again. Bookings, stars and tips stay without a client. Tombstones of ``at`` (else of now) stay, so that the
    person is not brought back. Raises StoreBusy.
    """
    for _ in range(TRIES):
        client = await desk.store.get(Client, business, id)
        if client is None:
            return False
        try:
            await desk.store.commit(await _erasure(desk, client, desk.now() if at is None else at))
        except Conflict:
            continue
        return True
    raise StoreBusy(f"client {id} kept changing")


async def all_of(desk: Desk, record: type[R], where: Mapping[str, Any]) -> list[R]:
    """Every record that matches, by id."""
    found: list[R] = []
    while True:
        after = (found[-1].id,) if found else None
        page = await desk.store.find(record, where, after=after, limit=PAGE)
        found += page
        if len(page) < PAGE:
            return found


async def _erasure(desk: Desk, client: Client, at: Millis) -> Changes:
    named = {"business": client.business, "client": client.id}
    messages = await all_of(desk, Message, named)
    addresses = await _own_addresses(desk, client)
    gone: list[Any] = [
        client,
        *addresses,
        *await all_of(desk, PageLink, {"owner": client.business, "client": client.id}),
    ]
    codes = await all_of(desk, LinkCode, {"owner": client.business})
    gone += [code for code in codes if code.params.get("client") == client.id]
    for record in DELETED:
        gone += await all_of(desk, record, named)
    if messages:
        about = {"business": client.business, "message": OneOf(tuple(message.id for message in messages))}
        gone += await all_of(desk, Receipt, about)
    held = {message.id for message in messages if message.held}
    met = Patch(Client, client.business, client.id, {"name": ""}, {"revision": client.revision})
    return (
        client_words.rows_for(client, None)
        + await _without_name(desk, client, named)
        + await _unread(desk, client, addresses)
        + Changes(
            inserts=tuple(replace(edit, client=None) for edit in edits_of(messages, held, desk.now())),
            puts=stones_of(desk, client, at),
            patches=(met, *(patch for message in messages for patch in _forgotten(message))),
            deletes=(
                Delete(BonusAccount, client.business, client.id),
                *(Delete(type(record), record.business, record.id) for record in gone),
            ),
        )
    )


async def _without_name(desk: Desk, client: Client, named: Mapping[str, Any]) -> Changes:
    """What stays, and no longer says whose it is. A campaign's row has the client in its id, so another takes its place."""
    patches: list[Patch] = []
    for record, fields in NAMELESS.items():
        for row in await all_of(desk, record, named):
            newer = {"updated_at": desk.now()} if record is not Tip else {}
            after = {**fields, **newer, "revision": row.revision + 1}
            patches.append(Patch(record, row.business, row.id, after, {"revision": row.revision}))
    members = await all_of(desk, CampaignMember, named)
    return Changes(
        inserts=tuple(replace(one, id=member_id(one.campaign, f"~{new_id()}"), client=None) for one in members),
        patches=tuple(patches),
        deletes=tuple(Delete(CampaignMember, one.business, one.id) for one in members),
    )


async def _unread(desk: Desk, client: Client, addresses: list[Address]) -> Changes:
    """Events of the person that could not be worked on are kept for somebody to look at: what they say is not any more."""
    traces = {row.address for row in addresses} | ({client.phone} if client.phone else set())
    failed = await all_of(desk, InboxEvent, {"status": "failed"}) if traces else []
    return Changes(
        patches=tuple(
            Patch(InboxEvent, "", event.id, {"payload": ""}, must=False)
            for event in failed
            if any(trace.lstrip("+") in event.payload for trace in traces)
        )
    )


async def _own_addresses(desk: Desk, client: Client) -> list[Address]:
    """The chats linked to this client alone; a chat that a phone leads to stays while others have that phone."""
    rows = await addresses_of(desk, client)
    shared = client.phone is not None and any(
        other.id != client.id
        for other in await desk.store.find(Client, {"business": client.business, "phone": client.phone}, limit=2)
    )
    return [row for row in rows if row.client == client.id or not shared]


def _forgotten(message: Message) -> tuple[Patch, ...]:
    """Each looks at the row's state inside the commit: it may have gone on the wire since it was read."""
    cancelled: dict[str, Any] = {
        "status": "cancelled",
        "reason": "erased",
        "token": None,
        "lease_until": None,
        "held": False,
    }
    clean: dict[str, Any] = {
        "client": None,
        "key": f"erased:{message.id}",
        "address": None,
        "text": None,
        # Ids of other rows say nothing of the person, and those rows need them.
        "params": {name: message.params[name] for name in (GROUP, SPOKEN_FOR_BY) if name in message.params},
        "choices": (),
        "error_text": None,
    }
    teller = message.params.get(SPOKEN_FOR_BY)
    named = (Patch(Message, message.business, teller, {"text": None}, must=False),) if teller else ()
    return named + tuple(
        Patch(Message, message.business, message.id, fields, where, must=False)
        for fields, where in (
            (cancelled, {"status": OneOf(WAITING)}),
            ({"void": "erased"}, {"status": "sending"}),
            (clean, {}),
        )
    )
