"""The calendar file of a visit, read back by a parser of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from icalendar import Calendar

from tests.support.pages import HOUR, NOTES, START, Site, served


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with served(tmp_path) as opened:
        yield opened


async def event(site: Site, path: str, language: str = "") -> Any:
    """The one event of the file."""
    answer = await site.ask(f"{path}/visit.ics{language}")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'inline; filename="visit.ics"'
    (found,) = Calendar.from_ical(answer.body).events
    return found


async def test_a_visit_goes_into_a_calendar_with_place_and_notes(site: Site) -> None:
    await site.book(services=("haircut", "brows"))
    path = await site.visit()
    found = await event(site, path)
    assert found.start == datetime.fromtimestamp(START / 1000, UTC)
    assert found.end == datetime.fromtimestamp((START + HOUR) / 1000, UTC)
    assert str(found["SUMMARY"]) == "Стрижка, Брови, Салон «Мрія»"
    assert str(found["LOCATION"]) == "Салон «Мрія», вул. Хрещатик, 10"
    for line in ("Майстер: Наталія", NOTES["uk"], "+380 44 123 4567", f"{site.url}/{path}"):
        assert line in str(found["DESCRIPTION"]).split("\n")
    assert str(found["URL"]) == f"{site.url}/{path}"


async def test_a_moved_visit_takes_the_place_of_the_old_one(site: Site) -> None:
    await site.book()
    path = await site.visit()
    before = await event(site, path)
    await site.book(starts_at=START + 2 * HOUR)
    after = await event(site, path)
    assert after["UID"] == before["UID"]
    assert int(after["SEQUENCE"]) > int(before["SEQUENCE"])
    assert after.start == datetime.fromtimestamp((START + 2 * HOUR) / 1000, UTC)


async def test_a_cancelled_visit_says_so_to_the_calendar(site: Site) -> None:
    await site.book()
    path = await site.visit()
    assert str((await event(site, path))["STATUS"]) == "CONFIRMED"
    await site.press(path, "cancel_yes")
    assert str((await event(site, path))["STATUS"]) == "CANCELLED"


async def test_two_visits_are_two_events_and_neither_tells_its_id(site: Site) -> None:
    await site.book("b-1")
    await site.book("b-2", starts_at=START + 5 * HOUR)
    uids = {str((await event(site, await site.visit(id)))["UID"]) for id in ("b-1", "b-2")}
    assert len(uids) == 2
    assert not any("b-1" in uid or "mriya" in uid for uid in uids)


async def test_the_file_speaks_the_language_of_the_page(site: Site) -> None:
    await site.book(services=("brows",))
    found = await event(site, await site.visit(), "?lang=tr")
    assert "Uzman: Наталія" in str(found["DESCRIPTION"])
    assert NOTES["tr"] in str(found["DESCRIPTION"])


async def test_lines_are_no_longer_than_calendars_take(site: Site) -> None:
    await site.book(services=("haircut", "brows") * 5)
    answer = await site.ask(f"{await site.visit()}/visit.ics")
    assert answer.body.endswith(b"\r\n")
    assert max(len(line) for line in answer.body.split(b"\r\n")) <= 75
