"""What only pretends to come from Telegram or Twilio is refused, has no effect, and breaks nothing; a true one has one."""

import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from twilio.request_validator import RequestValidator

from bot.app import App
from bot.telegram_inbound import PATH as TELEGRAM
from bot.telegram_inbound import SECRET_HEADER
from bot.twilio_inbound import PATH as TWILIO
from bot.twilio_inbound import SIGNATURE_HEADER
from storage.records import InboxEvent
from tests.security.service import PUBLIC, TELEGRAM_SECRET, TWILIO_TOKEN, Client, everything, service

SID = "SM" + "a" * 32
UPDATE = {
    "update_id": 5,
    "message": {
        "message_id": 9,
        "date": 1,
        "chat": {"id": 7, "type": "private", "first_name": "О"},
        "from": {"id": 7, "is_bot": False, "first_name": "О"},
        "text": "так",
    },
}
FORM = {
    "MessageSid": SID,
    "From": "whatsapp:+905321234567",
    "To": "whatsapp:+14155550100",
    "Body": "Evet",
    "NumMedia": "0",
}
GOOD_BODY = json.dumps(UPDATE).encode()
DEEP = b"[" * 100_000

WRONG_SECRETS: tuple[dict[str, bytes], ...] = (
    {},
    *({SECRET_HEADER: value} for value in (
        b"", b" ", b"wrong", b"null", TELEGRAM_SECRET.upper().encode(), TELEGRAM_SECRET[:-1].encode(),
        TELEGRAM_SECRET.encode() + b"x", b"x" + TELEGRAM_SECRET.encode(), TELEGRAM_SECRET[::-1].encode(), b"A" * 4000,
        "секрет".encode(), b"\xff\xfe", b"%68ush-hush-4711", b"hush-hush-4711,hush-hush-4711", b"Bearer hush-hush-4711",
    )),
    {"X-Forwarded-For": b"149.154.167.220"}, {"Authorization": TELEGRAM_SECRET.encode()}, {"Secret-Token": b"hush"},
)  # fmt: skip
WRONG_UPDATES: tuple[bytes, ...] = (
    b"", b" ", b"{", b"null", b"true", b"5", b'"x"', b"[]", b"{}", b"[{}]", DEEP, b'{"a":' * 50_000, b"\xff\xfe\xfa", b"\x00",
    b'{"update_id": "5"}', b'{"update_id": null}', b'{"update_id": 5.5}', b'{"update_id": true}', b'{"update_id": []}',
    b'{"update_id": 1' + b"0" * 5000 + b"}", b"update_id=5", b"<xml/>", b"NaN", b'{"update_id": NaN}',
    GOOD_BODY[:-1], b"x" + GOOD_BODY,
)  # fmt: skip


def signature(fields: Mapping[str, str], url: str = PUBLIC + TWILIO, token: str = TWILIO_TOKEN) -> str:
    return str(RequestValidator(token).compute_signature(url, fields))


RIGHT = signature(FORM)
WRONG_SIGNATURES: tuple[str | None, ...] = (
    None, "", " ", "x", "=", RIGHT[:-1], RIGHT + "=", RIGHT.lower(), RIGHT[::-1], "0" * 28, "A" * 4000, f"{RIGHT},{RIGHT}",
    signature(FORM, token="0" * 32), signature(FORM, token=""), signature({}),
    signature(FORM, f"http://salon.example/vizit{TWILIO}"),
    signature(FORM, f"https://salon.example{TWILIO}"), signature(FORM, f"https://other.example/vizit{TWILIO}"),
    signature(FORM, f"{PUBLIC}{TWILIO}/"), signature(FORM, f"{PUBLIC}{TWILIO}?a=1"),
    signature(FORM, f"{PUBLIC}/twilio/status/x"),
    signature({**FORM, "Body": "Hayır"}), signature({**FORM, "Extra": "1"}), signature({"MessageSid": SID}),
)  # fmt: skip
CHANGED_FORMS: tuple[bytes, ...] = (
    b"", b"{}", b"\xff\xfe", DEEP, json.dumps(FORM).encode(), b"a=%zz", b"&" * 1000, b"=",
    urlencode({**FORM, "Body": "Hayır"}).encode(), urlencode({**FORM, "Extra": "1"}).encode(),
    urlencode({name: value for name, value in FORM.items() if name != "NumMedia"}).encode(),
    urlencode([*FORM.items(), ("Body", "Hayır")]).encode(), urlencode({**FORM, "MessageSid": "SM" + "b" * 32}).encode(),
    urlencode({**FORM, "From": "whatsapp:+380671234567"}).encode(), urlencode({f"x{n}": "1" for n in range(300)}).encode(),
    urlencode({name.lower(): value for name, value in FORM.items()}).encode(),
)  # fmt: skip
FORM_TYPE = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
async def called(tmp_path: Path) -> AsyncIterator[tuple[App, Client]]:
    async with service(tmp_path) as both:
        yield both


async def refused(app: App, client: Client, path: str, data: bytes, headers: Mapping[str, Any], what: object) -> None:
    raw = {name: value.decode("latin-1") if isinstance(value, bytes) else value for name, value in headers.items()}
    answer = await client.post(path, data=data, headers=raw)
    assert 400 <= answer.status < 500, (what, answer.status)
    await app.inbox.idle()


def test_there_are_forty_of_each() -> None:
    assert len(WRONG_SECRETS) + len(WRONG_UPDATES) >= 40
    assert len(WRONG_SIGNATURES) + len(CHANGED_FORMS) >= 40


async def test_what_does_not_come_from_telegram_is_refused_without_any_effect(called: tuple[App, Client]) -> None:
    app, client = called
    for headers in WRONG_SECRETS:
        await refused(app, client, TELEGRAM, GOOD_BODY, {"Content-Type": "application/json", **headers}, headers)
    for body in WRONG_UPDATES:
        good = {"Content-Type": "application/json", SECRET_HEADER: TELEGRAM_SECRET}
        await refused(app, client, TELEGRAM, body, good, body[:60])
    assert await everything(app) == {}


async def test_what_does_not_come_from_twilio_is_refused_without_any_effect(called: tuple[App, Client]) -> None:
    app, client = called
    body = urlencode(FORM).encode()
    for wrong in WRONG_SIGNATURES:
        given = {} if wrong is None else {SIGNATURE_HEADER: wrong}
        await refused(app, client, TWILIO, body, {**FORM_TYPE, **given}, wrong)
    for changed in CHANGED_FORMS:
        await refused(app, client, TWILIO, changed, {**FORM_TYPE, SIGNATURE_HEADER: RIGHT}, changed[:60])
    for path in ("/twilio/status/x", f"/twilio/status/{'a' * 32}", "/twilio/status/%00", f"{TWILIO}?a=1"):
        await refused(app, client, path, body, {**FORM_TYPE, SIGNATURE_HEADER: RIGHT}, path)
    assert await everything(app) == {}


async def test_a_true_request_a_hundred_times_has_one_effect(called: tuple[App, Client]) -> None:
    app, client = called
    for _ in range(100):
        answer = await client.post(TELEGRAM, data=GOOD_BODY, headers={SECRET_HEADER: TELEGRAM_SECRET})
        assert answer.status == 200
        answer = await client.post(TWILIO, data=urlencode(FORM), headers={**FORM_TYPE, SIGNATURE_HEADER: RIGHT})
        assert answer.status == 200
    await app.inbox.idle()
    assert sorted(event.id for event in await app.store.find(InboxEvent, {})) == ["telegram:123456-5", f"twilio:{SID}"]
    found = await everything(app)
    assert len(found["Message"]) <= 2


@pytest.mark.parametrize("path", [TELEGRAM, TWILIO, "/api/v1/salons/s"])
async def test_a_body_of_a_hundred_megabytes_is_cut_off(called: tuple[App, Client], path: str) -> None:
    app, client = called
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(100 * 16):
            sent += 65_536
            yield b"x" * 65_536

    headers = {SECRET_HEADER: TELEGRAM_SECRET, SIGNATURE_HEADER: RIGHT, "Content-Type": "application/json"}
    if path.startswith("/api"):
        headers["Authorization"] = "Bearer an-admin-key-that-is-long-enough-4711"
    try:
        answer = await client.request("PUT" if "/api" in path else "POST", path, data=endless(), headers=headers)
        assert answer.status == 413
    except OSError:
        # The connection may be closed in the caller's face before it has read the answer.
        assert sent < 100 * 1024 * 1024
    assert sent < 20 * 1024 * 1024
    assert await everything(app) == {}
