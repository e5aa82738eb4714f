"""A cancellation and the send of what it makes untrue meet at any moment, in two processes."""

import random

from tests.faults.cancels import race
from tests.faults.sink import Sink

ROUNDS = 200


async def test_nothing_begins_to_go_after_its_cancellation_and_whoever_cancels_is_told_what_was_on_its_way(
    database: str,
) -> None:
    async with Sink() as sink:
        races = await race(database, sink, ROUNDS, random.Random(3))
    assert not races.wrong, races.wrong
    assert races.kinds.total() == ROUNDS
    assert min(races.kinds[kind] for kind in ("gone", "in flight", "stopped")) >= 5, races.kinds
