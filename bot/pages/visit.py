"""The visit page: what, when and where, and the forms that confirm, ask to move, cancel, and switch messages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from aiohttp import web
from multidict import MultiDict

from bot.pages.forms import FIELD
from bot.pages.messages import messages_of, switch
from bot.pages.site import LARGEST_FORM, ONCE_MORE, Missing, Site, asked_language, render, spoken, tongues
from bot.webhooks import read_form
from handlers import calendar, formats, pages
from handlers.filling import lay_out
from handlers.i18n import Translator, mark, translator
from handlers.pages import State, Visit
from handlers.wording_choices import labels
from storage.records import Millis, Salon

MAPS: Final = "https://www.google.com/maps/search/?api=1&query="
MOVED: Final = mark("This booking has changed. Now it is:")


class Face(NamedTuple):
    """How a state looks: its colour, the headline, the sentences below, what can be pressed, and the name of the link by
    which one books for oneself."""

    tone: str
    headline: str
    below: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ()
    book: str | None = None


FACES: Final[Mapping[State, Face]] = {
    "asked": Face("ask", mark("Will you be able to come?"), verbs=("confirm", "move", "cancel")),
    "confirmed": Face(
        "good", mark("Thank you, your visit is confirmed ✅"), (mark("See you soon!"),), ("move", "cancel")
    ),
    "move_requested": Face(
        "wait",
        mark("We've noted that you'd like to reschedule."),
        (mark("For now your booking stands: {date}, {time}."),),
        ("confirm", "cancel"),
        mark("Choose a new time"),
    ),
    "cancelled_by_client": Face(
        "off", mark("Your booking is cancelled. Thank you for letting us know!"), book=mark("Book a visit")
    ),
    "cancelled_by_salon": Face(
        "off",
        mark("Unfortunately, we had to cancel your booking."),
        (mark("We're sorry for the trouble!"),),
        book=mark("Book a visit"),
    ),
    "past": Face("off past", mark("This visit is already in the past."), book=mark("Book a visit")),
}
CONFIRMED: Final = mark("Visit confirmed")
ALL: Final = "confirm_all"
STATES: Final[Mapping[State, str]] = {
    "asked": mark("not confirmed yet"),
    "confirmed": mark("confirmed"),
    "move_requested": mark("to be rescheduled"),
}
"""What is said of another visit that is ahead."""
PASSED_ON: Final = mark("We've passed your request on to the receptionist.")
CALL: Final = mark("To choose a new time, please call us: {phone}")


async def show(site: Site, request: web.Request) -> web.Response:
    """The page as it is now."""
    return _page(site, request, await _visit(site, request))


async def ask_cancel(site: Site, request: web.Request) -> web.Response:
    """The question before a visit is cancelled; the visit itself where there is nothing left to cancel."""
    visit = await _visit(site, request)
    if "cancel" not in FACES[visit.state].verbs:
        return _page(site, request, visit)
    return _page(site, request, visit, template="cancel.html")


async def press(site: Site, request: web.Request) -> web.StreamResponse:
    """A form of the page. Done, or done before: back to the page, which shows it. Overtaken: the page as it is now."""
    visit, form = await _visit(site, request), await read_form(request, LARGEST_FORM)
    token, pressed = request.match_info["token"], form.get("do", "")
    if not site.forms.genuine(request, _name(token), form.get(FIELD, "")):
        return _page(site, request, visit, status=403, notice=ONCE_MORE)
    if pressed in pages.WORDS:
        await switch(site, "visit", token, pressed, spoken(request, visit.person.language))
    elif pressed == ALL:
        if not await pages.press_all(site.desk, token, _all_seen(form)):
            raise Missing
    elif pressed in pages.PRESSES:
        decision = await pages.press_visit(site.desk, token, pressed, _seen(form))
        if decision is None:
            raise Missing
        if decision.kind == "visit_moved":
            return _page(site, request, await _visit(site, request), status=409, notice=MOVED)
    else:
        raise web.HTTPBadRequest(text="no such button")
    raise web.HTTPSeeOther(site.root + _name(token) + asked_language(request))


async def event(site: Site, request: web.Request) -> web.Response:
    """The visit as a calendar file."""
    visit = await _visit(site, request)
    t = translator(spoken(request, visit.person.language))
    return web.Response(
        body=calendar.visit_calendar(visit, t, site.desk.links.visit(visit.booking)),
        content_type="text/calendar",
        charset="utf-8",
        headers={"Content-Disposition": 'inline; filename="visit.ics"', "X-Robots-Tag": "noindex, nofollow"},
    )


async def _visit(site: Site, request: web.Request) -> Visit:
    visit = await pages.visit_behind(site.desk, request.match_info["token"])
    if visit is None:
        raise Missing
    return visit


def _name(token: str) -> str:
    """The page's path below the root: what its forms are signed for."""
    return f"v/{token}"


def _seen(form: MultiDict[str]) -> int:
    """The revision that the form was made for; 0, older than all, where it says none."""
    seen = form.get("seen", "")
    return int(seen) if re.fullmatch(r"[0-9]{1,9}", seen) else 0


def _all_seen(form: MultiDict[str]) -> dict[str, int]:
    """Booking to the revision that the form was made for, of every visit that the page listed."""
    said = (field.partition(":") for field in form.getall("visit", []))
    return {id: int(seen) for seen, _, id in said if id and re.fullmatch(r"[0-9]{1,9}", seen)}


def _page(
    site: Site,
    request: web.Request,
    visit: Visit,
    *,
    template: str = "visit.html",
    status: int = 200,
    notice: str | None = None,
) -> web.Response:
    language = spoken(request, visit.person.language)
    token, nonce, t = request.match_info["token"], site.forms.nonce(request), translator(language)
    response = render(
        site,
        template,
        status=status,
        lang=language,
        t=t,
        tongues=tongues(language),
        here=site.root + _name(token),
        query=asked_language(request),
        signature=site.forms.sign(_name(token), nonce),
        notice=t(notice) if notice else None,
        messages=messages_of(visit.person.client, t),
        **shown(visit, t, site.desk.now()),
        **_beside(site, visit, t, asked_language(request)),
    )
    site.forms.remember(request, response, nonce)
    return response


def shown(visit: Visit, t: Translator, now: Millis) -> dict[str, Any]:
    """The visit in words of one language, as the templates take it."""
    booking, salon, zone = visit.booking, visit.person.salon, visit.person.place.zone
    start = formats.local(booking.starts_at, zone)
    face = _face(visit)
    values = {
        "date": formats.long_date(start.date(), t.language, formats.local(now, zone).year),
        "time": formats.clock(start),
        "phone": formats.phone(salon.phone) if salon and salon.phone else "",
    }
    return {
        **values,
        "moment": start.isoformat(),
        "salon": salon.name if salon else visit.person.business.name,
        "tone": face.tone,
        "headline": t(face.headline),
        "below": [line for msgid in face.below if (line := lay_out([t(msgid)], values))],
        "verbs": face.verbs,
        "buttons": {verb: labels(verb, t.language) for verb in (*face.verbs, "cancel_yes", "cancel_keep")},
        "revision": booking.revision,
        "place": place_of(salon) if salon else None,
        "dialled": salon.phone if salon else None,
        "master": visit.master.name if visit.master else None,
        "services": [service.name for service in visit.services],
        "notes": calendar.notes(visit, t.language),
        "price": _price(visit, t),
        "points": visit.points,
        "worth": formats.money(visit.points * 100, visit.person.place.currency, t.language),
        "client": visit.person.client.name,
        "booking_url": salon.booking_url if salon and face.book else None,
        "book": t(face.book) if face.book else None,
    }


def _beside(site: Site, visit: Visit, t: Translator, query: str) -> dict[str, Any]:
    """The other visits of the day, each with its state and its own page; and what confirms all that wait for a word."""
    zone = visit.person.place.zone
    listed = [
        {
            "time": formats.clock(formats.local(other.booking.starts_at, zone)),
            "client": other.client.name,
            "services": ", ".join(service.name for service in other.services),
            "said": t(STATES[other.state]),
            "tone": FACES[other.state].tone,
            "url": f"{site.root}{_name(site.desk.links.visit_token(other.booking))}{query}",
        }
        for other in visit.others
    ]
    ahead = ((visit.state, visit.booking), *((other.state, other.booking) for other in visit.others))
    asked = [f"{booking.revision}:{booking.id}" for state, booking in ahead if state == "asked"]
    return {
        "others": listed,
        "asked": asked if len(asked) > 1 else [],
        "all": ALL,
        "confirm_all": labels("confirm_all", t.language),
    }


def _face(visit: Visit) -> Face:
    """The face of a visit's state, by who heard or said what."""
    face = FACES[visit.state]
    if visit.state == "confirmed" and visit.booking.answer != "confirmed":
        return face._replace(headline=CONFIRMED)
    if visit.state == "move_requested" and visit.staffed:
        return face._replace(headline=PASSED_ON)
    if visit.state == "move_requested" and not (visit.person.salon and visit.person.salon.booking_url):
        return face._replace(below=(*face.below, CALL))
    return face


def place_of(salon: Salon) -> dict[str, str | None]:
    """Where a salon is: its name, address, and a map of it: its own, else a search for the address."""
    url = salon.map_url or (MAPS + quote(f"{salon.name}, {salon.address}", safe="") if salon.address else None)
    return {"name": salon.name, "address": salon.address, "map": url}


def _price(visit: Visit, t: Translator) -> str | None:
    booking = visit.booking
    if booking.price is None:
        return None
    return formats.money(booking.price, booking.currency or visit.person.place.currency, t.language)
