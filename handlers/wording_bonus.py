"""What clients read about bonus points, birthdays and their next visit. Each function is one kind of message.

Points have no name that fits every sentence of every language, so each number stands either with its own plural or bare
behind a label. What a sum is worth is told in money, and what it could pay for in the salon's own price list.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final

from handlers import formats
from handlers.bonus_news import LAST_DAY, last_day
from handlers.filling import Plain, lay_out
from handlers.i18n import NBSP
from handlers.ledger import expiry
from handlers.offer_facts import Purse
from handlers.scene import Scene
from handlers.wording_visits import whose
from storage.records import BonusEntry, Service

NO_PURSE: Final = Purse()


def set_values(s: Scene) -> None:
    """Give the variables of an owner's text and of WhatsApp's templates their values: ``n`` with its noun, so that nobody
    who writes a text has to think of plurals."""
    if s.facts.purse is None:
        return
    n = points_told(s)
    s["n"] = s.t.plural("{n} bonus point", "{n} bonus points", n).replace("{n}", str(n))
    s["balance"], s["amount"] = str(purse(s).balance), worth(s, purse(s).balance)
    if s.message.kind in ("bonus_accrued", "bonus_birthday"):
        until(s, [entry for entry in purse(s).entries if entry.amount > 0])
    elif s.message.kind == "bonus_expiring":
        s["day"] = day_of(s, date.fromisoformat(s.param(LAST_DAY)))


def points_told(s: Scene) -> int:
    """The number that a message is about."""
    if s.message.kind == "bonus_expiring":
        return expiring(s, date.fromisoformat(s.param(LAST_DAY)))
    told = [entry.amount for entry in purse(s).entries]
    came = sum(amount for amount in told if amount > 0)
    return came or -sum(told) or purse(s).balance


def purse(s: Scene) -> Purse:
    """The client's points; an empty purse where nothing was read."""
    return s.facts.purse or NO_PURSE


def worth(s: Scene, points: int) -> str:
    """What so many points are worth: one is worth one unit of the salon's money."""
    return formats.money(points * 100, s.facts.place.currency, s.t.language)


def affordable(s: Scene) -> Service | None:
    """The dearest service of the price list that the points could pay for in full."""
    points, currency = purse(s).balance, s.facts.place.currency
    within = [
        one
        for one in purse(s).services
        if one.price and one.price <= points * 100 and (one.currency or currency) == currency
    ]
    return max(within, key=lambda one: (one.price or 0, one.id), default=None)


def balance(s: Scene) -> Iterator[str]:
    """How many points there are, what they are worth, and what they could pay for; nothing where there are none."""
    points = purse(s).balance
    if points <= 0:
        return
    s["balance"], s["amount"] = str(points), worth(s, points)
    yield s.t("Your bonus points: {balance}. They take {amount} off your next visits.")
    yield from covers(s)


def covers(s: Scene) -> Iterator[str]:
    """A service that the points could pay for."""
    service = affordable(s)
    if service is not None:
        price = formats.money(service.price or 0, s.facts.place.currency, s.t.language)
        # The values of the message's own visit stay as they are.
        yield Plain(lay_out((s.t("Enough for: {service}, {price}"),), {"service": service.name, "price": price}))


def book(s: Scene) -> str:
    """The way to the next visit, where no button can open it."""
    return "" if s.links else s.t("Book a visit: {link}")


def day_of(s: Scene, day: date) -> str:
    """A last day, as it stands in a sentence."""
    return formats.plain_day(day, s.t.language, s.local(s.facts.now).year).replace(" ", NBSP, 1)


def until(s: Scene, lots: Sequence[BonusEntry]) -> str:
    """Until when the first of these can be spent; empty where they never expire."""
    ends = min(map(expiry, lots), default=None) if all(lot.expires_at is not None for lot in lots) else None
    if ends is None or ends <= s.facts.now:
        return ""
    s["day"] = day_of(s, last_day(ends, s.facts.place))
    return s.t("They can be used until {day}.")


def bonus_accrued(s: Scene) -> Iterator[str]:
    """Points came, or were used, or both."""
    yield whose(s)
    came = [entry for entry in purse(s).entries if entry.amount > 0]
    used = -sum(entry.amount for entry in purse(s).entries if entry.amount < 0)
    if came:
        received = sum(entry.amount for entry in came)
        yield s.count("You've received {n} bonus point 🎁", "You've received {n} bonus points 🎁", received)
    if used:
        yield s.count("You've used {n} bonus point.", "You've used {n} bonus points.", used)
    yield from balance(s)
    yield until(s, came)
    yield book(s)


def bonus_expiring(s: Scene) -> Iterator[str]:
    """Points are about to expire."""
    day = date.fromisoformat(s.param(LAST_DAY))
    n = expiring(s, day)
    yield s.t("Don't lose your bonus points ⏳")
    yield whose(s)
    if day <= s.local(s.facts.now).date():
        yield s.count(
            "Today is the last day to use {n} bonus point.", "Today is the last day to use {n} bonus points.", n
        )
    else:
        s["day"] = day_of(s, day)
        yield s.count("{n} bonus point can be used until {day}.", "{n} bonus points can be used until {day}.", n)
    yield from balance(s)
    yield book(s)
    yield s.t("See you soon!")


def expiring(s: Scene, day: date) -> int:
    """How many points can be spent until ``day`` and no longer."""
    lots = (lot for lot in purse(s).lots if lot.lapses_at is not None)
    return sum(lot.remaining for lot in lots if last_day(expiry(lot), s.facts.place) == day)


def bonus_birthday(s: Scene) -> Iterator[str]:
    """The birthday gift: on the day, or ahead of it, and then it wishes nothing yet."""
    ahead = is_ahead(s)
    gifts = purse(s).entries
    yield s.t("Your birthday is coming up 🎁") if ahead else s.t("Happy birthday! 🎉")
    yield whose(s)
    n = sum(gift.amount for gift in gifts)
    yield s.count("Our gift to you: {n} bonus point.", "Our gift to you: {n} bonus points.", n) if n else ""
    yield from balance(s)
    yield until(s, gifts) if gifts else ""
    yield book(s)
    yield s.t("See you soon!") if ahead else s.t("Have a wonderful year!")


def is_ahead(s: Scene) -> bool:
    """The birthday has not come yet."""
    return s.local(s.facts.now).date() < date.fromisoformat(s.param("birthday"))


def bonus_balance(s: Scene) -> Iterator[str]:
    """The answer to /bonus."""
    points = purse(s).balance
    yield whose(s)
    if points <= 0:
        yield s.t("You have no bonus points yet.")
        yield s.t("We add them after your visits.") if s.facts.settings.cashback_percent else ""
        return
    yield s.count("You have {n} bonus point 🎁", "You have {n} bonus points 🎁", points)
    s["amount"] = worth(s, points)
    yield s.t("They take {amount} off your next visits.")
    yield from covers(s)
    yield from first_to_expire(s)
    yield book(s)


def first_to_expire(s: Scene) -> Iterator[str]:
    """Which points expire first, and when."""
    ends = min((lot.lapses_at for lot in purse(s).lots if lot.lapses_at is not None), default=None)
    if ends is None:
        return
    day = last_day(ends, s.facts.place)
    n = expiring(s, day)
    s["day"] = day_of(s, day)
    if n == purse(s).balance:
        yield s.t("They can be used until {day}.")
    else:
        yield s.count("{n} bonus point can be used until {day}.", "{n} bonus points can be used until {day}.", n)


def rebook_invitation(s: Scene) -> Iterator[str]:
    """The invitation to the next visit, or, after one that did not take place, to another time."""
    missed = is_missed(s)
    if missed:
        yield s.t("It's a pity that we didn't meet last time. Shall we find another time?")
    else:
        yield s.t("It's a good time for your next visit!")
    yield whose(s)
    several = len(s.facts.services) > 1
    yield s.t("Services: {service}") if several else s.t("Service: {service}")
    yield s.t("Specialist: {master}")
    yield from balance(s)
    yield book(s)
    yield s.t("We'd be glad to see you!")


def is_missed(s: Scene) -> bool:
    """The visit did not take place."""
    return s.facts.booking is not None and s.facts.booking.status == "no_show"


def rebook_closed(s: Scene) -> Iterator[str]:
    """The client doesn't want to come now."""
    yield s.t("All right. We'll be glad to see you whenever you like!")


def rebook_postponed(s: Scene) -> Iterator[str]:
    """The client wants to be asked later."""
    yield s.t("All right, we'll ask you again in a week.")


def rebook_dropped(s: Scene) -> Iterator[str]:
    """The client doesn't want to be asked about these services."""
    yield s.t("Understood, we won't invite you to this any more.")
    yield s.t("Services: {service}") if len(s.facts.services) > 1 else s.t("Service: {service}")


def consent_ask(s: Scene) -> Iterator[str]:
    """May offers be sent? Asked once."""
    yield s.t("May we sometimes send you bonuses, birthday gifts and offers?")
    yield s.t("You can turn them off at any time.")
