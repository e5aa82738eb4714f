"""`python -m bench faults [PART[=AMOUNT] …]`: what is broken on purpose, each part on each store; all of them by default.

Prints what came of each and writes it into README.md, with its date. Exit status 1 where a promise was broken.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from bench import fault_parts, fault_table
from bench.fault_parts import Came
from bench.fault_table import Line
from tests.support.mongod import NoServer, find_mongod, running_mongod

SQLITE: Final = "SQLite"
MONGODB: Final = "MongoDB"
STORES: Final = (SQLITE, MONGODB)


class Part(NamedTuple):
    """What is done, how much of it by default, and on which stores."""

    run: Callable[[str, Path, int], Awaitable[Came]]
    amount: int
    stores: Sequence[str] = STORES


PARTS: Final = {
    "kills": Part(fault_parts.kills, 300),
    "claims": Part(fault_parts.claims, 20_000),
    "pace": Part(fault_parts.pace, 1_680),
    "cancels": Part(fault_parts.cancels, 10_000),
    "primaries": Part(fault_parts.primaries, 20, (MONGODB,)),
    "promises": Part(fault_parts.promises, 1_000),
    "hour": Part(fault_parts.hour, 600),
}
"""``hour``: seconds; the others: how many."""


def main(words: Sequence[str]) -> int:
    """Run the parts that are named (``kills``, ``kills=30``, ``kills@SQLite=30``), or all."""
    kept = True
    for name, store, amount in _wanted(words):
        with tempfile.TemporaryDirectory(prefix="vizit-faults-") as folder:
            try:
                line = _run(name, store, amount, Path(folder))
            except NoServer as why:
                print(f"{name}, {store}: left out, {why}", flush=True)
                continue
        print(line.text(), flush=True)
        fault_table.write(line)
        kept = kept and line.kept
    return 0 if kept else 1


def _wanted(words: Sequence[str]) -> Iterator[tuple[str, str, int]]:
    for word in words or PARTS:
        which, _, amount = word.partition("=")
        name, _, only = which.partition("@")
        if name not in PARTS:
            sys.exit(f"unknown: {name}; there are {', '.join(PARTS)}")
        for store in PARTS[name].stores:
            if only in ("", store):
                yield name, store, int(amount or PARTS[name].amount)


def _run(name: str, store: str, amount: int, folder: Path) -> Line:
    with _database(store, folder) as database:
        began = time.monotonic()
        came = asyncio.run(PARTS[name].run(database, folder, amount))  # type: ignore[arg-type]
    return Line(name, store, came.told, came.kept, time.monotonic() - began)


@contextmanager
def _database(store: str, folder: Path) -> Iterator[str]:
    if store == SQLITE:
        yield f"sqlite:///{folder}/vizit.db"
        return
    with running_mongod(find_mongod()) as url:
        yield urlsplit(url)._replace(path="/vizit_faults").geturl()
