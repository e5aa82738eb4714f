"""Statistics over the API: why messages were not delivered, in words, and what they cost."""

from __future__ import annotations

from typing import Any

import pytest

from bot.telegram_codes import TELEGRAM_CLASSES
from bot.twilio_codes import TWILIO_CODES, TWILIO_STATUSES
from handlers.costs import decimal_text
from handlers.reasons import REASONS as OWN_REASONS
from handlers.wording_reasons import REASONS, in_words
from storage.records import Cost
from storage.store import Changes, Put
from tests.api.hands import BUSINESS, Hands
from tests.api.test_messages import DAY, HOUR, row, stored

NOT_ON_WHATSAPP = "номера немає у WhatsApp"


async def reasons(salon: Hands, query: str = "") -> list[tuple[str, str, int]]:
    counted = (await salon.get(f"/messages/stats?{query}")).json
    assert sum(each["total"] for each in counted["reasons"]) == counted["status_reported"]["not_delivered"]
    return [(each["code"], each["words"], each["total"]) for each in counted["reasons"]]


async def test_what_was_not_delivered_is_counted_by_reason_the_most_frequent_first(salon: Hands) -> None:
    silent = {"status": "sent", "channel": "whatsapp", "sent_at": salon.now - 25 * HOUR}
    await stored(
        salon,
        row(salon, status="failed", channel="whatsapp", error_code="63003"),
        row(salon, status="failed", channel="whatsapp", error_code="63003"),
        row(salon, status="expired", reason="too_late"),
        row(salon, **silent, error_code="timeout"),
        row(salon, status="failed", error_code="21999"),
        row(salon, status="delivered", channel="whatsapp", error_code="63018"),
        row(salon, status="skipped", reason="no_channel"),
        row(salon, status="cancelled", reason="booking_cancelled"),
    )
    assert await reasons(salon) == [
        ("63003", NOT_ON_WHATSAPP, 2),
        ("21999", "провайдер відхилив повідомлення", 1),
        ("no_receipt", "немає звіту про доставку", 1),
        ("too_late", "не вдалося надіслати вчасно", 1),
    ]


async def test_reasons_are_told_in_the_language_that_is_asked_for(salon: Hands) -> None:
    await stored(salon, row(salon, status="failed", channel="whatsapp", error_code="63003"))
    told = {language: (await reasons(salon, f"language={language}"))[0][1] for language in ("uk", "tr", "ru", "en")}
    assert told["uk"] == NOT_ON_WHATSAPP
    assert told["en"] == "the number is not on WhatsApp"
    assert len(set(told.values())) == 4
    assert (await salon.get("/messages/stats?language=de")).status == 422


async def test_notices_have_the_reason_of_their_best_hop(salon: Hands) -> None:
    first = row(salon, key="x:0", status="failed", channel="whatsapp", error_code="63003")
    later = row(salon, key="x:1", hop=1, fallback_of=first.id, status="delivered", channel="sms")
    lost = row(salon, key="y:0", status="failed", channel="whatsapp", error_code="63014")
    await stored(salon, first, later, lost)
    assert [code for code, *_ in await reasons(salon)] == ["63003", "63014"]
    assert [code for code, *_ in await reasons(salon, "notices=true")] == ["63014"]


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"status": "failed", "error_code": "403"}, "бота заблоковано"),
        ({"status": "expired", "reason": "too_late"}, "не вдалося надіслати вчасно"),
        ({"status": "skipped", "reason": "quiet_hours"}, "випало на тихі години"),
        ({"status": "cancelled", "reason": "booking_cancelled"}, "запис скасовано"),
        ({"status": "planned"}, None),
        ({"status": "delivered", "error_code": "63018"}, None),
    ],
)
async def test_a_message_says_in_words_why_it_does_not_arrive(
    salon: Hands, fields: dict[str, Any], why: str | None
) -> None:
    await stored(salon, row(salon, **fields))
    (shown,) = (await salon.get("/messages")).json["items"]
    assert shown["why"] == why


def test_every_reason_of_ours_and_every_known_code_has_words_in_every_language() -> None:
    assert set(OWN_REASONS) <= set(REASONS)
    assert {str(code) for code in (*TWILIO_CODES, *TWILIO_STATUSES)} <= set(REASONS)
    assert {code for _, code, _ in TELEGRAM_CLASSES} <= set(REASONS) | {"refused", "409"}
    for code in REASONS:
        assert len({in_words(code, language) for language in ("uk", "tr", "ru", "en")}) == 4


# What messages cost


async def billed(salon: Hands, *costs: tuple[str, str, int, str, int]) -> None:
    """Costs: channel, day, amount, currency, and how long ago it was due."""
    records = [
        Cost(
            business=BUSINESS,
            id=f"m{number}",
            channel=channel,
            day=day,
            due_at=salon.now - age,
            amount=amount,
            currency=currency,
        )
        for number, (channel, day, amount, currency, age) in enumerate(costs)
    ]
    await salon.store.commit(Changes(puts=tuple(map(Put, records))))


async def test_costs_are_summed_in_the_providers_own_figures(salon: Hands) -> None:
    await billed(
        salon,
        ("whatsapp", "2026-11-20", 500, "USD", 0),
        ("whatsapp", "2026-11-19", 500, "USD", DAY),
        ("sms", "2026-11-19", 12_345, "USD", DAY),
        ("sms", "2026-11-19", 7_000, "EUR", DAY),
    )
    costs = (await salon.get("/messages/costs")).json
    assert costs["messages"] == 4
    assert costs["costs"] == [{"amount": "0.07", "currency": "EUR"}, {"amount": "0.13345", "currency": "USD"}]
    by_channel = (await salon.get("/messages/costs?group_by=channel")).json
    assert {group["key"]: group["messages"] for group in by_channel["groups"]} == {"sms": 2, "whatsapp": 2}
    by_day = (await salon.get("/messages/costs?group_by=day")).json
    assert [(group["key"], group["costs"]) for group in by_day["groups"]] == [
        ("2026-11-19", [{"amount": "0.07", "currency": "EUR"}, {"amount": "0.12845", "currency": "USD"}]),
        ("2026-11-20", [{"amount": "0.005", "currency": "USD"}]),
    ]


async def test_costs_are_those_of_the_period(salon: Hands) -> None:
    await billed(
        salon,
        ("whatsapp", "2026-11-20", 500, "USD", 0),
        ("whatsapp", "2026-11-19", 700, "USD", DAY),
    )
    since = (await salon.get("/messages/costs?since=2026-11-20T00:00:00Z")).json
    assert since["costs"] == [{"amount": "0.005", "currency": "USD"}]
    until = (await salon.get("/messages/costs?until=2026-11-20T10:00:00Z")).json
    assert until["costs"] == [{"amount": "0.007", "currency": "USD"}]


async def test_where_nothing_has_a_price_nothing_is_summed(salon: Hands) -> None:
    assert (await salon.get("/messages/costs?group_by=day")).json == {"messages": 0, "costs": [], "groups": []}


async def test_costs_of_another_business_are_not_seen(salon: Hands) -> None:
    await billed(salon, ("whatsapp", "2026-11-20", 500, "USD", 0))
    await salon.admin("PUT", "/businesses/other", {"name": "Інша"})
    key = (await salon.admin("POST", "/businesses/other/keys")).json["key"]
    assert (await salon.get("/messages/costs", key=key)).json["messages"] == 0


@pytest.mark.parametrize(
    ("amount", "text"),
    [(0, "0.00"), (1, "0.00001"), (750, "0.0075"), (1_250_000, "12.50"), (100_000, "1.00"), (-500, "-0.005")],
)
def test_amounts_have_as_many_decimals_as_they_need(amount: int, text: str) -> None:
    assert decimal_text(amount) == text
