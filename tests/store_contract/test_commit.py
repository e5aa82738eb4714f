"""Applying changes: all of them or nothing."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from storage.failpoints import armed
from storage.records import ApiKey, Booking, Client, InboxEvent, Message, Task, new_id
from storage.store import Changes, Committed, Conflict, Delete, Not, OneOf, Patch, Put, Range, Store
from tests.store_contract.conftest import OpenAnother
from tests.store_contract.samples import BEFORE, BUSY, booking, client, everything, message


async def test_nothing_to_do_does_nothing(store: Store) -> None:
    assert await store.commit(Changes()) == Committed()


async def test_every_part_of_the_changes_is_applied(store: Store) -> None:
    row = message()
    await store.commit(Changes(inserts=(client("gone"), client("old"), booking("b1"))))
    done = await store.commit(
        Changes(
            inserts=(row, client("old", name="ignored")),
            puts=(Put(booking("b1", status="confirmed", revision=2), expect=1),),
            patches=(Patch(Client, "a", "old", {"name": "new"}), Patch(Client, "a", "none", {"name": "x"}, must=False)),
            deletes=(Delete(Client, "a", "gone"),),
        )
    )
    assert done == Committed(inserted=(True, False), matched=(True, False))
    assert await store.get(Message, "a", row.id) == row
    assert await store.get(Client, "a", "old") == client("old", name="new")
    assert await store.get(Client, "a", "gone") is None
    stored = await store.get(Booking, "a", "b1")
    assert stored is not None and stored.status == "confirmed"


async def test_a_patch_sees_what_the_same_commit_inserted_and_a_delete_comes_last(store: Store) -> None:
    done = await store.commit(
        Changes(
            inserts=(client("c1"), client("c2")),
            patches=(Patch(Client, "a", "c1", {"name": "patched"}),),
            deletes=(Delete(Client, "a", "c2"),),
        )
    )
    assert done == Committed(inserted=(True, True), matched=(True,))
    assert await store.find(Client, {}) == [client("c1", name="patched")]


async def test_a_message_is_new_by_its_key_within_the_business(store: Store) -> None:
    first = message(key="booking:b1:reminder")
    again = message(key="booking:b1:reminder", kind="other")
    foreign = message(key="booking:b1:reminder", business="z")
    assert (await store.commit(Changes(inserts=(first,)))).inserted == (True,)
    assert (await store.commit(Changes(inserts=(again, foreign)))).inserted == (False, True)
    assert await store.find(Message, {"business": "a"}) == [first]


async def test_the_same_key_twice_in_one_commit_is_inserted_once(store: Store) -> None:
    first, again = message(key="k"), message(key="k")
    assert (await store.commit(Changes(inserts=(first, again)))).inserted == (True, False)
    assert await store.find(Message, {}) == [first]


async def test_of_many_inserted_at_once_each_is_told_whether_it_was_new(store: Store) -> None:
    known = [message(key=f"k{number}") for number in range(0, 40, 3)]
    foreign = [message(key="k1", business="z"), client("k1")]
    await store.commit(Changes(inserts=(*known, *foreign)))
    rows = [message(key=f"k{number % 30}", text=f"{number}") for number in range(40)]
    people = [client(f"k{number}", business="az"[number % 2]) for number in range(20)]
    done = await store.commit(Changes(inserts=(*rows, *people)))
    assert done.inserted == (
        *(number < 30 and number % 3 != 0 for number in range(40)),
        *(True for number in range(20)),
    )
    stored = {row.key: row.text for row in await store.find(Message, {"business": "a"})}
    assert stored == {f"k{number}": None if number % 3 == 0 else f"{number}" for number in (*range(30), 30, 33, 36, 39)}


async def test_anything_else_is_new_by_business_and_id(store: Store) -> None:
    event = InboxEvent(id="telegram:1", source="telegram", payload="{}", received_at=1)
    assert (await store.commit(Changes(inserts=(event,)))).inserted == (True,)
    assert (await store.commit(Changes(inserts=(event, client("c"), client("c", business="z"))))).inserted == (
        False,
        True,
        True,
    )


async def test_a_put_that_expects_nothing_writes_over_whatever_is_there(store: Store) -> None:
    await store.commit(Changes(puts=(Put(client("c", phone="+1")),)))
    await store.commit(Changes(puts=(Put(client("c", language="tr", revision=7)),)))
    assert await store.get(Client, "a", "c") == client("c", language="tr", revision=7)


@pytest.mark.parametrize(
    ("stored", "expect", "holds"),
    [(None, 0, True), (None, 1, False), (1, 0, False), (1, 1, True), (2, 1, False), (0, 0, False)],
)
async def test_a_put_is_written_only_at_the_revision_that_it_expects(
    store: Store, stored: int | None, expect: int, holds: bool
) -> None:
    if stored is not None:
        await store.commit(Changes(inserts=(booking("b", revision=stored),)))
    wanted = booking("b", status="confirmed", revision=9)
    if holds:
        await store.commit(Changes(puts=(Put(wanted, expect),)))
        assert await store.get(Booking, "a", "b") == wanted
        return
    with pytest.raises(Conflict):
        await store.commit(Changes(puts=(Put(wanted, expect),)))
    found = await store.get(Booking, "a", "b")
    assert (found and found.revision) == stored


async def test_a_record_without_a_revision_can_expect_only_to_be_new(store: Store) -> None:
    key = ApiKey(business="a", id="k", digest="d", created_at=1)
    await store.commit(Changes(puts=(Put(key, 0),)))
    with pytest.raises(Conflict):
        await store.commit(Changes(puts=(Put(key, 0),)))
    with pytest.raises(ValueError, match="revision"):
        await store.commit(Changes(puts=(Put(key, 1),)))


async def test_of_many_that_put_the_same_revision_at_once_one_wins(store: Store, another: OpenAnother) -> None:
    await store.commit(Changes(inserts=(booking("b", revision=1),)))
    handles = [store, await another()]
    outcomes = await asyncio.gather(
        *(
            handles[number % 2].commit(
                Changes(
                    puts=(Put(booking("b", revision=2, source=f"{number}"), 1),), inserts=(message(key=f"{number}"),)
                )
            )
            for number in range(10)
        ),
        return_exceptions=True,
    )
    won = [number for number, outcome in enumerate(outcomes) if isinstance(outcome, Committed)]
    assert len(won) == 1
    assert all(isinstance(outcome, Committed | Conflict) for outcome in outcomes)
    stored = await store.get(Booking, "a", "b")
    assert stored is not None and stored.source == f"{won[0]}"
    assert [row.key for row in await store.find(Message, {})] == [f"{won[0]}"]


async def test_of_many_that_insert_the_same_key_at_once_one_is_new(store: Store, another: OpenAnother) -> None:
    handles = [store, await another()]
    done = await asyncio.gather(
        *(handles[number % 2].commit(Changes(inserts=(message(key="k"),))) for number in range(10))
    )
    assert sorted(committed.inserted for committed in done) == [(False,)] * 9 + [(True,)]


PATCHES: dict[str, tuple[dict[str, Any], bool]] = {
    "no condition": ({}, True),
    "a value": ({"status": "planned"}, True),
    "another value": ({"status": "leased"}, False),
    "one of several": ({"status": OneOf(("planned", "leased"))}, True),
    "a range": ({"due_at": Range(1000, 1001), "attempts": 0}, True),
    "outside a range": ({"due_at": Range(None, 1000)}, False),
    "absent": ({"token": None}, True),
    "present": ({"token": Not(None)}, False),
}


@pytest.mark.parametrize("case", PATCHES)
@pytest.mark.parametrize("business", ["a", None])
async def test_a_patch_changes_what_matches_and_conflicts_only_where_it_must(
    store: Store, case: str, business: str | None
) -> None:
    where, matches = PATCHES[case]
    row = message(text="before")
    await store.commit(Changes(inserts=(row,)))
    patch = Patch(Message, business, row.id, {"text": "after"}, where)
    assert (
        await store.commit(Changes(patches=(Patch(Message, business, row.id, {"text": "x"}, where, must=False),)))
    ) == (Committed(matched=(matches,)))
    if matches:
        assert await store.commit(Changes(patches=(patch,))) == Committed(matched=(True,))
    else:
        with pytest.raises(Conflict):
            await store.commit(Changes(patches=(patch,)))
    stored = await store.get(Message, "a", row.id)
    assert stored is not None and stored.text == ("after" if matches else "before")


async def test_a_patch_that_changes_nothing_still_matches(store: Store) -> None:
    await store.commit(Changes(inserts=(client("c"),)))
    assert (await store.commit(Changes(patches=(Patch(Client, "a", "c", {"name": "c"}),)))).matched == (True,)


async def test_a_patch_of_what_is_not_there_conflicts(store: Store) -> None:
    await store.commit(Changes(inserts=(client("c", business="z"),)))
    with pytest.raises(Conflict):
        await store.commit(Changes(patches=(Patch(Client, "a", "c", {"name": "x"}),)))


async def test_a_patch_sets_mappings_tuples_flags_and_empties_fields(store: Store) -> None:
    row = message(text="x", params={"old": 1})
    await store.commit(Changes(inserts=(row,)))
    params = {"a.b": {"$inc": ["$text"]}, "рядок": "Ї"}
    changed = message(id=row.id, params=params, choices=row.choices, held=True, text=None)
    patch = Patch(Message, "a", row.id, {"params": params, "held": True, "text": None, "choices": ()})
    await store.commit(Changes(patches=(patch,)))
    assert await store.get(Message, "a", row.id) == changed
    task = Task(business="a", id="t", kind="replan")
    await store.commit(Changes(inserts=(task,), patches=(Patch(Task, "a", "t", {"params": params}, {"token": None}),)))
    stored = await store.get(Task, "a", "t")
    assert stored is not None and stored.params == params


@pytest.mark.parametrize(
    "patch",
    [
        Patch(Client, None, "c", {"name": "x"}),
        Patch(Client, "a", "c", {"colour": "x"}),
        Patch(Client, "a", "c", {"name": "x"}, {"colour": "x"}),
        Patch(Client, "a", "c", {}),
        Patch(Client, "a", "c", {"id": "d"}),
        Patch(Client, "a", "c", {"business": "z"}),
    ],
    ids=["no business", "no such field", "no such condition", "nothing to set", "another id", "another business"],
)
async def test_a_patch_that_makes_no_sense_is_a_mistake_and_writes_nothing(store: Store, patch: Patch) -> None:
    await store.commit(Changes(inserts=(client("c"),)))
    with pytest.raises((KeyError, ValueError)):
        await store.commit(Changes(inserts=(client("d"),), patches=(patch,)))
    assert await store.find(Client, {}) == [client("c")]


async def test_a_second_message_in_sending_to_one_address_conflicts(store: Store) -> None:
    going = message(status="sending", channel="telegram", address="7")
    waiting = message(status="leased", channel="telegram", address="7")
    await store.commit(Changes(inserts=(going, waiting)))
    with pytest.raises(Conflict):
        await store.commit(Changes(patches=(Patch(Message, None, waiting.id, {"status": "sending"}),)))
    with pytest.raises(Conflict):
        await store.commit(Changes(inserts=(message(status="sending", channel="telegram", address="7"),)))
    others = (
        message(status="sending", channel="whatsapp", address="7"),
        message(status="sending", channel="telegram", address="8"),
        message(status="sent", channel="telegram", address="7"),
    )
    assert (await store.commit(Changes(inserts=others))).inserted == (True, True, True)


async def test_a_digest_belongs_to_one_key(store: Store) -> None:
    await store.commit(Changes(inserts=(ApiKey(business="a", id="k1", digest="d", created_at=1),)))
    with pytest.raises(Conflict):
        await store.commit(Changes(inserts=(ApiKey(business="z", id="k2", digest="d", created_at=1), client("c"))))
    assert await store.find(Client, {}) == []


async def test_deleting_what_is_not_there_or_belongs_to_another_does_nothing(store: Store) -> None:
    row = message()
    await store.commit(Changes(inserts=(client("c", business="z"), row)))
    await store.commit(Changes(deletes=(Delete(Client, "a", "c"), Delete(Message, "z", row.id))))
    assert await store.get(Client, "z", "c") is not None
    assert await store.get(Message, "a", row.id) == row


FAILING = {
    "an old revision": Changes(puts=(Put(booking("b", revision=2), 5),)),
    "not new": Changes(puts=(Put(client("old"), 0),)),
    "a patch that must match": Changes(patches=(Patch(Client, "a", "none", {"name": "x"}),)),
    "a message that is taken": Changes(puts=(Put(message(key="kept")),)),
}


@pytest.mark.parametrize("case", FAILING)
async def test_a_conflict_anywhere_undoes_everything(store: Store, case: str) -> None:
    await store.commit(Changes(inserts=BEFORE))
    before = await everything(store)
    with pytest.raises(Conflict):
        await store.commit(BUSY + FAILING[case])
    assert await everything(store) == before
    await store.commit(BUSY)


class Crash(Exception):
    """The process stops here."""


def crash_at_the(nth: int) -> Callable[[], None]:
    """An action that raises the n-th time that it runs, counted from 1."""
    left = [nth]

    def action() -> None:
        left[0] -= 1
        if left[0] == 0:
            raise Crash

    return action


async def crashes(store: Store, point: str, nth: int) -> bool:
    """Make the busy commit crash the n-th time that it reaches the point; whether it got that far."""
    with armed(point, crash_at_the(nth)):
        try:
            await store.commit(BUSY)
        except Crash:
            return True
    return False


@pytest.mark.parametrize("point", ["commit.begin", "commit.end"])
async def test_a_failure_at_either_end_of_a_commit_leaves_nothing(store: Store, point: str) -> None:
    await store.commit(Changes(inserts=BEFORE))
    before = await everything(store)
    assert await crashes(store, point, 1)
    assert await everything(store) == before


async def test_a_failure_before_any_statement_of_a_commit_leaves_nothing(store: Store) -> None:
    await store.commit(Changes(inserts=BEFORE))
    before = await everything(store)
    statement = 1
    while await crashes(store, "commit.statement", statement):
        assert await everything(store) == before
        statement += 1
    assert statement > 5
    assert await everything(store) != before


async def test_a_failure_after_the_end_leaves_all_of_it(store: Store) -> None:
    await store.commit(Changes(inserts=BEFORE))
    with armed("commit.done", crash_at_the(1)), pytest.raises(Crash):
        await store.commit(BUSY)
    changed = await store.get(Booking, "a", "b")
    assert changed is not None and changed.revision == 2
    assert await store.get(Client, "a", "gone") is None


async def test_another_handle_reads_what_was_committed_and_nothing_of_what_was_not(
    store: Store, another: OpenAnother
) -> None:
    reader = await another()
    await store.commit(Changes(inserts=(client("c"),)))
    assert await reader.get(Client, "a", "c") == client("c")
    with armed("commit.end", crash_at_the(1)), pytest.raises(Crash):
        await store.commit(Changes(inserts=(client("d"), client("e"))))
    assert await reader.find(Client, {}) == [client("c")]


WAKING: dict[str, tuple[Changes, bool]] = {
    "a new message": (Changes(inserts=(message(key="n"),)), True),
    "a message that was there": (Changes(inserts=(message(key="kept"),)), False),
    "a message put": (Changes(puts=(Put(message(id="a" * 32, key="kept")),)), True),
    "a message patched": (Changes(patches=(Patch(Message, None, "a" * 32, {"next_at": 5}),)), True),
    "a patch that missed": (Changes(patches=(Patch(Message, None, "f" * 32, {"next_at": 5}, must=False),)), False),
    "another record": (Changes(inserts=(client("n"),), puts=(Put(client("old")),)), False),
}


@pytest.mark.parametrize("case", WAKING)
async def test_whoever_subscribed_is_woken_when_a_message_was_made_or_changed(store: Store, case: str) -> None:
    changes, wakes = WAKING[case]
    await store.commit(Changes(inserts=BEFORE))
    woken: list[str] = []
    store.subscribe(lambda: woken.append("first"))
    store.subscribe(lambda: woken.append("second"))
    await store.commit(changes)
    assert woken == (["first", "second"] if wakes else [])


async def test_a_commit_that_conflicts_wakes_nobody(store: Store) -> None:
    woken: list[str] = []
    store.subscribe(lambda: woken.append("woken"))
    with pytest.raises(Conflict):
        await store.commit(Changes(inserts=(message(id=new_id()),)) + FAILING["a patch that must match"])
    assert woken == []
