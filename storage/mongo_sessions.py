"""Transactions of processes that died, which the server would keep open for a minute together with what they changed.

Nobody thinks between two statements of a transaction here, so one that has said nothing for a second is that of a process
that is dead or stands still. To end it is safe in either case: one that wakes up finds its transaction gone, and begins anew.
No right is needed beyond that to read and write: a user may see and end sessions of its own.
"""

from __future__ import annotations

import logging
from typing import Final

from pymongo.errors import PyMongoError
from pymongo.read_concern import ReadConcern

from storage.mongo_schema import Database

APP: Final = "vizit"
"""The name under which every process of the service is known to the server."""
IDLE_MS: Final = 1_000
"""How long a transaction that lives may be silent."""

log = logging.getLogger(__name__)


async def end_abandoned(database: Database) -> None:
    """End the sessions whose transactions have said nothing for :data:`IDLE_MS`."""
    # The client's read concern is not one that this stage takes.
    admin = database.client.get_database("admin", read_concern=ReadConcern("local"))
    abandoned = {
        "type": "idleSession",
        "appName": APP,
        "transaction.timeInactiveMicros": {"$gt": IDLE_MS * 1_000},
    }
    try:
        sessions = await admin.aggregate(
            [{"$currentOp": {"allUsers": False, "idleSessions": True}}, {"$match": abandoned}]
        ).to_list(None)
        if sessions:
            await admin.command("killSessions", [{"id": session["lsid"]["id"]} for session in sessions])
            log.warning("ended %d transactions that dead processes had left open", len(sessions))
    except PyMongoError as error:
        log.warning("transactions that were left open can't be ended, the server will in a minute: %s", error)
