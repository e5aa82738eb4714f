"""How SQLite goes about a query, read from EXPLAIN QUERY PLAN: through an index, or through the whole table."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

# A list that is passed along as JSON is walked through, as it must be.
NOT_A_TABLE = re.compile(r"SCAN (json_each|CONSTANT)")


def plan_of(connection: sqlite3.Connection, text: str, values: tuple[object, ...] = ()) -> list[str]:
    """The steps of the plan of one statement."""
    return [detail for _, _, _, detail in connection.execute(f"EXPLAIN QUERY PLAN {text}", values)]


def scans(plan: list[str]) -> list[str]:
    """The steps that read a table or an index from one end to the other."""
    return [step for step in plan if step.startswith("SCAN") and not NOT_A_TABLE.match(step)]


@contextmanager
def recorded(connection: sqlite3.Connection) -> Iterator[list[str]]:
    """The statements that run on a connection while this lasts, each once, with their values written into them."""
    seen: dict[str, None] = {}
    connection.set_trace_callback(lambda text: seen.setdefault(text))
    statements: list[str] = []
    try:
        yield statements
    finally:
        connection.set_trace_callback(None)
        statements += [text for text in seen if text.split(" ", 1)[0] in ("SELECT", "UPDATE", "DELETE", "INSERT")]
