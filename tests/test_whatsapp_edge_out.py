"""The WhatsApp channel, through the Twilio SDK, against the emulated Twilio and against servers that misbehave."""

import asyncio
import base64
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from email.utils import format_datetime

import pytest
from aiohttp import ClientTimeout, web
from aiohttp.test_utils import TestServer
from twilio.rest import Client
from twilio.rest.content.v1.content import ContentList
from twilio.rest.content.v1.content.approval_create import ApprovalCreateList

from bot.playground.twilio_emulator import DEMO_SERVICE, DEMO_WHATSAPP, TwilioEmulator
from bot.playground.twilio_people import Person
from bot.playground.wire import utc_now
from bot.twilio_http import API_HOST, CONTENT_HOST, TwilioHttp, make_client
from bot.twilio_sender import VALID_S
from bot.whatsapp import WhatsAppChannel
from handlers.channel import Edit, SendError, Template, Text
from storage.records import SERVICE_LANE, Message, new_id

ROW = new_id()
FROM = DEMO_WHATSAPP.removeprefix("whatsapp:")
PHONE = "+905321234567"
ACCOUNT = "AC" + "0" * 32
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@pytest.fixture
async def twilio() -> AsyncIterator[TwilioEmulator]:
    async with TwilioEmulator() as emulator:
        yield emulator


@pytest.fixture
async def client(twilio: TwilioEmulator) -> AsyncIterator[Client]:
    client, http = make_client(twilio.account.sid, twilio.auth_token, api=twilio.base_url, content_api=twilio.base_url)
    yield client
    await http.close()


@pytest.fixture
def channel(client: Client) -> WhatsAppChannel:
    return WhatsAppChannel(client, FROM)


@pytest.fixture
async def ayse(twilio: TwilioEmulator) -> Person:
    person = twilio.person(PHONE, "Ayşe")
    await person.says("Merhaba")
    return person


async def failure(channel: WhatsAppChannel, to: str = PHONE, what: Text | Template | None = None) -> SendError:
    with pytest.raises(SendError) as caught:
        await channel.send(what or Text("Sizi bekliyoruz"), to, ROW)
    return caught.value


def row(text: str, address: str = PHONE) -> Message:
    now = round(utc_now().timestamp() * 1000)
    return Message(
        business="b", id=ROW, key="k", kind="reminder", lane=SERVICE_LANE, channel="whatsapp", address=address,
        due_at=now, next_at=now, not_after=now + 1, text=text,
    )  # fmt: skip


@asynccontextmanager
async def serving(answer: Answer, **options: object) -> AsyncIterator[tuple[Client, TwilioHttp]]:
    """A Twilio of one handler, and a client of it."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(app) as server:
        base = str(server.make_url("")).rstrip("/")
        http = TwilioHttp(hosts={API_HOST: base, CONTENT_HOST: f"{base}/content/"}, **options)  # type: ignore[arg-type]
        try:
            yield Client(ACCOUNT, "token", http_client=http), http
        finally:
            await http.close()


# Sending


async def test_a_text_arrives_as_it_is_written(twilio: TwilioEmulator, channel: WhatsAppChannel, ayse: Person) -> None:
    sid = await channel.send(Text("Randevunuz: *Cuma* <b>15:00</b> 🙂"), PHONE, ROW)
    assert await twilio.idle()
    assert (ayse.messages[-1].sid, ayse.messages[-1].body) == (sid, "Randevunuz: *Cuma* <b>15:00</b> 🙂")


async def test_what_is_asked_of_twilio(twilio: TwilioEmulator, client: Client, ayse: Person) -> None:
    channel = WhatsAppChannel(client, FROM, DEMO_SERVICE, "http://127.0.0.1:9/vizit/")
    await channel.send(Text("Merhaba"), PHONE, ROW)
    assert dict(twilio.calls[-1].params) == {
        "To": f"whatsapp:{PHONE}",
        "From": DEMO_WHATSAPP,
        "Body": "Merhaba",
        "MessagingServiceSid": DEMO_SERVICE,
        "ValidityPeriod": str(VALID_S),
        "StatusCallback": f"http://127.0.0.1:9/vizit/twilio/status/{ROW}#rc=5&rp=all",
    }


async def test_without_a_public_address_twilio_is_not_asked_to_call_back(
    twilio: TwilioEmulator, channel: WhatsAppChannel, ayse: Person
) -> None:
    await channel.send(Text("Merhaba"), PHONE, ROW)
    assert not {"StatusCallback", "MessagingServiceSid"} & twilio.calls[-1].params.keys()


async def test_a_template_goes_by_its_sid_with_its_variables(twilio: TwilioEmulator, channel: WhatsAppChannel) -> None:
    person = twilio.person(PHONE, "Ayşe")
    body = "Randevunuz {{1}}, {{2}}. Sizi bekliyoruz, görüşmek üzere."
    action = {"type": "QUICK_REPLY", "title": "Geliyorum", "id": "{{3}}"}
    sid = twilio.template(
        "reminder", "tr", {"twilio/quick-reply": {"body": body, "actions": [action]}}, {"1": "a", "2": "b", "3": "c"}
    )
    variables = {"1": "Cuma", "2": "15:00", "3": "1.confirm.x.0"}
    await channel.send(Template(sid, variables, "…"), PHONE, ROW)
    assert await twilio.idle()
    assert person.messages[-1].body == "Randevunuz Cuma, 15:00. Sizi bekliyoruz, görüşmek üzere."
    assert person.messages[-1].buttons == ({"title": "Geliyorum", "id": "1.confirm.x.0"},)


async def test_a_template_without_variables_sends_none(twilio: TwilioEmulator, channel: WhatsAppChannel) -> None:
    twilio.person(PHONE)
    sid = twilio.template("hello", "tr", {"twilio/text": {"body": "Merhaba, sizi bekliyoruz."}})
    await channel.send(Template(sid), PHONE, ROW)
    assert "ContentVariables" not in twilio.calls[-1].params


async def test_a_person_without_a_number_is_written_to_by_id(twilio: TwilioEmulator, channel: WhatsAppChannel) -> None:
    person = twilio.person(None, "Ayşe", "TR.4566546130240823")
    await person.says("Merhaba")
    await channel.send(Text("Merhaba!"), "TR.4566546130240823", ROW)
    assert await twilio.idle()
    assert person.messages[-1].body == "Merhaba!"


async def test_whatsapp_edits_nothing(channel: WhatsAppChannel) -> None:
    with pytest.raises(TypeError):
        await channel.send(Edit("SM1", "x"), PHONE, ROW)


# Failures


@pytest.mark.parametrize(
    ("code", "outcome", "dead", "left"),
    [
        (21211, "permanent", True, False),
        (21408, "permanent", False, False),
        (21610, "permanent", True, True),
        (21614, "permanent", True, False),
    ],
)
async def test_what_twilio_refuses_at_once(
    twilio: TwilioEmulator, channel: WhatsAppChannel, code: int, outcome: str, dead: bool, left: bool
) -> None:
    twilio.trouble(f"whatsapp:{PHONE}", code)
    error = await failure(channel)
    assert (error.outcome, error.code, error.address_dead, error.opted_out) == (outcome, str(code), dead, left)


async def test_an_address_that_is_none_is_dead(channel: WhatsAppChannel) -> None:
    assert (await failure(channel, "TR")).address_dead


async def test_too_many_calls_hold_up_the_channel(client: Client, twilio: TwilioEmulator) -> None:
    twilio.concurrency = 0
    error = await failure(WhatsAppChannel(client, FROM))
    assert (error.outcome, error.code, error.scope) == ("not_sent", "20429", "channel")


async def test_wrong_credentials_hold_up_the_channel(twilio: TwilioEmulator) -> None:
    client, http = make_client(twilio.account.sid, "wrong", api=twilio.base_url)
    error = await failure(WhatsAppChannel(client, FROM))
    assert (error.outcome, error.code, error.scope, error.address_dead) == ("not_sent", "20003", "channel", False)
    await http.close()


@pytest.mark.parametrize("acts", [True, False])
async def test_a_connection_that_breaks_leaves_it_open_whether_the_message_went(
    twilio: TwilioEmulator, channel: WhatsAppChannel, acts: bool
) -> None:
    twilio.drop("create_message", acts=acts)
    assert (await failure(channel)).outcome == "unknown"
    assert len(twilio.messages) == acts


@pytest.mark.parametrize("body", [None, "<html>"])
@pytest.mark.parametrize("status", [500, 502, 503])
async def test_a_server_in_trouble_leaves_it_open_whether_the_message_went(
    twilio: TwilioEmulator, channel: WhatsAppChannel, status: int, body: str | None
) -> None:
    twilio.fail("create_message", status=status, body=body)
    assert (await failure(channel)).outcome == "unknown"


async def test_a_server_that_is_not_there_got_nothing(twilio: TwilioEmulator, channel: WhatsAppChannel) -> None:
    await twilio.stop()
    assert (await failure(channel)).outcome == "not_sent"


async def test_a_server_that_says_nothing_is_given_up_and_may_have_sent_it() -> None:
    release = asyncio.Event()

    async def silent(_: web.Request) -> web.StreamResponse:
        await release.wait()
        return web.Response()

    async with serving(silent, timeout=ClientTimeout(total=0.05)) as (client, _):
        error = await failure(WhatsAppChannel(client, FROM))
        release.set()
    assert (error.outcome, error.code) == ("unknown", "timeout")


@pytest.mark.parametrize("text", ["<html>", "", "{}", "[]", "null", '{"sid": null}'])
async def test_an_answer_that_says_nothing_leaves_it_open_whether_the_message_went(text: str) -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=201, text=text, content_type="application/json")

    async with serving(answer) as (client, _):
        assert (await failure(WhatsAppChannel(client, FROM))).outcome == "unknown"


async def test_half_a_surrogate_pair_is_refused_before_anything_is_sent(
    twilio: TwilioEmulator, channel: WhatsAppChannel
) -> None:
    assert (await failure(channel, PHONE, Text("\ud83d"))).outcome == "permanent"
    assert not twilio.calls


# Looking up


async def test_a_message_of_which_no_answer_came_is_found_at_twilio(
    twilio: TwilioEmulator, channel: WhatsAppChannel, ayse: Person
) -> None:
    twilio.drop("create_message", acts=True)
    await failure(channel)
    assert await channel.look_up(row("Sizi bekliyoruz")) == twilio.messages[-1].sid


async def test_a_message_that_never_arrived_is_not_found(
    twilio: TwilioEmulator, channel: WhatsAppChannel, ayse: Person
) -> None:
    await channel.send(Text("başka"), PHONE, ROW)
    twilio.drop("create_message", acts=False)
    await failure(channel)
    assert await channel.look_up(row("Sizi bekliyoruz")) is None
    assert await channel.look_up(row("başka", "+905320000000")) is None


async def test_the_same_words_of_another_day_are_another_message() -> None:
    passed = timedelta(0)
    async with TwilioEmulator(now=lambda: utc_now() + passed) as twilio:
        passed = -timedelta(days=1)
        client, http = make_client(twilio.account.sid, twilio.auth_token, api=twilio.base_url)
        channel = WhatsAppChannel(client, FROM)
        await twilio.person(PHONE).says("Merhaba")
        await channel.send(Text("Sizi bekliyoruz"), PHONE, ROW)
        assert await channel.look_up(row("Sizi bekliyoruz")) is None
        await http.close()


async def test_a_list_that_reaches_further_back_than_was_asked_does_not_mislead() -> None:
    old = {"sid": "SM1", "body": "Sizi bekliyoruz", "date_created": "Mon, 16 Nov 2020 10:00:00 +0000"}

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.json_response({"messages": [old], "next_page_uri": None, "page": 0})

    async with serving(answer) as (client, _):
        assert await WhatsAppChannel(client, FROM).look_up(row("Sizi bekliyoruz")) is None
        old["date_created"] = format_datetime(utc_now())
        assert await WhatsAppChannel(client, FROM).look_up(row(" Sizi bekliyoruz")) == "SM1"


async def test_a_look_up_that_fails_says_so(twilio: TwilioEmulator, channel: WhatsAppChannel) -> None:
    twilio.fail("list_messages", status=503)
    with pytest.raises(SendError):
        await channel.look_up(row("x"))


# The HTTP client


async def test_templates_can_be_made_and_submitted_which_the_sdks_own_client_cannot(
    twilio: TwilioEmulator, client: Client
) -> None:
    kinds = ContentList.Types({"twilio/text": ContentList.TwilioText({"body": "Randevunuz {{1}} günü, bekleriz."})})
    request = ContentList.ContentCreateRequest(
        {"friendly_name": "x", "language": "tr", "variables": {"1": "Cuma"}, "types": kinds}
    )
    made = await client.content.v1.contents.create_async(request)
    assert made.sid in twilio.templates
    approval = ApprovalCreateList.ContentApprovalRequest({"name": "visit_tr", "category": "UTILITY"})
    await client.content.v1.contents(made.sid).approval_create.create_async(approval)
    assert twilio.templates[made.sid].approval.name == "visit_tr"


async def test_what_goes_over_the_wire() -> None:
    seen: list[tuple[str, str, str, bytes]] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        auth = request.headers["Authorization"]
        seen.append((request.path, auth, request.headers["Content-Type"], await request.read()))
        return web.json_response({"sid": "SM1"}, status=201)

    async with serving(answer) as (client, _):
        await client.messages.create_async(to="whatsapp:+1", body="Ї")
        request = ContentList.ContentCreateRequest({"friendly_name": "Ї", "language": "uk"})
        await client.content.v1.contents.create_async(request)
    basic = "Basic " + base64.b64encode(f"{ACCOUNT}:token".encode()).decode()
    form, document = seen
    assert form == (
        f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json",
        basic,
        "application/x-www-form-urlencoded",
        b"To=whatsapp%3A%2B1&Body=%D0%87",
    )
    assert document[:3] == ("/content/v1/Content", basic, "application/json")
    assert json.loads(document[3]) == {"friendly_name": "Ї", "language": "uk"}


async def test_nothing_is_sent_twice_by_the_client_itself() -> None:
    calls = 0

    async def answer(_: web.Request) -> web.StreamResponse:
        nonlocal calls
        calls += 1
        return web.Response(status=503)

    async with serving(answer) as (client, _):
        await failure(WhatsAppChannel(client, FROM))
    assert calls == 1


async def test_a_redirect_is_not_followed() -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        raise web.HTTPTemporaryRedirect("http://127.0.0.1:9/elsewhere")

    async with serving(answer) as (client, _):
        assert (await failure(WhatsAppChannel(client, FROM))).outcome == "permanent"


async def test_requests_go_through_the_proxy_that_was_named() -> None:
    asked: list[str] = []

    async def proxy(request: web.Request) -> web.StreamResponse:
        asked.append(str(request.url))
        return web.json_response({"sid": "SM1"}, status=201)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", proxy)
    async with TestServer(app) as server:
        http = TwilioHttp(hosts={API_HOST: "http://twilio.invalid"}, proxy=str(server.make_url("")))
        await Client(ACCOUNT, "token", http_client=http).messages.create_async(to="+1", body="x")
        await http.close()
    assert asked == [f"http://twilio.invalid/2010-04-01/Accounts/{ACCOUNT}/Messages.json"]


async def test_neither_phones_nor_texts_nor_tokens_are_logged(
    twilio: TwilioEmulator, channel: WhatsAppChannel, ayse: Person, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, logger="twilio"), caplog.at_level(logging.DEBUG, logger="bot"):
        await channel.send(Text("gizli"), PHONE, ROW)
        await channel.look_up(row("gizli"))
    assert caplog.text == ""


async def test_a_client_that_was_closed_opens_again_and_can_be_closed_twice() -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.json_response({"sid": "SM1"}, status=201)

    async with serving(answer) as (client, http):
        await http.close()
        await http.close()
        assert (await client.messages.create_async(to="+1", body="x")).sid == "SM1"
