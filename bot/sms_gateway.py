"""The salon's own phone as a carrier of SMS, through SMS Gateway for Android and its published client.

The gateway is the app on the phone itself, or a server (the project's or one's own) that the phone fetches messages from;
both have the same API, but the app on the phone lists no devices. Our ids are the gateway's ids, so that a message that is
handed over twice is sent once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, NamedTuple

from aiohttp import ClientSession, ClientTimeout
from android_sms_gateway.ahttp import AiohttpAsyncHttpClient
from android_sms_gateway.client import AsyncAPIClient
from android_sms_gateway.domain import Device, MessagesQueryFilter, QueryPagination, TextMessage
from android_sms_gateway.domain import Message as Request
from android_sms_gateway.errors import APIError, NotFoundError

from bot.gateway_codes import GATEWAY_STATUSES, gateway_error, gateway_verdict
from bot.provider_codes import AGAIN, LOCKED_OUT, REFUSED
from bot.receipts import Heard, StatusWord
from handlers.channel import SendError
from handlers.phone import PhoneState
from storage.records import Message, Millis
from storage.store import Permit, Store

TIMEOUT: Final = ClientTimeout(total=30, sock_connect=10)
VALID_S: Final = 600
"""How long a message may wait for the phone. What could not go within ten minutes fails there, and goes elsewhere."""
LOOKS_EVERY: Final[Millis] = 20_000
"""For how long the state of the phone is believed."""
SILENT_AFTER: Final[Millis] = 3_600_000
"""A phone that was not heard of for so long is not waited for. It fetches messages every quarter of an hour at least."""
DAY: Final[Millis] = 86_400_000
PAGE: Final = 100
MOST_PAGES: Final = 10
TAKEN_ALREADY: Final = 409

_log = logging.getLogger(__name__)


class Gateway:
    """The client of a gateway, and its connections; to be made within a running loop. Close it at the end."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self._session = ClientSession(timeout=TIMEOUT)
        self.client = AsyncAPIClient(user, password, base_url=url, http_client=AiohttpAsyncHttpClient(self._session))

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()


class Look(NamedTuple):
    """How a phone is, as its gateway knows it, and when it was last heard of."""

    state: PhoneState
    at: Millis | None = None


async def look(client: AsyncAPIClient, now: Millis) -> Look:
    """Ask the gateway for its phones. Raises what the client raises."""
    try:
        devices = [one for one in await client.list_devices() if one.deleted_at is None]
    except NotFoundError:
        # The app on the phone has no such list, and it has just answered.
        return Look("ready", now)
    if not devices:
        return Look("rebinding")
    at = max(_seen_at(device, now) for device in devices)
    return Look("silent" if now - at > SILENT_AFTER else "ready", at)


def _seen_at(device: Device, now: Millis) -> Millis:
    return now if device.last_seen is None else round(device.last_seen.timestamp() * 1000)


class Phone:
    """The phone behind a gateway, as far as it can be known: whether it is heard of, and what it has sent today.

    ``daily_limit``: texts from midnight to midnight UTC, over all workers; 0: no limit.
    """

    def __init__(self, client: AsyncAPIClient, store: Store, now: Callable[[], Millis], daily_limit: int = 0) -> None:
        self._client, self._store, self._now, self._limit = client, store, now, daily_limit
        self._lock = asyncio.Lock()
        self._looked_at: Millis | None = None
        self._seen_at: Millis = 0
        """When the phone was last known to be there; at first, when it was first looked for."""
        self._state: PhoneState = "ready"

    async def state(self) -> PhoneState:
        """The state as people are to see it. Raises SendError where the gateway refuses the credentials."""
        state = await self._look()
        return "daily_limit" if state == "ready" and not await self._room(0) else state

    async def take(self) -> None:
        """Permission for one text. Raises SendError: not yet (the phone may come back soon), or not by this phone."""
        state = await self._look()
        if state != "ready":
            soon = self._now() - self._seen_at <= SILENT_AFTER
            raise (AGAIN if soon else REFUSED).error(state)
        if not await self._room(1):
            raise REFUSED.error("daily_limit")

    async def _room(self, wanted: int) -> bool:
        """Whether the limit leaves room, for a text that is counted if ``wanted`` is 1."""
        if not self._limit:
            return True
        today = datetime.fromtimestamp(self._now() / 1000, UTC).date()
        # One bucket a day, which holds the day's texts and is not filled up before the next one.
        permit = Permit(f"sms-gateway:{today.isoformat()}", wanted, DAY, self._limit)
        granted = (await self._store.reserve([permit]))[0]
        return granted.n == 1 if wanted else granted.next_at <= self._store.clock()

    async def _look(self) -> PhoneState:
        async with self._lock:
            now = self._now()
            if self._looked_at is None:
                self._seen_at = now
            if self._looked_at is None or not 0 <= now - self._looked_at < LOOKS_EVERY:
                before, self._state = self._state, await self._ask(now)
                self._looked_at = now
                if self._state != before:
                    _log.warning("the salon's phone: %s", self._state)
            return self._state

    async def _ask(self, now: Millis) -> PhoneState:
        try:
            seen = await look(self._client, now)
        # Whatever a look ends with, the phone is not to be reached now.
        except Exception as error:
            if isinstance(error, APIError) and GATEWAY_STATUSES.get(error.status_code or 0) is LOCKED_OUT:
                raise gateway_error(error) from error
            return "silent"
        if seen.at is not None:
            self._seen_at = seen.at
        return seen.state


class GatewayTexts:
    """The phone as a :class:`bot.sms.Carrier`."""

    def __init__(self, client: AsyncAPIClient, phone: Phone) -> None:
        self._client, self._phone = client, phone

    async def text(self, body: str, to: str, message_id: str) -> str:
        """See :meth:`bot.sms.Carrier.text`."""
        await self._phone.take()
        request = Request(phone_numbers=[to], text_message=TextMessage(body), id=message_id, ttl=VALID_S)
        try:
            return (await self._client.send(request)).id
        # Whatever a call ends with, the message may have gone out, and the table says so.
        except Exception as error:
            if isinstance(error, APIError) and error.status_code == TAKEN_ALREADY:
                return message_id
            raise gateway_error(error) from error

    async def look_up(self, message: Message) -> str | None:
        """See :meth:`bot.sms.Carrier.look_up`."""
        try:
            return (await self._client.get_state(message.id)).id
        except NotFoundError:
            return None
        except Exception as error:
            raise gateway_error(error) from error


class Reports:
    """What the gateway says of the messages of the last day, asked for from time to time."""

    def __init__(self, client: AsyncAPIClient, now: Callable[[], Millis]) -> None:
        self._client, self._now = client, now
        self._heard: dict[str, str] = {}
        """Message to the state that was passed on last."""
        self._silent = False

    async def fetch(self, heard: Heard) -> None:
        """Pass on every state that is new since the last time. Raises what ``heard`` raises."""
        listed: set[str] = set()
        try:
            for number in range(MOST_PAGES):
                found = await self._page(number)
                for id, word in found:
                    listed.add(id)
                    if self._heard.get(id) != word.id:
                        await heard(word)
                        self._heard[id] = word.id
                if len(found) < PAGE:
                    break
        except SendError as error:
            if not self._silent:
                _log.warning("the gateway does not say what became of SMS: %s", error)
            self._silent = True
        else:
            self._silent = False
            self._heard = {id: word for id, word in self._heard.items() if id in listed}

    async def _page(self, number: int) -> list[tuple[str, StatusWord]]:
        since = datetime.fromtimestamp((self._now() - DAY) / 1000, UTC)
        pages = QueryPagination(limit=PAGE, offset=number * PAGE)
        try:
            states = await self._client.get_messages(query=MessagesQueryFilter(from_=since), pagination=pages)
            words = [(state.id, gateway_verdict(state)) for state in states]
        except Exception as error:
            raise gateway_error(error) from error
        return [
            (id, StatusWord(id, id, verdict, {"state": verdict.status, "error": verdict.text})) for id, verdict in words
        ]
