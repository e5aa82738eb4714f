"""Into the console and out of it: a one-time link from the bot, or a key of the API; and the list of who is in."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from bot.console.site import (
    SAVED,
    STALE_FORM,
    Action,
    Call,
    Console,
    Page,
    asset,
    read_form,
    render_stranger,
    wait_header,
)
from bot.pages.forms import FIELD
from bot.pages.site import preferred, spoken
from handlers import console as rules
from handlers.console import SESSION_LASTS, Opened
from handlers.i18n import LANGUAGES, mark, translator
from storage.store import StoreBusy

TRIES: Final = 10
"""Failed sign-ins a minute from one peer."""
FORM: Final = "console sign-in"
WRONG_KEY: Final = mark("This key opens nothing. Check that it was copied whole.")
DEAD_LINK: Final = mark("This link has been used, or its ten minutes are over. Ask the bot for a new one: /console")
TOO_MANY: Final = mark("Too many tries. Please come back in a minute.")
BUSY: Final = mark("Please try again in a moment.")


def routes(console: Console) -> list[web.RouteDef]:
    """What is open to strangers."""

    async def show(request: web.Request) -> web.Response:
        return _page(console, request)

    async def by_key(request: web.Request) -> web.Response:
        return await _by_key(console, request)

    async def link(request: web.Request) -> web.Response:
        return await _link(console, request)

    async def by_link(request: web.Request) -> web.Response:
        return await _by_link(console, request)

    return [
        web.get("/console/sign-in", show),
        web.post("/console/sign-in", by_key),
        web.get("/console/in/{token}", link),
        web.post("/console/in/{token}", by_link),
        web.get("/console/static/{name}", asset),
    ]


def _page(console: Console, request: web.Request, status: int = 200, fault: str | None = None) -> web.Response:
    """The page with the form for a key; ``fault``: why the last try did not open anything."""
    language = spoken(request, preferred(request, "en"))
    nonce = console.forms.nonce(request)
    response = render_stranger(
        console,
        language,
        "sign_in.html",
        status=status,
        fault=translator(language)(fault) if fault else None,
        signature=console.forms.sign(FORM, nonce),
        next=_next(console, request.query.get("next", "")),
        bot=console.desk.links.bot,
        token=None,
        who=None,
    )
    console.forms.remember(request, response, nonce)
    return response


async def _by_key(console: Console, request: web.Request) -> web.Response:
    shut = _shut(console, request)
    if shut is not None:
        return shut
    form = await read_form(request)
    if not console.forms.genuine(request, FORM, form.get(FIELD, "")):
        return _page(console, request, 403, STALE_FORM)
    try:
        opened = await rules.sign_in_by_key(console.desk, form.get("key", "").strip())
    except StoreBusy:
        return _page(console, request, 503, BUSY)
    if opened is None:
        console.tries.failed(request.remote or "")
        return _page(console, request, 403, WRONG_KEY)
    return welcome(console, opened, _next(console, form.get("next", "")))


async def _link(console: Console, request: web.Request) -> web.Response:
    """The page behind a one-time link: previews look at it and use nothing up; the button does."""
    shut = _shut(console, request)
    if shut is not None:
        return shut
    token = request.match_info["token"]
    chat = await rules.link_opens(console.desk, token)
    if chat is None:
        console.tries.failed(request.remote or "")
        return _page(console, request, 404, DEAD_LINK)
    language, nonce = spoken(request, chat.language), console.forms.nonce(request)
    response = render_stranger(
        console,
        language,
        "sign_in.html",
        fault=None,
        signature=console.forms.sign(FORM, nonce),
        next="",
        bot=None,
        token=token,
        who=chat.title,
    )
    console.forms.remember(request, response, nonce)
    return response


async def _by_link(console: Console, request: web.Request) -> web.Response:
    shut = _shut(console, request)
    if shut is not None:
        return shut
    form = await read_form(request)
    if not console.forms.genuine(request, FORM, form.get(FIELD, "")):
        return _page(console, request, 403, STALE_FORM)
    try:
        opened = await rules.sign_in_by_link(console.desk, request.match_info["token"])
    except StoreBusy:
        return _page(console, request, 503, BUSY)
    if opened is None:
        console.tries.failed(request.remote or "")
        return _page(console, request, 404, DEAD_LINK)
    return welcome(console, opened)


def _shut(console: Console, request: web.Request) -> web.Response | None:
    """The answer to a peer who has failed too often; None where there are tries left."""
    left = console.tries.left_over(request.remote or "")
    if left is None:
        return None
    response = _page(console, request, 429, TOO_MANY)
    response.headers.update(wait_header(left))
    return response


def welcome(console: Console, opened: Opened, to: str = "") -> web.Response:
    """In: the cookie, and on to where the person was going."""
    response = web.Response(status=303, headers={"Location": to or console.root})
    response.set_cookie(
        console.cookie,
        opened.token,
        max_age=SESSION_LASTS // 1000,
        httponly=True,
        samesite="Lax",
        secure=console.secure,
        path="/" if console.cookie.startswith("__Host-") else console.root,
    )
    return response


def _next(console: Console, asked: str) -> str:
    """Where to go once in: only pages of the console, and nothing that a browser would read as another host."""
    inside = asked.startswith(console.root) and "\\" not in asked and "//" not in asked and asked.isprintable()
    return asked if inside else ""


# Who is in


async def show_sessions(call: Call) -> web.StreamResponse:
    """The sessions that this person may end."""
    rows = await rules.sessions_of(call.desk, call.visitor)
    return call.render("sessions.html", sessions=rows)


async def end(call: Call) -> web.StreamResponse:
    """Sign out: this session, another one, or all."""
    wanted = call.form.get("session", "")
    if wanted != "all":
        await rules.end_sessions(call.desk, call.visitor, wanted or call.visitor.session.id)
    else:
        await rules.end_sessions(call.desk, call.visitor)
    if wanted not in ("", "all", call.visitor.session.id):
        return call.go("sessions", "ended")
    response = call.go("sign-in")
    response.del_cookie(
        call.console.cookie, path="/" if call.console.cookie.startswith("__Host-") else call.console.root
    )
    return response


async def speak(call: Call) -> web.StreamResponse:
    """Another language for this session."""
    language = call.form.get("language", "")
    if language in LANGUAGES:
        await rules.speak(call.desk, call.visitor, language)
    back = _next(call.console, call.form.get("back", ""))
    return web.Response(status=303, headers={"Location": back or call.console.root})


SESSIONS: Final = Page(
    path="sessions",
    area="sessions",
    title=mark("Who is signed in"),
    menu=False,
    notices={"saved": SAVED, "ended": mark("That session is over.")},
    actions=(
        Action("GET", "", show_sessions),
        Action("POST", "/end", end),
        Action("POST", "/language", speak),
    ),
)
