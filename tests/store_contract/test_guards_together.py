"""A message that speaks for others goes together with what becomes of them, or not at all."""

import asyncio
import random
from dataclasses import replace
from typing import Any

import pytest

from storage.failpoints import armed
from storage.records import WAITING, Choice, Message
from storage.store import Changes, Conflict, Guard, GuardResult, OneOf, Patch, Store
from tests.store_contract.samples import message
from tests.store_contract.test_races import ROUNDS, side_by_side

TOLD = {"status": "skipped", "reason": "grouped", "token": None, "lease_until": None}


def leased(**fields: Any) -> Message:
    return message(**{"status": "leased", "token": "t", "lease_until": 7, **fields})


def spoken_for(row: Message, revision: int = 3) -> Patch:
    return Patch(Message, "a", row.id, TOLD, {"status": OneOf(WAITING), "revision": revision, "held": False})


def guard(row: Message, *also: Patch, **fields: Any) -> Guard:
    wanted = {"id": row.id, "token": "t", "revision": 3, "now": 2000, "lease_until": 9, "also": also}
    return Guard(**{**wanted, "channel": "telegram", "address": "7", **fields})


async def stored(store: Store, row: Message) -> Message:
    found = await store.get(Message, row.business, row.id)
    assert found is not None
    return found


async def test_a_guard_takes_with_it_the_rows_that_it_speaks_for(store: Store) -> None:
    leader, planned, held_by_another = leased(), message(), leased(token="other")
    await store.commit(Changes(inserts=(leader, planned, held_by_another)))
    words = Patch(Message, "a", leader.id, {"params": {"bookings": ["b"]}, "choices": (Choice("menu"),)})
    step = await store.step(guards=[guard(leader, words, spoken_for(planned), spoken_for(held_by_another), text="all")])
    assert step.guarded == ("sending",)
    sent = await stored(store, leader)
    assert (sent.status, sent.text, sent.attempts) == ("sending", "all", 1)
    assert (sent.params, sent.choices) == ({"bookings": ["b"]}, (Choice("menu"),))
    assert await stored(store, planned) == replace(planned, status="skipped", reason="grouped")
    assert (await stored(store, held_by_another)).status == "skipped"


@pytest.mark.parametrize(
    "changed",
    [{"status": "cancelled"}, {"revision": 4}, {"held": True}, {"status": "sending", "channel": "x", "address": "y"}],
    ids=str,
)
async def test_where_one_of_them_has_changed_nothing_goes_and_it_is_to_be_read_again(
    store: Store, changed: dict[str, Any]
) -> None:
    leader, first, second = leased(), message(), message(**changed)
    await store.commit(Changes(inserts=(leader, first, second)))
    step = await store.step(guards=[guard(leader, spoken_for(first), spoken_for(second))])
    assert step.guarded == ("stale",)
    assert [await stored(store, row) for row in (leader, first, second)] == [leader, first, second]


@pytest.mark.parametrize(
    ("changed", "result"),
    [({"token": "other"}, "lost"), ({"revision": 4}, "stale"), ({"not_after": 2000}, "lost"), ({}, "busy")],
    ids=str,
)
async def test_a_leader_that_may_not_go_leaves_the_others_alone(
    store: Store, changed: dict[str, Any], result: GuardResult
) -> None:
    leader, other = leased(**changed), message()
    busy = message(status="sending", token="x", lease_until=1, channel="telegram", address="7")
    await store.commit(Changes(inserts=(leader, other, *([] if changed else [busy]))))
    assert (await store.step(guards=[guard(leader, spoken_for(other))])).guarded == (result,)
    assert [await stored(store, row) for row in (leader, other)] == [leader, other]


async def test_one_that_fails_takes_no_other_guard_of_the_step_with_it(store: Store) -> None:
    alone, failing, other, going, third = leased(), leased(), message(revision=4), leased(), message()
    await store.commit(Changes(inserts=(alone, failing, other, going, third)))
    guards = [
        guard(alone, address="1"),
        guard(failing, spoken_for(other), address="2"),
        guard(going, spoken_for(third), address="3"),
    ]
    assert (await store.step(guards=guards)).guarded == ("sending", "stale", "sending")
    assert (await stored(store, failing)) == failing
    assert (await stored(store, third)).status == "skipped"


class Crash(BaseException):
    """The process stops here."""


@pytest.mark.parametrize("nth", range(1, 4))
async def test_a_crash_leaves_all_of_them_waiting_or_all_of_them_gone(store: Store, nth: int) -> None:
    leader, first, second = leased(), message(), message()
    await store.commit(Changes(inserts=(leader, first, second)))
    left = [nth]

    def crash() -> None:
        left[0] -= 1
        if left[0] == 0:
            raise Crash

    with armed("step.statement", crash):
        try:
            await store.step(guards=[guard(leader, spoken_for(first), spoken_for(second))])
        except Crash:
            pass
    states = {row.status for row in [await stored(store, row) for row in (leader, first, second)]}
    assert states in ({"leased", "planned"}, {"sending", "skipped"})


async def test_a_member_is_cancelled_or_spoken_for_and_never_both(store: Store, database: str) -> None:
    leaders = [leased(id=f"{number:032x}") for number in range(ROUNDS)]
    members = [message(id=f"{number + ROUNDS:032x}") for number in range(ROUNDS)]
    await store.commit(Changes(inserts=(*leaders, *members)))

    async def send(handle: Store, number: int) -> bool:
        await asyncio.sleep(random.random() / 1000)
        wanted = guard(leaders[number], spoken_for(members[number]), address=f"chat {number}")
        return (await handle.step(guards=[wanted])).guarded == ("sending",)

    async def cancel(handle: Store, number: int) -> bool:
        gone = Patch(Message, "a", members[number].id, {"status": "cancelled"}, {"status": OneOf(WAITING)})
        try:
            await handle.commit(Changes(patches=(gone,)))
        except Conflict:
            return False
        return True

    sent, cancelled = await asyncio.to_thread(side_by_side, database, [send, cancel], ROUNDS)
    assert all(one != other for one, other in zip(sent, cancelled, strict=True))
    states = [(await stored(store, row)).status for row in members]
    assert states == ["skipped" if went else "cancelled" for went in sent]
