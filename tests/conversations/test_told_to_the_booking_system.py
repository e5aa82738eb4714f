"""What a client says is heard by the booking system too, in the commit that makes it true."""

from __future__ import annotations

from typing import Any

from tests.conversations.world import World

URL = "https://booking.example/vizit"


async def heard(world: World) -> list[tuple[str, dict[str, Any]]]:
    """The events on their way to the booking system, oldest first."""
    rows = (await world.stage.api.call("GET", "/webhooks/w/deliveries"))["items"]
    return [(row["event"]["type"], row["event"]["data"]) for row in reversed(rows)]


async def listening(world: World) -> None:
    await world.stage.api.call("PUT", "/webhooks/w", {"url": URL})


async def test_an_answer_about_a_visit_is_told_with_its_channel(world: World) -> None:
    client = await world.client()
    await listening(world)
    await world.put()
    await client.taps("move")
    await world.clock_to("Thu 15:00")
    await client.taps("cancel")
    await client.taps("cancel_yes")
    told = await heard(world)
    assert [event for event, _ in told] == ["visit.move_requested", "visit.cancelled"]
    asked, cancelled = (data for _, data in told)
    assert (asked["booking"], asked["client"], asked["channel"]) == ("b-1", client.id, world.channel)
    assert (cancelled["by"], cancelled["status"]) == ("client", "cancelled")
    assert client.phone not in str(told) and client.name not in str(told)


async def test_a_confirmation_is_told_once_however_often_it_is_said(world: World) -> None:
    client = await world.client()
    await listening(world)
    await world.put()
    await world.clock_to("Thu 15:00")
    await client.taps("confirm")
    await client.says("так")
    assert [event for event, _ in await heard(world)].count("visit.confirmed") == 1


async def test_a_cancellation_by_the_staff_says_so(world: World) -> None:
    await world.client()
    await listening(world)
    await world.put()
    await world.put(status="cancelled")
    ((event, data),) = await heard(world)
    assert (event, data["by"]) == ("visit.cancelled", "staff")


async def test_words_on_offers_and_what_only_a_person_can_read_are_told(world: World) -> None:
    client = await world.client()
    await listening(world)
    await client.says("чи є у вас парковка для велосипеда?")
    await client.says("/stop")
    await client.says("/offers")
    told = dict(await heard(world))
    assert told["client.message"]["text"] == "чи є у вас парковка для велосипеда?"
    assert (told["client.opted_out"]["purpose"], told["client.opted_in"]["place"]) == ("marketing", world.channel)


async def test_a_chat_that_is_linked_is_told(world: World) -> None:
    await listening(world)
    client = await world.client()
    assert ("client.linked", {"client": client.id, "channel": world.channel}) in await heard(world)


async def test_a_client_who_could_not_be_told_is_told_of(world: World) -> None:
    settings = {"channels": [world.channel]}
    await world.stage.api.call("PATCH", "/settings", settings)
    client = await world.client()
    await listening(world)
    if client.user is not None:
        await client.user.blocks()
    else:
        assert client.person is not None
        await client.person.blocks()
    await world.put()
    told = dict(await heard(world))
    assert told["message.failed"]["booking"] == "b-1"
    assert told["message.failed"]["kind"] == "booking_created"


async def test_a_business_that_listens_to_nothing_keeps_nothing(world: World) -> None:
    client = await world.client()
    await world.put()
    await client.taps("move")
    await listening(world)
    assert await heard(world) == []
