"""Clients: phones in one form, whose word on offers stands, export and erasure."""

from dataclasses import replace
from typing import Any

import pytest

from handlers.moments import parse_moment
from storage.records import Address, Booking, Client, Consent, Message, Receipt, address_id
from storage.store import Changes, Put
from tests.api.hands import BUSINESS, Hands

OLENA = {"name": "Олена Коваль", "phone": "+380671234567"}


@pytest.mark.parametrize(
    "written", ["+380671234567", "067 123 45 67", "(067) 123-45-67", "380671234567", "00380671234567"]
)
async def test_a_phone_is_kept_in_one_form(api: Hands, written: str) -> None:
    reply = await api.put("/clients/c1", {"name": "Олена", "phone": written})
    assert reply.json["phone"] == "+380671234567"


@pytest.mark.parametrize("written", ["12", "phone", "+38067", "+999123456789", "0671234567890123"])
async def test_what_is_no_phone_is_422_and_says_what_to_do(api: Hands, written: str) -> None:
    reply = await api.put("/clients/c1", {"name": "Олена", "phone": written})
    assert (reply.status, reply.faults) == (422, ["/phone"])
    assert "country code" in reply.json["errors"][0]["why"]


async def test_without_a_country_a_phone_needs_its_plus(bare: Hands) -> None:
    header = {"Vizit-Business": "b"}
    await bare.admin("PUT", "/businesses/b", {"name": "x"})
    refused = await bare.admin("PUT", "/clients/c1", {"name": "x", "phone": "0671234567"}, headers=header)
    assert "country" in refused.json["errors"][0]["why"]
    taken = await bare.admin("PUT", "/clients/c1", {"name": "x", "phone": "+380671234567"}, headers=header)
    assert taken.status == 201


@pytest.mark.parametrize("query", ["%2B380671234567", "+380671234567", "%20380671234567", "0671234567"])
async def test_clients_are_found_by_phone_however_it_is_written(api: Hands, query: str) -> None:
    await api.put("/clients/c1", OLENA)
    await api.put("/clients/c2", {"name": "Інша", "phone": "+380501234567"})
    found = await api.get(f"/clients?phone={query}")
    assert [client["id"] for client in found.json["items"]] == ["c1"]


async def test_a_search_for_no_phone_is_422(api: Hands) -> None:
    assert (await api.get("/clients?phone=12")).faults == ["/phone"]


@pytest.mark.parametrize("birthday", ["1990-03-14", "--03-14", "--02-29", "2000-02-29"])
async def test_a_birthday_may_lack_its_year(api: Hands, birthday: str) -> None:
    assert (await api.put("/clients/c1", {"name": "x", "birthday": birthday})).json["birthday"] == birthday


@pytest.mark.parametrize("birthday", ["1990-02-30", "14.03.1990", "03-14", "1990-3-14", "--02-30", "1001-01-01", 1990])
async def test_a_birthday_that_is_no_day_is_422(api: Hands, birthday: Any) -> None:
    assert (await api.put("/clients/c1", {"name": "x", "birthday": birthday})).faults == ["/birthday"]


async def test_a_word_on_offers_is_noted_with_its_time(api: Hands) -> None:
    reply = await api.put("/clients/c1", {**OLENA, "marketing_consent": True})
    assert (reply.json["marketing_consent"], reply.json["consent_at"]) == (True, "2026-11-20T10:00:00.000Z")
    said = {**OLENA, "marketing_consent": False, "consent_at": "2026-11-20T12:00:00+02:00"}
    api.now += 1000
    assert (await api.put("/clients/c1", {**said, "consent_at": "2026-11-20T12:00:01+02:00"})).json[
        "marketing_consent"
    ] is False
    ledger = await api.store.find(Consent, {"business": BUSINESS, "client": "c1"}, order=("at", "id"))
    assert [(entry.given, entry.place) for entry in ledger] == [(True, "api"), (False, "api")]


async def test_the_same_word_again_is_noted_once(api: Hands) -> None:
    body = {**OLENA, "marketing_consent": True}
    first = await api.put("/clients/c1", body)
    api.now += 60_000
    assert (await api.put("/clients/c1", body)).json == first.json
    assert len(await api.store.find(Consent, {"business": BUSINESS, "client": "c1"})) == 1


async def _says(api: Hands, given: bool, at: str) -> None:
    """The person says so in the chat."""
    client = await api.store.get(Client, BUSINESS, "c1")
    assert client is not None
    said = replace(client, marketing_consent=given, consent_at=parse_moment(at), consent_place="telegram")
    await api.store.commit(Changes(puts=(Put(said),)))


@pytest.mark.parametrize(
    ("later", "stands"),
    [
        ({"marketing_consent": True}, False),
        ({}, False),
        ({"marketing_consent": True, "consent_at": "2026-11-20T09:59:59Z"}, False),
        ({"marketing_consent": True, "consent_at": "2026-11-20T10:00:01Z"}, True),
    ],
)
async def test_the_persons_word_outranks_a_later_put_unless_that_carries_a_newer_time(
    api: Hands, later: dict[str, Any], stands: bool
) -> None:
    await api.put("/clients/c1", OLENA)
    await _says(api, False, "2026-11-20T10:00:00Z")
    api.now += 60_000
    assert (await api.put("/clients/c1", {**OLENA, **later})).json["marketing_consent"] is stands


async def test_the_callers_own_word_is_replaced_by_the_next(api: Hands) -> None:
    await api.put("/clients/c1", {**OLENA, "marketing_consent": True, "consent_at": "2026-11-01T10:00:00Z"})
    assert (await api.put("/clients/c1", {**OLENA, "marketing_consent": False})).json["marketing_consent"] is False
    assert (await api.put("/clients/c1", OLENA)).json["marketing_consent"] is None


async def test_a_word_from_the_future_is_422(api: Hands) -> None:
    said = {**OLENA, "marketing_consent": True, "consent_at": "2026-12-20T10:00:00Z"}
    assert (await api.put("/clients/c1", said)).faults == ["/consent_at"]


async def test_a_language_chosen_in_the_chat_stays(api: Hands) -> None:
    await api.put("/clients/c1", {**OLENA, "language": "uk"})
    client = await api.store.get(Client, BUSINESS, "c1")
    assert client is not None
    await api.store.commit(Changes(puts=(Put(replace(client, language="tr", language_chosen=True)),)))
    assert (await api.put("/clients/c1", {**OLENA, "language": "uk"})).json["language"] == "tr"


async def test_a_link_opens_the_bot_and_ends_after_a_week(api: Hands) -> None:
    await api.put("/clients/c1", OLENA)
    made = await api.call("POST", "/clients/c1/links")
    assert made.status == 201
    assert made.json["url"].startswith("https://t.me/krasa_bot?start=")
    assert made.json["expires_at"] == "2026-11-27T10:00:00.000Z"
    assert (await api.call("POST", "/clients/c1/links")).json["url"] != made.json["url"]
    assert (await api.call("POST", "/clients/c9/links")).status == 404


async def _booked(salon: Hands) -> None:
    """A visit of c1 with messages, a chat, a receipt, and a word on offers."""
    booking = {"salon": "s1", "client": {"id": "c1", **OLENA}, "starts_at": "2026-11-27T15:00:00+02:00"}
    assert (await salon.put("/bookings/b-1", booking)).status == 201
    said = {**OLENA, "marketing_consent": True}
    await salon.put("/clients/c1", said)
    (row, *_) = await salon.store.find(Message, {"business": BUSINESS, "booking": "b-1"})
    chat = Address(
        business=BUSINESS, id=address_id("telegram", "77"), channel="telegram", address="77", phone=OLENA["phone"]
    )
    receipt = Receipt(
        business=BUSINESS, id="r", message=row.id, status="sent", at=salon.now, raw={"To": "+380671234567"}
    )
    await salon.store.commit(Changes(inserts=(chat, receipt)))


async def test_an_export_holds_everything_that_is_stored_of_a_person(salon: Hands) -> None:
    await _booked(salon)
    reply = await salon.get("/clients/c1/export")
    assert reply.json["client"]["name"] == "Олена Коваль"
    assert [row["address"] for row in reply.json["addresses"]] == ["77"]
    assert [row["given"] for row in reply.json["consents"]] == [True]
    assert [row["id"] for row in reply.json["bookings"]] == ["b-1"]
    assert {row["kind"] for row in reply.json["messages"]} == {"booking_created", "reminder"}


async def test_an_erased_person_leaves_bookings_and_counts_and_no_trace_of_who_it_was(salon: Hands) -> None:
    await _booked(salon)
    assert (await salon.call("DELETE", "/clients/c1")).status == 204
    assert (await salon.get("/clients/c1")).status == 404
    assert (await salon.call("DELETE", "/clients/c1")).status == 404
    booking = (await salon.get("/bookings/b-1")).json
    assert (booking["client"], booking["status"]) == (None, "booked")
    assert {(row["status"], row["reason"]) for row in booking["messages"]} <= {
        ("cancelled", "erased"),
        ("skipped", None),
    }
    for record in (Address, Consent, Receipt, Client):
        assert await salon.store.find(record, {"business": BUSINESS}) == []
    for record in (Booking, Message):
        kept = repr(await salon.store.find(record, {"business": BUSINESS}))
        assert "380671234567" not in kept
        assert "Коваль" not in kept
        assert "'77'" not in kept


async def test_a_chat_that_serves_somebody_else_too_outlives_an_erasure(salon: Hands) -> None:
    await _booked(salon)
    await salon.put("/clients/mother", {"name": "Марія", "phone": OLENA["phone"]})
    assert (await salon.call("DELETE", "/clients/c1")).status == 204
    assert len(await salon.store.find(Address, {"business": BUSINESS})) == 1


async def test_what_is_on_the_wire_at_an_erasure_is_not_tried_again(salon: Hands) -> None:
    await _booked(salon)
    rows = await salon.store.find(Message, {"business": BUSINESS, "booking": "b-1", "status": "planned"})
    sending = replace(rows[0], status="sending", token="t", address="77", attempts=1)
    await salon.store.commit(Changes(puts=(Put(sending),)))
    await salon.call("DELETE", "/clients/c1")
    row = await salon.store.get(Message, BUSINESS, sending.id)
    assert row is not None
    assert (row.status, row.void, row.address) == ("sending", "erased", None)
