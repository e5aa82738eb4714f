"""Calls about webhooks: addresses of the booking system that hear what happens, and the log of what they were told."""

from __future__ import annotations

import json
from typing import Annotated, Any, Final, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from bot.api.fields import MOST_URL
from bot.api.paging import part
from bot.api.problems import invalid
from bot.api.requests import Body, NoQuery, Page
from bot.api.serving import Answer, Call, Route, found
from bot.api.shapes import ListOut, Moment, utc, when
from bot.outbound import fault_of
from handlers import webhooks
from handlers.events import EVENTS, MOST_WEBHOOKS
from handlers.settings_schema import one_of
from storage.records import Delivery, Webhook

TAG: Final = "Webhooks"
NEWEST_FIRST: Final = ("-id",)
EventName = Annotated[str, one_of(tuple(EVENTS)), Field(json_schema_extra={"enum": list(EVENTS)})]


class WebhookIn(Body):
    """Where events are to go. ``https://``, to the internet; private networks only as the operator allows."""

    url: Annotated[str, Field(min_length=1, max_length=MOST_URL, json_schema_extra={"format": "uri"})]
    events: Annotated[list[EventName], Field(min_length=1, max_length=len(EVENTS))] | None = Field(
        None, description="Left out: all, also those that later versions add."
    )
    rotate: bool = Field(False, description="Make a new secret; for a day everything is signed with the old one too.")


class WebhookOut(TypedDict):
    """A webhook. ``secret`` is shown where it is new, and never again."""

    id: str
    url: str
    events: list[str] | None
    created_at: Moment
    disabled_at: Moment | None
    secret: NotRequired[str]


class DeliveryOut(TypedDict):
    """One event on its way to one webhook. ``id`` is the header ``webhook-id``; ``response`` is the HTTP status of the last
    answer, ``error`` why there was none."""

    id: str
    type: str
    status: Literal["pending", "delivered", "failed"]
    created_at: Moment
    attempts: int
    tried_at: Moment | None
    next_at: Moment | None
    response: int | None
    error: str | None
    event: dict[str, Any]


def webhook_out(record: Webhook, secret: str | None = None) -> WebhookOut:
    """The JSON of a webhook, with ``secret`` where it is to be shown."""
    shown: WebhookOut = {
        "id": record.id,
        "url": record.url,
        "events": None if record.events is None else list(record.events),
        "created_at": utc(record.created_at),
        "disabled_at": when(record.disabled_at),
    }
    if secret is not None:
        shown["secret"] = secret
    return shown


def delivery_out(record: Delivery) -> DeliveryOut:
    """The JSON of a delivery."""
    return {
        "id": record.id,
        "type": record.type,
        "status": record.status,
        "created_at": utc(record.created_at),
        "attempts": record.attempts,
        "tried_at": when(record.tried_at),
        "next_at": utc(record.next_at) if record.status == "pending" else None,
        "response": record.response,
        "error": record.error,
        "event": json.loads(record.body),
    }


async def put_webhook(call: Call[WebhookIn, NoQuery]) -> Answer:
    """Create or replace a webhook."""
    fault = fault_of(call.body.url, call.allow)
    if fault is not None:
        raise invalid([("/url", fault)])
    events = None if call.body.events is None else tuple(dict.fromkeys(call.body.events))
    kept = await webhooks.put_webhook(
        call.desk, call.business.id, call.id, call.body.url, events, rotate=call.body.rotate
    )
    return Answer(201 if kept.created else 200, webhook_out(kept.webhook, kept.secret))


async def get_webhook(call: Call[None, NoQuery]) -> Answer:
    """One webhook."""
    return Answer(200, webhook_out(await _webhook(call)))


async def get_webhooks(call: Call[None, Page]) -> Answer:
    """All webhooks."""
    hooks = await part(call.desk.store, Webhook, {"business": call.business.id}, call.query)
    return Answer(200, {"items": [webhook_out(hook) for hook in hooks.records], "next": hooks.next})


async def delete_webhook(call: Call[None, NoQuery]) -> Answer:
    """Remove a webhook."""
    if not await webhooks.delete_webhook(call.desk, call.business.id, call.id):
        found(None)
    return Answer(204)


async def get_deliveries(call: Call[None, Page]) -> Answer:
    """What a webhook was told, newest first."""
    hook = await _webhook(call)
    where = {"business": hook.business, "webhook": hook.id}
    rows = await part(call.desk.store, Delivery, where, call.query, NEWEST_FIRST)
    return Answer(200, {"items": [delivery_out(row) for row in rows.records], "next": rows.next})


async def post_delivery(call: Call[None, NoQuery]) -> Answer:
    """Send a delivery again."""
    hook = await _webhook(call)
    row = found(await call.desk.store.get(Delivery, hook.business, call.ids["delivery"]))
    if row.webhook != hook.id:
        found(None)
    return Answer(200, delivery_out(await webhooks.resend(call.desk, row)))


async def _webhook(call: Call[Any, Any]) -> Webhook:
    return found(await call.desk.store.get(Webhook, call.business.id, call.id))


NOTE: Final = (
    'What happens is POSTed to `url` as `{"type", "timestamp", "data"}`, signed after Standard Webhooks '
    "(headers `webhook-id`, `webhook-timestamp`, `webhook-signature`). Any 2xx within 20 seconds is success; 410 disables "
    "the webhook; everything else is tried again for three days, ever more rarely. Events about one booking come in their "
    "order, each at least once: a repeat has the same `webhook-id`. Redirects are not followed, private addresses are not "
    "reached. Events: " + " ".join(f"`{name}`: {text}" for name, text in EVENTS.items())
)

ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="PUT",
        path="/webhooks/{id}",
        do=put_webhook,
        tag=TAG,
        summary="Create or replace a webhook",
        note=f"{NOTE} At most {MOST_WEBHOOKS} for each business. A PUT switches a disabled one on again.",
        body=WebhookIn,
        answers={200: WebhookOut, 201: WebhookOut},
        may=("conflict",),
        shows={"url": "https://booking.example/vizit", "events": ["visit.confirmed", "visit.cancelled"]},
    ),
    Route(
        method="GET",
        path="/webhooks/{id}",
        do=get_webhook,
        tag=TAG,
        summary="One webhook, without its secret",
        answers={200: WebhookOut},
    ),
    Route(
        method="GET",
        path="/webhooks",
        do=get_webhooks,
        tag=TAG,
        summary="All webhooks, by id",
        query=Page,
        answers={200: ListOut[WebhookOut]},
    ),
    Route(
        method="DELETE",
        path="/webhooks/{id}",
        do=delete_webhook,
        tag=TAG,
        summary="Remove a webhook and its log",
        note="What is still on its way to it is not sent any more.",
        answers={204: None},
    ),
    Route(
        method="GET",
        path="/webhooks/{id}/deliveries",
        do=get_deliveries,
        tag=TAG,
        summary="What a webhook was told, newest first",
        note="Kept for 30 days.",
        query=Page,
        answers={200: ListOut[DeliveryOut]},
    ),
    Route(
        method="POST",
        path="/webhooks/{id}/deliveries/{delivery}/resend",
        do=post_delivery,
        tag=TAG,
        summary="Send an event again",
        note="With the same `webhook-id`. 409 while it is on its way, and while the webhook is disabled.",
        answers={200: DeliveryOut},
        may=("conflict",),
    ),
)
