"""The console in a real browser: each page's main task, on a desk, and on a phone without scripts; and what axe finds."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from importlib.resources import files
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright, expect

from bot.console.site import COOKIE
from handlers.console import console_link
from storage.records import Booking, Client, Message, Salon, Service, TextVersion
from storage.store import Changes, Patch
from tests.console.room import Room, busy_day, opened
from tests.console.test_messages_page import held
from tests.support.browser import ARGUMENTS, BROWSER_ENV, find_browser
from tests.support.leftout import leave_out

pytestmark = pytest.mark.asyncio(loop_scope="module")

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
PICTURES = Path(__file__).resolve().parents[2] / "screenshots" / "console"
"""Kept as artefacts of a CI run; git does not see them."""
DESK, PHONE = 1280, 360
WIDTHS = (DESK, PHONE)
LANGUAGES = ("uk", "tr", "ru", "en")
PAGES = (
    "bookings", "bookings?view=week", "bookings/b1", "bookings/new", "bookings/b7/change", "channels", "import",
    "", "messages?until=2026-11-29", "messages/{message}", "manual", "clients", "clients/c1", "clients/new",
    "clients/c1/erase", "reviews", "team", "team/salons/s1", "team/masters/m1", "team/services/brows",
    "team/chats/{chat}", "settings", "settings/s1", "texts", "texts/reminder?language=uk", "sessions", "nowhere",
)  # fmt: skip

SMALL = """
Array.from(document.querySelectorAll("button:not(.text, .variable), .button, select, input:not([type=hidden])"))
  .filter(one => one.type !== "checkbox")
  .filter(one => one.offsetParent && one.getBoundingClientRect().height < 44).map(one => one.outerHTML.slice(0, 80))
"""
"""What a finger would miss (WCAG 2.5.5)."""

Enter = Callable[..., Awaitable[Page]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium() -> AsyncIterator[Browser]:
    """One browser for all tests of this file."""
    path = find_browser()
    if path is None:
        leave_out("browser", f"no Chromium here; install the package chromium, or name one in {BROWSER_ENV}")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="module")
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    """The salon on a busy day, its owner signed in."""
    async with opened(tmp_path / "vizit.db") as room:
        await busy_day(room)
        await room.enter()
        yield room


@pytest_asyncio.fixture(loop_scope="module")
async def enter(chromium: Browser, room: Room) -> AsyncIterator[Enter]:
    """Opens a page of the console for who is signed in: on a phone without scripts. An error in a script fails the test."""
    wrong: list[str] = []
    contexts = []

    async def open_at(width: int, path: str = "", *, java_script: bool | None = None) -> Page:
        scripts = width == DESK if java_script is None else java_script
        context = await chromium.new_context(
            viewport={"width": width, "height": 800}, locale="uk", java_script_enabled=scripts
        )
        contexts.append(context)
        for name, value in room.cookies.items():
            below = "/console/" if name == COOKIE else "/"
            await context.add_cookies([{"name": name, "value": value, "domain": "127.0.0.1", "path": below}])
        page = await context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda said: wrong.append(said.text) if "Content Security" in said.text else None)
        await page.goto(f"{room.url}/console/{path}")
        return page

    yield open_at
    for context in contexts:
        await context.close()
    assert wrong == []


async def paths(room: Room) -> list[str]:
    """Every page, with things that are there."""
    (failed, *_) = await room.rows("b3", "booking_created")
    chat = await room.chat("owner")
    await held(room)
    return [path.format(message=failed.id, chat=chat.id) for path in PAGES]


@pytest.mark.parametrize("width", WIDTHS)
async def test_every_page_fits_a_hand_and_axe_finds_no_serious_fault(room: Room, enter: Enter, width: int) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    page = await enter(width, java_script=True)
    faults = []
    for path in (*await paths(room), "sign-in"):
        await page.goto(f"{room.url}/console/{path}")
        name = re.sub(r"[^a-z]+", "-", re.sub(r"\?.*|[0-9a-f]{32}", "", path)).strip("-") or "today"
        await page.screenshot(path=PICTURES / f"{name}.{width}.png", full_page=True)
        if await page.evaluate("document.documentElement.scrollWidth") > width:
            faults.append(f"{path}: stands out at the side")
        small = await page.evaluate(SMALL)
        faults += [f"{path}: too small for a finger: {one}" for one in small]
        await page.evaluate(AXE)
        found = await page.evaluate("axe.run().then(result => result.violations)")
        faults += [
            f"{path}: {one['id']}: {one['nodes'][0]['html']}"
            for one in found
            if one["impact"] in ("serious", "critical")
        ]
    assert faults == []


@pytest.mark.parametrize("language", LANGUAGES)
async def test_on_a_phone_the_words_of_every_language_fit(room: Room, enter: Enter, language: str) -> None:
    await room.post("sessions/language", language=language)
    page = await enter(PHONE, java_script=True)
    wide = []
    for path in await paths(room):
        await page.goto(f"{room.url}/console/{path}")
        if await page.evaluate("document.documentElement.scrollWidth") > PHONE:
            wide.append(path)
    assert wide == []


@pytest.mark.parametrize("width", WIDTHS)
async def test_an_owner_gets_in_by_key_and_by_link_and_out_again(room: Room, enter: Enter, width: int) -> None:
    page = await enter(width)
    await page.get_by_role("button", name="Вийти").click()
    await page.get_by_label("Ключ API").fill(room.key)
    await page.get_by_role("button", name="Вхід").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("26 листопада")
    await page.get_by_role("button", name="Вийти").click()
    token, changes = console_link(room.desk, await room.chat("owner"))
    await room.desk.store.commit(changes)
    await page.goto(f"{room.url}/console/in/{token}")
    await page.get_by_role("button").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("26 листопада")


@pytest.mark.parametrize("width", WIDTHS)
async def test_the_day_shows_every_visit_and_who_was_not_reached(room: Room, enter: Enter, width: int) -> None:
    page = await enter(width)
    await expect(page.locator(".visit")).to_have_count(5)
    await expect(page.locator(".needs")).to_contain_text("Ирина Соколова")
    await expect(page.locator(".visit", has_text="Ayşe")).to_contain_text("Прочитано")
    await page.get_by_role("link", name="Наступний день").click()
    await expect(page.locator(".visit")).to_have_count(1)


async def test_the_day_follows_what_happens_while_it_is_looked_at(room: Room, enter: Enter) -> None:
    page = await enter(DESK)
    await page.clock.install()
    await page.reload()
    await expect(page.locator(".visit", has_text="Марко")).to_contain_text("Повідомлено")
    patch = Patch(Booking, "mriya", "b5", {"status": "confirmed", "answer": "confirmed"})
    await room.desk.store.commit(Changes(patches=(patch,)))
    await page.clock.fast_forward(31_000)
    await expect(page.locator(".visit", has_text="Марко")).to_contain_text("Підтверджено")


@pytest.mark.parametrize("width", WIDTHS)
async def test_a_visit_is_booked_for_a_new_client_moved_and_cancelled(room: Room, enter: Enter, width: int) -> None:
    page = await enter(width, "bookings?day=2026-11-27")
    await page.get_by_role("link", name="Новий запис: Оксана").click()
    await page.get_by_label("Імʼя", exact=True).fill("Ганна Мороз")
    await page.get_by_label("Телефон", exact=True).fill("0671234500")
    await page.get_by_label("Час").fill("11:30")
    await page.get_by_label("Стрижка").check()
    await page.get_by_role("button", name="Що буде надіслано?").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Ще не збережено")
    await expect(page.locator(".look-list .bubble").first).to_contain_text("11:30")
    await page.screenshot(path=PICTURES / f"booking-look.{width}.png", full_page=True)
    await page.get_by_role("button", name="Зберегти").click()
    await expect(page.get_by_role("status")).to_contain_text("Візит записано")
    await page.get_by_role("link", name="Перенести або змінити").click()
    await page.get_by_label("Час").fill("16:00")
    await page.get_by_role("button", name="Що буде надіслано?").click()
    await page.get_by_role("button", name="Зберегти").click()
    await page.get_by_role("button", name="Скасувати візит").click()
    await page.get_by_role("button", name="Зберегти").click()
    await expect(page.get_by_role("status")).to_contain_text("Візит скасовано")
    (client,) = await room.desk.store.find(Client, {"business": "mriya", "phone": "+380671234500"}, order=("phone",))
    (visit,) = await room.desk.store.find(Booking, {"business": "mriya", "client": client.id}, order=("starts_at",))
    assert (visit.master, visit.status) == ("m2", "cancelled")


@pytest.mark.parametrize("width", WIDTHS)
async def test_the_order_of_channels_is_changed(room: Room, enter: Enter, width: int) -> None:
    page = await enter(width, "channels")
    await page.get_by_role("button", name="Раніше: SMS").click()
    await expect(page.get_by_role("status")).to_contain_text("Збережено")
    await expect(page.get_by_role("heading", level=2)).to_contain_text(["Telegram", "SMS", "WhatsApp"])


@pytest.mark.parametrize("width", WIDTHS)
async def test_a_message_that_failed_is_found_and_sent_again(room: Room, enter: Enter, width: int) -> None:
    page = await enter(width, "messages")
    await page.get_by_label("Клієнт або телефон").fill("+7 701 123 4567")
    await page.get_by_role("button", name="Показати").click()
    row = page.locator(".messages li", has_text="Повідомлення про запис")
    await row.get_by_role("button", name="Надіслати ще раз").click()
    await expect(page.get_by_role("status")).to_contain_text("ще раз")
    rows = await room.rows("b3", "booking_created")
    assert sorted(row.status for row in rows) == ["failed", "planned"]


@pytest.mark.parametrize("width", WIDTHS)
async def test_a_message_for_the_hand_is_marked_as_sent(room: Room, enter: Enter, width: int) -> None:
    row = await held(room)
    page = await enter(width, "manual")
    card = page.locator(".card", has_text="Чекаємо вас!")
    await card.get_by_role("button", name="Надіслано").click()
    await expect(page.get_by_text("Чекаємо вас!")).to_have_count(0)
    stored = await room.desk.store.get(Message, "mriya", row.id)
    assert stored is not None
    assert stored.status == "sent"


@pytest.mark.parametrize("width", WIDTHS)
async def test_reminders_of_a_salon_are_set_after_a_look_at_what_that_changes(
    room: Room, enter: Enter, width: int
) -> None:
    page = await enter(width, "settings/s1")
    leads = page.get_by_label("За скільки до візиту?").locator("visible=true")
    await leads.select_option("own")
    await page.get_by_label("Нагадування 1").select_option("PT2H")
    await page.get_by_label("Нагадування 2").select_option("")
    await page.get_by_role("button", name="Що це змінить?").click()
    await expect(page.get_by_role("status")).to_contain_text(re.compile(r"Ще не збережено.*: [1-9]"))
    await page.get_by_role("button", name="Зберегти").click()
    await expect(page.get_by_role("status")).to_contain_text(re.compile(r"Збережено.*: [1-9]"))
    salon = await room.desk.store.get(Salon, "mriya", "s1")
    assert salon is not None
    assert salon.settings == {"kinds": {"reminder": {"before": ["PT2H"]}}}


@pytest.mark.parametrize("width", WIDTHS)
async def test_a_text_is_written_with_a_preview_and_a_slip_is_pointed_out(room: Room, enter: Enter, width: int) -> None:
    page = await enter(width, "texts/reminder?language=uk")
    area = page.get_by_label("Свій текст")
    await area.fill("Чекаємо вас: ")
    await page.get_by_role("button", name="[Час]", exact=True).click()
    if width == PHONE:
        await page.get_by_role("button", name="Показати вигляд").click()
    await expect(page.locator(".look.telegram .bubble")).to_have_text(re.compile(r"^Чекаємо вас:\s?14:00$"))
    await area.fill("Чекаємо вас: [Датта]")
    await page.get_by_role("button", name="Зберегти").click()
    await expect(page.get_by_role("alert")).to_contain_text("Можливо, [Дата]?")
    await area.fill("Чекаємо вас: [Дата]")
    await page.get_by_role("button", name="Зберегти").click()
    await expect(page.get_by_role("status")).to_contain_text("Збережено")
    (version,) = await room.desk.store.find(TextVersion, {"business": "mriya"})
    assert version.text == "Чекаємо вас: [Дата]"


async def test_a_variable_goes_in_where_the_cursor_stands(enter: Enter) -> None:
    page = await enter(DESK, "texts/reminder?language=uk")
    area = page.get_by_label("Свій текст")
    await area.fill("До , до зустрічі")
    await area.evaluate("area => area.setSelectionRange(3, 3)")
    await page.get_by_role("button", name="[Час]", exact=True).click()
    await expect(area).to_have_value("До [Час], до зустрічі")


@pytest.mark.parametrize("width", WIDTHS)
async def test_a_client_is_found_changed_and_forgotten(room: Room, enter: Enter, width: int) -> None:
    page = await enter(width, "clients")
    await page.get_by_label("останні цифри").fill("шевч")
    await page.get_by_role("button", name="Знайти").click()
    await page.get_by_role("link", name="Марко Шевченко").click()
    await page.get_by_label("День народження").fill("--05-31")
    await page.get_by_role("button", name="Зберегти").click()
    await expect(page.get_by_role("status")).to_contain_text("Збережено")
    client = await room.desk.store.get(Client, "mriya", "c5")
    assert client is not None
    assert client.birthday == "--05-31"
    await page.get_by_role("link", name="Стерти дані клієнта").click()
    await page.get_by_role("button", name="Стерти назавжди").click()
    await expect(page.get_by_role("status")).to_contain_text("стерто")
    assert await room.desk.store.get(Client, "mriya", "c5") is None


@pytest.mark.parametrize("width", WIDTHS)
async def test_a_service_is_added_and_a_chat_gets_its_code(room: Room, enter: Enter, width: int) -> None:
    page = await enter(width, "team")
    await page.get_by_role("link", name="Нова послуга").click()
    await page.get_by_label("Назва").fill("Манікюр")
    await page.get_by_label("Запросити знову через").select_option("P3W")
    await page.get_by_role("button", name="Зберегти").click()
    await expect(page.get_by_role("link", name="Манікюр")).to_be_visible()
    assert [
        one.rebook_after for one in await room.desk.store.find(Service, {"business": "mriya"}) if one.name == "Манікюр"
    ]
    await page.get_by_role("button", name="Створити код").click()
    await expect(page.locator(".code")).to_have_text(re.compile(r"^/link [A-Z0-9]{10}$"))


async def test_the_console_can_be_used_with_a_keyboard_alone(enter: Enter) -> None:
    page = await enter(DESK)
    await page.keyboard.press("Tab")
    assert await page.locator(":focus").inner_text() == "До змісту сторінки"
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    assert await page.locator(":focus").get_attribute("href") == "/console/bookings"
    await page.keyboard.press("Enter")
    await expect(page).to_have_title(re.compile("^Записи"))
