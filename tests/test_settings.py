"""Settings: defaults, inheritance from business to salon, merge patches, and what is refused at which place."""

from datetime import time
from decimal import Decimal
from typing import Any

import pytest

from handlers.durations import DAY, HOUR, MINUTE, Duration
from handlers.invalid import Invalid
from handlers.quiet import Hours
from handlers.settings import WhatsAppTemplate, apply_patch, check_notify, in_force, place, shown
from handlers.settings_schema import KINDS, STAFF_EVENTS, VARIABLES, SettingsPatch
from handlers.templates import ALIASES
from storage.records import Business, Salon
from tests.support.planning import at

CREATED = at("2026-11-01 02:00")


def business(**settings: Any) -> Business:
    return Business(business="b", id="b", name="Салон", created_at=CREATED, settings=settings)


def salon(**settings: Any) -> Salon:
    return Salon(business="b", id="s1", name="Центр", settings=settings)


def refused(patch: Any, *, level: Any = "business", own: dict[str, Any] | None = None) -> dict[str, str]:
    with pytest.raises(Invalid) as caught:
        apply_patch(own or {}, patch, level=level)
    return dict(caught.value.errors)


def test_the_defaults_are_those_of_the_contract() -> None:
    assert shown(business(), None) == {
        "enabled_since": "2026-11-01T00:00:00Z",
        "channels": ["telegram", "whatsapp", "sms", "manual"],
        "fallback_after": "PT2H",
        "undelivered_after": "PT24H",
        "quiet_hours": {"from": "21:00", "to": "09:00"},
        "weekly_limit": 3,
        "cashback_percent": False,
        "birthday_bonus": False,
        "bonus_expires_after": "P180D",
        "kinds": {
            "booking_created": {"enabled": True, "for": ["client", "staff"]},
            "booking_changed": {"enabled": True, "ignore_shift_under": "PT10M"},
            "booking_cancelled": {"enabled": True},
            "reminder": {"enabled": True, "before": ["P1D", "PT1H"], "confirm": True},
            "review_request": {"enabled": True, "after": "PT2H", "tips": True, "max_age": "P3D"},
            "rebook_invitation": {"enabled": True, "at": "11:00"},
            "bonus_accrued": {"enabled": True},
            "bonus_birthday": {"enabled": True, "at": "10:00", "days_before": 0},
            "bonus_expiring": {"enabled": True, "before": "P7D"},
            "campaign": {"enabled": True},
        },
        "staff": dict.fromkeys(STAFF_EVENTS, True),
        "staff_cards": {"evening": "19:00", "morning": "08:30"},
        "messages_kept_for": "P730D",
        "closed_channels": {},
        "templates": {},
        "whatsapp_templates": {},
        "packages": {},
        "own": {},
    }


def test_what_is_in_force_by_default_can_be_used_as_it_is() -> None:
    settings = in_force(business(), None)
    assert settings.enabled_since == CREATED
    assert settings.channels == settings.channels_for("reminder") == settings.channels_for("help")
    assert (settings.fallback_after, settings.undelivered_after) == (2 * HOUR, DAY)
    assert settings.quiet_hours == Hours(time(21), time(9))
    assert (settings.weekly_limit, settings.cashback_percent, settings.birthday_bonus) == (3, None, None)
    assert settings.bonus_expires_after == Duration(0, 180, 0)
    assert set(settings.kinds) == set(KINDS)
    assert settings.kinds["booking_created"].announced == {"client", "staff"}
    assert settings.kinds["booking_changed"].ignore_shift_under == 10 * MINUTE
    assert settings.kinds["reminder"].before == (Duration(0, 1, 0), Duration(0, 0, HOUR))
    assert settings.kinds["review_request"].max_age == Duration(0, 3, 0)
    assert settings.kinds["bonus_expiring"].before == (Duration(0, 7, 0),)
    assert settings.kinds["rebook_invitation"].at == time(11)


def test_a_salon_inherits_from_its_business_and_the_business_from_the_defaults() -> None:
    whole = business(fallback_after="PT3H", kinds={"reminder": {"before": ["P2D"]}}, weekly_limit=1)
    branch = salon(kinds={"reminder": {"confirm": False}}, weekly_limit=5)
    settings = in_force(whole, branch)
    reminder = settings.kinds["reminder"]
    assert (reminder.before, reminder.confirm, reminder.enabled) == ((Duration(0, 2, 0),), False, True)
    assert (settings.fallback_after, settings.weekly_limit) == (3 * HOUR, 5)
    assert in_force(whole, None).weekly_limit == 1
    assert shown(whole, branch)["own"] == {"kinds": {"reminder": {"confirm": False}}, "weekly_limit": 5}


def test_texts_are_inherited_language_by_language() -> None:
    whole = business(templates={"reminder": {"uk": "Чекаємо вас", "tr": "Bekliyoruz"}})
    branch = salon(templates={"reminder": {"uk": "Приходьте"}})
    assert in_force(whole, branch).templates == {"reminder": {"uk": "Приходьте", "tr": "Bekliyoruz"}}


def test_a_whatsapp_template_may_be_completed_by_the_salon_and_counts_only_with_a_sid() -> None:
    whole = business(whatsapp_templates={"reminder": {"uk": {"sid": "HX1", "variables": ["date"]}}})
    branch = salon(whatsapp_templates={"reminder": {"uk": {"buttons": ["confirm"]}, "tr": {"buttons": ["move"]}}})
    assert in_force(whole, branch).whatsapp_templates == {
        "reminder": {"uk": WhatsAppTemplate("HX1", ("date",), ("confirm",))}
    }


@pytest.mark.parametrize(
    ("whole", "branch", "quiet"),
    [
        (False, None, None),
        ({"from": "22:00"}, None, Hours(time(22), time(9))),
        ({"from": "22:00"}, {"to": "08:00"}, Hours(time(22), time(8))),
        ({"from": "22:00"}, False, None),
        (False, {"to": "08:00"}, Hours(time(21), time(8))),
    ],
)
def test_quiet_hours_go_by_whoever_spoke_last(whole: Any, branch: Any, quiet: Hours | None) -> None:
    own = salon() if branch is None else salon(quiet_hours=branch)
    assert in_force(business(quiet_hours=whole), own).quiet_hours == quiet
    assert bool(shown(business(quiet_hours=whole), own)["quiet_hours"]) == (quiet is not None)


def test_false_switches_a_kind_off_and_keeps_its_other_values() -> None:
    whole = business(kinds={"reminder": False})
    assert in_force(whole, None).kinds["reminder"].enabled is False
    assert shown(whole, None)["kinds"]["reminder"] == {"enabled": False, "before": ["P1D", "PT1H"], "confirm": True}
    assert in_force(whole, salon(kinds={"reminder": {"before": ["P2D"]}})).kinds["reminder"].enabled is False
    assert in_force(whole, salon(kinds={"reminder": {"enabled": True}})).kinds["reminder"].enabled is True


def test_false_switches_the_rest_off() -> None:
    off = {
        "weekly_limit": False,
        "bonus_expires_after": False,
        "kinds": {"booking_changed": {"ignore_shift_under": False}},
    }
    settings = in_force(business(**apply_patch({}, off, level="business")), None)
    assert (settings.weekly_limit, settings.bonus_expires_after) == (None, None)
    assert settings.kinds["booking_changed"].ignore_shift_under is None


def test_bonuses_can_be_switched_on() -> None:
    settings = in_force(business(cashback_percent=7.5, birthday_bonus=200), None)
    assert (settings.cashback_percent, settings.birthday_bonus) == (Decimal("7.5"), 200)


def test_a_kind_may_have_channels_of_its_own() -> None:
    settings = in_force(business(channels=["telegram"], kinds={"campaign": {"channels": ["whatsapp"]}}), None)
    assert settings.channels_for("campaign") == ("whatsapp",)
    assert settings.channels_for("reminder") == settings.channels_for("help") == ("telegram",)


def test_only_messages_about_visits_go_by_hand_unless_a_kind_says_so_itself() -> None:
    kinds = in_force(business(kinds={"campaign": {"channels": ["telegram", "manual"]}}), None).kinds
    by_hand = {kind for kind in KINDS if "manual" in kinds[kind].channels}
    assert by_hand == {"booking_created", "booking_changed", "booking_cancelled", "reminder", "campaign"}


def test_the_cards_for_staff_have_a_time_per_salon_or_are_off() -> None:
    settings = in_force(business(staff_cards={"evening": False}), salon(staff_cards={"morning": "07:45"}))
    assert settings.staff_cards == {"evening": None, "morning": time(7, 45)}


def test_settings_in_force_are_made_once_for_the_same_values() -> None:
    assert in_force(business(weekly_limit=2), salon()) is in_force(business(weekly_limit=2), salon())
    assert in_force(business(weekly_limit=2), salon()) is not in_force(business(weekly_limit=4), salon())


def test_what_is_shown_is_a_copy() -> None:
    whole = business(kinds={"reminder": {"before": ["P2D"]}})
    shown(whole, None)["kinds"]["reminder"]["before"].append("P3D")
    shown(whole, None)["own"]["kinds"]["reminder"]["before"].append("P3D")
    shown(business(), None)["channels"].append("fax")
    assert whole.settings == {"kinds": {"reminder": {"before": ["P2D"]}}}
    assert "fax" not in shown(business(), None)["channels"]


@pytest.mark.parametrize(
    ("own", "patch", "left"),
    [
        ({}, {"weekly_limit": 2}, {"weekly_limit": 2}),
        ({"weekly_limit": 2}, {"weekly_limit": None}, {}),
        ({"weekly_limit": 2}, {}, {"weekly_limit": 2}),
        ({}, {"weekly_limit": None}, {}),
        ({"quiet_hours": False}, {"quiet_hours": {"from": "22:00"}}, {"quiet_hours": {"from": "22:00"}}),
        (
            {"quiet_hours": {"from": "22:00", "to": "08:00"}},
            {"quiet_hours": {"to": None}},
            {"quiet_hours": {"from": "22:00"}},
        ),
        ({"quiet_hours": {"to": "08:00"}}, {"quiet_hours": {"to": None}}, {}),
        (
            {"kinds": {"reminder": {"before": ["P2D", "PT3H"], "confirm": False}}},
            {"kinds": {"reminder": {"before": ["P1D"]}}},
            {"kinds": {"reminder": {"before": ["P1D"], "confirm": False}}},
        ),
        (
            {"kinds": {"reminder": {"before": ["P2D"]}}},
            {"kinds": {"reminder": {"before": []}}},
            {"kinds": {"reminder": {"before": []}}},
        ),
        ({"kinds": {"reminder": {"before": ["P2D"]}}}, {"kinds": {"reminder": False}}, {"kinds": {"reminder": False}}),
        (
            {"kinds": {"reminder": False, "campaign": False}},
            {"kinds": {"reminder": None}},
            {"kinds": {"campaign": False}},
        ),
        ({"kinds": {"reminder": False}}, {"kinds": None}, {}),
        (
            {"templates": {"reminder": {"uk": "а", "tr": "b"}}},
            {"templates": {"reminder": {"ua": None}}},
            {"templates": {"reminder": {"tr": "b"}}},
        ),
        ({}, {"enabled_since": "2026-11-01T02:00:00+02:00"}, {"enabled_since": "2026-11-01T00:00:00Z"}),
    ],
)
def test_a_patch_is_a_json_merge_patch(own: dict[str, Any], patch: Any, left: dict[str, Any]) -> None:
    before = repr(own)
    assert apply_patch(own, patch, level="business") == left
    assert repr(own) == before


@pytest.mark.parametrize("tag", ["uk", "ua", "UA", "uk-UA", "uk_UA"])
def test_every_way_to_write_ukrainian_is_one_language(tag: str) -> None:
    text = {"templates": {"reminder": {tag: "Чекаємо вас [Дата]"}}}
    template = {"whatsapp_templates": {"reminder": {tag: {"sid": "HX" + "0" * 32}}}}
    assert apply_patch({}, text, level="business")["templates"]["reminder"].keys() == {"uk"}
    assert apply_patch({}, template, level="business")["whatsapp_templates"]["reminder"].keys() == {"uk"}


@pytest.mark.parametrize(
    ("patch", "pointer"),
    [
        ({"remind": True}, "/remind"),
        ({"remind": None}, "/remind"),
        ({"kinds": {"remnder": {}}}, "/kinds/remnder"),
        ({"kinds": {"reminder": {"lead": "P1D"}}}, "/kinds/reminder/lead"),
        ({"kinds": {"booking_cancelled": {"before": []}}}, "/kinds/booking_cancelled/before"),
        ({"kinds": {"a/b~c": False}}, "/kinds/a~1b~0c"),
        ({"staff": {"visit": True}}, "/staff/visit"),
        ({"quiet_hours": {"until": "09:00"}}, "/quiet_hours/until"),
        ({"templates": {"remnder": {"uk": "а"}}}, "/templates/remnder"),
        ({"templates": {"reminder": {"de": "a"}}}, "/templates/reminder/de"),
    ],
)
def test_what_is_unknown_is_refused_by_name(patch: Any, pointer: str) -> None:
    assert list(refused(patch)) == [pointer]


@pytest.mark.parametrize(
    ("patch", "pointer"),
    [
        ([], ""),
        ("on", ""),
        (None, ""),
        ({"kinds": True}, "/kinds"),
        ({"kinds": {"reminder": True}}, "/kinds/reminder"),
        ({"kinds": {"reminder": {"enabled": "yes"}}}, "/kinds/reminder/enabled"),
        ({"kinds": {"reminder": {"enabled": 1}}}, "/kinds/reminder/enabled"),
        ({"kinds": {"reminder": {"before": "P1D"}}}, "/kinds/reminder/before"),
        ({"kinds": {"reminder": {"before": False}}}, "/kinds/reminder/before"),
        ({"kinds": {"reminder": {"before": ["PT14M"]}}}, "/kinds/reminder/before/0"),
        ({"kinds": {"reminder": {"before": ["P1D", "P31D"]}}}, "/kinds/reminder/before/1"),
        ({"kinds": {"reminder": {"before": ["P1D", "P1M"]}}}, "/kinds/reminder/before/1"),
        ({"kinds": {"reminder": {"before": ["P1W", "P7D"]}}}, "/kinds/reminder/before"),
        ({"kinds": {"reminder": {"before": ["P1D", "P2D", "P3D", "P4D", "P5D", "P6D"]}}}, "/kinds/reminder/before"),
        ({"kinds": {"booking_created": {"for": ["client", "client"]}}}, "/kinds/booking_created/for"),
        ({"kinds": {"booking_created": {"for": ["boss"]}}}, "/kinds/booking_created/for/0"),
        ({"kinds": {"review_request": {"max_age": False}}}, "/kinds/review_request/max_age"),
        ({"kinds": {"bonus_birthday": {"days_before": -1}}}, "/kinds/bonus_birthday/days_before"),
        ({"kinds": {"rebook_invitation": {"at": "11:60"}}}, "/kinds/rebook_invitation/at"),
        ({"quiet_hours": True}, "/quiet_hours"),
        ({"quiet_hours": {"from": "24:00"}}, "/quiet_hours/from"),
        ({"quiet_hours": {"from": "9:00"}}, "/quiet_hours/from"),
        ({"quiet_hours": {"from": "09:00", "to": "09:00"}}, "/quiet_hours"),
        ({"channels": ["telegram", "fax"]}, "/channels/1"),
        ({"channels": ["sms", "sms"]}, "/channels"),
        ({"channels": False}, "/channels"),
        ({"fallback_after": False}, "/fallback_after"),
        ({"fallback_after": "two hours"}, "/fallback_after"),
        ({"enabled_since": "2026-11-01T00:00:00"}, "/enabled_since"),
        ({"weekly_limit": 0}, "/weekly_limit"),
        ({"weekly_limit": True}, "/weekly_limit"),
        ({"cashback_percent": 101}, "/cashback_percent"),
        ({"cashback_percent": float("nan")}, "/cashback_percent"),
        ({"birthday_bonus": 2.5}, "/birthday_bonus"),
        ({"staff": False}, "/staff"),
        ({"staff": {"tip": "no"}}, "/staff/tip"),
        ({"templates": {"reminder": {"uk": ""}}}, "/templates/reminder/uk"),
        ({"templates": {"reminder": {"uk": False}}}, "/templates/reminder/uk"),
        ({"templates": {"reminder": {"uk": "Чекаємо [Кличка]"}}}, "/templates/reminder/uk"),
        ({"whatsapp_templates": {"reminder": {"uk": {"sid": "1"}}}}, "/whatsapp_templates/reminder/uk/sid"),
        ({"whatsapp_templates": {"reminder": {"uk": {"variables": ["date"]}}}}, "/whatsapp_templates/reminder/uk/sid"),
        (
            {"whatsapp_templates": {"reminder": {"uk": {"sid": "HX1", "variables": ["pet"]}}}},
            "/whatsapp_templates/reminder/uk/variables/0",
        ),
        (
            {"whatsapp_templates": {"reminder": {"uk": {"sid": "HX1", "buttons": ["yes"]}}}},
            "/whatsapp_templates/reminder/uk/buttons/0",
        ),
    ],
)
def test_a_wrong_value_is_refused_at_its_place(patch: Any, pointer: str) -> None:
    assert list(refused(patch)) == [pointer]


def test_all_that_is_wrong_is_told_at_once() -> None:
    patch = {"remind": 1, "weekly_limit": 0, "kinds": {"reminder": {"before": ["PT1M"], "confirm": "no"}}}
    assert set(refused(patch)) == {"/remind", "/weekly_limit", "/kinds/reminder/before/0", "/kinds/reminder/confirm"}


def test_a_patch_that_is_partly_wrong_says_why_in_words() -> None:
    told = refused({"remind": 1, "kinds": False, "quiet_hours": {"from": "late"}})
    assert told == {
        "/remind": "is not a known field",
        "/kinds": "must be an object",
        "/quiet_hours/from": "must be a time of day like 09:00",
    }


@pytest.mark.parametrize("value", [["sms"], None])
def test_the_order_of_channels_belongs_to_the_business_alone(value: Any) -> None:
    patch = {"channels": value, "kinds": {"reminder": {"channels": value, "confirm": False}}}
    assert set(refused(patch, level="salon")) == {"/channels", "/kinds/reminder/channels"}


def test_a_salon_may_set_all_the_rest() -> None:
    patch = {"quiet_hours": False, "kinds": {"reminder": False}, "staff": {"tip": False}, "weekly_limit": 1}
    assert apply_patch({}, patch, level="salon") == patch


def test_every_limit_itself_is_accepted() -> None:
    patch = {
        "kinds": {"reminder": {"before": ["PT15M", "P30D", "P1W", "P2W", "P3W"]}},
        "weekly_limit": 1,
        "cashback_percent": 100,
        "channels": [],
    }
    assert apply_patch({}, patch, level="business") == patch


def test_what_is_shown_can_be_sent_back() -> None:
    whole = business(kinds={"campaign": {"channels": ["whatsapp"]}}, quiet_hours=False, cashback_percent=5)
    everything = shown(whole, None)
    del everything["own"]
    again = apply_patch({}, everything, level="business")
    assert in_force(business(**again), None) == in_force(whole, None)


def test_the_notify_of_a_booking_is_checked_like_the_settings() -> None:
    assert check_notify({"created": True, "reminders": ["P1D", "PT2H"], "confirm": None}) == {
        "created": True,
        "reminders": ["P1D", "PT2H"],
    }
    assert check_notify({"reminders": []}) == {"reminders": []}
    with pytest.raises(Invalid) as caught:
        check_notify({"reminders": ["P1D", "PT5M"], "confirm": "yes", "silent": True})
    assert {at for at, _ in caught.value.under("/notify").errors} == {
        "/notify/reminders/1",
        "/notify/confirm",
        "/notify/silent",
    }


def test_the_place_of_a_salon_is_its_own_or_the_business_s() -> None:
    whole = Business(business="b", id="b", name="Салон", country="UA")
    branch = Salon(business="b", id="s1", name="Şube", timezone="Europe/Istanbul", language="tr", currency="TRY")
    assert (place(whole, None).zone.key, place(whole, None).language) == ("Europe/Kyiv", "uk")
    found = place(whole, branch)
    assert (found.zone.key, found.language, found.currency, found.country) == ("Europe/Istanbul", "tr", "TRY", "UA")


def test_the_variables_of_templates_are_those_that_texts_know() -> None:
    assert set(VARIABLES) == set(ALIASES)


def test_the_schema_names_every_field_that_is_shown() -> None:
    properties = SettingsPatch.model_json_schema(by_alias=True)["properties"]
    assert set(properties) == set(shown(business(), None)) - {"own"}
