"""What the outbox and the sweeps ask of the database is found through an index, however many rows there are."""

from __future__ import annotations

from dataclasses import replace

from handlers.channel import SendError
from handlers.receipts import Verdict, receipt
from scheduler import sweeps
from tests.support.post import CLIENT, DAY, NOON, STAFF, WROTE, answer, message, opened, to_staff
from tests.support.query_plans import plan_of, recorded, scans


async def test_nothing_that_the_outbox_or_a_sweep_does_reads_a_whole_table() -> None:
    async with opened() as post:
        connection = post.store._connection
        await post.add(WROTE, STAFF, replace(CLIENT, id="child", name="Марко"))
        await post.add(message(), answer(), to_staff(), answer("bookings", params={"bookings": ["b"]}))
        with recorded(connection) as seen:
            post.telegram.script.append(SendError("permanent", "blocked", address_dead=True))
            await post.send_all()
            post.clock += DAY // 2
            await sweeps.recover(post.desk, post.means)
            await sweeps.expire(post.desk)
            await sweeps.run_timers(post.desk, post.means)
            await sweeps.look_up(post.desk, post.channels, post.means)
            await sweeps.revive_addresses(post.desk)
            await sweeps.run_tasks(post.desk, {})
            await sweeps.next_timer(post.desk)
            row = message(key="booking:b:reminder:r1:client:c:0", status="sent", attempts=1, sent_at=NOON)
            await post.add(row)
            await receipt(post.desk, row, Verdict("failed", "1"), post.means, id="1", raw={})
            await receipt(post.desk, row, Verdict("delivered"), post.means, id="2", raw={})
        assert len(seen) > 20
        wrong = [(text, plan) for text in seen if scans(plan := plan_of(connection, text))]
        assert not wrong
