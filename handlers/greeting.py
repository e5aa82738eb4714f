"""The first minutes: /start, a one-time link, a shared contact, and somebody of whom nothing is known."""

from __future__ import annotations

from typing import Final

import phonenumbers

from handlers.linking import use_client_code
from handlers.presence import Here, bind_phone, businesses_with_phone
from handlers.replan import addresses_of, replan_client
from handlers.replies import answer
from handlers.turn import Desk, Turn
from storage.records import Address, Business, Choice, Client, Message
from storage.store import Changes

LANGUAGES: Final = ("uk", "tr", "ru", "en")
LANGUAGE_CHOICES: Final = tuple(Choice("language", {"language": language}) for language in LANGUAGES)
MENU: Final = (Choice("bookings"), Choice("language_ask"))


async def started(desk: Desk, turn: Turn, here: Here) -> Changes:
    """``/start``, with or without the code of a one-time link."""
    words = (turn.text or "").split(maxsplit=1)
    if len(words) == 2 and words[0].startswith("/"):
        return await _with_code(desk, turn, here, words[1].strip())
    if here.clients:
        return await _welcome(desk, turn, list(here.clients))
    return await stranger(desk, turn, here, None)


async def _with_code(desk: Desk, turn: Turn, here: Here, code: str) -> Changes:
    linked = await use_client_code(desk, turn, code)
    if linked.client is None or linked.address is None:
        if here.clients:
            return await _welcome(desk, turn, list(here.clients))
        return await _failed(desk, turn, here, "link_expired")
    changes = linked.changes
    business = await desk.store.get(Business, linked.client.business, linked.client.business)
    if business is not None and linked.changes:
        known = await addresses_of(desk, linked.client)
        addresses = (linked.address, *(row for row in known if row.id != linked.address.id))
        changes += await replan_client(desk, business, linked.client, addresses)
    return changes + await _welcome(desk, turn, [linked.client])


async def contact_shared(desk: Desk, turn: Turn, here: Here) -> Changes:
    """A contact: one's own links the chat to the phone, somebody else's links nothing."""
    assert turn.contact is not None
    if not turn.contact.own:
        return await _failed(desk, turn, here, "contact_foreign")
    phone = own_phone(turn.contact.phone)
    known = await businesses_with_phone(desk, phone) if phone else ()
    if phone is None or not known:
        return await _failed(desk, turn, here, "contact_unknown")
    changes, moved = await bind_phone(desk, turn, phone, known)
    clients: list[Client] = []
    for business in known:
        clients += await desk.store.find(Client, {"business": business, "phone": phone}, limit=1)
    told = tuple(_phone_moved(desk, turn, row) for row in moved)
    return changes + Changes(inserts=told) + await _welcome(desk, turn, clients)


def own_phone(shared: str) -> str | None:
    """A phone as Telegram hands it over (its ``+`` may be missing) in E.164; None where it is no number."""
    digits = shared if shared.startswith("+") else f"+{shared}"
    try:
        number = phonenumbers.parse(digits)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


async def _welcome(desk: Desk, turn: Turn, clients: list[Client]) -> Changes:
    """One welcome from each business that knows this person, with the way to the visits ahead."""
    rows: dict[str, Message] = {}
    for client in clients:
        rows.setdefault(
            client.business,
            answer(
                turn,
                "welcome",
                business=client.business,
                now=desk.now(),
                client=client.id,
                choices=(Choice("all_on"), *MENU) if client.silent else MENU,
                tag=f":{client.business}",
            ),
        )
    return Changes(inserts=tuple(rows.values()))


def _phone_moved(desk: Desk, turn: Turn, row: Address) -> Message:
    """The old chat of a phone hears that its messages go elsewhere now."""
    there = Turn(channel=row.channel, address=row.address, user=row.address, event=turn.event, at=turn.at)
    return answer(there, "phone_moved", business=row.business, now=desk.now(), language=row.language, tag=f":{row.id}")


async def stranger(desk: Desk, turn: Turn, here: Here, command: str | None) -> Changes:
    """Somebody whom no business knows: the chat's own language can be chosen, a phone can be shared."""
    if turn.press is None and command == "language":
        row = await _strange(desk, turn, here, "language_ask", LANGUAGE_CHOICES)
    else:
        row = await _strange(desk, turn, here, "share_contact" if turn.channel == "telegram" else "unknown_number")
    return Changes(inserts=(row,))


async def _failed(desk: Desk, turn: Turn, here: Here, kind: str) -> Changes:
    return Changes(inserts=(await _strange(desk, turn, here, kind),))


async def _strange(desk: Desk, turn: Turn, here: Here, kind: str, choices: tuple[Choice, ...] = ()) -> Message:
    """An answer to somebody unknown, in the name of the only business there is, else of none (``""``)."""
    known = here.businesses
    businesses = [] if known else await desk.store.find(Business, {}, limit=2)
    speaks = known[0] if known else businesses[0].id if len(businesses) == 1 else ""
    people = here.of(speaks)
    language = None if people else here.language
    client = people[0].id if people else None
    return answer(turn, kind, business=speaks, now=desk.now(), language=language, client=client, choices=choices)
