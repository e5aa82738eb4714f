"""Clients and visits from a file on the console: shown first, stored when that is right."""

from __future__ import annotations

from aiohttp import FormData

from storage.records import Booking
from tests.console.forms import filled
from tests.console.room import Room
from tests.support.pages import Answer

TABLE = """Дата;Час;Клієнт;Телефон;Майстер;Послуги;Ціна
01.12.2026;15:00;<b>Ганна</b>;067 555 45 67;Наталія;Стрижка;450
02.12.2026;15:00;Хтось;12;Наталія;Стрижка;450
"""


async def upload(room: Room, content: str) -> Answer:
    page = await room.ask("import")
    data = FormData({"form": page.field("form"), "salon": "s1", "notify": "reminders"})
    data.add_field("upload", content.encode(), filename="book.csv", content_type="text/csv")
    return await room.ask("import", "POST", data=data)


async def stored(room: Room) -> list[Booking]:
    return await room.desk.store.find(Booking, {"business": "mriya"}, order=("starts_at", "id"))


async def test_a_file_is_shown_first_and_stored_once(room: Room) -> None:
    await room.enter()
    look = await upload(room, TABLE)
    assert "<b>Ганна</b>" in look.words and "<b>Ганна" not in look.text
    assert "Рядок 3" in look.words
    assert await stored(room) == []
    data = [*filled(look.text, "import"), ("do", "save")]
    for created in (1, 0):
        done = await room.ask("import", "POST", data=data)
        assert f"Нових: {created}" in done.words
        (visit,) = await stored(room)
        assert (visit.salon, visit.master, visit.price) == ("s1", "m1", 45_000)


async def test_what_is_no_table_or_too_large_is_refused(room: Room) -> None:
    await room.enter()
    for content in ("", "hello\nworld", TABLE + "x" * 150_000):
        assert (await upload(room, content)).status == 422
    form = (await room.ask("import")).field("form")
    assert (await room.ask("import", "POST", data={"form": form, "file": "%%%"})).status == 422
    assert (await room.ask("import", "POST", data={"file": "QQ=="})).status == 403


async def test_importing_is_the_owners(room: Room) -> None:
    await room.enter_as("administrator", salon="s1")
    assert (await room.ask("import")).status == 404
