"""What a person asks of the list of messages, as it stands behind the question mark, and as the store is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from bot.console.site import Call
from handlers.day_cards import start_of
from handlers.dead_letters import RESENDABLE
from handlers.finding import one_of_found
from handlers.statistics import STATUS_REPORTED, WORDS, Word
from storage.store import OneOf, Range

DEAD: Final = "dead"
"""The state of what can be sent again."""
DAYS: Final = 7
"""How many days are shown where nobody asks for a period."""
LONGEST: Final = 366
MOST_TYPED: Final = 100


@dataclass(frozen=True, slots=True)
class Filters:
    """``since`` and ``until`` are days, both included; None: no limit, while one client is looked for."""

    since: date | None
    until: date | None
    query: str = ""
    kind: str = ""
    channel: str = ""
    state: str = ""
    salon: str = ""

    def keeps(self, word: Word | None) -> bool:
        """Whether a message of which this word is true is asked for."""
        return self.state in ("", DEAD) or word == self.state

    @property
    def asked(self) -> str:
        """The same behind a question mark."""
        named = {
            "q": self.query,
            "since": self.since.isoformat() if self.since else "",
            "until": self.until.isoformat() if self.until else "",
            "kind": self.kind,
            "channel": self.channel,
            "state": self.state,
            "salon": self.salon,
        }
        return urlencode({name: value for name, value in named.items() if value})


def read_filters(query: Mapping[str, str], today: date) -> Filters:
    """What was asked for. What is no date is as if it were not said; periods are at most a year long."""
    typed = query.get("q", "").strip()[:MOST_TYPED]
    until = _day(query.get("until", ""))
    since = _day(query.get("since", ""))
    if not (typed and since is None and until is None):
        until = until or max(today, since or today)
        since = min(since or until - timedelta(days=DAYS - 1), until)
        since = max(since, until - timedelta(days=LONGEST - 1))
    state = query.get("state", "")
    return Filters(
        since,
        until,
        typed,
        query.get("kind", ""),
        query.get("channel", ""),
        state if state in (*WORDS, DEAD) else "",
        query.get("salon", ""),
    )


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 1990 <= day.year <= 2190 else None


async def where_of(call: Call, filters: Filters) -> dict[str, Any]:
    """The messages to clients that are asked for and that this person may see."""
    where: dict[str, Any] = {"staff_chat": None}
    where |= {name: value for name in ("kind", "channel", "salon") if (value := getattr(filters, name))}
    where |= call.visitor.own
    if filters.query:
        where["client"] = await one_of_found(call.desk, call.business, filters.query)
    if filters.since is not None and filters.until is not None:
        days = (filters.since, filters.until + timedelta(days=1))
        where["due_at"] = Range(*(start_of(day, call.zone) for day in days))
    if filters.state == DEAD:
        where["status"] = OneOf(RESENDABLE)
    elif filters.state:
        where["status"] = OneOf(_statuses(filters.state))
    return where


def _statuses(word: str) -> tuple[str, ...]:
    """The states of which the word may be true: what was sent long ago without an answer counts as not delivered."""
    also = ("sent", "unknown") if word == "not_delivered" else ("sent",) if word == "delivered" else ()
    return (*(status for status, said in STATUS_REPORTED.items() if said == word), *also)
