"""The client's pages in a real browser: a small phone, scripts switched off, each language."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page

from bot.pages.site import STYLE
from handlers.wording_choices import labels
from tests.support.browser import OpenPage
from tests.support.pages import HOUR, OLENA, START, Site, served

LANGUAGES = ("uk", "tr", "ru")
CONFIRMED = {"uk": "Дякуємо, візит підтверджено", "tr": "randevunuz onaylandı", "ru": "визит подтверждён"}
FINGER = 44
"""Pixels that a finger needs (WCAG 2.5.5)."""


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with served(tmp_path) as opened:
        yield opened


async def phone(open_page: OpenPage, language: str = "uk") -> Page:
    return await open_page(width=360, height=740, locale=language, java_script=False)


async def fits(page: Page) -> None:
    """Nothing stands out at the side, and everything that can be tapped is large enough."""
    assert await page.evaluate("document.documentElement.scrollWidth") <= 360
    for target in await page.locator("button, a").all():
        box = await target.bounding_box()
        assert box is not None
        assert box["height"] >= FINGER, await target.inner_text()


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_visit_is_confirmed_and_then_cancelled_by_thumb(site: Site, open_page: OpenPage, language: str) -> None:
    await site.book(person={**OLENA, "language": language}, services=("haircut", "brows"))
    page = await phone(open_page, language)
    await page.goto(f"{site.url}/{await site.visit()}")
    await fits(page)
    await page.get_by_role("button", name=labels("confirm", language)).click()
    assert CONFIRMED[language] in await page.get_by_role("heading", level=1).inner_text()
    assert (await site.booking()).answer == "confirmed"
    await fits(page)
    await page.get_by_role("link", name=labels("cancel", language)).click()
    assert (await site.booking()).status == "confirmed"
    await fits(page)
    await page.get_by_role("link", name=labels("cancel_keep", language)).click()
    await page.get_by_role("link", name=labels("cancel", language)).click()
    await page.get_by_role("button", name=labels("cancel_yes", language)).click()
    assert (await site.booking()).status == "cancelled"
    assert await page.get_by_role("button", name=labels("confirm", language)).count() == 0
    await fits(page)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_asking_to_move_and_switching_messages_off_by_thumb(
    site: Site, open_page: OpenPage, language: str
) -> None:
    await site.book(person={**OLENA, "language": language})
    page = await phone(open_page, language)
    await page.goto(f"{site.url}/{await site.visit()}")
    await page.get_by_role("button", name=labels("move", language)).click()
    assert (await site.booking()).answer == "move_requested"
    await fits(page)
    await page.get_by_role("button", name=labels("all_off", language)).click()
    assert (await site.client()).silent
    await page.get_by_role("button", name=labels("all_on", language)).click()
    assert not (await site.client()).silent


async def test_the_language_is_switched_by_a_tap_and_kept_by_the_next_press(site: Site, open_page: OpenPage) -> None:
    await site.book()
    page = await phone(open_page)
    await page.goto(f"{site.url}/{await site.visit()}")
    await page.get_by_role("link", name="Türkçe").click()
    assert await page.locator("html").get_attribute("lang") == "tr"
    await page.get_by_role("button", name=labels("confirm", "tr")).click()
    assert await page.locator("html").get_attribute("lang") == "tr"
    assert await page.locator("nav [aria-current]").inner_text() == "Türkçe"


async def test_the_page_can_be_used_with_a_keyboard_alone(site: Site, open_page: OpenPage) -> None:
    await site.book()
    page = await phone(open_page)
    await page.goto(f"{site.url}/{await site.visit()}")
    for _ in range(5):
        await page.keyboard.press("Tab")
    assert await page.locator(":focus").inner_text() == labels("confirm", "uk")
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", level=1).get_by_text(CONFIRMED["uk"]).wait_for()
    assert (await site.booking()).answer == "confirmed"


async def test_the_style_sheet_passes_the_pages_own_policy(site: Site, open_page: OpenPage) -> None:
    await site.book()
    page = await phone(open_page)
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text))
    page.on("requestfailed", lambda request: refused.append(request.url))
    for path in (await site.visit(), "join/s1"):
        await page.goto(f"{site.url}/{path}")
        assert await page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgba(0, 0, 0, 0)"
    assert [line for line in refused if "favicon" not in line] == []


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_salons_page_fits_a_phone_and_a_sheet_of_paper(
    site: Site, open_page: OpenPage, language: str
) -> None:
    page = await phone(open_page, language)
    await page.goto(f"{site.url}/join/s1?lang={language}")
    await fits(page)
    assert await page.locator("svg.code").is_visible()
    await page.emulate_media(media="print")
    assert not await page.locator("nav").is_visible()
    assert not await page.locator(".telegram").is_visible()
    box = await page.locator("svg.code").bounding_box()
    assert box is not None
    assert box["width"] > 400


async def test_long_words_do_not_push_the_page_apart(site: Site, open_page: OpenPage) -> None:
    await site.book(person={**OLENA, "name": "Ю" * 120})
    page = await phone(open_page)
    await page.goto(f"{site.url}/{await site.visit()}")
    await fits(page)


# Colours


def colours(text: str) -> dict[str, str]:
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{3,6})", text))


def light(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    brighter, darker = sorted((light(one), light(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_its_ground(scheme: str) -> None:
    style = STYLE.decode()
    day, night = style.split("@media (prefers-color-scheme: dark)", 1)
    known = colours(day if scheme == "light" else night.split("* {", 1)[0])
    pairs = [
        ("ink", "paper"),
        ("soft", "paper"),
        ("ink", "card"),
        ("soft", "card"),
        ("link", "card"),
        ("ink", "wait-pale"),
    ]
    pairs += [("on", ground) for ground in ("good", "bad", "link")]
    assert {(text, ground) for text, ground in pairs if contrast(known[text], known[ground]) < 4.5} == set()


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_family_goes_from_visit_to_visit_and_confirms_all_by_thumb(
    site: Site, open_page: OpenPage, language: str
) -> None:
    await site.book(person={**OLENA, "language": language})
    await site.book(
        "b-2", "c2", starts_at=START + HOUR, person={**OLENA, "name": "Марія-Вікторія Олександрівна Коваль"}
    )
    page = await phone(open_page, language)
    await page.goto(f"{site.url}/{await site.visit()}")
    await fits(page)
    await page.get_by_role("link", name="16:00").click()
    assert "16:00" in await page.get_by_role("main").inner_text()
    await page.get_by_role("link", name="15:00").click()
    await page.get_by_role("button", name=labels("confirm_all", language)).click()
    assert [(await site.booking(id)).status for id in ("b-1", "b-2")] == ["confirmed", "confirmed"]
    await fits(page)
