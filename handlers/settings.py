"""Settings: what is in force for a salon, who set it, and what may be set.

A salon inherits from its business, the business from :data:`handlers.settings_schema.DEFAULTS`. Each level keeps only
its own values, as one JSON object; null in a patch takes one's own value away, false switches a thing off.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import time
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from handlers import durations, quiet
from handlers.countries import country_of
from handlers.durations import NOTHING, Duration
from handlers.invalid import Invalid, from_pydantic, pointer
from handlers.moments import moment_text, parse_moment
from handlers.reach import MANUAL
from handlers.settings_schema import ABOUT_VISITS, DEFAULTS, KINDS, Notify, SettingsPatch
from storage.records import Business, Millis, Salon

Level = Literal["business", "salon"]
CheckText = Callable[[str], Sequence[str]]

MOST_REMEMBERED: Final = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What is in force for one kind of message; fields that a kind does not have keep their defaults.

    ``channels``: the order for this kind. ``before``: leads, as given. ``ignore_shift_under``: milliseconds, None: every
    shift is told. ``at``: time of day in the salon's zone.
    """

    enabled: bool
    channels: tuple[str, ...]
    announced: frozenset[str] = frozenset()
    """Bookings ``created_by`` whom are announced to the client (``for``)."""
    ignore_shift_under: Millis | None = None
    before: tuple[Duration, ...] = ()
    confirm: bool = False
    after: Duration = NOTHING
    tips: bool = False
    max_age: Duration = NOTHING
    at: time = time(0)
    days_before: int = 0


@dataclass(frozen=True, slots=True)
class WhatsAppTemplate:
    """An approved Content template: what its variables 1, 2 … stand for, the verbs of its quick replies in order, and its
    text with ``{{1}}``, ``{{2}}`` … where that is known here."""

    sid: str
    variables: tuple[str, ...] = ()
    buttons: tuple[str, ...] = ()
    body: str = ""


class Package(NamedTuple):
    """Prepaid messages of a channel: ``size`` of them (segments of SMS), counted from ``since`` on."""

    size: int
    since: Millis


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What is in force. Lengths of time that run by the clock are milliseconds; None: switched off."""

    enabled_since: Millis
    channels: tuple[str, ...]
    fallback_after: Millis
    undelivered_after: Millis
    quiet_hours: quiet.Hours | None
    weekly_limit: int | None
    cashback_percent: Decimal | None
    birthday_bonus: int | None
    bonus_expires_after: Duration | None
    kinds: Mapping[str, Kind]
    staff: Mapping[str, bool]
    """Staff event to whether staff chats hear of it."""
    staff_cards: Mapping[str, time | None]
    """Card (``evening``, ``morning``) to its time of day in the salon's zone; None: there is none."""
    templates: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Kind to language to the owner's text."""
    whatsapp_templates: Mapping[str, Mapping[str, WhatsAppTemplate]] = field(default_factory=dict)
    """Kind to language to template."""
    packages: Mapping[str, Package] = field(default_factory=dict)
    """Channel to what was bought for it; on the business alone."""

    messages_kept_for: Millis | None = None
    """None: for ever."""
    closed_channels: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Country (ISO 3166) to the channels that are not used for its phones."""

    def channels_for(self, kind: str, phone: str | None = None) -> tuple[str, ...]:
        """The order of channels for messages of ``kind``, answers and others too; without those that are closed for the
        country of ``phone`` (E.164)."""
        known = self.kinds.get(kind)
        order = known.channels if known else self.channels
        if not self.closed_channels or phone is None:
            return order
        closed = self.closed_channels.get(country_of(phone) or "", frozenset())
        return tuple(name for name in order if name not in closed)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a salon is: its zone, language, country (ISO 3166, for phones without ``+``) and currency (ISO 4217)."""

    zone: ZoneInfo
    language: str
    country: str | None
    currency: str


def place(business: Business, salon: Salon | None) -> Place:
    """The place of ``salon``, with the business's values where it has none of its own."""
    return _place(
        (salon and salon.timezone) or business.timezone,
        (salon and salon.language) or business.language,
        (salon and salon.country) or business.country,
        (salon and salon.currency) or business.currency,
    )


@lru_cache(maxsize=MOST_REMEMBERED)
def _place(timezone: str, language: str, country: str | None, currency: str) -> Place:
    return Place(ZoneInfo(timezone), language, country, currency)


_remembered: dict[tuple[str, str, Millis], Settings] = {}


def in_force(business: Business, salon: Salon | None) -> Settings:
    """What is in force for ``salon``, or for the business as a whole. Remembered by the values of both."""
    key = (repr(business.settings), repr(salon.settings) if salon else "", business.created_at)
    known = _remembered.get(key)
    if known is None:
        if len(_remembered) >= MOST_REMEMBERED:
            _remembered.clear()
        known = _remembered[key] = _settings(_merged(business, salon))
    return known


def shown(business: Business, salon: Salon | None) -> dict[str, Any]:
    """The settings as the API shows them: what is in force, and under ``own`` what is set at this level."""
    return {**_merged(business, salon), "own": deepcopy(dict((salon or business).settings))}


def apply_patch(
    own: Mapping[str, Any], patch: Any, *, level: Level, check_text: CheckText | None = None
) -> dict[str, Any]:
    """``own`` after the JSON merge patch ``patch``, checked and in its normal form.

    ``check_text`` gives the faults of an owner's text (:func:`handlers.templates.check` where it is None). Raises
    :class:`Invalid` with every fault of the patch.
    """
    try:
        parsed = SettingsPatch.model_validate(patch)
    except ValidationError as error:
        raise from_pydantic(error, patch) from None
    clean: dict[str, Any] = parsed.model_dump(by_alias=True, exclude_unset=True)
    merged: dict[str, Any] = _patched(own, clean)
    faults = [*_not_for_salons(clean, level), *_text_faults(clean, check_text), *_cross_faults(merged, level)]
    if faults:
        raise Invalid(faults)
    return merged


def check_notify(notify: Any) -> dict[str, Any]:
    """A booking's ``notify``, checked, without what is null. Raises :class:`Invalid`, pointers from ``notify`` on."""
    try:
        return Notify.model_validate(notify).model_dump(exclude_none=True)
    except ValidationError as error:
        raise from_pydantic(error, notify) from None


def _patched(own: Any, patch: Any) -> Any:
    """RFC 7396, and objects that have become empty are left out."""
    if not isinstance(patch, Mapping):
        return patch
    result = dict(own) if isinstance(own, Mapping) else {}
    for name, value in patch.items():
        kept = None if value is None else _patched(result.get(name), value)
        if kept is None or kept == {}:
            result.pop(name, None)
        else:
            result[name] = kept
    return result


BUSINESS_ALONE: Final = ("channels", "packages", "messages_kept_for", "closed_channels")


def _not_for_salons(clean: Mapping[str, Any], level: Level) -> list[tuple[str, str]]:
    if level == "business":
        return []
    why = "belongs to the business alone"
    kinds = (clean.get("kinds") or {}).items()
    places = [("kinds", kind, "channels") for kind, value in kinds if value and "channels" in value]
    whole = [(name,) for name in BUSINESS_ALONE if name in clean]
    return [(pointer(*path), why) for path in (*whole, *places)]


def _text_faults(clean: Mapping[str, Any], check_text: CheckText | None) -> list[tuple[str, str]]:
    texts = [
        (pointer("templates", kind, language), text)
        for kind, languages in (clean.get("templates") or {}).items()
        for language, text in (languages or {}).items()
        if text is not None
    ]
    if not texts:
        return []
    check = check_text or _check_text()
    return [(at, why) for at, text in texts for why in check(text)]


def _check_text() -> CheckText:
    # Templates are filled by what is in force, so that module imports this one.
    from handlers.templates import check

    return check


def _cross_faults(merged: Mapping[str, Any], level: Level) -> list[tuple[str, str]]:
    faults = []
    hours = merged.get("quiet_hours") or {}
    if hours and hours.get("from") == hours.get("to"):
        faults.append(("/quiet_hours", "must not begin and end at the same time; false switches them off"))
    for kind, languages in (merged.get("whatsapp_templates") or {}).items() if level == "business" else ():
        for language, template in languages.items():
            if "sid" not in template:
                faults.append((pointer("whatsapp_templates", kind, language, "sid"), "is required"))
    for channel, package in (merged.get("packages") or {}).items():
        faults += [
            (pointer("packages", channel, name), "is required") for name in ("size", "since") if name not in package
        ]
    return faults


def _merged(business: Business, salon: Salon | None) -> dict[str, Any]:
    """The JSON in force: the defaults, overlaid by the business's own values, then by the salon's."""
    result: dict[str, Any] = {"enabled_since": moment_text(business.created_at), **deepcopy(dict(DEFAULTS))}
    levels = (business.settings, salon.settings if salon else {})
    for own in levels:
        _overlay(result, own)
    said = [own["quiet_hours"] for own in levels if "quiet_hours" in own]
    if said and said[-1] is False:
        result["quiet_hours"] = False
    return result


def _overlay(base: dict[str, Any], own: Mapping[str, Any]) -> None:
    """Put ``own`` over ``base``. False over an object switches it off and keeps its fields for whoever switches it on."""
    for name, value in own.items():
        under = base.get(name)
        if not isinstance(under, dict):
            base[name] = deepcopy(value)
        elif isinstance(value, Mapping):
            _overlay(under, value)
        elif "enabled" in under:
            under["enabled"] = False


def _settings(merged: Mapping[str, Any]) -> Settings:
    percent = merged["cashback_percent"]
    hours = merged["quiet_hours"]
    channels = tuple(merged["channels"])
    return Settings(
        enabled_since=parse_moment(merged["enabled_since"]),
        channels=channels,
        fallback_after=_millis(merged["fallback_after"]),
        undelivered_after=_millis(merged["undelivered_after"]),
        quiet_hours=quiet.hours(hours["from"], hours["to"]) if hours else None,
        weekly_limit=merged["weekly_limit"] or None,
        cashback_percent=Decimal(str(percent)) if percent else None,
        birthday_bonus=merged["birthday_bonus"] or None,
        bonus_expires_after=durations.parse(merged["bonus_expires_after"]) if merged["bonus_expires_after"] else None,
        kinds={name: _kind(merged["kinds"][name], _order(name, channels)) for name in KINDS},
        staff=merged["staff"],
        staff_cards={name: time.fromisoformat(at) if at else None for name, at in merged["staff_cards"].items()},
        templates=merged["templates"],
        whatsapp_templates={
            kind: {
                language: WhatsAppTemplate(one["sid"], tuple(one.get("variables", ())), tuple(one.get("buttons", ())))
                for language, one in languages.items()
                if "sid" in one
            }
            for kind, languages in merged["whatsapp_templates"].items()
        },
        messages_kept_for=_millis(merged["messages_kept_for"]) if merged["messages_kept_for"] else None,
        closed_channels={country: frozenset(names) for country, names in merged["closed_channels"].items()},
        packages={
            channel: Package(package["size"], parse_moment(package["since"]))
            for channel, package in merged["packages"].items()
        },
    )


def _order(kind: str, channels: tuple[str, ...]) -> tuple[str, ...]:
    """The order of a kind that names none of its own."""
    return channels if kind in ABOUT_VISITS else tuple(name for name in channels if name != MANUAL)


def _kind(merged: Mapping[str, Any], channels: tuple[str, ...]) -> Kind:
    before = merged.get("before", ())
    shift = merged.get("ignore_shift_under")
    return Kind(
        enabled=merged["enabled"],
        channels=tuple(merged.get("channels", channels)),
        announced=frozenset(merged.get("for", ())),
        ignore_shift_under=_millis(shift) if shift else None,
        before=tuple(durations.parse(lead) for lead in ([before] if isinstance(before, str) else before)),
        confirm=merged.get("confirm", False),
        after=durations.parse(merged.get("after", "PT0M")),
        tips=merged.get("tips", False),
        max_age=durations.parse(merged.get("max_age", "PT0M")),
        at=time.fromisoformat(merged.get("at", "00:00")),
        days_before=merged.get("days_before", 0),
    )


def _millis(text: str) -> Millis:
    return durations.length(durations.parse(text))
