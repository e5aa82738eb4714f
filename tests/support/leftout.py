"""What a run left out is said aloud at its end, and with VIZIT_REQUIRE_ALL=1 leaving out is failing.

A test whose platform lacks something calls `leave_out`. Nothing else needs to be told: every skip, whoever made it, is
counted from pytest's own reports.
"""

import os
from collections import Counter
from collections.abc import Generator, Iterable
from typing import NoReturn, TypeVar

import pytest

REQUIRE_ALL = "VIZIT_REQUIRE_ALL"

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


def leave_out(what: str, why: str) -> NoReturn:
    """Skip the running test because this platform has no `what`; `why` tells a person how to get it."""
    pytest.skip(f"{what}: {why}")


def reason_of(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Why a report says "skipped", without pytest's own prefix."""
    where = report.longrepr
    text = where[2] if isinstance(where, tuple) else str(where)
    return text.removeprefix("Skipped: ")


def summary(reasons: Iterable[str]) -> list[str]:
    """One line per reason, the most frequent first; one line that says so when nothing was left out."""
    counted = Counter(reasons)
    if not counted:
        return ["Nothing was left out."]
    return [f"Left out: {count} test{'s' * (count > 1)}: {reason}" for reason, count in counted.most_common()]


def forbid(report: Report) -> Report:
    """Turn a skip into a failure where the run must be complete; an expected failure stays one."""
    if os.environ.get(REQUIRE_ALL) == "1" and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{REQUIRE_ALL} is set, and this was left out: {reason_of(report)}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return forbid((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return forbid((yield))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in summary(reason_of(report) for report in terminalreporter.stats.get("skipped", [])):
        terminalreporter.write_line(line)
