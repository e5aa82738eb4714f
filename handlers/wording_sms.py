"""What clients read by SMS: one line, in one segment where it can be, without emoji, and with a link in place of buttons.

Nobody can answer an SMS: names of senders take no answers, and a person reads what comes to a number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from handlers import formats, plan_after, templates, wording_sms_offers
from handlers.filling import Plain, lay_out
from handlers.i18n import NBSP, mark
from handlers.scene import Scene, of_one_person, tells_of_several
from handlers.wording_choices import EMOJI
from handlers.wording_visits import whose

BOOKED: Final = mark("You're booked: {day}, {time}. {salon}.")
BOOKED_CONFIRM: Final = mark("You're booked: {day}, {time}. {salon}. Confirm: {link}")
MOVED: Final = mark("New time: {day}, {time}. {salon}.")
MOVED_CONFIRM: Final = mark("New time: {day}, {time}. {salon}. Confirm: {link}")
CHANGED: Final = mark("Booking changed: {day}, {time}. {salon}.")
CHANGED_CONFIRM: Final = mark("Booking changed: {day}, {time}. {salon}. Confirm: {link}")
OTHER_MASTER: Final = mark("Your visit: {day}, {time}. New specialist: {master}. {salon}.")
OTHER_MASTER_CONFIRM: Final = mark("Your visit: {day}, {time}. New specialist: {master}. Confirm: {link}")
CANCELLED: Final = mark("Booking cancelled: {day}, {time}. {salon}.")
REMINDER: Final = mark("Your visit: {day}, {time}. {salon}. See you!")
REMINDER_CONFIRM: Final = mark("Your visit: {day}, {time}. {salon}. Will you come? {link}")
SEVERAL: Final = mark("Your visits: {day}, {visits}. {salon}. See you!")
SEVERAL_CONFIRM: Final = mark("Your visits: {day}, {visits}. {salon}. Will you come? {link}")
REVIEW: Final = mark("How was your visit? {salon}. Rate it here: {link}")
PARTS: Final[Mapping[str, int]] = {
    **wording_sms_offers.PARTS,
    REVIEW: 2,
    BOOKED: 1, BOOKED_CONFIRM: 2, MOVED: 1, MOVED_CONFIRM: 2, CHANGED: 1, CHANGED_CONFIRM: 2, OTHER_MASTER: 2,
    OTHER_MASTER_CONFIRM: 2, CANCELLED: 1, REMINDER: 1, REMINDER_CONFIRM: 2, SEVERAL: 2, SEVERAL_CONFIRM: 3,
}  # fmt: skip
"""Every sentence of this file, and how many segments it takes at most with long values in it, in every language."""
SIGNS: Final[Mapping[str, str]] = {"TRY": "TL"}
"""Currencies whose sign is outside the GSM alphabet and whose people write it otherwise."""


def text(s: Scene) -> str | None:
    """The text of a message by SMS: the owner's own where there is one, else the catalog's. None: this kind makes none."""
    phrase = PHRASES.get(s.message.kind)
    if phrase is None:
        return None
    s["salon"] = (s.facts.salon and s.facts.salon.short_name) or s["salon"]
    own = s.facts.settings.templates.get(s.message.kind, {}).get(s.t.language)
    if own:
        lines = [line for scene in _each(s) for line in _own_lines(scene, own)]
        body = "\n".join(
            [*(" ".join(line.split()) for line in lines), *filter(None, [page(s) if answerable(s) else ""])]
        )
    else:
        s["link"] = page(s) if answerable(s) else ""
        body = lay_out(phrase(s), s)
    out = lay_out(wording_sms_offers.switch_off(s), s)
    return "\n".join(filter(None, (body, out))).replace(NBSP, " ") if body else None


def of_several(s: Scene) -> bool:
    """Whether it is the reminder of several visits: their pages lead to one another, so it has the link of one of them."""
    return s.message.kind == "reminder" and tells_of_several(s)


def _each(s: Scene) -> list[Scene]:
    return [s.at(visit) for visit in s.facts.visits] if of_several(s) else [s]


def _own_lines(s: Scene, own: str) -> list[str]:
    """The owner's text about one visit; under the person's name where the message tells of several people."""
    s["salon"] = (s.facts.salon and s.facts.salon.short_name) or s["salon"]
    s["price"] = _price(s)
    name = [lay_out((s.t("For: {client}"),), s)] if of_several(s) and not of_one_person(s) else []
    return [*name, *EMOJI.sub("", templates.fill(own, s)).split("\n")]


def page(s: Scene) -> str:
    """The address of the visit's page, or of that of its review; empty where there is none."""
    booking, links = s.facts.booking, s.facts.links
    if booking is None:
        return ""
    return (links.review(booking) if s.message.kind == plan_after.REVIEW else links.visit(booking)) or ""


def answerable(s: Scene) -> bool:
    """Whether a page takes the answer to what the message asks."""
    return s.asks or s.message.kind == plan_after.REVIEW


def _price(s: Scene) -> str:
    price, currency = s["price"], (s.facts.booking and s.facts.booking.currency) or s.facts.place.currency
    return price.replace(formats.SIGNS[currency], SIGNS[currency]) if currency in SIGNS else price


def _asking(s: Scene, asking: str, telling: str) -> str:
    """The sentence with a link where there is something to be asked and a page to answer on."""
    return asking if s["link"] else telling


def booking_created(s: Scene) -> Iterator[str]:
    """A visit was booked."""
    yield whose(s)
    yield s.t(_asking(s, BOOKED_CONFIRM, BOOKED))


def booking_changed(s: Scene) -> Iterator[str]:
    """A visit was moved, or its master, services or salon are others now."""
    told, booking = s.told(), s.booking
    yield whose(s)
    if told.get("starts_at", booking.starts_at) != booking.starts_at:
        yield s.t(_asking(s, MOVED_CONFIRM, MOVED))
    elif told.get("master", booking.master) != booking.master and s["master"]:
        yield s.t(_asking(s, OTHER_MASTER_CONFIRM, OTHER_MASTER))
    else:
        yield s.t(_asking(s, CHANGED_CONFIRM, CHANGED))


def booking_cancelled(s: Scene) -> Iterator[str]:
    """A visit was cancelled."""
    yield whose(s)
    yield s.t(CANCELLED)


def reminder(s: Scene) -> Iterator[str]:
    """A visit is ahead, or several on one day."""
    if of_several(s):
        yield s.t(_asking(s, SEVERAL_CONFIRM, SEVERAL))
        return
    yield whose(s)
    yield s.t(_asking(s, REMINDER_CONFIRM, REMINDER))


def review_request(s: Scene) -> Iterator[str]:
    """A visit took place. Without a page there is nothing to be asked by SMS."""
    yield s.t(REVIEW) if s["link"] else ""


def staff_reply(s: Scene) -> Iterator[str]:
    """What the staff answer a client."""
    yield Plain(s["text"])


PHRASES: Final[Mapping[str, Callable[[Scene], Iterable[str]]]] = {
    "booking_created": booking_created,
    "booking_changed": booking_changed,
    "booking_cancelled": booking_cancelled,
    "reminder": reminder,
    "review_request": review_request,
    "staff_reply": staff_reply,
    **wording_sms_offers.PHRASES,
}
"""Kind to the function that gives its lines; other kinds make no sense by SMS."""
