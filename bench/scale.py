"""How far it goes: a discrete-event model of bots, workers, wires and the database, and the tables of docs/scaling.md.

    python -m bench scale            prints the tables
    python -m bench scale write      puts them into docs/scaling.md

What is fed in was measured by `make bench`; what comes out is what the queues make of it. The chance is seeded, so the same
program prints the same tables.
"""

from __future__ import annotations

import heapq
import math
import random
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

DOCS: Final = Path(__file__).resolve().parent.parent / "docs" / "scaling.md"
BEGIN: Final = "<!-- simulation: begin -->\n"
END: Final = "<!-- simulation: end -->"

WIRES: Final = 30
"""Sends that a worker has on the way at once."""
WIRE_S: Final = 0.09
"""The median of an answer of the Bot API over a good line; a tenth of them take twice as long."""
WIRE_SPREAD: Final = 0.54
BOT_RATE: Final = 28.0
"""Messages a second of one bot, over all workers: Telegram allows about thirty."""
SLOT_S: Final = 900.0
"""Visits begin at the quarters of an hour, and so do the reminders of them."""
VISITS_A_DAY: Final = 40
SLOTS_A_DAY: Final = 44
MESSAGES_A_VISIT: Final = 3
"""A notice and two reminders; the notices come one by one, the reminders in the bursts that are looked at."""
PEAK: Final = 1.6
"""How much fuller the fullest quarter of an hour is than the mean."""


@dataclass(frozen=True, slots=True)
class Store:
    """What a message costs: seconds of a worker's one core, and seconds of the one writer of the database."""

    name: str
    worker_s: float
    writer_s: float
    writers: int = 1


SQLITE: Final = Store("SQLite", 0.00036, 0.00003)
MONGODB: Final = Store("MongoDB", 0.00064, 0.00027)


class Outcome(NamedTuple):
    """Seconds from due to taken by Telegram, and messages a second over the whole burst."""

    median: float
    late: float
    last: float
    rate: float


class Model:
    """A burst of messages, all due at once, on its way through bots, workers and the database."""

    def __init__(self, messages: int, *, bots: int, workers: int, store: Store, bot_rate: float = BOT_RATE) -> None:
        self._chance = random.Random(1)
        self._messages, self._bots, self._store = messages, bots, store
        self._every = 1 / bot_rate if bot_rate else 0.0
        self._permit = [0.0] * bots
        self._writers = [0.0] * store.writers
        self._cores = [0.0] * workers
        self._free = deque(worker for _ in range(WIRES) for worker in range(workers))
        self._ready: deque[int] = deque()
        self._events: list[tuple[float, int, str, int]] = []
        self._number = 0
        self._taken: list[float] = []

    def run(self) -> Outcome:
        """Let time pass until everything is sent."""
        for message in range(self._messages):
            self._at(0.0, "claim", message)
        while self._events:
            now, _, what, which = heapq.heappop(self._events)
            getattr(self, f"_{what}")(now, which)
        taken = sorted(self._taken)
        return Outcome(_quantile(taken, 0.5), _quantile(taken, 0.99), taken[-1], len(taken) / taken[-1])

    def _at(self, moment: float, what: str, which: int) -> None:
        self._number += 1
        heapq.heappush(self._events, (moment, self._number, what, which))

    def _claim(self, now: float, message: int) -> None:
        """The pace of the bot: each message may go one step after the one before it."""
        bot = message % self._bots
        moment = max(now, self._permit[bot])
        self._permit[bot] = moment + self._every
        self._at(moment, "permitted", message)

    def _permitted(self, now: float, message: int) -> None:
        """The writer of the database: lease, guard and settling of one message, one after another."""
        writer = message % len(self._writers)
        done = max(now, self._writers[writer]) + self._store.writer_s
        self._writers[writer] = done
        self._at(done, "guarded", message)

    def _guarded(self, now: float, message: int) -> None:
        self._ready.append(message)
        self._board(now)

    def _board(self, now: float) -> None:
        while self._ready and self._free:
            self._ready.popleft()
            worker = self._free.popleft()
            begun = max(now, self._cores[worker]) + self._store.worker_s
            self._cores[worker] = begun
            wire = WIRE_S * math.exp(self._chance.gauss(0.0, WIRE_SPREAD))
            self._at(begun + wire, "sent", worker)

    def _sent(self, now: float, worker: int) -> None:
        self._taken.append(now)
        self._free.append(worker)
        self._board(now)


def _quantile(values: Sequence[float], share: float) -> float:
    return values[min(len(values) - 1, int(len(values) * share))]


def burst_of(salons: int) -> int:
    """Reminders that are due at the fullest quarter of an hour."""
    reminders = MESSAGES_A_VISIT - 1
    return round(salons * VISITS_A_DAY * reminders / SLOTS_A_DAY * PEAK)


def tables() -> Iterator[str]:
    """The lines of the tables."""
    yield from _one_bot()
    yield ""
    yield from _several_bots()
    yield ""
    yield from _writer()


def _row(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def _head(*names: str) -> Iterator[str]:
    yield _row(*names)
    yield _row(*["---:"] * len(names))


def _seconds(value: float) -> str:
    if value < 10:
        return f"{value:.1f} s"
    return f"{value:.0f} s" if value < 120 else f"{value / 60:.0f} min"


def _one_bot() -> Iterator[str]:
    yield f"One bot ({BOT_RATE:.0f} messages a second), one worker, SQLite: the fullest quarter of an hour."
    yield ""
    yield from _head("salons", "reminders due at once", "half are out after", "99 % after", "the last after")
    for salons in (1, 10, 100, 500, 1_000, 3_000):
        out = Model(burst_of(salons), bots=1, workers=1, store=SQLITE).run()
        yield _row(f"{salons:,}", f"{burst_of(salons):,}", *map(_seconds, out[:3]))
    full = math.floor(SLOT_S * BOT_RATE / burst_of(1_000) * 1_000)
    yield ""
    yield f"At {full // 100 * 100:,} salons the last reminder of a quarter of an hour goes out as the next one begins."


def _several_bots() -> Iterator[str]:
    salons = 2_000
    burst = burst_of(salons)
    yield f"{salons:,} salons ({burst:,} reminders due at once), MongoDB: several bots, several workers."
    yield ""
    yield from _head("bots", "workers", "messages a second", "99 % after", "the last after")
    for bots, workers in ((1, 1), (1, 4), (4, 1), (4, 2), (16, 1), (16, 2), (64, 2), (64, 4)):
        out = Model(burst, bots=bots, workers=workers, store=MONGODB).run()
        yield _row(bots, workers, f"{out.rate:,.0f}", _seconds(out.late), _seconds(out.last))


def _writer() -> Iterator[str]:
    yield "No pace at all (channels that allow any rate): what workers and writers of the database bear, 12,000 due at once."
    yield ""
    yield from _head("store", "writers", "workers", "messages a second", "99 % after")
    for store, writers, workers in (
        (SQLITE, 1, 1), (SQLITE, 1, 2), (MONGODB, 1, 1), (MONGODB, 1, 2), (MONGODB, 1, 4), (MONGODB, 1, 8), (MONGODB, 1, 16),
        (MONGODB, 2, 16), (MONGODB, 4, 16), (MONGODB, 4, 32),
    ):  # fmt: skip
        shards = Store(store.name, store.worker_s, store.writer_s, writers)
        out = Model(12_000, bots=1, workers=workers, store=shards, bot_rate=0).run()
        yield _row(store.name, writers, workers, f"{out.rate:,.0f}", _seconds(out.late))


def with_tables(document: str) -> str:
    """The document with today's tables between its two marks."""
    before, _, rest = document.partition(BEGIN)
    _, _, after = rest.partition(END)
    lines = "\n".join(tables())
    return f"{before}{BEGIN}{lines}\n{END}{after}"


def main(args: Sequence[str]) -> int:
    """Print the tables, or write them into the document."""
    if list(args) == ["write"]:
        DOCS.write_text(with_tables(DOCS.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        print("\n".join(tables()))
    return 0
