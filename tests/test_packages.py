"""Prepaid SMS are counted from what went out, and the staff hear once that few are left."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from handlers.invalid import Invalid
from handlers.moments import moment_text
from handlers.packages import KIND, left, warn
from handlers.settings import Level, apply_patch
from storage.records import Business, Message, StaffChat, new_id
from tests.support.post import BUSINESS, DAY, NOON, STAFF, Post, message, opened

SINCE = NOON - 3 * DAY


def package(size: Any = 1000, since: Any = None) -> dict[str, Any]:
    return {"sms": {"size": size, "since": since or moment_text(SINCE)}}


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    async with opened() as post:
        yield post


async def buy(post: Post, size: int, since: int = SINCE) -> None:
    await post.change(BUSINESS, settings={"packages": package(size, moment_text(since))})


async def used(post: Post, segments: int | None = 1, **fields: Any) -> None:
    """One message that went out, by SMS a day ago where nothing else is said."""
    went: dict[str, Any] = {
        "channel": "sms",
        "address": "+380671110000",
        "status": "delivered",
        "sent_at": NOON - DAY,
        "segments": segments,
        "attempts": 1,
    }
    await post.add(message(**{"key": f"used:{new_id()}", **went, **fields}))


async def segments_left(post: Post) -> int:
    business = await post.store.get(Business, "a", "a")
    assert business is not None
    return (await left(post.store, business))["sms"].segments


async def warnings(post: Post) -> list[Message]:
    return await post.store.find(Message, {"business": "a", "kind": KIND}, limit=1000)


async def test_every_segment_counts_whatever_became_of_it(post: Post) -> None:
    await buy(post, 100)
    await used(post)
    await used(post, 3, status="failed", error_code="30008")
    await used(post, 2, status="sent")
    await used(post, 2, status="unknown")
    assert await segments_left(post) == 100 - 8


@pytest.mark.parametrize(
    "fields",
    [
        {"channel": "telegram", "segments": None},
        {"status": "failed", "sent_at": None, "error_code": "21211"},
        {"status": "planned", "sent_at": None},
        {"sent_at": SINCE - 1},
        {"business": "z"},
    ],
)
async def test_what_did_not_go_out_of_this_package_does_not_count(post: Post, fields: dict[str, Any]) -> None:
    await buy(post, 100)
    await used(post, **fields)
    assert await segments_left(post) == 100


async def test_a_business_without_a_package_has_no_limit(post: Post) -> None:
    assert await left(post.store, BUSINESS) == {}


@pytest.mark.parametrize(("spent", "low", "used_up"), [(8, False, False), (9, True, False), (10, True, True)])
async def test_a_tenth_that_is_left_is_little_and_nothing_is_used_up(
    post: Post, spent: int, low: bool, used_up: bool
) -> None:
    await buy(post, 10)
    await used(post, spent)
    business = await post.store.get(Business, "a", "a")
    assert business is not None
    one = (await left(post.store, business))["sms"]
    assert (one.low, one.used_up) == (low, used_up)


async def test_the_staff_hear_once_that_few_are_left(post: Post) -> None:
    await post.add(STAFF)
    await buy(post, 10)
    await used(post, 8)
    assert await warn(post.desk) == 0
    await used(post, 1)
    assert await warn(post.desk) == 1
    await used(post, 1)
    assert await warn(post.desk) == 0
    (told,) = await warnings(post)
    assert (told.staff_chat, told.params, told.status) == (STAFF.id, {"left": 1}, "planned")


async def test_the_next_package_is_warned_of_anew(post: Post) -> None:
    await post.add(STAFF)
    await buy(post, 10)
    await used(post, 10)
    await warn(post.desk)
    await buy(post, 10, since=NOON)
    assert await warn(post.desk) == 0
    await used(post, 12, sent_at=NOON)
    assert await warn(post.desk) == 1
    assert sorted(row.params["left"] for row in await warnings(post)) == [0, 0]


async def test_chats_that_are_gone_or_a_masters_own_hear_nothing_of_packages(post: Post) -> None:
    gone = replace(STAFF, id="gone", chat="-1", dead_reason="403")
    masters = StaffChat(business="a", id="master", chat="5", salon="s", master="m", role="master")
    await post.add(STAFF, gone, masters)
    await buy(post, 10)
    await used(post, 10)
    await warn(post.desk)
    assert [row.staff_chat for row in await warnings(post)] == [STAFF.id]


# What may be set


def test_a_package_has_a_size_and_a_beginning() -> None:
    assert apply_patch({}, {"packages": package()}, level="business") == {"packages": package()}
    assert apply_patch({"packages": package()}, {"packages": {"sms": None}}, level="business") == {}


@pytest.mark.parametrize(
    ("packages", "at"),
    [
        ({"sms": {"size": 1000}}, "/packages/sms/since"),
        ({"sms": {"since": "2026-11-01T00:00:00Z"}}, "/packages/sms/size"),
        (package(size=0), "/packages/sms/size"),
        (package(since="yesterday"), "/packages/sms/since"),
        ({"telegram": {"size": 1000, "since": "2026-11-01T00:00:00Z"}}, "/packages/telegram"),
    ],
)
def test_half_a_package_is_refused(packages: dict[str, Any], at: str) -> None:
    with pytest.raises(Invalid) as refused:
        apply_patch({}, {"packages": packages}, level="business")
    assert [place for place, _ in refused.value.errors] == [at]


def test_packages_belong_to_the_business_alone() -> None:
    level: Level = "salon"
    with pytest.raises(Invalid) as refused:
        apply_patch({}, {"packages": package()}, level=level)
    assert [place for place, _ in refused.value.errors] == ["/packages"]
