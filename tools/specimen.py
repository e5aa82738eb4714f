"""Prints every message in every language on every channel, to be read aloud.

python -m tools.specimen [KIND …]
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from handlers import whys
from handlers.channel import (
    SMS,
    TELEGRAM,
    WHATSAPP,
    Button,
    Capabilities,
    Edit,
    Invoice,
    Photo,
    Rendered,
    Template,
    Text,
)
from handlers.facts import Facts, Visit
from handlers.i18n import LANGUAGES
from handlers.moments import parse_moment
from handlers.settings import in_force, place
from handlers.turn import Links
from handlers.wording import KINDS, RETIRE, Unrendered, render
from handlers.wording_sms import PHRASES
from storage.records import SERVICE_LANE, Booking, Business, Choice, Client, Master, Message, Salon, Service, StaffChat
from tools import specimen_bonus
from tools.specimen_reviews import specimens

CHANNELS: dict[str, Capabilities] = {"telegram": replace(TELEGRAM, invoices=True), "whatsapp": WHATSAPP, "sms": SMS}
START = parse_moment("2026-11-27T15:00:00+02:00")
HOUR = 3_600_000
BUSINESS = Business(business="studio", id="studio", name="Студія «Лілея»")
SALON = Salon(
    business="studio",
    id="s1",
    name="Лілея на Подолі",
    address="вул. Хорива, 12",
    phone="+380441234567",
    booking_url="https://example.org/book",
)
SECOND_SALON = replace(SALON, id="s2", name="Лілея на Печерську", address=None)
CLIENT = Client(business="studio", id="c1", name="Олена Коваль", first_name="Олена", phone="+380671234567")
CHILD = Client(business="studio", id="c2", name="Марко Коваль", first_name="Марко", phone="+380671234567")
MASTER = Master(business="studio", id="m1", salon="s1", name="Ірина")
HAIRCUT = Service(business="studio", id="cut", name="Стрижка", note={"uk": "Приходьте, будь ласка, з чистим волоссям."})
BROWS = Service(business="studio", id="brows", name="Брови")
STAFF = StaffChat(business="studio", id="chat", chat="-100", salon="s1")
BOOKING = Booking(
    business="studio",
    id="b-1",
    salon="s1",
    client="c1",
    master="m1",
    services=("cut",),
    starts_at=START,
    ends_at=START + HOUR,
    price=90_000,
    currency="UAH",
    created_at=0,
    changed_from={"starts_at": START - 26 * HOUR, "salon": "s1", "master": "m1", "services": ["cut"]},
)
ASKING = (Choice("confirm"), Choice("move"), Choice("cancel"))
OPEN = ASKING[1:]


@dataclass(frozen=True)
class Specimen:
    """One message: what makes it special, how long before the visit it goes, and what its row and facts hold."""

    kind: str
    about: str = ""
    hours_before: float = 26
    choices: tuple[Choice, ...] = ()
    params: dict[str, Any] = field(default_factory=dict)
    booking: Booking = BOOKING
    facts: dict[str, Any] = field(default_factory=dict)
    edits: bool = False
    lane: int = SERVICE_LANE

    def message(self) -> Message:
        """Its row."""
        return Message(
            business="studio",
            id="0" * 32,
            key=f"specimen:{self.kind}",
            kind=self.kind,
            lane=self.lane,
            booking="b-1",
            client="c1",
            staff_chat="chat" if self.kind.startswith("staff_") and self.kind != "staff_reply" else None,
            due_at=0,
            next_at=0,
            not_after=START,
            params=self.params,
            choices=self.choices,
            edits="1" * 32 if self.edits else None,
        )

    def rendered(self, language: str, capabilities: Capabilities) -> Rendered | Unrendered:
        """It in one language, on one channel."""
        message = self.message()
        old = replace(message, id="1" * 32, provider_id="77") if self.edits else None
        facts = Facts(
            now=round(START - self.hours_before * HOUR),
            links=Links(None, b"secret"),
            business=BUSINESS,
            place=place(BUSINESS, SALON),
            settings=in_force(BUSINESS, SALON),
            language=language,
            salon=SALON,
            booking=self.booking,
            client=CLIENT,
            master=MASTER,
            services=(HAIRCUT,),
            staff_chat=STAFF if message.staff_chat else None,
            staff_linked=True,
            edited=old,
        )
        return render(message, capabilities, replace(facts, **self.facts))


def _languages() -> tuple[Choice, ...]:
    return tuple(Choice("language", {"language": language}) for language in LANGUAGES)


VISITS = (
    Visit(booking=BOOKING, salon=SALON, client=CLIENT, master=MASTER, services=(HAIRCUT,)),
    Visit(
        booking=replace(BOOKING, id="b-2", salon="s2", starts_at=START + 50 * HOUR, status="confirmed"),
        salon=SECOND_SALON,
        client=CHILD,
        services=(HAIRCUT, BROWS),
    ),
)
HELD = Message(
    business="studio",
    id="2" * 32,
    key="specimen:held",
    kind="reminder",
    lane=SERVICE_LANE,
    held=True,
    due_at=0,
    next_at=0,
    not_after=START,
    text="Добрий день! Ваш візит завтра 🗓",
)
BY = {"by": "Марія"}
CARD = tuple(
    Choice(verb, {"message": HELD.id})
    for verb in ("whatsapp", "copy", "hand_sent", "hand_skip", "hand_hour", "hand_tomorrow")
)
DOUBTS = {
    "b-1": {"words": ["unconfirmed", "unreached", "unread", "moves"], "no_shows": 2},
    "b-2": {"words": [], "no_shows": 1},
}
LATE = (Choice("late_wait"), Choice("late_call"))
FAMILY = (VISITS[0], replace(VISITS[1], booking=replace(BOOKING, id="b-2", client="c2", starts_at=START + HOUR // 2)))
TOLD = tuple(replace(one, booking=replace(one.booking, status="confirmed")) for one in FAMILY)
TWICE = (VISITS[0], replace(VISITS[0], booking=replace(BOOKING, id="b-2", starts_at=START + HOUR), services=(BROWS,)))
SCATTERED = (replace(FAMILY[0], booking=replace(BOOKING, status="cancelled")), VISITS[1])
ALL_ASKED = (
    Choice("tick", {"booking": "b-1"}),
    Choice("tick", {"booking": "b-2"}),
    Choice("confirm_all"),
    Choice("one_by_one"),
)
ALL_TOLD = (Choice("change"),)
COMINGS = tuple(Choice(verb, {"booking": id}) for id in ("b-1", "b-2") for verb in ("came", "missed"))
COUNTED = {
    "days": 7,
    "words": {"delivered": 31, "waiting": 2, "not_delivered": 3},
    "reasons": [["63003", 2], ["403", 1]],
}
SWITCHES = (
    Choice("switch", {"kind": "reminder", "field": "enabled", "to": False}),
    Choice("switch", {"kind": "reminder", "field": "confirm", "to": True}),
)
NEXT_YEAR = replace(BOOKING, starts_at=parse_moment("2027-01-08T09:30:00+02:00"))
MOVED = {"told": "the time"}
NOBODY: dict[str, Any] = {"staff_linked": False}
SPECIMENS: tuple[Specimen, ...] = (
    Specimen("booking_created", "asks", choices=ASKING),
    Specimen(
        "booking_created",
        "next year, two services, several people at one phone",
        choices=OPEN,
        booking=NEXT_YEAR,
        facts={"services": (HAIRCUT, BROWS), "siblings": (CHILD,), "master": None},
    ),
    Specimen("booking_changed", "time", choices=ASKING),
    Specimen("booking_changed", "time, does not ask", choices=OPEN),
    Specimen("booking_changed", "time, no staff chat", choices=OPEN, facts=NOBODY),
    Specimen(
        "booking_changed",
        "master",
        choices=OPEN,
        params={"starts_at": START, "salon": "s1", "master": "m2", "services": ["cut"]},
    ),
    Specimen(
        "booking_changed",
        "services",
        choices=OPEN,
        params={"starts_at": START, "salon": "s1", "master": "m1", "services": ["brows"]},
    ),
    Specimen(
        "booking_changed",
        "services, no staff chat",
        choices=OPEN,
        facts=NOBODY,
        params={"starts_at": START, "salon": "s1", "master": "m1", "services": ["brows"]},
    ),
    Specimen("booking_cancelled", "by the salon", booking=replace(BOOKING, status="cancelled", cancelled_by="staff")),
    Specimen("booking_cancelled", "given to somebody else"),
    Specimen("reminder", "a week before", 7 * 24, ASKING),
    Specimen("reminder", "a day before", 24, ASKING),
    Specimen("reminder", "a day before, confirmed", 24, OPEN),
    Specimen("reminder", "the same day", 7.5, ASKING),
    Specimen("reminder", "2 hours before", 2, ASKING),
    Specimen("reminder", "1 hour before", 1, (*OPEN, Choice("late"))),
    Specimen("reminder", "15 minutes before", 0.25, OPEN),
    Specimen("reminder", "of several people", 24, ALL_ASKED, facts={"visits": FAMILY, "siblings": (CHILD,)}),
    Specimen("reminder", "of several people, the same day", 5, ALL_TOLD, facts={"visits": TOLD, "siblings": (CHILD,)}),
    Specimen("reminder", "of several people, early", 70, ALL_TOLD, facts={"visits": TOLD, "siblings": (CHILD,)}),
    Specimen("reminder", "of two visits of one person", 24, ALL_ASKED, facts={"visits": TWICE}),
    Specimen("group_board", "one of two visits of one person", choices=ALL_ASKED, facts={"visits": TWICE}),
    Specimen("group_board", "one of them confirmed", choices=ALL_ASKED, facts={"visits": (TOLD[0], FAMILY[1])}),
    Specimen("group_board", "all confirmed", choices=ALL_TOLD, facts={"visits": TOLD}, edits=True),
    Specimen("group_board", "one cancelled, one on another day", choices=ALL_TOLD, facts={"visits": SCATTERED}),
    Specimen("group_board", "nothing left"),
    Specimen("visit_confirmed", "", choices=OPEN),
    Specimen("visit_confirmed", "in place of the question", choices=OPEN, edits=True),
    Specimen("visit_confirmed", "second press", choices=OPEN, params={"again": True}),
    Specimen("cancel_ask", "", choices=(Choice("cancel_yes"), Choice("cancel_keep"))),
    Specimen("cancel_kept", "", choices=ASKING),
    Specimen("cancel_kept", "in place of the question", choices=ASKING, edits=True),
    Specimen("visit_declined", choices=(Choice("book"),)),
    Specimen("visit_declined", "no staff chat", facts=NOBODY),
    Specimen("visit_declined", "asks why", choices=whys.CHOICES),
    Specimen("why_thanks", choices=(Choice("book"),)),
    Specimen("move_requested", choices=(Choice("cancel"),)),
    Specimen("move_requested", "no staff chat", facts=NOBODY),
    Specimen("visit_cancelled"),
    Specimen("visit_past"),
    Specimen("visit_moved", choices=ASKING),
    Specimen("visit_gone"),
    Specimen("visit_card", booking=replace(BOOKING, status="confirmed"), choices=OPEN),
    Specimen("bookings", "none"),
    Specimen("bookings", "one", choices=ASKING, facts={"visits": VISITS[:1]}),
    Specimen(
        "bookings",
        "two people, two salons",
        facts={"visits": VISITS, "siblings": (CHILD,)},
        choices=tuple(Choice("visit", {"booking": visit.booking.id}) for visit in VISITS),
    ),
    Specimen("late_told", params={"told": True}),
    Specimen("late_told", "of several people", params={"told": True}, facts={"visits": FAMILY}),
    Specimen("late_told", "nobody hears it"),
    Specimen("late_told", "no phone either", facts={"salon": replace(SALON, phone=None)}),
    Specimen("late_wait"),
    Specimen("late_call"),
    Specimen("late_call", "no phone", facts={"salon": replace(SALON, phone=None)}),
    Specimen("share_contact"),
    Specimen("contact_foreign"),
    Specimen("contact_unknown"),
    Specimen("unknown_number"),
    Specimen("link_expired"),
    Specimen("phone_moved"),
    Specimen("welcome", choices=(Choice("bookings"), Choice("language_ask"))),
    Specimen("help", choices=(Choice("bookings"), Choice("language_ask"))),
    Specimen("menu", choices=(Choice("bookings"), Choice("language_ask"), Choice("help"))),
    Specimen("language_ask", choices=_languages()),
    Specimen("language_set"),
    Specimen("offers_off", choices=(Choice("all_off"),)),
    Specimen("offers_on", choices=(Choice("offers_off"),)),
    Specimen("all_off", choices=(Choice("all_on"),)),
    Specimen("all_on", choices=(Choice("offers_off"),)),
    Specimen("not_understood", choices=(Choice("bookings"), Choice("language_ask"))),
    Specimen("old_button", choices=(Choice("bookings"),)),
    Specimen("message_passed_on"),
    Specimen(
        "which_business",
        choices=tuple(Choice("business", {"business": name, "name": name}) for name in ("Лілея", "Berber Ali")),
    ),
    Specimen("staff_reply", params={"text": "Добрий день! Так, можна на 16:00."}),
    Specimen("staff_booking_created"),
    Specimen("staff_booking_changed", "time"),
    Specimen(
        "staff_booking_changed",
        "not the time",
        params={"starts_at": START, "salon": "s1", "master": "m2", "services": ["cut"]},
    ),
    Specimen("staff_booking_cancelled"),
    Specimen(
        "staff_visit_confirmed", "to the owner of several salons", facts={"staff_chat": replace(STAFF, salon=None)}
    ),
    Specimen("staff_visit_declined"),
    Specimen("staff_move_requested"),
    Specimen("staff_not_reached", params={"kind": "reminder", "reason": "not_on_whatsapp"}),
    Specimen("staff_client_message", params={"text": "Запізнюся на 10 хвилин, вибачте!"}),
    Specimen("staff_text", params={"text": "Запізнюся на 10 хвилин, вибачте!"}),
    Specimen("staff_linked", facts={"master": None}),
    Specimen("staff_link_refused"),
    Specimen("staff_chat_lost", params={"title": "Робочий чат"}),
    Specimen("staff_console", params={"url": "https://vizit.example/console/in/4cHrVYyZ0aS2xQ1mJ7kWdA"}),
    Specimen("staff_console", "no address"),
    Specimen("staff_reply_closed"),
    Specimen("staff_reply_lost", params={"text": "Звісно, чекаємо!", "reason": "403"}),
    Specimen("staff_help"),
    Specimen(
        "staff_stats",
        "a week",
        params=COUNTED,
        choices=(Choice("stats_of", {"days": 1}), Choice("stats_of", {"days": 30})),
    ),
    Specimen("staff_stats", "a day without any", params={**COUNTED, "days": 1, "words": {}, "reasons": []}),
    Specimen("staff_settings"),
    Specimen("staff_settings", "changed by the owner", params={"touched": 5, "more": False}, choices=SWITCHES),
    Specimen("staff_settings", "a change beyond the next visits", params={"touched": 21, "more": True}),
    Specimen("staff_today", "none"),
    Specimen("staff_today", "two", facts={"visits": VISITS}),
    Specimen("staff_today", "two that have begun", facts={"visits": VISITS}, choices=COMINGS),
    Specimen("staff_morning", "doubtful", params={"doubts": DOUBTS}, facts={"visits": VISITS}),
    Specimen("staff_evening", "all is well", params={"visits": 3}),
    Specimen("staff_evening", "one", params={"reasons": {"b-1": "63003"}}, facts={"visits": VISITS[:1]}),
    Specimen("staff_evening", "no reason", facts={"visits": VISITS}),
    Specimen("staff_running_late", "fits", 0.5, LATE, {"spare": HOUR}, facts={"visits": VISITS[1:]}),
    Specimen("staff_running_late", "does not fit", 0.5, LATE, {"spare": 0}, facts={"visits": VISITS[1:]}),
    Specimen("staff_running_late", "the last visit", 0.5, LATE),
    Specimen(
        "staff_running_late", "answered", 0.5, edits=True, facts={"subject": replace(HELD, kind="late_wait", params=BY)}
    ),
    Specimen("staff_running_late", "answered", 0.5, edits=True, facts={"subject": replace(HELD, kind="late_call")}),
    Specimen("staff_manual", "waits", choices=CARD, params={"kind": "reminder"}, facts={"subject": HELD}),
    Specimen(
        "staff_manual",
        "the channel before failed",
        choices=CARD,
        params={"kind": "reminder", "reason": "63003"},
        facts={"subject": HELD},
    ),
    Specimen(
        "staff_manual", "long", params={"kind": "reminder"}, facts={"subject": replace(HELD, text="Текст. " * 60)}
    ),
    Specimen("staff_manual", "put off", facts={"subject": replace(HELD, next_at=START, params=BY)}),
    Specimen("staff_manual", "sent", edits=True, facts={"subject": replace(HELD, status="sent", params=BY)}),
    Specimen("staff_manual", "sent, says the API", edits=True, facts={"subject": replace(HELD, status="sent")}),
    Specimen(
        "staff_manual",
        "not to be sent",
        edits=True,
        facts={"subject": replace(HELD, status="cancelled", reason="by_staff", params=BY)},
    ),
    Specimen("staff_manual", "too late", edits=True, facts={"subject": replace(HELD, status="expired")}),
    Specimen("staff_manual", "needless", edits=True, facts={"subject": replace(HELD, status="cancelled", params=BY)}),
    Specimen(
        "staff_manual",
        "arrived",
        edits=True,
        facts={"subject": replace(HELD, status="cancelled", reason="reached_by_earlier_channel")},
    ),
    Specimen("staff_manual_list", "none"),
    Specimen(
        "staff_manual_list",
        "two",
        params={"waiting": 2},
        facts={"visits": VISITS},
        choices=tuple(
            Choice("hand", {"message": "0" * 32, "booking": visit.booking.id, "number": number})
            for number, visit in enumerate(VISITS, 1)
        ),
    ),
    Specimen("staff_reply_sent"),
    Specimen("staff_reply_failed"),
    Specimen("staff_package_low", params={"left": 100}),
    Specimen("staff_package_low", "none", params={"left": 0}),
    *specimens(Specimen, SALON, MASTER),
    Specimen("staff_webhook_gone", params={"title": "https://booking.example/vizit"}),
    Specimen("campaign", params={"campaign": "spring", "bonus": 500, "code": "ЗИМА"}),
    Specimen(
        "campaign", "the owner's text", params={"campaign": "spring", "texts": {"uk": "[Клієнт], чекаємо! [Посилання]"}}
    ),
    Specimen("campaign", "asks why", params={"campaign": "spring"}, choices=(Choice("book"), *whys.CHOICES)),
    *specimen_bonus.specimens(Specimen, BOOKING, CHILD, SALON, BROWS),
    Specimen(RETIRE, edits=True),
)
"""Every kind at least once, and every way in which it may read."""


def shown(rendered: Rendered | Unrendered) -> str:
    """A rendered message as plain lines."""
    if isinstance(rendered, Unrendered):
        return f"(not sent: {rendered.reason})"
    if isinstance(rendered, Template):
        return f"(template {rendered.sid} {dict(rendered.variables)})\n{rendered.body}"
    head = "(edit)\n" if isinstance(rendered, Edit) else ""
    if isinstance(rendered, Invoice):
        return f"(invoice of {rendered.amount} {rendered.currency}: {rendered.title})\n{rendered.body}"
    if isinstance(rendered, Photo):
        return f"(photo)\n{rendered.body}"
    share = f"\n[[{rendered.ask_contact}]]" if isinstance(rendered, Text) and rendered.ask_contact else ""
    return head + (rendered.body or "(no text)") + share + "".join(f"\n{_row(row)}" for row in rendered.buttons)


def _row(row: tuple[Button, ...]) -> str:
    return " ".join(f"[{button.title}]" for button in row)


def sheet(kinds: tuple[str, ...] = ()) -> Iterator[str]:
    """The specimens of ``kinds`` (none: all) in every language, on WhatsApp only where that differs in more than buttons,
    by SMS those that go by SMS."""
    for specimen in SPECIMENS:
        if kinds and specimen.kind not in kinds:
            continue
        for language in LANGUAGES:
            for channel, capabilities in CHANNELS.items():
                if channel == "whatsapp" and (specimen.edits or specimen.message().staff_chat):
                    continue
                if channel == "sms" and specimen.kind not in PHRASES:
                    continue
                yield f"── {specimen.kind} {f'({specimen.about}) ' if specimen.about else ''}· {language} · {channel}"
                yield shown(specimen.rendered(language, capabilities)) + "\n"


def unseen() -> set[str]:
    """Kinds without a specimen."""
    return {*KINDS, RETIRE} - {specimen.kind for specimen in SPECIMENS}


if __name__ == "__main__":
    for text in sheet(tuple(sys.argv[1:])):
        sys.stdout.write(f"{text}\n")
