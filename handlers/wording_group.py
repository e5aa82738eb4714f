"""What is read about several visits that one message tells of, of people who share a chat or of one: a line for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final

from handlers import templates
from handlers.filling import Plain, lay_out
from handlers.scene import Scene, of_one_person
from handlers.wording_choices import waits_for_word
from handlers.wording_visits import greeting, notes
from storage.records import Booking

LINE: Final = "{time} — {client}, {service}, {master}"
"""One visit among others; the same in every language."""
OWN_LINE: Final = "{time} — {service}, {master}"
"""The same where all are of one person."""


def _scenes(s: Scene) -> list[Scene]:
    return [s.at(visit) for visit in s.facts.visits]


def reminder(s: Scene) -> Iterator[str]:
    """Several visits are ahead on one day."""
    scenes = _scenes(s)
    days = (_day(scenes[0]) - s.local(s.facts.now).date()).days
    yield greeting(s) if of_one_person(s) else s.t("Hello!")
    if days <= 0:
        yield s.t("Your visits are today 🗓")
    elif days == 1:
        yield s.t("Your visits are tomorrow 🗓")
    else:
        yield s.t("A reminder about your visits 🗓")
    yield from _board(s, scenes)
    if not any(choice.verb == "confirm_all" for choice in s.message.choices):
        yield s.t("See you soon!")


def group_board(s: Scene) -> Iterator[str]:
    """The same visits as they stand after somebody answered for one of them, or for all."""
    scenes = _scenes(s)
    if not scenes:
        yield s.t("You have no upcoming bookings yet.")
        return
    ahead = [scene for scene in scenes if scene.booking.status != "cancelled"]
    if ahead and all(scene.booking.status == "confirmed" for scene in ahead):
        yield s.t("Thank you, all visits are confirmed ✅")
    else:
        yield s.t("Your visits 🗓")
    yield from _board(s, scenes)


def _board(s: Scene, scenes: Sequence[Scene]) -> Iterator[str]:
    first = scenes[0]
    together = len({scene.booking.salon for scene in scenes}) == 1
    yield Plain(lay_out((first.t("Date: {date}"),), first))
    if together:
        yield from _filled(first, first.t("Where: {salon}, {address}"))
    yield Plain("")
    named = OWN_LINE if of_one_person(s) else LINE
    for scene in scenes:
        line = named if _day(scene) == _day(first) else f"{{date}}, {named}"
        yield Plain(f"{_mark(scene.booking)} {lay_out((line,), scene)}")
    yield Plain("")
    said = dict.fromkeys(note for scene in scenes for note in notes(scene))
    yield from map(Plain, said)
    waiting = [scene for scene in scenes if waits_for_word(scene.booking, s.facts.now)]
    if waiting and any(choice.verb == "confirm_all" for choice in s.message.choices):
        yield s.t("Please confirm your visits.") if of_one_person(s) else s.t("Will everybody be able to come?")
        yield s.t("To confirm all, reply “yes”.")


def _filled(s: Scene, line: str) -> Iterator[str]:
    said = lay_out((line,), s)
    if said:
        yield Plain(said)


def _day(s: Scene) -> date:
    return s.local(s.booking.starts_at).date()


def _mark(booking: Booking) -> str:
    if booking.status == "cancelled":
        return "❌"
    return "✅" if booking.status == "confirmed" else "▫️"


def in_owners_words(s: Scene, own: str) -> Iterator[str]:
    """The owner's own text about one visit, for each of them; under the person's name where there are several people."""
    for scene in _scenes(s):
        if not of_one_person(s):
            yield Plain(lay_out((scene.t("For: {client}"),), scene))
        yield Plain(templates.fill(own, scene))
        yield Plain("")
    if any(choice.verb == "confirm_all" for choice in s.message.choices):
        yield s.t("To confirm all, reply “yes”.")
