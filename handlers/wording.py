"""The one place where a message becomes words and buttons, and where choices give way to what a channel can show.

:data:`KINDS` names every kind of message and the function that gives its lines; kinds of clients, of chats and of staff
live in ``wording_visits``, ``wording_chat`` and ``wording_staff``. An owner's own text replaces the catalog's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from handlers import (
    quiet,
    templates,
    wording_bonus,
    wording_by_hand,
    wording_campaign,
    wording_chat,
    wording_day,
    wording_group,
    wording_late,
    wording_reviews,
    wording_settings,
    wording_sms,
    wording_staff,
    wording_visits,
)
from handlers.channel import Button, Capabilities, Edit, Rendered, Template, Text
from handlers.content_templates import approved
from handlers.facts import Facts
from handlers.filling import lay_out
from handlers.i18n import language_of, mark, translator
from handlers.scene import Scene, tells_of_several
from handlers.segments import segments
from handlers.wording_choices import button_rows, labels, numbered, shown_choices
from storage.records import ANSWERS_LANE, Message

__all__ = ["KINDS", "RETIRE", "Unrendered", "in_full", "labels", "render"]

Phrase = Callable[[Scene], Iterable[str]]

ROOM: Final = 100
"""Characters that numbered lines under a reminder of several visits take at most."""
MOST_PARTS: Final = 4
"""SMS that the reminder of several visits takes at most."""
RETIRE: Final = "retire"
"""Takes the buttons off the row that ``edits`` names, and says nothing."""
ANSWER_HERE: Final = mark("You can answer here: {link}")
SHARE_PHONE: Final = mark("📱 Share my number")
ASKS_CONTACT: Final = frozenset({"share_contact", "contact_foreign", "link_expired"})
"""Kinds under which a channel that can shows the button that shares one's own phone."""
ANSWERS_CONTACT: Final = frozenset({"welcome", "contact_unknown"})
"""Kinds that take that button away again."""

KINDS: Final[Mapping[str, Phrase]] = {
    "booking_created": wording_visits.booking_created,
    "booking_changed": wording_visits.booking_changed,
    "booking_cancelled": wording_visits.booking_cancelled,
    "reminder": wording_visits.reminder,
    "group_board": wording_group.group_board,
    "visit_confirmed": wording_visits.visit_confirmed,
    "cancel_ask": wording_visits.cancel_ask,
    "cancel_kept": wording_visits.cancel_kept,
    "visit_declined": wording_visits.visit_declined,
    "why_thanks": wording_visits.why_thanks,
    "move_requested": wording_visits.move_requested,
    "visit_cancelled": wording_visits.visit_cancelled,
    "visit_past": wording_visits.visit_past,
    "visit_moved": wording_visits.visit_moved,
    "visit_gone": wording_visits.visit_gone,
    "visit_card": wording_visits.visit_card,
    "bookings": wording_visits.bookings,
    "late_told": wording_late.late_told,
    "late_wait": wording_late.late_wait,
    "late_call": wording_late.late_call,
    "share_contact": wording_chat.share_contact,
    "contact_foreign": wording_chat.contact_foreign,
    "contact_unknown": wording_chat.number_unknown,
    "unknown_number": wording_chat.number_unknown,
    "link_expired": wording_chat.link_expired,
    "phone_moved": wording_chat.phone_moved,
    "welcome": wording_chat.welcome,
    "help": wording_chat.help,
    "menu": wording_chat.menu,
    "language_ask": wording_chat.language_ask,
    "language_set": wording_chat.language_set,
    "offers_off": wording_chat.offers_off,
    "offers_on": wording_chat.offers_on,
    "all_off": wording_chat.all_off,
    "all_on": wording_chat.all_on,
    "not_understood": wording_chat.not_understood,
    "old_button": wording_chat.old_button,
    "message_passed_on": wording_chat.message_passed_on,
    "which_business": wording_chat.which_business,
    "staff_reply": wording_chat.staff_reply,
    "consent_ask": wording_bonus.consent_ask,
    "bonus_accrued": wording_bonus.bonus_accrued,
    "bonus_expiring": wording_bonus.bonus_expiring,
    "bonus_birthday": wording_bonus.bonus_birthday,
    "bonus_balance": wording_bonus.bonus_balance,
    "rebook_invitation": wording_bonus.rebook_invitation,
    "campaign": wording_campaign.campaign,
    "rebook_closed": wording_bonus.rebook_closed,
    "rebook_postponed": wording_bonus.rebook_postponed,
    "rebook_dropped": wording_bonus.rebook_dropped,
    "review_request": wording_reviews.review_request,
    "review_words": wording_reviews.review_words,
    "review_added": wording_reviews.review_added,
    "review_noted": wording_reviews.review_noted,
    "thanks": wording_reviews.thanks,
    "tip_invoice": wording_reviews.tip_invoice,
    "tip_thanks": wording_reviews.tip_thanks,
    "tip_closed": wording_reviews.tip_closed,
    "staff_review": wording_reviews.staff_review,
    "staff_review_words": wording_reviews.staff_review_words,
    "staff_review_photo": wording_reviews.staff_review_photo,
    "staff_answer_ask": wording_reviews.staff_answer_ask,
    "staff_tip": wording_reviews.staff_tip,
    "staff_booking_created": wording_staff.staff_booking_created,
    "staff_booking_changed": wording_staff.staff_booking_changed,
    "staff_booking_cancelled": wording_staff.staff_booking_cancelled,
    "staff_visit_confirmed": wording_staff.staff_visit_confirmed,
    "staff_visit_declined": wording_staff.staff_visit_declined,
    "staff_move_requested": wording_staff.staff_move_requested,
    "staff_not_reached": wording_staff.staff_not_reached,
    "staff_client_message": wording_staff.staff_client_message,
    "staff_text": wording_staff.staff_text,
    "staff_linked": wording_staff.staff_linked,
    "staff_link_refused": wording_staff.staff_link_refused,
    "staff_chat_lost": wording_staff.staff_chat_lost,
    "staff_webhook_gone": wording_staff.staff_webhook_gone,
    "staff_console": wording_staff.staff_console,
    "staff_help": wording_staff.staff_help,
    "staff_stats": wording_settings.staff_stats,
    "staff_settings": wording_settings.staff_settings,
    "staff_today": wording_day.staff_today,
    "staff_morning": wording_day.staff_today,
    "staff_evening": wording_day.staff_evening,
    "staff_running_late": wording_late.staff_running_late,
    "staff_manual": wording_by_hand.staff_manual,
    "staff_manual_list": wording_by_hand.staff_manual_list,
    "staff_reply_sent": wording_staff.staff_reply_sent,
    "staff_reply_failed": wording_staff.staff_reply_failed,
    "staff_reply_closed": wording_staff.staff_reply_closed,
    "staff_reply_lost": wording_staff.staff_reply_lost,
    "staff_package_low": wording_staff.staff_package_low,
}
"""Kind to the function that gives its lines. A kind that is missing here is a mistake of the program."""


@dataclass(frozen=True, slots=True)
class Unrendered:
    """A message that this channel cannot carry now. ``reason``: ``no_template`` (the window is closed and no template is
    set up), ``not_by_sms`` (no short text says it), ``no_invoices`` (no money is taken here), ``no_photos`` (the
    picture is not here), ``not_editable`` (there is nothing here that could be rewritten), ``too_long`` (one
    message can't hold all the visits that it is to tell of)."""

    reason: str


def render(message: Message, capabilities: Capabilities, facts: Facts) -> Rendered | Unrendered:
    """The message as this channel carries it, in the language of ``facts``.

    What was answered is rewritten in place where the channel can; choices become buttons, else a template's quick
    replies, else lines with numbers. Raises ``KeyError`` for an unknown kind or verb.
    """
    language = language_of(facts.language, facts.place.language)
    if language != facts.language:
        facts = replace(facts, language=language)
    edited = _editable(message, capabilities, facts)
    if message.kind == RETIRE:
        return Edit(edited) if edited else Unrendered("not_editable")
    scene = Scene(message, facts, translator(language), edited is not None, capabilities.links)
    _set_values(scene)
    if capabilities.short:
        said = wording_sms.text(scene)
        if said is not None and wording_sms.of_several(scene) and segments(said) > MOST_PARTS:
            return Unrendered("too_long")
        return Unrendered("not_by_sms") if said is None else Text(cut(said, capabilities.text))
    if message.kind == wording_reviews.INVOICE:
        return wording_reviews.invoice(scene) if capabilities.invoices else Unrendered("no_invoices")
    if message.kind == wording_reviews.PICTURE:
        picture = wording_reviews.picture(scene, quiet=_quiet(scene), thread=_thread(message, facts))
        return picture if capabilities.photos and picture else Unrendered("no_photos")
    body = _body(scene)
    if message.kind == "reminder" and tells_of_several(scene) and units(body) + ROOM > capabilities.text:
        return Unrendered("too_long")
    if capabilities.window is not None:
        return _windowed(scene, capabilities, body)
    buttons = button_rows(message, shown_choices(message, capabilities, facts), capabilities, facts)
    if not _fit(buttons, capabilities):
        body, buttons = _with_numbers(body, message, capabilities, facts), ()
    if edited is not None:
        return Edit(edited, cut(body, capabilities.text), buttons)
    asks = capabilities.contact and message.kind in ASKS_CONTACT and message.staff_chat is None
    return Text(
        cut(body, capabilities.text),
        buttons=() if asks else buttons,
        quiet=_quiet(scene),
        ask_contact=scene.t(SHARE_PHONE) if asks else None,
        drop_keyboard=capabilities.contact and message.kind in ANSWERS_CONTACT,
        thread=_thread(message, facts),
    )


def _set_values(scene: Scene) -> None:
    if scene.message.kind == "campaign":
        wording_campaign.set_values(scene)
    else:
        wording_bonus.set_values(scene)


def in_full(message: Message, facts: Facts) -> tuple[str, str]:
    """The whole text of a message that a person sends, and its language: nothing to press, the question's page below."""
    language = language_of(facts.language, facts.place.language)
    scene = Scene(message, facts, translator(language))
    _set_values(scene)
    body, page = _body(scene), wording_sms.page(scene) if wording_sms.answerable(scene) else ""
    return (f"{body}\n{lay_out((scene.t(ANSWER_HERE),), {'link': page})}" if page else body), language


def _body(scene: Scene) -> str:
    """The owner's own text where there is one for this kind and language, else the catalog's."""
    kind = scene.message.kind
    own = scene.facts.settings.templates.get(kind, {}).get(scene.t.language)
    if wording_campaign.own_text(scene):
        own = None
    if kind == "reminder" and tells_of_several(scene):
        return lay_out(wording_group.in_owners_words(scene, own) if own else wording_group.reminder(scene), scene)
    return templates.fill(own, scene) if own else lay_out(KINDS[kind](scene), scene)


def _editable(message: Message, capabilities: Capabilities, facts: Facts) -> str | None:
    """The provider's id of the message that this one rewrites in place; None where it is to be a message of its own."""
    edited = facts.edited
    if edited is None or not capabilities.edit or message.edits != edited.id:
        return None
    return edited.provider_id if message.channel in (None, edited.channel) else None


def _fit(rows: tuple[tuple[Button, ...], ...], capabilities: Capabilities) -> bool:
    """Whether all choices can stand as buttons."""
    buttons = [button for row in rows for button in row]
    return len(buttons) <= capabilities.buttons and all(len(button.title) <= capabilities.title for button in buttons)


def _windowed(scene: Scene, capabilities: Capabilities, body: str) -> Rendered | Unrendered:
    """On a channel where free text has a window and no buttons."""
    message, facts = scene.message, scene.facts
    own = facts.settings.whatsapp_templates.get(message.kind, {}).get(scene.t.language)
    # A template that the owner names has room for one visit.
    template = None if own and tells_of_several(scene) else own or approved(scene)
    verbs = tuple(message.choices[index].verb for index in shown_choices(message, capabilities, facts))
    chosen = templates.form(verbs, facts.window_open, template)
    if chosen is None:
        return Unrendered("no_template")
    if chosen != "text":
        _set_values(scene)
        values = templates.template_values(chosen, scene)
        return Template(chosen.sid, values, cut(templates.body_of(chosen, values) or body, capabilities.text))
    return Text(_with_numbers(body, message, capabilities, facts))


def _with_numbers(body: str, message: Message, capabilities: Capabilities, facts: Facts) -> str:
    """The text with its choices as numbered lines; never cut so that a choice is lost."""
    lines = numbered(message, facts)
    return f"{cut(body, capabilities.text - units(lines) - 2)}\n\n{lines}" if lines else cut(body, capabilities.text)


def units(text: str) -> int:
    """Length in UTF-16 units, by which providers count."""
    return len(text) + sum(character > "\uffff" for character in text)


def cut(text: str, most: int) -> str:
    """``text``, or its beginning and an ellipsis where it is longer than ``most`` units."""
    if len(text) * 2 <= most or units(text) <= most:
        return text
    kept = text[: most - 1]
    while units(kept) > most - 1:
        kept = kept[:-1]
    return f"{kept}…"


def _quiet(scene: Scene) -> bool:
    """Staff are told at once, but in quiet hours without a sound; answers to what they do themselves may be heard."""
    facts = scene.facts
    if not scene.to_staff or scene.message.lane == ANSWERS_LANE:
        return False
    return quiet.span(facts.now, facts.settings.quiet_hours, facts.place.zone) is not None


def _thread(message: Message, facts: Facts) -> int | None:
    """The topic of the group that the message belongs to."""
    thread = message.params.get("thread")
    if thread is not None:
        return int(thread)
    return facts.staff_chat.thread if facts.staff_chat else None
