"""Clients: phones in one form, fields merged or replaced, and whose word on offers stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

import phonenumbers

from handlers import client_words, page_links, rebook
from handlers.consent import offers_taken_back
from handlers.invalid import Invalid
from handlers.privacy import ALWAYS_OLDER, admitted
from handlers.replan import addresses_of, replan_client
from handlers.turn import Desk
from storage.records import Business, Client, Consent, Millis, new_id
from storage.store import Changes, Conflict, Put, StoreBusy

TRIES: Final = 5
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
        said = given if before else await admitted(desk, business.id, id, given, ALWAYS_OLDER, at="")
        client = merge_client(before, business.id, id, said, desk.now(), at="")
        if before is not None and client == before:
            return Kept(before)
        changes = Changes(puts=(Put(client, expect=before.revision if before else 0),))
        changes += consent_entry(before, client, desk.now()) + page_links.for_client(desk, client)
        changes += client_words.rows_for(before, client)
        if before is not None and client.phone != before.phone:
            changes += await replan_client(desk, business, client, await addresses_of(desk, client))
        if before is not None and client.marketing_consent != before.marketing_consent:
            changes += await offers_taken_back(desk, before, client) + await rebook.replanned(desk, business, client)
        try:
            await desk.store.commit(changes)
        except Conflict:
            continue
        return Kept(client, created=before is None, changed=True)
    raise StoreBusy(f"client {id} kept changing")
