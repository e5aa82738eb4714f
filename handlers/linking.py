"""Making and using one-time codes: a client's Telegram link, and the code that links a staff chat."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

from handlers.invalid import Invalid
from handlers.turn import Desk, Turn
from storage.records import Address, Client, LinkCode, Master, Millis, Salon, StaffChat, address_id, new_id
from storage.store import Changes, Patch, Put

CLIENT_LINK_LASTS: Final[Millis] = 7 * 86_400_000
STAFF_CODE_LASTS: Final[Millis] = 30 * 60_000
STAFF_CODE_TRIES: Final = 5
ALPHABET: Final = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
"""No letters or digits that are mistaken for one another when read aloud."""
NAME_LENGTH: Final = 4
SECRET_LENGTH: Final = 6
PRIVATE_ROLES: Final = frozenset({"owner", "administrator", "master"})
"""Roles that belong to a person, and so to a private chat."""


class Code(NamedTuple):
    """A fresh code (shown this once) and when it stops working."""

    code: str
    expires_at: Millis


def digest(code: str) -> str:
    """SHA-256 of a code in hex: all that is stored of it."""
    return hashlib.sha256(code.encode()).hexdigest()


async def client_link(desk: Desk, business: str, client: str) -> Code:
    """A one-time code that links a Telegram chat to this one client; 128 random bits, URL-safe."""
    code = secrets.token_urlsafe(16)
    expires = desk.now() + CLIENT_LINK_LASTS
    row = LinkCode(
        id=digest(code),
        purpose="client",
        owner=business,
        params={"client": client},
        created_at=desk.now(),
        expires_at=expires,
    )
    await desk.store.commit(Changes(inserts=(row,)))
    return Code(code, expires)


async def staff_link(desk: Desk, business: str, wanted: Mapping[str, Any]) -> Code:
    """A code for ``/link CODE``: ``wanted`` holds ``salon?, master?, role?, language, events?``.

    Raises :class:`Invalid` for an unknown salon or master, and for a missing salon of anyone but an owner. The first
    four characters name the code, the rest is secret: so a wrong try can be counted against the code it is aimed at.
    """
    fields = await staff_fields(desk, business, wanted)
    name, secret = _letters(NAME_LENGTH), _letters(SECRET_LENGTH)
    expires = desk.now() + STAFF_CODE_LASTS
    row = LinkCode(
        id=digest(f"staff:{name}"),
        purpose="staff",
        owner=business,
        params={**fields, "digest": digest(name + secret)},
        created_at=desk.now(),
        expires_at=expires,
    )
    await desk.store.commit(Changes(puts=(Put(row),)))
    return Code(name + secret, expires)


async def staff_fields(desk: Desk, business: str, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Check what a staff chat is to be for, and fill in the role."""
    errors = []
    role = wanted.get("role") or ("master" if wanted.get("master") else "staff")
    salon, master = wanted.get("salon"), wanted.get("master")
    if salon is None and role != "owner":
        errors.append(("/salon", "name the salon whose news this chat is to hear"))
    if salon is not None and await desk.store.get(Salon, business, salon) is None:
        errors.append(("/salon", f"there is no salon {salon!r}: PUT it first"))
    if master is not None and await desk.store.get(Master, business, master) is None:
        errors.append(("/master", f"there is no master {master!r}: PUT it first"))
    if role == "master" and master is None:
        errors.append(("/master", "name the master whom this chat belongs to"))
    if errors:
        raise Invalid(errors)
    events = wanted.get("events")
    return {
        "salon": salon,
        "master": master,
        "role": role,
        "language": wanted.get("language") or "uk",
        "events": list(events) if events is not None else None,
    }


def _letters(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


@dataclass(frozen=True, slots=True)
class Linked:
    """What became of a code: the changes to commit, and whom or what they link (nothing where the code was refused)."""

    changes: Changes = field(default_factory=Changes)
    client: Client | None = None
    chat: StaffChat | None = None
    address: Address | None = None


async def use_client_code(desk: Desk, turn: Turn, code: str, here: Sequence[Address]) -> Linked:
    """Tie the chat of ``turn``, whose stored rows are ``here``, to the client of ``code``; refused when unknown, used, or
    past its time.

    A person who opens an own used link once more is welcomed again.
    """
    found = await desk.store.get(LinkCode, "", digest(code))
    if found is None or found.purpose != "client":
        return Linked()
    client = await desk.store.get(Client, found.owner, found.params["client"])
    before = await desk.store.get(Address, found.owner, address_id(turn.channel, turn.address, found.params["client"]))
    if client is None:
        return Linked()
    if found.used_at is not None or found.expires_at <= desk.now():
        return Linked(client=client, address=before) if before is not None else Linked()
    address, told = beside(linked_address(before, turn, found.owner, desk.now(), client=client.id), here)
    spent = Patch(LinkCode, "", found.id, {"used_at": desk.now()}, {"used_at": None})
    put = Put(address, expect=before.revision if before else 0)
    return Linked(Changes(puts=(put,), patches=(spent,)) + told, client=client, address=address)


def linked_address(
    before: Address | None,
    turn: Turn,
    business: str,
    now: Millis,
    *,
    client: str | None = None,
    phone: str | None = None,
) -> Address:
    """The address row of the chat of ``turn``, alive, tied to ``client`` or to ``phone``."""
    row = before or Address(
        business=business,
        id=address_id(turn.channel, turn.address, client),
        channel=turn.channel,
        address=turn.address,
    )
    return replace(
        row,
        client=client if client is not None else row.client,
        phone=phone if phone is not None else row.phone,
        linked_at=now,
        last_inbound_at=turn.at,
        dead_until=None,
        dead_reason=None,
        revision=row.revision + 1,
    )


def beside(row: Address, others: Iterable[Address]) -> tuple[Address, Changes]:
    """``row`` as it stands beside ``others``, the stored rows of its chat, and what that changes in those."""
    mine = [
        other
        for other in others
        if (other.business, other.channel, other.address) == (row.business, row.channel, row.address)
        and other.id != row.id
        and (other.client is not None or other.phone is not None)
    ]
    if not mine:
        return row, Changes()
    told = (Patch(Address, other.business, other.id, {"shared": True}, must=False) for other in mine)
    return replace(row, shared=True), Changes(patches=tuple(told))


async def use_staff_code(desk: Desk, turn: Turn, code: str) -> Linked:
    """Make the chat of ``turn`` a staff chat; a wrong try is counted, and five end the code."""
    code = code.strip().upper().replace("-", "")
    found = await desk.store.get(LinkCode, "", digest(f"staff:{code[:NAME_LENGTH]}"))
    if found is None or found.purpose != "staff" or found.used_at is not None or found.expires_at <= desk.now():
        return Linked()
    wrong_place = found.params["role"] in PRIVATE_ROLES and not turn.private
    right = hmac.compare_digest(digest(code), found.params["digest"])
    if found.tries >= STAFF_CODE_TRIES or not right or wrong_place:
        tried = Patch(LinkCode, "", found.id, {"tries": found.tries + 1}, {"tries": found.tries})
        return Linked(Changes(patches=(tried,)))
    chat = await _staff_chat(desk, turn, found)
    spent = Patch(LinkCode, "", found.id, {"used_at": desk.now()}, {"used_at": None, "tries": found.tries})
    return Linked(Changes(puts=(Put(chat, expect=chat.revision - 1),), patches=(spent,)), chat=chat)


async def _staff_chat(desk: Desk, turn: Turn, code: LinkCode) -> StaffChat:
    """The chat as ``code`` wants it; a chat that the business linked before is linked anew, not twice."""
    same = await desk.store.find(StaffChat, {"business": code.owner, "chat": turn.address})
    known = next((chat for chat in same if chat.thread == turn.thread), None)
    chat = known or StaffChat(business=code.owner, id=new_id(), chat=turn.address, thread=turn.thread)
    events = code.params["events"]
    return replace(
        chat,
        title=turn.title or turn.name,
        user=turn.user if turn.private else None,
        salon=code.params["salon"],
        master=code.params["master"],
        role=code.params["role"],
        language=code.params["language"],
        events=tuple(events) if events is not None else None,
        linked_at=desk.now(),
        dead_reason=None,
        revision=chat.revision + 1,
    )
