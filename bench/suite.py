"""Runs the parts one after the other, each case in a process of its own, and keeps what they say."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from bench import report
from bench.measuring import PEERS_PYTHON, Failed, Figures, Sink, run_case, running_sink
from bench.servers import Missing, running_postgres, running_redis
from tests.support.mongod import NoServer, find_mongod, running_mongod

LATENCY_S: Final = 0.05
"""Of the far sink, to which two workers send."""
AHEAD_S: Final = 15.0
"""So long before the first message is due, workers that share begin to start."""


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How much of everything. `rows`: future messages in the store, and as many past ones. `until`: seconds after which
    no further case is begun; one that runs then has `grace` left. `brief`: only what the last line needs, and claims."""

    brief: bool = False
    grace: float = 20
    runs: int
    mongo_runs: int
    burst: int
    spread_s: float
    rows: int
    calls: int
    edge_s: float
    peers: int
    until: float


FULL: Final = Scale(
    runs=3,
    mongo_runs=2,
    burst=20_000,
    spread_s=30,
    rows=1_000_000,
    calls=1_000,
    edge_s=5,
    peers=2_000,
    until=565,
)
QUICK: Final = Scale(
    brief=True,
    grace=8,
    runs=1,
    mongo_runs=1,
    burst=2_000,
    spread_s=1.5,
    rows=100_000,
    calls=200,
    edge_s=1,
    peers=500,
    until=50,
)


@dataclass
class Suite:
    """What has been measured so far: figures by name, and sentences on what was left out."""

    scale: Scale
    folder: Path
    sink: Sink
    mongo: str | None
    results: dict[str, list[Figures]] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    @property
    def over(self) -> bool:
        """Whether the time for cases is up."""
        return time.monotonic() - self.began >= self.scale.until

    def case(self, name: str, module: str, case: str, *, peer: bool = False, **arguments: Any) -> Figures | None:
        """Run one case and keep its figures under `name`; None where it failed or time is up, with a remark."""
        left = self.scale.until - (time.monotonic() - self.began)
        if left <= 0:
            self.remark(f"{name}: left out, the time was up.")
            return None
        self.sink.reset()
        limit = min(left + self.scale.grace, 150)
        python = PEERS_PYTHON if peer else sys.executable
        try:
            figures = run_case(module, case, {"seconds": limit, **arguments}, python=python)
        except Failed as failed:
            self.remark(f"{name}: {failed}")
            return None
        self.results.setdefault(name, []).append(figures)
        print(f"{time.monotonic() - self.began:6.0f} s  {name}: {report.short(figures)}", flush=True)
        return figures

    def remark(self, text: str) -> None:
        """Say once what is missing, and why."""
        if text not in self.remarks:
            self.remarks.append(text)
            print(text, flush=True)

    def database(self, name: str) -> str:
        """The address of a database on MongoDB."""
        assert self.mongo
        return urlsplit(self.mongo)._replace(path=f"/bench_{name}").geturl()

    def file(self, name: str) -> str:
        """The address of a database on SQLite."""
        return f"sqlite:///{self.folder}/{name}.db"

    def copied(self, source: str, name: str) -> str:
        """The same rows in another file, so that they are planned but once."""
        for ending in ("", "-wal"):
            given = Path(f"{source.removeprefix('sqlite:///')}{ending}")
            if given.exists():
                shutil.copy(given, f"{self.folder}/{name}.db{ending}")
        return self.file(name)


def planned(suite: Suite) -> str:
    """The visits of which all is sent, planned but once."""
    file = suite.file("planned")
    if "visits planned" not in suite.results:
        suite.case("visits planned", "ours", "load", database=file, number=suite.scale.burst, spread=0)
    return file


def on_mongo(suite: Suite, source: str, name: str) -> str:
    """The same rows in a database of MongoDB."""
    named = suite.database(name)
    suite.case("rows moved to MongoDB", "ours", "move", source=source, database=named)
    return named


def wire(suite: Suite) -> None:
    """The burst and the spread on both stores, with bare clients in between."""
    scale, url, burst = suite.scale, suite.sink.url, planned(suite)
    for run in range(scale.runs):
        suite.case("aiogram", "limits", "aiogram", sink=url, number=scale.burst)
        copy = suite.copied(burst, f"burst{run}")
        suite.case("sqlite burst", "ours", "send", database=copy, sink=url, number=scale.burst, spread=0)
        if suite.mongo and run < scale.mongo_runs:
            named = on_mongo(suite, burst, f"burst{run}")
            suite.case("mongo burst", "ours", "send", database=named, sink=url, number=scale.burst, spread=0)
    if scale.brief:
        return
    suite.case("aiogram, buttons", "limits", "aiogram-buttons", sink=url, number=scale.burst)
    suite.case("twilio", "limits", "twilio", sink=url, number=scale.burst // 2)


def spread(suite: Suite) -> None:
    """How late messages are that are due one after the other."""
    scale, url = suite.scale, suite.sink.url
    over: dict[str, Any] = {"number": scale.burst, "spread": scale.spread_s}
    later = suite.copied(planned(suite), "spread")
    suite.case("visits spread", "ours", "spread", database=later, **over)
    copy = suite.copied(later, "spread-sent")
    suite.case("sqlite spread", "ours", "send", database=copy, sink=url, **over)
    if suite.mongo:
        suite.case("mongo spread", "ours", "send", database=on_mongo(suite, later, "spread"), sink=url, **over)


def crowd(suite: Suite) -> None:
    """The burst, claims and a start among millions of messages, and claims and a start without them."""
    scale, url, number = suite.scale, suite.sink.url, min(suite.scale.burst, suite.scale.rows)
    file = suite.copied(planned(suite), "crowd")
    if not scale.brief:
        suite.case("imports", "limits", "imports")
    for name in ("alone", "crowd"):
        if name == "crowd":
            suite.case("crowd made", "crowd", "crowd", file=file.removeprefix("sqlite:///"), rows=scale.rows)
        suite.case(f"{name} claims", "crowd", "claims", database=file, number=number)
        rest: dict[str, Any] = {"spawned": time.time(), "seconds_at_rest": scale.edge_s}
        if not scale.brief:
            suite.case(f"{name} start", "crowd", "start", database=file, sink=url, **rest)
    suite.case("crowd burst", "ours", "send", database=file, sink=url, number=number, spread=0)


def killed(suite: Suite) -> None:
    """A worker killed in the middle of a quarter of the messages."""
    few = suite.scale.burst // 4
    file = suite.copied(planned(suite), "killed")
    suite.case("visits taken out", "ours", "fewer", database=file, number=few)
    if suite.mongo:
        named = on_mongo(suite, file, "killed")
        suite.case("mongo killed", "killed", "kill", database=named, sink=suite.sink.url, number=few)
    suite.case("sqlite killed", "killed", "kill", database=file, sink=suite.sink.url, number=few)


def workers(suite: Suite) -> None:
    """One worker, and two, on one MongoDB and a wire that takes its time."""
    few = suite.scale.burst // 8
    if not suite.mongo:
        return
    file = suite.copied(planned(suite), "shared")
    suite.case("visits taken out", "ours", "fewer", database=file, number=few)
    with running_sink(LATENCY_S) as far:
        for number, name in ((1, "one worker"), (2, "two workers")):
            named = on_mongo(suite, file, f"shared{number}")
            far.reset()
            given = {"database": named, "sink": far.url, "number": few, "spread": 0, "at": time.time() + AHEAD_S}
            with ThreadPoolExecutor(1) as beside:
                # Beside nobody, and with nothing to send, it would wait for its full time.
                other = beside.submit(run_case, "ours", "send", given) if number > 1 and not suite.over else None
                suite.case(name, "ours", "send", **given)
                if other is not None and other.exception() is not None:
                    suite.remark(f"{name}: {other.exception()}")


def edges(suite: Suite) -> None:
    """What comes in over HTTP, to a whole service on SQLite."""
    scale, file = suite.scale, suite.copied(planned(suite), "edges")
    given: dict[str, Any] = {"sink": suite.sink.url, "number": scale.calls, "last_s": scale.edge_s}
    suite.case("sqlite edges", "edges", "measure", database=file, **given)


def mongo_edges(suite: Suite) -> None:
    """The same on MongoDB."""
    scale, few = suite.scale, suite.copied(planned(suite), "edges-few")
    if suite.mongo:
        suite.case("visits taken out", "ours", "fewer", database=few, number=max(scale.calls, int(scale.edge_s * 100)))
        given: dict[str, Any] = {"sink": suite.sink.url, "number": scale.calls, "last_s": scale.edge_s}
        suite.case("mongo edges", "edges", "measure", database=on_mongo(suite, few, "edges"), **given)


def peers(suite: Suite) -> None:
    """What one would use instead, each where what it needs is installed."""
    if not PEERS_PYTHON.exists():
        suite.remark("peers are left out: `make bench` installs them.")
        return
    scale = suite.scale
    given: dict[str, Any] = {"peer": True, "sink": suite.sink.url, "number": scale.peers}
    # Long enough ahead that all jobs are stored by then; one job each is what takes the time.
    slow, quick = 2 + scale.peers / 400, 3 + scale.peers / 1000
    file = suite.file("peer")
    suite.case("peer APScheduler, SQLite", "peers", "apscheduler-sqlite", ahead=slow, database=file, **given)
    if suite.mongo:
        suite.case(
            "peer APScheduler, MongoDB", "peers", "apscheduler-mongo", ahead=quick, database=suite.mongo, **given
        )
    if scale.brief:
        return
    suite.case("peer JobQueue, in memory", "peers", "job-queue", ahead=quick, **given)
    for name, case, server in (
        ("peer procrastinate, PostgreSQL", "procrastinate", running_postgres),
        ("peer saq, Redis", "saq", running_redis),
    ):
        try:
            with server() as address:
                suite.case(name, "peers", case, ahead=quick, database=address, **given)
        except Missing as why:
            suite.remark(str(why))


PARTS: Final[Mapping[str, Callable[[Suite], None]]] = {
    "wire": wire,
    "peers": peers,
    "spread": spread,
    "killed": killed,
    "crowd": crowd,
    "edges": edges,
    "workers": workers,
    "mongo-edges": mongo_edges,
}
"""In the order in which they are left out last when the time is up."""
BRIEF: Final = ("wire", "peers", "crowd")


def measure(scale: Scale, parts: Sequence[str]) -> Suite:
    """Run these parts (none named: all)."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vizit-bench-")))
        sink = stack.enter_context(running_sink())
        try:
            mongo = stack.enter_context(running_mongod(find_mongod()))
        except NoServer as why:
            mongo = None
            print(f"MongoDB is left out: {why}")
        suite = Suite(scale, folder, sink, mongo)
        for name in parts or (BRIEF if scale.brief else PARTS):
            PARTS[name](suite)
        return suite


def full(parts: Sequence[str]) -> int:
    """`make bench`: everything, and the table in README.md."""
    return _run(FULL, parts, write=not parts)


def quick(parts: Sequence[str]) -> int:
    """`make bench-quick`: a tenth of it, printed only."""
    return _run(QUICK, parts, write=False)


def _run(scale: Scale, parts: Sequence[str], *, write: bool) -> int:
    if unknown := set(parts) - set(PARTS):
        print(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}", file=sys.stderr)
        return 2
    suite = measure(scale, parts)
    text = report.text(suite.results, suite.remarks, suite.scale)
    print(f"\n{text}\n")
    if write:
        report.write(text)
    print(report.sentence(suite.results))
    return 0
