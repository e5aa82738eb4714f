"""Settling, guarding and claiming messages; and knowing when the next one is due."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from storage.failpoints import armed
from storage.records import Message, new_id
from storage.store import Changes, Claim, Guard, Patch, Settle, Stepped, Store
from tests.store_contract.conftest import OpenAnother
from tests.store_contract.samples import message

LEASE = 77_000


def claim(token: str = "t", *, lane: int = 1, limit: int = 10, due: int = 1000) -> Claim:
    return Claim(lane=lane, limit=limit, due=due, token=token, lease_until=LEASE)


def guard(row: Message, **fields: Any) -> Guard:
    wanted = {"id": row.id, "token": "t", "revision": 3, "now": 2000, "lease_until": LEASE + 1}
    return Guard(**{**wanted, "channel": "telegram", "address": "7", **fields})


def leased(**fields: Any) -> Message:
    return message(**{"status": "leased", "token": "t", "lease_until": LEASE, **fields})


def sending(**fields: Any) -> Message:
    given = {"status": "sending", "token": "t", "lease_until": LEASE, "channel": "telegram", "address": new_id()}
    return message(**{**given, **fields})


async def stored(store: Store, row: Message) -> Message:
    found = await store.get(Message, row.business, row.id)
    assert found is not None
    return found


async def test_an_empty_step_does_nothing(store: Store) -> None:
    assert await store.step() == Stepped()


async def test_due_messages_are_leased_earliest_first_up_to_the_limit(store: Store) -> None:
    rows = [message(next_at=due) for due in (900, 300, 1000, 100, 500)]
    await store.commit(Changes(inserts=tuple(rows)))
    first = await store.step(claims=[claim(limit=3)])
    assert [row.next_at for row in first.claimed] == [100, 300, 500]
    assert [row.next_at for row in (await store.step(claims=[claim(limit=3)])).claimed] == [900, 1000]
    assert (await store.step(claims=[claim(limit=3)])).claimed == ()
    assert first.claimed[0] == replace(rows[3], status="leased", token="t", lease_until=LEASE)
    assert await stored(store, rows[3]) == first.claimed[0]


@pytest.mark.parametrize(
    "fields",
    [
        {"next_at": 1001},
        {"lane": 0},
        {"held": True},
        *({"status": status} for status in ("leased", "sending", "sent", "cancelled", "skipped", "unknown")),
    ],
    ids=str,
)
async def test_what_is_not_due_held_or_not_planned_is_not_claimed(store: Store, fields: dict[str, Any]) -> None:
    row = message(**fields)
    await store.commit(Changes(inserts=(row,)))
    assert (await store.step(claims=[claim()])).claimed == ()
    assert await stored(store, row) == row


async def test_a_claim_goes_by_when_a_message_may_go_and_not_by_when_it_was_due(store: Store) -> None:
    waiting, again = message(due_at=10, next_at=1001), message(due_at=2000, next_at=1000)
    await store.commit(Changes(inserts=(waiting, again)))
    assert [row.id for row in (await store.step(claims=[claim()])).claimed] == [again.id]


async def test_several_lanes_are_claimed_in_one_step_each_up_to_its_limit(store: Store) -> None:
    rows = [message(lane=lane, next_at=lane * 10 + number) for lane in (0, 1, 2) for number in range(4)]
    await store.commit(Changes(inserts=tuple(rows)))
    claims = [claim("x", lane=0, limit=2), claim("y", lane=2, limit=1), claim("z", lane=1, limit=0)]
    claimed = (await store.step(claims=claims)).claimed
    assert [(row.lane, row.next_at, row.token) for row in claimed] == [(0, 0, "x"), (0, 1, "x"), (2, 20, "y")]


async def test_many_are_claimed_at_once(store: Store) -> None:
    await store.commit(Changes(inserts=tuple(message(next_at=number) for number in range(500))))
    claimed = (await store.step(claims=[claim(limit=400)])).claimed
    assert [row.next_at for row in claimed] == list(range(400))


async def test_a_message_of_several_businesses_is_claimed_alike(store: Store) -> None:
    await store.commit(Changes(inserts=(message(business="b"), message(business="a"))))
    assert {row.business for row in (await store.step(claims=[claim()])).claimed} == {"a", "b"}


async def test_a_leased_message_that_is_still_true_moves_to_sending_and_keeps_what_goes_out(store: Store) -> None:
    row = leased(attempts=2)
    await store.commit(Changes(inserts=(row,)))
    step = await store.step(guards=[guard(row, text="Чекаємо", language="uk", segments=1)])
    assert step.guarded == ("sending",)
    assert await stored(store, row) == replace(
        row,
        status="sending",
        attempts=3,
        lease_until=LEASE + 1,
        channel="telegram",
        address="7",
        text="Чекаємо",
        language="uk",
        segments=1,
    )


LOST: dict[str, dict[str, Any]] = {
    "leased by another": {"token": "other"},
    "planned again": {"status": "planned", "token": None, "lease_until": None},
    "cancelled": {"status": "cancelled"},
    "sending already": {"status": "sending", "channel": "x", "address": "y"},
    "held by now": {"held": True},
    "past its time": {"not_after": 2000},
    "past its time and at another revision": {"not_after": 1999, "revision": 4},
}


@pytest.mark.parametrize("case", LOST)
async def test_a_message_that_is_no_longer_ours_or_too_late_is_lost_and_left_alone(store: Store, case: str) -> None:
    row = leased(**LOST[case])
    await store.commit(Changes(inserts=(row,)))
    assert (await store.step(guards=[guard(row)])).guarded == ("lost",)
    assert await stored(store, row) == row


async def test_a_message_that_is_gone_is_lost(store: Store) -> None:
    assert (await store.step(guards=[guard(message())])).guarded == ("lost",)


async def test_a_message_at_another_revision_is_stale_and_may_be_guarded_at_that_one(store: Store) -> None:
    row = leased(revision=4)
    await store.commit(Changes(inserts=(row,)))
    assert (await store.step(guards=[guard(row)])).guarded == ("stale",)
    assert await stored(store, row) == row
    assert (await store.step(guards=[guard(row, revision=4)])).guarded == ("sending",)


async def test_an_address_takes_one_message_at_a_time(store: Store) -> None:
    going, next_one = sending(channel="telegram", address="7"), leased()
    await store.commit(Changes(inserts=(going, next_one)))
    assert (await store.step(guards=[guard(next_one)])).guarded == ("busy",)
    assert await stored(store, next_one) == next_one
    step = await store.step(settles=[Settle(going.id, "t", "p", 5)], guards=[guard(next_one)])
    assert (step.settled, step.guarded) == ((True,), ("sending",))


async def test_the_same_address_on_another_channel_is_free(store: Store) -> None:
    rows = [leased(), leased()]
    await store.commit(Changes(inserts=tuple(rows)))
    guards = [guard(rows[0]), guard(rows[1], channel="whatsapp")]
    assert (await store.step(guards=guards)).guarded == ("sending", "sending")


async def test_each_of_many_guards_gets_its_own_answer(store: Store) -> None:
    rows = {
        "sending": leased(),
        "busy": leased(),
        "stale": leased(revision=4),
        "lost": leased(token="other"),
        "late": leased(not_after=10),
    }
    await store.commit(Changes(inserts=(*rows.values(), sending(channel="telegram", address="taken"))))
    guards = [
        guard(rows["busy"], address="taken"),
        guard(rows["sending"], address="1", text="one"),
        guard(rows["stale"], address="2"),
        guard(rows["lost"], address="3"),
        guard(rows["late"], address="4"),
    ]
    assert (await store.step(guards=guards)).guarded == ("busy", "sending", "stale", "lost", "lost")
    assert (await stored(store, rows["sending"])).text == "one"


async def test_of_several_guards_to_one_address_in_one_step_one_goes(store: Store) -> None:
    rows = [leased() for _ in range(4)]
    await store.commit(Changes(inserts=tuple(rows)))
    answers = (await store.step(guards=[guard(row) for row in rows])).guarded
    assert sorted(answers) == ["busy", "busy", "busy", "sending"]


async def test_guards_of_several_tokens_and_revisions_share_a_step(store: Store) -> None:
    rows = [leased(token=f"t{number % 2}", revision=number) for number in range(6)]
    await store.commit(Changes(inserts=tuple(rows)))
    guards = [
        guard(row, token=row.token, revision=row.revision, address=f"{number}", text=f"text {number}", now=number)
        for number, row in enumerate(rows)
    ]
    assert (await store.step(guards=guards)).guarded == ("sending",) * 6
    assert [(await stored(store, row)).text for row in rows] == [f"text {number}" for number in range(6)]


async def test_text_that_looks_like_a_query_goes_out_as_it_is(store: Store) -> None:
    row = leased()
    await store.commit(Changes(inserts=(row,)))
    await store.step(guards=[guard(row, text="$price", address="$address")])
    await store.step(settles=[Settle(row.id, "t", "$provider", 5)])
    sent = await stored(store, row)
    assert (sent.text, sent.address, sent.provider_id) == ("$price", "$address", "$provider")


async def test_a_message_that_was_taken_is_sent_and_its_token_given_up(store: Store) -> None:
    row = sending(attempts=1, void="booking_cancelled")
    await store.commit(Changes(inserts=(row,)))
    step = await store.step(settles=[Settle(row.id, "t", "SM1", sent_at=50, fallback_at=90)])
    assert step.settled == (True,)
    assert await stored(store, row) == replace(
        row, status="sent", provider_id="SM1", sent_at=50, fallback_at=90, token=None, lease_until=None
    )


@pytest.mark.parametrize(
    "fields", [{"token": "other"}, {"status": "leased"}, {"status": "sent"}, {"status": "unknown"}], ids=str
)
async def test_a_late_worker_settles_nothing(store: Store, fields: dict[str, Any]) -> None:
    row = sending(**fields)
    await store.commit(Changes(inserts=(row,)))
    assert (await store.step(settles=[Settle(row.id, "t", "SM1", 50)])).settled == (False,)
    assert await stored(store, row) == row


async def test_each_of_many_settles_gets_its_own_answer_and_values(store: Store) -> None:
    rows = [sending(token=f"t{number % 2}") for number in range(5)]
    await store.commit(Changes(inserts=tuple(rows)))
    settles = [
        Settle(row.id, "t0", None if number == 0 else f"p{number}", 50 + number, number or None)
        for number, row in enumerate(rows)
    ]
    assert (await store.step(settles=settles)).settled == (True, False, True, False, True)
    sent = [await stored(store, row) for row in rows]
    assert [(row.status, row.provider_id, row.sent_at, row.fallback_at) for row in sent[::2]] == [
        ("sent", None, 50, None),
        ("sent", "p2", 52, 2),
        ("sent", "p4", 54, 4),
    ]
    assert sent[1] == rows[1]


async def test_settling_guarding_and_claiming_go_in_this_order_in_one_step(store: Store) -> None:
    going, ready, due = sending(channel="telegram", address="7"), leased(), message()
    await store.commit(Changes(inserts=(going, ready, due)))
    step = await store.step([Settle(going.id, "t", "p", 5)], [guard(ready)], [claim("new")])
    assert (step.settled, step.guarded) == ((True,), ("sending",))
    assert [row.id for row in step.claimed] == [due.id]


async def test_a_step_wakes_nobody(store: Store) -> None:
    await store.commit(Changes(inserts=(message(), leased(id="f" * 32))))
    woken: list[str] = []
    store.subscribe(lambda: woken.append("woken"))
    await store.step(guards=[guard(leased(id="f" * 32))], claims=[claim()])
    assert woken == []


async def test_nothing_is_due_in_an_empty_store(store: Store) -> None:
    assert await store.next_due() is None


async def test_the_next_due_time_is_that_of_the_earliest_message_that_may_be_claimed(store: Store) -> None:
    rows = (
        message(next_at=100, held=True),
        message(next_at=200, status="leased"),
        message(next_at=300, status="cancelled"),
        message(next_at=700, lane=0),
        message(next_at=500, lane=2, due_at=1),
        message(next_at=600, lane=1),
    )
    await store.commit(Changes(inserts=rows))
    assert await store.next_due() == 500
    await store.commit(Changes(patches=(Patch(Message, None, rows[4].id, {"status": "cancelled"}),)))
    assert await store.next_due() == 600


async def test_a_message_is_claimed_by_one_of_many_workers(store: Store, another: OpenAnother) -> None:
    handles = [store, await another(), await another()]
    await store.commit(Changes(inserts=tuple(message(next_at=number) for number in range(120))))

    async def work(handle: Store, token: str) -> list[str]:
        taken: list[str] = []
        while claimed := (await handle.step(claims=[claim(token, limit=7)])).claimed:
            taken += [row.id for row in claimed]
        return taken

    taken = await asyncio.gather(*(work(handle, f"w{number}") for number, handle in enumerate(handles * 2)))
    every = [id for part in taken for id in part]
    assert (len(every), len(set(every))) == (120, 120)


class Crash(Exception):
    """The process stops here."""


def crash() -> None:
    raise Crash


@pytest.fixture
async def half_way(store: Store) -> tuple[Message, Message, Message]:
    """A message of each kind that a step works on."""
    rows = (sending(), leased(), message())
    await store.commit(Changes(inserts=rows))
    return rows


def whole_step(rows: tuple[Message, Message, Message]) -> dict[str, list[Any]]:
    return {"settles": [Settle(rows[0].id, "t", "p", 5)], "guards": [guard(rows[1])], "claims": [claim("n")]}


async def test_a_failure_before_the_step_leaves_nothing(
    store: Store, half_way: tuple[Message, Message, Message]
) -> None:
    with armed("step.begin", crash), pytest.raises(Crash):
        await store.step(**whole_step(half_way))
    assert [await stored(store, row) for row in half_way] == list(half_way)


@pytest.mark.parametrize("nth", [1, 2, 3])
async def test_a_failure_within_a_step_leaves_every_message_in_a_state_to_go_on_from(
    store: Store, half_way: tuple[Message, Message, Message], nth: int
) -> None:
    left = [nth]

    def action() -> None:
        left[0] -= 1
        if left[0] == 0:
            raise Crash

    with armed("step.statement", action), pytest.raises(Crash):
        await store.step(**whole_step(half_way))
    settled, guarded, claimed = [await stored(store, row) for row in half_way]
    assert settled.status in ("sending", "sent")
    assert (guarded.status, guarded.attempts) in (("leased", 0), ("sending", 1))
    assert (claimed.status, claimed.token) in (("planned", None), ("leased", "n"))


@pytest.mark.parametrize("point", ["step.end", "step.done"])
async def test_a_step_that_fails_late_was_taken_whole_or_not_at_all_on_each_message(
    store: Store, half_way: tuple[Message, Message, Message], point: str
) -> None:
    with armed(point, crash), pytest.raises(Crash):
        await store.step(**whole_step(half_way))
    after = [(row.status, row.token) for row in [await stored(store, row) for row in half_way]]
    assert after in (
        [("sending", "t"), ("leased", "t"), ("planned", None)],
        [("sent", None), ("sending", "t"), ("leased", "n")],
    )
