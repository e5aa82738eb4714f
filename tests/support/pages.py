"""A salon whose pages are served over real HTTP from a real SQLite file, and a visitor who reads and presses them."""

from __future__ import annotations

import html
import re
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import ClientSession, DummyCookieJar
from multidict import MultiDict

from bot import servers
from bot.config import Listen
from bot.pages import page_routes
from handlers import tenants, visits
from handlers.turn import Desk, Links
from storage.records import Booking, Business, Client, StaffChat, new_id
from storage.sqlite import open_sqlite
from storage.store import Changes

KYIV = ZoneInfo("Europe/Kyiv")
NOON = int(datetime(2026, 11, 26, 12, 0, tzinfo=KYIV).timestamp()) * 1000
"""The day before the visit."""
HOUR = 3_600_000
START = NOON + 27 * HOUR
"""Friday, 27 November 2026, 15:00 in Kyiv."""
SALON: Mapping[str, Any] = {
    "name": "Салон «Мрія»",
    "address": "вул. Хрещатик, 10",
    "phone": "+380441234567",
    "booking_url": "https://salon.example/book",
    "map_url": "https://salon.example/map",
}
NOTES = {"uk": "Приходьте без макіяжу.", "tr": "Lütfen makyajsız gelin.", "ru": "Приходите без макияжа."}
OLENA: Mapping[str, Any] = {"name": "Олена Коваль", "first_name": "Олена", "phone": "+380671234567", "language": "uk"}


@dataclass
class Answer:
    """What came back for a request."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    @property
    def words(self) -> str:
        """The text that people read, tags taken off."""
        return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", self.text)).replace("\u00a0", " ").split())

    def field(self, name: str) -> str:
        """The value of the first hidden field ``name``."""
        found = re.search(rf'name="{name}" value="([^"]*)"', self.text)
        assert found is not None, f"no field {name} in {self.text}"
        return found[1]


@dataclass
class Site:
    """The salon and its pages. ``now`` may be moved."""

    file: Path
    desk: Desk
    url: str
    http: ClientSession
    now: int = NOON
    seconds: float = 0.0
    cookies: dict[str, str] = field(default_factory=dict)
    """What the browser keeps; sent as if over https, where the public address is."""
    business: Business = field(default_factory=lambda: Business(business="mriya", id="mriya", name="Мрія"))

    async def ask(self, path: str, method: str = "GET", **settings: Any) -> Answer:
        """One request with the browser's cookies, redirections not followed."""
        settings = {"cookies": self.cookies, "allow_redirects": False, **settings}
        async with self.http.request(method, f"{self.url}/{path}", **settings) as answer:
            self.cookies.update({name: cookie.value for name, cookie in answer.cookies.items()})
            return Answer(answer.status, dict(answer.headers), await answer.read())

    async def press(self, path: str, button: str, *, page: Answer | None = None, seen: str | None = None) -> Answer:
        """Press ``button`` on the ``page`` at ``path`` as it was (as it is now by default); ``seen`` forges its revision."""
        page = page or await self.ask(path)
        data = MultiDict({"form": page.field("form"), "do": button})
        if 'name="seen"' in page.text:
            data["seen"] = page.field("seen") if seen is None else seen
        for visit in re.findall(r'name="visit" value="([^"]*)"', page.text):
            data.add("visit", visit)
        return await self.ask(path, "POST", data=data)

    async def book(self, id: str = "b-1", client: str = "c1", *, starts_at: int = START, **fields: Any) -> Booking:
        """PUT a booking as the booking system would."""
        given = {"services": ("haircut",), "master": "m1", "price": 90_050, "currency": "UAH", **fields}
        person = given.pop("person", OLENA)
        wanted = visits.Wanted(salon="s1", client_id=client, client_fields=person, starts_at=starts_at, **given)
        return (await visits.put_booking(self.desk, self.business, id, wanted)).booking

    async def booking(self, id: str = "b-1") -> Booking:
        """The booking as stored."""
        found = await self.desk.store.get(Booking, self.business.id, id)
        assert found is not None
        return found

    async def client(self, id: str = "c1") -> Client:
        """The client as stored."""
        found = await self.desk.store.get(Client, self.business.id, id)
        assert found is not None
        return found

    async def visit(self, id: str = "b-1") -> str:
        """The path of a booking's visit page."""
        return f"v/{self.desk.links.visit_token(await self.booking(id))}"

    async def link_staff(self) -> None:
        """Give the salon a staff chat."""
        chat = StaffChat(business=self.business.id, id=new_id(), chat="-100", salon="s1", linked_at=self.now)
        await self.desk.store.commit(Changes(inserts=(chat,)))

    def rows(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of every table, read past the service."""
        with sqlite3.connect(f"file:{self.file}?mode=ro", uri=True) as connection:
            names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            return {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in names}


@asynccontextmanager
async def served(folder: Path, *, misses: int = 1_000_000, public: str | None = None) -> AsyncIterator[Site]:
    """The salon «Мрія» with one master and two services, its pages on a free port. ``public``: the public address, by
    default the one that is served."""
    file = folder / "vizit.db"
    store = await open_sqlite(file, patience_s=0.05)
    links = Links("https://vizit.example", b"s" * 32, bot="mriya_bot", whatsapp="+380500000000")
    async with ClientSession(cookie_jar=DummyCookieJar()) as http:
        site = Site(file, Desk(store, lambda: site.now, links), "", http)
        links.public_url = public
        app = servers.application()
        app.add_routes(page_routes(site.desk, misses=misses, clock=lambda: site.seconds))
        runner = await servers.serve(app, Listen("127.0.0.1", 0))
        try:
            host, port = runner.addresses[0][:2]
            site.url = f"http://{host}:{port}"
            links.public_url = public or site.url
            await furnish(site)
            yield site
        finally:
            await runner.cleanup()
            await store.close()


async def furnish(site: Site) -> None:
    """The business, its salon, master and services."""
    site.business = (await tenants.put_business(site.desk, "mriya", {"name": "Мрія", "country": "UA"})).record
    await tenants.put_salon(site.desk, site.business, "s1", SALON)
    await tenants.put_master(site.desk, site.business, "m1", {"salon": "s1", "name": "Наталія"})
    await tenants.put_service(site.desk, site.business, "haircut", {"name": "Стрижка"})
    await tenants.put_service(site.desk, site.business, "brows", {"name": "Брови", "note": NOTES})
