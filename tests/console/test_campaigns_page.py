"""Mailings on the console: from the report to a form, to what it would reach, to the start and the stop."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest

from handlers.campaigns import campaign_part
from storage.records import Address, Booking, Campaign, Client, Message, Task
from storage.store import Changes, Put
from tests.console.room import DAY, HOSTILE, Room
from tests.support.pages import HOUR, Answer

ASKED = "visit_from=2026-08-01&visit_to=2026-09-30&return_from=2026-10-01&return_to=2026-11-20"


@pytest.fixture
async def lost(room: Room) -> Room:
    """Three clients who came in September and not again; two of them may be written to in Telegram."""
    rows: list[Client | Booking | Address] = []
    for number in range(3):
        at, id = room.now - 80 * DAY, f"x{number}"
        rows += [
            Client(business="mriya", id=id, name=HOSTILE, marketing_consent=number < 2 or None),
            Address(business="mriya", id=f"telegram:{id}:{id}", channel="telegram", address=id, client=id, linked_at=1),
            Booking(
                business="mriya", id=id, salon="s1", client=id, master="m1", starts_at=at, ends_at=at + HOUR,
                status="arrived", created_at=at,
            ),
        ]  # fmt: skip
    await room.desk.store.commit(Changes(puts=tuple(Put(row) for row in rows)))
    await room.enter()
    return room


def action_of(page: Answer) -> str:
    """Where the form of the page leads."""
    found = re.search(r'action="/console/(campaigns/[0-9a-f]+)"', page.text)
    assert found is not None
    return found[1]


async def saved(lost: Room, **fields: str) -> str:
    """The id of a mailing to the lost of the report."""
    page = await lost.ask(f"campaigns/new?{ASKED}&master=m1")
    action = action_of(page)
    periods = {f"lost.{name}": value for name, value in (pair.split("=") for pair in ASKED.split("&"))}
    given: dict[str, Any] = {
        "name": "Повернення",
        "holdout_percent": "0",
        "per_hour": "3600",
        **periods,
        "lost.master": "m1",
        **fields,
    }
    answer = await lost.post(action, on=f"campaigns/new?{ASKED}", **given)
    assert answer.status == 200, answer.words
    return action.removeprefix("campaigns/")


async def test_the_report_leads_to_a_mailing_that_says_whom_it_would_reach(lost: Room) -> None:
    page = await lost.ask(f"retention/lost?{ASKED}&by=master&key=m1")
    assert "Написати їм" in page.words
    id = await saved(lost, bonus="300", **{"text.uk": "[Імʼя], чекаємо! [Кількість бонусів]"})
    page = await lost.ask(f"campaigns/{id}")
    assert "Відповідають умовам 3" in page.words
    assert "Отримають повідомлення 2" in page.words
    assert "Не отримають 1" in page.words
    assert await lost.desk.store.count(Message, {"business": "mriya", "kind": "campaign"}) == {(): 0}
    form = await lost.ask(f"campaigns/{id}?edit=1")
    assert "[Імʼя], чекаємо!" in form.text and 'value="300"' in form.text


async def test_a_mailing_is_started_and_stopped_and_shows_what_came_of_it(lost: Room) -> None:
    id = await saved(lost)
    begun = await lost.post(f"campaigns/{id}/start", on=f"campaigns/{id}")
    assert "Розсилка почалася." in begun.words
    for _ in range(2):
        task = await lost.desk.store.get(Task, "mriya", f"campaign~{id}")
        assert task is not None
        after = await campaign_part(lost.desk, task)
        assert after is not None
        await lost.desk.store.commit(Changes(puts=(Put(after),)))
    assert await lost.desk.store.count(Message, {"business": "mriya", "kind": "campaign"}) == {(): 2}
    stopped = await lost.post(f"campaigns/{id}/stop", on=f"campaigns/{id}")
    assert "Зупинено" in stopped.words and "Отримали повідомлення 2" in stopped.words
    rows = await lost.desk.store.find(Message, {"business": "mriya", "client": "x0"}, order=("due_at", "id"))
    assert [(row.status, row.reason) for row in rows if row.kind == "campaign"] == [("cancelled", "by_staff")]
    assert "Зупинено" in (await lost.ask("campaigns")).words


async def test_what_is_wrong_is_said_and_nothing_that_was_typed_is_lost(lost: Room) -> None:
    page = await lost.ask("campaigns/new")
    action = action_of(page)
    fields: dict[str, Any] = {
        "name": HOSTILE,
        "holdout_percent": "90",
        "per_hour": "200",
        "text.uk": "[Імя] {x}",
        "visits.min": "три",
    }
    refused = await lost.post(action, on="campaigns/new", **fields)
    assert refused.status == 422
    assert "holdout_percent" in refused.words and "visits/min" in refused.words
    assert HOSTILE in html.unescape(refused.field("name")) and "<script>" not in refused.text
    assert await lost.desk.store.count(Campaign, {"business": "mriya"}) == {(): 0}


async def test_mailings_are_the_owners_alone(lost: Room) -> None:
    id = await saved(lost)
    await lost.enter_as("administrator", salon="s1")
    for path in ("campaigns", "campaigns/new", f"campaigns/{id}"):
        assert (await lost.ask(path)).status == 404
    assert (await lost.ask("campaigns/nothing")).status == 404
