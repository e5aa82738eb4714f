"""What a channel is to the rest of the house: capabilities, what can be handed to it, and how it may fail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple, Protocol, runtime_checkable

from storage.records import Message, Millis


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a channel can do.

    ``buttons``: how many choices can stand under a message (0: none). ``title``: longest button title in characters.
    ``rows``: how many choices fit a list (0: no list). ``text``: longest text in characters. ``edit``: a sent message can
    be rewritten. ``receipts``: the provider reports delivery, so the timer of the cascade runs. ``window``: how long
    after the person's last word free text may be sent (milliseconds; None: always). ``styles``: buttons may be coloured
    and carry emoji. ``links``: buttons may open a URL.
    """

    buttons: int
    title: int
    text: int
    rows: int = 0
    edit: bool = False
    receipts: bool = False
    window: Millis | None = None
    styles: bool = False
    links: bool = False
    contact: bool = False
    """The channel can offer a button that shares the person's own phone."""
    photos: bool = False
    """Pictures that came in on this channel can be shown on it again."""
    invoices: bool = False
    """The channel can ask for money by itself, and tells when it came."""
    short: bool = False
    """Plain texts of few characters, paid by the segment, that go one way: choices give way to a link."""


TELEGRAM = Capabilities(buttons=100, title=64, text=4096, edit=True, styles=True, links=True, contact=True, photos=True)
WHATSAPP = Capabilities(buttons=3, title=20, text=1600, rows=10, receipts=True, window=(23 * 60 + 50) * 60_000)
"""The window is Meta's 24 hours less ten minutes for clocks and queues."""
SMS = Capabilities(buttons=0, title=0, text=670, receipts=True, short=True)
"""Ten segments of a Cyrillic text: networks cut what is longer."""
BY_HAND = Capabilities(buttons=0, title=0, text=4096)
"""What a person sends for us: any text, and nothing to press."""


LONGEST_COPY: Final = 256
"""Characters that a button of Telegram copies (core.telegram.org/bots/api#copytextbutton)."""


class Button(NamedTuple):
    """A button as it goes on the wire: a title, and a payload (:func:`handlers.turn.pack`) or a link."""

    title: str
    data: str | None = None
    url: str | None = None
    style: Literal["primary", "success", "danger"] | None = None
    copy: str | None = None
    """A text that a press copies, in place of payload and link; at most :data:`LONGEST_COPY` characters."""


@dataclass(frozen=True, slots=True)
class Text:
    """A finished text, with buttons in rows where the channel has them. ``quiet``: it must not ring. ``ask_contact``: the
    title of a button that shares the person's own phone; ``thread``: a Telegram topic; ``reply_to``: provider id."""

    body: str
    buttons: tuple[tuple[Button, ...], ...] = ()
    quiet: bool = False
    ask_contact: str | None = None
    drop_keyboard: bool = False
    """Take away a keyboard that ``ask_contact`` left."""
    thread: int | None = None
    reply_to: str | None = None


@dataclass(frozen=True, slots=True)
class Template:
    """An approved WhatsApp Content template: its sid, the values of its numbered variables, and the text it makes."""

    sid: str
    variables: Mapping[str, str] = field(default_factory=dict)
    body: str = ""


@dataclass(frozen=True, slots=True)
class Edit:
    """Rewrite the message ``provider_id`` in place. ``body`` None: only its buttons change (none: they are taken off)."""

    provider_id: str
    body: str | None = None
    buttons: tuple[tuple[Button, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Invoice:
    """A request for money: its title (32 characters at most), what it is for (255), the sum in hundredths of ``currency``,
    and what the platform is to say along when it is paid."""

    title: str
    body: str
    amount: int
    currency: str
    payload: str


@dataclass(frozen=True, slots=True)
class Photo:
    """A picture that the platform has already: its id there, and the words below it."""

    photo: str
    body: str
    quiet: bool = False
    thread: int | None = None


Rendered = Text | Template | Edit | Invoice | Photo


class SendError(Exception):
    """A provider did not take a message, or it is not known whether it did.

    ``outcome``: ``not_sent`` (surely not; try again), ``permanent`` (never will at this address or with this content),
    ``unknown`` (it may have gone out). ``code`` and ``text`` are the provider's own. ``retry_after`` in milliseconds.
    ``address_dead``: this address can't be reached until the person writes or 30 days have passed.
    ``moved_to``: the chat has this id from now on. ``scope``: whom ``retry_after`` holds up.
    """

    def __init__(
        self,
        outcome: Literal["not_sent", "permanent", "unknown"],
        code: str,
        text: str = "",
        *,
        retry_after: Millis | None = None,
        scope: Literal["chat", "channel"] = "chat",
        address_dead: bool = False,
        moved_to: str | None = None,
        needs_template: bool = False,
        opted_out: bool = False,
    ) -> None:
        super().__init__(f"{outcome} {code}: {text}")
        self.outcome = outcome
        self.code = code
        self.text = text
        self.retry_after = retry_after
        self.scope = scope
        self.address_dead = address_dead
        self.moved_to = moved_to
        self.needs_template = needs_template
        self.opted_out = opted_out


class Channel(Protocol):
    """A way to reach people. About a hundred lines each; another channel is one new file and one line in ``bot/app.py``."""

    @property
    def name(self) -> str:
        """``telegram``, ``whatsapp`` …: the word of the settings and of the rows."""

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""

    async def send(self, rendered: Rendered, to: str, message_id: str) -> str | None:
        """Put one message on the wire; answers with the provider's id for it. Raises :class:`SendError`.

        ``message_id`` is the id of our row: it names the message in status callbacks.
        """


@runtime_checkable
class Findable(Channel, Protocol):
    """A channel whose provider can be asked what became of a message of which nobody knows whether it was taken."""

    async def look_up(self, message: Message) -> str | None:
        """The provider's id of ``message``, or None where the provider does not have it. Raises :class:`SendError`."""
