"""Messages that a person sends: the texts ready, and what became of each."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

from aiohttp import web

from bot.console import words
from bot.console.site import Action, Call, Missing, Page
from handlers.by_hand import DONE, HELD, LATER, card_choices, done, put_off, waits
from handlers.i18n import mark
from handlers.settings import place
from handlers.wording_choices import LONGEST_LINK, labels, without_emoji
from storage.records import Booking, Client, Message, Salon
from storage.store import Conflict

SHOWN: Final = 50


async def show(call: Call) -> web.StreamResponse:
    """What waits, those that are due first; what was put off stands at the end."""
    where = {**call.visitor.own, **HELD}
    rows = await call.desk.store.find(Message, where, order=("due_at", "id"), limit=SHOWN)
    clients = await call.desk.store.get_many(Client, [(row.business, row.client) for row in rows if row.client])
    bookings = await call.desk.store.get_many(Booking, [(row.business, row.booking) for row in rows if row.booking])
    salons = {salon.id: salon for salon in await call.salons()}
    cards = [
        _card(
            call,
            row,
            clients.get((row.business, row.client or "")),
            bookings.get((row.business, row.booking or "")),
            salons.get(row.salon or ""),
        )
        for row in rows
    ]
    return call.render("manual.html", cards=sorted(cards, key=lambda card: bool(card["until"])))


def _card(
    call: Call, row: Message, client: Client | None, booking: Booking | None, salon: Salon | None
) -> dict[str, Any]:
    zone = place(call.business, salon).zone
    verbs = [choice.verb for choice in card_choices(row, call.now, zone) if choice.verb in (*DONE, *LATER)]
    return {
        "row": row,
        "client": client,
        "starts_at": booking.starts_at if booking else None,
        "zone": zone,
        "kind": words.kind_name(row.kind, call.t),
        "whatsapp": _in_whatsapp(client, row.text or ""),
        "until": row.next_at if row.next_at > call.now else None,
        "buttons": [(verb, without_emoji(labels(verb, call.language))) for verb in verbs],
    }


def _in_whatsapp(client: Client | None, text: str) -> str | None:
    """The chat with the client, the text ready; without the text where that is long."""
    if client is None or client.phone is None:
        return None
    chat = f"https://wa.me/{client.phone.lstrip('+')}"
    whole = f"{chat}?text={quote(text, safe='')}"
    return whole if len(whole) <= LONGEST_LINK else chat


async def press(call: Call) -> web.StreamResponse:
    """Say what became of a message, or put it off."""
    row = await call.record(Message, call.path("id"))
    verb = call.form.get("do", "")
    if row.staff_chat is not None or not call.visitor.sees(row) or verb not in (*DONE, *LATER):
        raise Missing
    if not waits(row):
        return call.go("manual", "faster")
    by = call.visitor.session.name
    try:
        if verb in DONE:
            changes = await done(call.desk, row, verb, by)
        else:
            salon = await call.desk.store.get(Salon, row.business, row.salon) if row.salon else None
            changes = await put_off(call.desk, row, verb, by, place(call.business, salon).zone)
        await call.desk.store.commit(changes)
    except Conflict:
        return call.go("manual", "faster")
    return call.go("manual", "saved")


PAGE: Final = Page(
    path="manual",
    area="manual",
    title=mark("By hand"),
    notices={"saved": mark("Noted."), "faster": mark("This message no longer waits: somebody was faster.")},
    actions=(Action("GET", "", show), Action("POST", "/{id}", press)),
)
