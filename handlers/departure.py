"""What becomes of a leased message before it touches a wire: it goes, it waits, it is passed over, or it is too late."""

from __future__ import annotations

from dataclasses import replace

from handlers.attention import crowded
from handlers.delivery import Attempt, Decided, ended, move
from handlers.hops import awake, expected, next_hop
from handlers.reach import MANUAL
from handlers.routing import Route, hindrance, route, tried
from handlers.wording import in_full
from storage.records import MAILING_LANE, Message, Millis
from storage.store import Changes, Patch


def may_go(attempt: Attempt) -> Route | Decided:
    """The way that a leased row takes now, or what to commit since it takes none.

    It is asked twice: with the facts that it is to be rendered from, and, where it must not go, with its hops read too.
    """
    message, facts = attempt.message, attempt.facts
    if facts.now >= message.not_after:
        return Decided(expired(message))
    hindered = hindrance(message, facts)
    if hindered is not None:
        return passed_over(attempt, hindered)
    way = route(message, facts, attempt.means.channels, tried(message, facts))
    if isinstance(way, str):
        return passed_over(attempt, way)
    morning = awake(message, facts, facts.now)
    if morning > facts.now:
        return (
            passed_over(attempt, "quiet_hours") if morning >= message.not_after else Decided(put_off(message, morning))
        )
    crowd = crowded(message, facts.offers, facts.settings, facts.now)
    if message.lane == MAILING_LANE and crowd.reason is not None:
        later = message.not_after if crowd.until is None else awake(message, facts, crowd.until)
        return Decided(put_off(message, later)) if later < message.not_after else passed_over(attempt, crowd.reason)
    if way.channel in facts.used_up:
        bound = replace(message, channel=way.channel, address=way.address)
        return passed_over(replace(attempt, message=bound), "package_used_up", cascade=True)
    return _handed_over(attempt) if way.channel == MANUAL else way


def _handed_over(attempt: Attempt) -> Decided:
    """From here on a person has to send it: it waits with its text ready, and is shown to the staff."""
    message, facts = attempt.message, attempt.facts
    text, language = in_full(message, facts)
    ready = replace(
        message, status="planned", held=True, channel=MANUAL, address=None, text=text, language=language, token=None
    )
    changes = move(message, status="planned", held=True, channel=MANUAL, address=None, text=text, language=language)
    return Decided(changes, held=ready)


def passed_over(attempt: Attempt, reason: str, *, cascade: bool = False) -> Decided:
    """A row that must not go, or (``cascade``) can't go on this channel, so that the next one takes over."""
    message, facts = attempt.message, attempt.facts
    skipped = move(message, status="skipped", reason=reason, channel=message.channel, address=message.address)
    hop = next_hop(message, facts, attempt.means.channels) if cascade else None
    if hop is not None:
        return Decided(skipped + Changes(inserts=(hop,)) + expected(message, facts))
    return Decided(skipped, ended(attempt, reason) if cascade or reason == "no_channel" else None)


def expired(message: Message) -> Changes:
    """What is past its time ends, for everybody to see."""
    return move(message, status="expired", reason="too_late")


def put_off(message: Message, next_at: Millis) -> Changes:
    """A leased row that may be claimed again from ``next_at`` on; nothing where somebody else has it by now."""
    free = {"status": "planned", "token": None, "lease_until": None, "next_at": next_at}
    where = {"status": "leased", "token": message.token}
    return Changes(patches=(Patch(Message, message.business, message.id, free, where, must=False),))
