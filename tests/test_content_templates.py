"""WhatsApp templates: what the catalogs and owners' texts make, what would be rejected, and which one a message takes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from handlers.channel import WHATSAPP, Rendered, Template, Text
from handlers.content_rules import faults
from handlers.content_templates import SHEETS, Blueprint, of_catalogs, of_owner
from handlers.i18n import LANGUAGES
from handlers.plan import PLANNED_KINDS
from handlers.settings import WhatsAppTemplate, in_force
from handlers.settings_schema import VARIABLES
from handlers.wording import Unrendered
from storage.records import Choice, ContentTemplate
from tools.specimen import ASKING, BUSINESS, OPEN, SALON, START, Specimen

CATALOGS = {blueprint.key: blueprint for blueprint in of_catalogs()}
REMINDER = CATALOGS["reminder:asks:uk"]
OWN_TEXT = "Чекаємо вас [Дата], візит почнеться о котрій: [Час]. Це в салоні [Салон], до зустрічі, не запізнюйтеся!"


def row(blueprint: Blueprint, sid: str = "HX1", **fields: Any) -> ContentTemplate:
    """A template as it lies in the store once it is approved."""
    made: dict[str, Any] = {
        "id": f"{blueprint.key}:1",
        "kind": blueprint.kind,
        "variant": blueprint.variant,
        "language": blueprint.language,
        "version": 1,
        "name": blueprint.name("", 1),
        "category": blueprint.category,
        "body": blueprint.body,
        "variables": blueprint.variables,
        "buttons": blueprint.buttons,
        "digest": blueprint.digest,
        "status": "approved",
    }
    return ContentTemplate(**{**made, "sid": sid, **fields})


def sent(specimen: Specimen, *content: ContentTemplate, **facts: Any) -> Rendered | Unrendered:
    """What goes out on WhatsApp, the window closed, with these templates approved."""
    known = {"window_open": False, "content": content, **specimen.facts, **facts}
    return replace(specimen, facts=known).rendered("uk", WHATSAPP)


def taken(specimen: Specimen, *content: ContentTemplate, **facts: Any) -> str:
    rendered = sent(specimen, *content, **facts)
    assert isinstance(rendered, Template)
    return rendered.sid


# What is made


@pytest.mark.parametrize("key", CATALOGS)
def test_nothing_of_the_catalogs_would_be_rejected(key: str) -> None:
    assert faults(CATALOGS[key]) == []


def test_every_kind_that_is_planned_has_templates_in_every_language() -> None:
    assert set(PLANNED_KINDS) <= {blueprint.kind for blueprint in CATALOGS.values()}
    for kind, variants in SHEETS.items():
        assert {f"{kind}:{variant}:{language}" for variant in variants for language in LANGUAGES} <= set(CATALOGS)


def test_variables_are_numbered_in_their_order_and_each_has_a_name_and_a_sample() -> None:
    assert REMINDER.body.splitlines()[2:4] == ["Дата: {{1}}", "Час: {{2}}"]
    assert REMINDER.variables == ("date", "time", "service", "salon")
    assert REMINDER.samples == ("пʼятниця, 27 листопада", "15:00", "Стрижка", "Салон краси")


def test_a_template_that_asks_has_a_button_more_than_one_that_does_not() -> None:
    assert REMINDER.buttons == ("confirm", "move", "cancel")
    assert REMINDER.titles == ("Підтверджую", "Перенести", "Не зможу")
    assert CATALOGS["reminder:plain:uk"].buttons == ("move", "cancel")
    assert CATALOGS["booking_cancelled:plain:uk"].buttons == ()


def test_names_tell_kind_language_and_version_and_business_apart() -> None:
    names = {
        blueprint.name(business, version)
        for blueprint in CATALOGS.values()
        for business in ("", "a.b", "a_b", "A:b")
        for version in (1, 2)
    }
    assert len(names) == len(CATALOGS) * 4 * 2
    assert REMINDER.name("", 3) == "vizit_reminder_asks_uk_v3"


def test_the_digest_changes_with_all_that_a_person_sees_and_with_nothing_else() -> None:
    others = [
        REMINDER._replace(body=REMINDER.body + "."),
        REMINDER._replace(titles=("Так", *REMINDER.titles[1:])),
        REMINDER._replace(buttons=("menu", *REMINDER.buttons[1:])),
        REMINDER._replace(category="marketing"),
    ]
    assert len({blueprint.digest for blueprint in (REMINDER, *others)}) == 5
    assert REMINDER._replace(samples=("x",) * 4).digest == REMINDER.digest


def test_an_owners_text_becomes_a_template_with_the_buttons_of_its_kind() -> None:
    made = {blueprint.key: blueprint for blueprint in of_owner({"reminder": {"uk": OWN_TEXT, "ru": OWN_TEXT}}, ("uk",))}
    assert set(made) == {"reminder:asks:uk", "reminder:plain:uk"}
    own = made["reminder:asks:uk"]
    assert own.body.startswith("Чекаємо вас {{1}}, візит")
    assert (own.variables, own.buttons) == (("date", "time", "salon"), ("confirm", "move", "cancel"))
    assert faults(own) == []


def test_a_variable_that_an_owner_uses_twice_has_one_number() -> None:
    (own, *_) = of_owner({"booking_cancelled": {"uk": "Запис на [Дата] скасовано, [[так], на [Date], на жаль"}})
    assert own.body == "Запис на {{1}} скасовано, [так], на {{1}}, на жаль"
    assert own.variables == ("date",)


def test_an_owners_text_about_changes_is_one_template_whatever_changed() -> None:
    made = of_owner({"booking_changed": {"uk": OWN_TEXT}}, ("uk",))
    assert [blueprint.variant for blueprint in made] == ["plain", "asks"]


def test_texts_of_answers_need_no_template() -> None:
    assert list(of_owner({"thanks": {"uk": "Дякуємо"}})) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_variable_has_a_sample_in_every_language(language: str) -> None:
    text = " слово ".join(f"[{name}]" for name in VARIABLES)
    (own, *_) = of_owner({"booking_cancelled": {language: text}})
    assert len(own.samples) == len(VARIABLES)
    assert all(own.samples)


# What is rejected


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("{{1}} на вас чекаємо, до зустрічі", "it begins with a variable"),
        ("✅ {{1}} на вас чекаємо, до зустрічі", "it begins with a variable"),
        ("Чекаємо на вас, до зустрічі {{1}}!", "it ends with a variable"),
        ("Чекаємо на вас завтра {{1}}, {{2}} у нас, до зустрічі", "two variables have no word between them"),
        ("Чекаємо на вас завтра {{1}} у {{3}} нашому салоні", "its variables are not numbered from 1 without gaps"),
        ("Чекаємо на вас {{1}} у нас {{ name }} завтра", "it has double braces that are no variable"),
        ("Дата: {{1}} час: {{2}} усе", "it has 3 words for 2 variables; 5 are needed"),
        ("  ", "it has no text"),
        ("Слово " * 180, "it is 1080 characters long, at most 1024"),
    ],
)
def test_a_text_that_would_be_rejected_is_found(body: str, why: str) -> None:
    variables = tuple(f"v{number}" for number in range(1, 3) if f"{{{{{number}}}}}" in body or "{{3}}" in body)
    assert why in faults(REMINDER._replace(body=body, variables=variables, samples=("x",) * len(variables)))


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        (
            {"samples": ("a\nb", "15:00", "x", "y")},
            "the sample of date is empty, or has line breaks, tabs or many spaces",
        ),
        ({"samples": ("a", " ", "x", "y")}, "the sample of time is empty, or has line breaks, tabs or many spaces"),
        ({"samples": ("a",)}, "a variable has no sample"),
        (
            {"body": "Вітаємо, {{1}}, у нас!", "variables": ("client",), "samples": ("a" * 1020,)},
            "it is 1037 characters long, at most 1024",
        ),
        ({"titles": ("Так", "Так")}, "two of its buttons have one title"),
        ({"titles": ("✅ Так",)}, "the button “✅ Так” has an emoji"),
        (
            {"titles": ("Так, я обовʼязково прийду",)},
            "the button “Так, я обовʼязково прийду” is 25 characters long, at most 20",
        ),
        ({"titles": tuple("abcdefghijk")}, "it has more than 10 buttons"),
        ({"kind": "Reminder"}, "its name vizit_Reminder_asks_uk_v1 has other characters than a-z, 0-9 and _"),
    ],
)
def test_what_else_would_be_rejected_is_found(fields: dict[str, Any], why: str) -> None:
    assert why in faults(REMINDER._replace(**fields))


# Which one a message takes

WORDED = replace(in_force(BUSINESS, SALON), templates={"reminder": {"uk": OWN_TEXT}})
ASKS, DOES_NOT = Specimen("reminder", choices=ASKING), Specimen("reminder", choices=OPEN)
ASKING_ROW, PLAIN_ROW = row(REMINDER, "HXasks"), row(CATALOGS["reminder:plain:uk"], "HXplain")


def test_a_message_that_asks_takes_the_template_that_asks() -> None:
    assert taken(ASKS, ASKING_ROW, PLAIN_ROW) == "HXasks"
    assert taken(DOES_NOT, ASKING_ROW, PLAIN_ROW) == "HXplain"


def test_who_has_confirmed_is_never_sent_a_template_that_asks() -> None:
    assert sent(DOES_NOT, ASKING_ROW) == Unrendered("no_template")


def test_a_template_of_another_language_is_none() -> None:
    assert sent(ASKS, row(CATALOGS["reminder:asks:tr"])) == Unrendered("no_template")


def test_the_newest_version_goes() -> None:
    assert taken(ASKS, replace(ASKING_ROW, version=2, sid="HXnew"), ASKING_ROW) == "HXnew"


def test_the_business_s_own_goes_before_everybody_s() -> None:
    own = replace(ASKING_ROW, business="studio", sid="HXown")
    assert taken(ASKS, replace(ASKING_ROW, version=9), own, settings=WORDED) == "HXown"


def test_a_template_of_a_text_that_the_owner_took_back_is_none() -> None:
    own = replace(ASKING_ROW, business="studio", sid="HXown")
    assert taken(ASKS, ASKING_ROW, own) == "HXasks"
    assert sent(ASKS, own) == Unrendered("no_template")


LOCAL = replace(SALON, settings={"templates": {"reminder": {"uk": OWN_TEXT}}})


def test_a_salons_own_text_goes_before_the_business_s_and_to_no_other_salon() -> None:
    rows = (
        ASKING_ROW,
        replace(ASKING_ROW, business="studio", sid="HXown"),
        replace(ASKING_ROW, business="studio", sid="HXsalon", variant=f"asks@{SALON.id}"),
        replace(ASKING_ROW, business="studio", sid="HXother", variant="asks@another"),
    )
    assert taken(ASKS, *rows, settings=WORDED, salon=LOCAL) == "HXsalon"
    assert taken(ASKS, *rows, settings=WORDED) == "HXown"
    assert taken(ASKS, *rows) == "HXasks"


def test_a_salons_own_text_does_not_bring_back_what_the_business_took_back() -> None:
    stale = replace(ASKING_ROW, business="studio", sid="HXown")
    assert taken(ASKS, ASKING_ROW, stale, settings=WORDED, salon=LOCAL) == "HXasks"


def test_where_free_text_may_go_a_salons_words_are_not_replaced_by_the_business_s() -> None:
    row = replace(ASKING_ROW, business="studio", sid="HXown")
    rendered = sent(ASKS, row, settings=WORDED, salon=LOCAL, window_open=True)
    assert isinstance(rendered, Text)
    mine = replace(row, sid="HXsalon", variant=f"asks@{SALON.id}")
    assert isinstance(sent(ASKS, mine, settings=WORDED, salon=LOCAL, window_open=True), Template)


def test_the_name_of_a_salons_template_tells_salons_apart() -> None:
    own = {"reminder": {"uk": OWN_TEXT}}
    (mine, _), (others, _) = of_owner(own, ("uk",), "s1"), of_owner(own, ("uk",), "s2")
    assert mine.key == "reminder:plain@s1:uk"
    assert mine.name("b", 1) != others.name("b", 1)
    assert faults(mine) == []


def test_what_the_settings_name_goes_before_all() -> None:
    named = WhatsAppTemplate("HXset", ("date",), ("confirm", "move", "cancel"))
    settings = replace(in_force(BUSINESS, SALON), whatsapp_templates={"reminder": {"uk": named}})
    assert taken(ASKS, ASKING_ROW, settings=settings) == "HXset"


def test_a_move_says_the_old_time_and_any_other_change_does_not() -> None:
    rows = [row(CATALOGS[f"booking_changed:{variant}:uk"], f"HX{variant}") for variant in SHEETS["booking_changed"]]
    moved = Specimen("booking_changed", choices=OPEN)
    other = Specimen(
        "booking_changed", choices=OPEN, params={"starts_at": START, "salon": "s1", "master": "m2", "services": ["cut"]}
    )
    assert taken(moved, *rows) == "HXmoved_plain"
    assert taken(replace(moved, choices=ASKING), *rows) == "HXmoved_asks"
    assert taken(other, *rows) == "HXplain"
    rendered = sent(moved, *rows)
    assert isinstance(rendered, Template)
    assert rendered.variables["1"] != rendered.variables["3"]


def test_a_move_may_be_told_as_any_change_where_only_that_is_approved() -> None:
    plain = row(CATALOGS["booking_changed:plain:uk"], "HXplain")
    assert taken(Specimen("booking_changed", choices=OPEN), plain) == "HXplain"


def test_the_row_keeps_the_very_words_that_the_template_makes() -> None:
    rendered = sent(ASKS, ASKING_ROW)
    assert isinstance(rendered, Template)
    assert rendered.body == (
        "Вітаємо!\nНагадуємо про ваш візит 🗓\nДата: пʼятниця, 27 листопада\nЧас: 15:00\nПослуга: Стрижка\n"
        "Де: Лілея на Подолі\nПідтвердьте, будь ласка, свій візит."
    )


def test_braces_in_a_name_are_not_taken_for_a_variable() -> None:
    rendered = sent(ASKS, ASKING_ROW, salon=replace(SALON, name="Салон {{2}}"))
    assert isinstance(rendered, Template)
    assert "Де: Салон {{2}}" in rendered.body


def test_where_free_text_may_go_the_owners_words_are_not_replaced_by_others() -> None:
    settings = replace(in_force(BUSINESS, SALON), templates={"reminder": {"uk": OWN_TEXT}})
    rendered = sent(ASKS, ASKING_ROW, settings=settings, window_open=True)
    assert isinstance(rendered, Text)
    assert rendered.body.startswith("Чекаємо вас")
    own = replace(ASKING_ROW, business="studio", sid="HXown")
    assert taken(ASKS, ASKING_ROW, own, settings=settings, window_open=True) == "HXown"
    assert taken(ASKS, ASKING_ROW, settings=settings) == ASKING_ROW.sid


def test_a_message_with_other_choices_goes_as_text_where_free_text_may_go() -> None:
    menu = Specimen("reminder", choices=(*OPEN, Choice("menu")))
    assert isinstance(sent(menu, PLAIN_ROW, window_open=True), Text)
