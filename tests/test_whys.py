"""Why clients don't come: who is asked under a mailing, and which numbers may be shown."""

from collections.abc import AsyncIterator
from datetime import date

import pytest

from handlers.durations import DAY
from handlers.turn import Desk, Links
from handlers.whys import CHOICES, to_ask, whys
from storage.campaigns import member_id
from storage.records import Business, Campaign, CampaignMember, Client, Master, Why
from storage.sqlite import open_sqlite
from storage.store import Changes, Put, Store

NOW = 1_795_000_000_000
BUSINESS = Business(business="b", id="b", name="Краса")
ANNA = Client(business="b", id="anna", name="Анна")
LOST = {"lost": {"visit_from": "2026-01-01"}}


@pytest.fixture
async def desk(store: Store) -> Desk:
    return Desk(store, lambda: NOW, Links(None, b"s" * 32))


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    opened = await open_sqlite(":memory:")
    yield opened
    await opened.close()


def mailing(id: str, **audience: object) -> Campaign:
    return Campaign(business="b", id=id, name=id, audience=audience)


async def written(desk: Desk, campaign: Campaign, days_ago: int) -> None:
    """Anna got this mailing then."""
    id = member_id(campaign.id, "anna")
    at = NOW - days_ago * DAY
    member = CampaignMember(
        business="b", id=id, campaign=campaign.id, client="anna", part="message", at=at, message="row"
    )
    await desk.store.commit(Changes(puts=(Put(campaign), Put(member))))


async def test_only_a_mailing_to_those_who_stay_away_asks_why(desk: Desk) -> None:
    assert await to_ask(desk, mailing("spring", **LOST), ANNA) == CHOICES
    assert await to_ask(desk, mailing("spring", last_visit={"to": "2026-06-01"}), ANNA) == CHOICES
    assert await to_ask(desk, mailing("spring", birthday_month=3), ANNA) == ()


@pytest.mark.parametrize(("days_ago", "asked"), [(364, ()), (366, CHOICES)])
async def test_who_stays_away_is_asked_once_a_year(desk: Desk, days_ago: int, asked: object) -> None:
    await written(desk, mailing("birthday", birthday_month=3), 10)
    await written(desk, mailing("winter", **LOST), days_ago)
    assert await to_ask(desk, mailing("spring", **LOST), ANNA) == asked


async def answers(desk: Desk, **by_master: int) -> None:
    """So many answers about each master."""
    for master, number in by_master.items():
        rows = [
            Why(business="b", id=f"{master}-{n}", salon="s1", master=master, reason="price", month="2026-11")
            for n in range(number)
        ]
        await desk.store.commit(Changes(puts=(Put(Master(business="b", id=master, salon="s1", name=master)),)))
        await desk.store.commit(Changes(inserts=tuple(rows)))


@pytest.mark.parametrize(
    ("by_master", "total", "shown"),
    [
        ({"m1": 3, "m2": 1}, None, []),
        ({"m1": 5}, 5, ["m1"]),
        ({"m1": 9, "m2": 6}, 15, ["m1", "m2"]),
        ({"m1": 9, "m2": 6, "m3": 4}, 19, ["m1"]),
        ({"m1": 9, "m2": 4, "m3": 4}, 17, ["m1"]),
        ({"m1": 6, "m2": 1}, 7, []),
    ],
)
async def test_no_number_below_five_is_shown_nor_can_be_reckoned(
    desk: Desk, by_master: dict[str, int], total: int | None, shown: list[str]
) -> None:
    await answers(desk, **by_master)
    found = await whys(desk, BUSINESS, [date(2026, 11, 1)], "master")
    assert (found.total.answers if found.total else None) == total
    assert [group.key for group in found.groups] == shown
    assert (await whys(desk, BUSINESS, [date(2026, 10, 1)], None)).total is None
