"""A person is handed over whole, is forgotten without a trace, and is not brought back by what is older."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing, redirect_stderr, redirect_stdout
from dataclasses import fields, replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from bot.__main__ import main
from handlers import people, visits
from handlers.dossier import dossier_of
from handlers.erasure import erase_client
from handlers.events import of_client
from handlers.invalid import Invalid
from handlers.linking import client_link
from handlers.privacy import erase_again, erased_at, stones
from handlers.turn import Desk, Links
from handlers.visits import Wanted
from storage.campaigns import CampaignMember, member_id
from storage.records import (
    RECORDS,
    Address,
    BonusAccount,
    BonusEntry,
    Booking,
    Business,
    Client,
    Consent,
    InboxEvent,
    Message,
    Receipt,
    Review,
    Salon,
    Tip,
    Tombstone,
    Unwanted,
    Webhook,
)
from storage.sqlite import SqliteStore, open_sqlite
from storage.store import Changes, Patch

SECRET = "a-secret-of-tests-4711-that-is-long-enough"
NOW = 1_795_950_000_000
DAY = 86_400_000
NAME, PHONE, CHAT, ID = "Олена Приходько", "+380671234567", "7001234567", "client-4711"
WORDS = "мій котик боїться фена"
TRACES = (NAME, PHONE, PHONE.lstrip("+"), CHAT, ID, WORDS, "photo-of-her", "Приходько", "приходько")
BUSINESS = Business(business="a", id="a", name="Краса", created_at=1)


class House:
    """A salon on a file, whose clock a test moves."""

    def __init__(self, store: SqliteStore, file: Path) -> None:
        self.store, self.file, self.now, self.closed = store, file, NOW, False

    async def close(self) -> None:
        if not self.closed:
            self.closed = True
            await self.store.close()

    @property
    def desk(self) -> Desk:
        return Desk(
            self.store, lambda: self.now, Links("https://vizit.example", SECRET.encode()), frozenset({"telegram"})
        )

    async def visit(self, id: str = "b-1", **more: Any) -> Booking:
        given = {
            "name": NAME,
            "phone": PHONE,
            "marketing_consent": True,
            "birthday": "1990-03-14",
            "source": "instagram",
        }
        wanted = Wanted(salon="s", client_id=ID, client_fields=given, starts_at=self.now + 3 * DAY, **more)
        return (await visits.put_booking(self.desk, BUSINESS, id, wanted)).booking

    async def client(self) -> Client | None:
        return await self.store.get(Client, "a", ID)


async def full(house: House) -> None:
    """A person of whom everything is stored that can be."""
    hook = Webhook(business="a", id="w", url="https://x.example/", secret="whsec_AAAA")
    await house.store.commit(Changes(inserts=(hook,)))
    await house.visit()
    await house.visit("b-2", created_by="client")
    client = await house.client()
    assert client is not None
    await client_link(house.desk, "a", ID)
    rows = await house.store.find(Message, {"business": "a", "client": ID})
    sent = rows[0]
    told = {
        "status": "failed",
        "text": f"{NAME}, {WORDS}",
        "address": CHAT,
        "params": {"text": WORDS},
        "error_text": PHONE,
    }
    event = await of_client(house.desk, client, "client.message", text=WORDS)
    at = {"business": "a", "client": ID, "at": NOW}
    await house.store.commit(
        event
        + Changes(
            inserts=(
                Address(business="a", id=f"telegram:{CHAT}", channel="telegram", address=CHAT, phone=PHONE),
                Receipt(business="a", id="r", message=sent.id, status="failed", at=NOW, raw={"To": PHONE}),
                Consent(id="k", purpose="marketing", given=True, place="telegram", words=WORDS, **at),
                InboxEvent(
                    id="telegram:1", source="telegram", payload=json.dumps({"chat": int(CHAT)}), received_at=NOW,
                    status="failed",
                ),
                Review(
                    business="a", id="b-0", client=ID, salon="s", rating=4, text=WORDS, photo="photo-of-her",
                    channel="telegram", at=NOW, updated_at=NOW, revision=1,
                ),
                Tip(
                    business="a", id="t", booking="b-0", client=ID, salon="s", amount=1, currency="UAH", at=NOW,
                    provider="telegram", invoice="i", revision=1,
                ),
                BonusEntry(id="p", amount=21, reason="gift", **at),
                BonusAccount(business="a", id=ID, balance=21, revision=1),
                Unwanted(id=f"{ID}~brows", service="brows", **at),
                CampaignMember(id=member_id("w1", ID), campaign="w1", part="written", **at),
            ),
            patches=(Patch(Message, "a", sent.id, told),),
        )
    )  # fmt: skip


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    file = tmp_path / "vizit.db"
    store = await open_sqlite(file)
    await store.commit(Changes(inserts=(BUSINESS, Salon(business="a", id="s", name="Краса на Подолі"))))
    here = House(store, file)
    yield here
    await here.close()


def traces_in(file: Path) -> list[str]:
    """Every value of every table that tells of the person."""
    found = []
    with closing(sqlite3.connect(file)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for name in names:
            for row in connection.execute(f"SELECT * FROM {name}"):
                found += [f"{name}: {value}" for value in map(str, row) if any(trace in value for trace in TRACES)]
    return found


async def test_an_erased_person_leaves_no_trace_in_any_table(house: House) -> None:
    await full(house)
    assert len({found.partition(":")[0] for found in traces_in(house.file)}) >= 15
    assert await erase_client(house.desk, "a", ID)
    assert traces_in(house.file) == []
    assert not await erase_client(house.desk, "a", ID)


async def test_what_statistics_need_stays_without_a_name(house: House) -> None:
    await full(house)
    before = len(await house.store.find(Message, {"business": "a"}))
    await erase_client(house.desk, "a", ID)
    rows = await house.store.find(Message, {"business": "a"})
    assert len(rows) == before and {row.status for row in rows} <= {"cancelled", "skipped", "failed"}
    assert {booking.client for booking in await house.store.find(Booking, {"business": "a"})} == {None}
    (review,) = await house.store.find(Review, {"business": "a"})
    assert (review.rating, review.text, review.photo, review.client) == (4, None, None, None)
    assert len(await house.store.find(Tip, {"business": "a"})) == 1
    assert len(await house.store.find(CampaignMember, {"business": "a"})) == 1


async def test_every_kind_of_row_that_names_a_client_is_handed_over(house: House) -> None:
    await full(house)
    client = await house.client()
    assert client is not None
    dossier = await dossier_of(house.desk, client)
    assert all(getattr(dossier, field.name) for field in fields(dossier))
    handed = {type(row) for field in fields(dossier) if field.name != "client" for row in getattr(dossier, field.name)}
    naming = {kind for kind in RECORDS if "client" in {field.name for field in fields(kind)}}
    # A link and a word to search by say nothing of the person that the client's own row does not.
    assert {kind.__name__ for kind in naming - handed} == {"PageLink", "ClientWord"}


async def test_the_tombstones_say_nothing_of_who_it_was(house: House) -> None:
    await full(house)
    await erase_client(house.desk, "a", ID)
    kept = await stones(house.desk)
    assert [stone.at for stone in kept] == [NOW, NOW]
    other = replace(house.desk, links=Links(None, b"another secret"))
    assert await erased_at(house.desk, "a", "client", ID) == NOW
    assert await erased_at(house.desk, "a", "phone", PHONE) == NOW
    assert await erased_at(other, "a", "client", ID) is None
    assert await erased_at(house.desk, "b", "client", ID) is None


async def test_a_booking_that_was_made_before_does_not_bring_the_person_back(house: House) -> None:
    await full(house)
    await erase_client(house.desk, "a", ID)
    house.now += DAY
    for id, more in (("b-1", {}), ("b-9", {"created_at": NOW - 1}), ("b-9", {"created_at": NOW})):
        with pytest.raises(Invalid) as caught:
            await house.visit(id, **more)
        assert caught.value.errors[0][0] == "/client/id"
    past = Wanted(salon="s", client_id=ID, client_fields={"name": NAME}, starts_at=NOW - DAY, status="arrived")
    with pytest.raises(Invalid):
        await visits.put_booking(house.desk, BUSINESS, "b-old", past)
    with pytest.raises(Invalid):
        await people.put_client(house.desk, BUSINESS, ID, {"name": NAME})
    assert await house.client() is None


async def test_a_booking_that_is_made_later_starts_a_new_person_who_has_allowed_nothing(house: House) -> None:
    await full(house)
    await erase_client(house.desk, "a", ID)
    house.now += DAY
    await house.visit("b-9")
    client = await house.client()
    assert client is not None and (client.marketing_consent, client.consent_at) == (None, None)
    assert await house.store.find(Consent, {"business": "a"}) == []
    kept = await people.put_client(house.desk, BUSINESS, ID, {"name": NAME, "phone": PHONE})
    assert kept.client.name == NAME


async def test_a_consent_from_before_is_not_taken_for_the_same_phone_under_another_id(house: House) -> None:
    await full(house)
    await erase_client(house.desk, "a", ID)
    house.now += DAY
    said = {"name": "О. П.", "phone": PHONE, "marketing_consent": True}
    old = await people.put_client(house.desk, BUSINESS, "other", {**said, "consent_at": NOW - DAY})
    assert old.client.marketing_consent is None
    new = await people.put_client(house.desk, BUSINESS, "third", {**said, "consent_at": NOW + 1})
    assert new.client.marketing_consent is True


async def test_a_restored_backup_is_cleaned_of_whoever_was_erased_since(house: House, tmp_path: Path) -> None:
    await full(house)
    await house.store.backup(tmp_path / "before.db")
    house.now += DAY
    await erase_client(house.desk, "a", ID)
    known = await stones(house.desk)
    store = await open_sqlite(tmp_path / "before.db")
    restored = House(store, tmp_path / "before.db")
    assert traces_in(restored.file)
    assert await erase_again(restored.desk, known) == 1
    assert traces_in(restored.file) == []
    assert await erase_again(restored.desk, known) == 0
    assert {stone.id for stone in await store.find(Tombstone, {"business": "a"})} == {stone.id for stone in known}
    await store.close()


async def test_a_person_who_began_anew_is_not_erased_again(house: House) -> None:
    await full(house)
    await erase_client(house.desk, "a", ID)
    house.now += DAY
    await house.visit("b-9")
    assert await erase_again(house.desk) == 0
    assert await house.client() is not None


@pytest.fixture
def vizit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Runs a command on the house's file, with the house's secret, and answers with what it said."""
    monkeypatch.chdir(tmp_path)
    for name, value in (
        ("DATABASE", f"sqlite:///{tmp_path}/vizit.db"),
        ("SECRET", SECRET),
        ("ADMIN_KEY", "k" * 20 + "7x" * 9),
    ):
        monkeypatch.setenv(f"VIZIT_{name}", value)

    def run(*args: str) -> str:
        said = StringIO()
        with redirect_stdout(said), redirect_stderr(said):
            assert main(args) == 0, said.getvalue()
        return said.getvalue()

    return run


async def test_a_restore_erases_again_whom_the_present_database_knows_to_be_erased(
    house: House, tmp_path: Path, vizit: Callable[..., str]
) -> None:
    await full(house)
    await house.store.backup(tmp_path / "before.db")
    await erase_client(house.desk, "a", ID)
    await house.close()
    said = await asyncio.to_thread(vizit, "restore", "before.db", "--overwrite")
    assert "Erased again: 1." in said
    assert traces_in(house.file) == []


def text_of(file: Path) -> str:
    return file.read_text()


def lose(folder: Path) -> None:
    """The database is gone, with all of its files."""
    for lost in folder.glob("vizit.db*"):
        lost.unlink()


async def test_tombstones_that_were_saved_serve_where_the_database_was_lost(
    house: House, tmp_path: Path, vizit: Callable[..., str]
) -> None:
    await full(house)
    await house.store.backup(tmp_path / "before.db")
    await erase_client(house.desk, "a", ID)
    await house.close()
    await asyncio.to_thread(vizit, "erasures", "save", "stones")
    assert not any(trace in text_of(tmp_path / "stones") for trace in TRACES)
    lose(tmp_path)
    await asyncio.to_thread(vizit, "restore", "before.db")
    assert traces_in(house.file)
    assert "Erased again: 1." in await asyncio.to_thread(vizit, "erasures", "apply", "stones")
    assert traces_in(house.file) == []
