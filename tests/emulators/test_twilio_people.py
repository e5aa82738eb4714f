"""What people do on WhatsApp reaches Twilio's customer as the platform would tell it."""

import asyncio

import pytest
from aiohttp import ClientSession

from bot.playground.twilio_emulator import DEMO_WHATSAPP, TwilioEmulator
from bot.playground.twilio_people import Person
from tests.emulators.hands import Hands, Sdk, Shop, list_picker, quick_reply, refused_with

AYSE = "whatsapp:+905321234567"
ASK = quick_reply("Yarın 15:00, geliyor musunuz?", ("Evet", "v1:yes"), ("Hayır", "v1:no"))


async def test_a_message_arrives_signed_with_all_that_whatsapp_tells(
    twilio: TwilioEmulator, shop: Shop, ayse: Person
) -> None:
    said = await ayse.says("Merhaba 👋 ")
    await twilio.idle()
    (form,) = shop.received
    assert form == {
        "AccountSid": twilio.account.sid,
        "ApiVersion": "2010-04-01",
        "Body": "Merhaba 👋 ",
        "ExternalUserId": f"whatsapp:{ayse.bsuid}",
        "From": AYSE,
        "MessageSid": said.sid,
        "MessageType": "text",
        "NumMedia": "0",
        "NumSegments": "1",
        "ProfileName": "Ayşe",
        "SmsMessageSid": said.sid,
        "SmsSid": said.sid,
        "SmsStatus": "received",
        "To": DEMO_WHATSAPP,
        "WaId": "905321234567",
    }


async def test_a_person_without_a_phone_is_known_by_id_and_answered_by_it(
    twilio: TwilioEmulator, sdk: Sdk, shop: Shop
) -> None:
    secret = twilio.person(name="Secret", bsuid="TR.4566546130240823")
    await secret.says("Merhaba")
    await twilio.idle()
    (form,) = shop.received
    assert form["From"] == form["ExternalUserId"] == "whatsapp:TR.4566546130240823"
    assert "WaId" not in form
    await sdk.send("whatsapp:TR.4566546130240823", "Merhaba!")
    await twilio.idle()
    assert secret.messages[-1].body == "Merhaba!"
    await refused_with(21211, sdk.send("whatsapp:+TR.4566546130240823", "Merhaba!"))


async def test_a_person_with_a_phone_is_reached_by_either_address(
    twilio: TwilioEmulator, sdk: Sdk, ayse: Person
) -> None:
    await ayse.says("selam")
    await sdk.send(f"whatsapp:{ayse.bsuid}", "bir")
    await sdk.send(AYSE, "iki")
    await twilio.idle()
    assert [message.body for message in ayse.messages] == ["selam", "bir", "iki"]


@pytest.mark.parametrize(("window", "kind"), [(True, "interactive"), (False, "button")])
async def test_a_tap_names_the_button_its_payload_and_the_message(
    twilio: TwilioEmulator, sdk: Sdk, shop: Shop, ayse: Person, window: bool, kind: str
) -> None:
    if window:
        await ayse.says("selam")
    sent = await sdk.send(AYSE, content_sid=twilio.template("ask", "tr", ASK))
    await twilio.idle()
    await ayse.taps("Evet")
    await ayse.taps("Evet")
    await twilio.idle()
    form = shop.received[-1]
    assert (form["MessageType"], form["Body"], form["ButtonText"]) == (kind, "Evet", "Evet")
    assert (form["ButtonPayload"], form["OriginalRepliedMessageSid"]) == ("v1:yes", sent.sid)
    assert form["OriginalRepliedMessageSender"] == DEMO_WHATSAPP
    assert len({one["MessageSid"] for one in shop.received}) == len(shop.received)


async def test_an_older_message_can_still_be_tapped(twilio: TwilioEmulator, sdk: Sdk, shop: Shop, ayse: Person) -> None:
    sid = twilio.template("ask", "tr", ASK)
    first = await sdk.send(AYSE, content_sid=sid)
    await twilio.idle()
    older = ayse.messages[-1]
    await sdk.send(AYSE, content_sid=sid)
    await twilio.idle()
    await ayse.taps("Hayır", on=older)
    await twilio.idle()
    assert shop.received[-1]["OriginalRepliedMessageSid"] == first.sid


async def test_a_choice_from_a_list_names_its_id(twilio: TwilioEmulator, sdk: Sdk, shop: Shop, ayse: Person) -> None:
    await ayse.says("selam")
    sid = twilio.template("times", "tr", list_picker("Saat?", "Seçin", "10:00", "11:00"), approved=False)
    await sdk.send(AYSE, content_sid=sid)
    await twilio.idle()
    await ayse.picks("11:00")
    await twilio.idle()
    form = shop.received[-1]
    assert (form["ListId"], form["ListTitle"], form["MessageType"]) == ("id-1", "11:00", "interactive")


async def test_an_answer_names_the_message_it_answers(
    twilio: TwilioEmulator, sdk: Sdk, shop: Shop, ayse: Person
) -> None:
    sent = await sdk.send(AYSE, content_sid=twilio.template("ask", "tr", ASK))
    await twilio.idle()
    await ayse.says("evet", reply_to=ayse.messages[-1])
    await twilio.idle()
    assert shop.received[-1]["OriginalRepliedMessageSid"] == sent.sid


async def test_what_is_not_there_cannot_be_tapped(twilio: TwilioEmulator, sdk: Sdk, ayse: Person) -> None:
    with pytest.raises(LookupError, match="nothing here is called 'Evet'"):
        await ayse.taps("Evet")
    links = {
        "twilio/call-to-action": {
            "body": "Salon",
            "actions": [{"type": "URL", "title": "Harita", "url": "https://e.com"}],
        }
    }
    await sdk.send(AYSE, content_sid=twilio.template("map", "tr", links))
    await twilio.idle()
    assert ayse.messages[-1].buttons == ({"title": "Harita", "url": "https://e.com"},)
    with pytest.raises(ValueError, match="tells the business nothing"):
        await ayse.taps("Harita")


async def test_one_who_left_whatsapp_writes_no_more_there(ayse: Person) -> None:
    await ayse.leaves_whatsapp()
    with pytest.raises(ValueError, match="not on WhatsApp"):
        await ayse.says("selam")
    await ayse.joins_whatsapp()
    assert await ayse.says("selam")


async def test_writing_opens_the_window(ayse: Person, hands: Hands) -> None:
    assert not ayse.window_open(DEMO_WHATSAPP)
    await ayse.says("selam")
    assert ayse.window_open(DEMO_WHATSAPP)
    hands.move(hours=24)
    assert not ayse.window_open(DEMO_WHATSAPP)


async def test_a_page_can_play_a_person_and_follow_the_chat(twilio: TwilioEmulator, sdk: Sdk, ayse: Person) -> None:
    await sdk.send(AYSE, content_sid=twilio.template("ask", "tr", ASK))
    await twilio.idle()
    base = f"{twilio.base_url}/play/twilio"
    async with ClientSession() as page:
        state = await (await page.get(f"{base}/state")).json()
        (person,) = state["people"]
        shown = person["messages"][-1]
        assert (shown["from"], shown["status"], shown["buttons"][0]["title"]) == ("business", "delivered", "Evet")
        follower = asyncio.create_task(page.get(f"{base}/state", params={"since": state["version"]}))
        tap = {"title": "Evet", "on": shown["sid"]}
        assert (await page.post(f"{base}/people/{person['key']}/taps", json=tap)).status == 200
        news = (await (await follower).json())["people"][0]
        assert (news["messages"][-1]["text"], news["window_open"]) == ("Evet", [DEMO_WHATSAPP])
        wrong = await page.post(f"{base}/people/{person['key']}/taps", json={"title": "Belki"})
        assert (wrong.status, (await wrong.json())["error"]) == (
            400,
            "nothing here is called 'Belki'; there are ['Evet', 'Hayır']",
        )
        assert (await page.post(f"{base}/people/{person['key']}/receive", json={})).status == 404
        assert (await page.post(f"{base}/people/{person['key']}/reads", data={})).status == 415
