"""What staff read in their chat. Each function is one kind of message and gives its lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from handlers import formats
from handlers.filling import Plain
from handlers.i18n import mark
from handlers.scene import Scene
from handlers.wording_reasons import REASONS as REASONS
from handlers.wording_visits import services

NEWS: Final[Mapping[str, str]] = {
    "booking_created": mark("new booking"),
    "booking_changed": mark("booking changed"),
    "booking_cancelled": mark("booking cancelled"),
    "reminder": mark("reminder"),
}
"""What the client was not told."""


def about(s: Scene) -> Iterator[str]:
    """The label lines of a visit and its client, but the time; the salon where the chat hears of several."""
    yield services(s)
    yield s.t("Specialist: {master}")
    if s.facts.staff_chat is not None and s.facts.staff_chat.salon is None:
        yield s.t("Where: {salon}, {address}")
    yield s.t("Client: {client}, {phone}")
    yield s.t("Last rating: {last_rating} out of 5")
    yield from guest(s)


def guest(s: Scene) -> Iterator[str]:
    """Who is coming: for the which time, with how many points, and whether a birthday is near."""
    known = s.facts.guest
    if known is None:
        return
    s["n"] = str(known.visits + 1)
    yield s.t("Visit no. {n}") if known.visits else s.t("First visit 🆕")
    s["balance"] = str(known.balance) if known.balance else ""
    yield s.t("Bonus points: {balance}")
    if known.birthday is not None:
        s["day"] = formats.plain_day(known.birthday, s.t.language, known.birthday.year)
        yield s.t("🎁 Birthday: {day}")


def visit(s: Scene) -> Iterator[str]:
    """The label lines of a visit and its client."""
    yield s.t("When: {date}, {time}")
    yield from about(s)


def staff_booking_created(s: Scene) -> Iterator[str]:
    """A new booking."""
    yield s.t("🆕 New booking")
    yield from visit(s)
    yield s.t("Price: {price}")


def staff_booking_changed(s: Scene) -> Iterator[str]:
    """A booking changed: time, salon, master, services or client."""
    yield s.t("🔄 Booking changed")
    if s.told().get("starts_at", s.booking.starts_at) == s.booking.starts_at:
        yield from visit(s)
        return
    yield s.t("Before: {old_date}, {old_time}")
    yield s.t("Now: {date}, {time}")
    yield from about(s)


def staff_booking_cancelled(s: Scene) -> Iterator[str]:
    """The booking system cancelled a booking."""
    yield s.t("❌ Booking cancelled")
    yield from visit(s)


def staff_visit_confirmed(s: Scene) -> Iterator[str]:
    """The client will come."""
    yield s.t("✅ Visit confirmed")
    yield from visit(s)


def staff_visit_declined(s: Scene) -> Iterator[str]:
    """The client cancelled."""
    yield s.t("🚫 The client won't come")
    yield from visit(s)


def staff_move_requested(s: Scene) -> Iterator[str]:
    """The client asks for another time."""
    yield s.t("🔄 The client asks to reschedule")
    yield from visit(s)


def staff_not_reached(s: Scene) -> Iterator[str]:
    """A client could not be told."""
    yield s.t("📵 Message not delivered. Please contact the client yourselves.")
    news, reason = NEWS.get(s.param("kind")), REASONS.get(s.param("reason"))
    s["news"], s["reason"] = s.t(news) if news else "", s.t(reason) if reason else ""
    yield s.t("Message: {news}")
    yield s.t("Reason: {reason}")
    if s.facts.booking is not None:
        yield from visit(s)
    else:
        yield s.t("Client: {client}, {phone}")


def staff_client_message(s: Scene) -> Iterator[str]:
    """What a client wrote, below who wrote it."""
    yield s.t("💬 Message from a client")
    yield s.t("Client: {client}, {phone}")
    if s.facts.booking is not None:
        yield s.t("When: {date}, {time}")
    if s["text"]:
        yield Plain("")
        yield Plain(s["text"])


def staff_text(s: Scene) -> Iterator[str]:
    """A text by itself, easy to copy."""
    subject = s.facts.subject
    yield Plain(s["text"] if subject is None else subject.text or "")


def staff_linked(s: Scene) -> Iterator[str]:
    """The chat was linked."""
    yield s.t("✅ This chat is linked. Notifications will arrive here.")
    yield s.t("Where: {salon}, {address}")
    yield s.t("Specialist: {master}")


def staff_link_refused(s: Scene) -> Iterator[str]:
    """A code that links nothing."""
    yield s.t("⚠️ This code does not work. Please create a new one in the settings.")


def staff_chat_lost(s: Scene) -> Iterator[str]:
    """An owner hears that a chat of the staff gets nothing any more."""
    yield s.t("⚠️ The bot can no longer write to the staff chat")
    s["title"] = s.param("title")
    yield s.t("Chat: {title}")
    yield s.t("Where: {salon}, {address}")
    yield s.t("Please add the bot to the chat again and let it write there.")


def staff_webhook_gone(s: Scene) -> Iterator[str]:
    """An owner hears that the booking system gets no news any more."""
    yield s.t("⚠️ The booking system no longer takes our news")
    s["title"] = s.param("title")
    yield s.t("Address: {title}")
    yield s.t("Please tell whoever looks after it: the address has to be set up anew.")


def staff_console(s: Scene) -> Iterator[str]:
    """The way into the console."""
    s["link"] = s.param("url")
    if not s["link"]:
        yield s.t("⚠️ The console has no address here yet: the service does not know its public one.")
        return
    yield s.t("Your way into the console:")
    yield Plain(s["link"])
    yield s.t("It works once, within ten minutes.")


def staff_help(s: Scene) -> Iterator[str]:
    """What can be done in a staff chat."""
    yield s.t("What you can do here:")
    yield s.t("/today — today's visits")
    yield s.t("/stats — which messages arrived")
    yield s.t("/manual — messages to send by hand")
    yield s.t("/settings — what is sent and when")
    yield s.t("To write to a client, reply to the client's message.")


def staff_reply_sent(s: Scene) -> Iterator[str]:
    """The answer to a client is on its way."""
    yield s.t("✅ Your answer is on its way to the client.")


def staff_reply_failed(s: Scene) -> Iterator[str]:
    """The answer to a client has nowhere to go."""
    yield s.t("⚠️ This client is no longer known here, so the answer was not sent.")


def staff_reply_closed(s: Scene) -> Iterator[str]:
    """WhatsApp takes no words to this client any more."""
    yield s.t("⚠️ Your answer was not sent: WhatsApp takes one only within a day after the client's last message.")
    yield s.t("Client: {client}, {phone}")


def staff_reply_lost(s: Scene) -> Iterator[str]:
    """The answer to a client did not arrive; it stands below, to be sent another way."""
    yield s.t("⚠️ Your answer did not reach the client")
    yield s.t("Client: {client}, {phone}")
    reason = REASONS.get(s.param("reason"))
    s["reason"] = s.t(reason) if reason else ""
    yield s.t("Reason: {reason}")
    yield Plain(s["text"])


def staff_package_low(s: Scene) -> Iterator[str]:
    """Few prepaid messages are left, or none."""
    yield s.t("⚠️ Your package of SMS is running out")
    count = int(s.param("left") or 0)
    yield s.count("{n} SMS is left.", "{n} SMS are left.", count) if count else s.t("No SMS are left.")
    yield s.t("Once they are used up, messages go by the other channels only.")
