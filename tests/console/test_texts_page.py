"""Owners' texts on the console: the ready one, the preview, what is refused, the way back, and how a text came to be."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest

from bot.console.texts import EDITABLE, LONGEST
from handlers import tenants
from handlers.console_texts import CHANNELS, previews, ready, staged
from handlers.i18n import LANGUAGES
from handlers.segments import segments
from handlers.settings_schema import VARIABLES
from handlers.templates import ALIASES, faults
from storage.records import Message, Salon, TextVersion
from tests.console.room import HOSTILE, Room
from tests.support.pages import Answer
from tests.test_templates import PAYLOADS

OWN = "Чекаємо вас: [Дата], [Час]. [Салон]"
PATH = "texts/reminder"


async def press(room: Room, do: str, text: str = OWN, path: str = PATH, **fields: str) -> Answer:
    """Press a button of the page with this text typed."""
    return await room.post(path, on=f"{path}?language=uk", text=text, do=do, **{"language": "uk", **fields})


async def stored(room: Room) -> Any:
    """The business's own texts."""
    return (await room.now_business()).settings.get("templates", {})


def bubbles(page: Answer) -> list[str]:
    """The text of each preview, in order: Telegram, WhatsApp, SMS."""
    looks = page.text.partition('<div class="looks">')[2].partition("</section>")[0]
    return [html.unescape(one) for one in re.findall(r'<p class="bubble said"[^>]*>(.*?)</p>', looks, re.DOTALL)]


def area(page: Answer) -> str:
    """What stands in the field."""
    found = re.search(r"<textarea[^>]*>(.*?)</textarea>", page.text, re.DOTALL)
    assert found is not None
    return html.unescape(found[1])


async def test_a_text_is_looked_at_saved_and_sent_with_a_real_visit(busy: Room) -> None:
    look = await press(busy, "look")
    assert await stored(busy) == {}
    telegram, whatsapp, sms = bubbles(look)
    assert telegram == "Чекаємо вас: четвер, 26 листопада, 14:00. Салон «Мрія»"
    assert whatsapp.startswith(telegram)
    assert sms.startswith("Чекаємо вас:")
    assert f"Частин SMS: {segments(sms)}" in look.words
    assert "✅ Підтверджую" in look.words
    done = await press(busy, "save")
    assert "надсилається цей текст" in done.words
    assert await stored(busy) == {"reminder": {"uk": OWN}}
    assert bubbles(done) == bubbles(look)


async def test_another_visit_can_be_chosen_for_the_preview(busy: Room) -> None:
    page = await press(busy, "look", "[Клієнт] [Час]", visit="b3")
    assert bubbles(page)[0] == "Ирина Соколова 16:00"
    assert 'value="b3" selected' in page.text
    strange = await press(busy, "look", "[Клієнт]", visit="no such visit")
    assert bubbles(strange)[0] == "Олена"


async def test_without_any_visit_one_is_invented(room: Room) -> None:
    await room.enter()
    page = await press(room, "look", "[Клієнт], [Послуга], [Майстер], [Салон]")
    assert bubbles(page)[0] == "Олена, Брови, Наталія, Салон «Мрія»"


async def test_a_wrong_variable_is_named_with_the_nearest_right_one_and_nothing_is_lost(busy: Room) -> None:
    text = "Чекаємо [Датта] о [Час], [Qqqqq] {x}"
    page = await press(busy, "save", text)
    assert page.status == 422
    assert "[Датта] — не змінна. Можливо, [Дата]?" in page.words
    assert "[Qqqqq] — не змінна." in page.words
    assert "{x}" in page.words
    assert area(page) == text
    assert await stored(busy) == {}


@pytest.mark.parametrize("text", PAYLOADS)
async def test_what_tries_to_break_out_is_neither_saved_nor_does_it_do_anything_on_the_page(
    busy: Room, text: str
) -> None:
    page = await press(busy, "save", f"Візит {text}")
    assert page.status == 422
    assert await stored(busy) == {}
    assert "<script>alert" not in page.text
    assert "onerror=alert(1)>" not in page.text
    typed = await press(busy, "look", f"Візит {text}")
    assert area(typed) == f"Візит {text}".strip()


@pytest.mark.parametrize("text", ["", "   ", "ж" * (LONGEST + 1)])
async def test_an_empty_or_endless_text_is_refused(busy: Room, text: str) -> None:
    assert (await press(busy, "save", text)).status == 422
    assert await stored(busy) == {}


async def test_names_that_look_like_pages_are_shown_as_they_are(busy: Room) -> None:
    page = await press(busy, "look", "[Клієнт]", visit="b4")
    assert bubbles(page)[0] == HOSTILE
    assert "<script>alert" not in page.text


@pytest.mark.parametrize("language", LANGUAGES)
async def test_variables_are_named_in_the_owners_language_and_every_languages_names_are_understood(
    busy: Room, language: str
) -> None:
    await busy.post("sessions/language", language=language)
    page = await busy.ask(PATH)
    for name in VARIABLES:
        assert f'data-insert="[{ALIASES[name][language][0]}]"' in page.text
    text = " ".join(f"[{aliases[language][0]}]" for aliases in ALIASES.values())
    assert (await press(busy, "save", text)).status == 200


async def test_without_scripts_a_variable_goes_to_the_end_of_the_text(busy: Room) -> None:
    assert area(await press(busy, "insert:time", "Чекаємо о ")) == "Чекаємо о[Час]"
    assert area(await press(busy, "insert:__class__", "Чекаємо")) == "Чекаємо"


async def test_back_to_the_ready_text_and_the_history_of_all_that(busy: Room) -> None:
    await press(busy, "save")
    await press(busy, "save", "Другий [Час]")
    await press(busy, "back")
    assert await stored(busy) == {}
    page = await busy.ask(f"{PATH}?language=uk")
    assert area(page) == ""
    rows = await busy.desk.store.find(TextVersion, {"business": "mriya"}, limit=10)
    assert {(row.text, row.by) for row in rows} == {(OWN, "Мрія"), ("Другий [Час]", "Мрія"), (None, "Мрія")}
    (first,) = [row for row in rows if row.text == OWN]
    assert area(await press(busy, f"version:{first.id}", "")) == OWN
    assert await stored(busy) == {}


async def test_a_text_that_the_booking_system_set_is_in_the_history_too(busy: Room) -> None:
    await tenants.patch_business_settings(busy.desk, busy.business, {"templates": {"reminder": {"uk": OWN}}})
    page = await busy.ask(f"{PATH}?language=uk")
    assert area(page) == OWN
    assert "API" in page.words


async def test_a_salon_has_its_own_text_and_shows_the_business_one_beside_it(busy: Room) -> None:
    await press(busy, "save")
    page = await busy.ask(f"{PATH}?language=uk&salon=s2")
    assert area(page) == ""
    assert OWN in page.words
    await press(busy, "save", "Салон: [Салон]", salon="s2")
    salon = await busy.desk.store.get(Salon, "mriya", "s2")
    assert salon is not None
    assert salon.settings == {"templates": {"reminder": {"uk": "Салон: [Салон]"}}}
    assert await stored(busy) == {"reminder": {"uk": OWN}}


async def test_one_can_begin_with_the_ready_text(busy: Room) -> None:
    text = area(await press(busy, "fill", ""))
    assert "[Дата]" in text
    assert "[Салон]" in text
    assert (await press(busy, "save", text)).status == 200


@pytest.mark.parametrize("kind", EDITABLE)
@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_ready_text_could_be_saved_as_ones_own(room: Room, kind: str, language: str) -> None:
    business = await room.now_business()
    stage = await staged(room.desk, business, None, kind, language, None)
    for spoken in LANGUAGES:
        text = ready(stage, spoken)
        assert text
        assert faults(text) == []
    looks = {look.channel: look for look in previews(stage, None)}
    assert set(looks) == set(CHANNELS)
    assert looks["telegram"].body


async def test_a_preview_leaves_no_message_behind(busy: Room) -> None:
    before = await busy.desk.store.count(Message, {"business": "mriya"})
    await press(busy, "look")
    assert await busy.desk.store.count(Message, {"business": "mriya"}) == before


@pytest.mark.parametrize("path", ["texts/campaign", "texts/staff_help", "texts/nothing", "texts/reminder?salon=s9"])
async def test_there_is_no_page_for_a_text_that_is_not_an_owners(busy: Room, path: str) -> None:
    assert (await busy.ask(path)).status == 404
