"""Messages on the console: figures, search, reasons in words, sending again, by hand, and the file for a spreadsheet."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import pytest

from bot import tables
from handlers.wording_reasons import in_words
from storage.records import Message
from storage.store import Changes, Put
from tests.console.room import DAY, HOSTILE, Room
from tests.store_contract.samples import message
from tests.support.pages import HOUR, NOON

WEEK = "since=2026-11-20&until=2026-11-29"


async def add(room: Room, number: int, **fields: Any) -> list[Message]:
    """So many messages more to Olena, an hour old, of the business's own."""
    given = {"business": "mriya", "client": "c1", "salon": "s1", "day": "2026-11-26", "kind": "campaign", **fields}
    given = {"due_at": room.now - HOUR, "not_after": room.now + DAY, "channel": "telegram", "status": "sent", **given}
    rows = [message(**given) for _ in range(number)]
    await room.desk.store.commit(Changes(puts=tuple(Put(row) for row in rows)))
    return rows


def counts(words: str, state: str) -> list[int]:
    """The numbers behind a state in the table."""
    found = re.search(rf"{state}((?: \d+)+)", words)
    assert found is not None
    return [int(n) for n in found[1].split()]


async def test_the_table_counts_the_five_words_by_channel(room: Room) -> None:
    await room.enter()
    await add(room, 3)
    await add(room, 2, channel="sms", status="failed", error_code="30005")
    await add(room, 1, channel="sms", status="sent", sent_at=room.now - HOUR)
    await add(room, 1, channel="sms", status="sent", sent_at=room.now - 2 * DAY)
    words = (await room.ask(f"messages?{WEEK}")).words
    assert "Telegram SMS Разом" in words
    assert counts(words, " Доставлено") == [3, 0, 3]
    assert counts(words, "Не доставлено") == [0, 3, 3]
    assert counts(words, "В очікуванні") == [0, 1, 1]
    assert counts(words, "Скасовано") == [0, 0, 0]
    assert counts(words, "Скасовано 0 0 0 Разом") == [3, 4, 7]
    assert f"{in_words('30005', 'uk')} 2" in words
    assert f"{in_words('no_receipt', 'uk')} 1" in words


async def test_the_picture_has_a_bar_for_every_day_and_a_part_for_every_channel(room: Room) -> None:
    await room.enter()
    await add(room, 3)
    await add(room, 1, channel="sms")
    await add(room, 2, day="2026-11-24")
    page = (await room.ask("messages?since=2026-11-23&until=2026-11-26")).text
    bars = re.findall(r'<svg viewBox="0 0 1000 10".*?</svg>', page)
    assert len(bars) == 4
    assert [re.findall(r'x="(\d+)" width="(\d+)" height="10" class="bar-(\w+)"', bar) for bar in bars] == [
        [],
        [("0", "500", "telegram")],
        [],
        [("0", "750", "telegram"), ("750", "250", "sms")],
    ]


async def test_messages_are_found_by_phone_and_by_name(busy: Room) -> None:
    for typed in ("+905321234567", "Ayşe"):
        words = (await busy.ask("messages", params={"q": typed})).words
        assert "Ayşe Yılmaz" in words
        assert "Олена" not in words
    assert "Тут немає повідомлень." in (await busy.ask("messages", params={"q": "Нема Такої"})).words


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("state=not_delivered", {"c3"}),
        ("state=dead", {"c3"}),
        ("state=delivered&kind=booking_created", {"c1", "c2", "c4"}),
        ("state=delivered&channel=whatsapp", {"c2", "c4"}),
        ("kind=reminder&state=processing&q=Шевченко", {"c5"}),
        ("state=nonsense&channel=sms&kind=booking_created", {"c3"}),
    ],
)
async def test_filters_leave_what_is_asked_for(busy: Room, query: str, shown: set[str]) -> None:
    page = (await busy.ask(f"messages?{WEEK}&{query}")).text
    assert set(re.findall(r'class="name" href="/console/clients/(\w+)"', page)) == shown


async def test_a_long_list_comes_in_parts_and_nothing_is_left_out(room: Room) -> None:
    await room.enter()
    rows = await add(room, 120)
    seen: list[str] = []
    path = f"messages?{WEEK}"
    while path:
        page = (await room.ask(path)).text
        seen += re.findall(r'<a href="/console/messages/(\w{32})">', page)
        further = re.search(r'href="/console/(messages\?[^"]*after=[^"]*)"', page)
        path = further[1].replace("&amp;", "&") if further else ""
    assert len(seen) == 120
    assert set(seen) == {row.id for row in rows}


@pytest.mark.parametrize(
    "query", ["since=never", "since=9999-99-99", "after=x:y", "after=1", "kind=%00", "q=%F0%9F%98%80"]
)
async def test_what_makes_no_sense_in_the_address_does_no_harm(busy: Room, query: str) -> None:
    assert (await busy.ask(f"messages?{query}")).status == 200


# One message


async def test_a_message_says_why_it_did_not_arrive_and_can_be_sent_again(busy: Room) -> None:
    (failed, *_) = await busy.rows("b3", "booking_created")
    page = await busy.ask(f"messages/{failed.id}")
    for said in ("Не доставлено", in_words("30005", "uk"), "30005", "Вы записаны", "Ирина Соколова"):
        assert said in page.words
    done = await busy.post(f"messages/{failed.id}/again", on=f"messages/{failed.id}")
    assert "ще раз" in done.words
    again = [row for row in await busy.rows("b3", "booking_created") if row.id != failed.id]
    assert [row.status for row in again] == ["planned"]


async def test_what_arrived_is_not_sent_again(busy: Room) -> None:
    (read, *_) = await busy.rows("b2", "booking_created")
    assert f"{read.id}/again" not in (await busy.ask(f"messages/{read.id}")).text
    await busy.post(f"messages/{read.id}/again")
    assert len(await busy.rows("b2", "booking_created")) == 1


async def test_an_administrator_can_neither_see_nor_resend_what_is_another_salons(busy: Room) -> None:
    (failed, *_) = await busy.rows("b3", "booking_created")
    await busy.enter_as("administrator", salon="s2")
    assert (await busy.ask(f"messages/{failed.id}")).status == 404
    assert (await busy.post(f"messages/{failed.id}/again", follow=False)).status == 404
    assert "Ирина" not in (await busy.ask(f"messages?{WEEK}")).words
    assert "Ирина" not in (await busy.ask(f"messages.csv?{WEEK}&salon=s1")).text


# By hand


async def held(room: Room) -> Message:
    """A message that waits for a person."""
    (row,) = await add(
        room, 1, status="planned", held=True, channel="manual", text="Чекаємо вас!", not_after=NOON + 9 * DAY
    )
    return row


async def test_a_message_for_the_hand_is_shown_with_its_text_and_marked_as_sent(busy: Room) -> None:
    row = await held(busy)
    page = await busy.ask("manual")
    assert "Чекаємо вас!" in page.words
    assert "https://wa.me/380671234567?text=" in page.text
    await busy.post(f"manual/{row.id}", on="manual", do="hand_sent")
    stored = await busy.desk.store.get(Message, "mriya", row.id)
    assert stored is not None
    assert (stored.status, stored.held, stored.params["by"]) == ("sent", False, "Мрія")
    assert "Чекаємо вас!" not in (await busy.ask("manual")).words


@pytest.mark.parametrize(
    ("verb", "status"), [("hand_skip", "cancelled"), ("hand_hour", "planned"), ("hand_tomorrow", "planned")]
)
async def test_it_can_be_left_out_or_put_off(busy: Room, verb: str, status: str) -> None:
    row = await held(busy)
    await busy.post(f"manual/{row.id}", on="manual", do=verb)
    stored = await busy.desk.store.get(Message, "mriya", row.id)
    assert stored is not None
    assert stored.status == status
    assert (stored.next_at > busy.now) == (status == "planned")


async def test_what_somebody_else_did_meanwhile_is_not_done_twice(busy: Room) -> None:
    row = await held(busy)
    await busy.post(f"manual/{row.id}", on="manual", do="hand_sent")
    assert "хтось" in (await busy.post(f"manual/{row.id}", do="hand_skip")).words
    stored = await busy.desk.store.get(Message, "mriya", row.id)
    assert stored is not None
    assert stored.status == "sent"


@pytest.mark.parametrize("verb", ["", "confirm", "hand"])
async def test_only_what_the_buttons_say_can_be_done(busy: Room, verb: str) -> None:
    row = await held(busy)
    assert (await busy.post(f"manual/{row.id}", on="manual", do=verb)).status == 404


# The file


async def test_the_file_holds_every_message_and_no_formula(busy: Room) -> None:
    await add(busy, 1500)
    answer = await busy.ask(f"messages.csv?{WEEK}")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="messages.csv"'
    assert answer.text.startswith("\ufeff")
    head, *rows = csv.reader(io.StringIO(answer.text[1:]), delimiter=";")
    assert len({len(row) for row in (head, *rows)}) == 1
    assert len(rows) > 1500
    names = {row[2] for row in rows}
    assert HOSTILE in names
    assert {row[3] for row in rows if row[2] == HOSTILE} == {"'+380671112233"}


@pytest.mark.parametrize(
    "cell", ["=1+1", "+380", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\0=1", "＝1", "=cmd|' /C calc'!A0"]
)
def test_a_cell_that_could_be_a_formula_is_shown_as_it_is(cell: str) -> None:
    assert tables.safe(cell) == f"'{cell}".replace("\0", "")
    (row,) = csv.reader(io.StringIO(tables.lines([[cell, "a;b", 'c"d']], "uk").decode(), newline=""), delimiter=";")
    assert row == [f"'{cell}".replace("\0", ""), "a;b", 'c"d']


@pytest.mark.parametrize("cell", ["Олена", "1-2", "a=b", "", "О'Ліна", HOSTILE])
def test_other_cells_stay_as_they_are(cell: str) -> None:
    assert tables.safe(cell) == cell
