"""Messages at Twilio: what is refused at once, what becomes of the rest, and what the callbacks say of it."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from email.utils import format_datetime

from bot.playground.twilio_content import (
    RICHEST_FIRST,
    SMS_KINDS,
    Content,
    Template,
    content_failure,
    fill,
    read_variables,
)
from bot.playground.twilio_rules import (
    FAILURES,
    LONGEST_BODY,
    UNDELIVERED,
    WHATSAPP,
    Refusal,
    check_to,
    check_url,
    check_validity,
    segments,
)
from bot.playground.wire import Json

API_VERSION = "2010-04-01"
ENDED = frozenset({"failed", "undelivered"})
CHARGED = frozenset({"delivered", "read", "undelivered"})
WHATSAPP_PRICE, SEGMENT_PRICE = Decimal("0.005"), Decimal("0.0079")
"""In US dollars, for one message and for one segment of an SMS."""


@dataclass
class Message:
    """A Message resource, outbound or inbound, with what the person sees of it.

    `opened` tells that it came as a template outside the 24-hour window; its buttons then answer otherwise. `line`
    keeps its callbacks in order, `late` is one that is held back on purpose.
    """

    sid: str
    account_sid: str
    sender: str
    to: str
    content: Content
    status: str
    created: datetime
    direction: str = "outbound-api"
    service_sid: str | None = None
    template_sid: str | None = None
    status_callback: str = ""
    media: tuple[str, ...] = ()
    error_code: int | None = None
    sent_at: datetime | None = None
    updated: datetime | None = None
    opened: bool = False
    late: dict[str, str] | None = None
    line: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def body(self) -> str:
        """The text with its variables filled in."""
        return self.content.body

    @property
    def buttons(self) -> tuple[Json, ...]:
        """`{"title", "id"}` of each quick reply, `{"title", "url"}` of each link."""
        return self.content.buttons

    @property
    def items(self) -> tuple[Json, ...]:
        """`{"item", "id", "description"}` of each entry of a list."""
        return self.content.items

    @property
    def on_whatsapp(self) -> bool:
        """Whether it goes by WhatsApp, not by SMS."""
        return self.to.startswith(WHATSAPP)

    @property
    def segments(self) -> int:
        """How many SMS it takes; one on WhatsApp."""
        return 1 if self.on_whatsapp else segments(self.body)

    @property
    def price(self) -> str | None:
        """What the customer was charged, as a negative number; unknown until the message has arrived or failed to."""
        if self.status not in CHARGED or self.direction == "inbound":
            return None
        return f"-{WHATSAPP_PRICE if self.on_whatsapp else SEGMENT_PRICE * self.segments:.5f}"

    def move_to(self, status: str, now: datetime, error_code: int | None = None) -> None:
        """Take the next status."""
        self.status, self.updated, self.error_code = status, now, error_code
        if status == "sent":
            self.sent_at = now

    def json(self) -> Json:
        """Twilio's resource."""
        uri = f"/{API_VERSION}/Accounts/{self.account_sid}/Messages/{self.sid}"
        created = format_datetime(self.created)
        return {
            "account_sid": self.account_sid,
            "api_version": API_VERSION,
            "body": self.body,
            "date_created": created,
            "date_sent": format_datetime(self.sent_at) if self.sent_at else None,
            "date_updated": format_datetime(self.updated) if self.updated else created,
            "direction": self.direction,
            "error_code": self.error_code,
            "error_message": FAILURES.get(self.error_code or 0),
            "from": self.sender,
            "messaging_service_sid": self.service_sid,
            "num_media": str(len(self.media)),
            "num_segments": "0" if self.service_sid and self.status == "accepted" else str(self.segments),
            "price": self.price,
            "price_unit": "USD",
            "sid": self.sid,
            "status": self.status,
            "subresource_uris": {"media": f"{uri}/Media.json"},
            "to": self.to,
            "uri": f"{uri}.json",
        }

    def inbound(self, identity: Mapping[str, str]) -> dict[str, str]:
        """The fields of the webhook for a message that a person wrote; `identity` is what WhatsApp tells of them."""
        return {
            "AccountSid": self.account_sid,
            "ApiVersion": API_VERSION,
            "Body": self.body,
            "From": self.sender,
            "MessageSid": self.sid,
            "NumMedia": "0",
            "NumSegments": str(self.segments),
            "SmsMessageSid": self.sid,
            "SmsSid": self.sid,
            "SmsStatus": "received",
            "To": self.to,
        } | dict(identity)

    def callback(self, status: str) -> dict[str, str]:
        """The fields of the status callback for `status`."""
        fields = {
            "AccountSid": self.account_sid,
            "ApiVersion": API_VERSION,
            "From": self.sender,
            "MessageSid": self.sid,
            "MessageStatus": status,
            "SmsSid": self.sid,
            "SmsStatus": status,
            "To": self.to,
        }
        if self.service_sid:
            fields["MessagingServiceSid"] = self.service_sid
        if self.on_whatsapp:
            fields |= {"ChannelPrefix": "whatsapp", "ChannelToAddress": self.to.removeprefix(WHATSAPP)}
            fields["ChannelInstallSid"] = "XE" + self.account_sid[2:]
        if status == "read":
            fields["EventType"] = "READ"
        elif status == "delivered" and not self.on_whatsapp and self.updated:
            fields["RawDlrDoneDate"] = self.updated.strftime("%y%m%d%H%M")
        if status in ENDED and self.error_code:
            fields["ErrorCode"] = str(self.error_code)
            if self.on_whatsapp:
                fields["ChannelStatusMessage"] = FAILURES[self.error_code]
        return fields


@dataclass(frozen=True)
class Account:
    """The customer's side of Twilio: senders (`+E164`, alphanumeric or `whatsapp:+E164`), Messaging Services with their
    senders, templates, and numbers that are refused or fail with a code."""

    sid: str
    senders: Sequence[str]
    services: Mapping[str, Sequence[str]]
    templates: Mapping[str, Template]
    troubles: Mapping[str, int]


@dataclass(frozen=True)
class Order:
    """A create request that was not refused."""

    to: str
    sender: str
    service_sid: str | None
    content: Content
    template: Template | None
    status_callback: str
    media: tuple[str, ...]


def take_order(account: Account, form: Mapping[str, str], media: Sequence[str]) -> Order:
    """Check a create request in Twilio's order: addressee, sender, content, extras. Refusal for what it refuses."""
    to = form.get("To", "").strip()
    check_to(to)
    sender, service_sid = _sender(account, form, to)
    content, template = _content(account, form, media, to)
    if form.get("StatusCallback"):
        check_url(form["StatusCallback"], 21609)
    if "ValidityPeriod" in form:
        check_validity(form["ValidityPeriod"])
    trouble = account.troubles.get(to)
    if trouble is not None and trouble not in FAILURES:
        raise Refusal(trouble)
    return Order(to, sender, service_sid, content, template, form.get("StatusCallback", ""), tuple(media))


def _sender(account: Account, form: Mapping[str, str], to: str) -> tuple[str, str | None]:
    sender, service_sid = form.get("From", ""), form.get("MessagingServiceSid") or None
    by_whatsapp = to.startswith(WHATSAPP)
    if service_sid is not None and service_sid not in account.services:
        raise Refusal(21705)
    if service_sid is not None and not sender:
        fitting = [one for one in account.services[service_sid] if one.startswith(WHATSAPP) is by_whatsapp]
        if not fitting:
            raise Refusal(21703)
        return fitting[0], service_sid
    if not sender:
        raise Refusal(21603)
    if sender.startswith(WHATSAPP) is not by_whatsapp:
        raise Refusal(21910)
    if sender not in account.senders:
        raise Refusal(63007 if by_whatsapp else 21606)
    return sender, service_sid


def _content(
    account: Account, form: Mapping[str, str], media: Sequence[str], to: str
) -> tuple[Content, Template | None]:
    body = form.get("Body", "")
    for url in media:
        check_url(url, 21620)
    if "ContentSid" not in form and form.get("ContentVariables"):
        raise Refusal(21654)
    if form.get("ContentSid"):
        template = account.templates.get(form["ContentSid"])
        if template is None:
            raise Refusal(21655)
        variables = read_variables(form.get("ContentVariables", ""))
        kind = template.richest(RICHEST_FIRST if to.startswith(WHATSAPP) else SMS_KINDS)
        return fill(template, kind, variables) if kind else Content("", ""), template
    if "Body" not in form and not media:
        raise Refusal(21619)
    if not body.strip() and not media:
        raise Refusal(21602)
    if len(body) > LONGEST_BODY:
        raise Refusal(21617)
    return Content("twilio/text", body), None


def failure(order: Order, trouble: int | None, window_open: bool) -> int | None:
    """The code with which an accepted message fails later, or None. `trouble` is what its addressee has."""
    if trouble in FAILURES:
        return trouble
    if order.to.startswith(WHATSAPP):
        approved = order.template is not None and order.template.approved
        return content_failure(order.content, approved, window_open)
    return None if order.content.kind else 63005


def ending(code: int) -> str:
    """The status in which a message with this code ends."""
    return "undelivered" if code in UNDELIVERED else "failed"
