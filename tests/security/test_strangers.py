"""Somebody else's buttons, links, keys and ids: denied, nothing written, and everybody hears the same."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.api.table import ROUTES
from bot.app import App
from handlers import page_links
from handlers.linking import digest
from handlers.respond import respond
from handlers.turn import Desk, Links, Press, Turn
from storage.records import Booking, Choice, Message, PageLink
from storage.sqlite import open_sqlite
from storage.store import Changes
from tests.security.service import ADMIN_KEY, Client, everything, service
from tests.support.post import BOOKING, CHAT, Post, another, message, opened, to_staff

GUESSES = 100_000
ROW = "a" * 32
PHONE = "+380991112233"


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    async with opened() as post:
        yield post


def pressed(press: Press, address: str, **more: Any) -> Turn:
    return Turn(channel="telegram", address=address, user=address, event="1", at=1, press=press, **more)


async def asked(post: Post, **fields: Any) -> Message:
    """A message with a button that cancels the visit, as it was sent to the client's chat."""
    given = {
        "choices": (Choice("cancel_yes", {"booking": BOOKING.id}),),
        "status": "sent",
        "address": CHAT.address,
        "channel": "telegram",
    }
    row = message(id=ROW, **{**given, **fields})
    await post.add(row)
    return row


async def written(post: Post, turn: Turn) -> Changes:
    return await respond(post.desk, turn)


def touches(changes: Changes, kind: type[Any]) -> bool:
    return any(type(put.record) is kind for put in changes.puts) or any(
        patch.record is kind for patch in changes.patches
    )


async def test_the_button_of_the_own_message_works(post: Post) -> None:
    await asked(post)
    assert touches(await written(post, pressed(Press("cancel_yes", ROW, 0), CHAT.address)), Booking)


@pytest.mark.parametrize(
    ("press", "address", "row"),
    [
        (Press("cancel_yes", ROW, 0), "1007", {}),
        (Press("cancel_yes", ROW, 0), "9999", {}),
        (Press("confirm", ROW, 0), CHAT.address, {}),
        (Press("cancel_yes", ROW, 1), CHAT.address, {}),
        (Press("cancel_yes", ROW, 999), CHAT.address, {}),
        (Press("cancel_yes", "b" * 32, 0), CHAT.address, {}),
        (Press("cancel_yes", ROW, 0), CHAT.address, {"channel": "whatsapp"}),
        (Press("cancel_yes", ROW, 0), CHAT.address, {"staff_chat": "chat"}),
        (Press("cancel_yes", ROW, 0), CHAT.address, {"business": "other"}),
        (Press("cancel_yes", ROW, 0), CHAT.address, {"client": "c7"}),
        (Press("late_wait", ROW, 0), CHAT.address, {}),
    ],
    ids=range(11),
)
async def test_a_button_that_is_not_ones_own_changes_no_visit(
    post: Post, press: Press, address: str, row: dict[str, Any]
) -> None:
    client, chat = another(7)
    await post.add(client, chat)
    await asked(post, **row)
    changes = await written(post, pressed(press, address))
    assert not touches(changes, Booking)
    answers = [one for one in changes.inserts if isinstance(one, Message)]
    assert {one.address for one in answers} <= {address}


async def test_a_button_from_before_the_visit_was_moved_shows_the_new_time_and_changes_nothing(post: Post) -> None:
    await asked(post)
    moved = replace(BOOKING, starts_at=BOOKING.starts_at + 3_600_000, revision=9, moved_revision=9)
    await post.change(BOOKING, starts_at=moved.starts_at, revision=9, moved_revision=9)
    changes = await written(post, pressed(Press("cancel_yes", ROW, 0), CHAT.address))
    assert not touches(changes, Booking)
    assert [one.kind for one in changes.inserts if isinstance(one, Message)] == ["visit_moved"]


async def test_a_staff_button_pressed_by_a_client_does_nothing(post: Post) -> None:
    await post.add(to_staff(id=ROW, status="sent", address="-500", channel="telegram"))
    changes = await written(post, pressed(Press("hand_sent", ROW, 0), CHAT.address))
    assert not touches(changes, Message) and not touches(changes, Booking)


async def test_a_hundred_thousand_guessed_links_open_nothing(tmp_path: Path) -> None:
    store = await open_sqlite(tmp_path / "vizit.db")
    desk = Desk(store, lambda: 1, Links("https://x.example", b"s" * 32))
    true = desk.links.token("visit", "a", "b-1", 1)
    made = (PageLink(id=digest(desk.links.token("visit", "a", f"b-{n}", 1)), purpose="visit", owner="a", subject=f"b-{n}")
            for n in range(1000))  # fmt: skip
    await store.commit(Changes(inserts=tuple(made)))
    guesser = Links(None, b"another secret that the guesser made up")
    for first in range(0, GUESSES, 1000):
        guesses = (guesser.token("visit", "a", f"b-{number % 1000}", number) for number in range(first, first + 1000))
        assert await store.get_many(PageLink, [("", digest(guess)) for guess in guesses]) == {}
    assert await page_links.find(desk, "review", true) is None
    assert await page_links.find(desk, "visit", true) is not None
    await store.close()


@pytest.fixture
async def called(tmp_path: Path) -> AsyncIterator[tuple[App, Client]]:
    async with service(tmp_path) as both:
        yield both


async def test_a_revoked_key_opens_no_route_and_writes_nothing(called: tuple[App, Client]) -> None:
    app, client = called
    admin = {"Authorization": f"Bearer {ADMIN_KEY}"}
    for business in ("a", "b"):
        await client.put(f"/api/v1/businesses/{business}", json={"name": "x"}, headers=admin)
    made = await (await client.post("/api/v1/businesses/a/keys", headers=admin)).json()
    assert (await client.delete(f"/api/v1/businesses/a/keys/{made['id']}", headers=admin)).status == 204
    before = await everything(app)
    answers = set()
    for number, route in enumerate(ROUTES):
        # Wrong keys from one address are limited; each of these comes from the same one.
        path = "/api/v1" + re.sub(r"\{\w+\}", "a", route.path)
        answer = await client.request(
            route.method, path, json=route.shows, headers={"Authorization": f"Bearer {made['key']}"}
        )
        assert answer.status == (401 if number < 10 else 429), (route.method, path)
        answers.add(re.sub(rb'"detail":.*', b"", await answer.read()))
    assert len(answers) == 2
    assert await everything(app) == before


async def test_no_secret_and_nobodys_phone_is_shown_by_what_is_open_to_everybody(called: tuple[App, Client]) -> None:
    app, client = called
    admin = {"Authorization": f"Bearer {ADMIN_KEY}", "Vizit-Business": "a"}
    await client.put("/api/v1/businesses/a", json={"name": "x", "country": "UA"}, headers=admin)
    await client.put("/api/v1/salons/s", json={"name": "x"}, headers=admin)
    await client.put("/api/v1/clients/c1", json={"name": "Пелагея-Цезарина", "phone": PHONE}, headers=admin)
    for path in (
        "/metrics",
        "/healthz",
        "/readyz",
        "/api/docs",
        "/api/v1/openapi.json",
        "/join/s",
        "/v/x",
        "/console/",
    ):
        answer = await client.get(path)
        shown = await answer.text()
        assert not any(secret in shown for secret in app.config.secrets), path
        assert PHONE not in shown and "Пелагея" not in shown, path
        assert answer.headers["Referrer-Policy"] == "no-referrer", path
    assert not any(secret in repr(app.config) + repr(app.desk.links.public_url) for secret in app.config.secrets)
