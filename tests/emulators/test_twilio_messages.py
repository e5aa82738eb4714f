"""What Twilio refuses at once, what it refuses later, and what it reports of the rest."""

import json
from collections import Counter
from typing import Any

import pytest

from bot.playground.twilio_emulator import DEMO_SERVICE, DEMO_SMS, DEMO_WHATSAPP, TwilioEmulator
from bot.playground.twilio_people import Person
from bot.playground.twilio_rules import segments, signature
from tests.emulators.hands import Hands, Sdk, Shop, at_once, list_picker, quick_reply, refused_with

AYSE = "whatsapp:+905321234567"
PHONE = "+905321234567"
ASK = quick_reply("{{1}}, geliyor musunuz? Sizi bekliyoruz.", ("Evet", "v1:yes:{{2}}"), ("Hayır", "v1:no:{{2}}"))


async def last_failure(twilio: TwilioEmulator, shop: Shop) -> tuple[str, str | None]:
    """How the newest message ended, as it was called back."""
    await twilio.idle()
    form = shop.seen[-1][1]
    return form["MessageStatus"], form.get("ErrorCode")


# Refused at once


@pytest.mark.parametrize(
    ("to", "params", "code"),
    [
        ("", {"body": "x"}, 21604),
        ("whatsapp:12", {"body": "x"}, 21211),
        ("whatsapp:+TR.123", {"body": "x"}, 21211),
        (AYSE, {}, 21619),
        (AYSE, {"body": " "}, 21602),
        (AYSE, {"body": "x" * 1601}, 21617),
        (AYSE, {"body": "x", "from_": DEMO_SMS}, 21910),
        (AYSE, {"body": "x", "from_": "whatsapp:+14155550199"}, 63007),
        (AYSE, {"body": "x", "from_": ""}, 21603),
        (PHONE, {"body": "x", "from_": "+14155550199"}, 21606),
        (AYSE, {"body": "x", "messaging_service_sid": "MG" + "0" * 32}, 21705),
        (AYSE, {"content_sid": "HX" + "0" * 32}, 21655),
        (AYSE, {"body": "x", "content_variables": "{}"}, 21654),
        (AYSE, {"body": "x", "status_callback": "nowhere"}, 21609),
        (AYSE, {"body": "x", "validity_period": 36001}, 21624),
        (AYSE, {"media_url": ["nowhere"]}, 21620),
    ],
)
async def test_a_wrong_request_is_refused_with_its_code(sdk: Sdk, to: str, params: dict[str, Any], code: int) -> None:
    await refused_with(code, sdk.send(to, **params))


@pytest.mark.parametrize("variables", ["{", "[]", '{"1": 2}', '{"1": ""}', '{"1": null}', '{"1": {"a": "b"}}'])
async def test_content_variables_are_a_flat_object_of_texts(sdk: Sdk, twilio: TwilioEmulator, variables: str) -> None:
    sid = twilio.template("ask", "tr", ASK)
    await refused_with(21656, sdk.send(AYSE, content_sid=sid, content_variables=variables))


@pytest.mark.parametrize("code", [21408, 21610, 21614, 21211])
async def test_a_number_can_be_in_trouble_and_out_of_it(sdk: Sdk, twilio: TwilioEmulator, code: int) -> None:
    twilio.trouble(PHONE, code)
    await refused_with(code, sdk.send(PHONE, "x", from_=DEMO_SMS))
    twilio.trouble(PHONE, None)
    assert (await sdk.send(PHONE, "x", from_=DEMO_SMS)).status == "queued"


async def test_wrong_credentials_are_refused(twilio: TwilioEmulator, sdk: Sdk) -> None:
    stranger = Sdk(twilio)
    stranger.client.password = "wrong"
    stranger.client.auth = (twilio.account.sid, "wrong")
    await refused_with(20003, stranger.send(AYSE, "x"), status=401)
    assert not twilio.messages


async def test_too_many_calls_at_once_are_refused(twilio: TwilioEmulator, sdk: Sdk) -> None:
    twilio.concurrency = 0
    await refused_with(20429, sdk.send(AYSE, "x"), status=429)


# The 24-hour window


async def test_a_free_message_outside_the_window_fails_later(
    sdk: Sdk, twilio: TwilioEmulator, shop: Shop, ayse: Person
) -> None:
    sent = await sdk.send(AYSE, "Merhaba", status_callback=f"{shop.url}/status/1")
    assert (sent.status, sent.error_code) == ("queued", None)
    assert await last_failure(twilio, shop) == ("undelivered", "63016")
    assert shop.seen[-1][1]["ChannelStatusMessage"].startswith("Failed to send freeform message")
    fetched = await sdk.do(sdk.client.messages(sent.sid).fetch)
    assert (fetched.status, fetched.error_code) == ("undelivered", 63016)
    assert not ayse.messages


async def test_the_window_is_open_for_24_hours_after_the_person_wrote(
    sdk: Sdk, twilio: TwilioEmulator, shop: Shop, ayse: Person, hands: Hands
) -> None:
    await ayse.says("selam")
    hands.move(hours=23, minutes=59)
    await sdk.send(AYSE, "Merhaba")
    await twilio.idle()
    assert ayse.messages[-1].body == "Merhaba"
    hands.move(minutes=1)
    await sdk.send(AYSE, "Merhaba", status_callback=f"{shop.url}/status/2")
    assert await last_failure(twilio, shop) == ("undelivered", "63016")


async def test_the_window_belongs_to_the_number_that_was_written_to(hands: Hands, shop: Shop) -> None:
    other = "whatsapp:+14155550102"
    async with TwilioEmulator(now=hands.now, sleep=at_once, senders=(DEMO_WHATSAPP, other)) as twilio:
        sdk, ayse = Sdk(twilio), twilio.person(PHONE, "Ayşe")
        await ayse.says("selam")
        await sdk.send(AYSE, "Merhaba", from_=other)
        await twilio.idle()
        assert [message.body for message in ayse.messages] == ["selam"]


async def test_an_approved_template_opens_a_conversation_and_an_unapproved_one_does_not(
    sdk: Sdk, twilio: TwilioEmulator, shop: Shop, ayse: Person
) -> None:
    good, raw = twilio.template("ask", "tr", ASK), twilio.template("raw", "tr", ASK, approved=False)
    variables = json.dumps({"1": "Ayşe Hanım", "2": "m7"})
    sent = await sdk.send(AYSE, content_sid=good, content_variables=variables)
    await twilio.idle()
    assert sent.sid.startswith("MM")
    shown = ayse.messages[-1]
    assert shown.body == "Ayşe Hanım, geliyor musunuz? Sizi bekliyoruz."
    assert shown.buttons == ({"title": "Evet", "id": "v1:yes:m7"}, {"title": "Hayır", "id": "v1:no:m7"})
    await sdk.send(AYSE, content_sid=raw, content_variables=variables, status_callback=f"{shop.url}/status/3")
    assert await last_failure(twilio, shop) == ("undelivered", "63016")


async def test_inside_the_window_buttons_and_lists_need_no_approval(
    sdk: Sdk, twilio: TwilioEmulator, ayse: Person
) -> None:
    await ayse.says("selam")
    raw = twilio.template("raw", "tr", ASK, {"1": "Müşteri"}, approved=False)
    times = twilio.template("times", "tr", list_picker("Saat?", "Seçin", "10:00", "11:00"), approved=False)
    await sdk.send(AYSE, content_sid=raw)
    await sdk.send(AYSE, content_sid=times)
    await twilio.idle()
    asked, listed = list(ayse.messages)[-2:]
    assert asked.body.startswith("Müşteri, geliyor") and len(asked.buttons) == 2
    assert [item["item"] for item in listed.items] == ["10:00", "11:00"]


@pytest.mark.parametrize(
    ("types", "code"),
    [
        (quick_reply("?", *[(str(n), str(n)) for n in range(4)]), "63021"),
        (quick_reply("?", ("x" * 21, "1")), "63021"),
        (quick_reply("x" * 1025, ("Evet", "1")), "63021"),
        (list_picker("?", "Seçin", *[str(n) for n in range(11)]), "63021"),
        (list_picker("?", "Seçin", "x" * 25), "63021"),
        (list_picker("?", "Seçin"), "63021"),
        ({"twilio/card": {"body": "?"}}, "63013"),
    ],
)
async def test_content_that_breaks_the_limits_fails_inside_the_window(
    sdk: Sdk, twilio: TwilioEmulator, shop: Shop, ayse: Person, types: Any, code: str
) -> None:
    await ayse.says("selam")
    sid = twilio.template("x", "tr", types, approved=False)
    await sdk.send(AYSE, content_sid=sid, status_callback=f"{shop.url}/status/4")
    assert await last_failure(twilio, shop) == ("failed", code)


@pytest.mark.parametrize(
    ("types", "variables", "outcome"),
    [
        (list_picker("Saat?", "Seçin", "10:00"), {}, ("undelivered", "63016")),
        (ASK, {"1": "iki\nsatır"}, ("failed", "63013")),
        (quick_reply("?", *[(str(n), str(n)) for n in range(10)]), {}, ("delivered", None)),
    ],
)
async def test_outside_the_window_a_template_has_rules_of_its_own(
    sdk: Sdk, twilio: TwilioEmulator, shop: Shop, ayse: Person, types: Any, variables: Any, outcome: Any
) -> None:
    sid = twilio.template("x", "tr", types)
    params = {"content_variables": json.dumps(variables)} if variables else {}
    await sdk.send(AYSE, content_sid=sid, status_callback=f"{shop.url}/status/5", **params)
    assert await last_failure(twilio, shop) == outcome


@pytest.mark.parametrize("code", [63003, 63024, 63049, 63018])
async def test_whatsapp_refuses_a_number_by_callback(
    sdk: Sdk, twilio: TwilioEmulator, shop: Shop, ayse: Person, code: int
) -> None:
    await ayse.says("selam")
    twilio.trouble(AYSE, code)
    await sdk.send(AYSE, "x", status_callback=f"{shop.url}/status/6")
    assert (await last_failure(twilio, shop))[1] == str(code)


async def test_a_number_without_whatsapp_fails_and_a_blocked_business_too(
    sdk: Sdk, twilio: TwilioEmulator, shop: Shop, ayse: Person
) -> None:
    sid = twilio.template("ask", "tr", ASK)
    send = {"content_sid": sid, "status_callback": f"{shop.url}/status/7"}
    await sdk.send("whatsapp:+905320000000", **send)
    assert await last_failure(twilio, shop) == ("undelivered", "63003")
    await ayse.blocks()
    await sdk.send(AYSE, **send)
    assert await last_failure(twilio, shop) == ("failed", "63014")
    await ayse.unblocks()
    await ayse.leaves_whatsapp(63024)
    await sdk.send(AYSE, **send)
    assert await last_failure(twilio, shop) == ("undelivered", "63024")


# Status callbacks


async def test_a_message_is_sent_delivered_and_read_in_that_order(
    sdk: Sdk, twilio: TwilioEmulator, shop: Shop, ayse: Person
) -> None:
    await ayse.says("selam")
    sent = await sdk.send(AYSE, "Merhaba", status_callback=f"{shop.url}/status/8?m=1")
    await twilio.idle()
    await ayse.reads()
    await twilio.idle()
    assert shop.reported == ["sent", "delivered", "read"]
    path, form = shop.seen[-1]
    assert path == "/status/8?m=1"
    assert (form["MessageSid"], form["EventType"], form["ChannelPrefix"]) == (sent.sid, "READ", "whatsapp")
    assert (await sdk.do(sdk.client.messages(sent.sid).fetch)).status == "read"


async def test_through_a_messaging_service_it_is_accepted_first(
    sdk: Sdk, twilio: TwilioEmulator, shop: Shop, ayse: Person
) -> None:
    await ayse.says("selam")
    params = {"messaging_service_sid": DEMO_SERVICE, "status_callback": f"{shop.url}/status/9"}
    sent = await sdk.send(AYSE, "Merhaba", **params)
    await twilio.idle()
    assert (sent.status, sent.from_) == ("accepted", DEMO_WHATSAPP)
    assert shop.reported == ["queued", "sent", "delivered"]


async def test_a_phone_that_is_off_stays_at_sent_until_it_is_on(
    sdk: Sdk, twilio: TwilioEmulator, shop: Shop, ayse: Person
) -> None:
    await ayse.says("selam")
    await ayse.goes_offline()
    await sdk.send(AYSE, "Merhaba", status_callback=f"{shop.url}/status/10")
    await twilio.idle()
    assert (shop.reported, len(ayse.messages)) == (["sent"], 1)
    await ayse.comes_online()
    await twilio.idle()
    assert (shop.reported, ayse.messages[-1].body) == (["sent", "delivered"], "Merhaba")


async def test_the_next_status_is_called_back_when_the_last_one_was_answered(
    sdk: Sdk, twilio: TwilioEmulator, shop: Shop, ayse: Person
) -> None:
    await ayse.says("selam")
    await twilio.idle()
    shop.dawdles = True
    await sdk.send(AYSE, "Merhaba", status_callback=f"{shop.url}/status/15")
    await twilio.idle()
    assert (shop.reported, shop.busiest) == (["sent", "delivered"], 1)


async def test_disorder_brings_callbacks_twice_and_out_of_order_the_same_way_each_time(hands: Hands) -> None:
    runs = []
    for _ in range(2):
        async with TwilioEmulator(auth_token="t", now=hands.now, sleep=at_once, disorder=0.5, seed=7) as twilio:
            ayse, sdk = twilio.person(PHONE, "Ayşe"), Sdk(twilio)
            await ayse.says("selam")
            for number in range(12):
                await sdk.send(AYSE, str(number), status_callback="http://127.0.0.1:1/status")
                await twilio.idle()
            runs.append([(one.fields["MessageSid"], one.fields["MessageStatus"]) for one in twilio.courier.deliveries])
    assert runs[0] == runs[1]
    statuses = [[status for sid, status in runs[0] if sid == wanted] for wanted in dict(runs[0])]
    seen = {tuple(dict.fromkeys(one)) for one in statuses}
    assert seen == {("sent", "delivered"), ("delivered", "sent")}
    tried_again_once_because_nobody_listens = 2
    assert max(Counter(runs[0]).values()) > tried_again_once_because_nobody_listens


async def test_a_signature_is_that_of_the_published_example() -> None:
    fields = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+14158675309",
        "Digits": "1234",
        "From": "+14158675309",
        "To": "+18005551212",
    }
    expected = "RSOYDt4T1cUTdK1PDd93/VVr8B8="
    assert signature("12345", "https://mycompany.com/myapp.php?foo=1&bar=2", fields) == expected
    assert signature("12345", "https://mycompany.com/myapp.php?foo=1&bar=2#rc=3", fields) == expected


@pytest.mark.parametrize(
    ("fragment", "statuses", "attempts"),
    [("", [500], 1), ("#rc=3&rp=5xx", [500, 503], 3), ("#rc=2&rp=all", [404, 404, 404], 3), ("#rc=2&rp=ct", [500], 1)],
)
async def test_a_callback_is_tried_again_as_its_fragment_asks(
    sdk: Sdk, twilio: TwilioEmulator, shop: Shop, ayse: Person, fragment: str, statuses: list[int], attempts: int
) -> None:
    twilio.trouble(AYSE, 63003)
    shop.statuses = statuses
    await sdk.send(AYSE, "x", status_callback=f"{shop.url}/status/11{fragment}")
    await twilio.idle()
    assert [path for path, _ in shop.seen] == ["/status/11"] * attempts
    assert len(set(shop.tokens)) == 1


async def test_a_server_that_is_down_is_tried_once_more(sdk: Sdk, twilio: TwilioEmulator) -> None:
    await sdk.send(AYSE, "x", status_callback="http://127.0.0.1:1/status")
    await twilio.idle()
    assert [one.status for one in twilio.courier.deliveries] == [0, 0]


# SMS


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("x" * 160, 1),
        ("x" * 161, 2),
        ("x" * 306, 2),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("я" * 70, 1),
        ("я" * 71, 2),
        ("👋" * 35, 1),
        ("👋" * 36, 2),
        ("ışığı", 1),
    ],
)
def test_an_sms_is_counted_in_segments(text: str, count: int) -> None:
    assert segments(text) == count


async def test_an_sms_needs_no_window_and_tells_its_segments(
    sdk: Sdk, twilio: TwilioEmulator, shop: Shop, ayse: Person
) -> None:
    sent = await sdk.send(PHONE, "я" * 71, from_=DEMO_SMS, status_callback=f"{shop.url}/status/12")
    await twilio.idle()
    assert (sent.num_segments, ayse.texts[-1].body) == ("2", "я" * 71)
    assert shop.reported == ["sent", "delivered"]
    assert shop.seen[-1][1]["RawDlrDoneDate"] == "2611201200"


async def test_a_template_goes_by_sms_as_its_text(sdk: Sdk, twilio: TwilioEmulator, shop: Shop, ayse: Person) -> None:
    both = twilio.template("both", "tr", ASK | {"twilio/text": {"body": "Geliyor musunuz, {{1}}? 1: evet"}})
    sms = {"from_": DEMO_SMS, "status_callback": f"{shop.url}/status/13"}
    await sdk.send(PHONE, content_sid=both, content_variables='{"1": "Ayşe"}', **sms)
    await twilio.idle()
    assert ayse.texts[-1].body == "Geliyor musunuz, Ayşe? 1: evet"
    await sdk.send(PHONE, content_sid=twilio.template("rich", "tr", ASK), **sms)
    assert await last_failure(twilio, shop) == ("failed", "63005")


async def test_stop_by_sms_unsubscribes_and_start_undoes_it(
    sdk: Sdk, twilio: TwilioEmulator, shop: Shop, ayse: Person
) -> None:
    await ayse.texts_back("Stop")
    await refused_with(21610, sdk.send(PHONE, "x", from_=DEMO_SMS))
    await ayse.texts_back("START")
    await sdk.send(PHONE, "x", from_=DEMO_SMS)
    await twilio.idle()
    assert [form["Body"] for form in shop.received] == ["Stop", "START"]
    assert "MessageType" not in shop.received[0]


async def test_a_phone_may_fail_by_callback(sdk: Sdk, twilio: TwilioEmulator, shop: Shop) -> None:
    twilio.trouble(PHONE, 30005)
    await sdk.send(PHONE, "x", from_=DEMO_SMS, status_callback=f"{shop.url}/status/14")
    assert await last_failure(twilio, shop) == ("undelivered", "30005")
