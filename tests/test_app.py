"""The service from end to end: a real process, its API, and both platforms emulated over loopback."""

import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.app import build
from bot.config import Config
from bot.playground import twilio_emulator
from bot.playground.telegram_emulator import DEMO_TOKEN, TelegramEmulator
from bot.playground.twilio_emulator import TwilioEmulator
from storage.opening import open_store
from storage.records import Message
from tests.support.process import (
    ADMIN_KEY,
    SECRET,
    Service,
    free_port,
    serving,
    telegram_settings,
    twilio_settings,
)


@pytest.fixture
async def telegram() -> AsyncIterator[TelegramEmulator]:
    async with TelegramEmulator(limits=False) as emulator:
        yield emulator


@pytest.fixture
async def twilio() -> AsyncIterator[TwilioEmulator]:
    async with TwilioEmulator() as emulator:
        yield emulator


def webhook_settings(port: int) -> dict[str, str]:
    """What has Telegram call a process on this port."""
    return {
        "VIZIT_LISTEN": f"127.0.0.1:{port}",
        "VIZIT_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "VIZIT_TELEGRAM_MODE": "webhook",
        "VIZIT_TELEGRAM_SECRET": "hush-hush",
    }


async def follows_link(service: Service, telegram: TelegramEmulator) -> None:
    """The client `c1` opens the bot by a link of the API."""
    link = await service.call("POST", "/clients/c1/links", {})
    olena = telegram.user(1001, "Олена", "uk", "+380671234567")
    await olena.start(link["url"].partition("?start=")[2])


async def linked(service: Service, telegram: TelegramEmulator) -> None:
    """The client `c1` opens the bot by a link of the API, is greeted, and asked about offers."""
    await follows_link(service, telegram)
    await telegram.called("sendMessage", 2)


def told_by(user: int, text: str) -> dict[str, Any]:
    """An update in which a person writes in the private chat."""
    chat = {"id": user, "type": "private", "first_name": "Олена"}
    sender = {"id": user, "is_bot": False, "first_name": "Олена"}
    return {"update_id": 900_000, "message": {"message_id": 9, "date": 1, "chat": chat, "from": sender, "text": text}}


async def stored(folder: Path, booking: str) -> dict[str, str]:
    """Status by kind of the messages of a booking."""
    store = await open_store(f"sqlite:///{folder / 'vizit.db'}")
    rows = await store.find(Message, {"business": "b", "booking": booking})
    await store.close()
    return {row.kind: row.status for row in rows}


async def test_a_booking_becomes_a_message_on_either_channel_and_the_log_keeps_every_secret(
    tmp_path: Path, telegram: TelegramEmulator, twilio: TwilioEmulator
) -> None:
    port = free_port()
    twilio.inbound_url = f"http://127.0.0.1:{port}/twilio/inbound"
    settings = telegram_settings(telegram) | twilio_settings(twilio, port)
    async with serving(tmp_path, **settings) as service:
        await service.ready()
        await service.furnish()
        await linked(service, telegram)
        booked = await service.book("b-1")
        assert booked["messages"][0]["kind"] == "booking_created"
        await telegram.called("sendMessage", 3)
        assert any("10 січня 2030" in (message.text or "") for message in telegram.chat(1001).messages)

        await service.call("PUT", "/clients/c2", {"name": "Іра", "phone": "+380501112233"})
        await service.book("b-2", "c2")
        ira = twilio.person("+380501112233", "Іра")
        await ira.says("Привіт")
        await twilio.called("create_message")
        await service.book("b-3", "c2")
        # Before the notice came the answer and the question about offers.
        told = await twilio.called("create_message", 3)
        assert any("10 січня 2030" in message.params["Body"] for message in told)

        async with service.http.get(f"{service.url}/metrics") as answer:
            shown = await answer.text()
        assert 'vizit_send_attempts_total{channel="telegram",outcome="sent"} 3.0' in shown
        assert "380671234567" not in shown and "1001" not in {
            part for line in shown.splitlines() for part in line.split('"')
        }
        assert await service.stop() == 0
    log = json.dumps(service.log, ensure_ascii=False)
    for secret in (ADMIN_KEY, SECRET, DEMO_TOKEN, twilio_emulator.DEMO_TOKEN, service.key, "380671234567", "Олена"):
        assert secret not in log
    assert not [entry for entry in service.log if entry["level"] not in ("info",)]


async def test_updates_come_by_webhook_once_telegram_was_told_where(tmp_path: Path, telegram: TelegramEmulator) -> None:
    port = free_port()
    async with serving(tmp_path, **telegram_settings(telegram), **webhook_settings(port)) as service:
        await service.ready()
        (told,) = await telegram.called("setWebhook")
        assert told.params["url"] == f"http://127.0.0.1:{port}/telegram/webhook"
        await telegram.called("getMe")
        await service.furnish()
        await linked(service, telegram)
        assert not [call for call in telegram.calls if call.method == "getUpdates"]
        hook, update = f"{service.url}/telegram/webhook", told_by(1001, "Привіт")
        async with service.http.post(hook, json=update) as answer:
            assert answer.status == 401
        for _ in range(3):
            secret = {"X-Telegram-Bot-Api-Secret-Token": "hush-hush"}
            async with service.http.post(hook, json=update, headers=secret) as answer:
                assert answer.status == 200
        async with service.http.get(f"{service.url}/metrics") as answer:
            shown = await answer.text()
        assert 'vizit_webhook_duplicates_total{source="telegram"} 2.0' in shown
        assert 'vizit_auth_failures_total{surface="telegram"} 1.0' in shown
        assert await service.stop(signal.SIGINT) == 0


async def test_a_message_on_the_wire_is_finished_before_the_process_ends(
    tmp_path: Path, telegram: TelegramEmulator
) -> None:
    async with serving(tmp_path, **telegram_settings(telegram)) as service:
        await service.ready()
        await service.furnish()
        await linked(service, telegram)
        telegram.delay(0.5, "sendMessage")
        await service.book("b-1")
        await telegram.called("sendMessage", 3)
        assert await service.stop() == 0
    assert (await stored(tmp_path, "b-1"))["booking_created"] == "sent"


async def test_what_was_waiting_when_the_process_died_goes_out_when_it_lives_again(
    tmp_path: Path, telegram: TelegramEmulator
) -> None:
    settings = telegram_settings(telegram) | webhook_settings(free_port())
    async with serving(tmp_path, "--only", "web", **settings) as web:
        await web.ready()
        await telegram.called("setWebhook")
        await web.furnish()
        # Nobody takes the notice in hand before the link is heard.
        await web.call("PATCH", "/settings", {"channels": ["telegram"]})
        await follows_link(web, telegram)
        while not (await web.call("GET", "/clients/c1/export"))["addresses"]:
            pass
        await web.book("b-1")
        assert await telegram.idle()
        assert await web.stop(signal.SIGKILL) != 0
    assert (await stored(tmp_path, "b-1"))["booking_created"] != "sent"
    assert not [call for call in telegram.calls if call.method == "sendMessage"]
    async with serving(tmp_path, **settings) as service:
        await telegram.called("sendMessage", 3)
        assert await service.stop() == 0
    texts = [message.text for message in telegram.chat(1001).messages]
    assert [text for text in texts if "10 січня 2030" in text]


async def test_one_process_answers_while_another_sends(tmp_path: Path, telegram: TelegramEmulator) -> None:
    settings = telegram_settings(telegram)
    async with (
        serving(tmp_path, "--only", "web", **settings) as web,
        serving(tmp_path, "--only", "worker", **settings) as worker,
    ):
        await web.ready()
        await worker.ready()
        await web.furnish()
        await linked(web, telegram)
        await web.book("b-1")
        await telegram.called("sendMessage", 3)
        async with worker.http.get(f"{worker.url}/api/v1/salons") as answer:
            assert answer.status == 404
        assert await web.stop() == 0
        assert await worker.stop() == 0


async def test_a_provider_out_of_reach_at_the_start_is_tried_again(tmp_path: Path, telegram: TelegramEmulator) -> None:
    settings = telegram_settings(telegram)
    port = int(telegram.base_url.rpartition(":")[2])
    await telegram.stop()
    async with serving(tmp_path, **settings) as service:
        await service.ready()
        await service.furnish()
        await telegram.start(port=port)
        await telegram.called("getMe")
        await telegram.called("getMyCommands")
        await linked(service, telegram)
        assert await service.stop() == 0
    assert {"warning"} < {entry["level"] for entry in service.log}


async def test_without_any_channel_it_starts_and_warns(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        await service.ready()
        assert [entry["message"] for entry in service.log if entry["level"] == "warning"] == [
            "no channel is set up, so nothing will be sent: .env.example says how"
        ]
        assert await service.stop() == 0


async def test_an_address_that_is_taken_ends_with_1_and_one_line(tmp_path: Path, telegram: TelegramEmulator) -> None:
    taken = telegram.base_url.removeprefix("http://")
    async with serving(tmp_path, VIZIT_LISTEN=taken) as service:
        assert await service.ended() == 1
    assert [(entry["level"], "in use" in entry["message"]) for entry in service.log][-1] == ("error", True)
    assert not [entry for entry in service.log if "exception" in entry]


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config.of(
        admin_key=ADMIN_KEY, secret=SECRET, database=f"sqlite:///{tmp_path / 'vizit.db'}", listen="127.0.0.1:0"
    )


async def test_a_process_that_never_started_can_be_closed(config: Config) -> None:
    app = await build(config)
    await app.close()


async def test_time_can_be_set_for_the_playground_while_leases_live_by_the_true_clock(config: Config) -> None:
    app = await build(config, starts_at=4_000_000_000_000)
    assert 4_000_000_000_000 <= app.now() < 4_000_000_060_000
    assert app.store.clock() < 4_000_000_000_000
    await app.close()
