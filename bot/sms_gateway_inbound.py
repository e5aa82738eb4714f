"""What people write back to the salon's own phone: the phone posts it to a secret address, and it becomes a turn.

The phone signs what it posts with a key that only the phone knows, so it is the address that proves where a post is from:
128 bits made from our secret, told to the gateway alone. What the gateway knows of messages sent is fetched from it.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import re
from collections.abc import Awaitable, Callable
from itertools import chain, repeat
from typing import Any, Final

from aiohttp import web
from android_sms_gateway.client import AsyncAPIClient
from android_sms_gateway.domain import Webhook
from android_sms_gateway.enums import WebhookEvent

from bot.gateway_codes import gateway_error
from bot.inbox import Inbox
from bot.webhooks import read_json, storing
from handlers.turn import Links, Turn
from storage.records import InboxEvent

SOURCE: Final = "sms_gateway"
PATH: Final = "/sms-gateway"
WEBHOOK: Final = "vizit-received"
"""The gateway's id of our webhook: registering it again replaces it."""
RECEIVED: Final = "sms:received"
LONGEST: Final = 64 * 1024
EVENT_ID: Final = re.compile(r"[\w-]{1,64}", re.ASCII)
PHONE: Final = re.compile(r"\+[1-9]\d{6,14}")
WAITS: Final = (5.0, 30.0, 120.0, 600.0)
"""Seconds between tries to register; the last pause is repeated."""
Sleep = Callable[[float], Awaitable[Any]]

_log = logging.getLogger(__name__)


def secret_name(links: Links) -> str:
    """The secret part of the address."""
    return links.token(SOURCE, "", "")


def gateway_routes(inbox: Inbox, secret: str) -> list[web.RouteDef]:
    """The route that the phone posts to. 404 without the secret, 400 and 413 for what is no event, 503 while nothing can
    be stored."""

    async def received(request: web.Request) -> web.Response:
        if not hmac.compare_digest(request.match_info["secret"].encode(), secret.encode()):
            raise web.HTTPNotFound
        event = await read_json(request, LONGEST)
        id, said = event.get("id"), event.get("payload")
        if not isinstance(id, str) or not EVENT_ID.fullmatch(id) or not isinstance(said, dict):
            raise web.HTTPBadRequest(text="not an event")
        if event.get("event") == RECEIVED:
            with storing():
                await inbox.accept(SOURCE, id, said)
        return web.Response()

    return [web.post(f"{PATH}/{{secret}}", received)]


def read_text(event: InboxEvent) -> Turn | None:
    """The turn of a stored text; None where its sender has no number (a bank, a network), so that nobody is meant."""
    said = json.loads(event.payload)
    phone, text = said.get("sender") or said.get("phoneNumber"), said.get("message")
    if not isinstance(phone, str) or not PHONE.fullmatch(phone) or not isinstance(text, str):
        return None
    return Turn(
        channel="sms",
        address=phone,
        user=phone,
        event=event.id.partition(":")[2],
        at=event.received_at,
        text=text.strip() or None,
        phone=phone,
    )


async def register(client: AsyncAPIClient, public_url: str, secret: str, *, sleep: Sleep = asyncio.sleep) -> None:
    """Tell the gateway where to post; tried until it worked, since the phone may be off."""
    webhook = Webhook(WEBHOOK, f"{public_url.rstrip('/')}{PATH}/{secret}", WebhookEvent.SMS_RECEIVED)
    for wait in chain(WAITS, repeat(WAITS[-1])):
        try:
            await client.create_webhook(webhook)
            return
        # Whatever went wrong, nothing is heard of what people write until this has worked.
        except Exception as error:
            _log.warning("the gateway does not take our address for texts: %s", gateway_error(error).code)
            await sleep(wait)
