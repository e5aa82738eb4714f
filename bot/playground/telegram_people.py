"""The people's side of Telegram: what they do in the app. No action waits for the bot."""

from dataclasses import dataclass

from bot.playground.telegram_methods import keep_photo, photo_content
from bot.playground.telegram_world import Account, Chat, Message, Payment, Press, World
from bot.playground.wire import Json


@dataclass(frozen=True)
class User:
    """A person with a Telegram account. An action that the app would not offer raises LookupError or ValueError."""

    world: World
    account: Account

    @property
    def id(self) -> int:
        """The account's id, which is also that of the private chat with the bot."""
        return self.account.id

    @property
    def chat(self) -> Chat:
        """The private chat with the bot."""
        return self.world.chats[self.id]

    @property
    def messages(self) -> list[Message]:
        """What the private chat shows now, oldest first."""
        return list(self.chat.messages)

    async def start(self, payload: str = "") -> Message:
        """Press Start, or follow a link with a payload; a bot that was blocked is unblocked by that."""
        if self.chat.bot == "kicked":
            await self.unblocks()
        return await self.says(f"/start {payload}".strip())

    async def says(self, text: str, in_chat: "Chat | Group | None" = None, thread: int | None = None) -> Message:
        """Write a message, in the private chat unless another is named."""
        return self._post(self._chat(in_chat), _text(text), thread=thread)

    async def replies(self, message: Message, text: str) -> Message:
        """Answer a message, in its own chat."""
        return self._post(self._chat(message.chat), _text(text), reply_to=message, thread=message.thread)

    async def sends_photo(self, data: bytes, caption: str = "", in_chat: "Chat | Group | None" = None) -> Message:
        """Send a PNG or JPEG picture."""
        content = photo_content(keep_photo(self.world, data), caption)
        return self._post(self._chat(in_chat), content)

    async def shares_contact(self, own: bool = True, phone: str | None = None) -> Message:
        """Send a contact card: the own one, or that of another person's `phone`, which carries no account id.

        As Telegram does, the own phone comes without its `+`.
        """
        if own and phone is None:
            if self.account.phone is None:
                raise ValueError("this person has no phone")
            card: Json = {"phone_number": self.account.phone.lstrip("+"), "user_id": self.id}
        else:
            card = {"phone_number": phone or "+10000000000"}
        return self._post(self.chat, {"contact": card | {"first_name": self.account.first_name}})

    async def taps(
        self,
        button: str | int = 0,
        on: Message | None = None,
        in_chat: "Chat | Group | None" = None,
        *,
        inaccessible: bool = False,
    ) -> Press | Message:
        """Press a button, by its title or its place, on `on` or on the newest message that has buttons.

        A title that stands on the reply keyboard types it, or shares the contact. With `inaccessible` the bot is told
        of an old message that it can no longer read.
        """
        chat = self._chat(in_chat or (on.chat if on else None))
        message = on or next((one for one in reversed(chat.messages) if one.buttons), None)
        titles = message.titles if message else []
        if on is None and isinstance(button, str) and button not in titles and chat.keyboard:
            return await self._taps_keyboard(chat, button)
        if message is None:
            raise LookupError("no message here has buttons")
        place = button if isinstance(button, int) else titles.index(button) if button in titles else -1
        if not 0 <= place < len(titles):
            raise LookupError(f"no button {button!r}; there are {titles}")
        pressed = [one for row in message.buttons for one in row][place]
        if "data" not in pressed:
            raise ValueError(f"the button {pressed['text']!r} tells the bot nothing")
        return self._press(message, pressed["data"], inaccessible)

    def _press(self, message: Message, data: str, inaccessible: bool) -> Press:
        world = self.world
        press = Press(str(4_000_000_000_000 + world.number()), self.account, message, data, world.now())
        world.presses[press.id] = press
        shown = message.json()
        if inaccessible:
            shown = {"chat": message.chat.json(), "message_id": message.message_id, "date": 0}
        world.emit(
            "callback_query",
            {
                "id": press.id,
                "from": self.account.json(),
                "message": shown,
                "chat_instance": str(7_000_000_000 + message.chat.id),
                "data": data,
            },
        )
        world.changed()
        return press

    async def _taps_keyboard(self, chat: Chat, title: str) -> Message:
        markup = chat.keyboard or {}
        keys = [{"text": key} if isinstance(key, str) else key for row in markup.get("keyboard", ()) for key in row]
        key = next((one for one in keys if one["text"] == title), None)
        if key is None:
            raise LookupError(f"no key {title!r}; there are {[one['text'] for one in keys]}")
        if markup.get("one_time_keyboard"):
            chat.keyboard = None
        return await self.shares_contact() if key.get("request_contact") else self._post(chat, _text(title))

    async def pays(self, on: Message | None = None, tip: int = 0) -> Payment:
        """Pay an invoice, the newest by default, with a tip in minor units; it goes through if the bot agrees."""
        invoices = [one for one in self.chat.messages if "invoice" in one.content]
        invoice = on or (invoices[-1] if invoices else None)
        if invoice is None:
            raise LookupError("there is no invoice here")
        world, terms = self.world, invoice.content["invoice"]
        payment = Payment(f"pay{world.number()}", self.account, invoice, terms["total_amount"] + tip, world.now())
        world.payments[payment.id] = payment
        world.emit(
            "pre_checkout_query",
            {
                "id": payment.id,
                "from": self.account.json(),
                "currency": terms["currency"],
                "total_amount": payment.total,
                "invoice_payload": invoice.invoice_payload,
            },
        )
        world.changed()
        return payment

    async def blocks(self) -> None:
        """Stop the bot."""
        self.world.set_bot(self.chat, "kicked", self.account)

    async def unblocks(self) -> None:
        """Let the bot write again."""
        if self.chat.bot != "kicked":
            raise ValueError("the bot is not blocked")
        self.world.set_bot(self.chat, "member", self.account)

    async def deletes_account(self) -> None:
        """Leave Telegram for good; the bot is not told."""
        self.chat.bot = "gone"
        self.world.changed()

    def _chat(self, chat: "Chat | Group | None") -> Chat:
        found = chat.chat if isinstance(chat, Group) else chat or self.chat
        if found.kind != "private" and self.id not in found.members:
            raise ValueError(f"{self.account.first_name} is not in {found.title}")
        return found

    def _post(
        self, chat: Chat, content: Json, *, reply_to: Message | None = None, thread: int | None = None
    ) -> Message:
        if chat is self.chat:
            if chat.bot in ("kicked", "gone"):
                raise ValueError("the bot is blocked here")
            chat.bot = "member"
        return self.world.post(chat, self.account, content, reply_to=reply_to, thread=thread)


@dataclass(frozen=True)
class Group:
    """A group of persons, perhaps with the bot. After `upgrade` it is the supergroup; `chat` names what it is now."""

    world: World
    first: Chat

    @property
    def chat(self) -> Chat:
        """The chat as it is now."""
        return self.first if self.first.migrated_to is None else self.world.chats[self.first.migrated_to]

    @property
    def id(self) -> int:
        """The chat's id, which changes when the group becomes a supergroup."""
        return self.chat.id

    @property
    def messages(self) -> list[Message]:
        """What the chat shows now, oldest first."""
        return list(self.chat.messages)

    async def add_bot(self, by: User | None = None, payload: str = "", *, administrator: bool = False) -> None:
        """Add the bot; a `?startgroup=` link also says its payload."""
        adder = by.account if by else self._owner()
        self.world.set_bot(self.chat, "administrator" if administrator else "member", adder)
        self.world.post(self.chat, adder, {"new_chat_members": [self.world.bot.json()]})
        if payload:
            self.world.post(self.chat, adder, _text(f"/start@{self.world.bot.username} {payload}"))

    async def remove_bot(self, by: User | None = None) -> None:
        """Throw the bot out."""
        remover = by.account if by else self._owner()
        self.world.post(self.chat, remover, {"left_chat_member": self.world.bot.json()})
        self.world.set_bot(self.chat, "kicked", remover)

    async def mute_bot(self) -> None:
        """Take the right to write from the bot."""
        self.world.set_bot(self.chat, "restricted", self._owner())

    async def unmute_bot(self) -> None:
        """Let the bot write again."""
        self.world.set_bot(self.chat, "member", self._owner())

    async def add(self, user: User) -> None:
        """Add a person."""
        self.chat.members[user.id] = "member"
        self.world.post(self.chat, user.account, {"new_chat_members": [user.account.json()]})

    async def promote_bot(self) -> None:
        """Make the bot an administrator, who sees all messages and may pin."""
        self.world.set_bot(self.chat, "administrator", self._owner())

    async def topic(self, name: str) -> int:
        """Open a topic, in a supergroup, and answer with its `message_thread_id`."""
        chat = self.chat
        if chat.kind != "supergroup":
            raise ValueError("only a supergroup has topics")
        thread = chat.last_id + 1
        chat.topics[thread] = name
        created = {"forum_topic_created": {"name": name, "icon_color": 7322096}}
        self.world.post(chat, self._owner(), created, thread=thread)
        return thread

    async def upgrade(self) -> Chat:
        """Become a supergroup: a new chat with a new id; both sides are told by a service message."""
        old = self.chat
        if old.kind != "group":
            raise ValueError("it is a supergroup already")
        new = self.world.open_group("supergroup", old.title, old.members)
        new.bot = old.bot
        owner = self._owner()
        self.world.post(old, owner, {"migrate_to_chat_id": new.id})
        self.world.post(new, owner, {"migrate_from_chat_id": old.id})
        old.migrated_to = new.id
        return new

    def _owner(self) -> Account:
        return self.world.accounts[next(iter(self.chat.members))]


def _text(text: str) -> Json:
    if not text.strip():
        raise ValueError("an empty message can't be sent")
    command = text.split()[0]
    if not command.startswith("/"):
        return {"text": text}
    return {"text": text, "entities": [{"type": "bot_command", "offset": 0, "length": len(command)}]}
