"""Work that one process does at a time: who has it, who waits for it, and who takes it over."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from bot.playground.telegram_emulator import TelegramEmulator
from bot.telegram import make_bot
from bot.telegram_inbound import TelegramIntake, poll
from bot.telegram_updates import Reader
from scheduler.owner import LEASE, RENEW, while_owner
from storage.records import Task
from storage.sqlite import SqliteStore, open_sqlite
from storage.store import Changes, StoreBusy
from tests.support.bots import hang_up
from tests.support.inboxes import listening
from tests.support.waiting import turn, until

START = 1_790_000_000_000


@dataclass
class House:
    """A database, a clock that tests move, and processes that would all do one thing."""

    file: Path
    clock: int = START
    at_work: list[str] = field(default_factory=list)
    _sleeping: dict[asyncio.Future[None], int] = field(default_factory=dict)

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.get_running_loop().create_future()
        self._sleeping[woken] = self.clock + round(seconds * 1000)
        try:
            await woken
        finally:
            del self._sleeping[woken]

    async def pass_time(self, by: int) -> None:
        """Let time pass, second by second."""
        for _ in range(by // 1000):
            self.clock += 1000
            for woken, moment in list(self._sleeping.items()):
                if moment <= self.clock and not woken.done():
                    woken.set_result(None)
            for _ in range(50):
                await turn()

    async def job(self, name: str) -> None:
        self.at_work.append(name)
        try:
            await asyncio.Event().wait()
        finally:
            self.at_work.remove(name)

    @asynccontextmanager
    async def store(self) -> AsyncIterator[SqliteStore]:
        store = await open_sqlite(self.file, patience_s=0)
        store.clock = lambda: self.clock  # type: ignore[method-assign]
        try:
            yield store
        finally:
            await store.close()

    def process(self, store: SqliteStore, name: str) -> "asyncio.Task[None]":
        return asyncio.create_task(while_owner(store, "polling", partial(self.job, name), sleep=self.sleep))


async def ended(*tasks: "asyncio.Task[None]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "v.db")


async def test_of_two_processes_one_works_and_the_other_begins_when_that_one_stops(house: House) -> None:
    async with house.store() as one, house.store() as two:
        first = house.process(one, "one")
        await until(lambda: house.at_work == ["one"])
        second = house.process(two, "two")
        await house.pass_time(10 * LEASE)
        assert house.at_work == ["one"]
        await ended(first)
        assert house.at_work == []
        await house.pass_time(RENEW)
        assert house.at_work == ["two"]
        await ended(second)


async def test_a_dead_owner_is_followed_when_its_lease_has_ended(house: House) -> None:
    async with house.store() as one, house.store() as two:
        dead = Task(business="", id="polling", kind="owner", token="dead", lease_until=START + LEASE, next_at=2**53)
        await one.commit(Changes(inserts=(dead,)))
        second = house.process(two, "two")
        await house.pass_time(LEASE - RENEW)
        assert house.at_work == []
        await house.pass_time(2 * RENEW)
        assert house.at_work == ["two"]
        await ended(second)


async def test_a_process_that_is_alone_does_not_wait_for_the_dead(house: House) -> None:
    async with house.store() as one:
        dead = Task(business="", id="polling", kind="owner", token="dead", lease_until=START + LEASE, next_at=2**53)
        await one.commit(Changes(inserts=(dead,)))
        first = house.process(one, "one")
        await until(lambda: house.at_work == ["one"])
        await ended(first)


async def test_an_owner_that_slept_too_long_stops_when_another_has_begun(house: House) -> None:
    async with house.store() as one, house.store() as two:
        first = house.process(one, "one")
        await until(lambda: house.at_work == ["one"])
        house.clock += LEASE + 1
        second = house.process(two, "two")
        await until(lambda: "two" in house.at_work)
        await house.pass_time(RENEW)
        assert house.at_work == ["two"]
        await ended(first, second)


async def test_an_owner_that_cannot_renew_stops_before_another_may_begin(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def busy(changes: Changes) -> None:
        raise StoreBusy("out of reach")

    async with house.store() as one:
        first = house.process(one, "one")
        await until(lambda: house.at_work == ["one"])
        monkeypatch.setattr(one, "commit", busy)
        await house.pass_time(LEASE - RENEW)
        assert house.at_work == []
        monkeypatch.undo()
        await house.pass_time(2 * RENEW)
        assert house.at_work == ["one"]
        await ended(first)


async def test_what_the_work_raises_is_raised(house: House) -> None:
    async def fail() -> None:
        raise ValueError("broken")

    async with house.store() as one:
        with pytest.raises(ValueError, match="broken"):
            await while_owner(one, "polling", fail, sleep=house.sleep)
        assert (await one.find(Task, {}))[0].token is None


async def test_two_pollers_of_one_bot_never_meet_at_telegram(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    async with TelegramEmulator(limits=False) as telegram, house.store() as one, house.store() as two:
        bot = make_bot(telegram.token, telegram.base_url)
        async with listening("telegram", Reader(lambda: None)) as heard:
            intake = TelegramIntake(bot, heard.inbox)
            fetch = partial(poll, bot, intake)
            tasks = [
                asyncio.create_task(while_owner(store, "polling", fetch, sleep=house.sleep)) for store in (one, two)
            ]
            await telegram.updates.fetching()
            await house.pass_time(2 * LEASE)
            await telegram.user(501, "Олена", "uk").says("так")
            await telegram.idle()
            await ended(tasks[0])
            await house.pass_time(RENEW)
            await telegram.updates.fetching()
            await telegram.user(501).says("ні")
            await telegram.idle()
            await heard.inbox.idle()
            assert [said.text for said in heard.turns] == ["так", "ні"]
            await ended(tasks[1])
        await hang_up(bot)
    assert {call.status for call in telegram.calls} <= {0, 200}
    assert "Conflict" not in caplog.text
