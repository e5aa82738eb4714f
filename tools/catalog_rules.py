"""What a translation must hold to, beside what gettext itself asks: one small function for each rule.

A rule is given the language, the msgid and one translated form, and gives a sentence for each fault.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

from handlers.scene import VARIABLES
from handlers.wording_choices import EMOJI, VERBS

PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")
KNOWN: Final = frozenset({*VARIABLES, "number", "title", "news", "reason", "by", "until", "known", "percent", "other"})
SAME: Final = frozenset({"{number} — {title}", "{time}, {salon}, {address}"})
"""Sentences that may read the same in another language."""
LONGEST_BUTTON: Final = 20
"""Of a quick reply on WhatsApp; Telegram alone shows the button that shares a phone."""
MOST_EMOJI: Final = 2
BUTTONS: Final = frozenset(verb.label for verb in VERBS.values())
"""Msgids that stand on buttons of every channel."""

CALQUES: Final[Mapping[str, tuple[str, ...]]] = {
    "uk": (
        r"відмін(?:ити|ено|іть|а запису)", r"\bперенос\b", r"\bвізита\b", r"настройк", r"нажм", r"приймати участь",
        r"слідуюч", r"на протязі", r"по телефону", r"будь-ласка", r"получ", r"\bбро(?:нь|н[юі]|нюван)", r"повертаєм",
    ),
    "ru": (r"\bбро(?:нь|н[иь]|нирован)", r"потеряшк", r"\(а\)"),
    "tr": (r"rezervasyon", r"\btekrarlayan\b", r"reddet", r"\bpuan(?:la|ı) değerlendir"),
}  # fmt: skip
"""Words that a careful reader would strike out, as patterns."""
DEACCENTED: Final = frozenset(
    "degisti degisiklik degistir degistirmek icin hatirlatma gorusmek musteri bugun yarin tesekkur tesekkurler lutfen "
    "gun ucret guncel mesajiniz yaklasan onaylandi baglandi gecerli numaranizi yanitiniz olusturuldu".split()
)
"""Turkish words as they look when somebody's keyboard has lost the letters of the alphabet."""
FOREIGN_LETTERS: Final[Mapping[str, str]] = {"uk": "ыэъё", "ru": "іїєґ"}
POLITE: Final[Mapping[str, str]] = {
    "uk": r"Ви|Вас|Вам|Вами|Ваш\w*",
    "ru": r"Вы|Вас|Вам|Вами|Ваш\w*",
    "tr": r"Siz|Sizi|Size|Sizin",
}

Rule = Callable[[str, str, str], Iterator[str]]


class Fault(NamedTuple):
    """One fault of one catalog: a line for a person to act on."""

    language: str
    msgid: str
    why: str

    def __str__(self) -> str:
        head = self.msgid if len(self.msgid) <= 60 else f"{self.msgid[:59]}…"
        return f"{self.language}: “{head}”: {self.why}" if head else f"{self.language}: {self.why}"


def same_placeholders(language: str, msgid: str, text: str) -> Iterator[str]:
    """The same placeholders as the msgid, and only known ones."""
    wanted, found = set(PLACEHOLDER.findall(msgid)), set(PLACEHOLDER.findall(text))
    yield from (f"{{{name}}} is missing" for name in sorted(wanted - found))
    yield from (f"{{{name}}} is not in the msgid" for name in sorted(found - wanted))
    yield from (f"{{{name}}} is no variable" for name in sorted(found - KNOWN))
    if re.search(r"[{}]", PLACEHOLDER.sub("", text)):
        yield "a brace stands alone"


def right_letters(language: str, msgid: str, text: str) -> Iterator[str]:
    """No letters of another language, none that only look right."""
    if wrong := sorted(set(FOREIGN_LETTERS.get(language, "")) & set(text.lower())):
        yield f"has letters that the language has not: {' '.join(wrong)}"
    for word in re.findall(r"[^\W\d_]+", PLACEHOLDER.sub(" ", text)):
        if re.search("[a-zA-Z]", word) and re.search("[а-яА-ЯіїєґІЇЄҐёЁ]", word):
            yield f"mixes two alphabets in “{word}”"
    if language == "uk" and re.search(r"\w['’]\w", text):
        yield "has another apostrophe than ʼ"
    if "\u0307" in text:
        yield "has a dot above a letter of its own"


def right_words(language: str, msgid: str, text: str) -> Iterator[str]:
    """No calques, no words without their accents."""
    for pattern in CALQUES[language]:
        if found := re.search(pattern, text, re.IGNORECASE):
            yield f"“{found[0]}” is not how one says it"
    if language == "tr" and (lost := DEACCENTED & set(re.findall(r"\w+", text.lower()))):
        yield f"has lost its accents: {' '.join(sorted(lost))}"


def free_variables(language: str, msgid: str, text: str) -> Iterator[str]:
    """Nothing is glued to a variable, and nothing before it asks for a case."""
    if language == "tr" and re.search(r"\}['’ʼ]?[^\W\d_]", text):
        yield "has a suffix right after a variable"
    if re.search(r"[«»“”\"]\{|\}[«»“”\"]", text):
        yield "has quotes around a variable"
    if language != "tr" and (
        found := re.search(r"\b(о|об|в|во|у|на)\s+\{(?:old_)?(?:date|time)\}", text, re.IGNORECASE)
    ):
        yield f"“{found[0]}” will not agree with every value"


def same_shape(language: str, msgid: str, text: str) -> Iterator[str]:
    """Lines, edges and the end as in the msgid."""
    if text != text.strip() and msgid == msgid.strip():
        yield "begins or ends with a space"
    if text.count("\n") != msgid.count("\n"):
        yield "has another number of lines than the msgid"
    if "  " in text:
        yield "has two spaces in a row"
    if _ending(text) != _ending(msgid):
        yield "ends in another way than the msgid"


def _ending(text: str) -> str:
    """What sort of thing a text ends with: a sentence, a colon, a variable, a command, an emoji, or a word."""
    bare = text.rstrip()
    if bare.endswith((".", "!", "?", "…")):
        return "sentence"
    if bare.endswith(":"):
        return "colon"
    if re.search(r"\}$|/\w+$", bare):
        return "value"
    return "emoji" if EMOJI.search(bare[-1:]) else "word"


def fits(language: str, msgid: str, text: str) -> Iterator[str]:
    """Buttons fit their place, and emoji are few."""
    if msgid in BUTTONS and len(text) > LONGEST_BUTTON:
        yield f"is {len(text)} characters long, a button takes {LONGEST_BUTTON}"
    if len(EMOJI.findall(text)) > MOST_EMOJI:
        yield f"has more than {MOST_EMOJI} emoji"
    if EMOJI.findall(text) != EMOJI.findall(msgid):
        yield "has other emoji than the msgid"


def is_translated(language: str, msgid: str, text: str) -> Iterator[str]:
    """Not empty, and not the msgid itself."""
    if not text:
        yield "is not translated"
    elif text == msgid and msgid not in SAME:
        yield "is the msgid itself"


def is_polite(language: str, msgid: str, text: str) -> Iterator[str]:
    """The reader is not written with a capital in mid-sentence."""
    if found := re.search(rf"[\w,—–:] (?:{POLITE[language]})\b", text):
        yield f"has a capital in mid-sentence: “{found[0][2:]}”"


RULES: Final[tuple[Rule, ...]] = (
    is_translated,
    same_placeholders,
    right_letters,
    right_words,
    free_variables,
    same_shape,
    fits,
    is_polite,
)
