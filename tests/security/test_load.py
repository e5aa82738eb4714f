"""Whoever keeps the service busy is limited, and everybody else is answered meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.app import App
from tests.security.service import ADMIN_KEY, Client, service

SLOW = 200


@pytest.fixture
async def called(tmp_path: Path) -> AsyncIterator[tuple[App, Client]]:
    async with service(tmp_path) as both:
        yield both


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"POST /twilio/inbound HT",
        b"POST /twilio/inbound HTTP/1.1\r\nHost: x\r\nX-Twilio-Signature: x\r\n",
        b"POST /twilio/inbound HTTP/1.1\r\nHost: x\r\nX-Twilio-Signature: x\r\nContent-Length: 1000\r\n\r\nBody",
        b"PUT /api/v1/salons/s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{",
    ],
    ids=("silent", "half a line", "half a head", "half a form", "half a body"),
)
async def test_two_hundred_connections_that_say_nothing_more_hold_up_nobody(
    called: tuple[App, Client], begun: bytes
) -> None:
    _, client = called
    host, port = client.host, client.port
    opened = [await asyncio.open_connection(host, port) for _ in range(SLOW)]
    for _, writer in opened:
        writer.write(begun)
        await writer.drain()
    try:
        for _ in range(20):
            assert (await client.get("/healthz")).status == 200
            assert (await client.get("/v/nothing")).status in (404, 429)
    finally:
        for _, writer in opened:
            writer.close()


async def test_a_thousand_wrong_keys_are_answered_with_a_limit_and_the_right_one_still_opens(
    called: tuple[App, Client],
) -> None:
    _, client = called
    right = {"Authorization": f"Bearer {ADMIN_KEY}"}
    assert (await client.put("/api/v1/businesses/a", json={"name": "x"}, headers=right)).status == 201

    async def guess(number: int) -> int:
        answer = await client.get("/api/v1/salons", headers={"Authorization": f"Bearer guess-{number}"})
        return answer.status

    statuses: list[int] = []
    for first in range(0, 1000, 50):
        statuses += await asyncio.gather(*(guess(number) for number in range(first, first + 50)))
    assert statuses.count(401) <= 60 and set(statuses) == {401, 429}
    assert (await client.get("/api/v1/businesses/a", headers=right)).status == 200
