"""The emulated SMS Gateway for Android, by the published client."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from android_sms_gateway.client import AsyncAPIClient
from android_sms_gateway.domain import Message, MessagesQueryFilter, QueryPagination, TextMessage, Webhook
from android_sms_gateway.enums import ProcessState, WebhookEvent
from android_sms_gateway.errors import APIError, BadRequestError, NotFoundError, UnauthorizedError

from bot.playground.gateway_emulator import GatewayEmulator
from bot.sms_gateway import Gateway
from tests.emulators.hands import Hands, at_once

PHONE = "+380671234567"


@pytest.fixture
async def gateway(hands: Hands) -> AsyncIterator[GatewayEmulator]:
    async with GatewayEmulator(now=hands.now, sleep=at_once) as emulator:
        yield emulator


@asynccontextmanager
async def connected(gateway: GatewayEmulator, password: str | None = None) -> AsyncIterator[AsyncAPIClient]:
    opened = Gateway(gateway.base_url, gateway.user, password or gateway.password)
    yield opened.client
    await opened.close()


@pytest.fixture
async def client(gateway: GatewayEmulator) -> AsyncIterator[AsyncAPIClient]:
    async with connected(gateway) as one:
        yield one


def message(id: str = "m-1", to: str = PHONE, **fields: Any) -> Message:
    return Message(phone_numbers=[to], text_message=TextMessage("Чекаємо на вас"), id=id, **fields)


async def test_a_text_is_pending_first_and_delivered_in_the_end(
    gateway: GatewayEmulator, client: AsyncAPIClient
) -> None:
    olena = gateway.person(PHONE)
    assert (await client.send(message())).state is ProcessState.Pending
    await gateway.idle()
    state = await client.get_state("m-1")
    assert state.state is ProcessState.Delivered
    assert list(state.states or {}) == ["Pending", "Processed", "Sent", "Delivered"]
    assert [text.body for text in olena.texts] == ["Чекаємо на вас"]


async def test_a_text_to_a_phone_that_is_off_is_sent_and_arrives_when_it_is_on(
    gateway: GatewayEmulator, client: AsyncAPIClient
) -> None:
    olena = gateway.person(PHONE)
    olena.online = False
    await client.send(message())
    await gateway.idle()
    assert (await client.get_state("m-1")).state is ProcessState.Sent
    await gateway.switches_on(olena)
    assert (await client.get_state("m-1")).state is ProcessState.Delivered


async def test_what_the_phone_cannot_send_fails_with_its_reason(
    gateway: GatewayEmulator, client: AsyncAPIClient
) -> None:
    gateway.person(PHONE).trouble = "Send result: RESULT_ERROR_NO_SERVICE (service is unavailable)"
    await client.send(message())
    await gateway.idle()
    state = await client.get_state("m-1")
    assert (state.state, state.recipients[0].error) == (ProcessState.Failed, gateway.person(PHONE).trouble)


async def test_a_phone_without_network_lets_texts_wait_until_their_time_is_over(
    gateway: GatewayEmulator, client: AsyncAPIClient, hands: Hands
) -> None:
    olena = gateway.person(PHONE)
    await gateway.goes_offline()
    await client.send(message("m-1", ttl=600))
    await client.send(message("m-2", ttl=7200))
    await gateway.idle()
    hands.move(hours=1)
    await gateway.comes_online()
    await gateway.idle()
    first, second = await client.get_state("m-1"), await client.get_state("m-2")
    assert (first.state, first.recipients[0].error) == (ProcessState.Failed, "TTL expired")
    assert second.state is ProcessState.Delivered
    assert [text.id for text in olena.texts] == ["m-2"]


async def test_a_message_that_comes_twice_is_refused_by_the_server_and_taken_silently_by_the_app(hands: Hands) -> None:
    for local in (False, True):
        async with GatewayEmulator(now=hands.now, sleep=at_once, local=local) as gateway, connected(gateway) as client:
            olena = gateway.person(PHONE)
            await client.send(message())
            if local:
                await client.send(message())
            else:
                with pytest.raises(APIError) as refusal:
                    await client.send(message())
                assert refusal.value.status_code == 409
            await gateway.idle()
            assert len(olena.texts) == 1


async def test_the_server_lists_its_phone_with_when_it_was_heard_of(
    gateway: GatewayEmulator, client: AsyncAPIClient, hands: Hands
) -> None:
    left = hands.now()
    assert [device.last_seen for device in await client.list_devices()] == [left]
    await gateway.goes_offline()
    hands.move(hours=5)
    assert [device.last_seen for device in await client.list_devices()] == [left]
    await gateway.is_unbound()
    assert await client.list_devices() == []
    await gateway.is_bound()
    assert [device.last_seen for device in await client.list_devices()] == [left + timedelta(hours=5)]


async def test_the_app_lists_no_phones(hands: Hands) -> None:
    async with GatewayEmulator(now=hands.now, local=True) as gateway, connected(gateway) as client:
        with pytest.raises(NotFoundError):
            await client.list_devices()


async def test_without_a_phone_and_for_a_wrong_number_a_text_is_refused(
    gateway: GatewayEmulator, client: AsyncAPIClient
) -> None:
    with pytest.raises(BadRequestError) as wrong:
        await client.send(message(to="12"))
    assert "invalid phone number" in str(wrong.value.response)
    await gateway.is_unbound()
    with pytest.raises(BadRequestError) as nobody:
        await client.send(message())
    assert "select device" in str(nobody.value.response)


async def test_strangers_are_refused(gateway: GatewayEmulator) -> None:
    async with connected(gateway, password="wrong") as client:
        with pytest.raises(UnauthorizedError):
            await client.send(message())
    assert gateway.texts == {}


async def test_messages_are_listed_newest_first_page_by_page_and_since_a_moment(
    gateway: GatewayEmulator, client: AsyncAPIClient, hands: Hands
) -> None:
    for number in range(3):
        await client.send(message(f"m-{number}"))
        hands.move(hours=1)

    async def ids(**query: Any) -> list[str]:
        return [state.id for state in await client.get_messages(**query)]

    assert await ids() == ["m-2", "m-1", "m-0"]
    assert await ids(pagination=QueryPagination(limit=2, offset=1)) == ["m-1", "m-0"]
    assert await ids(query=MessagesQueryFilter(from_=hands.now() - timedelta(hours=2))) == ["m-2", "m-1"]


async def test_a_waiting_message_can_be_taken_back(gateway: GatewayEmulator, client: AsyncAPIClient) -> None:
    await gateway.goes_offline()
    await client.send(message())
    await client.cancel_message("m-1")
    assert (await client.get_state("m-1")).state is ProcessState.Cancelled


async def test_events_are_posted_to_the_webhook_of_their_kind(gateway: GatewayEmulator, client: AsyncAPIClient) -> None:
    posted: list[Any] = []

    async def take(request: web.Request) -> web.Response:
        assert request.headers["X-Signature"]
        posted.append(await request.json())
        return web.Response()

    app = web.Application()
    app.router.add_post("/in", take)
    async with TestServer(app) as server:
        url = str(server.make_url("/in")).replace("localhost", "127.0.0.1")
        for _ in range(2):
            await client.create_webhook(Webhook("mine", url, WebhookEvent.SMS_RECEIVED))
        assert [webhook.id for webhook in await client.get_webhooks()] == ["mine"]
        await gateway.texts_back(gateway.person(PHONE), "СТОП")
        await client.send(message())
        await gateway.idle()
    assert [(one["event"], one["payload"]["message"]) for one in posted] == [("sms:received", "СТОП")]
    await client.delete_webhook("mine")
    assert await client.get_webhooks() == []


async def test_health_is_told_to_anybody(gateway: GatewayEmulator, client: AsyncAPIClient) -> None:
    assert (await client.health_check()).status.value == "pass"


async def test_a_page_can_play_the_phone_and_the_people(gateway: GatewayEmulator) -> None:
    gateway.person(PHONE, "Олена")
    play = f"{gateway.base_url}/play/gateway"
    async with gateway.session.post(f"{play}/phone/goes_offline", json={}) as answer:
        assert answer.status == 200
    async with gateway.session.get(f"{play}/state") as answer:
        state = await answer.json()
    assert (state["phone"]["online"], [person["name"] for person in state["people"]]) == (False, ["Олена"])
    async with gateway.session.post(f"{play}/people/380671234567/texts_back", json={"body": "Дякую"}) as answer:
        assert answer.status == 200
    for path in ("phone/explodes", "people/1/texts_back"):
        async with gateway.session.post(f"{play}/{path}", json={}) as answer:
            assert answer.status == 404
