"""Businesses, salons, masters and services: made, replaced, and put again without effect."""

from typing import Any

import pytest

from storage.records import Task
from tests.api.hands import BUSINESS, Hands


async def test_a_business_has_its_defaults(bare: Hands) -> None:
    reply = await bare.admin("PUT", "/businesses/b", {"name": " Краса "})
    assert reply.status == 201
    assert reply.json == {
        "id": "b",
        "name": "Краса",
        "country": None,
        "language": "uk",
        "timezone": "Europe/Kyiv",
        "currency": "UAH",
        "created_at": "2026-11-20T10:00:00.000Z",
        "revision": 1,
    }
    assert (await bare.admin("GET", "/businesses/b")).json == reply.json


async def test_an_unknown_business_is_404(bare: Hands) -> None:
    for method, path in (("GET", "/businesses/b"), ("POST", "/businesses/b/keys"), ("GET", "/businesses/b/keys")):
        assert (await bare.admin(method, path)).status == 404


PUTS: list[tuple[str, dict[str, Any]]] = [
    (
        "/salons/s2",
        {
            "name": "Салон",
            "legal_name": "ФОП Коваль",
            "short_name": "С",
            "country": "TR",
            "timezone": "Europe/Istanbul",
            "language": "tr",
            "currency": "TRY",
            "address": "вул. Ярославів Вал, 1",
            "phone": "+905321234567",
            "booking_url": "https://salon.example/book",
            "map_url": "https://maps.example/?q=1",
            "review_urls": ["https://reviews.example/1", "https://reviews.example/2"],
        },
    ),
    (
        "/masters/m2",
        {"salon": "s1", "name": "Ірина", "phone": "+380501234567", "tip_url": "https://t.example", "language": "ru"},
    ),
    (
        "/services/color",
        {
            "name": "Фарбування",
            "duration": "PT2H30M",
            "price": {"amount": "1250.50", "currency": "UAH"},
            "rebook_after": "P1M",
            "note": {"uk": "Без макіяжу", "en": "No make-up"},
        },
    ),
    ("/clients/c1", {"name": "Олена", "first_name": "Олена", "birthday": "1990-03-14", "source": "instagram"}),
]


@pytest.mark.parametrize(("path", "body"), PUTS, ids=[path for path, _ in PUTS])
async def test_what_is_put_is_what_is_read(salon: Hands, path: str, body: dict[str, Any]) -> None:
    made = await salon.put(path, body)
    assert made.status == 201
    assert {name: made.json[name] for name in body} == body
    assert made.json["revision"] == 1
    assert (await salon.get(path)).json == made.json


@pytest.mark.parametrize(("path", "body"), PUTS, ids=[path for path, _ in PUTS])
async def test_the_same_put_again_changes_nothing(salon: Hands, path: str, body: dict[str, Any]) -> None:
    made = await salon.put(path, body)
    again = await salon.put(path, {**body, "name": f"  {body['name']} "})
    assert (again.status, again.json) == (200, made.json)


@pytest.mark.parametrize(("path", "body"), PUTS, ids=[path for path, _ in PUTS])
async def test_a_put_replaces_the_whole(salon: Hands, path: str, body: dict[str, Any]) -> None:
    await salon.put(path, body)
    short = {"name": "Нове", **({"salon": "s1"} if "salon" in body else {})}
    reply = await salon.put(path, short)
    assert (reply.status, reply.json["revision"], reply.json["name"]) == (200, 2, "Нове")
    for name in set(body) - set(short):
        assert not reply.json[name]


@pytest.mark.parametrize(("path", "body"), PUTS, ids=[path for path, _ in PUTS])
async def test_a_list_holds_what_was_put(salon: Hands, path: str, body: dict[str, Any]) -> None:
    made = await salon.put(path, body)
    listed = await salon.get(path.rpartition("/")[0])
    assert made.json in listed.json["items"]


@pytest.mark.parametrize(
    ("written", "kept"),
    [("ua", "uk"), ("uk-UA", "uk"), ("uk_UA", "uk"), ("TR", "tr"), ("ru-RU", "ru"), ("en-GB", "en")],
)
async def test_languages_are_understood_as_people_write_them(api: Hands, written: str, kept: str) -> None:
    assert (await api.put("/salons/s1", {"name": "x", "language": written})).json["language"] == kept


@pytest.mark.parametrize(
    ("body", "at"),
    [
        ({"name": ""}, "/name"),
        ({"name": "   "}, "/name"),
        ({"name": "x" * 201}, "/name"),
        ({"name": "a\u0000b"}, "/name"),
        ({"name": 5}, "/name"),
        ({"name": "x", "language": "de"}, "/language"),
        ({"name": "x", "language": ""}, "/language"),
        ({"name": "x", "timezone": "Europe/Nowhere"}, "/timezone"),
        ({"name": "x", "timezone": "../../etc/passwd"}, "/timezone"),
        ({"name": "x", "timezone": "Europe"}, "/timezone"),
        ({"name": "x", "timezone": ""}, "/timezone"),
        ({"name": "x", "country": "UKR"}, "/country"),
        ({"name": "x", "country": "XX"}, "/country"),
        ({"name": "x", "currency": "XYZ"}, "/currency"),
        ({"name": "x", "phone": "12"}, "/phone"),
        ({"name": "x", "booking_url": "salon.example"}, "/booking_url"),
        ({"name": "x", "booking_url": "javascript:alert(1)"}, "/booking_url"),
        ({"name": "x", "booking_url": "https://[::1"}, "/booking_url"),
        ({"name": "x", "review_urls": ["https://a.example", "ftp://b"]}, "/review_urls/1"),
        ({"name": "x", "settings": {}}, "/settings"),
    ],
)
async def test_wrong_content_of_a_salon_is_422_at_its_place(api: Hands, body: dict[str, Any], at: str) -> None:
    reply = await api.put("/salons/s1", body)
    assert (reply.status, reply.faults) == (422, [at])
    assert (await api.get("/salons/s1")).status == 404


@pytest.mark.parametrize(
    ("body", "at"),
    [
        ({"duration": "1 hour"}, "/duration"),
        ({"duration": "PT0M"}, "/duration"),
        ({"duration": "P1M"}, "/duration"),
        ({"rebook_after": "PT1H"}, "/rebook_after"),
        ({"price": {"amount": 450, "currency": "UAH"}}, "/price/amount"),
        ({"price": {"amount": "450.001", "currency": "UAH"}}, "/price/amount"),
        ({"price": {"amount": "-1", "currency": "UAH"}}, "/price/amount"),
        ({"price": {"amount": "1e3", "currency": "UAH"}}, "/price/amount"),
        ({"price": {"amount": "450"}}, "/price/currency"),
        ({"note": {"de": "x"}}, "/note/de"),
        ({"note": {"uk": 1}}, "/note/uk"),
    ],
)
async def test_wrong_content_of_a_service_is_422_at_its_place(api: Hands, body: dict[str, Any], at: str) -> None:
    reply = await api.put("/services/x", {"name": "x", **body})
    assert (reply.status, reply.faults) == (422, [at])


@pytest.mark.parametrize(
    ("amount", "shown"), [("450", "450.00"), ("450.5", "450.50"), ("0", "0.00"), ("0.05", "0.05"), ("007", "7.00")]
)
async def test_money_keeps_its_hundredths(api: Hands, amount: str, shown: str) -> None:
    reply = await api.put("/services/x", {"name": "x", "price": {"amount": amount, "currency": "uah"}})
    assert reply.json["price"] == {"amount": shown, "currency": "UAH"}


async def test_a_duration_has_one_way_to_be_written(api: Hands) -> None:
    made = await api.put("/services/x", {"name": "x", "duration": "PT90M", "rebook_after": "P6W"})
    assert (made.json["duration"], made.json["rebook_after"]) == ("PT1H30M", "P42D")
    assert (
        await api.put("/services/x", {"name": "x", "duration": "PT1H30M", "rebook_after": "P42D"})
    ).json == made.json


async def test_a_master_needs_a_salon_that_exists(salon: Hands) -> None:
    reply = await salon.put("/masters/m9", {"salon": "nowhere", "name": "x"})
    assert (reply.status, reply.faults) == (422, ["/salon"])
    assert (await salon.put("/masters/m9", {"name": "x"})).faults == ["/salon"]


async def test_a_phone_is_read_as_in_the_salons_country_else_the_businesss(api: Hands) -> None:
    assert (await api.put("/salons/kyiv", {"name": "x", "phone": "044 123 45 67"})).json["phone"] == "+380441234567"
    istanbul = {"name": "x", "country": "TR", "phone": "0532 123 45 67"}
    assert (await api.put("/salons/istanbul", istanbul)).json["phone"] == "+905321234567"
    master = {"name": "x", "salon": "istanbul", "phone": "0532 765 43 21"}
    assert (await api.put("/masters/m", master)).json["phone"] == "+905327654321"


async def test_a_new_zone_plans_anew_and_a_new_name_does_not(salon: Hands) -> None:
    await salon.put("/salons/s1", {"name": "Інша назва"})
    assert await salon.store.find(Task, {"business": BUSINESS}) == []
    await salon.put("/salons/s1", {"name": "Інша назва", "timezone": "Asia/Almaty"})
    (task,) = await salon.store.find(Task, {"business": BUSINESS})
    assert (task.kind, task.params) == ("replan", {"salon": "s1"})


async def test_settings_show_what_is_in_force_and_what_is_ones_own(salon: Hands) -> None:
    reply = await salon.call(
        "PATCH", "/settings", {"fallback_after": "PT1H", "kinds": {"reminder": {"confirm": False}}}
    )
    assert reply.status == 200
    assert reply.json["own"] == {"fallback_after": "PT1H", "kinds": {"reminder": {"confirm": False}}}
    assert reply.json["undelivered_after"] == "PT24H"
    inherited = (await salon.get("/salons/s1/settings")).json
    assert (inherited["fallback_after"], inherited["own"]) == ("PT1H", {})
    own = await salon.call("PATCH", "/salons/s1/settings", {"fallback_after": "PT3H"})
    assert (own.json["fallback_after"], own.json["own"]) == ("PT3H", {"fallback_after": "PT3H"})
    back = await salon.call("PATCH", "/salons/s1/settings", {"fallback_after": None})
    assert (back.json["fallback_after"], back.json["own"]) == ("PT1H", {})


async def test_changed_settings_plan_anew_in_the_background(salon: Hands) -> None:
    await salon.call("PATCH", "/settings", {"fallback_after": "PT1H"})
    await salon.call("PATCH", "/settings", {"fallback_after": "PT1H"})
    await salon.call("PATCH", "/salons/s1/settings", {"fallback_after": "PT3H"})
    tasks = await salon.store.find(Task, {"business": BUSINESS})
    assert sorted(task.params.get("salon", "") for task in tasks) == ["", "s1"]


@pytest.mark.parametrize(
    ("path", "patch", "at"),
    [
        ("/settings", {"nothing": 1}, "/nothing"),
        ("/settings", {"fallback_after": "soon"}, "/fallback_after"),
        ("/settings", {"kinds": {"reminder": {"before": ["PT1M"]}}}, "/kinds/reminder/before/0"),
        ("/settings", {"enabled_since": "9999-12-31T23:59:59-01:00"}, "/enabled_since"),
        ("/salons/s1/settings", {"channels": ["telegram"]}, "/channels"),
        ("/settings", [], ""),
    ],
)
async def test_wrong_settings_are_422_at_their_place(salon: Hands, path: str, patch: Any, at: str) -> None:
    reply = await salon.call("PATCH", path, patch)
    assert (reply.status, reply.faults) == (422, [at])


async def test_settings_survive_a_put_of_their_salon_and_business(salon: Hands) -> None:
    await salon.call("PATCH", "/settings", {"fallback_after": "PT1H"})
    await salon.call("PATCH", "/salons/s1/settings", {"weekly_limit": False})
    await salon.admin("PUT", f"/businesses/{BUSINESS}", {"name": "Нова"})
    await salon.put("/salons/s1", {"name": "Нова"})
    settings = (await salon.get("/salons/s1/settings")).json
    assert (settings["fallback_after"], settings["weekly_limit"]) == ("PT1H", False)


@pytest.mark.parametrize("kind", ["salons", "masters", "services", "clients", "bookings", "staff-chats"])
async def test_what_was_never_put_is_404(api: Hands, kind: str) -> None:
    assert (await api.get(f"/{kind}/nothing")).status == 404
