"""What people write back by SMS: stop words end it, start words let it begin again, and all else is for the staff."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from handlers.channel import SMS
from handlers.facts import load_facts
from handlers.respond import respond
from handlers.routing import Route, route
from handlers.turn import Turn
from storage.records import Address, Booking, Business, Client, Consent, Message, StaffChat, address_id
from storage.store import Changes, Patch
from tests.support.post import BOOKING, BUSINESS, CLIENT, DAY, MASTER, NOON, SALON, STAFF, START, Post, message, opened

PHONE = CLIENT.phone or ""
ROW = address_id("sms", PHONE)
SENT: dict[str, Any] = {"status": "sent", "channel": "sms", "address": PHONE, "sent_at": NOON, "attempts": 1}
AGREED = replace(CLIENT, marketing_consent=True, consent_at=NOON - DAY, consent_place="api", revision=1)


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    async with opened(stage=False) as one:
        await one.add(BUSINESS, SALON, MASTER, AGREED, BOOKING, STAFF)
        yield one


async def texts(post: Post, text: str, phone: str = PHONE, **fields: Any) -> Changes:
    """Let a text come in; answers with what was committed."""
    turn = Turn(channel="sms", address=phone, user=phone, event=text, at=post.clock, text=text, phone=phone, **fields)
    changes = await respond(post.desk, turn)
    await post.store.commit(changes)
    return changes


async def said(post: Post) -> list[Message]:
    return await post.store.find(Message, {"business": "a"}, order=("created_at", "id"))


async def address(post: Post) -> Address | None:
    return await post.store.get(Address, "a", ROW)


async def way(post: Post) -> Any:
    """Which way a reminder would take, if there were only SMS."""
    row = message()
    facts = (await load_facts(post.desk, [row]))[row.id]
    return route(row, facts, {"sms": SMS})


STOPS = ["STOP", "stop", "Стоп", "СТОП!", "Dur", "отписаться", "Не пишіть мені більше", "stop all", "UNSUBSCRIBE"]


@pytest.mark.parametrize("word", STOPS)
async def test_a_stop_word_ends_sms_to_the_phone_and_offers_on_every_channel(post: Post, word: str) -> None:
    assert isinstance(await way(post), Route)
    await texts(post, word)
    stopped = await address(post)
    assert stopped is not None
    assert (stopped.dead_reason, stopped.phone) == ("opted_out", PHONE)
    assert await way(post) == "no_channel"
    client = await post.store.get(Client, "a", "c")
    assert client is not None
    assert (client.marketing_consent, client.consent_place, client.silent) == (False, "sms", False)
    ledger = await post.store.find(Consent, {"business": "a", "client": "c"})
    assert [(entry.given, entry.place, entry.words) for entry in ledger] == [(False, "sms", word)]


async def test_nothing_is_answered_and_the_staff_need_not_read_it(post: Post) -> None:
    await texts(post, "STOP")
    assert await said(post) == []


async def test_a_stop_holds_for_good(post: Post) -> None:
    await texts(post, "STOP")
    post.clock += 400 * DAY
    assert await way(post) == "no_channel"


async def test_other_words_after_a_stop_reach_the_staff_and_do_not_undo_it(post: Post) -> None:
    await texts(post, "STOP")
    await texts(post, "Дякую, я передзвоню")
    assert [row.kind for row in await said(post)] == ["staff_client_message"]
    assert await way(post) == "no_channel"


@pytest.mark.parametrize("word", ["START", "старт", "Başla", "UNSTOP"])
async def test_a_start_word_lets_sms_begin_again_but_no_offers(post: Post, word: str) -> None:
    await texts(post, "STOP")
    await texts(post, word)
    assert isinstance(await way(post), Route)
    client = await post.store.get(Client, "a", "c")
    assert client is not None
    assert client.marketing_consent is False


async def test_a_phone_that_did_not_take_sms_is_alive_once_it_writes(post: Post) -> None:
    await texts(post, "Добрий день")
    dead = {"dead_until": NOON + 30 * DAY, "dead_reason": "30006"}
    await post.store.commit(Changes(patches=(Patch(Address, "a", ROW, dead),)))
    assert await way(post) == "no_channel"
    await texts(post, "Це знову я")
    assert isinstance(await way(post), Route)


@pytest.mark.parametrize("words", ["Так", "1", "Не зможу", "скасувати", "/bookings", "🙂", "Чи є вільний час завтра?"])
async def test_all_other_words_are_for_the_staff_to_read(post: Post, words: str) -> None:
    await post.add(message(**SENT))
    await texts(post, words)
    rows = [row for row in await said(post) if row.kind != "reminder"]
    assert [(row.kind, row.staff_chat, row.params) for row in rows] == [
        ("staff_client_message", "chat", {"text": words, "channel": "sms", "address": PHONE})
    ]
    assert (rows[0].booking, rows[0].client) == ("b", "c")
    booking = await post.store.get(Booking, "a", "b")
    assert booking is not None
    assert (booking.answer, booking.status) == (None, "booked")


async def test_who_reads_it_is_the_staff_of_the_visit_that_is_ahead(post: Post) -> None:
    elsewhere = replace(STAFF, id="other", chat="-600", salon="s2")
    await post.add(elsewhere)
    await texts(post, "Запізнюся")
    assert [row.staff_chat for row in await said(post)] == ["chat"]


async def test_words_of_somebody_without_a_visit_ahead_go_where_they_were_last(post: Post) -> None:
    await post.add(replace(STAFF, id="other", chat="-600", salon="s2"), replace(SALON, id="s2"))
    post.clock = START + DAY
    await texts(post, "Дякую, все чудово!")
    assert [(row.staff_chat, row.booking) for row in await said(post)] == [("chat", None)]


async def test_words_of_somebody_who_has_never_come_go_to_every_salon_but_to_no_single_master(post: Post) -> None:
    await post.add(replace(STAFF, id="other", chat="-600", salon="s2"), replace(STAFF, id="m", chat="5", master="m"))
    await post.add(replace(CLIENT, id="c9", phone="+380501112233"))
    await texts(post, "Скільки коштує стрижка?", "+380501112233")
    assert sorted(row.staff_chat or "" for row in await said(post)) == ["chat", "other"]


async def test_of_several_people_with_one_phone_the_one_last_written_to_speaks(post: Post) -> None:
    child = replace(CLIENT, id="c2", name="Марко")
    await post.add(child, message(client="c2", booking=None, **SENT))
    await texts(post, "Запізнимося")
    assert [row.client for row in await said(post) if row.kind == "staff_client_message"] == ["c2"]


async def test_of_several_businesses_the_one_that_wrote_last_is_told(post: Post) -> None:
    business, client = Business(business="z", id="z", name="Інший"), replace(CLIENT, business="z", id="z1")
    chat = StaffChat(business="z", id="zchat", chat="-700", salon=None, role="owner")
    await post.add(business, client, chat)
    await post.add(
        message(business="z", client="z1", booking=None, status="sent", channel="sms", address=PHONE, sent_at=NOON)
    )
    await texts(post, "Запізнюся")
    told = await post.store.find(Message, {"business": "z", "staff_chat": "zchat"})
    assert [row.kind for row in told] == ["staff_client_message"]
    assert [row for row in await said(post) if row.kind == "staff_client_message"] == []


async def test_a_stop_word_counts_for_every_business_that_knows_the_phone(post: Post) -> None:
    await post.add(Business(business="z", id="z", name="Інший"), replace(AGREED, business="z", id="z1"))
    await texts(post, "STOP")
    stopped = await post.store.find(Address, {"channel": "sms", "address": PHONE})
    assert {row.business: row.dead_reason for row in stopped} == {"a": "opted_out", "z": "opted_out"}


async def test_a_stranger_changes_nothing(post: Post) -> None:
    for words in ("STOP", "START", "Добрий день"):
        assert not await texts(post, words, "+380509999999")


async def test_a_picture_without_words_is_nothing_to_read(post: Post) -> None:
    turn = Turn(channel="sms", address=PHONE, user=PHONE, event="e", at=NOON, phone=PHONE, photo="https://x.example/1")
    await post.store.commit(await respond(post.desk, turn))
    assert await said(post) == []
