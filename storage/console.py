"""The frozen records behind the console: who is signed in, how texts came to be, and by what clients are found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from storage.basics import Millis

ConsoleRole = Literal["owner", "administrator", "master"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleSession:
    """Somebody who is signed in to the console. ``id`` is the SHA-256 of the cookie in hex; ``business`` is empty so that
    a cookie alone finds it. Its times are the store's own clock, never shifted."""

    JSON: ClassVar[tuple[str, ...]] = ()
    business: str = ""
    id: str
    owner: str
    """The business it opens."""
    role: ConsoleRole
    source: Literal["chat", "key"]
    source_id: str
    """The StaffChat or ApiKey that it was opened with: it ends with that."""
    name: str
    """Who signed in, as people of the salon know them."""
    language: str
    created_at: Millis
    expires_at: Millis


@dataclass(frozen=True, slots=True, kw_only=True)
class TextVersion:
    """An owner's text as it was saved at a moment: the history of one kind and language, of the business or a salon."""

    JSON: ClassVar[tuple[str, ...]] = ()
    business: str
    id: str
    salon: str | None = None
    """None: the business's own."""
    kind: str
    language: str
    text: str | None
    """None: back to the ready text."""
    by: str
    at: Millis


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientWord:
    """A word by which a client is found. ``id`` is ``word~client``: the words of a business lie in their order."""

    JSON: ClassVar[tuple[str, ...]] = ()
    business: str
    id: str
    client: str
