"""What stands on the card of a message that a person sends."""

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest

from handlers.by_hand import LATER, card_choices, edits_of, fits_a_button
from handlers.channel import LONGEST_COPY, TELEGRAM, Button, Text
from handlers.moments import parse_moment
from handlers.wording_choices import LONGEST_LINK
from storage.records import Message
from tools.specimen import CARD, CLIENT, HELD, Specimen

KYIV = ZoneInfo("Europe/Kyiv")
NOON = parse_moment("2026-11-26T12:00:30+02:00")
FRIDAY = parse_moment("2026-11-27T15:00:00+02:00")
ALWAYS = ["whatsapp", "copy", "hand_sent", "hand_skip"]


def held(**fields: Any) -> Message:
    return replace(HELD, **{"next_at": NOON, "not_after": FRIDAY, **fields})


def buttons(text: str, phone: str | None = CLIENT.phone) -> dict[str, Button]:
    """Title to button of a card in English."""
    facts = {"subject": replace(HELD, text=text), "client": replace(CLIENT, phone=phone)}
    rendered = Specimen("staff_manual", choices=CARD, facts=facts).rendered("en", TELEGRAM)
    assert isinstance(rendered, Text)
    return {button.title: button for row in rendered.buttons for button in row}


@pytest.mark.parametrize(
    ("row", "offered"),
    [
        (held(), [*ALWAYS, "hand_hour", "hand_tomorrow"]),
        (held(not_after=NOON + 2 * 3_600_000), [*ALWAYS, "hand_hour"]),
        (held(not_after=NOON + 60_000), ALWAYS),
        (held(next_at=NOON + 1), ALWAYS),
        (held(held=False, status="sent"), []),
        (held(status="cancelled"), []),
    ],
)
def test_only_what_still_makes_sense_is_offered(row: Message, offered: list[str]) -> None:
    assert [choice.verb for choice in card_choices(row, NOON, KYIV)] == offered


@pytest.mark.parametrize(
    ("verb", "now", "then"),
    [
        ("hand_hour", "2026-11-26T12:00:30+02:00", "2026-11-26T13:00:00+02:00"),
        ("hand_tomorrow", "2026-11-26T12:00:30+02:00", "2026-11-27T09:00:00+02:00"),
        ("hand_tomorrow", "2026-11-26T00:10:00+02:00", "2026-11-27T09:00:00+02:00"),
        ("hand_tomorrow", "2027-03-27T12:00:00+02:00", "2027-03-28T09:00:00+03:00"),
    ],
)
def test_later_is_a_moment_on_the_salons_wall(verb: str, now: str, then: str) -> None:
    assert LATER[verb](parse_moment(now), KYIV) == parse_moment(then)


def test_a_text_that_a_button_can_copy_stands_on_one() -> None:
    assert buttons("а" * LONGEST_COPY)["Copy the text"].copy == "а" * LONGEST_COPY
    assert "Copy the text" not in buttons("а" * (LONGEST_COPY + 1))
    assert not fits_a_button(held(text="а" * (LONGEST_COPY + 1)))


def test_whatsapp_opens_with_the_text_or_without_where_the_link_would_be_too_long() -> None:
    text = "Коли: 15:00 & «Мрія» 100%\nТак?"
    short = urlsplit(buttons(text)["Open in WhatsApp"].url or "")
    assert (short.netloc, short.path, parse_qs(short.query)) == ("wa.me", "/380671234567", {"text": [text]})
    assert buttons("д" * LONGEST_LINK)["Open in WhatsApp"].url == "https://wa.me/380671234567"
    assert "Open in WhatsApp" not in buttons(text, phone=None)


def test_every_message_that_shows_a_card_is_rewritten_once() -> None:
    card = replace(HELD, kind="staff_manual", status="sent", params={"message": HELD.id})
    rows = [
        replace(card, id="a", provider_id="-1:5"),
        replace(card, id="b", provider_id="-1:5", edits="a"),
        replace(card, id="c", provider_id="-2:9"),
        replace(card, id="d", provider_id=None),
        replace(card, id="e", provider_id="-1:6", params={"message": "another"}),
        replace(card, id="f", provider_id="-1:7", kind="staff_text"),
    ]
    edits = edits_of(rows, {HELD.id}, NOON)
    assert {edit.edits for edit in edits} in ({"a", "c"}, {"b", "c"})
    assert {edit.params["message"] for edit in edits} == {HELD.id}
