"""Tips: offered after a review, as the master's own link or as an invoice in the chat; what was paid is counted once."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Final, NamedTuple

from handlers import answers
from handlers.durations import MINUTE
from handlers.events import of_booking
from handlers.i18n import language_of, mark, translator
from handlers.keys import encoded
from handlers.replies import answer
from handlers.settings import in_force, place
from handlers.staff import chats_for, staff_row
from handlers.turn import Desk, Payment, Turn
from storage.records import Booking, Business, Choice, Client, Master, Message, Millis, Salon, Tip
from storage.store import Changes, Conflict, Put, StoreBusy

VERB: Final = "tip"
LINK: Final = "tip_link"
INVOICE: Final = "tip_invoice"
EVENT: Final = "tip"
SUMS: Final[Mapping[str, tuple[int, ...]]] = {
    "UAH": (10_000, 20_000, 50_000),
    "TRY": (10_000, 20_000, 50_000),
    "RUB": (20_000, 50_000, 100_000),
    "KZT": (100_000, 200_000, 500_000),
    "EUR": (300, 500, 1_000),
    "USD": (300, 500, 1_000),
    "GBP": (300, 500, 1_000),
    "PLN": (1_000, 2_000, 5_000),
    "GEL": (1_000, 2_000, 3_000),
    "AZN": (500, 1_000, 2_000),
}
"""Currency to what is offered, in hundredths. Telegram takes no invoice below about one dollar, by the rate of the day
(core.telegram.org/bots/payments#supported-currencies): the least sum stands at twice that, so that rates may move."""
CHECKOUT_LASTS: Final[Millis] = MINUTE
"""Whoever was let through has surely paid by then, or given up."""
LATE: Final = ("expired", "failed", "unknown")
TRIES: Final = 5

PAID_ALREADY: Final = mark("This tip has already been paid. Thank you!")
UNDER_WAY: Final = mark("This payment is already under way. Please try again in a minute.")
NO_INVOICE: Final = mark("This invoice no longer works.")


class Checkout(NamedTuple):
    """A payer before an invoice, as the platform asks whether to let them through. ``question`` is its id of the asking,
    ``invoice`` what we gave the invoice along: the id of the message that carried it; ``amount`` in hundredths."""

    channel: str
    payer: str
    question: str
    invoice: str
    amount: int
    currency: str
    language: str | None = None


async def offered(desk: Desk, business: Business, booking: Booking, channel: str) -> tuple[Choice, ...]:
    """What can be given for this visit in a chat on ``channel``: sums for an invoice, else the master's own link."""
    salon = await desk.store.get(Salon, business.id, booking.salon)
    master = await desk.store.get(Master, business.id, booking.master) if booking.master else None
    if master is None or not _wanted(business, salon):
        return ()
    currency = place(business, salon).currency
    if channel in desk.invoices and currency in SUMS:
        named = {"booking": booking.id, "currency": currency}
        return tuple(Choice(VERB, {**named, "amount": amount}) for amount in SUMS[currency])
    return (Choice(LINK, {"booking": booking.id}),) if master.tip_url else ()


def _wanted(business: Business, salon: Salon | None) -> bool:
    return in_force(business, salon).kinds["review_request"].tips


async def link_of(desk: Desk, business: Business, booking: Booking) -> str | None:
    """The master's own payment link for the page of a visit; None where there is none, or tips are not wanted."""
    salon = await desk.store.get(Salon, business.id, booking.salon)
    master = await desk.store.get(Master, business.id, booking.master) if booking.master else None
    return master.tip_url if master is not None and _wanted(business, salon) else None


async def pressed(desk: Desk, turn: Turn, row: Message, choice: Choice) -> Changes:
    """A sum: its invoice. Pressed twice, there is one; for one that is paid, thanks."""
    business = await desk.store.get(Business, row.business, row.business)
    booking = await desk.store.get(Booking, row.business, str(choice.args["booking"]))
    if business is None or booking is None or booking.client is None or booking.client != row.client:
        return answers.say_gone(desk, turn, row)
    salon = await desk.store.get(Salon, business.id, booking.salon)
    if turn.channel not in desk.invoices or not _wanted(business, salon):
        return _say(desk, turn, booking, "tip_closed")
    amount, currency = int(choice.args["amount"]), str(choice.args["currency"])
    key = f"tip:{encoded(booking.id)}:{row.id}:{amount}"
    known = await desk.store.find(Message, {"business": business.id, "key": key}, limit=1)
    if known and known[0].status not in LATE:
        tip = await desk.store.get(Tip, business.id, known[0].id)
        paid = tip is not None and tip.status == "paid"
        return _say(desk, turn, booking, "tip_thanks", amount=amount, currency=currency) if paid else Changes()
    invoice = answer(
        turn,
        INVOICE,
        business=business.id,
        now=desk.now(),
        client=booking.client,
        booking=booking,
        params={"amount": amount, "currency": currency},
        tag=f":{amount}",
    )
    return Changes(inserts=(invoice if known else replace(invoice, key=key),))


async def checkout(desk: Desk, asked: Checkout) -> str | None:
    """Whether a payer is let through: None, or why not, in words for the payer. Commits by itself, since nobody waits.

    Raises :class:`StoreBusy`.
    """
    for _ in range(TRIES):
        invoice = await _invoice(desk, asked.channel, asked.payer, asked.invoice)
        if invoice is None or (invoice.params["amount"], invoice.params["currency"]) != (asked.amount, asked.currency):
            return translator(language_of(asked.language, "en"))(NO_INVOICE)
        now, tip = desk.now(), await desk.store.get(Tip, invoice.business, invoice.id)
        if tip is not None and (tip.checkout == asked.question and tip.status == "checking"):
            return None
        refusal = None if tip is None else _refusal(tip, now)
        if refusal is not None:
            client = await desk.store.get(Client, invoice.business, invoice.client or "")
            spoken = client.language if client is not None else None
            return translator(language_of(spoken, language_of(asked.language, "en")))(refusal)
        row = replace(
            _tip(invoice, asked.channel, now), checkout=asked.question, revision=tip.revision + 1 if tip else 1
        )
        try:
            await desk.store.commit(Changes(puts=(Put(row, expect=tip.revision if tip else 0),)))
        except Conflict:
            continue
        return None
    raise StoreBusy("the invoice kept changing")


def _refusal(tip: Tip, now: Millis) -> str | None:
    if tip.status == "paid":
        return PAID_ALREADY
    return UNDER_WAY if now < tip.at + CHECKOUT_LASTS else None


async def _invoice(desk: Desk, channel: str, payer: str, id: str) -> Message | None:
    """The message of an invoice that went to this very chat."""
    found = await desk.store.find(Message, {"id": id}, limit=1)
    row = found[0] if found else None
    if row is None or row.kind != INVOICE or row.booking is None or (row.channel, row.address) != (channel, payer):
        return None
    return row


def _tip(invoice: Message, provider: str, now: Millis) -> Tip:
    return Tip(
        business=invoice.business,
        id=invoice.id,
        booking=invoice.booking or "",
        client=invoice.client,
        master=invoice.master,
        salon=invoice.salon or "",
        amount=int(invoice.params["amount"]),
        currency=str(invoice.params["currency"]),
        provider=provider,
        invoice=invoice.id,
        at=now,
    )


async def paid(desk: Desk, turn: Turn, payment: Payment) -> Changes:
    """Money has come: counted once by its charge, told to the master, and the client is thanked."""
    invoice = await _invoice(desk, turn.channel, turn.address, payment.invoice)
    if invoice is None:
        return Changes()
    tip = await _counted(desk, turn, invoice, payment)
    return Changes() if tip is None else tip + await _told(desk, turn, invoice, payment)


async def _counted(desk: Desk, turn: Turn, invoice: Message, payment: Payment) -> Changes | None:
    """The tip as paid; None where this charge is counted already. Money that came in twice is two tips."""
    tip = await desk.store.get(Tip, invoice.business, invoice.id)
    if tip is not None and tip.charge == payment.charge:
        return None
    fresh = replace(
        _tip(invoice, turn.channel, desk.now()),
        amount=payment.amount,
        currency=payment.currency,
        charge=payment.charge,
        status="paid",
        revision=1,
    )
    if tip is None:
        return Changes(puts=(Put(fresh, expect=0),))
    if tip.status == "checking":
        return Changes(puts=(Put(replace(fresh, checkout=tip.checkout, revision=tip.revision + 1), tip.revision),))
    beside = hashlib.sha256(f"{turn.channel}:{payment.charge}".encode()).hexdigest()[:32]
    if await desk.store.get(Tip, invoice.business, beside) is not None:
        return None
    return Changes(puts=(Put(replace(fresh, id=beside), expect=0),))


async def _told(desk: Desk, turn: Turn, invoice: Message, payment: Payment) -> Changes:
    """The master hears of it in a chat of their own, else the salon's chats do; and so does the booking system."""
    business = await desk.store.get(Business, invoice.business, invoice.business)
    booking = await desk.store.get(Booking, invoice.business, invoice.booking or "")
    if business is None or booking is None:
        return Changes()
    salon = await desk.store.get(Salon, business.id, booking.salon)
    chats = await chats_for(desk, business, salon, invoice.master, EVENT)
    own = [chat for chat in chats if chat.master is not None]
    params = {"amount": payment.amount, "currency": payment.currency}
    rows = tuple(
        staff_row(
            business,
            chat,
            "staff_tip",
            key=f"tip:{encoded(payment.charge)}:staff:{chat.id}:0",
            now=desk.now(),
            salon=salon,
            booking=booking,
            params=params,
        )
        for chat in own or chats
    )
    amount = f"{payment.amount // 100}.{payment.amount % 100:02}"
    money = {"amount": amount, "currency": payment.currency}
    heard = await of_booking(desk, booking, "tip.received", tip=money, channel=turn.channel)
    return heard + Changes(inserts=rows) + _say(desk, turn, booking, "tip_thanks", **params)


def _say(desk: Desk, turn: Turn, booking: Booking, kind: str, **params: object) -> Changes:
    said = answer(
        turn, kind, business=booking.business, now=desk.now(), client=booking.client, booking=booking, params=params
    )
    return Changes(inserts=(said,))
