"""What the logs show, and what they never do, whoever logs it and however hostile it is."""

import io
import json
import logging
import re
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.logs import LONGEST, configure, one_line, redact

TOKEN = "4200000042:" + "AAEhBOweik6ad9r_QXMENQjcrGbqCr4K-bc"
KEY = "0d4f1c2b3a59687786958473625140ffeeddccbbaa"
TWILIO = "a1b2c3d4e5f60718293a4b5c6d7e8f90"
SID = "AC" + "0123456789abcdef" * 2

Start = Callable[[Literal["text", "json"]], io.StringIO]


@pytest.fixture
def start() -> Iterator[Start]:
    """Configures logging for one test, with some secrets; puts back what was there."""
    root, hook = logging.getLogger(), sys.excepthook
    handlers, level = root.handlers[:], root.level

    def begin(style: Literal["text", "json"]) -> io.StringIO:
        stream = io.StringIO()
        configure(style, [TOKEN, KEY, TWILIO], stream)
        return stream

    yield begin
    logging.captureWarnings(False)
    sys.excepthook = hook
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"POST https://api.telegram.org/bot{TOKEN}/sendMessage", "AAEhBO"),
        ("POST http://127.0.0.1:8081/bot42:ABC/getMe", "42:ABC"),
        ("Cannot connect to /bot4200000042%3AAAEhBOweik6ad9/getMe", "AAEhBO"),
        (f"the token is {TOKEN}", "AAEhBO"),
        ("mongodb://vizit:p4ss!word@db.local/vizit is gone", "p4ss"),
        ("Authorization: Bearer vz_live_abcdef0123456789", "abcdef"),
        (f"the key vizit_{'0' * 32}_q1w2-e3r4 is gone", "q1w2"),
        ("{'authorization': 'Basic QUM6c2VjcmV0'}", "QUM6"),
        ("headers Bearer vz_abcdef0123456789 sent", "vz_abcdef"),
        ("X-Telegram-Bot-Api-Secret-Token: hush-hush-hush", "hush"),
        ("X-Twilio-Signature=RSOYDt4T1cUTdK1PDd93/VVr8B8=", "RSOYDt"),
        ('{"secret": "whsec_MfKQ9r8GKYqrTwjU"}', "MfKQ"),
        ("auth_token=abc123&To=x", "abc123"),
        ("Cookie: session=deadbeefdeadbeef; theme=dark", "deadbeef"),
        ("GET /v/Q2hlY2sgdGhpcyBvdXQhISE HTTP/1.1", "Q2hl"),
        ("https://vizit.example/r/Q2hlY2sgdGhpcyBvdXQhISE", "Q2hl"),
        ("/s/Q2hlY2sgdGhpcyBvdXQhISE?go=1", "Q2hl"),
        ("https://t.me/vizit_bot?start=a1B2c3D4", "a1B2"),
        ("https://t.me/vizit_bot?startgroup=a1B2c3D4", "a1B2"),
        ("text='/start a1B2c3D4'", "a1B2"),
        ("/link@vizit_bot 7K2MQ9", "7K2MQ9"),
        (f"/2010-04-01/Accounts/{SID}/Messages.json", "0123456789ab"),
    ],
)
def test_no_secret_is_shown(text: str, secret: str) -> None:
    assert secret in text
    assert secret not in redact(text)
    assert "***" in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "+380671234567",
        "whatsapp:+380671234567",
        "+380 67 123 45 67",
        "+38 (067) 123-45-67",
        "GET /api/v1/clients?phone=%2B380671234567",
        "GET /api/v1/clients?phone=380671234567&limit=1",
        "phone_number='380671234567'",
        "(067) 123-45-67",
        "067 123 45 67",
        "0 (532) 123 45 67",
        "8 912 123-45-67",
        "0671234567",
    ],
)
def test_of_a_phone_the_last_two_digits_stay(text: str) -> None:
    shown = redact(text)
    assert not re.search(r"\d{3}.*\d{2}\b", shown.replace("v1", ""))
    assert shown.split("&")[0].rstrip("'").endswith("***67")


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22T23:59:59.123Z listening on http://127.0.0.1:8080",
        "2026-11-22 23:59:59 +02:00",
        "booking b-1 of 2026-11-27T15:00:00+02:00 moved",
        "message 5d41402abc4b2a76b9719d911017c592 was sent after 3 attempts",
        "took 0.1234567890123 s, 12345678 rows",
        "GET /api/v1/bookings/b-1/messages 200",
        "see /v1/settings and /robots.txt",
        "VIZIT_TELEGRAM_TOKEN is not set",
    ],
)
def test_what_helps_to_find_a_fault_is_left_alone(text: str) -> None:
    assert redact(text) == text


def test_a_twilio_name_keeps_what_finds_it_in_the_console() -> None:
    assert redact("SM0123456789abcdef0123456789abcdef failed") == "SM***cdef failed"


@given(st.text() | st.text(alphabet="+0123456789 ()-/vrsbot:=&%2B\n"))
def test_any_text_can_be_cleaned_and_stays_on_one_line(text: str) -> None:
    assert len(one_line(redact(text)).splitlines()) <= 1


def test_a_very_long_text_is_cut_before_a_word_so_that_no_secret_is_halved() -> None:
    padding = "x " * (LONGEST // 2 - 5)
    shown = redact(f"{padding}{TOKEN}")
    assert len(shown) <= LONGEST
    assert TOKEN[:8] not in shown


@pytest.mark.parametrize("style", ["text", "json"])
def test_secrets_are_blotted_out_of_messages_arguments_extras_and_exceptions(
    start: Start, style: Literal["text", "json"]
) -> None:
    stream = start(style)
    log = logging.getLogger("bot.test")
    log.info("sent to %s with %s", "+380671234567", KEY, extra={"key": KEY, "to": "+380671234567"})
    try:
        raise ValueError(f"cannot reach https://api.telegram.org/bot{TOKEN}/getMe for 380671234567")
    except ValueError:
        log.exception("request failed with %s", TWILIO)
    written = stream.getvalue()
    assert "ValueError" in written
    for secret in (KEY, TOKEN, "AAEhBO", TWILIO, "380671234567"):
        assert secret not in written


@pytest.mark.parametrize("style", ["text", "json"])
def test_a_hostile_name_cannot_begin_a_record_or_paint_the_terminal(
    start: Start, style: Literal["text", "json"]
) -> None:
    stream = start(style)
    name = "Eve\n2026-01-01T00:00:00.000Z INFO    bot: all is well\r\x1b[31m\u2028\u202e"
    logging.getLogger("bot.test").info("client %s", name, extra={"client": name})
    written = stream.getvalue()
    assert written.count("\n") == 1
    assert len(written.splitlines()) == 1
    assert "\x1b" not in written
    assert "\u202e" not in written


def test_a_traceback_stays_below_its_record(start: Start) -> None:
    stream = start("text")
    try:
        raise ValueError("one\n2026-01-01T00:00:00.000Z INFO    bot: forged")
    except ValueError:
        logging.getLogger("bot.test").exception("failed")
    first, *below = stream.getvalue().splitlines()
    assert first.endswith("ERROR   bot.test: failed")
    assert below
    assert all(line.startswith("    ") for line in below)


def test_a_json_record_is_one_object_with_utc_time_and_its_extras(start: Start) -> None:
    stream = start("json")
    logging.getLogger("bot.test").warning("slow", extra={"took": 1.5, "booking": "b-1"})
    entry = json.loads(stream.getvalue())
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", entry.pop("time"))
    assert entry == {"level": "warning", "logger": "bot.test", "message": "slow", "took": 1.5, "booking": "b-1"}


def test_arguments_that_do_not_fit_their_message_are_not_printed(
    start: Start, capfd: pytest.CaptureFixture[str]
) -> None:
    stream = start("text")
    logging.getLogger("bot.test").info("%d visits", KEY)
    assert "%d visits" in stream.getvalue()
    assert KEY not in stream.getvalue() + capfd.readouterr().err


def test_a_record_that_cannot_be_written_says_so_without_its_content(
    start: Start, capfd: pytest.CaptureFixture[str]
) -> None:
    start("text").close()
    logging.getLogger("bot.test").info("sent with %s", KEY)
    assert capfd.readouterr().err == "a log record of bot.test could not be written\n"


@pytest.mark.parametrize("library", ["twilio.http_client", "aiogram.event", "aiohttp.access", "apscheduler.executors"])
def test_libraries_that_log_whole_requests_are_quieter(start: Start, library: str) -> None:
    stream = start("text")
    logging.getLogger(library).info("POST /Messages.json Body=Hello")
    assert stream.getvalue() == ""
    logging.getLogger(library).warning("retrying")
    assert "retrying" in stream.getvalue()


def test_warnings_are_records_too(start: Start) -> None:
    stream = start("json")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)
        warnings.warn(f"unclosed session of bot{TOKEN}", ResourceWarning, stacklevel=1)
    assert json.loads(stream.getvalue())["logger"] == "py.warnings"
    assert TOKEN not in stream.getvalue()


def test_what_nobody_caught_is_a_record_too() -> None:
    code = f"import bot.logs; bot.logs.configure('json', ['{KEY}']); raise RuntimeError('broke on {KEY}')"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    entry = json.loads(ended.stderr)
    assert entry["level"] == "critical"
    assert "RuntimeError" in entry["exception"]
    assert KEY not in ended.stderr
