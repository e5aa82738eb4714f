"""WhatsApp's templates: what each kind of message reads as when it is sent outside of the 24 hours, in every language.

A template is fixed text with numbered variables and fixed quick replies, reviewed by WhatsApp. Its lines can't be left
out, so it speaks only of what every visit has, and each set of buttons needs a template of its own.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Final, Literal, NamedTuple

from handlers import formats, wording_bonus, wording_campaign
from handlers.filling import Pieces, pieces_of
from handlers.i18n import LANGUAGES, mark, translator
from handlers.plan_after import RATES
from handlers.scene import Scene, tells_of_several
from handlers.settings import WhatsAppTemplate
from handlers.templates import lines_of
from handlers.wording_choices import labels, without_emoji
from storage.records import Business, ContentTemplate, Salon

Category = Literal["utility", "marketing"]

MOVED_FIRST: Final = "moved_"
"""Begins the names of variants that tell of another time; without it, they name the variant that may stand in."""

OPEN: Final = ("move", "cancel")
ASKING: Final = ("confirm", *OPEN)
GROUP_FIRST: Final = "group_"
"""Begins the names of variants that tell of several visits on one day, of several people or of one."""
SALON: Final = "@"
"""Parts the name of a variant from the id of the salon whose text it is; neither can hold it."""
BUSINESS: Final = "*"
"""Stands for the business where a salon's id may stand too; no id can be it."""
HELLO: Final = mark("Hello!")
QUESTION: Final = mark("Will you be able to come?")
SEE_YOU: Final = mark("See you soon!")
DATE: Final = mark("Date: {date}")
TIME: Final = mark("Time: {time}")
SERVICE: Final = mark("Service: {service}")
WHERE: Final = mark("Where: {salon}")
VISIT: Final = (DATE, TIME, SERVICE, WHERE)
# WhatsApp rejects variables that have no word between them, so every one has a label.
CREATED: Final = (HELLO, mark("You're booked ✅"), *VISIT)
MOVED: Final = (
    HELLO,
    mark("Your booking has changed 🔄"),
    mark("Old date: {old_date}"),
    mark("Old time: {old_time}"),
    mark("New date: {date}"),
    mark("New time: {time}"),
    SERVICE,
    WHERE,
)
CHANGED: Final = (
    HELLO,
    mark("There are changes to your booking 🔄"),
    DATE,
    TIME,
    SERVICE,
    mark("Specialist: {master}"),
    WHERE,
)
MOVED_END: Final = mark("If the new time doesn't suit you, press a button below.")
CHANGED_END: Final = mark("If this doesn't suit you, press a button below.")
REMINDER: Final = (HELLO, mark("A reminder about your visit 🗓"), *VISIT)
GROUP: Final = (
    HELLO,
    mark("A reminder about your visits 🗓"),
    DATE,
    mark("Who and when: {people}"),
    WHERE,
)
CONFIRM_VISITS: Final = mark("Please confirm your visits.")
YES_FOR_ALL: Final = mark("To confirm all, reply “yes”.")
# No greeting: «Вітаємо! Ваш запис скасовано» sounds like a congratulation.
CANCELLED: Final = (
    mark("Your booking has been cancelled."),
    *VISIT,
    mark("We're sorry for the trouble!"),
)
REVIEWED: Final = (
    HELLO,
    mark("Thank you for your visit! Did you enjoy it?"),
    DATE,
    SERVICE,
    WHERE,
    mark("How would you rate your visit, from 1 to 5?"),
)


LINK_FIRST: Final = "link_"
"""Begins the names of variants that say where one books; without it, they name the variant that may stand in."""
BOOK: Final = mark("Book a visit: {link}")
POINTS: Final = (mark("Balance: {balance}"), mark("Worth: {amount}"))
OUT: Final = ("offers_off",)
ACCRUED: Final = (HELLO, mark("There is news of your bonus points 🎁"), mark("This time: {n}"), *POINTS)
EXPIRING: Final = (HELLO, mark("Don't lose your bonus points ⏳"), mark("Points: {n}"), mark("Last day: {day}"))
BIRTHDAY: Final = (mark("Happy birthday! 🎉"), mark("Our gift to you: {n}"))
BIRTHDAY_SOON: Final = (mark("Your birthday is coming up 🎁"), mark("Our gift to you: {n}"))
REBOOK: Final = (HELLO, mark("It's a good time for your next visit!"), SERVICE)
MISSED: Final = (HELLO, mark("It's a pity that we didn't meet last time. Shall we find another time?"), SERVICE)
GLAD: Final = mark("We'd be glad to see you!")
MISS_YOU: Final = (HELLO, mark("We miss you at our place, and would love to see you again 💛"))
GIFT: Final = mark("Our gift to you: {n}")
REBOOKING: Final = ("rebook_not_now", "rebook_later", "rebook_never", *OUT)


class Sheet(NamedTuple):
    """What one template says: msgids, a line each, and the verbs of its quick replies."""

    lines: tuple[str, ...]
    buttons: tuple[str, ...] = ()
    category: Category = "utility"


OFFERS: Final = frozenset({"bonus_accrued", "bonus_expiring", "bonus_birthday", "rebook_invitation", "campaign"})


def _offer(variant: str, lines: tuple[str, ...], end: str, buttons: tuple[str, ...]) -> dict[str, Sheet]:
    """An offer without and with the address where one books."""
    return {
        variant: Sheet((*lines, end), buttons, "marketing"),
        LINK_FIRST + variant: Sheet((*lines, BOOK, end), buttons, "marketing"),
    }


SHEETS: Final[Mapping[str, Mapping[str, Sheet]]] = {
    "booking_created": {
        "plain": Sheet((*CREATED, SEE_YOU), OPEN),
        "asks": Sheet((*CREATED, QUESTION), ASKING),
    },
    "booking_changed": {
        "plain": Sheet((*CHANGED, CHANGED_END), OPEN),
        "asks": Sheet((*CHANGED, QUESTION), ASKING),
        "moved_plain": Sheet((*MOVED, MOVED_END), OPEN),
        "moved_asks": Sheet((*MOVED, QUESTION), ASKING),
    },
    "booking_cancelled": {"plain": Sheet(CANCELLED)},
    "review_request": {"plain": Sheet(REVIEWED, RATES)},
    "reminder": {
        "plain": Sheet((*REMINDER, SEE_YOU), OPEN),
        "asks": Sheet((*REMINDER, QUESTION), ASKING),
        "group_plain": Sheet((*GROUP, SEE_YOU), ("change",)),
        "group_asks": Sheet((*GROUP, CONFIRM_VISITS, YES_FOR_ALL), ("confirm_all", "one_by_one")),
    },
    "bonus_accrued": _offer("plain", ACCRUED, GLAD, OUT),
    "bonus_expiring": _offer("plain", EXPIRING, SEE_YOU, OUT),
    "bonus_birthday": {
        **_offer("plain", BIRTHDAY, mark("Have a wonderful year!"), OUT),
        **_offer("ahead", BIRTHDAY_SOON, SEE_YOU, OUT),
    },
    "rebook_invitation": {
        **_offer("plain", REBOOK, GLAD, REBOOKING),
        **_offer("missed", MISSED, GLAD, REBOOKING),
    },
    "campaign": {
        **_offer("plain", MISS_YOU, GLAD, OUT),
        **_offer("gift", (*MISS_YOU, GIFT), GLAD, OUT),
    },
}
"""Kind to variant to template. The variant of a message is :func:`variant_of`; ``moved_asks`` may give way to ``asks``."""


def _offer_variant(scene: Scene) -> str:
    """Whether a gift comes ahead of the day, or a visit did not take place; and whether there is an address to book at."""
    ahead = scene.message.kind == "bonus_birthday" and wording_bonus.is_ahead(scene)
    missed = scene.message.kind == "rebook_invitation" and wording_bonus.is_missed(scene)
    gift = scene.message.kind == "campaign" and bool(scene.param("bonus"))
    return (LINK_FIRST if scene["link"] else "") + (
        "ahead" if ahead else "missed" if missed else "gift" if gift else "plain"
    )


def variant_of(scene: Scene) -> str:
    """Which template of its kind a message needs: by whether it asks, of how many visits, and whether it tells of another
    time."""
    if scene.message.kind in OFFERS:
        return _offer_variant(scene)
    if scene.message.kind == "reminder" and tells_of_several(scene):
        asked = any(choice.verb == "confirm_all" for choice in scene.message.choices)
        return GROUP_FIRST + ("asks" if asked else "plain")
    asks = "asks" if scene.asks else "plain"
    if scene.message.kind != "booking_changed":
        return asks
    now = scene.booking.starts_at
    return asks if scene.told().get("starts_at", now) == now else MOVED_FIRST + asks


def approved(scene: Scene) -> WhatsAppTemplate | None:
    """The approved template for a message in its language: that of the salon's own text before the business's, and that
    before the one which serves everybody; the fitting variant before the plainer one, the newest version.

    A template of a text that was taken back is none. Where free text may be sent, the owner's own words are not replaced
    by other words.
    """
    if wording_campaign.own_text(scene):
        # Nobody approved these words, and others must not take their place.
        return None
    facts, language, variant = scene.facts, scene.t.language, variant_of(scene)
    kind, free = scene.message.kind, facts.window_open
    if free and kind in OFFERS:
        # Free text says more of points than a template can: what they pay for, and until when.
        return None
    salon = facts.salon.id if facts.salon and language in _own_texts(facts.salon, kind) else ""
    worded = language in (_own_texts(facts.business, kind) if salon else facts.settings.templates.get(kind, {}))
    owners = ["", *([BUSINESS] if worded else []), *([salon] if salon else [])]
    fitting = [
        row
        for row in facts.content
        if row.language == language
        and sheet_of(row.variant) in (variant, *map(variant.removeprefix, (MOVED_FIRST, LINK_FIRST)))
        and _owner_of(row) in (owners[-1:] if free else owners)
    ]
    best = max(
        fitting,
        key=lambda row: (owners.index(_owner_of(row)), sheet_of(row.variant) == variant, row.version),
        default=None,
    )
    return None if best is None else WhatsAppTemplate(best.sid, best.variables, best.buttons, best.body)


def _own_texts(owner: Business | Salon, kind: str) -> Mapping[str, str]:
    own: Mapping[str, str] = (owner.settings.get("templates") or {}).get(kind) or {}
    return own


def _owner_of(row: ContentTemplate) -> str:
    """Whose words a template says: empty for everybody's, :data:`BUSINESS` for the business's, else the salon's id."""
    return row.variant.partition(SALON)[2] or (BUSINESS if row.business else "")


def sheet_of(variant: str) -> str:
    """A variant without the salon that it is for."""
    return variant.partition(SALON)[0]


class Blueprint(NamedTuple):
    """A template as it is to be at the provider. ``variables`` are canonical names of ``{{1}}``, ``{{2}}`` …, ``samples``
    what WhatsApp's reviewers see in their place, ``titles`` those of the quick replies."""

    kind: str
    variant: str
    language: str
    category: Category
    body: str
    variables: tuple[str, ...]
    samples: tuple[str, ...]
    buttons: tuple[str, ...]
    titles: tuple[str, ...]

    @property
    def key(self) -> str:
        """``kind:variant:language``; the variant of a salon's own text ends in ``@`` and its id."""
        return f"{self.kind}:{self.variant}:{self.language}"

    @property
    def digest(self) -> str:
        """Of all that a person sees of it, and of its category."""
        seen = json.dumps([self.category, self.body, self.variables, self.buttons, self.titles], ensure_ascii=False)
        return hashlib.sha256(seen.encode()).hexdigest()[:32]

    def name(self, business: str, version: int) -> str:
        """Its name at WhatsApp; ``business`` is empty where it serves everybody. Ids may hold what names may not."""
        sheet, parted, salon = self.variant.partition(SALON)
        whose = f"{business}{parted}{salon}"
        owner = f"{hashlib.sha256(whose.encode()).hexdigest()[:8]}_" if whose else ""
        return f"vizit_{owner}{self.kind}_{sheet}_{self.language}_v{version}"


def of_catalogs(languages: Sequence[str] = LANGUAGES) -> Iterator[Blueprint]:
    """The templates that serve every business: each kind and variant in each language."""
    for kind, variants in SHEETS.items():
        for variant, sheet in variants.items():
            for language in languages:
                said = "\n".join(map(translator(language), sheet.lines))
                yield _blueprint(kind, variant, language, sheet, pieces_of(said))


def of_owner(
    own: Mapping[str, Mapping[str, str]], languages: Sequence[str] = LANGUAGES, salon: str = ""
) -> Iterator[Blueprint]:
    """The templates of a business, or of a ``salon``, that has texts of its own: kind to language to text, with
    ``[Variables]``.

    One text stands for all that a kind may tell, so variants that differ only in their lines are one.
    """
    for kind, texts in own.items():
        for variant, sheet in SHEETS.get(kind, {}).items():
            for language in languages if not variant.startswith((MOVED_FIRST, GROUP_FIRST, LINK_FIRST)) else ():
                if language in texts:
                    named = f"{variant}{SALON}{salon}" if salon else variant
                    yield _blueprint(kind, named, language, sheet, lines_of(texts[language]))


def _blueprint(kind: str, variant: str, language: str, sheet: Sheet, lines: Sequence[Pieces]) -> Blueprint:
    variables = tuple(dict.fromkeys(name for pieces in lines for name in pieces[1::2]))
    numbers = {name: f"{{{{{number}}}}}" for number, name in enumerate(variables, 1)}
    body = "\n".join(
        "".join(numbers[piece] if place % 2 else piece for place, piece in enumerate(pieces)) for pieces in lines
    )
    return Blueprint(
        kind,
        variant,
        language,
        sheet.category,
        body,
        variables,
        tuple(SAMPLES[name](language) for name in variables),
        sheet.buttons,
        tuple(without_emoji(labels(verb, language)) for verb in sheet.buttons),
    )


SAMPLE_DAY: Final = date(2026, 11, 27)
SAMPLES: Final[Mapping[str, Callable[[str], str]]] = {
    "client": lambda language: translator(language)(mark("Anna")),
    "date": lambda language: formats.long_date(SAMPLE_DAY, language, SAMPLE_DAY.year),
    "day": lambda language: formats.plain_day(SAMPLE_DAY, language, SAMPLE_DAY.year),
    "time": lambda _: "15:00",
    "old_date": lambda language: formats.long_date(SAMPLE_DAY - timedelta(days=1), language, SAMPLE_DAY.year),
    "old_time": lambda _: "12:30",
    "service": lambda language: translator(language)(mark("Haircut")),
    "master": lambda language: translator(language)(mark("Anna")),
    "salon": lambda language: translator(language)(mark("Beauty salon")),
    "address": lambda language: translator(language)(mark("12 Garden Street")),
    "link": lambda _: "https://example.com/book",
    "amount": lambda language: formats.money(60_000, "UAH", language),
    "balance": lambda _: "120",
    "code": lambda _: "SPRING",
    "n": lambda language: translator(language).plural("{n} bonus point", "{n} bonus points", 50).replace("{n}", "50"),
    "price": lambda language: formats.money(90_000, "UAH", language),
    "phone": lambda _: "+380 44 123 4567",
    "people": lambda language: (
        f"{translator(language)(mark('Anna'))} — 15:00, {translator(language)(mark('Maria'))} — 15:30"
    ),
}
"""What WhatsApp's reviewers see in the place of each variable, by language."""
