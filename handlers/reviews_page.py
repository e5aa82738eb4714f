"""What the page of a review shows, and what a press on it means. No HTTP here; the same deeds as in a chat."""

from __future__ import annotations

from dataclasses import dataclass

from handlers import page_links, reviews, tips
from handlers.pages import PAGE, TRIES, Person
from handlers.turn import Desk
from storage.records import Booking, Business, Client, Master, Review, Salon, Service
from storage.store import Conflict, StoreBusy


@dataclass(frozen=True, slots=True)
class Visited:
    """A visit that took place, as its client reviews it. ``open``: the review can be given or changed; ``tip_url``: the
    master's own payment link, where tips are wanted."""

    person: Person
    booking: Booking
    master: Master | None
    services: tuple[Service, ...]
    review: Review | None
    open: bool
    tip_url: str | None


async def visit_behind(desk: Desk, token: str) -> Visited | None:
    """The visit that ``token`` opens; None where it opens nothing: unknown, somebody else's by now, or nobody came."""
    link = await page_links.find(desk, "review", token)
    booking = await desk.store.get(Booking, link.owner, link.subject) if link else None
    if link is None or booking is None or not reviews.can_rate(booking, link.client):
        return None
    business = await desk.store.get(Business, link.owner, link.owner)
    client = await desk.store.get(Client, link.owner, booking.client or "")
    if business is None or client is None:
        return None
    salon = await desk.store.get(Salon, business.id, booking.salon)
    services = await desk.store.get_many(Service, [(business.id, id) for id in booking.services])
    review = await desk.store.get(Review, business.id, booking.id)
    return Visited(
        Person(business, client, salon),
        booking,
        await desk.store.get(Master, business.id, booking.master) if booking.master else None,
        tuple(services[business.id, id] for id in booking.services if (business.id, id) in services),
        review,
        review is None or reviews.is_open(review, desk.now()),
        await tips.link_of(desk, business, booking),
    )


async def give(desk: Desk, token: str, stars: int, text: str) -> bool:
    """Give or change the review of the visit that ``token`` opens: ``stars`` from 1 to 5, and words, which may be empty.

    Too late, it stays as it is. False where the token opens nothing. Raises :class:`StoreBusy` when others kept changing
    the same review.
    """
    for _ in range(TRIES):
        visited = await visit_behind(desk, token)
        if visited is None:
            return False
        business, booking = visited.person.business, visited.booking
        given = await reviews.rated(desk, business, booking, stars, PAGE)
        changes, words = given.changes, text.strip() or None
        if given.outcome != "closed" and words != given.review.text:
            changes += await reviews.told_more(desk, business, booking, given.review, text=words)
        try:
            if changes:
                await desk.store.commit(changes)
        except Conflict:
            continue
        return True
    raise StoreBusy("the review kept changing")
