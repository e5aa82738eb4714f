"""How SQLite goes about a query, read from EXPLAIN QUERY PLAN: through an index, or through the whole table.

Every test that opens a store on SQLite fails when one of its statements would read a whole table: with ten rows nobody
notices, with a million the service stands still.
"""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from typing import Any

import pytest

from storage import schema, sqlite_files
from storage.codec import layout
from storage.records import RECORDS

# A list that is passed along as JSON is walked through, as it must be; and so may be an index that holds only what is
# under way at this moment.
NOT_A_TABLE = re.compile(
    r"SCAN (json_each|wanted VIRTUAL|CONSTANT|\w+ USING (COVERING )?INDEX (message_leases|inbox_pending|inbox_failed)$)"
)
ALLOWED = (
    # Whoever sets no condition wants the whole table.
    re.compile(r".* WHERE 1( |$)"),
    # Nothing can match, and nothing is read.
    re.compile(r".* (WHERE|AND) 0( |$)"),
    # Once, at opening.
    re.compile(r"DELETE FROM pace WHERE arrival"),
    # Once, by a migration.
    re.compile(r"UPDATE address SET shared = \S+ WHERE \(phone IS NOT NULL"),
    re.compile(r"UPDATE client SET birth_day = substr"),
)
ASK_AT_WILL = ("store_contract", "test_sqlite_", "test_mongo_")
"""Tests of the stores themselves, which may ask what the service never asks."""
STATEMENTS = ("SELECT", "UPDATE", "DELETE", "INSERT")
WORDS = {word for record in RECORDS for shape in layout(record).shapes.values() for word in shape.words}
LITERAL = re.compile(r"'((?:[^']|'')*)'|\b\d+(?:\.\d+)?\b")


def plan_of(connection: sqlite3.Connection, text: str, values: tuple[object, ...] = ()) -> list[str]:
    """The steps of the plan of one statement."""
    return [detail for _, _, _, detail in connection.execute(f"EXPLAIN QUERY PLAN {text}", values)]


def scans(plan: list[str]) -> list[str]:
    """The steps that read a table or an index from one end to the other."""
    return [step for step in plan if step.startswith("SCAN") and not NOT_A_TABLE.match(step)]


def shape_of(text: str) -> str:
    """A statement with its values taken out, but for the words that a partial index may need."""
    return LITERAL.sub(lambda found: found.group() if found.group(1) in WORDS else "?", text)


def note(seen: dict[str, str], text: str) -> None:
    """Keep a statement, unless one of its shape is kept already."""
    if text.startswith(STATEMENTS):
        seen.setdefault(shape_of(text), text)


@contextmanager
def recorded(connection: sqlite3.Connection) -> Iterator[list[str]]:
    """The statements that ran on a connection while this lasted, one of each shape; told at its end."""
    seen: dict[str, str] = {}
    told: list[str] = []
    connection.set_trace_callback(lambda text: note(seen, text))
    try:
        yield told
    finally:
        connection.set_trace_callback(None)
        told += seen.values()


@cache
def whole_tables(text: str) -> list[str]:
    """What a statement reads from one end to the other, in a database with today's schema."""
    if any(allowed.match(text) for allowed in ALLOWED):
        return []
    with closing(sqlite_files.connect(sqlite_files.MEMORY)) as connection:
        schema.migrate(connection)
        return scans(plan_of(connection, text))


@pytest.fixture(autouse=True)
def no_whole_tables(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fails a test in which a store on SQLite read a whole table."""
    if any(part in request.node.nodeid for part in ASK_AT_WILL):
        yield
        return
    seen: dict[str, str] = {}
    connect = sqlite_files.connect

    def watched(path: str, **options: Any) -> sqlite3.Connection:
        connection = connect(path, **options)
        connection.set_trace_callback(lambda text: note(seen, text))
        return connection

    monkeypatch.setattr(sqlite_files, "connect", watched)
    yield
    monkeypatch.undo()
    read = {shape: steps for shape, text in seen.items() if (steps := whole_tables(_example(shape, text)))}
    assert not read, "whole tables were read:\n" + "\n".join(f"{steps}: {shape}" for shape, steps in read.items())


_examples: dict[str, str] = {}


def _example(shape: str, text: str) -> str:
    """One statement of each shape, so that each is explained once."""
    return _examples.setdefault(shape, text)
