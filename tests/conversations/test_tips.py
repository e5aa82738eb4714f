"""Money for the master after a visit: by the master's own link, or by an invoice in the chat, which is paid once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.playground.cast import MASTERS
from bot.playground.stage import opened
from bot.playground.telegram_methods import LEAST_INVOICE
from bot.playground.telegram_people import User
from bot.playground.telegram_world import Message, Payment
from handlers.tips import SUMS, Checkout, checkout
from tests.conversations.test_reviews import BOTH, database, just_asked, masters_chat, rates, said
from tests.conversations.world import BUSINESS, MONDAY, SALON_BODY, Client, World, set_the_stage

LINK = "https://pay.example/nataliia"
PROVIDER = {"telegram_payment_token": "381764678:TEST:1"}


@pytest.fixture
async def paying(database: str) -> AsyncIterator[World]:
    """The salon on a Monday at noon, its bot set up to take money."""
    start = int(MONDAY.timestamp() * 1000)
    async with opened(database, start, business=BUSINESS, salon=SALON_BODY, settings=PROVIDER) as stage:
        yield await set_the_stage(stage, "telegram")


async def thanked(world: World) -> Client:
    """A client who has reviewed a visit and been thanked for it."""
    anna = await just_asked(world)
    await rates(anna, 5)
    await anna.taps("review_done")
    return anna


async def invoiced(world: World, title: str = "200\u00a0₴") -> tuple[Client, User, Message]:
    """A client with an invoice, the person behind the chat, and the invoice."""
    anna = await thanked(world)
    assert anna.user is not None
    await anna.user.taps(title, next(one for one in reversed(anna.user.messages) if title in one.titles))
    await world.stage.quiet()
    return anna, anna.user, newest_invoice(anna.user)


def newest_invoice(user: User) -> Message:
    """The newest invoice in a person's chat."""
    return [one for one in user.messages if "invoice" in one.content][-1]


async def tips(world: World) -> list[Any]:
    """The tips that the API lists."""
    return list((await world.stage.api.call("GET", "/tips"))["items"])


async def pays(world: World, user: User, invoice: Message) -> Payment:
    """Pay, and wait until all that follows has happened."""
    payment = await user.pays(invoice)
    await world.stage.quiet()
    return payment


async def test_the_masters_own_link_is_offered_after_the_thanks(world: World) -> None:
    await world.stage.api.call("PUT", "/masters/m1", {**MASTERS["m1"], "tip_url": LINK})
    anna = await thanked(world)
    assert "чайовими" in said(anna)
    if world.channel == "telegram":
        thanks = next(one for one in reversed(anna.heard) if one.text == said(anna))
        assert [key.get("url") for row in thanks.wire.buttons for key in row] == [LINK]
    else:
        assert LINK in said(anna)


async def test_without_a_link_and_a_provider_no_tip_is_offered(world: World) -> None:
    await world.stage.api.call("PUT", "/masters/m1", {"salon": "s1", "name": "Наталія"})
    anna = await thanked(world)
    assert "чайовими" not in said(anna)


async def test_where_tips_are_switched_off_none_is_offered(world: World) -> None:
    await world.stage.api.call("PUT", "/masters/m1", {**MASTERS["m1"], "tip_url": LINK})
    await world.stage.api.call("PATCH", "/settings", {"kinds": {"review_request": {"tips": False}}})
    anna = await thanked(world)
    assert "чайовими" not in said(anna)


async def test_a_sum_is_paid_in_the_chat_the_master_is_told_and_the_client_thanked(paying: World) -> None:
    master = await masters_chat(paying)
    anna, user, invoice = await invoiced(paying)
    terms = invoice.content["invoice"]
    assert (terms["currency"], terms["total_amount"], terms["start_parameter"]) == ("UAH", 20_000, "tip")
    payment = await pays(paying, user, invoice)
    assert payment.accepted is True
    (tip,) = await tips(paying)
    assert tip["amount"] == {"amount": "200.00", "currency": "UAH"}
    assert (tip["booking"], tip["client"], tip["master"], tip["salon"]) == ("b-1", "anna", "m1", "s1")
    assert tip["charge"] == f"tg_{payment.id}"
    assert "Чайові отримано: 200" in anna.last.text.replace("\u00a0", " ")
    assert "💛 Чайові: 200" in master.messages[-1].text.replace("\u00a0", " ")
    assert not any("💛 Чайові" in text for text in paying.staff_heard)


async def test_a_master_without_a_chat_is_told_through_the_salons(paying: World) -> None:
    _, user, invoice = await invoiced(paying)
    await pays(paying, user, invoice)
    assert "💛 Чайові: 200" in paying.staff_heard[-1].replace("\u00a0", " ")


async def test_an_invoice_that_is_paid_is_not_paid_again(paying: World) -> None:
    _, user, invoice = await invoiced(paying)
    await pays(paying, user, invoice)
    again = await pays(paying, user, invoice)
    assert again.accepted is False
    assert again.error == "Ці чайові вже сплачено. Дякуємо!"
    assert len(await tips(paying)) == 1


@BOTH
async def test_of_two_who_pay_at_once_one_is_let_through(paying: World) -> None:
    _, user, invoice = await invoiced(paying)
    both = await asyncio.gather(user.pays(invoice), user.pays(invoice))
    await paying.stage.quiet()
    assert sorted(bool(one.accepted) for one in both) == [False, True]
    assert len(await tips(paying)) == 1


def question(user: User, invoice: Message, id: str) -> Checkout:
    """What Telegram asks before it takes money for this invoice."""
    terms = invoice.content["invoice"]
    return Checkout("telegram", str(user.id), id, invoice.invoice_payload, terms["total_amount"], terms["currency"])


async def test_whoever_gave_up_may_pay_a_minute_later(paying: World) -> None:
    _, user, invoice = await invoiced(paying)
    assert await checkout(paying.stage.app.desk, question(user, invoice, "given up")) is None
    refused = await pays(paying, user, invoice)
    assert (refused.accepted, refused.error[:6]) == (False, "Оплата")
    await paying.stage.move_to(paying.stage.now() + 61_000)
    assert (await pays(paying, user, invoice)).accepted is True
    assert len(await tips(paying)) == 1


async def test_the_same_question_twice_gets_the_same_answer(paying: World) -> None:
    _, user, invoice = await invoiced(paying)
    asked = question(user, invoice, "once")
    assert await checkout(paying.stage.app.desk, asked) is None
    assert await checkout(paying.stage.app.desk, asked) is None


async def test_another_sum_another_payer_and_a_forged_invoice_are_refused(paying: World) -> None:
    _, user, invoice = await invoiced(paying)
    asked = question(user, invoice, "other")
    others = (
        asked._replace(amount=100),
        asked._replace(currency="USD"),
        asked._replace(payer="7777"),
        asked._replace(invoice="0" * 32),
    )
    said = [await checkout(paying.stage.app.desk, other._replace(language="uk")) for other in others]
    assert said == ["Цей рахунок уже не діє."] * 4


async def test_a_payment_that_is_told_twice_is_counted_once(paying: World) -> None:
    anna, user, invoice = await invoiced(paying)
    await pays(paying, user, invoice)
    paid = next(one for one in user.messages if "successful_payment" in one.content)
    heard = len(anna.heard)
    paying.stage.telegram.world.emit("message", paid.json())
    await paying.stage.quiet()
    assert len(await tips(paying)) == 1
    assert len(anna.heard) == heard


async def test_a_second_charge_for_one_invoice_is_money_too(paying: World) -> None:
    _, user, invoice = await invoiced(paying)
    payment = await pays(paying, user, invoice)
    paid = next(one for one in user.messages if "successful_payment" in one.content)
    again = {**paid.content["successful_payment"], "telegram_payment_charge_id": "tg_other"}
    paying.stage.telegram.world.post(user.chat, user.account, {"successful_payment": again})
    await paying.stage.quiet()
    assert {tip["charge"] for tip in await tips(paying)} == {f"tg_{payment.id}", "tg_other"}


async def test_a_sum_pressed_twice_is_one_invoice(paying: World) -> None:
    _, user, invoice = await invoiced(paying)
    await user.taps("200\u00a0₴", next(one for one in user.messages if "200\u00a0₴" in one.titles))
    await paying.stage.quiet()
    assert [one for one in user.messages if "invoice" in one.content] == [invoice]


def test_every_sum_stands_well_above_the_least_that_telegram_takes() -> None:
    assert set(LEAST_INVOICE) == set(SUMS)
    for currency, sums in SUMS.items():
        assert list(sums) == sorted(set(sums))
        assert sums[0] >= 2 * LEAST_INVOICE[currency]


__all__ = ["database"]
