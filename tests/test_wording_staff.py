"""What staff read."""

from dataclasses import replace

import pytest

from handlers.channel import TELEGRAM, Text
from tools.specimen import BOOKING, CLIENT, STAFF, START, VISITS, Specimen


def body(specimen: Specimen, language: str = "uk") -> str:
    rendered = specimen.rendered(language, TELEGRAM)
    assert isinstance(rendered, Text)
    return rendered.body.replace("\u00a0", " ")


def test_a_new_booking_says_who_comes_and_for_how_much() -> None:
    assert body(Specimen("staff_booking_created")).splitlines() == [
        "🆕 Новий запис",
        "Коли: пʼятниця, 27 листопада, 15:00",
        "Послуга: Стрижка",
        "Майстер: Ірина",
        "Клієнт: Олена Коваль, +380 67 123 4567",
        "Вартість: 900 ₴",
    ]


def test_a_client_without_a_phone_and_a_booking_without_a_price_leave_no_gaps() -> None:
    free = Specimen(
        "staff_booking_created",
        booking=replace(BOOKING, price=None),
        facts={"client": replace(CLIENT, phone=None)},
    )
    assert body(free).splitlines()[-1] == "Клієнт: Олена Коваль"


def test_staff_read_the_whole_name_in_every_language() -> None:
    for language in ("uk", "tr", "ru", "en"):
        assert "Олена Коваль" in body(Specimen("staff_visit_confirmed"), language)


def test_a_chat_for_several_salons_is_told_which() -> None:
    owner = Specimen("staff_visit_declined", facts={"staff_chat": replace(STAFF, salon=None)})
    assert "Де: Лілея на Подолі" in body(owner)
    assert "Де:" not in body(Specimen("staff_visit_declined"))


def test_a_change_shows_two_times_only_where_there_are_two() -> None:
    assert "Було: четвер, 26 листопада, 13:00\nСтало: пʼятниця" in body(Specimen("staff_booking_changed"))
    same = {"starts_at": START, "salon": "s1", "master": "m2", "services": ["cut"]}
    assert "Коли: пʼятниця, 27 листопада" in body(Specimen("staff_booking_changed", params=same))


def test_a_cancellation_names_the_time_that_was_cancelled() -> None:
    was = {"starts_at": START - 24 * 3_600_000}
    assert "Коли: четвер, 26 листопада, 15:00" in body(Specimen("staff_booking_cancelled", params=was))


@pytest.mark.parametrize(
    ("reason", "said"),
    [("403", "бота заблоковано"), ("63003", "номера немає у WhatsApp"), ("no_receipt", "немає звіту про доставку")],
)
def test_a_client_who_was_not_reached_is_named_with_the_reason(reason: str, said: str) -> None:
    told = body(Specimen("staff_not_reached", params={"kind": "reminder", "reason": reason}))
    assert "Повідомлення: нагадування" in told
    assert f"Причина: {said}" in told


def test_a_reason_without_words_is_left_out() -> None:
    assert "Причина" not in body(Specimen("staff_not_reached", params={"kind": "reminder", "reason": "99999"}))


def test_a_clients_words_stand_apart_and_untouched() -> None:
    words = "Запізнюсь {date}\n\n[Дата] <b>"
    assert body(Specimen("staff_client_message", params={"text": words})).endswith(f"\n\n{words}")
    assert body(Specimen("staff_text", params={"text": words})) == words


def test_somebody_who_is_no_client_is_called_by_the_name_in_the_chat() -> None:
    stranger = {"client": None, "booking": None}
    said = Specimen(
        "staff_client_message", params={"text": "?", "name": "Ann", "phone": "+905321234567"}, facts=stranger
    )
    assert "Клієнт: Ann, +90 532 123 45 67" in body(said)


def test_the_list_of_a_day_has_a_line_for_each_visit_and_marks_the_confirmed() -> None:
    assert body(Specimen("staff_today", facts={"visits": VISITS})).splitlines() == [
        "Сьогодні 2 записи",
        "",
        "15:00, Олена Коваль, Стрижка, Ірина",
        "✅ 17:00, Марко Коваль, Стрижка, Брови",
    ]
    assert body(Specimen("staff_today")) == "Сьогодні записів немає."


@pytest.mark.parametrize(("count", "said"), [(1, "1 запис"), (3, "3 записи"), (5, "5 записів"), (21, "21 запис")])
def test_the_number_of_visits_agrees_with_its_noun(count: int, said: str) -> None:
    assert body(Specimen("staff_today", facts={"visits": VISITS[:1] * count})).splitlines()[0] == f"Сьогодні {said}"
