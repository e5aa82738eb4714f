"""The settings as a form: what is inherited, what is set, what is refused, and what a change does to waiting messages."""

from __future__ import annotations

import re
from typing import Any

import pytest

from handlers.replan import replan_part
from handlers.settings import in_force
from handlers.tenants import patch_business_settings, patch_salon_settings
from storage.records import Business, Message, Salon, Task
from tests.console.forms import filled
from tests.console.room import Room
from tests.support.pages import Answer

REMINDER = "kinds.reminder"


async def change(room: Room, path: str = "settings", do: str = "save", **fields: str | list[str]) -> Answer:
    """Change these fields of the form and press a button; the page that comes of it."""
    page = await room.ask(path)
    data = [*filled(page.text, "settings", **fields), ("do", do)]
    answer = await room.ask(path, "POST", data=data)
    return await room.ask(room.url + answer.headers["Location"]) if answer.status == 303 else answer


async def own(room: Room, salon: str | None = None) -> Any:
    """What is set at one level."""
    if salon is None:
        return (await room.now_business()).settings
    found = await room.desk.store.get(Salon, "mriya", salon)
    assert found is not None
    return found.settings


def number(answer: Answer) -> int:
    """How many messages the notice speaks of."""
    found = re.search(r'class="notice" role="status">[^<]*: (\d+)', answer.text)
    assert found is not None, answer.words
    return int(found[1])


async def replan(room: Room) -> None:
    """Do what is done in the background after a change."""
    for task in await room.desk.store.find(Task, {}, order=("next_at", "id")):
        assert await replan_part(room.desk, task) is None


async def waiting(room: Room) -> dict[str, tuple[str, int]]:
    """State and time of every message to clients."""
    rows = await room.desk.store.find(Message, {"business": "mriya", "staff_chat": None}, order=("due_at", "id"))
    return {row.id: (row.status, row.due_at) for row in rows}


async def test_saving_a_form_that_nobody_touched_sets_nothing(busy: Room) -> None:
    for path, salon in (("settings", None), ("settings/s1", "s1")):
        assert number(await change(busy, path)) == 0
        assert await own(busy, salon) == {}


SETTINGS: tuple[dict[str, Any], ...] = (
    {"kinds": {"reminder": {"before": ["P2D", "PT90M"], "confirm": False}}},
    {"kinds": {"reminder": {"enabled": False}, "booking_created": {"for": ["client"]}}},
    {"quiet_hours": False, "weekly_limit": False, "cashback_percent": 2.5, "birthday_bonus": 100},
    {"quiet_hours": {"from": "22:30", "to": "08:15"}, "staff": {"tip": False}, "staff_cards": {"evening": False}},
    {"kinds": {"booking_changed": {"ignore_shift_under": False}, "rebook_invitation": {"at": "12:45"}}},
    {"kinds": {"reminder": {"before": []}, "bonus_birthday": {"days_before": 7}}, "fallback_after": "PT3H"},
)


@pytest.mark.parametrize("settings", SETTINGS)
async def test_a_form_shows_what_is_set_and_saving_it_again_keeps_it(room: Room, settings: dict[str, Any]) -> None:
    await room.enter()
    await patch_business_settings(room.desk, room.business, settings)
    before = in_force(await room.now_business(), None)
    await change(room)
    assert in_force(await room.now_business(), None) == before
    salon = await room.desk.store.get(Salon, "mriya", "s1")
    assert salon is not None
    await patch_salon_settings(room.desk, salon, settings)
    await change(room, "settings/s1")
    assert await own(room, "s1") != {}
    after = await room.desk.store.get(Salon, "mriya", "s1")
    assert in_force(await room.now_business(), after) == before


async def test_a_whole_kind_that_was_switched_off_shows_as_off_and_can_be_switched_on(room: Room) -> None:
    await room.enter()
    await patch_business_settings(room.desk, room.business, {"kinds": {"reminder": False}})
    page = await room.ask("settings")
    assert ("kinds.reminder.enabled", "off") in filled(page.text, "settings")
    await change(room, **{f"{REMINDER}.enabled": ""})
    assert in_force(await room.now_business(), None).kinds["reminder"].enabled


async def test_number_and_time_of_reminders_are_chosen(busy: Room) -> None:
    await change(busy, **{f"{REMINDER}.before": "own", f"{REMINDER}.before.value": ["PT2H", "P3D", "", "", ""]})
    assert (await own(busy))["kinds"]["reminder"] == {"before": ["PT2H", "P3D"]}


async def test_a_salon_shows_what_it_inherits_and_goes_back_to_it(busy: Room) -> None:
    await change(busy, quiet_hours="own", **{"quiet_hours.from": "22:00", "quiet_hours.to": "08:00"})
    assert "Як у всьому закладі: 22:00–08:00" in (await busy.ask("settings/s1")).words
    await change(busy, "settings/s1", quiet_hours="off")
    assert await own(busy, "s1") == {"quiet_hours": False}
    await change(busy, "settings/s1", quiet_hours="")
    assert await own(busy, "s1") == {}


async def test_what_a_change_does_is_said_before_and_after_and_is_what_happens(busy: Room) -> None:
    before = await waiting(busy)
    off = {f"{REMINDER}.enabled": "off"}
    look = await change(busy, do="look", **off)
    assert await own(busy) == {}
    assert await waiting(busy) == before
    assert (f"{REMINDER}.enabled", "off") in filled(look.text, "settings")
    saved = await change(busy, **off)
    await replan(busy)
    after = await waiting(busy)
    changed = [id for id in after if after[id] != before.get(id)]
    assert number(look) == number(saved) == len(changed) > 0


async def test_a_change_of_one_salon_touches_only_its_messages(busy: Room) -> None:
    all_ = number(await change(busy, do="look", **{f"{REMINDER}.enabled": "off"}))
    one = number(await change(busy, "settings/s2", do="look", **{f"{REMINDER}.enabled": "off"}))
    assert 0 < one < all_


@pytest.mark.parametrize(
    "wrong",
    [
        {"quiet_hours": "own", "quiet_hours.from": "09:00", "quiet_hours.to": "09:00"},
        {"quiet_hours": "own", "quiet_hours.from": "", "quiet_hours.to": "25:00"},
        {"weekly_limit": "own", "weekly_limit.value": "many"},
        {"cashback_percent": "own", "cashback_percent.value": "150"},
        {"kinds.rebook_invitation.at": "own", "kinds.rebook_invitation.at.value": "noon"},
        {"fallback_after": "P900D"},
        {"kinds.booking_created.for": "everybody"},
    ],
)
async def test_what_cannot_be_is_refused_and_named_and_nothing_is_saved(busy: Room, wrong: dict[str, str]) -> None:
    answer = await change(busy, **wrong, **{f"{REMINDER}.enabled": "off"})
    assert answer.status == 422
    assert "Нічого не збережено" in answer.words
    assert await own(busy) == {}


async def test_the_language_of_messages_is_chosen_for_business_and_salon(busy: Room) -> None:
    await change(busy, language="tr")
    await change(busy, "settings/s2", language="ru")
    business = await busy.now_business()
    salon = await busy.desk.store.get(Salon, "mriya", "s2")
    assert isinstance(business, Business)
    assert salon is not None
    assert (business.language, salon.language, salon.address) == ("tr", "ru", "вул. Хорива, 12")
    await change(busy, "settings/s2", language="")
    salon = await busy.desk.store.get(Salon, "mriya", "s2")
    assert salon is not None
    assert salon.language is None


async def test_settings_belong_to_the_owner(busy: Room) -> None:
    await busy.enter_as("administrator", salon="s1")
    for path in ("settings", "settings/s1"):
        assert (await busy.ask(path)).status == 404
        form = (await busy.ask("")).field("form")
        assert (await busy.ask(path, "POST", data={"form": form, "do": "save"})).status == 404
