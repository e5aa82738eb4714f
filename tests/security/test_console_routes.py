"""Every route of the console, from its own table: closed to strangers, to roles without the right, to forms that are
not ours, and to the ids of another business; nothing is written then."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from bot.console.routes import PAGES
from bot.console.site import Page
from handlers.console import RIGHTS
from storage.records import RECORDS, Booking, Campaign, Client, ConsoleSession, StaffChat
from storage.store import Changes, Put
from tests.console.room import Room, opened
from tests.store_contract.samples import message

THEIRS = "theirs"
FILLED = {"kind": "reminder", "shelf": "masters", "step": "arrived"}
"""Words that stand in a path beside ids."""
MADE_BY_PUT = {("POST", "campaigns"), ("POST", "bookings")}
"""Where an id that is not known yet makes something of one's own, as a PUT of the API does."""


class Way(NamedTuple):
    """One route of one page."""

    page: Page
    method: str
    below: str

    @property
    def path(self) -> str:
        """Below ``/console/``, with another business's id in it."""
        filled = re.sub(r"\{(\w+)(?::[^}]*)?\}", lambda found: FILLED.get(found[1], THEIRS), self.below)
        return f"{self.page.path}{filled}"


WAYS = [Way(page, action.method, action.below) for page in PAGES for action in page.actions]
NAMES = [f"{way.method} {way.page.path}{way.below}" for way in WAYS]


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    """The salon, and a neighbour with a client, a visit, a message, a mailing and a chat under one id."""
    async with opened(tmp_path / "vizit.db") as room:
        theirs: dict[str, Any] = {"business": "other", "id": THEIRS}
        visit: dict[str, Any] = {
            "salon": "s1",
            "client": THEIRS,
            "starts_at": room.now,
            "ends_at": room.now,
            "created_at": room.now,
        }
        rows: list[Any] = [
            Client(**theirs, name="Чужа"),
            Booking(**theirs, **visit),
            message(**theirs, client=THEIRS, held=True, channel="manual"),
            Campaign(**theirs, name="Чужа"),
            StaffChat(**theirs, chat="9", title="Чужий"),
        ]
        await room.desk.store.commit(Changes(puts=tuple(Put(row) for row in rows)))
        yield room


async def stored(room: Room) -> dict[str, list[Any]]:
    """All that is stored, but for who is signed in."""
    kinds = [kind for kind in RECORDS if kind is not ConsoleSession]
    return {kind.__name__: await room.desk.store.find(kind, {}, limit=1000) for kind in kinds}


async def asked(room: Room, way: Way, **more: Any) -> int:
    return (await room.ask(way.path, way.method, **more)).status


@pytest.mark.parametrize("way", WAYS, ids=NAMES)
async def test_a_stranger_is_sent_to_sign_in(room: Room, way: Way) -> None:
    before = await stored(room)
    answer = await room.ask(way.path, way.method, data={"form": "x"} if way.method == "POST" else None)
    assert (answer.status, "/console/sign-in" in answer.headers["Location"]) == (303, True)
    assert await stored(room) == before


@pytest.mark.parametrize("way", WAYS, ids=NAMES)
async def test_a_role_without_the_right_finds_no_such_page(room: Room, way: Way) -> None:
    for role in ("administrator", "master"):
        if role in RIGHTS[way.page.area]:
            continue
        await room.enter_as(role, salon="s1", master="m1" if role == "master" else None)
        before = await stored(room)
        signed = (await room.ask("sessions")).field("form")
        assert await asked(room, way, data={"form": signed} if way.method == "POST" else None) == 404
        assert await stored(room) == before


@pytest.mark.parametrize("way", [way for way in WAYS if way.method == "POST"], ids=lambda way: way.path)
async def test_a_form_that_is_not_ours_changes_nothing(room: Room, way: Way) -> None:
    await room.enter()
    before = await stored(room)
    assert await asked(room, way, data={"form": "forged"}) == 403
    assert await asked(room, way, data={}) == 403
    assert await stored(room) == before


@pytest.mark.parametrize("way", [way for way in WAYS if THEIRS in way.path], ids=lambda way: f"{way.method} {way.path}")
async def test_the_ids_of_another_business_lead_nowhere(room: Room, way: Way) -> None:
    await room.enter()
    before = await stored(room)
    signed = (await room.ask("sessions")).field("form")
    status = await asked(room, way, data={"form": signed} if way.method == "POST" else None)
    made = (way.method, way.page.path) in MADE_BY_PUT
    assert status == 404 or (made and status in (404, 422))
    assert await stored(room) == before
