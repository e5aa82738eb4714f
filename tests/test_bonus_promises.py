"""The ledger's promises against any order of events: the sum of the entries is the balance, nothing is entered twice,
and points expire on their day, however many years pass.

The store is a real one. The model keeps a list of what came and when it ends, and knows nothing of accounts or revisions.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from handlers import bonuses
from handlers.bonuses import Clash, Points
from handlers.invalid import Invalid
from handlers.turn import Desk, Links
from handlers.visits import Wanted, put_booking
from storage.opening import open_store
from storage.records import BonusAccount, BonusEntry, Business, Client, Salon
from storage.store import Changes, Put
from tests.support.planning import at

T = TypeVar("T")
DAY = 86_400_000
BEGINS = at("2027-12-20 12:00")
"""Ten weeks before a leap day, a few days before the year ends."""
PERCENT = 5


@dataclass
class Model:
    """What the ledger should hold: points that came (amount left, end), oldest end first to be spent."""

    lots: list[list[int]] = field(default_factory=list)
    """End, order of arrival, what is left."""
    arrivals: int = 0
    posted: dict[str, Points] = field(default_factory=dict)

    def balance(self, now: int) -> int:
        self.lots = [lot for lot in self.lots if lot[0] > now]
        return sum(lot[2] for lot in self.lots)

    def add(self, amount: int, ends: int) -> None:
        self.arrivals += 1
        self.lots.append([ends, self.arrivals, amount])

    def take(self, amount: int, now: int) -> None:
        assert self.balance(now) >= amount
        for lot in sorted(self.lots):
            taken = min(amount, lot[2])
            lot[2] -= taken
            amount -= taken


class Ledgers(RuleBasedStateMachine):
    """One client, one business, years of visits, gifts and purchases."""

    @initialize()
    def open(self) -> None:
        self.now, self.model, self.visits, self.made = BEGINS, Model(), dict[str, int](), 0
        self.runner = asyncio.Runner()
        self.store = self.run(open_store("sqlite:///:memory:"))
        self.desk = Desk(self.store, lambda: self.now, Links(None, b"s"))
        own = {"cashback_percent": PERCENT, "bonus_expires_after": "P90D"}
        self.business = Business(business="b", id="b", name="B", settings=own)
        self.client = Client(business="b", id="c", name="C", revision=1)
        salon = Salon(business="b", id="s", name="S", revision=1)
        self.run(self.store.commit(Changes(puts=(Put(self.business), Put(self.client), Put(salon)))))

    def run(self, doing: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(doing)

    def teardown(self) -> None:
        if hasattr(self, "runner"):
            self.run(self.store.close())
            self.runner.close()

    def fresh(self) -> str:
        self.made += 1
        return f"e{self.made}"

    def post(self, points: Points) -> None:
        made = self.run(bonuses.post(self.desk, self.business, self.client, points))
        assert made.new
        self.model.posted[points.id] = points
        if points.amount > 0:
            self.model.add(points.amount, made.entry.expires_at or 1 << 62)
        else:
            self.model.take(-points.amount, self.now)

    @rule(amount=st.integers(1, 300), days=st.one_of(st.none(), st.integers(1, 120), st.just(800)))
    def points_come(self, amount: int, days: int | None) -> None:
        ends = None if days is None else self.now + days * DAY
        self.post(Points(id=self.fresh(), amount=amount, reason="gift", expires_at=ends))

    @rule(share=st.floats(0.01, 1.0))
    def points_are_spent(self, share: float) -> None:
        amount = int(self.model.balance(self.now) * share)
        if amount:
            self.post(Points(id=self.fresh(), amount=-amount, reason="redemption"))

    @rule(over=st.integers(1, 100))
    def nobody_spends_more_than_there_is(self, over: int) -> None:
        points = Points(id="too-much", amount=-self.model.balance(self.now) - over, reason="redemption")
        try:
            self.run(bonuses.post(self.desk, self.business, self.client, points))
        except Invalid as refused:
            assert refused.errors[0][0] == "/amount"
        else:
            raise AssertionError("more was spent than there was")

    @precondition(lambda self: self.model.posted)
    @rule(data=st.data())
    def the_same_again_changes_nothing(self, data: st.DataObject) -> None:
        points = data.draw(st.sampled_from(list(self.model.posted.values())))
        assert not self.run(bonuses.post(self.desk, self.business, self.client, points)).new

    @precondition(lambda self: self.model.posted)
    @rule(data=st.data())
    def an_id_is_not_used_for_something_else(self, data: st.DataObject) -> None:
        id = data.draw(st.sampled_from(list(self.model.posted)))
        try:
            self.run(bonuses.post(self.desk, self.business, self.client, Points(id=id, amount=77_777, reason="gift")))
        except Clash:
            return
        raise AssertionError("one id, two entries")

    @precondition(lambda self: self.model.balance(self.now) > 1)
    @rule()
    def two_tills_cannot_both_spend_the_whole(self) -> None:
        whole = self.model.balance(self.now)
        tills = [Points(id=self.fresh(), amount=-whole, reason="redemption") for _ in range(2)]

        async def both() -> list[Any]:
            asked = (bonuses.post(self.desk, self.business, self.client, points) for points in tills)
            return await asyncio.gather(*asked, return_exceptions=True)

        done = self.run(both())
        assert [type(one) for one in done if isinstance(one, Exception)] == [Invalid]
        self.model.posted |= {
            till.id: till for till, one in zip(tills, done, strict=True) if not isinstance(one, Exception)
        }
        self.model.take(whole, self.now)

    @rule(price=st.integers(0, 400_00), days=st.integers(1, 40))
    def a_visit_takes_place(self, price: int, days: int) -> None:
        id = f"v{len(self.visits)}"
        start = self.now + DAY
        wanted = Wanted(salon="s", client_id="c", starts_at=start, price=price, currency="UAH")
        self.run(put_booking(self.desk, self.business, id, wanted))
        self.now = start + days * DAY // 40
        arrived = Wanted(salon="s", client_id="c", starts_at=start, price=price, currency="UAH", status="arrived")
        self.run(put_booking(self.desk, self.business, id, arrived))
        self.run(put_booking(self.desk, self.business, id, arrived))
        points = (price * PERCENT + 5000) // 10_000
        self.visits[id] = points
        if points:
            entry = self.run(self.store.find(BonusEntry, {"business": "b", "booking": id}, order=("booking",)))
            self.model.add(points, entry[0].expires_at or 0)

    @rule(days=st.one_of(st.integers(0, 3), st.integers(10, 60), st.integers(200, 500)))
    def time_passes(self, days: int) -> None:
        self.now += days * DAY

    @rule()
    def what_expired_is_swept(self) -> None:
        while self.run(bonuses.expire(self.desk)):
            pass
        lapsed = self.run(self.store.find(BonusEntry, {"business": "b"}, limit=5000))
        assert not [lot for lot in lapsed if lot.lapses_at is not None and lot.lapses_at <= self.now]

    @invariant()
    def the_sum_of_the_entries_is_the_balance(self) -> None:
        told = self.run(bonuses.statement(self.desk, "b", "c", None, 5000))
        assert told.balance == sum(entry.amount for entry in told.entries) == self.model.balance(self.now) >= 0

    @invariant()
    def nothing_is_entered_twice(self) -> None:
        told = self.run(bonuses.statement(self.desk, "b", "c", None, 5000))
        ids = [entry.id for entry in told.entries]
        assert len(ids) == len(set(ids))
        brought = {entry.id for entry in told.entries if entry.reason == "accrual"}
        assert len(brought) == sum(points > 0 for points in self.visits.values())

    @invariant()
    def what_is_stored_agrees_with_itself(self) -> None:
        account = self.run(self.store.get(BonusAccount, "b", "c"))
        entries = self.run(self.store.find(BonusEntry, {"business": "b"}, limit=5000))
        stored = account.balance if account else 0
        assert stored == sum(entry.amount for entry in entries) == sum(entry.remaining for entry in entries)

    @invariant()
    def points_expire_on_their_day_and_never_before(self) -> None:
        told = self.run(bonuses.statement(self.desk, "b", "c", None, 5000))
        for entry in told.entries:
            if entry.reason == "expiry":
                lot = next(one for one in told.entries if one.id == entry.id.removeprefix("expiry~"))
                assert entry.at == lot.expires_at <= self.now


Ledgers.TestCase.settings = settings(
    max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
TestLedgers = Ledgers.TestCase
