"""What each error of a provider means to us."""

import json
from collections.abc import Callable

import aiohttp
import pytest
from aiogram.exceptions import (
    ClientDecodeError,
    RestartingTelegram,
    TelegramAPIError,
    TelegramBadRequest,
    TelegramConflictError,
    TelegramEntityTooLarge,
    TelegramForbiddenError,
    TelegramMigrateToChat,
    TelegramNetworkError,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramServerError,
    TelegramUnauthorizedError,
)
from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException

from bot.telegram_calls import SendText
from bot.telegram_codes import telegram_error
from bot.twilio_codes import twilio_error, twilio_verdict
from handlers.channel import SendError

CALL = SendText(parameters={"chat_id": 501, "text": "x"})
HERE = ("localhost", 443)
TARGET = aiohttp.client_reqrep.ConnectionKey("localhost", 443, True, True, None, None, None)

DEAD = ("permanent", True)
REFUSED = ("permanent", False)
AGAIN = ("not_sent", False)
UNCERTAIN = ("unknown", False)


def gist(error: SendError) -> tuple[str, bool]:
    return error.outcome, error.address_dead


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (TelegramForbiddenError(CALL, "Forbidden: bot was blocked by the user"), DEAD),
        (TelegramForbiddenError(CALL, "Forbidden: user is deactivated"), DEAD),
        (TelegramForbiddenError(CALL, "Forbidden: bot can't initiate conversation with a user"), DEAD),
        (TelegramForbiddenError(CALL, "Forbidden: bot was kicked from the supergroup chat"), DEAD),
        (TelegramForbiddenError(CALL, "Forbidden: bot is not a member of the channel chat"), DEAD),
        (TelegramForbiddenError(CALL, "Forbidden: something new"), DEAD),
        (TelegramBadRequest(CALL, "Bad Request: chat not found"), DEAD),
        (TelegramBadRequest(CALL, "Bad Request: PEER_ID_INVALID"), DEAD),
        (TelegramBadRequest(CALL, "Bad Request: group chat was upgraded to a supergroup chat"), DEAD),
        (TelegramBadRequest(CALL, "Bad Request: not enough rights to send text messages to the chat"), DEAD),
        (TelegramBadRequest(CALL, "Bad Request: have no rights to send a message"), DEAD),
        (TelegramBadRequest(CALL, "Bad Request: CHAT_WRITE_FORBIDDEN"), DEAD),
        (TelegramBadRequest(CALL, "Bad Request: message to edit not found"), REFUSED),
        (TelegramBadRequest(CALL, "Bad Request: message can't be edited"), REFUSED),
        (TelegramBadRequest(CALL, "Bad Request: message is too long"), REFUSED),
        (TelegramBadRequest(CALL, "Bad Request: BUTTON_DATA_INVALID"), REFUSED),
        (TelegramEntityTooLarge(CALL, "Request Entity Too Large"), REFUSED),
        (TelegramUnauthorizedError(CALL, "Unauthorized"), AGAIN),
        (TelegramNotFound(CALL, "Not Found"), AGAIN),
        (TelegramConflictError(CALL, "Conflict"), AGAIN),
        (TelegramRetryAfter(CALL, "Too Many Requests", 5), AGAIN),
        (TelegramMigrateToChat(CALL, "upgraded", -1005), AGAIN),
        (TelegramAPIError(CALL, "Too Many Requests"), AGAIN),
        (TelegramAPIError(CALL, "Something new"), AGAIN),
        (TelegramServerError(CALL, "Bad Gateway"), UNCERTAIN),
        (RestartingTelegram(CALL, "restart"), UNCERTAIN),
        (ClientDecodeError("x", ValueError(), "<html>"), UNCERTAIN),
        (TypeError("argument of type 'NoneType' is not iterable"), UNCERTAIN),
        (UnicodeEncodeError("utf-8", "\ud83d", 0, 1, "surrogates not allowed"), REFUSED),
    ],
    ids=lambda value: str(value) if isinstance(value, Exception) else None,
)
def test_telegrams_errors(error: Exception, expected: tuple[str, bool]) -> None:
    assert gist(telegram_error(error, "501")) == expected


@pytest.mark.parametrize(
    ("cause", "outcome", "code"),
    [
        (aiohttp.ClientConnectorError(TARGET, ConnectionRefusedError(111, "refused")), "not_sent", "network"),
        (aiohttp.ClientConnectorDNSError(TARGET, OSError(-2, "unknown name")), "not_sent", "network"),
        (aiohttp.ClientProxyConnectionError(TARGET, OSError(111, "refused")), "not_sent", "network"),
        (aiohttp.ConnectionTimeoutError(), "not_sent", "timeout"),
        (aiohttp.ServerFingerprintMismatch(b"a", b"b", "h", 1), "not_sent", "network"),
        (aiohttp.InvalidURL("x"), "not_sent", "network"),
        (TimeoutError(), "unknown", "timeout"),
        (aiohttp.SocketTimeoutError(), "unknown", "timeout"),
        (aiohttp.ServerDisconnectedError(), "unknown", "network"),
        (aiohttp.ClientOSError(104, "reset by peer"), "unknown", "network"),
        (aiohttp.ClientConnectionResetError(), "unknown", "network"),
        (aiohttp.ClientPayloadError(), "unknown", "network"),
        (None, "unknown", "network"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_only_what_never_left_is_surely_not_sent(cause: Exception | None, outcome: str, code: str) -> None:
    error = TelegramNetworkError(CALL, "https://api.telegram.org/bot42:SECRET/sendMessage")
    error.__cause__ = cause
    judged = [telegram_error(error, "501")]
    if cause is not None:
        judged.append(twilio_error(cause))
    for one in judged:
        assert (one.outcome, one.code, one.address_dead) == (outcome, code, False)
        assert "SECRET" not in str(one)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (20003, AGAIN), (20429, AGAIN), (20500, UNCERTAIN), (21211, DEAD), (21408, REFUSED), (21610, DEAD),
        (21611, AGAIN), (21614, DEAD), (21635, DEAD), (21617, REFUSED), (21656, REFUSED), (30001, AGAIN),
        (30003, AGAIN), (30004, DEAD), (30005, DEAD), (30006, DEAD), (30007, REFUSED), (30008, REFUSED),
        (63001, REFUSED), (63003, DEAD), (63005, REFUSED), (63007, REFUSED), (63012, AGAIN), (63013, REFUSED),
        (63014, DEAD), (63015, DEAD), (63016, REFUSED), (63018, AGAIN), (63021, REFUSED), (63024, DEAD),
        (63032, REFUSED), (63040, REFUSED), (63041, REFUSED), (63042, REFUSED), (63049, REFUSED), (63051, REFUSED),
        (63112, REFUSED), (92007, REFUSED), (99999, REFUSED),
    ],
)  # fmt: skip
def test_twilios_codes_at_once_and_by_callback(code: int, expected: tuple[str, bool]) -> None:
    error = twilio_error(TwilioRestException(400, "/Messages.json", "words", code))
    assert gist(error) == expected
    assert (error.code, error.text) == (str(code), "words")
    verdict = twilio_verdict("failed", str(code), "words")
    assert (verdict.permanent, verdict.address_dead) == (expected[0] == "permanent", expected[1])
    assert (verdict.status, verdict.code, verdict.text) == ("failed", str(code), "words")


@pytest.mark.parametrize(
    ("code", "template", "left"), [(63016, True, False), (63014, False, True), (21610, False, True)]
)
def test_a_closed_window_and_a_person_who_left_are_told_apart(code: int, template: bool, left: bool) -> None:
    error = twilio_error(TwilioRestException(400, "/", "", code))
    verdict = twilio_verdict("undelivered", str(code))
    assert (error.needs_template, error.opted_out) == (verdict.needs_template, verdict.opted_out) == (template, left)


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (429, 429, AGAIN),
        (401, 401, AGAIN),
        (403, None, AGAIN),
        (404, 20404, AGAIN),
        (400, None, REFUSED),
        (500, 500, UNCERTAIN),
        (502, None, UNCERTAIN),
        (503, 20503, UNCERTAIN),
    ],
)
def test_without_a_known_code_the_status_counts(status: int, code: int | None, expected: tuple[str, bool]) -> None:
    error = twilio_error(TwilioRestException(status, "/", "words", code))
    assert gist(error) == expected
    assert error.code == str(code or status)


@pytest.mark.parametrize("make", [TwilioException, RuntimeError, AttributeError])
def test_an_error_that_nobody_thought_of_leaves_it_open_whether_the_message_went(make: Callable[[], Exception]) -> None:
    assert twilio_error(make()).outcome == "unknown"
    assert telegram_error(make(), "501").outcome == "unknown"


def test_an_answer_that_is_no_json_leaves_it_open_whether_the_message_went() -> None:
    assert twilio_error(json.JSONDecodeError("x", "<html>", 0)).outcome == "unknown"


def test_twilios_newer_errors_mean_the_same() -> None:
    error = twilio_error(TwilioServiceException("https://…", "Invalid", 400, 21211, "no such phone"))
    assert (gist(error), error.code, error.text) == (DEAD, "21211", "no such phone")
    assert twilio_error(TwilioServiceException("https://…", "Trouble", 503, 99)).text == "Trouble"


@pytest.mark.parametrize("code", [None, "", "abc", "²", "0"])
def test_a_failure_without_a_code_is_for_the_next_channel(code: str | None) -> None:
    verdict = twilio_verdict("undelivered", code)
    assert verdict.permanent and not verdict.address_dead


def test_wrong_credentials_and_full_queues_hold_up_the_whole_channel() -> None:
    for error in (
        telegram_error(TelegramUnauthorizedError(CALL, "Unauthorized"), "501"),
        twilio_error(TwilioRestException(401, "/", "", 20003)),
        twilio_error(TwilioRestException(429, "/", "", 20429)),
    ):
        assert error.scope == "channel" and (error.retry_after or 0) > 0
