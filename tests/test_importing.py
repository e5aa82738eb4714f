"""Clients and visits from tables: what is understood, what a preview tells, and what becomes of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from handlers import import_cells as cells
from handlers.import_cells import Unread
from handlers.import_columns import COLUMNS, STATUSES, folded
from handlers.import_tables import NO_COLUMNS, NO_ROWS, Unusable, read_table
from handlers.importing import Done, Notify, Prepared, carry_out, prepare
from handlers.turn import Desk, Links
from storage.opening import open_store
from storage.records import Booking, Business, Client, Consent, Master, Message, PageLink, Salon, Service, StaffChat
from storage.store import Changes, Store

KYIV = ZoneInfo("Europe/Kyiv")
NOW = 1_795_950_000_000
"""2026-11-29, one in the afternoon in Kyiv."""
BUSINESS = Business(business="b", id="b", name="Мрія", country="UA", created_at=NOW)
SALON = Salon(business="b", id="s1", name="Салон «Мрія»")
VISITS = """Дата;Час;Клієнт;Телефон;Майстер;Послуги;Ціна;Статус
01.12.2026;15:00;Олена Коваль;067 123 45 67;Оксана;Стрижка; 450,00
15.10.2026;10:30;Олена К.;+380671234567;Оксана;Стрижка, Фарбування;1 200 грн;Завершено
16.10.2026;11:00;Іра;0501112233;Юлія;;;Не прийшла
"""


def at(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=KYIV).timestamp() * 1000)


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    opened = await open_store("sqlite:///:memory:")
    opened.clock = lambda: NOW  # type: ignore[method-assign]
    await opened.commit(Changes(inserts=(BUSINESS, SALON)))
    yield opened
    await opened.close()


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store, store.clock, Links("https://vizit.example", b"k" * 32), frozenset({"sms", "manual"}))


async def brought(desk: Desk, text: str, notify: Notify = "reminders") -> tuple[Prepared, Done]:
    prepared = await prepare(desk, BUSINESS, read_table(text.encode()), notify=notify)
    return prepared, await carry_out(desk, BUSINESS, prepared)


def told(prepared: Prepared) -> list[str]:
    return [f"{row.line} {row.column}: {row.in_words()}" for row in prepared.rejected]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251", "utf-16"])
def test_ukrainian_tables_are_read_in_every_encoding_that_spreadsheets_write(encoding: str) -> None:
    table = read_table(VISITS.encode(encoding))
    assert (table.header[2], table.delimiter, len(table.rows)) == ("Клієнт", ";", 3)


@pytest.mark.parametrize("encoding", ["utf-8", "cp1254"])
def test_turkish_tables_are_read_in_every_encoding_that_spreadsheets_write(encoding: str) -> None:
    text = "Müşteri,Cep Telefonu,Tarih,Saat,Çalışan\nŞükran Öğüş,05321234567,01.12.2026,09.30,İnci\n"
    table = read_table(text.encode(encoding))
    assert (table.rows[0].cells[0], table.delimiter) == ("Şükran Öğüş", ",")
    assert set(table.places) == {"name", "phone", "date", "time", "master"}


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_cells_may_be_separated_in_three_ways_and_quoted(delimiter: str) -> None:
    row = delimiter.join(('"Коваль, Олена; \t""О."""', "0671234567"))
    table = read_table(f"name{delimiter}phone\r\n\r\n{row}\r\n".encode())
    assert table.rows[0].cells[0] == 'Коваль, Олена; \t"О."'
    assert table.rows[0].line == 3


def test_the_line_by_which_a_spreadsheet_tells_its_separator_is_understood() -> None:
    table = read_table("sep=;\r\nІм'я;Телефон\r\nОлена;0671234567\r\n".encode())
    assert (table.rows[0].line, table.rows[0].cells) == (3, ("Олена", "0671234567"))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", NO_COLUMNS),
        (b"\xff\xfe\x00", "this is no table"),
        ("Олена;0671234567\n".encode(), NO_COLUMNS),
        (b"name,phone\n", NO_ROWS),
        (b"phone,mobile\n1,2\n", "two columns"),
    ],
)
def test_a_file_that_is_no_table_is_refused_with_what_to_do(content: bytes, why: str) -> None:
    with pytest.raises(Unusable, match=why):
        read_table(content)


def test_no_name_of_a_column_and_no_state_means_two_things() -> None:
    for table in (COLUMNS, STATUSES):
        names = [folded(name) for words in table.values() for name in words.split(";")]
        twice = {name for name in names if names.count(name) > 1}
        # Said alike in Ukrainian and in Russian of one and the same thing.
        assert all(
            sum(name in {folded(w) for w in words.split(";")} for words in table.values()) == 1 for name in twice
        )
        assert "" not in names


@pytest.mark.parametrize(
    ("text", "clock", "moment"),
    [
        ("27.11.2026", "15:00", "2026-11-27T15:00"),
        ("27/11/2026 15:00", None, "2026-11-27T15:00"),
        ("27-11-26", "9.30", "2026-11-27T09:30"),
        ("2026-11-27 15:00:00", None, "2026-11-27T15:00"),
        ("2026-11-27T15:00", None, "2026-11-27T15:00"),
        ("27.11.2026 00:00:00", "15:00:00", "2026-11-27T15:00"),
        ("27 листопада 2026, 15:00", None, "2026-11-27T15:00"),
        ("27 Kasım 2026", "15:00", "2026-11-27T15:00"),
        ("27 ноября 2026", "3:00 PM", "2026-11-27T15:00"),
        ("27 November 2026 at 15:00", None, "2026-11-27T15:00"),
        ("2026-11-27T13:00:00Z", None, "2026-11-27T15:00"),
        ("28.03.2027 03:30", None, "2027-03-28T04:30"),
    ],
)
def test_moments_are_read_as_people_and_spreadsheets_write_them(text: str, clock: str | None, moment: str) -> None:
    assert cells.moment(text, clock, KYIV) == at(moment)


@pytest.mark.parametrize(
    "text", ["11/27/2026", "31.02.2026", "tomorrow", "27.11.1026", "27.11.2026 25:00", "27.11.2026"]
)
def test_a_moment_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(Unread):
        cells.moment(text, None, KYIV)


@pytest.mark.parametrize(
    ("text", "amount", "currency"),
    [
        ("450", 45000, None),
        ("450,5", 45050, None),
        ("1 200,00 грн", 120000, "UAH"),
        ("1.200,50 TL", 120050, "TRY"),
        ("1,200.50", 120050, None),
        ("₺450", 45000, "TRY"),
        ("1\xa0200 ₽", 120000, "RUB"),
    ],
)
def test_money_is_read_with_its_currency(text: str, amount: int, currency: str | None) -> None:
    assert cells.money(text) == (amount, currency)


@pytest.mark.parametrize("text", ["free", "-5", "450 zł", "1.2.3.4,5,6"])
def test_money_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(Unread):
        cells.money(text)


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("90", 90), ("1:30", 90), ("PT1H30M", 90), ("1 год 30 хв", 90), ("45 dk", 45), ("2 часа", 120)],
)
def test_lengths_of_time_are_read(text: str, minutes: int) -> None:
    assert cells.lasting(text) == minutes * 60_000


@pytest.mark.parametrize(
    ("text", "day"),
    [("14.03.1990", "1990-03-14"), ("1990-03-14", "1990-03-14"), ("14.03.90", "1990-03-14"), ("14.03", "--03-14")],
)
def test_birthdays_are_read_with_and_without_a_year(text: str, day: str) -> None:
    assert cells.birthday(text) == day


def test_a_visit_ends_at_a_time_of_its_day_or_past_midnight() -> None:
    start = at("2026-11-27T22:00")
    assert cells.end("23:30", start, KYIV) == at("2026-11-27T23:30")
    assert cells.end("00:30", start, KYIV) == at("2026-11-28T00:30")
    assert cells.end("28.11.2026 01:00", start, KYIV) == at("2026-11-28T01:00")


def test_words_are_known_in_every_language_and_however_they_are_written() -> None:
    assert [cells.status(word) for word in ("Завершено", "İPTAL", "Не  пришёл", "Onaylandı")] == [
        *("arrived", "cancelled", "no_show", "confirmed"),
    ]
    assert [cells.answer(word) for word in ("Так", "HAYIR", "+", "нет")] == [True, False, True, False]
    assert [cells.language(word) for word in ("Українська", "TR", "ua")] == ["uk", "tr", "uk"]


async def test_visits_arrive_with_their_clients_masters_and_services(desk: Desk, store: Store) -> None:
    prepared, done = await brought(desk, VISITS)
    assert (prepared.rejected, prepared.ahead, done.created) == ([], 1, 3)
    assert {one.name for one in prepared.masters.values()} == {"Оксана", "Юлія"}
    assert {one.name for one in await store.find(Service, {"business": "b"})} == {"Стрижка", "Фарбування"}
    assert {one.salon for one in await store.find(Master, {"business": "b"})} == {"s1"}
    clients = {client.phone: client.name for client in await store.find(Client, {"business": "b"})}
    assert clients == {"+380671234567": "Олена Коваль", "+380501112233": "Іра"}
    visits = await store.find(Booking, {"business": "b"}, order=("starts_at", "id"))
    assert [(one.starts_at, one.status, one.price, len(one.services)) for one in visits] == [
        (at("2026-10-15T10:30"), "arrived", 120000, 2),
        (at("2026-10-16T11:00"), "no_show", None, 0),
        (at("2026-12-01T15:00"), "booked", 45000, 1),
    ]


async def test_the_same_file_again_changes_nothing(desk: Desk, store: Store) -> None:
    await brought(desk, VISITS)
    before = [await store.find(kind, {"business": "b"}) for kind in (Booking, Client, Master, Service, Message)]
    _, done = await brought(desk, VISITS)
    assert (done.created, done.changed, done.unchanged) == (0, 0, 3)
    assert [await store.find(kind, {"business": "b"}) for kind in (Booking, Client, Master, Service, Message)] == before


async def planned(store: Store) -> set[str]:
    return {row.kind for row in await store.find(Message, {"business": "b"}, limit=100) if row.status == "planned"}


@pytest.mark.parametrize(
    ("notify", "kinds"), [("reminders", {"reminder"}), ("all", {"booking_created", "reminder"}), ("none", set())]
)
async def test_who_hears_of_visits_to_come_is_for_the_owner_to_say(
    desk: Desk, store: Store, notify: Notify, kinds: set[str]
) -> None:
    await brought(desk, "Телефон;Імя;Початок\n0671234567;Олена;04.12.2026 15:00\n", notify)
    assert await planned(store) == kinds


async def test_visits_that_were_booked_before_messages_were_switched_on_get_their_reminders_too(
    desk: Desk, store: Store
) -> None:
    text = "Телефон;Імя;Початок;Створено\n0671234567;Олена;04.12.2026 15:00;01.10.2026\n"
    await brought(desk, text)
    assert await planned(store) == {"reminder"}


async def test_history_tells_nobody_and_leaves_no_rows_behind(desk: Desk, store: Store) -> None:
    chat = StaffChat(business="b", id="g", chat="-1", linked_at=1)
    await store.commit(Changes(inserts=(chat,)))
    _, done = await brought(desk, "Телефон;Імя;Початок\n0671234567;Олена;04.10.2026 15:00\n")
    assert done.created == 1
    assert await store.count(Message, {}) == {(): 0}
    assert {link.purpose for link in await store.find(PageLink, {}, order=("business", "id"))} == {"settings"}


async def test_staff_do_not_hear_of_visits_that_are_brought_along(desk: Desk, store: Store) -> None:
    chat = StaffChat(business="b", id="g", chat="-1", linked_at=1)
    await store.commit(Changes(inserts=(chat,)))
    await brought(desk, "Телефон;Імя;Початок\n0671234567;Олена;04.12.2026 15:00\n")
    assert await store.find(Message, {"business": "b", "staff_chat": "g"}) == []


async def test_a_table_without_states_takes_past_visits_for_kept_ones(desk: Desk, store: Store) -> None:
    prepared, _ = await brought(desk, "Телефон;Імя;Початок\n0671234567;Олена;04.10.2026 15:00\n")
    assert prepared.assumed_arrived
    (visit,) = await store.find(Booking, {"business": "b"})
    assert (visit.status, visit.created_at) == ("arrived", visit.starts_at)


async def test_every_row_that_is_not_taken_names_its_line_its_column_and_what_to_do(desk: Desk) -> None:
    text = (
        "Телефон;Ім'я;Дата;Час;Ціна;Статус;Салон\n"
        "0671234567;Олена;32.13.2026;15:00;;;\n"
        "3,80671E+11;Олена;01.12.2026;15:00;;;\n"
        "0671234567;Олена;01.12.2026;;;;\n"
        "0671234567;Олена;01.12.2026;15:00;багато;;\n"
        "0671234567;Олена;01.12.2026;15:00;;хтозна;\n"
        "0671234567;Олена;01.12.2026;15:00;;;Інший\n"
        ";Олена;01.12.2026;15:00;;;\n"
        "0681234567;;01.12.2026;15:00;;;\n"
        "0671234567;Олена;01.12.2026;15:00;;;;зайве\n"
    )
    prepared, done = await brought(desk, text)
    assert done.created == 0
    assert told(prepared) == [
        "2 Дата: is no date: write it like 27.11.2026 or 2026-11-27",
        "3 Телефон: was spoilt by the spreadsheet: format the column as text and export it again",
        "4 Дата: says no time of day: write it like 27.11.2026 15:00, or add a column for it",
        "5 Ціна: is no amount of money: write it like 450.00",
        "6 Статус: is not understood: write one of these: booked, confirmed, arrived, no_show, cancelled",
        "7 Салон: does not say which salon: write one of these: Салон «Мрія»",
        "8 Телефон: is empty: give a phone, or the client's id",
        "9 Ім'я: is empty: a new client needs a name",
        "10 : more cells than columns: put a text that holds the separator in quotes",
    ]


async def test_a_row_told_twice_counts_once_and_one_told_otherwise_is_not_taken(desk: Desk) -> None:
    row = "0671234567;Олена;04.12.2026 15:00;450\n"
    prepared, done = await brought(desk, "Телефон;Імя;Початок;Ціна\n" + row + row + row.replace("450", "500"))
    assert (done.created, prepared.repeated) == (1, 1)
    assert told(prepared) == ["4 : the same visit as in line 2, told otherwise: give each visit an id of its own"]


async def test_a_visit_with_an_id_of_its_own_may_move(desk: Desk, store: Store) -> None:
    await brought(desk, "ID запису;Телефон;Імя;Початок\nb-1;0671234567;Олена;04.12.2026 15:00\n")
    _, done = await brought(desk, "ID запису;Телефон;Імя;Початок\nb-1;0671234567;Олена;05.12.2026 15:00\n")
    assert done.changed == 1
    (visit,) = await store.find(Booking, {"business": "b"})
    assert (visit.id, visit.starts_at) == ("b-1", at("2026-12-05T15:00"))


async def test_a_client_who_is_known_by_the_phone_stays_as_known(desk: Desk, store: Store) -> None:
    known = Client(business="b", id="c1", name="Олена Коваль", phone="+380671234567", revision=1)
    await store.commit(Changes(inserts=(known,)))
    await brought(desk, "Телефон;Імя;Початок\n0671234567;Лєна;04.12.2026 15:00\n")
    assert await store.find(Client, {"business": "b"}) == [known]
    (visit,) = await store.find(Booking, {"business": "b"})
    assert visit.client == "c1"


async def test_clients_come_with_birthday_language_and_their_word_on_offers(desk: Desk, store: Store) -> None:
    text = "Ad;Soyad;Telefon;Dil;Doğum tarihi;İzin\nŞükran;Öz;+905321234567;Türkçe;14.03.1990;evet\n"
    table = read_table(text.encode())
    assert not table.of_bookings
    _, done = await brought(desk, text)
    assert done.created == 1
    (client,) = await store.find(Client, {"business": "b"})
    assert (client.name, client.first_name, client.language, client.birthday, client.marketing_consent) == (
        *("Şükran Öz", "Şükran", "tr", "1990-03-14", True),
    )
    assert [entry.given for entry in await store.find(Consent, {"business": "b"})] == [True]
    _, again = await brought(desk, text)
    assert again.unchanged == 1


async def test_what_a_table_of_clients_does_not_say_stays_as_it_is(desk: Desk, store: Store) -> None:
    known = Client(business="b", id="c1", name="Олена", phone="+380671234567", birthday="--03-14", revision=1)
    await store.commit(Changes(inserts=(known,)))
    _, done = await brought(desk, "Телефон;Імя\n0671234567;Олена Коваль\n")
    assert done.changed == 1
    assert await store.find(Client, {"business": "b"}) == [replace(known, name="Олена Коваль", revision=2)]


async def test_a_preview_stores_nothing(desk: Desk, store: Store) -> None:
    await prepare(desk, BUSINESS, read_table(VISITS.encode()))
    assert [await store.count(kind, {}) for kind in (Booking, Client, Master, Service)] == [{(): 0}] * 4


async def test_visits_of_one_client_that_stand_together_share_commits_with_those_of_others(
    desk: Desk, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [f"06712345{n // 4:02d};К{n // 4};{1 + n % 4:02d}.10.2026 15:00" for n in range(80)]
    commits, commit = [], store.commit

    async def counted(changes: Changes) -> object:
        commits.append(len(changes.puts))
        return await commit(changes)

    monkeypatch.setattr(store, "commit", counted)
    _, done = await brought(desk, "\n".join(["Телефон;Імя;Початок", *rows]))
    assert (done.created, len(commits)) == (80, 4)


async def test_of_several_salons_the_row_or_the_caller_says_which(desk: Desk, store: Store) -> None:
    await store.commit(Changes(inserts=(replace(SALON, id="s2", name="Друга"),)))
    table = read_table(
        "Телефон;Імя;Початок;Салон\n0671234567;О;04.12.2026 15:00;Друга\n0671234567;О;05.12.2026 15:00;".encode()
    )
    prepared = await prepare(desk, BUSINESS, table)
    assert told(prepared) == ["3 Салон: does not say which salon: write one of these: Друга, Салон «Мрія»"]
    prepared = await prepare(desk, BUSINESS, table, salon="s1")
    assert [entry.wanted and entry.wanted.salon for entry in prepared.entries] == ["s2", "s1"]
