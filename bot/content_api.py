"""Twilio's Content API: templates, and WhatsApp's word on them. Source: twilio.com/docs/content."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, get_args

from twilio.rest import Client
from twilio.rest.content.v1.content import ContentList
from twilio.rest.content.v1.content.approval_create import ApprovalCreateList

from bot.twilio_codes import twilio_error
from handlers.channel import SendError
from handlers.content_templates import Blueprint
from storage.remote import TemplateStatus

PAGE: Final = 500
SUBMITTED_BEFORE: Final = "92009"
STATUSES: Final[tuple[TemplateStatus, ...]] = get_args(TemplateStatus)


@dataclass(frozen=True, slots=True)
class Remote:
    """A Content template as Twilio has it. ``reason``: why WhatsApp rejected it."""

    sid: str
    name: str
    language: str
    types: Mapping[str, Any]
    status: TemplateStatus
    reason: str | None

    def is_like(self, blueprint: Blueprint) -> bool:
        """Whether it says what the blueprint says, with the same buttons."""
        return self.language == blueprint.language and _seen(self.types) == _seen(types_of(blueprint))


class ContentApi:
    """The templates of one account. Every method raises SendError, whose ``code`` and ``text`` are Twilio's."""

    def __init__(self, client: Client) -> None:
        self._content = client.content.v1

    async def all(self) -> list[Remote]:
        """Every template of the account with WhatsApp's word on it, ours and others'."""
        try:
            found = await self._content.content_and_approvals.list_async(page_size=PAGE)
        except Exception as error:
            raise twilio_error(error) from error
        return [_remote(one) for one in found]

    async def create(self, name: str, blueprint: Blueprint) -> str:
        """Make a template; answers with its sid. Twilio takes a second one of the same name too."""
        samples = {str(number): sample for number, sample in enumerate(blueprint.samples, 1)}
        request = ContentList.ContentCreateRequest(
            {
                "friendly_name": name,
                "language": blueprint.language,
                "variables": samples,
                "types": ContentList.Types(types_of(blueprint)),
            }
        )
        try:
            made = await self._content.contents.create_async(request)
        except Exception as error:
            raise twilio_error(error) from error
        return str(made.sid)

    async def submit(self, sid: str, name: str, category: str) -> TemplateStatus:
        """Hand a template to WhatsApp for review; answers with its state. Once is enough, a second time does no harm."""
        request = ApprovalCreateList.ContentApprovalRequest({"name": name, "category": category.upper()})
        try:
            said = await self._content.contents(sid).approval_create.create_async(request)
        except Exception as error:
            refused = twilio_error(error)
            if refused.code == SUBMITTED_BEFORE:
                return "received"
            raise refused from error
        return _status(said.status)


def types_of(blueprint: Blueprint) -> dict[str, Any]:
    """The content type of a template, with what Twilio wants to know of it."""
    if not blueprint.buttons:
        return {"twilio/text": {"body": blueprint.body}}
    actions = [
        {"type": "QUICK_REPLY", "title": title, "id": verb}
        for verb, title in zip(blueprint.buttons, blueprint.titles, strict=True)
    ]
    return {"twilio/quick-reply": {"body": blueprint.body, "actions": actions}}


def why_not(error: SendError) -> str:
    """Twilio's refusal as one line."""
    return f"Twilio says {error.code}: {error.text}" if error.text else f"Twilio: {error.code}"


def _seen(types: Mapping[str, Any]) -> list[tuple[str, str, tuple[tuple[str, str], ...]]]:
    """What a person sees of content types, and the ids of its buttons."""
    return [
        (
            kind,
            str(fields.get("body")),
            tuple((str(one.get("title")), str(one.get("id"))) for one in fields.get("actions") or ()),
        )
        for kind, fields in sorted(types.items())
    ]


def _remote(one: Any) -> Remote:
    approval = one.approval_requests or {}
    return Remote(
        sid=str(one.sid),
        name=str(one.friendly_name or ""),
        language=str(one.language or ""),
        types=one.types or {},
        status=_status(approval.get("status")),
        reason=approval.get("rejection_reason") or None,
    )


def _status(word: Any) -> TemplateStatus:
    """Twilio's word for where a template stands; one that is new to us means that somebody still works on it."""
    return next((known for known in STATUSES if known == word), "pending")
