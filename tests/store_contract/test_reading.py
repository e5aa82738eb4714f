"""Getting, finding and counting records."""

from typing import Any

import pytest

from storage.records import RECORDS, Booking, Client, Master, Message, StaffChat
from storage.store import Changes, Not, OneOf, Put, Query, Range, Store
from tests.store_contract.samples import Fill, booking, client, filled, master, message


async def ids(store: Store, record: type[Any], where: dict[str, Any], **options: Any) -> list[str]:
    return [found.id for found in await store.find(record, where, **options)]


@pytest.mark.parametrize("fill", ["full", "bare"])
@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
async def test_a_record_comes_back_as_it_was_written(store: Store, record: type[Any], fill: Fill) -> None:
    written = filled(record, fill)
    await store.commit(Changes(puts=(Put(written, expect=0),)))
    read = await store.get(record, written.business, written.id)
    assert read == written
    assert {name: type(getattr(read, name)) for name in read.__slots__} == {
        name: type(getattr(written, name)) for name in written.__slots__
    }


async def test_a_record_of_another_business_is_not_found(store: Store) -> None:
    row = message()
    await store.commit(Changes(inserts=(row, client("c"))))
    assert await store.get(Client, "b", "c") is None
    assert await store.get(Message, "b", row.id) is None
    assert await store.get_many(Message, [("b", row.id)]) == {}


async def test_no_events_and_no_events_chosen_are_told_apart(store: Store) -> None:
    every = StaffChat(business="a", id="every", chat="1", events=None)
    none = StaffChat(business="a", id="none", chat="1", events=())
    await store.commit(Changes(inserts=(every, none)))
    assert await store.get_many(StaffChat, [("a", "every"), ("a", "none")]) == {
        ("a", "every"): every,
        ("a", "none"): none,
    }


async def test_a_large_mapping_comes_back_whole(store: Store) -> None:
    row = message(params={f"рядок {number}": ["ї" * 100] * 10 for number in range(300)})
    await store.commit(Changes(inserts=(row,)))
    assert await store.get(Message, "a", row.id) == row


async def test_many_are_got_at_once_across_businesses_and_missing_ones_left_out(store: Store) -> None:
    people = [client(f"c{number}", business=business) for business in "ab" for number in range(3)]
    await store.commit(Changes(inserts=tuple(people)))
    wanted = [("a", "c1"), ("b", "c2"), ("b", "c9"), ("a", "c1"), ("z", "c1")]
    assert await store.get_many(Client, wanted) == {("a", "c1"): people[1], ("b", "c2"): people[5]}
    assert await store.get_many(Client, []) == {}


async def test_many_thousands_are_got_at_once(store: Store) -> None:
    people = [client(f"c{number}") for number in range(3000)]
    await store.commit(Changes(inserts=tuple(people)))
    assert len(await store.get_many(Client, [("a", f"c{number}") for number in range(40_000)])) == 3000


FIVE = (
    booking("b1", starts_at=100, master="m1", price=None, status="booked"),
    booking("b2", starts_at=200, master="m2", price=10, status="confirmed"),
    booking("b3", starts_at=300, master=None, price=20, status="arrived"),
    booking("b4", starts_at=400, master="m1", price=30, status="cancelled"),
    booking("b5", starts_at=500, master="Ї'", price=None, status="booked", business="z"),
)
WHERES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "nothing asked": ({}, ["b1", "b2", "b3", "b4", "b5"]),
    "equality": ({"business": "a", "master": "m1"}, ["b1", "b4"]),
    "equality with an awkward text": ({"master": "Ї'"}, ["b5"]),
    "a word of a list": ({"status": "booked"}, ["b1", "b5"]),
    "absent": ({"master": None}, ["b3"]),
    "present": ({"master": Not(None)}, ["b1", "b2", "b4", "b5"]),
    "anything but a value, absent too": ({"master": Not("m1")}, ["b2", "b3", "b5"]),
    "anything but a word": ({"status": Not("booked")}, ["b2", "b3", "b4"]),
    "a range, its end left out": ({"starts_at": Range(200, 400)}, ["b2", "b3"]),
    "a range open to the left": ({"starts_at": Range(until=200)}, ["b1"]),
    "a range open to the right": ({"starts_at": Range(400)}, ["b4", "b5"]),
    "a range open on both sides": ({"starts_at": Range()}, ["b1", "b2", "b3", "b4", "b5"]),
    "a range leaves out what is absent": ({"price": Range(None, 25)}, ["b2", "b3"]),
    "one of several": ({"master": OneOf(("m2", "Ї'", "m9"))}, ["b2", "b5"]),
    "one of several numbers": ({"starts_at": OneOf((100, 500))}, ["b1", "b5"]),
    "one of several words": ({"status": OneOf(("cancelled", "arrived"))}, ["b3", "b4"]),
    "one of a single one": ({"master": OneOf(("m2",))}, ["b2"]),
    "one of several or absent": ({"master": OneOf((None, "m2"))}, ["b2", "b3"]),
    "one of none": ({"master": OneOf(())}, []),
    "several fields": ({"business": "a", "starts_at": Range(150), "status": Not("cancelled")}, ["b2", "b3"]),
}


@pytest.mark.parametrize("case", WHERES)
async def test_what_is_asked_for_is_found_and_counted(store: Store, case: str) -> None:
    where, expected = WHERES[case]
    await store.commit(Changes(inserts=FIVE))
    assert await ids(store, Booking, where, order=("id",)) == expected
    assert await store.count(Booking, where) == {(): len(expected)}


async def test_a_flag_is_asked_for_as_true_or_false(store: Store) -> None:
    rows = (message(id="1" * 32, held=True), message(id="2" * 32))
    await store.commit(Changes(inserts=rows))
    assert await ids(store, Message, {"held": True}) == ["1" * 32]
    assert await ids(store, Message, {"held": False}) == ["2" * 32]
    assert await ids(store, Message, {"held": Not(True)}) == ["2" * 32]
    assert len(await ids(store, Message, {"held": OneOf((True, False))})) == 2


async def test_at_most_200_are_found_unless_more_are_asked_for(store: Store) -> None:
    await store.commit(Changes(inserts=tuple(client(f"c{number:04}") for number in range(1500))))
    assert len(await store.find(Client, {"business": "a"})) == 200
    assert await ids(store, Client, {"business": "a"}, limit=2) == ["c0000", "c0001"]
    assert len(await store.find(Client, {"business": "a"}, limit=5000)) == 1500


ORDERS: dict[str, tuple[str, ...]] = {
    "by one field": ("id",),
    "backwards": ("-id",),
    "by two fields": ("starts_at", "id"),
    "by two fields backwards": ("-starts_at", "-id"),
    "in mixed directions": ("-starts_at", "id"),
    "by a field that may be absent": ("price", "id"),
    "backwards by a field that may be absent": ("-price", "id"),
    "by three fields in mixed directions": ("status", "-master", "id"),
}


def in_order(rows: list[Booking], order: tuple[str, ...]) -> list[str]:
    """What the order means, said in Python: what is absent comes before everything else."""
    for name in reversed(order):
        field = name.lstrip("-")
        rows = sorted(
            rows,
            key=lambda row: (getattr(row, field) is not None, getattr(row, field) or type(getattr(row, field))()),
            reverse=name.startswith("-"),
        )
    return [row.id for row in rows]


@pytest.mark.parametrize("case", ORDERS)
@pytest.mark.parametrize("page", [1, 2, 3])
async def test_pages_joined_by_the_last_row_are_the_whole_list_in_order(store: Store, case: str, page: int) -> None:
    order = ORDERS[case]
    rows = [
        booking(
            f"b{number}", starts_at=number % 3, price=(None, 5, 7)[number % 3 - 1], master=(None, "Ї", "m")[number % 2]
        )
        for number in range(9)
    ]
    await store.commit(Changes(inserts=tuple(rows)))
    seen: list[str] = []
    after: tuple[Any, ...] | None = None
    while found := await store.find(Booking, {"business": "a"}, order=order, after=after, limit=page):
        seen += [row.id for row in found]
        after = tuple(getattr(found[-1], name.lstrip("-")) for name in order)
    assert seen == in_order(rows, order)


async def test_texts_are_sorted_by_code_point(store: Store) -> None:
    names = ["Z", "a", "z", "Ä", "І", "я", "ї", "🙂", ""]
    await store.commit(Changes(inserts=tuple(master(f"m{number}", name=name) for number, name in enumerate(names))))
    found = await store.find(Master, {"business": "a"}, order=("name", "id"))
    assert [row.name for row in found] == sorted(names)


async def test_groups_are_counted_by_the_values_of_their_fields(store: Store) -> None:
    rows = (
        message(kind="reminder", channel="telegram"),
        message(kind="reminder", channel="telegram"),
        message(kind="reminder", channel=None, held=True),
        message(kind="thanks", channel="whatsapp"),
        message(kind="thanks", channel="whatsapp", business="z"),
    )
    await store.commit(Changes(inserts=rows))
    assert await store.count(Message, {"business": "a"}, ("kind", "channel", "held")) == {
        ("reminder", "telegram", False): 2,
        ("reminder", None, True): 1,
        ("thanks", "whatsapp", False): 1,
    }
    assert await store.count(Message, {"business": "nobody"}, ("kind",)) == {}
    assert await store.count(Message, {"business": "nobody"}) == {(): 0}


@pytest.mark.parametrize("where", [{"colour": "red"}, {"settings": {}}, {"params": None}], ids=str)
async def test_asking_for_what_is_no_field_or_kept_as_json_is_a_mistake(store: Store, where: dict[str, Any]) -> None:
    with pytest.raises((KeyError, ValueError)):
        await store.find(Message, where)
    with pytest.raises((KeyError, ValueError)):
        await store.count(Message, where)
    with pytest.raises((KeyError, ValueError)):
        await store.find(Message, {}, order=tuple(where))


async def test_a_word_that_a_field_never_has_is_a_mistake(store: Store) -> None:
    with pytest.raises(ValueError, match="never"):
        await store.find(Message, {"status": "' OR 1 --"})


async def test_some_fields_of_all_that_matches_are_read_without_the_rest(store: Store) -> None:
    rows = [
        booking("1", client="c", services=("cut", "brows"), starts_at=10, price=2**40),
        booking("2", client=None, services=(), starts_at=30, price=None),
        booking("3", client="d", services=(), starts_at=50, price=1, status="cancelled"),
    ]
    await store.commit(Changes(inserts=(*rows, message(booking="1", held=True))))
    where = {"business": "a", "status": "booked"}
    found = await store.rows(Booking, where, ("client", "services", "starts_at", "price", "id"))
    assert sorted(found, key=lambda row: str(row[-1])) == [
        ("c", ("cut", "brows"), 10, 2**40, "1"),
        (None, (), 30, None, "2"),
    ]
    assert [type(value) for value in found[0][2:4]] in ([int, int], [int, type(None)])
    assert await store.rows(Message, {"business": "a", "booking": "1"}, ("held",)) == [(True,)]
    assert await store.rows(Booking, {**where, "starts_at": Range(31)}, ("client",)) == []


async def test_the_values_that_somebody_has_are_told_from_those_that_nobody_has(store: Store) -> None:
    rows = [booking(f"{number}", client=client, starts_at=number) for number, client in enumerate("aaбc")]
    await store.commit(Changes(inserts=tuple(rows)))
    where = {"business": "a", "starts_at": Range(None, 3)}
    assert await store.among(Booking, where, "client", ["a", "a", "б", "c", "d"]) == {"a", "б"}
    assert await store.among(Booking, {**where, "business": "b"}, "client", ["a"]) == set()
    assert await store.among(Booking, where, "client", []) == set()


async def test_several_questions_get_the_answers_that_each_of_them_gets_alone(store: Store) -> None:
    rows = tuple(message(booking=f"b{number}") for number in range(3))
    await store.commit(Changes(inserts=(*FIVE, client("c"), *rows)))
    asked = [Query(Booking, where) for where, _ in WHERES.values()]
    asked += [
        Query(Booking, {"business": "a"}, order=("-starts_at",), limit=2),
        Query(Client, {"business": "a", "id": OneOf(("c", "d"))}),
        Query(Message, {"business": "a", "id": OneOf(tuple(row.id for row in rows[:2]))}),
        Query(Master, {"business": "a"}),
    ]
    alone = [await store.find(each.record, each.where, order=each.order, limit=each.limit) for each in asked]
    assert await store.find_all(asked) == alone
    assert [len(found) for found in alone[-4:]] == [2, 1, 2, 0]
    assert await store.find_all([]) == []


async def test_several_questions_may_have_more_answers_than_a_server_sends_at_once(store: Store) -> None:
    people = tuple(client(f"c{number}") for number in range(1200))
    await store.commit(Changes(inserts=people))
    everybody, some = await store.find_all(
        [Query(Client, {"business": "a"}, limit=1200), Query(Client, {"business": "a"}, limit=600)]
    )
    assert (len(everybody), len(some)) == (1200, 600)
