"""How a row of the route table is served: who calls, what was sent, what is answered. All problems leave by one door."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler
from pydantic import BaseModel
from pydantic_core import to_json

from bot.api.fields import ID_RULE, is_id
from bot.api.keys import Caller, Keys, Rate
from bot.api.problems import Problem, invalid, problem_of
from bot.api.reading import check, read_json, read_query
from bot.api.requests import NoQuery
from bot.outbound import Networks
from handlers.turn import Desk
from storage.records import Business

B = TypeVar("B")
Q = TypeVar("Q", bound=BaseModel)

BUSINESS_HEADER: Final = "Vizit-Business"
PARAMETERS: Final = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call is answered: a status of success, and the JSON of the body (None: no body) or a table as CSV."""

    status: int
    body: Any = None
    csv: bytes | None = None


@dataclass(frozen=True, slots=True)
class Call(Generic[B, Q]):
    """One call, checked. ``ids`` are those of the path; ``owner`` is the business that the credential speaks for, on admin
    routes the one that the path names, if there is one."""

    desk: Desk
    keys: Keys
    ids: Mapping[str, str]
    body: B
    query: Q
    owner: Business | None
    allow: Networks = ()
    """Private networks that webhooks may reach."""

    @property
    def id(self) -> str:
        """The ``{id}`` of the path."""
        return self.ids["id"]

    @property
    def business(self) -> Business:
        """The business that everything in this call belongs to. Raises :class:`Problem` (404) where there is none."""
        return found(self.owner)


def found(record: B | None) -> B:
    """``record``; raises :class:`Problem` (404) where it is None."""
    if record is None:
        raise Problem("not-found")
    return record


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One row of the table: what serves a call, and what the OpenAPI document says of it.

    ``answers``: status of success to the type of the body. ``body`` checks and describes the body; with ``raw`` it only
    describes, and ``do`` checks. ``may``: names of the problems that this route has beside the usual ones. ``shows``: an
    example of the body. ``csv``: answers as a table too.
    """

    method: str
    path: str
    do: Callable[[Call[Any, Any]], Awaitable[Answer]]
    tag: str
    summary: str
    answers: Mapping[int, Any]
    note: str = ""
    body: type[BaseModel] | None = None
    raw: bool = False
    query: type[BaseModel] = NoQuery
    admin: bool = False
    may: tuple[str, ...] = ()
    shows: Any = None
    csv: bool = False

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the ids in the path."""
        return tuple(PARAMETERS.findall(self.path))


@dataclass(slots=True)
class Service:
    """What all routes share. ``on_change`` is called after every call that may have changed something."""

    desk: Desk
    keys: Keys
    rate: Rate
    on_change: Callable[[], None] | None = None
    allow: Networks = ()

    async def serve(self, route: Route, request: web.Request) -> web.Response:
        """One call of one route, from the key to the answer."""
        caller = await self.keys.caller(request)
        self.rate.take(caller.key)
        if route.admin and caller.business is not None:
            raise Problem("forbidden")
        ids = _ids(route, request)
        query = read_query(request, route.query)
        body = await _body(route, request)
        owner = await self._owner(route, request, caller, ids)
        answer = await route.do(Call(self.desk, self.keys, ids, body, query, owner, self.allow))
        if self.on_change is not None and request.method not in (hdrs.METH_GET, hdrs.METH_HEAD):
            self.on_change()
        return _response(answer)

    async def _owner(
        self, route: Route, request: web.Request, caller: Caller, ids: Mapping[str, str]
    ) -> Business | None:
        if route.admin:
            return await self.desk.store.get(Business, ids["id"], ids["id"])
        name = caller.business
        if name is None:
            name = request.headers.get(BUSINESS_HEADER)
            if not name:
                raise Problem("no-business")
        if not is_id(name):
            raise Problem("not-found", f"{BUSINESS_HEADER} names no business.")
        business = await self.desk.store.get(Business, name, name)
        if business is None:
            raise Problem("not-found", f"There is no business {name}.")
        return business


def _ids(route: Route, request: web.Request) -> dict[str, str]:
    ids = {name: request.match_info[name] for name in route.parameters}
    wrong = [(f"/{name}", ID_RULE) for name, value in ids.items() if not is_id(value)]
    if wrong:
        raise invalid(wrong)
    return ids


async def _body(route: Route, request: web.Request) -> Any:
    if route.body is None:
        return None
    content = await read_json(request)
    return content if route.raw else check(route.body, content)


def _response(answer: Answer) -> web.Response:
    headers = {"Cache-Control": "no-store"}
    if answer.csv is not None:
        return web.Response(
            status=answer.status, headers=headers, body=answer.csv, content_type="text/csv", charset="utf-8"
        )
    if answer.body is None:
        return web.Response(status=answer.status, headers=headers)
    return web.Response(
        status=answer.status, body=to_json(answer.body), content_type="application/json", headers=headers
    )


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Whatever goes wrong below is answered as a problem."""
    try:
        return await handler(request)
    except Exception as error:
        return problem_of(error).response()


def application(
    desk: Desk,
    routes: Iterable[Route],
    *,
    admin_key: str,
    rate: float = 1000,
    tries: int = 10,
    clock: Callable[[], float] = time.monotonic,
    on_change: Callable[[], None] | None = None,
    allow: Networks = (),
) -> web.Application:
    """An application that serves ``routes``, to be mounted at ``/api/v1``.

    ``rate``: calls a second for one key (0: no limit). ``tries``: wrong keys a minute from one peer. ``clock``: seconds,
    for both. ``on_change`` is called after every call that may have changed something. ``allow``: private networks that
    webhooks may reach.
    """
    service = Service(desk, Keys(desk.store, admin_key, tries, clock), Rate(rate, clock), on_change, allow)
    app = web.Application(middlewares=[problems])
    methods: dict[str, list[str]] = {}
    for route in routes:
        _add(app, service, route)
        methods.setdefault(route.path, []).append(route.method)
    for path, allowed in methods.items():
        app.router.add_route(hdrs.METH_OPTIONS, path, _options(allowed))
    return app


def _add(app: web.Application, service: Service, route: Route) -> None:
    async def serve(request: web.Request) -> web.Response:
        return await service.serve(route, request)

    app.router.add_route(route.method, route.path, serve)
    if route.method == hdrs.METH_GET:
        app.router.add_route(hdrs.METH_HEAD, route.path, serve)


def _options(methods: list[str]) -> Callable[[web.Request], Awaitable[web.Response]]:
    also = [hdrs.METH_HEAD] if hdrs.METH_GET in methods else []
    allow = ", ".join(sorted([*methods, *also, hdrs.METH_OPTIONS]))

    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=204, headers={"Allow": allow})

    return answer
