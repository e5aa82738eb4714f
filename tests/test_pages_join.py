"""The page of a salon, and what becomes of whoever comes from it into a chat."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from handlers import tenants
from handlers.page_links import JOIN, join_code
from handlers.respond import respond
from handlers.turn import Contact, Turn
from storage.records import Address, Message
from tests.support.pages import OLENA, SALON, Site, served

PHONE = str(OLENA["phone"])
PAYLOAD = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What Telegram takes after ``?start=``."""


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with served(tmp_path) as opened:
        yield opened


# The page


async def test_the_page_names_the_salon_and_leads_into_both_chats(site: Site) -> None:
    page = await site.ask("join/s1")
    assert page.status == 200
    for words in ("Салон «Мрія»", "вул. Хрещатик, 10", "+380 44 123 4567"):
        assert words in page.words
    telegram = re.search(r'href="(https://t\.me/mriya_bot\?start=([^"]*))"', page.text)
    whatsapp = re.search(r'href="(https://wa\.me/380500000000\?text=[^"]*)"', page.text)
    assert telegram is not None
    assert whatsapp is not None
    assert telegram[2] == JOIN + join_code("mriya", "s1")
    (text,) = parse_qs(urlsplit(whatsapp[1]).query)["text"]
    assert text == f"Вітаю! Хочу отримувати тут повідомлення про свої візити.\n{telegram[2]}"


async def test_the_code_on_the_page_leads_to_the_page(site: Site) -> None:
    page = await site.ask("join/s1")
    assert site.desk.links.join("mriya", "s1") == f"{site.url}/join/mriya~s1"
    assert (await site.ask("join/mriya~s1")).status == 200
    assert "<svg" in page.text
    picture = await site.ask("join/s1/qr.png")
    assert picture.headers["Content-Type"] == "image/png"
    assert picture.body.startswith(b"\x89PNG")


async def test_a_channel_that_is_switched_off_has_no_button(site: Site) -> None:
    site.desk.links.bot = None
    site.desk.links.whatsapp = None
    page = await site.ask("join/s1")
    assert "t.me" not in page.text
    assert "wa.me" not in page.text
    assert "https://salon.example/book" in page.text


async def test_a_name_that_two_businesses_use_needs_the_business(site: Site) -> None:
    other = (await tenants.put_business(site.desk, "other", {"name": "Інший"})).record
    await tenants.put_salon(site.desk, other, "s1", {"name": "Інший салон"})
    assert (await site.ask("join/s1")).status == 404
    assert "Інший салон" in (await site.ask("join/other~s1")).words
    assert "Салон «Мрія»" in (await site.ask("join/mriya~s1")).words


@pytest.mark.parametrize(
    ("query", "asked", "spoken"),
    [
        ("", "", "uk"),
        ("", "tr-TR,tr;q=0.9,en;q=0.8", "tr"),
        ("", "de-DE,de", "uk"),
        ("", "de-DE,ru;q=0.5", "ru"),
        ("?lang=en", "tr", "en"),
    ],
)
async def test_the_page_speaks_what_the_visitors_browser_asks_for(
    site: Site, query: str, asked: str, spoken: str
) -> None:
    page = await site.ask(f"join/s1{query}", headers={"Accept-Language": asked})
    assert f'<html lang="{spoken}">' in page.text


def test_every_join_code_is_short_enough_for_telegram_and_no_two_salons_share_one() -> None:
    ids = ["a", "b" * 64, "A-._:", "a.b", "a", "a~b"]
    codes = {JOIN + join_code(business, salon) for business in set(ids) - {"a~b"} for salon in set(ids) - {"a~b"}}
    assert len(codes) == 16
    assert all(PAYLOAD.fullmatch(code) for code in codes)


# The chat


class Chat:
    """A person's chat on one channel; what is said comes in as a turn, and what follows is committed."""

    def __init__(self, site: Site, channel: str = "telegram", address: str = "77") -> None:
        self.site = site
        self.channel = channel
        self.address = address
        self.said = 0

    async def says(self, text: str | None = None, contact: str | None = None) -> list[Message]:
        """What the chat answers, by key."""
        self.said += 1
        turn = Turn(
            channel=self.channel,
            address=self.address,
            user=self.address,
            event=f"{self.address}-{self.said}",
            at=self.site.now,
            text=text,
            contact=Contact(contact, own=True) if contact else None,
            phone=self.address if self.channel == "whatsapp" else None,
        )
        changes = await respond(self.site.desk, turn)
        await self.site.desk.store.commit(changes)
        return [row for row in changes.inserts if isinstance(row, Message) and row.kind != "reminder"]

    async def linked(self) -> list[tuple[str, str | None]]:
        """The businesses and phones that this chat stands for."""
        rows = await self.site.desk.store.find(Address, {"channel": self.channel, "address": self.address})
        return sorted((row.business, row.phone) for row in rows)


def start(site: Site, salon: str = "s1", business: str = "mriya") -> str:
    return f"/start {JOIN}{join_code(business, salon)}"


def kinds(rows: list[Message]) -> list[str]:
    return [row.kind for row in rows]


async def planned_channels(site: Site) -> set[str | None]:
    rows = await site.desk.store.find(Message, {"business": "mriya", "client": "c1", "status": "planned"}, limit=100)
    return {row.channel for row in rows}


async def test_somebody_new_is_asked_for_the_phone_in_the_salons_name(site: Site) -> None:
    await tenants.put_business(site.desk, "other", {"name": "Інший"})
    (asked,) = await Chat(site).says(start(site))
    assert (asked.kind, asked.business) == ("share_contact", "mriya")


async def test_the_phone_is_linked_before_the_salon_has_a_booking_of_it(site: Site) -> None:
    chat = Chat(site)
    await chat.says(start(site))
    welcomed = await chat.says(contact=PHONE)
    assert [(row.kind, row.business, row.client) for row in welcomed] == [("welcome", "mriya", None)]
    assert await chat.linked() == [("mriya", PHONE)]
    await site.book()
    assert await planned_channels(site) == {"telegram"}


async def test_without_the_page_nobody_can_tell_which_business_an_unknown_phone_is_for(site: Site) -> None:
    await tenants.put_business(site.desk, "other", {"name": "Інший"})
    chat = Chat(site)
    await chat.says("/start")
    assert kinds(await chat.says(contact=PHONE)) == ["contact_unknown"]
    assert await chat.linked() == []


async def test_a_known_client_who_comes_from_the_page_is_linked_by_the_phone(site: Site) -> None:
    await site.book()
    chat = Chat(site)
    await chat.says(start(site))
    welcome, asked = await chat.says(contact=PHONE)
    assert (welcome.kind, welcome.client, asked.kind) == ("welcome", "c1", "consent_ask")
    assert await planned_channels(site) == {"telegram"}


async def test_a_chat_whose_phone_is_known_joins_another_business_by_one_tap(site: Site) -> None:
    other = (await tenants.put_business(site.desk, "other", {"name": "Інший"})).record
    await tenants.put_salon(site.desk, other, "s9", {"name": "Інший салон"})
    chat = Chat(site)
    await chat.says(start(site))
    await chat.says(contact=PHONE)
    (welcome,) = await chat.says(start(site, "s9", "other"))
    assert (welcome.kind, welcome.business) == ("welcome", "other")
    assert await chat.linked() == [("mriya", PHONE), ("other", PHONE)]


async def test_two_salons_pages_before_the_phone_link_both(site: Site) -> None:
    other = (await tenants.put_business(site.desk, "other", {"name": "Інший"})).record
    await tenants.put_salon(site.desk, other, "s9", {"name": "Інший салон"})
    chat = Chat(site)
    await chat.says(start(site))
    (asked,) = await chat.says(start(site, "s9", "other"))
    assert (asked.kind, asked.business) == ("share_contact", "other")
    assert sorted(row.business for row in await chat.says(contact=PHONE)) == ["mriya", "other"]
    assert await chat.linked() == [("mriya", PHONE), ("other", PHONE)]


async def test_coming_twice_is_welcomed_twice_and_linked_once(site: Site) -> None:
    chat = Chat(site)
    assert kinds(await chat.says(start(site))) == ["share_contact"]
    assert kinds(await chat.says(start(site))) == ["share_contact"]
    await chat.says(contact=PHONE)
    assert kinds(await chat.says(start(site))) == ["welcome"]
    assert await chat.linked() == [("mriya", PHONE)]


async def test_whoever_is_linked_but_not_booked_yet_is_not_asked_for_the_phone_again(site: Site) -> None:
    chat = Chat(site)
    await chat.says(start(site))
    await chat.says(contact=PHONE)
    (answer,) = await chat.says("/bookings")
    assert (answer.kind, answer.business) == ("bookings", "mriya")


async def test_on_whatsapp_the_ready_text_alone_links_the_senders_number(site: Site) -> None:
    chat = Chat(site, "whatsapp", PHONE)
    (welcome,) = await chat.says(f"Вітаю! Хочу отримувати тут повідомлення.\n{JOIN}{join_code('mriya', 's1')}")
    assert (welcome.kind, welcome.business) == ("welcome", "mriya")
    assert await chat.linked() == [("mriya", PHONE)]
    await site.book()
    assert await planned_channels(site) == {"whatsapp"}


async def test_on_whatsapp_a_known_number_is_welcomed_by_name(site: Site) -> None:
    await site.book()
    chat = Chat(site, "whatsapp", PHONE)
    welcome, asked = await chat.says(f"{JOIN}{join_code('mriya', 's1')}")
    assert (welcome.kind, welcome.client, asked.kind) == ("welcome", "c1", "consent_ask")
    assert await chat.linked() == [("mriya", PHONE)]


async def test_the_code_of_a_salon_that_is_not_there_is_a_plain_start(site: Site) -> None:
    chat = Chat(site)
    (asked,) = await chat.says(f"/start {JOIN}{'A' * 22}")
    assert asked.kind == "share_contact"
    assert await chat.linked() == []


async def test_a_salon_keeps_its_code_whatever_changes_about_it(site: Site) -> None:
    code = start(site)
    await tenants.put_salon(site.desk, site.business, "s1", {**SALON, "name": "Нова назва"})
    chat = Chat(site)
    await chat.says(code)
    assert kinds(await chat.says(contact=PHONE)) == ["welcome"]
