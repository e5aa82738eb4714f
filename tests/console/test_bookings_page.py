"""Bookings on the console: a salon without any booking system works with it alone."""

from __future__ import annotations

import re
from typing import Any

import pytest

from handlers import tenants
from storage.records import Booking, Client, Message
from tests.console.forms import filled
from tests.console.room import CLIENTS, DAY, Room
from tests.support.pages import HOUR, NOON, Answer

AT = NOON + 27 * HOUR
"""Tomorrow at three: it is noon of the 26th, a Thursday."""


WRONG: tuple[dict[str, Any], ...] = (
    {"day": "31.12.2026"},
    {"time": "25:00"},
    {"place": "s1~stranger"},
    {"place": "nowhere~"},
    {"services": []},
    {"minutes": "-5"},
    {"minutes": "1e3"},
    {"price": "x"},
    {"price": "1.234"},
    {"client": "stranger"},
    {"client": "", "name": "Хтось", "phone": "12"},
    {"client": ""},
)


@pytest.fixture
async def salon(room: Room) -> Room:
    """The salon with priced services and a client or two, its owner signed in."""
    cut = {"name": "Стрижка", "duration": "PT45M", "price": 45_000, "currency": "UAH"}
    await tenants.put_service(room.desk, room.business, "haircut", cut)
    await tenants.put_service(
        room.desk, room.business, "brows", {"name": "Брови", "duration": "PT30M", "price": 20_050}
    )
    await room.book("b1", "c1", NOON - 40 * DAY)
    await room.book("b6", "c6", NOON - 40 * DAY)
    await room.enter()
    return room


async def act(room: Room, page: Answer, do: str, form: str = "record", **fields: str | list[str]) -> Answer:
    """Press the button ``do`` of the form on a page; the page that it leads to."""
    action = re.search(rf'action="/console/([^"]+)" class="{form}"', page.text)
    assert action is not None, page.words
    answer = await room.ask(action[1], "POST", data=[*filled(page.text, form, **fields), ("do", do)])
    return await room.ask(room.url + answer.headers["Location"]) if answer.status == 303 else answer


async def new(room: Room, do: str = "look", **fields: Any) -> Answer:
    """The form for a new booking, filled in and sent."""
    page = await room.ask("bookings/new", params={"day": "2026-11-27", "place": "s1~m1"})
    given = {"services": ["haircut"], "time": "15:00", **fields}
    return await act(room, page, do, **given)


async def booking(room: Room, id: str) -> Booking:
    found = await room.desk.store.get(Booking, "mriya", id)
    assert found is not None
    return found


async def coming(room: Room) -> list[Booking]:
    return await room.desk.store.find(Booking, {"business": "mriya", "status": "booked"}, order=("starts_at", "id"))


async def ahead(room: Room) -> list[Booking]:
    return [one for one in await coming(room) if one.starts_at > room.now]


async def test_what_the_client_will_hear_is_shown_before_anything_is_saved(salon: Room) -> None:
    before = await salon.desk.store.find(Message, {"business": "mriya"})
    look = await new(salon, q="олена коваль", client="c1")
    for part in (
        "Ще не збережено",
        "Олена Коваль",
        "15:00–15:45",
        "450",
        "Наталія",
        "Повідомлення про запис",
        "Нагадування",
    ):
        assert part in look.words
    assert await ahead(salon) == []
    assert await salon.desk.store.find(Message, {"business": "mriya"}) == before


async def test_a_booking_is_made_with_the_end_and_price_of_its_services(salon: Room) -> None:
    done = await act(salon, await new(salon, client="c1", q="", services=["haircut", "brows"]), "save", "settle")
    assert "Візит записано" in done.words
    (made,) = await ahead(salon)
    assert (made.client, made.master, made.salon, made.starts_at) == ("c1", "m1", "s1", AT)
    assert (made.ends_at - made.starts_at, made.price, made.currency) == (75 * 60_000, 65_050, "UAH")
    kinds = {row.kind for row in await salon.rows(made.id)}
    assert {"booking_created", "reminder"} <= kinds
    assert "Повідомлення про запис" in done.words


async def test_a_form_that_is_sent_twice_books_once(salon: Room) -> None:
    look = await new(salon, name="Нова Людина", phone="0671112299")
    assert "Нова Людина" in look.words
    await act(salon, look, "save", "settle")
    again = await act(salon, look, "save", "settle")
    assert "Візит записано" in again.words
    (made,) = await ahead(salon)
    clients = await salon.desk.store.find(Client, {"business": "mriya", "phone": "+380671112299"}, order=("phone",))
    assert [one.id for one in clients] == [made.client]
    assert len(await salon.rows(made.id, "booking_created")) == 1


async def test_a_client_is_found_by_the_digits_of_the_phone_and_among_several_one_is_chosen(salon: Room) -> None:
    several = await new(salon, q="олена ко")
    assert several.status == 422
    assert "Виберіть когось зі знайдених" in several.words
    assert 'value="c1"' in several.text and 'value="c6"' in several.text
    found = await new(salon, "find", q="931234567")
    assert ("client", "c6") in filled(found.text, "record")
    assert "Олена Ковальчук" in (await act(salon, found, "look")).words


async def test_a_client_who_is_known_is_not_made_a_second_time(salon: Room) -> None:
    answer = await new(salon, name="олена коваль", phone="067 123 45 67")
    assert answer.status == 422
    assert "уже є" in answer.words
    assert 'value="c1"' in answer.text


async def test_what_is_no_booking_is_refused_and_stays_in_the_form(salon: Room) -> None:
    for wrong in WRONG:
        answer = await new(salon, **{"client": "c1", "q": "", **wrong})
        assert answer.status == 422, wrong
        for name, value in wrong.items():
            if name in ("day", "time", "minutes", "price", "phone"):
                assert (name, value) in filled(answer.text, "record")
    assert await ahead(salon) == []


async def test_a_visit_is_moved_and_the_client_hears_of_it_as_was_shown(salon: Room) -> None:
    await salon.book("b9", "c1", AT, services=("haircut",), price=45_000)
    await salon.becomes("b9", "booking_created", status="sent", channel="telegram", sent_at=salon.now, held=False)
    page = await salon.ask("bookings/b9/change")
    look = await act(salon, page, "look", time="17:30")
    assert "Повідомлення про зміну" in look.words or "змін" in look.words
    assert "17:30" in look.words
    assert (await booking(salon, "b9")).starts_at == AT
    await act(salon, look, "save", "settle")
    moved = await booking(salon, "b9")
    assert (moved.starts_at, moved.ends_at, moved.price) == (AT + 150 * 60_000, AT + 195 * 60_000, 45_000)
    assert [row.status for row in await salon.rows("b9", "booking_changed")] == ["planned"]


async def test_a_form_that_is_saved_as_it_is_changes_nothing(salon: Room) -> None:
    kept = await salon.book("b9", "c1", AT, services=("haircut", "brows"), price=None, currency=None, ends_at=AT + HOUR)
    look = await act(salon, await salon.ask("bookings/b9/change"), "look")
    assert "не отримає" in look.words
    await act(salon, look, "save", "settle")
    assert await booking(salon, "b9") == kept


async def test_what_was_shown_is_shown_anew_when_the_visit_changed_meanwhile(salon: Room) -> None:
    await salon.book("b9", "c1", AT)
    look = await act(salon, await salon.ask("bookings/b9/change"), "look", time="17:00")
    await salon.book("b9", "c1", AT + HOUR)
    again = await act(salon, look, "save", "settle")
    assert "змінився" in again.words
    assert (await booking(salon, "b9")).starts_at == AT + HOUR
    await act(salon, again, "save", "settle")
    assert (await booking(salon, "b9")).starts_at == AT + 2 * HOUR


async def test_a_visit_is_cancelled_only_after_a_look_and_can_be_booked_again(salon: Room) -> None:
    await salon.book("b9", "c1", AT)
    await salon.becomes("b9", "booking_created", status="sent", channel="telegram", sent_at=salon.now, held=False)
    page = await salon.ask("bookings/b9")
    data = [*filled(page.text, "step")]
    look = await salon.ask("bookings/b9/cancelled", "POST", data=[*data, ("do", "look")])
    assert "Уже не піде" in look.words
    assert (await booking(salon, "b9")).status == "booked"
    done = await act(salon, look, "save", "settle")
    assert "Візит скасовано" in done.words
    assert (await booking(salon, "b9")).status == "cancelled"
    assert len(await salon.rows("b9", "booking_cancelled")) == 1
    look = await salon.ask("bookings/b9/booked", "POST", data=[*filled(done.text, "step"), ("do", "look")])
    await act(salon, look, "save", "settle")
    assert (await booking(salon, "b9")).status == "booked"


async def test_another_visit_of_the_master_at_that_time_is_pointed_out(salon: Room) -> None:
    await salon.book("b9", "c6", AT - HOUR // 4)
    look = await new(salon, client="c1", q="")
    assert "має інший візит" in look.words
    assert "Олена Ковальчук" in look.words
    await salon.book("b9", "c6", AT - HOUR)
    assert "має інший візит" not in (await new(salon, client="c1", q="")).words


async def test_day_and_week_show_each_visit_where_it_belongs(busy: Room) -> None:
    day = await busy.ask("bookings")
    assert {"Наталія", "Оксана", "Ірина"} <= set(re.findall(r"<h2[^>]*>([^<]*)</h2>", day.text))
    assert day.text.count('<li class="visit') == 5
    week = await busy.ask("bookings", params={"view": "week", "day": "2026-11-26"})
    assert week.text.count('<li class="visit') == 7
    assert week.text.count("<h2") == 7
    one = await busy.ask("bookings", params={"view": "week", "day": "2026-11-26", "master": "m3"})
    assert one.text.count('<li class="visit') == 1
    assert (await busy.ask("bookings", params={"day": "9999-99-99"})).words == day.words


async def test_a_master_sees_and_marks_the_own_visits_alone(busy: Room) -> None:
    busy.now = NOON + 10 * HOUR
    await busy.enter_as("master", salon="s1", master="m1")
    page = await busy.ask("bookings")
    assert page.text.count('<li class="visit') == 3
    assert "Новий запис" not in page.words
    for hidden in ("bookings/b2", "bookings/b6", "bookings/new", "bookings/b1/change"):
        assert (await busy.ask(hidden)).status == 404
    assert "+380" not in (await busy.ask("bookings/b1")).text
    step = filled((await busy.ask("bookings/b1")).text, "step")
    assert (await busy.ask("bookings/b1/cancelled", "POST", data=[*step, ("do", "save")])).status == 404
    assert (await busy.ask("bookings/b2/arrived", "POST", data=[*step, ("do", "save")])).status == 404
    look = await busy.ask("bookings/b1/arrived", "POST", data=[*step, ("do", "look")])
    await act(busy, look, "save", "settle")
    assert (await booking(busy, "b1")).status == "arrived"


async def test_an_administrator_books_in_the_own_salon_alone(salon: Room) -> None:
    await salon.book("b9", "c1", AT, salon="s2", master="m3")
    await salon.enter_as("administrator", salon="s1")
    assert (await salon.ask("bookings/b9")).status == 404
    assert (await salon.ask("bookings/b9/change")).status == 404
    refused = await new(salon, client="c1", q="", place="s2~m3")
    assert refused.status == 422
    assert "Візит записано" in (await act(salon, await new(salon, client="c1", q=""), "save", "settle")).words


async def test_bookings_and_clients_of_another_business_are_not_there(salon: Room) -> None:
    other = await tenants.put_business(salon.desk, "other", {"name": "Сусіди", "country": "UA"})
    mine, salon.business = salon.business, other.record
    await tenants.put_master(salon.desk, other.record, "m1", {"salon": "s1", "name": "Чужа"})
    await tenants.put_service(salon.desk, other.record, "haircut", {"name": "Стрижка"})
    await salon.book("theirs", "c2", AT)
    salon.business = mine
    form = filled((await salon.ask("bookings/new")).text, "record", services=["haircut"], client="c2", place="s1~m1")
    for path in ("bookings/theirs", "bookings/theirs/change"):
        assert (await salon.ask(path)).status == 404
    for path in ("bookings/theirs", "bookings/theirs/cancelled", "bookings/nothing"):
        answer = await salon.ask(path, "POST", data=[*form, ("revision", "1"), ("do", "save")])
        assert answer.status == 404, path
    assert (await salon.ask("bookings/" + "0" * 32, "POST", data=[*form, ("do", "save")])).status == 422
    theirs = await salon.desk.store.get(Booking, "other", "theirs")
    assert theirs is not None and theirs.status == "booked"


async def test_names_that_would_break_out_are_shown_as_they_are(salon: Room) -> None:
    hostile = CLIENTS["c4"]["name"]
    look = await new(salon, name=hostile)
    assert hostile in look.words
    done = await act(salon, look, "save", "settle")
    assert hostile in done.words
    assert "<script>alert" not in done.text
