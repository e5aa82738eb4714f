"""What typed words mean: an answer to the choices of a message, or a command.

Words are compared whole, after folding; nothing is guessed from a part of a sentence. Every language's words count in
every conversation. Words of cancelling never mean that somebody wants no more messages, and the other way round.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from typing import Final

from handlers.i18n import ENDONYMS, LANGUAGES
from handlers.wording_choices import VERBS, labels, pressable, without_emoji
from storage.records import Choice, Message

MEANINGS: Final[Mapping[str, frozenset[str]]] = {
    "yes": frozenset({"confirm", "confirm_all", "cancel_yes", "offers_yes"}),
    "no": frozenset({"cancel", "cancel_keep", "review_done", "offers_no", "rebook_not_now"}),
    "come": frozenset({"confirm", "confirm_all", "cancel_keep"}),
    "cancel": frozenset({"cancel", "cancel_yes"}),
    "keep": frozenset({"cancel_keep"}),
    "move": frozenset({"move"}),
    "late": frozenset({"late"}),
}
"""What an answer means to the verbs that it may stand for; it counts where exactly one of them is offered."""

_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "yes": {
        "uk": "так | ага | угу | авжеж | звісно | звичайно | добре | гаразд | окей | ок | згоден | згодна",
        "ru": "да | ага | угу | конечно | хорошо | ладно | окей | ок | согласен | согласна | верно | все верно | давайте",
        "tr": "evet | olur | tamam | tamamdır | peki | tabii | tabii ki | elbette | aynen | uygun | uygundur | onay",
        "en": "yes | y | yep | yeah | yup | sure | ok | okay | of course | fine",
        "": "+ | 👍 | ✅ | 👌 | ✔ | ☑ | 🆗",
    },
    "no": {
        "uk": "ні | нє | неа",
        "ru": "нет | неа",
        "tr": "hayır | yok | olmaz",
        "en": "no | nope | n",
        "": "❌ | 👎 | 🚫",
    },
    "come": {
        "uk": "підтверджую | підтвердити | підтверджено | буду | прийду | ми будемо | будемо | прийдемо | я буду | так буду "
        "| буду вчасно | приїду | в силі | все в силі",
        "ru": "подтверждаю | подтвердить | подтверждено | буду | приду | мы будем | будем | придем | я буду | да буду "
        "| буду вовремя | приеду | в силе | все в силе | да приду | обязательно буду",
        "tr": "geliyorum | geleceğim | gelicem | geliyoruz | geleceğiz | evet geliyorum | evet geleceğim | tamam geliyorum "
        "| onaylıyorum | onayla | orada olacağım | oradayım",
        "en": "confirm | i confirm | confirmed | i will be there | ill be there | im coming | i am coming | coming "
        "| see you | yes i will | see you there",
    },
    "cancel": {
        "uk": "не зможу | не можу | не прийду | не буду | нас не буде | не вийде | не виходить | скасувати | скасуйте "
        "| скасуйте запис | скасовую | відмінити | відміна | відмініть | так скасувати | не приїду | ні не зможу",
        "ru": "не смогу | не могу | не приду | не буду | нас не будет | не получится | не получается | отменить | отмените "
        "| отмените запись | отменяю | отмена | да отменить | не приеду | нет не смогу",
        "tr": "gelemiyorum | gelemeyeceğim | gelemem | gelmiyorum | gelmeyeceğim | gelemicem | iptal | iptal et | iptal edin "
        "| randevuyu iptal et | iptal etmek istiyorum | iptal lütfen | evet iptal et | hayır gelemiyorum",
        "en": "cancel | cancel it | cancel my booking | i cant come | cant come | i cant make it "
        "| cant make it | i wont be there | not coming | yes cancel",
    },
    "keep": {
        "uk": "залишити | залишити запис | залиште | не скасовувати | не скасовуйте | ні залишити",
        "ru": "оставить | оставить запись | оставьте | не отменять | не отменяйте | нет оставить",
        "tr": "kalsın | iptal etme | iptal etmeyin | vazgeçtim | hayır kalsın | iptal olmasın",
        "en": "keep | keep it | dont cancel | do not cancel",
    },
    "move": {
        "uk": "перенести | перенесіть | перенести запис | переносимо | інший час | на інший час | інший день | на інший день "
        "| хочу перенести | можна перенести | давайте перенесемо",
        "ru": "перенести | перенесите | перенести запись | перенос | другое время | на другое время | другой день "
        "| на другой день | хочу перенести | можно перенести | давайте перенесем",
        "tr": "değiştir | ertele | erteleme | başka gün | başka saat | randevu değiştir | randevuyu değiştir "
        "| değiştirmek istiyorum | ertelemek istiyorum | başka zaman",
        "en": "reschedule | move | move it | another time | another day | change the time | change time",
        "": "🔄",
    },
    "late": {
        "uk": "запізнююсь | запізнююся | запізнюсь | запізнюся | спізнюсь | спізнююсь | трохи запізнююсь | трохи запізнюсь "
        "| запізнюсь на 10 хвилин | запізнюсь на 10 хв | запізнююсь на 10 хвилин",
        "ru": "опаздываю | опоздаю | задерживаюсь | немного опаздываю | немного опоздаю | чуть опоздаю "
        "| опоздаю на 10 минут | опоздаю на 10 мин | опаздываю на 10 минут",
        "tr": "gecikiyorum | gecikeceğim | geç kalıyorum | geç kalacağım | biraz gecikeceğim | biraz geç kalacağım "
        "| 10 dakika gecikiyorum | 10 dakika gecikeceğim | 10 dakika geç kalacağım",
        "en": "im late | i am late | running late | im running late | i will be late | ill be late | 10 minutes late "
        "| im 10 minutes late",
        "": "⏰",
    },
}

_COMMANDS: Final[Mapping[str, str]] = {
    "start": "start | старт | почати | начать | başla | başlat | привіт | вітаю | добрий день | доброго дня | добрий ранок "
    "| добрий вечір | привет | здравствуйте | добрый день | доброе утро | добрый вечер | merhaba | merhabalar | selam "
    "| iyi günler | günaydın | iyi akşamlar | hi | hello",
    "stop": "stop | стоп | unsubscribe | відписатися | відписатись | відпишіть | відписка | отписаться | отпишите | отписка "
    "| вимкнути розсилку | отключить рассылку | без реклами | без рекламы | dur | durdur | ret | kampanya istemiyorum "
    "| reklam istemiyorum | kampanya mesajlarını kapat",
    "offers": "offers | увімкнути розсилку | включить рассылку | kampanya mesajlarını aç | kampanyaları aç",
    "all_off": "stop all | stopall | вимкнути все | нічого не надсилайте | не пишіть мені | не пишіть мені більше "
    "| більше не пишіть | отключить все | ничего не присылайте | не пишите мне | не пишите мне больше | больше не пишите "
    "| hepsini kapat | hiçbir mesaj göndermeyin | mesaj göndermeyin | bana yazmayın | bir daha yazmayın",
    "all_on": "unstop | увімкнути знову | включить снова | yeniden aç",
    "bookings": "bookings | my bookings | записи | мої записи | мої візити | мои записи | мои визиты | randevular "
    "| randevularım | randevum",
    "bonus": "bonus | bonuses | бонуси | бонусы | мої бонуси | мои бонусы | puan | puanlarım | bonus puan | puanım "
    "| баланс | мій баланс | мой баланс | скільки у мене бонусів | скільки в мене бонусів | сколько у меня бонусов "
    "| bakiye | bakiyem | puan bakiyem | kaç puanım var | balance | my balance | my points | my bonuses",
    "language": "language | мова | змінити мову | язык | сменить язык | dil | dili değiştir",
    "help": "help | допомога | довідка | помощь | справка | yardım | ?",
    "menu": "menu | меню | menü",
}
"""Command to the words that give it without a slash."""
_SLASH: Final = frozenset(
    {"start", "stop", "offers", "bookings", "bonus", "language", "help", "menu", "today", "link", "stats", "manual"}
    | {"settings", "console"}
)

_FOLDED: Final = str.maketrans(
    {
        "İ": "i",
        "I": "i",
        "ı": "i",
        "ё": "е",
        "Ё": "е",
        "'": "",
        "’": "",
        "ʼ": "",
        "‘": "",
        "`": "",
        "\u200d": "",
        "\ufe0f": "",
    }
    | dict(zip("ğşçöüâîûĞŞÇÖÜÂÎÛ", "gscouaiugscouaiu", strict=True))
    | {chr(tone): "" for tone in range(0x1F3FB, 0x1F400)}
)
_LOOKALIKES: Final = str.maketrans("aceiopxy", "асеіорху")
_CYRILLIC: Final = re.compile("[а-яіїєґ]")
_PUNCTUATION: Final = re.compile(r"[.,!…;:()«»“”„\"*_~\-–—/\\]+")
_POLITE: Final = re.compile(
    r"\b(?:дякую|спасибі|будь ласка|добрий день|доброго дня|добрий вечір|доброго ранку|вітаю|спасибо|благодарю|пожалуйста"
    r"|добрый день|добрый вечер|доброе утро|здравствуйте|привет|привіт|tesekkurler|tesekkur ederim"
    r"|sagolun|sagol|lutfen|merhaba|iyi gunler|selam|thank you|thanks|please|hello|hi|на жаль|вибачте|перепрошую"
    r"|к сожалению|извините|простите|maalesef|ne yazik ki|uzgunum|kusura bakmayin|unfortunately|sorry)\b"
)
_NUMBER: Final = re.compile(r"(?:№|#)?\s*(\d{1,2})\ufe0f?\u20e3?\s*[.)—–:-]?\s*(\D.*)?", re.DOTALL)


def folded(text: str) -> str:
    """A text as it is compared: one case, one kind of i and apostrophe, no accents on Latin letters, no punctuation."""
    plain = unicodedata.normalize("NFC", text).translate(_FOLDED).casefold().replace("\u0307", "")
    spaced = " ".join(_PUNCTUATION.sub(" ", plain).split())
    return " ".join(_of_one_script(word) for word in spaced.split(" "))


def _of_one_script(word: str) -> str:
    """A Cyrillic word with its Latin look-alikes put right."""
    return word.translate(_LOOKALIKES) if _CYRILLIC.search(word) else word


@cache
def _meanings() -> Mapping[str, str]:
    """Folded word to what it means."""
    return {
        folded(word): meaning
        for meaning, languages in _WORDS.items()
        for words in languages.values()
        for word in words.split(" | ")
    }


@cache
def _command_words() -> Mapping[str, str]:
    """Folded words to their command, the titles of buttons included."""
    return {folded(word): command for command, words in _COMMANDS.items() for word in words.split(" | ")}


@cache
def _titles(language: str) -> Mapping[str, str]:
    """Folded button title, of any language, to its verb; where languages disagree, ``language`` is right."""
    order = sorted(LANGUAGES, key=lambda other: other == language)
    return {folded(without_emoji(labels(verb, other))): verb for other in order for verb in VERBS}


def _bare(text: str) -> str:
    """Folded words without emoji and courtesies; the emoji alone, each once, where there is nothing else."""
    words = folded(without_emoji(text))
    if not words:
        return folded("".join(dict.fromkeys(folded(text))))
    return " ".join(_POLITE.sub(" ", words).split()) or words


def meaning_of(text: str) -> str | None:
    """What an answer means by itself: a key of :data:`MEANINGS`, or None where it is no plain answer.

    A question is no answer, but for a wish to move.
    """
    bare = _bare(text)
    words = bare.rstrip("? ")
    meaning = _meanings().get(words)
    if meaning is None and words and not any(map(str.isalnum, words)):
        signs = {_meanings().get(sign) for sign in words if not sign.isspace()}
        meaning = signs.pop() if len(signs) == 1 else None
    return meaning if words == bare or meaning == "move" else None


def recognise(text: str, message: Message, language: str) -> int | None:
    """The index of the one choice of ``message`` that a typed answer means; None where it means none or several.

    Takes the number of a choice (as numbered lines show it), its title in any language, and everyday words. ``language``
    is the reader's.
    """
    number = _NUMBER.fullmatch(text.strip())
    if number is None:
        return _meant(text, message, language)
    order = pressable(message.choices)
    if not 1 <= int(number[1]) <= len(order):
        # A number may also belong to the words: 10 minutes late.
        return _meant(text, message, language) if number[2] else None
    index, rest = order[int(number[1]) - 1], number[2] or ""
    return index if not folded(rest) or _meant(rest, message, language) == index else None


def _meant(text: str, message: Message, language: str) -> int | None:
    """The one choice that is called ``text``, or for which it stands. A title counts where its choice is offered: «good»
    is four stars, and elsewhere a yes."""
    bare = _bare(text)
    choices = [(index, message.choices[index]) for index in pressable(message.choices)]
    title = _titles(language).get(bare)
    offered = any(choice.verb == title for _, choice in choices)
    verbs = {title} if offered else MEANINGS.get(meaning_of(text) or "", frozenset())
    meant = [index for index, choice in choices if choice.verb in verbs or bare in _names(choice)]
    return meant[0] if len(meant) == 1 else None


def _names(choice: Choice) -> set[str]:
    """What the choice of a language or a business is called, folded."""
    names = (ENDONYMS.get(str(choice.args.get("language"))), choice.args.get("name"))
    return {folded(name) for name in names if name}


def command_of(text: str) -> str | None:
    """The command that a text gives: ``/word`` (a bot's name and arguments may follow), or a stop word or the like alone.

    One of ``start stop offers all_off all_on bookings bonus language help menu today link stats manual settings console``.
    """
    stripped = text.strip()
    if stripped.startswith("/"):
        name = re.split(r"[\s@]", stripped[1:], maxsplit=1)[0].lower()
        return name if name in _SLASH else None
    return _command_words().get(_bare(stripped))
