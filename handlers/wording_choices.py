"""Choices as a channel can show them: what each verb is called, how buttons stand in rows, and lines with numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Final, Literal, NamedTuple
from urllib.parse import quote

from handlers import formats
from handlers.channel import LONGEST_COPY, Button, Capabilities
from handlers.facts import Facts, Visit
from handlers.i18n import ENDONYMS, mark, translator
from handlers.plan_after import RATES, REVIEW
from handlers.settings import place
from handlers.turn import pack
from handlers.wording_settings import ASKS, KIND_NAMES, MARKS
from storage.records import Booking, Choice, Message, Millis


class Verb(NamedTuple):
    """How a choice is shown. ``alone``: it has a row to itself; others stand two in a row, but for those in
    :data:`ABREAST`. ``short``: what a button says in place of the label, where several stand in a row."""

    label: str
    alone: bool = False
    style: Literal["primary", "success", "danger"] | None = None
    short: str | None = None


VERBS: Final[Mapping[str, Verb]] = {
    "confirm": Verb(mark("✅ I'll be there"), alone=True, style="success"),
    "move": Verb(mark("🔄 Reschedule")),
    "cancel": Verb(mark("❌ I can't come")),
    "cancel_yes": Verb(mark("Yes, cancel"), style="danger"),
    "cancel_keep": Verb(mark("No, keep it")),
    "confirm_all": Verb(mark("✅ Confirm all"), alone=True, style="success"),
    "one_by_one": Verb(mark("One by one"), alone=True),
    "change": Verb(mark("🔄 Change or cancel"), alone=True),
    "late": Verb(mark("⏰ I'm 10 min late"), alone=True),
    "book": Verb(mark("Book a visit"), alone=True),
    "bookings": Verb(mark("🗓 My bookings"), alone=True),
    "bonus": Verb(mark("🎁 My bonus points"), alone=True),
    "rebook_not_now": Verb(mark("Not now")),
    "rebook_later": Verb(mark("Ask me later")),
    "rebook_never": Verb(mark("Don't ask about this"), alone=True),
    "offers_yes": Verb(mark("Yes, send them")),
    "offers_no": Verb(mark("No, thank you")),
    "menu": Verb(mark("Menu"), alone=True),
    "help": Verb(mark("Help")),
    "language_ask": Verb(mark("Change the language")),
    "offers_on": Verb(mark("Turn offers on")),
    "offers_off": Verb(mark("Turn offers off")),
    "all_off": Verb(mark("Turn everything off")),
    "all_on": Verb(mark("Turn back on")),
    "whatsapp": Verb(mark("Open in WhatsApp"), alone=True),
    "copy": Verb(mark("Copy the text"), alone=True),
    "hand_sent": Verb(mark("✅ Sent"), style="success"),
    "hand_skip": Verb(mark("🚫 Don't send")),
    "hand_hour": Verb(mark("In an hour")),
    "hand_tomorrow": Verb(mark("Tomorrow at 9:00")),
    "rate_1": Verb(mark("Bad"), short="1 ⭐"),
    "rate_2": Verb(mark("Not great"), short="2 ⭐"),
    "rate_3": Verb(mark("Okay"), short="3 ⭐"),
    "rate_4": Verb(mark("Good"), short="4 ⭐"),
    "rate_5": Verb(mark("Excellent"), short="5 ⭐"),
    "why_moved": Verb(mark("I've moved away")),
    "why_price": Verb(mark("The price")),
    "why_time": Verb(mark("The time didn't suit")),
    "why_unhappy": Verb(mark("I wasn't satisfied")),
    "why_other": Verb(mark("Something else")),
    "review_done": Verb(mark("That's all"), alone=True),
    "tip_link": Verb(mark("Leave a tip"), alone=True),
    "answer_client": Verb(mark("💬 Answer the client"), alone=True),
    "late_wait": Verb(mark("✅ We'll wait"), style="success"),
    "late_call": Verb(mark("Call us")),
}
"""Verb to its button. A verb that is missing here and in :data:`NAMED` is a mistake of the program."""

ABREAST: Final[Mapping[str, int]] = {**dict.fromkeys(RATES, len(RATES)), "tip": 3}
"""Verb to how many of its sort stand in a row."""
ANOTHER_RATING: Final = mark("1–5 — another rating")
LONGEST_NAME: Final = 40
"""Characters of a person's name in the title of a button."""
Named = Callable[[Choice, Facts], str]


def _visit_of(choice: Choice, facts: Facts) -> Visit | None:
    return next((one for one in facts.visits if one.booking.id == choice.args.get("booking")), None)


def _visit_title(choice: Choice, facts: Facts) -> str:
    """When a visit is, and whose it is where a list holds those of several people."""
    visit = _visit_of(choice, facts)
    if visit is None:
        return str(choice.args["booking"])
    several = len({one.booking.client for one in facts.visits}) > 1
    return ", ".join(filter(None, (_person(visit) if several else "", _when(visit, facts))))


def _person(visit: Visit) -> str:
    client = visit.client
    return (client.first_name or client.name)[:LONGEST_NAME] if client else ""


def _tick_title(choice: Choice, facts: Facts) -> str:
    visit = _visit_of(choice, facts)
    if visit is None:
        return str(choice.args["booking"])
    clock = formats.clock(formats.local(visit.booking.starts_at, place(facts.business, visit.salon).zone))
    several = len({one.booking.client for one in facts.visits}) > 1
    services = ", ".join(service.name for service in visit.services)[:LONGEST_NAME]
    return f"✅ {', '.join(filter(None, (_person(visit), clock) if several else (clock, services)))}"


def waits_for_word(booking: Booking, now: Millis) -> bool:
    """Whether a visit is ahead of which its client has said nothing yet."""
    return booking.status == "booked" and booking.answer is None and booking.starts_at > now


def _when(visit: Visit, facts: Facts) -> str:
    moment = formats.local(visit.booking.starts_at, place(facts.business, visit.salon).zone)
    return f"{formats.short_date(moment.date(), facts.language)}, {formats.clock(moment)}"


def _waiting_title(choice: Choice, facts: Facts) -> str:
    """Whom a message that waits for a person is for, and when that person comes."""
    visit = _visit_of(choice, facts)
    if visit is None:
        return str(choice.args["number"])
    return ", ".join(filter(None, (_when(visit, facts), visit.client.name if visit.client else "")))


def _switch_title(choice: Choice, facts: Facts) -> str:
    """What a press would change, marked as it is now."""
    name = ASKS if choice.args["field"] == "confirm" else KIND_NAMES[choice.args["kind"]]
    return f"{MARKS[not choice.args['to']]} {translator(facts.language)(name)}"


def _period(choice: Choice, facts: Facts) -> str:
    t, days = translator(facts.language), int(choice.args["days"])
    return t("Today") if days == 1 else t.plural("{n} day", "{n} days", days).replace("{n}", str(days))


def _sum(choice: Choice, facts: Facts) -> str:
    return formats.money(int(choice.args["amount"]), str(choice.args["currency"]), facts.language)


def _coming_title(choice: Choice, facts: Facts) -> str:
    """Whether somebody came, with the time and the name."""
    visit = _visit_of(choice, facts)
    if visit is None:
        return str(choice.args["booking"])
    clock = formats.clock(formats.local(visit.booking.starts_at, place(facts.business, visit.salon).zone))
    name = visit.client.name[:LONGEST_NAME] if visit.client else ""
    return f"{MARKS[choice.verb == 'came']} {', '.join(filter(None, (clock, name)))}"


NAMED: Final[Mapping[str, tuple[Named, bool]]] = {
    "tip": (_sum, False),
    "language": (lambda choice, facts: ENDONYMS[choice.args["language"]], False),
    "business": (lambda choice, facts: str(choice.args.get("name", choice.args["business"])), True),
    "visit": (_visit_title, True),
    "tick": (_tick_title, True),
    "hand": (_waiting_title, True),
    "came": (_coming_title, False),
    "missed": (_coming_title, False),
    "switch": (_switch_title, False),
    "stats_of": (_period, False),
}
"""Verb to what its button is called after, and whether it has a row to itself."""
LONGEST_LINK: Final = 2000
"""Characters of a link with a text in it; no platform says how many it takes, and browsers differ above that."""


def _in_whatsapp(facts: Facts) -> str | None:
    """The link that opens a chat with the client, the text of the message ready; without the text where that is long."""
    phone, text = facts.client and facts.client.phone, (facts.subject and facts.subject.text) or ""
    if not phone:
        return None
    link = f"https://wa.me/{phone.lstrip('+')}"
    whole = f"{link}?text={quote(text, safe='')}"
    return whole if len(whole) <= LONGEST_LINK else link


def _copied(facts: Facts) -> str | None:
    text = facts.subject and facts.subject.text
    return text if text and len(text) <= LONGEST_COPY else None


LINKS: Final[Mapping[str, Callable[[Facts], str | None]]] = {
    "tip_link": lambda facts: facts.master.tip_url if facts.master else None,
    "book": lambda facts: facts.salon.booking_url if facts.salon else None,
    "whatsapp": _in_whatsapp,
}
"""Verb to the link that its button opens."""
COPIES: Final[Mapping[str, Callable[[Facts], str | None]]] = {"copy": _copied}
"""Verb to the text that its button copies."""

EMOJI: Final = re.compile("[\u2190-\u2bff\ufe0f\u20e3\U0001f000-\U0001faff]+")
"""One emoji or several in a row."""


def without_emoji(title: str) -> str:
    """A title as WhatsApp takes it on a template's button."""
    return " ".join(EMOJI.sub(" ", title).split())


@cache
def labels(verb: str, language: str) -> str:
    """The title of a verb's button, with its emoji. Raises ``KeyError`` for a verb that has no title of its own."""
    return translator(language)(VERBS[verb].label)


def title(choice: Choice, facts: Facts) -> str:
    """The title of a choice's button."""
    named = NAMED.get(choice.verb)
    return named[0](choice, facts) if named else labels(choice.verb, facts.language)


def pressable(choices: Sequence[Choice]) -> tuple[int, ...]:
    """The indexes of the choices that can be answered in words: all but what opens or copies something. Their order gives
    them their numbers."""
    return tuple(index for index, choice in enumerate(choices) if choice.verb not in LINKS.keys() | COPIES.keys())


def shown_choices(message: Message, capabilities: Capabilities, facts: Facts) -> tuple[int, ...]:
    """The indexes of the choices that this channel shows: a link only where buttons may open one, and there is one; a tick
    while it is still wanted, and one for all while several are."""
    if not capabilities.links:
        return pressable(message.choices)
    made = {**LINKS, **COPIES}
    waiting = {visit.booking.id for visit in facts.visits if waits_for_word(visit.booking, facts.now)}

    def shown(choice: Choice) -> bool:
        if choice.verb == "tick":
            return choice.args["booking"] in waiting
        if choice.verb == "confirm_all":
            return len(waiting) > 1
        return choice.verb not in made or bool(made[choice.verb](facts))

    return tuple(index for index, choice in enumerate(message.choices) if shown(choice))


def button_rows(
    message: Message, indexes: Sequence[int], capabilities: Capabilities, facts: Facts
) -> tuple[tuple[Button, ...], ...]:
    """Buttons in rows: those that stand alone, and others side by side, in the order of the choices."""
    rows: list[tuple[Button, ...]] = []
    room = 0
    for index in indexes:
        button, abreast = _button(message, index, capabilities, facts), _abreast(message.choices[index].verb)
        if rows and room == abreast > len(rows[-1]):
            rows[-1] = (*rows[-1], button)
        else:
            rows.append((button,))
        room = abreast
    return tuple(rows)


def _abreast(verb: str) -> int:
    alone = NAMED[verb][1] if verb in NAMED else VERBS[verb].alone
    return 1 if alone else ABREAST.get(verb, 2)


def _button(message: Message, index: int, capabilities: Capabilities, facts: Facts) -> Button:
    choice = message.choices[index]
    said = title(choice, facts)
    if choice.verb in LINKS:
        return Button(said, url=LINKS[choice.verb](facts))
    if choice.verb in COPIES:
        return Button(said, copy=COPIES[choice.verb](facts))
    verb = VERBS.get(choice.verb)
    style = verb.style if verb and capabilities.styles else None
    return Button((verb and verb.short) or said, data=pack(choice.verb, message.id, index), style=style)


def numbered(message: Message, facts: Facts) -> str:
    """The choices as lines to answer with a number, with the invitation to do so; empty where there are none."""
    t = translator(facts.language)
    lines = [t("Reply with a number:")]
    rated = message.kind != REVIEW
    for number, index in enumerate(pressable(message.choices), 1):
        if rated and message.choices[index].verb in RATES:
            lines += [t(ANOTHER_RATING)] if message.choices[index].verb == RATES[0] else []
            continue
        said = without_emoji(title(message.choices[index], facts))
        lines.append(t("{number} — {title}").replace("{number}", str(number)).replace("{title}", said))
    return "\n".join(lines) if len(lines) > 1 else ""
