"""The salon's own phone as a carrier of SMS, over HTTP against its emulator."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port
from android_sms_gateway.client import AsyncAPIClient

from bot.playground.gateway_emulator import GatewayEmulator, Person
from bot.receipts import StatusWord
from bot.sms import SmsChannel
from bot.sms_gateway import (
    DAY,
    LOOKS_EVERY,
    MOST_PAGES,
    PAGE,
    SILENT_AFTER,
    VALID_S,
    Gateway,
    GatewayTexts,
    Phone,
    Reports,
)
from handlers.channel import Channel, Edit, Findable, SendError, Text
from storage.opening import open_store
from storage.records import SERVICE_LANE, Message, Millis, new_id
from storage.store import StoreBusy
from tests.emulators.hands import at_once

NOW: Millis = 1_790_000_000_000
"""2026-09-21T14:13:20Z."""
ROW = new_id()
PHONE = "+380671234567"
BODY = "Ваш візит: 27 листопада, 15:00. Лілея. Чекаємо!"


class Clock:
    """A time that tests move."""

    def __init__(self) -> None:
        self.at = NOW

    def __call__(self) -> Millis:
        return self.at

    def date(self) -> datetime:
        return datetime.fromtimestamp(self.at / 1000, UTC)

    def pass_by(self, **by: float) -> None:
        self.at += round(
            sum({"hours": 3_600_000, "minutes": 60_000, "seconds": 1000}[unit] * n for unit, n in by.items())
        )


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def gateway(clock: Clock) -> AsyncIterator[GatewayEmulator]:
    async with GatewayEmulator(now=clock.date, sleep=at_once) as emulator:
        yield emulator


@pytest.fixture
def olena(gateway: GatewayEmulator) -> Person:
    return gateway.person(PHONE, "Олена")


class Salon:
    """What the service has of the phone."""

    def __init__(self, client: AsyncAPIClient, phone: Phone) -> None:
        self.client, self.phone = client, phone
        self.channel = SmsChannel(GatewayTexts(client, phone))

    async def text(self, id: str = ROW, to: str = PHONE) -> str | None:
        return await self.channel.send(Text(BODY), to, id)

    async def refused(self, id: str | None = None, to: str = PHONE) -> SendError:
        with pytest.raises(SendError) as caught:
            await self.text(id or new_id(), to)
        return caught.value


@asynccontextmanager
async def connected(
    url: str, clock: Clock, *, user: str = "salon", password: str, limit: int = 0
) -> AsyncIterator[Salon]:
    store = await open_store("sqlite:///:memory:")
    opened = Gateway(url, user, password)
    yield Salon(opened.client, Phone(opened.client, store, clock, limit))
    await opened.close()
    await store.close()


@pytest.fixture
async def salon(gateway: GatewayEmulator, clock: Clock) -> AsyncIterator[Salon]:
    async with connected(gateway.base_url, clock, password=gateway.password) as one:
        yield one


@pytest.fixture
async def limited(gateway: GatewayEmulator, clock: Clock) -> AsyncIterator[Salon]:
    async with connected(gateway.base_url, clock, password=gateway.password, limit=3) as one:
        yield one


def row(id: str = ROW) -> Message:
    return Message(
        business="b", id=id, key="k", kind="reminder", lane=SERVICE_LANE, channel="sms", address=PHONE,
        due_at=NOW, next_at=NOW, not_after=NOW + 1, text=BODY,
    )  # fmt: skip


# Sending


def test_it_is_a_channel_that_can_be_asked(salon: Salon) -> None:
    channel: Channel = salon.channel
    assert (channel.name, channel.capabilities.short, channel.capabilities.receipts) == ("sms", True, True)
    assert isinstance(channel, Findable)


async def test_a_text_goes_under_the_id_of_our_row_and_not_for_ever(
    gateway: GatewayEmulator, salon: Salon, olena: Person
) -> None:
    assert await salon.text() == ROW
    await gateway.idle()
    assert [text.body for text in olena.texts] == [BODY]
    sent = gateway.calls[-1].params
    assert (sent["id"], sent["phoneNumbers"], sent["ttl"]) == (ROW, [PHONE], VALID_S)
    assert sent["withDeliveryReport"] is True


async def test_a_text_that_is_handed_over_twice_is_sent_once(
    gateway: GatewayEmulator, salon: Salon, olena: Person
) -> None:
    assert [await salon.text(), await salon.text()] == [ROW, ROW]
    await gateway.idle()
    assert len(olena.texts) == 1


async def test_only_texts_can_go(salon: Salon) -> None:
    with pytest.raises(TypeError):
        await salon.channel.send(Edit("1", "x"), PHONE, ROW)


async def test_a_wrong_number_is_dead(salon: Salon) -> None:
    assert (await salon.refused(to="12")).address_dead


async def test_a_gateway_whose_queue_is_full_sends_nothing(gateway: GatewayEmulator, salon: Salon) -> None:
    gateway.full = True
    error = await salon.refused()
    assert (error.outcome, error.code, error.address_dead) == ("permanent", "503", False)


@pytest.mark.parametrize("path", ["list_devices", "send_message"])
async def test_wrong_credentials_hold_up_the_channel(gateway: GatewayEmulator, salon: Salon, path: str) -> None:
    gateway.fail(path, status=401, times=2)
    error = await salon.refused()
    assert (error.outcome, error.code, error.scope) == ("not_sent", "401", "channel")


@pytest.mark.parametrize("taken", [True, False])
async def test_after_a_lost_answer_the_gateway_is_asked_by_our_id(
    gateway: GatewayEmulator, salon: Salon, taken: bool
) -> None:
    gateway.drop("send_message", acts=taken)
    assert (await salon.refused(ROW)).outcome == "unknown"
    assert await salon.channel.look_up(row()) == (ROW if taken else None)


async def test_a_look_up_that_fails_is_no_answer(gateway: GatewayEmulator, salon: Salon) -> None:
    gateway.fail("fetch_message", status=500)
    with pytest.raises(SendError) as caught:
        await salon.channel.look_up(row())
    assert caught.value.outcome == "unknown"


@asynccontextmanager
async def serving(answer: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncIterator[str]:
    """A gateway of one handler, whose phone is there."""

    async def devices(_: web.Request) -> web.Response:
        return web.json_response([{"id": "1", "name": "x"}])

    app = web.Application()
    app.router.add_get("/devices", devices)
    app.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(app) as server:
        yield str(server.make_url("")).rstrip("/")


@pytest.mark.parametrize(
    "text", ["<html>Welcome</html>", "{}", "[]", '{"id": "x", "state": "Scheduled", "recipients": []}']
)
async def test_an_answer_that_says_nothing_leaves_the_outcome_open(clock: Clock, text: str) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=text, content_type="text/html" if text.startswith("<") else "application/json")

    async with serving(answer) as url, connected(url, clock, password="p") as salon:
        assert (await salon.refused()).outcome == "unknown"


# The phone


async def test_a_phone_that_is_there_is_ready(salon: Salon) -> None:
    assert await salon.phone.state() == "ready"


async def test_the_app_on_the_phone_is_ready_once_it_answers(clock: Clock) -> None:
    async with GatewayEmulator(now=clock.date, sleep=at_once, local=True) as gateway:
        async with connected(gateway.base_url, clock, password=gateway.password) as salon:
            assert await salon.phone.state() == "ready"
            assert await salon.text() == ROW


async def test_how_the_phone_is_is_asked_once_in_a_while(gateway: GatewayEmulator, salon: Salon, clock: Clock) -> None:
    await asyncio.gather(*(salon.phone.state() for _ in range(20)))
    clock.at += LOOKS_EVERY - 1
    await salon.phone.state()
    assert len([call for call in gateway.calls if call.method == "list_devices"]) == 1
    clock.at += 1
    await salon.phone.state()
    assert len([call for call in gateway.calls if call.method == "list_devices"]) == 2


async def test_a_phone_not_heard_of_for_an_hour_is_silent_and_not_waited_for(
    gateway: GatewayEmulator, salon: Salon, clock: Clock
) -> None:
    await gateway.goes_offline()
    clock.at += SILENT_AFTER
    assert await salon.phone.state() == "ready"
    clock.at += LOOKS_EVERY
    assert await salon.phone.state() == "silent"
    error = await salon.refused()
    assert (error.outcome, error.code, error.address_dead) == ("permanent", "silent", False)
    assert gateway.texts == {}
    await gateway.comes_online()
    clock.at += LOOKS_EVERY
    assert await salon.text() == ROW


async def test_a_gateway_out_of_reach_is_tried_again_for_an_hour(
    gateway: GatewayEmulator, salon: Salon, clock: Clock
) -> None:
    assert await salon.phone.state() == "ready"
    await gateway.stop()
    clock.pass_by(minutes=59)
    assert await salon.phone.state() == "silent"
    assert (await salon.refused()).outcome == "not_sent"
    clock.pass_by(minutes=2)
    assert (await salon.refused()).outcome == "permanent"


async def test_a_gateway_that_was_never_reached_is_waited_for_as_long(clock: Clock) -> None:
    async with connected(f"http://127.0.0.1:{unused_port()}", clock, password="p") as salon:
        assert (await salon.refused()).outcome == "not_sent"
        clock.at += SILENT_AFTER + 1
        assert (await salon.refused()).outcome == "permanent"


async def test_an_account_without_a_phone_is_being_bound_again(
    gateway: GatewayEmulator, salon: Salon, clock: Clock
) -> None:
    await gateway.is_unbound()
    assert await salon.phone.state() == "rebinding"
    assert (await salon.refused()).outcome == "not_sent"
    clock.at += SILENT_AFTER + 1
    error = await salon.refused()
    assert (error.outcome, error.code) == ("permanent", "rebinding")
    await gateway.is_bound()
    clock.at += LOOKS_EVERY
    assert await salon.text() == ROW


async def test_the_state_of_a_phone_cannot_be_told_to_strangers(gateway: GatewayEmulator, clock: Clock) -> None:
    async with connected(gateway.base_url, clock, password="wrong") as salon:
        with pytest.raises(SendError):
            await salon.phone.state()


# The daily limit


async def test_after_the_days_texts_the_phone_sends_no_more(limited: Salon, gateway: GatewayEmulator) -> None:
    for _ in range(3):
        assert await limited.phone.state() == "ready"
        await limited.text(new_id())
    assert await limited.phone.state() == "daily_limit"
    error = await limited.refused()
    assert (error.outcome, error.code, error.address_dead) == ("permanent", "daily_limit", False)
    assert len(gateway.texts) == 3


async def test_texts_that_leave_at_once_do_not_slip_past_the_limit(limited: Salon, gateway: GatewayEmulator) -> None:
    sent = await asyncio.gather(*(limited.text(new_id()) for _ in range(10)), return_exceptions=True)
    assert len([one for one in sent if isinstance(one, SendError)]) == 7
    assert len(gateway.texts) == 3


async def test_the_next_day_has_its_own_texts(limited: Salon, clock: Clock) -> None:
    for _ in range(3):
        await limited.text(new_id())
    clock.at = NOW - NOW % DAY + DAY - 1
    assert (await limited.refused()).code == "daily_limit"
    clock.at += 1
    assert await limited.phone.state() == "ready"
    assert await limited.text() == ROW


async def test_a_gateway_out_of_reach_uses_up_nothing(limited: Salon, gateway: GatewayEmulator, clock: Clock) -> None:
    port = int(gateway.base_url.rpartition(":")[2])
    await gateway.stop()
    for _ in range(5):
        assert (await limited.refused()).outcome == "not_sent"
    await gateway.start(port=port)
    clock.at += LOOKS_EVERY
    assert await limited.text() == ROW


# What became of texts


class Listener:
    """Keeps what it hears. ``busy``: how often it cannot keep anything first."""

    def __init__(self) -> None:
        self.words: list[StatusWord] = []
        self.busy = 0

    async def __call__(self, word: StatusWord) -> None:
        if self.busy:
            self.busy -= 1
            raise StoreBusy
        self.words.append(word)

    def said(self) -> list[tuple[str, str]]:
        return [(word.message, word.verdict.status) for word in self.words]


async def test_every_new_state_is_passed_on_once(
    gateway: GatewayEmulator, salon: Salon, olena: Person, clock: Clock
) -> None:
    reports, heard = Reports(salon.client, clock), Listener()
    olena.online = False
    await salon.text()
    await gateway.idle()
    for _ in range(2):
        await reports.fetch(heard)
    await gateway.switches_on(olena)
    for _ in range(2):
        await reports.fetch(heard)
    assert heard.said() == [(ROW, "sent"), (ROW, "delivered")]
    assert [word.id for word in heard.words] == [f"{ROW}:sent", f"{ROW}:delivered"]


async def test_a_failure_is_passed_on_with_its_reason(
    gateway: GatewayEmulator, salon: Salon, olena: Person, clock: Clock
) -> None:
    reports, heard = Reports(salon.client, clock), Listener()
    olena.trouble = "Send result: RESULT_ERROR_NO_SERVICE (currently unavailable)"
    await salon.text()
    await gateway.idle()
    await reports.fetch(heard)
    assert heard.said() == [(ROW, "failed")]
    assert heard.words[0].raw == {"state": "failed", "error": olena.trouble}


async def test_what_could_not_be_kept_is_passed_on_again(gateway: GatewayEmulator, salon: Salon, clock: Clock) -> None:
    reports, heard = Reports(salon.client, clock), Listener()
    for id in ("a" * 32, "b" * 32):
        await salon.text(id)
    await gateway.idle()
    heard.busy = 1
    with pytest.raises(StoreBusy):
        await reports.fetch(heard)
    await reports.fetch(heard)
    assert sorted(heard.said()) == [("a" * 32, "sent"), ("b" * 32, "sent")]


async def test_all_pages_of_a_day_are_read_and_no_older_ones(
    gateway: GatewayEmulator, salon: Salon, clock: Clock
) -> None:
    await salon.text("0" * 32)
    clock.pass_by(hours=25)
    ids = {f"{number:032x}" for number in range(1, PAGE + 2)}
    for id in sorted(ids):
        await salon.text(id)
    await gateway.idle()
    heard = Listener()
    await Reports(salon.client, clock).fetch(heard)
    assert {word.message for word in heard.words} == ids
    assert PAGE + 1 < MOST_PAGES * PAGE


async def test_a_gateway_that_says_nothing_is_asked_again_later(
    gateway: GatewayEmulator, salon: Salon, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    reports, heard = Reports(salon.client, clock), Listener()
    await salon.text()
    await gateway.idle()
    gateway.fail("list_messages", status=500, times=3)
    for _ in range(3):
        await reports.fetch(heard)
    assert heard.said() == []
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    await reports.fetch(heard)
    assert heard.said() == [(ROW, "sent")]
