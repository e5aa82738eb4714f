"""Who is signed in to the console, how one gets in, and what each role may see there."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from handlers.i18n import language_of
from handlers.linking import PRIVATE_ROLES, digest
from handlers.tenants import find_key
from handlers.turn import Desk
from storage.console import ConsoleRole
from storage.records import ApiKey, Business, ConsoleSession, LinkCode, Millis, StaffChat
from storage.store import Changes, Conflict, Delete, Patch, Range

LINK_LASTS: Final[Millis] = 10 * 60_000
SESSION_LASTS: Final[Millis] = 7 * 86_400_000
MOST_SESSIONS: Final = 200
SECRET_BYTES: Final = 32
PURPOSE: Final = "console"
LONGEST_TOKEN: Final = 256

EVERYBODY: Final[frozenset[ConsoleRole]] = frozenset({"owner", "administrator", "master"})
DESK_WORK: Final[frozenset[ConsoleRole]] = frozenset({"owner", "administrator"})
OWNERS: Final[frozenset[ConsoleRole]] = frozenset({"owner"})
RIGHTS: Final[Mapping[str, frozenset[ConsoleRole]]] = {
    "today": EVERYBODY,
    "reviews": EVERYBODY,
    "bookings": EVERYBODY,
    "book": DESK_WORK,
    "import": OWNERS,
    "messages": DESK_WORK,
    "manual": DESK_WORK,
    "clients": DESK_WORK,
    "erasure": OWNERS,
    "retention": OWNERS,
    "campaigns": OWNERS,
    "channels": OWNERS,
    "settings": OWNERS,
    "texts": OWNERS,
    "team": OWNERS,
    "sessions": EVERYBODY,
}
"""What is in the console, and who may see it; money, texts, settings and erasure are the owner's. Masters see their own
bookings and say who came (``bookings``); to make, move and cancel them is ``book``."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who is signed in, as things are now. An administrator sees one salon, a master the own visits."""

    session: ConsoleSession
    business: Business
    role: ConsoleRole
    salon: str | None = None
    master: str | None = None

    def may(self, area: str) -> bool:
        """Whether the role opens this part of :data:`RIGHTS`."""
        return self.role in RIGHTS[area]

    @property
    def own(self) -> dict[str, Any]:
        """The where-value of the bookings, messages, reviews and tips that this person may see."""
        return {
            "business": self.business.id,
            **({"salon": self.salon} if self.salon else {}),
            **({"master": self.master} if self.master else {}),
        }

    def sees(self, record: Any) -> bool:
        """Whether a record with ``business, salon, master`` is among them."""
        return all(getattr(record, name) == value for name, value in self.own.items())


@dataclass(frozen=True, slots=True)
class Opened:
    """A fresh session: ``token`` is the cookie, known nowhere else."""

    token: str
    session: ConsoleSession


def console_link(desk: Desk, chat: StaffChat) -> tuple[str, Changes]:
    """A one-time token that signs in whoever has this chat, and what to commit with it. Works for ten minutes."""
    token = secrets.token_urlsafe(16)
    row = LinkCode(
        id=digest(token),
        purpose="console",
        owner=chat.business,
        params={"chat": chat.id},
        created_at=desk.now(),
        expires_at=desk.now() + LINK_LASTS,
    )
    return token, Changes(inserts=(row,))


async def link_opens(desk: Desk, token: str) -> StaffChat | None:
    """The chat whose person ``token`` would sign in; None where it is unknown, used, or past its time."""
    found = await _code(desk, token)
    return await _chat_of(desk, found) if found is not None else None


async def sign_in_by_link(desk: Desk, token: str) -> Opened | None:
    """Use a one-time token; None where it opens nothing, or somebody else was faster."""
    found = await _code(desk, token)
    chat = await _chat_of(desk, found) if found is not None else None
    business = await desk.store.get(Business, chat.business, chat.business) if chat is not None else None
    if found is None or chat is None or business is None:
        return None
    spent = Patch(LinkCode, "", found.id, {"used_at": desk.now()}, {"used_at": None})
    return await _opened(
        desk,
        business,
        Changes(patches=(spent,)),
        role=_role(chat),
        source="chat",
        source_id=chat.id,
        name=chat.title or chat.role,
        language=chat.language,
    )


async def sign_in_by_key(desk: Desk, key: str) -> Opened | None:
    """Sign in as the owner with a key of the business; None where it opens nothing."""
    found = await find_key(desk.store, key) if key.isascii() and len(key) <= LONGEST_TOKEN else None
    business = await desk.store.get(Business, found.business, found.business) if found is not None else None
    if found is None or business is None:
        return None
    return await _opened(
        desk,
        business,
        Changes(),
        role="owner",
        source="key",
        source_id=found.id,
        name=business.name,
        language=business.language,
    )


async def _opened(
    desk: Desk,
    business: Business,
    changes: Changes,
    *,
    role: ConsoleRole,
    source: Literal["chat", "key"],
    source_id: str,
    name: str,
    language: str,
) -> Opened | None:
    """A new session, committed with ``changes``; sessions of the business that are over go with it."""
    token, now = secrets.token_urlsafe(SECRET_BYTES), desk.store.clock()
    session = ConsoleSession(
        id=digest(token),
        owner=business.id,
        role=role,
        source=source,
        source_id=source_id,
        name=name,
        language=language_of(language, "uk"),
        created_at=now,
        expires_at=now + SESSION_LASTS,
    )
    over = await _sessions(desk, business.id, Range(None, now))
    gone = tuple(Delete(ConsoleSession, "", row.id) for row in over)
    try:
        await desk.store.commit(changes + Changes(inserts=(session,), deletes=gone))
    except Conflict:
        return None
    return Opened(token, session)


async def visitor_of(desk: Desk, token: str) -> Visitor | None:
    """Who is behind a cookie; None where nobody is: unknown, over, or what it was opened with is no longer there."""
    if not 0 < len(token) <= LONGEST_TOKEN:
        return None
    session = await desk.store.get(ConsoleSession, "", digest(token))
    if session is None or session.expires_at <= desk.store.clock():
        return None
    business = await desk.store.get(Business, session.owner, session.owner)
    if business is None:
        return None
    if session.source == "key":
        key = await desk.store.get(ApiKey, session.owner, session.source_id)
        return None if key is None or key.revoked_at is not None else Visitor(session, business, "owner")
    chat = await desk.store.get(StaffChat, session.owner, session.source_id)
    if chat is None or chat.role not in PRIVATE_ROLES:
        return None
    return Visitor(session, business, _role(chat), chat.salon, chat.master)


async def sessions_of(desk: Desk, visitor: Visitor) -> list[ConsoleSession]:
    """The sessions that a person may end: an owner all of the business, others the own ones."""
    living = await _sessions(desk, visitor.business.id, Range(desk.store.clock() + 1, None))
    mine = (visitor.session.source, visitor.session.source_id)
    return [row for row in living if visitor.role == "owner" or (row.source, row.source_id) == mine]


async def end_sessions(desk: Desk, visitor: Visitor, wanted: str | None = None) -> int:
    """End the session ``wanted``, or with None all that the person may end; answers with how many ended."""
    ended = [row for row in await sessions_of(desk, visitor) if wanted in (None, row.id)]
    await desk.store.commit(Changes(deletes=tuple(Delete(ConsoleSession, "", row.id) for row in ended)))
    return len(ended)


async def speak(desk: Desk, visitor: Visitor, language: str) -> None:
    """From now on the console speaks ``language`` to this session."""
    said = Patch(ConsoleSession, "", visitor.session.id, {"language": language}, must=False)
    await desk.store.commit(Changes(patches=(said,)))


async def _sessions(desk: Desk, business: str, expires: Range) -> list[ConsoleSession]:
    where = {"owner": business, "expires_at": expires}
    return await desk.store.find(ConsoleSession, where, order=("expires_at", "id"), limit=MOST_SESSIONS)


async def _code(desk: Desk, token: str) -> LinkCode | None:
    """The living one-time code behind a token."""
    if not (0 < len(token) <= LONGEST_TOKEN and token.isascii()):
        return None
    found = await desk.store.get(LinkCode, "", digest(token))
    lives = found is not None and found.purpose == PURPOSE and found.used_at is None and found.expires_at > desk.now()
    return found if lives else None


async def _chat_of(desk: Desk, code: LinkCode) -> StaffChat | None:
    chat = await desk.store.get(StaffChat, code.owner, code.params["chat"])
    return chat if chat is not None and chat.role in PRIVATE_ROLES else None


def _role(chat: StaffChat) -> ConsoleRole:
    """The role of a private chat, which is one of ours."""
    return "owner" if chat.role == "owner" else "administrator" if chat.role == "administrator" else "master"
