"""What clients read in a mailing: the owner's own words, else a ready text for those who have not come of late."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from handlers import templates
from handlers.filling import Plain, lay_out
from handlers.i18n import language_of, translator
from handlers.scene import Scene
from handlers.whys import asks_why
from handlers.wording_bonus import book


def campaign(s: Scene) -> Iterator[str]:
    """A mailing."""
    own = own_text(s)
    gift = int(s.param("bonus") or 0)
    if own:
        yield Plain(templates.fill(own, s))
        yield why_not(s)
        return
    yield s.t("{client}, we miss you 💛")
    yield s.t("It would be lovely to see you again. {salon}")
    if gift:
        yield s.count(
            "We've put {n} bonus point on your account 🎁", "We've put {n} bonus points on your account 🎁", gift
        )
    yield s.t("Your promo code: {code}")
    yield book(s)
    yield why_not(s)


def why_not(s: Scene) -> str:
    """The question to who stays away, above the buttons that answer it."""
    return (
        s.t("If you'd rather not come, one tap tells us why. Nobody sees who answered.") if asks_why(s.message) else ""
    )


def own_text(s: Scene) -> str | None:
    """The owner's text of this mailing in the recipient's language, else in the salon's, else the only one there is."""
    texts: Mapping[str, str] = s.message.params.get("texts") or {}
    if not texts:
        return None
    return texts.get(s.t.language) or texts.get(s.facts.place.language) or next(iter(texts.values()))


def set_values(s: Scene) -> None:
    """Give the variables of an owner's text and of WhatsApp's templates their values."""
    gift = int(s.param("bonus") or 0)
    s["n"] = s.t.plural("{n} bonus point", "{n} bonus points", gift).replace("{n}", str(gift)) if gift else ""


def in_words(percent: float, other: float, held_out: int, language: str) -> str:
    """What a mailing brought in a sentence for its owner; ``held_out``: how many got nothing, for comparison."""
    t = translator(language_of(language, "en"))
    values = {"percent": _number(percent), "other": _number(other)}
    if not held_out:
        return lay_out((t("{percent} % came back."),), values)
    return lay_out((t("{percent} % came back, {other} % without the message."),), values)


def _number(percent: float) -> str:
    return f"{percent:g}"
