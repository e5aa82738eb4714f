"""What happens between workers at the same moment: each has a handle, a thread and an event loop of its own."""

import asyncio
import random
import threading
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from storage.opening import open_store
from storage.records import WAITING, Booking, Message
from storage.store import Changes, Claim, Committed, Conflict, Guard, GuardResult, OneOf, Patch, Put, Settle, Store
from tests.store_contract.samples import booking, message

T = TypeVar("T")
ROUNDS = 60

Worker = Callable[[Store, int], Awaitable[T]]


def side_by_side(database: str, workers: Sequence[Worker[T]], rounds: int) -> list[list[T]]:
    """Run every worker on a thread of its own, all beginning each round together; the answers of each, by round."""
    together = threading.Barrier(len(workers))

    async def work(worker: Worker[T]) -> list[T]:
        store = await open_store(database)
        answers = []
        for number in range(rounds):
            together.wait()
            answers.append(await worker(store, number))
        await store.close()
        return answers

    def run(worker: Worker[T]) -> list[T]:
        try:
            return asyncio.run(work(worker))
        except BaseException:
            together.abort()
            raise

    with ThreadPoolExecutor(len(workers)) as threads:
        return list(threads.map(run, workers))


async def persistently(store: Store, changes: Callable[[], Awaitable[Changes]]) -> Committed:
    """Read, decide and commit, again after a conflict."""
    while True:
        try:
            return await store.commit(await changes())
        except Conflict:
            continue


def leased(number: int, **fields: str) -> Message:
    return message(id=f"{number:032x}", status="leased", token="t", lease_until=1, **fields)


def guard(number: int, address: str) -> Guard:
    return Guard(f"{number:032x}", "t", 3, 2000, 9, "telegram", address)


async def test_a_cancellation_and_a_guard_never_both_have_their_way(store: Store, database: str) -> None:
    await store.commit(Changes(inserts=(booking("b"), *(leased(number) for number in range(ROUNDS)))))

    async def send(handle: Store, number: int) -> GuardResult:
        await asyncio.sleep(random.random() / 1000)
        return (await handle.step(guards=[guard(number, f"chat {number}")])).guarded[0]

    async def cancel(handle: Store, number: int) -> tuple[bool, ...]:
        id = f"{number:032x}"

        async def changes() -> Changes:
            stored = await handle.get(Booking, "a", "b")
            assert stored is not None
            return Changes(
                puts=(Put(booking("b", revision=stored.revision + 1), stored.revision),),
                patches=(
                    Patch(Message, "a", id, {"status": "cancelled"}, {"status": OneOf(WAITING)}, must=False),
                    Patch(Message, "a", id, {"void": "booking_cancelled"}, {"status": "sending"}, must=False),
                ),
            )

        await asyncio.sleep(random.random() / 1000)
        return (await persistently(handle, changes)).matched

    sent, cancelled = await asyncio.to_thread(side_by_side, database, [send, cancel], ROUNDS)
    assert set(zip(sent, cancelled, strict=True)) <= {("lost", (True, False)), ("sending", (False, True))}
    rows = await store.find(Message, {})
    assert [(row.status, row.void) for row in rows] == [
        ("cancelled", None) if answer == "lost" else ("sending", "booking_cancelled") for answer in sent
    ]


async def test_two_workers_never_send_to_one_address_at_once(store: Store, database: str) -> None:
    await store.commit(Changes(inserts=tuple(leased(number) for number in range(2 * ROUNDS))))

    def worker(side: int) -> Worker[GuardResult]:
        async def send(handle: Store, number: int) -> GuardResult:
            return (await handle.step(guards=[guard(2 * number + side, f"chat {number}")])).guarded[0]

        return send

    first, second = await asyncio.to_thread(side_by_side, database, [worker(0), worker(1)], ROUNDS)
    assert {frozenset(pair) for pair in zip(first, second, strict=True)} == {frozenset(("sending", "busy"))}


async def test_no_message_is_claimed_sent_or_lost_twice_by_workers_at_once(store: Store, database: str) -> None:
    await store.commit(Changes(inserts=tuple(message(next_at=number) for number in range(300))))

    def worker(token: str) -> Worker[list[str]]:
        async def work(handle: Store, number: int) -> list[str]:
            claimed = (await handle.step(claims=[Claim(1, 9, 1000, token, 99)])).claimed
            guards = [Guard(row.id, token, 3, 1, 99, "telegram", row.id) for row in claimed]
            guarded = (await handle.step(guards=guards)).guarded
            assert set(guarded) <= {"sending"}
            settled = (await handle.step(settles=[Settle(row.id, token, "p", 5) for row in claimed])).settled
            assert all(settled)
            return [row.id for row in claimed]

        return work

    taken = await asyncio.to_thread(side_by_side, database, [worker(f"w{number}") for number in range(3)], 30)
    every = [id for answers in taken for ids in answers for id in ids]
    assert (len(every), len(set(every))) == (300, 300)
    assert await store.count(Message, {}, ("status", "attempts")) == {("sent", 1): 300}


async def test_every_change_of_one_booking_by_workers_at_once_is_kept(store: Store, database: str) -> None:
    await store.commit(Changes(inserts=(booking("b", revision=1),)))

    async def raise_it(handle: Store, number: int) -> Committed:
        async def changes() -> Changes:
            stored = await handle.get(Booking, "a", "b")
            assert stored is not None
            revision = stored.revision + 1
            return Changes(
                inserts=(message(key=f"r{revision}"),), puts=(Put(booking("b", revision=revision), stored.revision),)
            )

        return await persistently(handle, changes)

    await asyncio.to_thread(side_by_side, database, [raise_it] * 3, 20)
    stored = await store.get(Booking, "a", "b")
    assert stored is not None and stored.revision == 61
    assert {row.key for row in await store.find(Message, {})} == {f"r{number}" for number in range(2, 62)}
