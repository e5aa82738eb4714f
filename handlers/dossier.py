"""Everything that is stored about a person, to be handed over."""

from __future__ import annotations

from dataclasses import dataclass

from handlers.erasure import all_of
from handlers.replan import addresses_of
from handlers.turn import Desk
from storage.records import (
    Address,
    BonusEntry,
    Booking,
    CampaignMember,
    Client,
    Consent,
    Delivery,
    Message,
    Review,
    Tip,
    Unwanted,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """A person, and every row that names the person, each kind by id. ``events``: what booking systems were told."""

    client: Client
    addresses: tuple[Address, ...]
    consents: tuple[Consent, ...]
    bookings: tuple[Booking, ...]
    messages: tuple[Message, ...]
    reviews: tuple[Review, ...]
    tips: tuple[Tip, ...]
    bonuses: tuple[BonusEntry, ...]
    unwanted: tuple[Unwanted, ...]
    campaigns: tuple[CampaignMember, ...]
    events: tuple[Delivery, ...]


async def dossier_of(desk: Desk, client: Client) -> Dossier:
    """Read everything that is stored about a person."""
    named = {"business": client.business, "client": client.id}
    return Dossier(
        client=client,
        addresses=await addresses_of(desk, client),
        consents=tuple(await all_of(desk, Consent, named)),
        bookings=tuple(await all_of(desk, Booking, named)),
        messages=tuple(await all_of(desk, Message, named)),
        reviews=tuple(await all_of(desk, Review, named)),
        tips=tuple(await all_of(desk, Tip, named)),
        bonuses=tuple(await all_of(desk, BonusEntry, named)),
        unwanted=tuple(await all_of(desk, Unwanted, named)),
        campaigns=tuple(await all_of(desk, CampaignMember, named)),
        events=tuple(await all_of(desk, Delivery, named)),
    )
