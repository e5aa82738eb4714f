"""The playground's page: the chats side by side, the bookings with their plans, and the clock."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta
from importlib.resources import files
from typing import Any, Final

from aiohttp import web

from bot.console.routes import made
from bot.console.signin import welcome
from bot.playground import cast
from bot.playground.picture import SHOWN, ZONE, booking_of, people, plan_line
from bot.playground.stage import Refused, Stage
from bot.playground.wire import Json, read_action
from handlers.console import sign_in_by_key

BEAT: Final = 15.0
"""Seconds after which the live stream says that it is still there."""
TYPES: Final = {"css": "text/css", "js": "text/javascript"}
HOUR: Final = 3_600_000
STEPS: Final = {"PT1H": HOUR, "P1D": 24 * HOUR, "P1W": 7 * 24 * HOUR, "P30D": 30 * 24 * HOUR, "P1Y": 365 * 24 * HOUR}
"""How far the clock's buttons move it, in milliseconds; it stops at everything that is due on the way."""


class Page:
    """The routes of the page over one :class:`Stage`, which is there only once the service serves them."""

    _stage: Stage
    _group: int

    def __init__(self) -> None:
        self._watchers: set[asyncio.Event] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._opened = asyncio.Event()
        self._closing = False
        self._cuts = 0
        """How often the power was cut, and is back."""

    async def open(self, stage: Stage, group: int) -> None:
        """The curtain rises: ``group`` is the chat id of the staff's group."""
        self._stage, self._group = stage, group
        self._opened.set()
        self._tasks = [asyncio.create_task(self._watch(emulator)) for emulator in (stage.telegram, stage.twilio)]

    def routes(self) -> list[web.RouteDef]:
        """Everything the page needs, the emulators' own routes for their people among it."""
        return [
            web.get("/", self._index),
            web.get("/play/static/{name}", self._static),
            web.get("/play/state", self._state),
            web.get("/play/live", self._live),
            web.post("/play/clock", self._clock),
            web.post("/play/bookings", self._book),
            web.post("/play/console", self._console),
            web.post("/play/bookings/{id}/{status}", self._mark),
            web.post("/play/{platform:telegram|twilio}/{path:.+}", self._play),
        ]

    async def close(self) -> None:
        """Stop following the chats, and let every open stream end."""
        self._closing = True
        self._news()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _index(self, _: web.Request) -> web.Response:
        page = files("bot.playground").joinpath("templates/playground.html").read_text("utf-8")
        return web.Response(text=page, content_type="text/html")

    async def _static(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        kind = TYPES.get(name.rpartition(".")[2])
        if kind is None or name not in ("playground.css", "playground.js"):
            raise web.HTTPNotFound
        text = files("bot.playground").joinpath(f"static/{name}").read_text("utf-8")
        return web.Response(text=text, content_type=kind)

    # Following live

    async def _watch(self, emulator: Any) -> None:
        while True:
            await emulator.wait_change(emulator.version)
            self._news()

    def _news(self) -> None:
        for watcher in self._watchers:
            watcher.set()

    async def _live(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events: one line whenever there is something new to fetch."""
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await stream.prepare(request)
        watcher = asyncio.Event()
        watcher.set()
        self._watchers.add(watcher)
        try:
            while not self._closing:
                try:
                    await asyncio.wait_for(watcher.wait(), BEAT)
                    watcher.clear()
                    await stream.write(b"data: news\n\n")
                except TimeoutError:
                    await stream.write(b": still here\n\n")
        except ConnectionResetError:
            pass
        finally:
            self._watchers.discard(watcher)
        return stream

    # What the page shows

    async def _state(self, _: web.Request) -> web.Response:
        # The service listens before the cast is on the stage, and a browser that waits for it is quick.
        await self._opened.wait()
        now = datetime.fromtimestamp(self._stage.now() / 1000, ZONE)
        tomorrow = now.date() + timedelta(days=2)
        return web.json_response(
            {
                "version": self._stage.telegram.version + self._stage.twilio.version,
                "cuts": self._cuts,
                "clock": {"time": f"{now:%H:%M}", "day": f"{now:%a %-d %b %Y}"},
                "people": people(self._stage, self._group),
                "clients": [
                    {"id": role.id, "name": f"{role.name} ({role.platform}, {role.language})"} for role in cast.CLIENTS
                ],
                "masters": [{"id": id, "name": body["name"]} for id, body in cast.MASTERS.items()],
                "services": [{"id": id, "name": body["name"]} for id, body in cast.SERVICES.items()],
                "suggest": {"day": tomorrow.isoformat(), "time": "15:00"},
                "bookings": await self._bookings(),
            }
        )

    async def _bookings(self) -> list[Json]:
        listed = await self._stage.api.call("GET", "/bookings", limit=str(SHOWN))
        said = await self._stage.api.call("GET", "/reviews", limit="200")
        reviews = {review["booking"]: review for review in said["items"]}
        rows = [
            booking_of(booking, await self._plan(booking["id"]), reviews.get(booking["id"]))
            for booking in listed["items"]
        ]
        return sorted(rows, key=lambda row: (row["over"], row["starts_at"]))

    async def _plan(self, booking: str) -> list[Json]:
        rows = await self._stage.api.call("GET", f"/bookings/{booking}/messages")
        return [plan_line(row) for row in rows["items"] if row["kind"] != "retire"]

    # What the page does

    async def _play(self, request: web.Request) -> web.Response:
        """Let a person do something: handed on to the platform, which runs on a port of its own."""
        emulator = self._stage.telegram if request.match_info["platform"] == "telegram" else self._stage.twilio
        body = await read_action(request)
        async with self._stage.session.post(f"{emulator.base_url}{request.path}", json=body) as answer:
            return web.json_response(await answer.json(), status=answer.status)

    async def _clock(self, request: web.Request) -> web.Response:
        to = (await read_action(request)).get("to")
        if to == "next":
            said = "" if await self._stage.next_message() else "No message is waiting."
        elif to == "outage":
            # The service that goes dark serves this very request: it is answered first.
            self._tasks.append(asyncio.create_task(self._power_cut()))
            return web.json_response({"ok": True, "said": "The power is off…"})
        elif to in STEPS:
            await self._stage.move_to(self._stage.now() + STEPS[to])
            said = ""
        else:
            return web.json_response({"error": f"to: next, {', '.join(STEPS)} or outage"}, status=400)
        self._news()
        return web.json_response({"ok": True, "said": said})

    async def _power_cut(self) -> None:
        self._closing = True
        self._news()
        try:
            await self._stage.power_cut()
        finally:
            self._closing = False
            self._cuts += 1

    async def _book(self, request: web.Request) -> web.Response:
        wanted = await read_action(request)
        try:
            start = datetime.fromisoformat(f"{wanted['day']}T{wanted['time']}").replace(tzinfo=ZONE)
            date.fromisoformat(wanted["day"])
        except (KeyError, ValueError):
            return web.json_response({"error": "Give a day and a time."}, status=400)
        body: Json = {
            "salon": cast.SALON,
            "client": {"id": wanted.get("client")},
            "master": wanted.get("master"),
            "services": wanted.get("services") or [],
            "starts_at": start.isoformat(),
            "created_by": "client" if wanted.get("by_client") else "staff",
        }
        id = wanted.get("id") or f"b-{await self._next_number()}"
        return await self._answered(lambda: self._stage.api.call("PUT", f"/bookings/{id}", body))

    async def _next_number(self) -> int:
        listed = await self._stage.api.call("GET", "/bookings", limit="200")
        return len(listed["items"]) + 1

    async def _mark(self, request: web.Request) -> web.Response:
        """Mark a booking as cancelled, arrived or no_show, as the booking system would."""
        await read_action(request)
        id, status = request.match_info["id"], request.match_info["status"]

        async def put() -> Any:
            known = await self._stage.api.call("GET", f"/bookings/{id}")
            body = {name: known[name] for name in ("salon", "starts_at", "ends_at", "created_by") if name in known}
            body |= {"client": {"id": known["client"]["id"]}, "services": known.get("services", []), "status": status}
            if known.get("master"):
                body["master"] = known["master"]
            return await self._stage.api.call("PUT", f"/bookings/{id}", body)

        return await self._answered(put)

    async def _console(self, _: web.Request) -> web.Response:
        """Into the console as the salon's owner."""
        desk = self._stage.app.desk
        opened = await sign_in_by_key(desk, self._stage.api.key)
        if opened is None:
            raise web.HTTPServiceUnavailable
        return welcome(made(desk), opened)

    async def _answered(self, ask: Callable[[], Awaitable[Any]]) -> web.Response:
        try:
            await ask()
        except Refused as refused:
            errors = (refused.problem or {}).get("errors") or []
            said = "; ".join(f"{error['at']}: {error['why']}" for error in errors) or str(refused)
            return web.json_response({"error": said}, status=400)
        self._news()
        return web.json_response({"ok": True})
