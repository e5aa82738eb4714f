"""What the staff get at a time of day: whom nobody reached for tomorrow, and today's visits, the doubtful first."""

from __future__ import annotations

from typing import Any

import pytest

from bot.playground.telegram_people import Group, User
from tests.conversations.staff_room import cards, of_bot, press, set_order
from tests.conversations.world import Client, World

TODAY = "Сьогодні "
MISSED = "не повідомлено"
ALL_WELL = "недоставлених повідомлень немає"


@pytest.fixture
def channel() -> str:
    """Clients of these scenes use Telegram where a scene does not say otherwise."""
    return "telegram"


def texts(world: World, part: str, chat: Group | User | None = None) -> list[str]:
    """What the staff were told that holds ``part``, oldest first."""
    said = (message.text.replace("\u00a0", " ") for message in of_bot(chat or world.group, world))
    return [text for text in said if part in text]


async def change(world: World, **settings: Any) -> None:
    await world.stage.api.call("PATCH", "/settings", settings)
    await world.stage.quiet()


async def boris_too(world: World) -> Client:
    """A second client, with a visit on the same day."""
    boris = await world.client("boris")
    await world.put("b-2", client=boris, at_="Fri 12:00")
    return boris


async def test_in_the_morning_the_staff_see_the_visits_of_the_day(world: World) -> None:
    await world.client()
    await world.put()
    await world.clock_to("Fri 08:29")
    assert texts(world, TODAY) == []
    await world.clock_to("Fri 08:30")
    (card,) = texts(world, TODAY)
    assert card.splitlines()[0] == "Сьогодні 1 запис"
    assert "15:00, Anna, Стрижка, Наталія" in card
    await world.clock_to("Fri 12:00")
    assert len(texts(world, TODAY)) == 1


async def test_the_doubtful_come_first_and_it_is_said_why(world: World) -> None:
    anna = await world.client()
    boris = await boris_too(world)
    await world.put("old", client=anna, at_="Tue 10:00")
    await world.put()
    await world.clock_to("Tue 12:00")
    await world.put("old", client=anna, at_="Tue 10:00", status="no_show")
    await world.clock_to("Thu 12:00")
    await boris.taps("confirm")
    await world.clock_to("Fri 08:30")
    card = texts(world, TODAY)[-1]
    lines = card.splitlines()[2:]
    assert lines == [
        "⚠️ 15:00, Anna, Стрижка, Наталія",
        "— не підтверджено, раніше не приходили: 1",
        "✅ 12:00, Boris, Стрижка, Наталія",
    ]


async def test_today_shows_the_same_list_whenever_it_is_asked_for(world: World) -> None:
    await world.client()
    await world.put()
    await world.clock_to("Fri 08:30")
    await world.staff.says("/today", in_chat=world.group)
    await world.stage.quiet()
    first, second = texts(world, TODAY)
    assert first == second


async def test_on_days_without_visits_nothing_is_said(world: World) -> None:
    await world.client()
    await world.put()
    told = len(world.staff_heard)
    await world.clock_to("Wed 20:00")
    assert len(world.staff_heard) == told


async def test_a_cancelled_visit_makes_no_day(world: World) -> None:
    await world.client()
    await world.put()
    await world.put(status="cancelled")
    told = len(world.staff_heard)
    await world.clock_to("Fri 20:00")
    assert len(world.staff_heard) == told


async def test_in_the_evening_the_staff_see_whom_nobody_reached_for_tomorrow_and_why(world: World) -> None:
    await set_order(world, "telegram")
    anna = await world.client()
    await boris_too(world)
    await world.put()
    assert anna.user is not None
    await anna.user.deletes_account()
    await world.clock_to("Thu 18:59")
    assert texts(world, MISSED) == []
    await world.clock_to("Thu 19:00")
    (card,) = texts(world, MISSED)
    assert card.splitlines() == [
        "📵 На завтра не повідомлено 1 клієнта",
        "",
        "15:00, Anna, +380 67 111 0001",
        "Стрижка, Наталія",
        "Причина: бота заблоковано",
    ]


async def test_where_everybody_was_reached_the_evening_says_so(world: World) -> None:
    await world.client()
    await world.put()
    await world.clock_to("Thu 19:00")
    (card,) = texts(world, ALL_WELL)
    assert "Завтра 1 запис" in card


async def test_what_waits_for_a_person_can_be_sent_from_the_evening_card(world: World) -> None:
    await set_order(world, "telegram", "manual")
    await world.client(linked=False)
    await world.put()
    await world.clock_to("Thu 19:00")
    evening = next(message for message in of_bot(world.group, world) if MISSED in message.text)
    assert "чат клієнта не підключено" in evening.text
    await world.staff.taps(0, evening)
    await world.stage.quiet()
    opened = world.group.messages[-1]
    assert "нагадування" in opened.text
    await press(world, "hand_sent", opened)
    (reminder, _) = await world.timeline(kind="reminder")
    assert reminder["status"] == "sent"
    assert all("нагадування" not in card.text for card in cards(world.group))


async def test_whoever_was_written_to_by_hand_counts_as_reached(world: World) -> None:
    await set_order(world, "telegram", "manual")
    await world.client(linked=False)
    await world.put()
    await world.clock_to("Thu 15:00")
    for card in cards(world.group):
        await press(world, "hand_sent", card)
    await world.clock_to("Thu 19:00")
    assert len(texts(world, ALL_WELL)) == 1


async def test_the_times_are_the_salons_and_each_card_can_be_switched_off(world: World) -> None:
    await change(world, staff_cards={"morning": "10:15", "evening": False})
    await world.client()
    await world.put()
    await world.clock_to("Fri 10:14")
    assert texts(world, ALL_WELL) + texts(world, TODAY) == []
    await world.clock_to("Fri 10:15")
    assert len(texts(world, TODAY)) == 1


async def test_a_card_is_made_once_however_often_the_clock_ticks_and_though_the_service_starts_anew(
    world: World,
) -> None:
    await world.client()
    await world.put()
    await world.clock_to("Fri 08:30")
    for _ in range(3):
        await world.stage.app.tick()
    await world.stage.power_cut(lasts=60_000)
    assert len(texts(world, TODAY)) == 1


async def test_a_card_that_was_missed_comes_later_but_not_at_noon(world: World) -> None:
    await world.client()
    await world.put()
    await world.clock_to("Thu 20:00")
    await world.stage.power_cut(lasts=13 * 3_600_000 + 30 * 60_000)
    assert len(texts(world, TODAY)) == 1
    await world.put("b-2", at_="Sat 15:00")
    await world.clock_to("Fri 20:00")
    await world.stage.power_cut(lasts=15 * 3_600_000)
    assert len(texts(world, TODAY)) == 1


async def test_a_master_sees_the_own_visits_alone(world: World) -> None:
    oksana = world.stage.telegram.user(9200, "Оксана", "uk")
    wanted = {"salon": "s1", "master": "m2", "language": "uk"}
    code = await world.stage.api.call("POST", "/staff-chats/links", wanted)
    await oksana.says(f"/link {code['code']}")
    await world.client()
    boris = await world.client("boris")
    await world.put()
    await world.put("b-2", client=boris, at_="Fri 12:00", master="m2")
    await world.clock_to("Fri 08:30")
    (card,) = texts(world, TODAY, oksana)
    assert "Boris" in card
    assert "Anna" not in card


async def test_a_chat_that_chose_what_it_hears_gets_only_the_cards_that_it_chose(world: World) -> None:
    (chat,) = (await world.stage.api.call("GET", "/staff-chats"))["items"]
    wanted = {"salon": "s1", "language": "uk", "events": ["evening"]}
    await world.stage.api.call("PUT", f"/staff-chats/{chat['id']}", wanted)
    await world.client()
    await world.put()
    await world.clock_to("Fri 12:00")
    assert len(texts(world, ALL_WELL)) == 1
    assert texts(world, TODAY) == []


@pytest.mark.parametrize("channel", ["whatsapp"])
class TestOnWhatsApp:
    """WhatsApp tells whether a message arrived, and whether it was read."""

    async def test_what_did_not_arrive_and_what_was_not_read_are_told_apart(self, world: World) -> None:
        anna = await world.client()
        boris = await boris_too(world)
        clara = await world.client("clara")
        await world.put()
        await world.put("b-3", client=clara, at_="Fri 17:00", master="m2")
        assert anna.person is not None
        assert clara.person is not None
        assert boris.person is not None
        await world.clock_to("Thu 11:00")
        await anna.person.goes_offline()
        await world.clock_to("Thu 18:00")
        await clara.person.reads()
        await world.stage.quiet()
        await world.clock_to("Fri 08:30")
        (card,) = texts(world, TODAY)
        assert card.splitlines()[2:] == [
            "⚠️ 15:00, Anna, Стрижка, Наталія",
            "— не підтверджено, повідомлення не доставлено",
            "⚠️ 12:00, Boris, Стрижка, Наталія",
            "— не підтверджено, повідомлення не прочитано",
            "⚠️ 17:00, Clara, Стрижка, Оксана",
            "— не підтверджено",
        ]
