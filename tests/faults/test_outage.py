"""Nobody at work for more than a day: what comes after that is still true, still of use, and not all that was missed."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from handlers.channel import TELEGRAM, Capabilities, Channel, Rendered
from handlers.delivery import means_of
from handlers.turn import Desk, Links
from handlers.visits import put_booking
from scheduler.outbox import Outbox
from scheduler.sweeps import expire
from storage.opening import open_store
from storage.records import Booking, Message, Millis
from storage.store import Store
from tests.faults import salon

HOUR: Millis = 3_600_000
OUTAGE = 26 * HOUR
VISITS = 54
"""One begins every hour from the next one on."""


class Told(NamedTuple):
    """A message that went, and when."""

    row: Message
    at: Millis


@dataclass
class Telegram:
    """Writes down what goes, and when."""

    store: Store
    time: Millis
    told: list[Told] = field(default_factory=list)
    name = "telegram"
    capabilities: Capabilities = TELEGRAM

    async def send(self, rendered: Rendered, to: str, message_id: str) -> str | None:
        """It always arrives."""
        (row,) = await self.store.find(Message, {"id": message_id}, limit=1)
        self.told.append(Told(row, self.time))
        return f"{len(self.told)}"

    def desk(self) -> Desk:
        """As the service has it, at this time."""
        return Desk(self.store, lambda: self.time, Links(None, b"s" * 32), frozenset({"telegram"}))

    async def work(self) -> None:
        """Let a worker do all that is due now."""
        desk, channels = self.desk(), dict[str, Channel](telegram=self)
        await expire(desk)
        outbox = Outbox(desk, channels, means_of(channels))
        work = asyncio.create_task(outbox.run())
        await outbox.idle()
        await outbox.stop()
        await work


async def test_after_26_hours_without_power_nothing_late_goes_out_and_one_reminder_of_a_visit_at_most(
    database: str,
) -> None:
    store = await open_store(database)
    telegram = Telegram(store, store.clock())
    desk = telegram.desk()
    await salon.furnish(store, range(1, VISITS + 1))
    for number in range(1, VISITS + 1):
        wanted = salon.visit(number, desk.now(), notify={"reminders": ["P2D", "P1D", "PT22H", "PT3H"]})
        wanted = replace(wanted, starts_at=telegram.time + number * HOUR)
        await put_booking(desk, salon.BUSINESS, f"v{number}", wanted)
    await telegram.work()
    before = len(telegram.told)
    assert before == VISITS

    telegram.time += OUTAGE
    await telegram.work()
    at_once = [told.row for told in telegram.told[before:] if told.row.kind == "reminder"]
    for _ in range(VISITS - 26):
        telegram.time += HOUR
        await telegram.work()

    starts = {booking.id: booking.starts_at for booking in await store.find(Booking, {"business": "b"})}
    rows = await store.find(Message, {"business": "b"}, limit=1000)
    await store.close()
    assert all(told.at < min(told.row.not_after, starts[told.row.booking or ""]) for told in telegram.told)
    assert at_once and set(Counter(row.booking for row in at_once).values()) == {1}
    # What was not needed any more says so, and nothing is left over.
    ended = Counter((row.status, row.reason) for row in rows if row.kind == "reminder")
    assert {status for status, _ in ended} == {"sent", "expired", "skipped"}
    assert ended["expired", "too_late"] and ended["skipped", "superseded"], ended
