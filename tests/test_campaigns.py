"""Mailings: whom they are for, who is held out, how they go on where they were killed, and what they brought."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from handlers.audience import audience_of, matching
from handlers.bonuses import read_ledger
from handlers.campaign_results import result_of
from handlers.campaigns import campaign_part, in_daytime, is_held_out, preview, save, start, stop
from handlers.durations import DAY, HOUR
from handlers.invalid import Invalid
from handlers.moments import moment_text, parse_moment
from handlers.settings import place
from handlers.turn import Desk, Links
from handlers.whys import VERBS
from storage.records import (
    Address,
    Booking,
    Business,
    Campaign,
    CampaignMember,
    Client,
    Message,
    Salon,
    Task,
    address_id,
)
from storage.sqlite import open_sqlite
from storage.store import Changes, Delete, Put, Store

NOW = parse_moment("2026-11-20T12:00:00Z")
ZONE = place(Business(business="b", id="b", name="Краса"), None).zone


class Office:
    """A business with a clock that the test moves."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.now = NOW
        self.desk = Desk(store, lambda: self.now, Links(None, b"s" * 32), frozenset({"telegram"}))
        self.business = Business(business="b", id="b", name="Краса")

    async def add(self, *records: Any) -> None:
        await self.store.commit(Changes(puts=tuple(Put(record) for record in records)))

    async def client(self, id: str, **fields: Any) -> None:
        """A client who may be written to in Telegram."""
        given = {"name": id.title(), "marketing_consent": True, **fields}
        chat = Address(
            business="b", id=address_id("telegram", id, id), channel="telegram", address=id, client=id, linked_at=1
        )
        await self.add(Client(business="b", id=id, **given), chat)

    async def visit(self, id: str, client: str, days_ago: int, **fields: Any) -> None:
        at = NOW - days_ago * DAY
        given = {
            "status": "arrived",
            "salon": "s1",
            "price": 45000,
            "currency": "UAH",
            "created_at": at - DAY,
            **fields,
        }
        await self.add(Booking(business="b", id=id, client=client, starts_at=at, ends_at=at + HOUR, **given))

    async def draft(self, **fields: Any) -> Campaign:
        given = {"name": "Повернення", "audience": {}, "texts": {}, "holdout_percent": 0, **fields}
        return (await save(self.desk, self.business, "spring", given))[0]

    async def campaign(self) -> Campaign:
        found = await self.store.get(Campaign, "b", "spring")
        assert found is not None
        return found

    async def work(self, desk: Desk | None = None) -> None:
        """Do all of the task, moving the clock to its next part each time."""
        while (task := await self.store.get(Task, "b", "campaign~spring")) is not None:
            self.now = max(self.now, task.next_at)
            after = await campaign_part(desk or self.desk, task)
            if after is None:
                await self.store.commit(Changes(deletes=(Delete(Task, "b", task.id),)))
            else:
                await self.add(replace(after, revision=task.revision))

    async def messages(self) -> list[Message]:
        return await self.store.find(Message, {"business": "b"}, order=("due_at", "id"))

    async def members(self) -> dict[str, tuple[str, str | None]]:
        rows = await self.store.find(CampaignMember, {"business": "b", "campaign": "spring"})
        return {row.client or "": (row.part, row.reason) for row in rows}


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    store = await open_sqlite(":memory:")
    opened = Office(store)
    await opened.add(opened.business, Salon(business="b", id="s1", name="Поділ", booking_url="https://krasa.example"))
    yield opened
    await store.close()


async def test_filters_must_all_hold(office: Office) -> None:
    await office.client("anna", birthday="1990-03-14", source="instagram")
    await office.client("bohdan", birthday="--11-02")
    await office.client("vira")
    await office.visit("a1", "anna", 90, master="m1", services=("cut",))
    await office.visit("a2", "anna", 60, master="m2", services=("brows",), price=100000)
    await office.visit("b1", "bohdan", 10, master="m1")
    await office.visit("b2", "bohdan", 5, master="m1", status="no_show")

    async def found(**audience: Any) -> list[str]:
        return await matching(office.desk, office.business, audience_of(audience))

    assert await found() == ["anna", "bohdan", "vira"]
    assert await found(visits={"min": 1}) == ["anna", "bohdan"]
    assert await found(visits={"max": 1}) == ["bohdan", "vira"]
    assert await found(spent={"min": "1450.00"}) == ["anna"]
    assert await found(average_bill={"min": "450.00", "max": "450.00"}) == ["bohdan"]
    assert await found(last_visit={"to": "2026-10-31"}) == ["anna"]
    assert await found(last_visit={"from": "2026-11-10", "to": "2026-11-10"}) == ["bohdan"]
    assert await found(birthday_month=11) == ["bohdan"]
    assert await found(sources=["instagram"], masters=["m2"], services=["cut"]) == ["anna"]
    assert await found(masters=["m1"], salons=["s1"]) == ["anna", "bohdan"]
    assert await found(clients=["vira", "anna", "nobody"]) == ["anna", "vira"]
    september = {"visit_from": "2026-08-01", "visit_to": "2026-09-30"}
    assert await found(lost={**september, "return_from": "2026-10-01", "return_to": "2026-11-20"}) == ["anna"]


async def test_a_filter_that_makes_no_sense_is_named(office: Office) -> None:
    for audience, at in (
        ({"visit": 1}, "/visit"),
        ({"visits": {"min": -1}}, "/visits/min"),
        ({"last_visit": {"from": "2026-02-30"}}, "/last_visit/from"),
        ({"birthday_month": 13}, "/birthday_month"),
        ({"spent": {"min": 5}}, "/spent/min"),
    ):
        with pytest.raises(Invalid) as refused:
            audience_of(audience)
        assert [where for where, _ in refused.value.errors] == [at]


async def test_a_preview_says_who_is_left_out_and_why(office: Office) -> None:
    await office.client("anna")
    await office.client("bohdan", marketing_consent=None)
    await office.client("vira", silent=True)
    await office.client("olha")
    await office.visit("o1", "olha", -5, status="booked")
    await office.add(Client(business="b", id="petro", name="Петро", marketing_consent=True))
    seen = await preview(office.desk, office.business, await office.draft())
    assert (seen.matched, seen.message, seen.holdout) == (5, 1, 0)
    assert seen.left_out == {"no_consent": 1, "opted_out": 1, "has_booking": 1, "no_channel": 1}
    assert seen.ways == {"telegram": 1}
    assert await office.messages() == []


async def test_a_mailing_gives_everybody_one_message_and_one_gift_slowly_and_by_day(office: Office) -> None:
    for number in range(10):
        await office.client(f"client-{number}")
    office.now = parse_moment("2026-11-20T17:30:00Z")
    campaign = await office.draft(bonus=500, per_hour=12, promo_code="ЗИМА")
    await start(office.desk, campaign)
    await office.work()
    sent = await office.messages()
    assert [moment_text(row.due_at, ZONE)[11:16] for row in sent] == [
        "19:30", "19:35", "19:40", "19:45", "19:50", "19:55", "10:00", "10:05", "10:10", "10:15",
    ]  # fmt: skip
    assert {row.client for row in sent} == {f"client-{number}" for number in range(10)}
    assert [(await read_ledger(office.desk, "b", f"client-{number}")).balance for number in range(10)] == [500] * 10
    assert (await office.campaign()).status == "done"
    assert await start(office.desk, await office.campaign()) == await office.campaign()


async def test_a_mailing_to_those_who_stay_away_asks_why_with_one_tap(office: Office) -> None:
    await office.client("anna")
    await office.visit("v1", "anna", 200)
    await start(office.desk, await office.draft(audience={"last_visit": {"to": "2026-08-31"}}))
    await office.work()
    (sent,) = await office.messages()
    assert [choice.verb for choice in sent.choices] == ["book", *VERBS, "offers_off"]


async def test_the_held_out_get_nothing_and_are_drawn_by_lot(office: Office) -> None:
    campaign = await office.draft(holdout_percent=10)
    drawn = [is_held_out(campaign, f"client-{number}") for number in range(20_000)]
    assert 1900 < sum(drawn) < 2100
    assert drawn == [is_held_out(campaign, f"client-{number}") for number in range(20_000)]
    other = replace(campaign, id="autumn")
    assert 100 < sum(is_held_out(other, f"client-{number}") and drawn[number] for number in range(20_000)) < 300
    assert not any(is_held_out(replace(campaign, holdout_percent=0), f"client-{number}") for number in range(1000))


class Killed(Exception):
    """The worker is gone."""


class Mortal:
    """A store whose worker dies at one of its commits, before it or right after it."""

    def __init__(self, store: Store, at: int, *, after: bool) -> None:
        self._store, self._left, self._after = store, at, after

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def commit(self, changes: Changes) -> Any:
        self._left -= 1
        if self._left < 0 and not self._after:
            raise Killed
        done = await self._store.commit(changes)
        if self._left < 0:
            raise Killed
        return done


@pytest.mark.parametrize("after", [False, True], ids=["before a commit", "after a commit"])
@pytest.mark.parametrize("at", range(7))
async def test_a_mailing_killed_at_any_moment_goes_on_and_nobody_gets_it_twice(
    office: Office, at: int, after: bool
) -> None:
    for number in range(8):
        await office.client(f"client-{number}", marketing_consent=number != 3)
    campaign = await office.draft(bonus=100, per_hour=3600, holdout_percent=30)
    await start(office.desk, campaign)
    mortal: Any = Mortal(office.store, at, after=after)
    with pytest.raises(Killed):
        await office.work(replace(office.desk, store=mortal))
    await office.work()
    members = await office.members()
    held_out = {client for client in members if is_held_out(campaign, client)}
    assert members == {
        f"client-{number}": ("left_out", "no_consent")
        if number == 3
        else ("holdout" if f"client-{number}" in held_out else "message", None)
        for number in range(8)
    }
    written_to = {client for client, (part, _) in members.items() if part == "message"}
    assert sorted(row.client or "" for row in await office.messages()) == sorted(written_to)
    for client in members:
        assert (await read_ledger(office.desk, "b", client)).balance == (100 if client in written_to else 0)


async def test_whoever_withdraws_consent_or_books_before_the_turn_comes_is_left_out(office: Office) -> None:
    for id in ("anna", "bohdan", "vira"):
        await office.client(id)
    await start(office.desk, await office.draft(per_hour=1))
    for _ in range(2):
        task = await office.store.get(Task, "b", "campaign~spring")
        assert task is not None
        after = await campaign_part(office.desk, task)
        assert after is not None
        await office.add(after)
    await office.client("bohdan", marketing_consent=False)
    await office.visit("v1", "vira", -5, status="booked")
    await office.work()
    assert [row.client for row in await office.messages()] == ["anna"]
    members = await office.members()
    assert members == {
        "anna": ("message", None),
        "bohdan": ("left_out", "no_consent"),
        "vira": ("left_out", "has_booking"),
    }


async def test_what_waits_is_taken_off_with_its_gift_when_a_mailing_is_stopped(office: Office) -> None:
    for number in range(4):
        await office.client(f"client-{number}")
    await start(office.desk, await office.draft(bonus=100, per_hour=3600))
    await office.work()
    first, *waiting = await office.messages()
    await office.add(replace(first, status="sent", sent_at=office.now))
    stopped = await stop(office.desk, office.business, await office.campaign())
    assert stopped.status == "done"
    states = {row.id: (row.status, row.reason) for row in await office.messages()}
    assert states == {first.id: ("sent", None), **{row.id: ("cancelled", "by_staff") for row in waiting}}
    balances = [(await read_ledger(office.desk, "b", f"client-{number}")).balance for number in range(4)]
    assert sorted(balances) == [0, 0, 0, 100]
    assert await stop(office.desk, office.business, stopped) == stopped


async def test_a_mailing_that_is_stopped_before_its_turn_writes_to_nobody(office: Office) -> None:
    await office.client("anna")
    begun = await start(office.desk, await office.draft(starts_at=NOW + DAY))
    assert (await stop(office.desk, office.business, begun)).status == "stopped"
    await office.work()
    assert await office.messages() == []
    with pytest.raises(Invalid, match="started"):
        await office.draft(name="Інше")


async def test_the_result_compares_with_those_who_got_nothing(office: Office) -> None:
    for number in range(60):
        await office.client(f"client-{number:02}")
    campaign = await start(office.desk, await office.draft(holdout_percent=50, per_hour=3600, bonus=100))
    await office.work()
    members = await office.members()
    written_to = sorted(client for client, (part, _) in members.items() if part == "message")
    held_out = sorted(client for client, (part, _) in members.items() if part == "holdout")
    for number, client in enumerate([*written_to[:15], *held_out[:3]]):
        await office.visit(f"n{number}", client, -3, created_at=NOW + DAY, price=50000)
    for row in (await office.messages())[:20]:
        await office.add(replace(row, status="sent", channel="telegram", sent_at=office.now))
    office.now = NOW + 10 * DAY
    result = await result_of(office.desk, office.business, campaign)
    assert (result.message.clients, result.message.booked, result.message.came) == (len(written_to), 15, 15)
    assert (result.holdout.clients, result.holdout.came) == (len(held_out), 3)
    assert result.message.revenue == 15 * 50000
    assert result.words["delivered"] == 20
    assert result.difference.low > 0
    assert result.difference.low < result.difference.points < result.difference.high


async def test_daytime_holds_in_the_salons_zone_across_a_clock_change() -> None:
    before_change = parse_moment("2026-10-24T18:30:00Z")
    assert moment_text(in_daytime(before_change, ZONE), ZONE) == "2026-10-25T10:00:00+02:00"
    assert in_daytime(NOW, ZONE) == NOW
