"""The JSON of everything that is stored about a person."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

from typing_extensions import TypedDict

from bot.api.shapes import ClientOut, Moment, MoneyOut, client_out, money, utc, when
from bot.api.visit_shapes import BookingOut, MessageOut, booking_out, messages_out
from handlers.dossier import Dossier
from storage.records import Business, Millis, Salon


class AddressOut(TypedDict):
    """A chat at which the person can be reached."""

    channel: str
    address: str
    linked_at: Moment
    last_inbound_at: Moment | None


class ConsentOut(TypedDict):
    """What the person said of messages, when and where, and in answer to which words."""

    purpose: Literal["marketing", "everything"]
    given: bool
    at: Moment
    place: str
    words: str | None


class ExportedReviewOut(TypedDict):
    """A review. ``photo``: where the photo lies, at the platform that took it."""

    booking: str
    rating: int
    text: str | None
    photo: str | None
    at: Moment


class ExportedTipOut(TypedDict):
    """A tip."""

    booking: str
    amount: MoneyOut | None
    status: str
    at: Moment


class ExportedPointsOut(TypedDict):
    """A line of the ledger of bonus points."""

    id: str
    amount: int
    reason: str
    at: Moment
    expires_at: Moment | None


class ExportedMailingOut(TypedDict):
    """A mailing that the person belonged to; ``part``: written to, held out, or left out, and why."""

    campaign: str
    part: str
    reason: str | None
    at: Moment


class ExportedEventOut(TypedDict):
    """What a booking system was told of the person."""

    webhook: str
    status: str
    event: dict[str, Any]


class ExportOut(TypedDict):
    """Everything that is stored about a person. ``unwanted``: services that the person doesn't want to be invited to."""

    client: ClientOut
    addresses: list[AddressOut]
    consents: list[ConsentOut]
    bookings: list[BookingOut]
    messages: list[MessageOut]
    reviews: list[ExportedReviewOut]
    tips: list[ExportedTipOut]
    bonuses: list[ExportedPointsOut]
    unwanted: list[str]
    campaigns: list[ExportedMailingOut]
    events: list[ExportedEventOut]


def export_out(dossier: Dossier, business: Business, salons: Mapping[str, Salon], now: Millis) -> ExportOut:
    """The JSON of everything that is stored about a person."""
    return {
        "client": client_out(dossier.client),
        "addresses": [
            {
                "channel": row.channel,
                "address": row.address,
                "linked_at": utc(row.linked_at),
                "last_inbound_at": when(row.last_inbound_at),
            }
            for row in dossier.addresses
        ],
        "consents": [
            {"purpose": row.purpose, "given": row.given, "at": utc(row.at), "place": row.place, "words": row.words}
            for row in dossier.consents
        ],
        "bookings": [booking_out(row, business, salons.get(row.salon), dossier.client) for row in dossier.bookings],
        "messages": messages_out(dossier.messages, business, salons, now),
        "reviews": [
            {"booking": row.id, "rating": row.rating, "text": row.text, "photo": row.photo, "at": utc(row.at)}
            for row in dossier.reviews
        ],
        "tips": [
            {"booking": row.booking, "amount": money(row.amount, row.currency), "status": row.status, "at": utc(row.at)}
            for row in dossier.tips
        ],
        "bonuses": [
            {
                "id": row.id,
                "amount": row.amount,
                "reason": row.reason,
                "at": utc(row.at),
                "expires_at": when(row.expires_at),
            }
            for row in dossier.bonuses
        ],
        "unwanted": [row.service for row in dossier.unwanted],
        "campaigns": [
            {"campaign": row.campaign, "part": row.part, "reason": row.reason, "at": utc(row.at)}
            for row in dossier.campaigns
        ],
        "events": [
            {"webhook": row.webhook, "status": row.status, "event": json.loads(row.body)} for row in dossier.events
        ],
    }
