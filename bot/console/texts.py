"""Texts: for every kind, language and salon the ready one, one's own beside it, and how it looks with a real visit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from aiohttp import web

from bot.console import words
from bot.console.filters import put, when
from bot.console.site import Action, Call, Missing, Page
from handlers import console_texts, templates, tenants, text_history
from handlers.console_texts import Stage, alias, previews, ready, staged, visits_for
from handlers.i18n import LANGUAGES, Translator, mark
from handlers.settings import in_force
from handlers.settings_schema import ANSWER_KINDS, KINDS, VARIABLES
from storage.records import Booking, Client, Salon, TextVersion

LONGEST: Final = 1500
"""Characters of an owner's text, as the settings take it."""
EDITABLE: Final = tuple(kind for kind in (*KINDS, *ANSWER_KINDS) if kind != "campaign")
"""A mailing has its own text each time."""
INSERT: Final = "insert:"
VERSION: Final = "version:"
WRONG: Final = mark("Nothing has been saved. Please check:")
UNKNOWN: Final = mark("[{text}] is not a variable.")
NEAR: Final = mark("[{text}] is not a variable. Did you mean [{title}]?")
CODE: Final = mark("This looks like code, which means nothing here: {text}")
TOO_LONG: Final = mark("The text is too long. The most that it may have, in characters: {n}")
EMPTY: Final = mark("The text is empty. To send the ready one, press “Back to the ready text”.")
GLUED: Final = mark("Letters right beside a variable will not fit every value: put it after a colon or a comma.")


@dataclass(frozen=True, slots=True)
class Place:
    """Which text: ``salon`` None means the business's."""

    kind: str
    language: str
    salon: Salon | None

    @property
    def asked(self) -> str:
        """The same behind a question mark."""
        return urlencode({"language": self.language, **({"salon": self.salon.id} if self.salon else {})})

    def own(self, call: Call) -> str | None:
        """The text that is set at this very level."""
        return _set(self.salon.settings if self.salon else call.business.settings, self.kind, self.language)

    def inherited(self, call: Call) -> str | None:
        """The business's text, where a salon has none of its own."""
        return _set(call.business.settings, self.kind, self.language) if self.salon else None


def _set(settings: Mapping[str, Any], kind: str, language: str) -> str | None:
    text: str | None = settings.get("templates", {}).get(kind, {}).get(language)
    return text


async def _place(call: Call, kind: str, said: Mapping[str, str]) -> Place:
    """What a request speaks of. Raises :class:`Missing`."""
    if kind not in EDITABLE:
        raise Missing
    language = said.get("language") or call.business.language
    salon = await call.record(Salon, said["salon"]) if said.get("salon") else None
    return Place(kind, language if language in LANGUAGES else "en", salon)


async def show_all(call: Call) -> web.StreamResponse:
    """Every kind, and which text it has in one language."""
    place = await _place(call, EDITABLE[0], call.query)
    settings = in_force(call.business, place.salon)
    kinds = [
        {
            "kind": kind,
            "name": words.kind_name(kind, call.t),
            "own": Place(kind, place.language, place.salon).own(call) is not None,
            "text": settings.templates.get(kind, {}).get(place.language),
            "off": kind in settings.kinds and not settings.kinds[kind].enabled,
        }
        for kind in EDITABLE
    ]
    return call.render(
        "texts.html",
        place=place,
        kinds=kinds,
        salons=await call.salons(),
        languages=words.languages(),
    )


async def show(call: Call) -> web.StreamResponse:
    """One text with its preview."""
    place = await _place(call, call.path("kind"), call.query)
    return await _page(call, place, place.own(call) or "", call.query.get("visit", ""))


async def press(call: Call) -> web.StreamResponse:
    """Save, look, go back to the ready text, or put something into the text."""
    place = await _place(call, call.path("kind"), call.form)
    typed = call.form.get("text", "").replace("\r\n", "\n").strip()
    do, visit = call.form.get("do", ""), call.form.get("visit", "")
    if do == "save":
        faults = faults_of(typed, call.t)
        if faults:
            return await _page(call, place, typed, visit, faults=faults, status=422)
        await _save(call, place, typed)
        return call.go(f"texts/{place.kind}?{place.asked}&done=saved")
    if do == "back":
        await _save(call, place, None)
        return call.go(f"texts/{place.kind}?{place.asked}&done=back")
    if do.startswith(INSERT) and do.removeprefix(INSERT) in VARIABLES:
        typed = f"{typed}[{alias(do.removeprefix(INSERT), call.language)}]"
    elif do.startswith(VERSION):
        version = await call.record(TextVersion, do.removeprefix(VERSION))
        typed = version.text or ""
    elif do == "fill":
        stage = await _stage(call, place, visit)
        typed = ready(stage, call.language) or typed
    return await _page(call, place, typed, visit)


def faults_of(text: str, t: Translator) -> list[str]:
    """What is wrong with a text, in the owner's words."""
    if not text:
        return [t(EMPTY)]
    long = [put(t(TOO_LONG), n=LONGEST)] if len(text) > LONGEST else []
    return long + [_said(fault, t) for fault in templates.faults(text)]


def _said(fault: templates.Fault, t: Translator) -> str:
    if fault.code:
        return put(t(CODE), text=fault.text)
    return put(t(NEAR), text=fault.text, title=fault.near) if fault.near else put(t(UNKNOWN), text=fault.text)


async def _save(call: Call, place: Place, text: str | None) -> None:
    patch = {"templates": {place.kind: {place.language: text}}}
    by = call.visitor.session.name
    if place.salon is not None:
        await tenants.patch_salon_settings(call.desk, place.salon, patch, by)
    else:
        await tenants.patch_business_settings(call.desk, call.business, patch, by)


async def _stage(call: Call, place: Place, visit: str) -> Stage:
    chosen = await call.desk.store.get(Booking, call.business.id, visit) if visit else None
    if chosen is None or chosen.client is None:
        chosen = next(iter(await visits_for(call.desk, call.business, place.salon)), None)
    return await staged(call.desk, call.business, place.salon, place.kind, place.language, chosen)


async def _page(
    call: Call, place: Place, typed: str, visit: str, *, faults: list[str] | None = None, status: int = 200
) -> web.Response:
    stage = await _stage(call, place, visit)
    shown = typed or place.inherited(call)
    looks = previews(stage, shown if shown and not templates.faults(shown) else None)
    return call.render(
        "text.html",
        status=status,
        place=place,
        name=words.kind_name(place.kind, call.t),
        own=place.own(call) is not None,
        inherited=place.inherited(call),
        typed=typed,
        longest=LONGEST,
        faults=faults or [],
        heading=call.t(WRONG),
        glued=call.t(GLUED) if typed and templates.warnings(typed) else None,
        variables=[(name, f"[{alias(name, call.language)}]") for name in VARIABLES],
        ready=ready(stage, call.language),
        previews=[{"look": look, "channel": words.channel_name(look.channel, call.t)} for look in looks],
        is_own=bool(shown) and not templates.faults(shown or ""),
        visits=await _visits(call, place),
        visit=stage.message.booking,
        versions=await text_history.history(
            call.desk, call.business.id, place.salon.id if place.salon else None, place.kind, place.language
        ),
        salons=await call.salons(),
        languages=words.languages(),
    )


async def _visits(call: Call, place: Place) -> list[tuple[str, str]]:
    """Visits to choose from, as an owner knows them."""
    bookings = await visits_for(call.desk, call.business, place.salon)
    keys = [(call.business.id, booking.client or "") for booking in bookings]
    clients = await call.desk.store.get_many(Client, list(dict.fromkeys(keys)))
    listed = []
    for booking in bookings:
        client = clients.get((call.business.id, booking.client or ""))
        name = client.name if client else call.t(mark("No client"))
        listed.append((booking.id, f"{when(booking.starts_at, call.zone, call.language)}, {name}"))
    return listed or [(console_texts.INVENTED, call.t(mark("An invented visit")))]


PAGE: Final = Page(
    path="texts",
    area="texts",
    title=mark("Texts"),
    notices={
        "saved": mark("Saved. From now on this text is sent."),
        "back": mark("The ready text is sent again."),
    },
    actions=(
        Action("GET", "", show_all),
        Action("GET", "/{kind}", show),
        Action("POST", "/{kind}", press),
    ),
)
