"""What people write back to the salon's phone, and how the phone is told where to post it."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bot.playground.gateway_emulator import GatewayEmulator
from bot.sms_gateway import Gateway
from bot.sms_gateway_inbound import LONGEST, PATH, SOURCE, WAITS, gateway_routes, read_text, register, secret_name
from handlers.turn import Links, Turn
from storage.records import InboxEvent
from storage.store import Changes, StoreBusy
from tests.emulators.hands import at_once
from tests.support.inboxes import NOW, Listening, listening

LINKS = Links("https://salon.example", b"a secret that nobody knows")
SECRET = secret_name(LINKS)
PHONE = "+380671234567"
EVENT = {
    "deviceId": "ffffffffceb0b1db0000018e937c815b",
    "event": "sms:received",
    "id": "Ey6ECgOkVVFjz3CL48B8C",
    "payload": {
        "messageId": "abc123",
        "message": "Не зможу, вибачте ",
        "phoneNumber": PHONE,
        "simNumber": 1,
        "receivedAt": "2026-11-22T15:46:11.000+02:00",
    },
    "webhookId": "vizit-received",
}
Client = TestClient[web.Request, web.Application]


@pytest.fixture
async def heard() -> AsyncIterator[Listening]:
    async with listening(SOURCE, read_text) as heard:
        yield heard


@pytest.fixture
async def client(heard: Listening) -> AsyncIterator[Client]:
    app = web.Application()
    app.add_routes(gateway_routes(heard.inbox, SECRET))
    async with TestClient(TestServer(app)) as client:
        yield client


def event(**payload: Any) -> dict[str, Any]:
    return {**EVENT, "payload": {**EVENT["payload"], **payload}}  # type: ignore[dict-item]


async def post(client: Client, body: Any, secret: str = SECRET) -> int:
    return (await client.post(f"{PATH}/{secret}", json=body)).status


async def test_a_text_becomes_a_turn_of_its_sender(client: Client, heard: Listening) -> None:
    assert await post(client, EVENT) == 200
    await heard.inbox.idle()
    assert heard.turns == [
        Turn(
            channel="sms",
            address=PHONE,
            user=PHONE,
            event=EVENT["id"],  # type: ignore[arg-type]
            at=NOW,
            text="Не зможу, вибачте",
            phone=PHONE,
        )
    ]


async def test_a_text_that_is_posted_again_counts_once(client: Client, heard: Listening) -> None:
    for _ in range(3):
        assert await post(client, EVENT) == 200
    await heard.inbox.idle()
    assert len(heard.turns) == 1


async def test_newer_apps_call_the_sender_by_another_name(client: Client, heard: Listening) -> None:
    await post(client, event(phoneNumber=None, sender=PHONE))
    await heard.inbox.idle()
    assert [turn.address for turn in heard.turns] == [PHONE]


@pytest.mark.parametrize("sender", ["PrivatBank", "4411", "0671234567", "", None, 380671234567, ["+380671234567"]])
async def test_who_has_no_full_number_is_nobody_to_us(client: Client, heard: Listening, sender: Any) -> None:
    assert await post(client, event(phoneNumber=sender)) == 200
    await heard.inbox.idle()
    assert (heard.turns, await heard.events()) == ([], [])


@pytest.mark.parametrize("text", [None, 7, {}])
def test_an_event_without_words_says_nothing(text: Any) -> None:
    payload = json.dumps({"phoneNumber": PHONE, "message": text})
    assert read_text(InboxEvent(id="sms_gateway:1", source=SOURCE, payload=payload, received_at=NOW)) is None


@pytest.mark.parametrize("secret", [SECRET[:-1], SECRET + "x", "x" * 22, SECRET.swapcase(), "секрет"])
async def test_without_the_secret_there_is_nothing(client: Client, heard: Listening, secret: str) -> None:
    assert await post(client, EVENT, secret) == 404
    assert await heard.events() == []


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        {"event": "sms:received"},
        {**EVENT, "id": 7},
        {**EVENT, "id": ""},
        {**EVENT, "id": "x" * 65},
        {**EVENT, "id": "a b"},
        {**EVENT, "payload": "x"},
    ],
)
async def test_what_is_no_event_is_refused(client: Client, heard: Listening, body: Any) -> None:
    assert await post(client, body) == 400
    assert await heard.events() == []


async def test_a_body_beyond_measure_is_refused(client: Client) -> None:
    assert await post(client, event(message="x" * LONGEST)) == 413


async def test_an_event_of_another_sort_is_taken_and_left_alone(client: Client, heard: Listening) -> None:
    assert await post(client, {**EVENT, "event": "sms:sent"}) == 200
    assert await heard.events() == []


async def test_a_database_that_is_busy_asks_the_phone_to_come_again(
    client: Client, heard: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def busy(_: Changes) -> None:
        raise StoreBusy

    monkeypatch.setattr(heard.store, "commit", busy)
    answer = await client.post(f"{PATH}/{SECRET}", json=EVENT)
    assert (answer.status, "Retry-After" in answer.headers) == (503, True)


def test_the_secret_is_another_one_for_another_service() -> None:
    assert len(SECRET) == 22
    assert secret_name(Links("https://salon.example", b"another secret")) != SECRET


# Telling the phone


@pytest.fixture
async def gateway() -> AsyncIterator[GatewayEmulator]:
    async with GatewayEmulator(sleep=at_once) as emulator:
        yield emulator


@pytest.fixture
async def connected(gateway: GatewayEmulator) -> AsyncIterator[Gateway]:
    opened = Gateway(gateway.base_url, gateway.user, gateway.password)
    yield opened
    await opened.close()


async def test_the_phone_is_told_where_to_post_once_however_often_we_start(
    gateway: GatewayEmulator, connected: Gateway
) -> None:
    for _ in range(2):
        await register(connected.client, "https://salon.example/", SECRET)
    assert list(gateway.webhooks.values()) == [
        {"id": "vizit-received", "url": f"https://salon.example{PATH}/{SECRET}", "event": "sms:received"}
    ]


async def test_a_gateway_that_is_down_is_told_when_it_is_back(
    gateway: GatewayEmulator, connected: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    gateway.fail("create_webhook", status=500, times=6)
    await register(connected.client, "https://salon.example", SECRET, sleep=sleep)
    assert waits == [*WAITS, WAITS[-1], WAITS[-1]]
    assert SECRET not in caplog.text
    assert list(gateway.webhooks) == ["vizit-received"]


async def test_a_text_to_the_phone_reaches_us(gateway: GatewayEmulator, connected: Gateway, heard: Listening) -> None:
    app = web.Application()
    app.add_routes(gateway_routes(heard.inbox, SECRET))
    async with TestServer(app, host="127.0.0.1") as server:
        await register(connected.client, str(server.make_url("")), SECRET)
        await gateway.texts_back(gateway.person(PHONE), "СТОП")
        await gateway.idle()
    await heard.inbox.idle()
    assert [(turn.address, turn.text) for turn in heard.turns] == [(PHONE, "СТОП")]
