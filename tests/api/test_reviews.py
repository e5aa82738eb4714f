"""Reviews and tips as callers read them: filters, parts, and averages with what they rest on."""

from __future__ import annotations

from typing import Any

import pytest

from storage.records import Review, Tip
from storage.store import Changes
from tests.api.hands import BUSINESS, Hands

MINUTE = 60_000
DAY = 86_400_000


def a_review(hands: Hands, id: str, rating: int, **fields: Any) -> Review:
    at = fields.pop("at", hands.now)
    given = {"client": "c1", "master": "m1", "salon": "s1", "services": "haircut", "month": "2026-11", **fields}
    return Review(
        business=BUSINESS, id=id, rating=rating, channel="telegram", at=at, updated_at=at, revision=1, **given
    )


def a_tip(hands: Hands, id: str, **fields: Any) -> Tip:
    given = {"master": "m1", "salon": "s1", "status": "paid", "charge": f"charge-{id}", "at": hands.now, **fields}
    return Tip(
        business=BUSINESS, id=id, booking="b-1", amount=20_050, currency="UAH", provider="telegram", invoice=id, **given
    )


@pytest.fixture
async def reviewed(salon: Hands) -> Hands:
    """Five reviews, a minute after each other, of two masters."""
    await salon.put("/masters/m2", {"salon": "s1", "name": "Оксана"})
    rows = (
        a_review(salon, "b-1", 5, text="Дякую"),
        a_review(salon, "b-2", 4, at=salon.now + MINUTE, services="haircut brows", photo="telegram:1"),
        a_review(salon, "b-3", 2, at=salon.now + 2 * MINUTE, master="m2", services="brows"),
        a_review(salon, "b-4", 1, at=salon.now + 3 * MINUTE, master=None, services=""),
        a_review(salon, "b-5", 5, at=salon.now + 4 * MINUTE, month="2026-12", client=None),
    )
    await salon.store.commit(Changes(inserts=rows))
    return salon


async def listed(hands: Hands, query: str = "") -> list[str]:
    """The bookings of the reviews that a query gives, in its order."""
    reply = await hands.get(f"/reviews{query}")
    assert reply.status == 200, reply.json
    return [one["booking"] for one in reply.json["items"]]


async def test_reviews_come_by_time_with_all_that_is_known(reviewed: Hands) -> None:
    assert await listed(reviewed) == ["b-1", "b-2", "b-3", "b-4", "b-5"]
    first, second = (await reviewed.get("/reviews?limit=2")).json["items"]
    assert first == {
        "booking": "b-1",
        "client": "c1",
        "master": "m1",
        "salon": "s1",
        "services": ["haircut"],
        "rating": 5,
        "text": "Дякую",
        "photo": False,
        "channel": "telegram",
        "at": "2026-11-20T10:00:00.000Z",
        "updated_at": "2026-11-20T10:00:00.000Z",
    }
    assert (second["services"], second["photo"]) == (["haircut", "brows"], True)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?master=m1", ["b-1", "b-2", "b-5"]),
        ("?salon=s1&rating=5", ["b-1", "b-5"]),
        ("?salon=other", []),
        ("?since=2026-11-20T10:02:00Z", ["b-3", "b-4", "b-5"]),
        ("?since=2026-11-20T10:01:00Z&until=2026-11-20T10:03:00Z", ["b-2", "b-3"]),
        ("?master=m1&rating=4&until=2026-11-20T10:02:00Z", ["b-2"]),
    ],
)
async def test_filters_are_all_in_force_together(reviewed: Hands, query: str, expected: list[str]) -> None:
    assert await listed(reviewed, query) == expected


async def test_a_list_is_read_in_parts(reviewed: Hands) -> None:
    seen, cursor = [], ""
    for _ in range(3):
        reply = (await reviewed.get(f"/reviews?limit=2{cursor}")).json
        seen += [one["booking"] for one in reply["items"]]
        cursor = f"&cursor={reply['next']}"
    assert seen == ["b-1", "b-2", "b-3", "b-4", "b-5"]
    assert reply["next"] is None


@pytest.mark.parametrize(
    "query", ["?rating=0", "?rating=6", "?rating=good", "?stars=5", "?since=yesterday", "?cursor=x"]
)
async def test_a_query_that_means_nothing_is_refused(reviewed: Hands, query: str) -> None:
    for route in ("/reviews", "/tips") if "rating" not in query else ("/reviews",):
        assert (await reviewed.get(f"{route}{query}")).status == 422


async def test_averages_say_how_many_reviews_they_rest_on(reviewed: Hands) -> None:
    reply = (await reviewed.get("/reviews/stats")).json
    assert reply == {"total": {"reviews": 5, "average": 3.4}, "groups": []}


@pytest.mark.parametrize(
    ("group_by", "expected"),
    [
        ("master", [("m1", "Ірина", 3, 4.67), ("m2", "Оксана", 1, 2.0), (None, None, 1, 1.0)]),
        ("service", [("brows", "Брови", 2, 3.0), ("haircut", "Стрижка", 3, 4.67), (None, None, 1, 1.0)]),
        ("month", [("2026-11", None, 4, 3.0), ("2026-12", None, 1, 5.0)]),
        ("salon", [("s1", "Краса на Подолі", 5, 3.4)]),
    ],
)
async def test_averages_by_group(reviewed: Hands, group_by: str, expected: list[tuple[Any, ...]]) -> None:
    reply = (await reviewed.get(f"/reviews/stats?group_by={group_by}")).json
    assert [(one["key"], one["name"], one["reviews"], one["average"]) for one in reply["groups"]] == expected
    assert reply["total"] == {"reviews": 5, "average": 3.4}


async def test_of_no_reviews_there_is_no_average(reviewed: Hands) -> None:
    reply = (await reviewed.get("/reviews/stats?master=nobody&group_by=month")).json
    assert reply == {"total": {"reviews": 0, "average": None}, "groups": []}


async def test_tips_that_were_paid_are_listed(salon: Hands) -> None:
    rows = (
        a_tip(salon, "a" * 32, at=salon.now + MINUTE),
        a_tip(salon, "b" * 32),
        a_tip(salon, "c" * 32, status="checking", charge=None),
        a_tip(salon, "d" * 32, master="m2", at=salon.now + DAY),
    )
    await salon.store.commit(Changes(inserts=rows))
    reply = (await salon.get("/tips?master=m1")).json
    assert [one["id"] for one in reply["items"]] == ["b" * 32, "a" * 32]
    assert reply["items"][0] == {
        "id": "b" * 32,
        "booking": "b-1",
        "client": None,
        "master": "m1",
        "salon": "s1",
        "amount": {"amount": "200.50", "currency": "UAH"},
        "provider": "telegram",
        "charge": f"charge-{'b' * 32}",
        "at": "2026-11-20T10:00:00.000Z",
    }
    assert len((await salon.get("/tips?until=2026-11-21T00:00:00Z")).json["items"]) == 2
