"""Every page of the console on the other database."""

from __future__ import annotations

from tests.console.room import busy_day, opened
from tests.console.test_messages_page import held

PAGES = (
    "", "messages?until=2026-11-29", "messages?q=олена&state=not_delivered", "messages.csv", "manual", "clients",
    "clients?q=4567", "clients/c1", "clients/c1/export.json", "reviews", "team", "team/services/brows", "settings",
    "settings/s1", "texts", "texts/reminder?language=uk", "sessions",
)  # fmt: skip


async def test_every_page_answers_on_mongodb_too(mongodb_url: str) -> None:
    async with opened(mongodb_url) as room:
        await busy_day(room)
        row = await held(room)
        await room.enter()
        answers = {path: (await room.ask(path)).status for path in PAGES}
        assert set(answers.values()) == {200}, answers
        assert "Олена Ковальчук" in (await room.ask("clients", params={"q": "олена ковальч"})).words
        assert "неправильний номер" in (await room.ask("messages?until=2026-11-29")).words
        await room.post(f"manual/{row.id}", on="manual", do="hand_sent")
        assert "Чекаємо вас!" not in (await room.ask("manual")).words
        look = await room.post("texts/reminder", on="texts/reminder", text="[Час]", do="look", language="uk")
        assert "14:00" in look.words
        assert (await room.post("sessions/end", on="sessions", follow=False)).status == 303
        assert (await room.ask("")).status == 303
