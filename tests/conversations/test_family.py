"""Several people who read one chat: one reminder for all of them, and an answer for each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.playground.cast import SALON
from handlers.wording import labels
from tests.conversations.world import Client, Heard, World, at, plain

CHILDREN = {"oleh": "Oleh", "mia": "Mia"}
BOOKED = (("b-1", "anna", "Fri 15:00"), ("b-2", "oleh", "Fri 15:00"), ("b-3", "mia", "Fri 15:30"))


@pytest.fixture
def database(tmp_path: Path) -> str:
    """One store has to be enough: these are the longest conversations."""
    return f"sqlite:///{tmp_path}/vizit.db"


async def family(world: World, booked: tuple[tuple[str, str, str], ...] = BOOKED, *, language: str = "uk") -> Client:
    """Anna with two children on her phone, each with a visit on Friday."""
    anna = await world.client(language=language)
    for id, name in CHILDREN.items():
        body = {"name": name, "phone": anna.phone, "language": language}
        await world.stage.api.call("PUT", f"/clients/{id}", body)
    if anna.user is not None:
        await anna.user.shares_contact()
        await world.stage.quiet()
    for id, client, when in booked:
        await book(world, id, client, when)
    return anna


async def book(world: World, id: str, client: str, when: str, **fields: Any) -> Any:
    body = {"salon": SALON, "services": ["haircut"], "master": "m1", "client": {"id": client}}
    answer = await world.stage.api.call("PUT", f"/bookings/{id}", {**body, "starts_at": at(when).isoformat(), **fields})
    await world.stage.quiet()
    return answer


async def reminded(world: World, anna: Client, until: str = "Thu 16:00", *, talks: bool = True) -> list[Heard]:
    """What Anna hears until then, after she wrote something (``talks``), so that free text may be sent to her."""
    await world.clock_to("Thu 10:00")
    if talks:
        await anna.says("Добрий день!")
    before = len(anna.heard)
    await world.clock_to(until)
    return anna.heard[before:]


async def ticks(world: World, anna: Client, name: str) -> None:
    """Press the tick of one person on the newest message that has one."""
    assert anna.user is not None
    message = next(one for one in reversed(anna.heard) if any(name in title for title in one.titles))
    title = next(title for title in message.titles if name in title)
    await anna.user.taps(title, message.wire)
    await world.stage.quiet()


async def statuses(world: World) -> dict[str, str]:
    return {id: (await world.booking(id))["status"] for id, _, _ in BOOKED}


async def reminders(world: World, id: str) -> list[tuple[str, str | None]]:
    return [(row["status"], row["reason"]) for row in await world.timeline(id, "reminder")]


async def test_one_reminder_tells_of_everybody(world: World) -> None:
    anna = await family(world)
    (heard,) = await reminded(world, anna)
    for words in ("Anna", "Oleh", "Mia", "15:00", "15:30"):
        assert words in heard.text
    assert anna.offers("confirm_all", heard)


async def test_the_timeline_of_each_booking_says_which_message_told_it(world: World) -> None:
    anna = await family(world)
    await reminded(world, anna)
    rows = {id: (await world.timeline(id, "reminder"))[0] for id, _, _ in BOOKED}
    (leader,) = [row for row in rows.values() if row["status"] != "skipped"]
    assert leader["grouped_with"] is None
    for row in rows.values():
        if row is not leader:
            assert (row["reason"], row["grouped_with"], row["status_reported"]) == ("grouped", leader["id"], None)


async def test_grouped_reminders_count_once(world: World) -> None:
    anna = await family(world)
    await reminded(world, anna)
    query = {"kind": "reminder", "until": "2027-03-05T00:00:00Z"}
    assert (await world.stage.api.call("GET", "/messages/stats", **query))["total"] == 1


async def test_a_typed_yes_confirms_all_as_the_message_says_and_the_staff_hear_of_each(world: World) -> None:
    anna = await family(world)
    (heard,) = await reminded(world, anna)
    assert "напишіть «так»" in heard.text
    staff = len(world.staff_heard)
    await anna.says("Так")
    assert set((await statuses(world)).values()) == {"confirmed"}
    assert world.staff_heads(staff) == ["Візит підтверджено"] * 3
    assert "всі візити підтверджено" in anna.last.text


async def test_one_press_confirms_all(world: World) -> None:
    anna = await family(world)
    await reminded(world, anna)
    await anna.taps("confirm_all")
    assert set((await statuses(world)).values()) == {"confirmed"}


@pytest.mark.parametrize("channel", ["telegram"], indirect=True)
async def test_a_tick_is_for_one_person_and_the_board_shows_it_in_place(world: World) -> None:
    anna = await family(world)
    (board,) = await reminded(world, anna)
    told = len(anna.heard)
    await ticks(world, anna, "Oleh")
    assert await statuses(world) == {"b-1": "booked", "b-2": "confirmed", "b-3": "booked"}
    assert len(anna.heard) == told
    assert "✅ 15:00 — Oleh" in anna.last.text
    assert "▫️ 15:30 — Mia" in anna.last.text
    assert not any("Oleh" in title for title in anna.last.titles)
    await ticks(world, anna, "Mia")
    await ticks(world, anna, "Anna")
    assert set((await statuses(world)).values()) == {"confirmed"}
    assert len(anna.heard) == told
    assert "всі візити підтверджено" in anna.last.text
    assert anna.last.titles == [labels("change", "uk")]
    assert board.text != anna.last.text


@pytest.mark.parametrize("channel", ["telegram"], indirect=True)
async def test_the_rest_is_confirmed_at_once_after_the_first_tick(world: World) -> None:
    anna = await family(world)
    await reminded(world, anna)
    await ticks(world, anna, "Oleh")
    await anna.taps("confirm_all")
    assert set((await statuses(world)).values()) == {"confirmed"}


@pytest.mark.parametrize("channel", ["telegram"], indirect=True)
async def test_one_of_them_is_cancelled_by_the_own_card_and_the_others_stay(world: World) -> None:
    anna = await family(world)
    await reminded(world, anna)
    await anna.taps("change")
    title = next(title for title in anna.last.titles if "Mia" in title)
    assert anna.user is not None
    await anna.user.taps(title, anna.last.wire)
    await world.stage.quiet()
    assert "Mia" in anna.last.text
    await anna.taps("cancel")
    await anna.taps("cancel_yes")
    assert await statuses(world) == {"b-1": "booked", "b-2": "booked", "b-3": "cancelled"}
    await anna.taps("confirm_all")
    assert await statuses(world) == {"b-1": "confirmed", "b-2": "confirmed", "b-3": "cancelled"}
    assert any("❌ 15:30 — Mia" in one.text for one in anna.heard)


@pytest.mark.parametrize("channel", ["whatsapp"], indirect=True)
async def test_one_by_one_lists_the_people_and_each_is_answered_for(world: World) -> None:
    anna = await family(world)
    (heard,) = await reminded(world, anna)
    assert heard.titles == [plain(labels("confirm_all", "uk")), labels("one_by_one", "uk")]
    await anna.says("2")
    line = next(line for line in anna.last.text.splitlines() if "— Mia" in line)
    await anna.says(line.split(" ", 1)[0])
    assert "Mia" in anna.last.text
    await anna.taps("confirm")
    assert await statuses(world) == {"b-1": "booked", "b-2": "booked", "b-3": "confirmed"}


@pytest.mark.parametrize("channel", ["whatsapp"], indirect=True)
async def test_where_there_is_no_template_the_choices_have_numbers(world: World) -> None:
    anna = await family(world, language="tr")
    (heard,) = await reminded(world, anna)
    assert "1 – Hepsini onayla" in heard.text
    assert "2 – Tek tek" in heard.text
    await anna.says("1")
    assert set((await statuses(world)).values()) == {"confirmed"}


@pytest.mark.parametrize("channel", ["whatsapp"], indirect=True)
async def test_outside_of_the_window_and_without_a_template_nobody_is_told_on_this_channel(world: World) -> None:
    anna = await family(world, language="tr")
    assert await reminded(world, anna, talks=False) == []
    for id, _, _ in BOOKED:
        assert ("skipped", "no_template") in await reminders(world, id)


@pytest.mark.parametrize("channel", ["whatsapp"], indirect=True)
async def test_outside_of_the_window_an_approved_template_carries_all_of_them(world: World) -> None:
    anna = await family(world)
    (heard,) = await reminded(world, anna, talks=False)
    assert heard.titles == [plain(labels("confirm_all", "uk")), labels("one_by_one", "uk")]
    assert "Mia — 15:30" in heard.text
    await anna.taps("confirm_all")
    assert set((await statuses(world)).values()) == {"confirmed"}


async def test_a_visit_that_was_moved_in_between_is_told_by_itself(world: World) -> None:
    anna = await family(world)
    await world.clock_to("Thu 14:59")
    await book(world, "b-3", "mia", "Sat 12:00")
    (heard,) = await reminded(world, anna)
    assert "Oleh" in heard.text
    assert "Mia" not in heard.text
    before = len(anna.heard)
    await world.clock_to("Fri 12:00")
    told = "\n".join(one.text for one in anna.heard[before:])
    assert "12:00" in told


@pytest.mark.parametrize("gone", ["b-1", "b-2", "b-3"])
async def test_whoever_cancels_takes_no_reminder_of_the_others(world: World, gone: str) -> None:
    anna = await family(world)
    await world.clock_to("Thu 14:00")
    client, when = next((client, when) for id, client, when in BOOKED if id == gone)
    await book(world, gone, client, when, status="cancelled")
    (heard,) = await reminded(world, anna)
    names = {"b-1": "Anna", "b-2": "Oleh", "b-3": "Mia"}
    assert names.pop(gone) not in heard.text
    assert all(name in heard.text for name in names.values())


async def test_a_visit_that_moved_after_the_reminder_is_not_confirmed_by_the_old_message(world: World) -> None:
    anna = await family(world)
    await reminded(world, anna)
    settings = {"kinds": {"booking_changed": {"enabled": False}}}
    await world.stage.api.call("PATCH", "/settings", settings)
    await book(world, "b-3", "mia", "Sat 12:00")
    await anna.taps("confirm_all", next(one for one in reversed(anna.heard) if "Oleh" in one.text))
    assert await statuses(world) == {"b-1": "confirmed", "b-2": "confirmed", "b-3": "booked"}
    assert any("12:00" in one.text for one in anna.heard[-2:])


async def test_a_setting_that_changes_afterwards_reminds_nobody_again(world: World) -> None:
    anna = await family(world)
    await reminded(world, anna)
    told = len(anna.heard)
    await world.stage.api.call("PATCH", "/settings", {"kinds": {"reminder": {"before": ["P1D", "PT2H"]}}})
    await world.clock_to("Thu 20:00")
    assert len(anna.heard) == told
    assert [row for row in await reminders(world, "b-3") if row == ("skipped", "grouped")]


async def test_a_new_visit_of_one_of_them_that_moves_is_reminded_of_anew(world: World) -> None:
    anna = await family(world)
    await reminded(world, anna)
    await book(world, "b-3", "mia", "Sat 15:00")
    before = len(anna.heard)
    await world.clock_to("Fri 15:00")
    assert any("Mia" in one.text or "15:00" in one.text for one in anna.heard[before:])
    told, again = [row for row in await world.timeline("b-3", "reminder") if row["status"] != "planned"][::2]
    assert told["reason"] == "grouped"
    assert again["status_reported"] == "delivered"


async def test_visits_in_two_salons_are_told_apart(world: World) -> None:
    anna = await family(world, BOOKED[:1])
    await world.stage.api.call("PUT", "/salons/s2", {"name": "Мрія 2"})
    await book(world, "b-2", "oleh", "Fri 15:00", salon="s2", master=None)
    assert len(await reminded(world, anna)) == 2


async def test_visits_on_two_days_or_far_apart_are_told_apart(world: World) -> None:
    anna = await family(world, (BOOKED[0], ("b-2", "oleh", "Fri 17:01")))
    assert len(await reminded(world, anna, "Thu 18:00")) == 2


async def test_reminders_of_other_leads_are_told_apart(world: World) -> None:
    anna = await family(world, BOOKED[:1])
    await book(world, "b-2", "oleh", "Fri 15:00", notify={"reminders": ["PT24H"]})
    assert len(await reminded(world, anna)) == 2


async def test_a_restart_in_between_loses_and_repeats_nothing(world: World) -> None:
    anna = await family(world)
    await world.clock_to("Thu 14:00")
    await anna.says("Добрий день!")
    before = len(anna.heard)
    await world.stage.power_cut(lasts=70 * 60_000)
    (heard,) = anna.heard[before:]
    assert all(name in heard.text for name in ("Anna", "Oleh", "Mia"))
    await world.stage.power_cut(lasts=60_000)
    assert len(anna.heard) == before + 1


@pytest.mark.parametrize("channel", ["telegram"], indirect=True)
async def test_a_child_without_a_phone_and_a_mother_with_one_read_one_chat(world: World) -> None:
    anna = await world.client(linked=False)
    assert anna.user is not None
    await anna.user.start()
    await anna.user.shares_contact()
    await world.stage.api.call("PUT", "/clients/mia", {"name": "Mia", "language": "uk"})
    link = await world.stage.api.call("POST", "/clients/mia/links", {})
    await anna.user.start(link["url"].partition("start=")[2])
    await world.stage.quiet()
    await book(world, "b-1", "anna", "Fri 15:00")
    await book(world, "b-2", "mia", "Fri 15:30")
    (heard,) = await reminded(world, anna)
    assert "Anna" in heard.text
    assert "Mia" in heard.text
    await ticks(world, anna, "Mia")
    assert (await world.booking("b-2"))["status"] == "confirmed"
    assert (await world.booking("b-1"))["status"] == "booked"


@pytest.mark.parametrize("channel", ["telegram"], indirect=True)
async def test_ten_minutes_late_is_said_of_all_whose_visits_begin_then(world: World) -> None:
    anna = await family(world)
    await reminded(world, anna)
    await anna.taps("confirm_all")
    told = len(world.staff_heard)
    await world.clock_to("Fri 14:00")
    assert "Mia" in anna.last.text
    reminder = anna.last
    await anna.taps("late", reminder)
    assert "На імʼя: Anna, Oleh" in anna.last.text
    cards = [text for text in world.staff_heard[told:] if "запізнюється" in text]
    assert sorted("Oleh" in text for text in cards) == [False, True]
    assert not any("Клієнт: Mia" in text for text in cards)
    await anna.taps("late", reminder)
    assert len([text for text in world.staff_heard[told:] if "запізнюється" in text]) == 2


async def test_two_visits_of_one_person_are_one_message_that_names_nobody(world: World) -> None:
    anna = await world.client()
    await book(world, "b-1", "anna", "Fri 15:00")
    await book(world, "b-2", "anna", "Fri 16:00")
    (heard,) = await reminded(world, anna)
    assert "15:00" in heard.text
    assert "16:00" in heard.text
    assert "Anna" not in heard.text or "Anna — 15:00, 16:00" in heard.text
    assert ("skipped", "grouped") in await reminders(world, "b-2")
    await anna.taps("confirm_all")
    assert [(await world.booking(id))["status"] for id in ("b-1", "b-2")] == ["confirmed", "confirmed"]


@pytest.mark.parametrize("channel", ["telegram"], indirect=True)
async def test_of_two_visits_of_one_person_each_has_a_tick_with_its_time(world: World) -> None:
    anna = await world.client()
    await book(world, "b-1", "anna", "Fri 15:00")
    await book(world, "b-2", "anna", "Fri 16:00")
    await reminded(world, anna)
    await ticks(world, anna, "16:00")
    assert [(await world.booking(id))["status"] for id in ("b-1", "b-2")] == ["booked", "confirmed"]
    assert "✅ 16:00" in anna.last.text


@pytest.mark.parametrize("channel", ["telegram"], indirect=True)
async def test_where_telegram_is_shut_the_whole_message_goes_by_whatsapp(world: World) -> None:
    anna = await family(world)
    person = world.stage.twilio.person(anna.phone, "Anna")
    await world.clock_to("Thu 14:00")
    await person.says("Добрий день!")
    await world.stage.quiet()
    assert anna.user is not None
    await anna.user.blocks()
    await world.stage.quiet()
    before = len([one for one in person.messages if one.direction != "inbound"])
    await world.clock_to("Thu 16:00")
    told = [one.body for one in person.messages if one.direction != "inbound"][before:]
    assert len(told) == 1
    assert all(name in told[0] for name in ("Anna", "Oleh", "Mia"))
