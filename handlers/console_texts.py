"""Texts as their owner sees them while writing: the ready one, and how a text looks on each channel with a real visit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Final

from handlers.channel import SMS, TELEGRAM, WHATSAPP, Capabilities, Edit, Template, Text
from handlers.day_cards import start_of
from handlers.durations import DAY, HOUR, local_day
from handlers.facts import Facts, load_facts
from handlers.filling import lay_out
from handlers.i18n import NBSP, Translator, translator
from handlers.offer_facts import Purse
from handlers.scene import Scene
from handlers.segments import segments
from handlers.settings import in_force, place
from handlers.templates import ALIASES
from handlers.turn import Desk
from handlers.wording import KINDS, Unrendered, render, units
from storage.records import (
    SERVICE_LANE,
    BonusEntry,
    Booking,
    Business,
    Choice,
    Client,
    Master,
    Message,
    Salon,
    Service,
)
from storage.store import Not, Range

CHANNELS: Final[Mapping[str, Capabilities]] = {"telegram": TELEGRAM, "whatsapp": WHATSAPP, "sms": SMS}
OFFERED: Final = 20
"""Visits to choose from for the preview."""
NOBODY: Final = "0" * 32
"""The id of the row that a preview is made from; it is never stored."""
CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "booking_created": ("move", "cancel"),
    "booking_changed": ("move", "cancel"),
    "reminder": ("confirm", "move", "cancel"),
    "review_request": ("rate_1", "rate_2", "rate_3", "rate_4", "rate_5"),
    "rebook_invitation": ("book",),
    "bonus_accrued": ("book",),
    "bonus_birthday": ("book",),
    "bonus_expiring": ("book",),
    "visit_confirmed": ("move", "cancel"),
    "visit_declined": ("book",),
    "move_requested": ("cancel",),
    "help": ("bookings", "language_ask"),
}
"""Kind to the choices that usually stand under it."""
INVENTED: Final = "preview"
"""The id of what is there only for a preview."""
POINTS: Final = 120
SOME: Final = 50
"""Bonus points of a preview: how many there are, and of how many it tells."""
PEOPLE: Final[Mapping[str, str]] = {"uk": "Олена Коваль", "tr": "Ayşe Yılmaz", "ru": "Елена Белова", "en": "Emma Brown"}
"""Who comes where nobody has booked yet."""


@dataclass(frozen=True, slots=True)
class Preview:
    """A text on one channel. ``body`` None: this channel does not carry it. ``length``: in UTF-16 units, as providers
    count; ``segments``: of an SMS."""

    channel: str
    body: str | None
    buttons: tuple[tuple[str, ...], ...] = ()
    length: int = 0
    segments: int | None = None


@dataclass(frozen=True, slots=True)
class Stage:
    """A message of one kind about one visit, as it would go now."""

    message: Message
    facts: Facts


class _Named(Scene):
    """A scene in which variables stand under their names in brackets, in the owner's language."""

    __slots__ = ("spoken",)

    def __init__(self, message: Message, facts: Facts, t: Translator, spoken: str) -> None:
        super().__init__(message, facts, t)
        self.spoken = spoken

    def __missing__(self, name: str) -> str:
        return f"[{alias(name, self.spoken)}]" if name in ALIASES else super().__missing__(name)

    def count(self, one: str, many: str, n: int) -> str:
        """The line for ``n`` things. The number of points brings its noun along where an owner writes of it, so that goes;
        no other number has a name."""
        line = self.t.plural(one, many, n)
        points = self.t.plural("{n} bonus point", "{n} bonus points", n)
        dict.__setitem__(self, "n", str(n))
        return line.replace(points, f"[{alias('n', self.spoken)}]")

    def __setitem__(self, name: str, value: str) -> None:
        super().__setitem__(name, f"[{alias(name, self.spoken)}]" if name in ALIASES and value else value)


def alias(name: str, language: str) -> str:
    """What a variable is called first in a language."""
    return ALIASES[name][language][0]


async def visits_for(desk: Desk, business: Business, salon: Salon | None) -> list[Booking]:
    """Visits to show a text with: the next ones, else the last ones."""
    where: dict[str, Any] = {"business": business.id, "client": Not(None), **({"salon": salon.id} if salon else {})}
    ahead = {**where, "starts_at": Range(desk.now(), None)}
    found = await desk.store.find(Booking, ahead, order=("starts_at", "id"), limit=OFFERED)
    if found:
        return found
    past = {**where, "starts_at": Range(None, desk.now())}
    return await desk.store.find(Booking, past, order=("-starts_at", "-id"), limit=OFFERED)


async def staged(
    desk: Desk, business: Business, salon: Salon | None, kind: str, language: str, visit: Booking | None
) -> Stage:
    """A message of ``kind`` about ``visit``, in ``language``; about an invented visit where there is none."""
    message = _message(desk, business, kind, visit, salon)
    if visit is not None:
        facts = (await load_facts(desk, [message]))[message.id]
    else:
        facts = await _invented(desk, business, salon, language)
    booking = facts.booking
    if booking is not None:
        message = replace(message, params=_params(kind, booking, facts))
    facts = replace(facts, language=language, siblings=(), others=(), window_open=True, content=())
    if kind == "reminder" and booking is not None:
        facts = replace(facts, now=booking.starts_at - DAY)
    return Stage(message, replace(facts, purse=_purse(facts)) if kind not in ("help",) else facts)


def ready(stage: Stage, spoken: str) -> str | None:
    """The ready text, its variables named in the language ``spoken``; None: there is none for this kind."""
    phrase = KINDS.get(stage.message.kind)
    if phrase is None:
        return None
    scene = _Named(stage.message, stage.facts, translator(stage.facts.language), spoken)
    return lay_out(phrase(scene), scene).replace(NBSP, " ")


def previews(stage: Stage, text: str | None) -> list[Preview]:
    """How the message looks on each channel with the owner's ``text``; None: with the ready one."""
    settings, kind = stage.facts.settings, stage.message.kind
    own = {
        language: one for language, one in settings.templates.get(kind, {}).items() if language != stage.facts.language
    }
    if text:
        own[stage.facts.language] = text
    settings = replace(settings, templates={**settings.templates, kind: own}, whatsapp_templates={})
    facts = replace(stage.facts, settings=settings)
    if kind not in KINDS:
        return []
    return [_preview(channel, stage.message, capabilities, facts) for channel, capabilities in CHANNELS.items()]


def _preview(channel: str, message: Message, capabilities: Capabilities, facts: Facts) -> Preview:
    shown = render(message, capabilities, facts)
    if isinstance(shown, Text | Edit) and shown.body:
        buttons = tuple(tuple(button.title for button in row) for row in shown.buttons)
        parts = segments(shown.body) if capabilities.short else None
        return Preview(channel, shown.body, buttons, units(shown.body), parts)
    if isinstance(shown, Template):
        return Preview(channel, shown.body, (), units(shown.body))
    assert isinstance(shown, Unrendered | Text | Edit)
    return Preview(channel, None)


def _message(desk: Desk, business: Business, kind: str, visit: Booking | None, salon: Salon | None) -> Message:
    return Message(
        business=business.id,
        id=NOBODY,
        key="preview",
        kind=kind,
        lane=SERVICE_LANE,
        booking=visit.id if visit else INVENTED,
        client=visit.client if visit else INVENTED,
        salon=visit.salon if visit else salon.id if salon else None,
        master=visit.master if visit else None,
        due_at=desk.now(),
        next_at=desk.now(),
        not_after=desk.now() + DAY,
        choices=tuple(Choice(verb, {}) for verb in CHOICES.get(kind, ())),
    )


def _params(kind: str, booking: Booking, facts: Facts) -> dict[str, Any]:
    """What a message of this kind carries beside the visit."""
    if kind == "booking_changed":
        was = {"salon": booking.salon, "master": booking.master, "services": list(booking.services)}
        return {"starts_at": booking.starts_at - DAY, **was}
    today = local_day(facts.now, facts.place.zone)
    if kind == "bonus_expiring":
        return {"last_day": (today + timedelta(days=7)).isoformat()}
    return {"birthday": today.isoformat()} if kind == "bonus_birthday" else {}


def _purse(facts: Facts) -> Purse:
    """Some points, as a client may have them."""
    ends = start_of(local_day(facts.now, facts.place.zone) + timedelta(days=8), facts.place.zone)
    entry = BonusEntry(
        business=facts.business.id,
        id=INVENTED,
        client=INVENTED,
        amount=SOME,
        reason="accrual",
        at=facts.now,
        expires_at=ends,
        remaining=SOME,
        lapses_at=ends,
    )
    return Purse(balance=POINTS, lots=(entry,), entries=(entry,))


async def _invented(desk: Desk, business: Business, salon: Salon | None, language: str) -> Facts:
    """A visit tomorrow at three, with the first salon, master and service that there are."""
    first = salon or next(iter(await desk.store.find(Salon, {"business": business.id}, limit=1)), None)
    masters = await desk.store.find(Master, {"business": business.id}, limit=1)
    services = await desk.store.find(Service, {"business": business.id}, limit=1)
    spot, now = place(business, first), desk.now()
    day: date = local_day(now, spot.zone) + timedelta(days=1)
    start = start_of(day, spot.zone) + 15 * HOUR
    name = PEOPLE[language]
    booking = Booking(
        business=business.id,
        id=INVENTED,
        salon=first.id if first else INVENTED,
        client=INVENTED,
        master=masters[0].id if masters else None,
        services=tuple(service.id for service in services),
        starts_at=start,
        ends_at=start + HOUR,
        price=services[0].price if services else None,
        created_at=now,
    )
    return Facts(
        now=now,
        links=desk.links,
        business=business,
        place=spot,
        settings=in_force(business, first),
        language=language,
        salon=first,
        booking=booking,
        client=Client(business=business.id, id=INVENTED, name=name, first_name=name.split()[0]),
        master=masters[0] if masters else None,
        services=tuple(services),
    )
