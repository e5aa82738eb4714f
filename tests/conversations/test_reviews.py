"""After a visit the client says how it was, in stars and in words, and the salon hears of it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from bot.playground.telegram_people import User
from handlers.wording import labels
from tests.conversations.staff_room import press
from tests.conversations.world import SALON_BODY, Client, Heard, World

PUBLIC = "https://maps.example/salon"
QUESTION = "Чи все вам сподобалося?"
LOW, HIGH = "Низька оцінка", "Новий відгук"
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(8) + (64).to_bytes(4, "big") * 2

BOTH = pytest.mark.parametrize("database", ["sqlite", "mongodb"], indirect=True)
"""Where two may be faster than one, each store has to show that it keeps them apart; else one has to be enough."""


@pytest.fixture
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database."""
    if getattr(request, "param", "sqlite") == "mongodb":
        return str(request.getfixturevalue("mongodb_emptied"))
    return f"sqlite:///{tmp_path}/vizit.db"


async def rates(anna: Client, stars: int, on: Heard | None = None) -> None:
    """Give stars: a button on Telegram, on WhatsApp a quick reply or a number."""
    if anna.user is not None:
        message = on.wire if on else next(one.wire for one in reversed(anna.heard) if "1 ⭐" in one.titles)
        await anna.user.taps(f"{stars} ⭐", message)
    else:
        assert anna.person is not None
        heard = on or next(one for one in reversed(anna.heard) if asked(one))
        title = labels(f"rate_{stars}", anna.language)
        if title in heard.titles:
            await anna.person.taps(title, heard.wire)
        else:
            await anna.person.says(str(stars), reply_to=heard.wire)
    await anna.stage.quiet()


def asked(heard: Heard) -> bool:
    """Whether a message asks for stars."""
    return "Як ви оцінюєте візит" in heard.text


async def arrived(world: World, **fields: Any) -> None:
    """The client has come, says the booking system."""
    await world.put(status="arrived", **fields)


async def just_asked(world: World) -> Client:
    """A client who was asked this very moment: two hours after the visit began."""
    await world.stage.api.call("PUT", "/salons/s1", {**SALON_BODY, "review_urls": [PUBLIC]})
    anna = await world.client()
    await world.put()
    await world.clock_to("Fri 15:00")
    await arrived(world)
    await world.clock_to("Fri 17:01")
    assert asked(anna.last)
    return anna


async def masters_chat(world: World) -> User:
    """The master's own chat, linked."""
    master = world.stage.telegram.user(9100, "Ірина", "uk")
    body = {"salon": "s1", "master": "m1", "role": "master", "language": "uk"}
    code = await world.stage.api.call("POST", "/staff-chats/links", body)
    await master.says(f"/link {code['code']}")
    await world.stage.quiet()
    return master


def said(anna: Client) -> str:
    """The newest message that thanks for the review; a question may come below it."""
    return next(one.text for one in reversed(anna.heard) if "Дякуємо за відгук!" in one.text)


def told(world: World, head: str) -> list[str]:
    """What the staff's group reads under this headline."""
    return [text for text in world.staff_heard if head in text.splitlines()[0]]


async def review(world: World, id: str = "b-1") -> Any:
    """The review as the API shows it; None where there is none."""
    items = (await world.stage.api.call("GET", "/reviews"))["items"]
    return next((one for one in items if one["booking"] == id), None)


async def test_two_hours_after_the_client_came_stars_are_asked_for(world: World) -> None:
    anna = await world.client()
    await world.put()
    await world.clock_to("Fri 15:00")
    await arrived(world)
    await world.clock_to("Fri 16:59")
    assert not asked(anna.last)
    await world.clock_to("Fri 17:01")
    assert QUESTION in anna.last.text
    if world.channel == "telegram":
        assert [[key["text"] for key in row] for row in anna.last.wire.buttons] == [[f"{n} ⭐" for n in range(1, 6)]]
    else:
        assert anna.last.titles == ["Погано", "Так собі", "Нормально", "Добре", "Чудово"]


@pytest.mark.parametrize("stars", [5, 1])
async def test_the_public_links_go_to_everyone_alike_whatever_the_stars(world: World, stars: int) -> None:
    anna = await just_asked(world)
    await rates(anna, stars)
    assert "⭐" * stars in anna.last.text
    assert "Що нам варто знати?" in anna.last.text
    await anna.says("Чекала пів години")
    assert PUBLIC in said(anna)
    kept = await review(world)
    assert (kept["rating"], kept["text"], kept["client"], kept["master"]) == (stars, "Чекала пів години", "anna", "m1")


async def test_whoever_has_nothing_to_add_is_thanked_too(world: World) -> None:
    anna = await just_asked(world)
    await rates(anna, 4)
    await anna.taps("review_done")
    assert PUBLIC in said(anna)
    await anna.taps("review_done")
    assert sum(PUBLIC in heard.text for heard in anna.heard) == 1


@BOTH
async def test_three_stars_reach_the_staff_at_once_and_the_words_follow(world: World) -> None:
    anna = await just_asked(world)
    await rates(anna, 3)
    (card,) = told(world, LOW)
    assert "3 з 5" in card
    assert "Anna" in card
    await anna.says("Було холодно")
    assert "Було холодно" in world.staff_heard[-1]
    assert not told(world, "Повідомлення від клієнта")


async def test_four_stars_are_told_to_the_master_alone(world: World) -> None:
    master = await masters_chat(world)
    anna = await just_asked(world)
    await rates(anna, 4)
    assert not told(world, LOW) + told(world, HIGH)
    assert "Новий відгук: 4 з 5" in master.messages[-1].text
    await anna.says("Дуже гарно")
    assert "Дуже гарно" in master.messages[-1].text


async def test_another_star_changes_the_review_for_a_day_and_then_no_more(world: World) -> None:
    anna = await just_asked(world)
    question = anna.last
    await rates(anna, 2)
    await rates(anna, 5)
    assert (await review(world))["rating"] == 5
    (card,) = told(world, HIGH) + told(world, LOW)
    assert "5 з 5" in card
    await world.clock_to("Sat 16:59")
    await rates(anna, 4)
    assert (await review(world))["rating"] == 4
    await world.clock_to("Sat 17:05")
    await rates(anna, 1, None if world.channel == "telegram" else question)
    assert (await review(world))["rating"] == 4
    assert "ми вже маємо ваш відгук" in anna.last.text


@BOTH
async def test_the_same_star_twice_at_once_is_one_review_and_one_card(world: World) -> None:
    anna = await just_asked(world)
    question = anna.last
    await asyncio.gather(rates(anna, 1, question), rates(anna, 1, question))
    assert (await review(world))["rating"] == 1
    assert len(told(world, LOW)) == 1


async def test_stars_and_words_in_one_line_are_a_whole_review(world: World) -> None:
    anna = await just_asked(world)
    await anna.says("5, дуже сподобалося!")
    kept = await review(world)
    assert (kept["rating"], kept["text"]) == (5, "дуже сподобалося!")
    assert PUBLIC in said(anna)


async def test_a_photo_belongs_to_the_review(world: World) -> None:
    anna = await just_asked(world)
    await rates(anna, 2)
    if anna.user is not None:
        await anna.user.sends_photo(PICTURE, "Ось що вийшло")
    else:
        assert anna.person is not None
        await anna.person.sends_photo("https://api.twilio.example/Media/ME1", "Ось що вийшло")
    await world.stage.quiet()
    kept = await review(world)
    assert kept["photo"] is True
    assert kept["text"] == "Ось що вийшло"
    assert any("додано фото" in text for text in world.staff_heard)
    if anna.user is not None:
        assert world.group.messages[-1].content["photo"] == anna.user.messages[-2].content["photo"]
    else:
        assert "https://api.twilio.example/Media/ME1" in world.staff_heard[-1]


async def test_a_day_later_words_are_for_the_staff_again(world: World) -> None:
    anna = await just_asked(world)
    await rates(anna, 5)
    await world.clock_to("Sat 17:05")
    await anna.says("Чи працюєте ви в неділю?")
    assert "Чи працюєте ви в неділю?" in world.staff_heard[-1]
    assert (await review(world))["text"] is None


async def test_once_the_words_have_come_the_next_ones_are_for_the_staff(world: World) -> None:
    anna = await just_asked(world)
    await rates(anna, 5)
    await anna.says("Дуже гарно")
    await anna.says("Чи працюєте ви в неділю?")
    assert "Чи працюєте ви в неділю?" in world.staff_heard[-1]
    assert (await review(world))["text"] == "Дуже гарно"


async def test_the_staff_answer_by_replying_and_the_client_reads_it(world: World) -> None:
    anna = await just_asked(world)
    await rates(anna, 1)
    card = next(one for one in reversed(world.group.messages) if LOW in one.text)
    await press(world, "answer_client", card)
    how = world.group.messages[-1]
    assert "Дайте відповідь на це повідомлення" in how.text
    await world.staff.replies(how, "Нам дуже прикро. Запрошуємо на безкоштовну корекцію.")
    await world.stage.quiet()
    assert "Нам дуже прикро" in anna.last.text


async def test_who_is_taken_back_is_not_asked_and_who_comes_after_all_is(world: World) -> None:
    anna = await world.client()
    await world.put()
    await world.clock_to("Fri 15:00")
    await arrived(world)
    await world.put(status="no_show")
    (row,) = await world.timeline(kind="review_request")
    assert (row["status"], row["reason"]) == ("cancelled", "not_arrived")
    await world.clock_to("Fri 18:00")
    assert not asked(anna.last)
    await arrived(world)
    await world.clock_to("Fri 20:05")
    assert asked(anna.last)


async def test_a_star_on_a_visit_that_was_taken_back_counts_for_nothing(world: World) -> None:
    anna = await just_asked(world)
    await world.put(status="no_show")
    await rates(anna, 5)
    assert await review(world) is None
    assert "Ця кнопка вже не діє" in anna.last.text


async def test_nobody_is_asked_twice_within_thirty_days(world: World) -> None:
    anna = await just_asked(world)
    await world.put("b-2", at_="next Mon 10:00")
    await world.clock_to("next Mon 10:00")
    await world.put("b-2", at_="next Mon 10:00", status="arrived")
    (row,) = await world.timeline("b-2", "review_request")
    assert (row["status"], row["reason"]) == ("skipped", "asked_lately")
    await world.clock_to("next Mon 21:00")
    assert not asked(anna.last)


@pytest.mark.parametrize("channel", ["whatsapp"])
async def test_where_nothing_can_be_pressed_a_number_is_the_answer(world: World) -> None:
    ayse = await world.client("clara", "tr")
    await world.put(client=ayse)
    await world.clock_to("Fri 15:00")
    await ayse.says("Merhaba")
    await arrived(world, client=ayse)
    await world.clock_to("Fri 17:01")
    assert "1 – Kötü" in ayse.last.text
    assert "5 – Mükemmel" in ayse.last.text
    await ayse.says("2")
    assert "Değerlendirmeniz: ⭐⭐" in ayse.last.text
    assert "1–5 – yeni değerlendirme" in ayse.last.text
    await ayse.says("mükemmel")
    assert (await review(world))["rating"] == 5
    await ayse.says("6")
    assert any("Yorumunuz için teşekkür ederiz!" in one.text for one in ayse.heard)


async def test_an_erased_person_leaves_the_stars_alone(world: World) -> None:
    anna = await just_asked(world)
    await rates(anna, 2)
    await anna.says("Мене звати Анна")
    await world.stage.api.call("DELETE", "/clients/anna")
    kept = await review(world)
    assert (kept["rating"], kept["text"], kept["client"], kept["photo"]) == (2, None, None, False)
