"""What comes in over HTTP: bookings, updates of Telegram, messages of Twilio; the service is a process of its own."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import ClientSession, TCPConnector
from twilio.request_validator import RequestValidator

from bench.measuring import ROOT, Figures, Sink, answer_for, percentile
from bench.ours import ACCOUNT, KEY, TELEGRAM_SECRET, TWILIO_TOKEN, at_rest
from bench.salon import MASTERS, SERVICES, chat, phone
from bot.loops import complete
from tests.support.mongod import free_port

BATCH = 100
UPDATES_A_SECOND = 100
FORMS_A_SECOND = 200
WARM = 20
"""Calls that are not counted: they find connections closed and models unbuilt."""
STRANGERS = 2_000_000
"""From here on people are strangers to the salon."""


async def _serve(database: str, sink: str, port: int) -> Figures:
    app = await at_rest(database, sink, role=None, starts_at=int(time.time() * 1000), port=port)
    print(app.url, flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await app.close()
    return {}


@asynccontextmanager
async def _running(database: str, sink: str) -> AsyncIterator[str]:
    orders = json.dumps({"database": database, "sink": sink, "port": free_port()})
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.edges", "serve", orders), cwd=ROOT, stdin=pipe, stdout=pipe
    )
    assert process.stdin and process.stdout
    try:
        yield (await process.stdout.readline()).decode().strip()
    finally:
        process.stdin.close()
        await process.stdout.read()
        await process.wait()


async def _measure(database: str, sink: str, number: int, last_s: float) -> Figures:
    """`number` bookings each way, then `last_s` seconds of updates and of forms. Milliseconds and calls a second."""
    async with _running(database, sink) as url, ClientSession(connector=TCPConnector(limit=200)) as http:
        figures = await _bookings(http, url, number)
        figures |= await _updates(http, url, Sink(sink), int(last_s * UPDATES_A_SECOND))
        return figures | await _forms(http, url, int(last_s * FORMS_A_SECOND))


async def _call(http: ClientSession, method: str, url: str, **given: Any) -> Any:
    async with http.request(method, url, **given) as answer:
        said = await answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {url.partition('127.0.0.1')[2]}: {answer.status} {said[:200]!r}")
        return said


async def _bookings(http: ClientSession, url: str, number: int) -> Figures:
    api, admin = f"{url}/api/v1", {"Authorization": f"Bearer {KEY}"}
    made = json.loads(await _call(http, "POST", f"{api}/businesses/b/keys", json={}, headers=admin))
    headers = {"Authorization": f"Bearer {made['key']}"}
    start = time.perf_counter()
    for first in range(0, number, BATCH):
        items = [{"id": f"batch-{n}", **_booking(n)} for n in range(first, min(number, first + BATCH))]
        said = await _call(http, "POST", f"{api}/bookings:batch", json={"items": items}, headers=headers)
        if any(result["status"] != 201 for result in json.loads(said)["items"]):
            raise RuntimeError(f"a batch was not stored: {said[:300]!r}")
    batches = time.perf_counter() - start
    took = []
    for n in range(number):
        start = time.perf_counter()
        await _call(http, "PUT", f"{api}/bookings/one-{n}", json=_booking(n), headers=headers)
        took.append(1000 * (time.perf_counter() - start))
    return {
        "batch_rate": number / batches,
        "one_rate": 1000 * number / sum(took),
        "one_p50_ms": percentile(took, 0.5),
        "one_p99_ms": percentile(took, 0.99),
    }


def _booking(number: int) -> dict[str, Any]:
    return {
        "salon": "s",
        "client": {"id": f"c{number}"},
        "master": f"m{number % len(MASTERS)}",
        "services": [SERVICES[number % len(SERVICES)][0]],
        "starts_at": "2030-01-10T15:00:00+02:00",
        "notify": {"created": False},
    }


async def _steadily(number: int, a_second: int, one: Callable[[int], Awaitable[None]]) -> None:
    """Begin `one` so many times a second, whether those before are done or not."""
    start, tasks = time.perf_counter(), []
    for n in range(number):
        await asyncio.sleep(max(0.0, start + n / a_second - time.perf_counter()))
        tasks.append(asyncio.ensure_future(one(n)))
    await asyncio.gather(*tasks)


async def _updates(http: ClientSession, url: str, sink: Sink, number: int) -> Figures:
    """From an update that is posted to the answer that reaches Telegram; each of another client."""
    sent: dict[str, float] = {}

    async def one(n: int) -> None:
        user = {"id": int(chat(n)), "is_bot": False, "first_name": "Олена", "language_code": "uk"}
        talk = {"id": int(chat(n)), "type": "private", "first_name": "Олена"}
        said = {"message_id": 1, "date": int(time.time()), "chat": talk, "from": user, "text": "/help"}
        sent[chat(n)] = time.time()
        headers = {"X-Telegram-Bot-Api-Secret-Token": TELEGRAM_SECRET}
        body = {"update_id": n, "message": said}
        await _call(http, "POST", f"{url}/telegram/webhook", json=body, headers=headers)

    for n in range(STRANGERS, STRANGERS + WARM):
        await one(n)
    await asyncio.to_thread(sink.wait, WARM, 30)
    sent.clear()
    await asyncio.to_thread(sink.reset)
    await _steadily(number, UPDATES_A_SECOND, one)
    await asyncio.to_thread(sink.wait, number, 30)
    tally = await asyncio.to_thread(sink.tally)
    took = [1000 * (at - sent[to]) for to, at in tally["first"].items() if to in sent]
    return {"update_p50_ms": percentile(took, 0.5), "update_p99_ms": percentile(took, 0.99)}


async def _forms(http: ClientSession, url: str, number: int) -> Figures:
    """From a form of Twilio's until it is answered."""
    validator, address, took = RequestValidator(TWILIO_TOKEN), f"{url}/twilio/inbound", []

    async def one(n: int) -> None:
        whom = phone(STRANGERS + n)
        form = {
            "MessageSid": f"SM{n:032x}",
            "AccountSid": ACCOUNT,
            "From": f"whatsapp:{whom}",
            "To": "whatsapp:+14155238886",
            "Body": "Добрий день",
            "WaId": whom[1:],
            "ProfileName": "Олена",
            "NumMedia": "0",
        }
        headers = {"X-Twilio-Signature": validator.compute_signature(address, form)}
        start = time.perf_counter()
        await _call(http, "POST", address, data=form, headers=headers)
        took.append(1000 * (time.perf_counter() - start))

    for n in range(WARM):
        await one(number + n)
    took.clear()
    await _steadily(number, FORMS_A_SECOND, one)
    return {"form_p50_ms": percentile(took, 0.5), "form_p99_ms": percentile(took, 0.99)}


if __name__ == "__main__":
    answer_for(
        {
            "serve": lambda **given: complete(_serve(**given)),
            "measure": lambda **given: complete(_measure(**given)),
        }
    )
