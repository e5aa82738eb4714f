"""What a chat says beside visits."""

from dataclasses import replace

import pytest

from handlers.channel import TELEGRAM, Text
from handlers.i18n import LANGUAGES
from tools.specimen import CLIENT, SALON, Specimen


def body(specimen: Specimen, language: str = "uk") -> str:
    rendered = specimen.rendered(language, TELEGRAM)
    assert isinstance(rendered, Text)
    return rendered.body


@pytest.mark.parametrize("kind", ["welcome", "help"])
def test_how_to_stop_offers_is_told_only_to_those_who_get_them(kind: str) -> None:
    assert "/stop" not in body(Specimen(kind))
    assert "/stop" in body(Specimen(kind, facts={"client": replace(CLIENT, marketing_consent=True)}))


def test_help_invites_to_write_only_where_somebody_reads() -> None:
    assert "напишіть сюди" in body(Specimen("help"))
    assert "напишіть сюди" not in body(Specimen("help", facts={"staff_linked": False}))


def test_a_welcome_names_the_salon_or_else_the_business() -> None:
    assert body(Specimen("welcome")).splitlines()[1] == "Від кого: Лілея на Подолі"
    assert body(Specimen("welcome", facts={"salon": None})).splitlines()[1] == "Від кого: Студія «Лілея»"


def test_the_language_is_asked_in_every_language_the_readers_first() -> None:
    assert body(Specimen("language_ask"), "tr").splitlines() == [
        "Dil seçin:",
        "Оберіть мову:",
        "Выберите язык:",
        "Choose a language:",
    ]


def test_a_chosen_language_is_spoken_at_once() -> None:
    said = {language: body(Specimen("language_set"), language) for language in LANGUAGES}
    assert said["tr"] == "Tamam, bundan sonra Türkçe yazacağız."
    assert len(set(said.values())) == len(LANGUAGES)


def test_an_unknown_number_is_given_the_salons_phone_where_there_is_one() -> None:
    assert body(Specimen("contact_unknown")).endswith("до адміністратора: +380 44 123 4567")
    silent = {"salon": replace(SALON, phone=None)}
    assert body(Specimen("unknown_number", facts=silent)).endswith("до адміністратора.")


def test_an_answer_of_the_staff_arrives_as_it_was_written() -> None:
    assert body(Specimen("staff_reply", params={"text": "Так {date} [Дата]"})).endswith("\nТак {date} [Дата]")
