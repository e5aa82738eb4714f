"""Settings of the business and of each salon: what is in force, what is inherited, and what a change does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any, Final

from aiohttp import web

from bot.console import words
from bot.console.settings_fields import SECTIONS, Field, patch_of, shown
from bot.console.site import Action, Call, Page
from handlers import tenants
from handlers.console_settings import Touched, touched
from handlers.i18n import LANGUAGES, mark
from handlers.invalid import Invalid
from handlers.settings import apply_patch
from handlers.settings import shown as settings_shown
from storage.records import Business, Salon

WRONG: Final = mark("Nothing has been saved. Please check:")
NOT_KEPT: Final = ("business", "id", "settings", "revision", "created_at")


async def show(call: Call) -> web.StreamResponse:
    """The form as things are."""
    return await _page(call, await _salon(call))


async def save(call: Call) -> web.StreamResponse:
    """Save the form, or with ``do=look`` only say what saving would change."""
    salon = await _salon(call)
    values = {name: call.form.getall(name) for name in call.form}
    patch = patch_of(call.form, values)
    try:
        own = apply_patch((salon or call.business).settings, patch, level="salon" if salon else "business")
    except Invalid as invalid:
        return await _page(call, salon, patch=patch, faults=_named(call, invalid), status=422)
    business = call.business if salon else replace(call.business, settings=own)
    change = await touched(call.desk, business, replace(salon, settings=own) if salon else None)
    if call.form.get("do") == "look":
        return await _page(call, salon, patch=patch, change=change)
    if salon is not None:
        await tenants.patch_salon_settings(call.desk, salon, patch)
    else:
        await tenants.patch_business_settings(call.desk, call.business, patch)
    await _speak(call, salon)
    return call.go(_below(salon), "more" if change.more else "saved", n=change.messages)


async def _speak(call: Call, salon: Salon | None) -> None:
    """The language of messages to people whose own is not known."""
    language = call.form.get("language", "")
    if salon is not None:
        now = await call.record(Salon, salon.id)
        if (language or None) != now.language and language in ("", *LANGUAGES):
            await tenants.put_salon(call.desk, call.business, salon.id, {**_fields(now), "language": language or None})
        return
    business = await call.record(Business, call.business.id)
    if language in LANGUAGES and language != business.language:
        await tenants.put_business(call.desk, business.id, {**_fields(business), "language": language})


def _fields(record: Business | Salon) -> dict[str, Any]:
    return {name: value for name, value in asdict(record).items() if name not in NOT_KEPT}


async def _salon(call: Call) -> Salon | None:
    """The salon of the path; None: the business as a whole. Raises :class:`Missing`."""
    id = call.request.match_info.get("id")
    return await call.record(Salon, id) if id is not None else None


def _below(salon: Salon | None) -> str:
    return f"settings/{salon.id}" if salon else "settings"


async def _page(
    call: Call,
    salon: Salon | None,
    *,
    patch: Mapping[str, Any] | None = None,
    faults: list[str] | None = None,
    change: Touched | None = None,
    status: int = 200,
) -> web.Response:
    """``patch``: what was typed, shown in place of what is stored."""
    above = settings_shown(call.business, None) if salon else _defaults(call.business)
    own: Mapping[str, Any] = (salon or call.business).settings if patch is None else patch
    sections = [
        {
            "title": call.t(section.title),
            "hint": call.t(section.hint) if section.hint else "",
            "fields": [shown(field, above, own, call.t) for field in section.fields],
        }
        for section in SECTIONS
    ]
    own_language = salon.language if salon else call.business.language
    return call.render(
        "settings.html",
        status=status,
        salon=salon,
        salons=await call.salons(),
        below=_below(salon),
        sections=sections,
        faults=faults or [],
        heading=call.t(WRONG),
        change=change,
        languages=words.languages(),
        language=call.form.get("language", own_language or ""),
        inherited_language=dict(words.languages()).get(call.business.language, call.business.language),
    )


def _defaults(business: Business) -> dict[str, Any]:
    """What holds where the business says nothing."""
    return settings_shown(replace(business, settings={}), None)


def _named(call: Call, invalid: Invalid) -> list[str]:
    """What is wrong, as the titles of sections and fields."""
    found = []
    for section in SECTIONS:
        for field in section.fields:
            if any(_is_at(at, field) for at, _ in invalid.errors):
                found.append(f"{call.t(section.title)}: {call.t(field.title)}")
    return found or [str(invalid)]


def _is_at(pointer: str, field: Field) -> bool:
    here = "/" + "/".join(field.path)
    return pointer == here or pointer.startswith(f"{here}/")


PAGE: Final = Page(
    path="settings",
    area="settings",
    title=mark("Settings"),
    notices={
        "saved": mark("Saved. Waiting messages that this changes: {n}"),
        "more": mark("Saved. Waiting messages of the next visits that this changes: {n}"),
    },
    actions=(
        Action("GET", "", show),
        Action("POST", "", save),
        Action("GET", "/{id}", show),
        Action("POST", "/{id}", save),
    ),
)
