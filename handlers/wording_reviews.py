"""What is said after a visit, to the client and to the staff: reviews and tips. Each function is one kind of message."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from handlers import formats
from handlers.channel import Invoice, Photo
from handlers.filling import Plain, lay_out
from handlers.scene import Scene
from handlers.wording_staff import about
from handlers.wording_visits import services, whose

INVOICE: Final = "tip_invoice"
PICTURE: Final = "staff_review_photo"
LOW: Final = 3
LONGEST_TITLE: Final = 32
LONGEST_PURPOSE: Final = 255
"""Characters of an invoice's title and description (core.telegram.org/bots/api#sendinvoice)."""
LONGEST_CAPTION: Final = 1024
FROM_WHATSAPP: Final = "whatsapp:"
"""Begins the photo of a review that is an address at Twilio: whoever knows it sees the picture."""


def review_request(s: Scene) -> Iterator[str]:
    """A visit took place: how was it?"""
    yield s.t("Thank you for your visit! Did you enjoy it?")
    yield whose(s)
    yield services(s)
    yield s.t("Specialist: {master}")
    yield s.t("How would you rate your visit, from 1 to 5?")


def review_words(s: Scene) -> Iterator[str]:
    """Stars were given: now for the words. Whoever gave few is not cheered at."""
    review = s.facts.review
    low = review is not None and review.rating <= LOW
    yield s.t("Thank you for being honest. Your rating: {stars}") if low else s.t("Thank you! Your rating: {stars}")
    yield whose(s)
    if review is None or review.text or review.photo:
        return
    if low:
        yield s.t("We're sorry the visit let you down. What should we know?")
    else:
        yield s.t("What should we know?")
    yield s.t("Write it here or send a photo.")


def review_added(s: Scene) -> Iterator[str]:
    """More words came."""
    yield s.t("Thank you, we've added this to your review.")


def review_noted(s: Scene) -> Iterator[str]:
    """Stars are pressed that can't be changed any more."""
    yield s.t("Thank you, we have your review! Your rating: {stars}")


def thanks(s: Scene) -> Iterator[str]:
    """Thanks for a review, the places where others read such, and what can be given: the same for everybody."""
    yield s.t("Thank you for your review!")
    urls = s.facts.salon.review_urls if s.facts.salon else ()
    if urls:
        yield s.t("You can share your impressions here too:")
    yield from map(Plain, urls)
    verbs = {choice.verb for choice in s.message.choices}
    if not verbs & {"tip", "tip_link"}:
        return
    yield Plain("")
    yield s.t("You can thank your specialist with a tip 🙂")
    yield s.t("Specialist: {master}")
    if "tip_link" in verbs and not s.links:
        s["link"] = (s.facts.master and s.facts.master.tip_url) or ""
        yield s.t("Leave a tip: {link}")
    yield s.t("Only if you feel like it!")


def tip_invoice(s: Scene) -> Iterator[str]:
    """What an invoice is for."""
    yield s.t("For your specialist: {master}") if s["master"] else Plain(s["salon"])


def invoice(s: Scene) -> Invoice:
    """The invoice for a tip."""
    params = s.message.params
    return Invoice(
        title=s.t("A tip")[:LONGEST_TITLE],
        body=lay_out(tip_invoice(s), s)[:LONGEST_PURPOSE],
        amount=int(params["amount"]),
        currency=str(params["currency"]),
        payload=s.message.id,
    )


def _sum(s: Scene) -> None:
    """Set ``{amount}`` to the money that the message speaks of."""
    params = s.message.params
    s["amount"] = formats.money(int(params["amount"]), str(params["currency"]), s.t.language)


def tip_thanks(s: Scene) -> Iterator[str]:
    """Money came."""
    _sum(s)
    yield s.t("Tip received: {amount}. Thank you so much! 💛")


def tip_closed(s: Scene) -> Iterator[str]:
    """A sum was pressed where no tips are taken any more."""
    yield s.t("Tips can't be left here at the moment. Thank you for the thought!")


def staff_review(s: Scene) -> Iterator[str]:
    """What a client thinks of a visit, as it stands now."""
    review = s.facts.review
    low = review is not None and review.rating <= LOW
    yield s.t("⚠️ Low rating: {rating} out of 5") if low else s.t("⭐ New review: {rating} out of 5")
    yield from _of_visit(s)
    yield from _said(s)


def staff_review_words(s: Scene) -> Iterator[str]:
    """Words or a photo that came after the stars."""
    yield s.t("💬 The client adds to the review: {rating} out of 5")
    yield s.t("Client: {client}, {phone}")
    yield from _said(s)


def _of_visit(s: Scene) -> Iterator[str]:
    s["last_rating"] = ""
    yield s.t("When: {date}, {time}")
    yield from about(s)


def _said(s: Scene) -> Iterator[str]:
    review = s.facts.review
    if review is None:
        return
    if review.photo:
        yield s.t("📷 A photo came with it.")
        if review.photo.startswith(FROM_WHATSAPP):
            yield Plain(review.photo.removeprefix(FROM_WHATSAPP))
    if review.text:
        yield Plain("")
        yield Plain(review.text)


def staff_review_photo(s: Scene) -> Iterator[str]:
    """What stands below the picture of a review."""
    yield s.t("📷 A photo with the review: {rating} out of 5")
    yield s.t("Client: {client}, {phone}")


def picture(s: Scene, *, quiet: bool, thread: int | None) -> Photo | None:
    """The picture of a review; None where it came in elsewhere than on Telegram, or is gone."""
    channel, _, photo = ((s.facts.review and s.facts.review.photo) or "").partition(":")
    if channel != "telegram" or not photo:
        return None
    return Photo(photo, lay_out(staff_review_photo(s), s)[:LONGEST_CAPTION], quiet, thread)


def staff_answer_ask(s: Scene) -> Iterator[str]:
    """How to answer the client of a review."""
    yield s.t("Reply to this message, and the client will get your answer.")
    yield s.t("Client: {client}, {phone}")


def staff_tip(s: Scene) -> Iterator[str]:
    """A client gave money for the master."""
    _sum(s)
    yield s.t("💛 A tip: {amount}")
    yield from _of_visit(s)
