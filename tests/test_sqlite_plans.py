"""Every query that the service runs is served by an index, however many rows there are."""

import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest

from storage import schema, sqlite_files, statements
from storage.records import (
    RECORDS,
    WAITING,
    Message,
)
from storage.store import OneOf, Patch
from tests.support.query_plans import plan_of, recorded, scans, whole_tables
from tests.support.service_queries import QUERIES, TALLIES, T

OWN_STATEMENTS = [
    (statements.CLAIM, ("t", T, 1, T, 100)),
    (statements.GUARD, (T, "c", "a", None, None, None, "m", "t", 1, T)),
    (statements.GUARD_STATE, ("m", "t", T)),
    (statements.SETTLE, ("p", T, None, "m", "t")),
    (statements.NEXT_DUE, (1,)),
    (statements.PACE, ("p",)),
]


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    """An empty database with the schema."""
    opened = sqlite_files.connect(sqlite_files.MEMORY)
    schema.migrate(opened)
    yield opened
    opened.close()


@pytest.mark.parametrize("case", QUERIES)
def test_a_query_is_an_index_search(connection: sqlite3.Connection, case: str) -> None:
    asked = QUERIES[case]
    sql = statements.select(asked.record, asked.where, asked.order, asked.after, 200)
    plan = plan_of(connection, *sql)
    assert not scans(plan), plan
    if not asked.sorts:
        assert not [step for step in plan if "TEMP B-TREE" in step], plan


@pytest.mark.parametrize("case", TALLIES)
def test_a_report_is_an_index_search(connection: sqlite3.Connection, case: str) -> None:
    plan = plan_of(connection, *statements.tally(*TALLIES[case]))
    assert not scans(plan), plan


@pytest.mark.parametrize(("text", "values"), OWN_STATEMENTS, ids=lambda part: str(part)[:40])
def test_a_statement_of_the_outbox_is_an_index_search(
    connection: sqlite3.Connection, text: str, values: tuple[Any, ...]
) -> None:
    plan = plan_of(connection, text, values)
    assert not scans(plan), plan
    assert not [step for step in plan if "TEMP B-TREE" in step], plan


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_getting_and_changing_one_record_is_an_index_search(connection: sqlite3.Connection, record: type[Any]) -> None:
    fixed = statements.FIXED[record]
    for text in (fixed.get, fixed.get_several, fixed.delete):
        assert not scans(plan_of(connection, text, ("b", "[]" if text == fixed.get_several else "i")))


def test_a_patch_is_an_index_search(connection: sqlite3.Connection) -> None:
    for business in ("b", None):
        patch = Patch(Message, business, "m", {"status": "cancelled"}, {"status": OneOf(WAITING), "booking": "b"})
        plan = plan_of(connection, *statements.update(patch))
        assert any("sqlite_autoindex_message_1 (id=?)" in step for step in plan), plan


def test_a_scan_would_be_noticed(connection: sqlite3.Connection) -> None:
    with recorded(connection) as seen:
        connection.execute("SELECT id FROM message WHERE error_text = ?", ("x",)).fetchall()
    assert seen == ["SELECT id FROM message WHERE error_text = 'x'"]
    assert whole_tables(seen[0]) == ["SCAN message"]
