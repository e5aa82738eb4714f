"""Messages on or off: a part of the visit page, and a page of its own."""

from __future__ import annotations

from typing import Any, Final, Literal

from aiohttp import web

from bot.pages.forms import FIELD
from bot.pages.site import LARGEST_FORM, ONCE_MORE, Missing, Site, asked_language, render, spoken, tongues
from bot.webhooks import read_form
from handlers import pages
from handlers.consent import COMMANDS
from handlers.i18n import Translator, translator
from handlers.pages import Person
from handlers.wording_choices import labels
from storage.records import Client

Words = tuple[str, ...]

WITH_OFFERS: Final[Words] = ("stop", "all_off")
WITHOUT_OFFERS: Final[Words] = ("offers", "all_off")
SILENT: Final[Words] = ("all_on",)


async def show(site: Site, request: web.Request) -> web.Response:
    """What is switched on now."""
    return _page(site, request, await _person(site, request))


async def press(site: Site, request: web.Request) -> web.StreamResponse:
    """A form of the page: done, or so already; back to the page, which shows it."""
    person, form = await _person(site, request), await read_form(request, LARGEST_FORM)
    token, pressed = request.match_info["token"], form.get("do", "")
    if not site.forms.genuine(request, _name(token), form.get(FIELD, "")):
        return _page(site, request, person, status=403, notice=ONCE_MORE)
    if pressed not in pages.WORDS:
        raise web.HTTPBadRequest(text="no such button")
    await switch(site, "settings", token, pressed, spoken(request, person.language))
    raise web.HTTPSeeOther(site.root + _name(token) + asked_language(request))


async def switch(site: Site, purpose: Literal["visit", "settings"], token: str, word: str, language: str) -> None:
    """Carry out one of :data:`handlers.pages.WORDS`; the ledger gets the words that stood on the button."""
    if not await pages.press_messages(site.desk, purpose, token, word, label(word, language)):
        raise Missing


def label(word: str, language: str) -> str:
    """What stands on the button of a word."""
    return labels(COMMANDS[word], language)


def messages_of(client: Client, t: Translator) -> dict[str, Any]:
    """What a client gets now, in words, and what can be pressed."""
    words: Words
    if client.silent:
        text, words = t("We don't write to you, not even about your bookings."), SILENT
    elif client.marketing_consent is True:
        text, words = t("We message you about your bookings, and send you offers."), WITH_OFFERS
    else:
        text, words = t("We message you about your bookings. Offers are off."), WITHOUT_OFFERS
    return {"text": text, "buttons": [(word, label(word, t.language)) for word in words]}


async def _person(site: Site, request: web.Request) -> Person:
    person = await pages.person_behind(site.desk, request.match_info["token"])
    if person is None:
        raise Missing
    return person


def _name(token: str) -> str:
    return f"s/{token}"


def _page(
    site: Site, request: web.Request, person: Person, *, status: int = 200, notice: str | None = None
) -> web.Response:
    language = spoken(request, person.language)
    token, nonce, t = request.match_info["token"], site.forms.nonce(request), translator(language)
    response = render(
        site,
        "messages.html",
        status=status,
        lang=language,
        t=t,
        tongues=tongues(language),
        here=site.root + _name(token),
        query=asked_language(request),
        signature=site.forms.sign(_name(token), nonce),
        notice=t(notice) if notice else None,
        salon=person.business.name,
        messages=messages_of(person.client, t),
    )
    site.forms.remember(request, response, nonce)
    return response
