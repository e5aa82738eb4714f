"""Messages on or off: on the visit page, and on the page that is for nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage.records import MAILING_LANE, Client, Consent, Message, new_id
from storage.store import Changes
from tests.support.pages import NOON, OLENA, Site, served


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with served(tmp_path) as opened:
        await opened.book()
        yield opened


async def settings_of(site: Site) -> str:
    return f"s/{site.desk.links.settings_token(await site.client())}"


async def ledger(site: Site) -> list[tuple[str, str, bool, str, str | None]]:
    said = await site.desk.store.find(Consent, {"business": "mriya"}, order=("at", "id"))
    return [(entry.client, entry.purpose, entry.given, entry.place, entry.words) for entry in said]


@pytest.fixture(params=["visit", "settings"])
async def path(request: pytest.FixtureRequest, site: Site) -> str:
    """Both pages have the same buttons."""
    return await site.visit() if request.param == "visit" else await settings_of(site)


async def test_offers_are_switched_on_and_off_and_the_ledger_knows_the_words(site: Site, path: str) -> None:
    page = await site.ask(path)
    assert "Розсилку з пропозиціями вимкнено." in page.words
    assert (await site.press(path, "offers")).status == 303
    client = await site.client()
    assert (client.marketing_consent, client.consent_place, client.consent_at) == (True, "page", NOON)
    assert "надсилаємо пропозиції" in (await site.ask(path)).words
    await site.press(path, "stop")
    assert (await site.client()).marketing_consent is False
    assert sorted(await ledger(site)) == sorted(
        [
            ("c1", "marketing", True, "page", "Увімкнути розсилку"),
            ("c1", "marketing", False, "page", "Вимкнути розсилку"),
        ]
    )


async def test_nothing_at_all_takes_back_what_waits_and_can_be_taken_back_itself(site: Site, path: str) -> None:
    await site.press(path, "all_off")
    assert (await site.client()).silent
    assert "Ми вам не пишемо" in (await site.ask(path)).words
    rows = await site.desk.store.find(Message, {"business": "mriya", "kind": "reminder"}, limit=100)
    assert {row.status for row in rows} <= {"cancelled", "skipped"}
    await site.press(path, "all_on")
    assert not (await site.client()).silent
    assert "Пишемо вам про ваші записи." in (await site.ask(path)).words


async def test_offers_that_wait_are_taken_back_at_once(site: Site, path: str) -> None:
    await site.press(path, "offers")
    times = {"due_at": NOON + 1, "next_at": NOON + 1, "not_after": NOON + 9_999_999}
    offer = Message(
        business="mriya", id=new_id(), key="campaign:x:c1", kind="campaign", lane=MAILING_LANE, client="c1", **times
    )
    await site.desk.store.commit(Changes(inserts=(offer,)))
    await site.press(path, "stop")
    stored = await site.desk.store.get(Message, "mriya", offer.id)
    assert stored is not None
    assert (stored.status, stored.reason) == ("cancelled", "opted_out")


async def test_the_same_button_twice_is_one_word(site: Site, path: str) -> None:
    page = await site.ask(path)
    for _ in range(3):
        assert (await site.press(path, "offers", page=page)).status == 303
    assert len(await ledger(site)) == 1


async def test_one_phone_is_one_reader(site: Site, path: str) -> None:
    await site.book("b-2", "c2", person={**OLENA, "name": "Мія"})
    await site.book("b-3", "c3", person={"name": "Ірина", "phone": "+380501112233"})
    await site.press(path, "all_off")
    silent = {id: (await site.client(id)).silent for id in ("c1", "c2", "c3")}
    assert silent == {"c1": True, "c2": True, "c3": False}


async def test_the_page_of_messages_speaks_the_clients_language_and_keeps_a_chosen_one(site: Site) -> None:
    path = await settings_of(site)
    assert '<html lang="uk">' in (await site.ask(path)).text
    turkish = await site.ask(f"{path}?lang=tr")
    assert "Kampanya mesajları kapalı." in turkish.words
    assert (await site.press(f"{path}?lang=tr", "offers", page=turkish)).headers["Location"] == f"/{path}?lang=tr"


async def test_a_press_without_a_genuine_form_switches_nothing(site: Site) -> None:
    path = await settings_of(site)
    answer = await site.ask(path, "POST", data={"do": "all_off", "form": "x"})
    assert answer.status == 403
    assert not (await site.client()).silent
    page = await site.ask(path)
    refused = await site.ask(path, "POST", data={"do": "confirm", "form": page.field("form")})
    assert refused.status == 400


async def test_a_client_without_a_phone_speaks_for_nobody_else(site: Site) -> None:
    await site.book("b-2", "c2", person={"name": "Без телефону"})
    await site.book("b-3", "c3", person={"name": "Теж без телефону"})
    await site.press(await site.visit("b-2"), "all_off")
    assert (await site.client("c2")).silent
    assert not (await site.client("c3")).silent
    assert not (await site.client("c1")).silent


async def test_a_link_from_before_the_person_was_erased_opens_nothing(site: Site) -> None:
    path = await settings_of(site)
    from handlers.erasure import erase_client

    await erase_client(site.desk, "mriya", "c1")
    assert await site.desk.store.get(Client, "mriya", "c1") is None
    assert (await site.ask(path)).status == 404
