"""A thousand bookings in which every fault of the providers' tables happens: afterwards every message is where it truly
is, as the platforms saw it, and the statistics add up.

Everything goes over HTTP on loopback, through the real clients of the platforms; the callbacks come twice, out of order,
or never. ``VIZIT_TEST_BOOKINGS`` sets how many bookings.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from decimal import Decimal
from pathlib import Path

from bot.playground.stage import BUSINESS
from bot.playground.twilio_messages import Message as Remote
from bot.telegram_codes import TELEGRAM_CLASSES
from bot.twilio_codes import TWILIO_CODES
from handlers.reasons import REASONS
from storage.records import Booking, Message, Receipt
from tests.support.town import AT_ONCE, LATER, ONCE, TELEGRAM_REFUSALS, Town, a_town

BOOKINGS = int(os.environ.get("VIZIT_TEST_BOOKINGS", "1000"))
HOUR = 3_600_000
TRUTH = {
    "queued": "sent",
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "failed": "failed",
    "undelivered": "failed",
}
"""What a row must say of a message that Twilio has in this state."""
FINAL = {"sent", "delivered", "read", "failed", "unknown", "skipped", "cancelled", "expired"}
UNMET = {"undecodable", "unencodable", "refused"}
"""Codes of Telegram that are no status: a page of HTML, half a character, and a status that is new to aiogram."""
TWILIO = ("whatsapp", "sms")


async def test_every_message_ends_where_the_platforms_saw_it_and_the_statistics_add_up(tmp_path: Path) -> None:
    async with a_town(tmp_path, BOOKINGS) as town:
        await town.book()
        await town.clock_to(0, 18)
        await town.change_minds()
        await town.clock_to(1, 9)
        town.faults()
        await town.clock_to(3, 8)
        await town.power_cut(round(8.5 * HOUR))
        await town.phones_on()
        await town.clock_to(8, 12)
        rows = await town.rows()
        check_states(rows)
        check_twilio(town, rows)
        check_telegram(town, rows)
        await check_visits(town, rows)
        await check_faults(town, rows)
        await check_counts(town, rows)
        await check_costs(town)


def check_states(rows: list[Message]) -> None:
    """Nothing waits any more, and what did not arrive says why."""
    assert {row.status for row in rows} <= FINAL
    assert len({row.client for row in rows}) == BOOKINGS
    for row in rows:
        if row.status in ("skipped", "cancelled", "expired"):
            assert row.reason in REASONS, row
        if row.status in ("failed", "unknown"):
            assert row.error_code, row
        # Twilio can be asked, Telegram can't.
        assert row.status != "unknown" or row.channel == "telegram", row


def check_twilio(town: Town, rows: list[Message]) -> None:
    """Each row says what Twilio says, Twilio has nothing that we don't know of, and nothing went out twice."""
    there: dict[str, list[Remote]] = defaultdict(list)
    for remote in town.stage.twilio.messages:
        if remote.direction == "outbound-api":
            there[remote.status_callback.partition("#")[0].rpartition("/")[2]].append(remote)
    known = {row.id: row for row in rows if row.channel in TWILIO}
    assert there.keys() <= known.keys()
    for row in known.values():
        remotes = there.get(row.id, [])
        if not remotes:
            assert row.provider_id is None and row.status not in ("sent", "delivered", "read"), row
            continue
        assert len(remotes) == 1, row
        (remote,) = remotes
        assert (remote.sid, remote.to.removeprefix("whatsapp:")) == (row.provider_id, row.address), row
        assert TRUTH[remote.status] == row.status, (remote.status, row)
        assert remote.body == row.text
        if remote.error_code is not None:
            assert str(remote.error_code) == row.error_code, row


def check_telegram(town: Town, rows: list[Message]) -> None:
    """What counts as sent is in the chat; more is there only where nobody could know that the first one had arrived."""
    bot, twice = town.stage.telegram.world.bot, 0
    mine: dict[str, list[Message]] = defaultdict(list)
    for row in rows:
        if row.channel == "telegram" and row.edits is None:
            mine[row.address or ""].append(row)
    for chat in town.stage.telegram.world.chats.values():
        texts = {f"{chat.id}:{one.message_id}": one.text for one in chat.messages if one.sender is bot}
        its = mine.pop(str(chat.id), [])
        sent = [row for row in its if row.status == "sent"]
        for row in sent:
            assert texts.pop(row.provider_id or "") == row.text, row
        left = list(texts.values())
        for row in its:
            doubtful = row.status == "unknown" or row.reason == "perhaps_sent"
            if doubtful and row.text in left:
                left.remove(row.text)
                twice += row.status == "sent"
        assert chat.kind != "private" or not left
    assert not [row for rows in mine.values() for row in rows if row.status == "sent"]
    assert twice <= 2 * 2, "more messages went twice than answers were lost"


async def check_visits(town: Town, rows: list[Message]) -> None:
    """No reminder of a cancelled visit went out, and nobody was told twice by channels that report delivery in time."""
    visits = {one.id: one for one in await town.stage.app.store.find(Booking, {"business": BUSINESS}, limit=100_000)}
    assert len(visits) == BOOKINGS
    for row in rows:
        if row.kind == "reminder" and row.status in ("sent", "delivered", "read"):
            assert visits[row.booking or ""].status != "cancelled", row
    hops: dict[str, list[Message]] = defaultdict(list)
    for row in rows:
        hops[row.fallback_of or row.id].append(row)
    for chain in hops.values():
        arrived = [row for row in chain if row.status in ("delivered", "read")]
        silent = [row for row in chain if row.status in ("delivered", "sent") and row.channel == "whatsapp"]
        assert len(arrived) <= 1 or silent, chain


async def check_faults(town: Town, rows: list[Message]) -> None:
    """Everything that the tables know of has happened: every broken call was met, and every code of a phone was told."""
    assert town.stage.twilio.faults_to_come == town.stage.telegram.faults_to_come == 0
    assert {*ONCE, *AT_ONCE, *LATER} == TWILIO_CODES.keys()
    assert TELEGRAM_REFUSALS.keys() == {code for _, code, _ in TELEGRAM_CLASSES} - UNMET | {"429"}
    receipts = await town.stage.app.store.find(Receipt, {"business": BUSINESS}, limit=100_000)
    told = {row.error_code for row in rows} | {str(one.raw.get("ErrorCode")) for one in receipts}
    assert {str(code) for code in (*AT_ONCE, *LATER)} <= told
    assert {"403", "400"} <= {row.error_code for row in rows if row.channel == "telegram"}


async def check_counts(town: Town, rows: list[Message]) -> None:
    """The owner's five words are those of the rows, by themselves and in every grouping."""
    counted = [row for row in rows if row.status != "skipped"]
    stats = await town.stage.api.call("GET", "/messages/stats")
    words = stats["status_reported"]
    assert stats["total"] == len(counted) == sum(words.values())
    assert words == {
        "processing": 0,
        "waiting": 0,
        "delivered": sum(row.status in ("delivered", "read") or went_by_telegram(row) for row in counted),
        "not_delivered": sum(
            row.status in ("failed", "expired", "unknown") or (row.status == "sent" and row.channel in TWILIO)
            for row in counted
        ),
        "cancelled": sum(row.status == "cancelled" for row in counted),
    }
    assert sum(reason["total"] for reason in stats["reasons"]) == words["not_delivered"]
    for group_by in ("kind", "channel", "salon", "day"):
        grouped = await town.stage.api.call("GET", "/messages/stats", group_by=group_by)
        own = Counter(getattr(row, group_by) for row in counted)
        assert {group["key"]: group["total"] for group in grouped["groups"]} == own
    notices = await town.stage.api.call("GET", "/messages/stats", notices="true")
    assert notices["total"] == sum(notices["status_reported"].values()) <= len({r.fallback_of or r.id for r in rows})


def went_by_telegram(row: Message) -> bool:
    return row.status == "sent" and row.channel == "telegram"


async def check_costs(town: Town) -> None:
    """The sum of what Twilio charged is the sum that the owner is shown."""
    charged = [Decimal(one.price) for one in town.stage.twilio.messages if one.price is not None]
    costs = await town.stage.api.call("GET", "/messages/costs", group_by="channel")
    assert costs["messages"] == len(charged) == sum(group["messages"] for group in costs["groups"])
    assert {one["currency"]: Decimal(one["amount"]) for one in costs["costs"]} == {"USD": -sum(charged)}
