"""How choices give way to what a channel can show, and what may be sent when."""

from dataclasses import replace

import pytest

from handlers.channel import TELEGRAM, WHATSAPP, Button, Capabilities, Edit, Template, Text
from handlers.settings import WhatsAppTemplate, in_force
from handlers.turn import pack
from handlers.wording import RETIRE, Unrendered, cut, labels, units
from storage.records import ANSWERS_LANE, Choice, Message
from tools.specimen import ASKING, BUSINESS, OPEN, SALON, STAFF, START, VISITS, Specimen

SETTINGS = in_force(BUSINESS, SALON)
SMALL = Capabilities(buttons=2, title=64, text=4096)
NARROW = Capabilities(buttons=10, title=8, text=4096)
BARE = Capabilities(buttons=0, title=0, text=1600)
ASKS = Specimen("reminder", choices=ASKING)


def text(specimen: Specimen, capabilities: Capabilities, language: str = "uk") -> Text:
    rendered = specimen.rendered(language, capabilities)
    assert isinstance(rendered, Text)
    return rendered


def with_template(specimen: Specimen, template: WhatsAppTemplate, **facts: object) -> Specimen:
    settings = replace(SETTINGS, whatsapp_templates={specimen.kind: {"uk": template}})
    return replace(specimen, facts={**specimen.facts, "settings": settings, **facts})


def test_on_telegram_confirm_stands_alone_on_top_and_the_others_side_by_side() -> None:
    assert text(ASKS, TELEGRAM).buttons == (
        (Button("✅ Підтверджую", pack("confirm", "0" * 32, 0), style="success"),),
        (Button("🔄 Перенести", pack("move", "0" * 32, 1)), Button("❌ Не зможу", pack("cancel", "0" * 32, 2))),
    )


def test_the_button_that_cancels_for_good_is_red() -> None:
    rows = text(Specimen("cancel_ask", choices=(Choice("cancel_yes"), Choice("cancel_keep"))), TELEGRAM).buttons
    assert [button.style for row in rows for button in row] == ["danger", None]


def test_a_channel_without_colours_gets_none() -> None:
    plain = replace(TELEGRAM, styles=False)
    assert {button.style for row in text(ASKS, plain).buttons for button in row} == {None}


@pytest.mark.parametrize("capabilities", [BARE, SMALL, NARROW, WHATSAPP])
def test_choices_that_do_not_fit_become_numbered_lines(capabilities: Capabilities) -> None:
    shown = text(ASKS, capabilities)
    assert shown.buttons == ()
    assert shown.body.splitlines()[-5:] == [
        "",
        "Надішліть номер відповіді:",
        "1\u00a0— Підтверджую",
        "2\u00a0— Перенести",
        "3\u00a0— Не зможу",
    ]


def test_a_message_without_choices_asks_for_no_number() -> None:
    assert "Надішліть номер" not in text(Specimen("visit_past"), WHATSAPP).body


def test_a_link_is_a_button_where_buttons_open_links_and_is_never_numbered() -> None:
    declined = Specimen("visit_declined", choices=(Choice("book"), Choice("bookings")))
    assert text(declined, TELEGRAM).buttons[0] == (Button("Записатися", url="https://example.org/book"),)
    assert text(declined, WHATSAPP).body.splitlines()[-1] == "1\u00a0— Мої записи"
    nowhere = replace(declined, facts={"salon": replace(SALON, booking_url=None)})
    assert [len(row) for row in text(nowhere, TELEGRAM).buttons] == [1]


def test_languages_are_offered_by_their_own_names() -> None:
    asks = Specimen("language_ask", choices=tuple(Choice("language", {"language": code}) for code in ("uk", "tr")))
    assert [button.title for button in text(asks, TELEGRAM).buttons[0]] == ["Українська", "Türkçe"]


def test_a_visit_and_a_business_are_called_by_their_names() -> None:
    choices = (Choice("visit", {"booking": "b-2"}), Choice("business", {"business": "x", "name": "Berber Ali"}))
    rows = text(Specimen("bookings", choices=choices, facts={"visits": VISITS}), TELEGRAM).buttons
    assert [row[0].title for row in rows] == ["нд, 29 лист., 17:00", "Berber Ali"]


def test_an_unknown_kind_or_verb_is_a_mistake_of_the_program() -> None:
    with pytest.raises(KeyError):
        Specimen("no_such_kind").rendered("uk", TELEGRAM)
    with pytest.raises(KeyError):
        Specimen("reminder", choices=(Choice("no_such_verb"),)).rendered("uk", TELEGRAM)
    with pytest.raises(KeyError):
        labels("no_such_verb", "uk")


def test_with_the_window_open_a_template_goes_where_its_buttons_are_the_choices() -> None:
    template = WhatsAppTemplate("HX1", ("date", "time"), ("confirm", "move", "cancel"))
    sent = with_template(ASKS, template).rendered("uk", WHATSAPP)
    assert isinstance(sent, Template)
    assert (sent.sid, dict(sent.variables)) == ("HX1", {"1": "пʼятниця, 27 листопада", "2": "15:00"})
    assert "Нагадуємо" in sent.body


@pytest.mark.parametrize("buttons", [(), ("confirm",), ("confirm", "move", "cancel", "menu")])
def test_with_the_window_open_other_templates_give_way_to_numbered_text(buttons: tuple[str, ...]) -> None:
    sent = with_template(ASKS, WhatsAppTemplate("HX1", ("date",), buttons)).rendered("uk", WHATSAPP)
    assert isinstance(sent, Text)
    assert "3\u00a0— Не зможу" in sent.body


def test_with_the_window_closed_any_template_of_the_language_goes() -> None:
    asks = with_template(ASKS, WhatsAppTemplate("HX1", ("date",), ()), window_open=False)
    assert isinstance(asks.rendered("uk", WHATSAPP), Template)
    assert asks.rendered("tr", WHATSAPP) == Unrendered("no_template")


def test_with_the_window_closed_and_no_template_nothing_is_sent() -> None:
    assert replace(ASKS, facts={"window_open": False}).rendered("uk", WHATSAPP) == Unrendered("no_template")


def test_a_template_gets_no_empty_value_and_no_breaks() -> None:
    salon = replace(SALON, name="Лілея\n\tна  Подолі     вгорі", address=None)
    sent = with_template(ASKS, WhatsAppTemplate("HX1", ("salon", "address")), window_open=False, salon=salon)
    rendered = sent.rendered("uk", WHATSAPP)
    assert isinstance(rendered, Template)
    assert dict(rendered.variables) == {"1": "Лілея на  Подолі вгорі", "2": "—"}


def test_what_was_answered_is_rewritten_in_place_where_the_channel_can() -> None:
    answered = Specimen("visit_confirmed", choices=OPEN, edits=True)
    edit = answered.rendered("uk", TELEGRAM)
    assert isinstance(edit, Edit)
    assert edit.provider_id == "77"
    assert [button.title for row in edit.buttons for button in row] == ["🔄 Перенести", "❌ Не зможу"]
    assert isinstance(answered.rendered("uk", replace(TELEGRAM, edit=False)), Text)


def test_a_message_that_never_arrived_is_not_rewritten() -> None:
    old = Message(
        business="studio", id="1" * 32, key="k", kind="reminder", lane=1, due_at=0, next_at=0, not_after=START
    )
    answered = Specimen("visit_confirmed", edits=True, facts={"edited": old})
    assert isinstance(answered.rendered("uk", TELEGRAM), Text)


def test_retiring_takes_the_buttons_off_and_leaves_the_words() -> None:
    retire = Specimen(RETIRE, edits=True)
    assert retire.rendered("uk", TELEGRAM) == Edit("77", None, ())
    assert retire.rendered("uk", WHATSAPP) == Unrendered("not_editable")


def test_a_button_that_shares_the_phone_stands_only_where_there_is_one() -> None:
    shares = Specimen("share_contact")
    assert text(shares, TELEGRAM).ask_contact == "📱 Поділитися номером"
    assert text(shares, WHATSAPP).ask_contact is None
    assert text(Specimen("contact_unknown"), TELEGRAM).drop_keyboard
    assert not text(Specimen("contact_unknown"), WHATSAPP).drop_keyboard


def test_a_stranger_is_spoken_to_in_the_apps_language_and_the_salons() -> None:
    assert text(Specimen("share_contact"), TELEGRAM).body.count("👇") == 1
    assert text(Specimen("share_contact"), TELEGRAM, "tr").body.count("👇") == 2


def test_a_language_that_is_not_ours_gives_way_to_the_salons() -> None:
    assert text(Specimen("menu", choices=(Choice("help"),)), TELEGRAM, "de").body == "Чим можемо допомогти?"
    assert text(Specimen("menu", choices=(Choice("help"),)), TELEGRAM, "ua").buttons[0][0].title == "Допомога"


def test_a_text_that_is_too_long_is_cut_and_its_choices_are_not() -> None:
    long = replace(SALON, address="дуже довга вулиця " * 200)
    shown = text(replace(ASKS, facts={"salon": long}), WHATSAPP)
    assert units(shown.body) <= WHATSAPP.text
    assert shown.body.endswith("3\u00a0— Не зможу")
    assert "…\n\n" in shown.body


def test_length_is_counted_as_providers_count_it() -> None:
    assert units("ab🙂") == 4
    assert cut("🙂🙂🙂", 5) == "🙂🙂…"
    assert cut("🙂🙂🙂", 6) == "🙂🙂🙂"


NIGHT = {"now": START + 8 * 3_600_000}


def test_staff_are_not_woken_in_quiet_hours_but_answered_aloud() -> None:
    news = Specimen("staff_booking_created")
    assert not text(news, TELEGRAM).quiet
    assert text(replace(news, facts=NIGHT), TELEGRAM).quiet
    assert not text(Specimen("staff_today", facts=NIGHT, lane=ANSWERS_LANE), TELEGRAM).quiet
    assert not text(Specimen("reminder", facts=NIGHT), TELEGRAM).quiet


def test_a_message_to_a_topic_goes_to_the_topic() -> None:
    topic = Specimen("staff_booking_created", facts={"staff_chat": replace(STAFF, thread=7)})
    assert text(topic, TELEGRAM).thread == 7
    assert text(Specimen("help", params={"thread": 9}), TELEGRAM).thread == 9


def test_an_owners_text_replaces_the_catalogs_and_keeps_the_buttons() -> None:
    settings = replace(SETTINGS, templates={"reminder": {"uk": "Чекаємо вас: [Дата], [Час]. [Салон]\n[Телефон]"}})
    own = replace(ASKS, facts={"settings": settings})
    assert text(own, TELEGRAM).body == "Чекаємо вас: пʼятниця, 27 листопада, 15:00. Лілея на Подолі\n+380 44 123 4567"
    assert text(own, TELEGRAM).buttons == text(ASKS, TELEGRAM).buttons
    assert "Hello" in text(own, TELEGRAM, "en").body
