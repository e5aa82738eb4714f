"""SMS through the Twilio SDK against the emulated Twilio, alone and behind the salon's phone."""

from collections.abc import AsyncIterator

import pytest
from twilio.rest import Client

from bot.playground.gateway_emulator import GatewayEmulator
from bot.playground.twilio_emulator import DEMO_SERVICE, DEMO_SMS, TwilioEmulator
from bot.playground.twilio_people import Person
from bot.playground.wire import utc_now
from bot.sms import SmsChannel, twilio_texts
from bot.sms_gateway import Gateway, GatewayTexts, Phone
from bot.twilio_http import make_client
from bot.twilio_sender import VALID_S
from handlers.channel import Findable, SendError, Template, Text
from storage.opening import open_store
from storage.records import SERVICE_LANE, Message, Millis, new_id
from tests.emulators.hands import at_once

ROW = new_id()
PHONE = "+905321234567"
BODY = "Randevunuz: 27 Kasım, 15:00. Lale. Bekliyoruz!"
NAMED = "Lale Kuafor"


@pytest.fixture
async def twilio() -> AsyncIterator[TwilioEmulator]:
    async with TwilioEmulator(senders=(DEMO_SMS, NAMED), services={DEMO_SERVICE: (NAMED,)}, sleep=at_once) as emulator:
        yield emulator


@pytest.fixture
async def client(twilio: TwilioEmulator) -> AsyncIterator[Client]:
    client, http = make_client(twilio.account.sid, twilio.auth_token, api=twilio.base_url)
    yield client
    await http.close()


@pytest.fixture
def channel(client: Client) -> SmsChannel:
    return SmsChannel(twilio_texts(client, DEMO_SMS, None, None))


@pytest.fixture
def ayse(twilio: TwilioEmulator) -> Person:
    return twilio.person(PHONE, "Ayşe")


async def refused(channel: SmsChannel) -> SendError:
    with pytest.raises(SendError) as caught:
        await channel.send(Text(BODY), PHONE, ROW)
    return caught.value


def row() -> Message:
    now: Millis = round(utc_now().timestamp() * 1000)
    return Message(
        business="b", id=ROW, key="k", kind="reminder", lane=SERVICE_LANE, channel="sms", address=PHONE,
        due_at=now, next_at=now, not_after=now + 1, text=BODY,
    )  # fmt: skip


async def test_a_text_arrives_as_an_sms(twilio: TwilioEmulator, channel: SmsChannel, ayse: Person) -> None:
    sid = await channel.send(Text(BODY), PHONE, ROW)
    await twilio.idle()
    assert [(text.sid, text.body, text.sender) for text in ayse.texts] == [(sid, BODY, DEMO_SMS)]
    assert not ayse.messages


@pytest.mark.parametrize(
    ("sender", "service", "asked", "seen"),
    [
        (DEMO_SMS, None, {"From": DEMO_SMS}, DEMO_SMS),
        (NAMED, None, {"From": NAMED}, NAMED),
        (None, DEMO_SERVICE, {"MessagingServiceSid": DEMO_SERVICE}, NAMED),
        (DEMO_SMS, DEMO_SERVICE, {"From": DEMO_SMS}, DEMO_SMS),
    ],
)
async def test_it_comes_from_the_sender_that_is_named_else_from_one_that_the_service_chooses(
    twilio: TwilioEmulator,
    client: Client,
    ayse: Person,
    sender: str | None,
    service: str | None,
    asked: dict[str, str],
    seen: str,
) -> None:
    await SmsChannel(twilio_texts(client, sender, service, "http://127.0.0.1:9")).send(Text(BODY), PHONE, ROW)
    await twilio.idle()
    assert dict(twilio.calls[-1].params) == {
        "To": PHONE,
        "Body": BODY,
        "ValidityPeriod": str(VALID_S),
        "StatusCallback": f"http://127.0.0.1:9/twilio/status/{ROW}#rc=5&rp=all",
        **asked,
    }
    assert [text.sender for text in ayse.texts] == [seen]


@pytest.mark.parametrize("sender", [DEMO_SMS, None])
async def test_a_text_whose_answer_was_lost_is_found_again(
    twilio: TwilioEmulator, client: Client, ayse: Person, sender: str | None
) -> None:
    channel = SmsChannel(twilio_texts(client, sender, DEMO_SERVICE, None))
    assert isinstance(channel, Findable)
    assert await channel.look_up(row()) is None
    twilio.drop("create_message")
    assert (await refused(channel)).outcome == "unknown"
    await twilio.idle()
    assert await channel.look_up(row()) == ayse.texts[-1].sid


@pytest.mark.parametrize(
    ("code", "outcome", "dead", "opted_out"),
    [
        (21211, "permanent", True, False),
        (21408, "permanent", False, False),
        (21610, "permanent", True, True),
        (21614, "permanent", True, False),
    ],
)
async def test_a_number_that_takes_no_sms_is_told_at_once(
    twilio: TwilioEmulator, channel: SmsChannel, ayse: Person, code: int, outcome: str, dead: bool, opted_out: bool
) -> None:
    twilio.trouble(PHONE, code)
    error = await refused(channel)
    assert (error.outcome, error.code, error.address_dead, error.opted_out) == (outcome, str(code), dead, opted_out)


async def test_whoever_wrote_stop_to_a_number_gets_no_more_until_start(
    twilio: TwilioEmulator, channel: SmsChannel, ayse: Person
) -> None:
    await channel.send(Text(BODY), PHONE, ROW)
    await twilio.idle()
    await ayse.texts_back("STOP")
    assert (await refused(channel)).opted_out
    await ayse.texts_back("START")
    assert await channel.send(Text(BODY), PHONE, ROW)


async def test_only_texts_can_go(channel: SmsChannel) -> None:
    with pytest.raises(TypeError):
        await channel.send(Template("HX1"), PHONE, ROW)


# Behind the salon's phone


@pytest.fixture
async def gateway() -> AsyncIterator[GatewayEmulator]:
    async with GatewayEmulator(sleep=at_once) as emulator:
        yield emulator


@pytest.fixture
async def both(gateway: GatewayEmulator, client: Client) -> AsyncIterator[SmsChannel]:
    store = await open_store("sqlite:///:memory:")
    opened = Gateway(gateway.base_url, gateway.user, gateway.password)
    phone = Phone(opened.client, store, lambda: round(utc_now().timestamp() * 1000), daily_limit=1)
    yield SmsChannel(GatewayTexts(opened.client, phone), twilio_texts(client, DEMO_SMS, None, None))
    await opened.close()
    await store.close()


async def test_the_phone_sends_first_and_twilio_what_is_above_its_limit(
    twilio: TwilioEmulator, gateway: GatewayEmulator, both: SmsChannel, ayse: Person
) -> None:
    first, second = new_id(), new_id()
    assert await both.send(Text(BODY), PHONE, first) == first
    assert str(await both.send(Text(BODY), PHONE, second)).startswith("SM")
    await twilio.idle()
    assert (list(gateway.texts), len(ayse.texts)) == ([first], 1)


async def test_twilio_sends_at_once_while_the_phone_is_away(
    twilio: TwilioEmulator, gateway: GatewayEmulator, both: SmsChannel, ayse: Person
) -> None:
    await gateway.is_unbound()
    assert str(await both.send(Text(BODY), PHONE, ROW)).startswith("SM")


async def test_nobody_sends_a_second_time_what_the_phone_may_have_sent(
    twilio: TwilioEmulator, gateway: GatewayEmulator, both: SmsChannel
) -> None:
    gateway.drop("send_message")
    assert (await refused(both)).outcome == "unknown"
    assert not twilio.calls


async def test_a_number_that_the_phone_calls_wrong_is_wrong(gateway: GatewayEmulator, both: SmsChannel) -> None:
    gateway.fail("send_message", status=400, body={"message": "can't use phone in row 1: not mobile phone number"})
    assert (await refused(both)).address_dead


async def test_a_lost_text_is_sought_where_it_may_be(
    twilio: TwilioEmulator, gateway: GatewayEmulator, both: SmsChannel, ayse: Person
) -> None:
    assert await both.look_up(row()) is None
    await both.send(Text(BODY), PHONE, new_id())
    sid = await both.send(Text(BODY), PHONE, ROW)
    await twilio.idle()
    assert await both.look_up(row()) == sid
