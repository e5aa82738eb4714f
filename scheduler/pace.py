"""How fast messages may go: a pace for each channel, each chat and each group, shared by all workers through the store."""

from __future__ import annotations

from asyncio import Lock, sleep
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from typing import Final, Literal, NamedTuple

from storage.records import Millis
from storage.store import Permit, Store, StoreBusy

UNLIMITED: Final = 1_000_000
BURST_SHARE: Final = 14
"""A channel gives permits for a fourteenth of a second's messages ahead, each with a moment of its own: no permit is
left over because whoever asks came a little late."""
GRACE: Final[Millis] = 50
"""How long after its moment a message may start. At 28 a second, 30 start in the worst second: Telegram's limit."""
NEAR: Final[Millis] = 5_000
"""A pause that ends within this time is waited for in memory."""

BUSY_S: Final = 0.2
"""How long a store that is busy is left alone."""


class Pace(NamedTuple):
    """One message every ``every`` milliseconds, ``burst`` at once."""

    every: float
    burst: int = 1


TELEGRAM_CHAT: Final = Pace(1_050)
"""One a second to a chat, with a little for clocks and wires (core.telegram.org/bots/faq)."""
TELEGRAM_GROUP: Final = Pace(4_000, burst=5)
"""Twenty in any minute to a group, of which five may come together (the same page)."""
WHATSAPP_CHAT: Final = Pace(6_000, burst=10)
"""One in six seconds to a person, short bursts allowed (Meta's error 131056)."""


Permits = dict[str, float]
"""What a send was given, by the names of paces: the moment of each permit, by the store's clock."""


class Way(NamedTuple):
    """A message's channel and address."""

    channel: str
    address: str


def chat_paces(way: Way) -> dict[str, Pace]:
    """The paces of one chat by their names in the store."""
    name = f"{way.channel}:{way.address}"
    if way.channel == "whatsapp":
        return {name: WHATSAPP_CHAT}
    if way.channel != "telegram":
        return {}
    group = {f"{name}:group": TELEGRAM_GROUP} if way.address.startswith("-") else {}
    return {name: TELEGRAM_CHAT, **group}


class Pacer:
    """Asks the store for permits. ``rates``: channel to messages a second; 0 or absent: no limit, that of chats included.

    What a provider forbade is remembered here too, so that a pause holds where no limit is set.
    """

    def __init__(self, store: Store, rates: Mapping[str, float]) -> None:
        self._store = store
        self._rates = {channel: rate for channel, rate in rates.items() if rate > 0}
        self._pauses: dict[str, Millis] = {}
        self._late = Lock()

    def room(self, channel: str | None) -> int:
        """How many messages of a channel can be permitted at most at this moment."""
        if channel is None:
            return UNLIMITED
        if self._pause(channel):
            return 0
        return self._channel_pace(channel).burst if channel in self._rates else UNLIMITED

    def next_room(self) -> Millis | None:
        """When, by the store's clock, the earliest pause ends; None when there is none."""
        now = self._store.clock()
        self._pauses = {name: until for name, until in self._pauses.items() if until > now}
        return min(self._pauses.values(), default=None)

    def long_pause(self, channel: str | None) -> Millis | None:
        """The end of a channel's pause, where it is too far away to be waited for in memory."""
        until = self._pause(channel) if channel else 0
        return until if until > self._store.clock() + NEAR else None

    def long_pauses(self) -> dict[str, Millis]:
        """All pauses that are too long to be waited for in memory, with their ends."""
        return {name: until for name in self._pauses if (until := self.long_pause(name)) is not None}

    async def ask(self, wishes: Sequence[tuple[Way, Permits]]) -> list[Millis]:
        """For each wished send 0 where it may go now, else when to ask again (store's clock).

        Beside each way stands what this send was given before; what is new is added to it.
        """
        waits = [max(map(self._pause, (way.channel, *chat_paces(way)))) if self._pauses else 0 for way, _ in wishes]
        await self._ask_for_chats(wishes, waits)
        await self._ask_for_channels(wishes, waits)
        return waits

    async def on_time(self, channel: str, moment: float | None) -> None:
        """Return at the moment of a channel's permit.

        Whoever comes too late for it takes another: to start all the same would make one too many of a later second.
        """
        if channel not in self._rates:
            return
        if moment is not None:
            await self._until(moment)
        if self._in_time(moment):
            return
        # One after the other: else all that are late would ask at the same moment, again and again.
        async with self._late:
            while not self._in_time(moment):
                moment = await self._another(channel)

    async def _another(self, channel: str) -> float | None:
        """Wait for the moment of a new permit; None where there was none yet."""
        try:
            (granted,) = await self._store.reserve([Permit(channel, 1, *self._channel_pace(channel))])
        except StoreBusy:
            await sleep(BUSY_S)
            return None
        moment = granted.first if granted.n else None
        await self._until(granted.next_at if moment is None else moment)
        return moment

    async def _until(self, moment: float) -> None:
        wait = moment - self._store.clock()
        if wait > 0:
            await sleep(wait / 1000)

    async def forbid(self, way: Way, scope: Literal["chat", "channel"], pause: Millis) -> None:
        """A provider asked for a pause in milliseconds; it holds for all workers."""
        name = way.channel if scope == "channel" else f"{way.channel}:{way.address}"
        until = self._store.clock() + pause
        self._pauses[name] = max(until, self._pauses.get(name, 0))
        if way.channel in self._rates:
            await self._store.hold(name, until)

    async def _ask_for_chats(self, wishes: Sequence[tuple[Way, Permits]], waits: list[Millis]) -> None:
        asked = [
            (index, Permit(name, 1, pace.every, pace.burst))
            for index, (way, given) in enumerate(wishes)
            if way.channel in self._rates and not waits[index]
            for name, pace in chat_paces(way).items()
            if name not in given
        ]
        if not asked:
            return
        grants = await self._store.reserve([permit for _, permit in asked])
        for (index, permit), granted in zip(asked, grants, strict=True):
            if granted.n:
                wishes[index][1][permit.name] = granted.first
            else:
                waits[index] = max(waits[index], granted.next_at)

    async def _ask_for_channels(self, wishes: Sequence[tuple[Way, Permits]], waits: list[Millis]) -> None:
        open_ones = [
            index
            for index, (way, given) in enumerate(wishes)
            if way.channel in self._rates and not waits[index] and not self._in_time(given.get(way.channel))
        ]
        counts = Counter(wishes[index][0].channel for index in open_ones)
        permits = [Permit(name, n, *self._channel_pace(name)) for name, n in counts.items()]
        if not permits:
            return
        left: dict[str, deque[float]] = {}
        for permit, granted in zip(permits, await self._store.reserve(permits), strict=True):
            left[permit.name] = deque(granted.first + number * permit.every for number in range(granted.n))
            self._pauses[permit.name] = max(granted.next_at, self._pauses.get(permit.name, 0))
        for index in open_ones:
            way, given = wishes[index]
            if left[way.channel]:
                given[way.channel] = left[way.channel].popleft()
            else:
                waits[index] = self._pauses[way.channel]

    def _in_time(self, moment: float | None) -> bool:
        return moment is not None and self._store.clock() <= moment + GRACE

    def _channel_pace(self, channel: str) -> Pace:
        rate = self._rates[channel]
        return Pace(1_000 / rate, burst=max(1, int(rate / BURST_SHARE)))

    def _pause(self, name: str) -> Millis:
        until = self._pauses.get(name, 0)
        return until if until > self._store.clock() else 0
