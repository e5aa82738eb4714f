"""The house: salons, masters, services with the time after which clients are invited again, and the staff's chats."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from aiohttp import web
from pydantic import BaseModel

from bot.api.requests import MasterIn, SalonIn, ServiceIn
from bot.console import record_forms, words
from bot.console.record_forms import Input
from bot.console.settings_fields import STAFF_NAMES, length
from bot.console.site import SAVED, Action, Call, Missing, Page
from handlers import tenants
from handlers.formats import money
from handlers.i18n import mark
from handlers.invalid import Invalid
from handlers.linking import PRIVATE_ROLES, staff_link
from handlers.people import phone_or_invalid
from handlers.settings import place
from handlers.settings_schema import STAFF_EVENTS
from storage.records import Master, Salon, Service, StaffChat, new_id

R = TypeVar("R", Salon, Master, Service)
Choices = Mapping[str, Sequence[tuple[str, str]]]

MOST: Final = 500
LASTING: Final = ("PT15M", "PT30M", "PT45M", "PT1H", "PT1H30M", "PT2H", "PT2H30M", "PT3H", "PT4H")
AGAIN: Final = ("P1W", "P2W", "P3W", "P1M", "P6W", "P2M", "P3M", "P6M")
AGAIN_AFTER: Final = mark("Invite again after")
ROLES: Final[Mapping[str, str]] = {
    "staff": mark("staff chat"),
    "master": mark("specialist"),
    "administrator": mark("administrator"),
    "owner": mark("owner"),
}

SALON: Final = (
    Input("name", mark("Title"), required=True),
    Input("short_name", mark("Short name, for SMS")),
    Input("legal_name", mark("Name of the organisation")),
    Input("address", mark("Address")),
    Input("phone", mark("Phone"), "tel"),
    Input("booking_url", mark("Page for online booking"), "url"),
    Input("map_url", mark("Map"), "url"),
    Input("review_urls", mark("Where clients may leave a review, a line each"), "lines"),
    Input("timezone", mark("Time zone"), hint="Europe/Kyiv"),
    Input("country", mark("Country, two letters"), hint="UA, TR, KZ"),
    Input("currency", mark("Currency, three letters"), hint="UAH, TRY, KZT"),
)
MASTER: Final = (
    Input("name", mark("Name"), required=True),
    Input("salon", mark("Location"), "select", required=True),
    Input("phone", mark("Phone"), "tel"),
    Input("tip_url", mark("Page for tips"), "url"),
    Input("language", mark("Language"), "select"),
)
SERVICE: Final = (
    Input("name", mark("Title"), required=True),
    Input("duration", mark("How long does it take?"), "select", options=LASTING),
    Input("price.amount", mark("Price"), "decimal"),
    Input("rebook_after", AGAIN_AFTER, "select", options=AGAIN),
    *(
        Input(f"note.{language}", title)
        for language, title in {
            "uk": mark("What to know before coming, in Ukrainian"),
            "tr": mark("What to know before coming, in Turkish"),
            "ru": mark("What to know before coming, in Russian"),
            "en": mark("What to know before coming, in English"),
        }.items()
    ),
)


@dataclass(frozen=True, slots=True)
class Shelf(Generic[R]):
    """One sort of record: where its pages lie, its form, and how it is stored."""

    path: str
    record: type[R]
    inputs: tuple[Input, ...]
    model: type[BaseModel]
    title: str
    new: str

    def values(self, record: R) -> dict[str, Any]:
        """What stands in the form of a stored record."""
        found = {one.name: getattr(record, one.name, None) for one in self.inputs}
        if isinstance(record, Service):
            found["price.amount"] = (
                f"{record.price // 100}.{record.price % 100:02}" if record.price is not None else None
            )
            found |= {f"note.{language}": text for language, text in record.note.items()}
        return found


SALONS: Final = Shelf("salons", Salon, SALON, SalonIn, mark("Salons"), mark("New salon"))
MASTERS: Final = Shelf("masters", Master, MASTER, MasterIn, mark("Specialists"), mark("New specialist"))
SERVICES: Final = Shelf("services", Service, SERVICE, ServiceIn, mark("Services"), mark("New service"))
SHELVES: Final[Mapping[str, Shelf[Any]]] = {one.path: one for one in (SALONS, MASTERS, SERVICES)}


async def show(call: Call) -> web.StreamResponse:
    """Everything at a glance."""
    return await _page(call)


async def _page(call: Call, code: Mapping[str, Any] | None = None, faults: Sequence[str] = ()) -> web.Response:
    own = {"business": call.business.id}
    salons = await call.desk.store.find(Salon, own, limit=MOST)
    masters = await call.desk.store.find(Master, own, limit=MOST)
    services = await call.desk.store.find(Service, own, limit=MOST)
    chats = await call.desk.store.find(StaffChat, own, limit=MOST)
    names = {salon.id: salon.name for salon in salons}
    return call.render(
        "team.html",
        status=422 if faults else 200,
        salons=salons,
        masters=sorted(masters, key=lambda one: one.name),
        services=sorted(services, key=lambda one: one.name),
        names=names,
        about={one.id: _about(call, one) for one in services},
        chats=[(chat, call.t(ROLES[chat.role])) for chat in chats],
        roles=[(role, call.t(name)) for role, name in ROLES.items()],
        salon_choices=[(salon.id, salon.name) for salon in salons],
        master_choices=[(master.id, master.name) for master in masters],
        languages=words.languages(),
        code=code,
        faults=faults,
        heading=call.t(record_forms.CHECK),
    )


def _about(call: Call, service: Service) -> str:
    """Length, price and interval of a service, as far as they are known."""
    price, again = service.price, service.rebook_after
    known = [
        length(service.duration, call.t) if service.duration else "",
        money(price, service.currency or call.business.currency, call.language) if price is not None else "",
        f"{call.t(AGAIN_AFTER)}: {length(again, call.t)}" if again else "",
    ]
    return " · ".join(filter(None, known))


# Salons, masters, services


def _shelf(call: Call) -> Shelf[Any]:
    """The sort of record that the path names. Raises :class:`Missing`."""
    shelf = SHELVES.get(call.path("shelf"))
    if shelf is None:
        raise Missing
    return shelf


async def new(call: Call) -> web.StreamResponse:
    """The form for a new one."""
    return await _form(call, _shelf(call), None, {})


async def show_one(call: Call) -> web.StreamResponse:
    """The form of one that is stored."""
    shelf = _shelf(call)
    record = await call.record(shelf.record, call.path("id"))
    return await _form(call, shelf, record.id, shelf.values(record))


async def _form(
    call: Call, shelf: Shelf[Any], id: str | None, values: Mapping[str, Any], faults: Sequence[str] = ()
) -> web.Response:
    salons = [(salon.id, salon.name) for salon in await call.salons()]
    choices: Choices = {"salon": salons, "language": words.languages()}
    return call.render(
        "record.html",
        status=422 if faults else 200,
        name=values.get("name") or call.t(shelf.new),
        back=("team", call.t(PAGE.title)),
        below=f"team/{shelf.path}/{id}" if id else f"team/{shelf.path}",
        inputs=record_forms.shown(shelf.inputs, values, call.t, choices),
        faults=faults,
        heading=call.t(record_forms.CHECK),
    )


async def create(call: Call) -> web.StreamResponse:
    """Store a new one."""
    return await _put(call, _shelf(call), None)


async def save(call: Call) -> web.StreamResponse:
    """Change one."""
    shelf = _shelf(call)
    record = await call.record(shelf.record, call.path("id"))
    return await _put(call, shelf, record.id)


async def _put(call: Call, shelf: Shelf[Any], id: str | None) -> web.StreamResponse:
    try:
        content = record_forms.content_of(shelf.inputs, call.form)
        await PUTS[shelf.path](call, id or new_id(), content)
    except Invalid as invalid:
        wrong = record_forms.faults(shelf.inputs, invalid, call.t)
        return await _form(call, shelf, id, record_forms.typed(shelf.inputs, call.form), wrong)
    return call.go("team", "saved")


async def _put_salon(call: Call, id: str, content: dict[str, Any]) -> None:
    known = await call.desk.store.get(Salon, call.business.id, id)
    fields = record_forms.checked(SalonIn, content).given()
    if "phone" in fields:
        fields["phone"] = phone_or_invalid(fields["phone"], fields.get("country") or call.business.country, "/phone")
    if "review_urls" in fields:
        fields["review_urls"] = tuple(fields["review_urls"])
    # Its language is set where the settings are.
    kept = {"language": known.language} if known is not None else {}
    await tenants.put_salon(call.desk, call.business, id, kept | fields)


async def _put_master(call: Call, id: str, content: dict[str, Any]) -> None:
    fields = record_forms.checked(MasterIn, content).given()
    if "phone" in fields:
        salon = await call.desk.store.get(Salon, call.business.id, fields["salon"])
        fields["phone"] = phone_or_invalid(fields["phone"], place(call.business, salon).country, "/phone")
    await tenants.put_master(call.desk, call.business, id, fields)


async def _put_service(call: Call, id: str, content: dict[str, Any]) -> None:
    known = await call.desk.store.get(Service, call.business.id, id)
    if "price" in content:
        currency = (known.currency if known else None) or call.business.currency
        content["price"] = {"amount": content["price"]["amount"].replace(",", "."), "currency": currency}
    body = record_forms.checked(ServiceIn, content)
    fields = body.given()
    if body.price is not None:
        fields |= {"price": body.price.hundredths, "currency": body.price.currency}
    if body.note is not None:
        fields["note"] = body.note.given()
    await tenants.put_service(call.desk, call.business, id, fields)


PUTS: Final[Mapping[str, Callable[[Call, str, dict[str, Any]], Any]]] = {
    "salons": _put_salon,
    "masters": _put_master,
    "services": _put_service,
}


# The staff's chats


async def make_code(call: Call) -> web.StreamResponse:
    """A code that links a chat, shown this once."""
    wanted: dict[str, Any] = {
        name: value for name in ("role", "salon", "master", "language") if (value := call.form.get(name, ""))
    }
    if wanted.get("role") not in ROLES or wanted.get("language") not in dict(words.languages()):
        raise Missing
    try:
        made = await staff_link(call.desk, call.business.id, wanted)
    except Invalid:
        return await _page(
            call, faults=[call.t(mark("Say which location and, for a specialist's chat, which specialist."))]
        )
    links = call.desk.links
    private = wanted["role"] in PRIVATE_ROLES
    url = links.telegram_start(made.code) if private else links.telegram_group(made.code)
    return await _page(call, {"code": made.code, "url": url, "until": made.expires_at, "private": private})


async def show_chat(call: Call) -> web.StreamResponse:
    """What one chat hears."""
    chat = await call.record(StaffChat, call.path("id"))
    salons = await call.salons()
    masters = await call.desk.store.find(Master, {"business": call.business.id}, limit=MOST)
    return call.render(
        "staff_chat.html",
        chat=chat,
        role=call.t(ROLES[chat.role]),
        salons=[("", "—"), *((salon.id, salon.name) for salon in salons)],
        masters=[("", "—"), *((master.id, master.name) for master in masters)],
        languages=words.languages(),
        events=[(event, call.t(STAFF_NAMES[event])) for event in STAFF_EVENTS],
    )


async def save_chat(call: Call) -> web.StreamResponse:
    """Change what a chat hears, or unlink it."""
    chat = await call.record(StaffChat, call.path("id"))
    if call.form.get("do") == "unlink":
        await tenants.unlink_staff_chat(call.desk, call.business.id, chat.id)
        return call.go("team", "unlinked")
    events = [event for event in STAFF_EVENTS if event in call.form.getall("events", [])]
    cards = [event for event in chat.events or () if event not in STAFF_EVENTS]
    fields = {
        "salon": call.form.get("salon") or None,
        "master": call.form.get("master") or None,
        "language": call.form.get("language")
        if call.form.get("language") in dict(words.languages())
        else chat.language,
        "events": None if len(events) == len(STAFF_EVENTS) and chat.events is None else [*events, *cards],
    }
    try:
        await tenants.put_staff_chat(call.desk, chat, fields)
    except Invalid:
        return call.go(f"team/chats/{chat.id}", "wrong")
    return call.go("team", "saved")


PAGE: Final = Page(
    path="team",
    area="team",
    title=mark("Team and services"),
    notices={
        "saved": SAVED,
        "unlinked": mark("That chat hears nothing any more."),
        "wrong": mark("Say which location and, for a specialist's chat, which specialist."),
    },
    actions=(
        Action("GET", "", show),
        Action("POST", "/chats", make_code),
        Action("GET", "/chats/{id}", show_chat),
        Action("POST", "/chats/{id}", save_chat),
        Action("GET", "/{shelf}/new", new),
        Action("POST", "/{shelf}", create),
        Action("GET", "/{shelf}/{id}", show_one),
        Action("POST", "/{shelf}/{id}", save),
    ),
)
