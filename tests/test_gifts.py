"""What time brings: gifts on birthdays (29 February too), the word that points expire, and their end; never twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from handlers import bonuses
from handlers.bonuses import Points
from handlers.turn import Desk, Links
from scheduler import gifts
from storage.opening import open_store
from storage.records import Address, BonusEntry, Business, Client, Message, Salon, address_id
from storage.store import Changes, Put, Store
from tests.support.planning import at, wall

CHANNELS = frozenset({"telegram"})


@dataclass
class House:
    """A business with one salon, and the time."""

    store: Store
    now: int

    @property
    def desk(self) -> Desk:
        return Desk(self.store, lambda: self.now, Links(None, b"s"), CHANNELS)

    async def opens(self, zone: str = "Europe/Kyiv", **own: Any) -> Business:
        business = Business(business="b", id="b", name="B", timezone=zone, settings=own)
        await self.store.commit(Changes(puts=(Put(business), Put(Salon(business="b", id="s", name="S")))))
        return business

    async def has(self, id: str, birthday: str | None = None, **fields: Any) -> Client:
        client = Client(business="b", id=id, name=id, birthday=birthday, **{"marketing_consent": True, **fields})
        chat = Address(business="b", id=address_id("telegram", id, id), channel="telegram", address=id, client=id)
        await self.store.commit(Changes(puts=(Put(client), Put(chat))))
        return client

    async def at(self, moment: str, zone: str = "Europe/Kyiv") -> list[Message]:
        """Sweep at this moment; every offer there is then, by due time."""
        self.now = at(moment, zone)
        while await gifts.sweep(self.desk):
            pass
        rows = await self.store.find(Message, {"business": "b"}, order=("due_at", "id"))
        return rows

    async def balance(self, client: str = "anna") -> int:
        return (await bonuses.read_ledger(self.desk, "b", client)).balance


@pytest.fixture(params=["sqlite", "mongodb"])
async def house(request: pytest.FixtureRequest) -> AsyncIterator[House]:
    if request.param == "mongodb":
        store = await open_store(request.getfixturevalue("mongodb_url"))
    else:
        store = await open_store("sqlite:///:memory:")
    yield House(store, at("2027-01-01 12:00"))
    await store.close()


@pytest.mark.parametrize(
    ("birthday", "year", "day"),
    [
        ("1990-03-14", 2027, "2027-03-14"),
        ("--12-31", 2027, "2027-12-31"),
        ("1992-02-29", 2028, "2028-02-29"),
        ("1992-02-29", 2027, "2027-03-01"),
        ("--03-01", 2027, "2027-03-01"),
    ],
)
async def test_a_gift_comes_on_the_day_at_the_salons_hour_and_once(
    house: House, birthday: str, year: int, day: str
) -> None:
    await house.opens(birthday_bonus=200)
    await house.has("anna", birthday)
    assert not await house.at(f"{day} 09:59")
    (row,) = await house.at(f"{day} 10:00")
    assert (row.key, row.status, wall(row.due_at)) == (f"birthday:anna:{year}", "planned", f"{day} 10:00")
    assert wall(row.not_after).endswith("00:00") and row.not_after - row.due_at == 14 * 3_600_000
    assert await house.at(f"{day} 10:01") == await house.at(f"{day} 23:59") == [row]
    assert await house.balance() == 200


async def test_two_workers_give_one_gift(house: House) -> None:
    await house.opens(birthday_bonus=200)
    await house.has("anna", "1990-03-14")
    house.now = at("2027-03-14 10:00")
    await asyncio.gather(*(gifts.sweep(house.desk) for _ in range(4)))
    assert len(await house.at("2027-03-14 10:05")) == 1
    assert await house.balance() == 200


async def test_days_before_hold_over_the_end_of_a_year_and_nobody_is_given_twice(house: House) -> None:
    await house.opens(birthday_bonus=50, kinds={"bonus_birthday": {"days_before": 7}})
    await house.has("anna", "1990-01-03")
    assert not await house.at("2027-12-26 23:00")
    (row,) = await house.at("2027-12-27 10:00")
    assert (row.key, row.params["birthday"]) == ("birthday:anna:2028", "2028-01-03")
    assert await house.at("2028-01-03 12:00") == [row]


async def test_a_gift_that_an_outage_delayed_still_comes_on_its_day_and_not_after(house: House) -> None:
    await house.opens(birthday_bonus=50)
    await house.has("anna", "1990-03-14")
    await house.has("boris", "1990-03-15")
    (row,) = await house.at("2027-03-15 18:00")
    assert (row.client, wall(row.due_at)) == ("boris", "2027-03-15 18:00")


async def test_without_consent_there_is_neither_word_nor_gift(house: House) -> None:
    await house.opens(birthday_bonus=50)
    await house.has("anna", "1990-03-14", marketing_consent=None)
    (row,) = await house.at("2027-03-14 12:00")
    assert (row.status, row.reason, await house.balance()) == ("skipped", "no_consent", 0)


async def test_the_day_is_the_salons(house: House) -> None:
    await house.opens("Asia/Almaty", birthday_bonus=50)
    await house.has("anna", "1990-03-14")
    assert not await house.at("2027-03-14 09:59", "Asia/Almaty")
    (row,) = await house.at("2027-03-14 10:00", "Asia/Almaty")
    assert wall(row.due_at, "Asia/Almaty") == "2027-03-14 10:00"


async def test_the_next_gift_is_known_beforehand(house: House) -> None:
    await house.opens(birthday_bonus=50)
    await house.has("anna", "1990-02-29")
    await house.has("boris", "1990-01-01")
    house.now = at("2027-01-01 12:00")
    first = await gifts.next_moment(house.desk)
    assert first is not None and wall(first) == "2027-03-01 10:00"
    house.now = first
    second = await gifts.next_moment(house.desk)
    assert second is not None and wall(second) == "2028-01-01 10:00"


async def test_points_that_expire_on_one_day_are_one_word_a_week_before(house: House) -> None:
    business = await house.opens(bonus_expires_after="P30D")
    anna = await house.has("anna")
    for number in range(3):
        house.now += 3_600_000
        await bonuses.post(
            house.desk, business, anna, Points(id=f"e{number}", amount=10, reason="gift", announce=False)
        )
    lot = await house.store.get(BonusEntry, "b", "e0")
    assert lot is not None and lot.expires_at is not None and wall(lot.expires_at) == "2027-02-01 00:00"
    assert not await house.at("2027-01-24 23:59")
    (row,) = await house.at("2027-01-25 00:00")
    assert (row.kind, row.params["last_day"], wall(row.due_at)) == ("bonus_expiring", "2027-01-31", "2027-01-25 09:00")
    assert await house.at("2027-01-31 23:59") == [row]
    assert await house.balance() == 30
    await house.at("2027-02-01 00:00")
    assert await house.balance() == 0


async def test_a_kind_that_is_switched_off_gives_nothing(house: House) -> None:
    business = await house.opens(birthday_bonus=50, kinds={"bonus_birthday": False, "bonus_expiring": False})
    anna = await house.has("anna", "1990-03-14")
    later = at("2027-03-20 00:00")
    await bonuses.post(
        house.desk, business, anna, Points(id="e", amount=10, reason="gift", announce=False, expires_at=later)
    )
    assert not await house.at("2027-03-14 12:00")
    assert await gifts.next_moment(house.desk) == later


def test_the_day_of_a_birthday_follows_from_it_whatever_is_given() -> None:
    anna = Client(business="b", id="anna", name="Anna", birthday="1990-03-14", birth_day="01-01")
    assert anna.birth_day == "03-14"
    assert replace(anna, birthday="--02-29").birth_day == "02-29"
    assert replace(anna, birthday=None).birth_day is None
