"""The figures as a table: medians and ratios, with the versions and the machine they belong to."""

from __future__ import annotations

import os
import platform
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from statistics import median
from tempfile import TemporaryFile
from typing import Any, Final

from bench.measuring import Figures

README: Final = Path(__file__).with_name("README.md")
BEGIN: Final = "<!-- figures: begin -->"
END: Final = "<!-- figures: end -->"
PACKAGES: Final = ("aiogram", "aiohttp", "uvloop", "pydantic", "twilio", "motor", "pymongo", "apscheduler")
Results = Mapping[str, Sequence[Figures]]


class Row:
    """A line of the table: what it says, the case and the figure that it is taken from, its unit, and what is to be
    reached."""

    def __init__(self, what: str, of: str, key: str, unit: str, aim: str = "") -> None:
        self.what, self.of, self.key, self.unit, self.aim = what, of, key, unit, aim

    def cells(self, results: Results) -> str | None:
        """The line, or None where nothing was measured."""
        value = middle(results, self.of, self.key)
        if value is None:
            return None
        return f"| {self.what} | {number(value)} {self.unit}".rstrip() + f" | {self.aim} | {len(results[self.of])} |"


class Ratio(Row):
    """A line that says how one figure stands to another."""

    def __init__(self, what: str, of: str, over: Callable[[Results], float | None], key: str, aim: str = "") -> None:
        super().__init__(what, of, key, "", aim)
        self.over = over

    def cells(self, results: Results) -> str | None:
        """See :class:`Row`."""
        value, other = middle(results, self.of, self.key), self.over(results)
        if value is None or not other:
            return None
        return f"| {self.what} | {value / other:.2f} | {self.aim} | {len(results[self.of])} |"


class Difference(Row):
    """A line that says how much larger one figure is than another, of the same unit."""

    def __init__(self, what: str, of: tuple[str, str], less: tuple[str, str], unit: str, aim: str) -> None:
        super().__init__(what, *of, unit, aim)
        self.less = less

    def cells(self, results: Results) -> str | None:
        """See :class:`Row`."""
        value, other = middle(results, self.of, self.key), middle(results, *self.less)
        if value is None or other is None:
            return None
        return f"| {self.what} | {number(value - other)} {self.unit} | {self.aim} | {len(results[self.of])} |"


def middle(results: Results, name: str, key: str) -> float | None:
    """The median of a figure over all runs of a case."""
    values = [figures[key] for figures in results.get(name, ()) if figures.get(key) is not None]
    return median(values) if values else None


def bare(key: str) -> Callable[[Results], float | None]:
    """That figure of bare aiogram."""
    return lambda results: middle(results, "aiogram", key)


def with_buttons(results: Results) -> float | None:
    """Messages a second of bare aiogram that puts buttons under them, as this service does."""
    return middle(results, "aiogram, buttons", "rate")


def best_peer(results: Results) -> float | None:
    """The most messages a second that a durable peer sent of its burst."""
    rates = [middle(results, name, "rate") for name in results if name.startswith("peer ") and "JobQueue" not in name]
    return max((rate for rate in rates if rate), default=None)


def _burst(store: str, name: str, bare_aim: str, peer_aim: str, cpu_aim: str) -> tuple[Row, ...]:
    return (
        Row(f"{name}: all due at once", f"{store} burst", "rate", "messages/s"),
        Ratio(f"{name}: of bare aiogram", f"{store} burst", bare("rate"), "rate", bare_aim),
        Ratio(f"{name}: of bare aiogram with the same buttons", f"{store} burst", with_buttons, "rate"),
        Ratio(f"{name}: times the best durable peer", f"{store} burst", best_peer, "rate", peer_aim),
        Row(f"{name}: CPU per message", f"{store} burst", "cpu_us", "µs"),
        Ratio(f"{name}: CPU, times bare aiogram", f"{store} burst", bare("cpu_us"), "cpu_us", cpu_aim),
        Row(f"{name}: first message after due", f"{store} burst", "first_ms", "ms", "< 50"),
        Row(f"{name}: lost", f"{store} burst", "lost", "", "0"),
        Row(f"{name}: sent twice", f"{store} burst", "twice", "", "0"),
        Row(f"{name}: memory at rest", f"{store} burst", "rest_mb", "MB"),
        Row(f"{name}: most memory", f"{store} burst", "peak_mb", "MB"),
    )


def _edges(store: str, name: str, batch_aim: str, one_aim: str) -> tuple[Row, ...]:
    of = f"{store} edges"
    return (
        Row(f"{name}: bookings in batches of 100", of, "batch_rate", "/s", batch_aim),
        Row(f"{name}: bookings one after the other", of, "one_rate", "/s", one_aim),
        Row(f"{name}: one booking, p50", of, "one_p50_ms", "ms"),
        Row(f"{name}: one booking, p99", of, "one_p99_ms", "ms", "< 50"),
        Row(f"{name}: Telegram update to answer on the wire at 100/s, p50", of, "update_p50_ms", "ms", "< 15"),
        Row(f"{name}: the same, p99", of, "update_p99_ms", "ms", "< 60"),
        Row(f"{name}: webhook of Twilio answered at 200/s, p50", of, "form_p50_ms", "ms"),
        Row(f"{name}: the same, p99", of, "form_p99_ms", "ms", "< 30"),
    )


def _killed(store: str, name: str) -> tuple[Row, ...]:
    of = f"{store} killed"
    return (
        Row(f"{name}, killed in the middle: lost", of, "lost", "", "0"),
        Row(f"{name}, killed in the middle: sent twice", of, "twice", "", "≤ 60"),
        Row(f"{name}, killed in the middle: until it goes on, imports included", of, "resumed_s", "s", "≤ 5"),
    )


ROWS: list[Row] = [
    Row("bare aiogram, 30 at once", "aiogram", "rate", "messages/s"),
    Row("bare aiogram: CPU per message", "aiogram", "cpu_us", "µs"),
    Row("bare aiogram with the three buttons that a notice has", "aiogram, buttons", "rate", "messages/s"),
    Row("bare aiogram with buttons: CPU per message", "aiogram, buttons", "cpu_us", "µs"),
    Row("bare Twilio client, 30 at once", "twilio", "rate", "messages/s"),
    Row("bare Twilio client: CPU per message", "twilio", "cpu_us", "µs"),
    Row("import of aiogram alone", "imports", "seconds", "s"),
    Row("import of aiogram alone: memory", "imports", "mb", "MB"),
    *_burst("sqlite", "SQLite", "≥ 0.6", "≥ 2", "≤ 2"),
    *_burst("mongo", "MongoDB", "≥ 0.3", "≥ 1.3", "≤ 3"),
    Row("SQLite, spread: late, p50", "sqlite spread", "p50_ms", "ms", "< 10"),
    Row("SQLite, spread: late, p99", "sqlite spread", "p99_ms", "ms", "< 30"),
    Row("MongoDB, spread: late, p50", "mongo spread", "p50_ms", "ms", "< 20"),
    Row("MongoDB, spread: late, p99", "mongo spread", "p99_ms", "ms", "< 60"),
    Row("claim of 100, SQLite, p50", "alone claims", "p50_ms", "ms"),
    Row("claim of 100, SQLite, p99", "alone claims", "p99_ms", "ms"),
    Row("claim of 100 among millions, SQLite, p50", "crowd claims", "p50_ms", "ms"),
    Row("claim of 100 among millions, SQLite, p99", "crowd claims", "p99_ms", "ms", "< 5"),
    Row("all due at once among millions, SQLite", "crowd burst", "rate", "messages/s"),
    Ratio(
        "all due at once among millions, of the same without",
        "crowd burst",
        lambda results: middle(results, "sqlite burst", "rate"),
        "rate",
        "≥ 0.9",
    ),
    Row("start to ready", "alone start", "ready_s", "s"),
    Row("start to ready among millions", "crowd start", "ready_s", "s"),
    Difference(
        "start to ready among millions, over importing aiogram",
        ("crowd start", "ready_s"),
        ("imports", "seconds"),
        "s",
        "≤ 1",
    ),
    Row("memory at rest, whole service", "alone start", "rest_mb", "MB"),
    Difference("the same, over aiogram alone", ("alone start", "rest_mb"), ("imports", "mb"), "MB", "≤ 50"),
    Difference(
        "the same among millions, over without", ("crowd start", "rest_mb"), ("alone start", "rest_mb"), "MB", "≤ 20"
    ),
    Row("CPU at rest", "alone start", "idle_percent", "%", "< 0.5"),
    Row("CPU at rest among millions", "crowd start", "idle_percent", "%", "< 0.5"),
    *_killed("sqlite", "SQLite"),
    *_killed("mongo", "MongoDB"),
    Row("one worker, MongoDB, 50 ms of wire", "one worker", "rate", "messages/s"),
    Row("two workers, MongoDB, 50 ms of wire", "two workers", "rate", "messages/s"),
    Ratio("two workers, of one", "two workers", lambda results: middle(results, "one worker", "rate"), "rate", "≥ 1.7"),
    *_edges("sqlite", "SQLite", "≥ 500", "≥ 200"),
    *_edges("mongo", "MongoDB", "", ""),
    *(
        Row(f"{name}: {what}", f"peer {name}", key, unit)
        for name in (
            "APScheduler, SQLite",
            "APScheduler, MongoDB",
            "JobQueue, in memory",
            "procrastinate, PostgreSQL",
            "saq, Redis",
        )
        for what, key, unit in (
            ("all due at once", "rate", "messages/s"),
            ("first message after due", "first_ms", "ms"),
            ("CPU per message", "cpu_us", "µs"),
            ("lost", "lost", ""),
        )
    ),
]


def number(value: float) -> str:
    """Three digits that count."""
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"


def short(figures: Figures) -> str:
    """One line of figures, as they come in."""
    return ", ".join(f"{name} {number(value)}" for name, value in figures.items() if isinstance(value, int | float))


def text(results: Results, remarks: Sequence[str], scale: Any) -> str:
    """All of it as Markdown."""
    lines = [machine(), "", sizes(scale), "", "| what | median | to reach | runs |", "|---|---|---|---|"]
    lines += [line for row in ROWS if (line := row.cells(results)) is not None]
    return "\n".join([*lines, *(["", *(f"- {remark}" for remark in remarks)] if remarks else [])])


def sizes(scale: Any) -> str:
    """How much was measured."""
    return (
        f"{scale.burst:,} due at once, or over {scale.spread_s:g} s; among {scale.rows:,} future and {scale.rows:,} past "
        f"messages; killed in the middle of {scale.burst // 4:,}; peers with {scale.peers:,}."
    )


def machine() -> str:
    """Day, processor, cores, and versions."""
    with Path("/proc/cpuinfo").open() as lines:
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in PACKAGES)
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores ({model or platform.machine()}), "
        f"{platform.system()} {platform.release().split('-')[0]}, "
        f"fdatasync {sync_ms():.2g} ms, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {versions}."
    )


def sync_ms() -> float:
    """How long this disk takes to have a page for good, in milliseconds: the median of fifty tries."""
    took = []
    with TemporaryFile() as file:
        for _ in range(50):
            file.write(b"." * 4096)
            file.flush()
            start = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append(1000 * (time.perf_counter() - start))
    return median(took)


def sentence(results: Results) -> str:
    """The last word: this service on SQLite beside the limit and beside the peers."""
    ours, limit, peer = middle(results, "sqlite burst", "rate"), bare("rate")(results), best_peer(results)
    if not ours:
        return "this service on SQLite was not measured"
    first = f"{ours / limit:.2f} of bare aiogram" if limit else "bare aiogram was not measured"
    second = f"{ours / peer:.1f} times the best peer" if peer else "no peer was measured"
    return f"{first}, {second}"


def write(figures: str) -> None:
    """Put the figures between their marks in README.md."""
    before, _, rest = README.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    README.write_text(f"{before}{BEGIN}\n{figures}\n{END}{after}")
