"""Points over the API: entered once for each id, whole, never below zero, and read back with the balance."""

import json
from typing import Any

import pytest

from storage.records import Delivery
from tests.api.hands import BUSINESS, Hands, Reply

PATH = "/clients/c1/bonuses"
DAY = 86_400_000


@pytest.fixture
async def guest(salon: Hands) -> Hands:
    """The salon with the client ``c1``."""
    assert (await salon.put("/clients/c1", {"name": "Олена"})).status == 201
    return salon


async def enters(api: Hands, id: str, amount: str, reason: str = "gift", **more: Any) -> Reply:
    return await api.call("POST", PATH, {"id": id, "amount": amount, "reason": reason, **more})


async def test_an_entry_is_made_once_and_its_repetition_is_answered_with_what_is_stored(guest: Hands) -> None:
    first, again = await enters(guest, "e-1", "21"), await enters(guest, "e-1", "21")
    assert (first.status, again.status) == (201, 200)
    assert first.json == again.json
    kept = (await guest.get(PATH)).json
    assert (kept["balance"], len(kept["entries"]), kept["next"]) == ("21", 1, None)


async def test_the_booking_system_hears_of_every_entry_once(guest: Hands) -> None:
    await guest.put("/webhooks/till", {"url": "https://till.example/vizit", "events": ["bonus.entered"]})
    await enters(guest, "e-1", "21")
    await enters(guest, "e-1", "21")
    await enters(guest, "e-2", "5", "redemption")
    sent = await guest.store.find(Delivery, {"business": BUSINESS})
    assert [json.loads(row.body)["data"] for row in sent] == [
        {"client": "c1", "entry": "e-1", "amount": 21, "reason": "gift", "booking": None, "balance": 21},
        {"client": "c1", "entry": "e-2", "amount": -5, "reason": "redemption", "booking": None, "balance": 16},
    ]


@pytest.mark.parametrize(
    "other", [{"amount": "22"}, {"reason": "accrual"}, {"announce": False}, {"expires_at": "2027-01-01T00:00:00Z"}]
)
async def test_the_same_id_with_other_content_is_a_conflict(guest: Hands, other: dict[str, Any]) -> None:
    await enters(guest, "e-1", "21")
    said = {"id": "e-1", "amount": "21", "reason": "gift", **other}
    assert (await guest.call("POST", PATH, said)).status == 409
    assert (await guest.get(PATH)).json["balance"] == "21"


async def test_an_id_is_taken_for_the_whole_business(guest: Hands) -> None:
    await guest.put("/clients/c2", {"name": "Ірина"})
    await enters(guest, "e-1", "21")
    said = {"id": "e-1", "amount": "21", "reason": "gift"}
    assert (await guest.call("POST", "/clients/c2/bonuses", said)).status == 409


@pytest.mark.parametrize(("amount", "points"), [("21", "21"), ("20.5", "21"), ("20.49", "20"), ("0.5", "1")])
async def test_points_are_whole_and_rounded_half_up(guest: Hands, amount: str, points: str) -> None:
    assert (await enters(guest, "e-1", amount)).json["amount"] == points


async def test_a_correction_takes_back_just_what_was_rounded_up(guest: Hands) -> None:
    await enters(guest, "e-1", "2.5")
    back = await enters(guest, "e-2", "-2.5", "correction")
    assert (back.json["amount"], back.json["balance"]) == ("-3", "0")


@pytest.mark.parametrize(
    ("amount", "reason"),
    [
        ("-5", "gift"),
        ("-5", "redemption"),
        ("0", "gift"),
        ("0.4", "gift"),
        ("five", "gift"),
        ("1e3", "gift"),
        ("5", "x"),
    ],
)
async def test_only_a_correction_carries_a_sign_and_nothing_is_worth_no_point(
    guest: Hands, amount: str, reason: str
) -> None:
    refused = await enters(guest, "e-1", amount, reason)
    assert refused.status == 422
    assert (await guest.get(PATH)).json == {"balance": "0", "entries": [], "next": None}


@pytest.mark.parametrize(("amount", "reason"), [("22", "redemption"), ("-22", "correction")])
async def test_the_balance_never_falls_below_zero(guest: Hands, amount: str, reason: str) -> None:
    await enters(guest, "e-1", "21")
    refused = await enters(guest, "e-2", amount, reason)
    assert (refused.status, refused.faults) == (422, ["/amount"])
    assert (await guest.get(PATH)).json["balance"] == "21"


async def test_what_expires_first_is_spent_first(guest: Hands) -> None:
    late, soon = "2027-06-01T00:00:00Z", "2026-12-01T00:00:00Z"
    await enters(guest, "late", "50", expires_at=late)
    await enters(guest, "soon", "50", expires_at=soon)
    await enters(guest, "spent", "60", "redemption")
    left = {entry["id"]: entry["remaining"] for entry in (await guest.get(PATH)).json["entries"]}
    assert left == {"late": 40, "soon": 0, "spent": 0}


async def test_expired_points_are_gone_before_anybody_sweeps(guest: Hands) -> None:
    await enters(guest, "soon", "50", expires_at="2026-12-01T00:00:00Z")
    guest.now += 30 * DAY
    kept = (await guest.get(PATH)).json
    assert (kept["balance"], [entry["change"] for entry in kept["entries"]]) == ("0", [50, -50])
    assert (await enters(guest, "spent", "1", "redemption")).status == 422
    assert (await enters(guest, "soon", "50", expires_at="2026-12-01T00:00:00Z")).status == 200


async def test_points_cannot_come_already_expired(guest: Hands) -> None:
    refused = await enters(guest, "e-1", "5", expires_at="2026-01-01T00:00:00Z")
    assert (refused.status, refused.faults) == (422, ["/expires_at"])


async def test_a_long_ledger_is_read_in_parts_that_add_up(guest: Hands) -> None:
    for number in range(5):
        guest.now += 1
        await enters(guest, f"e-{number}", "10")
    seen: list[int] = []
    cursor = ""
    while True:
        part = (await guest.get(f"{PATH}?limit=2{cursor}")).json
        seen += [entry["change"] for entry in part["entries"]]
        if part["next"] is None:
            break
        cursor = f"&cursor={part['next']}"
    assert seen == [10] * 5 and part["balance"] == "50"


async def test_nobody_has_a_ledger_who_is_not_known(guest: Hands) -> None:
    assert (await guest.get("/clients/nobody/bonuses")).status == 404
    said = {"id": "e-1", "amount": "21", "reason": "gift"}
    assert (await guest.call("POST", "/clients/nobody/bonuses", said)).status == 404


async def test_without_consent_the_news_is_kept_with_the_reason_why_it_is_not_told(guest: Hands) -> None:
    await enters(guest, "e-1", "21")
    (row,) = (await guest.get("/messages?kind=bonus_accrued")).json["items"]
    assert (row["status"], row["reason"]) == ("skipped", "no_consent")


async def test_cashback_is_an_exact_percentage_and_a_lower_price_takes_the_difference_back(guest: Hands) -> None:
    await guest.call("PATCH", "/settings", {"cashback_percent": 2.5})
    booked = {"salon": "s1", "client": {"id": "c1"}, "starts_at": "2026-11-21T10:00:00Z"}

    async def put(amount: str, status: str) -> None:
        price = {"amount": amount, "currency": "UAH"}
        assert (await guest.put("/bookings/b-1", {**booked, "price": price, "status": status})).status in (200, 201)

    await put("900.00", "booked")
    guest.now += 2 * DAY
    await put("900.00", "arrived")
    assert (await guest.get(PATH)).json["balance"] == "23"
    await put("420.00", "arrived")
    kept = (await guest.get(PATH)).json
    assert (kept["balance"], [entry["amount"] for entry in kept["entries"]]) == ("11", ["23", "-12"])
    await put("420.00", "no_show")
    assert (await guest.get(PATH)).json["balance"] == "0"


async def test_an_imported_visit_brings_no_points(guest: Hands) -> None:
    await guest.call("PATCH", "/settings", {"cashback_percent": 5})
    past = {"salon": "s1", "client": {"id": "c1"}, "starts_at": "2026-10-01T10:00:00Z", "status": "arrived"}
    await guest.put("/bookings/old", {**past, "price": {"amount": "900.00", "currency": "UAH"}})
    assert (await guest.get(PATH)).json["balance"] == "0"
