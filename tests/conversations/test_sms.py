"""SMS as the channel after the others: through Twilio and through the salon's own phone, everything over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from bot.playground.cast import SALON
from bot.playground.gateway_emulator import GatewayEmulator
from bot.playground.stage import opened
from bot.playground.twilio_emulator import DEMO_SMS
from handlers.segments import segments
from tests.conversations.world import BUSINESS, MONDAY, SALON_BODY, Client, World, at, set_the_stage
from tests.emulators.hands import at_once

START = int(MONDAY.timestamp() * 1000)
TWILIO = {"twilio_sms_from": DEMO_SMS}


@asynccontextmanager
async def salon(folder: Path, settings: Mapping[str, Any], channel: str = "telegram") -> AsyncIterator[World]:
    """The salon on a Monday at noon, with these settings of the process, and no message sent by hand."""
    database = f"sqlite:///{folder}/vizit.db"
    async with opened(database, START, business=BUSINESS, salon=SALON_BODY, settings=settings) as stage:
        world = await set_the_stage(stage, channel)
        await stage.api.call("PATCH", "/settings", {"channels": ["telegram", "whatsapp", "sms"]})
        yield world


@pytest.fixture
async def by_twilio(tmp_path: Path) -> AsyncIterator[World]:
    async with salon(tmp_path, TWILIO) as world:
        yield world


@pytest.fixture
async def gateway() -> AsyncIterator[GatewayEmulator]:
    async with GatewayEmulator(sleep=at_once) as emulator:
        yield emulator


@pytest.fixture
async def by_phone(tmp_path: Path, gateway: GatewayEmulator) -> AsyncIterator[World]:
    own = {
        "sms_gateway_url": gateway.base_url,
        "sms_gateway_user": gateway.user,
        "sms_gateway_password": gateway.password,
        "sms_gateway_daily_limit": 2,
    }
    gateway.now = lambda: MONDAY
    async with salon(tmp_path, own) as world:
        gateway.now = lambda: datetime.fromtimestamp(world.stage.now() / 1000, UTC)
        yield world


async def blocked(world: World) -> Client:
    """A client who has linked Telegram and blocked the bot, of which the bot was not told."""
    anna = await world.client("anna")
    assert anna.user is not None
    anna.user.chat.bot = "kicked"
    return anna


async def hops(world: World, kind: str = "booking_created") -> list[tuple[str, str, str | None]]:
    """Channel, status, and why not, of each hop."""
    rows = sorted(await world.timeline(kind=kind), key=lambda row: row["hop"])
    return [(row["channel"], row["status"], row["reason"] or (row["error"] or {}).get("code")) for row in rows]


async def heard_of(world: World, gateway: GatewayEmulator) -> None:
    """Let the gateway finish what it does, and be asked for it."""
    await gateway.idle()
    await world.stage.app.clock.tick("sms reports")
    await world.stage.quiet()


async def test_telegram_blocked_and_whatsapp_without_a_template_leave_the_sms(by_twilio: World) -> None:
    anna = await blocked(by_twilio)
    texts = by_twilio.stage.twilio.person(anna.phone, "Anna").texts
    await by_twilio.put(client=anna)
    assert await hops(by_twilio) == [
        ("telegram", "failed", "403"),
        ("whatsapp", "skipped", "no_template"),
        ("sms", "delivered", None),
    ]
    assert [text.body for text in texts] == ["Ви записані: 5 березня, 15:00. Мрія."]


async def test_after_the_visit_an_sms_leads_to_the_page_of_its_review(by_twilio: World) -> None:
    anna = await blocked(by_twilio)
    texts = by_twilio.stage.twilio.person(anna.phone, "Anna").texts
    await by_twilio.put(client=anna)
    await by_twilio.clock_to("Fri 15:00")
    await by_twilio.put(client=anna, status="arrived")
    await by_twilio.clock_to("Fri 17:05")
    text, _, link = texts[-1].body.rpartition(" ")
    assert text == "Як пройшов візит? Мрія. Оцініть тут:"
    assert "/r/" in link
    async with by_twilio.stage.session.get(link) as page:
        assert "Чи все вам сподобалося?" in await page.text()


async def test_the_row_of_an_sms_says_how_many_it_takes(by_twilio: World) -> None:
    anna = await blocked(by_twilio)
    await by_twilio.put(client=anna)
    rows = await by_twilio.timeline(kind="booking_created")
    assert [row["segments"] for row in sorted(rows, key=lambda row: row["hop"])] == [None, None, 1]


async def test_a_reminder_that_asks_leads_to_the_page_of_the_visit(by_twilio: World) -> None:
    anna = await blocked(by_twilio)
    texts = by_twilio.stage.twilio.person(anna.phone, "Anna").texts
    await by_twilio.put(client=anna)
    await by_twilio.clock_to("Thu 15:00")
    text = texts[-1].body
    assert text.startswith("Ваш візит: 5 березня, 15:00. Мрія. Підтвердити: http://")
    assert "/v/" in text
    assert segments(text) == 2


async def test_a_family_gets_one_sms_whose_page_leads_to_the_visit_of_each(by_twilio: World) -> None:
    anna = await blocked(by_twilio)
    person = by_twilio.stage.twilio.person(anna.phone, "Anna")
    await by_twilio.stage.api.call("PUT", "/clients/mia", {"name": "Mia", "phone": anna.phone, "language": "uk"})
    await by_twilio.put("b-1", client=anna)
    body = {"salon": SALON, "client": {"id": "mia"}, "starts_at": at("Fri 15:30").isoformat()}
    await by_twilio.stage.api.call("PUT", "/bookings/b-2", body)
    await by_twilio.stage.quiet()
    before = len(person.texts)
    await by_twilio.clock_to("Thu 16:00")
    (text,) = [text.body for text in list(person.texts)[before:]]
    assert text.startswith("Ваші візити: 5 березня, 15:00 Anna, 15:30 Mia. Мрія. Підтвердити: http://")
    assert segments(text) == 2
    async with ClientSession() as http, http.get(text.split()[-1]) as page:
        shown = await page.text()
    assert "15:30, Mia" in shown


async def test_an_sms_that_a_landline_cannot_take_is_told_to_the_staff(by_twilio: World) -> None:
    anna = await blocked(by_twilio)
    by_twilio.stage.twilio.trouble(anna.phone, 30006)
    told = len(by_twilio.staff_heard)
    await by_twilio.put(client=anna)
    assert (await hops(by_twilio))[-1] == ("sms", "failed", "30006")
    assert any("Причина: неправильний номер" in text for text in by_twilio.staff_heard[told:])


async def test_a_number_that_takes_no_sms_is_not_tried_again(by_twilio: World) -> None:
    anna = await blocked(by_twilio)
    by_twilio.stage.twilio.trouble(anna.phone, 30006)
    await by_twilio.put(client=anna)
    await by_twilio.put(client=anna, at_="Fri 16:00")
    assert "sms" not in [channel for channel, _, _ in await hops(by_twilio, "booking_changed")]


async def test_callbacks_that_come_twice_and_out_of_order_end_as_delivered(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path}/vizit.db"
    settings = {"business": BUSINESS, "salon": SALON_BODY, "settings": TWILIO, "disorder": 1.0}
    async with opened(database, START, **settings) as stage:  # type: ignore[arg-type]
        world = await set_the_stage(stage, "telegram")
        anna = await blocked(world)
        await world.put(client=anna)
        assert (await hops(world))[-1] == ("sms", "delivered", None)


async def test_what_a_client_texts_back_reaches_the_staff_and_their_reply_the_client(by_twilio: World) -> None:
    anna = await blocked(by_twilio)
    person = by_twilio.stage.twilio.person(anna.phone, "Anna")
    await by_twilio.put(client=anna)
    await person.texts_back("Запізнюся на 10 хвилин")
    await by_twilio.stage.quiet()
    assert by_twilio.staff_heard[-1].endswith("Запізнюся на 10 хвилин")
    told = [one for one in by_twilio.group.messages if (one.text or "").endswith("Запізнюся на 10 хвилин")][-1]
    await by_twilio.staff.replies(told, "Чекаємо, не поспішайте")
    await by_twilio.stage.quiet()
    assert [text.body for text in person.texts if text.direction != "inbound"][-1] == "Чекаємо, не поспішайте"


async def test_after_stop_nothing_more_is_sent_by_sms(by_twilio: World) -> None:
    anna = await blocked(by_twilio)
    person = by_twilio.stage.twilio.person(anna.phone, "Anna")
    await by_twilio.put(client=anna)
    await person.texts_back("Стоп")
    await by_twilio.stage.quiet()
    sent = len(person.texts)
    await by_twilio.put(client=anna, at_="Fri 16:00")
    assert len(person.texts) == sent


# The salon's own phone


async def test_the_salons_phone_sends_and_tells_what_became_of_it(by_phone: World, gateway: GatewayEmulator) -> None:
    anna = await blocked(by_phone)
    person = gateway.person(anna.phone)
    await by_phone.put(client=anna)
    assert (await hops(by_phone))[-1] == ("sms", "sent", None)
    await heard_of(by_phone, gateway)
    assert (await hops(by_phone))[-1] == ("sms", "delivered", None)
    assert [text.body for text in person.texts] == ["Ви записані: 5 березня, 15:00. Мрія."]


async def test_what_the_phone_could_not_send_is_told_to_the_staff(by_phone: World, gateway: GatewayEmulator) -> None:
    anna = await blocked(by_phone)
    gateway.person(anna.phone).trouble = "Send result: RESULT_ERROR_GENERIC_FAILURE (Generic failure cause)"
    told = len(by_phone.staff_heard)
    await by_phone.put(client=anna)
    await heard_of(by_phone, gateway)
    assert (await hops(by_phone))[-1] == ("sms", "failed", "failed")
    assert len(by_phone.staff_heard) > told


async def test_a_network_that_is_gone_for_a_moment_is_tried_once_more(
    by_phone: World, gateway: GatewayEmulator
) -> None:
    anna = await blocked(by_phone)
    person = gateway.person(anna.phone)
    person.trouble = "Send result: RESULT_ERROR_NO_SERVICE (currently unavailable)"
    await by_phone.put(client=anna)
    await heard_of(by_phone, gateway)
    person.trouble = None
    await by_phone.clock_to("Mon 12:05")
    await heard_of(by_phone, gateway)
    assert [hop for hop in await hops(by_phone) if hop[0] == "sms"] == [
        ("sms", "failed", "RESULT_ERROR_NO_SERVICE"),
        ("sms", "delivered", None),
    ]


async def test_above_the_daily_limit_the_staff_hear_that_the_client_was_not_told(
    by_phone: World, gateway: GatewayEmulator
) -> None:
    anna = await blocked(by_phone)
    for number in range(3):
        await by_phone.put(f"b-{number}", client=anna, at_=f"Fri 1{number}:00")
    rows = [(await by_phone.timeline(f"b-{number}", "booking_created")) for number in range(3)]
    last = [max(hops_of, key=lambda row: row["hop"]) for hops_of in rows]
    assert [(row["channel"], row["status"]) for row in last] == [("sms", "sent"), ("sms", "sent"), ("sms", "failed")]
    assert last[-1]["error"]["code"] == "daily_limit"
    assert "Причина: телефон салону вичерпав денний ліміт повідомлень" in by_phone.staff_heard[-1]
    assert len(gateway.texts) == 2


async def test_a_gateway_that_is_down_is_tried_again_when_it_is_back(by_phone: World, gateway: GatewayEmulator) -> None:
    anna = await blocked(by_phone)
    person, port = gateway.person(anna.phone), int(gateway.base_url.rpartition(":")[2])
    await gateway.stop()
    await by_phone.put(client=anna)
    assert (await hops(by_phone))[-1] == ("sms", "planned", "silent")
    await gateway.start(port=port)
    await by_phone.clock_to("Mon 12:30")
    await heard_of(by_phone, gateway)
    assert (await hops(by_phone))[-1] == ("sms", "delivered", "silent")
    assert len(person.texts) == 1


async def test_what_is_texted_to_the_salons_phone_reaches_the_staff(by_phone: World, gateway: GatewayEmulator) -> None:
    anna = await blocked(by_phone)
    await by_phone.put(client=anna)
    await gateway.called("create_webhook")
    await gateway.texts_back(gateway.person(anna.phone), "Не зможу, вибачте")
    await gateway.idle()
    await by_phone.stage.quiet()
    assert by_phone.staff_heard[-1].endswith("Не зможу, вибачте")
