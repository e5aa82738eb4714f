"""An emulator of the Telegram Bot API, with the people who sit on the other side of it.

It speaks the wire of core.telegram.org/bots/api as a Bot API server on one's own machine does (plain http, webhooks on
loopback), for one bot. Texts go without `parse_mode`; what it does not know is 404, as an unknown method is.
"""

import asyncio
import base64
import json
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial

from aiohttp import web
from aiohttp.web_request import FileField

from bot.playground.telegram_methods import METHODS, PAYMENT_WAITS
from bot.playground.telegram_people import Group, User
from bot.playground.telegram_profile import Profile
from bot.playground.telegram_rules import Pace
from bot.playground.telegram_updates import Updates
from bot.playground.telegram_world import Account, ApiError, Chat, Message, Payment, Press, World
from bot.playground.wire import Emulator, Json, Now, Sleep, play, read_action, utc_now

DEMO_TOKEN = "4200000042:playground-token-of-no-value"
NESTED = {
    "reply_markup",
    "entities",
    "reply_parameters",
    "allowed_updates",
    "commands",
    "scope",
    "prices",
    "suggested_tip_amounts",
    "link_preview_options",
    "provider_data",
}
NUMBERS = {
    "message_id",
    "message_thread_id",
    "reply_to_message_id",
    "user_id",
    "offset",
    "limit",
    "timeout",
    "max_tip_amount",
    "cache_time",
    "max_connections",
}
FLAGS = {
    "show_alert",
    "ok",
    "drop_pending_updates",
    "allow_sending_without_reply",
    "disable_notification",
    "protect_content",
}
PATIENCE = 5.0
"""Seconds that `idle` waits for a poller to come back."""


class TelegramEmulator(Emulator):
    """Telegram, as one bot and its people see it.

    `limits=False` switches the flood limits off; `clock` is what they count by, in seconds. `sees_all` stands for a bot
    whose privacy mode was switched off. `calls` names methods as the Bot API does (`sendMessage`).
    """

    def __init__(
        self,
        token: str = DEMO_TOKEN,
        *,
        username: str = "vizit_demo_bot",
        name: str = "Vizit",
        now: Now = utc_now,
        sleep: Sleep = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
        limits: bool = True,
        sees_all: bool = False,
    ) -> None:
        super().__init__(now=now, sleep=sleep)
        self.token = token
        self.limits = limits
        self._pace = Pace(clock)
        self._profile = Profile(name)
        self.updates = Updates(now, sleep, self.spawn, lambda: self.session)
        account = Account(int(token.partition(":")[0]), name, username=username, is_bot=True)
        self.world = World(account, now, self.updates.put, self.changed, self._admit)
        self.world.sees_all = sees_all
        self._methods = {name.lower(): (name, act) for name, act in self._all_methods().items()}
        self._users: dict[int, User] = {}
        self._groups: dict[int, Group] = {}

    # People

    def user(self, id: int, first_name: str = "", language_code: str | None = None, phone: str | None = None) -> User:
        """The person with this account id; the first call makes them, with a phone in E.164."""
        if id not in self._users:
            account = Account(id, first_name or f"User {id}", language_code, phone)
            self.world.accounts[id] = account
            self.world.chats[id] = Chat(id, "private", account.first_name, members={id: "member"})
            self._users[id] = User(self.world, account)
            self.changed()
        return self._users[id]

    def group(self, title: str, members: Sequence[User], *, supergroup: bool = False) -> Group:
        """A new group of these people, the first being its owner; the bot has to be added."""
        if not members:
            raise ValueError("a group has at least its owner")
        statuses = {user.id: "creator" if user is members[0] else "member" for user in members}
        chat = self.world.open_group("supergroup" if supergroup else "group", title, statuses)
        group = self._groups[chat.id] = Group(self.world, chat)
        return group

    def chat(self, id: int) -> Chat:
        """The chat of that id; KeyError when there is none."""
        return self.world.chats[id]

    def press(self, id: str) -> Press:
        """The tap with that callback query id; KeyError when it is unknown."""
        return self.world.presses[id]

    async def idle(self, patience: float = PATIENCE) -> bool:
        """Wait until the bot has taken every update, and answered whoever wants to pay; False when it does not come for
        them."""
        quiet = await self.updates.settle(patience)
        if quiet and await self._checkouts(patience):
            quiet = await self.updates.settle(patience)
        # A webhook that fails is not under way: its deliveries are over, its updates wait.
        return await super().idle() and quiet

    async def _checkouts(self, patience: float) -> bool:
        """Wait, at most ``patience`` seconds, until every payer has an answer; False where nobody wants to pay."""
        until, waited = time.monotonic() + patience, False
        while any(map(self._unanswered, self.world.payments.values())) and (left := until - time.monotonic()) > 0:
            waited = True
            await self.wait_change(self.version, left)
        return waited

    def _unanswered(self, payment: Payment) -> bool:
        return payment.accepted is None and self.world.now() - payment.at <= PAYMENT_WAITS

    # The Bot API

    def routes(self) -> Iterable[web.RouteDef]:
        """Answer with the routes of the Bot API."""
        return [
            web.route("*", "/bot{token}/{method}", self._api),
            web.get("/file/bot{token}/{path:.+}", self._download),
        ]

    def refusal(self, status: int) -> Json:
        """Answer with the Bot API's error body for an HTTP status."""
        words = {429: "retry after 1", 401: "Unauthorized", 500: "Internal Server Error", 502: "Bad Gateway"}
        parameters = {"retry_after": 1} if status == 429 else {}
        return ApiError(status, words.get(status, "refused"), **parameters).body

    def _all_methods(self) -> dict[str, Callable[[Json], object]]:
        of_world = METHODS | self._profile.methods()
        return {name: partial(act, self.world) for name, act in of_world.items()} | {
            "getMe": self._get_me,
            "getUpdates": self.updates.poll,
            "setWebhook": self.updates.set_webhook,
            "deleteWebhook": self.updates.delete_webhook,
            "getWebhookInfo": lambda _: self.updates.webhook_info(),
        }

    def _admit(self, chat: Chat) -> None:
        if self.limits:
            self._pace.admit(chat)

    def _get_me(self, _: Json) -> object:
        abilities = {"can_join_groups": True, "can_read_all_group_messages": self.world.sees_all}
        return self.world.bot.json() | abilities | {"supports_inline_queries": False}

    async def _api(self, request: web.Request) -> web.Response:
        if request.match_info["token"] != self.token:
            return _error(ApiError(401, "Unauthorized"))
        called = request.match_info["method"]
        try:
            params = await _read(request)
        except ApiError as refusal:
            return _error(refusal)
        name, act = self._methods.get(called.lower(), (called, _unknown))
        return await self.serve(request, name, params, partial(self._answer, act, params))

    async def _answer(self, act: Callable[[Json], object], params: Json) -> web.Response:
        try:
            result = act(params)
            if isinstance(result, Awaitable):
                result = await result
        except ApiError as refusal:
            return _error(refusal)
        return web.json_response({"ok": True, "result": result})

    async def _download(self, request: web.Request) -> web.Response:
        path = request.match_info["path"]
        stored = next((one for one in self.world.files.values() if one.path == path), None)
        if request.match_info["token"] != self.token or stored is None:
            return _error(ApiError(404, "file not found"))
        return web.Response(body=stored.data, content_type="application/octet-stream")

    # The page

    def play_routes(self) -> Iterable[web.RouteDef]:
        """Answer with the routes for a page that plays the people.

        `GET /play/telegram/state` (`?since=VERSION` waits for news), `GET /play/telegram/files/FILE_ID`, and
        `POST /play/telegram/users/ID/ACTION` or `…/groups/ID/ACTION` with the action's arguments as a JSON object:
        `says {text, chat?}`, `replies {message, text, chat?}`, `taps {button, message?, chat?}`, `start {payload?}`,
        `shares_contact {own?, phone?}`, `sends_photo {data (base64), caption?, chat?}`, `pays {tip?}`, `blocks`,
        `unblocks`; `add_bot`, `remove_bot`, `promote_bot`, `upgrade`.
        """
        return [
            web.get("/play/telegram/state", self.follow),
            web.get("/play/telegram/files/{id}", self._show_file),
            web.post("/play/telegram/users/{id}/{action}", self._play_user),
            web.post("/play/telegram/groups/{id}/{action}", self._play_group),
        ]

    def state(self) -> Json:
        """A snapshot for a page: `version` and every chat with its messages, its keyboard and its latest taps."""
        return {
            "version": self.version,
            "bot": self.world.bot.json(),
            "users": [user.account.json() | {"phone": user.account.phone} for user in self._users.values()],
            "chats": [self._chat_state(chat) for chat in self.world.chats.values()],
        }

    def _chat_state(self, chat: Chat) -> Json:
        presses = [one for one in self.world.presses.values() if one.message.chat is chat][-5:]
        return {
            "id": chat.id,
            "type": chat.kind,
            "title": chat.title,
            "bot": chat.bot,
            "members": sorted(chat.members),
            "migrated_to": chat.migrated_to,
            "keyboard": (chat.keyboard or {}).get("keyboard"),
            "messages": [_seen(message, self.world.bot) for message in chat.messages],
            "presses": [
                {"message": one.message.message_id, "answered": one.answered, "text": one.text, "alert": one.alert}
                for one in presses
            ],
        }

    async def _show_file(self, request: web.Request) -> web.Response:
        stored = self.world.files.get(request.match_info["id"])
        if stored is None:
            raise web.HTTPNotFound
        return web.Response(body=stored.data, content_type="image/png" if stored.path.endswith("png") else "image/jpeg")

    async def _play_user(self, request: web.Request) -> web.Response:
        user = self._users.get(_number(request))
        if user is None:
            raise web.HTTPNotFound
        arguments = await read_action(request)
        chat = self.world.chats.get(arguments.pop("chat", user.id))
        if chat is None:
            return web.json_response({"error": "there is no such chat"}, status=400)
        action = request.match_info["action"]
        if action in ("says", "sends_photo", "taps"):
            arguments["in_chat"] = chat
        if action == "sends_photo":
            arguments["data"] = base64.b64decode(str(arguments.get("data", "")))
        if "message" in arguments:
            message = chat.find(arguments.pop("message"))
            if message is None:
                return web.json_response({"error": "that message is gone"}, status=400)
            arguments["on" if action in ("taps", "pays") else "message"] = message
        return await _act(user, action, USER_ACTIONS, arguments)

    async def _play_group(self, request: web.Request) -> web.Response:
        group = self._groups.get(_number(request))
        if group is None:
            raise web.HTTPNotFound
        return await _act(group, request.match_info["action"], GROUP_ACTIONS, await read_action(request))


USER_ACTIONS = frozenset(
    {"start", "says", "replies", "taps", "shares_contact", "sends_photo", "pays", "blocks", "unblocks"}
)
GROUP_ACTIONS = frozenset({"add_bot", "remove_bot", "promote_bot", "upgrade"})


async def _act(who: User | Group, action: str, allowed: frozenset[str], arguments: Json) -> web.Response:
    if action not in allowed:
        raise web.HTTPNotFound
    return await play(getattr(who, action), arguments)


def _number(request: web.Request) -> int:
    text = request.match_info["id"]
    return int(text) if text.removeprefix("-").isdigit() else 0


def _seen(message: Message, bot: Account) -> Json:
    shown = ("text", "caption", "entities", "from", "chat")
    return {
        "id": message.message_id,
        "date": message.date.isoformat(),
        "from": "bot" if message.sender is bot else message.sender.first_name,
        "from_id": message.sender.id,
        "text": message.text,
        "buttons": message.buttons,
        "edited": message.edited,
        "reply_to": message.reply_to.message_id if message.reply_to else None,
        "thread": message.thread,
        "extra": {key: value for key, value in message.content.items() if key not in shown},
    }


def _unknown(_: Json) -> object:
    raise ApiError(404, "method not found")


def _error(refusal: ApiError) -> web.Response:
    return web.json_response(refusal.body, status=refusal.code)


async def _read(request: web.Request) -> Json:
    """The parameters of a call, from the query, a form or JSON: nested values decoded, uploads as bytes."""
    if request.content_type == "application/json":
        try:
            return dict(request.query) | dict(await request.json())
        except ValueError:
            raise ApiError(400, "can't parse the JSON body") from None
    form = dict(await request.post())
    params: Json = dict(request.query)
    for name, value in form.items():
        source = form.get(value.removeprefix("attach://")) if isinstance(value, str) and "://" in value[:9] else value
        params[name] = source.file.read() if isinstance(source, FileField) else _typed(name, value)
    return params


def _typed(name: str, value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        if name in NESTED:
            return json.loads(value)
        if name in NUMBERS or (name == "chat_id" and value.removeprefix("-").isdigit()):
            return int(value)
    except ValueError:
        raise ApiError(400, f"can't parse {name}") from None
    return value.lower() == "true" if name in FLAGS else value
