"""Keys of messages: one text per message and business, so that a thing can be planned twice and is sent once."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import quote

AGAIN = ":again:"
"""What a message that a person sent once more has behind the key of the first."""


def booking_key(booking: str, kind: str, revision: int, client: str, lead: str | None = None) -> str:
    """The key of a message to a client about a booking, first hop: ``booking:b-1:reminder:P1D:r3:client:c1:0``.

    ``revision`` is the one at which what the message tells last became true. Ids are percent-encoded.
    """
    what = kind if lead is None else f"{kind}:{lead}"
    return f"booking:{encoded(booking)}:{what}:r{revision}:client:{encoded(client)}:0"


@lru_cache(maxsize=4096)
def encoded(id: str) -> str:
    """An id as it stands in a key: percent-encoded, ``:`` too, so that no two lists of ids make the same key."""
    return quote(id, safe="")


def first_hop(key: str) -> str:
    """The key of the message that ``key`` is a later hop or a repetition of; ``key`` itself for a first one."""
    original = key.partition(AGAIN)[0]
    return original.rpartition(":")[0] + ":0"
