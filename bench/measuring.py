"""Processes that measure themselves: each case runs in a fresh one and says its figures as JSON in its last line."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.request import urlopen

ROOT: Final = Path(__file__).resolve().parent.parent
PEERS_PYTHON: Final = ROOT / ".venv-bench" / "bin" / "python"
Figures = dict[str, Any]


class Failed(Exception):
    """A case ended without figures; the text says why."""


def percentile(values: Sequence[float], part: float) -> float:
    """The value below which `part` (0 to 1) of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def resident_mb() -> float:
    """What of this process is in memory now, in MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return peak_mb()


def peak_mb() -> float:
    """The most of this process that was ever in memory, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def call(url: str, seconds: float = 120) -> Any:
    """The JSON behind a loopback address."""
    with urlopen(url, timeout=seconds) as answer:
        return json.load(answer)


@dataclass(frozen=True)
class Sink:
    """The sink's process as the others see it."""

    url: str

    def reset(self) -> None:
        """Forget everybody."""
        call(f"{self.url}/reset")

    def tally(self) -> Any:
        """See :class:`bench.sink.Tally`."""
        return call(f"{self.url}/tally")

    def wait(self, number: int, seconds: float = 120) -> None:
        """Until so many people were reached. Raises TimeoutError."""
        call(f"{self.url}/wait/{number}", seconds)


@contextmanager
def running_sink(latency: float = 0.0) -> Iterator[Sink]:
    """The sink in a process of its own."""
    command = [sys.executable, "-m", "bench.sink", str(latency)]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin and process.stdout
    try:
        yield Sink(process.stdout.readline().strip())
    finally:
        process.stdin.close()
        process.wait(10)
        process.stdout.close()


def run_case(module: str, case: str, arguments: Mapping[str, Any], *, python: Path | str = sys.executable) -> Figures:
    """Run `case` of a module of this package in a fresh process, and take down its figures. Raises Failed."""
    command = [str(python), "-m", f"bench.{module}", case, json.dumps(arguments)]
    seconds = arguments.get("seconds", 180)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("VIZIT_")}
    try:
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        raise Failed(f"{case} was cut off after {seconds:.0f} s") from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["without a word"])[-1]
        raise Failed(f"{case} failed: {last[:300]}")
    figures: Figures = json.loads(done.stdout.strip().splitlines()[-1])
    return figures


def answer_for(cases: Mapping[str, Callable[..., Figures]]) -> None:
    """The other side of :func:`run_case`."""
    case, arguments = sys.argv[1], json.loads(sys.argv[2])
    arguments.pop("seconds", None)
    print(json.dumps(cases[case](**arguments)))


def arrivals(tally: Any, due: Callable[[int], float], number: int) -> Figures:
    """What a tally says of `number` messages of which the i-th person's was due at `due(i)` (seconds since 1970).

    `rate`: messages a second from the first due moment to the last arrival. Lateness in milliseconds.
    """
    late = sorted(1000 * (at - due(int(to) - 1_000_000)) for to, at in tally["first"].items())
    if not late:
        return {"arrived": 0, "lost": number, "twice": 0}
    return {
        "arrived": len(late),
        "lost": number - len(late),
        "twice": tally["calls"] - len(late),
        "rate": len(late) / (max(tally["first"].values()) - due(0)),
        "first_ms": 1000 * (min(tally["first"].values()) - due(0)),
        "p50_ms": percentile(late, 0.5),
        "p99_ms": percentile(late, 0.99),
    }


class Cpu:
    """CPU seconds of this process since it was made."""

    def __init__(self) -> None:
        self._from = time.process_time()

    def per(self, number: int) -> float:
        """Microseconds each, of so many."""
        return 1e6 * (time.process_time() - self._from) / number
