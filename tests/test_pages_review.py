"""The page of a review over real HTTP: what it shows, what a press does, and what it keeps to itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from handlers import tenants
from storage.records import Message, Review
from tests.support.pages import HOUR, OLENA, SALON, START, Answer, Site, served

LINKS = ("https://maps.example/mriya",)
TIP = "https://pay.example/nataliia"


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with served(tmp_path) as opened:
        yield opened


async def visited(site: Site, **fields: Any) -> str:
    """A visit took place; the path of its review's page."""
    await site.book(**fields)
    site.now = START
    booking = await site.book(status="arrived", **fields)
    return f"r/{site.desk.links.review_token(booking)}"


async def sends(site: Site, path: str, stars: str = "", text: str = "", *, page: Answer | None = None) -> Answer:
    """Fill the form in and send it."""
    page = page or await site.ask(path)
    return await site.ask(path, "POST", data={"form": page.field("form"), "stars": stars, "text": text})


async def review(site: Site) -> Review | None:
    """The review as stored."""
    return await site.desk.store.get(Review, site.business.id, "b-1")


async def test_before_anybody_came_there_is_no_page(site: Site) -> None:
    booking = await site.book()
    assert (await site.ask(f"r/{site.desk.links.review_token(booking)}")).status == 404


async def test_a_visit_that_was_taken_back_has_no_page_any_more(site: Site) -> None:
    path = await visited(site)
    assert (await site.ask(path)).status == 200
    await site.book(status="no_show")
    assert (await site.ask(path)).status == 404


async def test_looking_at_the_page_changes_nothing(site: Site) -> None:
    path = await visited(site)
    before = site.rows()
    for method in ("GET", "HEAD"):
        assert (await site.ask(path, method)).status == 200
    assert site.rows() == before


async def test_stars_and_words_are_kept_and_thanked_for(site: Site) -> None:
    await tenants.put_salon(site.desk, site.business, "s1", {**SALON, "review_urls": LINKS})
    path = await visited(site)
    assert (await sends(site, path, "4", " Дуже гарно,\r\nдякую! ")).status == 303
    kept = await review(site)
    assert kept is not None
    assert (kept.rating, kept.text, kept.channel, kept.client) == (4, "Дуже гарно,\nдякую!", "page", "c1")
    page = await site.ask(path)
    assert "Дякуємо за відгук!" in page.words
    assert LINKS[0] in page.text


@pytest.mark.parametrize("stars", ["", "0", "6", "4.5", "ˆ", "5\n"])
async def test_without_a_star_nothing_is_kept_and_the_words_are_not_lost(site: Site, stars: str) -> None:
    path = await visited(site)
    answer = await sends(site, path, stars, "Довго чекала")
    assert answer.status == 422
    assert "Оберіть, будь ласка, від однієї до пʼяти зірок." in answer.words
    assert "Довго чекала" in answer.text
    assert await review(site) is None


async def test_another_site_can_not_press_the_form(site: Site) -> None:
    path = await visited(site)
    page = await site.ask(path)
    site.cookies.clear()
    answer = await sends(site, path, "1", page=page)
    assert answer.status == 403
    assert await review(site) is None


async def test_low_stars_reach_the_staff_with_the_words_in_one_card(site: Site) -> None:
    await site.link_staff()
    path = await visited(site)
    await sends(site, path, "2", "Було холодно")
    rows = await site.desk.store.find(Message, {"business": site.business.id, "booking": "b-1"})
    assert [row.kind for row in rows if row.kind.startswith("staff_review")] == ["staff_review"]


async def test_whoever_has_answered_is_not_asked_any_more(site: Site) -> None:
    path = await visited(site)
    (asked,) = await site.desk.store.find(Message, {"business": site.business.id, "kind": "review_request"})
    assert asked.status == "planned"
    await sends(site, path, "5")
    (row,) = await site.desk.store.find(Message, {"business": site.business.id, "kind": "review_request"})
    assert (row.status, row.reason) == ("cancelled", "by_client")


async def test_for_a_day_it_can_be_changed_and_then_it_stands(site: Site) -> None:
    path = await visited(site)
    await sends(site, path, "2", "Було холодно")
    site.now = START + 24 * HOUR - 1
    await sends(site, path, "5", "Передзвонили й виправили")
    kept = await review(site)
    assert kept is not None and (kept.rating, kept.text) == (5, "Передзвонили й виправили")
    page = await site.ask(path)
    site.now = START + 24 * HOUR
    assert (await sends(site, path, "1", "x", page=page)).status == 303
    assert await review(site) == kept
    assert "<form" not in (await site.ask(path)).text


async def test_the_same_form_twice_changes_nothing_more(site: Site) -> None:
    path = await visited(site)
    page = await site.ask(path)
    await sends(site, path, "5", "Дякую", page=page)
    kept = await review(site)
    await sends(site, path, "5", "Дякую", page=page)
    assert await review(site) == kept


async def test_a_tip_is_offered_after_the_thanks_as_a_link_and_a_code(site: Site) -> None:
    await tenants.put_master(site.desk, site.business, "m1", {"salon": "s1", "name": "Наталія", "tip_url": TIP})
    path = await visited(site)
    assert TIP not in (await site.ask(path)).text
    await sends(site, path, "3")
    page = await site.ask(path)
    assert f'href="{TIP}"' in page.text
    assert "<svg" in page.text


async def test_hostile_words_stay_words(site: Site) -> None:
    path = await visited(site)
    await sends(site, path, "1", '<script>alert(1)</script>\x00"')
    assert "<script>" not in (await site.ask(path)).text
    kept = await review(site)
    assert kept is not None and "\x00" not in (kept.text or "")


async def test_words_longer_than_a_review_are_cut(site: Site) -> None:
    path = await visited(site)
    await sends(site, path, "5", "ж" * 5000)
    kept = await review(site)
    assert kept is not None and len(kept.text or "") == 4000


async def test_an_old_link_opens_nothing_once_the_booking_is_somebody_elses(site: Site) -> None:
    path = await visited(site)
    await site.book(client="c2", person={**OLENA, "name": "Інша", "phone": "+380670000002"}, status="arrived")
    assert (await site.ask(path)).status == 404
