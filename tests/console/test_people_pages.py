"""Clients, salons, masters, services and staff chats on the console."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import pytest

from handlers import people
from handlers.linking import use_staff_code
from handlers.turn import Turn
from storage.records import (
    Address,
    Booking,
    Client,
    Consent,
    LinkCode,
    Master,
    Message,
    Salon,
    Service,
    StaffChat,
    address_id,
)
from storage.store import Changes
from tests.console.forms import filled
from tests.console.room import CLIENTS, HOSTILE, Room
from tests.support.pages import Answer

STARTS = ("", "=", "+", "<b>", '"', "'", "</td><td>", "`")
BODIES = (
    "Олена",
    "{{7*7}}",
    "{% raw %}",
    "[Дата]",
    "%s%n",
    "${x}",
    "\\u003cb\\u003e",
    "İstanbul",
    "ﷺ",
    "O'Ліна",
    "a  b",
    "Z̷͎a̸l",
)
ENDS = ("", "</td>", "\\", "&amp;", "<!--", "🙂")
NAMES = [f"{start}{body}{end}" for start in STARTS for body in BODIES for end in ENDS]
"""More than 500 names that would do something to careless pages."""


async def change(room: Room, path: str, form: str = "record", **fields: Any) -> Answer:
    """Change these fields of the form on a page and save; the page that comes of it."""
    page = await room.ask(path)
    answer = await room.ask(path, "POST", data=filled(page.text, form, **fields))
    return await room.ask(room.url + answer.headers["Location"]) if answer.status == 303 else answer


async def client(room: Room, id: str = "c1") -> Client:
    found = await room.desk.store.get(Client, "mriya", id)
    assert found is not None
    return found


async def test_a_client_is_found_and_the_card_shows_all_that_is_known(busy: Room) -> None:
    words = (await busy.ask("clients", params={"q": "олена ковальч"})).words
    assert "Олена Ковальчук" in words
    assert "Ayşe" not in words
    word = Consent(
        business="mriya", id="w1", client="c1", purpose="marketing", given=True, at=busy.now, place="telegram"
    )
    chat = Address(
        business="mriya",
        id=address_id("telegram", "77", "c1"),
        channel="telegram",
        address="77",
        client="c1",
        linked_at=1,
    )
    await busy.desk.store.commit(Changes(inserts=(word, chat)))
    card = (await busy.ask("clients/c1")).words
    for part in ("+380 67 123 4567", "Наталія", "Повідомлено", "Нагадування", "Telegram", "згода на розсилки"):
        assert part in card


async def test_what_is_known_of_a_client_is_changed_and_nothing_else(busy: Room) -> None:
    before = await client(busy)
    await change(busy, "clients/c1")
    assert await client(busy) == before
    await change(busy, "clients/c1", name="Олена Мельник", phone="050 111 22 33", birthday="--05-31", language="ru")
    after = await client(busy)
    assert (after.name, after.phone, after.birthday, after.language) == (
        "Олена Мельник", "+380501112233", "--05-31", "ru",
    )  # fmt: skip
    assert after.first_name == "Олена"


@pytest.mark.parametrize("wrong", [{"name": ""}, {"phone": "12"}, {"birthday": "1990-02-31"}, {"language": "xx"}])
async def test_what_cannot_be_known_is_refused_and_stays_in_the_form(busy: Room, wrong: dict[str, str]) -> None:
    before = await client(busy)
    answer = await change(busy, "clients/c1", source="instagram", **wrong)
    assert answer.status == 422
    assert ("source", "instagram") in filled(answer.text, "record")
    assert await client(busy) == before


async def test_a_new_word_on_offers_is_noted_and_the_same_one_is_not(busy: Room) -> None:
    await change(busy, "clients/c1", consent="yes")
    assert (await client(busy)).marketing_consent is True
    await change(busy, "clients/c1", name="Олена")
    ledger = await busy.desk.store.find(Consent, {"business": "mriya", "client": "c1"}, order=("at", "id"))
    assert [row.given for row in ledger] == [True]


async def test_a_client_is_made_here(room: Room) -> None:
    await room.enter()
    page = await room.ask("clients/new")
    data = filled(page.text, "record", name="Новий Клієнт", phone="0671234599")
    made = await room.ask("clients", "POST", data=data)
    assert re.fullmatch(r"/console/clients/[0-9a-f]{32}\?done=saved", made.headers["Location"])
    assert "Новий Клієнт" in (await room.ask("clients", params={"q": "4599"})).words


async def test_who_may_be_the_same_person_is_pointed_out(busy: Room) -> None:
    await people.put_client(busy.desk, busy.business, "c9", {"name": "Хтось", "phone": CLIENTS["c1"]["phone"]})
    assert "Хтось" in (await busy.ask("clients/c1")).words
    assert "Ayşe" not in (await busy.ask("clients/c1")).words


async def test_everything_that_is_stored_comes_as_a_file(busy: Room) -> None:
    answer = await busy.ask("clients/c1/export.json")
    assert "attachment" in answer.headers["Content-Disposition"]
    told = json.loads(answer.body)
    assert told["client"]["phone"] == "+380671234567"
    assert len(told["bookings"]) == 2


async def test_a_client_is_forgotten_only_after_a_second_question(busy: Room) -> None:
    asked = await busy.ask("clients/c1/erase")
    assert await busy.desk.store.get(Client, "mriya", "c1") is not None
    data = {"form": asked.field("form")}
    assert (await busy.ask("clients/c1/erase", "POST", data=data)).headers["Location"] == "/console/clients?done=erased"
    assert await busy.desk.store.get(Client, "mriya", "c1") is None
    booking = await busy.desk.store.get(Booking, "mriya", "b1")
    assert booking is not None
    assert booking.client is None
    assert "Олена Коваль " not in (await busy.ask("")).words


async def test_an_administrator_neither_exports_nor_erases_and_sees_the_own_salons_visits(busy: Room) -> None:
    await busy.enter_as("administrator", salon="s2")
    form = (await busy.ask("clients/c1")).field("form")
    for path in ("clients/c1/export.json", "clients/c1/erase"):
        assert (await busy.ask(path)).status == 404
    assert (await busy.ask("clients/c1/erase", "POST", data={"form": form})).status == 404
    assert "Наталія" not in (await busy.ask("clients/c1")).words


async def test_a_one_time_link_is_made_for_a_client(busy: Room) -> None:
    page = await busy.post("clients/c1/link", on="clients/c1")
    assert "https://t.me/mriya_bot?start=" in page.text


async def test_five_hundred_hostile_names_are_shown_as_they_are(room: Room) -> None:
    await room.enter()
    people_of_ours = (Client(business="mriya", id=f"n{n}", name=name) for n, name in enumerate(NAMES))
    await room.desk.store.commit(Changes(inserts=tuple(people_of_ours)))
    shown: list[str] = []
    path = "clients"
    while path:
        page = (await room.ask(path)).text
        shown += [html.unescape(one) for one in re.findall(r'<li><a href="/console/clients/n\d+">(.*?)</a>', page)]
        further = re.search(r'href="/console/(clients\?after=[^"]*)"', page)
        path = further[1] if further else ""
    assert len(NAMES) >= 500
    assert sorted(shown) == sorted(NAMES)


@pytest.mark.parametrize("name", [HOSTILE, *NAMES[::97]])
async def test_on_a_card_and_in_its_forms_a_name_is_as_it_is(room: Room, name: str) -> None:
    await room.enter()
    await people.put_client(room.desk, room.business, "c1", {"name": name})
    for path in ("clients/c1", "clients/c1/erase"):
        page = await room.ask(path)
        assert " ".join(name.split()) in " ".join(page.words.split()), path
        assert "<b>" not in page.text
        assert "<script>alert" not in page.text
    assert ("name", name) in filled((await room.ask("clients/c1")).text, "record")


# The house


async def test_a_service_with_its_interval_is_made_and_changed(room: Room) -> None:
    await room.enter()
    page = await room.ask("team/services/new")
    fields = {
        "name": "Манікюр",
        "duration": "PT1H30M",
        "price.amount": "700,50",
        "rebook_after": "P3W",
        "note.uk": "Без лаку",
    }
    await room.ask("team/services", "POST", data=filled(page.text, "record", **fields))
    services = await room.desk.store.find(Service, {"business": "mriya"})
    (made,) = [one for one in services if one.name == "Манікюр"]
    assert (made.price, made.currency, made.duration, made.note) == (70050, "UAH", "PT1H30M", {"uk": "Без лаку"})
    words = (await change(room, f"team/services/{made.id}", rebook_after="P1M")).words
    assert "Манікюр 1 година 30 хвилин · 700,50 ₴ · Запросити знову через: 1 місяць" in words


async def test_saving_a_record_that_nobody_touched_changes_nothing(busy: Room) -> None:
    records = ((Salon, "salons", "s1"), (Master, "masters", "m1"), (Service, "services", "brows"))
    for kind, path, id in records:
        before = await busy.desk.store.get(kind, "mriya", id)
        await change(busy, f"team/{path}/{id}")
        assert await busy.desk.store.get(kind, "mriya", id) == before


async def test_a_salon_and_a_master_are_changed(busy: Room) -> None:
    await change(busy, "team/salons/s1", name="Нова Мрія", review_urls="https://a.example/x\n\nhttps://b.example/y")
    salon = await busy.desk.store.get(Salon, "mriya", "s1")
    assert salon is not None
    assert (salon.name, salon.review_urls) == ("Нова Мрія", ("https://a.example/x", "https://b.example/y"))
    await change(busy, "team/masters/m1", salon="s2", tip_url="https://tips.example/n")
    master = await busy.desk.store.get(Master, "mriya", "m1")
    assert master is not None
    assert (master.salon, master.tip_url) == ("s2", "https://tips.example/n")


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        ("salons/s1", {"name": ""}),
        ("salons/s1", {"booking_url": "javascript:alert(1)"}),
        ("salons/s1", {"timezone": "Mars/Base"}),
        ("salons/s1", {"phone": "1"}),
        ("masters/m1", {"salon": "s9"}),
        ("masters/m1", {"tip_url": "no address"}),
        ("services/brows", {"price.amount": "dear"}),
        ("services/brows", {"rebook_after": "P900Y"}),
    ],
)
async def test_what_cannot_be_is_refused_and_nothing_is_stored(busy: Room, path: str, wrong: dict[str, str]) -> None:
    kind, id = {"salons": Salon, "masters": Master, "services": Service}[path.split("/")[0]], path.split("/")[1]
    before = await busy.desk.store.get(kind, "mriya", id)  # type: ignore[var-annotated]
    assert (await change(busy, f"team/{path}", **wrong)).status == 422
    assert await busy.desk.store.get(kind, "mriya", id) == before


# Staff chats


async def test_a_code_links_a_chat_which_then_hears_what_is_ticked(room: Room) -> None:
    await room.enter()
    page = await room.post("team/chats", on="team", role="staff", salon="s1", master="", language="uk")
    (code,) = re.findall(r"/link (\w{10})", page.text)
    turn = Turn(channel="telegram", address="-100", user="1", event="e", at=room.now, private=False, title="Група")
    linked = await use_staff_code(room.desk, turn, code)
    await room.desk.store.commit(linked.changes)
    (chat,) = await room.desk.store.find(StaffChat, {"business": "mriya"})
    assert "Група" in (await room.ask("team")).words
    await change(room, f"team/chats/{chat.id}", language="tr", events=["review", "tip"])
    (chat,) = await room.desk.store.find(StaffChat, {"business": "mriya"})
    assert (chat.language, chat.events, chat.salon) == ("tr", ("review", "tip"), "s1")
    await room.post(f"team/chats/{chat.id}", on=f"team/chats/{chat.id}", do="unlink")
    assert await room.desk.store.find(StaffChat, {"business": "mriya"}) == []


@pytest.mark.parametrize("fields", [{"role": "staff"}, {"role": "master", "salon": "s1"}])
async def test_a_code_without_its_place_is_refused(room: Room, fields: dict[str, str]) -> None:
    await room.enter()
    page = await room.post("team/chats", on="team", language="uk", **fields)
    assert page.status == 422
    assert await room.desk.store.find(LinkCode, {"owner": "mriya"}, order=("owner", "id")) == []


# Another business


async def test_another_businesss_ids_give_nothing_on_any_page(busy: Room) -> None:
    theirs = await busy.desk.store.get(type(busy.business), "other", "other")
    assert theirs is not None
    await people.put_client(busy.desk, theirs, "stranger", {"name": "Чужа Людина", "phone": "+380990000000"})
    row = Message(
        business="other", id="f" * 32, key="k", kind="reminder", lane=1, due_at=1, next_at=1, not_after=2, client="stranger",
        status="failed",
    )  # fmt: skip
    chat = StaffChat(business="other", id="theirs", chat="1", title="Чужий чат")
    salon = Salon(business="other", id="only-theirs", name="Чужий салон")
    master, service = (
        Master(business="other", id="mt", salon="x", name="Чужий"),
        Service(business="other", id="st", name="Чужа"),
    )
    await busy.desk.store.commit(Changes(inserts=(row, chat, salon, master, service)))
    paths = (
        "clients/stranger", "clients/stranger/erase", "clients/stranger/export.json", f"messages/{row.id}",
        "settings/only-theirs", "texts/reminder?salon=only-theirs", "texts?salon=only-theirs", "team/chats/theirs",
        "team/salons/only-theirs", "team/masters/mt", "team/services/st",
    )  # fmt: skip
    for path in paths:
        answer = await busy.ask(path)
        assert answer.status == 404, path
        assert "Чуж" not in answer.words
    form = (await busy.ask("")).field("form")
    posts = (
        "clients/stranger", "clients/stranger/erase", "clients/stranger/link", f"messages/{row.id}/again", f"manual/{row.id}",
        "settings/only-theirs", "team/chats/theirs", "team/salons/only-theirs", "team/masters/mt", "team/services/st",
    )  # fmt: skip
    for path in posts:
        answer = await busy.ask(path, "POST", data={"form": form, "do": "hand_sent", "name": "Наш"})
        assert answer.status == 404, path
    assert await busy.desk.store.get(Client, "other", "stranger") is not None
    for typed in ("Чужа", "0990000000"):
        assert "Людина" not in (await busy.ask("clients", params={"q": typed})).words
        assert "Людина" not in (await busy.ask("messages", params={"q": typed})).words
