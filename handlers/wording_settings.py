"""What an owner reads on the go: how many messages arrived, and what is switched on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from handlers.durations import MINUTE, Duration
from handlers.filling import Plain, lay_out
from handlers.i18n import Translator, mark
from handlers.scene import Scene
from handlers.statistics import WORDS, Word
from handlers.wording_reasons import in_words

KIND_NAMES: Final[Mapping[str, str]] = {
    "booking_created": mark("Booking notice"),
    "booking_changed": mark("News of a change"),
    "booking_cancelled": mark("News of a cancellation"),
    "reminder": mark("Reminder"),
    "review_request": mark("Request for a review"),
    "rebook_invitation": mark("Invitation to rebook"),
    "bonus_accrued": mark("Bonuses accrued"),
    "bonus_birthday": mark("Birthday gift"),
    "bonus_expiring": mark("Bonuses about to expire"),
    "campaign": mark("Mailing"),
}
"""Every kind that can be switched on and off, to its name."""
ASKS: Final = mark("Request to confirm")
CHANNEL_NAMES: Final[Mapping[str, str]] = {"telegram": "Telegram", "whatsapp": "WhatsApp", "sms": "SMS"}
BY_HAND: Final = mark("By hand")
WORD_NAMES: Final[Mapping[Word, str]] = {
    "delivered": mark("Delivered"),
    "not_delivered": mark("Not delivered"),
    "processing": mark("Processing"),
    "waiting": mark("Waiting"),
    "cancelled": mark("Cancelled"),
}
"""The owner's words."""
NONE: Final = mark("none")
MARKS: Final = {True: "✅", False: "🚫"}


def channel_called(channel: str, t: Translator) -> str:
    """What a channel is called."""
    return t(BY_HAND) if channel == "manual" else CHANNEL_NAMES.get(channel, channel)


def staff_stats(s: Scene) -> Iterator[str]:
    """What became of the messages of the last days, and why some did not arrive."""
    params = s.message.params
    days, counted = int(params["days"]), params["words"]
    yield s.t("Messages to clients today") if days == 1 else _last(s, days)
    yield Plain("")
    if not sum(counted.values()):
        yield s.t("There were none.")
        return
    for word in WORDS:
        if counted.get(word):
            yield Plain(f"{s.t(WORD_NAMES[word])}: {counted[word]}")
    if params["reasons"]:
        yield Plain("")
        yield s.t("Why they did not arrive:")
    for code, n in params["reasons"]:
        yield Plain(f"{in_words(code, s.t.language)}: {n}")


def _last(s: Scene, days: int) -> str:
    return s.count("Messages to clients of the last {n} day", "Messages to clients of the last {n} days", days)


def staff_settings(s: Scene) -> Iterator[str]:
    """What is in force for the salon, or for all of them; after a change, how many waiting messages that touches."""
    settings, touched = s.facts.settings, s.message.params.get("touched")
    if touched is not None:
        said = (
            s.t("Saved. Waiting messages of the next visits that this changes: {n}")
            if s.message.params.get("more")
            else s.t("Saved. Waiting messages that this changes: {n}")
        )
        yield Plain(lay_out((said,), {"n": str(touched)}))
        yield Plain("")
    yield s.t("Settings: {salon}")
    yield Plain("")
    for kind, name in KIND_NAMES.items():
        yield Plain(f"{MARKS[settings.kinds[kind].enabled]} {s.t(name)}")
    yield Plain("")
    leads = ", ".join(span(lead, s.t) for lead in settings.kinds["reminder"].before) or s.t(NONE)
    yield _labelled(s.t("Reminders before the visit: {text}"), leads)
    yield Plain(f"{MARKS[settings.kinds['reminder'].confirm]} {s.t(ASKS)}")
    hours = settings.quiet_hours
    quiet = f"{hours.begin:%H:%M}–{hours.end:%H:%M}" if hours else s.t(NONE)
    yield _labelled(s.t("Quiet hours: {text}"), quiet)
    order = ", ".join(channel_called(channel, s.t) for channel in settings.channels)
    yield _labelled(s.t("Channels: {text}"), order)
    if not s.message.choices:
        yield Plain("")
        yield s.t("The owner can change this in a private chat with the bot: /settings")


def _labelled(line: str, text: str) -> Plain:
    return Plain(lay_out((line,), {"text": text}))


def span(duration: Duration, t: Translator) -> str:
    """How long, in words: one day, two hours; empty for no time at all."""
    months, days, elapsed = duration
    weeks = days // 7 if days >= 14 and days % 7 == 0 else 0
    hours, minutes = divmod(elapsed // MINUTE, 60)
    parts = (
        (months, t.plural("{n} month", "{n} months", months)),
        (weeks, t.plural("{n} week", "{n} weeks", weeks)),
        (0 if weeks else days, t.plural("{n} day", "{n} days", days)),
        (hours, t.plural("{n} hour", "{n} hours", hours)),
        (minutes, t.plural("{n} minute", "{n} minutes", minutes)),
    )
    return " ".join(said.replace("{n}", str(n)) for n, said in parts if n)
