"""Bookings over the API: what is taken, what is answered, and batches."""

import asyncio
from typing import Any

import pytest

from storage.records import Booking, Message
from storage.store import Changes, Committed, Conflict
from tests.api.hands import BUSINESS, Hands

OLENA = {"id": "c1", "name": "Олена Коваль", "phone": "+380671234567", "language": "uk"}
VISIT = {"salon": "s1", "client": OLENA, "starts_at": "2026-11-27T15:00:00+02:00"}
WHOLE = {
    **VISIT,
    "master": "m1",
    "services": ["haircut", "brows"],
    "ends_at": "2026-11-27T16:30:00+02:00",
    "price": {"amount": "900.00", "currency": "UAH"},
    "status": "booked",
    "created_by": "client",
    "created_at": "2026-11-20T09:00:00.000Z",
    "source": "instagram",
    "version": 3,
    "notify": {"created": True, "reminders": ["P1D", "PT2H"], "confirm": True, "review": True},
}


async def test_a_booking_is_answered_as_it_is_stored_with_its_messages(salon: Hands) -> None:
    made = await salon.put("/bookings/b-1", WHOLE)
    assert made.status == 201
    assert {name: made.json[name] for name in WHOLE if name != "client"} == {
        name: value for name, value in WHOLE.items() if name != "client"
    }
    assert made.json["client"] == OLENA
    assert (made.json["id"], made.json["revision"], made.json["answer"]) == ("b-1", 1, None)
    assert [(row["kind"], row["due_at"]) for row in made.json["messages"]] == [
        ("booking_created", "2026-11-20T10:00:00.000Z"),
        ("reminder", "2026-11-26T13:00:00.000Z"),
        ("reminder", "2026-11-27T11:00:00.000Z"),
    ]
    assert "in_flight" not in made.json
    assert (await salon.get("/bookings/b-1")).json == made.json


async def test_the_same_booking_again_changes_nothing(salon: Hands) -> None:
    made = await salon.put("/bookings/b-1", WHOLE)
    salon.now += 60_000
    same = {**WHOLE, "starts_at": "2026-11-27T13:00:00Z", "client": {**OLENA, "phone": "067 123-45-67"}}
    again = await salon.put("/bookings/b-1", same)
    assert (again.status, again.json) == (200, made.json)


async def test_an_older_version_is_answered_with_what_is_stored(salon: Hands) -> None:
    made = await salon.put("/bookings/b-1", WHOLE)
    older = await salon.put("/bookings/b-1", {**WHOLE, "version": 2, "status": "cancelled"})
    assert (older.status, older.json["status"], older.json["revision"]) == (200, "booked", made.json["revision"])


async def test_a_booking_ends_after_its_services_else_after_an_hour(salon: Hands) -> None:
    long = await salon.put("/bookings/b-1", {**VISIT, "services": ["haircut", "brows"]})
    assert long.json["ends_at"] == "2026-11-27T16:30:00+02:00"
    short = await salon.put("/bookings/b-2", VISIT)
    assert short.json["ends_at"] == "2026-11-27T16:00:00+02:00"


async def test_start_and_end_carry_the_salons_offset_whatever_came_in(salon: Hands) -> None:
    await salon.put("/salons/almaty", {"name": "x", "timezone": "Asia/Almaty"})
    made = await salon.put("/bookings/b-1", {**VISIT, "salon": "almaty", "starts_at": "2026-11-27T13:00:00.250Z"})
    assert made.json["starts_at"] == "2026-11-27T18:00:00.250+05:00"


async def test_a_cancellation_names_what_was_on_the_wire(salon: Hands) -> None:
    await salon.put("/bookings/b-1", VISIT)
    cancelled = await salon.put("/bookings/b-1", {**VISIT, "status": "cancelled"})
    assert cancelled.json["in_flight"] == []
    assert (cancelled.json["status"], cancelled.json["cancelled_by"]) == ("cancelled", "staff")
    assert {row["status"] for row in cancelled.json["messages"] if row["kind"] == "reminder"} == {"cancelled"}


@pytest.mark.parametrize(
    ("change", "at"),
    [
        ({"salon": "nowhere"}, "/salon"),
        ({"salon": None}, "/salon"),
        ({"master": "nobody"}, "/master"),
        ({"services": ["haircut", "nothing"]}, "/services/1"),
        ({"services": ["a b"]}, "/services/0"),
        ({"client": {"name": "Олена"}}, "/client/id"),
        ({"client": {"id": "new"}}, "/client/name"),
        ({"client": {"id": "new", "name": None}}, "/client/name"),
        ({"client": {**OLENA, "phone": "12"}}, "/client/phone"),
        ({"client": {**OLENA, "phne": "12"}}, "/client/phne"),
        ({"client": None}, "/client"),
        ({"client": "c1"}, "/client"),
        ({"starts_at": "2026-11-27T15:00:00"}, "/starts_at"),
        ({"starts_at": "2026-11-27"}, "/starts_at"),
        ({"starts_at": 1795784400000}, "/starts_at"),
        ({"starts_at": "9999-12-31T23:59:59Z"}, "/starts_at"),
        ({"ends_at": "2026-11-27T14:59:59+02:00"}, "/ends_at"),
        ({"status": "done"}, "/status"),
        ({"created_by": "robot"}, "/created_by"),
        ({"version": -1}, "/version"),
        ({"version": 10**30}, "/version"),
        ({"version": 1.5}, "/version"),
        ({"version": "3"}, "/version"),
        ({"notify": {"reminders": ["PT1M"]}}, "/notify/reminders/0"),
        ({"notify": {"reminder": []}}, "/notify/reminder"),
        ({"notify": {"confirm": "yes"}}, "/notify/confirm"),
        ({"reopen": 1}, "/reopen"),
        ({"price": {"amount": "1", "currency": "UAH", "vat": 1}}, "/price/vat"),
        ({"id": "b-1"}, "/id"),
    ],
)
async def test_wrong_content_is_422_at_its_place_and_stores_nothing(
    salon: Hands, change: dict[str, Any], at: str
) -> None:
    reply = await salon.put("/bookings/b-1", {**VISIT, **change})
    assert (reply.status, reply.faults) == (422, [at])
    assert await salon.store.find(Booking, {"business": BUSINESS}) == []
    assert await salon.store.find(Message, {"business": BUSINESS}) == []
    assert (await salon.get("/clients")).json["items"] == []


async def test_every_fault_is_named_at_once(salon: Hands) -> None:
    reply = await salon.put("/bookings/b-1", {"client": {"id": "."}, "starts_at": "soon", "colour": "red"})
    assert set(reply.faults) == {"/salon", "/client/id", "/starts_at", "/colour"}


async def test_a_known_client_needs_no_more_than_an_id(salon: Hands) -> None:
    await salon.put("/clients/c1", {"name": "Олена", "phone": "+380671234567"})
    made = await salon.put("/bookings/b-1", {**VISIT, "client": {"id": "c1"}})
    assert made.json["client"]["phone"] == "+380671234567"


async def test_fields_of_the_client_are_merged_and_null_takes_nothing_away(salon: Hands) -> None:
    await salon.put("/clients/c1", {"name": "Олена", "phone": "+380671234567", "source": "instagram"})
    await salon.put("/bookings/b-1", {**VISIT, "client": {"id": "c1", "phone": None, "first_name": "Оленка"}})
    client = (await salon.get("/clients/c1")).json
    assert (client["name"], client["first_name"], client["phone"], client["source"]) == (
        "Олена",
        "Оленка",
        "+380671234567",
        "instagram",
    )


async def test_a_phone_is_read_as_in_the_salons_country(salon: Hands) -> None:
    await salon.put("/salons/istanbul", {"name": "x", "country": "TR", "timezone": "Europe/Istanbul"})
    client = {"id": "c9", "name": "Ayşe", "phone": "0532 123 45 67"}
    made = await salon.put("/bookings/b-1", {**VISIT, "salon": "istanbul", "client": client})
    assert made.json["client"]["phone"] == "+905321234567"


async def test_bookings_are_listed_by_start_within_what_is_asked(salon: Hands) -> None:
    await salon.put("/salons/s2", {"name": "x"})
    for id, start, change in (
        ("late", "2026-11-29T10:00:00Z", {}),
        ("early", "2026-11-27T10:00:00Z", {"master": "m1"}),
        ("middle", "2026-11-28T10:00:00Z", {"salon": "s2"}),
        ("other", "2026-11-28T10:00:00Z", {"client": {"id": "c2", "name": "Інша"}, "status": "cancelled"}),
    ):
        assert (await salon.put(f"/bookings/{id}", {**VISIT, "starts_at": start, **change})).status == 201

    async def ids(query: str) -> list[str]:
        return [booking["id"] for booking in (await salon.get(f"/bookings?{query}")).json["items"]]

    assert await ids("") == ["early", "middle", "other", "late"]
    assert await ids("from=2026-11-28T10:00:00Z&to=2026-11-29T10:00:00Z") == ["middle", "other"]
    assert await ids("from=2026-11-28T12:00:00+02:00&to=2026-11-29T12:00:00+02:00") == ["middle", "other"]
    assert await ids("salon=s2") == ["middle"]
    assert await ids("master=m1") == ["early"]
    assert await ids("client=c2") == ["other"]
    assert await ids("status=cancelled") == ["other"]
    assert await ids("client=nobody") == []
    first = await salon.get("/bookings?limit=3")
    rest = await salon.get(f"/bookings?limit=3&cursor={first.json['next']}")
    assert [booking["id"] for booking in rest.json["items"]] == ["late"]
    assert (await salon.get("/bookings?from=yesterday")).faults == ["/from"]
    assert (await salon.get("/bookings?status=done")).faults == ["/status"]


async def test_the_timeline_of_a_booking_holds_its_messages_by_due_time(salon: Hands) -> None:
    made = await salon.put("/bookings/b-1", WHOLE)
    timeline = await salon.get("/bookings/b-1/messages")
    assert timeline.json == {"items": made.json["messages"]}
    assert (await salon.get("/bookings/nothing/messages")).status == 404


async def test_a_batch_answers_each_item_as_the_single_call_would(salon: Hands) -> None:
    await salon.put("/bookings/known", VISIT)
    items: list[Any] = [
        {"id": "b-1", **VISIT},
        {"id": "b-2", **VISIT, "salon": "nowhere"},
        {"id": "known", **VISIT},
        {"id": "known", **VISIT, "status": "cancelled"},
        {**VISIT},
        {"id": 5, **VISIT},
        "nonsense",
        {"id": "b-3", **VISIT},
    ]
    reply = await salon.call("POST", "/bookings:batch", {"items": items})
    assert reply.status == 200
    results = reply.json["items"]
    assert [result["status"] for result in results] == [201, 422, 200, 200, 422, 422, 422, 201]
    assert [result["id"] for result in results] == ["b-1", "b-2", "known", "known", None, None, None, "b-3"]
    assert results[0]["booking"] == (await salon.get("/bookings/b-1")).json
    assert results[1]["problem"]["errors"][0]["at"] == "/salon"
    assert results[3]["booking"]["in_flight"] == []
    assert results[4]["problem"]["errors"] == [{"at": "/id", "why": "is required"}]
    assert (await salon.get("/bookings/b-2")).status == 404


async def test_a_batch_may_be_empty_and_holds_at_most_five_hundred(salon: Hands) -> None:
    assert (await salon.call("POST", "/bookings:batch", {"items": []})).json == {"items": []}
    reply = await salon.call("POST", "/bookings:batch", {"items": [{}] * 501})
    assert (reply.status, reply.faults) == (422, ["/items"])
    assert (await salon.call("POST", "/bookings:batch", {"items": {}})).faults == ["/items"]
    assert (await salon.call("POST", "/bookings:batch", [])).faults == [""]


async def test_a_batch_that_meets_other_writers_is_stored_one_by_one(
    salon: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = salon.store.commit
    met = 0

    async def commit(changes: Changes) -> Committed:
        nonlocal met
        if sum(isinstance(put.record, Booking) for put in changes.puts) > 1:
            met += 1
            raise Conflict("somebody else was first")
        return await whole(changes)

    monkeypatch.setattr(salon.store, "commit", commit)
    items = [{"id": f"b-{n}", **VISIT, "client": {"id": f"c{n}", "name": "x"}} for n in range(3)]
    items.append({"id": "b-9", **VISIT, "salon": "nowhere"})
    reply = await salon.call("POST", "/bookings:batch", {"items": items})
    assert met == 1
    assert [result["status"] for result in reply.json["items"]] == [201, 201, 201, 422]
    assert len((await salon.get("/bookings")).json["items"]) == 3


async def test_bookings_of_one_client_in_a_batch_see_one_another(salon: Hands) -> None:
    client = {"id": "c1", "name": "Олена"}
    items = [
        {"id": "b-1", **VISIT, "client": client},
        {"id": "b-2", **VISIT, "client": {"id": "c1"}},
        {"id": "b-1", **VISIT, "client": {"id": "c1"}},
    ]
    reply = await salon.call("POST", "/bookings:batch", {"items": items})
    assert [result["status"] for result in reply.json["items"]] == [201, 201, 200]


async def test_the_same_booking_sent_fifty_times_at_once_is_one_booking(salon: Hands) -> None:
    replies = await asyncio.gather(*(salon.put("/bookings/b-1", WHOLE) for _ in range(50)))
    assert sorted(reply.status for reply in replies) == [200] * 49 + [201]
    assert len({reply.json["revision"] for reply in replies}) == 1
    assert len(await salon.store.find(Message, {"business": BUSINESS})) == 3
