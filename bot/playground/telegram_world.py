"""What Telegram knows: accounts, chats, messages, files, and what happens among them. Nothing here speaks HTTP."""

import hashlib
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Generic, TypeVar

from bot.playground.wire import Json, Now

MESSAGES_KEPT = 300
"""Messages a chat remembers; older ones can be neither seen nor edited."""
THINGS_KEPT = 500
"""Presses, payments and files that are remembered."""
FIRST_SUPERGROUP = -1001000000000

BOT_REFUSALS: dict[tuple[str, str], str] = {
    ("private", "absent"): "bot can't initiate conversation with a user",
    ("private", "kicked"): "bot was blocked by the user",
    ("private", "gone"): "user is deactivated",
    ("group", "kicked"): "bot was kicked from the group chat",
    ("group", "left"): "bot is not a member of the group chat",
    ("supergroup", "kicked"): "bot was kicked from the supergroup chat",
    ("supergroup", "left"): "bot is not a member of the supergroup chat",
}
"""Why the bot may not write, by kind of chat and by what the bot is there."""


ERROR_PREFIXES = {400: "Bad Request", 403: "Forbidden", 404: "Not Found", 409: "Conflict", 429: "Too Many Requests"}

T = TypeVar("T")


class ApiError(Exception):
    """A refusal in the Bot API's words: `error_code`, also the HTTP status; `description`; `parameters`."""

    def __init__(self, code: int, description: str, **parameters: int) -> None:
        super().__init__(description)
        prefix = ERROR_PREFIXES.get(code)
        self.code = code
        self.body: Json = {
            "ok": False,
            "error_code": code,
            "description": f"{prefix}: {description}" if prefix else description,
        }
        if parameters:
            self.body["parameters"] = parameters


@dataclass
class Account:
    """A Telegram account. `phone` is E.164, as the person's contact card shows it."""

    id: int
    first_name: str
    language_code: str | None = None
    phone: str | None = None
    username: str | None = None
    is_bot: bool = False

    def json(self) -> Json:
        """The Bot API's `User`."""
        known = {"language_code": self.language_code, "username": self.username}
        return {
            "id": self.id,
            "is_bot": self.is_bot,
            "first_name": self.first_name,
            **{key: value for key, value in known.items() if value},
        }


@dataclass
class Message:
    """A message as the chat's people see it now: edits are applied.

    `content` holds the Bot API's fields (`text`, `photo`, `contact`, service fields), `markup` its `reply_markup`.
    """

    chat: "Chat"
    message_id: int
    date: datetime
    sender: Account
    content: Json
    markup: Json | None = None
    reply_to: "Message | None" = None
    thread: int | None = None
    edited_at: datetime | None = None
    invoice_payload: str = ""

    @property
    def text(self) -> str:
        """The text, or the caption of a photo."""
        return str(self.content.get("text", self.content.get("caption", "")))

    @property
    def edited(self) -> bool:
        """Whether the bot has changed it since."""
        return self.edited_at is not None

    @property
    def buttons(self) -> list[list[Json]]:
        """Rows of `{"text", "data" or "url" or "copy" or "pay", "style"?}` below the message."""
        return [[_button(one) for one in row] for row in (self.markup or {}).get("inline_keyboard", ())]

    @property
    def titles(self) -> list[str]:
        """The titles of all buttons, in reading order."""
        return [button["text"] for row in self.buttons for button in row]

    @property
    def keyboard(self) -> list[list[Json]]:
        """Rows of the reply keyboard that came with this message, with `request_contact` where asked."""
        return list((self.markup or {}).get("keyboard", ()))

    def json(self, *, nested: bool = True) -> Json:
        """The Bot API's `Message`, as the bot receives it."""
        answer: Json = {
            "message_id": self.message_id,
            "date": int(self.date.timestamp()),
            "chat": self.chat.json(),
            "from": self.sender.json(),
            **self.content,
        }
        if self.edited_at:
            answer["edit_date"] = int(self.edited_at.timestamp())
        if self.thread is not None:
            answer |= {"message_thread_id": self.thread, "is_topic_message": True}
        if self.markup and "inline_keyboard" in self.markup:
            answer["reply_markup"] = self.markup
        if nested and self.reply_to:
            answer["reply_to_message"] = self.reply_to.json(nested=False)
        return answer


def _button(button: Json) -> Json:
    shown = {
        "text": button["text"],
        "data": button.get("callback_data"),
        "url": button.get("url"),
        "copy": (button.get("copy_text") or {}).get("text"),
        "style": button.get("style"),
        "pay": button.get("pay"),
    }
    return {key: value for key, value in shown.items() if value is not None}


@dataclass
class Chat:
    """A private chat, a group or a supergroup.

    `bot` is what the bot is here: absent, member, administrator, restricted (muted), left, kicked (blocked, in a private
    chat), or gone (the person's account is). `members` gives each account's status. `keyboard` is the reply keyboard now
    on screen.
    """

    id: int
    kind: str
    title: str
    bot: str = "absent"
    members: dict[int, str] = field(default_factory=dict)
    messages: deque[Message] = field(default_factory=lambda: deque(maxlen=MESSAGES_KEPT))
    topics: dict[int, str] = field(default_factory=dict)
    keyboard: Json | None = None
    migrated_to: int | None = None
    pinned: int | None = None
    last_id: int = 0

    def json(self) -> Json:
        """The Bot API's `Chat`."""
        name = "first_name" if self.kind == "private" else "title"
        answer: Json = {"id": self.id, "type": self.kind, name: self.title}
        return answer | ({"is_forum": True} if self.topics else {})

    def find(self, message_id: int) -> Message | None:
        """The message of that id, if it is still there."""
        return next((one for one in reversed(self.messages) if one.message_id == message_id), None)


@dataclass
class Press:
    """A tap on a button and, once the bot has answered it, what the person was shown."""

    id: str
    account: Account
    message: Message
    data: str
    at: datetime
    answered: bool = False
    text: str = ""
    alert: bool = False


@dataclass
class Payment:
    """A person's attempt to pay an invoice. `accepted` is None until the bot has answered."""

    id: str
    account: Account
    invoice: Message
    total: int
    at: datetime
    accepted: bool | None = None
    error: str = ""


@dataclass(frozen=True)
class StoredFile:
    """A file on the platform."""

    file_id: str
    data: bytes
    path: str

    @property
    def unique_id(self) -> str:
        """The id that stays the same for the same bytes."""
        return hashlib.sha256(self.data).hexdigest()[:16]


class Shelf(OrderedDict[str, T], Generic[T]):
    """A dict that forgets its oldest entry rather than grow for ever."""

    def __setitem__(self, key: str, value: T) -> None:
        super().__setitem__(key, value)
        if len(self) > THINGS_KEPT:
            self.popitem(last=False)


class World:
    """All that there is on the platform.

    `emit(kind, payload)` hands an update to the bot, `changed()` tells onlookers, and `admit(chat)` raises the ApiError
    of the flood limits when the bot sends too much. `sees_all` switches the privacy mode of groups off.
    """

    def __init__(
        self,
        bot: Account,
        now: Now,
        emit: Callable[[str, Json], None],
        changed: Callable[[], None],
        admit: Callable[[Chat], None],
    ) -> None:
        self.bot = bot
        self.now = now
        self.emit = emit
        self.changed = changed
        self.admit = admit
        self.accounts: dict[int, Account] = {bot.id: bot}
        self.chats: dict[int, Chat] = {}
        self.presses: Shelf[Press] = Shelf()
        self.payments: Shelf[Payment] = Shelf()
        self.files: Shelf[StoredFile] = Shelf()
        self.sees_all = False
        self._numbers = count(1)

    def number(self) -> int:
        """A number that was never given before."""
        return next(self._numbers)

    def open_group(self, kind: str, title: str, members: dict[int, str]) -> Chat:
        """Make a group or a supergroup with these members."""
        number = self.number()
        chat_id = FIRST_SUPERGROUP - number if kind == "supergroup" else -1000 - number
        chat = self.chats[chat_id] = Chat(chat_id, kind, title, members=dict(members))
        self.changed()
        return chat

    def post(
        self,
        chat: Chat,
        sender: Account,
        content: Json,
        *,
        markup: Json | None = None,
        reply_to: Message | None = None,
        thread: int | None = None,
    ) -> Message:
        """Put a message into a chat; the bot hears of it if it may (privacy mode, blocked, not there)."""
        chat.last_id += 1
        message = Message(chat, chat.last_id, self.now(), sender, content, markup, reply_to, thread)
        chat.messages.append(message)
        if markup and "keyboard" in markup:
            chat.keyboard = markup
        elif markup and markup.get("remove_keyboard"):
            chat.keyboard = None
        if sender is not self.bot and self._bot_hears(message):
            self.emit("message", message.json())
        self.changed()
        return message

    def _bot_hears(self, message: Message) -> bool:
        chat = message.chat
        if chat.bot not in ("member", "administrator", "restricted"):
            return False
        if chat.kind == "private" or chat.bot == "administrator" or self.sees_all:
            return True
        if not message.content.keys() & {"text", "photo", "contact", "document"}:
            return True
        if message.reply_to is not None and message.reply_to.sender is self.bot:
            return True
        return self._is_for_bot(message.text)

    def _is_for_bot(self, text: str) -> bool:
        command, _, addressee = text.split(maxsplit=1)[0].partition("@") if text.strip() else ("", "", "")
        return command.startswith("/") and addressee.lower() in ("", str(self.bot.username).lower())

    def set_bot(self, chat: Chat, status: str, by: Account) -> None:
        """Change what the bot is in a chat, and tell it so."""
        old, chat.bot = chat.bot, status
        self.emit(
            "my_chat_member",
            {
                "chat": chat.json(),
                "from": by.json(),
                "date": int(self.now().timestamp()),
                "old_chat_member": self.member_json(chat, self.bot, old),
                "new_chat_member": self.member_json(chat, self.bot, status),
            },
        )
        self.changed()

    def member_json(self, chat: Chat, account: Account, status: str) -> Json:
        """The Bot API's `ChatMember`. One thrown out of a basic group counts as one who left."""
        reported = {"absent": "left", "gone": "left"}.get(status, status)
        if reported == "kicked" and chat.kind == "group":
            reported = "left"
        answer: Json = {"user": account.json(), "status": reported}
        if reported == "kicked":
            answer["until_date"] = 0
        if reported == "restricted":
            answer |= {"is_member": True, "can_send_messages": False, "until_date": 0}
        if reported in ("creator", "administrator"):
            answer["is_anonymous"] = False
        if reported == "administrator":
            answer |= dict.fromkeys(ADMINISTRATOR_RIGHTS, True) | {"can_be_edited": False}
        return answer

    def reachable(self, chat_id: object) -> Chat:
        """The chat the bot wants to write to. ApiError when there is none, or the bot may not."""
        try:
            chat = self.chats[int(str(chat_id))]
        except (KeyError, ValueError):
            raise ApiError(400, "chat not found") from None
        if chat.migrated_to is not None:
            raise ApiError(400, "group chat was upgraded to a supergroup chat", migrate_to_chat_id=chat.migrated_to)
        if chat.bot not in ("member", "administrator", "restricted"):
            refusal = BOT_REFUSALS.get((chat.kind, chat.bot))
            raise ApiError(403, refusal) if refusal else ApiError(400, "chat not found")
        return chat

    def store_file(self, data: bytes, suffix: str) -> StoredFile:
        """Keep a file."""
        number = self.number()
        file_id = f"AgACAgIAAxkBAAI{number:08d}"
        stored = self.files[file_id] = StoredFile(file_id, data, f"photos/file_{number}.{suffix}")
        return stored


ADMINISTRATOR_RIGHTS = (
    "can_manage_chat",
    "can_delete_messages",
    "can_manage_video_chats",
    "can_restrict_members",
    "can_promote_members",
    "can_change_info",
    "can_invite_users",
    "can_post_stories",
    "can_edit_stories",
    "can_delete_stories",
    "can_pin_messages",
    "can_manage_topics",
    "can_send_welcome_messages",
)
