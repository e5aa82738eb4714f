"""Prepaid messages: how many of a package are left, and the word to the staff when few are.

Nothing is counted along: what was used is the segments of the rows that went out since the package began.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from handlers.settings import Package, in_force
from handlers.staff import staff_row
from handlers.turn import Desk
from storage.records import Business, Message, StaffChat
from storage.store import Changes, Not, Range, Store

LOW_AT: Final = 10
"""Per cent of a package: at so much left the staff hear of it."""
PAGE: Final = 200
KIND: Final = "staff_package_low"


class Left(NamedTuple):
    """What is left of a package; below zero where messages were on the wire when it ran out."""

    package: Package
    segments: int

    @property
    def used_up(self) -> bool:
        """Nothing more goes by this channel."""
        return self.segments <= 0

    @property
    def low(self) -> bool:
        """It is time to buy another one."""
        return self.segments * 100 <= self.package.size * LOW_AT


async def left(store: Store, business: Business) -> dict[str, Left]:
    """What is left of the packages of a business, by channel."""
    found = {}
    for channel, package in in_force(business, None).packages.items():
        went = {
            "business": business.id,
            "channel": channel,
            "sent_at": Range(package.since, None),
            "segments": Not(None),
        }
        used = sum(segments * n for (segments,), n in (await store.count(Message, went, ("segments",))).items())
        found[channel] = Left(package, package.size - used)
    return found


async def warn(desk: Desk) -> int:
    """Tell the staff of every business whose package runs low, once per package and chat; how many rows are new."""
    told, after = 0, None
    order = ("business", "id")
    while businesses := await desk.store.find(Business, {}, order=order, after=after, limit=PAGE):
        for business in businesses:
            told += await _warn_of(desk, business)
        after = (businesses[-1].business, businesses[-1].id)
    return told


async def _warn_of(desk: Desk, business: Business) -> int:
    low = {channel: one for channel, one in (await left(desk.store, business)).items() if one.low}
    if not low:
        return 0
    chats = await desk.store.find(StaffChat, {"business": business.id})
    rows = tuple(
        _row(desk, business, chat, channel, one)
        for channel, one in low.items()
        for chat in chats
        if chat.dead_reason is None and chat.master is None
    )
    return sum((await desk.store.commit(Changes(inserts=rows))).inserted)


def _row(desk: Desk, business: Business, chat: StaffChat, channel: str, one: Left) -> Message:
    package = one.package
    return staff_row(
        business,
        chat,
        KIND,
        key=f"package:{channel}:{package.since}:{package.size}:staff:{chat.id}:0",
        now=desk.now(),
        params={"left": max(one.segments, 0)},
    )
