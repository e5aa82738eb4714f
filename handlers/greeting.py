"""The first minutes: /start, a one-time link, a shared contact, and somebody of whom nothing is known."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final, TypeGuard

import phonenumbers

from handlers import consent, page_links
from handlers.events import of_linked
from handlers.found_again import released
from handlers.linking import linked_address, use_client_code
from handlers.presence import Here, bind_phone, businesses_with_phone, only_business
from handlers.replan import addresses_of, replan_client
from handlers.replies import answer
from handlers.turn import Desk, Turn
from storage.records import Address, Business, Choice, Client, Message
from storage.store import Changes, Put

LANGUAGES: Final = ("uk", "tr", "ru", "en")
LANGUAGE_CHOICES: Final = tuple(Choice("language", {"language": language}) for language in LANGUAGES)
MENU: Final = (Choice("bookings"), Choice("language_ask"))
_JOIN: Final = re.compile(rf"(?<![\w-]){page_links.JOIN}([A-Za-z0-9_-]{{{page_links.CODE_LENGTH}}})(?![\w-])")


async def started(desk: Desk, turn: Turn, here: Here) -> Changes:
    """``/start``, with or without the code of a one-time link."""
    words = (turn.text or "").split(maxsplit=1)
    if len(words) == 2 and words[0].startswith("/"):
        return await _with_code(desk, turn, here, words[1].strip())
    if here.clients:
        return await _welcome(desk, turn, list(here.clients))
    return await stranger(desk, turn, here, None)


def join_code_of(turn: Turn) -> str | None:
    """The code of a salon that somebody brings from its page: as the payload of ``/start``, or in the text that the page
    made ready."""
    found = _JOIN.search(turn.text or "")
    return found[1] if found else None


async def joined(desk: Desk, turn: Turn, here: Here, code: str) -> Changes:
    """Somebody comes from a salon's page. A chat whose phone is known is linked at once, whether the salon has a booking
    of that phone yet or not; another one is asked for the phone, and the salon is remembered."""
    link = await page_links.find(desk, "join", code)
    if link is None:
        return await started(desk, replace(turn, text="/start"), here)
    mine = [row for row in here.rows if row.business == link.owner]
    people = list(here.of(link.owner))
    phone = next((row.phone for row in here.rows if row.phone is not None), turn.phone)
    if people or any(row.phone is not None for row in mine):
        return await _welcome(desk, turn, people, {link.owner})
    if phone is not None:
        return await _bound(desk, turn, phone, {link.owner}, {link.owner})
    row = linked_address(None, turn, link.owner, desk.now())
    remembered = Changes() if mine else Changes(puts=(Put(row, expect=0),))
    kind = "share_contact" if turn.channel == "telegram" else "unknown_number"
    asked = answer(turn, kind, business=link.owner, now=desk.now(), language=here.language)
    return remembered + Changes(inserts=(asked,))


async def _with_code(desk: Desk, turn: Turn, here: Here, code: str) -> Changes:
    linked = await use_client_code(desk, turn, code, here.rows)
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
        changes += await of_linked(desk, [linked.client], turn.channel)
        changes += await released(desk, business, linked.client, addresses, turn.channel)
    return changes + await _welcome(desk, turn, [linked.client])


async def contact_shared(desk: Desk, turn: Turn, here: Here) -> Changes:
    """A contact: one's own links the chat to the phone, somebody else's links nothing."""
    assert turn.contact is not None
    if not turn.contact.own:
        return await _failed(desk, turn, here, "contact_foreign")
    phone = own_phone(turn.contact.phone)
    waiting = {row.business for row in here.rows if row.phone is None and row.client is None}
    if phone is None:
        return await _failed(desk, turn, here, "contact_unknown")
    known = {*await businesses_with_phone(desk, phone), *waiting}
    if known:
        return await _bound(desk, turn, phone, known, waiting)
    # Nobody has this number yet: the only business there is will know the chat once it has a client with it.
    changes, _ = await bind_phone(desk, turn, phone, await only_business(desk))
    return changes + await _failed(desk, turn, here, "contact_unknown")


async def _bound(desk: Desk, turn: Turn, phone: str, businesses: set[str], joined: set[str]) -> Changes:
    """The chat becomes that of ``phone`` in these businesses, and each of them says welcome that knows the phone or was
    joined."""
    changes, moved = await bind_phone(desk, turn, phone, tuple(sorted(businesses)))
    clients: list[Client] = []
    for business in sorted(businesses):
        clients += await desk.store.find(Client, {"business": business, "phone": phone}, limit=1)
    told = tuple(_phone_moved(desk, turn, row) for row in moved)
    changes += await of_linked(desk, clients, turn.channel)
    return changes + Changes(inserts=told) + await _welcome(desk, turn, clients, joined)


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


async def _welcome(
    desk: Desk, turn: Turn, clients: list[Client], joined: set[str] | frozenset[str] = frozenset()
) -> Changes:
    """One welcome from each business that knows this person, or that the person ``joined`` before it does, with the way
    to the visits ahead."""
    people: dict[str, Client | None] = {}
    for client in clients:
        people.setdefault(client.business, client)
    for business in sorted(joined):
        people.setdefault(business, None)
    said = [_welcomed(desk, turn, business, client) for business, client in people.items()]
    asked = [consent.asked(turn, client, desk.now()) for client in people.values() if _unasked(client)]
    return Changes(inserts=(*said, *asked))


def _unasked(client: Client | None) -> TypeGuard[Client]:
    return client is not None and consent.may_be_asked(client)


def _welcomed(desk: Desk, turn: Turn, business: str, client: Client | None) -> Message:
    return answer(
        turn,
        "welcome",
        business=business,
        now=desk.now(),
        language=turn.language if client is None else None,
        client=client.id if client else None,
        choices=(Choice("all_on"), *MENU) if client and client.silent else MENU,
        tag=f":{business}",
    )


def _phone_moved(desk: Desk, turn: Turn, row: Address) -> Message:
    """The old chat of a phone hears that its messages go elsewhere now."""
    there = Turn(channel=row.channel, address=row.address, user=row.address, event=turn.event, at=turn.at)
    return answer(there, "phone_moved", business=row.business, now=desk.now(), language=row.language, tag=f":{row.id}")


async def stranger(desk: Desk, turn: Turn, here: Here, command: str | None) -> Changes:
    """Somebody whom no business knows: the chat's own language can be chosen, a phone can be shared."""
    if turn.press is None and command == "language":
        row = await _strange(desk, turn, here, "language_ask", LANGUAGE_CHOICES)
    elif turn.channel == "telegram" and any(known.phone is not None for known in here.rows):
        row = await _strange(desk, turn, here, "bookings", MENU)
    else:
        row = await _strange(desk, turn, here, "share_contact" if turn.channel == "telegram" else "unknown_number")
    return Changes(inserts=(row,))


async def _failed(desk: Desk, turn: Turn, here: Here, kind: str) -> Changes:
    return Changes(inserts=(await _strange(desk, turn, here, kind),))


async def _strange(desk: Desk, turn: Turn, here: Here, kind: str, choices: tuple[Choice, ...] = ()) -> Message:
    """An answer to somebody unknown, in the name of the only business there is, else of none (``""``)."""
    speaks = (*(here.businesses or await only_business(desk)), "")[0]
    people = here.of(speaks)
    language = None if people else here.language
    client = people[0].id if people else None
    return answer(turn, kind, business=speaks, now=desk.now(), language=language, client=client, choices=choices)
