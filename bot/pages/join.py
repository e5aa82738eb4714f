"""The page of a salon that hangs on its wall and in its profile: into its chat by one tap, or by a QR code."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Final

import segno
from aiohttp import web
from markupsafe import Markup

from bot.pages.site import Missing, Site, preferred, render, spoken, tongues
from bot.pages.visit import place_of
from handlers import formats, page_links, pages
from handlers.i18n import language_of, translator
from handlers.settings import place
from handlers.turn import Links
from handlers.wording_choices import labels
from storage.records import Business, Salon

DOTS: Final = 16
"""Pixels for one square of the code: sharp on paper up to a hand's breadth."""
MARGIN: Final = 4
"""Squares of white around the code, without which readers miss it (ISO/IEC 18004)."""
KEPT_S: Final = 86_400


async def show(site: Site, request: web.Request) -> web.Response:
    """The page: who, where, the buttons into each chat, and the code that leads here."""
    business, salon = await _salon(site, request)
    at_home = language_of(place(business, salon).language, "uk")
    language = spoken(request, preferred(request, at_home))
    t, links = translator(language), site.desk.links
    code = page_links.JOIN + page_links.join_code(business.id, salon.id)
    ready = t("Hello! I'd like to get messages about my visits here.")
    address = _address(links, business, salon)
    return render(
        site,
        "join.html",
        lang=language,
        t=t,
        tongues=tongues(language),
        salon=salon.name,
        place=place_of(salon),
        phone=formats.phone(salon.phone) if salon.phone else None,
        dialled=salon.phone,
        telegram=links.telegram_start(code) if "telegram" in site.desk.channels else None,
        whatsapp=links.whatsapp_chat(f"{ready}\n{code}") if "whatsapp" in site.desk.channels else None,
        booking_url=salon.booking_url,
        book=labels("book", language),
        code=Markup(drawn(address)) if address else None,
        picture=f"{site.root}join/{request.match_info['salon']}/qr.png",
    )


async def picture(site: Site, request: web.Request) -> web.Response:
    """The code as a PNG, for a print shop or a profile."""
    business, salon = await _salon(site, request)
    address = _address(site.desk.links, business, salon)
    if address is None:
        raise Missing
    return web.Response(
        body=printed(address),
        content_type="image/png",
        headers={"Cache-Control": f"public, max-age={KEPT_S}", "X-Robots-Tag": "noindex, nofollow"},
    )


async def _salon(site: Site, request: web.Request) -> tuple[Business, Salon]:
    found = await pages.salon_named(site.desk, request.match_info["salon"])
    if found is None:
        raise Missing
    return found


def _address(links: Links, business: Business, salon: Salon) -> str | None:
    """Where the code leads: to this page, so that whoever scans it can choose; None where nobody could open it."""
    return links.join(business.id, salon.id)


@lru_cache(maxsize=256)
def drawn(address: str) -> str:
    """The code as SVG to stand within a page: black on white, sized by the style sheet."""
    return segno.make_qr(address, error="q").svg_inline(
        border=MARGIN, light="#fff", omitsize=True, svgclass="code", lineclass=None
    )


@lru_cache(maxsize=64)
def printed(address: str) -> bytes:
    """The code as a PNG."""
    image = io.BytesIO()
    segno.make_qr(address, error="q").save(image, kind="png", scale=DOTS, border=MARGIN)
    return image.getvalue()
