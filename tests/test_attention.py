"""How much of a client's attention offers may take: what is barred, what waits, and what is told by another one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from handlers.attention import FREE, Verdict, barred, crowded
from handlers.settings import in_force
from storage.records import MAILING_LANE, Business, Client, Message
from tests.support.planning import at

NOW = at("2026-11-27 12:00")
HOUR, DAY = 3_600_000, 86_400_000
ANNA = Client(business="b", id="anna", name="Anna", marketing_consent=True)


def settings(**own: Any) -> Any:
    return in_force(Business(business="b", id="b", name="B", settings=own), None)


def offer(kind: str, id: str, *, due: int = NOW, **fields: Any) -> Message:
    return Message(
        business="b", id=id, key=id, kind=kind, lane=MAILING_LANE, client="anna",
        **{"due_at": due, "next_at": due, "not_after": due + DAY, "created_at": due, **fields},
    )  # fmt: skip


def went(kind: str, ago: int, id: str = "", **fields: Any) -> Message:
    """An offer that went so long ago."""
    return offer(kind, id or f"{kind}:{ago}", due=NOW - ago, status="sent", sent_at=NOW - ago, **fields)


@pytest.mark.parametrize(
    ("client", "own", "ahead", "reason"),
    [
        (ANNA, {}, False, None),
        (None, {}, False, "no_client"),
        (replace(ANNA, silent=True), {}, False, "opted_out"),
        (replace(ANNA, marketing_consent=None), {}, False, "no_consent"),
        (replace(ANNA, marketing_consent=False), {}, False, "no_consent"),
        (ANNA, {"kinds": {"rebook_invitation": False}}, False, "switched_off"),
        (ANNA, {}, True, "has_booking"),
    ],
)
def test_what_stands_against_an_offer_at_any_time(
    client: Client | None, own: dict[str, Any], ahead: bool, reason: str | None
) -> None:
    assert barred("rebook_invitation", client, settings(**own), ahead=ahead) == reason


def test_the_first_offer_of_a_week_goes() -> None:
    assert crowded(offer("campaign", "m"), (), settings(), NOW) == FREE


def test_the_weeks_offers_are_counted_and_the_next_one_waits_until_the_oldest_is_a_week_old() -> None:
    three = [went("campaign", days * DAY) for days in (1, 3, 6)]
    assert crowded(offer("campaign", "m"), three, settings(), NOW) == Verdict("weekly_limit", NOW + DAY)
    assert crowded(offer("campaign", "m"), three, settings(weekly_limit=4), NOW) == FREE
    assert crowded(offer("campaign", "m"), three, settings(weekly_limit=False), NOW) == FREE
    assert crowded(offer("campaign", "m"), [*three[:2], went("campaign", 8 * DAY)], settings(), NOW) == FREE


def test_hops_of_one_offer_count_once_and_never_against_themselves() -> None:
    hops = [went("campaign", days * DAY, id=f"h{days}", fallback_of="root") for days in (1, 2, 3)]
    assert crowded(offer("campaign", "m"), hops, settings(), NOW) == FREE
    assert (
        crowded(offer("campaign", "m", fallback_of="root"), [went("campaign", HOUR, id="root")], settings(), NOW)
        == FREE
    )


def test_of_several_that_are_due_together_the_most_useful_goes_first() -> None:
    kinds = ("bonus_birthday", "bonus_expiring", "rebook_invitation", "campaign")
    waiting = [offer(kind, kind) for kind in kinds]
    verdicts = [crowded(one, [other for other in waiting if other is not one], settings(), NOW) for one in waiting]
    assert verdicts[0] == FREE
    assert [verdict.reason for verdict in verdicts[1:]] == ["better_offer"] * 3
    assert all(verdict.until is not None and verdict.until > NOW for verdict in verdicts[1:])


def test_what_is_due_later_stands_in_nobodys_way() -> None:
    tomorrow = offer("bonus_birthday", "b", due=NOW, next_at=NOW + DAY)
    assert crowded(offer("campaign", "m"), [tomorrow], settings(), NOW) == FREE


def test_the_second_offer_of_an_hour_waits_a_while() -> None:
    assert crowded(offer("campaign", "m"), [went("bonus_birthday", HOUR)], settings(), NOW) == Verdict(
        "better_offer", NOW + 2 * HOUR
    )


def test_news_of_points_is_told_by_an_offer_that_names_the_balance_anyway() -> None:
    news = offer("bonus_accrued", "m", due=NOW - HOUR)
    assert crowded(news, [offer("rebook_invitation", "r")], settings(), NOW) == Verdict("grouped")
    assert crowded(news, [went("bonus_birthday", HOUR // 2)], settings(), NOW) == Verdict("grouped")
    before = crowded(news, [went("bonus_birthday", 4 * HOUR)], settings(), NOW)
    assert before == FREE
