"""Messages that no channel carries: a person of the salon sends them, with a card to help."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from bot.playground.cast import SALON
from bot.playground.stage import Refused
from handlers.wording import labels
from tests.conversations.staff_room import (
    SENT_BY_HAND,
    button,
    cards,
    out_of_reach,
    press,
    set_order,
    waiting,
)
from tests.conversations.world import Client, World, at

BY_HAND = "Надішліть, будь ласка, це повідомлення клієнту вручну"


async def opens_a_chat(anna: Client) -> None:
    """The client finds the bot and shares the phone."""
    assert anna.user is not None
    await anna.user.start()
    await anna.user.shares_contact()
    await anna.stage.quiet()


@pytest.fixture
def database(tmp_path: Path) -> str:
    """One store has to be enough: these are the longest conversations."""
    return f"sqlite:///{tmp_path}/vizit.db"


@pytest.fixture
def channel() -> str:
    """Clients of these scenes use Telegram, or nothing at all, where a scene does not say otherwise."""
    return "telegram"


async def test_what_no_channel_carries_waits_for_a_person_with_its_text_ready(world: World) -> None:
    await out_of_reach(world)
    (row,) = await waiting(world)
    assert (row["kind"], row["channel"], row["status"]) == ("booking_created", "manual", "planned")
    assert row["status_reported"] == "processing"
    assert "5 березня, 15:00" in row["text"]
    (card,) = cards(world.group)
    assert BY_HAND in card.text
    assert row["text"] in card.text
    assert "Anna, +380 67 111 0001" in card.text.replace("\u00a0", " ")


async def test_the_card_opens_whatsapp_with_the_text_and_copies_it(world: World) -> None:
    await out_of_reach(world)
    (row,), (card,) = await waiting(world), cards(world.group)
    link = urlsplit(button(card, "whatsapp")["url"])
    assert (link.netloc, link.path) == ("wa.me", "/380671110001")
    assert parse_qs(link.query)["text"] == [row["text"]]
    assert button(card, "copy")["copy"] == row["text"]


async def test_a_client_without_a_phone_has_a_text_to_copy_and_no_chat_to_open(world: World) -> None:
    await set_order(world, "telegram", "manual")
    body = {"salon": SALON, "client": {"id": "nora", "name": "Nora"}, "starts_at": at("Fri 15:00").isoformat()}
    await world.stage.api.call("PUT", "/bookings/b-9", body)
    await world.stage.quiet()
    (card,) = cards(world.group)
    assert labels("whatsapp", "uk") not in card.titles
    assert labels("copy", "uk") in card.titles


async def test_a_long_text_is_a_message_of_its_own(world: World) -> None:
    await world.stage.api.call("PATCH", "/settings", {"templates": {"booking_created": {"uk": "Довго. " * 60}}})
    await out_of_reach(world)
    (row,), (card,) = await waiting(world), cards(world.group)
    assert labels("copy", "uk") not in card.titles
    assert "Довго" not in card.text
    assert [message.text for message in world.group.messages][-1] == row["text"]
    assert world.group.messages[-2] is card


async def test_what_was_sent_by_hand_counts_as_delivered_and_the_card_says_who_did_it(world: World) -> None:
    await out_of_reach(world)
    (card,) = cards(world.group)
    await press(world, "hand_sent", card)
    (row,) = await world.timeline(kind="booking_created")
    assert (row["status"], row["status_reported"], row["channel"]) == ("sent", "delivered", "manual")
    assert row["sent_at"] is not None
    assert f"{SENT_BY_HAND}: Марія" in card.text
    assert "Anna" in card.text
    assert not card.buttons
    assert await waiting(world) == []


async def test_what_is_not_to_be_sent_is_cancelled_and_no_later_plan_brings_it_back(world: World) -> None:
    await out_of_reach(world)
    (card,) = cards(world.group)
    await press(world, "hand_skip", card)
    assert "Марія" in card.text.splitlines()[0]
    assert not card.buttons
    await world.put(price={"amount": "100.00", "currency": "UAH"})
    (row,) = await world.timeline(kind="booking_created")
    assert (row["status"], row["reason"]) == ("cancelled", "by_staff")
    assert cards(world.group) == []


async def test_an_hour_later_the_card_comes_back(world: World) -> None:
    await out_of_reach(world)
    (card,) = cards(world.group)
    await press(world, "hand_hour", card)
    assert "13:00, Марія" in card.text
    assert labels("hand_hour", "uk") not in card.titles
    assert [row["kind"] for row in await waiting(world)] == ["booking_created"]
    await world.clock_to("Mon 12:59")
    assert len(cards(world.group)) == 1
    await world.clock_to("Mon 13:00")
    again = cards(world.group)[-1]
    assert again is not card
    assert BY_HAND in again.text
    assert labels("hand_hour", "uk") in again.titles
    await press(world, "hand_sent", again)
    assert cards(world.group) == [], "both cards show that it is done"


async def test_tomorrow_means_nine_in_the_morning_by_the_salons_clock(world: World) -> None:
    await out_of_reach(world)
    await press(world, "hand_tomorrow", cards(world.group)[0])
    await world.clock_to("Tue 08:59")
    assert len(cards(world.group)) == 1
    await world.clock_to("Tue 09:00")
    assert len(cards(world.group)) == 2


async def test_a_card_that_was_settled_meanwhile_does_not_come_back(world: World) -> None:
    await out_of_reach(world)
    (card,) = cards(world.group)
    await press(world, "hand_hour", card)
    await press(world, "hand_sent", card)
    told = len(world.group.messages)
    await world.clock_to("Mon 14:00")
    assert len(world.group.messages) == told


async def test_later_is_offered_only_while_later_is_not_too_late(world: World) -> None:
    await out_of_reach(world, at_="Mon 16:00")
    (card,) = cards(world.group)
    assert labels("hand_hour", "uk") in card.titles
    assert labels("hand_tomorrow", "uk") not in card.titles


async def test_of_two_who_press_at_once_one_wins_and_both_see_who(world: World) -> None:
    await out_of_reach(world)
    (card,) = cards(world.group)
    oleh = world.stage.telegram.user(9001, "Олег", "uk")
    await world.group.add(oleh)
    await asyncio.gather(world.staff.taps(labels("hand_sent", "uk"), card), oleh.taps(labels("hand_skip", "uk"), card))
    await world.stage.quiet()
    (row,) = await world.timeline(kind="booking_created")
    winner = {"sent": "Марія", "cancelled": "Олег"}[row["status"]]
    assert card.text.splitlines()[0].endswith(winner)
    assert not card.buttons


async def test_a_press_on_an_old_card_shows_what_has_become_of_the_message(world: World) -> None:
    await out_of_reach(world)
    (card,) = cards(world.group)
    payload = button(card, "hand_skip")["data"]
    await press(world, "hand_sent", card)
    world.staff._press(card, payload, False)
    await world.stage.quiet()
    (row,) = await world.timeline(kind="booking_created")
    assert row["status"] == "sent"
    assert f"{SENT_BY_HAND}: Марія" in card.text


async def test_the_buttons_of_a_card_do_nothing_outside_of_its_chat(world: World) -> None:
    await out_of_reach(world)
    (card,) = cards(world.group)
    stranger = world.stage.telegram.user(5555, "Stranger", "uk")
    await stranger.start()
    elsewhere = world.stage.telegram.group("Elsewhere", [stranger])
    await elsewhere.add_bot()
    await world.stage.quiet()
    for chat in (stranger, elsewhere):
        stranger._press(chat.messages[-1], button(card, "hand_sent")["data"], False)
        await world.stage.quiet()
    assert len(await waiting(world)) == 1
    assert BY_HAND in card.text


async def test_every_chat_that_hears_of_it_sees_what_was_done_in_another(world: World) -> None:
    owner = world.stage.telegram.user(9100, "Власниця", "uk")
    code = await world.stage.api.call("POST", "/staff-chats/links", {"role": "owner", "language": "uk"})
    await owner.says(f"/link {code['code']}")
    await out_of_reach(world)
    (here,), (there,) = cards(world.group), cards(owner)
    await press(world, "hand_sent", there, by=owner)
    assert f"{SENT_BY_HAND}: Власниця" in here.text
    assert not here.buttons


async def test_once_the_client_links_a_chat_it_goes_there_and_the_card_and_the_timeline_say_so(world: World) -> None:
    await out_of_reach(world)
    (card,) = cards(world.group)
    anna = world.clients["anna"]
    await opens_a_chat(anna)
    (row,) = await world.timeline(kind="booking_created")
    assert (row["channel"], row["status"], row["reason"]) == ("telegram", "sent", "chat_linked")
    assert any("5 березня, 15:00" in heard.text for heard in anna.heard)
    assert card.text.startswith("✅ Повідомлення піде саме")
    assert not card.buttons
    assert await waiting(world) == []


async def test_what_was_put_off_goes_to_the_new_chat_at_once_and_no_card_comes_back(world: World) -> None:
    await out_of_reach(world)
    (card,) = cards(world.group)
    await press(world, "hand_hour", card)
    await opens_a_chat(world.clients["anna"])
    told = len(world.group.messages)
    assert [row["status"] for row in await world.timeline(kind="booking_created")] == ["sent"]
    await world.clock_to("Mon 14:00")
    assert len(world.group.messages) == told


@pytest.mark.parametrize(("verb", "status"), [("hand_sent", "sent"), ("hand_skip", "cancelled")])
async def test_what_the_staff_have_settled_is_not_sent_to_the_new_chat(world: World, verb: str, status: str) -> None:
    await out_of_reach(world)
    await press(world, verb, cards(world.group)[0])
    anna = world.clients["anna"]
    await opens_a_chat(anna)
    (row,) = await world.timeline(kind="booking_created")
    assert (row["status"], row["channel"]) == (status, "manual")
    assert not any("15:00" in heard.text for heard in anna.heard)


async def test_what_the_business_wants_to_send_by_hand_stays_by_hand(world: World) -> None:
    await set_order(world, "manual", "telegram")
    await world.client(linked=False)
    await world.put()
    await opens_a_chat(world.clients["anna"])
    assert [row["channel"] for row in await waiting(world)] == ["manual"]


async def test_a_client_who_unblocks_the_bot_gets_what_waited_for_a_person(world: World) -> None:
    anna = await world.client()
    await set_order(world, "telegram", "manual")
    assert anna.user is not None
    await anna.user.blocks()
    await world.put()
    assert len(await waiting(world)) == 1
    await anna.user.unblocks()
    await world.stage.quiet()
    assert await waiting(world) == []
    assert any("5 березня, 15:00" in heard.text for heard in anna.heard)


async def test_the_api_can_say_that_it_was_sent_and_the_card_shows_it(world: World) -> None:
    await out_of_reach(world)
    (row,), (card,) = await waiting(world), cards(world.group)
    marked = await world.stage.api.call("POST", f"/messages/{row['id']}/sent")
    await world.stage.quiet()
    assert (marked["status"], marked["status_reported"]) == ("sent", "delivered")
    assert card.text.splitlines()[0].endswith(SENT_BY_HAND)
    assert not card.buttons
    with pytest.raises(Refused) as refused:
        await world.stage.api.call("POST", f"/messages/{row['id']}/sent")
    assert refused.value.status == 409


async def test_a_cancelled_visit_takes_its_card_back_and_its_cancellation_goes_by_hand(world: World) -> None:
    await out_of_reach(world)
    (card,) = cards(world.group)
    await world.put(status="cancelled")
    assert "вже не потрібне" in card.text
    assert not card.buttons
    (row,) = await waiting(world)
    assert row["kind"] == "booking_cancelled"
    assert "скасувати" in cards(world.group)[-1].text


async def test_a_text_that_waits_is_put_into_words_anew_when_the_visit_changes(world: World) -> None:
    await out_of_reach(world)
    await world.clock_to("Thu 15:00")
    (card,) = [one for one in cards(world.group) if "нагадування" in one.text]
    assert "Наталія" in card.text
    await world.put(master="m2")
    (reminder,) = [row for row in await waiting(world) if row["kind"] == "reminder"]
    assert "Оксана" in reminder["text"]
    assert "Оксана" in card.text
    assert "Наталія" not in card.text


async def test_what_nobody_sends_in_time_expires_for_all_to_see(world: World) -> None:
    await out_of_reach(world)
    (card,) = cards(world.group)
    await world.clock_to("Fri 15:30")
    (row,) = await world.timeline(kind="booking_created")
    assert (row["status"], row["status_reported"]) == ("expired", "not_delivered")
    assert "вже пізно" in card.text
    assert not card.buttons
    assert await waiting(world) == []


async def test_a_client_whom_telegram_lost_is_handed_over_with_the_reason_and_without_a_second_alarm(
    world: World,
) -> None:
    await set_order(world, "telegram", "manual")
    anna = await world.client()
    await world.put()
    assert anna.user is not None
    await anna.user.deletes_account()
    told = len(world.staff_heard)
    await world.clock_to("Thu 15:00")
    (card,) = cards(world.group)
    assert "нагадування" in card.text
    assert "Причина: бота заблоковано" in card.text
    assert len(world.staff_heard) == told + 1
    first, second = (await world.timeline(kind="reminder"))[:2]
    assert (first["channel"], first["status"]) == ("telegram", "failed")
    assert (second["channel"], second["hop"], second["fallback_of"]) == ("manual", 1, first["id"])


async def test_without_the_way_by_hand_the_staff_are_told_that_nobody_was_reached(world: World) -> None:
    await set_order(world, "telegram")
    anna = await world.client()
    await world.put()
    assert anna.user is not None
    await anna.user.deletes_account()
    await world.clock_to("Thu 15:00")
    assert cards(world.group) == []
    assert "не доставлено" in world.staff_heard[-1]


async def test_a_client_who_wants_nothing_is_not_written_to_by_hand_either(world: World) -> None:
    anna = await world.client()
    await anna.says("стоп")
    await anna.taps("all_off")
    await set_order(world, "manual")
    await world.put()
    assert cards(world.group) == []


async def test_a_business_may_choose_to_write_by_hand_first(world: World) -> None:
    await set_order(world, "manual", "telegram")
    anna = await world.client()
    told = len(anna.heard)
    await world.put()
    assert len(anna.heard) == told
    (card,) = cards(world.group)
    assert "Причина" not in card.text


async def test_a_client_who_is_forgotten_leaves_the_card(world: World) -> None:
    await out_of_reach(world)
    (card,) = cards(world.group)
    await world.stage.api.call("DELETE", "/clients/anna")
    await world.stage.quiet()
    assert "Anna" not in card.text
    assert "380" not in card.text
    assert not card.buttons


async def test_manual_lists_what_waits_and_each_entry_opens_its_card(world: World) -> None:
    await world.staff.says("/manual", in_chat=world.group)
    await world.stage.quiet()
    assert "Немає повідомлень" in world.staff_heard[-1]
    await out_of_reach(world)
    await world.put("b-2", at_="Sat 12:00")
    told = len(world.group.messages)
    await world.staff.says("/manual", in_chat=world.group)
    await world.stage.quiet()
    listing = world.group.messages[-1]
    assert "2 повідомлення" in listing.text.replace("\u00a0", " ")
    assert [title.endswith("Anna") for title in listing.titles] == [True, True]
    await world.staff.taps(1, listing)
    await world.stage.quiet()
    assert len(world.group.messages) == told + 3
    opened = world.group.messages[-1]
    assert "6 березня" in opened.text
    await press(world, "hand_sent", opened)
    (row,) = await world.timeline("b-2", kind="booking_created")
    assert row["status"] == "sent"
    assert len(cards(world.group)) == 1


@pytest.mark.parametrize("channel", ["whatsapp"])
class TestOnWhatsApp:
    """What WhatsApp could not carry is handed over, and taken back when it arrives after all."""

    async def test_a_phone_that_stays_off_is_handed_over_and_a_late_arrival_takes_it_back(self, world: World) -> None:
        await set_order(world, "whatsapp", "manual")
        anna = await world.client()
        assert anna.person is not None
        await anna.person.goes_offline()
        await world.put()
        assert cards(world.group) == []
        await world.clock_to("Mon 14:01")
        (card,) = cards(world.group)
        assert "Причина: немає звіту про доставку" in card.text
        await anna.person.comes_online()
        await world.stage.quiet()
        assert "усе ж отримав" in card.text
        assert not card.buttons
        first, second = await world.timeline(kind="booking_created")
        assert (first["status"], second["status"]) == ("delivered", "cancelled")
        assert second["reason"] == "reached_by_earlier_channel"

    async def test_a_number_that_left_whatsapp_is_handed_over_at_once(self, world: World) -> None:
        await set_order(world, "whatsapp", "manual")
        anna = await world.client()
        assert anna.person is not None
        await anna.person.leaves_whatsapp()
        await world.put()
        (card,) = cards(world.group)
        assert "Причина: номера немає у WhatsApp" in card.text
