"""Every night Twilio is asked for last words that never came, and for prices; over the real SDK, against the emulator."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from bot import reconciliation
from bot.playground.twilio_emulator import DEMO_ACCOUNT, DEMO_TOKEN, DEMO_WHATSAPP, TwilioEmulator
from bot.receipts import hear
from bot.reconciliation import AGAIN, BREATH, DAY, HOUR, NIGHT, RECONCILE, Place, Reconciliation
from bot.sms import SmsChannel, twilio_texts
from bot.twilio_http import make_client
from bot.whatsapp import WhatsAppChannel
from handlers.channel import Channel, Text
from handlers.delivery import Means, means_of
from handlers.turn import Desk, Links
from storage.opening import open_store
from storage.records import Business, Client, Cost, Message, Millis, Task
from storage.store import Changes, Patch, Put, Store

NOON: Millis = 1_800_014_400_000
"""12:00 UTC."""
SMS_NUMBER = "+14155550101"


@dataclass
class Night:
    """A business with its messages, Twilio that may lose callbacks, and the task that puts it right."""

    store: Store
    twilio: TwilioEmulator
    now: Millis = NOON
    channels: dict[str, Channel] = field(default_factory=dict)
    task: Task = field(default_factory=lambda: Task(business="", id=RECONCILE, kind=RECONCILE, params={"night": True}))
    work: Reconciliation = field(init=False)
    means: Means = field(init=False)
    desk: Desk = field(init=False)

    async def send(self, id: int, channel: str = "whatsapp", text: str = "Слово", **fields: Any) -> Message:
        """A message that went out now, of which no callback came."""
        key, address = f"{id:032x}", f"+38067123{id:04}"
        self.twilio.person(address)
        sid = await self.channels[channel].send(Text(text), address, key)
        await self.twilio.idle()
        return await self.store_row(key, channel, address, text=text, **{"provider_id": sid, **fields})

    async def store_row(self, id: str, channel: str, address: str, **fields: Any) -> Message:
        """A row of a message that went out now."""
        basic: dict[str, Any] = {
            "status": "sent",
            "kind": "reminder",
            "due_at": self.now,
            "sent_at": self.now,
            "day": "2027-01-15",
            "attempts": 1,
        }
        made = basic | fields
        row = Message(
            business="b", id=id, key=id, lane=1, channel=channel, address=address,
            client="c1", next_at=made["due_at"], not_after=self.now + 30 * DAY, **made,
        )  # fmt: skip
        await self.store.commit(Changes(puts=(Put(row),)))
        return row

    async def row(self, message: Message) -> Message:
        found = await self.store.get(Message, "b", message.id)
        assert found is not None
        return found

    async def change(self, message: Message, **fields: Any) -> None:
        await self.store.commit(Changes(patches=(Patch(Message, "b", message.id, fields),)))

    async def cost(self, message: Message) -> Cost | None:
        return await self.store.get(Cost, "b", message.id)

    async def pass_hours(self, hours: float) -> None:
        self.now += round(hours * HOUR)

    async def night(self) -> None:
        """The task from its beginning to its end, part by part."""
        while True:
            self.task = await self.work.run(self.task)
            if self.task.cursor is None:
                return

    def asked(self) -> int:
        return sum(call.method == "fetch_message" for call in self.twilio.calls)


@pytest.fixture
async def night() -> AsyncIterator[Night]:
    store = await open_store("sqlite:///:memory:")
    await store.commit(
        Changes(
            puts=(
                Put(Business(business="b", id="b", name="Мрія", created_at=1)),
                Put(Business(business="z", id="z", name="Інша", created_at=1)),
                Put(Client(business="b", id="c1", name="Олена")),
            )
        )
    )

    async def no_pause(_: float) -> None:
        """Twilio needs no time."""

    def now() -> datetime:
        return datetime.fromtimestamp(made.now / 1000, UTC)

    async with TwilioEmulator(now=now, sleep=no_pause) as twilio:
        made = Night(store, twilio)
        client, http = make_client(DEMO_ACCOUNT, DEMO_TOKEN, api=twilio.base_url)
        made.channels = {
            "whatsapp": WhatsAppChannel(client, DEMO_WHATSAPP),
            "sms": SmsChannel(twilio_texts(client, SMS_NUMBER, None, None)),
        }
        made.means = means_of(made.channels)
        made.desk = Desk(store, lambda: made.now, Links(None, b"secret"))
        made.work = Reconciliation(made.desk, client, made.channels, partial(hear, made.desk, made.means), lambda: 0.5)
        yield made
        await http.close()
    await store.close()


async def test_a_message_whose_callbacks_were_lost_is_delivered_after_all(night: Night) -> None:
    person = night.twilio.person("+380671230001")
    await person.says("Привіт")
    delivered = await night.send(1)
    await night.pass_hours(2)
    await night.night()
    assert (await night.row(delivered)).status == "delivered"
    assert (await night.row(delivered)).delivered_at == night.now


async def test_a_message_that_was_read_is_read(night: Night) -> None:
    person = night.twilio.person("+380671230001")
    await person.says("Привіт")
    message = await night.send(1)
    await person.reads()
    await night.pass_hours(2)
    await night.night()
    assert (await night.row(message)).status == "read"


async def test_a_failure_that_nobody_heard_of_is_told_with_its_code(night: Night) -> None:
    failed = await night.send(1)
    await night.pass_hours(2)
    await night.night()
    row = await night.row(failed)
    assert (row.status, row.error_code) == ("failed", "63016")
    assert row.error_text is not None and "window" in row.error_text


async def test_a_phone_that_is_still_off_stays_without_a_word(night: Night) -> None:
    person = night.twilio.person("+380671230001")
    await person.says("Привіт")
    await person.goes_offline()
    message = await night.send(1)
    await night.pass_hours(2)
    await night.night()
    assert (await night.row(message)).status == "sent"
    await night.pass_hours(24)
    await person.comes_online()
    await night.night()
    assert (await night.row(message)).status == "delivered"


async def test_an_unknown_message_without_a_sid_is_found_by_its_words(night: Night) -> None:
    person = night.twilio.person("+380671230001")
    await person.says("Привіт")
    message = await night.send(1, status="unknown", provider_id=None, sent_at=None)
    await night.pass_hours(2)
    await night.night()
    row = await night.row(message)
    assert row.status == "delivered"
    assert row.provider_id == night.twilio.messages[-1].sid


async def test_an_unknown_message_that_never_went_out_stays_unknown(night: Night) -> None:
    message = await night.store_row("0" * 32, "whatsapp", "+380671230001", status="unknown", text="Слово")
    await night.pass_hours(2)
    await night.night()
    assert (await night.row(message)).status == "unknown"
    assert night.asked() == 0


async def test_prices_are_kept_in_the_providers_own_figures(night: Night) -> None:
    person = night.twilio.person("+380671230001")
    await person.says("Привіт")
    whatsapp = await night.send(1)
    sms = await night.send(2, "sms")
    long = await night.send(3, "sms", "Слово за словом, " * 10)
    await night.pass_hours(2)
    await night.night()
    known = await night.cost(whatsapp)
    assert known == Cost(
        business="b", id=whatsapp.id, channel="whatsapp", day="2027-01-15", due_at=NOON, amount=500, currency="USD",
        segments=1,
    )  # fmt: skip
    texted = await night.cost(sms)
    assert texted is not None and (texted.amount, texted.segments) == (790, 1)
    in_parts = await night.cost(long)
    assert in_parts is not None and (in_parts.amount, in_parts.segments) == (2370, 3)


async def test_what_is_delivered_is_asked_about_once_for_its_price_and_then_no_more(night: Night) -> None:
    message = await night.send(1, "sms", status="delivered")
    await night.pass_hours(2)
    await night.night()
    assert await night.cost(message) is not None
    assert night.asked() == 1
    await night.pass_hours(24)
    await night.night()
    assert night.asked() == 1


async def test_a_price_that_never_comes_is_asked_for_three_nights(night: Night) -> None:
    night.twilio.trouble("whatsapp:+380671230001", 63012)
    await night.send(1, status="failed")
    await night.pass_hours(2)
    for _ in range(6):
        await night.night()
        await night.pass_hours(24)
    assert night.asked() == 3


async def test_what_arrived_days_later_gets_its_price_too(night: Night) -> None:
    person = night.twilio.person("+380671230001")
    await person.says("Привіт")
    await person.goes_offline()
    message = await night.send(1)
    await night.pass_hours(5 * 24)
    await person.comes_online()
    await night.twilio.idle()
    await night.change(message, status="delivered", delivered_at=night.now)
    await night.pass_hours(2)
    await night.night()
    assert await night.cost(message) is not None


async def test_a_last_word_is_asked_for_ten_days(night: Night) -> None:
    person = night.twilio.person("+380671230001")
    await person.says("Привіт")
    await person.goes_offline()
    await night.send(1)
    await night.pass_hours(2)
    for _ in range(15):
        await night.night()
        await night.pass_hours(24)
    assert night.asked() == 10


async def test_what_went_out_within_the_hour_is_left_alone(night: Night) -> None:
    await night.send(1)
    await night.pass_hours(0.9)
    await night.night()
    assert night.asked() == 0


@pytest.mark.parametrize(
    "fields",
    [
        {"channel": "telegram", "provider_id": "77"},
        {"channel": "sms", "provider_id": "a-phone-of-the-salon"},
        {"channel": "whatsapp", "status": "planned", "attempts": 0},
        {"channel": "whatsapp", "status": "skipped", "attempts": 0},
    ],
)
async def test_what_twilio_does_not_carry_is_none_of_its_business(night: Night, fields: dict[str, Any]) -> None:
    await night.store_row("0" * 32, address="+380671230001", **fields)
    await night.pass_hours(2)
    await night.night()
    assert night.asked() == 0


async def test_a_message_that_twilio_has_forgotten_stays_as_it_is(night: Night) -> None:
    message = await night.store_row("0" * 32, "whatsapp", "+380671230001", provider_id="SM" + "0" * 32)
    await night.pass_hours(2)
    await night.night()
    assert (await night.row(message)).status == "sent"
    assert night.task.cursor is None


async def test_a_night_comes_in_small_parts_and_leaves_nobody_out(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciliation, "PART", 2)
    monkeypatch.setattr(reconciliation, "PAGE", 2)
    messages = [await night.send(id, "sms") for id in range(1, 8)]
    await night.pass_hours(2)
    parts = 0
    while night.task.cursor is not None or not parts:
        before = night.asked()
        night.task = await night.work.run(night.task)
        assert night.asked() - before <= 3
        parts += 1
        if night.task.cursor is not None:
            assert night.task.next_at == night.now + BREATH
    assert parts > 3
    assert [(await night.row(message)).status for message in messages] == ["delivered"] * 7


async def test_where_twilio_does_not_answer_the_night_goes_on_later_where_it_was(night: Night) -> None:
    messages = [await night.send(id, "sms") for id in (1, 2)]
    await night.pass_hours(2)
    night.twilio.fail("fetch_message", status=503)
    night.task = await night.work.run(night.task)
    assert night.task.cursor is not None
    assert night.task.next_at == night.now + AGAIN
    await night.night()
    assert [(await night.row(message)).status for message in messages] == ["delivered"] * 2


async def test_a_new_task_waits_for_the_night(night: Night) -> None:
    first, last = NIGHT
    task = await night.work.run(Task(business="", id=RECONCILE, kind=RECONCILE))
    assert task.next_at == NOON + DAY // 2 + first + last // 2
    assert task.cursor is None
    assert night.asked() == 0


def test_a_place_survives_as_text() -> None:
    for place in (Place("b:1", 5), Place("b", 5, 7, "x")):
        assert Place.read(str(place)) == place
