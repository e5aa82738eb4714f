"""The fixed list of words that say why a message was not sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

Reason = Literal[
    "too_late", "past_visit", "switched_off", "no_consent", "opted_out", "already_confirmed", "before_enabled",
    "chat_linked", "just_told", "quiet_hours", "grouped", "superseded", "reached_by_earlier_channel", "booking_cancelled",
    "booking_moved", "no_channel", "no_template", "not_by_sms", "law", "no_client", "other_client", "small_shift",
    "nothing_changed", "by_client", "by_staff", "erased", "perhaps_sent", "package_used_up", "restored",
    "weekly_limit", "better_offer", "has_booking", "spent", "unwanted",
    "asked_lately", "not_arrived",
]  # fmt: skip

REASONS: Final[Mapping[Reason, str]] = {
    "too_late": "its moment had passed, or it could no longer arrive in time",
    "past_visit": "the visit had begun or was over when it was first heard of",
    "switched_off": "this kind of message, this reminder or its channel is switched off",
    "no_consent": "the client has not agreed to offers",
    "opted_out": "the client asked for no messages",
    "already_confirmed": "it only asked to confirm, and the client has confirmed",
    "before_enabled": "the booking was made before messages were switched on",
    "chat_linked": "it waited for a person, and went by itself once the client had opened a chat",
    "just_told": "another message about this visit was due within the half hour before",
    "quiet_hours": "it fell into quiet hours and there was no good moment outside of them",
    "grouped": "another message of the same moment or day speaks for it",
    "superseded": "a newer message says it all",
    "reached_by_earlier_channel": "the client was reached on the channel before",
    "booking_cancelled": "the booking was cancelled",
    "booking_moved": "the booking was moved to another time or salon",
    "no_channel": "no channel leads to the client",
    "no_template": "WhatsApp needs an approved template, and there is none",
    "not_by_sms": "nothing short enough for an SMS says it",
    "law": "the law of the client's country forbids advertising on this channel",
    "no_client": "the booking has no client any more",
    "other_client": "the booking was given to another client",
    "small_shift": "the start moved by less than the client is to hear of",
    "nothing_changed": "the booking is again as the client knows it",
    "by_client": "the client did it and was answered in the chat",
    "by_staff": "a person of the salon took it off",
    "erased": "the client was erased",
    "perhaps_sent": "it is sent once more, since an earlier try may not have arrived",
    "package_used_up": "the prepaid messages of this channel are used up",
    "restored": "it was due before the database was brought back from a backup, and may have gone out then",
    "weekly_limit": "the client has had as many offers within a week as the settings allow",
    "better_offer": "a more useful offer to the same client went, or was to go, at the same time",
    "has_booking": "the client has a visit ahead",
    "spent": "the points that it tells of were spent",
    "unwanted": "the client doesn't want to be invited to these services",
    "asked_lately": "the client was asked for a review, or gave one, within the last 30 days",
    "not_arrived": "the client had not come after all",
}
"""Each word with its meaning; stored with the message and shown with the booking."""
