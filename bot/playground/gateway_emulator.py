"""An emulator of SMS Gateway for Android: its server, the salon's phone that fetches messages from it, and the people.

`POST /messages`, `GET /messages`, `GET` and `DELETE /messages/{id}`, `GET /devices`, `/webhooks`, `/health`, with Basic
auth. With `local` it is the app on the phone itself: no list of devices, `/device` instead, and a message that comes twice
is taken silently. Encryption, data messages, MMS, tokens and logs are not here.
"""

import asyncio
import base64
import binascii
import contextlib
import hashlib
import hmac
import json
import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from aiohttp import ClientError, web

from bot.playground.wire import Emulator, Json, Now, Sleep, play, read_action, utc_now

DEMO_USER = "salon"
DEMO_PASSWORD = "playground-password-of-no-value"
DEVICE = "ffffffffceb0b1db0000018e937c815b"
PHONE = re.compile(r"\+[1-9]\d{7,14}")
PAUSE = 0.05
"""Seconds between two states of a message."""
PAGE, LONGEST_PAGE = 50, 100
EVENTS = {
    "Sent": ("sms:sent", "sentAt"),
    "Delivered": ("sms:delivered", "deliveredAt"),
    "Failed": ("sms:failed", "failedAt"),
}
ENDED = frozenset({"Delivered", "Failed", "Cancelled"})
Handler = Callable[[web.Request, Json], web.Response]


@dataclass
class Text:
    """A message as the gateway keeps it; its `states` with the moment of each."""

    id: str
    to: str
    body: str
    created: datetime
    valid_until: datetime | None
    state: str = "Pending"
    error: str | None = None
    states: dict[str, datetime] = field(default_factory=dict)

    def json(self) -> Json:
        """The gateway's resource."""
        recipient = {"phoneNumber": self.to, "state": self.state} | ({"error": self.error} if self.error else {})
        return {
            "id": self.id,
            "deviceId": DEVICE,
            "state": self.state,
            "isHashed": False,
            "isEncrypted": False,
            "recipients": [recipient],
            "states": {state: _iso(at) for state, at in self.states.items()},
            "createdAt": _iso(self.created),
        }


@dataclass
class Person:
    """Somebody with a phone: `texts` are what came, oldest first; `trouble` is the reason for which texts to it fail; a
    phone that is off (`online`) reports nothing."""

    phone: str
    name: str = ""
    online: bool = True
    trouble: str | None = None
    texts: list[Text] = field(default_factory=list)


class Refusal(Exception):
    """A call that the gateway refuses, with its HTTP status and words."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status, self.words = status, words


class GatewayEmulator(Emulator):
    """A gateway with one account and one phone.

    `calls` names: send_message, list_messages, fetch_message, cancel_message, list_devices, health, list_webhooks,
    create_webhook, delete_webhook. The phone is heard of whenever it is online.
    """

    def __init__(
        self,
        user: str = DEMO_USER,
        password: str = DEMO_PASSWORD,
        *,
        local: bool = False,
        now: Now = utc_now,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        super().__init__(now=now, sleep=sleep)
        self.user, self.password, self.local = user, password, local
        self.online = self.bound = True
        self.full = False
        """Too many messages wait for the phone."""
        self.last_seen = now()
        self.texts: dict[str, Text] = {}
        self.webhooks: dict[str, Json] = {}
        self.signing_key = "playground-signing-key"
        self._people: dict[str, Person] = {}
        self._events = 0

    # People and the phone

    def person(self, phone: str, name: str = "") -> Person:
        """Somebody with this phone (E.164); the first call makes them."""
        if not PHONE.fullmatch(phone):
            raise ValueError("a phone is E.164: +380671234567")
        return self._people.setdefault(phone, Person(phone, name or phone))

    async def goes_offline(self) -> None:
        """The phone of the salon has no network: messages wait at the server."""
        self.last_seen, self.online = self._seen(), False
        self.changed()

    async def comes_online(self) -> None:
        """It has network again, and fetches what waits."""
        self.online = True
        self.changed()
        for text in [text for text in self.texts.values() if text.state == "Pending"]:
            self.spawn(self._live(text))

    async def is_unbound(self) -> None:
        """The phone is taken off the account, to be bound again."""
        self.bound = False
        self.changed()

    async def is_bound(self) -> None:
        """The phone is bound to the account again."""
        self.bound = True
        await self.comes_online()

    async def texts_back(self, person: Person, body: str) -> None:
        """Write to the salon's phone."""
        payload = {"messageId": hashlib.sha256(body.encode()).hexdigest()[:8], "message": body, "simNumber": 1}
        sent = {"phoneNumber": person.phone, "sender": person.phone, "receivedAt": _iso(self.now())}
        self._announce("sms:received", payload | sent)

    async def switches_on(self, person: Person) -> None:
        """The person's phone is on again; what was sent arrives."""
        person.online = True
        for text in [text for text in self.texts.values() if (text.to, text.state) == (person.phone, "Sent")]:
            person.texts.append(text)
            self._move(text, "Delivered")

    def _seen(self) -> datetime:
        return self.now() if self.online else self.last_seen

    # What becomes of messages

    async def _live(self, text: Text) -> None:
        if not (self.online and self.bound) or text.state != "Pending":
            return
        await self.sleep(PAUSE)
        person = self._people.get(text.to)
        if text.valid_until is not None and text.valid_until < self.now():
            self._move(text, "Failed", "TTL expired")
            return
        self._move(text, "Processed")
        await self.sleep(PAUSE)
        if person is not None and person.trouble is not None:
            self._move(text, "Failed", person.trouble)
            return
        self._move(text, "Sent")
        await self.sleep(PAUSE)
        if person is not None and person.online:
            person.texts.append(text)
            self._move(text, "Delivered")

    def _move(self, text: Text, state: str, error: str | None = None) -> None:
        text.state, text.error = state, error
        text.states[state] = self.now()
        self.changed()
        if state in EVENTS:
            event, at = EVENTS[state]
            payload = {"messageId": text.id, "phoneNumber": text.to, at: _iso(self.now())}
            self._announce(event, payload | ({"reason": error} if error else {}))

    def _announce(self, event: str, payload: Json) -> None:
        for webhook in self.webhooks.values():
            if webhook["event"] == event:
                self._events += 1
                body = {"deviceId": DEVICE, "event": event, "id": f"event-{self._events}", "payload": payload}
                self.spawn(self._post(webhook["url"], body | {"webhookId": webhook["id"]}))

    async def _post(self, url: str, event: Json) -> None:
        """Post an event as the phone does, signed. Giving up is silent."""
        body, at = json.dumps(event), str(int(self.now().timestamp()))
        signature = hmac.new(self.signing_key.encode(), (body + at).encode(), hashlib.sha256).hexdigest()
        headers = {"Content-Type": "application/json", "X-Timestamp": at, "X-Signature": signature}
        with contextlib.suppress(ClientError):
            await (await self.session.post(url, data=body, headers=headers)).read()

    # The gateway's API

    def routes(self) -> Iterable[web.RouteDef]:
        """Answer with the routes of the API."""
        table: dict[str, tuple[str, str, Handler]] = {
            "send_message": ("POST", "/messages", self._send),
            "list_messages": ("GET", "/messages", self._list),
            "fetch_message": ("GET", "/messages/{id}", self._fetch),
            "cancel_message": ("DELETE", "/messages/{id}", self._cancel),
            "list_devices": ("GET", "/device" if self.local else "/devices", self._devices),
            "list_webhooks": ("GET", "/webhooks", lambda _, __: web.json_response(list(self.webhooks.values()))),
            "create_webhook": ("POST", "/webhooks", self._create_webhook),
            "delete_webhook": ("DELETE", "/webhooks/{id}", self._delete_webhook),
        }
        return [
            web.get("/health", self._health),
            *(web.route(verb, path, partial(self._api, name, act)) for name, (verb, path, act) in table.items()),
        ]

    def refusal(self, status: int) -> Json:
        """Answer with the gateway's JSON for an HTTP status."""
        return {"message": {401: "Unauthorized", 500: "failed to handle request"}.get(status, "refused")}

    async def _api(self, name: str, act: Handler, request: web.Request) -> web.Response:
        body: Any = await request.json() if request.can_read_body else {}
        params = {**request.query, **(body if isinstance(body, dict) else {})}
        return await self.serve(request, name, params, partial(self._answer, act, request, params))

    async def _answer(self, act: Handler, request: web.Request, params: Json) -> web.Response:
        try:
            self._check_caller(request)
            return act(request, params)
        except Refusal as refusal:
            return web.json_response({"message": refusal.words}, status=refusal.status)

    def _check_caller(self, request: web.Request) -> None:
        scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
        try:
            given = base64.b64decode(credentials) if scheme.lower() == "basic" else b""
        except binascii.Error:
            raise Refusal(401, "Unauthorized") from None
        if not hmac.compare_digest(given, f"{self.user}:{self.password}".encode()):
            raise Refusal(401, "Unauthorized")

    def _send(self, request: web.Request, params: Json) -> web.Response:
        phones, content = params.get("phoneNumbers"), params.get("textMessage")
        body = content.get("text") if isinstance(content, dict) else None
        if not isinstance(body, str) or not body or not isinstance(phones, list) or len(phones) != 1:
            raise Refusal(400, "No message content provided")
        if not self.bound:
            raise Refusal(400, "failed to select device: record not found")
        if not PHONE.fullmatch(str(phones[0])):
            raise Refusal(400, "failed to enqueue message: can't use phone in row 1: invalid phone number")
        if self.full:
            raise Refusal(503, "queue limits exceeded: too many pending messages")
        id = str(params.get("id") or f"{len(self.texts):021d}")
        known = self.texts.get(id)
        if known is not None and not self.local:
            raise Refusal(409, "failed to enqueue message: message with the same ID already exists")
        if known is None:
            until = self.now() + timedelta(seconds=params["ttl"]) if params.get("ttl") else None
            known = self.texts[id] = Text(id, phones[0], body, self.now(), until, states={"Pending": self.now()})
            self.changed()
            self.spawn(self._live(known))
        return web.json_response(known.json(), status=202)

    def _list(self, request: web.Request, params: Json) -> web.Response:
        since = datetime.fromisoformat(params["from"]) if "from" in params else None
        found = [text for text in self.texts.values() if since is None or text.created >= since]
        found.sort(key=lambda text: text.created, reverse=True)
        offset, limit = int(params.get("offset", 0)), min(int(params.get("limit", PAGE)), LONGEST_PAGE)
        headers = {"X-Total-Count": str(len(found))}
        return web.json_response([text.json() for text in found[offset : offset + limit]], headers=headers)

    def _fetch(self, request: web.Request, _: Json) -> web.Response:
        return web.json_response(self._text(request).json())

    def _cancel(self, request: web.Request, _: Json) -> web.Response:
        text = self._text(request)
        if text.state in ENDED or text.state != "Pending":
            raise Refusal(409, "message is not pending")
        self._move(text, "Cancelled")
        return web.json_response(text.json())

    def _text(self, request: web.Request) -> Text:
        text = self.texts.get(request.match_info["id"])
        if text is None:
            raise Refusal(404, "message not found")
        return text

    def _devices(self, request: web.Request, _: Json) -> web.Response:
        seen = _iso(self._seen())
        device = {"id": DEVICE, "name": "Samsung/a15", "createdAt": seen, "updatedAt": seen, "lastSeen": seen}
        return web.json_response([device] if self.bound else [])

    def _create_webhook(self, request: web.Request, params: Json) -> web.Response:
        url = str(params.get("url", ""))
        if not url.startswith(("https://", "http://127.0.0.1")):
            raise Refusal(400, "url must start with https://")
        id = str(params.get("id") or f"webhook-{len(self.webhooks)}")
        webhook = self.webhooks[id] = {"id": id, "url": url, "event": params.get("event")}
        return web.json_response(webhook, status=201)

    def _delete_webhook(self, request: web.Request, _: Json) -> web.Response:
        self.webhooks.pop(request.match_info["id"], None)
        return web.Response(status=204)

    async def _health(self, request: web.Request) -> web.Response:
        async def tell() -> web.Response:
            return web.json_response({"status": "pass", "version": "1.0.0", "releaseId": 1, "checks": {}})

        return await self.serve(request, "health", {}, tell)

    # The page

    def play_routes(self) -> Iterable[web.RouteDef]:
        """Answer with the routes for a page that plays the phone and the people.

        `GET /play/gateway/state` (`?since=VERSION` waits for news), `POST /play/gateway/phone/ACTION` (`goes_offline`,
        `comes_online`, `is_unbound`, `is_bound`) and `POST /play/gateway/people/KEY/texts_back {body}`, KEY being the
        digits of the phone.
        """
        return [
            web.get("/play/gateway/state", self.follow),
            web.post("/play/gateway/phone/{action}", self._play_phone),
            web.post("/play/gateway/people/{key}/texts_back", self._play_person),
        ]

    def state(self) -> Json:
        """A snapshot for a page: `version`, the phone, and everybody's texts."""
        return {
            "version": self.version,
            "phone": {"online": self.online, "bound": self.bound, "last_seen": _iso(self._seen())},
            "people": [
                {
                    "key": person.phone.lstrip("+"),
                    "name": person.name,
                    "phone": person.phone,
                    "online": person.online,
                    "texts": [{"id": one.id, "date": _iso(one.created), "text": one.body} for one in person.texts],
                }
                for person in self._people.values()
            ],
        }

    async def _play_phone(self, request: web.Request) -> web.Response:
        if request.match_info["action"] not in PHONE_ACTIONS:
            raise web.HTTPNotFound
        action: Callable[..., Awaitable[None]] = getattr(self, request.match_info["action"])
        return await play(action, await read_action(request))

    async def _play_person(self, request: web.Request) -> web.Response:
        person = self._people.get(f"+{request.match_info['key']}")
        if person is None:
            raise web.HTTPNotFound
        return await play(partial(self.texts_back, person), await read_action(request))


PHONE_ACTIONS = frozenset({"goes_offline", "comes_online", "is_unbound", "is_bound"})


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")
