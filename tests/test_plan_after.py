"""When a client is asked for a review, and why not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from handlers.plan import Case
from handlers.plan_after import RATES, REVIEW
from handlers.reconcile import reconcile
from storage.records import Address, address_id
from tests.support.planning import OLENA, a_case, at, outcome, plan, the, verbs, wall

START, BOOKED = "2026-11-27 15:00", "2026-11-20 12:00"
DAY = 86_400_000
SILENT = replace(OLENA, silent=True)


def came(when: str = START, *, now: str | None = None, **fields: Any) -> Case:
    """A visit at 15:00 whose client came, as was heard ``when``."""
    asked = fields.pop("asked", ())
    case = a_case(START, BOOKED, now=now or when, status="arrived", arrived_at=at(when), **fields)
    return replace(case, asked=asked)


def asked_at(case: Case) -> str:
    """When the request goes, or why it does not."""
    return outcome(the(case, REVIEW))


def test_two_hours_after_the_client_came_and_for_three_days() -> None:
    row = the(came(), REVIEW)
    assert (wall(row.due_at), wall(row.not_after)) == ("2026-11-27 17:00", "2026-11-30 15:00")
    assert verbs(row) == list(RATES)


def test_each_salon_has_its_own_time() -> None:
    kinds = {"review_request": {"after": "PT30M", "max_age": "P1D"}}
    row = the(came(settings={"kinds": kinds}), REVIEW)
    assert (wall(row.due_at), wall(row.not_after)) == ("2026-11-27 15:30", "2026-11-28 15:00")


def test_quiet_hours_are_waited_for() -> None:
    assert asked_at(came("2026-11-27 20:00")) == "2026-11-28 09:00"


@pytest.mark.parametrize("status", ["booked", "confirmed", "no_show", "cancelled"])
def test_before_the_client_came_nothing_is_asked(status: str) -> None:
    assert [row for row in plan(a_case(START, BOOKED, status=status)) if row.kind == REVIEW] == []


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"settings": {"kinds": {"review_request": False}}}, "switched_off"),
        ({"notify": {"review": False}}, "switched_off"),
        ({"settings": {"kinds": {"review_request": False}}, "notify": {"review": True}}, "2026-11-27 17:00"),
        ({"client": SILENT}, "opted_out"),
        ({"first_seen_at": at(START)}, "past_visit"),
        ({"addresses": (), "linked": frozenset({"telegram"})}, "no_channel"),
        (
            {"created_at": at("2026-10-31 23:59"), "settings": {"enabled_since": "2026-10-31T22:00:00Z"}},
            "before_enabled",
        ),
    ],
)
def test_why_a_client_is_not_asked(fields: dict[str, Any], reason: str) -> None:
    assert asked_at(came(**fields)) == reason


def test_who_is_marked_late_is_asked_while_the_visit_is_fresh() -> None:
    assert asked_at(came("2026-11-30 14:00")) == "2026-11-30 16:00"
    assert asked_at(came("2026-11-30 15:01")) == "too_late"


def test_a_request_that_waited_too_long_is_not_planned_any_more() -> None:
    assert asked_at(came(now="2026-11-30 14:59")) == "2026-11-27 17:00"
    assert asked_at(came(now="2026-11-30 15:00")) == "too_late"


@pytest.mark.parametrize(("days", "expected"), [(0, "asked_lately"), (29, "asked_lately"), (30, "2026-11-27 17:00")])
def test_nobody_is_asked_twice_within_thirty_days(days: int, expected: str) -> None:
    due = at("2026-11-27 17:00")
    assert asked_at(came(asked=(due - days * DAY,))) == expected


def test_by_hand_only_where_the_salon_wants_it() -> None:
    nobody = {"addresses": (), "linked": frozenset({"manual"})}
    assert asked_at(came(**nobody)) == "no_channel"
    wanted = {"kinds": {"review_request": {"channels": ["manual"]}}}
    assert the(came(**nobody, settings=wanted), REVIEW).channel == "manual"


def test_a_visit_is_asked_about_once_however_often_it_is_marked() -> None:
    first = came()
    row = replace(the(first, REVIEW), status="sent", attempts=1)
    again = came("2026-11-27 16:00", revision=5)
    changes = reconcile(again.booking, [row], plan(again), again.now).changes
    assert [one for one in changes.inserts if getattr(one, "kind", "") == REVIEW] == []
    assert [patch for patch in changes.patches if patch.id == row.id] == []


def test_a_chat_that_is_linked_after_the_visit_is_asked_there() -> None:
    unreachable = came(addresses=(), linked=frozenset({"telegram"}))
    row = the(unreachable, REVIEW)
    linked = Address(business="b", id=address_id("telegram", "5", "c1"), channel="telegram", address="5", client="c1")
    reachable = came(now="2026-11-27 16:00", addresses=(linked,), linked=frozenset({"telegram"}))
    (patch,) = reconcile(reachable.booking, [row], [the(reachable, REVIEW)], reachable.now).changes.patches
    assert (patch.set["status"], patch.set["address"]) == ("planned", "5")
