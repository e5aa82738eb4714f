"""What a transaction on SQLite is made of: applying Changes, and settling, guarding and claiming messages."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence

from storage import pace, statements
from storage.codec import layout
from storage.failpoints import reach
from storage.pace import Pace
from storage.records import Message, Millis, Record
from storage.statements import FIXED
from storage.store import (
    Changes,
    Claim,
    Committed,
    Conflict,
    Delete,
    Granted,
    Guard,
    GuardResult,
    Patch,
    Permit,
    Put,
    Settle,
    Stepped,
)

COMMIT_STATEMENT = "commit.statement"
STEP_STATEMENT = "step.statement"


def _insert(cursor: sqlite3.Cursor, record: Record) -> bool:
    reach(COMMIT_STATEMENT)
    kind = type(record)
    return cursor.execute(FIXED[kind].insert, layout(kind).to_row(record)).rowcount == 1


def _put(cursor: sqlite3.Cursor, put: Put) -> None:
    reach(COMMIT_STATEMENT)
    record, kind = put.record, type(put.record)
    fixed, row = FIXED[kind], layout(kind).to_row(record)
    if put.expect is None:
        cursor.execute(fixed.put_over, row)
    elif put.expect == 0:
        cursor.execute(fixed.put_new, row)
    elif fixed.put_expected is None:
        raise ValueError(f"{kind.__name__} has no revision to expect")
    else:
        cursor.execute(fixed.put_expected, (*row, record.business, record.id, put.expect))
    if cursor.rowcount != 1:
        raise Conflict(f"{kind.__name__} {record.id}: not at revision {put.expect}")


def _patch(cursor: sqlite3.Cursor, patch: Patch, point: str = COMMIT_STATEMENT) -> bool:
    reach(point)
    matched = cursor.execute(*statements.update(patch)).rowcount == 1
    if patch.must and not matched:
        raise Conflict(f"{patch.record.__name__} {patch.id}: not as it was")
    return matched


def _delete(cursor: sqlite3.Cursor, delete: Delete) -> None:
    reach(COMMIT_STATEMENT)
    cursor.execute(FIXED[delete.record].delete, (delete.business, delete.id))


def apply(cursor: sqlite3.Cursor, changes: Changes) -> Committed:
    """Inserts, puts, patches and deletes in this order; raises Conflict at the first expectation that does not hold."""
    inserted = tuple([_insert(cursor, record) for record in changes.inserts])
    for put in changes.puts:
        _put(cursor, put)
    matched = tuple([_patch(cursor, patch) for patch in changes.patches])
    for delete in changes.deletes:
        _delete(cursor, delete)
    return Committed(inserted, matched)


def _settle(cursor: sqlite3.Cursor, settle: Settle) -> bool:
    reach(STEP_STATEMENT)
    values = (settle.provider_id, settle.sent_at, settle.fallback_at, settle.id, settle.token)
    return cursor.execute(statements.SETTLE, values).rowcount == 1


def _guard(cursor: sqlite3.Cursor, guard: Guard) -> GuardResult:
    reach(STEP_STATEMENT)
    written = (guard.lease_until, guard.channel, guard.address, guard.text, guard.language, guard.segments)
    held_by = (guard.id, guard.token, guard.revision, guard.now)
    if cursor.execute(statements.GUARD, written + held_by).rowcount == 1:
        return "sending"
    row = cursor.execute(statements.GUARD_STATE, (guard.id, guard.token, guard.now)).fetchone()
    if row is None:
        return "lost"
    return "busy" if row[0] == guard.revision else "stale"


def _guard_together(cursor: sqlite3.Cursor, guard: Guard) -> GuardResult:
    cursor.execute("SAVEPOINT together")
    result = _guard(cursor, guard)
    if result == "sending":
        try:
            for patch in guard.also:
                _patch(cursor, patch, STEP_STATEMENT)
        except Conflict:
            cursor.execute("ROLLBACK TO together")
            result = "stale"
    cursor.execute("RELEASE together")
    return result


def _claim(cursor: sqlite3.Cursor, claims: Sequence[Claim]) -> Iterator[Message]:
    from_row = layout(Message).from_row
    for claim in claims:
        reach(STEP_STATEMENT)
        values = (claim.token, claim.lease_until, claim.lane, claim.due, claim.limit)
        yield from map(from_row, cursor.execute(statements.CLAIM, values).fetchall())


def take_step(
    cursor: sqlite3.Cursor, settles: Sequence[Settle], guards: Sequence[Guard], claims: Sequence[Claim]
) -> Stepped:
    """Settle, guard and claim, in this order."""
    settled = tuple([_settle(cursor, settle) for settle in settles])
    guarded = tuple([_guard_together(cursor, guard) if guard.also else _guard(cursor, guard) for guard in guards])
    claimed = sorted(_claim(cursor, claims), key=lambda message: (message.next_at, message.id))
    return Stepped(settled, guarded, tuple(claimed))


def _pace(cursor: sqlite3.Cursor, name: str) -> Pace:
    row = cursor.execute(statements.PACE, (name,)).fetchone()
    return Pace(*row) if row else Pace()


def take_permits(cursor: sqlite3.Cursor, permits: Sequence[Permit], now: Millis) -> list[Granted]:
    """As many of each permit as may go at ``now``."""
    grants = []
    for permit in permits:
        granted, after = pace.take(_pace(cursor, permit.name), permit, now)
        if granted.n:
            cursor.execute(statements.SET_PACE, (permit.name, *after))
        grants.append(granted)
    return grants


def hold_pace(cursor: sqlite3.Cursor, name: str, until: Millis) -> None:
    """No permit of this pace before ``until``; an earlier hold that lasts longer stays."""
    before = _pace(cursor, name)
    cursor.execute(statements.SET_PACE, (name, before.arrival, max(before.held_until, until)))
