"""What booking systems are told: each event becomes one delivery for every webhook of the business that wants it.

The deliveries are part of the changes that make the event true, so that what happened and the news of it are one commit.
A business without webhooks pays one read for it.
"""

from __future__ import annotations

import itertools
import json
import secrets
from collections.abc import Iterable, Mapping
from typing import Any, Final

from handlers.moments import moment_text
from handlers.turn import Desk
from storage.records import Booking, Client, Delivery, Message, Millis, Webhook
from storage.store import Changes

EVENTS: Final[Mapping[str, str]] = {
    "visit.confirmed": "The client will come.",
    "visit.cancelled": "A visit will not take place; `by` says whether the client or the staff cancelled it.",
    "visit.move_requested": "The client asks for another time.",
    "visit.running_late": "The client will be late.",
    "message.failed": "A client could not be told on any channel; `message` is the row, `reason` says why.",
    "client.linked": "A chat was linked to the client.",
    "client.message": "The client wrote something that is for a person to read.",
    "client.opted_out": "The client wants no offers (`purpose: marketing`) or nothing at all (`everything`).",
    "client.opted_in": "The client wants offers, or messages, after all.",
    "client.language_chosen": "The client chose a language.",
    "bonus.entered": "Bonus points came or went; `entry` is the line of the ledger, `balance` what is left after it.",
    "review.received": "The client reviewed a visit, or changed the review.",
    "tip.received": "The client paid a tip.",
}
"""Every event there is, and what it means."""
MOST_WEBHOOKS: Final = 10
"""How many a business may have."""
LASTS: Final[Millis] = 3 * 86_400_000
"""How long a delivery is tried."""

_made = itertools.count()


def delivery_id(now: Millis) -> str:
    """A fresh ``webhook-id`` of 32 hex digits. Those of one process sort as they were made, also within a millisecond."""
    return f"{now:012x}{next(_made) & 0xFFFFFF:06x}{secrets.token_hex(7)}"


async def told(
    desk: Desk, business: str, event: str, data: Mapping[str, Any], *, stream: str, client: str | None = None
) -> Changes:
    """The deliveries of ``event`` (one of :data:`EVENTS`), to be committed with what it tells of.

    ``data`` is JSON. Deliveries of one ``stream`` arrive one after the other. ``client`` is whom the event is about: an
    erasure takes it away.
    """
    hooks = await desk.store.find(Webhook, {"business": business}, limit=MOST_WEBHOOKS)
    wanted = [hook for hook in hooks if hook.disabled_at is None and (hook.events is None or event in hook.events)]
    if not wanted:
        return Changes()
    now = desk.now()
    whole = {"type": event, "timestamp": moment_text(now), "data": data}
    body = json.dumps(whole, separators=(",", ":"))
    return Changes(
        inserts=tuple(
            Delivery(
                business=business,
                id=delivery_id(now),
                webhook=hook.id,
                stream=stream,
                type=event,
                body=body,
                client=client,
                created_at=now,
                next_at=now,
                give_up_at=now + LASTS,
            )
            for hook in wanted
        )
    )


async def of_booking(desk: Desk, booking: Booking, event: str, **more: Any) -> Changes:
    """The deliveries of ``event`` about a visit as it stands after it; ``more`` stands beside the visit in the data."""
    data = {**visit(booking), **more}
    return await told(desk, booking.business, event, data, stream=f"booking:{booking.id}", client=booking.client)


async def of_client(desk: Desk, client: Client, event: str, **more: Any) -> Changes:
    """The deliveries of ``event`` about a client; ``more`` stands beside the client's id in the data."""
    data = {"client": client.id, **more}
    return await told(desk, client.business, event, data, stream=f"client:{client.id}", client=client.id)


async def of_linked(desk: Desk, clients: Iterable[Client], channel: str) -> Changes:
    """The deliveries of ``client.linked`` for everybody whom a chat was just linked to."""
    changes = Changes()
    for client in clients:
        changes += await of_client(desk, client, "client.linked", channel=channel)
    return changes


async def of_message(desk: Desk, message: Message, reason: str) -> Changes:
    """The deliveries of ``message.failed``: nobody could tell the client, for ``reason``. Nothing for rows to staff."""
    if message.staff_chat is not None or message.client is None:
        return Changes()
    data = {
        "message": message.id,
        "kind": message.kind,
        "channel": message.channel,
        "booking": message.booking,
        "client": message.client,
        "reason": reason,
    }
    stream = f"booking:{message.booking}" if message.booking else f"client:{message.client}"
    return await told(desk, message.business, "message.failed", data, stream=stream, client=message.client)


def visit(booking: Booking) -> dict[str, Any]:
    """What every event about a visit says of it: the caller's own references, its time and state. No name, no phone."""
    return {
        "booking": booking.id,
        "client": booking.client,
        "salon": booking.salon,
        "master": booking.master,
        "services": list(booking.services),
        "starts_at": moment_text(booking.starts_at),
        "status": booking.status,
        "revision": booking.revision,
    }
