"""Twilio's Content API: templates, what they look like with their variables filled in, and WhatsApp's review of them."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bot.playground.twilio_rules import LONGEST_BODY, LONGEST_TEMPLATE_BODY, Refusal
from bot.playground.wire import Json

VARIABLE = re.compile(r"\{\{\s*(\w{1,16})\s*\}\}")
RICHEST_FIRST = ("twilio/card", "twilio/list-picker", "twilio/call-to-action", "twilio/quick-reply", "twilio/text")
SMS_KINDS = ("twilio/text",)
BUTTONS_FREE, BUTTONS_APPROVED = 3, 10
LONGEST_TITLE = 20
LIST_ITEMS = 10
LIST_LIMITS = {"item": 24, "id": 200, "description": 72}
CATEGORIES = ("UTILITY", "MARKETING", "AUTHENTICATION")
NAME = re.compile(r"[a-z0-9_]{1,512}")
EDGE = " \t\n.,;:!?…"
UNREADABLE = re.compile(r"[\n\t]| {5,}")


@dataclass
class Approval:
    """WhatsApp's word on a template: unsubmitted, received, pending, approved or rejected with a reason."""

    status: str = "unsubmitted"
    name: str = ""
    category: str = ""
    reason: str = ""


@dataclass
class Template:
    """A Content resource. `types` maps content types (`twilio/quick-reply`) to their fields, `variables` to samples."""

    sid: str
    friendly_name: str
    language: str
    types: dict[str, Json]
    variables: dict[str, str]
    created: datetime
    approval: Approval = field(default_factory=Approval)

    @property
    def approved(self) -> bool:
        """Whether WhatsApp lets it open a conversation."""
        return self.approval.status == "approved"

    def richest(self, kinds: tuple[str, ...]) -> str | None:
        """The most complex of its types that a channel can show."""
        return next((kind for kind in RICHEST_FIRST if kind in self.types and kind in kinds), None)


@dataclass(frozen=True)
class Content:
    """What arrives on a phone. `buttons` are `{"title", "id"}` or `{"title", "url"}`; `items` those of a list."""

    kind: str
    body: str
    buttons: tuple[Json, ...] = ()
    items: tuple[Json, ...] = ()
    list_button: str = ""
    unreadable: bool = False


def make_template(sid: str, request: Json, created: datetime) -> Template:
    """A template from the JSON of a create request. Refusal 20001 for an empty one; empty types are left out."""
    given = request.get("types") or {}
    types = {kind: _dense(fields) for kind, fields in given.items() if _dense(fields)}
    if not types or any("body" not in fields for fields in types.values()):
        raise Refusal(20001, "Content types are required, each with a body")
    if not request.get("language"):
        raise Refusal(20001, "Content language is required")
    samples = {str(key): str(value) for key, value in (request.get("variables") or {}).items()}
    return Template(sid, str(request.get("friendly_name") or ""), str(request["language"]), types, samples, created)


def _dense(fields: object) -> Json:
    return {key: value for key, value in fields.items() if value is not None} if isinstance(fields, dict) else {}


def read_variables(text: str) -> dict[str, str]:
    """The ContentVariables of a message. Refusal 21656 unless a flat JSON object of texts that are not empty."""
    if not text:
        return {}
    try:
        values = json.loads(text)
    except ValueError:
        raise Refusal(21656) from None
    if not isinstance(values, dict) or not all(isinstance(value, str) and value for value in values.values()):
        raise Refusal(21656)
    if any(len(value) > LONGEST_BODY for value in values.values()):
        raise Refusal(21658)
    return values


def fill(template: Template, kind: str, variables: Mapping[str, str]) -> Content:
    """The template in one of its types, with variables (samples where one is missing) put in."""
    values = template.variables | dict(variables)

    def filled(text: object) -> str:
        return VARIABLE.sub(lambda found: values.get(found[1], found[0]), str(text or ""))

    fields = template.types[kind]
    buttons = tuple(
        {
            "title": filled(action.get("title")),
            **({"url": filled(action["url"])} if action.get("url") else {"id": filled(action.get("id"))}),
        }
        for action in fields.get("actions") or ()
    )
    items = tuple(
        {"item": filled(item.get("item")), "id": filled(item.get("id")), "description": filled(item.get("description"))}
        for item in fields.get("items") or ()
    )
    unreadable = any(UNREADABLE.search(value) for value in variables.values())
    return Content(kind, filled(fields["body"]), buttons, items, filled(fields.get("button")), unreadable)


def content_failure(content: Content, approved: bool, window_open: bool) -> int | None:
    """The code with which WhatsApp refuses this content, or None. `approved` speaks of its template.

    Source: twilio.com/docs/content and its error pages.
    """
    free = window_open and not approved
    if not window_open and (not approved or content.kind == "twilio/list-picker"):
        return 63016
    if content.kind == "twilio/card" and not approved:
        return 63013
    if not window_open and content.unreadable:
        return 63013
    plain = content.kind == "twilio/text" and window_open
    too_long = len(content.body) > (LONGEST_BODY if plain else LONGEST_TEMPLATE_BODY)
    too_many = len(content.buttons) > (BUTTONS_FREE if free else BUTTONS_APPROVED)
    wide = any(not 1 <= len(button["title"]) <= LONGEST_TITLE for button in content.buttons)
    return 63021 if too_long or too_many or wide or not content.body or not _list_fits(content) else None


def _list_fits(content: Content) -> bool:
    if content.kind != "twilio/list-picker":
        return True
    fits = all(len(item[part]) <= limit for item in content.items for part, limit in LIST_LIMITS.items())
    named = all(item["item"] for item in content.items)
    return fits and named and 1 <= len(content.items) <= LIST_ITEMS and 1 <= len(content.list_button) <= LONGEST_TITLE


def objection(template: Template) -> str:
    """Why WhatsApp rejects a template, or ''. The rules are those that Twilio's guide to approval names."""
    kind = template.richest(RICHEST_FIRST) or ""
    fields = template.types.get(kind, {})
    body = str(fields.get("body", ""))
    used = VARIABLE.findall(body)
    words = len(VARIABLE.sub(" ", body).split())
    trimmed = body.strip(EDGE)
    titles = [str(action.get("title", "")) for action in fields.get("actions") or ()]
    objections = {
        "This type of content cannot be approved": kind in ("", "twilio/list-picker"),
        "Variables can't be at the start or end of the template": bool(
            VARIABLE.match(trimmed) or re.search(VARIABLE.pattern + r"$", trimmed)
        ),
        "Variables can't be next to each other": bool(re.search(r"\}\}\s*\{\{", body)),
        "Variables must be numbered from 1 without gaps": used != [] and _gaps(used),
        "Too many variables for the length of the text": words < 2 * len(set(used)) + 1 and used != [],
        "A sample is missing for a variable": not set(used) <= template.variables.keys(),
        "The body is longer than 1024 characters": len(body) > LONGEST_TEMPLATE_BODY,
        "There are more than 10 buttons": len(titles) > BUTTONS_APPROVED,
        "A button's title is longer than 20 characters": any(len(title) > LONGEST_TITLE for title in titles),
    }
    return next((reason for reason, applies in objections.items() if applies), "")


def _gaps(used: list[str]) -> bool:
    numbers = {int(name) for name in used if name.isdigit()}
    return any(name.isdigit() for name in used) and numbers != set(range(1, len(numbers) + 1))


def submit(template: Template, request: Json) -> None:
    """Hand a template to WhatsApp. Refusal for a bad name or category, or a second time."""
    if template.approval.status != "unsubmitted":
        raise Refusal(92009)
    name, category = str(request.get("name", "")), str(request.get("category", ""))
    if not NAME.fullmatch(name):
        raise Refusal(20001, "The name may have lower-case letters, digits and underscores only")
    if category not in CATEGORIES:
        raise Refusal(20001, f"The category is one of {', '.join(CATEGORIES)}")
    template.approval = Approval("received", name, category)
