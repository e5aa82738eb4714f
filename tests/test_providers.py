"""Which channels the settings of the process switch on, and who carries them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from secrets import token_hex
from typing import Any

import pytest

from bot.config import Config
from bot.providers import Provider, SalonPhone, providers
from handlers.turn import Links
from storage.opening import open_store
from tests.support.inboxes import NOW

TWILIO = {
    "twilio_account_sid": "AC" + "0" * 32,
    "twilio_auth_token": "token",
    "public_url": "https://salon.example",
}
SERVICE = {"twilio_messaging_service": "MG" + "0" * 32}
WHATSAPP = {"twilio_whatsapp_from": "+14155550100"}
SMS = {"twilio_sms_from": "Lale Kuafor"}
PHONE = {"sms_gateway_url": "http://127.0.0.1:9", "sms_gateway_user": "u", "sms_gateway_password": "p"}


@asynccontextmanager
async def made(**settings: Any) -> AsyncIterator[list[Provider]]:
    config = Config.of(admin_key=token_hex(32), secret=token_hex(32), **settings)
    store = await open_store("sqlite:///:memory:")
    found = providers(config, Links(config.public_url, b"secret"), store, lambda: NOW)
    yield found
    for one in found:
        await one.close()
    await store.close()


@pytest.mark.parametrize(
    ("settings", "channels"),
    [
        ({}, []),
        (TWILIO | WHATSAPP, ["whatsapp"]),
        (TWILIO | SMS, ["sms"]),
        (TWILIO | SERVICE, ["sms"]),
        (TWILIO | WHATSAPP | SMS, ["whatsapp", "sms"]),
        (TWILIO | WHATSAPP | SERVICE, ["whatsapp"]),
        (TWILIO | WHATSAPP | SERVICE | SMS, ["whatsapp", "sms"]),
        (PHONE, ["sms"]),
        (TWILIO | SMS | PHONE, ["sms"]),
        (TWILIO | WHATSAPP | PHONE, ["whatsapp", "sms"]),
    ],
)
async def test_channels_are_on_whose_sender_is_named(settings: dict[str, str], channels: list[str]) -> None:
    async with made(**settings) as found:
        assert [channel.name for one in found for channel in one.channels] == channels


@pytest.mark.parametrize(
    ("settings", "carriers"),
    [
        (PHONE, ["GatewayTexts"]),
        (TWILIO | WHATSAPP | PHONE, ["GatewayTexts"]),
        (TWILIO | SMS | PHONE, ["GatewayTexts", "TwilioTexts"]),
        (TWILIO | SMS, ["TwilioTexts"]),
    ],
)
async def test_the_salons_phone_comes_before_twilio(settings: dict[str, str], carriers: list[str]) -> None:
    async with made(**settings) as found:
        channel: Any = next(channel for one in found for channel in one.channels if channel.name == "sms")
        assert [type(carrier).__name__ for carrier in channel._carriers] == carriers


@pytest.mark.parametrize(("public", "routes", "jobs"), [("https://salon.example", 1, 1), (None, 0, 0)])
async def test_without_a_public_address_nothing_is_heard_from_the_phone_but_what_it_is_asked_for(
    public: str | None, routes: int, jobs: int
) -> None:
    async with made(**PHONE, **({"public_url": public} if public else {})) as found:
        phone = found[0]
        assert isinstance(phone, SalonPhone)
        inbox: Any = None
        attached = phone.attach(inbox, inbox)
        assert (len(attached.routes), len(attached.serving)) == (routes, jobs)
        assert [tick.name for tick in attached.ticks] == ["sms reports"]
