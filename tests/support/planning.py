"""Cases for the planner, written as a salon would say them: local times, own settings, one booking of one client."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from handlers.plan import Case, plan
from handlers.settings import in_force, place
from storage.records import Address, Booking, Business, Client, Message, Millis, address_id

KYIV = "Europe/Kyiv"
TELEGRAM = Address(business="b", id=address_id("telegram", "77", "c1"), channel="telegram", address="77", client="c1")
OLENA = Client(business="b", id="c1", name="Олена Коваль", phone="+380671234567")
BOTH = frozenset({"telegram", "whatsapp"})


def at(wall: str, zone: str = KYIV, fold: int = 0) -> Millis:
    """The moment at which the clocks of ``zone`` show ``2026-11-27 15:00``."""
    shown = datetime.strptime(wall, "%Y-%m-%d %H:%M").replace(tzinfo=ZoneInfo(zone), fold=fold)
    return int(shown.timestamp()) * 1000


def wall(moment: Millis, zone: str = KYIV) -> str:
    """What the clocks of ``zone`` show: ``2026-11-27 15:00``."""
    return datetime.fromtimestamp(moment / 1000, ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")


def a_booking(start: Millis, booked: Millis, **fields: Any) -> Booking:
    """Booking ``b-1`` of ``c1``, made and first heard of at ``booked``."""
    made = {"created_at": booked, "first_seen_at": booked, "booked_at": booked, "updated_at": booked}
    basic = {"business": "b", "id": "b-1", "salon": "s1", "client": "c1", "master": "m1", "services": ("haircut",)}
    return Booking(**{**basic, **made, "starts_at": start, "ends_at": start + 3_600_000, "revision": 1, **fields})


def a_case(
    start: str,
    booked: str,
    *,
    now: str | None = None,
    zone: str = KYIV,
    settings: Mapping[str, Any] | None = None,
    client: Client | None = OLENA,
    addresses: Sequence[Address] = (TELEGRAM,),
    linked: frozenset[str] = BOTH,
    **fields: Any,
) -> Case:
    """A booking for ``start`` that was made at ``booked``, looked at ``now`` (when it was made), all local times."""
    business = Business(business="b", id="b", name="Салон", timezone=zone, settings=settings or {}, created_at=0)
    return Case(
        booking=a_booking(at(start, zone), at(booked, zone), **fields),
        client=client,
        settings=in_force(business, None),
        place=place(business, None),
        now=at(now or booked, zone),
        addresses=tuple(addresses),
        linked_channels=linked,
    )


def planned(case: Case, kind: str | None = None) -> list[Message]:
    """The rows of the plan that are to be sent, of one kind or of all."""
    return [row for row in plan(case) if row.status == "planned" and kind in (None, row.kind)]


def outcome(row: Message, zone: str = KYIV) -> str:
    """When a row goes, or why it does not: ``2026-11-26 15:00`` or ``just_told``."""
    return row.reason or wall(row.due_at, zone)


def outcomes(case: Case) -> dict[str, str]:
    """Kind, or lead of a reminder, to :func:`outcome`."""
    zone = case.place.zone.key
    return {str(row.params.get("lead", row.kind)): outcome(row, zone) for row in plan(case)}


def verbs(row: Message) -> list[str]:
    """The verbs of the choices on a row."""
    return [choice.verb for choice in row.choices]


def the(case: Case, name: str) -> Message:
    """The one row of the plan of this kind, or of the reminder with this lead."""
    (row,) = [row for row in plan(case) if row.params.get("lead", row.kind) == name]
    return row
