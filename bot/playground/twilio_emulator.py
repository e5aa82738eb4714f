"""An emulator of Twilio's Messages and Content APIs for WhatsApp and SMS, with the people at the other end.

The SDK speaks to three hosts (api, content, messaging); their paths differ, so one base URL stands for all of them.
The sandbox, scheduling, voice and media downloads are not here.
"""

import asyncio
import base64
import binascii
import hmac
import random
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from aiohttp import web

from bot.playground.twilio_callbacks import Courier
from bot.playground.twilio_content import Approval, Content, Template, make_template, objection
from bot.playground.twilio_messages import Account, Message, ending, failure, take_order
from bot.playground.twilio_people import Person
from bot.playground.twilio_resources import Resources
from bot.playground.twilio_rules import PHONE, REFUSALS, USER_ID, WHATSAPP, Refusal
from bot.playground.wire import Emulator, Json, Now, Sleep, play, read_action, utc_now

DEMO_ACCOUNT = "AC" + "5a" * 16
DEMO_TOKEN = "playground-token-of-no-value"
DEMO_SERVICE = "MG" + "5a" * 16
DEMO_WHATSAPP = WHATSAPP + "+14155550100"
DEMO_SMS = "+14155550101"
ALL_KEPT = 5000
PAUSE = 0.05
"""Seconds between two statuses of a message."""
STOP_WORDS = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"})
START_WORDS = frozenset({"START", "YES", "UNSTOP"})
COUNTRIES = {"+380": "UA", "+90": "TR", "+77": "KZ", "+7": "RU", "+48": "PL", "+44": "GB", "+1": "US"}
Handler = Callable[[web.Request, Json], Awaitable[web.Response]]


class TwilioEmulator(Emulator):
    """Twilio, for one account.

    `inbound_url` is the webhook for what people write (WhatsApp and SMS alike; a `#rc=…` fragment is honoured).
    `disorder`, 0 to 1, is how often a status callback comes out of order or twice, by a random seeded with `seed`; `lost`
    is how often one never comes.
    `auto_review` lets WhatsApp review submitted templates by its published rules. `concurrency` calls at once are
    served, more get 20429. `calls` names: create_message, list_messages, fetch_message, fetch_account, create_content,
    list_content, list_content_and_approvals, fetch_content, delete_content, submit_content, fetch_approval,
    fetch_service.
    """

    def __init__(
        self,
        account_sid: str = DEMO_ACCOUNT,
        auth_token: str = DEMO_TOKEN,
        *,
        senders: Sequence[str] = (DEMO_WHATSAPP, DEMO_SMS),
        services: Mapping[str, Sequence[str]] | None = None,
        inbound_url: str = "",
        now: Now = utc_now,
        sleep: Sleep = asyncio.sleep,
        disorder: float = 0.0,
        lost: float = 0.0,
        seed: int = 0,
        auto_review: bool = True,
        concurrency: int = 100,
    ) -> None:
        super().__init__(now=now, sleep=sleep)
        self.auth_token = auth_token
        self.inbound_url = inbound_url
        self.disorder = disorder
        self.lost = lost
        self.auto_review = auto_review
        self.concurrency = concurrency
        self.templates: dict[str, Template] = {}
        self.troubles: dict[str, int] = {}
        self.messages: deque[Message] = deque(maxlen=ALL_KEPT)
        known = services if services is not None else {DEMO_SERVICE: tuple(senders)}
        self.account = Account(account_sid, tuple(senders), known, self.templates, self.troubles)
        self._chance = random.Random(seed)
        self.courier = Courier(auth_token, lambda: self.session, self._chance)
        self._resources = Resources(self)
        self._people: dict[str, Person] = {}
        self._by_address: dict[str, Person] = {}
        self._busy = 0

    # People and preparations

    def person(
        self, phone: str | None = None, name: str = "", bsuid: str | None = None, *, whatsapp: bool = True
    ) -> Person:
        """A person, known by phone (E.164) or, without one, by WhatsApp user id; the first call makes them.

        `whatsapp=False`: a phone without WhatsApp, to which messages fail with 63003.
        """
        known = self._people.get((phone or "").lstrip("+") or bsuid or "")
        if known is not None:
            return known
        if phone is not None and not PHONE.fullmatch(phone):
            raise ValueError("a phone is E.164: +380671234567")
        user_id = bsuid or self._user_id(phone or "")
        if not USER_ID.fullmatch(user_id):
            raise ValueError("a WhatsApp user id is a country and letters: UA.123")
        person = Person(name or phone or user_id, phone, user_id, self.now, self._receive, self._report)
        person.on_whatsapp, person.trouble = whatsapp, None if whatsapp else 63003
        self._people[person.key] = person
        addresses = [WHATSAPP + user_id, *([phone, WHATSAPP + phone] if phone else [])]
        self._by_address |= dict.fromkeys(addresses, person)
        self.changed()
        return person

    def _user_id(self, phone: str) -> str:
        country = next((word for prefix, word in COUNTRIES.items() if phone.startswith(prefix)), "US")
        return f"{country}.{self._chance.randrange(10**15, 10**16)}"

    def template(
        self,
        friendly_name: str,
        language: str,
        types: Mapping[str, Json],
        variables: Mapping[str, str] | None = None,
        *,
        approved: bool = True,
    ) -> str:
        """Put a template there, approved or not yet submitted, and answer with its HX sid."""
        request = {"friendly_name": friendly_name, "language": language, "types": dict(types)}
        template = make_template(self.new_sid("HX"), request | {"variables": dict(variables or {})}, self.now())
        if approved:
            template.approval = Approval("approved", friendly_name, "UTILITY")
        self.templates[template.sid] = template
        return template.sid

    def review(self, sid: str, status: str, reason: str = "") -> None:
        """Let WhatsApp say `status` (approved, rejected, pending, paused, disabled) of a template."""
        approval = self.templates[sid].approval
        approval.status, approval.reason = status, reason
        self.changed()

    def trouble(self, address: str, code: int | None) -> None:
        """Let everything sent to `address` (`+E164` or `whatsapp:…`) meet an error code, until `code` is None.

        Codes of the API (21211, 21408, 21610, 21614 …) are answered at once, all others come by callback.
        """
        if code is None:
            self.troubles.pop(address, None)
        else:
            self.troubles[address] = code

    def new_sid(self, prefix: str) -> str:
        """A sid that was not given before: the prefix and 32 hex digits."""
        return f"{prefix}{self._chance.getrandbits(128):032x}"

    # What becomes of messages

    def create(self, form: Mapping[str, str], media: Sequence[str]) -> Message:
        """Accept a message. Refusal when Twilio would refuse it at once."""
        order = take_order(self.account, form, media)
        person = self._by_address.get(order.to)
        trouble = self.troubles.get(order.to)
        by_whatsapp = order.to.startswith(WHATSAPP)
        window_open = person is not None and person.window_open(order.sender)
        if trouble is None and by_whatsapp:
            trouble = 63003 if person is None else person.trouble
        message = Message(
            self.new_sid("MM" if order.template or media else "SM"),
            self.account.sid,
            order.sender,
            order.to,
            order.content,
            "accepted" if order.service_sid else "queued",
            self.now(),
            service_sid=order.service_sid,
            template_sid=order.template.sid if order.template else None,
            status_callback=order.status_callback,
            media=order.media,
            opened=by_whatsapp and not window_open,
        )
        self.messages.append(message)
        self.changed()
        self.spawn(self._live(message, person, failure(order, trouble, window_open)))
        return message

    async def _live(self, message: Message, person: Person | None, code: int | None) -> None:
        await self.sleep(PAUSE)
        if message.status == "accepted":
            self._report(message, "queued")
        if code is not None:
            self._report(message, ending(code), code)
            return
        self._report(message, "sent")
        await self.sleep(PAUSE)
        if person is None:
            self._report(message, "delivered")
        else:
            person.arrives(message)
        self._call_back(message, [])

    def _report(self, message: Message, status: str, code: int | None = None) -> None:
        message.move_to(status, self.now(), code)
        self.changed()
        if self.lost and self._chance.random() < self.lost:
            return
        fields = message.callback(status)
        if status == "sent" and self._chance.random() < self.disorder:
            message.late = fields
            return
        self._call_back(message, [fields] * (2 if self._chance.random() < self.disorder else 1))

    def _call_back(self, message: Message, batch: list[dict[str, str]]) -> None:
        """Post the callbacks of `batch`, and after them the one that was held back."""
        if message.late is not None:
            batch, message.late = [*batch, message.late], None
        if message.status_callback and batch:
            self.spawn(self._post(message.line, message.status_callback, batch))

    async def _post(self, line: asyncio.Lock, url: str, batch: Sequence[Mapping[str, str]]) -> None:
        async with line:
            for fields in batch:
                await self.courier.post(url, fields)

    async def _receive(self, person: Person, address: str, text: str, extra: Mapping[str, str]) -> Message:
        by_whatsapp = address.startswith(WHATSAPP)
        fitting = (one for one in self.account.senders if one.startswith(WHATSAPP) is by_whatsapp)
        to = extra.get("To") or next(fitting, "")
        if not to:
            raise LookupError("the business has no number for that")
        sid, created = self.new_sid("SM"), self.now()
        message = Message(
            sid, self.account.sid, address, to, Content("twilio/text", text), "received", created, direction="inbound"
        )
        self.messages.append(message)
        (person.messages if by_whatsapp else person.texts).append(message)
        if by_whatsapp:
            person.wrote_at[to] = created
        elif text.strip().upper() in STOP_WORDS:
            self.trouble(address, 21610)
        elif text.strip().upper() in START_WORDS and self.troubles.get(address) == 21610:
            self.trouble(address, None)
        self.changed()
        if self.inbound_url:
            fields = message.inbound(person.identity if by_whatsapp else {}) | dict(extra) | {"To": to}
            self.spawn(self._post(person.line, self.inbound_url, [fields]))
        return message

    # Twilio's API

    def routes(self) -> Iterable[web.RouteDef]:
        """Answer with the routes of the three hosts."""
        return [
            web.route(verb, path, partial(self._api, name, handler))
            for name, (verb, path, handler) in self._resources.table().items()
        ]

    def refusal(self, status: int) -> Json:
        """Answer with Twilio's JSON for an HTTP status."""
        code = next((code for code, (of, _) in REFUSALS.items() if of == status), 20001)
        return Refusal(code).body() | {"status": status}

    async def _api(self, name: str, handler: Handler, request: web.Request) -> web.Response:
        params = await _read(request)
        return await self.serve(request, name, params, partial(self._answer, handler, request, params))

    async def _answer(self, handler: Handler, request: web.Request, params: Json) -> web.Response:
        try:
            self._check_caller(request)
            return await handler(request, params)
        except Refusal as refusal:
            return web.json_response(refusal.body(), status=refusal.status)

    async def serve(
        self, request: web.Request, method: str, params: Json, act: Callable[[], Awaitable[web.Response]]
    ) -> web.Response:
        """As for every emulator, within the number of calls that are served at once."""
        if self._busy >= self.concurrency:
            return await super().serve(request, method, params, partial(_too_many))
        self._busy += 1
        try:
            return await super().serve(request, method, params, act)
        finally:
            self._busy -= 1

    def _check_caller(self, request: web.Request) -> None:
        scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
        try:
            given = base64.b64decode(credentials) if scheme.lower() == "basic" else b""
        except binascii.Error:
            raise Refusal(20003) from None
        if not hmac.compare_digest(given, f"{self.account.sid}:{self.auth_token}".encode()):
            raise Refusal(20003)
        if request.match_info.get("account", self.account.sid) != self.account.sid:
            raise Refusal(20404)

    def submitted(self, template: Template) -> None:
        """Start WhatsApp's review of a template that was just submitted."""
        if self.auto_review:
            self.spawn(self._review(template))

    async def _review(self, template: Template) -> None:
        await self.sleep(PAUSE)
        self.review(template.sid, "pending")
        await self.sleep(PAUSE)
        reason = objection(template)
        self.review(template.sid, "rejected" if reason else "approved", reason)

    # The page

    def play_routes(self) -> Iterable[web.RouteDef]:
        """Answer with the routes for a page that plays the people.

        `GET /play/twilio/state` (`?since=VERSION` waits for news) and `POST /play/twilio/people/KEY/ACTION` with the
        arguments as a JSON object: `says {text, reply_to?}`, `taps {title, on?}`, `picks {item, on?}` (messages by
        sid), `texts_back {text}`, `reads`, `goes_offline`, `comes_online`, `leaves_whatsapp`, `joins_whatsapp`,
        `blocks`, `unblocks`. KEY is the phone's digits, else the WhatsApp user id.
        """
        return [
            web.get("/play/twilio/state", self.follow),
            web.post("/play/twilio/people/{key}/{action}", self._play),
        ]

    def state(self) -> Json:
        """A snapshot for a page: `version`, everybody with both chats, and the templates."""
        return {
            "version": self.version,
            "people": [self._person_state(person) for person in self._people.values()],
            "templates": [
                {"sid": one.sid, "name": one.friendly_name, "language": one.language, "status": one.approval.status}
                for one in self.templates.values()
            ],
        }

    def _person_state(self, person: Person) -> Json:
        open_for = [sender for sender in person.wrote_at if person.window_open(sender)]
        return {
            "key": person.key,
            "name": person.name,
            "phone": person.phone,
            "bsuid": person.bsuid,
            "on_whatsapp": person.on_whatsapp,
            "online": person.online,
            "window_open": open_for,
            "messages": [_seen(message) for message in person.messages],
            "texts": [_seen(message) for message in person.texts],
        }

    async def _play(self, request: web.Request) -> web.Response:
        person = self._people.get(request.match_info["key"])
        action = request.match_info["action"]
        if person is None or action not in PERSON_ACTIONS:
            raise web.HTTPNotFound
        arguments = await read_action(request)
        for name in arguments.keys() & {"on", "reply_to"}:
            shown = next((one for one in person.messages if one.sid == arguments[name]), None)
            if shown is None:
                return web.json_response({"error": "that message is gone"}, status=400)
            arguments[name] = shown
        return await play(getattr(person, action), arguments)


PERSON_ACTIONS = frozenset(
    {"says", "taps", "picks", "texts_back", "reads", "goes_offline", "comes_online"}
    | {"leaves_whatsapp", "joins_whatsapp", "blocks", "unblocks"}
)


def _seen(message: Message) -> Json:
    return {
        "sid": message.sid,
        "date": message.created.isoformat(),
        "from": "person" if message.direction == "inbound" else "business",
        "text": message.body,
        "buttons": list(message.buttons),
        "items": list(message.items),
        "list_button": message.content.list_button,
        "media": list(message.media),
        "status": message.status,
        "segments": message.segments,
    }


async def _too_many() -> web.Response:
    return web.json_response(Refusal(20429).body(), status=429)


async def _read(request: web.Request) -> Json:
    """The parameters of a call, from the query and the form or JSON body; `MediaUrl` as a list."""
    if request.content_type == "application/json":
        try:
            body: Any = await request.json()
        except ValueError:
            body = None
        return body if isinstance(body, dict) else {}
    form = await request.post()
    return {name: form.getall(name) if name == "MediaUrl" else form[name] for name in form} | dict(request.query)
