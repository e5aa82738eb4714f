"""Finding clients by what a person types: the beginnings of their names, or the last digits of their phone."""

from __future__ import annotations

import re
from typing import Final

from handlers.client_words import folded, words_of
from handlers.people import normal_phone
from handlers.turn import Desk
from storage.records import Business, Client, ClientWord
from storage.store import OneOf, Range

MOST_FOUND: Final = 200
"""Clients that one search answers with."""
FEWEST_DIGITS: Final = 3
LAST: Final = "\U0010ffff"
"""Sorts behind everything that a row can hold."""


async def find_clients(desk: Desk, business: Business, typed: str, limit: int = MOST_FOUND) -> list[Client]:
    """The clients whose names begin with every typed word, or whose phone is the typed one or ends with its digits.

    By name; at most ``limit``.
    """
    digits = re.sub(r"\D", "", typed)
    if len(digits) >= FEWEST_DIGITS and not re.search(r"[^\W\d_]", typed):
        return await _by_phone(desk, business, typed, digits, limit)
    words = sorted(folded(typed), key=len, reverse=True)
    if not words:
        return []
    # The longest word is the rarest; the others only sift what it finds.
    clients = await _beginning(desk, business, words[0], MOST_FOUND)
    fits = [client for client in clients if all(_has(client, word) for word in words[1:])]
    return sorted(fits, key=lambda client: (client.name, client.id))[:limit]


def _has(client: Client, word: str) -> bool:
    return any(one.startswith(word) for one in words_of(client))


async def _by_phone(desk: Desk, business: Business, typed: str, digits: str, limit: int) -> list[Client]:
    phone = normal_phone(typed, business.country)
    if phone is not None:
        same = {"business": business.id, "phone": phone}
        exact = await desk.store.find(Client, same, order=("phone", "id"), limit=limit)
        if exact:
            return exact
    clients = await _beginning(desk, business, f"#{digits[::-1]}", limit)
    return sorted(clients, key=lambda client: (client.name, client.id))


async def _beginning(desk: Desk, business: Business, word: str, limit: int) -> list[Client]:
    """The clients with a row that begins with ``word``."""
    where = {"business": business.id, "id": Range(word, word + LAST)}
    rows = await desk.store.find(ClientWord, where, order=("id",), limit=limit)
    found = await desk.store.get_many(Client, list(dict.fromkeys((business.id, row.client) for row in rows)))
    return list(found.values())


async def one_of_found(desk: Desk, business: Business, typed: str) -> OneOf:
    """The where-value for records about any of the clients that a search finds."""
    return OneOf(tuple(client.id for client in await find_clients(desk, business, typed)))
