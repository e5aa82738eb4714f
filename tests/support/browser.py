"""A real browser for the tests: the Chromium that is installed here, driven by Playwright. None is ever downloaded."""

import os
import shutil
from collections.abc import AsyncIterator, Awaitable
from typing import Protocol

import pytest
from playwright.async_api import Browser, Error, Page, async_playwright, expect

from tests.support.leftout import leave_out

BROWSER_ENV = "VIZIT_TEST_CHROMIUM"
NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
# Without these, Chromium wants a sandbox that root can't have, and calls home in the background.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


# A slow machine is no fault of the page: waiting ends where something has surely gone wrong.
expect.set_options(timeout=60_000)


class OpenPage(Protocol):
    """Opens an empty page in a context of its own; the viewport is in CSS pixels."""

    def __call__(
        self, width: int = 1280, height: int = 900, *, locale: str = "en", java_script: bool = True
    ) -> Awaitable[Page]: ...


def find_browser() -> str | None:
    """The path of a Chromium: the one that VIZIT_TEST_CHROMIUM names, else the first on the PATH."""
    return os.environ.get(BROWSER_ENV) or next(filter(None, map(shutil.which, NAMES)), None)


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """A Chromium of this test's own, so that it lives on the event loop of the test."""
    path = find_browser()
    if path is None:
        leave_out("browser", f"no Chromium here; install the package chromium, or name one in {BROWSER_ENV}")
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield chromium
        await chromium.close()


@pytest.fixture
async def open_page(browser: Browser) -> AsyncIterator[OpenPage]:
    """Opens pages: `page = await open_page(width=390, height=844)`. An error in a page's own script fails the test."""
    errors: list[Error] = []

    async def open_one(width: int = 1280, height: int = 900, *, locale: str = "en", java_script: bool = True) -> Page:
        context = await browser.new_context(
            viewport={"width": width, "height": height}, locale=locale, java_script_enabled=java_script
        )
        page = await context.new_page()
        page.on("pageerror", lambda error: errors.append(error))
        return page

    yield open_one
    assert not errors, f"scripts failed in the page: {errors}"
