"""What a sentence may speak of: one message with its facts, and the values of every variable, made when first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from handlers import formats
from handlers.facts import Facts, Visit
from handlers.i18n import Translator
from handlers.settings import place
from storage.records import Booking, Message, Millis

CANCELLATIONS: Final = ("booking_cancelled", "staff_booking_cancelled")
"""Kinds whose ``params`` may hold the visit as it was when it was cancelled: the booking may be somebody else's by now."""


class Scene(dict[str, str]):
    """A message as it is being put into words: a mapping of variable names to values, empty where there is none.

    ``t`` translates into the recipient's language. ``editing``: the text will stand in place of the one that was
    answered, so it must say all that the old one said. ``links``: buttons can open addresses.
    """

    __slots__ = ("editing", "facts", "links", "message", "t")

    def __init__(
        self, message: Message, facts: Facts, t: Translator, editing: bool = False, links: bool = False
    ) -> None:
        super().__init__()
        self.message = message
        self.facts = facts
        self.t = t
        self.editing = editing
        self.links = links

    def __missing__(self, name: str) -> str:
        value = self[name] = VARIABLES[name](self)
        return value

    @property
    def to_staff(self) -> bool:
        """The reader is in a staff chat."""
        return self.message.staff_chat is not None

    @property
    def booking(self) -> Booking:
        """The booking that the message is about; a kind that speaks of one is never planned without."""
        assert self.facts.booking is not None, f"{self.message.kind} without a booking"
        return self.facts.booking

    @property
    def asks(self) -> bool:
        """The message asks whether the client will come, or all of those of whom it tells."""
        return any(choice.verb in ("confirm", "confirm_all") for choice in self.message.choices)

    def param(self, name: str) -> str:
        """A parameter of the message as text; empty where it is not given."""
        value = self.message.params.get(name)
        return "" if value is None else str(value)

    def count(self, one: str, many: str, n: int) -> str:
        """The line for ``n`` things; sets the value of ``{n}``. ``one`` and ``many`` are msgids."""
        self["n"] = str(n)
        return self.t.plural(one, many, n)

    def local(self, moment: Millis) -> datetime:
        """``moment`` on the salon's wall."""
        return formats.local(moment, self.facts.place.zone)

    def told(self) -> Mapping[str, Any]:
        """The visit as the reader was told of it before: ``starts_at, salon, master, services``; empty if nothing changed."""
        params = self.message.params
        return params if "starts_at" in params else self.booking.changed_from

    def at(self, visit: Visit) -> Scene:
        """The same message, speaking of one of the visits that it lists."""
        facts = replace(
            self.facts,
            booking=visit.booking,
            salon=visit.salon,
            client=visit.client,
            master=visit.master,
            services=visit.services,
            place=place(self.facts.business, visit.salon),
        )
        return Scene(self.message, facts, self.t)


def tells_of_several(scene: Scene) -> bool:
    """Whether the message tells of several visits."""
    return len(scene.facts.visits) > 1


def of_one_person(scene: Scene) -> bool:
    """Whether the visits that the message lists are all of one person, who need not be named."""
    return len({visit.booking.client for visit in scene.facts.visits}) == 1


def starts_at(scene: Scene) -> Millis | None:
    """When the visit begins; of a cancelled one, when it would have begun as its client knew it."""
    booking = scene.facts.booking
    if booking is None:
        return None
    if scene.message.kind in CANCELLATIONS:
        known: Millis = scene.message.params.get("starts_at", booking.starts_at)
        return known
    return booking.starts_at


def _date(scene: Scene, moment: Millis | None) -> str:
    if moment is None:
        return ""
    today = scene.local(scene.facts.now)
    return formats.long_date(scene.local(moment).date(), scene.t.language, today.year)


def _day(scene: Scene) -> str:
    moment = starts_at(scene)
    if moment is None:
        return ""
    today = scene.local(scene.facts.now)
    return formats.plain_day(scene.local(moment).date(), scene.t.language, today.year)


def _time(scene: Scene, moment: Millis | None) -> str:
    return "" if moment is None else formats.clock(scene.local(moment))


def _old_start(scene: Scene) -> Millis | None:
    if scene.facts.booking is None:
        return None
    old: Millis | None = scene.told().get("starts_at")
    return old


def _client(scene: Scene) -> str:
    """Staff read the name as it is kept; the person is called by the first name where one is known."""
    client = scene.facts.client
    if client is None:
        return scene.param("name")
    return client.name if scene.to_staff else client.first_name or client.name


def _phone(scene: Scene) -> str:
    """The number that the reader would call: the client's for staff, the salon's for a client."""
    facts = scene.facts
    if scene.to_staff:
        number = facts.client.phone if facts.client else scene.param("phone")
    else:
        number = facts.salon.phone if facts.salon else None
    return formats.phone(number) if number else ""


def _service(scene: Scene) -> str:
    booking = scene.facts.booking
    known = scene.message.params.get("services") if scene.message.kind in CANCELLATIONS else None
    if booking is not None and known is not None and tuple(known) != booking.services:
        return ""
    return ", ".join(service.name for service in scene.facts.services)


def _price(scene: Scene) -> str:
    booking = scene.facts.booking
    if booking is None or booking.price is None:
        return ""
    return formats.money(booking.price, booking.currency or scene.facts.place.currency, scene.t.language)


def _salon(scene: Scene) -> str:
    return scene.facts.salon.name if scene.facts.salon else scene.facts.business.name


def _people(scene: Scene) -> str:
    """Who comes when; one person is named once."""
    scenes = [scene.at(visit) for visit in scene.facts.visits]
    if of_one_person(scene):
        return f"{scenes[0]['client']} — {', '.join(one['time'] for one in scenes)}"
    return ", ".join(f"{one['client']} — {one['time']}" for one in scenes)


def _visits(scene: Scene) -> str:
    """When the visits are, and whose where they are not all of one person."""
    scenes = [scene.at(visit) for visit in scene.facts.visits]
    names = not of_one_person(scene)
    return ", ".join(f"{one['time']} {one['client']}" if names else one["time"] for one in scenes)


VARIABLES: Final[Mapping[str, Callable[[Scene], str]]] = {
    "client": _client,
    "date": lambda scene: _date(scene, starts_at(scene)),
    "day": _day,
    "time": lambda scene: _time(scene, starts_at(scene)),
    "old_date": lambda scene: _date(scene, _old_start(scene)),
    "old_time": lambda scene: _time(scene, _old_start(scene)),
    "service": _service,
    "master": lambda scene: scene.facts.master.name if scene.facts.master else "",
    "salon": _salon,
    "address": lambda scene: (scene.facts.salon and scene.facts.salon.address) or "",
    "link": lambda scene: (scene.facts.salon and scene.facts.salon.booking_url) or "",
    "amount": lambda scene: scene.param("amount"),
    "balance": lambda scene: scene.param("balance"),
    "n": lambda scene: scene.param("n"),
    "code": lambda scene: scene.param("code"),
    "price": _price,
    "phone": _phone,
    "text": lambda scene: scene.param("text"),
    "rating": lambda scene: str(scene.facts.review.rating) if scene.facts.review else "",
    "stars": lambda scene: "⭐" * scene.facts.review.rating if scene.facts.review else "",
    "last_rating": lambda scene: str(scene.facts.last_review.rating) if scene.facts.last_review else "",
    "people": _people,
    "visits": _visits,
}
"""Variable to what stands for it; the first seventeen may also stand in an owner's text and in a WhatsApp template."""
