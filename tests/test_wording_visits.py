"""What clients read about their visits, word for word in one language and by rule in all."""

from dataclasses import replace

import pytest

from handlers.channel import TELEGRAM, WHATSAPP, Edit, Text
from handlers.i18n import LANGUAGES, NBSP
from storage.records import Choice
from tools.specimen import ASKING, BOOKING, BROWS, CHILD, CLIENT, HAIRCUT, HOUR, OPEN, SALON, START, VISITS, Specimen

NOTES = ("Приходьте, будь ласка, з чистим волоссям.",)
AS_TOLD = {"starts_at": START, "salon": "s1", "master": "m1", "services": ["cut"]}


def body(specimen: Specimen, language: str = "uk") -> str:
    """The text on Telegram, with plain spaces."""
    rendered = specimen.rendered(language, TELEGRAM)
    assert isinstance(rendered, Text | Edit)
    return (rendered.body or "").replace(NBSP, " ")


def test_a_booking_notice_says_what_when_with_whom_and_where() -> None:
    assert body(Specimen("booking_created")).splitlines() == [
        "Вітаємо!",
        "Ви записані ✅",
        "Коли: пʼятниця, 27 листопада, 15:00",
        "Послуга: Стрижка",
        "Майстер: Ірина",
        "Де: Лілея на Подолі, вул. Хорива, 12",
        *NOTES,
        "Чекаємо на вас!",
    ]


def test_a_notice_asks_exactly_when_it_carries_the_choice_to_confirm() -> None:
    asking = body(Specimen("booking_created", choices=ASKING))
    assert asking.splitlines()[-1] == "Підтвердьте, будь ласка, свій візит."
    assert "Підтвердьте" not in body(Specimen("booking_created", choices=OPEN))


def test_a_line_without_its_value_is_left_out_whole() -> None:
    bare = body(Specimen("booking_created", facts={"master": None, "services": ()}))
    assert "Майстер" not in bare
    assert "Послуга" not in bare


def test_an_empty_address_takes_its_comma_with_it() -> None:
    bare = body(Specimen("booking_created", facts={"salon": replace(SALON, address=None)}))
    assert "Де: Лілея на Подолі\n" in bare


def test_several_services_have_the_label_in_the_plural() -> None:
    assert "Послуги: Стрижка, Брови" in body(Specimen("reminder", facts={"services": (HAIRCUT, BROWS)}))


def test_a_note_is_said_once_and_in_the_salons_language_where_there_is_none_in_the_readers() -> None:
    both = {"services": (HAIRCUT, replace(BROWS, note=HAIRCUT.note))}
    assert body(Specimen("reminder", facts=both)).count(NOTES[0]) == 1
    assert NOTES[0] in body(Specimen("reminder"), "ru")
    spoken = replace(HAIRCUT, note={**HAIRCUT.note, "ru": "Приходите без макияжа."})
    in_russian = body(Specimen("reminder", facts={"services": (spoken,)}), "ru")
    assert "Приходите без макияжа." in in_russian
    assert NOTES[0] not in in_russian


def test_a_note_with_braces_and_brackets_is_sent_as_it_was_written() -> None:
    odd = replace(HAIRCUT, note={"uk": "{date} [Дата] %s <b>"})
    assert "\n{date} [Дата] %s <b>\n" in body(Specimen("reminder", facts={"services": (odd,)}))


@pytest.mark.parametrize("name", ["О'Ніл", "Анна «Аня» Бой", "<b>Жук</b> & Co", "{date}", "[Дата]", "Ann 🙂"])
def test_a_name_arrives_as_it_is(name: str) -> None:
    greeted = body(Specimen("booking_created", facts={"client": replace(CLIENT, first_name=name)}), "ru")
    assert greeted.splitlines()[0] == f"Здравствуйте, {name}!"


def test_the_name_is_left_out_where_it_would_be_wrong() -> None:
    first_line = {language: body(Specimen("reminder"), language).splitlines()[0] for language in LANGUAGES}
    assert first_line == {"uk": "Вітаємо!", "tr": "Merhaba Олена!", "ru": "Здравствуйте, Олена!", "en": "Hello, Олена!"}
    shared = body(Specimen("reminder", facts={"siblings": (CHILD,)}), "ru")
    assert shared.splitlines()[0] == "Здравствуйте!"
    unknown = body(Specimen("reminder", facts={"client": replace(CLIENT, first_name=None)}), "ru")
    assert unknown.splitlines()[0] == "Здравствуйте!"


@pytest.mark.parametrize("kind", ["booking_cancelled", "visit_confirmed", "visit_declined", "booking_changed"])
def test_bad_news_and_answers_do_not_greet(kind: str) -> None:
    assert "Вітаємо" not in body(Specimen(kind))


def test_several_people_with_one_phone_are_told_who_is_booked() -> None:
    assert "На імʼя: Олена" in body(Specimen("reminder", facts={"siblings": (CHILD,)}))
    assert "На імʼя" not in body(Specimen("reminder"))


@pytest.mark.parametrize(
    ("hours", "headline"),
    [
        (7 * 24, "Нагадуємо про ваш візит 🗓"),
        (48, "Нагадуємо про ваш візит 🗓"),
        (24, "Нагадуємо: ваш візит — завтра 🗓"),
        (15.5, "Нагадуємо: ваш візит — завтра 🗓"),
        (14.5, "Нагадуємо: ваш візит — сьогодні 🗓"),
        (7, "Нагадуємо: ваш візит — сьогодні 🗓"),
        (6, "До вашого візиту — 6 годин ⏰"),
        (2.5, "Нагадуємо: ваш візит — сьогодні 🗓"),
        (2.1, "До вашого візиту — 2 години ⏰"),
        (1, "До вашого візиту — 1 година ⏰"),
        (0.75, "До вашого візиту — 45 хвилин ⏰"),
        (21 / 60, "До вашого візиту — 21 хвилина ⏰"),
        (0.004, "До вашого візиту — 1 хвилина ⏰"),
    ],
)
def test_a_reminder_speaks_of_the_time_that_is_really_left(hours: float, headline: str) -> None:
    assert headline in body(Specimen("reminder", hours_before=hours)).splitlines()


def test_an_hour_before_a_visit_after_midnight_is_still_an_hour() -> None:
    night = replace(BOOKING, starts_at=START + 9 * HOUR + HOUR // 2)
    late = body(Specimen("reminder", booking=night, hours_before=-8.5))
    assert late.splitlines()[:2] == ["До вашого візиту — 1 година ⏰", "00:30, Лілея на Подолі, вул. Хорива, 12"]


def test_tomorrow_is_told_by_the_salons_calendar() -> None:
    morning = replace(BOOKING, starts_at=START - 14 * HOUR)
    assert "завтра" in body(Specimen("reminder", booking=morning, hours_before=22))


def test_a_year_that_is_not_this_one_is_said() -> None:
    later = replace(BOOKING, starts_at=START + 60 * 24 * HOUR)
    assert "Коли: вівторок, 26 січня 2027, 15:00" in body(Specimen("booking_created", booking=later, hours_before=60))


def test_a_moved_visit_shows_the_old_time_and_the_new() -> None:
    moved = body(Specimen("booking_changed")).splitlines()
    assert moved[:3] == [
        "Ваш запис змінено 🔄",
        "Було: четвер, 26 листопада, 13:00",
        "Стало: пʼятниця, 27 листопада, 15:00",
    ]
    assert moved[-1] == "Якщо новий час незручний, напишіть нам — підберемо інший."


def test_the_place_of_a_moved_visit_is_said_only_when_it_is_another() -> None:
    assert "Де:" not in body(Specimen("booking_changed"))
    elsewhere = {**AS_TOLD, "starts_at": START - HOUR, "salon": "s2"}
    assert "Де: Лілея на Подолі" in body(Specimen("booking_changed", params=elsewhere))


def test_another_master_at_the_same_time_is_not_called_a_new_time() -> None:
    changed = body(Specimen("booking_changed", params={**AS_TOLD, "master": "m2"}))
    assert changed.splitlines()[0] == "Вас прийме інший майстер 🔄"
    assert "час" not in changed


@pytest.mark.parametrize("change", [{"services": ["brows"]}, {"salon": "s2"}, {"salon": "s2", "master": "m2"}])
def test_other_changes_are_called_changes(change: dict[str, object]) -> None:
    changed = body(Specimen("booking_changed", params={**AS_TOLD, **change}))
    assert changed.splitlines()[0] == "У вашому записі є зміни 🔄"


def test_nobody_is_told_to_write_where_nobody_reads() -> None:
    alone = {"staff_linked": False}
    assert "напишіть" not in body(Specimen("booking_changed", facts=alone))
    assert "зателефонуйте нам: +380 44 123 4567" in body(Specimen("booking_changed", facts=alone))
    unreachable = {**alone, "salon": replace(SALON, phone=None)}
    assert body(Specimen("booking_changed", facts=unreachable)).splitlines()[-1] == "Майстер: Ірина"


def test_the_administrator_is_said_to_know_only_where_a_staff_chat_is_linked() -> None:
    for kind in ("visit_declined", "move_requested"):
        assert "адміністратор" in body(Specimen(kind))
        assert "адміністратор" not in body(Specimen(kind, facts={"staff_linked": False}))


def test_the_salon_apologises_for_its_own_cancellation_alone() -> None:
    by_salon = replace(BOOKING, status="cancelled", cancelled_by="staff")
    assert "Перепрошуємо за незручності!" in body(Specimen("booking_cancelled", booking=by_salon))
    assert "Перепрошуємо" not in body(Specimen("booking_cancelled"))


def test_a_former_client_reads_the_visit_that_was_theirs() -> None:
    mine = {**AS_TOLD, "starts_at": START - 24 * HOUR, "services": ["brows"]}
    told = body(Specimen("booking_cancelled", params=mine))
    assert "Коли: четвер, 26 листопада, 15:00" in told
    assert "Стрижка" not in told


def test_without_a_booking_page_no_message_has_a_label_without_a_link() -> None:
    for kind in ("booking_cancelled", "visit_declined", "visit_past", "visit_cancelled", "bookings", "move_requested"):
        assert not body(Specimen(kind, facts={"salon": replace(SALON, booking_url=None)})).endswith(":")


def test_confirming_rewrites_the_question_with_all_that_it_said() -> None:
    question = body(Specimen("reminder", hours_before=48, choices=ASKING)).splitlines()
    answer = body(Specimen("visit_confirmed", choices=OPEN, edits=True)).splitlines()
    assert answer[0] == "Дякуємо, візит підтверджено ✅"
    assert answer[1:-1] == question[2:-1]
    assert answer[-1] == "Чекаємо на вас!"


def test_a_second_press_is_answered_as_one() -> None:
    assert body(Specimen("visit_confirmed")).startswith("Дякуємо, візит підтверджено")
    assert body(Specimen("visit_confirmed", params={"again": True})).startswith("Візит уже підтверджено")


def test_asked_to_move_the_old_time_stands() -> None:
    assert "Поки що запис залишається в силі: пʼятниця, 27 листопада, 15:00." in body(Specimen("move_requested"))


def test_a_list_shows_each_visit_with_its_place_where_there_are_two() -> None:
    listed = body(Specimen("bookings", facts={"visits": VISITS, "siblings": (CHILD,)}))
    assert listed.split("\n\n")[1:] == [
        "Коли: пʼятниця, 27 листопада, 15:00\nНа імʼя: Олена\nПослуга: Стрижка\nМайстер: Ірина\n"
        "Де: Лілея на Подолі, вул. Хорива, 12",
        "Коли: неділя, 29 листопада, 17:00\nНа імʼя: Марко\nПослуги: Стрижка, Брови\nДе: Лілея на Печерську\n"
        "Візит підтверджено",
    ]


def test_a_list_in_one_salon_does_not_repeat_the_place() -> None:
    here = (VISITS[0], replace(VISITS[1], booking=replace(VISITS[1].booking, salon="s1"), salon=SALON))
    assert "Де:" not in body(Specimen("bookings", facts={"visits": here}))


def test_an_empty_list_says_so_and_how_to_book() -> None:
    assert body(Specimen("bookings")).splitlines() == [
        "Найближчих записів поки немає.",
        "Записатися: https://example.org/book",
    ]


def test_lines_do_not_break_before_a_dash_or_between_a_number_and_its_noun() -> None:
    rendered = Specimen("reminder", hours_before=2).rendered("uk", WHATSAPP)
    assert isinstance(rendered, Text)
    assert f"До вашого візиту{NBSP}— 2{NBSP}години ⏰" in rendered.body


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_gives_the_time_of_the_salon(language: str) -> None:
    assert "15:00" in body(Specimen("booking_created"), language)


def test_a_visit_in_another_zone_is_told_by_its_own_clock() -> None:
    almaty = replace(SALON, id="s2", timezone="Asia/Almaty")
    there = replace(VISITS[0], booking=replace(BOOKING, salon="s2"), salon=almaty)
    listed = Specimen("bookings", facts={"visits": (there,)}, choices=(Choice("visit", {"booking": "b-1"}),))
    assert "пʼятниця, 27 листопада, 18:00" in body(listed)
    rendered = listed.rendered("uk", TELEGRAM)
    assert isinstance(rendered, Text)
    assert rendered.buttons[0][0].title == "пт, 27 лист., 18:00"
