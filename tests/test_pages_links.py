"""Who may open a page, who may press on it, and what whoever guesses learns."""

from __future__ import annotations

import re
import secrets
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from handlers import tenants
from tests.support.pages import OLENA, SALON, Answer, Site, served

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{7*7}}{t}\u202e&amp;"


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with served(tmp_path) as opened:
        yield opened


def told(answer: Answer) -> tuple[int, dict[str, str], bytes]:
    """All that an answer says."""
    return answer.status, {name: value for name, value in answer.headers.items() if name != "Date"}, answer.body


async def test_two_thousand_guesses_all_hear_the_same_and_write_nothing(site: Site) -> None:
    await site.book()
    before = site.rows()
    first = told(await site.ask(f"v/{secrets.token_urlsafe(16)}"))
    assert first[0] == 404
    for number in range(2_000):
        kind = ("v", "s", "join")[number % 3]
        assert told(await site.ask(f"{kind}/{secrets.token_urlsafe(16)}")) == first
    assert site.rows() == before


@pytest.mark.parametrize(
    "path",
    [
        "v/", "v/x", "v/" + "a" * 2_000, "v/%00", "v/%FF%FE", "v/..%2F..%2Fetc", "v/%D0%B0", "v/a/b/c", "v/x/visit.ics",
        "v/x/cancel", "s/x", "s/x/y", "join/nowhere", "join/nowhere/qr.png", "join/a~b~c", "v/%7Btoken%7D",
    ],
)  # fmt: skip
async def test_a_link_of_any_wrong_shape_looks_like_an_unknown_one(site: Site, path: str) -> None:
    unknown = told(await site.ask(f"v/{secrets.token_urlsafe(16)}"))
    assert told(await site.ask(path)) == unknown


async def test_a_link_of_another_purpose_opens_nothing(site: Site) -> None:
    booking = await site.book()
    client = await site.client()
    assert (await site.ask(f"s/{site.desk.links.visit_token(booking)}")).status == 404
    assert (await site.ask(f"v/{site.desk.links.settings_token(client)}")).status == 404


async def test_a_press_on_an_unknown_link_is_not_there_either(site: Site) -> None:
    await site.book()
    page = await site.ask(await site.visit())
    data = {"form": page.field("form"), "do": "confirm", "seen": "1"}
    unknown = told(await site.ask(f"v/{secrets.token_urlsafe(16)}"))
    assert told(await site.ask(f"v/{secrets.token_urlsafe(16)}", "POST", data=data)) == unknown


async def test_whoever_guesses_on_is_told_to_wait_and_true_links_still_open(tmp_path: Path) -> None:
    async with served(tmp_path, misses=5) as site:
        await site.book()
        statuses = [(await site.ask(f"v/{secrets.token_urlsafe(16)}")).status for _ in range(7)]
        assert statuses == [404] * 5 + [429] * 2
        assert (await site.ask("v/x")).headers["Retry-After"] == "60"
        assert (await site.ask(await site.visit())).status == 200
        site.seconds += 61
        assert (await site.ask("v/x")).status == 404


async def test_looking_changes_nothing_whoever_looks(site: Site) -> None:
    """Link previewers, prefetchers and virus scanners press every link that they see."""
    await site.book()
    path, client = await site.visit(), await site.client()
    settings = f"s/{site.desk.links.settings_token(client)}"
    before = site.rows()
    files = {each.name: each.read_bytes() for each in site.file.parent.iterdir() if not each.name.endswith("-shm")}
    for looked in (path, f"{path}/cancel", f"{path}/visit.ics", settings, "join/s1", "join/s1/qr.png", "v/unknown"):
        for method in ("GET", "HEAD"):
            for query in ("", "?do=confirm", "?do=cancel_yes&seen=1&lang=tr"):
                assert (await site.ask(f"{looked}{query}", method)).status in (200, 404)
    assert site.rows() == before
    assert {name: (site.file.parent / name).read_bytes() for name in files} == files


async def test_a_form_of_another_site_another_page_or_another_browser_does_nothing(site: Site) -> None:
    await site.book("b-1")
    await site.book("b-2", starts_at=(await site.booking("b-1")).starts_at + 7_200_000)
    path, other = await site.visit("b-1"), await site.visit("b-2")
    page = await site.ask(path)
    right = {"form": page.field("form"), "do": "confirm", "seen": page.field("seen")}
    elsewhere, mine = (await site.ask(other)).field("form"), dict(site.cookies)
    for wrong, cookies in (
        ({**right, "form": ""}, mine),
        ({**right, "form": right["form"][:-1] + "!"}, mine),
        ({**right, "form": elsewhere}, mine),
        ({"do": "confirm"}, mine),
        (right, {}),
        (right, {"vizit_form": "A" * 22}),
        (right, {"vizit_form": "Привіт"}),
    ):
        answer = await site.ask(path, "POST", data=wrong, cookies=cookies)
        assert answer.status == 403
        assert "Натисніть, будь ласка, кнопку ще раз." in answer.words
    assert (await site.booking()).answer is None
    assert (await site.ask(path, "POST", data=right, cookies=mine)).status == 303
    assert (await site.booking()).answer == "confirmed"


async def test_a_browser_that_lost_its_cookie_gets_a_form_that_works(site: Site) -> None:
    await site.book()
    path = await site.visit()
    page = await site.ask(path)
    site.cookies.clear()
    answer = await site.press(path, "confirm", page=page)
    assert answer.status == 403
    assert (await site.press(path, "confirm", page=answer)).status == 303


async def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites(tmp_path: Path) -> None:
    async with served(tmp_path, public="https://salon.example") as site:
        await site.book()
        cookie = (await site.ask(await site.visit())).headers["Set-Cookie"]
    assert re.fullmatch(r"vizit_form=[\w-]{22}; HttpOnly; Path=/; SameSite=Lax; Secure", cookie)


@pytest.mark.parametrize(
    ("data", "status"),
    [({"do": "explode"}, 400), ({"do": "cancel"}, 400), ({"do": "confirm", "seen": "x" * 9_000}, 413)],
)
async def test_a_press_that_no_page_offers_is_refused(site: Site, data: dict[str, str], status: int) -> None:
    await site.book()
    path = await site.visit()
    page = await site.ask(path)
    assert (await site.ask(path, "POST", data={"form": page.field("form"), **data})).status == status
    assert (await site.booking()).revision == 1


@pytest.mark.parametrize("seen", ["", "-1", "1.5", "99999999999999999999", "١"])
async def test_a_form_with_a_made_up_revision_is_taken_for_an_old_one(site: Site, seen: str) -> None:
    await site.book()
    assert (await site.press(await site.visit(), "confirm", seen=seen)).status == 409
    assert (await site.booking()).answer is None


async def test_every_page_carries_the_headers_that_protect_its_reader(site: Site) -> None:
    await site.book()
    path, client = await site.visit(), await site.client()
    for looked in (path, f"{path}/cancel", f"s/{site.desk.links.settings_token(client)}", "join/s1", "v/unknown"):
        headers = (await site.ask(looked)).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["X-Robots-Tag"] == "noindex, nofollow"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
        assert "Server" not in headers


async def test_a_page_loads_nothing_from_elsewhere_and_needs_no_script(site: Site) -> None:
    await site.book()
    for looked in (await site.visit(), "join/s1"):
        text = (await site.ask(looked)).text
        assert "<script" not in text
        assert not re.search(r"\bon\w+=", text)
        assert not re.search(r"\bstyle=", text)
        loaded = re.findall(r'(?:src|<link[^>]* href)="([^"]*)"', text)
        assert all(each.startswith("/pages/") for each in loaded)
        style = await site.ask(loaded[0].removeprefix("/"))
        assert style.status == 200
        assert "url(" not in style.text
        assert "@import" not in style.text


async def test_while_the_database_is_busy_nothing_is_done_and_the_page_says_so(site: Site) -> None:
    await site.book()
    path = await site.visit()
    page = await site.ask(path)
    with closing(sqlite3.connect(site.file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        answer = await site.press(path, "confirm", page=page)
        other.execute("ROLLBACK")
    assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
    assert "Спробуйте, будь ласка, ще раз" in answer.words
    assert (await site.booking()).answer is None
    assert (await site.press(path, "confirm", page=page)).status == 303


async def test_hostile_names_are_shown_and_do_nothing(site: Site) -> None:
    await tenants.put_salon(
        site.desk,
        site.business,
        "s1",
        {**SALON, "name": HOSTILE, "address": HOSTILE, "map_url": None, "booking_url": 'https://x.example/"><script>'},
    )
    await tenants.put_master(site.desk, site.business, "m1", {"salon": "s1", "name": HOSTILE})
    await tenants.put_service(site.desk, site.business, "haircut", {"name": HOSTILE, "note": {"uk": HOSTILE}})
    await site.book(person={**OLENA, "name": HOSTILE})
    path = await site.visit()
    for looked in (path, f"{path}/cancel", "join/s1"):
        page = await site.ask(looked)
        assert page.status == 200
        assert "<script" not in page.text
        assert "<img" not in page.text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text
        assert "{{7*7}}{t}" in page.text
    event = await site.ask(f"{path}/visit.ics")
    lines = event.text.replace("\r\n ", "").split("\r\n")
    assert [line for line in lines if line.startswith("BEGIN:")] == ["BEGIN:VCALENDAR", "BEGIN:VEVENT"]


async def test_a_name_with_line_breaks_adds_no_lines_to_a_calendar(site: Site) -> None:
    await site.book(services=())
    sly = {**SALON, "name": "A\r\nATTENDEE:mailto:x@example.com\nEND:VEVENT"}
    await tenants.put_salon(site.desk, site.business, "s1", sly)
    lines = (await site.ask(f"{await site.visit()}/visit.ics")).text.split("\r\n")
    assert not [line for line in lines if line.startswith("ATTENDEE")]
    assert lines.count("END:VEVENT") == 1
