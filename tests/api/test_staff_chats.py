"""Staff chats over the API: codes, what a chat hears, and unlinking."""

from dataclasses import replace
from typing import Any

import pytest

from storage.records import LinkCode, Message, StaffChat
from storage.store import Changes
from tests.api.hands import BUSINESS, Hands


@pytest.mark.parametrize(
    ("wanted", "role", "opens"),
    [
        ({"salon": "s1"}, "staff", "startgroup"),
        ({"salon": "s1", "master": "m1"}, "master", "start"),
        ({"salon": "s1", "role": "administrator"}, "administrator", "start"),
        ({"role": "owner"}, "owner", "start"),
        ({"salon": "s1", "language": "tr", "events": ["booking_created"]}, "staff", "startgroup"),
    ],
)
async def test_a_code_links_a_chat_for_half_an_hour(
    salon: Hands, wanted: dict[str, Any], role: str, opens: str
) -> None:
    made = await salon.call("POST", "/staff-chats/links", wanted)
    assert made.status == 201
    assert made.json["url"] == f"https://t.me/krasa_bot?{opens}={made.json['code']}"
    assert made.json["expires_at"] == "2026-11-20T10:30:00.000Z"
    (code,) = await salon.store.find(LinkCode, {"owner": BUSINESS})
    assert (code.params["role"], code.params["language"]) == (role, wanted.get("language", "uk"))
    assert made.json["code"] not in repr(code)


async def test_a_code_speaks_the_salons_language_where_none_is_given(salon: Hands) -> None:
    await salon.put("/salons/istanbul", {"name": "x", "language": "tr"})
    await salon.call("POST", "/staff-chats/links", {"salon": "istanbul"})
    (code,) = await salon.store.find(LinkCode, {"owner": BUSINESS})
    assert code.params["language"] == "tr"


@pytest.mark.parametrize(
    ("wanted", "at"),
    [
        ({}, "/salon"),
        ({"salon": "nowhere"}, "/salon"),
        ({"salon": "s1", "master": "nobody"}, "/master"),
        ({"salon": "s1", "role": "master"}, "/master"),
        ({"salon": "s1", "role": "boss"}, "/role"),
        ({"salon": "s1", "events": ["tea"]}, "/events/0"),
        ({"salon": "s1", "chat": "5"}, "/chat"),
    ],
)
async def test_a_wrong_wish_is_422_at_its_place(salon: Hands, wanted: dict[str, Any], at: str) -> None:
    reply = await salon.call("POST", "/staff-chats/links", wanted)
    assert (reply.status, reply.faults) == (422, [at])


@pytest.fixture
async def linked(salon: Hands) -> StaffChat:
    """A linked group of s1."""
    chat = StaffChat(
        business=BUSINESS, id="chat", chat="-100", title="Робочий чат", salon="s1", linked_at=salon.now, revision=1
    )
    await salon.store.commit(Changes(inserts=(chat,)))
    return chat


async def test_linked_chats_are_shown(salon: Hands, linked: StaffChat) -> None:
    shown = {
        "id": "chat",
        "title": "Робочий чат",
        "salon": "s1",
        "master": None,
        "role": "staff",
        "language": "uk",
        "events": None,
        "private": False,
        "reachable": True,
        "dead_reason": None,
        "linked_at": "2026-11-20T10:00:00.000Z",
        "revision": 1,
    }
    assert (await salon.get("/staff-chats/chat")).json == shown
    assert (await salon.get("/staff-chats")).json == {"items": [shown], "next": None}


async def test_a_put_changes_what_a_chat_hears_and_the_same_again_nothing(salon: Hands, linked: StaffChat) -> None:
    body = {"salon": "s1", "master": "m1", "language": "ru", "events": ["booking_created", "tip"]}
    changed = await salon.put("/staff-chats/chat", body)
    assert changed.status == 200
    assert {name: changed.json[name] for name in body} == body
    assert (changed.json["role"], changed.json["revision"]) == ("staff", 2)
    assert (await salon.put("/staff-chats/chat", body)).json == changed.json
    assert (await salon.put("/staff-chats/nothing", body)).status == 404
    assert (await salon.put("/staff-chats/chat", {})).faults == ["/salon"]


async def test_an_unlinked_chat_hears_nothing_more(salon: Hands, linked: StaffChat) -> None:
    waiting = Message(
        business=BUSINESS,
        id="0" * 32,
        key="k",
        kind="staff_booking_created",
        lane=1,
        staff_chat="chat",
        channel="telegram",
        address=linked.chat,
        due_at=salon.now,
        next_at=salon.now,
        not_after=salon.now + 1000,
    )
    others = replace(waiting, id="1" * 32, key="l", staff_chat="other")
    await salon.store.commit(Changes(inserts=(waiting, others)))
    assert (await salon.call("DELETE", "/staff-chats/chat")).status == 204
    assert (await salon.call("DELETE", "/staff-chats/chat")).status == 404
    assert (await salon.get("/staff-chats")).json["items"] == []
    rows = (await salon.get("/messages")).json["items"]
    assert [(row["status"], row["reason"]) for row in rows] == [("cancelled", "switched_off"), ("planned", None)]
