"""Booking systems hear what happened: signed, in order, at least once, for three days."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from functools import partial
from ipaddress import ip_network
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import WebhookVerificationError

from bot import outbound
from bot.webhooks_out import Courier
from handlers.events import EVENTS, LASTS, of_booking, told
from handlers.turn import Desk, Links
from handlers.webhooks import OVERLAP, WAITS, Refused, delete_webhook, put_webhook, resend, settled
from handlers.webhooks import Answer as Answered
from storage.records import Booking, Business, Delivery, Message, StaffChat, Webhook
from storage.sqlite import open_sqlite
from storage.store import Changes, Store
from tests.support.receiver import Receiver, receiving

NOW = 1_795_950_000_000
HOUR = 3_600_000
LOOPBACK = (ip_network("127.0.0.0/8"),)
BUSINESS = Business(business="a", id="a", name="Краса", created_at=1)


@dataclass
class World:
    """A store, a clock that tests move, a receiver, and couriers that share them."""

    store: Store
    receiver: Receiver
    now: int = NOW
    couriers: list[Courier] = field(default_factory=list)

    @property
    def desk(self) -> Desk:
        return Desk(self.store, lambda: self.now, Links("https://vizit.example", b"s" * 32))

    def courier(self) -> Courier:
        made = Courier(self.desk, partial(outbound.session, LOOPBACK), chance=lambda: 0.0)
        self.couriers.append(made)
        return made

    async def hook(self, id: str = "w", url: str = "", events: tuple[str, ...] | None = None, **more: Any) -> str:
        """A webhook at the receiver; answers with its secret."""
        kept = await put_webhook(self.desk, "a", id, url or self.receiver.url, events, **more)
        return kept.secret or kept.webhook.secret

    async def happens(self, booking: str = "b-1", event: str = "visit.confirmed") -> None:
        visit = Booking(
            business="a", id=booking, salon="s", client="c", starts_at=NOW, ends_at=NOW + HOUR, created_at=1, revision=2
        )
        await self.store.commit(await of_booking(self.desk, visit, event))

    async def delivered(self, courier: Courier | None = None) -> None:
        """Send what is due, and what follows from it at once."""
        one = courier or (self.couriers or [self.courier()])[0]
        await one.look()
        await one.idle()

    async def rows(self, **where: Any) -> list[Delivery]:
        return await self.store.find(Delivery, {"business": "a", **where})


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    store = await open_sqlite(tmp_path / "vizit.db")
    await store.commit(Changes(inserts=(BUSINESS,)))
    async with receiving() as receiver:
        here = World(store, receiver)
        yield here
        for courier in here.couriers:
            await courier.stop()
    await store.close()


async def test_an_event_arrives_signed_as_the_published_library_verifies_it(world: World) -> None:
    secret = await world.hook()
    await world.happens()
    await world.delivered()
    (heard,) = world.receiver.heard
    assert heard.verified(secret) == {
        "type": "visit.confirmed",
        "timestamp": "2026-11-29T11:00:00Z",
        "data": {
            "booking": "b-1", "client": "c", "salon": "s", "master": None, "services": [], "status": "booked",
            "starts_at": "2026-11-29T11:00:00Z", "revision": 2,
        },
    }  # fmt: skip
    assert heard.headers["content-type"] == "application/json"
    with pytest.raises(WebhookVerificationError):
        replace(heard, body=heard.body.replace("b-1", "b-2")).verified(secret)
    (row,) = await world.rows()
    assert (row.status, row.response, row.attempts) == ("delivered", 204, 1)


async def test_nothing_is_kept_for_a_business_without_webhooks(world: World) -> None:
    await world.happens()
    assert await world.rows() == []


async def test_a_webhook_hears_what_it_asked_for(world: World) -> None:
    await world.hook(events=("visit.cancelled",))
    await world.happens(event="visit.confirmed")
    await world.happens(event="visit.cancelled")
    await world.delivered()
    assert world.receiver.types == ["visit.cancelled"]


async def test_events_of_one_booking_arrive_in_their_order_although_one_is_refused_at_first(world: World) -> None:
    await world.hook()
    world.receiver.script.append(500)
    for event in ("visit.move_requested", "visit.confirmed", "visit.cancelled"):
        await world.happens(event=event)
    await world.delivered()
    assert world.receiver.types == ["visit.move_requested"]
    world.now += WAITS[0]
    await world.delivered()
    assert world.receiver.types == [
        "visit.move_requested",
        "visit.move_requested",
        "visit.confirmed",
        "visit.cancelled",
    ]
    assert world.receiver.heard[0].id == world.receiver.heard[1].id


async def test_another_booking_does_not_wait_for_one_that_is_refused(world: World) -> None:
    await world.hook()
    world.receiver.script.append(400)
    await world.happens("b-1")
    await world.delivered()
    await world.happens("b-2")
    await world.delivered()
    assert [one.event["data"]["booking"] for one in world.receiver.heard] == ["b-1", "b-2"]


async def test_a_receiver_that_is_down_is_tried_for_three_days_ever_more_rarely(world: World) -> None:
    await world.hook()
    world.receiver.script.extend([500] * 50)
    await world.happens()
    tried: list[int] = []
    while (await world.rows())[0].status == "pending":
        await world.delivered()
        tried.append(world.now - NOW)
        world.now = (await world.rows())[0].next_at
    (row,) = await world.rows()
    assert (row.status, row.response) == ("failed", 500)
    assert tried[0] == 0 and tried[-1] == LASTS
    assert [after - before for before, after in pairwise(tried)][:4] == list(WAITS[:4])
    assert len(tried) == len(world.receiver.heard) <= 10


async def test_what_comes_after_a_delivery_that_was_given_up_is_sent(world: World) -> None:
    await world.hook()
    world.receiver.script.append(500)
    await world.happens(event="visit.confirmed")
    await world.delivered()
    await world.happens(event="visit.cancelled")
    world.now += LASTS
    world.receiver.script.append(500)
    await world.delivered()
    assert world.receiver.types == ["visit.confirmed", "visit.confirmed", "visit.cancelled"]


async def test_a_receiver_that_asks_for_time_gets_it(world: World) -> None:
    await world.hook()
    world.receiver.script.append(503)
    world.receiver.headers["Retry-After"] = "120"
    await world.happens()
    await world.delivered()
    assert (await world.rows())[0].next_at == NOW + 120_000


async def test_while_a_receiver_is_unwell_none_of_its_deliveries_is_tried_and_others_are(world: World) -> None:
    await world.hook()
    async with receiving() as other:
        await world.hook("other", other.url)
        world.receiver.script.append(503)
        await world.happens("b-1")
        await world.delivered()
        await world.happens("b-2")
        await world.delivered()
        assert (len(world.receiver.heard), len(other.heard)) == (1, 2)
        world.now += WAITS[0]
        await world.delivered()
        assert len(world.receiver.heard) == 3


async def test_410_disables_the_webhook_and_the_owner_is_told(world: World) -> None:
    await world.hook()
    owner = StaffChat(business="a", id="o", chat="7", role="owner")
    await world.store.commit(Changes(inserts=(owner, StaffChat(business="a", id="s", chat="8", role="staff"))))
    world.receiver.script.append(410)
    await world.happens()
    await world.happens(event="visit.cancelled")
    await world.delivered()
    await world.happens("b-2")
    await world.delivered()
    hook = await world.store.get(Webhook, "a", "w")
    assert hook is not None and hook.disabled_at == NOW
    assert world.receiver.types == ["visit.confirmed"]
    rows = await world.rows()
    assert [(row.status, row.response, row.error) for row in rows] == [
        ("failed", 410, None),
        ("failed", None, "the webhook is disabled"),
    ]
    told_to = await world.store.find(Message, {"business": "a"})
    assert [(row.kind, row.staff_chat) for row in told_to] == [("staff_webhook_gone", "o")]


async def test_a_disabled_webhook_is_switched_on_by_a_put(world: World) -> None:
    secret = await world.hook()
    world.receiver.script.append(410)
    await world.happens()
    await world.delivered()
    assert await world.hook() == secret
    await world.happens("b-2")
    await world.delivered()
    assert [one.event["data"]["booking"] for one in world.receiver.heard] == ["b-1", "b-2"]


async def test_redirects_are_not_followed(world: World) -> None:
    await world.hook()
    async with receiving() as elsewhere:
        world.receiver.script.append(307)
        world.receiver.headers["Location"] = elsewhere.url
        await world.happens()
        await world.delivered()
        assert (len(world.receiver.heard), elsewhere.heard) == (1, [])
    assert (await world.rows())[0].response == 307


async def test_a_changed_secret_signs_beside_the_old_one_for_a_day(world: World) -> None:
    old = await world.hook()
    new = await world.hook(rotate=True)
    assert new != old
    await world.happens()
    await world.delivered()
    world.now += OVERLAP
    await world.happens("b-2")
    await world.delivered()
    both, one = world.receiver.heard
    assert both.verified(old) == both.verified(new)
    with pytest.raises(WebhookVerificationError):
        one.verified(old)
    assert one.verified(new)["data"]["booking"] == "b-2"


async def test_what_a_dead_worker_had_begun_is_sent_again_under_the_same_id(world: World) -> None:
    await world.hook()
    world.receiver.gate = asyncio.Event()
    await world.happens()
    dead = Courier(world.desk, partial(outbound.session, LOOPBACK), chance=lambda: 0.0)
    await dead.look()
    await world.receiver.arrived.wait()
    for task in tuple(dead._busy.values()):
        task.cancel()
    await dead.idle()
    await dead.stop()
    world.receiver.gate = None
    await world.delivered()
    assert len(world.receiver.heard) == 1
    world.now += 60_000
    await world.delivered()
    first, again = world.receiver.heard
    assert first.id == again.id
    assert [row.status for row in await world.rows()] == ["delivered"]


async def test_several_workers_send_each_event_once_and_in_order(world: World) -> None:
    await world.hook()
    for number in range(5):
        for booking in ("b-1", "b-2", "b-3"):
            await world.happens(booking, event=list(EVENTS)[number])
    workers = [world.courier() for _ in range(4)]
    while any(row.status == "pending" for row in await world.rows()):
        await asyncio.gather(*(one.look() for one in workers))
        await asyncio.gather(*(one.idle() for one in workers))
        world.now += 60_000
    for booking in ("b-1", "b-2", "b-3"):
        of_it = [one.event["type"] for one in world.receiver.heard if one.event["data"]["booking"] == booking]
        assert of_it == list(EVENTS)[:5]


async def test_a_delivery_can_be_sent_again_with_its_id(world: World) -> None:
    await world.hook()
    await world.happens()
    await world.delivered()
    (row,) = await world.rows()
    await resend(world.desk, row)
    with pytest.raises(Refused):
        await resend(world.desk, row)
    await world.delivered()
    assert len({one.id for one in world.receiver.heard}) == 1
    assert len(world.receiver.heard) == 2


async def test_a_deleted_webhook_hears_nothing_more_and_leaves_nothing(world: World) -> None:
    await world.hook()
    await world.happens()
    assert await delete_webhook(world.desk, "a", "w")
    await world.delivered()
    assert (world.receiver.heard, await world.rows()) == ([], [])


async def test_what_nobody_can_read_goes_out_as_it_was_written(world: World) -> None:
    secret = await world.hook()
    words = "Її \u2028 'лапки\" </script> 🙂 \ud800"
    await world.store.commit(await told(world.desk, "a", "client.message", {"text": words}, stream="client:c"))
    await world.delivered()
    assert world.receiver.heard[0].verified(secret)["data"]["text"] == words


def test_every_failure_is_tried_again_but_gone() -> None:
    row = Delivery(
        business="a", id="1", webhook="w", stream="s", type="t", body="{}", created_at=NOW, next_at=NOW,
        give_up_at=NOW + LASTS, attempts=1,
    )  # fmt: skip
    for status in (100, 301, 400, 401, 404, 418, 429, 500, 503, 599):
        assert settled(row, Answered(status), NOW, 0.5).status == "pending"
    assert settled(row, Answered(error="no answer in time"), NOW, 0.5).status == "pending"
    assert settled(row, Answered(410), NOW, 0.5).status == "failed"
    for status in (200, 201, 202, 204, 299):
        assert settled(row, Answered(status), NOW, 0.5).status == "delivered"
