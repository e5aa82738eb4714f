"""Whoever cancels may say why with one tap; it is counted once, and belongs to nobody from then on."""

from __future__ import annotations

import pytest

from bot.playground.stage import BUSINESS
from handlers.whys import VERBS
from storage.records import Why
from tests.conversations.world import World


async def told(world: World) -> list[Why]:
    """What was kept of the answers."""
    return await world.stage.app.store.find(Why, {"business": BUSINESS})


@pytest.mark.parametrize(
    ("language", "thanks"),
    [("uk", "Дякуємо, що сказали"), ("tr", "Söylediğiniz için teşekkür"), ("ru", "Спасибо, что сказали")],
)
async def test_whoever_cancels_may_say_why_and_is_thanked(world: World, language: str, thanks: str) -> None:
    anna = await world.client(language=language)
    await world.put()
    await anna.taps("cancel")
    await anna.taps("cancel_yes")
    assert all(anna.offers(verb) for verb in VERBS)
    asked = anna.last
    await anna.taps("why_price")
    assert thanks in anna.last.text
    (kept,) = await told(world)
    assert (kept.reason, kept.salon, kept.master, kept.month) == ("price", "s1", "m1", "2027-03")
    assert not {"anna", "b-1"} & {str(getattr(kept, name)) for name in ("id", "salon", "master", "reason", "month")}
    if anna.person is not None:
        await anna.taps("why_time", asked)
        assert await told(world) == [kept], "one question is answered once"


async def test_four_answers_are_shown_to_nobody_and_five_are_numbers(world: World) -> None:
    anna = await world.client()
    for number in range(5):
        report = await world.stage.api.call("GET", "/reasons?from=2027-03&to=2027-03&group_by=master")
        assert report == {"total": None, "groups": []}
        await world.put(f"b-{number}")
        await anna.taps("cancel")
        await anna.taps("cancel_yes")
        await anna.taps("why_other" if number else "why_time")
    report = await world.stage.api.call("GET", "/reasons?from=2027-01&to=2027-03&group_by=master")
    counted = {"answers": 5, "reasons": {"moved": 0, "price": 0, "time": 1, "unhappy": 0, "other": 4}}
    assert report == {"total": counted, "groups": [{"key": "m1", "name": "Наталія", **counted}]}
