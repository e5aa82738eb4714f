"""What the outbox sends, what it passes over, and in which order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from handlers.channel import Edit, Text
from storage.failpoints import armed
from storage.records import Address, Choice
from storage.store import Changes, Delete
from tests.support.post import (
    BOOKING,
    BUSINESS,
    CHAT,
    CLIENT,
    HOUR,
    MASTER,
    MINUTE,
    NOON,
    STAFF,
    WROTE,
    Post,
    another,
    answer,
    message,
    opened,
    to_staff,
)  # fmt: skip


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    async with opened() as post:
        yield post


async def test_a_due_message_is_sent_and_settled_with_the_providers_id(post: Post) -> None:
    row = message()
    await post.add(row)
    await post.send_all()
    sent = await post.read(row)
    assert (sent.status, sent.provider_id, sent.sent_at, sent.attempts) == ("sent", "100:1", NOON, 1)
    assert (sent.channel, sent.address, sent.text, sent.language) == ("telegram", "100", "reminder Олена Оксана", "uk")
    assert sent.token is None and sent.lease_until is None


async def test_what_is_not_due_yet_stays_planned(post: Post) -> None:
    row = message(due_at=NOON + 1)
    await post.add(row)
    await post.send_all()
    assert (await post.read(row)).status == "planned"
    post.clock += 1
    await post.send_all()
    assert (await post.read(row)).status == "sent"


async def test_an_insert_wakes_an_outbox_that_sleeps(post: Post) -> None:
    async with post.running() as outbox:
        await outbox.idle()
        await post.add(message())
        await post.telegram.arrived.wait()
    assert post.telegram.texts == ["reminder Олена Оксана"]


async def test_the_playgrounds_shift_makes_messages_due_but_leases_nothing_longer(post: Post) -> None:
    row = message(due_at=NOON + HOUR)
    await post.add(row)
    async with post.running() as outbox:
        await outbox.idle()
        post.now.move_to(NOON + HOUR)
        post.telegram.gate = asyncio.Event()
        outbox.wake()
        await post.telegram.arrived.wait()
        assert (await post.read(row)).lease_until < NOON + HOUR  # type: ignore[operator]
    assert (await post.read(row)).sent_at == NOON + HOUR


async def test_a_text_is_made_from_what_is_true_when_it_goes(post: Post) -> None:
    await post.add(message())
    await post.change(MASTER, name="Софія")
    await post.change(CLIENT, name="Olena")
    await post.send_all()
    assert post.telegram.texts == ["reminder Olena Софія"]


async def test_a_row_that_changed_between_reading_and_guard_is_read_and_rendered_again(tmp_path: Path) -> None:
    async with opened(str(tmp_path / "vizit.db")) as post:
        row = message()
        await post.add(row)
        replan = post.before_guard("UPDATE message SET revision = 2", "UPDATE client SET name = 'Olena'")
        with armed("step.begin", replan):
            await post.send_all()
        assert post.telegram.texts == ["reminder Olena Оксана"]
        assert (await post.read(row)).attempts == 1


async def test_a_row_that_was_taken_back_before_the_guard_is_not_sent(tmp_path: Path) -> None:
    async with opened(tmp_path / "vizit.db") as post:
        row = message()
        await post.add(row)
        cancel = (
            "UPDATE message SET status = 'cancelled', reason = 'booking_cancelled', token = NULL, lease_until = NULL"
        )
        with armed("step.begin", post.before_guard(cancel)):
            await post.send_all()
        assert post.telegram.calls == []
        assert (await post.read(row)).status == "cancelled"


async def test_answers_go_before_reminders_and_these_before_offers(post: Post) -> None:
    people = [another(number) for number in range(3)]
    await post.change(CLIENT, marketing_consent=True)
    for client, address in people:
        await post.add(replace(client, marketing_consent=True), address)
    offer, reminder, said = (client.id for client, _ in people)
    rows = (
        message("campaign", client=offer, lane=2, booking=None, due_at=NOON - 2 * HOUR, address="1000"),
        message("bonus_accrued", client=reminder, lane=1, booking=None, due_at=NOON - HOUR, address="1001"),
        answer(client=said, address="1002"),
    )
    await post.add(*rows)
    await post.send_all(wires=1)
    assert [call.to for call in post.telegram.calls] == ["1002", "1001", "1000"]


async def test_one_send_in_ten_is_an_offer_however_much_else_waits(post: Post) -> None:
    rows = []
    for number in range(24):
        client, address = another(number)
        await post.add(replace(client, marketing_consent=True), address)
        lane = 2 if number < 4 else 1
        kind = "campaign" if lane == 2 else "bonus_accrued"
        rows.append(message(kind, client=client.id, lane=lane, booking=None, address=address.address))
    await post.add(*rows)
    await post.send_all(wires=1)
    offers = [place for place, text in enumerate(post.telegram.texts) if text.startswith("campaign")]
    assert offers[:2] == [9, 19]


async def test_a_second_message_to_an_address_waits_until_the_first_is_settled(post: Post) -> None:
    rows = [answer(f"help{number}") for number in range(5)]
    await post.add(*rows)
    await post.send_all()
    assert post.telegram.most == 1
    assert len(post.telegram.calls) == 5
    assert set((await post.statuses()).values()) == {"sent"}


async def test_the_cancellation_waits_for_what_is_on_the_wire_to_that_address(post: Post) -> None:
    post.telegram.gate = asyncio.Event()
    await post.add(message("reminder"))
    async with post.running() as outbox:
        await post.telegram.arrived.wait()
        await post.change(BOOKING, status="cancelled", cancelled_revision=2, revision=2)
        await post.add(message("booking_cancelled", revision=2))
        assert [call.text.split()[0] for call in post.telegram.calls] == ["reminder"]
        post.telegram.gate.set()
        await outbox.idle()
    assert [call.text.split()[0] for call in post.telegram.calls] == ["reminder", "booking_cancelled"]
    assert post.telegram.most == 1


async def test_two_workers_never_send_to_one_address_at_once(tmp_path: Path) -> None:
    path = tmp_path / "vizit.db"
    async with opened(path) as first, opened(path, stage=False) as second:
        second.telegram = first.telegram
        people = [another(number) for number in range(5)]
        for person in people:
            await first.add(*person)
        await first.add(
            *(answer(f"help{n}", client=people[n % 5][0].id, address=f"{1000 + n % 5}") for n in range(100))
        )
        async with first.running(), second.running():
            while "planned" in (now := set((await first.statuses()).values())) or now & {"leased", "sending"}:
                # Rows that met a busy address come back some milliseconds later.
                first.clock = second.clock = first.clock + 20
                await asyncio.sleep(0.002)
        assert len(first.telegram.calls) == 100
        assert first.telegram.most == 1


async def test_many_to_few_addresses_all_arrive_once(post: Post) -> None:
    people = [another(number) for number in range(5)]
    for person in people:
        await post.add(*person)
    rows = [answer(f"help{n}", client=people[n % 5][0].id, address=f"{1000 + n % 5}") for n in range(200)]
    await post.add(*rows)
    await post.send_all()
    assert sorted(call.message for call in post.telegram.calls) == sorted(row.id for row in rows)


async def test_messages_whose_address_was_planned_wrongly_still_go_one_at_a_time(post: Post) -> None:
    people = [another(number) for number in range(2)]
    for person in people:
        await post.add(*person)
    forecasts = [("telegram", "1000"), ("telegram", "1001"), (None, None), ("whatsapp", "+1"), ("telegram", "9")]
    rows = [
        message(
            "bonus_accrued", key=f"k{n}", booking=None, client=people[n % 2][0].id, channel=channel, address=address
        )
        for n, (channel, address) in enumerate(forecasts * 8)
    ]
    await post.add(*rows)
    await post.send_all()
    assert sorted(call.message for call in post.telegram.calls) == sorted(row.id for row in rows)
    assert post.telegram.most == 1


@pytest.mark.parametrize(
    ("change", "kind", "reason"),
    [
        ((BUSINESS, {"settings": {"kinds": {"reminder": {"enabled": False}}}}), "reminder", "switched_off"),
        ((BUSINESS, {"settings": {"channels": ["whatsapp"]}}), "reminder", "switched_off"),
        ((CLIENT, {"silent": True}), "reminder", "opted_out"),
        ((CLIENT, {"marketing_consent": False}), "campaign", "no_consent"),
        ((CHAT, {"dead_until": NOON + HOUR}), "reminder", "no_channel"),
    ],
)
async def test_what_must_not_go_any_more_is_skipped_with_the_reason(
    post: Post, change: tuple[object, dict[str, object]], kind: str, reason: str
) -> None:
    await post.change(CLIENT, phone=None)
    await post.change(CHAT, phone=None, client="c")
    row = message(kind, lane=2 if kind == "campaign" else 1)
    await post.add(row)
    await post.change(change[0], **change[1])
    await post.send_all()
    skipped = await post.read(row)
    assert (skipped.status, skipped.reason) == ("skipped", reason)
    assert post.telegram.calls == []


async def test_what_is_past_its_time_expires_for_everybody_to_see(post: Post) -> None:
    row = message(due_at=NOON - HOUR, not_after=NOON)
    await post.add(row)
    await post.send_all()
    assert ((await post.read(row)).status, (await post.read(row)).reason) == ("expired", "too_late")


async def test_what_is_planned_while_a_slow_store_looks_for_what_is_due_is_not_overlooked(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, looked = message(), post.store.next_due
    asked: list[int | None] = []

    async def slowly() -> int | None:
        asked.append(await looked())
        if len(asked) == 1:
            await post.add(row)
        return asked[-1]

    monkeypatch.setattr(post.store, "next_due", slowly)
    await post.send_all()
    assert asked[0] is None and (await post.read(row)).status == "sent"


async def test_after_an_outage_only_the_newest_reminder_goes_out(post: Post) -> None:
    rows = [message(key=f"booking:b:reminder:{n}:r1:client:c:0", due_at=NOON - n * MINUTE) for n in (3, 1, 2)]
    coming = message(key="booking:b:reminder:later:r1:client:c:0", due_at=NOON + 1)
    await post.add(*rows, coming)
    await post.send_all()
    found = [await post.read(row) for row in (*rows, coming)]
    assert [row.status for row in found] == ["skipped", "sent", "skipped", "planned"]
    assert found[0].reason == "superseded"


async def test_a_late_message_waits_for_the_end_of_quiet_hours_but_an_answer_does_not(post: Post) -> None:
    await post.change(BUSINESS, settings={})
    night = NOON + 10 * HOUR
    late, said = message(not_after=night + 20 * HOUR), answer(due_at=night, not_after=night + HOUR)
    await post.add(late, said)
    post.clock = night
    await post.change(BOOKING, starts_at=night + 30 * HOUR)
    await post.send_all()
    assert (await post.read(said)).status == "sent"
    row = await post.read(late)
    morning = NOON + 20 * HOUR
    assert (row.status, row.next_at, row.due_at, row.attempts) == ("planned", morning, NOON, 0)


async def test_an_answer_goes_to_the_chat_it_answers_even_where_nobody_is_known(post: Post) -> None:
    row = answer(client=None, business="", address="777", language="tr")
    await post.add(row)
    await post.send_all()
    assert [call.to for call in post.telegram.calls] == ["777"]
    assert (await post.read(row)).language == "tr"


async def test_staff_hear_in_their_chat_only_of_what_they_chose(post: Post) -> None:
    await post.add(replace(STAFF, events=("booking_cancelled",), language="ru"))
    quiet, heard = to_staff(), to_staff("staff_booking_cancelled")
    await post.add(quiet, heard)
    await post.send_all()
    assert ((await post.read(quiet)).status, (await post.read(quiet)).reason) == ("skipped", "switched_off")
    assert [(call.to, call.message) for call in post.telegram.calls] == [("-500", heard.id)]
    assert (await post.read(heard)).language == "ru"


async def test_the_timer_of_the_cascade_is_set_only_where_delivery_is_reported(post: Post) -> None:
    await post.add(replace(WROTE, phone=None, client="w"), replace(CLIENT, id="w", phone=None))
    there, here = message("bonus_accrued", client="w", booking=None), message()
    short = message("bonus_accrued", client="w", booking=None, not_after=NOON + HOUR)
    await post.add(there, here, short)
    await post.send_all()
    assert (await post.read(here)).fallback_at is None
    assert (await post.read(there)).fallback_at == NOON + 2 * HOUR
    assert (await post.read(short)).fallback_at == NOON + 20 * MINUTE


async def test_older_messages_of_a_visit_lose_their_buttons_when_a_newer_one_has_rung(post: Post) -> None:
    buttons = (Choice("confirm", {"booking": "b"}),)
    sent = {"status": "sent", "due_at": NOON - 23 * HOUR, "choices": buttons}
    old = message("booking_created", **sent, sent_at=NOON - 3 * HOUR, provider_id="100:1")
    elsewhere = message("booking_created", **{**sent, "address": "101"}, sent_at=NOON - 2 * HOUR, provider_id="101:1")
    without = message("booking_created", **{**sent, "choices": ()}, sent_at=NOON - HOUR, provider_id="100:2")
    await post.add(old, elsewhere, without, message(choices=buttons))
    await post.send_all()
    assert [(call.to, type(call.rendered)) for call in post.telegram.calls] == [("100", Text), ("100", Edit)]
    assert post.telegram.calls[1].rendered == Edit("100:1", None)


async def test_a_message_that_was_rewritten_without_buttons_is_left_alone(post: Post) -> None:
    old = message("booking_created", status="sent", sent_at=NOON - 2, provider_id="100:1", choices=(Choice("confirm"),))
    rewritten = message("visit_past", lane=0, status="sent", sent_at=NOON - 1, provider_id="100:1", edits=old.id)
    await post.add(old, rewritten, message())
    await post.send_all()
    assert len(post.telegram.calls) == 1


async def test_an_edit_of_what_never_went_out_is_a_text(post: Post) -> None:
    never = message("booking_created", status="failed")
    await post.add(never, answer("visit_confirmed", edits=never.id))
    await post.send_all()
    assert post.telegram.calls[0].rendered == Text("visit_confirmed Олена")


async def test_a_client_with_a_phone_alone_is_written_to_on_whatsapp(post: Post) -> None:
    await post.store.commit(Changes(deletes=(Delete(Address, CHAT.business, CHAT.id),)))
    await post.add(WROTE)
    row = message(channel=None, address=None)
    await post.add(row)
    await post.send_all()
    assert ((await post.read(row)).channel, [call.to for call in post.whatsapp.calls]) == ("whatsapp", [WROTE.address])


async def test_a_channel_without_a_template_hands_over_to_the_next_in_the_same_commit(post: Post) -> None:
    await post.change(BUSINESS, settings={"quiet_hours": False, "channels": ["whatsapp", "telegram"]})
    row = message(channel="whatsapp", address="+380671234567")
    await post.add(row)
    await post.send_all()
    skipped, hop = await post.read(row), await post.read(row.key.removesuffix("0") + "1")
    assert (skipped.status, skipped.reason) == ("skipped", "no_template")
    assert (hop.status, hop.channel, hop.hop, hop.fallback_of) == ("sent", "telegram", 1, row.id)


async def test_what_a_stopped_outbox_had_leased_is_free_at_once(post: Post) -> None:
    rows = [message(due_at=NOON - n, key=f"k{n}", kind="bonus_accrued") for n in range(50)]
    await post.add(*rows)
    post.telegram.gate = asyncio.Event()
    async with post.running(wires=1):
        await post.telegram.arrived.wait()
    counts = list((await post.statuses()).values())
    assert (counts.count("sent"), counts.count("planned")) == (1, 49)


async def test_a_stop_that_takes_too_long_says_what_is_not_known(post: Post) -> None:
    row = message()
    await post.add(row)
    post.telegram.gate = asyncio.Event()
    outbox = post.outbox()
    task = asyncio.create_task(outbox.run())
    await post.telegram.arrived.wait()
    await outbox.stop(timeout=0)
    await task
    found = await post.read(row)
    assert (found.status, found.reason, found.error_code) == ("planned", "perhaps_sent", "stopped")
