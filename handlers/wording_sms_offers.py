"""What clients read by SMS of offers: a line, the address where one books, and the one where offers are switched off."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from handlers import templates
from handlers.filling import Plain
from handlers.i18n import mark
from handlers.scene import Scene
from handlers.wording_bonus import is_ahead, is_missed, purse
from handlers.wording_campaign import own_text
from handlers.wording_choices import EMOJI
from storage.records import MAILING_LANE

ACCRUED: Final = mark("You've received {n}. {salon}.")
USED: Final = mark("You've used {n}. {salon}.")
EXPIRING: Final = mark("Last day for your bonus points ({n}): {day}. {salon}.")
BIRTHDAY: Final = mark("Happy birthday! Our gift: {n}. {salon}.")
AHEAD: Final = mark("Your birthday gift is ready: {n}. {salon}.")
REBOOK: Final = mark("It's a good time for your next visit. {salon}.")
MISSED: Final = mark("Shall we find another time for you? {salon}.")
MISS_YOU: Final = mark("We miss you! {salon}.")
BOOK: Final = mark("Book: {link}")
OFF: Final = mark("No more offers: {link}")
PARTS: Final[Mapping[str, int]] = {
    ACCRUED: 1, USED: 1, EXPIRING: 2, BIRTHDAY: 1, AHEAD: 1, REBOOK: 1, MISSED: 1, MISS_YOU: 1, BOOK: 1, OFF: 2,
}  # fmt: skip
"""Every sentence of this file, and how many segments it takes at most with long values in it, in every language."""


def switch_off(s: Scene) -> Iterator[str]:
    """The line under every offer: the law wants a way out in each of them."""
    client = s.facts.client
    if s.message.lane == MAILING_LANE and client is not None:
        s["link"] = s.facts.links.settings(client) or ""
        yield s.t(OFF)


def _book(s: Scene) -> Iterator[str]:
    s["link"] = (s.facts.salon and s.facts.salon.booking_url) or ""
    yield s.t(BOOK)


def bonus_accrued(s: Scene) -> Iterator[str]:
    """Points came, or were used."""
    yield s.t(ACCRUED if any(entry.amount > 0 for entry in purse(s).entries) else USED)
    yield from _book(s)


def bonus_expiring(s: Scene) -> Iterator[str]:
    """Points are about to expire."""
    yield s.t(EXPIRING)
    yield from _book(s)


def bonus_birthday(s: Scene) -> Iterator[str]:
    """The birthday gift."""
    yield s.t(AHEAD if is_ahead(s) else BIRTHDAY)
    yield from _book(s)


def rebook_invitation(s: Scene) -> Iterator[str]:
    """The invitation to the next visit."""
    yield s.t(MISSED if is_missed(s) else REBOOK)
    yield from _book(s)


def campaign(s: Scene) -> Iterator[str]:
    """A mailing."""
    own = own_text(s)
    if own:
        yield Plain(EMOJI.sub("", " ".join(templates.fill(own, s).split())))
    else:
        yield s.t(MISS_YOU)
        yield s.t("Your promo code: {code}")
    yield from _book(s)


PHRASES: Final[Mapping[str, Callable[[Scene], Iterable[str]]]] = {
    "bonus_accrued": bonus_accrued,
    "bonus_expiring": bonus_expiring,
    "bonus_birthday": bonus_birthday,
    "rebook_invitation": rebook_invitation,
    "campaign": campaign,
}
"""Kind to the function that gives its lines."""
