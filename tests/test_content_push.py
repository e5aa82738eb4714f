"""How templates come to Twilio, through review, and into use; over the real SDK, against the emulator."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import pytest

from bot.content import ASK_AGAIN, LOOK_AGAIN, REVIEW, Piece, compare, push, refresh, review, rows_of
from bot.content_api import ContentApi, types_of
from bot.playground.twilio_emulator import DEMO_ACCOUNT, DEMO_TOKEN, TwilioEmulator
from bot.twilio_http import make_client
from handlers.channel import SendError
from handlers.content_templates import Blueprint, of_catalogs, of_owner
from handlers.turn import Desk, Links
from storage.opening import open_store
from storage.records import ContentTemplate, Millis, Task
from storage.store import Changes, Put, Store

NOW: Millis = 1_800_000_000_000
ALL = tuple(of_catalogs(("uk",)))
REMINDER = next(blueprint for blueprint in ALL if blueprint.key == "reminder:asks:uk")
REWRITTEN = REMINDER._replace(body=REMINDER.body.replace("Вітаємо", "Доброго дня"))


class Office:
    """A salon's desk, the account at Twilio, and how they stand to each other."""

    def __init__(self, store: Store, twilio: TwilioEmulator, api: ContentApi) -> None:
        self.now = NOW
        self.twilio, self.api = twilio, api
        self.desk = Desk(store, lambda: self.now, Links(None, b"secret"))

    async def push(self, *blueprints: Blueprint, again: bool = False, business: str = "") -> list[Piece]:
        """Push these, and let the reviewers do their work."""
        pieces = [piece async for piece in push(self.desk, self.api, blueprints, again=again, business=business)]
        await self.twilio.idle()
        return pieces

    async def hear(self) -> None:
        """Ask what the reviewers said."""
        await refresh(self.desk, self.api, await self.rows())

    async def rows(self, business: str = "") -> list[ContentTemplate]:
        return sorted(await rows_of(self.desk.store, business), key=lambda row: row.version)

    async def standing(self, *blueprints: Blueprint) -> list[str]:
        return [piece.standing for piece in compare(blueprints, await self.rows())]

    def calls(self, method: str) -> int:
        return sum(call.method == method for call in self.twilio.calls)

    async def review(self) -> Task:
        """One part of the task that asks from time to time."""
        return await review(self.desk, self.api, Task(business="", id=REVIEW, kind=REVIEW))


async def no_pause(_: float) -> None:
    """The reviewers need no time."""


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    store = await open_store("sqlite:///:memory:")
    async with TwilioEmulator(sleep=no_pause) as twilio:
        client, http = make_client(DEMO_ACCOUNT, DEMO_TOKEN, api=twilio.base_url, content_api=twilio.base_url)
        yield Office(store, twilio, ContentApi(client))
        await http.close()
    await store.close()


async def test_what_is_missing_is_made_submitted_and_approved(office: Office) -> None:
    assert set(await office.standing(*ALL)) == {"missing"}
    assert {piece.standing for piece in await office.push(*ALL)} == {"received"}
    await office.hear()
    assert set(await office.standing(*ALL)) == {"approved"}
    there = office.twilio.templates
    for row in await office.rows():
        assert (there[row.sid].friendly_name, there[row.sid].language) == (row.name, row.language)
        assert (there[row.sid].approval.name, there[row.sid].approval.category) == (row.name, row.category.upper())
    assert len(there) == len(ALL)


async def test_twilio_gets_the_text_the_samples_and_the_buttons(office: Office) -> None:
    await office.push(REMINDER)
    (there,) = office.twilio.templates.values()
    assert there.types == types_of(REMINDER)
    assert there.variables == dict(zip("1234", REMINDER.samples, strict=True))


async def test_a_second_push_changes_nothing(office: Office) -> None:
    await office.push(*ALL)
    await office.hear()
    pieces = await office.push(*ALL)
    assert {piece.standing for piece in pieces} == {"approved"}
    assert office.calls("create_content") == office.calls("submit_content") == len(ALL)


async def test_a_push_that_was_cut_short_goes_on_where_it_was(office: Office) -> None:
    await office.push(*ALL[:2])
    office.twilio.fail("submit_content", status=500)
    with pytest.raises(SendError):
        await office.push(*ALL)
    await office.push(*ALL)
    assert office.calls("create_content") == len(office.twilio.templates) == len(ALL)
    await office.hear()
    assert set(await office.standing(*ALL)) == {"approved"}


async def test_what_was_made_and_never_stored_is_found_again(office: Office) -> None:
    office.twilio.drop("create_content")
    with pytest.raises(SendError):
        await office.push(REMINDER)
    assert await office.rows() == []
    await office.push(REMINDER)
    assert len(office.twilio.templates) == 1
    assert [row.status for row in await office.rows()] == ["received"]


async def test_what_was_submitted_and_never_stored_is_not_submitted_in_vain(office: Office) -> None:
    office.twilio.drop("submit_content")
    with pytest.raises(SendError):
        await office.push(REMINDER)
    assert [piece.standing for piece in await office.push(REMINDER)] == ["received"]
    await office.hear()
    assert await office.standing(REMINDER) == ["approved"]


async def test_a_new_database_takes_up_what_the_account_has(office: Office) -> None:
    await office.push(*ALL)
    empty = await open_store("sqlite:///:memory:")
    office.desk = Desk(empty, lambda: office.now, Links(None, b"secret"))
    assert {piece.standing for piece in await office.push(*ALL)} == {"approved"}
    assert len(office.twilio.templates) == len(ALL)
    await empty.close()


async def test_a_name_that_stands_for_another_text_is_left_alone(office: Office) -> None:
    foreign = {"twilio/text": {"body": "Something else"}}
    office.twilio.template(REMINDER.name("", 1), "uk", foreign)
    await office.push(REMINDER)
    assert [row.name for row in await office.rows()] == [REMINDER.name("", 2)]


async def test_a_changed_text_is_noticed_and_the_old_one_serves_until_the_new_one_is_approved(office: Office) -> None:
    await office.push(REMINDER)
    await office.hear()
    (piece,) = compare([REWRITTEN], await office.rows())
    assert (piece.standing, piece.why) == ("changed", ("its text has changed: a push makes version 2",))
    await office.push(REWRITTEN)
    assert [(row.version, row.status) for row in await office.rows()] == [(1, "approved"), (2, "received")]
    await office.hear()
    assert [(row.version, row.status) for row in await office.rows()] == [(1, "approved"), (2, "approved")]
    assert [row.name for row in await office.rows()] == [REMINDER.name("", 1), REMINDER.name("", 2)]


async def rejected(office: Office, why: str = "Too vague") -> None:
    """The reminder comes back from its review."""
    await office.push(REMINDER)
    (sid,) = office.twilio.templates
    office.twilio.review(sid, "rejected", why)
    await office.hear()


async def test_a_rejection_is_told_with_its_reason_and_not_submitted_again_by_itself(office: Office) -> None:
    await rejected(office)
    (piece,) = await office.push(REMINDER)
    assert (piece.standing, piece.why) == ("rejected", ("Too vague",))
    assert office.calls("submit_content") == 1


async def test_a_rejected_name_is_not_used_again(office: Office) -> None:
    await rejected(office)
    await office.push(REMINDER, again=True)
    assert [row.name for row in await office.rows()] == [REMINDER.name("", 1), REMINDER.name("", 2)]
    assert len(office.twilio.templates) == 2


async def test_a_rejected_name_is_not_used_again_though_the_database_is_new(office: Office) -> None:
    await rejected(office)
    empty = await open_store("sqlite:///:memory:")
    office.desk = Desk(empty, lambda: office.now, Links(None, b"secret"))
    assert [piece.standing for piece in await office.push(REMINDER)] == ["rejected"]
    await office.push(REMINDER, again=True)
    assert [row.name for row in await office.rows()] == [REMINDER.name("", 1), REMINDER.name("", 2)]
    await empty.close()


async def test_what_would_be_rejected_is_not_made(office: Office) -> None:
    bad = REMINDER._replace(body="{{1}} {{2}} {{3}} {{4}}")
    (piece,) = await office.push(bad)
    assert piece.standing == "faulty"
    assert "it begins with a variable" in piece.why
    assert office.twilio.templates == {}


async def test_a_business_keeps_its_own_templates_beside_everybody_s(office: Office) -> None:
    text = "Чекаємо вас [Дата], візит почнеться о котрій: [Час]. До зустрічі, не запізнюйтеся!"
    (own, *_) = of_owner({"reminder": {"uk": text}}, ("uk",))
    await office.push(REMINDER)
    await office.push(own, business="studio")
    assert len(await office.rows()) == len(await office.rows("studio")) == 1
    assert len({template.friendly_name for template in office.twilio.templates.values()}) == 2


async def approved(office: Office, *blueprints: Blueprint) -> Sequence[str]:
    await office.push(*blueprints)
    await office.hear()
    return list(office.twilio.templates)


async def test_what_whatsapp_takes_away_later_is_not_approved_any_more(office: Office) -> None:
    (sid,) = await approved(office, REMINDER)
    office.twilio.review(sid, "paused", "Too many people blocked it")
    await office.hear()
    assert await office.standing(REMINDER) == ["paused"]


async def test_what_somebody_deleted_at_twilio_is_not_approved_any_more(office: Office) -> None:
    (sid,) = await approved(office, REMINDER)
    del office.twilio.templates[sid]
    await office.hear()
    assert await office.standing(REMINDER) == ["disabled"]


async def test_a_word_that_is_new_to_us_is_no_approval(office: Office) -> None:
    await office.push(REMINDER)
    (sid,) = office.twilio.templates
    office.twilio.review(sid, "in_appeal")
    await office.hear()
    assert await office.standing(REMINDER) == ["pending"]


async def test_reviews_are_asked_after_soon_while_there_are_any_and_seldom_else(office: Office) -> None:
    await office.push(*ALL)
    (sid, *_) = office.twilio.templates
    office.twilio.review(sid, "pending")
    assert (await office.review()).next_at == NOW + ASK_AGAIN
    office.twilio.review(sid, "approved")
    assert (await office.review()).next_at == NOW + LOOK_AGAIN
    assert set(await office.standing(*ALL)) == {"approved"}


async def test_where_nothing_was_pushed_nobody_is_asked(office: Office) -> None:
    assert (await office.review()).next_at == NOW + LOOK_AGAIN
    assert office.calls("list_content_and_approvals") == 0


async def test_a_provider_that_does_not_answer_is_asked_again(office: Office) -> None:
    await office.push(REMINDER)
    office.twilio.fail("list_content_and_approvals", status=503)
    assert (await office.review()).next_at == NOW + ASK_AGAIN
    assert (await office.review()).next_at == NOW + LOOK_AGAIN


async def test_a_push_wakes_the_task_that_asks(office: Office) -> None:
    sleeping = Task(business="", id=REVIEW, kind=REVIEW, next_at=NOW + LOOK_AGAIN)
    await office.desk.store.commit(Changes(puts=(Put(sleeping, None),)))
    await office.push(REMINDER)
    task = await office.desk.store.get(Task, "", REVIEW)
    assert task is not None and task.next_at == NOW
