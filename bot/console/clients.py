"""Clients: found by name or phone; a card with visits, messages, chats and consent; what is known, and erasure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from aiohttp import web
from pydantic_core import to_json

from bot.api.bookings import salons_of
from bot.api.export_shapes import export_out
from bot.api.requests import ClientIn
from bot.console import record_forms, words
from bot.console.message_rows import rows_of
from bot.console.record_forms import Input
from bot.console.site import SAVED, Action, Call, Missing, Page
from bot.console.today import STATES
from handlers import bonuses, people
from handlers.console_day import lines
from handlers.dossier import dossier_of
from handlers.erasure import erase_client
from handlers.finding import find_clients
from handlers.i18n import mark
from handlers.invalid import Invalid
from handlers.linking import client_link
from handlers.people import phone_or_invalid
from handlers.replan import addresses_of
from handlers.wording_reasons import in_words
from storage.records import Address, Booking, Client, Consent, Message, Review, new_id

SHOWN: Final = 50
ON_CARD: Final = 20
INPUTS: Final = (
    Input("name", mark("Name"), required=True),
    Input("first_name", mark("First name, to greet by")),
    Input("phone", mark("Phone"), "tel"),
    Input("language", mark("Language"), "select"),
    Input("birthday", mark("Birthday"), "birthday", hint=mark("Like 1990-05-31, or --05-31 without the year")),
    Input("source", mark("How the client found you")),
)
CONSENTS: Final[Mapping[str, tuple[bool | None, str]]] = {
    "yes": (True, mark("agrees to offers")),
    "no": (False, mark("wants no offers")),
    "": (None, mark("has not been asked")),
}
PURPOSES: Final[Mapping[tuple[str, bool], str]] = {
    ("marketing", True): mark("agreed to offers"),
    ("marketing", False): mark("refused offers"),
    ("everything", True): mark("switched messages on again"),
    ("everything", False): mark("switched all messages off"),
}
BONUS_REASONS: Final[Mapping[str, str]] = {
    "accrual": mark("for a visit"),
    "birthday": mark("for the birthday"),
    "gift": mark("a gift"),
    "redemption": mark("spent"),
    "correction": mark("corrected"),
    "expiry": mark("expired"),
}
PLACES: Final[Mapping[str, str]] = {
    "telegram": "Telegram", "whatsapp": "WhatsApp", "sms": "SMS",
    "api": mark("booking system"), "page": mark("page on the web"),
}  # fmt: skip


async def show_all(call: Call) -> web.StreamResponse:
    """What a search finds, else everybody, a part at a time."""
    query = call.query.get("q", "").strip()[:100]
    if query:
        clients = await find_clients(call.desk, call.business, query, SHOWN)
        return call.render("clients.html", query=query, clients=clients, more=None)
    after = call.query.get("after")
    where = {"business": call.business.id}
    clients = await call.desk.store.find(Client, where, after=(after,) if after else None, limit=SHOWN)
    more = clients[-1].id if len(clients) == SHOWN else None
    return call.render("clients.html", query="", clients=clients, more=more)


async def show(call: Call) -> web.StreamResponse:
    """The card of one client."""
    return await _card(call, await call.record(Client, call.path("id")))


async def _card(
    call: Call,
    client: Client,
    *,
    values: Mapping[str, Any] | None = None,
    faults: list[str] | None = None,
    link: str = "",
) -> web.Response:
    about = {"business": call.business.id, "client": client.id}
    visits = await call.desk.store.find(Booking, about | _salon(call), order=("-starts_at", "-id"), limit=ON_CARD)
    messages = await call.desk.store.find(
        Message, about | _salon(call) | {"staff_chat": None}, order=("-due_at", "-id"), limit=ON_CARD
    )
    reviews = await call.desk.store.find(Review, about | _salon(call), order=("-at", "-id"), limit=ON_CARD)
    points = await bonuses.statement(call.desk, call.business.id, client.id, None, SHOWN)
    consents = await call.desk.store.find(Consent, about, order=("at", "id"), limit=SHOWN)
    return call.render(
        "client.html",
        status=422 if faults else 200,
        client=client,
        inputs=record_forms.shown(INPUTS, values or _values(client), call.t, {"language": words.languages()}),
        consent_choices=[(value, call.t(text)) for value, (_, text) in CONSENTS.items()],
        consent={True: "yes", False: "no", None: ""}[client.marketing_consent],
        faults=faults or [],
        heading=call.t(record_forms.CHECK),
        visits=await lines(call.desk, call.business, visits),
        states={state: (call.t(word), tone) for state, (word, tone) in STATES.items()},
        rows=await rows_of(call, messages, {salon.id: salon for salon in await call.salons()}),
        chats=[_chat(call, row) for row in await addresses_of(call.desk, client)],
        consents=[_consent(call, row) for row in reversed(consents)],
        reviews=reviews,
        balance=points.balance,
        entries=[(entry, call.t(BONUS_REASONS[entry.reason])) for entry in reversed(points.entries)],
        alike=[one for one in await _alike(call, client) if one.id != client.id],
        link=link,
    )


def _salon(call: Call) -> dict[str, Any]:
    """An administrator sees the visits and messages of the own salon."""
    return {"salon": call.visitor.salon} if call.visitor.salon else {}


def _values(client: Client) -> dict[str, Any]:
    return {one.name: getattr(client, one.name) for one in INPUTS}


def _chat(call: Call, row: Address) -> dict[str, Any]:
    reason = row.dead_reason
    return {
        "channel": words.channel_name(row.channel, call.t),
        "since": row.linked_at or None,
        "heard": row.last_inbound_at,
        "dead": in_words(reason, call.language) if reason else None,
    }


def _consent(call: Call, row: Consent) -> dict[str, Any]:
    return {
        "at": row.at,
        "said": call.t(PURPOSES[row.purpose, row.given]),
        "place": call.t(PLACES[row.place]) if row.place in PLACES else row.place,
        "words": row.words,
    }


async def _alike(call: Call, client: Client) -> list[Client]:
    """Who may be the same person: the same phone, or the same name."""
    same = await find_clients(call.desk, call.business, client.phone, ON_CARD) if client.phone else []
    named = await find_clients(call.desk, call.business, client.name, ON_CARD)
    named = [one for one in named if one.name.casefold() == client.name.casefold()]
    return list({one.id: one for one in (*same, *named)}.values())


async def save(call: Call) -> web.StreamResponse:
    """Change what is known of a client."""
    client = await call.record(Client, call.path("id"))
    return await _put(call, client.id, client)


async def new(call: Call) -> web.StreamResponse:
    """The form for a new client."""
    return _new(call, {}, [])


def _new(call: Call, values: Mapping[str, Any], faults: list[str]) -> web.Response:
    return call.render(
        "record.html",
        status=422 if faults else 200,
        name=call.t(mark("New client")),
        back=("clients", call.t(mark("All clients"))),
        below="clients",
        inputs=record_forms.shown(INPUTS, values, call.t, {"language": words.languages()}),
        faults=faults,
        heading=call.t(record_forms.CHECK),
    )


async def create(call: Call) -> web.StreamResponse:
    """Store a new client."""
    return await _put(call, new_id(), None)


async def _put(call: Call, id: str, known: Client | None) -> web.StreamResponse:
    try:
        content = record_forms.content_of(INPUTS, call.form)
        fields = record_forms.checked(ClientIn, content).given()
        if "phone" in fields:
            fields["phone"] = phone_or_invalid(fields["phone"], call.business.country, "/phone")
    except Invalid as invalid:
        wrong, values = record_forms.faults(INPUTS, invalid, call.t), record_forms.typed(INPUTS, call.form)
        return _new(call, values, wrong) if known is None else await _card(call, known, values=values, faults=wrong)
    await people.put_client(call.desk, call.business, id, fields | _word(call, known))
    return call.go(f"clients/{id}", "saved")


def _word(call: Call, known: Client | None) -> dict[str, Any]:
    """The client's word on offers: as it was, unless the form says another one, which is then new."""
    was, at = (known.marketing_consent, known.consent_at) if known else (None, None)
    said, _ = CONSENTS.get(call.form.get("consent", "same"), (was, ""))
    return {"marketing_consent": said, "consent_at": at if said == was else call.now}


async def link(call: Call) -> web.StreamResponse:
    """A one-time Telegram link for a client."""
    client = await call.record(Client, call.path("id"))
    made = await client_link(call.desk, call.business.id, client.id)
    url = call.desk.links.telegram_start(made.code)
    return await _card(call, client, link=url or "")


async def export(call: Call) -> web.StreamResponse:
    """Everything that is stored about a person, as a file."""
    if not call.visitor.may("erasure"):
        raise Missing
    client = await call.record(Client, call.path("id"))
    dossier = await dossier_of(call.desk, client)
    named = {booking.salon for booking in dossier.bookings} | {row.salon for row in dossier.messages}
    salons = await salons_of(call.desk, call.business, named)
    return web.Response(
        body=to_json(export_out(dossier, call.business, salons, call.now), indent=2),
        content_type="application/json",
        headers={"Content-Disposition": 'attachment; filename="client.json"'},
    )


async def ask_erasure(call: Call) -> web.StreamResponse:
    """The page that asks once more."""
    if not call.visitor.may("erasure"):
        raise Missing
    client = await call.record(Client, call.path("id"))
    return call.render("erase.html", client=client)


async def erase(call: Call) -> web.StreamResponse:
    """Forget a person."""
    if not call.visitor.may("erasure"):
        raise Missing
    client = await call.record(Client, call.path("id"))
    await erase_client(call.desk, call.business.id, client.id)
    return call.go("clients", "erased")


PAGE: Final = Page(
    path="clients",
    area="clients",
    title=mark("Clients"),
    notices={"saved": SAVED, "erased": mark("The client and everything about them is forgotten.")},
    actions=(
        Action("GET", "", show_all),
        Action("POST", "", create),
        Action("GET", "/new", new),
        Action("GET", "/{id}", show),
        Action("POST", "/{id}", save),
        Action("POST", "/{id}/link", link),
        Action("GET", "/{id}/export.json", export),
        Action("GET", "/{id}/erase", ask_erasure),
        Action("POST", "/{id}/erase", erase),
    ),
)
