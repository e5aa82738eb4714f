"""Mailings to groups of clients: who would be written to, the start, the slow sending, and the stop.

A mailing that starts is listed first: every client of its audience becomes a row that says whether to be written to, held out
for comparison, or left out and why. Then the rows are put in line a few at a time, in the salon's daytime. Both parts go on
where a worker was killed: each client has one row, one message by its key and one gift by its id, so nobody gets it twice.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from handlers.attention import UNLESS_BOOKED, ahead_where, offers_where
from handlers.audience import audience_of, matching
from handlers.bonuses import Points, given
from handlers.durations import DAY, HOUR, MINUTE, after, local_day, moment_of
from handlers.invalid import Invalid
from handlers.keys import encoded
from handlers.ledger import Overdrawn
from handlers.offers import home_of, offer_row, standing
from handlers.reach import Way
from handlers.reasons import Reason
from handlers.settings import in_force, place
from handlers.turn import Desk
from handlers.whys import to_ask
from storage.campaigns import Part, member_id
from storage.records import (
    REACHED,
    WAITING,
    Booking,
    Business,
    Campaign,
    CampaignMember,
    Choice,
    Client,
    Message,
    Millis,
    Salon,
    Task,
)
from storage.store import Changes, Conflict, OneOf, Patch, Put

KIND: Final = "campaign"
TASK: Final = "campaign"
"""Kind of the task that lists and sends a mailing; its id is :data:`TASK`, a tilde and the mailing's."""
DAYTIME: Final = (time(10), time(20))
"""Nobody gets a mailing outside of this, by the salon's clock; quiet hours hold as well."""
LIFE: Final[Millis] = 3 * DAY
LISTED_AT_ONCE: Final = 200
LISTED_IN_A_PART: Final = 5000
SENT_AT_ONCE: Final = 20
AHEAD: Final[Millis] = 15 * MINUTE
"""Messages are put in line for so long ahead: the rest can still be stopped."""
SHARES: Final = 10_000


class Ended(Exception):
    """The mailing was stopped, and does not begin again."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a start would do now. ``left_out``: how many by reason; ``ways``: how many by channel."""

    matched: int
    message: int
    holdout: int
    left_out: Mapping[str, int]
    ways: Mapping[str, int]


def is_held_out(campaign: Campaign, client: str) -> bool:
    """Whether a client belongs to the group that gets nothing: drawn by lot, the same on every worker and every day."""
    drawn = hashlib.sha256(f"{campaign.business}~{campaign.id}~{campaign.created_at}~{client}".encode()).digest()
    return int.from_bytes(drawn[:8]) % SHARES < campaign.holdout_percent * SHARES // 100


async def preview(desk: Desk, business: Business, campaign: Campaign) -> Preview:
    """Who would be written to now and on which channel, and who is left out and why."""
    left_out: Counter[str] = Counter()
    ways: Counter[str] = Counter()
    holdout = 0
    ids = await matching(desk, business, audience_of(campaign.audience))
    for start in range(0, len(ids), LISTED_AT_ONCE):
        part = ids[start : start + LISTED_AT_ONCE]
        for client, verdict in (await _verdicts(desk, business, part)).items():
            if isinstance(verdict, str):
                left_out[verdict] += 1
            elif is_held_out(campaign, client):
                holdout += 1
            else:
                ways[verdict.channel] += 1
    return Preview(len(ids), sum(ways.values()), holdout, dict(left_out.most_common()), dict(ways.most_common()))


async def _verdicts(desk: Desk, business: Business, ids: Sequence[str]) -> dict[str, Way | Reason]:
    """For each of these clients the way on which a mailing would go, or why there is none; erased ones are left out."""
    clients = await desk.store.get_many(Client, [(business.id, id) for id in ids])
    booked = await desk.store.rows(Booking, ahead_where((business.id,), ids, desk.now()), ("client",))
    ahead = {client for (client,) in booked}
    written = await _written(desk, business, ids)
    found: dict[str, Way | Reason] = {}
    for id in ids:
        client = clients.get((business.id, id))
        if client is None:
            continue
        salon = await home_of(desk, client)
        found[id] = await standing(desk, business, salon, client, KIND)
        limit = in_force(business, salon).weekly_limit
        if isinstance(found[id], Way) and id in ahead:
            found[id] = "has_booking"
        elif isinstance(found[id], Way) and limit is not None and written[id] >= limit:
            found[id] = "weekly_limit"
    return found


async def _written(desk: Desk, business: Business, ids: Sequence[str]) -> Counter[str]:
    """How many offers went to each of these clients within the last week."""
    where = {**offers_where((business.id,), ids, desk.now()), "status": OneOf(("sending", *REACHED))}
    week = desk.now() - 7 * DAY
    rows = await desk.store.rows(Message, where, ("client", "sent_at", "fallback_of"))
    return Counter(client for client, sent, hop_of in rows if hop_of is None and (sent or 0) > week)


async def save(desk: Desk, business: Business, id: str, fields: Mapping[str, Any]) -> tuple[Campaign, bool]:
    """Make or replace a mailing that was not started; the mailing, and whether it is new. Raises :class:`Invalid`."""
    audience_of(fields.get("audience", {}))
    stored = await desk.store.get(Campaign, business.id, id)
    if stored is not None and stored.status != "draft":
        same = all(getattr(stored, name) == value for name, value in fields.items())
        if same:
            return stored, False
        raise Invalid([("", "the mailing was started: it can be stopped, but not changed; make another one")])
    made = Campaign(
        business=business.id,
        id=id,
        created_at=stored.created_at if stored else desk.now(),
        revision=(stored.revision if stored else 0) + 1,
        **fields,
    )
    if stored is not None and replace(made, revision=stored.revision) == stored:
        return stored, False
    await desk.store.commit(Changes(puts=(Put(made, expect=stored.revision if stored else 0),)))
    return made, stored is None


async def start(desk: Desk, campaign: Campaign) -> Campaign:
    """Begin a mailing; one that began already stays as it is. Raises :class:`Ended`, and Conflict where it just changed."""
    if campaign.status in ("listing", "running", "done"):
        return campaign
    if campaign.status == "stopped":
        raise Ended(campaign.id)
    begun = replace(campaign, status="listing", started_at=desk.now(), revision=campaign.revision + 1)
    task = Task(
        business=campaign.business,
        id=f"{TASK}~{campaign.id}",
        kind=TASK,
        params={"campaign": campaign.id},
        next_at=max(desk.now(), campaign.starts_at or 0),
    )
    await desk.store.commit(Changes(puts=(Put(begun, expect=campaign.revision),), inserts=(task,)))
    return begun


async def stop(desk: Desk, business: Business, campaign: Campaign) -> Campaign:
    """End a mailing: nobody else is put in line, and what still waits is taken off, its gift too. What went out has gone out.

    Raises :class:`Conflict` where it changed meanwhile.
    """
    if campaign.status in ("listing", "running", "draft"):
        ended = replace(campaign, status="stopped", finished_at=desk.now(), revision=campaign.revision + 1)
        await desk.store.commit(Changes(puts=(Put(ended, expect=campaign.revision),)))
        campaign = ended
    async for members in parts(desk, campaign, "message"):
        named = {row.message: row for row in members if row.message is not None}
        rows = await desk.store.get_many(Message, [(business.id, id) for id in named])
        for row in rows.values():
            if row.status in WAITING:
                await _take_off(desk, business, campaign, row)
    return campaign


async def _take_off(desk: Desk, business: Business, campaign: Campaign, row: Message) -> None:
    fields = {"status": "cancelled", "reason": "by_staff"}
    changes = Changes(patches=(Patch(Message, row.business, row.id, fields, {"status": OneOf(WAITING)}),))
    client = await desk.store.get(Client, business.id, row.client or "")
    if campaign.bonus and client is not None:
        id = f"{member_id(KIND, campaign.id)}~{client.id}~back"
        back = Points(id=id, amount=-campaign.bonus, reason="correction", announce=False)
        try:
            changes += await given(desk, business, client, (back,), await home_of(desk, client))
        except Overdrawn:
            # The points were spent: the client keeps what was bought with them.
            pass
    try:
        await desk.store.commit(changes)
    except Conflict:
        # It went out in this very moment, and the gift with it.
        return


async def parts(desk: Desk, campaign: Campaign, part: str) -> AsyncIterator[list[CampaignMember]]:
    """The rows of one part of a mailing, page by page."""
    where = {"business": campaign.business, "campaign": campaign.id, "part": part}
    last: tuple[str, ...] | None = None
    while True:
        page = await desk.store.find(CampaignMember, where, order=("id",), after=last, limit=LISTED_AT_ONCE)
        if page:
            yield page
        if len(page) < LISTED_AT_ONCE:
            return
        last = (page[-1].id,)


async def campaign_part(desk: Desk, task: Task) -> Task | None:
    """Do a part of a mailing's :data:`TASK`; None when it is through, or was stopped."""
    business = await desk.store.get(Business, task.business, task.business)
    campaign = await desk.store.get(Campaign, task.business, str(task.params["campaign"]))
    if business is None or campaign is None or campaign.status not in ("listing", "running"):
        return None
    if campaign.status == "listing":
        return await _list_part(desk, business, campaign, task)
    return await _send_part(desk, business, campaign, task)


async def _list_part(desk: Desk, business: Business, campaign: Campaign, task: Task) -> Task | None:
    """Write down what is to become of the next clients of the audience. The cursor is the last one's id."""
    ids = await matching(desk, business, audience_of(campaign.audience))
    rest = ids[bisect_right(ids, task.cursor or "") :]
    for start in range(0, min(len(rest), LISTED_IN_A_PART), LISTED_AT_ONCE):
        verdicts = await _verdicts(desk, business, rest[start : start + LISTED_AT_ONCE])
        members = tuple(_member(campaign, client, verdict, desk.now()) for client, verdict in verdicts.items())
        await desk.store.commit(Changes(inserts=members))
    if len(rest) > LISTED_IN_A_PART:
        return replace(task, cursor=rest[LISTED_IN_A_PART - 1])
    listed = {"status": "running", "revision": campaign.revision + 1}
    await desk.store.commit(_changed(campaign, listed))
    return replace(task, cursor=None)


def _changed(campaign: Campaign, fields: Mapping[str, Any]) -> Changes:
    where = {"status": campaign.status, "revision": campaign.revision}
    return Changes(patches=(Patch(Campaign, campaign.business, campaign.id, fields, where),))


def _member(campaign: Campaign, client: str, verdict: Way | Reason, now: Millis) -> CampaignMember:
    reason = verdict if isinstance(verdict, str) else None
    part: Part = "left_out" if reason else "holdout" if is_held_out(campaign, client) else "message"
    return CampaignMember(
        business=campaign.business,
        id=member_id(campaign.id, client),
        campaign=campaign.id,
        client=client,
        part=part,
        reason=reason,
        at=now,
    )


async def _send_part(desk: Desk, business: Business, campaign: Campaign, task: Task) -> Task | None:
    """Put the next clients in line. The cursor is the last one's row; the parameter ``slot`` the moment of the next one."""
    where = {"business": campaign.business, "campaign": campaign.id, "part": "message"}
    after_last = (task.cursor,) if task.cursor else None
    members = await desk.store.find(CampaignMember, where, order=("id",), after=after_last, limit=SENT_AT_ONCE)
    if not members:
        done = {"status": "done", "finished_at": desk.now(), "revision": campaign.revision + 1}
        await desk.store.commit(_changed(campaign, done))
        return None
    slot, cursor = max(int(task.params.get("slot", 0)), desk.now()), task.cursor
    for member in members:
        if slot > desk.now() + AHEAD:
            break
        if member.message is None and member.client is not None:
            slot = await _put_in_line(desk, business, campaign, member, slot) + HOUR // campaign.per_hour
        cursor = member.id
    next_at = max(desk.now(), slot - AHEAD)
    return replace(task, cursor=cursor, params={**task.params, "slot": slot}, next_at=next_at)


async def _put_in_line(
    desk: Desk, business: Business, campaign: Campaign, member: CampaignMember, slot: Millis
) -> Millis:
    """The message to one client, with the gift, unless it became unlawful or pointless meanwhile; when it is due."""
    client = await desk.store.get(Client, business.id, member.client or "")
    if client is None:
        return slot
    salon = await home_of(desk, client)
    way = (await _verdicts(desk, business, [client.id]))[client.id]
    due = in_daytime(slot, place(business, salon).zone)
    running = Patch(Campaign, campaign.business, campaign.id, {"status": "running"}, {"status": "running"})
    if isinstance(way, str):
        left_out = Patch(CampaignMember, member.business, member.id, {"part": "left_out", "reason": way})
        await desk.store.commit(Changes(patches=(left_out, running)))
        return slot - HOUR // campaign.per_hour
    asked = await to_ask(desk, campaign, client)
    row = _row(desk, business, salon, client, campaign, due, way, asked)
    joined = Patch(CampaignMember, member.business, member.id, {"message": row.id}, {"message": None})
    await desk.store.commit(
        Changes(inserts=(row,), patches=(joined, running)) + await _gift(desk, business, salon, client, campaign)
    )
    return due


def in_daytime(moment: Millis, zone: ZoneInfo) -> Millis:
    """``moment``, or the next one at which a mailing may go in ``zone``."""
    day = local_day(moment, zone)
    opens, closes = (moment_of(day, at, zone) for at in DAYTIME)
    if moment >= closes:
        return moment_of(day + timedelta(days=1), DAYTIME[0], zone)
    return max(moment, opens)


def _row(
    desk: Desk,
    business: Business,
    salon: Salon | None,
    client: Client,
    campaign: Campaign,
    due: Millis,
    way: Way,
    asked: tuple[Choice, ...],
) -> Message:
    told = {"texts": dict(campaign.texts), "bonus": campaign.bonus, "code": campaign.promo_code}
    return offer_row(
        desk,
        business,
        salon,
        client,
        KIND,
        key=f"campaign:{encoded(campaign.id)}:{encoded(client.id)}",
        due=due,
        not_after=due + LIFE,
        way=way,
        params={"campaign": campaign.id, UNLESS_BOOKED: True, **{name: it for name, it in told.items() if it}},
        choices=(Choice("book"), *asked),
    )


async def _gift(desk: Desk, business: Business, salon: Salon | None, client: Client, campaign: Campaign) -> Changes:
    if not campaign.bonus:
        return Changes()
    zone = place(business, salon).zone
    lasting = campaign.bonus_expires_after
    points = Points(
        id=f"{member_id(KIND, campaign.id)}~{client.id}",
        amount=campaign.bonus,
        reason="gift",
        expires_at=after(desk.now(), lasting, zone) if lasting else None,
        announce=False,
    )
    return await given(desk, business, client, (points,), salon)
