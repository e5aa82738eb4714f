"""What is done from time to time, and how often."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Final

from bot.inbox import Inbox
from bot.metrics import Metrics
from handlers import packages
from handlers.campaigns import TASK as CAMPAIGN
from handlers.campaigns import campaign_part
from handlers.channel import Channel
from handlers.delivery import Means
from handlers.page_keeping import PAGES, pages_part
from handlers.replan import REPLAN, replan_part
from handlers.turn import Desk
from scheduler import cleaning, gifts, sweeps
from scheduler.clock import Tick
from scheduler.outbox import Outbox
from scheduler.staff_cards import make_cards

TASKS: Final[Mapping[str, sweeps.Runner]] = {REPLAN: replan_part, PAGES: pages_part, CAMPAIGN: campaign_part}
MOST_PARTS: Final = 100
"""Parts of a sweep that one tick does at most; the next tick goes on."""


def ticks(
    desk: Desk, inbox: Inbox, outbox: Outbox, channels: Mapping[str, Channel], means: Means, metrics: Metrics
) -> list[Tick]:
    """The ticks of a process that works. Intervals are seconds, times of day are UTC."""

    async def expire() -> int:
        return await sweeps.expire(desk, metrics.has_expired)

    async def wake() -> None:
        outbox.wake()

    async def staff_cards() -> None:
        await make_cards(desk)

    return [
        # What another process committed wakes nobody here.
        Tick("wake", wake, 1),
        Tick("inbox", _all(inbox.sweep), 5),
        Tick("tasks", _all(partial(sweeps.run_tasks, desk, TASKS)), 5),
        Tick("timers", _all(partial(sweeps.run_timers, desk, means)), 10),
        Tick("look-ups", _all(partial(sweeps.look_up, desk, channels, means)), 10),
        Tick("lost", _all(partial(sweeps.recover, desk, means)), 15),
        Tick("expired", _all(expire), 30),
        Tick("staff cards", staff_cards, 60),
        Tick("gifts", _all(partial(gifts.sweep, desk)), 60),
        Tick("packages", partial(packages.warn, desk), 300),
        Tick("addresses", _all(partial(sweeps.revive_addresses, desk)), 300),
        Tick("forgotten", inbox.forget, at="03:30"),
        Tick("cleaned", partial(cleaning.clean, desk), at="03:50"),
    ]


def _all(part: Callable[[], Awaitable[int]]) -> Callable[[], Awaitable[None]]:
    """A sweep part by part, until one finds nothing to do."""

    async def run() -> None:
        for _ in range(MOST_PARTS):
            if not await part():
                return

    return run
