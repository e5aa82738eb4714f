"""How points read: 0, 1, 2, 5 and 21 of them in every language, in money, and in what they pay for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from handlers.channel import TELEGRAM, WHATSAPP, Text
from handlers.i18n import LANGUAGES, NBSP
from handlers.offer_facts import Guest, Purse
from storage.records import Choice
from tools.specimen import BROWS, SALON, Specimen
from tools.specimen_bonus import SOON, lot, purse

BOOK = (Choice("book"),)
CHEAP, DEAR = replace(BROWS, price=12_000, currency="UAH"), replace(BROWS, id="dear", name="Колір", price=90_000)


def read(kind: str, language: str, points: Purse | None = None, capabilities: Any = TELEGRAM, **more: Any) -> str:
    """The text of a message, with plain spaces."""
    facts = {"purse": points, **more.pop("facts", {})}
    rendered = Specimen(kind, choices=BOOK, facts=facts, **more).rendered(language, capabilities)
    assert isinstance(rendered, Text)
    return rendered.body.replace(NBSP, " ")


@pytest.mark.parametrize(
    ("n", "uk", "ru", "tr"),
    [
        (1, "Вам нараховано 1 бонус 🎁", "Вам начислен 1 бонус 🎁", "1 bonus puan kazandınız 🎁"),
        (2, "Вам нараховано 2 бонуси 🎁", "Вам начислено 2 бонуса 🎁", "2 bonus puan kazandınız 🎁"),
        (5, "Вам нараховано 5 бонусів 🎁", "Вам начислено 5 бонусов 🎁", "5 bonus puan kazandınız 🎁"),
        (21, "Вам нараховано 21 бонус 🎁", "Вам начислен 21 бонус 🎁", "21 bonus puan kazandınız 🎁"),
    ],
)
def test_what_came_is_counted_as_people_count(n: int, uk: str, ru: str, tr: str) -> None:
    for language, text in (("uk", uk), ("ru", ru), ("tr", tr)):
        assert read("bonus_accrued", language, purse(lot(n))).splitlines()[0] == text


@pytest.mark.parametrize(
    ("n", "uk", "ru", "tr"),
    [
        (0, "Бонусів поки немає.", "Бонусов пока нет.", "Henüz bonus puanınız yok."),
        (1, "У вас 1 бонус 🎁", "У вас 1 бонус 🎁", "1 bonus puanınız var 🎁"),
        (2, "У вас 2 бонуси 🎁", "У вас 2 бонуса 🎁", "2 bonus puanınız var 🎁"),
        (5, "У вас 5 бонусів 🎁", "У вас 5 бонусов 🎁", "5 bonus puanınız var 🎁"),
        (21, "У вас 21 бонус 🎁", "У вас 21 бонус 🎁", "21 bonus puanınız var 🎁"),
    ],
)
def test_the_balance_reads_well_at_any_number(n: int, uk: str, ru: str, tr: str) -> None:
    points = purse(lot(n)) if n else None
    for language, text in (("uk", uk), ("ru", ru), ("tr", tr)):
        assert read("bonus_balance", language, points).splitlines()[0] == text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ["bonus_accrued", "bonus_balance", "rebook_invitation"])
def test_a_zero_is_never_told(language: str, kind: str) -> None:
    assert "0" not in read(kind, language, purse())


def test_points_are_worth_money_and_pay_for_the_dearest_service_they_can() -> None:
    text = read("bonus_accrued", "uk", purse(lot(145), services=(CHEAP, DEAR)))
    assert "Ваші бонуси: 145. Це 145 ₴ знижки на наступні візити." in text
    assert "Вистачить на: Брови, 120 ₴" in text and "Колір" not in text
    assert "Вистачить" not in read("bonus_accrued", "uk", purse(lot(119), services=(CHEAP, DEAR)))


def test_a_service_in_other_money_is_not_promised() -> None:
    assert "Вистачить" not in read("bonus_accrued", "uk", purse(lot(145), services=(replace(CHEAP, currency="TRY"),)))


def test_the_last_day_counts_and_points_that_never_expire_have_none() -> None:
    assert "до 25 травня 2027 включно" in read("bonus_accrued", "uk", purse(lot(5)))
    assert "включно" not in read("bonus_accrued", "uk", purse(lot(5, None)))


def test_the_last_day_is_called_today_when_it_is() -> None:
    told = read("bonus_expiring", "uk", purse(lot(5, SOON)), params={"last_day": "2026-11-30"}, hours_before=-80)
    assert "Сьогодні останній день, коли діють 5 бонусів." in told


@pytest.mark.parametrize(
    ("language", "wish"), [("uk", "З днем народження"), ("ru", "С днём рождения"), ("tr", "kutlu")]
)
def test_nobody_is_wished_a_happy_birthday_early(language: str, wish: str) -> None:
    on_the_day = read("bonus_birthday", language, purse(lot(200)), params={"birthday": "2026-11-26"})
    ahead = read("bonus_birthday", language, purse(lot(200)), params={"birthday": "2026-11-27"})
    assert wish in on_the_day and wish not in ahead


def test_where_no_button_opens_an_address_the_text_has_it() -> None:
    assert "example.org" not in read("bonus_accrued", "uk", purse(lot(5)))
    assert "Записатися: https://example.org/book" in read("bonus_accrued", "uk", purse(lot(5)), WHATSAPP)
    closed = read("bonus_accrued", "uk", purse(lot(5)), WHATSAPP, facts={"salon": replace(SALON, booking_url=None)})
    assert "Записатися" not in closed


def test_staff_see_who_is_coming() -> None:
    def card(guest: Guest) -> str:
        return read("staff_booking_created", "uk", facts={"guest": guest})

    assert "Перший візит" in card(Guest())
    known = card(Guest(visits=4, balance=145))
    assert "Візит №5" in known and "Бонуси: 145" in known
    assert "Бонуси" not in card(Guest(visits=4))
