"""The playground in a real browser: what a stranger does in the first three minutes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from bot.playground.demo import played
from bot.playground.stage import Stage
from tests.support.browser import OpenPage


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with played(f"sqlite:///{tmp_path}/playground.db", hurry=True) as stage:
        yield stage


async def move(page: Page, where: str) -> None:
    """Press one of the clock's buttons, and wait until the clock stands still."""
    await page.click(f"[data-move={where}]")
    await expect(page.locator(f"[data-move={where}]")).to_be_enabled()


async def test_a_reminder_is_confirmed_with_one_tap_and_the_staff_see_it(stage: Stage, open_page: OpenPage) -> None:
    page = await open_page(width=1440, height=900)
    await page.goto(stage.app.url)
    await expect(page.locator(".phone")).to_have_count(4)
    await expect(page.locator("#phone-c1")).to_contain_text("Ви записані")
    await expect(page.locator("#phone-c2")).to_contain_text("Randevunuz")
    await expect(page.locator("#phone-c3")).to_contain_text("Вы записаны")
    await move(page, "P1D")
    await page.locator("#phone-c1").get_by_role("button", name="Підтверджую").click()
    await expect(page.locator("#phone-c1")).to_contain_text("підтверджено")
    await expect(page.locator("#phone-staff")).to_contain_text("Візит підтверджено")
    await expect(page.locator(".visit .tag.confirmed")).to_have_count(1)


async def test_a_booking_is_made_moved_and_cancelled_with_its_plan_in_view(stage: Stage, open_page: OpenPage) -> None:
    page = await open_page(width=1440, height=900)
    await page.goto(stage.app.url)
    await expect(page.locator(".visit")).to_have_count(3)
    await page.select_option("select[name=client]", "c2")
    await page.fill("input[name=time]", "13:10")
    await page.click("#save")
    await expect(page.locator(".visit")).to_have_count(4)
    made = page.locator(".visit").filter(has=page.locator("h3", has_text="13:10"))
    await expect(made.locator(".plan")).to_contain_text("Reminder")
    await made.get_by_role("button", name="Change").click()
    await page.fill("input[name=time]", "18:20")
    await page.click("#save")
    moved = page.locator(".visit").filter(has=page.locator("h3", has_text="18:20"))
    await expect(moved.locator(".plan")).to_contain_text("News of the change")
    await expect(page.locator("#phone-c2")).to_contain_text("18:20")
    await moved.get_by_role("button", name="Cancel").click()
    await expect(moved.locator(".tag")).to_have_text("cancelled")
    await expect(moved.locator(".plan")).to_contain_text("booking cancelled")
    await expect(page.locator("#phone-c2")).to_contain_text("iptal")


async def test_a_visit_is_reviewed_and_the_master_tipped(stage: Stage, open_page: OpenPage) -> None:
    page = await open_page(width=1440, height=900)
    await page.goto(stage.app.url)
    visit = page.locator(".visit").filter(has_text="Олена")
    await visit.get_by_role("button", name="Arrived").click()
    await expect(visit.locator(".plan")).to_contain_text("Request for a review")
    for _ in range(3):
        await move(page, "PT1H")
    chat = page.locator("#phone-c1")
    await chat.get_by_role("button", name="5 ⭐").click()
    await expect(chat).to_contain_text("Що нам варто знати?")
    await chat.get_by_label("Write as").fill("Дуже гарно!")
    await chat.get_by_role("button", name="Send").click()
    await expect(visit).to_contain_text("★★★★★ Дуже гарно!")
    await chat.get_by_role("button", name="200").click()
    await chat.get_by_role("button", name="Pay").click()
    await expect(chat).to_contain_text("Чайові отримано: 200")


async def test_after_a_power_cut_nothing_late_goes_out_and_the_plan_says_why(stage: Stage, open_page: OpenPage) -> None:
    page = await open_page(width=1440, height=900)
    await page.goto(stage.app.url)
    await expect(page.locator(".visit")).to_have_count(3)
    heard = await page.locator("#phone-c1 .bubble").count()
    await move(page, "outage")
    await expect(page.locator("#clock-time")).to_have_text("12:00")
    await expect(page.locator(".visit").first.locator(".plan")).to_contain_text("expired: too late")
    assert await page.locator("#phone-c1 .bubble").count() == heard


async def test_on_a_phone_one_chat_fills_the_screen_and_nothing_sticks_out(stage: Stage, open_page: OpenPage) -> None:
    page = await open_page(width=360, height=740)
    await page.goto(stage.app.url)
    await page.locator("#tabs button", has_text="Олена").click()
    await expect(page.locator("#phone-c1")).to_be_visible()
    await expect(page.locator("#phone-c2")).to_be_hidden()
    await page.locator("#phone-c1").get_by_role("button", name="/bookings").click()
    await expect(page.locator("#phone-c1 .bubble.mine").last).to_contain_text("/bookings")
    assert await page.evaluate("document.documentElement.scrollWidth") <= 360
