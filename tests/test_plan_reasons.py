"""Who is not told, and why: every word of the fixed list that the plan uses, and where a client can be reached."""

from dataclasses import replace
from typing import Any, get_args

import pytest

from handlers.reach import Way, ways
from handlers.reasons import REASONS, Reason
from storage.records import Address, Client, address_id
from tests.support.planning import OLENA, TELEGRAM, a_case, at, outcomes, plan, planned

START, BOOKED = "2026-11-27 15:00", "2026-11-20 12:00"
NOW = at(BOOKED)


def test_every_reason_has_a_meaning() -> None:
    assert tuple(REASONS) == get_args(Reason)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"first_seen_at": at("2026-11-27 15:00")}, "past_visit"),
        ({"first_seen_at": at("2026-11-28 15:00")}, "past_visit"),
        ({"status": "arrived"}, "past_visit"),
        ({"status": "no_show"}, "past_visit"),
        (
            {"created_at": at("2026-10-31 23:59"), "settings": {"enabled_since": "2026-10-31T22:00:00Z"}},
            "before_enabled",
        ),
        ({"client": replace(OLENA, silent=True)}, "opted_out"),
        ({"addresses": (), "linked": frozenset({"telegram"})}, "no_channel"),
        ({"status": "cancelled", "cancelled_by": "client"}, "booking_cancelled"),
        # Of several reasons the one that lies deepest.
        ({"status": "no_show", "client": replace(OLENA, silent=True), "addresses": ()}, "past_visit"),
        ({"client": replace(OLENA, silent=True), "linked": frozenset()}, "opted_out"),
    ],
)
def test_a_client_is_told_nothing_and_it_is_known_why(fields: dict[str, Any], reason: str) -> None:
    found = outcomes(a_case(START, BOOKED, **fields))
    assert found == dict.fromkeys(["booking_created", "P1D", "PT1H"], reason)


def test_a_booking_made_at_the_very_moment_of_enabling_is_told() -> None:
    settings = {"enabled_since": "2026-11-20T10:00:00Z"}
    assert outcomes(a_case(START, BOOKED, settings=settings))["booking_created"] == BOOKED
    assert (
        outcomes(a_case(START, BOOKED, settings=settings, created_at=at("2026-11-20 11:59")))["P1D"] == "before_enabled"
    )


def test_messages_are_enabled_since_the_business_was_created_unless_it_says_otherwise() -> None:
    assert planned(a_case(START, BOOKED, created_at=at("2026-01-01 10:00")))


def test_each_kind_is_switched_off_by_itself() -> None:
    off = {"kinds": {"booking_created": False}}
    assert outcomes(a_case(START, BOOKED, settings=off)) == {
        "booking_created": "switched_off",
        "P1D": "2026-11-26 15:00",
        "PT1H": "2026-11-27 14:00",
    }


def test_a_booking_without_a_client_has_no_messages() -> None:
    assert plan(a_case(START, BOOKED, client=None)) == ()
    assert plan(replace(a_case(START, BOOKED), booking=replace(a_case(START, BOOKED).booking, client=None))) == ()


def test_a_client_who_asked_to_move_is_still_reminded() -> None:
    assert outcomes(a_case(START, BOOKED, answer="move_requested"))["P1D"] == "2026-11-26 15:00"


def an_address(channel: str, address: str, **fields: Any) -> Address:
    return Address(business="b", id=address_id(channel, address), channel=channel, address=address, **fields)


PHONE = "+380671234567"
SHARED = an_address("telegram", "88", phone=PHONE, linked_at=1)
NEWER = an_address("telegram", "99", phone=PHONE, linked_at=2)
ANOTHERS = an_address("telegram", "55", client="c2", phone="+380670000000")
DEAD_WHATSAPP = an_address("whatsapp", PHONE, phone=PHONE, dead_until=NOW + 1)
SENDER = an_address("whatsapp", "UA.abc", client="c1")
ALL = ("telegram", "whatsapp", "sms", "manual")


@pytest.mark.parametrize(
    ("phone", "addresses", "linked", "expected"),
    [
        # Telegram needs a living address: of the client, or of the client's phone.
        (PHONE, [TELEGRAM], {"telegram"}, [Way("telegram", "77")]),
        (PHONE, [SHARED], {"telegram"}, [Way("telegram", "88")]),
        (PHONE, [SHARED, NEWER], {"telegram"}, [Way("telegram", "99")]),
        (PHONE, [NEWER, TELEGRAM], {"telegram"}, [Way("telegram", "77")]),
        (PHONE, [ANOTHERS], {"telegram"}, []),
        ("+380670000001", [SHARED], {"telegram"}, []),
        (PHONE, [replace(TELEGRAM, dead_until=NOW + 1)], {"telegram"}, []),
        (PHONE, [replace(TELEGRAM, dead_until=NOW)], {"telegram"}, [Way("telegram", "77")]),
        (PHONE, [replace(TELEGRAM, dead_until=NOW + 1), SHARED], {"telegram"}, [Way("telegram", "88")]),
        # WhatsApp and SMS need a phone; WhatsApp may know a sender without one.
        (PHONE, [], {"whatsapp", "sms"}, [Way("whatsapp", PHONE), Way("sms", PHONE)]),
        (None, [], {"whatsapp", "sms"}, []),
        (None, [SENDER], {"whatsapp", "sms"}, [Way("whatsapp", "UA.abc")]),
        (PHONE, [DEAD_WHATSAPP], {"whatsapp", "sms"}, [Way("sms", PHONE)]),
        (PHONE, [replace(DEAD_WHATSAPP, address="+380990000000")], {"whatsapp"}, [Way("whatsapp", PHONE)]),
        # People find a way always.
        (None, [], {"manual"}, [Way("manual", None)]),
        # Only what is on in this process counts.
        (PHONE, [TELEGRAM], set(), []),
        (PHONE, [TELEGRAM], {"telegram", "whatsapp"}, [Way("telegram", "77"), Way("whatsapp", PHONE)]),
    ],
)
def test_where_a_client_can_be_reached(
    phone: str | None, addresses: list[Address], linked: set[str], expected: list[Way]
) -> None:
    client = Client(business="b", id="c1", name="Олена", phone=phone)
    assert ways(client, addresses, ALL, linked, NOW) == expected


def test_channels_are_tried_in_the_order_of_the_settings() -> None:
    assert [way.channel for way in ways(OLENA, [TELEGRAM], ("whatsapp", "telegram"), {*ALL}, NOW)] == [
        "whatsapp",
        "telegram",
    ]


def test_the_forecast_is_the_first_channel_that_leads_to_the_client() -> None:
    rows = plan(a_case(START, BOOKED, settings={"channels": ["sms", "whatsapp", "telegram"]}))
    assert {(row.channel, row.address) for row in rows} == {("whatsapp", PHONE)}


def test_a_kind_with_channels_of_its_own_has_its_own_forecast() -> None:
    settings = {"channels": ["telegram"], "kinds": {"reminder": {"channels": ["whatsapp"]}}}
    found = {row.kind: row.channel for row in plan(a_case(START, BOOKED, settings=settings))}
    assert found == {"booking_created": "telegram", "reminder": "whatsapp"}
    nowhere = {"kinds": {"reminder": {"channels": []}}}
    assert outcomes(a_case(START, BOOKED, settings=nowhere))["P1D"] == "no_channel"
