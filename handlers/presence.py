"""Who may be behind a turn: the address rows of its chat, the clients they stand for, and what a sign of life changes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from handlers import events
from handlers.found_again import released, window_opens
from handlers.linking import beside, linked_address
from handlers.replan import addresses_of, replan_client
from handlers.turn import Desk, Turn
from storage.records import Address, Business, Client, Millis, address_id
from storage.store import Changes, Not, Patch, Put

PEOPLE_AT_ONE_PHONE = 20


@dataclass(frozen=True, slots=True)
class Here:
    """The people behind a chat, over all businesses. ``rows`` and ``clients`` are empty for a stranger."""

    rows: tuple[Address, ...] = ()
    clients: tuple[Client, ...] = ()
    language: str | None = None
    changes: Changes = field(default_factory=Changes)
    """What this sign of life changes: the window, an address that lives again, a first word on WhatsApp."""

    @property
    def businesses(self) -> tuple[str, ...]:
        """The businesses that know this chat, in a stable order."""
        return tuple(sorted({row.business for row in self.rows}))

    def of(self, business: str) -> tuple[Client, ...]:
        """The clients of one business behind this chat."""
        return tuple(client for client in self.clients if client.business == business)


async def who_is_here(desk: Desk, turn: Turn) -> Here:
    """Find the people behind the chat of ``turn``, and note that they have just written."""
    before = await desk.store.find(Address, {"channel": turn.channel, "address": turn.address})
    rows, changes = before, Changes()
    if not rows and turn.phone is not None:
        rows = await _first_word(desk, turn)
        changes = Changes(puts=tuple(Put(row, expect=0) for row in rows))
    elif rows:
        changes = _sign_of_life(rows, turn.at)
    clients: dict[tuple[str, str], Client] = {}
    for row in rows:
        for client in await clients_at(desk, row):
            clients[(client.business, client.id)] = client
    here = tuple(clients.values())
    if changes.puts:
        changes += await events.of_linked(desk, here, turn.channel)
    if any(row.dead_until is not None for row in rows):
        changes += await _plan_again(desk, here, rows)
    if any(row.dead_until is not None for row in rows) or window_opens(turn, before):
        changes += await _released(desk, here, rows, turn.channel)
    return Here(tuple(rows), here, _language(here, rows, turn), changes)


async def _first_word(desk: Desk, turn: Turn) -> list[Address]:
    """A WhatsApp number that writes for the first time, in every business that has a client with that number; the only
    business there is remembers it also before it has such a client."""
    known = await businesses_with_phone(desk, turn.phone or "") or await only_business(desk)
    return [linked_address(None, turn, business, desk.now(), phone=turn.phone) for business in known]


def _sign_of_life(rows: list[Address], at: Millis) -> Changes:
    alive = {"last_inbound_at": at, "dead_until": None, "dead_reason": None}
    return Changes(patches=tuple(Patch(Address, row.business, row.id, alive, must=False) for row in rows))


async def _plan_again(desk: Desk, clients: tuple[Client, ...], rows: list[Address]) -> Changes:
    """What had no way to a client has one again."""
    changes = Changes()
    alive = {row.id: replace(row, dead_until=None, dead_reason=None) for row in rows}
    for client in clients:
        business = await desk.store.get(Business, client.business, client.business)
        if business is not None:
            addresses = tuple(alive.get(row.id, row) for row in await addresses_of(desk, client))
            changes += await replan_client(desk, business, client, addresses)
    return changes


async def _released(desk: Desk, clients: tuple[Client, ...], rows: list[Address], channel: str) -> Changes:
    """What waits for a person although its client has just written here goes by itself."""
    changes = Changes()
    here = {row.id: replace(row, dead_until=None, dead_reason=None) for row in rows}
    for client in clients:
        business = await desk.store.get(Business, client.business, client.business)
        if business is not None:
            known = {row.id: row for row in await addresses_of(desk, client)}
            of_client = {row.id: row for row in here.values() if row.business == client.business}
            changes += await released(desk, business, client, tuple({**known, **of_client}.values()), channel)
    return changes


async def clients_at(desk: Desk, row: Address) -> list[Client]:
    """The clients of its business whom an address row stands for."""
    if row.client is not None:
        client = await desk.store.get(Client, row.business, row.client)
        return [client] if client is not None else []
    if row.phone is None:
        return []
    return await desk.store.find(Client, {"business": row.business, "phone": row.phone}, limit=PEOPLE_AT_ONE_PHONE)


def _language(clients: tuple[Client, ...], rows: list[Address], turn: Turn) -> str | None:
    """The language that was chosen here, else a client's, else what the person's app speaks."""
    chosen = next((client.language for client in clients if client.language_chosen), None)
    said = next((row.language for row in rows if row.language), None)
    told = next((client.language for client in clients if client.language), None)
    return chosen or said or told or turn.language


async def bind_phone(desk: Desk, turn: Turn, phone: str, businesses: tuple[str, ...]) -> tuple[Changes, list[Address]]:
    """Make the chat of ``turn`` the chat of ``phone`` in these businesses. Answers with the changes and with the rows of
    other chats that lose the phone, who are to be told."""
    changes = Changes()
    moved: list[Address] = []
    for business in businesses:
        here = {"business": business, "channel": turn.channel, "address": turn.address}
        known = {row.id: row for row in await desk.store.find(Address, here)}
        before = known.get(address_id(turn.channel, turn.address))
        row, told = beside(linked_address(before, turn, business, desk.now(), phone=phone), known.values())
        others = await desk.store.find(
            Address, {"business": business, "phone": phone, "channel": turn.channel, "address": Not(turn.address)}
        )
        moved += others
        changes += Changes(
            puts=(Put(row, expect=before.revision if before else 0),),
            patches=tuple(Patch(Address, business, other.id, {"phone": None}, must=False) for other in others),
        )
        changes += told
        for client in await desk.store.find(Client, {"business": business, "phone": phone}, limit=PEOPLE_AT_ONE_PHONE):
            gone = {other.id for other in others}
            kept = tuple(other for other in await addresses_of(desk, client) if other.id not in {row.id, *gone})
            owner = await desk.store.get(Business, business, business)
            if owner is not None:
                changes += await replan_client(desk, owner, client, (row, *kept))
                changes += await released(desk, owner, client, (row, *kept), turn.channel)
    return changes, moved


async def businesses_with_phone(desk: Desk, phone: str) -> tuple[str, ...]:
    """The businesses that have a client with this phone."""
    known = await desk.store.find(Client, {"phone": phone}, order=("business", "id"))
    return tuple(sorted({client.business for client in known}))


async def only_business(desk: Desk) -> tuple[str, ...]:
    """The business there is, if it is the only one: whoever writes here means it."""
    found = await desk.store.find(Business, {}, limit=2)
    return (found[0].id,) if len(found) == 1 else ()


async def mark_dead(desk: Desk, turn: Turn, reason: str, until: Millis) -> Changes:
    """The person shut this chat: nothing is tried here until they open it again."""
    rows = await desk.store.find(Address, {"channel": turn.channel, "address": turn.address})
    dead = {"dead_until": until, "dead_reason": reason}
    return Changes(patches=tuple(Patch(Address, row.business, row.id, dead, must=False) for row in rows))
