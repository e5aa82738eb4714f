"""The rows by which clients are found: one for each word of a name, and one for the phone, read from its end.

They change in the commit that changes the client.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from handlers.turn import Desk
from storage.records import Business, Client, ClientWord
from storage.store import Changes, Delete

LONGEST_WORD: Final = 64
MOST_WORDS: Final = 12
BETWEEN: Final = "~"
"""Stands between a word and the client's id; no word holds it."""
CHUNK: Final = 100


def folded(text: str) -> list[str]:
    """The words of a text as they are compared: without case, accents of composition, and punctuation."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    plain = re.sub("['’ʼ`\u0307]", "", plain).replace("ё", "е").replace("ı", "i")
    return [word[:LONGEST_WORD] for word in re.findall(r"[^\W_]+", plain)][:MOST_WORDS]


def words_of(client: Client) -> frozenset[str]:
    """Everything by which a client is found."""
    phone = re.sub(r"\D", "", client.phone or "")[::-1]
    return frozenset({*folded(client.name), *folded(client.first_name or ""), *([f"#{phone}"] if phone else [])})


def rows_for(before: Client | None, after: Client | None) -> Changes:
    """What the change from one to the other does to the rows; None: there is no such client."""
    was = words_of(before) if before is not None else frozenset()
    now = words_of(after) if after is not None else frozenset()
    client = after or before
    if client is None or was == now:
        return Changes()
    return Changes(
        inserts=tuple(_row(client, word) for word in sorted(now - was)),
        deletes=tuple(Delete(ClientWord, client.business, _row(client, word).id) for word in sorted(was - now)),
    )


def _row(client: Client, word: str) -> ClientWord:
    return ClientWord(business=client.business, id=f"{word}{BETWEEN}{client.id}", client=client.id)


async def fill(desk: Desk) -> int:
    """Write the rows of businesses that have none yet; answers with how many clients were gone through.

    Clients that were stored before there were such rows are found from then on.
    """
    done, after = 0, None
    while businesses := await desk.store.find(Business, {}, order=("business", "id"), after=after, limit=CHUNK):
        for business in businesses:
            if not await desk.store.find(ClientWord, {"business": business.id}, limit=1):
                done += await _fill_business(desk, business.id)
        after = (businesses[-1].business, businesses[-1].id)
    return done


async def _fill_business(desk: Desk, business: str) -> int:
    done = 0
    after: tuple[str] | None = None
    while clients := await desk.store.find(Client, {"business": business}, after=after, limit=CHUNK):
        rows = tuple(row for client in clients for row in rows_for(None, client).inserts)
        await desk.store.commit(Changes(inserts=rows))
        done += len(clients)
        after = (clients[-1].id,)
    return done
