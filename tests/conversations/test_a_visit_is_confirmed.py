"""From a booking to its answer, on both channels."""

from __future__ import annotations

import asyncio

from tests.conversations.world import World


async def test_a_new_booking_is_told_to_the_client_and_to_the_staff(world: World) -> None:
    anna = await world.client()
    booking = await world.put()
    assert booking["status"] == "booked"
    assert "5 березня" in anna.last.text
    assert "15:00" in anna.last.text
    assert world.staff_heads()[-1] == "Новий запис"
    assert "Anna" in world.staff_heard[-1]


async def test_a_client_confirms_with_one_tap_and_the_staff_hear_it(world: World) -> None:
    anna = await world.client()
    await world.put()
    await world.clock_to("Thu 15:00")
    assert anna.offers("confirm")
    await anna.taps("confirm")
    booking = await world.booking()
    assert booking["status"] == "confirmed"
    assert booking["answer"]["value"] == "confirmed"
    assert booking["answer"]["channel"] == world.channel
    assert "підтверджено" in anna.last.text
    assert world.staff_heads()[-1] == "Візит підтверджено"


async def test_two_fast_taps_confirm_once_and_the_staff_hear_once(world: World) -> None:
    anna = await world.client()
    await world.put()
    await world.clock_to("Thu 15:00")
    reminder = anna.last
    await asyncio.gather(anna.taps_soon("confirm", reminder), anna.taps_soon("confirm", reminder))
    await world.stage.quiet()
    assert (await world.booking())["revision"] == 2
    assert world.staff_heads().count("Візит підтверджено") == 1


async def test_a_confirmed_client_is_reminded_but_not_asked_again(world: World) -> None:
    anna = await world.client()
    await world.put()
    await world.clock_to("Thu 15:00")
    await anna.taps("confirm")
    told = len(anna.heard)
    await world.clock_to("Fri 14:00")
    assert len(anna.heard) == told + 1
    assert not anna.offers("confirm")
    assert anna.offers("cancel")


async def test_a_typed_yes_confirms_like_a_tap(world: World) -> None:
    anna = await world.client()
    await world.put()
    await world.clock_to("Thu 15:00")
    await anna.says("Так")
    assert (await world.booking())["status"] == "confirmed"


async def test_a_client_cancels_only_after_being_asked_once_more(world: World) -> None:
    anna = await world.client()
    await world.put()
    await world.clock_to("Thu 15:00")
    await anna.taps("cancel")
    assert (await world.booking())["status"] == "booked"
    await anna.taps("cancel_yes")
    booking = await world.booking()
    assert booking["status"] == "cancelled"
    assert booking["cancelled_by"] == "client"
    assert "скасовано" in anna.last.text.lower()
    assert world.staff_heads()[-1] == "Клієнт не прийде"
    told = len(anna.heard)
    await world.clock_to("Fri 20:00")
    assert len(anna.heard) == told


async def test_a_client_who_keeps_the_visit_keeps_it(world: World) -> None:
    anna = await world.client()
    await world.put()
    await anna.taps("cancel")
    await anna.taps("cancel_keep")
    assert (await world.booking())["status"] == "booked"
    assert anna.offers("cancel")


async def test_a_request_to_move_reaches_the_staff_and_keeps_the_visit(world: World) -> None:
    anna = await world.client()
    await world.put()
    await world.clock_to("Thu 15:00")
    await anna.taps("move")
    booking = await world.booking()
    assert (booking["status"], booking["answer"]["value"]) == ("booked", "move_requested")
    assert "перенести" in world.staff_heads()[-1].lower()
    told = len(anna.heard)
    await world.clock_to("Fri 14:00")
    assert len(anna.heard) == told + 1
    assert not anna.offers("confirm")


async def test_a_moved_booking_tells_old_and_new_and_moves_its_reminders(world: World) -> None:
    anna = await world.client()
    await world.put()
    await world.put(at_="Sat 12:00")
    assert "15:00" in anna.last.text
    assert "12:00" in anna.last.text
    told = len(anna.heard)
    await world.clock_to("Fri 11:00")
    assert len(anna.heard) == told
    await world.clock_to("Fri 12:00")
    assert len(anna.heard) == told + 1


async def test_an_old_button_is_answered_with_the_new_time_and_changes_nothing(world: World) -> None:
    anna = await world.client()
    await world.put()
    await world.clock_to("Thu 15:00")
    reminder = anna.last
    await world.stage.api.call("PATCH", "/settings", {"kinds": {"booking_changed": {"enabled": False}}})
    await world.put(at_="Sat 12:00")
    await anna.taps("confirm", reminder)
    assert (await world.booking())["answer"] is None
    assert "12:00" in anna.last.text
    await anna.taps("confirm")
    assert (await world.booking())["status"] == "confirmed"


async def test_a_cancelled_booking_is_told_and_its_buttons_answer_kindly(world: World) -> None:
    anna = await world.client()
    await world.put()
    place = len(anna.heard) - 1
    await world.put(status="cancelled")
    notice = anna.heard[place]
    assert "скасувати" in anna.last.text or "скасовано" in anna.last.text
    if anna.offers("cancel", notice):
        await anna.taps("cancel", notice)
        assert (await world.booking())["cancelled_by"] == "staff"
    told = len(anna.heard)
    await world.clock_to("Fri 20:00")
    assert len(anna.heard) == told


async def test_another_client_on_the_booking_frees_the_first_and_tells_the_second(world: World) -> None:
    anna, boris = await world.client("anna"), await world.client("boris")
    await world.put(client=anna)
    await world.put(client=boris)
    assert "скасувати" in anna.last.text or "скасовано" in anna.last.text
    assert "15:00" in boris.last.text
    told = len(anna.heard)
    await world.clock_to("Fri 14:00")
    assert len(anna.heard) == told
    assert boris.offers("confirm")


async def test_the_same_put_twice_is_one_booking_and_one_notice(world: World) -> None:
    anna = await world.client()
    first = await world.put()
    told, staff = len(anna.heard), len(world.staff_heard)
    second = await world.put()
    assert first["revision"] == second["revision"] == 1
    assert (len(anna.heard), len(world.staff_heard)) == (told, staff)
