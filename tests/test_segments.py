"""How many SMS a text takes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.segments import BASIC, EXTENSION, segments


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("a" * 459, 3),
        ("a" * 460, 4),
        ("я" * 70, 1),
        ("я" * 71, 2),
        ("я" * 134, 2),
        ("я" * 135, 3),
        ("я" * 201, 3),
        ("я" * 202, 4),
    ],
)
def test_a_text_takes_as_many_parts_as_its_alphabet_and_length_ask_for(text: str, parts: int) -> None:
    assert segments(text) == parts


@pytest.mark.parametrize("letter", ["я", "ї", "ş", "ğ", "ı", "İ", "ç", "Ş", "₺", "₴", "ʼ", "’", "—", "\u00a0", "🙂"])
def test_one_letter_outside_the_gsm_alphabet_makes_the_whole_text_ucs2(letter: str) -> None:
    assert segments("a" * 68 + letter) == 1
    assert segments("a" * 70 + letter) == 2


@pytest.mark.parametrize("letter", sorted("ÖöÜüÇÉé£§"))
def test_letters_of_the_gsm_alphabet_take_one_place(letter: str) -> None:
    assert segments("a" * 159 + letter) == 1


@pytest.mark.parametrize("character", sorted(EXTENSION))
def test_characters_of_the_extension_take_two_places(character: str) -> None:
    assert segments("a" * 158 + character) == 1
    assert segments("a" * 159 + character) == 2


def test_a_character_of_two_units_is_not_split_between_two_parts() -> None:
    assert segments("€" * 76 + "€" * 76) == 2
    assert segments("€" * 76 + "€" * 76 + "€") == 3
    assert segments("🙂" * 35) == 1
    assert segments("🙂" * 33 + "🙂" * 33) == 2
    assert segments("🙂" * 33 + "🙂" * 33 + "🙂") == 3


def test_an_emoji_counts_as_two_units() -> None:
    assert segments("я" * 68 + "🙂") == 1
    assert segments("я" * 69 + "🙂") == 2


def test_the_alphabet_has_every_place_of_the_table_but_the_escape() -> None:
    assert (len(BASIC), len(EXTENSION)) == (127, 10)


@given(st.text(max_size=400), st.text(max_size=50))
def test_more_text_never_takes_fewer_parts(text: str, more: str) -> None:
    assert segments(text) <= segments(text + more)
