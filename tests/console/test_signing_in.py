"""Into the console: by a key, by a link that works once; how long a session lasts, and what it takes to end it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.console.routes import PAGES
from handlers import tenants
from handlers.console import LINK_LASTS, RIGHTS, SESSION_LASTS, console_link, visitor_of
from storage.records import ConsoleSession, StaffChat
from storage.store import Changes, Delete, Patch
from tests.console.room import Room, opened
from tests.support.pages import HOUR

COOKIE = "vizit_console"


async def signed_in(room: Room) -> bool:
    return (await room.ask("")).status == 200


async def link(room: Room, role: str = "owner", **where: str) -> str:
    """The token of a fresh link for somebody with this role."""
    token, changes = console_link(room.desk, await room.chat(role, **where))
    await room.desk.store.commit(changes)
    return token


async def test_whoever_is_not_signed_in_is_sent_to_the_door_and_then_on(room: Room) -> None:
    answer = await room.ask("sessions")
    assert (answer.status, answer.headers["Location"]) == (303, "/console/sign-in?next=%2Fconsole%2Fsessions")
    page = await room.ask("sign-in?next=%2Fconsole%2Fsessions")
    data = {"form": page.field("form"), "next": page.field("next"), "key": room.key}
    assert (await room.ask("sign-in", "POST", data=data)).headers["Location"] == "/console/sessions"


@pytest.mark.parametrize(
    "to", ["https://evil.example/", "//evil.example", "/console//evil.example", "/console/\\evil.example", "/other"]
)
async def test_nobody_is_sent_on_to_another_site(room: Room, to: str) -> None:
    page = await room.ask("sign-in")
    data = {"form": page.field("form"), "next": to, "key": room.key}
    assert (await room.ask("sign-in", "POST", data=data)).headers["Location"] == "/console/"


async def test_a_key_opens_the_console_of_its_own_business(room: Room) -> None:
    assert not await signed_in(room)
    await room.enter()
    assert "Мрія" in (await room.ask("")).words


@pytest.mark.parametrize("key", ["", "vizit_nothing", "ключ", "k" * 5000])
async def test_a_wrong_key_opens_nothing(room: Room, key: str) -> None:
    assert (await room.enter(key)).status == 403
    assert not await signed_in(room)


async def test_a_revoked_key_ends_what_it_opened(room: Room) -> None:
    await room.enter()
    await tenants.revoke_key(room.desk, "mriya", room.key.split("_")[1])
    assert not await signed_in(room)
    assert (await room.enter()).status == 403


async def test_a_link_signs_in_once_and_a_preview_uses_nothing_up(room: Room) -> None:
    token = await link(room)
    for _ in range(3):
        page = await room.ask(f"in/{token}")
        assert page.status == 200
        assert not await signed_in(room)
    data = {"form": page.field("form")}
    assert (await room.ask(f"in/{token}", "POST", data=data)).status == 303
    assert await signed_in(room)
    assert (await room.ask(f"in/{token}", "POST", data=data)).status == 404
    assert (await room.ask(f"in/{token}")).status == 404


async def test_a_link_is_dead_after_ten_minutes(room: Room) -> None:
    token = await link(room)
    page = await room.ask(f"in/{token}")
    room.now += LINK_LASTS
    assert (await room.ask(f"in/{token}", "POST", data={"form": page.field("form")})).status == 404


async def test_a_link_of_a_chat_that_is_no_longer_linked_opens_nothing(room: Room) -> None:
    chat = await room.chat("owner")
    token, changes = console_link(room.desk, chat)
    await room.desk.store.commit(changes + Changes(deletes=(Delete(StaffChat, "mriya", chat.id),)))
    assert (await room.ask(f"in/{token}")).status == 404


async def test_a_session_ends_with_the_chat_that_opened_it(room: Room) -> None:
    chat = await room.enter_as("administrator", salon="s1")
    assert await signed_in(room)
    await tenants.unlink_staff_chat(room.desk, "mriya", chat.id)
    assert not await signed_in(room)


async def test_a_role_that_changed_holds_at_once(room: Room) -> None:
    chat = await room.enter_as("owner")
    patch = Patch(StaffChat, "mriya", chat.id, {"role": "master", "salon": "s1", "master": "m1"})
    await room.desk.store.commit(Changes(patches=(patch,)))
    visitor = await visitor_of(room.desk, room.cookies[COOKIE])
    assert visitor is not None
    assert (visitor.role, visitor.own) == ("master", {"business": "mriya", "salon": "s1", "master": "m1"})


async def test_a_session_lasts_a_week(room: Room) -> None:
    await room.enter()
    (session,) = await room.desk.store.find(ConsoleSession, {"owner": "mriya"}, order=("expires_at", "id"))
    assert session.expires_at - session.created_at == SESSION_LASTS
    over = Patch(ConsoleSession, "", session.id, {"expires_at": room.desk.store.clock()})
    await room.desk.store.commit(Changes(patches=(over,)))
    assert not await signed_in(room)


async def test_signing_out_ends_the_session_and_not_only_the_cookie(room: Room) -> None:
    await room.enter()
    cookie = room.cookies[COOKIE]
    await room.post("sessions/end", follow=False)
    room.cookies[COOKIE] = cookie
    assert not await signed_in(room)


async def test_an_owner_can_end_every_session_and_others_only_their_own(room: Room) -> None:
    await room.enter()
    owner = dict(room.cookies)
    await room.enter_as("administrator", salon="s1")
    assert len(re.findall(r"<tr>", (await room.ask("sessions")).text)) == 2
    await room.post("sessions/end", on="sessions", follow=False, session="all")
    assert not await signed_in(room)
    room.cookies = owner
    assert await signed_in(room)
    await room.enter_as("master", salon="s1", master="m1")
    master, room.cookies = dict(room.cookies), dict(owner)
    await room.post("sessions/end", on="sessions", follow=False, session="all")
    for cookies in (owner, master):
        room.cookies = dict(cookies)
        assert not await signed_in(room)


async def test_a_session_that_is_not_ones_own_cannot_be_named(room: Room) -> None:
    await room.enter()
    owner = dict(room.cookies)
    (session,) = await room.desk.store.find(ConsoleSession, {"owner": "mriya"}, order=("expires_at", "id"))
    await room.enter_as("master", salon="s1", master="m1")
    await room.post("sessions/end", on="sessions", session=session.id)
    room.cookies = owner
    assert await signed_in(room)


async def test_too_many_wrong_tries_shut_the_door_for_a_minute(tmp_path: Path) -> None:
    async with opened(tmp_path / "vizit.db", tries=3) as room:
        for _ in range(3):
            assert (await room.enter("wrong")).status == 403
        page = await room.ask("sign-in")
        data = {"form": page.field("form"), "key": room.key}
        answer = await room.ask("sign-in", "POST", data=data)
        assert (answer.status, answer.headers["Retry-After"]) == (429, "60")
        assert (await room.ask(f"in/{await link(room)}")).status == 429
        room.seconds += 61
        assert (await room.ask("sign-in", "POST", data=data)).status == 303


# Forms and headers


async def test_a_form_of_another_page_or_browser_does_nothing(room: Room) -> None:
    await room.enter()
    for form in ("", "wrong", (await room.ask("sign-in")).field("form")):
        answer = await room.ask("sessions/end", "POST", data={"form": form})
        assert answer.status == 403
    assert await signed_in(room)
    mine = (await room.ask("sessions")).field("form")
    await room.enter_as("master", salon="s1", master="m1")
    assert (await room.ask("sessions/end", "POST", data={"form": mine})).status == 403


async def test_nobody_is_signed_in_by_a_form_that_this_browser_did_not_get(room: Room) -> None:
    page = await room.ask("sign-in")
    room.cookies.clear()
    answer = await room.ask("sign-in", "POST", data={"form": page.field("form"), "key": room.key})
    assert answer.status == 403
    assert COOKIE not in room.cookies


async def test_over_https_the_cookie_belongs_to_the_very_host(tmp_path: Path) -> None:
    async with opened(tmp_path / "vizit.db", public="https://vizit.example") as room:
        answer = await room.enter()
        cookie = answer.headers["Set-Cookie"]
        assert cookie.startswith("__Host-vizit_console=")
        for flag in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
            assert flag in cookie.split("; ")
        assert "Domain" not in cookie
        assert await signed_in(room)


async def test_every_page_forbids_scripts_and_frames_of_others(room: Room) -> None:
    await room.enter()
    for path in ("", "sign-in", "sessions", "nowhere"):
        policy = (await room.ask(path)).headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy


async def test_the_database_alone_opens_no_session(room: Room) -> None:
    await room.enter()
    (session,) = await room.desk.store.find(ConsoleSession, {"owner": "mriya"}, order=("expires_at", "id"))
    assert room.cookies[COOKIE] not in repr(session)
    room.cookies[COOKIE] = session.id
    assert not await signed_in(room)


# Roles


async def test_a_page_that_is_not_for_the_role_is_not_there(room: Room) -> None:
    await room.enter_as("master", salon="s1", master="m1")
    menu = (await room.ask("")).text
    for page in PAGES:
        answer = await room.ask(page.path)
        allowed = "master" in RIGHTS[page.area]
        assert answer.status in ((200,) if allowed else (404,)), page.path
        assert allowed or f'href="/console/{page.path}"' not in menu


async def test_the_language_of_a_session_can_be_changed(room: Room) -> None:
    await room.enter()
    assert 'lang="uk"' in (await room.ask("")).text
    page = await room.post("sessions/language", language="tr", back="/console/sessions")
    assert '<html lang="tr">' in page.text
    assert "Açık oturumlar" in page.words


async def test_a_master_sees_the_own_visits_and_nobody_elses(busy: Room) -> None:
    await busy.enter_as("master", salon="s1", master="m1")
    words = (await busy.ask("")).words
    assert "Олена Коваль" in words
    assert "Ayşe Yılmaz" not in words


async def test_an_administrator_sees_one_salon(busy: Room) -> None:
    await busy.enter_as("administrator", salon="s2")
    busy.now += 24 * HOUR
    words = (await busy.ask("")).words
    assert "Олена Ковальчук" in words
    assert "Олена Коваль " not in words
