"""What callers are answered about visits: bookings with their messages, and counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from bot.api.problems import ProblemOut
from bot.api.requests import ShownStatus
from bot.api.shapes import Moment, MoneyOut, money, utc, when
from handlers.i18n import language_of
from handlers.moments import moment_text
from handlers.reconcile import SPOKEN_FOR_BY
from handlers.settings import in_force, place
from handlers.statistics import Word, reported, why
from handlers.wording_reasons import in_words
from storage.records import (
    AnswerValue,
    Booking,
    BookingStatus,
    Business,
    Client,
    Message,
    Millis,
    Salon,
)


class ErrorOut(TypedDict):
    """The provider's own words for what went wrong."""

    code: str
    text: str | None


class MessageOut(TypedDict):
    """A message: one hop of one notice. ``why``: in words, why it was not delivered, or does not go. ``grouped_with``: the
    id of the message that tells what this one was to tell, where several people read one chat."""

    id: str
    booking: str | None
    client: str | None
    staff_chat: str | None
    kind: str
    channel: str | None
    hop: int
    fallback_of: str | None
    status: ShownStatus
    status_reported: Word | None
    due_at: Moment
    not_after: Moment
    sent_at: Moment | None
    delivered_at: Moment | None
    read_at: Moment | None
    text: str | None
    language: str | None
    segments: int | None
    error: ErrorOut | None
    reason: str | None
    why: str | None
    grouped_with: str | None
    provider_id: str | None
    attempts: int


def message_out(row: Message, now: Millis, undelivered_after: Millis, language: str) -> MessageOut:
    """The JSON of a message, with reasons in ``language``. A row that is only leased is still planned, as anybody outside
    sees it."""
    because = why(row, now, undelivered_after)
    return {
        "id": row.id,
        "booking": row.booking,
        "client": row.client,
        "staff_chat": row.staff_chat,
        "kind": row.kind,
        "channel": row.channel,
        "hop": row.hop,
        "fallback_of": row.fallback_of,
        "status": "planned" if row.status == "leased" else row.status,
        "status_reported": reported(row, now, undelivered_after),
        "due_at": utc(row.due_at),
        "not_after": utc(row.not_after),
        "sent_at": when(row.sent_at),
        "delivered_at": when(row.delivered_at),
        "read_at": when(row.read_at),
        "text": row.text,
        "language": row.language,
        "segments": row.segments,
        "error": None if row.error_code is None else {"code": row.error_code, "text": row.error_text},
        "reason": row.reason or row.void,
        "why": None if because is None else in_words(because, language),
        "grouped_with": row.params.get(SPOKEN_FOR_BY),
        "provider_id": row.provider_id,
        "attempts": row.attempts,
    }


def messages_out(
    rows: Sequence[Message], business: Business, salons: Mapping[str, Salon], now: Millis
) -> list[MessageOut]:
    """The JSON of messages, each by the settings of its salon, with reasons in the language of the business."""
    spoken = language_of(business.language, "en")
    return [
        message_out(row, now, in_force(business, salons.get(row.salon or "")).undelivered_after, spoken) for row in rows
    ]


class BookingClientOut(TypedDict):
    """The client of a booking."""

    id: str
    name: str
    phone: str | None
    language: str | None


class AnswerOut(TypedDict):
    """The client's word."""

    value: AnswerValue
    at: Moment | None
    channel: str | None


class BookingOut(TypedDict):
    """A booking as it is stored. ``client`` is null after the person was erased.

    A single booking comes with ``messages``: what was sent, what is to come, and what is not and why. The answer to a
    cancellation names in ``in_flight`` the messages that were on the wire already.
    """

    id: str
    salon: str
    client: BookingClientOut | None
    master: str | None
    services: list[str]
    starts_at: Moment
    ends_at: Moment
    price: MoneyOut | None
    status: BookingStatus
    created_by: Literal["staff", "client"]
    created_at: Moment
    source: str | None
    version: int | None
    notify: Mapping[str, Any]
    cancelled_by: Literal["client", "staff"] | None
    answer: AnswerOut | None
    updated_at: Moment
    revision: int
    messages: NotRequired[list[MessageOut]]
    in_flight: NotRequired[list[str]]


def booking_out(record: Booking, business: Business, salon: Salon | None, client: Client | None) -> BookingOut:
    """The JSON of a booking, without its messages. Start and end carry the salon's offset."""
    zone = place(business, salon).zone
    return {
        "id": record.id,
        "salon": record.salon,
        "client": _booking_client(record, client),
        "master": record.master,
        "services": list(record.services),
        "starts_at": moment_text(record.starts_at, zone),
        "ends_at": moment_text(record.ends_at, zone),
        "price": money(record.price, record.currency),
        "status": record.status,
        "created_by": record.created_by,
        "created_at": utc(record.created_at),
        "source": record.source,
        "version": record.version,
        "notify": dict(record.notify),
        "cancelled_by": record.cancelled_by,
        "answer": _answer(record),
        "updated_at": utc(record.updated_at),
        "revision": record.revision,
    }


def _booking_client(record: Booking, client: Client | None) -> BookingClientOut | None:
    if record.client is None:
        return None
    return {
        "id": record.client,
        "name": client.name if client else "",
        "phone": client.phone if client else None,
        "language": client.language if client else None,
    }


def _answer(record: Booking) -> AnswerOut | None:
    if record.answer is None:
        return None
    return {"value": record.answer, "at": when(record.answer_at), "channel": record.answer_channel}


class BatchResult(TypedDict):
    """What the single call would have answered: ``status``, and the booking or the problem."""

    id: str | None
    status: int
    booking: NotRequired[BookingOut]
    problem: NotRequired[ProblemOut]


class BatchOut(TypedDict):
    """One result for each item, in their order."""

    items: list[BatchResult]


class TimelineOut(TypedDict):
    """Every message about a booking, by due time."""

    items: list[MessageOut]
