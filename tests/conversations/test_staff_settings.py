"""What owners do on the go: look at the statistics and at the settings, and switch something on or off."""

from __future__ import annotations

import pytest

from bot.playground.telegram_people import Group, User
from bot.playground.telegram_world import Message
from tests.conversations.staff_room import of_bot
from tests.conversations.world import World


@pytest.fixture
def channel() -> str:
    """Clients of these scenes use Telegram."""
    return "telegram"


async def linked(world: World, role: str, account: int = 9100) -> User:
    """Somebody of the salon, in a private chat of the own."""
    person = world.stage.telegram.user(account, "Власниця", "uk")
    wanted = {"role": role, "language": "uk", **({} if role == "owner" else {"salon": "s1"})}
    code = await world.stage.api.call("POST", "/staff-chats/links", wanted)
    await person.says(f"/link {code['code']}")
    await world.stage.quiet()
    return person


async def asks(world: World, person: User, command: str, chat: Group | None = None) -> Message:
    """What the bot answers to a command."""
    await person.says(command, in_chat=chat)
    await world.stage.quiet()
    return of_bot(chat or person, world)[-1]


async def switches(world: World, owner: User, card: Message, name: str) -> None:
    """Press the switch of something."""
    title = next(title for title in card.titles if title.endswith(name))
    await owner.taps(title, card)
    await world.stage.quiet()


async def in_force(world: World, kind: str) -> bool:
    return bool((await world.stage.api.call("GET", "/settings"))["kinds"][kind]["enabled"])


async def test_the_statistics_of_the_week_count_what_clients_got_and_say_why_not(world: World) -> None:
    anna = await world.client()
    await world.put()
    assert anna.user is not None
    anna.user.chat.bot = "kicked"
    await world.stage.api.call("PATCH", "/settings", {"channels": ["telegram"]})
    await world.put(at_="Sat 12:00")
    told = await asks(world, world.staff, "/stats", world.group)
    lines = told.text.replace("\u00a0", " ").splitlines()
    assert lines[0] == "Повідомлення клієнтам за останні 7 днів"
    assert "Доставлено: 1" in lines
    assert "Не доставлено: 1" in lines
    assert lines[-1].endswith(": 1")
    assert "заблок" in lines[-1]


async def test_another_period_is_one_tap_away_and_stands_in_the_same_message(world: World) -> None:
    await world.client()
    await world.put()
    told = await asks(world, world.staff, "/stats", world.group)
    before = len(world.group.messages)
    await world.staff.taps("Сьогодні", told)
    await world.stage.quiet()
    assert told.text.startswith("Повідомлення клієнтам за сьогодні")
    assert len(world.group.messages) == before
    await world.staff.taps(next(title for title in told.titles if title.startswith("30")), told)
    await world.stage.quiet()
    assert "30" in told.text.splitlines()[0]


async def test_a_chat_of_one_salon_counts_that_salon_alone(world: World) -> None:
    await world.client()
    await world.put()
    await world.stage.api.call("PUT", "/salons/s2", {"name": "Мрія 2"})
    code = await world.stage.api.call("POST", "/staff-chats/links", {"salon": "s2", "language": "uk"})
    other = world.stage.telegram.group("Інший салон", [world.staff])
    await other.add_bot()
    await world.staff.says(f"/link {code['code']}", in_chat=other)
    assert "Їх не було." in (await asks(world, world.staff, "/stats", other)).text


async def test_settings_show_what_is_on_the_reminders_and_the_quiet_hours(world: World) -> None:
    changes = {"kinds": {"booking_changed": {"enabled": False}, "reminder": {"before": ["P2D", "PT3H"]}}}
    await world.stage.api.call("PATCH", "/settings", {**changes, "quiet_hours": {"from": "22:00", "to": "08:30"}})
    owner = await linked(world, "owner")
    said = (await asks(world, owner, "/settings")).text.replace("\u00a0", " ")
    for line in (
        "✅ Нагадування",
        "За скільки до візиту нагадуємо: 2 дні, 3 години",
        "✅ Запит підтвердження",
        "Тихі години: 22:00–08:30",
        "Канали надсилання: Telegram, WhatsApp, SMS, Вручну",
    ):
        assert line in said.splitlines()
    assert sum(line.startswith("🚫") for line in said.splitlines()) == 1


async def test_an_owner_switches_a_kind_off_and_hears_how_many_waiting_messages_that_takes_back(world: World) -> None:
    owner = await linked(world, "owner")
    await world.client()
    await world.put()
    card = await asks(world, owner, "/settings")
    await switches(world, owner, card, "Нагадування")
    assert card.text.startswith("Збережено")
    assert card.text.splitlines()[0].endswith(": 2")
    assert "🚫 Нагадування" in card.text.splitlines()
    assert not await in_force(world, "reminder")
    await world.stage.app.clock.tick("tasks")
    assert [row["reason"] for row in await world.timeline(kind="reminder")] == ["switched_off"] * 2
    await switches(world, owner, card, "Нагадування")
    assert await in_force(world, "reminder")


async def test_an_owner_stops_asking_for_confirmation(world: World) -> None:
    owner = await linked(world, "owner")
    card = await asks(world, owner, "/settings")
    await switches(world, owner, card, "Запит підтвердження")
    assert "🚫 Запит підтвердження" in card.text.splitlines()
    assert not (await world.stage.api.call("GET", "/settings"))["kinds"]["reminder"]["confirm"]


async def test_an_old_switch_pressed_again_changes_nothing(world: World) -> None:
    owner = await linked(world, "owner")
    card = await asks(world, owner, "/settings")
    data = next(one for row in card.buttons for one in row if one["text"].endswith("Нагадування"))["data"]
    for _ in range(2):
        owner._press(card, data, False)
        await world.stage.quiet()
    assert not await in_force(world, "reminder")


async def test_in_the_group_settings_can_be_read_and_not_changed(world: World) -> None:
    said = await asks(world, world.staff, "/settings", world.group)
    assert not said.buttons
    assert "Змінити це може власник в особистому чаті з ботом" in said.text


async def test_an_administrator_reads_the_settings_too_and_only_an_owner_changes_them(world: World) -> None:
    administrator = await linked(world, "administrator", 9200)
    assert not (await asks(world, administrator, "/settings")).buttons


async def test_a_switch_that_was_forwarded_to_somebody_else_does_nothing(world: World) -> None:
    owner = await linked(world, "owner")
    card = await asks(world, owner, "/settings")
    data = card.buttons[0][0]["data"]
    stranger = world.stage.telegram.user(5555, "Stranger", "uk")
    await stranger.start()
    await world.stage.quiet()
    stranger._press(stranger.messages[-1], data, False)
    await world.stage.quiet()
    assert await in_force(world, "booking_created")


async def test_an_owner_of_one_salon_changes_that_salon_alone(world: World) -> None:
    owner = world.stage.telegram.user(9300, "Власник", "uk")
    wanted = {"role": "owner", "salon": "s1", "language": "uk"}
    code = await world.stage.api.call("POST", "/staff-chats/links", wanted)
    await owner.says(f"/link {code['code']}")
    card = await asks(world, owner, "/settings")
    await switches(world, owner, card, "Нагадування")
    assert await in_force(world, "reminder")
    assert not (await world.stage.api.call("GET", "/salons/s1/settings"))["kinds"]["reminder"]["enabled"]


async def test_help_in_an_owners_chat_names_the_commands(world: World) -> None:
    owner = await linked(world, "owner")
    said = (await asks(world, owner, "/help")).text
    assert all(command in said for command in ("/today", "/stats", "/manual", "/settings"))


async def test_a_stranger_who_asks_for_the_settings_sees_none(world: World) -> None:
    stranger = world.stage.telegram.user(5555, "Stranger", "uk")
    assert "Тихі години" not in (await asks(world, stranger, "/settings")).text
