"""Who is behind a chat, what they allow, and in which language they are spoken to."""

from __future__ import annotations

import pytest

from bot.playground.cast import SALON
from tests.conversations.world import World, at


async def test_stop_ends_offers_and_never_the_messages_about_visits(world: World) -> None:
    anna = await world.client()
    await anna.says("стоп")
    assert (await world.stage.api.call("GET", "/clients/anna"))["marketing_consent"] is False
    told = len(anna.heard)
    await world.put()
    assert len(anna.heard) == told + 1


async def test_nothing_at_all_means_nothing_until_it_is_taken_back(world: World) -> None:
    anna = await world.client()
    await anna.says("стоп")
    await anna.taps("all_off")
    told = len(anna.heard)
    await world.put()
    assert len(anna.heard) == told
    assert {row["reason"] for row in await world.timeline(kind="booking_created")} == {"opted_out"}
    await anna.taps("all_on")
    told = len(anna.heard)
    await world.clock_to("Thu 15:00")
    assert len(anna.heard) == told + 1


async def test_a_word_said_in_the_chat_outranks_a_later_put_without_a_newer_time(world: World) -> None:
    anna = await world.client()
    await anna.says("стоп")
    body = {"name": "Anna", "phone": anna.phone, "language": "uk", "marketing_consent": True}
    await world.stage.api.call("PUT", "/clients/anna", body)
    assert (await world.stage.api.call("GET", "/clients/anna"))["marketing_consent"] is False


async def test_the_language_that_a_client_chose_stays_whatever_the_booking_system_says(world: World) -> None:
    anna = await world.client()
    await anna.says("/language")
    await anna.says("Türkçe")
    await world.stage.api.call("PUT", "/clients/anna", {"name": "Anna", "phone": anna.phone, "language": "ru"})
    await world.put()
    assert "Mart" in anna.last.text


async def test_bookings_lists_the_visits_ahead_and_one_of_them_can_be_confirmed(world: World) -> None:
    anna = await world.client()
    await world.put("b-1", at_="Fri 15:00")
    await world.put("b-2", at_="Sat 12:00")
    await anna.says("/bookings")
    assert "15:00" in anna.last.text
    assert "12:00" in anna.last.text


async def test_a_mother_confirms_for_one_child_and_only_for_that_one(world: World) -> None:
    anna = await world.client()
    child = {"name": "Mia", "phone": anna.phone, "language": "uk"}
    await world.stage.api.call("PUT", "/clients/mia", child)
    if world.channel == "telegram":
        assert anna.user is not None
        await anna.user.shares_contact()
        await world.stage.quiet()
    body = {"salon": SALON, "services": ["haircut"], "master": "m1"}
    for id, client, when in (("b-1", "anna", "Fri 12:00"), ("b-2", "mia", "Fri 16:00")):
        wanted = body | {"client": {"id": client}, "starts_at": at(when).isoformat()}
        await world.stage.api.call("PUT", f"/bookings/{id}", wanted)
    await world.stage.quiet()
    await world.clock_to("Thu 12:00")
    await anna.taps("confirm")
    await world.clock_to("Thu 16:00")
    assert (await world.booking("b-1"))["status"] == "confirmed"
    assert (await world.booking("b-2"))["status"] == "booked"


async def test_free_text_reaches_the_staff_and_their_reply_reaches_the_client(world: World) -> None:
    anna = await world.client()
    await world.put()
    await anna.says("Чи можна з дитиною?")
    assert "Чи можна з дитиною?" in "\n".join(world.staff_heard)
    message = next(one for one in reversed(world.group.messages) if "Чи можна" in (one.text or ""))
    await world.staff.replies(message, "Звісно!")
    await world.stage.quiet()
    assert any("Звісно!" in heard.text for heard in anna.heard)


@pytest.mark.parametrize("channel", ["whatsapp"], indirect=True)
async def test_a_reply_after_the_window_is_refused_at_once_with_the_number_to_call(world: World) -> None:
    anna = await world.client()
    await world.put()
    await anna.says("Чи можна з дитиною?")
    message = next(one for one in reversed(world.group.messages) if "Чи можна" in (one.text or ""))
    await world.clock_to("Tue 13:00")
    await world.staff.replies(message, "Звісно!")
    await world.stage.quiet()
    assert not any("Звісно!" in heard.text for heard in anna.heard)
    assert "WhatsApp приймає її лише протягом доби" in world.staff_heard[-1]
    assert "67 111 0001" in world.staff_heard[-1].replace("\u00a0", " ")


@pytest.mark.parametrize("channel", ["telegram"], indirect=True)
async def test_whoever_replies_hears_that_the_reply_did_not_arrive_and_why(world: World) -> None:
    anna = await world.client()
    await world.put()
    await anna.says("Чи можна з дитиною?")
    assert anna.user is not None
    anna.user.chat.bot = "kicked"
    message = next(one for one in reversed(world.group.messages) if "Чи можна" in (one.text or ""))
    await world.staff.replies(message, "Звісно!")
    await world.stage.quiet()
    lost = next(text for text in world.staff_heard if "не дійшла до клієнта" in text)
    assert "Звісно!" in lost
    assert "заблок" in lost


async def test_commands_and_buttons_outside_of_a_linked_chat_do_nothing(world: World) -> None:
    anna = await world.client()
    await world.put()
    stranger = world.stage.telegram.user(5555, "Stranger", "uk")
    other = world.stage.telegram.group("Elsewhere", [stranger])
    await other.add_bot()
    await stranger.says("/today", in_chat=other)
    await stranger.says("/link ABCDEFGHJK", in_chat=other)
    await world.stage.quiet()
    assert not any("Anna" in (message.text or "") for message in other.messages)
    assert (await world.booking())["answer"] is None
    assert anna.heard


async def test_a_greeting_is_answered_with_a_greeting_and_troubles_nobody(world: World) -> None:
    anna = await world.client()
    staff = len(world.staff_heard)
    await anna.says("Добрий день!")
    assert anna.offers("bookings")
    assert len(world.staff_heard) == staff


async def test_who_writes_before_the_salon_knows_the_number_is_reached_once_it_does(world: World) -> None:
    phone = "+380671119999"
    if world.channel == "telegram":
        user = world.stage.telegram.user(4000, "Dora", "uk", phone)
        await user.start()
        await user.shares_contact()
    else:
        person = world.stage.twilio.person(phone, "Dora")
        await person.says("Добрий день")
    await world.stage.quiet()
    body = {
        "salon": SALON,
        "client": {"id": "dora", "name": "Dora", "phone": phone},
        "starts_at": at("Fri 15:00").isoformat(),
    }
    await world.stage.api.call("PUT", "/bookings/b-9", body)
    await world.stage.quiet()
    (row,) = await world.timeline("b-9", "booking_created")
    assert (row["status_reported"], row["channel"]) == ("delivered", world.channel)
