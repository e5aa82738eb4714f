"""Which visits are doubtful, and which messages about them arrived."""

from dataclasses import replace
from typing import Any

import pytest

from handlers.day_cards import Doubt, doubt_of, reach_of, why_missed
from storage.records import Booking, Business, Message
from tools.specimen import BOOKING, BUSINESS, HELD, SALON, START

DAY = 86_400_000
NOW = START - DAY + 3 * 3_600_000
LONG_AGO = NOW - 3 * DAY
VISIT = replace(BOOKING, moved_revision=2, revision=5)


def told(**fields: Any) -> Message:
    """A reminder of the visit, due a little while ago."""
    given: dict[str, Any] = {
        "id": "r", "status": "sent", "channel": "telegram", "client": "c1", "booking": "b-1", "revision": 3,
        "held": False, "due_at": NOW - 3_600_000, "sent_at": NOW - 3_600_000,
    }  # fmt: skip
    return replace(HELD, **{**given, **fields})


def reach(*rows: Message, booking: Booking = VISIT) -> str | None:
    return reach_of(booking, rows, NOW, DAY)[0]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (told(), "delivered"),
        (told(channel="manual"), "delivered"),
        (told(channel="whatsapp", status="read"), "read"),
        (told(channel="whatsapp", status="delivered"), "unread"),
        (told(channel="sms", status="delivered"), "delivered"),
        (told(channel="whatsapp"), "unreached"),
        (told(channel="whatsapp", sent_at=LONG_AGO), "unreached"),
        (told(status="failed"), "unreached"),
        (told(status="expired", reason="too_late"), "unreached"),
        (told(status="unknown"), "unreached"),
        (told(status="planned", held=True, channel="manual"), "unreached"),
        (told(status="cancelled", reason="by_staff"), None),
        (told(status="skipped", reason="no_channel"), "unreached"),
        (told(status="skipped", reason="opted_out"), "unreached"),
        (told(status="skipped", reason="switched_off"), None),
        (told(status="skipped", reason="just_told"), None),
        (told(status="planned"), None),
        (told(due_at=NOW + 1), None),
        (told(kind="booking_cancelled"), None),
        (told(client="somebody else"), None),
        (told(revision=1), None),
    ],
)
def test_the_end_of_a_message_says_whether_its_client_was_reached(row: Message, said: str | None) -> None:
    assert reach(row) == said


def test_the_newest_message_that_was_needed_counts() -> None:
    notice = told(id="n", kind="booking_created", due_at=LONG_AGO, sent_at=LONG_AGO)
    assert reach(notice, told(status="failed")) == "unreached"
    assert reach(notice, told(status="skipped", reason="just_told")) == "delivered"
    assert reach(replace(notice, status="failed"), told()) == "delivered"


def test_one_hop_that_arrived_is_enough() -> None:
    first = told(status="failed", channel="whatsapp", error_code="63003")
    second = told(id="h", hop=1, fallback_of="r")
    assert reach(first, second) == "delivered"
    assert reach(first, replace(second, status="planned", held=True, channel="manual")) == "unreached"


def test_whoever_has_answered_was_reached() -> None:
    assert reach(told(status="failed"), booking=replace(VISIT, answer="move_requested")) == "read"


@pytest.mark.parametrize(
    ("fields", "row", "no_shows", "words"),
    [
        ({}, told(), 0, ("unconfirmed",)),
        ({}, told(), 2, ("unconfirmed",)),
        ({}, told(status="failed"), 0, ("unconfirmed", "unreached")),
        ({}, told(channel="whatsapp", status="delivered"), 0, ("unconfirmed", "unread")),
        ({"notify": {"confirm": False}}, told(), 0, ()),
        ({"answer": "move_requested"}, told(), 0, ("moves",)),
        ({"status": "confirmed", "answer": "confirmed"}, told(status="failed"), 1, ()),
    ],
)
def test_what_speaks_against_a_visit(
    fields: dict[str, Any], row: Message, no_shows: int, words: tuple[str, ...]
) -> None:
    doubt = doubt_of(replace(VISIT, **fields), [row], no_shows, BUSINESS, SALON, NOW)
    assert (doubt.words, doubt.no_shows) == (words, no_shows)


@pytest.mark.parametrize("fields", [{"status": "arrived"}, {"status": "no_show"}, {"starts_at": NOW}])
def test_nothing_speaks_against_what_has_begun(fields: dict[str, Any]) -> None:
    assert doubt_of(replace(VISIT, **fields), [told(status="failed")], 3, BUSINESS, SALON, NOW) == Doubt()


def test_the_unconfirmed_weigh_more_than_a_past_and_a_failed_message_more_than_an_unread_one() -> None:
    weights = [
        Doubt(("unconfirmed", "unreached"), 3).weight,
        Doubt(("unconfirmed", "unreached")).weight,
        Doubt(("unconfirmed", "unread")).weight,
        Doubt(("unconfirmed",)).weight,
        Doubt((), 99).weight,
        Doubt((), 1).weight,
        Doubt().weight,
    ]
    assert weights == sorted(set(weights), reverse=True)


def test_a_salon_that_does_not_ask_has_no_unconfirmed_clients() -> None:
    silent: Business = replace(BUSINESS, settings={"kinds": {"reminder": {"confirm": False}}})
    assert doubt_of(VISIT, [told()], 0, silent, SALON, NOW) == Doubt()


def test_the_reason_is_the_providers_code_or_our_word_and_of_a_held_message_that_of_the_hop_before() -> None:
    refused = told(status="failed", error_code="63003")
    held = told(id="h", hop=1, fallback_of="r", status="planned", held=True, channel="manual")
    assert why_missed(refused, [refused]) == "63003"
    assert why_missed(held, [refused, held]) == "63003"
    assert why_missed(replace(held, hop=0, fallback_of=None), [held]) == "no_channel"
    assert why_missed(told(status="skipped", reason="no_template"), []) == "no_template"
    assert why_missed(told(channel="whatsapp"), []) == "no_receipt"
