"""Clients: phones in one form, fields merged or replaced, whose word on offers stands, what is known, and erasure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final, TypeVar

import phonenumbers

from handlers import client_words, page_links
from handlers.by_hand import edits_of
from handlers.grouping import GROUP
from handlers.invalid import Invalid
from handlers.reconcile import SPOKEN_FOR_BY
from handlers.replan import addresses_of, replan_client
from handlers.turn import Desk
from storage.records import (
    WAITING,
    Address,
    Booking,
    Business,
    Client,
    Consent,
    Message,
    Millis,
    PageLink,
    Receipt,
    new_id,
)
from storage.store import Changes, Conflict, Delete, OneOf, Patch, Put, StoreBusy

R = TypeVar("R", Address, Booking, Consent, Message, PageLink, Receipt)

TRIES: Final = 5
PAGE: Final = 200
CLOCKS_DIFFER: Final[Millis] = 5 * 60_000
"""So far ahead of ours may a caller's clock be."""
API: Final = "api"
"""The place of a word on offers that the booking system passed on."""
FIELDS: Final = ("name", "first_name", "phone", "language", "birthday", "source")
"""What a caller may say of a client, beside consent."""


@lru_cache(maxsize=4096)
def normal_phone(written: str, country: str | None) -> str | None:
    """``written`` as E.164, or None where it is no phone number.

    ``country`` (ISO 3166, two letters) is where a number without ``+`` is dialled. A number must be of a possible length
    for its country; whether the range is in use is not asked, since ranges change faster than tables.
    """
    text = written.strip()
    if text.startswith("00"):
        text = "+" + text[2:]
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def phone_or_invalid(written: str, country: str | None, at: str) -> str:
    """``written`` as E.164; raises :class:`Invalid` at the pointer ``at``, saying what to do."""
    phone = normal_phone(written, country)
    if phone is None:
        how = f"write it as in {country} or with + and the country code"
        without = "write it with + and the country code, or give the salon or business a country"
        raise Invalid([(at, f"is no phone number: {how if country else without}")])
    return phone


def merge_client(
    before: Client | None, business: str, id: str, fields: Mapping[str, Any], now: Millis, at: str = "/client"
) -> Client:
    """``before`` with the fields that are given; a new client where there is none yet.

    ``fields`` are normalised: :data:`FIELDS`, ``marketing_consent`` and ``consent_at`` (milliseconds). Answers with
    ``before`` itself where nothing changes. Raises :class:`Invalid` under the pointer ``at`` for a new one without name
    and for a word from the future.
    """
    if before is None and not fields.get("name"):
        raise Invalid([(f"{at}/name", f"there is no client {id!r} yet, and a new one needs a name")])
    known = before or Client(business=business, id=id, name="", created_at=now)
    given = {name: fields[name] for name in FIELDS if name in fields}
    if known.language_chosen:
        given.pop("language", None)
    client = replace(known, **given)
    if "marketing_consent" in fields:
        if (fields.get("consent_at") or now) > now + CLOCKS_DIFFER:
            raise Invalid([(f"{at}/consent_at", "lies in the future")])
        client = _consented(client, fields["marketing_consent"], fields.get("consent_at"), now)
    return client if client == before else replace(client, revision=known.revision + 1)


def _consented(client: Client, given: bool | None, at: Millis | None, now: Millis) -> Client:
    """What the booking system says of offers, unless the person or the system said something newer."""
    if given == client.marketing_consent and at in (None, client.consent_at):
        return client
    if at is None and client.consent_at is not None and client.consent_place != API:
        return client
    if at is not None and client.consent_at is not None and at <= client.consent_at:
        return client
    when = at if at is not None or given is None else now
    return replace(client, marketing_consent=given, consent_at=when, consent_place=None if when is None else API)


def consent_entry(before: Client | None, client: Client, now: Millis) -> Changes:
    """The entry of the consent ledger that the change from ``before`` to ``client`` makes; none without a new word."""
    was = (before.marketing_consent, before.consent_at) if before else (None, None)
    if client.marketing_consent is None or (client.marketing_consent, client.consent_at) == was:
        return Changes()
    entry = Consent(
        business=client.business,
        id=new_id(),
        client=client.id,
        purpose="marketing",
        given=client.marketing_consent,
        at=client.consent_at if client.consent_at is not None else now,
        place=client.consent_place or API,
    )
    return Changes(inserts=(entry,))


@dataclass(frozen=True, slots=True)
class Kept:
    """A client as stored after a PUT."""

    client: Client
    created: bool = False
    changed: bool = False


async def put_client(desk: Desk, business: Business, id: str, fields: Mapping[str, Any], *, whole: bool = True) -> Kept:
    """Replace the client ``id``: what is not given is no longer known, but for the person's own word and choices. Unless
    ``whole``, what is not given stays as it is.

    ``fields`` as for :func:`merge_client`. The same again changes nothing. A new phone plans the visits ahead anew, in
    the same commit. Raises :class:`Invalid`, and :class:`StoreBusy` when others kept changing the same client.
    """
    given = {**dict.fromkeys((*FIELDS, "marketing_consent", "consent_at")), **fields} if whole else fields
    for _ in range(TRIES):
        before = await desk.store.get(Client, business.id, id)
        client = merge_client(before, business.id, id, given, desk.now(), at="")
        if before is not None and client == before:
            return Kept(before)
        changes = Changes(puts=(Put(client, expect=before.revision if before else 0),))
        changes += consent_entry(before, client, desk.now()) + page_links.for_client(desk, client)
        changes += client_words.rows_for(before, client)
        if before is not None and client.phone != before.phone:
            changes += await replan_client(desk, business, client, await addresses_of(desk, client))
        try:
            await desk.store.commit(changes)
        except Conflict:
            continue
        return Kept(client, created=before is None, changed=True)
    raise StoreBusy(f"client {id} kept changing")


@dataclass(frozen=True, slots=True)
class Dossier:
    """Everything that is stored about a person."""

    client: Client
    addresses: tuple[Address, ...]
    consents: tuple[Consent, ...]
    bookings: tuple[Booking, ...]
    messages: tuple[Message, ...]


async def export_client(desk: Desk, client: Client) -> Dossier:
    """Read everything that is stored about a person, each kind of record by id."""
    named = {"business": client.business, "client": client.id}
    return Dossier(
        client,
        await addresses_of(desk, client),
        tuple(await _all(desk, Consent, named)),
        tuple(await _all(desk, Booking, named)),
        tuple(await _all(desk, Message, named)),
    )


async def _all(desk: Desk, record: type[R], where: Mapping[str, Any]) -> list[R]:
    found: list[R] = []
    while True:
        page = await desk.store.find(record, where, after=(found[-1].id,) if found else None, limit=PAGE)
        found += page
        if len(page) < PAGE:
            return found


async def erase_client(desk: Desk, business: str, id: str) -> bool:
    """Forget a person, in one commit; False where there is none.

    The client, the chats that lead to nobody else, consents, receipts and the links of pages go. Messages keep what
    statistics need, without text, address and details; pending ones are cancelled, and what is on the wire is not tried
    again. Bookings stay without a client.
    """
    for _ in range(TRIES):
        client = await desk.store.get(Client, business, id)
        if client is None:
            return False
        try:
            await desk.store.commit(await _erasure(desk, client))
        except Conflict:
            continue
        return True
    raise StoreBusy(f"client {id} kept changing")


async def _erasure(desk: Desk, client: Client) -> Changes:
    named = {"business": client.business, "client": client.id}
    messages = await _all(desk, Message, named)
    bookings = await _all(desk, Booking, named)
    gone: list[Any] = [client, *await _own_addresses(desk, client), *await _all(desk, Consent, named)]
    gone += await _all(desk, PageLink, {"owner": client.business, "client": client.id})
    if messages:
        about = {"business": client.business, "message": OneOf(tuple(message.id for message in messages))}
        gone += await _all(desk, Receipt, about)
    held = {message.id for message in messages if message.held}
    met = Patch(Client, client.business, client.id, {"name": ""}, {"revision": client.revision})
    return client_words.rows_for(client, None) + Changes(
        inserts=tuple(replace(edit, client=None) for edit in edits_of(messages, held, desk.now())),
        patches=(
            met,
            *(patch for message in messages for patch in _forgotten(message)),
            *(_left_alone(booking, desk.now()) for booking in bookings),
        ),
        deletes=tuple(Delete(type(record), record.business, record.id) for record in gone),
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


def _left_alone(booking: Booking, now: Millis) -> Patch:
    nobody = {"client": None, "revision": booking.revision + 1, "updated_at": now}
    return Patch(Booking, booking.business, booking.id, nobody, {"revision": booking.revision})
