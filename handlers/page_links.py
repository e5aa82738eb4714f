"""The rows by which a page is found: each holds the digest of a token, so the database alone opens no page.

A row is written in the commit that makes what it opens, and only if new; so the same row may be asked for again and again.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Final, Literal

from handlers.linking import digest
from handlers.turn import Desk
from storage.records import Booking, Client, PageLink, Salon
from storage.store import Changes

JOIN: Final = "join-"
"""How the payload of ``/start`` begins that brings somebody to a salon."""
CODE_LENGTH: Final = 22

Purpose = Literal["visit", "settings", "review", "join"]


def for_visit(desk: Desk, booking: Booking) -> Changes:
    """The row of a booking's visit page; none for a booking of nobody, or where this process has no public address."""
    if desk.links.public_url is None or booking.client is None:
        return Changes()
    row = PageLink(
        id=digest(desk.links.visit_token(booking)),
        purpose="visit",
        owner=booking.business,
        subject=booking.id,
        client=booking.client,
        created_at=desk.now(),
    )
    return Changes(inserts=(row,))


def for_review(desk: Desk, booking: Booking) -> Changes:
    """The row of the page on which a visit is reviewed; none before it took place, or without a public address."""
    if desk.links.public_url is None or booking.client is None or booking.status != "arrived":
        return Changes()
    row = PageLink(
        id=digest(desk.links.review_token(booking)),
        purpose="review",
        owner=booking.business,
        subject=booking.id,
        client=booking.client,
        created_at=desk.now(),
    )
    return Changes(inserts=(row,))


def for_client(desk: Desk, client: Client) -> Changes:
    """The row of the page on which a client switches messages on and off; none without a public address."""
    if desk.links.public_url is None:
        return Changes()
    row = PageLink(
        id=digest(desk.links.settings_token(client)),
        purpose="settings",
        owner=client.business,
        subject=client.id,
        client=client.id,
        created_at=desk.now(),
    )
    return Changes(inserts=(row,))


def for_salon(desk: Desk, salon: Salon) -> Changes:
    """The row that tells which salon a join code means."""
    row = PageLink(
        id=digest(join_code(salon.business, salon.id)),
        purpose="join",
        owner=salon.business,
        subject=salon.id,
        created_at=desk.now(),
    )
    return Changes(inserts=(row,))


def join_code(business: str, salon: str) -> str:
    """The name of a salon as Telegram and people take it: 22 of ``A-Za-z0-9_-``. No secret, and the same for ever, since
    it hangs printed on walls; 132 bits keep two salons apart."""
    hashed = hashlib.sha256(f"{business}~{salon}".encode()).digest()
    return base64.urlsafe_b64encode(hashed).decode()[:CODE_LENGTH]


async def find(desk: Desk, purpose: Purpose, token: str) -> PageLink | None:
    """The row that ``token`` opens for this purpose. Whatever a token looks like, it is hashed and looked up alike."""
    hashed = hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
    row = await desk.store.get(PageLink, "", hashed)
    return row if row is not None and row.purpose == purpose else None
