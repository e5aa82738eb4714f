"""Visits that were stored while there was no public address, or under another secret, get their pages too."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from handlers.page_keeping import PAGES, PART, begin, pages_part
from scheduler.sweeps import run_tasks
from storage.records import Task
from tests.support.pages import HOUR, START, Site, served


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with served(tmp_path) as opened:
        yield opened


async def kept(site: Site) -> int:
    """Make all pages that are to be made; in how many parts."""
    parts = 0
    await begin(site.desk)
    while await run_tasks(site.desk, {PAGES: pages_part}):
        parts += 1
    return parts


async def without_address(site: Site, visits: int = 1) -> None:
    """Book while this process has no public address."""
    address, site.desk.links.public_url = site.desk.links.public_url, None
    for number in range(1, visits + 1):
        await site.book(f"b-{number}", f"c{number}", person={"name": "Олена"})
    assert await kept(site) == 0
    site.desk.links.public_url = address


async def test_a_visit_from_before_has_a_page_once_there_is_an_address(site: Site) -> None:
    await without_address(site)
    path, settings = await site.visit(), f"s/{site.desk.links.settings_token(await site.client())}"
    assert (await site.ask(path)).status == 404
    await kept(site)
    assert (await site.ask(path)).status == 200
    assert (await site.ask(settings)).status == 200


async def test_many_are_made_part_by_part_and_all_in_the_end(site: Site) -> None:
    await without_address(site, visits=PART + 1)
    assert await kept(site) > 4
    for number in (1, PART + 1):
        assert (await site.ask(await site.visit(f"b-{number}"))).status == 200


async def test_it_is_done_once(site: Site) -> None:
    await without_address(site)
    await kept(site)
    assert await kept(site) == 0
    assert len(await site.desk.store.find(Task, {"next_at": 1 << 53})) == 1


async def test_under_another_secret_the_pages_are_made_anew(site: Site) -> None:
    await without_address(site)
    await kept(site)
    site.desk.links.secret = b"another secret of thirty-two chars"
    assert (await site.ask(await site.visit())).status == 404
    await kept(site)
    assert (await site.ask(await site.visit())).status == 200


async def test_what_is_over_needs_no_page(site: Site) -> None:
    await without_address(site)
    site.now = START + HOUR
    await kept(site)
    assert (await site.ask(await site.visit())).status == 404
