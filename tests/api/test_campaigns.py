"""Mailings over the API: made, previewed, started, stopped, and what they brought."""

from typing import Any

import pytest

from storage.records import Address, CampaignMember, Task
from storage.store import Changes, Put
from tests.api.hands import BUSINESS, Hands

WIN_BACK: dict[str, Any] = {
    "name": "Повернення",
    "audience": {"visits": {"min": 1}, "last_visit": {"to": "2026-10-01"}},
    "texts": {"uk": "[Клієнт], ми сумуємо! Даруємо [Кількість бонусів]: [Посилання]"},
    "bonus": 200,
    "holdout_percent": 0,
}


@pytest.fixture
async def lost(salon: Hands) -> Hands:
    """Two clients who came in September: Anna may be written to in Telegram, Vira has not agreed to offers."""
    for client, consent in (("anna", True), ("vira", None)):
        body = {"name": client.title(), "marketing_consent": consent}
        assert (await salon.put(f"/clients/{client}", body)).status == 201
        visit = {"salon": "s1", "client": {"id": client}, "starts_at": "2026-09-03T12:00:00+03:00", "status": "arrived"}
        assert (await salon.put(f"/bookings/{client}", visit)).status == 201
    chat = Address(business=BUSINESS, id="telegram:7:anna", channel="telegram", address="7", client="anna")
    await salon.store.commit(Changes(puts=(Put(chat),)))
    return salon


async def test_a_mailing_is_made_changed_and_listed(lost: Hands) -> None:
    made = await lost.put("/campaigns/spring", WIN_BACK)
    assert (made.status, made.json["status"], made.json["result"]) == (201, "draft", None)
    assert (await lost.put("/campaigns/spring", WIN_BACK)).status == 200
    changed = await lost.put("/campaigns/spring", {**WIN_BACK, "bonus": None, "promo_code": "ЗИМА"})
    assert (changed.json["bonus"], changed.json["promo_code"]) == (None, "ЗИМА")
    assert [each["id"] for each in (await lost.get("/campaigns")).json["items"]] == ["spring"]
    assert (await lost.get("/campaigns/autumn")).status == 404


async def test_a_preview_tells_before_the_start_whom_it_would_reach(lost: Hands) -> None:
    await lost.put("/campaigns/spring", WIN_BACK)
    seen = (await lost.call("POST", "/campaigns/spring/preview")).json
    assert seen["matched"] == 2
    assert seen["left_out"]["no_consent"] == 1
    assert seen["message"] + seen["holdout"] + sum(seen["left_out"].values()) == 2


async def test_a_mailing_is_started_once_and_stopped(lost: Hands) -> None:
    await lost.put("/campaigns/spring", WIN_BACK)
    begun = await lost.call("POST", "/campaigns/spring/start")
    assert begun.json["status"] == "listing"
    assert (await lost.call("POST", "/campaigns/spring/start")).json == begun.json
    assert await lost.store.count(Task, {"business": BUSINESS, "id": "campaign~spring"}) == {(): 1}
    refused = await lost.put("/campaigns/spring", {**WIN_BACK, "name": "Інше"})
    assert (refused.status, refused.faults) == (422, [""])
    stopped = await lost.call("POST", "/campaigns/spring/stop")
    assert stopped.json["status"] == "stopped"
    assert (await lost.call("POST", "/campaigns/spring/start")).status == 409
    result = (await lost.get("/campaigns/spring")).json["result"]
    assert result["message"]["clients"] == 0
    assert result["summary"]
    assert await lost.store.count(CampaignMember, {"business": BUSINESS}) == {(): 0}


async def test_what_is_wrong_with_a_mailing_is_named(lost: Hands) -> None:
    for wrong, at in (
        ({"texts": {"uk": "[Клієт]"}}, "/texts/uk"),
        ({"texts": {"xx": "Hi"}}, "/texts/xx"),
        ({"holdout_percent": 51}, "/holdout_percent"),
        ({"bonus": 0}, "/bonus"),
        ({"audience": {"birthday_month": 13}}, "/audience/birthday_month"),
        ({"audience": {"shoe_size": 43}}, "/audience/shoe_size"),
        ({"audience": {"last_visit": {"from": "2026-02-30"}}}, "/audience/last_visit/from"),
        ({"name": None}, "/name"),
        ({"starts_at": "tomorrow"}, "/starts_at"),
    ):
        refused = await lost.put("/campaigns/spring", {**WIN_BACK, **wrong})
        assert (refused.status, refused.faults) == (422, [at]), wrong
    assert (await lost.get("/campaigns")).json["items"] == []
