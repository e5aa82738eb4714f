"""What staff read of a day's visits. Each function is one kind of message and gives its lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from handlers.filling import Plain, lay_out
from handlers.i18n import mark
from handlers.scene import Scene
from handlers.wording_staff import REASONS

DOUBTS: Final[Mapping[str, str]] = {
    "moves": mark("asks for another time"),
    "unconfirmed": mark("not confirmed"),
    "unreached": mark("message not delivered"),
    "unread": mark("message not read"),
}
"""Why a client may not come; see :mod:`handlers.day_cards`."""
SIGNS: Final[Mapping[str, str]] = {"confirmed": "✅ ", "arrived": "✅ ", "no_show": "🚫 "}
"""State of a visit to the sign before its line."""


def staff_today(s: Scene) -> Iterator[str]:
    """The visits of a day, the doubtful first, each with what speaks against it."""
    scenes = [s.at(each) for each in s.facts.visits]
    if not scenes:
        yield s.t("No bookings today.")
        return
    yield s.count("{n} booking today", "{n} bookings today", len(scenes))
    yield Plain("")
    doubts = s.message.params.get("doubts", {})
    for scene in scenes:
        against = list(_against(scene, doubts.get(scene.booking.id, {})))
        sign = SIGNS.get(scene.booking.status, "⚠️ " if against else "")
        yield Plain(sign + lay_out(("{time}, {client}, {service}, {master}",), scene))
        if against:
            yield Plain(f"— {', '.join(against)}")
    if any(choice.verb == "came" or choice.verb == "missed" for choice in s.message.choices):
        yield Plain("")
        yield s.t("Who has come? ✅ yes, 🚫 no")


def _against(s: Scene, doubt: Mapping[str, object]) -> Iterator[str]:
    """What speaks against a visit, in words; what was answered since speaks no more."""
    words = doubt.get("words", ())
    assert isinstance(words, list | tuple)
    if s.booking.status == "booked":
        yield from (s.t(DOUBTS[word]) for word in words)
    if doubt.get("no_shows"):
        s["n"] = str(doubt["no_shows"])
        yield lay_out((s.t("did not come before: {n}"),), s)


def staff_evening(s: Scene) -> Iterator[str]:
    """Whom nobody reached about tomorrow, and why."""
    scenes = [s.at(each) for each in s.facts.visits]
    if not scenes:
        yield s.count(
            "✅ {n} booking tomorrow, no message failed to arrive",
            "✅ {n} bookings tomorrow, no message failed to arrive",
            int(s.param("visits") or 0),
        )
        return
    yield s.count("📵 {n} client not reached for tomorrow", "📵 {n} clients not reached for tomorrow", len(scenes))
    reasons = s.message.params.get("reasons", {})
    for scene in scenes:
        yield Plain("")
        yield Plain(lay_out(("{time}, {client}, {phone}",), scene))
        yield Plain(lay_out(("{service}, {master}",), scene))
        reason = REASONS.get(str(reasons.get(scene.booking.id)))
        scene["reason"] = s.t(reason) if reason else ""
        yield Plain(lay_out((s.t("Reason: {reason}"),), scene)) if reason else ""
