"""Reviews: one for a visit, in stars first, then in words or a photo; changeable for a day, by chat or on the page.

:func:`rated` and :func:`told_more` make the changes wherever a review is given: everything that follows from one follows
from them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final, Literal

from handlers import answers, consent, formats, reviews_staff, tips
from handlers.durations import DAY
from handlers.keys import encoded
from handlers.plan_after import RATES, REVIEW, rates
from handlers.presence import Here
from handlers.replies import answer
from handlers.settings import place
from handlers.turn import Desk, Turn
from storage.records import REACHED, WAITING, Booking, Business, Choice, Client, Message, Millis, Review, Salon
from storage.store import Changes, OneOf, Patch, Put, Range

DONE: Final = "review_done"
VERBS: Final = frozenset({*RATES, DONE})
OPEN_FOR: Final[Millis] = DAY
"""So long after the first stars a review may be changed and added to."""
LONGEST: Final = 4000
"""Characters of a review's text; what is longer is cut."""
ABOUT: Final = frozenset({"review_request", "review_words", "review_added", "review_noted", "thanks"})
"""Kinds of messages to which words in reply belong to the review."""


@dataclass(frozen=True, slots=True)
class Given:
    """A review as it stands after a press. ``outcome``: ``new``; ``changed``; ``same``, as it was before; ``closed``, too
    late to change it."""

    review: Review
    outcome: Literal["new", "changed", "same", "closed"]
    changes: Changes = field(default_factory=Changes)


def can_rate(booking: Booking, client: str | None) -> bool:
    """Whether ``client`` may say what this visit was like: it is theirs, and it took place."""
    return client is not None and booking.client == client and booking.status == "arrived"


def is_open(review: Review, now: Millis) -> bool:
    """Whether the review may still be changed."""
    return now < review.at + OPEN_FOR


async def rated(desk: Desk, business: Business, booking: Booking, stars: int, channel: str) -> Given:
    """``stars`` (1 to 5) for a visit that took place; the staff hear of what is new."""
    now, before = desk.now(), await desk.store.get(Review, business.id, booking.id)
    if before is not None and not is_open(before, now):
        return Given(before, "closed")
    if before is not None and before.rating == stars:
        return Given(before, "same")
    salon = await desk.store.get(Salon, business.id, booking.salon)
    month = formats.local(now, place(business, salon).zone).strftime("%Y-%m")
    first = Review(
        business=business.id,
        id=booking.id,
        client=booking.client,
        master=booking.master,
        salon=booking.salon,
        services=" ".join(booking.services),
        rating=stars,
        month=month,
        channel=channel,
        at=now,
        updated_at=now,
        revision=1,
    )
    if before is None:
        made = await _made(desk, business, salon, booking, first)
        return Given(first, "new", made + await _no_longer_asked(desk, booking))
    after = replace(before, rating=stars, updated_at=now, revision=before.revision + 1)
    return Given(after, "changed", await _made(desk, business, salon, booking, after))


async def _no_longer_asked(desk: Desk, booking: Booking) -> Changes:
    """Whoever has answered is not asked on the next channel too."""
    where = {"business": booking.business, "booking": booking.id, "kind": REVIEW}
    over = {"status": "cancelled", "reason": "by_client", "token": None, "lease_until": None, "held": False}
    patches = []
    for row in await desk.store.find(Message, where):
        waits, reached = {"status": OneOf(WAITING)}, {"status": OneOf(REACHED)}
        patches.append(Patch(Message, row.business, row.id, over, waits, must=False))
        patches.append(Patch(Message, row.business, row.id, {"fallback_at": None}, reached, must=False))
    return Changes(patches=tuple(patches))


async def told_more(
    desk: Desk, business: Business, booking: Booking, review: Review, *, text: str | None, photo: str | None = None
) -> Changes:
    """``review`` with these words, and perhaps a photo; the staff hear of them too."""
    after = replace(
        review,
        text=text and text[:LONGEST],
        photo=photo or review.photo,
        updated_at=desk.now(),
        revision=review.revision + 1,
    )
    salon = await desk.store.get(Salon, business.id, booking.salon)
    return await _made(desk, business, salon, booking, after, words=bool(text or photo))


async def _made(
    desk: Desk, business: Business, salon: Salon | None, booking: Booking, review: Review, *, words: bool = False
) -> Changes:
    """The review as it is now, and the news of it."""
    changes = Changes(puts=(Put(review, expect=review.revision - 1),))
    return changes + await reviews_staff.told(desk, business, salon, booking, review, words=words)


async def answered(desk: Desk, turn: Turn, row: Message, choice: Choice, *, pressed: bool) -> Changes:
    """Carry out a choice of :data:`VERBS`: stars, or that there is nothing to add."""
    business = await desk.store.get(Business, row.business, row.business)
    booking = await desk.store.get(Booking, row.business, str(choice.args.get("booking", row.booking)))
    if business is None or booking is None or booking.client != row.client:
        return answers.say_gone(desk, turn, row)
    if not can_rate(booking, row.client):
        return _say(desk, turn, booking, "old_button", choices=(Choice("bookings"),))
    if choice.verb == DONE:
        return await _thanks(desk, turn, business, booking, again=None if pressed else "review_noted")
    given = await rated(desk, business, booking, RATES.index(choice.verb) + 1, turn.channel)
    if given.outcome == "closed":
        return _say(desk, turn, booking, "review_noted")
    edits = row.id if pressed else None
    asked = _say(desk, turn, booking, "review_words", edits=edits, choices=(*rates(booking), _done(booking)))
    return given.changes + asked


def _done(booking: Booking) -> Choice:
    return Choice(DONE, {"booking": booking.id})


async def words_given(desk: Desk, turn: Turn, here: Here, row: Message | None) -> Changes | None:
    """Words or a photo of somebody who has just given stars: they belong to the review. None where they don't.

    ``row`` is the message that was replied to, or the newest that can be answered.
    """
    if turn.reply_to is not None and row is not None and row.kind not in ABOUT:
        return None
    stars = await _stars_with_words(desk, turn, row)
    if stars is not None:
        return stars
    review = await _newest(desk, here)
    if review is None:
        return None
    if (turn.text and review.text is None) or (turn.photo and review.photo is None):
        return await _added(desk, turn, review)
    # Of several pictures that come at once, each is a message of its own; one is kept.
    return Changes() if turn.photo and turn.text is None else None


async def _stars_with_words(desk: Desk, turn: Turn, row: Message | None) -> Changes | None:
    """«5, it was lovely» in answer to the question: stars and words in one."""
    said = (turn.text or "").strip()
    if row is None or row.kind != "review_request" or said[:1] not in tuple("12345") or said[1:2].isalnum():
        return None
    business = await desk.store.get(Business, row.business, row.business)
    booking = await desk.store.get(Booking, row.business, row.booking or "")
    words = said[1:].lstrip(" ,.;:!)—–-")
    if business is None or booking is None or not words or not can_rate(booking, row.client):
        return None
    given = await rated(desk, business, booking, int(said[0]), turn.channel)
    if given.outcome != "new":
        return None
    more = await told_more(desk, business, booking, given.review, text=words, photo=_photo(turn))
    return given.changes + more + await _thanks(desk, turn, business, booking)


async def _newest(desk: Desk, here: Here) -> Review | None:
    """The newest review of anybody behind this chat that can still be added to."""
    found: list[Review] = []
    for business in here.businesses:
        people = OneOf(tuple(client.id for client in here.of(business)))
        since = Range(desk.now() - OPEN_FOR + 1, None)
        where = {"business": business, "client": people, "at": since}
        found += await desk.store.find(Review, where, order=("-at", "-id"), limit=1)
    return max(found, key=lambda review: (review.at, review.id), default=None)


async def _added(desk: Desk, turn: Turn, review: Review) -> Changes | None:
    business = await desk.store.get(Business, review.business, review.business)
    booking = await desk.store.get(Booking, review.business, review.id)
    if business is None or booking is None or booking.client != review.client:
        return None
    words = "\n".join(filter(None, (review.text, turn.text))) or None
    changes = await told_more(desk, business, booking, review, text=words, photo=_photo(turn))
    return changes + await _thanks(desk, turn, business, booking)


def _photo(turn: Turn) -> str | None:
    return f"{turn.channel}:{turn.photo}" if turn.photo else None


async def _thanks(
    desk: Desk, turn: Turn, business: Business, booking: Booking, *, again: str | None = "review_added"
) -> Changes:
    """Thanks, with the public links and what can be given; ``again``: the kind that is said the second time, if any."""
    key = f"review:{encoded(booking.id)}:thanks:{encoded(booking.client or '')}"
    if await desk.store.find(Message, {"business": business.id, "key": key}, limit=1):
        return _say(desk, turn, booking, again) if again else Changes()
    offered = await tips.offered(desk, business, booking, turn.channel)
    said = answer(
        turn,
        "thanks",
        business=business.id,
        now=desk.now(),
        client=booking.client,
        booking=booking,
        choices=offered,
    )
    client = await desk.store.get(Client, business.id, booking.client or "")
    asked = (consent.asked(turn, client, desk.now()),) if client and consent.may_be_asked(client) else ()
    return Changes(inserts=(replace(said, key=key), *asked))


def _say(
    desk: Desk,
    turn: Turn,
    booking: Booking,
    kind: str,
    *,
    edits: str | None = None,
    choices: tuple[Choice, ...] = (),
) -> Changes:
    said = answer(
        turn,
        kind,
        business=booking.business,
        now=desk.now(),
        client=booking.client,
        booking=booking,
        edits=edits,
        choices=choices,
    )
    return Changes(inserts=(said,))
