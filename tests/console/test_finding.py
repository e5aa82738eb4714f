"""Clients are found by the beginnings of their names and by the last digits of their phones."""

from __future__ import annotations

import pytest

from handlers import client_words, people
from handlers.erasure import erase_client
from handlers.finding import find_clients
from storage.records import Client, ClientWord
from storage.store import Changes, Delete
from tests.console.room import CLIENTS, Room


@pytest.fixture
async def full(room: Room) -> Room:
    """Everybody is a client."""
    for id, fields in CLIENTS.items():
        await people.put_client(room.desk, room.business, id, fields)
    return room


async def found(room: Room, typed: str) -> set[str]:
    return {client.id for client in await find_clients(room.desk, room.business, typed)}


@pytest.mark.parametrize(
    ("typed", "ids"),
    [
        ("Олена", {"c1", "c6"}),
        ("коваль", {"c1", "c6"}),
        ("олена ковальч", {"c6"}),
        ("  КОВАЛЬ, Олена ", {"c1", "c6"}),
        ("ay", {"c2"}),
        ("YILMAZ", {"c2"}),
        ("yilm", {"c2"}),
        ("Оліна", {"c4"}),
        ("о'ліна", {"c4"}),
        ("script", {"c4"}),
        ("лена", set()),
        ("+380671234567", {"c1"}),
        ("067 123 45 67", {"c1"}),
        ("4567", {"c1", "c2", "c3", "c6"}),
        ("671234567", {"c1"}),
        ("45", set()),
        ("", set()),
        ("~", set()),
        ("%", set()),
    ],
)
async def test_what_is_typed_finds(full: Room, typed: str, ids: set[str]) -> None:
    assert await found(full, typed) == ids


async def test_a_new_name_is_found_and_the_old_one_no_more(full: Room) -> None:
    await people.put_client(full.desk, full.business, "c1", {**CLIENTS["c1"], "name": "Олена Мельник"})
    assert await found(full, "мельн") == {"c1"}
    assert await found(full, "коваль") == {"c6"}


async def test_a_booking_makes_its_client_findable(room: Room) -> None:
    await room.book("b1", "c5", room.now + 86_400_000)
    assert await found(room, "шевченко") == {"c5"}


async def test_nothing_is_left_of_who_was_erased(full: Room) -> None:
    await erase_client(full.desk, "mriya", "c2")
    assert await found(full, "yılmaz") == set()
    rows = await full.desk.store.find(ClientWord, {"business": "mriya"}, limit=1000)
    assert not [row for row in rows if row.client == "c2"]


async def test_another_business_finds_nobody_of_ours(full: Room) -> None:
    stranger = await full.desk.store.get(type(full.business), "other", "other")
    assert stranger is not None
    assert await find_clients(full.desk, stranger, "олена") == []


async def test_clients_from_before_there_was_a_search_are_found_after_the_next_start(full: Room) -> None:
    rows = await full.desk.store.find(ClientWord, {"business": "mriya"}, limit=1000)
    gone = tuple(Delete(ClientWord, row.business, row.id) for row in rows)
    await full.desk.store.commit(Changes(deletes=gone))
    assert await found(full, "олена") == set()
    assert await client_words.fill(full.desk) == len(CLIENTS)
    assert await found(full, "олена") == {"c1", "c6"}
    assert await client_words.fill(full.desk) == 0


def test_a_name_of_many_words_and_signs_stays_small() -> None:
    client = Client(business="b", id="c", name="слово " * 500 + "ж" * 5000 + "!?~'")
    assert all(len(word) <= client_words.LONGEST_WORD for word in client_words.words_of(client))
    assert len(client_words.words_of(client)) <= client_words.MOST_WORDS
