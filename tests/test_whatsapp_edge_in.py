"""What comes from Twilio: what people write, what became of messages, and what only pretends to come from there."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer, unused_port
from twilio.request_validator import RequestValidator

from bot.playground.twilio_emulator import DEMO_TOKEN, TwilioEmulator
from bot.playground.twilio_people import Person
from bot.receipts import StatusWord
from bot.twilio_http import make_client
from bot.twilio_inbound import LONGEST_FORM, NO_REPLY, PATH, SIGNATURE_HEADER, Signature, twilio_routes
from bot.twilio_updates import read_message
from bot.whatsapp import WhatsAppChannel
from handlers.channel import Text
from handlers.turn import Press, Turn, pack
from storage.records import InboxEvent, new_id
from storage.store import Changes, Conflict, StoreBusy
from tests.support.inboxes import NOW, Listening, listening

OLD_TOKEN = "the-token-before"
PUBLIC = "https://salon.example/vizit"
ROW = "5ac1" * 8
"""The id of a row; the same in every process that collects these tests."""
SID = "SM" + "a" * 32
PHONE = "+905321234567"
INBOUND = {
    "MessageSid": SID,
    "SmsSid": SID,
    "AccountSid": "AC" + "5a" * 16,
    "From": f"whatsapp:{PHONE}",
    "To": "whatsapp:+14155550100",
    "Body": "Evet 🙂 ",
    "NumMedia": "0",
    "ProfileName": "Ayşe",
    "WaId": "905321234567",
    "ExternalUserId": "whatsapp:TR.123",
    "SmsStatus": "received",
    "Empty": "",
}
STATUS = {"MessageSid": SID, "MessageStatus": "delivered", "To": f"whatsapp:{PHONE}", "ApiVersion": "2010-04-01"}
Client = TestClient[web.Request, web.Application]


@pytest.fixture
async def heard() -> AsyncIterator[Listening]:
    async with listening("twilio", read_message) as heard:
        yield heard


@pytest.fixture
def words() -> list[StatusWord]:
    return []


@pytest.fixture
async def client(heard: Listening, words: list[StatusWord]) -> AsyncIterator[Client]:
    async def hear(word: StatusWord) -> None:
        words.append(word)

    app = web.Application()
    app.add_routes(twilio_routes(heard.inbox, Signature(PUBLIC, [DEMO_TOKEN, OLD_TOKEN]), hear))
    async with TestClient(TestServer(app)) as client:
        yield client


def sign(path: str, fields: Mapping[str, str], token: str = DEMO_TOKEN, public: str = PUBLIC) -> dict[str, str]:
    return {SIGNATURE_HEADER: RequestValidator(token).compute_signature(public + path, fields)}


async def post(client: Client, path: str, fields: Mapping[str, str], token: str = DEMO_TOKEN) -> Any:
    return await client.post(path, data=dict(fields), headers=sign(path, fields, token))


# Signatures


@pytest.mark.parametrize("token", [DEMO_TOKEN, OLD_TOKEN])
@pytest.mark.parametrize("path", [PATH, f"{PATH}?salon=1&x=%D1%97", f"{PATH}?empty="])
async def test_what_twilio_signed_is_heard_and_answered_with_no_reply(
    client: Client, heard: Listening, token: str, path: str
) -> None:
    answer = await post(client, path, INBOUND, token)
    assert (answer.status, answer.content_type, await answer.text()) == (200, "text/xml", NO_REPLY)
    await heard.inbox.idle()
    assert [turn.text for turn in heard.turns] == ["Evet 🙂"]


def test_the_signature_is_the_one_of_twilios_own_example() -> None:
    form = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+14158675309",
        "From": "+14158675309",
        "Digits": "1234",
        "To": "+18005551212",
    }
    signature = Signature("https://mycompany.com", ["12345"])
    assert signature.holds("/myapp.php?foo=1&bar=2", form, "RSOYDt4T1cUTdK1PDd93/VVr8B8=")  # type: ignore[arg-type]


FORGERIES: dict[str, dict[str, str]] = {
    "no header": {},
    "empty": {SIGNATURE_HEADER: ""},
    "no base64": {SIGNATURE_HEADER: "nonsense"},
    "no ascii": {SIGNATURE_HEADER: "підпис"},
    "other token": sign(PATH, INBOUND, "other"),
    "empty token": sign(PATH, INBOUND, ""),
    "http": sign(PATH, INBOUND, public=PUBLIC.replace("https", "http")),
    "other host": sign(PATH, INBOUND, public="https://evil.example/vizit"),
    "no prefix": sign(PATH, INBOUND, public="https://salon.example"),
    "trailing slash": sign(f"{PATH}/", INBOUND),
    "fragment": sign(f"{PATH}#rc=5", INBOUND),
    "added query": sign(f"{PATH}?x=1", INBOUND),
    "field removed": sign(PATH, {**INBOUND, "More": "x"}),
    "field added": sign(PATH, {name: value for name, value in INBOUND.items() if name != "Empty"}),
    "field changed": sign(PATH, {**INBOUND, "Body": "Hayır"}),
    "space lost": sign(PATH, {**INBOUND, "Body": "Evet 🙂"}),
    "only the address": sign(PATH, {}),
}


@pytest.mark.parametrize("forgery", FORGERIES)
async def test_what_twilio_did_not_sign_is_refused(client: Client, heard: Listening, forgery: str) -> None:
    headers = {name: value.encode().decode("latin-1") for name, value in FORGERIES[forgery].items()}
    answer = await client.post(PATH, data=INBOUND, headers=headers)
    assert answer.status == 403
    assert await heard.events() == []


async def test_a_forwarded_host_signs_nothing(client: Client, heard: Listening) -> None:
    evil = sign(PATH, INBOUND, public="https://evil.example")
    forwarded = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https", "Host": "evil.example"}
    assert (await client.post(PATH, data=INBOUND, headers=evil | forwarded)).status == 403
    assert await heard.events() == []


@pytest.mark.parametrize("path", [PATH, f"/twilio/status/{ROW}"])
@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "application/x-www-form-urlencoded"),
        (b"%", "application/x-www-form-urlencoded"),
        (b"\xff\xfe", "application/x-www-form-urlencoded"),
        (b"a=b&" * 500, "application/x-www-form-urlencoded"),
        (b"{}", "application/json"),
        (b"[" * 50_000, "application/json"),
        (b'--x\r\nContent-Disposition: form-data; name="Body"\r\n\r\nhi\r\n--x--', "multipart/form-data; boundary=x"),
        (b"--x", "multipart/form-data"),
        (b"x" * (LONGEST_FORM + 1), "application/x-www-form-urlencoded"),
    ],
    ids=range(9),
)
@pytest.mark.parametrize("signed", [False, True])
async def test_no_body_breaks_anything(
    client: Client, heard: Listening, words: list[StatusWord], path: str, body: bytes, kind: str, signed: bool
) -> None:
    headers = {"Content-Type": kind} | ({SIGNATURE_HEADER: "AAAA"} if signed else {})
    answer = await client.post(path, data=body, headers=headers)
    assert answer.status in ((400, 403, 413) if signed else (403,))
    assert await heard.events() == [] and words == []


async def test_a_json_body_with_its_hash_in_the_address_is_no_form_of_twilios(client: Client, heard: Listening) -> None:
    validator, body = RequestValidator(DEMO_TOKEN), "{}"
    path = f"{PATH}?bodySHA256={validator.compute_hash(body)}"
    answer = await client.post(path, data=body, headers=sign(path, {}) | {"Content-Type": "application/json"})
    assert answer.status in (400, 403)
    assert await heard.events() == []


@pytest.mark.parametrize("sid", ["", "x", "SM123", "MM" + "g" * 32, SID + "\n", SID.upper()])
async def test_a_signed_form_without_a_message_is_refused(client: Client, heard: Listening, sid: str) -> None:
    assert (await post(client, PATH, {**INBOUND, "MessageSid": sid})).status == 400
    assert await heard.events() == []


async def test_the_same_message_a_hundred_times_is_heard_once(client: Client, heard: Listening) -> None:
    for _ in range(100):
        assert (await post(client, PATH, INBOUND)).status == 200
    await heard.inbox.idle()
    assert len(heard.turns) == 1
    assert [event.id for event in await heard.events()] == [f"twilio:{SID}"]


@pytest.mark.parametrize("path", [PATH, f"/twilio/status/{ROW}"])
@pytest.mark.parametrize("trouble", [StoreBusy, Conflict])
async def test_while_nothing_can_be_stored_twilio_is_asked_to_come_again(
    heard: Listening, monkeypatch: pytest.MonkeyPatch, path: str, trouble: type[Exception]
) -> None:
    async def busy(_: object) -> None:
        raise trouble

    monkeypatch.setattr(heard.store, "commit", busy)
    app = web.Application()
    app.add_routes(twilio_routes(heard.inbox, Signature(PUBLIC, [DEMO_TOKEN]), busy))
    async with TestClient(TestServer(app)) as client:
        answer = await post(client, path, INBOUND | STATUS)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "1")


async def test_only_post_is_answered(client: Client) -> None:
    for path in (PATH, f"/twilio/status/{ROW}"):
        assert (await client.get(path)).status == 405


# What people write


def read(form: Mapping[str, str]) -> Turn | None:
    return read_message(
        InboxEvent(id=f"twilio:{SID}", source="twilio", payload=json.dumps(dict(form)), received_at=NOW)
    )


def test_words_come_with_who_said_them() -> None:
    assert read(INBOUND) == Turn(
        channel="whatsapp",
        address=PHONE,
        user=PHONE,
        event=SID,
        at=NOW,
        text="Evet 🙂",
        phone=PHONE,
        name="Ayşe",
    )


def test_a_sender_without_a_number_is_known_by_id() -> None:
    turn = read({**INBOUND, "From": "whatsapp:TR.4566546130240823"})
    assert turn is not None
    assert (turn.address, turn.user, turn.phone) == ("TR.4566546130240823", "TR.4566546130240823", None)


def test_a_text_message_is_no_whatsapp_message() -> None:
    turn = read({**INBOUND, "From": PHONE, "To": "+14155550101"})
    assert turn is not None and (turn.channel, turn.address, turn.phone) == ("sms", PHONE, PHONE)


@pytest.mark.parametrize("field", ["ButtonPayload", "ListId"])
def test_a_press_carries_the_choice_and_the_message_it_stands_on(field: str) -> None:
    stands_on = "MM" + "b" * 32
    turn = read({**INBOUND, field: pack("confirm", ROW, 1), "OriginalRepliedMessageSid": stands_on})
    assert turn is not None
    assert (turn.press, turn.reply_to) == (Press("confirm", ROW, 1), stands_on)


@pytest.mark.parametrize("payload", ["", "yes", "1.confirm.x.0", "{}"])
def test_a_button_that_is_not_ours_is_taken_by_its_title(payload: str) -> None:
    turn = read({**INBOUND, "Body": "Geliyorum", "ButtonText": "Geliyorum", "ButtonPayload": payload})
    assert turn is not None and (turn.press, turn.text) == (None, "Geliyorum")


def test_of_what_came_along_the_first_picture_is_named() -> None:
    media = {
        "NumMedia": "2",
        "MediaUrl0": "https://a/vcard",
        "MediaContentType0": "text/vcard",
        "MediaUrl1": "https://a/photo",
        "MediaContentType1": "image/jpeg",
    }
    turn = read({**INBOUND, "Body": "", **media})
    assert turn is not None and (turn.text, turn.photo) == (None, "https://a/photo")


@pytest.mark.parametrize("count", ["", "x", "-1", "²", "999999999", "1"])
def test_a_count_of_media_is_not_believed(count: str) -> None:
    turn = read({**INBOUND, "NumMedia": count})
    assert turn is not None and turn.photo is None


@pytest.mark.parametrize("sender", [None, "", " ", "whatsapp:", "whatsapp: "])
def test_a_message_from_nobody_is_nothing(sender: str | None) -> None:
    form = {name: value for name, value in INBOUND.items() if name != "From"}
    assert read(form if sender is None else {**form, "From": sender}) is None


# What became of messages


@pytest.mark.parametrize("status", ["accepted", "queued", "sending", "sent", "delivered", "read"])
async def test_a_word_about_a_message_of_ours_is_passed_on(
    client: Client, words: list[StatusWord], status: str
) -> None:
    assert (await post(client, f"/twilio/status/{ROW}", {**STATUS, "MessageStatus": status})).status == 200
    (word,) = words
    assert (word.message, word.sid, word.verdict.status, word.id) == (ROW, SID, status, f"{SID}:{status}")
    assert word.raw == {**STATUS, "MessageStatus": status}


async def test_a_failure_says_what_it_means(client: Client, words: list[StatusWord]) -> None:
    failure = {"MessageStatus": "undelivered", "ErrorCode": "63016", "ChannelStatusMessage": "outside the window"}
    await post(client, f"/twilio/status/{ROW}", {**STATUS, **failure})
    verdict = words[0].verdict
    assert (verdict.status, verdict.code, verdict.text) == ("undelivered", "63016", "outside the window")
    assert verdict.needs_template and not verdict.address_dead


@pytest.mark.parametrize(
    ("message", "change"),
    [
        ("x", {}),
        (ROW.upper(), {}),
        (ROW[:-1], {}),
        (ROW, {"MessageStatus": "received"}),
        (ROW, {"MessageStatus": "partially_delivered"}),
        (ROW, {"MessageStatus": ""}),
        (ROW, {"MessageSid": "x"}),
        (ROW, {"MessageSid": ""}),
    ],
)
async def test_a_word_that_is_none_of_ours_is_taken_with_thanks(
    client: Client, words: list[StatusWord], message: str, change: dict[str, str]
) -> None:
    assert (await post(client, f"/twilio/status/{message}", {**STATUS, **change})).status == 200
    assert words == []


async def test_a_word_signed_for_another_message_is_refused(client: Client, words: list[StatusWord]) -> None:
    headers = sign(f"/twilio/status/{new_id()}", STATUS)
    assert (await client.post(f"/twilio/status/{ROW}", data=STATUS, headers=headers)).status == 403
    assert words == []


# With Twilio itself, as far as it is here


@pytest.fixture
async def twilio(heard: Listening, words: list[StatusWord]) -> AsyncIterator[tuple[TwilioEmulator, WhatsAppChannel]]:
    async def hear(word: StatusWord) -> None:
        words.append(word)

    app, port = web.Application(), unused_port()
    public = f"http://127.0.0.1:{port}"
    app.add_routes(twilio_routes(heard.inbox, Signature(public, [DEMO_TOKEN]), hear))
    async with TestServer(app, port=port), TwilioEmulator(disorder=0.5, seed=3) as emulator:
        emulator.inbound_url = f"{public}{PATH}#rc=5&rp=all"
        client, http = make_client(emulator.account.sid, DEMO_TOKEN, api=emulator.base_url)
        yield emulator, WhatsAppChannel(client, emulator.account.senders[0].removeprefix("whatsapp:"), None, public)
        await http.close()


async def test_a_conversation_over_the_wire(
    twilio: tuple[TwilioEmulator, WhatsAppChannel], heard: Listening, words: list[StatusWord]
) -> None:
    emulator, channel = twilio
    person: Person = emulator.person(PHONE, "Ayşe")
    await person.says("Merhaba 🙂 ")
    sid = await channel.send(Text("Sizi bekliyoruz"), PHONE, ROW)
    assert await emulator.idle()
    await person.reads()
    assert await emulator.idle()
    assert all(delivery.status == 200 for delivery in emulator.courier.deliveries)
    assert {word.verdict.status for word in words} == {"sent", "delivered", "read"}
    assert {(word.message, word.sid) for word in words} == {(ROW, sid)}
    reply = await person.says("Tamam", reply_to=person.messages[-1])
    assert await emulator.idle()
    await heard.inbox.idle()
    assert [(turn.text, turn.reply_to) for turn in heard.turns] == [("Merhaba 🙂", None), ("Tamam", sid)]
    assert heard.turns[-1].event == reply.sid


async def test_twilio_comes_again_after_a_refusal_and_is_heard(
    twilio: tuple[TwilioEmulator, WhatsAppChannel], heard: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit, refusals = heard.store.commit, 2

    async def busy(changes: Changes) -> object:
        nonlocal refusals
        if refusals:
            refusals -= 1
            raise StoreBusy
        return await commit(changes)

    monkeypatch.setattr(heard.store, "commit", busy)
    emulator, _ = twilio
    await emulator.person(PHONE).says("Evet")
    assert await emulator.idle()
    await heard.inbox.idle()
    assert [delivery.status for delivery in emulator.courier.deliveries] == [503, 503, 200]
    assert [turn.text for turn in heard.turns] == ["Evet"]
