"""The page of a review in a real browser: a small phone, scripts switched off, each language, and a keyboard."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page

from handlers import tenants
from storage.records import Review
from tests.support.browser import OpenPage
from tests.support.pages import OLENA, SALON, START, Site, served

FINGER = 44
"""Pixels that a finger needs (WCAG 2.5.5)."""
SEND = {"uk": "Надіслати", "tr": "Gönder", "ru": "Отправить"}
GOOD = {"uk": "Добре", "tr": "İyi", "ru": "Хорошо"}
THANKS = {"uk": "Дякуємо за відгук!", "tr": "Yorumunuz için teşekkür ederiz!", "ru": "Спасибо за отзыв!"}


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with served(tmp_path) as opened:
        await tenants.put_salon(opened.desk, opened.business, "s1", {**SALON, "review_urls": ("https://m.example/x",)})
        master = {"salon": "s1", "name": "Наталія", "tip_url": "https://pay.example/nataliia"}
        await tenants.put_master(opened.desk, opened.business, "m1", master)
        yield opened


async def opened_page(site: Site, open_page: OpenPage, language: str = "uk") -> Page:
    """The page of a visit that took place, on a small phone without scripts."""
    person = {**OLENA, "language": language}
    await site.book(person=person)
    site.now = START
    booking = await site.book(person=person, status="arrived")
    page = await open_page(width=360, height=740, locale=language, java_script=False)
    await page.goto(f"{site.url}/r/{site.desk.links.review_token(booking)}")
    return page


async def fits(page: Page) -> None:
    """Nothing stands out at the side, and everything that can be tapped is large enough."""
    assert await page.evaluate("document.documentElement.scrollWidth") <= 360
    for target in await page.locator("button, a, .stars label").all():
        box = await target.bounding_box()
        assert box is not None
        assert box["height"] >= FINGER, await target.inner_text()
        assert box["width"] >= FINGER, await target.inner_text()


async def stored(site: Site) -> Review | None:
    return await site.desk.store.get(Review, site.business.id, "b-1")


@pytest.mark.parametrize("language", ["uk", "tr", "ru"])
async def test_a_visit_is_reviewed_by_thumb(site: Site, open_page: OpenPage, language: str) -> None:
    page = await opened_page(site, open_page, language)
    await fits(page)
    stars = page.locator(".stars label")
    assert len({(await one.bounding_box() or {})["y"] for one in await stars.all()}) == 1
    await stars.filter(has_text=GOOD[language]).click()
    await page.locator("textarea").fill("Гарно ❤️")
    await page.get_by_role("button", name=SEND[language]).click()
    assert await page.get_by_role("heading", level=1).inner_text() == THANKS[language]
    kept = await stored(site)
    assert kept is not None and (kept.rating, kept.text) == (4, "Гарно ❤️")
    assert await page.locator("svg.code").is_visible()
    await fits(page)


async def test_the_stars_light_up_to_the_one_that_is_chosen(site: Site, open_page: OpenPage) -> None:
    page = await opened_page(site, open_page)
    dull = await page.locator(".stars .star").first.evaluate("one => getComputedStyle(one).color")
    await page.locator(".stars label").nth(2).click()
    colours = [
        await one.evaluate("one => getComputedStyle(one).color") for one in await page.locator(".stars .star").all()
    ]
    assert [colour != dull for colour in colours] == [True, True, True, False, False]


async def test_the_page_can_be_used_with_a_keyboard_alone(site: Site, open_page: OpenPage) -> None:
    page = await opened_page(site, open_page)
    await page.get_by_role("radio").first.focus()
    for _ in range(4):
        await page.keyboard.press("ArrowRight")
    await page.keyboard.press("Tab")
    await page.keyboard.type("Чудово")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", level=1).get_by_text(THANKS["uk"]).wait_for()
    kept = await stored(site)
    assert kept is not None and (kept.rating, kept.text) == (5, "Чудово")
