"""Who comes back, on the console: rates, the lost one by one, new clients by month, and the file for a spreadsheet."""

from __future__ import annotations

import csv
import io

import pytest

from storage.records import Booking, Client, Master, Why
from storage.store import Changes, Put
from tests.console.room import DAY, HOSTILE, Room
from tests.support.pages import HOUR

ASKED = "visit_from=2026-08-01&visit_to=2026-09-30&return_from=2026-10-01&return_to=2026-11-20"


@pytest.fixture
async def autumn(room: Room) -> Room:
    """Thirty clients of Natalia's, of whom twelve came again, and three of somebody's with a hostile name, none again."""
    rows: list[Client | Booking | Master] = [Master(business="mriya", id="m9", salon="s1", name=HOSTILE)]
    for number in range(33):
        master = "m1" if number < 30 else "m9"
        rows.append(
            Client(business="mriya", id=f"x{number}", name=f"Клієнт {number}", marketing_consent=number % 2 == 0)
        )
        for days_ago in (80, *((30,) if number < 12 else ())):
            at = room.now - days_ago * DAY
            rows.append(
                Booking(
                    business="mriya",
                    id=f"{number}-{days_ago}",
                    salon="s1",
                    client=f"x{number}",
                    master=master,
                    starts_at=at,
                    ends_at=at + HOUR,
                    status="arrived",
                    created_at=at,
                    price=45000,
                    currency="UAH",
                )
            )
    await room.desk.store.commit(Changes(puts=tuple(Put(row) for row in rows)))
    await room.enter()
    return room


async def test_every_rate_stands_with_its_interval_and_too_few_are_not_judged(autumn: Room) -> None:
    page = await autumn.ask(f"retention?{ASKED}")
    assert page.status == 200
    assert "Наталія" in page.words
    assert "40 %" in page.words and "24,6–57,7 %" in page.words
    assert page.words.count("замало клієнтів, щоб судити") == 1
    assert HOSTILE in page.words


async def test_the_lost_of_a_group_are_listed_with_what_they_spent(autumn: Room) -> None:
    page = await autumn.ask(f"retention/lost?{ASKED}&by=master&key=m9")
    assert "Не повернулися: 3" in page.words
    assert "Клієнт 30" in page.words and "450" in page.words
    assert "Можна написати" not in page.words
    everybody = await autumn.ask(f"retention/lost?{ASKED}")
    assert "Не повернулися: 21" in everybody.words
    assert (await autumn.ask(f"retention/lost?{ASKED}&by=master&key=nobody")).words.count("Нікого.") == 1


async def test_the_report_is_a_file_in_which_no_name_is_a_formula(autumn: Room) -> None:
    answer = await autumn.ask(f"retention.csv?{ASKED}")
    rows = list(csv.reader(io.StringIO(answer.text.lstrip("\ufeff")), delimiter=";"))
    assert rows[0][:3] == ["key", "name", "clients"]
    assert [row[:3] for row in rows[2:]] == [["m1", "Наталія", "30"], ["m9", HOSTILE, "3"]]


async def test_periods_that_do_not_fit_are_said_to(autumn: Room) -> None:
    page = await autumn.ask("retention?visit_from=2026-09-30&visit_to=2026-09-01")
    assert page.status == 422
    assert "Періоди не узгоджуються" in page.words


async def test_without_periods_last_quarter_is_asked_about(autumn: Room) -> None:
    page = await autumn.ask("retention")
    assert 'value="2026-07-01"' in page.text and 'value="2026-09-30"' in page.text
    assert 'value="2026-10-01"' in page.text


async def test_reasons_are_counted_from_five_answers_up(autumn: Room) -> None:
    four = [
        Why(business="mriya", id=f"w{number}", salon="s1", master="m1", reason="price", month="2026-11")
        for number in range(4)
    ]
    await autumn.desk.store.commit(Changes(inserts=tuple(four)))
    heading = "Чому клієнти не приходять"
    page = await autumn.ask(f"retention?{ASKED}")
    assert heading in page.words and "Незручний час" not in page.words
    fifth = Why(business="mriya", id="w4", salon="s1", master="m1", reason="time", month="2026-10")
    await autumn.desk.store.commit(Changes(inserts=(fifth,)))
    page = await autumn.ask(f"retention?{ASKED}")
    told = page.words.partition(heading)[2].split()
    assert "Незручний час" in page.words
    assert " ".join(told).count("5 0 4 1 0 0") == 2, "all clients, and the one specialist"


async def test_a_master_sees_no_report(autumn: Room) -> None:
    await autumn.enter_as("master", salon="s1", master="m1")
    for path in ("retention", "retention/lost", "retention/overdue", "retention.csv"):
        assert (await autumn.ask(path)).status == 404
