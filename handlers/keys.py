"""Keys of messages: one text per message and business, so that a thing can be planned twice and is sent once."""

from __future__ import annotations

from urllib.parse import quote

AGAIN = ":again:"
"""What a message that a person sent once more has behind the key of the first."""


def booking_key(booking: str, kind: str, revision: int, client: str, lead: str | None = None) -> str:
    """The key of a message to a client about a booking, first hop: ``booking:b-1:reminder:P1D:r3:client:c1:0``.

    ``revision`` is the one at which what the message tells last became true. Ids are percent-encoded.
    """
    what = kind if lead is None else f"{kind}:{lead}"
    return f"booking:{quote(booking, safe='')}:{what}:r{revision}:client:{quote(client, safe='')}:0"


def first_hop(key: str) -> str:
    """The key of the message that ``key`` is a later hop or a repetition of; ``key`` itself for a first one."""
    original = key.partition(AGAIN)[0]
    return original.rpartition(":")[0] + ":0"
