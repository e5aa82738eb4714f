"""What a chat says beside visits: the first minutes, the language, what is switched on, and what was not understood.

Each function is one kind of message and gives its lines.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from handlers.filling import Plain
from handlers.i18n import LANGUAGES, language_of, mark, translator
from handlers.scene import Scene

CHOOSE_LANGUAGE: Final = mark("Choose a language:")
SHARE_CONTACT: Final = mark("To find your bookings, we need your phone number. Tap the button below 👇")


def share_contact(s: Scene) -> Iterator[str]:
    """The first words to a stranger: in the language of the person's app, and in the salon's where that is another."""
    yield s.t(SHARE_CONTACT)
    salons = language_of(s.facts.place.language, s.t.language)
    if salons != s.t.language:
        yield Plain("")
        yield translator(salons)(SHARE_CONTACT)


def contact_foreign(s: Scene) -> Iterator[str]:
    """Somebody else's contact was shared."""
    yield s.t("This is somebody else's number. Please share your own 👇")


def link_expired(s: Scene) -> Iterator[str]:
    """A one-time link that is used up or too old."""
    yield s.t("This link no longer works. Share your phone number and we'll find your bookings 👇")


def number_unknown(s: Scene) -> Iterator[str]:
    """Nobody is booked with this number."""
    yield s.t("We found no bookings for this number.")
    yield (
        s.t("Please check with the receptionist: {phone}") if s["phone"] else s.t("Please check with the receptionist.")
    )


def phone_moved(s: Scene) -> Iterator[str]:
    """To the chat that a phone leaves."""
    yield s.t("Your phone number is now linked to another chat, so messages will arrive there.")


def welcome(s: Scene) -> Iterator[str]:
    """A chat was linked."""
    yield s.t("All set! Notifications will now arrive here.")
    yield s.t("From: {salon}")
    if _gets_offers(s):
        yield s.t("Turn off offers any time: /stop")


def _gets_offers(s: Scene) -> bool:
    return s.facts.client is not None and s.facts.client.marketing_consent is True


def uses_points(s: Scene) -> bool:
    """Whether this business gives points, or this client has some."""
    settings, purse = s.facts.settings, s.facts.purse
    return bool(settings.cashback_percent or settings.birthday_bonus or (purse and purse.balance))


def help(s: Scene) -> Iterator[str]:
    """What can be done here."""
    yield s.t("What you can do here:")
    yield s.t("/bookings — my bookings")
    if uses_points(s):
        yield s.t("/bonus — my bonus points")
    yield s.t("/language — change the language")
    yield s.t("/stop — turn off offers") if _gets_offers(s) else s.t("/offers — receive offers")
    if s.facts.staff_linked:
        yield s.t("Or just write here, and the receptionist will read it.")


def menu(s: Scene) -> Iterator[str]:
    """What can be done here, as buttons."""
    yield s.t("What would you like to do?")


def language_ask(s: Scene) -> Iterator[str]:
    """Asked in every language: whoever wants another may not read this one."""
    for language in dict.fromkeys((s.t.language, *LANGUAGES)):
        yield translator(language)(CHOOSE_LANGUAGE)


def language_set(s: Scene) -> Iterator[str]:
    """The language was chosen."""
    yield s.t("Done! From now on we'll write to you in English.")


def offers_off(s: Scene) -> Iterator[str]:
    """The person wants no more offers."""
    yield s.t("Offers are off. We'll still message you about your bookings.")
    yield s.t("Turn offers back on: /offers")


def offers_on(s: Scene) -> Iterator[str]:
    """The person wants offers."""
    yield s.t("Offers are on. Glad to have you with us!")
    yield s.t("Turn off: /stop")


def all_off(s: Scene) -> Iterator[str]:
    """The person wants nothing at all."""
    yield s.t("Done, we won't write to you any more, not even about your bookings.")


def all_on(s: Scene) -> Iterator[str]:
    """The person wants to hear of bookings again."""
    yield s.t("Done, we'll message you about your bookings again.")


def not_understood(s: Scene) -> Iterator[str]:
    """Words that no rule understands and nobody will read."""
    yield s.t("Sorry, that message wasn't clear. Please use the buttons or send /help")


def old_button(s: Scene) -> Iterator[str]:
    """A button that stands for nothing any more."""
    yield s.t("This button no longer works. To see your bookings, send /bookings")


def message_passed_on(s: Scene) -> Iterator[str]:
    """The person's words went to the staff chat."""
    yield s.t("Thank you! We've passed your message on to the receptionist.")


def which_business(s: Scene) -> Iterator[str]:
    """An answer that may be meant for several businesses."""
    yield s.t("Who is this answer for?")


def staff_reply(s: Scene) -> Iterator[str]:
    """What the staff answer a client."""
    yield s.t("Reply from the receptionist:")
    yield Plain(s["text"])
