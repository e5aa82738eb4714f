"""The people's side of Twilio: what a person does on WhatsApp or by SMS. No action waits for the callbacks it causes."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.playground.twilio_messages import Message
from bot.playground.twilio_rules import WHATSAPP
from bot.playground.wire import Json

WINDOW = timedelta(hours=24)
MESSAGES_KEPT = 300

Receive = Callable[["Person", str, str, Mapping[str, str]], Awaitable[Message]]
Report = Callable[[Message, str], None]


@dataclass
class Person:
    """A person with a phone, a WhatsApp account, or both.

    `bsuid` names a WhatsApp user to the business (`UA.123`), also one who shows no phone. `messages` is the WhatsApp
    chat, `texts` the SMS, oldest first. An action that the phone would not offer raises LookupError or ValueError.
    """

    name: str
    phone: str | None
    bsuid: str
    now: Callable[[], datetime]
    receive: Receive
    report: Report
    on_whatsapp: bool = True
    online: bool = True
    trouble: int | None = None
    messages: deque[Message] = field(default_factory=lambda: deque(maxlen=MESSAGES_KEPT))
    texts: deque[Message] = field(default_factory=lambda: deque(maxlen=MESSAGES_KEPT))
    waiting: list[Message] = field(default_factory=list)
    wrote_at: dict[str, datetime] = field(default_factory=dict)
    line: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def key(self) -> str:
        """A short id: the digits of the phone, else the `bsuid`."""
        return self.phone.lstrip("+") if self.phone else self.bsuid

    @property
    def address(self) -> str:
        """The WhatsApp address: `whatsapp:+380…`, or `whatsapp:UA.123` without a phone."""
        return WHATSAPP + (self.phone or self.bsuid)

    @property
    def identity(self) -> dict[str, str]:
        """What WhatsApp tells the business of who wrote: never a phone that is not shown."""
        fields = {"ProfileName": self.name, "ExternalUserId": WHATSAPP + self.bsuid}
        return fields | ({"WaId": self.phone.lstrip("+")} if self.phone else {})

    def window_open(self, sender: str) -> bool:
        """Whether the business may still write freely from `sender`: 24 hours since the person last wrote to it."""
        last = self.wrote_at.get(sender)
        return last is not None and self.now() - last < WINDOW

    async def says(self, text: str, reply_to: Message | None = None) -> Message:
        """Write on WhatsApp, perhaps in answer to a message."""
        return await self._send(text, self._reply(reply_to) | {"MessageType": "text"}, reply_to)

    async def sends_photo(self, address: str, caption: str = "") -> Message:
        """Send a picture that lies at ``address``."""
        picture = {"MessageType": "image", "NumMedia": "1", "MediaUrl0": address, "MediaContentType0": "image/jpeg"}
        return await self._send(caption, picture, None)

    async def taps(self, title: str, on: Message | None = None) -> Message:
        """Press a quick reply of `on`, or of the newest message that has one of this title."""
        message = on or self._find(title, "buttons", "title")
        button = _named(message.buttons, "title", title)
        if "id" not in button:
            raise ValueError(f"the button {title!r} opens a page and tells the business nothing")
        fields = {
            "MessageType": "button" if message.opened else "interactive",
            "ButtonText": title,
            "ButtonPayload": button["id"],
        }
        return await self._send(title, self._reply(message) | fields, message)

    async def picks(self, item: str, on: Message | None = None) -> Message:
        """Choose an entry of a list, by its title."""
        message = on or self._find(item, "items", "item")
        chosen = _named(message.items, "item", item)
        fields = {"MessageType": "interactive", "ListId": chosen["id"], "ListTitle": item}
        if chosen["description"]:
            fields["ListDescription"] = chosen["description"]
        return await self._send(item, self._reply(message) | fields, message)

    async def texts_back(self, text: str) -> Message:
        """Answer by SMS: STOP and its like unsubscribe the phone, START undoes that."""
        if self.phone is None:
            raise ValueError("this person shows no phone")
        sender = self.texts[-1].sender if self.texts else ""
        return await self.receive(self, self.phone, text, {"To": sender} if sender else {})

    async def reads(self) -> None:
        """Look at the chat: everything that was delivered counts as read."""
        for message in self.messages:
            if message.status == "delivered":
                self.report(message, "read")

    async def goes_offline(self) -> None:
        """Switch the phone off: messages stay `sent`."""
        self.online = False

    async def comes_online(self) -> None:
        """Switch the phone on again; what waited arrives."""
        self.online = True
        waiting, self.waiting = self.waiting, []
        for message in waiting:
            self.arrives(message)

    def arrives(self, message: Message) -> None:
        """Take a message that was sent, now or when the phone is on again."""
        if not self.online:
            self.waiting.append(message)
            return
        (self.messages if message.on_whatsapp else self.texts).append(message)
        self.report(message, "delivered")

    async def leaves_whatsapp(self, code: int = 63003) -> None:
        """Give the account up; messages fail with `code` (63003, 63024)."""
        self.on_whatsapp, self.trouble = False, code

    async def joins_whatsapp(self) -> None:
        """Take an account again."""
        self.on_whatsapp, self.trouble = True, None

    async def blocks(self) -> None:
        """Block the business; messages fail with 63014."""
        self.trouble = 63014

    async def unblocks(self) -> None:
        """Let the business write again."""
        self.trouble = None

    async def _send(self, text: str, fields: Mapping[str, str], on: Message | None) -> Message:
        if not self.on_whatsapp:
            raise ValueError(f"{self.name} is not on WhatsApp")
        last = on or next((one for one in reversed(self.messages) if one.direction == "outbound-api"), None)
        sender = {} if last is None else {"To": last.sender if last.direction == "outbound-api" else last.to}
        return await self.receive(self, self.address, text, sender | dict(fields))

    def _reply(self, message: Message | None) -> dict[str, str]:
        if message is None:
            return {}
        return {"OriginalRepliedMessageSid": message.sid, "OriginalRepliedMessageSender": message.sender}

    def _find(self, title: str, part: str, name: str) -> Message:
        offered = [one for message in self.messages for one in getattr(message, part)]
        for message in reversed(self.messages):
            if any(one[name] == title for one in getattr(message, part)):
                return message
        raise LookupError(f"nothing here is called {title!r}; there are {[one[name] for one in offered]}")


def _named(choices: tuple[Json, ...], name: str, title: str) -> Json:
    found = next((one for one in choices if one[name] == title), None)
    if found is None:
        raise LookupError(f"nothing on it is called {title!r}; there are {[one[name] for one in choices]}")
    return found
