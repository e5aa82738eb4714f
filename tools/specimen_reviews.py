"""The specimens of what is said after a visit; see :mod:`tools.specimen`."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from handlers.plan_after import RATES
from handlers.turn import Links
from storage.records import Choice, Master, Review, Salon

T = TypeVar("T")

REVIEW = Review(business="studio", id="b-1", client="c1", salon="s1", rating=5, channel="telegram", at=0, updated_at=0)
POOR = replace(REVIEW, rating=2)
STARS = tuple(Choice(verb) for verb in RATES)
SUMS = tuple(Choice("tip", {"amount": amount, "currency": "UAH"}) for amount in (10_000, 20_000, 50_000))
PAID: dict[str, Any] = {"amount": 20_000, "currency": "UAH"}
ANSWER = (Choice("answer_client"),)


def specimens(of: Callable[..., T], salon: Salon, master: Master) -> tuple[T, ...]:
    """One of every kind, and every way in which it may read; ``of`` makes a specimen."""
    public = replace(salon, review_urls=("https://maps.example/lileya", "https://reviews.example/lileya"))
    told = replace(POOR, text="Довго чекала, і ніхто не вибачився.", photo="telegram:1")
    giving = replace(master, tip_url="https://pay.example/iryna")
    linked = {"links": Links("https://vizit.example", b"secret")}
    return (
        of("review_request", choices=STARS, facts=linked),
        of("review_words", choices=(*STARS, Choice("review_done")), facts={"review": REVIEW}, edits=True),
        of("review_words", "few stars", choices=(*STARS, Choice("review_done")), facts={"review": POOR}),
        of("review_words", "changed, with words", choices=STARS, facts={"review": told}, edits=True),
        of("review_added", facts={"review": told}),
        of("review_noted", facts={"review": REVIEW}),
        of("thanks", facts={"review": REVIEW}),
        of("thanks", "public links", facts={"review": REVIEW, "salon": public}),
        of("thanks", "sums for a tip", choices=SUMS, facts={"review": REVIEW, "salon": public}),
        of("thanks", "a link for a tip", choices=(Choice("tip_link"),), facts={"review": REVIEW, "master": giving}),
        of("tip_invoice", params=PAID),
        of("tip_thanks", params=PAID),
        of("tip_closed"),
        of("staff_review", choices=ANSWER, facts={"review": REVIEW, "last_review": POOR}),
        of("staff_review", "few stars, words and a photo", choices=ANSWER, facts={"review": told}),
        of("staff_review_words", choices=ANSWER, facts={"review": told}),
        of("staff_review_photo", facts={"review": told}),
        of("staff_answer_ask", facts={"review": told}),
        of("staff_tip", params=PAID),
        of("staff_booking_created", "a client who has reviewed before", facts={"last_review": POOR}),
    )
