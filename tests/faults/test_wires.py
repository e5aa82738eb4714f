"""Every way in which a wire can fail, on both channels: what is known decides whether a message goes again."""

import asyncio
import random
from collections import Counter, deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from bot.app import App, build
from scheduler.outbox import WIRE
from storage.mongo import MongoStore
from storage.opening import open_store
from storage.records import MAILING_LANE, Message, Millis
from storage.sqlite import SqliteStore
from tests.faults import salon
from tests.faults.harness import LEASES_END, is_final
from tests.faults.proxy import FAULTS, Proxy, telegram_refusal, twilio_refusal
from tests.faults.sink import Sink
from tests.faults.worker import Orders, config

CHANNELS = ("telegram", "whatsapp")
SILENT = ("silence", "silence_after")
ROUNDS = 20


@dataclass
class Wires:
    """The service, a failing wire to each platform, and the platforms behind them."""

    app: App
    sink: Sink
    proxies: dict[str, Proxy]
    ahead: Millis = 0

    async def rows(self) -> list[Message]:
        return await self.app.store.find(Message, {"business": "b"}, limit=10_000)

    async def work(self) -> None:
        """Do all that is due; whoever is kept waiting by a silent wire is let wait for as long as the service does."""
        await self.app.tick()
        idle = asyncio.create_task(self.app.outbox.idle())
        while not idle.done():
            await asyncio.wait({idle}, timeout=0.02)
            if not idle.done() and any(proxy.silent for proxy in self.proxies.values()):
                self.pass_time(WIRE + 1)
        await idle

    def pass_time(self, by: Millis) -> None:
        self.ahead += by
        self.sink.ahead = self.ahead
        self.app.outbox.wake()

    async def finish(self) -> None:
        """Work until nothing is left to be tried or looked up."""
        for _ in range(ROUNDS):
            await self.work()
            if all(map(is_final, await self.rows())):
                return
            self.pass_time(LEASES_END)

    def copies(self) -> Counter[str]:
        """How often something came, by address."""
        return Counter(arrival.to for arrival in self.sink.arrivals)


@asynccontextmanager
async def wired(
    database: str, monkeypatch: pytest.MonkeyPatch, notices: Sequence[int], mailings: Sequence[int] = (), **faults: Any
) -> AsyncIterator[Wires]:
    """Messages due to these clients, of whom every fifth is on WhatsApp alone; ``faults`` are those of both proxies."""
    store = await open_store(database)
    await salon.furnish(store, [*notices, *mailings])
    await salon.book(store, notices)
    await salon.advertise(store, mailings)
    await store.close()
    async with (
        Sink(blocked=lambda chat: salon.number_of(chat) % 5 == 0) as sink,
        Proxy(sink.url, telegram_refusal, **faults) as telegram,
        Proxy(sink.url, twilio_refusal, **faults) as twilio,
    ):
        app = await build(config(Orders(database=database, sink=telegram.url, twilio=twilio.url)), only="worker")
        wires = Wires(app, sink, {"telegram": telegram, "whatsapp": twilio})
        for kind in (SqliteStore, MongoStore):
            true = kind.clock
            monkeypatch.setattr(kind, "clock", lambda store, true=true: true(store) + wires.ahead)
        try:
            app.now.clock = app.store.clock
            await app.start()
            yield wires
        finally:
            await app.close()


ONE_ON = {"telegram": 1, "whatsapp": 5}
"""A client whom the messages of a channel reach."""


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_notice_gets_through_and_comes_twice_only_where_nobody_can_know(
    fault: str, channel: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with wired(f"sqlite:///{tmp_path}/v.db", monkeypatch, [ONE_ON[channel]]) as wires:
        wires.proxies[channel].script = deque([fault])
        await wires.finish()
        (row,) = [row for row in await wires.rows() if row.channel == channel]
        assert wires.proxies[channel].struck[fault] == 1
    unknowable = FAULTS[fault].passes and fault != "latency" and channel == "telegram"
    assert (row.status, wires.sink.arrivals[0].to) == ("sent", row.address)
    assert len(wires.sink.arrivals) == (2 if unknowable else 1)


@pytest.mark.parametrize("fault", [name for name, fault in FAULTS.items() if fault.passes and name != "latency"])
async def test_a_mailing_that_may_have_come_is_never_sent_again(
    fault: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with wired(f"sqlite:///{tmp_path}/v.db", monkeypatch, [], [ONE_ON["telegram"]]) as wires:
        wires.proxies["telegram"].script = deque([fault])
        await wires.finish()
        (row,) = [row for row in await wires.rows() if row.lane == MAILING_LANE]
    assert (row.status, len(wires.sink.arrivals)) == ("unknown", 1)


async def test_a_doubt_that_follows_a_doubt_is_left_to_a_person(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async with wired(f"sqlite:///{tmp_path}/v.db", monkeypatch, [ONE_ON["telegram"]]) as wires:
        wires.proxies["telegram"].script = deque(["reset_after"] * 3)
        await wires.finish()
        (row,) = [row for row in await wires.rows() if row.kind == "booking_created"]
    assert (row.status, len(wires.sink.arrivals)) == ("unknown", 2)


async def test_where_a_third_of_all_calls_fail_every_message_ends_and_none_comes_a_third_time(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Silence takes a minute of the service's time for every message that it strikes, and is left to the tests above.
    shares = {name: 0.045 for name in FAULTS if name not in SILENT}
    notices, mailings = range(1, 101), range(101, 121)
    async with wired(
        database, monkeypatch, notices, mailings, shares=shares, chance=random.Random(5), latency=0.01
    ) as wires:
        await wires.finish()
        rows, copies = await wires.rows(), wires.copies()
        struck = Counter[str]()
        for proxy in wires.proxies.values():
            struck += proxy.struck
    assert set(shares) < set(struck)
    assert all(map(is_final, rows)), [(row.key, row.status) for row in rows if not is_final(row)]
    for row in rows:
        came = copies[row.address or ""]
        assert came <= (1 if row.lane == MAILING_LANE or row.channel == "whatsapp" else 2), row
        assert came or row.status != "sent", row
