"""Problems as RFC 9457 wants them, and the one place where an exception becomes one."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from aiohttp import web
from pydantic_core import to_json
from typing_extensions import TypedDict

from handlers.dead_letters import Refused
from handlers.invalid import Invalid
from storage.store import StoreError

log = logging.getLogger(__name__)

CONTENT_TYPE: Final = "application/problem+json"
COME_AGAIN_S: Final = 1
"""What ``Retry-After`` says when the store is busy: locks are held for milliseconds, rarely for seconds."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A sort of problem: its HTTP status, its title, and what a caller can do about it."""

    status: int
    title: str
    advice: str


KINDS: Final[Mapping[str, Kind]] = {
    "not-json": Kind(
        400, "The body is not JSON", "Send one JSON value in UTF-8, without repeated names, NaN or lone surrogates."
    ),
    "no-business": Kind(
        400, "No business is named", "With the admin key, name the business in the header Vizit-Business."
    ),
    "unauthorized": Kind(401, "No valid key", "Send the header Authorization: Bearer KEY."),
    "forbidden": Kind(403, "Not with this key", "This route takes the admin key alone."),
    "not-found": Kind(404, "Not found", "There is no such thing here, or it belongs to another business."),
    "method-not-allowed": Kind(405, "Method not allowed", "The header Allow lists what this path takes."),
    "too-slow": Kind(408, "The body took too long", "Send the whole body within 20 seconds."),
    "conflict": Kind(409, "Does not fit the present state", "Read the thing again, and decide anew."),
    "too-large": Kind(413, "The body is too large", "Send at most 1 MiB; split a batch."),
    "media-type": Kind(415, "Not a media type for this route", "Send Content-Type: application/json in UTF-8."),
    "invalid": Kind(422, "Wrong content", "`errors` lists every fault with a JSON pointer to its place."),
    "too-many": Kind(429, "Too many calls", "Wait as many seconds as Retry-After says."),
    "internal": Kind(
        500,
        "Something went wrong here",
        "It was logged. Nothing of this call was stored, unless a later read shows it.",
    ),
    "busy": Kind(503, "The store is busy", "Nothing was stored. Send the same call again after Retry-After seconds."),
}
"""The last part of ``type`` to the sort of problem."""
BY_STATUS: Final = {kind.status: name for name, kind in KINDS.items()}


class Fault(TypedDict):
    """One thing that is wrong with what was sent. ``at``: an RFC 6901 JSON pointer into the body, or ``/`` and the name of
    a parameter."""

    at: str
    why: str


class ProblemOut(TypedDict):
    """What is wrong, after RFC 9457. ``type`` is an address in the documentation; nothing of the call was stored."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[Fault]


class Problem(Exception):
    """An answer that is a problem. ``name`` is one of :data:`KINDS`."""

    def __init__(
        self,
        name: str,
        detail: str = "",
        errors: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{name}: {detail}")
        self.kind = KINDS[name]
        self.name = name
        self.detail = detail or self.kind.advice
        self.errors = tuple(errors)
        self.headers = dict(headers or {})

    def body(self) -> ProblemOut:
        """The JSON of it."""
        return {
            "type": f"/api/docs#{self.name}",
            "title": self.kind.title,
            "status": self.kind.status,
            "detail": self.detail,
            "errors": [{"at": at, "why": why} for at, why in self.errors],
        }

    def response(self) -> web.Response:
        """The answer of it."""
        return web.Response(
            status=self.kind.status, body=to_json(self.body()), content_type=CONTENT_TYPE, headers=self.headers
        )


def invalid(errors: Sequence[tuple[str, str]]) -> Problem:
    """Wrong content (422), every fault with its pointer."""
    return Problem("invalid", "; ".join(f"{at or 'the body'} {why}" for at, why in errors), errors)


def wait(name: str, seconds: int, detail: str = "") -> Problem:
    """A problem that passes: the caller is told when to come again."""
    return Problem(name, detail, headers={"Retry-After": str(max(1, seconds))})


def problem_of(error: Exception) -> Problem:
    """What the caller is told of an exception. What nobody expected is logged, and the caller learns no more than that."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, Invalid):
        return invalid(error.errors)
    if isinstance(error, Refused):
        return Problem("conflict", str(error))
    if isinstance(error, StoreError):
        log.warning("the store could not be used: %s", error)
        return wait("busy", COME_AGAIN_S)
    if isinstance(error, web.HTTPException) and error.status in BY_STATUS:
        return _of_http(error)
    log.error("a call of the API failed", exc_info=error)
    return Problem("internal")


def _of_http(error: web.HTTPException) -> Problem:
    allow = error.headers.get("Allow")
    return Problem(BY_STATUS[error.status], headers={"Allow": allow} if allow else None)


def phrase(status: int) -> str:
    """What HTTP calls a status."""
    return HTTPStatus(status).phrase
