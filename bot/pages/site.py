"""What all pages share: their templates and headers, the language of a visitor, and the answer to a link of nowhere."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bot.api.keys import Tries
from bot.pages.forms import Forms
from handlers.i18n import ENDONYMS, LANGUAGES, language_of, mark, translator
from handlers.turn import Desk
from storage.store import StoreBusy

HERE: Final = Path(__file__).parent
STYLE: Final = (HERE / "static" / "page.css").read_bytes()
STYLE_NAME: Final = f"page.{hashlib.sha256(STYLE).hexdigest()[:12]}.css"
"""Named after what it holds, so that browsers may keep it for ever."""
HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Robots-Tag": "noindex, nofollow",
}
"""On every page, beside what every answer of the process carries."""
LARGEST_FORM: Final = 4096
NOT_HERE: Final = mark("This page is not here. The link may be old or incomplete.")
TOO_MANY: Final = mark("Too many tries. Please come back in a minute.")
BUSY: Final = mark("Please try again in a moment.")
ONCE_MORE: Final = mark("Nothing has been changed yet. Please press the button once more.")


class Missing(Exception):
    """There is no such page: the link is unknown, revoked, or no link at all."""


@dataclass(frozen=True, slots=True)
class Site:
    """What every page needs. ``tries`` counts the look-ups of each peer that found nothing."""

    desk: Desk
    forms: Forms
    tries: Tries

    @property
    def root(self) -> str:
        """Where the paths of the site begin: a proxy may serve it under a path of its own."""
        return f"{urlsplit(self.desk.links.public_url or '').path}/"


Page = Callable[[Site, web.Request], Awaitable[web.StreamResponse]]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def served(site: Site, page: Page) -> Handler:
    """``page`` as aiohttp calls it. What is not there looks the same whatever was asked for.

    A link that opens something opens it for everybody: peers behind one address do not shut each other out. Only look-ups
    that find nothing are counted, and from the limit on answered with 429.
    """

    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            return await page(site, request)
        except Missing:
            return _nothing(site, request.remote or "")
        except StoreBusy:
            return render(site, "plain.html", status=503, headers={"Retry-After": "1"}, **_plain(BUSY))

    return handle


def _nothing(site: Site, peer: str) -> web.Response:
    wait = site.tries.left_over(peer)
    site.tries.failed(peer)
    if wait is None:
        return render(site, "plain.html", status=404, **_plain(NOT_HERE))
    return render(site, "plain.html", status=429, headers={"Retry-After": str(math.ceil(wait))}, **_plain(TOO_MANY))


def _plain(msgid: str) -> dict[str, Any]:
    """One sentence in every language: nothing is known of who reads it."""
    return {"lang": "en", "lines": [(language, translator(language)(msgid)) for language in LANGUAGES]}


@cache
def _environment() -> Environment:
    loader = FileSystemLoader(HERE / "templates")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals["style"] = STYLE_NAME
    return environment


def render(
    site: Site, template: str, *, status: int = 200, headers: dict[str, str] | None = None, **values: Any
) -> web.Response:
    """A page from a template and its values, all of which are escaped."""
    text = _environment().get_template(template).render(root=site.root, **values)
    return web.Response(text=text, status=status, content_type="text/html", headers={**HEADERS, **(headers or {})})


def spoken(request: web.Request, fallback: str) -> str:
    """The language to answer in: the one in the address, else ``fallback``."""
    return language_of(request.query.get("lang"), fallback)


def asked_language(request: web.Request) -> str:
    """The language in the address, to be kept on the way; empty where it names none."""
    language = spoken(request, "")
    return f"?lang={language}" if language else ""


def preferred(request: web.Request, fallback: str) -> str:
    """The first language of ours among those that a browser asks for (its order is taken as it stands)."""
    asked = (part.partition(";")[0] for part in request.headers.get("Accept-Language", "").split(","))
    return next((language for tag in asked if (language := language_of(tag, ""))), fallback)


def tongues(language: str) -> list[dict[str, Any]]:
    """The languages to choose from."""
    return [{"code": code, "name": ENDONYMS[code], "current": code == language} for code in LANGUAGES]


async def style(_: web.Request) -> web.Response:
    """The one style sheet."""
    return web.Response(
        body=STYLE, content_type="text/css", charset="utf-8", headers={"Cache-Control": "public, max-age=31536000"}
    )
