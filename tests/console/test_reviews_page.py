"""Reviews and tips on the console, and what of them stands on a client's card."""

from __future__ import annotations

import pytest

from handlers import bonuses
from handlers.bonuses import Points
from storage.records import Client, Review, Tip
from storage.store import Changes
from tests.console.room import Room


def review(id: str, rating: int, text: str, master: str, client: str, business: str = "mriya") -> Review:
    fields = {"salon": "s1", "channel": "page", "at": rating, "updated_at": rating}
    return Review(business=business, id=id, rating=rating, text=text, master=master, client=client, **fields)  # type: ignore[arg-type]


def tip(id: str, amount: int, master: str, status: str) -> Tip:
    fields = {"salon": "s1", "currency": "UAH", "provider": "telegram", "invoice": "i", "at": 1, "status": status}
    return Tip(business="mriya", id=id, booking=id, amount=amount, master=master, client="c1", **fields)  # type: ignore[arg-type]


@pytest.fixture
async def rated(busy: Room) -> Room:
    """Two specialists got stars, and one of them money."""
    rows = (
        review("b1", 5, "Дуже <b>добре</b>", "m1", "c1"),
        review("b2", 2, "Kötü", "m2", "c2"),
        review("b9", 1, "Чуже", "m1", "c9", "other"),
        tip("t1", 5000, "m1", "paid"),
        tip("t2", 7000, "m2", "checking"),
    )
    await busy.desk.store.commit(Changes(inserts=rows))
    return busy


async def test_an_owner_sees_all_reviews_averages_and_what_was_paid(rated: Room) -> None:
    words = (await rated.ask("reviews")).words
    for part in ("Дуже <b>добре</b>", "Kötü", "★3.50", "Наталія ★5.00", "Оксана ★2.00", "Чайові: 50 ₴"):
        assert part in words, part
    assert "Чуже" not in words
    assert "70 ₴" not in words


async def test_a_master_sees_the_own_ones_alone(rated: Room) -> None:
    await rated.enter_as("master", salon="s1", master="m2")
    page = await rated.ask("reviews")
    assert "Kötü" in page.words
    for part in ("добре", "★5", "50 ₴", "Наталія"):
        assert part not in page.words
    assert "/console/clients/" not in page.text


async def test_reviews_and_bonuses_stand_on_the_card(rated: Room) -> None:
    client = await rated.desk.store.get(Client, "mriya", "c1")
    assert client is not None
    await bonuses.post(rated.desk, rated.business, client, Points(id="g1", amount=50, reason="gift"))
    words = (await rated.ask("clients/c1")).words
    assert "Дуже <b>добре</b>" in words
    assert "Бонуси : 50" in words.replace("Бонуси:", "Бонуси :")
    assert "+50" in words


@pytest.mark.parametrize("after", ["x", "1", ":", "1:x", "９:x"])
async def test_what_makes_no_sense_in_the_address_does_no_harm(rated: Room, after: str) -> None:
    assert (await rated.ask("reviews", params={"after": after})).status == 200
