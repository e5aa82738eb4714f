"""What staff read of messages that a person sends. Each function is one kind of message and gives its lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from handlers import formats
from handlers.by_hand import fits_a_button, waits
from handlers.filling import Plain, lay_out
from handlers.i18n import mark
from handlers.reach import MANUAL
from handlers.scene import Scene
from handlers.wording_staff import NEWS, REASONS
from storage.records import Message, Millis

SENT: Final = mark("✅ Sent by hand")
LATE: Final = mark("⚠️ It is too late to send this message")
NEEDLESS: Final = mark("🚫 This message is no longer needed")
REACHED: Final = mark("✅ The client was reached after all")
BY_ITSELF: Final = mark("✅ It goes by itself now: the client has opened a chat")
ENDS: Final[Mapping[str | None, str]] = {"sent": SENT, "expired": LATE, "reached_by_earlier_channel": REACHED}
"""State of a row that waits no more, or the reason for it, to what became of it."""
ENDS_BY: Final[Mapping[str | None, str]] = {
    "sent": mark("✅ Sent by hand: {by}"),
    "by_staff": mark("🚫 Not sent: {by}"),
}
"""The same where it is known whose deed it was."""


def staff_manual(s: Scene) -> Iterator[str]:
    """One message: who is to get it and its text, or what became of it."""
    row = s.facts.subject
    yield head(s, row)
    news, reason = NEWS.get(s.param("kind")), REASONS.get(s.param("reason"))
    s["news"], s["reason"] = s.t(news) if news else "", s.t(reason) if reason else ""
    yield s.t("Message: {news}")
    waiting = waits(row)
    if waiting:
        yield s.t("Reason: {reason}")
    if s.facts.booking is not None:
        yield s.t("When: {date}, {time}")
    yield s.t("Client: {client}, {phone}")
    if row is not None and waiting and row.text and fits_a_button(row):
        yield Plain("")
        yield Plain(row.text)
    elif waiting:
        yield s.t("The text is in the next message.")


def head(s: Scene, row: Message | None) -> str:
    """What is to be done, or what was done."""
    if row is None:
        return s.t(NEEDLESS)
    s["by"] = str(row.params.get("by", ""))
    if not waits(row) and row.channel != MANUAL:
        return s.t(BY_ITSELF)
    if not waits(row):
        end = row.reason if row.status == "cancelled" else row.status
        by_whom = ENDS_BY.get(end) if s["by"] else None
        return s.t(by_whom or ENDS.get(end, NEEDLESS))
    if row.next_at <= s.facts.now:
        return s.t("📵 Please send this message to the client yourselves")
    s["until"] = moment(s, row.next_at)
    return s.t("🔄 Will be shown again: {until}, {by}")


def moment(s: Scene, at: Millis) -> str:
    """A time of day, with the date where it is not today's."""
    there, today = s.local(at), s.local(s.facts.now)
    clock = formats.clock(there)
    return clock if there.date() == today.date() else f"{formats.short_date(there.date(), s.t.language)}, {clock}"


def staff_manual_list(s: Scene) -> Iterator[str]:
    """All messages that wait for a person; each has a button that shows it."""
    waiting = int(s.param("waiting") or 0)
    if not waiting:
        yield s.t("No messages are waiting to be sent by hand.")
        return
    yield s.count("{n} message is waiting to be sent by hand", "{n} messages are waiting to be sent by hand", waiting)
    scenes = [s.at(each) for each in s.facts.visits]
    if scenes:
        yield Plain("")
    for scene in scenes:
        yield Plain(lay_out(("{date}, {time}, {client}, {phone}",), scene))
