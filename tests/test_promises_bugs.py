"""The machine that tries the promises finds mistakes: five are built into the service, and each is found."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from handlers import delivery, reconcile
from handlers.facts import Facts
from scheduler.boarding import Boarding
from scheduler.pace import Way
from scheduler.ready import Job
from storage import sqlite_writes
from storage.records import Message, Millis
from storage.store import Changes, Committed, Settle, Stepped
from tests.test_promises import Promises

Break = Callable[[pytest.MonkeyPatch], None]

SEARCH: Final = settings(
    max_examples=100,
    stateful_step_count=30,
    derandomize=True,
    database=None,
    deadline=None,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)


def a_commit_in_pieces(broken: pytest.MonkeyPatch) -> None:
    """A booking and its messages are made durable one after the other."""
    whole = sqlite_writes.apply

    def apply(cursor: sqlite3.Cursor, changes: Changes) -> Committed:
        inserted: tuple[bool, ...] = ()
        for record in changes.inserts:
            inserted += whole(cursor, Changes(inserts=(record,))).inserted
            cursor.execute("COMMIT")
            cursor.execute("BEGIN IMMEDIATE")
        return replace(whole(cursor, replace(changes, inserts=())), inserted=inserted)

    broken.setattr(sqlite_writes, "apply", apply)


def a_cancellation_that_forgets_what_waits(broken: pytest.MonkeyPatch) -> None:
    """Whatever becomes untrue stays planned."""
    broken.setattr(reconcile, "_taken_back", lambda *_: [])


def a_doubt_that_is_never_over(broken: pytest.MonkeyPatch) -> None:
    """What may have arrived is tried again and again."""
    broken.setattr(delivery, "_repeatable", lambda _: True)


def words_from_an_old_read(broken: pytest.MonkeyPatch) -> None:
    """When a visit begins is read once, and from then on told as it was."""
    worded = Boarding._worded

    def remembered(self: Boarding, job: Job, message: Message, way: Way, facts: Facts, *others: Any) -> Any:
        known: dict[str, Millis] = self._desk.store.__dict__.setdefault("remembered", {})
        if facts.booking is not None:
            starts_at = known.setdefault(facts.booking.id, facts.booking.starts_at)
            facts = replace(facts, booking=replace(facts.booking, starts_at=starts_at))
        return worded(self, job, message, way, facts, *others)

    broken.setattr(Boarding, "_worded", remembered)


def an_outcome_that_is_not_written_down(broken: pytest.MonkeyPatch) -> None:
    """What was sent counts as sent, but only in memory."""
    whole = sqlite_writes.take_step

    def take_step(cursor: sqlite3.Cursor, settles: Sequence[Settle], *others: Any) -> Stepped:
        return replace(whole(cursor, (), *others), settled=(True,) * len(settles))

    broken.setattr(sqlite_writes, "take_step", take_step)


@pytest.mark.parametrize(
    "bug",
    [
        a_commit_in_pieces,
        a_cancellation_that_forgets_what_waits,
        a_doubt_that_is_never_over,
        words_from_an_old_read,
        an_outcome_that_is_not_written_down,
    ],
    ids=lambda bug: bug.__name__,
)
def test_the_machine_finds(bug: Break, monkeypatch: pytest.MonkeyPatch) -> None:
    bug(monkeypatch)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(Promises, settings=SEARCH)
