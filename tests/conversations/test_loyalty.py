"""Points, birthdays and the next visit, as a client hears of them; and the client's word, which ends it all."""

from __future__ import annotations

from typing import Any

from handlers.moments import moment_text
from tests.conversations.world import SALON, Client, World

HAIRCUT = {"name": "Стрижка", "price": {"amount": "600.00", "currency": "UAH"}, "rebook_after": "P3W"}
BROWS = {"name": "Брови", "price": {"amount": "40.00", "currency": "UAH"}}
DAY = 86_400_000


async def a_guest(world: World, **settings: Any) -> Client:
    """A client who has agreed to offers, in a salon that gives five percent back."""
    api = world.stage.api
    await api.call("PATCH", "/settings", {"cashback_percent": 5, **settings})
    await api.call("PUT", "/services/haircut", HAIRCUT)
    await api.call("PUT", "/services/brows", BROWS)
    client = await world.client()
    await client.taps("offers_yes")
    return client


async def comes(world: World, id: str = "b-1", at: str = "Fri 15:00") -> None:
    """A visit is booked, and takes place."""
    await world.put(id, at_=at, price={"amount": "900.00", "currency": "UAH"})
    await world.clock_to(at)
    await world.put(id, at_=at, price={"amount": "900.00", "currency": "UAH"}, status="arrived")


async def days_pass(world: World, days: float) -> None:
    await world.stage.move_to(world.stage.now() + round(days * DAY))


async def points(world: World, id: str, amount: str, reason: str = "gift", **fields: Any) -> Any:
    body = {"id": id, "amount": amount, "reason": reason, **fields}
    made = await world.stage.api.call("POST", "/clients/anna/bonuses", body)
    await world.stage.quiet()
    return made


def offers(client: Client) -> list[str]:
    """The offers that came: under each, offers can be switched off. With plain spaces, as a test writes them."""
    shown = (one for one in client.heard if client.offers("offers_off", one) and "Розсилку" not in one.text)
    return [one.text.replace("\u00a0", " ") for one in shown]


async def test_whoever_links_is_asked_once_whether_offers_may_be_sent(world: World) -> None:
    client = await world.client()
    assert "Можна інколи надсилати вам бонуси" in client.last.text
    await client.says("/start")
    assert sum("Можна інколи" in one.text for one in client.heard) == 1


async def test_a_yes_is_kept_with_its_question_its_words_its_time_and_its_place(world: World) -> None:
    client = await world.client()
    await client.taps("offers_yes")
    assert (await world.stage.api.call("GET", "/clients/anna"))["marketing_consent"] is True
    (said,) = (await world.stage.api.call("GET", "/clients/anna/export"))["consents"]
    assert said["given"] is True and said["place"] == world.channel and said["purpose"] == "marketing"
    assert "Можна інколи надсилати" in said["words"]


async def test_a_no_stays_a_no(world: World) -> None:
    client = await world.client()
    await client.taps("offers_no")
    await points(world, "g-1", "50")
    await days_pass(world, 1)
    assert (await world.stage.api.call("GET", "/clients/anna"))["marketing_consent"] is False
    assert not any("50 бонусів" in one.text for one in client.heard)


async def test_cashback_is_told_in_money_and_in_what_it_pays_for(world: World) -> None:
    client = await a_guest(world)
    await world.put(at_="Mon 15:00", price={"amount": "900.00", "currency": "UAH"})
    await world.put(at_="Mon 15:00", price={"amount": "900.00", "currency": "UAH"}, status="arrived")
    await days_pass(world, 0.1)
    (told,) = offers(client)
    assert "Вам нараховано 45 бонусів" in told
    assert "45 ₴" in told
    assert "Брови, 40 ₴" in told
    assert "включно" in told
    kept = await world.stage.api.call("GET", "/clients/anna/bonuses")
    assert kept["balance"] == "45" and kept["entries"][0]["booking"] == "b-1"


async def test_what_is_used_and_earned_together_is_one_message(world: World) -> None:
    client = await a_guest(world)
    await points(world, "g-1", "100", announce=False)
    await points(world, "r-1", "60", "redemption")
    await points(world, "g-2", "21")
    await days_pass(world, 0.1)
    (told,) = offers(client)
    assert "Вам нараховано 21 бонус" in told
    assert "Ви використали 60 бонусів" in told
    assert "Ваші бонуси: 61" in told


async def test_the_balance_is_told_to_whoever_asks(world: World) -> None:
    client = await world.client()
    await client.says("/bonus")
    assert client.last.text.startswith("Бонусів поки немає.")
    await points(world, "g-1", "21")
    await client.says("баланс")
    assert "У вас 21 бонус" in client.last.text.replace("\u00a0", " ")


async def test_arrived_by_mistake_takes_the_points_back(world: World) -> None:
    await a_guest(world)
    await comes(world)
    await world.put(price={"amount": "900.00", "currency": "UAH"}, status="no_show")
    kept = await world.stage.api.call("GET", "/clients/anna/bonuses")
    assert (kept["balance"], [one["amount"] for one in kept["entries"]]) == ("0", ["45", "-45"])


async def test_the_next_visit_is_proposed_when_its_service_says(world: World) -> None:
    client = await a_guest(world)
    await comes(world)
    (row,) = await world.timeline(kind="rebook_invitation")
    assert (row["status"], row["due_at"][11:16]) == ("planned", "09:00")
    await days_pass(world, 22)
    (told,) = [text for text in offers(client) if "Саме час" in text]
    assert "Послуга: Стрижка" in told
    await days_pass(world, 60)
    assert len([text for text in offers(client) if "Саме час" in text]) == 1


async def test_whoever_has_booked_is_not_invited(world: World) -> None:
    client = await a_guest(world)
    await comes(world)
    await world.put("b-2", at_="next Fri 15:00")
    (row,) = await world.timeline(kind="rebook_invitation")
    assert (row["status"], row["reason"]) == ("cancelled", "has_booking")
    await world.put("b-2", at_="next Fri 15:00", status="cancelled")
    (row,) = await world.timeline(kind="rebook_invitation")
    assert row["status"] == "planned"
    await days_pass(world, 22)
    assert any("Саме час" in text for text in offers(client))


async def test_later_means_in_a_week_and_never_is_remembered(world: World) -> None:
    client = await a_guest(world)
    await comes(world)
    await days_pass(world, 22)
    await client.taps("rebook_later")
    assert "за тиждень" in client.last.text
    await days_pass(world, 8)
    assert len([text for text in offers(client) if "Саме час" in text]) + ("telegram" == world.channel) == 2
    await client.taps("rebook_never")
    assert "більше про це не писатимемо" in client.last.text
    now = world.stage.now()
    again = {"salon": SALON, "client": {"id": "anna"}, "services": ["haircut"]}
    start = {"starts_at": moment_text(now + DAY)}
    await world.stage.api.call("PUT", "/bookings/b-9", {**again, **start})
    await days_pass(world, 1.1)
    await world.stage.api.call("PUT", "/bookings/b-9", {**again, **start, "status": "arrived"})
    (row,) = await world.timeline("b-9", "rebook_invitation")
    assert (row["status"], row["reason"]) == ("skipped", "unwanted")


async def test_whoever_did_not_come_is_kindly_asked_once_to_another_time(world: World) -> None:
    client = await a_guest(world)
    await world.put()
    await world.clock_to("Fri 16:00")
    await world.put(status="no_show")
    await days_pass(world, 5)
    (told,) = [text for text in offers(client) if "не вдалося зустрітися" in text]
    assert "Підберемо інший час?" in told


async def test_stop_ends_what_was_planned_and_a_new_yes_brings_the_invitation_back(world: World) -> None:
    client = await a_guest(world)
    await comes(world)
    await client.says("стоп")
    (row,) = await world.timeline(kind="rebook_invitation")
    assert (row["status"], row["reason"]) == ("cancelled", "no_consent")
    await client.says("/offers")
    (row,) = await world.timeline(kind="rebook_invitation")
    assert row["status"] == "planned"
    await client.says("стоп")
    await days_pass(world, 30)
    assert not offers(client)


async def test_a_birthday_brings_a_gift_on_its_day(world: World) -> None:
    client = await a_guest(world, birthday_bonus=200)
    body = {"name": "Anna", "phone": client.phone, "language": "uk", "birthday": "1990-03-14"}
    await world.stage.api.call("PUT", "/clients/anna", body)
    await days_pass(world, 200)
    (told,) = [text for text in offers(client) if "З днем народження!" in text]
    assert "200 бонусів" in told
    rows = await world.stage.api.call("GET", "/messages", kind="bonus_birthday")
    assert [row["due_at"][5:16] for row in rows["items"]] == ["03-14T08:00"]


async def test_points_are_spoken_of_before_they_expire_and_are_gone_afterwards(world: World) -> None:
    client = await a_guest(world, bonus_expires_after="P30D")
    await points(world, "g-1", "120", announce=False)
    await days_pass(world, 25)
    (told,) = [text for text in offers(client) if "Встигніть" in text]
    assert "120 бонусів" in told and "31 березня" in told
    await days_pass(world, 10)
    kept = await world.stage.api.call("GET", "/clients/anna/bonuses")
    assert (kept["balance"], kept["entries"][-1]["reason"]) == ("0", "expiry")


async def test_points_that_were_spent_are_not_said_to_expire(world: World) -> None:
    client = await a_guest(world, bonus_expires_after="P30D")
    await points(world, "g-1", "120", announce=False)
    await points(world, "r-1", "120", "redemption", announce=False)
    await days_pass(world, 40)
    assert not any("Встигніть" in text for text in offers(client))


async def test_nobody_gets_more_offers_in_a_week_than_the_salon_allows(world: World) -> None:
    client = await a_guest(world, weekly_limit=2)
    for number in range(4):
        await points(world, f"g-{number}", "10")
        await days_pass(world, 0.5)
    await days_pass(world, 1)
    assert len(offers(client)) == 2
    rows = (await world.stage.api.call("GET", "/messages", kind="bonus_accrued"))["items"]
    assert {row["reason"] for row in rows} == {None, "weekly_limit"}
