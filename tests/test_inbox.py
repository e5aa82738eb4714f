"""The inbox: stored once, answered once, in order, whatever happens in between."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from bot.inbox import BACKOFF, CONFLICTS, KEPT, LEASE, Inbox
from handlers.turn import Desk, Links, Turn
from storage.opening import open_store
from storage.records import Client, InboxEvent, Millis
from storage.store import Changes, Patch, Put, Store, StoreBusy

NOW = 1_790_000_000_000
React = Callable[[Desk, Turn], Awaitable[Changes]]


@dataclass
class Clock:
    """The store's clock, set by hand."""

    now: Millis = NOW

    def __call__(self) -> Millis:
        return self.now


@dataclass
class House:
    """A store, a desk, and handlers that write down what they were given."""

    store: Store
    clock: Clock
    said: list[str] = field(default_factory=list)
    react: React | None = None

    @property
    def desk(self) -> Desk:
        return Desk(self.store, self.clock, Links(None, b"secret"))

    def inbox(self, **options: Any) -> Inbox:
        return Inbox(self.desk, {"chat": read}, self.respond, **options)

    async def respond(self, desk: Desk, turn: Turn) -> Changes:
        self.said.append(str(turn.text))
        return await self.react(desk, turn) if self.react else note(turn)

    async def effects(self) -> list[str]:
        """The ids of the records that answering left behind."""
        return [client.id for client in await self.store.find(Client, {}, order=("id",))]

    async def event(self, id: str) -> InboxEvent:
        event = await self.store.get(InboxEvent, "", f"chat:{id}")
        assert event is not None
        return event


def read(event: InboxEvent) -> Turn | None:
    payload = json.loads(event.payload)
    if payload.get("ignored"):
        return None
    id = event.id.partition(":")[2]
    return Turn(channel="chat", address=payload["chat"], user="u", event=id, at=event.received_at, text=payload["text"])


def note(turn: Turn) -> Changes:
    """An effect that a second time would raise Conflict."""
    return Changes(puts=(Put(Client(business="b", id=turn.event, name="x", revision=1), expect=0),))


def words(text: str, chat: str = "1") -> dict[str, Any]:
    return {"chat": chat, "text": text}


@pytest.fixture
async def house(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    store, clock = await open_store("sqlite:///:memory:"), Clock()
    monkeypatch.setattr(store, "clock", clock, raising=True)
    yield House(store, clock)
    await store.close()


async def test_an_event_is_stored_answered_and_then_forgotten_but_for_its_id(house: House) -> None:
    inbox = house.inbox()
    assert await inbox.accept("chat", "e1", words("так"))
    await inbox.idle()
    assert house.said == ["так"]
    assert await house.effects() == ["e1"]
    event = await house.event("e1")
    assert (event.status, event.payload, event.received_at, event.error) == ("done", "", NOW, None)


async def test_the_same_event_a_hundred_times_has_one_effect(house: House) -> None:
    inbox = house.inbox()
    news = await asyncio.gather(*(inbox.accept("chat", "e1", words("так")) for _ in range(50)))
    await inbox.idle()
    news += await asyncio.gather(*(inbox.accept("chat", "e1", words("так")) for _ in range(50)))
    await inbox.idle()
    assert news.count(True) == 1
    assert house.said == ["так"]
    assert await house.effects() == ["e1"]


async def test_an_event_is_on_disk_before_its_sender_is_answered(house: House) -> None:
    never = asyncio.Event()

    async def hang(_: Desk, __: Turn) -> Changes:
        await never.wait()
        return Changes()

    house.react = hang
    inbox = house.inbox()
    await inbox.accept("chat", "e1", words("так"))
    event = await house.event("e1")
    assert (event.status, json.loads(event.payload), event.lease_until) == ("pending", words("так"), NOW + LEASE)
    never.set()
    await inbox.idle()


async def test_what_says_nothing_to_anybody_is_not_kept(house: House) -> None:
    inbox = house.inbox()
    assert await inbox.accept("chat", "e1", {"ignored": True})
    assert await house.store.find(InboxEvent, {}) == []


async def test_one_chat_is_answered_in_order_and_others_beside_it(house: House) -> None:
    gate, order = asyncio.Event(), []

    async def slow_first(_: Desk, turn: Turn) -> Changes:
        if turn.text == "a1":
            await gate.wait()
        order.append(turn.text)
        if turn.text == "b1":
            gate.set()
        return note(turn)

    house.react = slow_first
    inbox = house.inbox()
    for id, chat in (("a1", "a"), ("a2", "a"), ("a3", "a"), ("b1", "b")):
        await inbox.accept("chat", id, words(id, chat))
    await inbox.idle()
    assert order == ["b1", "a1", "a2", "a3"]


async def test_no_more_chats_are_answered_at_once_than_allowed(house: House) -> None:
    running, most = 0, 0

    async def count(_: Desk, turn: Turn) -> Changes:
        nonlocal running, most
        running += 1
        most = max(most, running)
        for _ in range(3):
            await asyncio.sleep(0)
        running -= 1
        return note(turn)

    house.react = count
    inbox = house.inbox(concurrency=4)
    for number in range(20):
        await inbox.accept("chat", f"e{number:02}", words("x", str(number)))
    await inbox.idle()
    assert most == 4
    assert len(await house.effects()) == 20


async def test_a_decision_that_was_overtaken_is_made_again(house: House) -> None:
    async def overtaken_twice(_: Desk, turn: Turn) -> Changes:
        wrong = Patch(Client, "b", "nobody", {"name": "y"})
        return note(turn) + (Changes(patches=(wrong,)) if len(house.said) < 3 else Changes())

    house.react = overtaken_twice
    inbox = house.inbox()
    await inbox.accept("chat", "e1", words("так"))
    await inbox.idle()
    assert house.said == ["так"] * 3
    assert await house.effects() == ["e1"]
    assert (await house.event("e1")).status == "done"


async def test_a_decision_that_is_always_overtaken_waits_for_the_sweep(house: House) -> None:
    async def always(_: Desk, __: Turn) -> Changes:
        return Changes(patches=(Patch(Client, "b", "nobody", {"name": "y"}),))

    house.react = always
    inbox = house.inbox()
    await inbox.accept("chat", "e1", words("так"))
    await inbox.idle()
    assert len(house.said) == CONFLICTS
    event = await house.event("e1")
    assert (event.status, event.attempts, event.error) == ("pending", 1, "Conflict")


async def test_an_event_that_another_worker_finished_is_left_alone(house: House) -> None:
    async def meanwhile(desk: Desk, turn: Turn) -> Changes:
        await desk.store.commit(Changes(patches=(Patch(InboxEvent, "", "chat:e1", {"status": "done"}),)))
        return note(turn)

    house.react = meanwhile
    inbox = house.inbox()
    await inbox.accept("chat", "e1", words("так"))
    await inbox.idle()
    assert house.said == ["так"]
    assert await house.effects() == []


async def test_a_failure_is_tried_again_later_and_later_and_then_ends_for_all_to_see(house: House) -> None:
    async def broken(_: Desk, __: Turn) -> Changes:
        raise ZeroDivisionError

    house.react = broken
    inbox = house.inbox()
    await inbox.accept("chat", "e1", words("так"))
    await inbox.idle()
    for tried, pause in enumerate(BACKOFF, start=1):
        event = await house.event("e1")
        assert (event.status, event.attempts, event.error) == ("pending", tried, "ZeroDivisionError")
        assert event.lease_until == house.clock.now + pause
        house.clock.now += pause
        assert await inbox.sweep() == 0
        house.clock.now += 1
        assert await inbox.sweep() == 1
        await inbox.idle()
    event = await house.event("e1")
    assert (event.status, event.attempts, len(house.said)) == ("failed", len(BACKOFF) + 1, len(BACKOFF) + 1)
    assert json.loads(event.payload) == words("так")
    house.clock.now += KEPT
    assert await inbox.sweep() == 0


async def test_a_failure_in_one_chat_does_not_end_that_chat(house: House) -> None:
    async def broken_once(_: Desk, turn: Turn) -> Changes:
        if turn.text == "bad":
            raise KeyError(turn.text)
        return note(turn)

    house.react = broken_once
    inbox = house.inbox()
    await inbox.accept("chat", "e1", words("bad"))
    await inbox.accept("chat", "e2", words("good"))
    await inbox.idle()
    assert await house.effects() == ["e2"]


async def test_what_a_person_wrote_is_not_logged(house: House, caplog: pytest.LogCaptureFixture) -> None:
    async def broken(_: Desk, turn: Turn) -> Changes:
        raise ValueError(turn.text)

    house.react = broken
    inbox = house.inbox()
    with caplog.at_level(logging.DEBUG):
        await inbox.accept("chat", "e1", words("мій телефон +380671234567"))
        await inbox.accept("chat", "e2", {"chat": "+380671234567"})
        await inbox.idle()
    assert "ValueError" in caplog.text and "KeyError" in caplog.text
    assert "chat:e1" in caplog.text and "chat:e2" in caplog.text
    assert "380671234567" not in caplog.text
    assert (await house.event("e1")).error == "ValueError"


async def test_an_event_that_cannot_be_read_is_kept_as_failed(house: House) -> None:
    inbox = house.inbox()
    assert await inbox.accept("chat", "e1", {"nothing": "known"})
    assert not await inbox.accept("chat", "e1", {"nothing": "known"})
    event = await house.event("e1")
    assert (event.status, event.error, json.loads(event.payload)) == ("failed", "KeyError", {"nothing": "known"})
    assert house.said == []


async def test_what_a_dead_worker_left_is_taken_up_when_its_lease_has_lapsed(house: House) -> None:
    left = InboxEvent(
        id="chat:e1", source="chat", payload=json.dumps(words("так")), received_at=NOW - 5, lease_until=NOW + LEASE
    )
    await house.store.commit(Changes(inserts=(left,)))
    inbox = house.inbox()
    assert await inbox.sweep() == 0
    house.clock.now += LEASE + 1
    assert await inbox.sweep() == 1
    await inbox.idle()
    assert (house.said, await house.effects()) == (["так"], ["e1"])
    assert await inbox.sweep() == 0


async def test_a_process_that_is_alone_waits_for_no_lease_at_its_start(house: House) -> None:
    left = InboxEvent(
        id="chat:e1", source="chat", payload=json.dumps(words("так")), received_at=NOW - 5, lease_until=NOW + LEASE
    )
    await house.store.commit(Changes(inserts=(left,)))
    inbox = house.inbox()
    assert await inbox.sweep(orphans=True) == 1
    await inbox.idle()
    assert await house.effects() == ["e1"]


async def test_two_workers_that_sweep_at_once_share_the_work(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    left = tuple(
        InboxEvent(id=f"chat:e{n}", source="chat", payload=json.dumps(words("так", str(n))), received_at=NOW)
        for n in range(10)
    )
    await house.store.commit(Changes(inserts=left))
    one, two = house.inbox(), house.inbox()
    find, quicker = house.store.find, 0

    async def overtaken(*args: Any, **options: Any) -> Any:
        nonlocal quicker
        found = await find(*args, **options)
        with monkeypatch.context() as patched:
            patched.setattr(house.store, "find", find)
            quicker = await two.sweep()
        return found

    monkeypatch.setattr(house.store, "find", overtaken)
    assert (await one.sweep(), quicker) == (0, 10)
    await asyncio.gather(one.idle(), two.idle())
    monkeypatch.undo()
    assert len(house.said) == 10
    assert len(await house.effects()) == 10


async def test_an_event_that_is_still_being_answered_is_not_taken_up_again(house: House) -> None:
    gate = asyncio.Event()

    async def slow(_: Desk, turn: Turn) -> Changes:
        await gate.wait()
        return note(turn)

    house.react = slow
    inbox = house.inbox()
    await inbox.accept("chat", "e1", words("так"))
    house.clock.now += LEASE + 1
    assert await inbox.sweep() == 0
    gate.set()
    await inbox.idle()
    assert house.said == ["так"]


@pytest.mark.parametrize(("payload", "status"), [({"ignored": True}, "done"), ({"nothing": "known"}, "failed")])
async def test_what_is_left_over_and_says_nothing_ends_too(house: House, payload: dict[str, Any], status: str) -> None:
    left = InboxEvent(id="chat:e1", source="chat", payload=json.dumps(payload), received_at=NOW)
    await house.store.commit(Changes(inserts=(left,)))
    inbox = house.inbox()
    assert await inbox.sweep() == 1
    assert (await house.event("e1")).status == status
    assert await inbox.sweep() == 0


async def test_a_source_that_was_switched_off_leaves_its_events_to_be_seen(house: House) -> None:
    left = InboxEvent(id="other:e1", source="other", payload="{}", received_at=NOW)
    await house.store.commit(Changes(inserts=(left,)))
    await house.inbox().sweep()
    event = await house.store.get(InboxEvent, "", "other:e1")
    assert event is not None and (event.status, event.error) == ("failed", "KeyError")


async def test_a_flood_from_one_chat_is_not_listened_to_and_hinders_nobody(house: House) -> None:
    inbox = house.inbox(burst=5, every=1000)
    for number in range(100):
        assert await inbox.accept("chat", f"a{number:03}", words("!", "a"))
    await inbox.accept("chat", "b1", words("добрий день", "b"))
    await inbox.idle()
    assert await house.effects() == ["a000", "a001", "a002", "a003", "a004", "b1"]
    ignored = await house.event("a005")
    assert (ignored.status, ignored.error, ignored.payload) == ("done", "flood", "")
    house.clock.now += 2000
    for number in range(3):
        await inbox.accept("chat", f"c{number}", words("!", "a"))
    await inbox.idle()
    assert (await house.effects())[-2:] == ["c0", "c1"]
    assert (await house.event("c2")).error == "flood"


async def test_repeats_of_one_event_are_no_flood(house: House) -> None:
    inbox = house.inbox(burst=2, every=1000)
    for _ in range(50):
        await inbox.accept("chat", "e1", words("так"))
    await inbox.accept("chat", "e2", words("ні"))
    await inbox.idle()
    assert await house.effects() == ["e1", "e2"]


async def test_while_the_database_is_busy_nothing_is_accepted(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async def busy(_: Changes) -> None:
        raise StoreBusy

    inbox = house.inbox()
    with monkeypatch.context() as patched:
        patched.setattr(house.store, "commit", busy)
        with pytest.raises(StoreBusy):
            await inbox.accept("chat", "e1", words("так"))
    await inbox.idle()
    assert house.said == []
    assert await inbox.accept("chat", "e1", words("так"))
    await inbox.idle()
    assert await house.effects() == ["e1"]


@pytest.mark.parametrize("broken", [False, True])
async def test_an_answer_that_a_busy_database_did_not_take_is_given_when_the_lease_has_lapsed(
    house: House, monkeypatch: pytest.MonkeyPatch, broken: bool
) -> None:
    commit = house.store.commit

    async def busy(changes: Changes) -> object:
        if changes.patches:
            raise StoreBusy
        return await commit(changes)

    async def fails(_: Desk, turn: Turn) -> Changes:
        if broken and len(house.said) == 1:
            raise ZeroDivisionError
        return note(turn)

    house.react = fails
    inbox = house.inbox()
    with monkeypatch.context() as patched:
        patched.setattr(house.store, "commit", busy)
        await inbox.accept("chat", "e1", words("так"))
        await inbox.idle()
    event = await house.event("e1")
    assert (event.status, event.attempts, await house.effects()) == ("pending", 0, [])
    house.clock.now += LEASE + 1
    await inbox.sweep()
    await inbox.idle()
    assert await house.effects() == ["e1"]


async def test_stopping_finishes_what_was_taken_up_and_keeps_what_still_arrives(house: House) -> None:
    inbox = house.inbox()
    for number in range(5):
        await inbox.accept("chat", f"e{number}", words("x"))
    await inbox.stop()
    assert len(await house.effects()) == 5
    assert await inbox.accept("chat", "late", words("x"))
    await inbox.idle()
    assert (await house.event("late")).status == "pending"
    after = house.inbox()
    await after.sweep(orphans=True)
    await after.idle()
    assert "late" in await house.effects()


async def test_stopping_does_not_wait_for_an_answer_that_hangs(house: House) -> None:
    async def hang(_: Desk, __: Turn) -> Changes:
        await asyncio.Event().wait()
        return Changes()

    house.react = hang
    inbox = house.inbox()
    await inbox.accept("chat", "e1", words("x"))
    await inbox.stop(timeout=0)
    assert (await house.event("e1")).status == "pending"


async def test_what_is_over_is_forgotten_after_a_week(house: House) -> None:
    inbox = house.inbox()
    await inbox.accept("chat", "old", words("x"))
    await inbox.idle()
    house.clock.now += KEPT
    await inbox.accept("chat", "new", words("x"))
    waiting = InboxEvent(id="chat:waiting", source="chat", payload="{}", received_at=0, lease_until=NOW * 2)
    await house.store.commit(Changes(inserts=(waiting,)))
    await inbox.idle()
    assert await inbox.forget() == 0
    house.clock.now += 1
    assert await inbox.forget() == 1
    assert [event.id for event in await house.store.find(InboxEvent, {})] == ["chat:new", "chat:waiting"]
