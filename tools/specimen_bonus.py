"""Messages about bonus points, birthdays and the next visit, to be read aloud: part of :mod:`tools.specimen`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any, TypeVar

from handlers import rebook
from handlers.bonus_news import BOOK
from handlers.consent import ASKING
from handlers.moments import parse_moment
from handlers.offer_facts import Guest, Purse
from handlers.offers import OFF
from storage.records import MAILING_LANE, BonusEntry, Booking, Client, Salon, Service

S = TypeVar("S")
NUMBERS = (1, 2, 5, 21)
AT = parse_moment("2026-11-26T13:00:00+02:00")
ENDS = parse_moment("2027-05-26T00:00:00+03:00")
SOON = parse_moment("2026-12-01T00:00:00+02:00")
TODAY = parse_moment("2026-11-27T00:00:00+02:00")


def lot(amount: int, ends: int | None = ENDS, id: str = "e") -> BonusEntry:
    """Points that came."""
    left = {"remaining": amount, "lapses_at": ends} if amount > 0 else {}
    return BonusEntry(
        business="studio", id=id, client="c1", amount=amount, reason="accrual", at=AT, expires_at=ends, **left
    )


def purse(*entries: BonusEntry, before: int = 0, services: tuple[Service, ...] = ()) -> Purse:
    """The points of a client who had ``before``, after these entries."""
    lots = tuple(entry for entry in entries if entry.amount > 0)
    return Purse(before + sum(entry.amount for entry in entries), lots, entries, services)


def specimens(make: Callable[..., S], booking: Booking, child: Client, salon: Salon, brows: Service) -> tuple[S, ...]:
    """Every kind, and every way in which it may read; ``make`` is the type of a specimen."""
    tint = replace(brows, price=12_000, currency="UAH")
    no_page = replace(salon, booking_url=None)
    offer: dict[str, Any] = {"lane": MAILING_LANE, "choices": (BOOK, OFF)}
    asks: dict[str, Any] = {"lane": MAILING_LANE, "choices": (*rebook.CHOICES, OFF)}
    birthday, ahead = {"birthday": "2026-11-26"}, {"birthday": "2026-12-03"}
    last = {"last_day": "2026-11-30"}
    counted = [
        one
        for n in NUMBERS
        for one in (
            make("bonus_accrued", f"{n}", facts={"purse": purse(lot(n))}, **offer),
            make("bonus_accrued", f"{n} used", facts={"purse": purse(lot(-n), before=n + 145)}, **offer),
            make("bonus_expiring", f"{n}", params=last, facts={"purse": purse(lot(n, SOON))}, **offer),
            make("bonus_birthday", f"{n}", params=birthday, facts={"purse": purse(lot(n))}, **offer),
            make("bonus_birthday", f"{n} ahead", params=ahead, facts={"purse": purse(lot(n))}, **offer),
            make("bonus_balance", f"{n}", facts={"purse": purse(lot(n))}, choices=(BOOK,)),
        )
    ]
    return (
        *counted,
        make("bonus_accrued", "used and received", facts={"purse": purse(lot(-100), lot(45), before=300)}, **offer),
        make(
            "bonus_accrued",
            "enough for something, never expires, a child",
            facts={"purse": purse(lot(145, None), services=(tint,)), "siblings": (child,)},
            **offer,
        ),
        make(
            "bonus_expiring",
            "today",
            params={"last_day": "2026-11-26"},
            facts={"purse": purse(lot(50, TODAY))},
            **offer,
        ),
        make(
            "bonus_birthday",
            "no page to book at",
            params=birthday,
            facts={"purse": purse(lot(200), services=(tint,)), "salon": no_page},
            **offer,
        ),
        make("bonus_balance", "none"),
        make(
            "bonus_balance",
            "some expire first",
            facts={"purse": purse(lot(30, SOON), lot(115, id="f"), services=(tint,))},
            choices=(BOOK,),
        ),
        make("rebook_invitation", "", **asks),
        make(
            "rebook_invitation",
            "with points, two services",
            facts={"purse": purse(lot(145), services=(tint,)), "services": (brows, replace(brows, name="Стрижка"))},
            **asks,
        ),
        make("rebook_invitation", "missed", booking=replace(booking, status="no_show"), **asks),
        make("rebook_closed", choices=(BOOK,)),
        make("rebook_postponed"),
        make("rebook_dropped"),
        make("consent_ask", choices=ASKING),
        make("staff_booking_created", "a first visit", facts={"guest": Guest()}),
        make(
            "staff_booking_created",
            "a guest whom we know",
            facts={"guest": Guest(visits=4, balance=145, birthday=date(2026, 11, 29))},
        ),
    )
