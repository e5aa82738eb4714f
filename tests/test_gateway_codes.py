"""What each answer and each report of SMS Gateway for Android means to us."""

import json

import aiohttp
import pytest
from android_sms_gateway.domain import MessageState, RecipientState
from android_sms_gateway.enums import ProcessState
from android_sms_gateway.errors import APIError, error_from_status

from bot.gateway_codes import GATEWAY_STATES, gateway_error, gateway_verdict
from handlers.channel import SendError
from handlers.receipts import WORDS

TARGET = aiohttp.client_reqrep.ConnectionKey("localhost", 443, True, True, None, None, None)
DEAD = ("permanent", True)
REFUSED = ("permanent", False)
AGAIN = ("not_sent", False)
UNCERTAIN = ("unknown", False)


def gist(error: SendError) -> tuple[str, bool]:
    return error.outcome, error.address_dead


@pytest.mark.parametrize(
    ("status", "words", "expected"),
    [
        (400, "No message content provided", REFUSED),
        (400, "failed to select device: record not found", REFUSED),
        (400, "failed to enqueue message: can't use phone in row 1: invalid phone number", DEAD),
        (400, "can't use phone in row 1: not mobile phone number", DEAD),
        (400, "can't use phone in row 1: can't parse phone number: the string is too short", DEAD),
        (401, "Unauthorized", AGAIN),
        (403, "Forbidden", AGAIN),
        (404, "Cannot POST /messages", AGAIN),
        (413, "Request Entity Too Large", REFUSED),
        (429, "Too Many Requests", AGAIN),
        (500, "failed to handle request", UNCERTAIN),
        (502, "", UNCERTAIN),
        (503, "queue limits exceeded: too many pending messages: 100 / 100", REFUSED),
        (503, "Queue limits exceeded: too old pending message", REFUSED),
        (503, "Service Unavailable", UNCERTAIN),
        (504, "", UNCERTAIN),
        (418, "", REFUSED),
    ],
)
def test_an_answer_means_what_the_table_says(status: int, words: str, expected: tuple[str, bool]) -> None:
    error = gateway_error(error_from_status("x", status, {"message": words}))
    assert (gist(error), error.code, error.text) == (expected, str(status), words)


@pytest.mark.parametrize("answer", [None, {}, {"error": "x"}])
def test_an_answer_without_words_is_judged_by_its_status(answer: dict[str, str] | None) -> None:
    assert gist(gateway_error(APIError("x", 400, answer))) == REFUSED


def test_wrong_credentials_and_too_many_calls_hold_up_the_whole_channel_for_a_minute() -> None:
    errors = [gateway_error(error_from_status("x", status)) for status in (401, 403, 404, 429)]
    assert {(error.scope, error.retry_after) for error in errors} == {("channel", 60_000)}


@pytest.mark.parametrize(
    ("error", "expected", "code"),
    [
        (aiohttp.ClientConnectorError(TARGET, OSError()), AGAIN, "network"),
        (aiohttp.ConnectionTimeoutError(), AGAIN, "timeout"),
        (aiohttp.ServerDisconnectedError(), UNCERTAIN, "network"),
        (TimeoutError(), UNCERTAIN, "timeout"),
        (json.JSONDecodeError("x", "", 0), UNCERTAIN, "undecodable"),
        (KeyError("id"), UNCERTAIN, "undecodable"),
        (ValueError("'Scheduled' is not a valid ProcessState"), UNCERTAIN, "undecodable"),
        (UnicodeEncodeError("utf-8", "\ud800", 0, 1, "x"), REFUSED, "unencodable"),
    ],
)
def test_a_failure_of_the_wire_means_what_it_says_of_the_request(
    error: Exception, expected: tuple[str, bool], code: str
) -> None:
    meant = gateway_error(error)
    assert (gist(meant), meant.code) == (expected, code)


def report(state: ProcessState, reason: str | None = None) -> MessageState:
    return MessageState("m", state, [RecipientState("+380671234567", state, reason)], False, False)


def test_every_state_has_a_word_that_moves_a_message_on() -> None:
    assert set(GATEWAY_STATES) == set(ProcessState)
    assert set(GATEWAY_STATES.values()) <= set(WORDS)


@pytest.mark.parametrize(
    ("state", "status"),
    [
        (ProcessState.Pending, "sent"),
        (ProcessState.Processed, "sent"),
        (ProcessState.Sent, "sent"),
        (ProcessState.Delivered, "delivered"),
        (ProcessState.Failed, "failed"),
        (ProcessState.Cancelled, "failed"),
    ],
)
def test_a_state_stands_for_one_of_ours(state: ProcessState, status: str) -> None:
    assert WORDS[gateway_verdict(report(state)).status] == status


@pytest.mark.parametrize(
    ("reason", "code", "permanent"),
    [
        ("TTL expired", "TTL expired", True),
        ("Can't send message: No SIMs found", "No SIMs found", True),
        ("Send result: RESULT_ERROR_LIMIT_EXCEEDED (we reached the limit)", "RESULT_ERROR_LIMIT_EXCEEDED", True),
        ("Send result: RESULT_ERROR_RADIO_OFF (the radio was turned off)", "RESULT_ERROR_RADIO_OFF", False),
        ("Send result: RESULT_ERROR_NO_SERVICE (currently unavailable)", "RESULT_ERROR_NO_SERVICE", False),
        ("Send result: RESULT_RIL_NETWORK_NOT_READY (not ready)", "RESULT_RIL_NETWORK_NOT_READY", False),
        ("Send result: RESULT_ERROR_GENERIC_FAILURE (Generic failure cause)", "failed", True),
        ("Delivery result from SC +380670000000: 69", "failed", True),
        ("Something new", "failed", True),
        (None, "failed", True),
    ],
)
def test_a_failure_has_the_reason_that_the_phone_gives(reason: str | None, code: str, permanent: bool) -> None:
    verdict = gateway_verdict(report(ProcessState.Failed, reason))
    assert (verdict.status, verdict.code, verdict.text, verdict.permanent) == ("failed", code, reason or "", permanent)
    assert not verdict.address_dead


def test_what_arrived_with_a_remark_is_no_failure() -> None:
    verdict = gateway_verdict(report(ProcessState.Delivered, "Delivery result from SC +380670000000: 2"))
    assert (verdict.status, verdict.code, verdict.text) == ("delivered", "", "")
