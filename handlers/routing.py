"""Whether a message may go now, and which way: decided from a fresh read, just before the guard."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

from handlers.attention import barred
from handlers.by_hand import waits
from handlers.channel import Capabilities
from handlers.facts import Facts
from handlers.plan import switched_on
from handlers.reach import MANUAL, lawful, ways
from handlers.reasons import Reason
from storage.records import ANSWERS_LANE, MAILING_LANE, Message

STAFF_CHANNEL: Final = "telegram"
AGAIN: Final = "again_on"
"""Parameter of a hop that tries the channel of the hop before once more."""
AS_TEMPLATE: Final = "as_template"
"""Parameter of a hop whose channel refused free text: the window is closed, whatever we believed."""


class Route(NamedTuple):
    """Where a message goes. ``address`` is empty on the manual channel; ``window_open``: free text is taken there now."""

    channel: str
    address: str
    window_open: bool = True


def hindrance(message: Message, facts: Facts) -> Reason | None:
    """Why ``message`` must not go at all as things stand now; None: it may."""
    if message.staff_chat is not None:
        return _staff_hindrance(message, facts)
    if message.lane == ANSWERS_LANE:
        return None
    if message.lane == MAILING_LANE:
        return barred(message.kind, facts.client, facts.settings, ahead=facts.ahead)
    if facts.client is None:
        return "no_client"
    if facts.client.silent:
        return "opted_out"
    if not switched_on(message.kind, facts.booking, facts.settings):
        return "switched_off"
    return "superseded" if _newer_reminder(message, facts) else None


def _staff_hindrance(message: Message, facts: Facts) -> Reason | None:
    chat = facts.staff_chat
    if chat is None or chat.dead_reason is not None:
        return "no_channel"
    if "message" in message.params and message.lane != ANSWERS_LANE and not waits(facts.subject):
        return "superseded"
    event = message.kind.removeprefix("staff_")
    if message.lane == ANSWERS_LANE or event not in facts.settings.staff:
        return None
    heard = facts.settings.staff[event] and (chat.events is None or event in chat.events)
    return None if heard else "switched_off"


def _newer_reminder(message: Message, facts: Facts) -> bool:
    """Another reminder of the visit was due later and is due by now: after an outage, that one goes alone."""
    return message.kind == "reminder" and any(
        row.kind == "reminder"
        and row.client == message.client
        and (message.due_at, message.id) < (row.due_at, row.id)
        and row.due_at <= facts.now
        for row in facts.others
    )


def tried(message: Message, facts: Facts) -> frozenset[str]:
    """The channels of the hops before this one; ``facts`` must hold the hops."""
    before = {hop.channel for hop in facts.hops if hop.hop < message.hop and hop.channel}
    return frozenset(before - {message.params.get(AGAIN)})


def route(
    message: Message, facts: Facts, channels: Mapping[str, Capabilities], tried: Collection[str] = ()
) -> Route | Reason:
    """The first usable way for ``message`` over ``channels`` (those that are on in this process), or why there is none.

    An answer goes to the chat that it answers, a staff row to its chat, everything else by the order of the settings
    without the channels ``tried`` before.
    """
    if message.lane == ANSWERS_LANE and message.channel and message.address:
        return Route(message.channel, message.address) if message.channel in channels else "switched_off"
    if message.staff_chat is not None:
        return _to_staff(facts, channels)
    if facts.client is None:
        return "no_client"
    order = [name for name in facts.settings.channels_for(message.kind, facts.client.phone) if name not in tried]
    if AGAIN in message.params:
        order.sort(key=lambda name: name != message.params[AGAIN])
    open_ways = ways(facts.client, facts.addresses, order, channels.keys(), facts.now)
    for way in open_ways:
        if way.channel == MANUAL:
            return Route(MANUAL, "")
        if way.address is not None and lawful(message.lane, way):
            return Route(way.channel, way.address, _window_open(message, facts, channels[way.channel], way.address))
    if any(not lawful(message.lane, way) for way in open_ways):
        return "law"
    off = {row.channel for row in facts.addresses}.difference(tried)
    return "switched_off" if ways(facts.client, facts.addresses, sorted(off), off, facts.now) else "no_channel"


def _to_staff(facts: Facts, channels: Mapping[str, Capabilities]) -> Route | Reason:
    if facts.staff_chat is None:
        return "no_channel"
    return Route(STAFF_CHANNEL, facts.staff_chat.chat) if STAFF_CHANNEL in channels else "switched_off"


def _window_open(message: Message, facts: Facts, capabilities: Capabilities, address: str) -> bool:
    if capabilities.window is None:
        return True
    heard = max((row.last_inbound_at or 0 for row in facts.addresses if row.address == address), default=0)
    return not message.params.get(AS_TEMPLATE) and facts.now - heard < capabilities.window
