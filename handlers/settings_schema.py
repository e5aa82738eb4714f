"""The JSON of the settings: its defaults, and the types that check what a caller sets and describe it to callers.

Every field may be left out or be null (null: no own value); the types describe a merge patch (RFC 7396).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, Tag
from pydantic_core import PydanticCustomError

from handlers import durations
from handlers.i18n import LANGUAGES, language_of
from handlers.moments import moment_text, parse_moment

T = TypeVar("T")

KINDS: Final = (
    "booking_created", "booking_changed", "booking_cancelled", "reminder", "review_request", "rebook_invitation",
    "bonus_accrued", "bonus_birthday", "bonus_expiring", "campaign",
)  # fmt: skip
"""Kinds of messages to clients that can be switched on and off."""
ABOUT_VISITS: Final = KINDS[:4]
"""Kinds that a person sends where no channel can. Others go by hand only where their own order of channels says so."""
ANSWER_KINDS: Final = ("visit_confirmed", "visit_declined", "visit_cancelled", "move_requested", "thanks", "help")
"""Kinds of answers, whose texts the owner may write too."""
STAFF_EVENTS: Final = (
    "booking_created", "booking_changed", "booking_cancelled", "visit_confirmed", "visit_declined", "move_requested",
    "not_reached", "review", "tip", "client_message", "running_late",
)  # fmt: skip
STAFF_CARDS: Final = ("evening", "morning")
"""Cards that a staff chat gets at a time of day; the message kind is ``staff_`` + the word."""
VARIABLES: Final = (
    "client", "date", "day", "time", "old_date", "old_time", "service", "master", "salon", "address", "link", "amount",
    "balance", "n", "code", "price", "phone",
)  # fmt: skip
"""Canonical names of what a text may be filled with."""
BUTTONS: Final = ("confirm", "move", "cancel", "late", "bookings", "menu", "book", "offers_off", "all_off",
           "bonus", "rebook_not_now", "rebook_later", "rebook_never",
           "rate_1", "rate_2", "rate_3", "rate_4", "rate_5")  # fmt: skip
"""Choices that a quick reply of a WhatsApp template can stand for."""
CHANNELS: Final = ("telegram", "whatsapp", "sms", "manual")
MOST_REMINDERS: Final = 5

DEFAULTS: Final[Mapping[str, Any]] = {
    "channels": list(CHANNELS),
    "fallback_after": "PT2H",
    "undelivered_after": "PT24H",
    "quiet_hours": {"from": "21:00", "to": "09:00"},
    "weekly_limit": 3,
    "cashback_percent": False,
    "birthday_bonus": False,
    "bonus_expires_after": "P180D",
    "kinds": {
        "booking_created": {"enabled": True, "for": ["client", "staff"]},
        "booking_changed": {"enabled": True, "ignore_shift_under": "PT10M"},
        "booking_cancelled": {"enabled": True},
        "reminder": {"enabled": True, "before": ["P1D", "PT1H"], "confirm": True},
        "review_request": {"enabled": True, "after": "PT2H", "tips": True, "max_age": "P3D"},
        "rebook_invitation": {"enabled": True, "at": "11:00"},
        "bonus_accrued": {"enabled": True},
        "bonus_birthday": {"enabled": True, "at": "10:00", "days_before": 0},
        "bonus_expiring": {"enabled": True, "before": "P7D"},
        "campaign": {"enabled": True},
    },
    "staff": dict.fromkeys(STAFF_EVENTS, True),
    "staff_cards": {"evening": "19:00", "morning": "08:30"},
    "templates": {},
    "whatsapp_templates": {},
    "packages": {},
    "messages_kept_for": "P730D",
    "closed_channels": {},
}
"""What holds where neither salon nor business says anything; ``enabled_since`` is then the business's creation."""


def _fault(why: str) -> PydanticCustomError:
    return PydanticCustomError("setting", "{why}", {"why": why})


def duration(least: str, most: str) -> Callable[[str], str]:
    """A check for durations from ``least`` to ``most``, by :func:`handlers.durations.length`."""
    low, high = (durations.length(durations.parse(limit)) for limit in (least, most))

    def check(text: str) -> str:
        try:
            long = durations.length(durations.parse(text))
        except ValueError as error:
            raise _fault(str(error)) from None
        if not low <= long <= high:
            raise _fault(f"must be from {least} to {most}")
        return text

    return check


def _all_different(values: list[str]) -> list[str]:
    if len(set(values)) != len(values):
        raise _fault("must not name anything twice")
    return values


def _leads_differ(values: list[str]) -> list[str]:
    if len({durations.parse(value) for value in values}) != len(values):
        raise _fault("must not name the same time twice")
    return values


def _moment(text: str) -> str:
    try:
        return moment_text(parse_moment(text))
    except ValueError as error:
        raise _fault(str(error)) from None


def _clock(text: str) -> str:
    if not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", text):
        raise _fault("must be a time of day like 09:00")
    return text


def one_of(words: tuple[str, ...]) -> AfterValidator:
    """A check that text is one of ``words``."""

    def check(word: str) -> str:
        if word not in words:
            raise _fault(f"must be one of {', '.join(words)}")
        return word

    return AfterValidator(check)


def _sid(text: str) -> str:
    if not re.fullmatch(r"HX[0-9A-Za-z_-]{1,64}", text):
        raise _fault("must be the sid of a Content template, which begins with HX")
    return text


Lead = Annotated[str, AfterValidator(duration("PT15M", "P30D")), Field(examples=["P1D", "PT2H"])]
Leads = Annotated[list[Lead], Field(max_length=MOST_REMINDERS), AfterValidator(_leads_differ)]
"""When reminders go: durations before the start, at most five."""
Clock = Annotated[str, AfterValidator(_clock), Field(examples=["09:00"])]
Moment = Annotated[str, AfterValidator(_moment), Field(examples=["2026-11-01T00:00:00Z"])]
Text = Annotated[str, Field(min_length=1, max_length=1500)]
Order = Annotated[list[Literal["telegram", "whatsapp", "sms", "manual"]], AfterValidator(_all_different)]
"""Channels in the order in which they are tried."""


def _language(tag: str) -> str:
    language = language_of(tag, "")
    if not language:
        raise _fault(f"must be one of the languages {', '.join(LANGUAGES)}")
    return language


def _on_or_off(value: Any) -> str:
    return ":off" if value is False else ":on"


# A union that is tried branch by branch would report one fault once for each branch.
Switchable = Annotated[Annotated[T, Tag(":on")] | Annotated[Literal[False], Tag(":off")], Discriminator(_on_or_off)]
"""A value, or false: switched off."""
Percent = Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)]
Language = Annotated[str, AfterValidator(_language)]
TextKind = Annotated[str, one_of(KINDS + ANSWER_KINDS)]
Variable = Annotated[str, one_of(VARIABLES), Field(json_schema_extra={"enum": list(VARIABLES)})]
QuickReply = Annotated[str, one_of(BUTTONS), Field(json_schema_extra={"enum": list(BUTTONS)})]


class Part(BaseModel):
    """A part of the settings: unknown fields are refused, and nothing is converted silently."""

    model_config = ConfigDict(strict=True, extra="forbid")


def _country(text: str) -> str:
    if not re.fullmatch(r"[A-Z]{2}", text):
        raise _fault("must be a country's two letters, like TR")
    return text


CountryCode = Annotated[str, AfterValidator(_country)]
ClosedChannels = Annotated[list[Literal["telegram", "whatsapp", "sms"]], AfterValidator(_all_different)]
"""Channels that are not used for the phones of a country, whatever its law or its networks have against them."""


class QuietHours(Part):
    """When people are not to be disturbed, by the salon's clocks. ``to`` before ``from``: across midnight."""

    from_: Clock | None = Field(None, alias="from")
    to: Clock | None = None


class AnyKind(Part):
    """What every kind of message has. ``channels``: this kind's own order, on the business alone."""

    enabled: bool | None = None
    channels: Order | None = None


class Created(AnyKind):
    """The booking notice. ``for``: bookings made by whom are announced to the client."""

    for_: Annotated[list[Literal["client", "staff"]], AfterValidator(_all_different)] | None = Field(None, alias="for")


class Changed(AnyKind):
    """The change notice. A shift of the start under ``ignore_shift_under`` alone is not told."""

    ignore_shift_under: Switchable[Annotated[str, AfterValidator(duration("PT1M", "P1D"))]] | None = None


class Reminder(AnyKind):
    """Reminders, one per lead of ``before``; ``confirm``: they ask for confirmation."""

    before: Leads | None = None
    confirm: bool | None = None


class ReviewRequest(AnyKind):
    """The request for a review, ``after`` the client arrived and until ``max_age`` after that."""

    after: Annotated[str, AfterValidator(duration("PT0M", "P30D"))] | None = None
    tips: bool | None = None
    max_age: Annotated[str, AfterValidator(duration("PT1H", "P90D"))] | None = None


class RebookInvitation(AnyKind):
    """The invitation to the next visit, at this time of day."""

    at: Clock | None = None


class BonusBirthday(AnyKind):
    """The birthday gift, at this time of day, so many days before the birthday."""

    at: Clock | None = None
    days_before: Annotated[int, Field(ge=0, le=60)] | None = None


class BonusExpiring(AnyKind):
    """The word that points expire, so long before they do."""

    before: Annotated[str, AfterValidator(duration("PT1H", "P90D"))] | None = None


class Kinds(Part):
    """Every kind of message to clients; false switches a kind off."""

    booking_created: Switchable[Created] | None = None
    booking_changed: Switchable[Changed] | None = None
    booking_cancelled: Switchable[AnyKind] | None = None
    reminder: Switchable[Reminder] | None = None
    review_request: Switchable[ReviewRequest] | None = None
    rebook_invitation: Switchable[RebookInvitation] | None = None
    bonus_accrued: Switchable[AnyKind] | None = None
    bonus_birthday: Switchable[BonusBirthday] | None = None
    bonus_expiring: Switchable[BonusExpiring] | None = None
    campaign: Switchable[AnyKind] | None = None


class Staff(Part):
    """Which events staff chats hear of."""

    booking_created: bool | None = None
    booking_changed: bool | None = None
    booking_cancelled: bool | None = None
    visit_confirmed: bool | None = None
    visit_declined: bool | None = None
    move_requested: bool | None = None
    not_reached: bool | None = None
    review: bool | None = None
    tip: bool | None = None
    client_message: bool | None = None
    running_late: bool | None = None


class StaffCards(Part):
    """When staff chats get the card of tomorrow's visits whose clients were not reached, and that of today's visits."""

    evening: Switchable[Clock] | None = None
    morning: Switchable[Clock] | None = None


class ContentTemplate(Part):
    """An approved WhatsApp Content template. ``variables``: what its {{1}}, {{2}} … stand for, by canonical names."""

    sid: Annotated[str, AfterValidator(_sid)] | None = None
    variables: Annotated[list[Variable], Field(max_length=20)] | None = None
    buttons: Annotated[list[QuickReply], Field(max_length=10), AfterValidator(_all_different)] | None = None


class Package(Part):
    """Prepaid messages: how many, and the moment from which they are counted. Once they are used up, the channel is off."""

    size: Annotated[int, Field(ge=1, le=10_000_000)] | None = Field(None, examples=[1000])
    since: Moment | None = None


class Packages(Part):
    """Packages by channel; those of SMS are counted in segments."""

    sms: Package | None = None


class SettingsPatch(Part):
    """A JSON merge patch of the settings: null takes away one's own value, so that the inherited one is in force."""

    enabled_since: Moment | None = None
    channels: Order | None = None
    fallback_after: Annotated[str, AfterValidator(duration("PT1M", "P30D"))] | None = None
    undelivered_after: Annotated[str, AfterValidator(duration("PT1M", "P30D"))] | None = None
    quiet_hours: Switchable[QuietHours] | None = None
    weekly_limit: Switchable[Annotated[int, Field(ge=1, le=100)]] | None = None
    cashback_percent: Switchable[Percent] | None = None
    birthday_bonus: Switchable[Annotated[int, Field(ge=1, le=1_000_000)]] | None = None
    bonus_expires_after: Switchable[Annotated[str, AfterValidator(duration("P1D", "P3650D"))]] | None = None
    kinds: Kinds | None = None
    staff: Staff | None = None
    staff_cards: StaffCards | None = None
    templates: dict[TextKind, dict[Language, Text | None] | None] | None = None
    whatsapp_templates: dict[TextKind, dict[Language, ContentTemplate | None] | None] | None = None
    packages: Packages | None = None
    messages_kept_for: Switchable[Annotated[str, AfterValidator(duration("P30D", "P3650D"))]] | None = None
    closed_channels: dict[CountryCode, ClosedChannels | None] | None = None


class Notify(Part):
    """Overrides of the settings for one booking; what is left out or null is as the settings say."""

    created: bool | None = None
    reminders: Leads | None = None
    confirm: bool | None = None
    review: bool | None = None
