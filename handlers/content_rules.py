"""What gets a WhatsApp template rejected, found before anything is sent: one function for each rule.

Sources: twilio.com/docs/content/using-variables-with-content-api, …/content/twilio-quick-reply, errors 63013 and 63040.
WhatsApp's people look at the rest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from handlers.content_templates import Blueprint
from handlers.wording_choices import EMOJI

LONGEST_BODY: Final = 1024
LONGEST_TITLE: Final = 20
MOST_BUTTONS: Final = 10
MOST_VARIABLES: Final = 100
NAME: Final = re.compile(r"[a-z0-9_]{1,512}")
NUMBERED: Final = re.compile(r"\{\{(\d+)\}\}")
WORD: Final = re.compile(r"[^\W_]")
UNREADABLE: Final = re.compile(r"[\n\r\t]| {5,}")

Rule = Callable[[Blueprint], Iterator[str]]


def faults(blueprint: Blueprint) -> list[str]:
    """Why WhatsApp would reject this template, a sentence for each reason; empty: nothing that can be known here."""
    return [why for rule in RULES for why in rule(blueprint)]


def words_around(blueprint: Blueprint) -> Iterator[str]:
    """Words at both ends and between any two variables: punctuation, emoji and line breaks do not count."""
    parts = NUMBERED.split(blueprint.body)[::2]
    if len(parts) == 1:
        return
    if not WORD.search(parts[0]):
        yield "it begins with a variable"
    if not WORD.search(parts[-1]):
        yield "it ends with a variable"
    if not all(WORD.search(part) for part in parts[1:-1]):
        yield "two variables have no word between them"


def numbers_in_order(blueprint: Blueprint) -> Iterator[str]:
    """Variables are numbered from 1 without gaps, and each has a sample."""
    numbers = {int(number) for number in NUMBERED.findall(blueprint.body)}
    if numbers != set(range(1, len(blueprint.variables) + 1)):
        yield "its variables are not numbered from 1 without gaps"
    if re.search(r"\{\{|\}\}", NUMBERED.sub("", blueprint.body)):
        yield "it has double braces that are no variable"
    if len(blueprint.samples) != len(blueprint.variables):
        yield "a variable has no sample"


def enough_words(blueprint: Blueprint) -> Iterator[str]:
    """At least 2x + 1 words for x variables, and at most a hundred of those."""
    count = len(NUMBERED.findall(blueprint.body))
    words = sum(bool(WORD.search(word)) for word in NUMBERED.sub(" ", blueprint.body).split())
    if count and words < 2 * count + 1:
        yield f"it has {words} words for {count} variables; {2 * count + 1} are needed"
    if count > MOST_VARIABLES:
        yield f"it has more than {MOST_VARIABLES} variables"


def readable_samples(blueprint: Blueprint) -> Iterator[str]:
    """Samples are one line, not empty, without runs of spaces."""
    for name, sample in zip(blueprint.variables, blueprint.samples, strict=False):
        if not sample.strip() or UNREADABLE.search(sample):
            yield f"the sample of {name} is empty, or has line breaks, tabs or many spaces"


def short_enough(blueprint: Blueprint) -> Iterator[str]:
    """A body of 1 to 1024 characters, with its samples too."""
    filled = NUMBERED.sub(lambda found: dict(enumerate(blueprint.samples, 1)).get(int(found[1]), ""), blueprint.body)
    longest = max(len(blueprint.body), len(filled))
    if not blueprint.body.strip():
        yield "it has no text"
    if longest > LONGEST_BODY:
        yield f"it is {longest} characters long, at most {LONGEST_BODY}"


def sound_buttons(blueprint: Blueprint) -> Iterator[str]:
    """Few buttons with different, short titles, without emoji."""
    titles = blueprint.titles
    if len(titles) > MOST_BUTTONS:
        yield f"it has more than {MOST_BUTTONS} buttons"
    if len(set(titles)) != len(titles):
        yield "two of its buttons have one title"
    for title in titles:
        if not 1 <= len(title) <= LONGEST_TITLE:
            yield f"the button “{title}” is {len(title)} characters long, at most {LONGEST_TITLE}"
        if EMOJI.search(title):
            yield f"the button “{title}” has an emoji"


def sound_name(blueprint: Blueprint) -> Iterator[str]:
    """A name of lower-case letters, digits and underscores."""
    if not NAME.fullmatch(blueprint.name("", 1)):
        yield f"its name {blueprint.name('', 1)} has other characters than a-z, 0-9 and _"


RULES: Final[tuple[Rule, ...]] = (
    words_around,
    numbers_in_order,
    enough_words,
    readable_samples,
    short_enough,
    sound_buttons,
    sound_name,
)
