"""The visit page: what it shows, what its buttons do, and what it never does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest

from handlers import bonuses, tenants, visits
from handlers.bonuses import Points
from handlers.erasure import erase_client
from storage.records import Client, Message
from tests.support.pages import HOUR, KYIV, NOTES, OLENA, START, Site, served


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with served(tmp_path) as opened:
        yield opened


async def staff_heard(site: Site) -> list[str]:
    rows = await site.desk.store.find(Message, {"business": "mriya"}, limit=1000)
    return sorted(row.kind for row in rows if row.staff_chat is not None and row.kind != "staff_booking_created")


async def test_the_page_says_what_when_where_and_with_whom(site: Site) -> None:
    await site.book(services=("haircut", "brows"))
    page = await site.ask(await site.visit())
    assert page.status == 200
    for words in (
        "пʼятниця, 27 листопада", "15:00", "Салон «Мрія»", "вул. Хрещатик, 10", "+380 44 123 4567", "Наталія",
        "Стрижка", "Брови", NOTES["uk"], "900,50 ₴", "Олена Коваль", "Підтвердьте, будь ласка, свій візит.",
    ):  # fmt: skip
        assert words in page.words
    assert 'href="tel:+380441234567"' in page.text
    assert 'href="https://salon.example/map"' in page.text


async def test_the_page_says_how_many_points_there_are_and_what_they_are_worth(site: Site) -> None:
    await site.book()
    assert "Бонуси" not in (await site.ask(await site.visit())).words
    client = await site.desk.store.get(Client, site.business.id, "c1")
    assert client is not None
    await bonuses.post(site.desk, site.business, client, Points(id="gift", amount=145, reason="gift"))
    page = await site.ask(await site.visit())
    assert "145 (145 ₴)" in page.words.replace("\u00a0", " ")


async def test_the_time_is_the_salons_and_not_the_machines(site: Site) -> None:
    await site.book(starts_at=int(datetime(2026, 11, 28, 0, 30, tzinfo=KYIV).timestamp()) * 1000)
    page = await site.ask(await site.visit())
    assert "субота, 28 листопада" in page.words
    assert 'datetime="2026-11-28T00:30:00+02:00"' in page.text


async def test_a_salon_without_a_map_is_sought_by_its_address(site: Site) -> None:
    await tenants.put_salon(site.desk, site.business, "s1", {"name": "Мрія", "address": "вул. Хрещатик, 10"})
    await site.book()
    assert "https://www.google.com/maps/search/?api=1&amp;query=%D0%9C" in (await site.ask(await site.visit())).text


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("uk", ["пʼятниця, 27 листопада", "Майстер", "Вартість", NOTES["uk"]]),
        ("tr", ["27 Kasım Cuma", "Uzman", "Ücret", NOTES["tr"]]),
        ("ru", ["пятница, 27 ноября", "Мастер", "Стоимость", NOTES["ru"]]),
        ("en", ["Friday, 27 November", "Specialist", "Price", NOTES["uk"]]),
    ],
)
async def test_the_language_can_be_switched_and_stays_through_the_forms(
    site: Site, language: str, words: list[str]
) -> None:
    await site.book(services=("brows",))
    path = await site.visit()
    page = await site.ask(f"{path}?lang={language}")
    assert f'<html lang="{language}">' in page.text
    for word in words:
        assert word in page.words
    assert f'action="/{path}?lang={language}"' in page.text
    done = await site.press(f"{path}?lang={language}", "confirm")
    assert done.headers["Location"] == f"/{path}?lang={language}"


async def test_the_page_speaks_the_clients_language_and_else_the_salons(site: Site) -> None:
    await site.book("b-1", "c1", person={**OLENA, "language": "tr"})
    await site.book("b-2", "c2", person={"name": "Ira", "language": None})
    assert '<html lang="tr">' in (await site.ask(await site.visit("b-1"))).text
    assert '<html lang="uk">' in (await site.ask(await site.visit("b-2"))).text
    assert '<html lang="tr">' in (await site.ask(await site.visit("b-1") + "?lang=xx")).text


async def test_a_press_confirms_the_visit_and_the_staff_hear_of_it(site: Site) -> None:
    await site.link_staff()
    await site.book()
    path = await site.visit()
    done = await site.press(path, "confirm")
    assert (done.status, done.headers["Location"]) == (303, f"/{path}")
    booking = await site.booking()
    assert (booking.status, booking.answer, booking.answer_channel) == ("confirmed", "confirmed", "page")
    assert await staff_heard(site) == ["staff_visit_confirmed"]
    page = await site.ask(path)
    assert "Дякуємо, візит підтверджено" in page.words
    assert 'value="confirm"' not in page.text


async def test_an_answer_on_the_page_sends_the_client_no_message_and_plans_anew(site: Site) -> None:
    await site.book()
    before = await site.desk.store.find(Message, {"business": "mriya", "booking": "b-1"}, limit=100)
    await site.press(await site.visit(), "confirm")
    after = await site.desk.store.find(Message, {"business": "mriya", "booking": "b-1"}, limit=100)
    assert {row.key for row in after} == {row.key for row in before}
    assert {row.revision for row in after if row.status == "planned"} == {2}
    asking = [
        row for row in after if row.status == "planned" and any(choice.verb == "confirm" for choice in row.choices)
    ]
    assert asking == []


async def test_asking_to_move_keeps_the_visit_and_tells_the_staff(site: Site) -> None:
    await site.link_staff()
    await site.book()
    path = await site.visit()
    await site.press(path, "move")
    booking = await site.booking()
    assert (booking.status, booking.answer) == ("booked", "move_requested")
    assert await staff_heard(site) == ["staff_move_requested"]
    page = await site.ask(path)
    assert "Ми передали ваше прохання адміністратору." in page.words
    assert "пʼятниця, 27 листопада, 15:00" in page.words
    assert "https://salon.example/book" in page.text


async def test_without_a_staff_chat_nobody_is_said_to_have_been_told(site: Site) -> None:
    await site.book(person={**OLENA, "language": "en"})
    path = await site.visit()
    await site.press(path, "move")
    page = await site.ask(path)
    assert "We've noted that you'd like to reschedule." in page.words
    assert "receptionist" not in page.words


async def test_cancelling_is_asked_once_more_and_nothing_happens_before(site: Site) -> None:
    await site.link_staff()
    await site.book()
    path = await site.visit()
    question = await site.ask(f"{path}/cancel")
    assert "Скасувати запис?" in question.words
    assert (await site.booking()).status == "booked"
    await site.press(path, "cancel_yes", page=question)
    booking = await site.booking()
    assert (booking.status, booking.cancelled_by, booking.answer) == ("cancelled", "client", "declined")
    assert await staff_heard(site) == ["staff_visit_declined"]
    assert "Запис скасовано. Дякуємо, що попередили!" in (await site.ask(path)).words
    again = await site.ask(f"{path}/cancel")
    assert "Скасувати запис?" not in again.words


@pytest.mark.parametrize("button", ["confirm", "move", "cancel_yes"])
async def test_a_form_that_is_sent_twice_counts_once(site: Site, button: str) -> None:
    await site.link_staff()
    await site.book()
    path = await site.visit()
    seen = await site.ask(path)
    first, second = await site.press(path, button, page=seen), await site.press(path, button, page=seen)
    assert (first.status, second.status) == (303, 303)
    assert (await site.booking()).revision == 2
    assert len(await staff_heard(site)) == 1


async def test_a_form_from_before_a_move_changes_nothing_and_shows_the_new_time(site: Site) -> None:
    await site.book()
    path = await site.visit()
    old = await site.ask(path)
    await site.book(starts_at=START + 3 * HOUR)
    answer = await site.press(path, "confirm", page=old)
    assert answer.status == 409
    assert "18:00" in answer.words
    assert "Цей запис уже змінено. Тепер він такий:" in answer.words
    assert (await site.booking()).answer is None
    assert (await site.press(path, "confirm", page=answer)).status == 303
    assert (await site.booking()).answer == "confirmed"


async def test_a_form_for_what_the_salon_cancelled_meanwhile_changes_nothing(site: Site) -> None:
    await site.book()
    path = await site.visit()
    old = await site.ask(path)
    await site.book(status="cancelled")
    assert (await site.press(path, "confirm", page=old)).status == 303
    booking = await site.booking()
    assert (booking.status, booking.answer) == ("cancelled", None)
    page = await site.ask(path)
    assert "ми змушені скасувати ваш запис" in page.words
    assert "https://salon.example/book" in page.text
    assert 'value="confirm"' not in page.text


async def test_a_visit_that_has_begun_can_only_be_looked_at(site: Site) -> None:
    await site.book()
    path = await site.visit()
    old = await site.ask(path)
    site.now = START
    page = await site.ask(path)
    assert "Цей візит уже минув." in page.words
    assert 'value="confirm"' not in page.text
    await site.press(path, "cancel_yes", page=old)
    assert (await site.booking()).status == "booked"


async def test_two_presses_at_once_make_one_change(site: Site) -> None:
    await site.link_staff()
    await site.book()
    path = await site.visit()
    seen = await site.ask(path)
    await asyncio.gather(*(site.press(path, "confirm", page=seen) for _ in range(8)))
    assert (await site.booking()).revision == 2
    assert len(await staff_heard(site)) == 1


async def test_whoever_had_the_booking_before_opens_nothing_any_more(site: Site) -> None:
    await site.book()
    old = await site.visit()
    await site.book(client="c2", person={"name": "Ірина", "phone": "+380501112233"})
    assert (await site.ask(old)).status == 404
    assert (await site.ask(f"{old}/visit.ics")).status == 404
    new = await site.visit()
    assert new != old
    assert "Ірина" in (await site.ask(new)).words


async def test_a_booking_that_is_taken_up_again_opens_by_the_old_link_too(site: Site) -> None:
    await site.book()
    old = await site.visit()
    await site.book(status="cancelled")
    await site.book(reopen=True)
    assert (await site.ask(old)).status == 200
    assert (await site.ask(await site.visit())).status == 200


async def test_the_link_of_an_erased_person_opens_nothing_and_leaves_no_row(site: Site) -> None:
    await site.book()
    path = await site.visit()
    await erase_client(site.desk, "mriya", "c1")
    assert (await site.ask(path)).status == 404
    assert not [row for row in site.rows()["page_link"] if "c1" in row]


async def test_a_link_of_one_business_says_nothing_of_another(site: Site) -> None:
    """Both have a booking b-1 of a client c1; each link shows its own."""
    await site.book()
    other = (await tenants.put_business(site.desk, "other", {"name": "Інший"})).record
    await tenants.put_salon(site.desk, other, "s1", {"name": "Інший салон"})
    wanted = visits.Wanted(salon="s1", client_id="c1", client_fields={"name": "Чужа"}, starts_at=START)
    foreign = (await visits.put_booking(site.desk, other, "b-1", wanted)).booking
    page = await site.ask(f"v/{site.desk.links.visit_token(foreign)}")
    assert "Чужа" in page.words
    assert "Олена" not in page.words
    await site.press(f"v/{site.desk.links.visit_token(foreign)}", "confirm")
    assert (await site.booking()).answer is None


async def test_without_a_public_address_no_links_are_made(tmp_path: Path) -> None:
    async with served(tmp_path) as site:
        site.desk.links.public_url = None
        booking = await site.book()
        assert site.desk.links.visit(booking) is None
        assert [row for row in site.rows()["page_link"] if "visit" in row] == []


async def test_under_a_path_of_a_proxy_every_address_begins_with_it(tmp_path: Path) -> None:
    async with served(tmp_path, public="https://salon.example/vizit") as site:
        booking = await site.book()
        path = await site.visit()
        assert site.desk.links.visit(booking) == f"https://salon.example/vizit/{path}"
        page = await site.ask(path)
        assert f'action="/vizit/{path}"' in page.text
        assert 'href="/vizit/pages/page.' in page.text
        assert (await site.press(path, "confirm", page=page)).headers["Location"] == f"/vizit/{path}"


async def a_family(site: Site) -> str:
    """Olena and her daughter come on one day; somebody else too. Gives the path of Olena's page."""
    await site.book()
    await site.book("b-2", "c2", starts_at=START + HOUR // 2, person={**OLENA, "name": "Мія", "first_name": None})
    await site.book("b-3", "c3", starts_at=START + HOUR, person={"name": "Ірина", "phone": "+380671230000"})
    await site.book("b-4", "c2", starts_at=START + 24 * HOUR, person={})
    return await site.visit()


async def test_the_other_visits_of_the_phone_on_that_day_are_one_tap_away(site: Site) -> None:
    page = await site.ask(await a_family(site))
    assert "15:30, Мія, Стрижка ще не підтверджено" in page.words
    assert f'href="/{await site.visit("b-2")}"' in page.text
    assert "Ірина" not in page.words
    assert await site.visit("b-4") not in page.text


async def test_one_press_confirms_all_visits_that_the_page_shows(site: Site) -> None:
    path = await a_family(site)
    assert (await site.press(path, "confirm_all")).status == 303
    assert [(await site.booking(id)).status for id in ("b-1", "b-2", "b-3", "b-4")] == [
        "confirmed", "confirmed", "booked", "booked",
    ]  # fmt: skip
    assert 'value="confirm_all"' not in (await site.ask(path)).text


async def test_a_visit_that_moved_since_is_not_confirmed_with_the_others(site: Site) -> None:
    path = await a_family(site)
    page = await site.ask(path)
    await site.book("b-2", "c2", starts_at=START + 2 * HOUR, person={})
    await site.press(path, "confirm_all", page=page)
    assert [(await site.booking(id)).status for id in ("b-1", "b-2")] == ["confirmed", "booked"]


async def test_a_form_that_names_the_visit_of_a_stranger_confirms_nothing_of_it(site: Site) -> None:
    path = await a_family(site)
    page = await site.ask(path)
    forged = {"form": page.field("form"), "do": "confirm_all", "visit": "9:b-3"}
    assert (await site.ask(path, "POST", data=forged)).status == 303
    assert (await site.booking("b-3")).status == "booked"
