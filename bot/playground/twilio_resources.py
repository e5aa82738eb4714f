"""Twilio's REST resources: each handler takes the request and its parameters and answers with Twilio's JSON."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from email.utils import format_datetime
from typing import Protocol

from aiohttp import web

from bot.playground.twilio_content import Approval, Template, make_template, submit
from bot.playground.twilio_messages import API_VERSION, Account, Message
from bot.playground.twilio_rules import Refusal
from bot.playground.wire import Json, Now

Handler = Callable[[web.Request, Json], Awaitable[web.Response]]
LARGEST_PAGE = 1000


class Desk(Protocol):
    """What the resources need of the platform."""

    now: Now
    account: Account
    templates: dict[str, Template]

    @property
    def messages(self) -> Sequence[Message]:
        """All messages, oldest first."""

    @property
    def base_url(self) -> str:
        """The address under which the resources are found."""

    def create(self, form: Mapping[str, str], media: Sequence[str]) -> Message:
        """Accept a message."""

    def new_sid(self, prefix: str) -> str:
        """Make a sid."""

    def submitted(self, template: Template) -> None:
        """Start the review of a template."""

    def changed(self) -> None:
        """Tell onlookers."""


class Resources:
    """The handlers, by name, with verb and path."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def table(self) -> dict[str, tuple[str, str, Handler]]:
        """Answer with `{name: (verb, path, handler)}`."""
        accounts = f"/{API_VERSION}/Accounts"
        content = "/v1/Content/{sid:HX[0-9a-f]{32}}"
        return {
            "create_message": ("POST", accounts + "/{account}/Messages.json", self._create_message),
            "list_messages": ("GET", accounts + "/{account}/Messages.json", self._list_messages),
            "fetch_message": ("GET", accounts + "/{account}/Messages/{sid}.json", self._fetch_message),
            "fetch_account": ("GET", accounts + "/{account}.json", self._fetch_account),
            "create_content": ("POST", "/v1/Content", self._create_content),
            "list_content": ("GET", "/v1/Content", self._list_content),
            "list_content_and_approvals": ("GET", "/v1/ContentAndApprovals", self._list_approvals),
            "fetch_content": ("GET", content, self._fetch_content),
            "delete_content": ("DELETE", content, self._delete_content),
            "submit_content": ("POST", content + "/ApprovalRequests/whatsapp", self._submit),
            "fetch_approval": ("GET", content + "/ApprovalRequests", self._fetch_approval),
            "fetch_service": ("GET", "/v1/Services/{sid}", self._fetch_service),
        }

    async def _create_message(self, _: web.Request, params: Json) -> web.Response:
        form = {name: value for name, value in params.items() if isinstance(value, str)}
        return web.json_response(self._desk.create(form, params.get("MediaUrl", [])).json(), status=201)

    async def _list_messages(self, request: web.Request, params: Json) -> web.Response:
        found = [one for one in reversed(self._desk.messages) if _matches(one, params)]
        page, size = _page(params)
        shown = found[page * size : (page + 1) * size]
        kept = {name: value for name, value in params.items() if name not in ("Page", "PageToken")}

        def uri(number: int) -> str:
            return str(request.rel_url.with_query(kept | {"Page": str(number), "PageSize": str(size)}))

        return web.json_response(
            {
                "messages": [one.json() for one in shown],
                "page": page,
                "page_size": size,
                "start": page * size,
                "end": page * size + max(len(shown) - 1, 0),
                "uri": uri(page),
                "first_page_uri": uri(0),
                "next_page_uri": uri(page + 1) if len(found) > (page + 1) * size else None,
                "previous_page_uri": uri(page - 1) if page else None,
            }
        )

    async def _fetch_message(self, request: web.Request, _: Json) -> web.Response:
        sid = request.match_info["sid"]
        message = next((one for one in reversed(self._desk.messages) if one.sid == sid), None)
        if message is None:
            raise Refusal(20404)
        return web.json_response(message.json())

    async def _fetch_account(self, _: web.Request, __: Json) -> web.Response:
        sid, now = self._desk.account.sid, format_datetime(self._desk.now())
        return web.json_response(
            {
                "sid": sid,
                "owner_account_sid": sid,
                "friendly_name": "Playground",
                "status": "active",
                "type": "Full",
                "date_created": now,
                "date_updated": now,
                "uri": f"/{API_VERSION}/Accounts/{sid}.json",
                "subresource_uris": {"messages": f"/{API_VERSION}/Accounts/{sid}/Messages.json"},
            }
        )

    async def _create_content(self, _: web.Request, params: Json) -> web.Response:
        template = make_template(self._desk.new_sid("HX"), params, self._desk.now())
        self._desk.templates[template.sid] = template
        self._desk.changed()
        return web.json_response(self._content(template), status=201)

    async def _list_content(self, request: web.Request, params: Json) -> web.Response:
        return self._list(request, params, [self._content(one) for one in self._desk.templates.values()])

    async def _list_approvals(self, request: web.Request, params: Json) -> web.Response:
        found = [
            self._content(one) | {"approval_requests": _approval(one.approval, one)}
            for one in self._desk.templates.values()
        ]
        return self._list(request, params, found)

    def _list(self, request: web.Request, params: Json, found: list[Json]) -> web.Response:
        page, size = _page(params)

        def url(number: int) -> str:
            here = request.rel_url.with_query({"PageSize": str(size), "Page": str(number)})
            return f"{self._desk.base_url}{here}"

        meta = {
            "key": "contents",
            "page": page,
            "page_size": size,
            "url": url(page),
            "first_page_url": url(0),
            "next_page_url": url(page + 1) if len(found) > (page + 1) * size else None,
            "previous_page_url": url(page - 1) if page else None,
        }
        return web.json_response({"contents": found[page * size : (page + 1) * size], "meta": meta})

    async def _fetch_content(self, request: web.Request, _: Json) -> web.Response:
        return web.json_response(self._content(self._template(request)))

    async def _delete_content(self, request: web.Request, _: Json) -> web.Response:
        del self._desk.templates[self._template(request).sid]
        self._desk.changed()
        return web.Response(status=204)

    async def _submit(self, request: web.Request, params: Json) -> web.Response:
        template = self._template(request)
        submit(template, params)
        answer = _approval(template.approval, template)
        self._desk.submitted(template)
        self._desk.changed()
        return web.json_response(answer, status=201)

    async def _fetch_approval(self, request: web.Request, _: Json) -> web.Response:
        template = self._template(request)
        return web.json_response(
            {
                "sid": template.sid,
                "account_sid": self._desk.account.sid,
                "url": f"{self._desk.base_url}/v1/Content/{template.sid}/ApprovalRequests",
                "whatsapp": _approval(template.approval, template) | {"type": "whatsapp", "flows": None},
            }
        )

    async def _fetch_service(self, request: web.Request, _: Json) -> web.Response:
        sid = request.match_info["sid"]
        if sid not in self._desk.account.services:
            raise Refusal(20404)
        now = _iso(self._desk.now())
        return web.json_response(
            {
                "sid": sid,
                "account_sid": self._desk.account.sid,
                "friendly_name": "Playground",
                "date_created": now,
                "date_updated": now,
                "validity_period": 36000,
                "url": f"{self._desk.base_url}/v1/Services/{sid}",
                "links": {},
            }
        )

    def _template(self, request: web.Request) -> Template:
        template = self._desk.templates.get(request.match_info["sid"])
        if template is None:
            raise Refusal(20404)
        return template

    def _content(self, template: Template) -> Json:
        url = f"{self._desk.base_url}/v1/Content/{template.sid}"
        created = _iso(template.created)
        return {
            "sid": template.sid,
            "account_sid": self._desk.account.sid,
            "friendly_name": template.friendly_name,
            "language": template.language,
            "variables": template.variables,
            "types": template.types,
            "date_created": created,
            "date_updated": created,
            "url": url,
            "links": {
                "approval_create": f"{url}/ApprovalRequests/whatsapp",
                "approval_fetch": f"{url}/ApprovalRequests",
            },
        }


def _approval(approval: Approval, template: Template) -> Json:
    return {
        "name": approval.name,
        "category": approval.category,
        "content_type": next(iter(template.types)),
        "status": approval.status,
        "rejection_reason": approval.reason,
        "allow_category_change": True,
    }


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _page(params: Json) -> tuple[int, int]:
    size = min(max(int(params.get("PageSize") or 50), 1), LARGEST_PAGE)
    return int(params.get("Page") or 0), size


def _matches(message: Message, params: Json) -> bool:
    at = message.sent_at or message.created
    wanted = {"To": message.to, "From": message.sender}
    same = all(params.get(name) in (None, "", value) for name, value in wanted.items())
    before, after, on = (params.get(name) for name in ("DateSent<", "DateSent>", "DateSent"))
    return (
        same
        and (not on or at.astimezone(UTC).date() == _moment(on, time.min).date())
        and (not before or at <= _moment(before, time.max))
        and (not after or at >= _moment(after, time.min))
    )


def _moment(text: str, of_day: time) -> datetime:
    """A moment from Twilio's `2026-11-20T10:00:00Z`, or from a date alone, of which it takes the given time."""
    try:
        if len(text) == len("2026-11-20"):
            return datetime.combine(date.fromisoformat(text), of_day, UTC)
        return datetime.fromisoformat(text)
    except ValueError:
        raise Refusal(20001, f"{text} is no date") from None
