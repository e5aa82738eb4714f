"""Templates, lists of messages and the rest of Twilio's resources, as the SDK reads them; and a wire that breaks."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
import requests
from twilio.base.exceptions import TwilioRestException
from twilio.rest.content.v1.content import ContentList
from twilio.rest.content.v1.content.approval_create import ApprovalCreateList

from bot.playground.twilio_emulator import DEMO_SERVICE, TwilioEmulator
from bot.playground.twilio_people import Person
from tests.emulators.hands import Hands, Sdk, quick_reply, refused_with

AYSE = "whatsapp:+905321234567"


def request_for(body: str, *titles: str) -> Any:
    """What the SDK sends to make a template with quick replies."""
    actions = [
        ContentList.QuickReplyAction({"type": "QUICK_REPLY", "title": title, "id": f"id-{title}"}) for title in titles
    ]
    reply = ContentList.TwilioQuickReply({"body": body, "actions": actions})
    types = ContentList.Types({"twilio/quick-reply": reply})
    return ContentList.ContentCreateRequest(
        {"friendly_name": "visit", "language": "tr", "variables": {"1": "Ayşe"}, "types": types}
    )


def approval_for(name: str = "visit_confirm_tr", category: str = "UTILITY") -> Any:
    return ApprovalCreateList.ContentApprovalRequest({"name": name, "category": category})


GOOD = "Merhaba {{1}}, yarınki randevunuza geliyor musunuz?"


async def test_a_template_is_made_listed_fetched_and_deleted(sdk: Sdk, twilio: TwilioEmulator) -> None:
    contents = sdk.client.content.v1.contents
    made = await sdk.do(contents.create, request_for(GOOD, "Evet"))
    assert made.sid.startswith("HX") and made.variables == {"1": "Ayşe"}
    assert list(made.types) == ["twilio/quick-reply"]
    assert [one.sid for one in await sdk.do(contents.list)] == [made.sid]
    fetched = await sdk.do(sdk.client.content.v1.contents(made.sid).fetch)
    assert (fetched.friendly_name, fetched.language) == ("visit", "tr")
    assert await sdk.do(sdk.client.content.v1.contents(made.sid).delete)
    await refused_with(20404, sdk.do(sdk.client.content.v1.contents(made.sid).fetch), status=404)


async def test_a_template_of_nothing_is_refused(sdk: Sdk) -> None:
    empty = ContentList.ContentCreateRequest({"language": "tr", "types": ContentList.Types({})})
    await refused_with(20001, sdk.do(sdk.client.content.v1.contents.create, empty))


async def test_a_good_template_is_reviewed_and_approved(sdk: Sdk, twilio: TwilioEmulator) -> None:
    made = await sdk.do(sdk.client.content.v1.contents.create, request_for(GOOD, "Evet"))
    content = sdk.client.content.v1.contents(made.sid)
    assert (await sdk.do(content.approval_fetch().fetch)).whatsapp["status"] == "unsubmitted"
    submitted = await sdk.do(content.approval_create.create, approval_for())
    assert submitted.status == "received"
    await twilio.idle()
    whatsapp = (await sdk.do(content.approval_fetch().fetch)).whatsapp
    assert (whatsapp["status"], whatsapp["name"], whatsapp["category"]) == ("approved", "visit_confirm_tr", "UTILITY")
    await refused_with(92009, sdk.do(content.approval_create.create, approval_for()))
    listed = await sdk.do(sdk.client.content.v1.content_and_approvals.list)
    assert [one.approval_requests["status"] for one in listed] == ["approved"]


@pytest.mark.parametrize(
    ("body", "title", "reason"),
    [
        ("{{1}}, yarın geliyor musunuz acaba?", "Evet", "start or end"),
        ("Yarın geliyor musunuz acaba, {{1}}?", "Evet", "start or end"),
        ("Yarın {{1}} {{2}} geliyor musunuz acaba lütfen?", "Evet", "next to each other"),
        ("Yarın saat {{2}} geliyor musunuz?", "Evet", "numbered"),
        ("Yarın {{1}} gel", "Evet", "Too many variables"),
        ("Yarın {{name}} ile geliyor musunuz?", "Evet", "sample is missing"),
        (GOOD, "x" * 21, "20 characters"),
    ],
)
async def test_a_template_against_the_rules_is_rejected_with_the_reason(
    sdk: Sdk, twilio: TwilioEmulator, body: str, title: str, reason: str
) -> None:
    made = await sdk.do(sdk.client.content.v1.contents.create, request_for(body, title))
    content = sdk.client.content.v1.contents(made.sid)
    await sdk.do(content.approval_create.create, approval_for())
    await twilio.idle()
    whatsapp = (await sdk.do(content.approval_fetch().fetch)).whatsapp
    assert whatsapp["status"] == "rejected" and reason in whatsapp["rejection_reason"]


@pytest.mark.parametrize(("name", "category"), [("Visit!", "UTILITY"), ("visit", "NEWS")])
async def test_a_submission_needs_a_plain_name_and_a_known_category(sdk: Sdk, name: str, category: str) -> None:
    made = await sdk.do(sdk.client.content.v1.contents.create, request_for(GOOD, "Evet"))
    create = sdk.client.content.v1.contents(made.sid).approval_create.create
    await refused_with(20001, sdk.do(create, approval_for(name, category)))


async def test_a_review_can_be_done_by_hand(sdk: Sdk, twilio: TwilioEmulator) -> None:
    twilio.auto_review = False
    made = await sdk.do(sdk.client.content.v1.contents.create, request_for(GOOD, "Evet"))
    content = sdk.client.content.v1.contents(made.sid)
    await sdk.do(content.approval_create.create, approval_for())
    await twilio.idle()
    assert (await sdk.do(content.approval_fetch().fetch)).whatsapp["status"] == "received"
    twilio.review(made.sid, "paused", "feedback")
    assert (await sdk.do(content.approval_fetch().fetch)).whatsapp["status"] == "paused"


async def test_messages_are_found_by_address_and_day_page_by_page(
    sdk: Sdk, twilio: TwilioEmulator, ayse: Person, hands: Hands
) -> None:
    await ayse.says("selam")
    for number in range(5):
        await sdk.send(AYSE, str(number))
    await twilio.idle()
    await sdk.send("whatsapp:+905320000000", "başka")
    first_day = hands.at
    hands.move(days=1)
    await sdk.send(AYSE, "yarın")
    await twilio.idle()
    messages = sdk.client.messages
    found = await sdk.do(messages.list, to=AYSE, page_size=2)
    assert [one.body for one in found] == ["yarın", "4", "3", "2", "1", "0"]
    found = await sdk.do(messages.list, to=AYSE, date_sent=first_day)
    assert [one.body for one in found] == ["4", "3", "2", "1", "0"]
    found = await sdk.do(messages.list, date_sent_after=first_day + timedelta(hours=1))
    assert [one.body for one in found] == ["yarın"]
    found = await sdk.do(messages.list, to=AYSE, date_sent_before=f"{first_day:%Y-%m-%d}")
    assert [one.body for one in found] == ["4", "3", "2", "1", "0"]
    found = await sdk.do(messages.list, from_=AYSE)
    assert [(one.body, one.direction) for one in found] == [("selam", "inbound")]


async def test_the_account_and_the_messaging_service_can_be_fetched(sdk: Sdk, twilio: TwilioEmulator) -> None:
    account = await sdk.do(sdk.client.api.v2010.accounts(twilio.account.sid).fetch)
    assert account.status == "active"
    service = await sdk.do(sdk.client.messaging.v1.services(DEMO_SERVICE).fetch)
    assert service.sid == DEMO_SERVICE
    await refused_with(20404, sdk.do(sdk.client.messaging.v1.services("MG" + "0" * 32).fetch), status=404)
    await refused_with(20404, sdk.do(sdk.client.messages("SM" + "0" * 32).fetch), status=404)


# A wire that breaks


async def test_a_failure_is_answered_in_twilios_words_or_as_a_page(sdk: Sdk, twilio: TwilioEmulator) -> None:
    twilio.fail("create_message", status=429)
    await refused_with(20429, sdk.send(AYSE, "x"), status=429)
    twilio.fail("create_message", status=500)
    await refused_with(20500, sdk.send(AYSE, "x"), status=500)
    twilio.fail("create_message", status=502, body="<html>Bad Gateway</html>")
    with pytest.raises(TwilioRestException) as refusal:
        await sdk.send(AYSE, "x")
    assert refusal.value.status == 502
    assert not twilio.messages
    assert [call.status for call in twilio.calls] == [429, 500, 502]


async def test_a_message_may_be_taken_before_the_connection_drops(
    sdk: Sdk, twilio: TwilioEmulator, ayse: Person
) -> None:
    await ayse.says("selam")
    twilio.drop("create_message")
    with pytest.raises(requests.ConnectionError):
        await sdk.send(AYSE, "bir")
    twilio.drop("create_message", acts=False)
    with pytest.raises(requests.ConnectionError):
        await sdk.send(AYSE, "iki")
    await twilio.idle()
    assert [message.body for message in ayse.messages] == ["selam", "bir"]


async def test_silence_lasts_until_the_emulator_stops(sdk: Sdk, twilio: TwilioEmulator) -> None:
    twilio.silence("create_message")
    call = asyncio.create_task(sdk.send(AYSE, "bir"))
    await twilio.called("create_message")
    assert len(twilio.messages) == 1 and not call.done()
    await twilio.stop()
    with pytest.raises(requests.ConnectionError):
        await call


async def test_the_log_of_calls_holds_their_parameters(sdk: Sdk, twilio: TwilioEmulator) -> None:
    await sdk.send(AYSE, content_sid=twilio.template("ask", "tr", quick_reply("?", ("Evet", "1"))))
    (call,) = twilio.calls
    assert (call.method, call.status, call.params["To"]) == ("create_message", 201, AYSE)
