"""Who comes back: the report against a slow and obvious one over random histories, and the worked examples of salons."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.invalid import Invalid
from handlers.moments import parse_moment
from handlers.retention import (
    Group,
    GroupBy,
    Periods,
    Retention,
    Tally,
    lost_clients,
    midnight,
    periods,
    retention,
    wilson,
)
from handlers.turn import Desk, Links
from storage.opening import open_store
from storage.records import Booking, Business, Client, Master, Record, Salon, Service, new_id
from storage.store import Changes, Put, Store

KYIV = ZoneInfo("Europe/Kyiv")
NOW = parse_moment("2026-03-15T12:00:00Z")
DECEMBER = (date(2025, 12, 1), date(2025, 12, 31))
JANUARY = (date(2026, 1, 1), date(2026, 1, 31))
ASKED = periods(DECEMBER, JANUARY, KYIV)
DAY = 24 * 3600 * 1000
GROUPINGS: tuple[GroupBy, ...] = ("salon", "master", "service", "source")


class Bench:
    """A store on a loop of its own, so that Hypothesis may ask it many times."""

    def __init__(self, url: str) -> None:
        self.runner = asyncio.Runner()
        self.store: Store = self.runner.run(open_store(url))
        self.desk = Desk(self.store, lambda: NOW, Links(None, b"s" * 32))

    def stored(self, business: Business, records: Sequence[Record]) -> Business:
        self.runner.run(self.store.commit(Changes(puts=tuple(Put(row) for row in (business, *records)))))
        return business

    def report(self, business: Business, by: GroupBy | None = None, asked: Periods = ASKED) -> Retention:
        return self.runner.run(retention(self.desk, business, asked, by))

    def lost(self, business: Business, by: GroupBy | None = None, key: str | None = None) -> list[str]:
        return self.runner.run(lost_clients(self.desk, business, ASKED, by, key))

    def close(self) -> None:
        self.runner.run(self.store.close())
        self.runner.close()


@pytest.fixture(scope="module", params=["sqlite", "mongodb"])
def bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Each store, empty at first; every example is a business of its own."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('retention') / 'vizit.db'}"
    else:
        url = urlsplit(request.getfixturevalue("mongod"))._replace(path=f"/vizit_test_{new_id()[:12]}").geturl()
    opened = Bench(url)
    yield opened
    opened.close()


def business() -> Business:
    return Business(business=(id := new_id()), id=id, name="Краса")


def visit(business: Business, number: int, client: str | None, day: int, **fields: Any) -> Booking:
    """A visit ``day`` days after the first of December, at noon."""
    starts = midnight(DECEMBER[0], KYIV) + day * DAY + DAY // 2
    given: dict[str, Any] = {"salon": "s1", "status": "arrived", "created_at": starts, **fields}
    return Booking(
        business=business.id, id=f"b{number}", client=client, starts_at=starts, ends_at=starts + 3_600_000, **given
    )


histories = st.lists(
    st.tuples(
        st.sampled_from(["anna", "bohdan", "vira", "hryhorii", None]),
        st.integers(-40, 130),
        st.sampled_from(["s1", "s2"]),
        st.sampled_from(["m1", "m2", None]),
        st.sampled_from([(), ("cut",), ("cut", "brows"), ("brows", "brows")]),
        st.sampled_from([None, "instagram", "friend"]),
        st.sampled_from(["arrived", "arrived", "arrived", "no_show", "cancelled", "booked", "confirmed"]),
    ),
    max_size=25,
)
people = st.dictionaries(st.sampled_from(["anna", "bohdan"]), st.sampled_from([None, "friend"]))


def keys_of(by: GroupBy | None, booking: Booking, source: str | None) -> set[str | None]:
    if by is None:
        return {None}
    if by == "service":
        return set(booking.services) or {None}
    return {{"salon": booking.salon, "master": booking.master, "source": source}[by]}


def slow_report(
    bookings: Sequence[Booking], sources: dict[str, str | None], by: GroupBy | None
) -> dict[str | None, Group]:
    """The report read off the definition, one client and one visit at a time."""
    visit_since, visit_until = ASKED.visit
    back_since, back_until = ASKED.back
    fates: dict[str | None, dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for client in {row.client for row in bookings if row.client is not None}:
        own = sorted((row for row in bookings if row.client == client), key=lambda row: (row.starts_at, row.id))
        source = sources.get(client) or own[0].source
        arrived = [row for row in own if row.status == "arrived"]
        in_period = [row for row in arrived if visit_since <= row.starts_at < visit_until]
        new = bool(in_period) and arrived[0] in in_period
        for key in {key for row in in_period for key in keys_of(by, row, source)}:
            first = next(row for row in in_period if key in keys_of(by, row, source))
            after = [
                row
                for row in own
                if (
                    row.status == "arrived"
                    and back_since <= row.starts_at < back_until
                    and row.starts_at > first.starts_at
                )
                or (row.status in ("booked", "confirmed") and row.starts_at >= NOW)
            ]
            same_salon = [row for row in after if row.salon == first.salon]
            if by == "salon":
                fate = "returned" if same_salon else "lost"
            elif by == "master":
                to_same = [row for row in same_salon if row.master == key]
                fate = "returned" if to_same else "other_master" if same_salon else "lost"
            else:
                fate = "returned" if after else "lost"
            fates[key][fate].append(new)

    def tally(news: list[bool]) -> Tally:
        return Tally(len(news), sum(news))

    return {
        key: Group(
            key,
            None,
            tally([new for news in told.values() for new in news]),
            tally(told["returned"]),
            tally(told["lost"]),
            tally(told["other_master"]),
        )
        for key, told in fates.items()
    }


def bare(group: Group) -> Group:
    return replace(group, name=None, like_for_like=None)


@settings(max_examples=40, deadline=None)
@given(history=histories, sources=people)
def test_the_report_says_what_the_definition_says(
    bench: Bench, history: list[tuple[Any, ...]], sources: dict[str, str | None]
) -> None:
    salon = business()
    # No two visits of a test begin in the same moment, as the first of two would be anybody's guess.
    bookings = [
        replace(
            visit(salon, number, client, day, salon=at, master=master, services=services, source=source, status=status),
            starts_at=midnight(DECEMBER[0], KYIV) + day * DAY + number,
        )
        for number, (client, day, at, master, services, source, status) in enumerate(history)
    ]
    clients = [Client(business=salon.id, id=id, name=id, source=source) for id, source in sources.items()]
    bench.stored(salon, [*bookings, *clients])
    for by in (None, *GROUPINGS):
        expected = slow_report(bookings, sources, by)
        report = bench.report(salon, by)
        if by is None:
            assert bare(report.total) == expected.get(None, Group(None, None, Tally(), Tally(), Tally(), Tally()))
        else:
            assert {group.key: bare(group) for group in report.groups} == expected
        for key, group in expected.items():
            assert len(bench.lost(salon, by, key)) == group.lost.total


def clients_of(master: str, salon: Business, stay: int, of: int, first: int) -> list[Booking]:
    """``of`` clients of one master in December, of whom ``stay`` come again in January."""
    ids = [f"{master}-{number}" for number in range(of)]
    december = [visit(salon, first + number, id, number % 31, master=master) for number, id in enumerate(ids)]
    january = [visit(salon, first + 500 + number, id, 35, master=master) for number, id in enumerate(ids[:stay])]
    return december + january


def test_two_stylists_of_31_clients_each_lose_25_and_5(bench: Bench) -> None:
    salon = business()
    masters = [
        Master(business=salon.id, id=id, salon="s1", name=name) for id, name in (("k", "Кароліна"), ("m", "Марта"))
    ]
    bench.stored(salon, [*masters, *clients_of("k", salon, 6, 31, 0), *clients_of("m", salon, 26, 31, 2000)])
    report = bench.report(salon, "master")
    told = {group.name: (group.clients.total, group.lost.total, group.rate.percent) for group in report.groups}
    assert told == {"Кароліна": (31, 25, 19.4), "Марта": (31, 5, 83.9)}
    worse, better = sorted(report.groups, key=lambda group: group.rate.percent)
    assert worse.rate.high < better.rate.low
    assert worse.enough and better.enough


def test_lashes_bring_60_percent_back_and_manicure_20(bench: Bench) -> None:
    salon = business()
    rows = []
    for service, stay, first in (("lashes", 30, 0), ("manicure", 10, 2000)):
        rows += [replace(row, services=(service,)) for row in clients_of(service, salon, stay, 50, first)]
    services = [Service(business=salon.id, id=id, name=id) for id in ("lashes", "manicure")]
    bench.stored(salon, [*services, *rows])
    assert {group.key: group.rate.percent for group in bench.report(salon, "service").groups} == {
        "lashes": 60.0,
        "manicure": 20.0,
    }


def test_222_lost_in_a_quarter_are_listed_one_by_one(bench: Bench) -> None:
    salon = business()
    bench.stored(salon, clients_of("m1", salon, 78, 300, 0))
    assert bench.report(salon).total.lost == Tally(222, 222)
    assert bench.lost(salon) == sorted(f"m1-{number}" for number in range(78, 300))


def test_who_stayed_with_the_salon_is_neither_returned_to_the_master_nor_lost(bench: Bench) -> None:
    salon = business()
    bench.stored(
        salon,
        [
            Salon(business=salon.id, id="s1", name="Поділ"),
            visit(salon, 1, "anna", 3, master="m1"),
            visit(salon, 2, "anna", 40, master="m2"),
            visit(salon, 3, "vira", 3, master="m1"),
            visit(salon, 4, "vira", 40, salon="s2", master="m1"),
        ],
    )
    (group,) = bench.report(salon, "master").groups
    assert (group.returned.total, group.other_master.total, group.lost.total) == (0, 1, 1)


def test_masters_are_compared_as_if_they_had_the_same_clients(bench: Bench) -> None:
    """One has mostly new clients, the other mostly known ones; of either kind both keep the same share."""
    salon = business()
    rows: list[Booking] = []
    for master, new, known in (("m1", 40, 10), ("m2", 10, 40)):
        for number in range(new + known):
            id, at = f"{master}-{number}", len(rows)
            rows.append(visit(salon, at, id, 5, master=master))
            if number >= new:
                rows.append(visit(salon, at + 5000, id, -20, master=master))
            if number % 10 < (2 if number < new else 8):
                rows.append(visit(salon, at + 9000, id, 40, master=master))
    bench.stored(salon, rows)
    told = {group.key: (group.rate.percent, group.like_for_like) for group in bench.report(salon, "master").groups}
    assert told == {"m1": (32.0, 50.0), "m2": (68.0, 50.0)}


def test_a_rate_of_few_is_wide_and_not_to_be_judged() -> None:
    assert wilson(3, 4) == (75.0, 30.1, 95.4)
    assert wilson(0, 0) == (0.0, 0.0, 100.0)
    assert not Group(None, None, Tally(19, 1), Tally(), Tally(19, 1), Tally()).enough


def test_periods_that_end_before_they_begin_are_refused() -> None:
    with pytest.raises(Invalid) as refused:
        periods((DECEMBER[1], DECEMBER[0]), (JANUARY[1], JANUARY[0]), KYIV)
    assert [at for at, _ in refused.value.errors] == ["/visit_to", "/return_to"]
    with pytest.raises(Invalid, match="/return_to"):
        periods(JANUARY, DECEMBER, KYIV)
    assert periods(DECEMBER, DECEMBER, KYIV).back.until == parse_moment("2025-12-31T22:00:00Z")
