"""What clients read by SMS: one short line without emoji, in one segment where it can be."""

from dataclasses import replace

import pytest

from handlers.channel import SMS, Text
from handlers.i18n import LANGUAGES, NBSP
from handlers.segments import segments
from handlers.settings import in_force
from handlers.turn import Links
from handlers.wording import KINDS, Unrendered
from handlers.wording_choices import EMOJI
from handlers.wording_sms import PHRASES
from tools.check_catalogs import short_faults
from tools.specimen import (
    ALL_ASKED,
    ALL_TOLD,
    ASKING,
    BOOKING,
    BUSINESS,
    CHILD,
    FAMILY,
    OPEN,
    SALON,
    SPECIMENS,
    START,
    TWICE,
    Specimen,
)

SHORT = replace(SALON, short_name="Лілея")
AS_TOLD = {"starts_at": START, "salon": "s1", "master": "m1", "services": ["cut"]}
BERBER = replace(SALON, name="Berber Ali", short_name=None)


def body(specimen: Specimen, language: str = "uk", **facts: object) -> str:
    rendered = replace(specimen, facts={"salon": SHORT, **specimen.facts, **facts}).rendered(language, SMS)
    assert isinstance(rendered, Text)
    assert (rendered.buttons, rendered.quiet, rendered.thread) == ((), False, None)
    return rendered.body


def own(kind: str, language: str, text: str) -> dict[str, object]:
    """Facts in which the owner has written the text of a kind."""
    return {"settings": replace(in_force(BUSINESS, SALON), templates={kind: {language: text}})}


@pytest.mark.parametrize(
    ("specimen", "uk", "tr", "ru"),
    [
        (
            Specimen("booking_created", choices=OPEN),
            "Ви записані: 27 листопада, 15:00. Лілея.",
            "Randevunuz oluşturuldu: 27 Kasım, 15:00. Лілея.",
            "Вы записаны: 27 ноября, 15:00. Лілея.",
        ),
        (
            Specimen("booking_changed", choices=OPEN),
            "Новий час: 27 листопада, 15:00. Лілея.",
            "Randevunuz değişti: 27 Kasım, 15:00. Лілея.",
            "Новое время: 27 ноября, 15:00. Лілея.",
        ),
        (
            Specimen("booking_changed", params={**AS_TOLD, "services": ["brows"]}, choices=OPEN),
            "Зміни у записі: 27 листопада, 15:00. Лілея.",
            "Randevu değişikliği: 27 Kasım, 15:00. Лілея.",
            "Изменения в записи: 27 ноября, 15:00. Лілея.",
        ),
        (
            Specimen("booking_changed", params={**AS_TOLD, "master": "m2"}, choices=OPEN),
            "Ваш візит: 27 листопада, 15:00. Інший майстер: Ірина. Лілея.",
            "Randevunuz: 27 Kasım, 15:00. Yeni uzman: Ірина. Лілея.",
            "Ваш визит: 27 ноября, 15:00. Другой мастер: Ірина. Лілея.",
        ),
        (
            Specimen("booking_cancelled"),
            "Запис скасовано: 27 листопада, 15:00. Лілея.",
            "Randevunuz iptal edildi: 27 Kasım, 15:00. Лілея.",
            "Запись отменена: 27 ноября, 15:00. Лілея.",
        ),
        (
            Specimen("reminder", choices=ASKING),
            "Ваш візит: 27 листопада, 15:00. Лілея. Чекаємо!",
            "Randevunuz: 27 Kasım, 15:00. Лілея. Bekliyoruz!",
            "Ваш визит: 27 ноября, 15:00. Лілея. Ждём вас!",
        ),
    ],
)
def test_each_kind_is_one_line_in_one_segment(specimen: Specimen, uk: str, tr: str, ru: str) -> None:
    assert [body(specimen, language) for language in ("uk", "tr", "ru")] == [uk, tr, ru]
    assert [segments(text) for text in (uk, tr, ru)] == [1, 1, 1]


EACH = {"visits": FAMILY, "siblings": (CHILD,)}


def test_several_visits_are_one_line_with_a_name_at_each() -> None:
    text = body(Specimen("reminder", choices=ALL_ASKED), links=Links("https://mriya.example", b"s"), **EACH)
    start, _, link = text.rpartition(" ")
    assert start == "Ваші візити: 27 листопада, 15:00 Олена, 15:30 Марко. Лілея. Підтвердити:"
    assert link.startswith("https://mriya.example/v/")
    assert segments(text) == 2


def test_two_visits_of_one_person_need_no_name() -> None:
    told = body(Specimen("reminder", choices=ALL_TOLD), visits=TWICE)
    assert told == "Ваші візити: 27 листопада, 15:00, 16:00. Лілея. Чекаємо!"


def test_the_owners_text_is_said_for_each_of_several_people() -> None:
    told = body(Specimen("reminder", choices=ALL_TOLD), **EACH, **own("reminder", "uk", "Чекаємо о [Час]"))
    assert told == "На імʼя: Олена\nЧекаємо о 15:00\nНа імʼя: Марко\nЧекаємо о 15:30"


def test_what_would_take_more_than_four_sms_for_several_visits_is_left_to_each() -> None:
    facts = {"salon": SHORT, **EACH, **own("reminder", "uk", "Чекаємо на вас! " * 12)}
    together = Specimen("reminder", choices=ALL_TOLD, facts=facts).rendered("uk", SMS)
    assert together == Unrendered("too_long")


def test_the_full_name_of_the_salon_stands_where_there_is_no_short_one() -> None:
    assert "Лілея на Подолі" in body(Specimen("reminder"), salon=SALON)


def test_a_change_to_no_master_in_particular_names_none() -> None:
    changed = Specimen("booking_changed", params={**AS_TOLD, "master": "m2"}, booking=replace(BOOKING, master=None))
    assert body(changed, master=None) == "Зміни у записі: 27 листопада, 15:00. Лілея."


def test_several_people_with_one_phone_are_told_who_is_meant() -> None:
    assert body(Specimen("reminder"), siblings=(CHILD,)).splitlines()[0] == "На імʼя: Олена"


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_asks_to_answer_with_a_number(language: str) -> None:
    assert "1" not in body(Specimen("reminder", choices=ASKING), language).replace("15:00", "")


@pytest.mark.parametrize("specimen", [one for one in SPECIMENS if one.kind in PHRASES], ids=str)
@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_has_emoji_or_characters_that_would_cost_an_alphabet(specimen: Specimen, language: str) -> None:
    text = body(specimen, language)
    assert not EMOJI.search(text)
    assert NBSP not in text


@pytest.mark.parametrize("kind", sorted(set(KINDS) - set(PHRASES)))
def test_a_kind_without_a_short_text_is_left_to_the_next_channel(kind: str) -> None:
    specimen = next(one for one in SPECIMENS if one.kind == kind)
    assert specimen.rendered("uk", SMS) == Unrendered("not_by_sms")


def test_what_the_staff_answer_goes_as_they_wrote_it() -> None:
    assert body(Specimen("staff_reply", params={"text": "Так, чекаємо 🙂"})) == "Так, чекаємо 🙂"


def test_a_very_long_reply_is_cut_at_ten_segments() -> None:
    text = body(Specimen("staff_reply", params={"text": "я" * 2000}))
    assert segments(text) == 10
    assert text.endswith("…")


def test_the_owners_own_text_goes_without_its_emoji() -> None:
    facts = own("reminder", "uk", "⏰ Чекаємо вас [Дата] о [Час] 🎁\n[Салон]")
    assert body(Specimen("reminder"), **facts) == "Чекаємо вас пʼятниця, 27 листопада о 15:00\nЛілея"


def test_an_owners_text_in_another_language_changes_nothing() -> None:
    facts = own("reminder", "ru", "Ждём вас [Дата]")
    assert body(Specimen("reminder"), **facts) == body(Specimen("reminder"))


def test_turkish_money_has_no_sign_that_would_cost_an_alphabet() -> None:
    priced = Specimen("reminder", booking=replace(BOOKING, currency="TRY", price=125_050))
    text = body(priced, "tr", salon=BERBER, **own("reminder", "tr", "Randevu: [Saat]. [Ücret]. [Salon]"))
    assert text == "Randevu: 15:00. 1.250,50 TL. Berber Ali"
    assert segments(text + "a" * (160 - len(text))) == 1


def test_money_of_other_countries_keeps_its_sign() -> None:
    assert body(Specimen("reminder"), **own("reminder", "uk", "[Вартість]")) == "900 ₴"


def test_a_translation_that_would_take_one_more_segment_is_found() -> None:
    faults = [fault.why for fault in short_faults("uk", lambda msgid: f"{msgid} Будемо дуже раді бачити вас знову!")]
    assert "takes 2 SMS with long values, at most 1" in faults
    assert "takes 3 SMS with long values, at most 2" in faults


def test_an_emoji_in_a_translation_is_found() -> None:
    assert {fault.why for fault in short_faults("uk", lambda msgid: f"{msgid[:9]} 🎁")} == {"has emoji in an SMS"}


LINKED = {"links": Links("https://vizit.example.org", b"secret")}
PAGE = Links("https://vizit.example.org", b"secret").visit(BOOKING)


@pytest.mark.parametrize(
    ("specimen", "uk", "tr", "ru"),
    [
        (Specimen("booking_created", choices=ASKING), "Підтвердити", "Onay", "Придёте?"),
        (Specimen("booking_changed", choices=ASKING), "Підтвердити", "Onay", "Придёте?"),
        (Specimen("booking_changed", params={**AS_TOLD, "master": "m2"}, choices=ASKING), "Підтвердити", "Onay", "Придёте?"),
        (Specimen("booking_changed", params={**AS_TOLD, "services": []}, choices=ASKING), "Підтвердити", "Onay", "Придёте?"),
        (Specimen("reminder", choices=ASKING), "Підтвердити", "Onay", "Придёте?"),
    ],
)  # fmt: skip
def test_a_question_is_answered_on_the_page_of_the_visit(specimen: Specimen, uk: str, tr: str, ru: str) -> None:
    for language, question in (("uk", uk), ("tr", tr), ("ru", ru)):
        text = body(specimen, language, **LINKED)
        assert text.endswith(f" {PAGE}")
        assert question in text
        assert segments(text) == 2


def test_a_message_that_asks_nothing_spends_no_segment_on_a_link() -> None:
    assert body(Specimen("reminder", choices=OPEN), **LINKED) == body(Specimen("reminder", choices=OPEN))


def test_a_cancellation_leads_to_no_page() -> None:
    assert PAGE not in body(Specimen("booking_cancelled"), **LINKED)


def test_an_owners_text_that_asks_is_followed_by_the_page() -> None:
    facts = own("reminder", "uk", "Чекаємо о [Час]. Запис: [Посилання]")
    expected = f"Чекаємо о 15:00. Запис: {SALON.booking_url}"
    assert body(Specimen("reminder", choices=ASKING), **facts, **LINKED) == f"{expected}\n{PAGE}"
    assert body(Specimen("reminder", choices=OPEN), **facts, **LINKED) == expected
