"""Why a message did not arrive, or was not sent, in words that an owner reads: our own words and the providers' codes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from handlers.i18n import mark, translator
from handlers.phone import STATES

NOT_ON_WHATSAPP: Final = mark("the number is not on WhatsApp")
WRONG_NUMBER: Final = mark("wrong phone number")
WANTS_NOTHING: Final = mark("the client wants no messages")
NO_ACCESS: Final = mark("the provider does not accept our account or sender")
TOO_FAST: Final = mark("too many messages at once")
FAULT: Final = mark("a technical fault")
NO_ANSWER: Final = mark("the provider did not answer")
TEXT_REFUSED: Final = mark("the provider did not accept the text")
HELD_BACK: Final = mark("WhatsApp held the message back")
TEMPLATE_GONE: Final = mark("WhatsApp has withdrawn the template")
OTHER: Final = mark("the provider refused the message")

NO_RECEIPT: Final = "no_receipt"
"""Nothing was heard of a message for so long that it counts as not delivered."""
REASONS: Final[Mapping[str, str]] = {
    "too_late": mark("it could not be sent in time"),
    "past_visit": mark("the visit had already begun"),
    "switched_off": mark("this message is switched off in the settings"),
    "no_consent": mark("the client has not agreed to offers"),
    "opted_out": WANTS_NOTHING,
    "already_confirmed": mark("the client had already confirmed"),
    "before_enabled": mark("the booking was made before messages were switched on"),
    "chat_linked": mark("the client has opened a chat since"),
    "just_told": mark("the client had just been told of this visit"),
    "quiet_hours": mark("it fell into quiet hours"),
    "grouped": mark("another message tells of this visit too"),
    "superseded": mark("a newer message took its place"),
    "reached_by_earlier_channel": mark("the client was reached on another channel"),
    "booking_cancelled": mark("the booking was cancelled"),
    "booking_moved": mark("the booking was moved"),
    "no_channel": mark("the client has linked no chat"),
    "no_template": mark("WhatsApp needs an approved template"),
    "not_by_sms": mark("such messages do not go by SMS"),
    "law": mark("the law forbids advertising by SMS there"),
    "no_client": mark("the booking has no client any more"),
    "other_client": mark("the booking was given to another client"),
    "small_shift": mark("the time changed too little"),
    "nothing_changed": mark("the booking is again as it was"),
    "by_client": mark("the client was answered in the chat"),
    "by_staff": mark("the staff took it off"),
    "erased": mark("the client's data was erased"),
    "perhaps_sent": mark("sent once more: the first one may not have arrived"),
    "refused": OTHER,
    "weekly_limit": mark("the client has had enough offers this week"),
    "better_offer": mark("another offer went at the same time"),
    "has_booking": mark("the client has booked already"),
    "spent": mark("the bonus points were spent before"),
    "unwanted": mark("the client does not want this invitation"),
    "package_used_up": mark("the package of messages is used up"),
    "restored": mark("it may have gone out before the data was restored"),
    "asked_lately": mark("the client was asked for a review not long ago"),
    "not_arrived": mark("the client had not come after all"),
    NO_RECEIPT: mark("no report of delivery"),
    **STATES,
    "400": mark("Telegram did not accept the message"),
    "403": mark("the bot is blocked"),
    "401": NO_ACCESS,
    "404": NO_ACCESS,
    "413": TEXT_REFUSED,
    "429": TOO_FAST,
    "500": FAULT,
    "internal": FAULT,
    "unencodable": TEXT_REFUSED,
    "timeout": NO_ANSWER,
    "network": NO_ANSWER,
    "undecodable": NO_ANSWER,
    "stopped": NO_ANSWER,
    "lost_worker": NO_ANSWER,
    "absent": NO_ANSWER,
    "20003": NO_ACCESS,
    "20404": NO_ACCESS,
    "20429": TOO_FAST,
    "20500": FAULT,
    "20503": FAULT,
    "21211": WRONG_NUMBER,
    "21217": WRONG_NUMBER,
    "21408": mark("messages to this country are switched off"),
    "21610": WANTS_NOTHING,
    "21611": TOO_FAST,
    "21614": WRONG_NUMBER,
    "21635": WRONG_NUMBER,
    "21656": TEXT_REFUSED,
    "30001": TOO_FAST,
    "30003": mark("the phone is switched off"),
    "30004": WANTS_NOTHING,
    "30005": WRONG_NUMBER,
    "30006": WRONG_NUMBER,
    "30007": mark("the network took it for spam"),
    "30008": FAULT,
    "30036": mark("it waited too long at the provider"),
    "30042": mark("the network does not accept the sender's name"),
    "63001": NO_ACCESS,
    "63003": NOT_ON_WHATSAPP,
    "63005": TEXT_REFUSED,
    "63007": NO_ACCESS,
    "63012": FAULT,
    "63013": TEXT_REFUSED,
    "63014": WANTS_NOTHING,
    "63015": mark("the number has not joined the sandbox"),
    "63016": mark("the client has not written for a day"),
    "63017": TOO_FAST,
    "63018": TOO_FAST,
    "63021": TEXT_REFUSED,
    "63024": NOT_ON_WHATSAPP,
    "63032": HELD_BACK,
    "63040": TEMPLATE_GONE,
    "63041": TEMPLATE_GONE,
    "63042": TEMPLATE_GONE,
    "63049": HELD_BACK,
    "63051": NO_ACCESS,
    "63112": NO_ACCESS,
    "92007": TEXT_REFUSED,
}
"""Our own words, the states of the salon's phone, Telegram's and Twilio's codes. Bare HTTP statuses are Telegram's."""


def in_words(code: str, language: str) -> str:
    """Why, as a sentence without its beginning; a code that is not known here is the provider's refusal."""
    return translator(language)(REASONS.get(code, OTHER))
