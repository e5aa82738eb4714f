"""Owners' texts with variables in brackets."""

import pytest

from handlers.scene import VARIABLES
from handlers.settings_schema import VARIABLES as SETTABLE
from handlers.templates import ALIASES, Fault, canonical, check, faults, fill, fold, warnings

VALUES = {
    "date": "пʼятниця, 27 листопада",
    "time": "15:00",
    "salon": "Лілея",
    "address": "",
    "client": "Олена",
    "link": "",
}


def test_every_variable_of_the_contract_has_names_in_four_languages_and_a_value() -> None:
    assert set(ALIASES) == set(SETTABLE) <= set(VARIABLES)
    assert all(set(languages) == {"uk", "tr", "ru", "en"} for languages in ALIASES.values())


def test_no_name_means_two_things() -> None:
    meant: dict[str, set[str]] = {}
    for name, languages in ALIASES.items():
        for alias in [*(alias for aliases in languages.values() for alias in aliases), name]:
            meant.setdefault(fold(alias), set()).add(name)
    assert [alias for alias, names in meant.items() if len(names) > 1] == []


@pytest.mark.parametrize("text", ["[Дата]", "[дата]", "[ДАТА]", "[Tarih]", "[TARİH]", "[tarıh]", "[Date]", "[ date ]"])
def test_a_variable_may_be_written_in_any_language_and_case(text: str) -> None:
    assert check(text) == []
    assert fill(text, VALUES) == VALUES["date"]


@pytest.mark.parametrize("text", ["[Імʼя]", "[Ім'я]", "[Ім’я]", "[імʼя]"])
def test_any_apostrophe_will_do(text: str) -> None:
    assert fill(text, VALUES) == "Олена"


def test_an_unknown_variable_is_refused_with_the_nearest_right_one() -> None:
    assert check("Чекаємо [Датта] о [Час], [Foo]") == [
        "[Датта] is not a variable; did you mean [Дата]? ([[ stands for a bracket)",
        "[Foo] is not a variable ([[ stands for a bracket)",
    ]


def test_two_brackets_stand_for_one() -> None:
    assert check("[[18+] [Салон]") == []
    assert fill("[[18+] [Салон]", VALUES) == "[18+] Лілея"


@pytest.mark.parametrize("text", ["100%", "$date", "]", "a [ b", "2 < 3 > 1", "<3", ":-]", "С++", "\\n"])
def test_nothing_else_in_an_owners_text_means_anything(text: str) -> None:
    assert fill(text, VALUES) == text
    assert check(text) == []


PAYLOADS = (
    "{date}", "{0}", "{}", "{{date}}", "{{ 7*7 }}", "{% include 'x' %}", "{# x #}", "${7*7}", "#{7*7}", "{client.__class__}",
    "{client.__init__.__globals__[SECRET]}", "{0.__class__.__mro__[1].__subclasses__()}", "{client!r}", "{client:>9999999}",
    "{{config}}", "{{self.__init__.__globals__}}", "{{''.__class__}}", "{{request.application}}", "{{ cycler.__init__ }}",
    "{%raw%}", "%(date)s", "%(client)", "%(a)99999999d", "<%= 7*7 %>", "<%= system('id') %>", "<?php echo 1 ?>",
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<b>", "</textarea><script>", "<!--#exec cmd='id'-->",
    "<svg/onload=alert(1)>", "<a href=javascript:alert(1)>", "[__class__]", "[client.__class__]", "[0]", "[date:>999]",
    "[]", "[[[x]", "a\x00b", "a\x1bb", "[ ]", "\u202eabc", "{client", "client}",
)  # fmt: skip


@pytest.mark.parametrize("text", PAYLOADS)
def test_what_tries_to_break_out_is_refused_when_it_is_saved_and_would_do_nothing(text: str) -> None:
    assert check(text) != []
    filled = fill(text, {**VALUES, "client": "{date} [date] %(date)s"})
    assert all(value not in filled for value in ("пʼятниця", "Лілея", "49", "object"))
    assert len(filled) <= len(text)


def test_faults_name_what_was_perhaps_meant() -> None:
    assert faults("[Датта] {x} [Foo] {x}") == [
        Fault("Датта", "Дата"),
        Fault("Foo"),
        Fault("{x}", code=True),
    ]


def test_values_are_never_read_as_variables() -> None:
    assert fill("[Клієнт], [Салон]", {"client": "[Салон] {time}", "salon": "[[x"}) == "[Салон] {time}, [[x"


def test_a_line_without_any_value_is_left_out_and_an_empty_line_stays() -> None:
    assert fill("Чекаємо!\n\nДе: [Салон], [Адреса]\nЗаписатися: [Посилання]\r\nДякуємо", VALUES) == (
        "Чекаємо!\n\nДе: Лілея\nДякуємо"
    )


def test_a_variable_that_nobody_knows_any_more_leaves_nothing() -> None:
    assert fill("Так [Колишня]!", VALUES) == "Так !"


def test_the_canonical_text_reads_the_same_and_stays_so() -> None:
    written = "[[x] [Імʼя], [Старий час] {a}"
    assert canonical(written) == "[[x] [client], [old_time] {a}"
    assert canonical(canonical(written)) == canonical(written)
    values = {"client": "Олена", "old_time": "14:00"}
    assert fill(canonical(written), values) == fill(written, values)


@pytest.mark.parametrize("text", ["[Salon]'da bekliyoruz", "[Salon]da", "[Время]а"])
def test_an_ending_glued_to_a_variable_is_warned_of(text: str) -> None:
    assert warnings(text)


@pytest.mark.parametrize("text", ["Чекаємо в [Дата]", "о [Час]", "Ждём вас во [Дата]", "На [Дата]"])
def test_a_preposition_before_a_date_is_warned_of(text: str) -> None:
    assert warnings(text)


@pytest.mark.parametrize(
    "text", ["Коли: [Дата], [Час].", "Salon: [Salon]", "до [День]", "в [Салон]", "[Дата] — чекаємо"]
)
def test_a_careful_text_is_not_warned_of(text: str) -> None:
    assert warnings(text) == []
