"""What typed words mean."""

import pytest

from handlers.i18n import LANGUAGES
from handlers.recognise import command_of, folded, meaning_of, recognise
from handlers.wording import labels
from handlers.wording_choices import COPIES, LINKS, VERBS, without_emoji
from storage.records import Choice, Message

ASKS = ("confirm", "move", "cancel")
CANCELS = ("cancel_yes", "cancel_keep")


def row(*verbs: str | Choice) -> Message:
    """A message with these choices."""
    choices = tuple(verb if isinstance(verb, Choice) else Choice(verb) for verb in verbs)
    return Message(
        business="b", id="0" * 32, key="k", kind="reminder", lane=1, due_at=0, next_at=0, not_after=1, choices=choices
    )


def verb(text: str, *verbs: str) -> str | None:
    """The verb that ``text`` means among ``verbs``."""
    message = row(*verbs)
    index = recognise(text, message, "uk")
    return None if index is None else message.choices[index].verb


@pytest.mark.parametrize("text", ["1", " 1 ", "1.", "1)", "№1", "1️⃣", "#1", "1 — Підтверджую", "1. ✅ Підтверджую"])
def test_a_number_means_the_choice_with_that_number(text: str) -> None:
    assert verb(text, *ASKS) == "confirm"


@pytest.mark.parametrize(
    "text", ["0", "4", "99", "10:30", "2 людини", "1 — Не зможу", "15 хвилин запізнюсь", "11", "1 2"]
)
def test_a_number_that_stands_for_something_else_means_nothing(text: str) -> None:
    assert verb(text, *ASKS) is None


def test_links_are_not_counted() -> None:
    assert recognise("1", row("book", "confirm"), "uk") == 1


@pytest.mark.parametrize(
    "text",
    [
        "так", "Так!", "ТАК", "ага", "ок", "Окей", "добре", "+", "👍", "👍🏻", "👍👍", "✅", "👌 ✅", "так 👍", "Так, дякую",
        "так, буду", "Підтверджую", "підтверджую", "пiдтверджую", "прийду", "буду", "все в силі", "Доброго дня! Так",
        "да", "Да.", "да, спасибо", "конечно", "хорошо", "приду", "Подтверждаю", "всё в силе", "Все верно",
        "evet", "Evet, teşekkürler", "EVET", "tamam", "TAMAM", "geliyorum", "Gelıyorum", "GELİYORUM", "olur", "Tamam 👍",
        "geleceğim", "gelecegim", "yes", "Yes, please", "OK", "I'll be there", "I’ll be there!",
    ],
)  # fmt: skip
def test_everyday_yes_confirms(text: str) -> None:
    assert verb(text, *ASKS) == "confirm"


@pytest.mark.parametrize(
    "text",
    [
        "ні", "Ні, дякую", "не зможу", "Не зможу 😔", "на жаль, не зможу", "скасуйте, будь ласка", "не прийду", "❌", "👎",
        "нет", "не смогу", "К сожалению, не смогу", "отмена", "отмените, пожалуйста",
        "hayır", "HAYIR", "hayir", "gelemiyorum", "GELEMİYORUM", "iptal", "İPTAL", "Maalesef gelemiyorum",
        "iptal edin lütfen",
        "no", "cancel", "I can't come", "can’t make it",
    ],
)  # fmt: skip
def test_everyday_no_cancels(text: str) -> None:
    assert verb(text, *ASKS) == "cancel"


@pytest.mark.parametrize(
    "text",
    [
        "перенести", "Перенесіть, будь ласка", "можна перенести?", "інший час", "другое время", "ertele", "Değiştir",
        "degistir", "reschedule", "🔄", "🔄 Перенести", "Randevu değiştir", "на другой день, пожалуйста",
    ],
)  # fmt: skip
def test_a_wish_to_move_moves(text: str) -> None:
    assert verb(text, *ASKS) == "move"


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("так", "cancel_yes"), ("да", "cancel_yes"), ("evet", "cancel_yes"), ("скасувати", "cancel_yes"),
        ("Так, скасувати", "cancel_yes"), ("iptal et", "cancel_yes"), ("отменить", "cancel_yes"), ("1", "cancel_yes"),
        ("ні", "cancel_keep"), ("hayır", "cancel_keep"), ("прийду", "cancel_keep"), ("Hayır, kalsın", "cancel_keep"),
        ("не отменяйте", "cancel_keep"), ("залишити", "cancel_keep"), ("keep it", "cancel_keep"),
    ],
)  # fmt: skip
def test_the_same_words_answer_the_question_that_was_asked(text: str, meant: str) -> None:
    assert verb(text, *CANCELS) == meant


@pytest.mark.parametrize(
    "text",
    [
        "так?",
        "а можна завтра",
        "так, але запізнюсь",
        "дякую",
        "",
        "…",
        "не знаю",
        "да или нет",
        "👍👎",
        "скільки коштує?",
        "?",
    ],
)
def test_what_is_no_plain_answer_means_nothing(text: str) -> None:
    assert verb(text, *ASKS) is None


def test_what_could_mean_several_choices_means_none() -> None:
    first, second = Choice("confirm", {"booking": "b-1"}), Choice("confirm", {"booking": "b-2"})
    assert recognise("так", row(first, second), "uk") is None
    assert recognise("2", row(first, second), "uk") == 1


def test_a_yes_where_nothing_is_asked_is_no_answer_but_is_known_as_a_yes() -> None:
    assert verb("так", "move", "cancel") is None
    assert meaning_of("так") == "yes"


@pytest.mark.parametrize("text", ["Запізнюсь на 10 хв", "10 dakika gecikiyorum", "опоздаю", "I'm late, sorry", "⏰"])
def test_running_late_is_understood_where_it_is_offered(text: str) -> None:
    assert verb(text, *ASKS, "late") == "late"
    assert verb(text, *ASKS) is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_title_is_understood_with_and_without_its_emoji(language: str) -> None:
    for name in VERBS:
        if name not in LINKS.keys() | COPIES.keys():
            title = labels(name, language)
            assert recognise(title, row(name), language) == 0
            assert recognise(without_emoji(title).upper(), row(name), language) == 0


def test_languages_and_businesses_are_chosen_by_name() -> None:
    languages = row(*(Choice("language", {"language": code}) for code in LANGUAGES))
    assert recognise("türkçe", languages, "uk") == 1
    assert recognise("turkce", languages, "uk") == 1
    businesses = row(Choice("business", {"business": "a", "name": "Лілея"}), Choice("business", {"business": "b"}))
    assert recognise("лілея", businesses, "uk") == 0


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("/start", "start"), ("/start abc123", "start"), ("/START@SomeBot x", "start"), ("старт", "start"),
        ("/stop", "stop"), ("stop", "stop"), ("STOP", "stop"), ("Стоп!", "stop"), ("відписатися", "stop"),
        ("Отписаться", "stop"), ("DUR", "stop"), ("durdur", "stop"), ("Вимкнути розсилку", "stop"), ("unsubscribe", "stop"),
        ("/offers", "offers"), ("Нічого не надсилайте", "all_off"), ("больше не пишите", "all_off"),
        ("Bir daha yazmayın", "all_off"), ("увімкнути знову", "all_on"), ("/bookings", "bookings"),
        ("Мої записи", "bookings"), ("🗓 Мои записи", "bookings"), ("Randevularım", "bookings"), ("randevularim", "bookings"),
        ("/language", "language"), ("мова", "language"), ("DİL", "language"), ("/help", "help"), ("Помощь", "help"),
        ("?", "help"), ("меню", "menu"), ("/today", "today"), ("/link ABCD", "link"), ("/bonus", "bonus"),
    ],
)  # fmt: skip
def test_commands_are_known_with_a_slash_or_by_their_words(text: str, command: str) -> None:
    assert command_of(text) == command


@pytest.mark.parametrize(
    "text", ["/", "/nothing", "today", "link", "так", "", "зупинка автобуса", "не стоп", "/ start"]
)
def test_other_words_are_no_commands(text: str) -> None:
    assert command_of(text) is None


@pytest.mark.parametrize(
    "text",
    ["cancel", "скасувати", "скасуйте запис", "отмена", "отменить", "iptal", "İptal et", "ні", "нет", "hayır", "no"],
)
def test_cancelling_is_never_an_opt_out(text: str) -> None:
    assert command_of(text) is None


@pytest.mark.parametrize("text", ["stop", "стоп", "dur", "ret", "відписатися", "отписаться"])
def test_an_opt_out_never_answers_a_question(text: str) -> None:
    assert verb(text, *ASKS) is None


def test_folding_makes_one_of_what_people_type_in_many_ways() -> None:
    assert folded("HAYIR") == folded("hayır") == folded("Hayir") == "hayir"
    assert folded("Всё") == folded("все")
    assert folded("зв'яжіться") == folded("звʼяжіться") == folded("зв’яжіться")
