"""A provider's word about a message is stored, and moves the message on, in one commit."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bot.receipts import CONFLICTS, StatusWord, hear
from handlers.channel import WHATSAPP
from handlers.delivery import Means
from handlers.receipts import Verdict
from handlers.turn import Desk, Links
from storage.opening import open_store
from storage.records import SERVICE_LANE, Message, Receipt, new_id
from storage.store import Changes, Conflict, Patch, Put
from tests.support.inboxes import NOW

ROW = Message(
    business="b",
    id=new_id(),
    key="k",
    kind="reminder",
    lane=SERVICE_LANE,
    channel="whatsapp",
    address="+905321234567",
    due_at=NOW,
    next_at=NOW,
    not_after=NOW + 3_600_000,
    status="sent",
    attempts=1,
    sent_at=NOW,
    provider_id="SM" + "a" * 32,
    fallback_at=NOW + 1_000,
)
MEANS = Means(channels={"whatsapp": WHATSAPP})


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    store = await open_store("sqlite:///:memory:")
    await store.commit(Changes(puts=(Put(ROW),)))
    yield Desk(store, lambda: NOW + 500, Links(None, b"secret"))
    await store.close()


def word(status: str, message: str = ROW.id) -> StatusWord:
    return StatusWord(message, str(ROW.provider_id), Verdict(status), {"MessageStatus": status})


async def now(desk: Desk) -> Message:
    (row,) = await desk.store.find(Message, {"id": ROW.id})
    return row


async def kept(desk: Desk) -> list[str]:
    receipts = await desk.store.find(Receipt, {"business": "b", "message": ROW.id}, order=("at", "id"))
    return sorted(receipt.status for receipt in receipts)


async def test_a_word_moves_the_message_on_and_is_kept_with_all_it_said(desk: Desk) -> None:
    await hear(desk, MEANS, word("delivered"))
    row = await now(desk)
    assert (row.status, row.delivered_at, row.fallback_at) == ("delivered", NOW + 500, None)
    (receipt,) = await desk.store.find(Receipt, {"business": "b", "message": ROW.id})
    assert (receipt.id, receipt.at, receipt.raw) == (
        f"{ROW.provider_id}:delivered",
        NOW + 500,
        {"MessageStatus": "delivered"},
    )


async def test_words_in_any_order_and_number_only_lead_forward(desk: Desk) -> None:
    for status in ("read", "sent", "delivered", "read", "queued", "sent"):
        await hear(desk, MEANS, word(status))
    assert (await now(desk)).status == "read"
    assert await kept(desk) == ["delivered", "queued", "read", "sent"]


async def test_a_word_about_a_message_that_is_gone_changes_nothing(desk: Desk) -> None:
    await hear(desk, MEANS, word("delivered", new_id()))
    assert await desk.store.find(Receipt, {}) == []
    assert await now(desk) == ROW


async def test_words_that_come_at_once_are_all_taken(desk: Desk) -> None:
    await asyncio.gather(*(hear(desk, MEANS, word(status)) for status in ("sent", "delivered", "read") * 5))
    assert (await now(desk)).status == "read"
    assert await kept(desk) == ["delivered", "read", "sent"]


async def test_a_word_is_judged_anew_when_the_message_moved_meanwhile(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.store.commit(Changes(puts=(Put(replace(ROW, status="sending", token="t")),)))
    find = desk.store.find

    async def settled_meanwhile(*args: object, **options: object) -> object:
        found = await find(*args, **options)  # type: ignore[arg-type]
        settled = Patch(Message, "b", ROW.id, {"status": "sent", "token": None}, {"status": "sending"}, must=False)
        await desk.store.commit(Changes(patches=(settled,)))
        return found

    monkeypatch.setattr(desk.store, "find", settled_meanwhile)
    await hear(desk, MEANS, word("delivered"))
    monkeypatch.undo()
    row = await now(desk)
    assert (row.status, row.token) == ("delivered", None)


async def test_a_message_that_never_holds_still_is_given_up_so_that_the_provider_comes_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = 0

    async def overtaken(_: Changes) -> None:
        nonlocal tries
        tries += 1
        raise Conflict

    monkeypatch.setattr(desk.store, "commit", overtaken)
    with pytest.raises(Conflict):
        await hear(desk, MEANS, word("delivered"))
    assert tries == CONFLICTS
