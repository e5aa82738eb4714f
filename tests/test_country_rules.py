"""Where the law forbids advertising on a channel, advertising goes another way, or not at all."""

from dataclasses import replace
from typing import Any

import pytest

from handlers.channel import SMS, TELEGRAM, Capabilities
from handlers.facts import Facts
from handlers.reach import NO_ADVERTISING, Way, lawful
from handlers.routing import Route, route
from handlers.settings import in_force, place
from handlers.turn import Links
from storage.records import ANSWERS_LANE, MAILING_LANE, SERVICE_LANE
from tests.support.post import BUSINESS, CHAT, CLIENT, NOON, SALON, message

TURK = replace(CLIENT, phone="+905321234567", marketing_consent=True)
UKRAINIAN = replace(CLIENT, marketing_consent=True)
BY_SMS = {"sms": SMS}
BOTH = {"sms": SMS, "telegram": TELEGRAM}


def found(client: Any, lane: int, channels: dict[str, Capabilities], **fields: Any) -> Any:
    """The way of a message of this lane."""
    settings = replace(in_force(BUSINESS, SALON), channels=("sms", "telegram"))
    facts = Facts(
        now=NOON, links=Links(None, b"s"), business=BUSINESS, place=place(BUSINESS, SALON), settings=settings,
        language="tr", salon=SALON, client=client, **fields,
    )  # fmt: skip
    return route(message("campaign_of_others", lane=lane, channel=None, address=None), facts, channels)


@pytest.mark.parametrize(
    ("lane", "channel", "phone", "allowed"),
    [
        (MAILING_LANE, "sms", "+905321234567", False),
        (MAILING_LANE, "sms", "+903921234567", False),
        (MAILING_LANE, "sms", "+380671234567", True),
        (MAILING_LANE, "sms", "+77011234567", True),
        (MAILING_LANE, "whatsapp", "+905321234567", True),
        (MAILING_LANE, "telegram", "100", True),
        (MAILING_LANE, "manual", None, True),
        (SERVICE_LANE, "sms", "+905321234567", True),
        (ANSWERS_LANE, "sms", "+905321234567", True),
    ],
)
def test_what_may_go_where(lane: int, channel: str, phone: str | None, allowed: bool) -> None:
    assert lawful(lane, Way(channel, phone)) is allowed


def test_the_rules_name_channels_that_have_phones() -> None:
    assert set(NO_ADVERTISING) <= {"sms", "whatsapp"}
    assert all(code.startswith("+") for codes in NO_ADVERTISING.values() for code in codes)


def test_advertising_to_a_turkish_phone_is_not_sent_by_sms() -> None:
    assert found(TURK, MAILING_LANE, BY_SMS) == "law"


def test_a_reminder_to_a_turkish_phone_is() -> None:
    assert found(TURK, SERVICE_LANE, BY_SMS) == Route("sms", "+905321234567")


def test_advertising_to_phones_of_other_countries_is() -> None:
    assert found(UKRAINIAN, MAILING_LANE, BY_SMS) == Route("sms", "+380671234567")


def test_advertising_that_may_not_go_by_sms_goes_by_the_next_channel() -> None:
    chat = replace(CHAT, phone=TURK.phone)
    assert found(TURK, MAILING_LANE, BOTH, addresses=(chat,)) == Route("telegram", "100")
    assert found(TURK, SERVICE_LANE, BOTH, addresses=(chat,)) == Route("sms", "+905321234567")
