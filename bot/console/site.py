"""What all pages of the console share: who calls, their templates, forms and headers, and the answers to what fails."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar
from urllib.parse import urlencode, urlsplit
from zoneinfo import ZoneInfo

from aiohttp import web
from itsdangerous import Signer
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from multidict import MultiDict

from bot.api.keys import Tries
from bot.console import filters
from bot.pages.forms import Forms
from bot.pages.site import tongues
from handlers.console import Visitor, visitor_of
from handlers.i18n import Translator, mark, translator
from handlers.settings import place
from handlers.turn import Desk
from storage.records import Business, Millis, Salon
from storage.store import StoreBusy

R = TypeVar("R")

HERE: Final = Path(__file__).parent
HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Robots-Tag": "noindex, nofollow",
}
BELOW: Final = "console/"
COOKIE: Final = "vizit_console"
FIELD: Final = "form"
"""The hidden field of every form that shows that the form is ours."""
LARGEST_FORM: Final = 256 * 1024
MOST_SALONS: Final = 500
NOT_HERE: Final = mark("There is no such page here.")
BUSY: Final = mark("Please try again in a moment.")
STALE_FORM: Final = mark("Nothing has been changed yet: this page lay open too long. Please try once more.")
SAVED: Final = mark("Saved.")


def _asset(name: str) -> tuple[str, bytes]:
    """A file named after what it holds, so that browsers may keep it for ever."""
    body = (HERE / "static" / name).read_bytes()
    stem, _, kind = name.partition(".")
    return f"{stem}.{hashlib.sha256(body).hexdigest()[:12]}.{kind}", body


STYLE_NAME, STYLE = _asset("console.css")
SCRIPT_NAME, SCRIPT = _asset("console.js")
ICON_NAME, ICON = _asset("icon.svg")
ASSETS: Final[Mapping[str, tuple[bytes, str]]] = {
    STYLE_NAME: (STYLE, "text/css"),
    SCRIPT_NAME: (SCRIPT, "text/javascript"),
    ICON_NAME: (ICON, "image/svg+xml"),
}


class Missing(Exception):
    """There is no such thing for this person: unknown, another business's, or not for the role."""


@dataclass(frozen=True, slots=True)
class Console:
    """What every page needs. ``tries`` counts the failed sign-ins of each peer."""

    desk: Desk
    forms: Forms
    tries: Tries
    secure: bool
    """Cookies go over https alone."""
    pages: tuple[Page, ...] = ()

    @property
    def root(self) -> str:
        """Where the console begins: a proxy may serve the site under a path of its own."""
        return f"{urlsplit(self.desk.links.public_url or '').path}/{BELOW}"

    @property
    def cookie(self) -> str:
        """Its name: browsers take a ``__Host-`` cookie only from the very host, over https."""
        at_host = self.secure and self.root == f"/{BELOW}"
        return f"__Host-{COOKIE}" if at_host else COOKIE

    @property
    def signer(self) -> Signer:
        """Signs the forms of a session."""
        return Signer(self.desk.links.secret, salt="console form", key_derivation="hmac", digest_method=hashlib.sha256)


@dataclass(frozen=True, slots=True)
class Call:
    """One request of somebody who is signed in. ``form``: what was posted, shown to be ours; empty on GET."""

    console: Console
    request: web.Request
    visitor: Visitor
    page: Page
    form: MultiDict[str]

    @property
    def desk(self) -> Desk:
        """What handlers use."""
        return self.console.desk

    @property
    def business(self) -> Business:
        """The business that everything in this call belongs to."""
        return self.visitor.business

    @property
    def language(self) -> str:
        """The language that the session speaks."""
        return self.visitor.session.language

    @property
    def t(self) -> Translator:
        """The sentences of that language."""
        return translator(self.language)

    @property
    def now(self) -> Millis:
        """The time."""
        return self.desk.now()

    @property
    def zone(self) -> ZoneInfo:
        """The business's own zone."""
        return place(self.business, None).zone

    @property
    def query(self) -> Mapping[str, str]:
        """What stands behind the question mark."""
        return self.request.query

    def path(self, name: str) -> str:
        """A part of the path, as the route names it."""
        return self.request.match_info[name]

    async def record(self, kind: type[R], id: str) -> R:
        """A record of the own business, by its id. Raises :class:`Missing`."""
        return found(await self.desk.store.get(kind, self.business.id, id))

    async def salons(self) -> list[Salon]:
        """The salons that the person may see, by id."""
        if self.visitor.salon is not None:
            return [await self.record(Salon, self.visitor.salon)]
        return await self.desk.store.find(Salon, {"business": self.business.id}, limit=MOST_SALONS)

    def render(self, template: str, *, status: int = 200, **values: Any) -> web.Response:
        """A page from a template and its values, all of which are escaped."""
        return _html(template, status, self._shared() | values)

    def go(self, path: str, done: str | None = None, **query: str | int) -> web.Response:
        """On to ``path`` below the console once a form is done; ``done``: the word of a notice in :data:`NOTICES`."""
        asked = {**({"done": done} if done else {}), **query}
        return web.Response(
            status=303, headers={"Location": self.console.root + path + (f"?{urlencode(asked)}" if asked else "")}
        )

    def _shared(self) -> dict[str, Any]:
        pages = (page for page in self.console.pages if page.menu and self.visitor.may(page.area))
        return {
            **_common(self.console, self.language),
            "call": self,
            "visitor": self.visitor,
            "zone": self.zone,
            "now": self.now,
            "signature": self.console.signer.get_signature(self.visitor.session.id).decode(),
            "menu": [
                {"path": page.path, "title": self.t(page.title), "current": page.path == self.page.path}
                for page in pages
            ],
            "title": self.t(self.page.title),
            "notice": self._notice(),
        }

    def _notice(self) -> str | None:
        msgid = self.page.notices.get(self.query.get("done", ""))
        n = self.query.get("n", "")
        return self.t(msgid).replace("{n}", n if n.isdigit() else "0") if msgid else None


Do = Callable[[Call], Awaitable[web.StreamResponse]]


class Action(NamedTuple):
    """What answers one method below a page's path."""

    method: str
    below: str
    do: Do


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of the console with all that can be done on it. ``path`` lies below ``/console/``.

    ``area`` is the word of :data:`handlers.console.RIGHTS` that opens it. ``notices``: what is said once something is
    done, by the word behind ``?done=``.
    """

    path: str
    area: str
    title: str
    actions: tuple[Action, ...]
    notices: Mapping[str, str] = field(default_factory=lambda: {"saved": SAVED})
    menu: bool = True


def found(record: R | None) -> R:
    """``record``; raises :class:`Missing` where it is None."""
    if record is None:
        raise Missing
    return record


def served(console: Console, page: Page, do: Do) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """``do`` as aiohttp calls it: only for who is signed in and may see the page; a form must be ours."""

    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            visitor = await visitor_of(console.desk, request.cookies.get(console.cookie, ""))
            if visitor is None:
                return _to_sign_in(console, request)
            return await _answered(console, page, do, request, visitor)
        except StoreBusy:
            lines = [translator(language)(BUSY) for language in ("uk", "tr", "ru", "en")]
            return web.Response(status=503, text="\n".join(lines), headers={"Retry-After": "1"})

    return handle


async def _answered(console: Console, page: Page, do: Do, request: web.Request, visitor: Visitor) -> web.StreamResponse:
    call = Call(console, request, visitor, page, MultiDict())
    try:
        if not visitor.may(page.area):
            raise Missing
        if request.method != "POST":
            return await do(call)
        form = await read_form(request)
        if not console.signer.verify_signature(visitor.session.id, form.get(FIELD, "")):
            return call.render("plain.html", status=403, line=call.t(STALE_FORM))
        return await do(Call(console, request, visitor, page, form))
    except Missing:
        return call.render("plain.html", status=404, line=call.t(NOT_HERE))


async def read_form(request: web.Request) -> MultiDict[str]:
    """The text fields of a posted form. Files are not read here."""
    if (request.content_length or 0) > LARGEST_FORM:
        raise web.HTTPRequestEntityTooLarge(LARGEST_FORM, request.content_length or 0)
    posted = await request.post()
    return MultiDict((name, value) for name, value in posted.items() if isinstance(value, str))


def _to_sign_in(console: Console, request: web.Request) -> web.Response:
    wanted = request.path_qs if request.method == "GET" else ""
    query = f"?{urlencode({'next': wanted})}" if wanted and wanted != console.root else ""
    return web.Response(status=303, headers={"Location": f"{console.root}sign-in{query}"})


@cache
def environment() -> Environment:
    """The templates of the console."""
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {"style": STYLE_NAME, "script": SCRIPT_NAME, "icon": ICON_NAME}
    made.filters |= filters.FILTERS
    return made


def _common(console: Console, language: str) -> dict[str, Any]:
    return {
        "root": console.root,
        "lang": language,
        "t": translator(language),
        "tongues": tongues(language),
    }


def render_stranger(
    console: Console,
    language: str,
    template: str,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **values: Any,
) -> web.Response:
    """A page for somebody who is not signed in."""
    return _html(template, status, _common(console, language) | values, headers)


def _html(
    template: str, status: int, values: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> web.Response:
    text = environment().get_template(template).render(values)
    return web.Response(text=text, status=status, content_type="text/html", headers={**HEADERS, **(headers or {})})


async def asset(request: web.Request) -> web.Response:
    """The style sheet, the script and the icon."""
    if request.match_info["name"] not in ASSETS:
        raise web.HTTPNotFound
    body, kind = ASSETS[request.match_info["name"]]
    return web.Response(
        body=body, content_type=kind, charset="utf-8", headers={"Cache-Control": "public, max-age=31536000"}
    )


def wait_header(seconds: float) -> dict[str, str]:
    """When to come back, for an answer 429."""
    return {"Retry-After": str(math.ceil(seconds))}
