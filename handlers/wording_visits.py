"""What clients read about their visits: notices, reminders, and the answers to what they press.

Each function from :func:`booking_created` on is one kind of message and gives its lines. Lines without values and empty
lines are left out later.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from handlers.filling import Plain, lay_out
from handlers.scene import Scene, starts_at
from handlers.whys import asks_why

MINUTE: Final = 60_000
SOON_HOURS: Final = 6
"""From so many hours before a visit on, the time left says more than the date."""
SLACK_MINUTES: Final = 10
"""So far from a whole hour one may still speak of hours."""


def greeting(s: Scene) -> str:
    """A first line, with the name where it is sure to be right: Ukrainian needs a vocative that is not known here, and of
    several people with one phone another may be reading."""
    client = s.facts.client
    named = client is not None and client.first_name and not s.facts.siblings and s.t.language != "uk"
    return s.t("Hello, {client}!") if named else s.t("Hello!")


def whose(s: Scene) -> str:
    """Who is booked, where several people read one chat."""
    return s.t("For: {client}") if s.facts.siblings else ""


def services(s: Scene) -> str:
    """The services, with the label in the right number."""
    return s.t("Services: {service}") if len(s.facts.services) > 1 else s.t("Service: {service}")


def what(s: Scene) -> Iterator[str]:
    """The label lines of a visit but its time."""
    yield whose(s)
    yield services(s)
    yield s.t("Specialist: {master}")
    yield s.t("Where: {salon}, {address}")


def visit(s: Scene) -> Iterator[str]:
    """The label lines of a visit."""
    yield s.t("When: {date}, {time}")
    yield from what(s)


def notes(s: Scene) -> Iterator[str]:
    """What to know before coming, each note once; in the salon's language where there is none in the reader's."""
    said = (service.note.get(s.t.language) or service.note.get(s.facts.place.language) for service in s.facts.services)
    for note in dict.fromkeys(filter(None, said)):
        yield Plain(note)


def or_question(s: Scene, farewell: str) -> str:
    """The last line: the question where the message asks."""
    return s.t("Will you be able to come?") if s.asks else farewell


def booking_created(s: Scene) -> Iterator[str]:
    """A visit was booked."""
    yield greeting(s)
    yield s.t("You're booked ✅")
    yield from visit(s)
    yield from notes(s)
    yield or_question(s, s.t("See you soon!"))


def booking_changed(s: Scene) -> Iterator[str]:
    """A visit was moved, or its master, services or salon are others now."""
    told, booking = s.told(), s.booking
    elsewhere = told.get("salon", booking.salon) != booking.salon
    if told.get("starts_at", booking.starts_at) != booking.starts_at:
        yield s.t("Your booking has changed 🔄")
        yield s.t("Before: {old_date}, {old_time}")
        yield s.t("Now: {date}, {time}")
        yield whose(s)
        yield services(s)
        yield s.t("Specialist: {master}")
        if elsewhere:
            yield s.t("Where: {salon}, {address}")
        yield or_question(s, _if_the_time_does_not_suit(s))
        return
    others_master = told.get("master", booking.master) != booking.master and booking.master is not None
    same_else = not elsewhere and tuple(told.get("services", booking.services)) == booking.services
    yield (
        s.t("Another specialist will see you 🔄")
        if others_master and same_else
        else s.t("There are changes to your booking 🔄")
    )
    yield from visit(s)
    yield or_question(s, _if_it_does_not_suit(s))


def _if_the_time_does_not_suit(s: Scene) -> str:
    if s.facts.staff_linked:
        return s.t("If the new time doesn't suit you, write to us and we'll find another.")
    return s.t("If the new time doesn't suit you, please call us: {phone}")


def _if_it_does_not_suit(s: Scene) -> str:
    if s.facts.staff_linked:
        return s.t("If this doesn't suit you, write to us.")
    return s.t("If this doesn't suit you, please call us: {phone}")


def booking_cancelled(s: Scene) -> Iterator[str]:
    """A visit was cancelled, by the salon or because it was given to somebody else."""
    by_salon = s.facts.booking is not None and s.facts.booking.cancelled_by == "staff"
    yield s.t("Unfortunately, we had to cancel your booking.") if by_salon else s.t("Your booking has been cancelled.")
    yield s.t("When: {date}, {time}")
    yield whose(s)
    yield services(s)
    yield s.t("Choose another time: {link}") if by_salon else s.t("Book again: {link}")
    yield s.t("We're sorry for the trouble!") if by_salon else s.t("We'd be glad to see you!")


def reminder(s: Scene) -> Iterator[str]:
    """A visit is ahead: in minutes, in hours, today, tomorrow, or later."""
    left = round(((starts_at(s) or 0) - s.facts.now) / MINUTE)
    hours = round(left / 60)
    if left < 60:
        yield s.count("Your visit is in {n} minute ⏰", "Your visit is in {n} minutes ⏰", max(left, 1))
    elif hours <= SOON_HOURS and abs(left - hours * 60) <= SLACK_MINUTES:
        yield s.count("Your visit is in {n} hour ⏰", "Your visit is in {n} hours ⏰", hours)
    else:
        yield from _reminder_by_date(s)
        return
    yield s.t("{time}, {salon}, {address}")
    yield whose(s)
    yield from notes(s)
    yield or_question(s, s.t("See you!"))


def _reminder_by_date(s: Scene) -> Iterator[str]:
    days = (s.local(starts_at(s) or 0).date() - s.local(s.facts.now).date()).days
    yield greeting(s)
    if days <= 0:
        yield s.t("Your visit is today 🗓")
    elif days == 1:
        yield s.t("Your visit is tomorrow 🗓")
    else:
        yield s.t("A reminder about your visit 🗓")
    yield from visit(s)
    yield from notes(s)
    yield or_question(s, s.t("See you soon!"))


def visit_confirmed(s: Scene) -> Iterator[str]:
    """The client confirmed, now or before. In place of the question it says all that the question said."""
    if s.editing:
        yield s.t("Thank you, your visit is confirmed ✅")
        yield from visit(s)
        yield from notes(s)
        yield s.t("See you soon!")
    elif s.param("again"):
        yield s.t("Your visit is already confirmed: {date}, {time}. See you soon!")
    else:
        yield s.t("Thank you, your visit is confirmed! See you: {date}, {time}.")


def cancel_ask(s: Scene) -> Iterator[str]:
    """Before a visit is cancelled the client is asked once more."""
    yield s.t("Cancel this booking?")
    yield s.t("When: {date}, {time}")
    yield whose(s)
    yield services(s)


def cancel_kept(s: Scene) -> Iterator[str]:
    """The client thought better of cancelling."""
    if not s.editing:
        yield s.t("Your booking stands: {date}, {time}. See you soon!")
        return
    yield s.t("Your booking stands ✅")
    yield from visit(s)
    yield from notes(s)
    yield s.t("See you soon!")


def visit_declined(s: Scene) -> Iterator[str]:
    """The client cancelled."""
    yield s.t("Your booking is cancelled. Thank you for letting us know!")
    yield s.t("When: {date}, {time}")
    yield whose(s)
    if s.facts.staff_linked:
        yield s.t("We've told the receptionist.")
    yield s.t("Choose another time: {link}")
    yield why_not(s)


def why_not(s: Scene) -> str:
    """The question above the buttons that answer it."""
    return s.t("May we ask why? One tap, and nobody sees who answered.") if asks_why(s.message) else ""


def why_thanks(s: Scene) -> Iterator[str]:
    """The client said why; not which reason, so that no message tells whose answer it was."""
    yield s.t("Thank you for telling us 💛 It helps us to do better.")
    yield s.t("We keep the reason alone, without your name.")
    yield s.t("You're welcome back any time: {link}")


def move_requested(s: Scene) -> Iterator[str]:
    """The client asked to move a visit: somebody will do it, or the client can; until then it stands."""
    if s.facts.staff_linked:
        yield s.t("We've passed your request on to the receptionist.")
        yield s.t("You can also choose a new time yourself: {link}")
    else:
        yield s.t("We've noted that you'd like to reschedule.")
        yield s.t("Choose a new time: {link}") if s["link"] else s.t("To choose a new time, please call us: {phone}")
    yield s.t("For now your booking stands: {date}, {time}.")
    yield whose(s)


def visit_cancelled(s: Scene) -> Iterator[str]:
    """A button of a visit that is cancelled by now."""
    yield s.t("This booking is already cancelled.")
    yield s.t("When: {date}, {time}")
    yield whose(s)
    yield s.t("Book again: {link}")


def visit_past(s: Scene) -> Iterator[str]:
    """A button of a visit that is over."""
    yield s.t("This visit is already in the past.")
    yield s.t("When: {date}, {time}")
    yield whose(s)
    yield s.t("Book again: {link}")


def visit_moved(s: Scene) -> Iterator[str]:
    """A button of a visit as it no longer is: here is what it is now."""
    yield s.t("This booking has changed. Now it is:")
    yield from visit(s)


def visit_gone(s: Scene) -> Iterator[str]:
    """A button of a visit that is no longer this person's; nothing of it is told."""
    yield s.t("You no longer have this booking.")


def visit_card(s: Scene) -> Iterator[str]:
    """One visit of several, in full."""
    yield s.t("Your booking 🗓")
    yield from visit(s)
    yield from notes(s)
    yield confirmed(s)


def confirmed(s: Scene) -> str:
    """Says that a visit is confirmed, where it is."""
    return s.t("Visit confirmed") if s.booking.status == "confirmed" else ""


def bookings(s: Scene) -> Iterator[str]:
    """The visits ahead of everybody who reads this chat."""
    scenes = [s.at(each) for each in s.facts.visits]
    if not scenes:
        yield s.t("You have no upcoming bookings yet.")
        yield s.t("Book a visit: {link}")
        return
    yield s.t("Your next booking:") if len(scenes) == 1 else s.t("Your upcoming bookings:")
    everywhere = len(scenes) == 1 or len({scene.booking.salon for scene in scenes}) > 1
    for scene in scenes:
        yield Plain("")
        yield Plain(lay_out(_listed(scene, everywhere), scene))


def _listed(s: Scene, where: bool) -> Iterator[str]:
    yield s.t("When: {date}, {time}")
    yield whose(s)
    yield services(s)
    yield s.t("Specialist: {master}")
    if where:
        yield s.t("Where: {salon}, {address}")
    yield confirmed(s)
