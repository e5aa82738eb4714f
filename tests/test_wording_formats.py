"""Dates, money and phones as people write them; and the languages themselves."""

from datetime import date

import pytest

from handlers import i18n
from handlers.formats import long_date, money, phone, plain_day, short_date
from handlers.i18n import LANGUAGES, CatalogMissing, language_of, translator

DAY = date(2026, 11, 27)
HOUR = ("Your visit is in {n} hour ⏰", "Your visit is in {n} hours ⏰")


@pytest.mark.parametrize(
    ("language", "long", "plain", "short"),
    [
        ("uk", "пʼятниця, 27 листопада", "27 листопада", "пт, 27 лист."),
        ("tr", "27 Kasım Cuma", "27 Kasım", "27 Kas Cum"),
        ("ru", "пятница, 27 ноября", "27 ноября", "пт, 27 нояб."),
        ("en", "Friday, 27 November", "27 November", "Fri, 27 Nov"),
    ],
)
def test_a_date_reads_as_in_its_language(language: str, long: str, plain: str, short: str) -> None:
    assert long_date(DAY, language, 2026) == long
    assert plain_day(DAY, language, 2026) == plain
    assert short_date(DAY, language) == short


def test_another_year_is_named() -> None:
    assert long_date(DAY, "tr", 2025) == "27 Kasım 2026 Cuma"
    assert long_date(DAY, "uk", 2027) == "пʼятниця, 27 листопада 2026"
    assert plain_day(DAY, "ru", 2027) == "27 ноября 2026"


@pytest.mark.parametrize(
    ("amount", "currency", "language", "written"),
    [
        (125_050, "UAH", "uk", "1\u00a0250,50\u00a0₴"),
        (125_000, "UAH", "ru", "1\u00a0250\u00a0₴"),
        (125_000, "TRY", "tr", "1.250\u00a0₺"),
        (125_050, "KZT", "ru", "1\u00a0250,50\u00a0₸"),
        (125_005, "RUB", "en", "1,250.05\u00a0₽"),
        (99, "XAF", "uk", "0,99\u00a0XAF"),
        (-45_000, "UAH", "uk", "-450\u00a0₴"),
        (0, "UAH", "uk", "0\u00a0₴"),
    ],
)
def test_money_has_its_own_sign_everywhere_and_hundredths_only_where_there_are_any(
    amount: int, currency: str, language: str, written: str
) -> None:
    assert money(amount, currency, language) == written


@pytest.mark.parametrize(
    ("number", "written"),
    [
        ("+380671234567", "+380 67 123 4567"),
        ("+905321234567", "+90 532 123 45 67"),
        ("+79161234567", "+7 916 123-45-67"),
        ("+77011234567", "+7 701 123 4567"),
        ("UA.abc123", "UA.abc123"),
    ],
)
def test_a_phone_is_written_as_its_country_writes_it(number: str, written: str) -> None:
    assert phone(number) == written


@pytest.mark.parametrize("tag", ["uk", "ua", "UA", "uk-UA", "uk_UA", "ua-UA", " uk "])
def test_many_tags_mean_ukrainian(tag: str) -> None:
    assert language_of(tag, "en") == "uk"


@pytest.mark.parametrize("tag", [None, "", "kk", "de-DE", "xx", "-"])
def test_an_unknown_tag_gives_way(tag: str | None) -> None:
    assert language_of(tag, "ru") == "ru"


@pytest.mark.parametrize(
    ("n", "hours"),
    [(1, "1 година"), (2, "2 години"), (5, "5 годин"), (11, "11 годин"), (21, "21 година"), (22, "22 години")],
)
def test_ukrainian_has_three_forms_of_number(n: int, hours: str) -> None:
    form = translator("uk").plural(*HOUR, n).replace("{n}", str(n)).replace("\u00a0", " ")
    assert form == f"До вашого візиту — {hours} ⏰"


def test_english_and_turkish_count_in_their_own_way() -> None:
    assert translator("en").plural(*HOUR, 1) == HOUR[0]
    assert translator("en").plural(*HOUR, 2) == HOUR[1]
    assert translator("tr").plural(*HOUR, 2) == "Randevunuza {n} saat kaldı ⏰"


def test_a_translator_is_read_once_and_a_language_that_is_not_ours_is_a_mistake() -> None:
    assert translator("tr") is translator("tr")
    with pytest.raises(KeyError):
        translator("de")


def test_catalogs_that_are_not_compiled_are_named_with_the_command_that_does(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(i18n, "LOCALES", tmp_path)
    translator.cache_clear()
    try:
        with pytest.raises(CatalogMissing, match=r"run `python -m tools\.compile_catalogs`"):
            translator("uk")
        assert translator("en")("Hello!") == "Hello!"
    finally:
        translator.cache_clear()


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_no_catalog_holds_comes_back_as_it_is(language: str) -> None:
    assert translator(language)("No such sentence") == "No such sentence"
