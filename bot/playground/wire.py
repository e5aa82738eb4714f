"""What both emulators stand on: an HTTP server whose wire can be broken on purpose, and a log of what came."""

import asyncio
import contextlib
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from aiohttp import ClientSession, web

Json = dict[str, Any]
Now = Callable[[], datetime]
Sleep = Callable[[float], Awaitable[None]]

CALLS_KEPT = 5000
"""How many calls the log of an emulator holds before it forgets the oldest."""
LONGEST_FOLLOW = 25.0
"""Seconds that a page may wait for something new."""


def utc_now() -> datetime:
    """Answer with this machine's time, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Call:
    """One request that an emulator received.

    `method` is the platform's word for it (`sendMessage`, `create_message`); `params` what came with it, nested JSON
    decoded; `status` the HTTP status that went back, 0 if none did; `at` the `time.monotonic()` of its arrival.
    """

    method: str
    params: Mapping[str, Any]
    status: int
    at: float


@dataclass
class Fault:
    """A breakage that waits for its request. No `answer`: the connection is closed, or kept silent, without one."""

    method: str
    times: int
    acts: bool
    answer: Callable[[], web.Response] | None = None
    silent: bool = False


class Bell:
    """Wakes all that wait for it at this moment."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def ring(self) -> None:
        """Wake everybody who waits now; who comes later waits for the next ring."""
        rung, self._event = self._event, asyncio.Event()
        rung.set()

    async def wait(self, timeout: float | None = None) -> bool:
        """Wait for the next ring, at most `timeout` seconds; False when it did not ring."""
        event = self._event
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(event.wait(), timeout)
        return event.is_set()


class Emulator(ABC):
    """A platform on a loopback port: `start`, `base_url`, `stop`, `idle`, faults, `calls`, and a `version` to follow.

    `now` is the platform's time (windows, ages, dates of messages); `sleep` passes the pauses that the platform makes
    on its own account. State outlives `stop`, so that an outage of the platform is a stop and a start on the same port.
    """

    def __init__(self, *, now: Now = utc_now, sleep: Sleep = asyncio.sleep) -> None:
        self.now = now
        self.sleep = sleep
        self.calls: deque[Call] = deque(maxlen=CALLS_KEPT)
        self.version = 0
        self._news = Bell()
        self._arrivals = Bell()
        self._faults: list[Fault] = []
        self._delays: dict[str, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._failures: list[BaseException] = []
        self._ending = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self._session: ClientSession | None = None

    @abstractmethod
    def routes(self) -> Iterable[web.RouteDef]:
        """Answer with the routes of the platform itself."""

    @abstractmethod
    def play_routes(self) -> Iterable[web.RouteDef]:
        """Answer with the routes of a page that plays the people; they can be added to another application too."""

    @abstractmethod
    def state(self) -> Json:
        """Answer with a snapshot for a page, its `version` among it."""

    @abstractmethod
    def refusal(self, status: int) -> Json:
        """Answer with the platform's own error body for an HTTP status."""

    @property
    def base_url(self) -> str:
        """The address to give to the client, without a slash at the end. RuntimeError before `start`."""
        if self._runner is None:
            raise RuntimeError("the emulator has not been started")
        host, port = self._runner.addresses[0][:2]
        return f"http://{host}:{port}"

    @property
    def session(self) -> ClientSession:
        """The session for the platform's own requests (webhooks). RuntimeError before `start`."""
        if self._session is None:
            raise RuntimeError("the emulator has not been started")
        return self._session

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> Self:
        """Listen; port 0 takes a free one."""
        self._ending.clear()
        application = web.Application(client_max_size=64 * 1024 * 1024)
        application.add_routes([*self.routes(), *self.play_routes()])
        # A poller that hangs up must stop counting as one: its handler is cancelled with its connection.
        self._runner = web.AppRunner(application, handler_cancellation=True, access_log=None, shutdown_timeout=0.05)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        self._session = ClientSession()
        return self

    async def stop(self) -> None:
        """Hang up on everybody, drop what was still to be delivered, and close the port."""
        self._ending.set()
        self._news.ring()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
        if self._runner is not None:
            await self._runner.cleanup()
        self._session = self._runner = None

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def idle(self) -> bool:
        """Wait until nothing is under way from the platform. A failure of its own background work is raised here."""
        while self._tasks:
            await asyncio.wait(tuple(self._tasks))
        if self._failures:
            raise self._failures.pop()
        return True

    async def called(self, method: str, times: int = 1) -> list[Call]:
        """Wait until `method` has been called so often, and answer with those calls of it that are remembered."""
        while len(found := [call for call in self.calls if call.method == method]) < times:
            await self._arrivals.wait()
        return found

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Do `work` beside the requests; `idle` waits for it."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (failure := task.exception()) is not None:
            self._failures.append(failure)

    def changed(self) -> None:
        """Say that somebody would now see something new."""
        self.version += 1
        self._news.ring()

    async def wait_change(self, since: int, timeout: float = LONGEST_FOLLOW) -> int:
        """Answer with the version as soon as it is above `since`, or after `timeout` seconds as it is."""
        until = time.monotonic() + timeout
        while self.version <= since and not self._ending.is_set() and (left := until - time.monotonic()) > 0:
            await self._news.wait(left)
        return self.version

    async def follow(self, request: web.Request) -> web.Response:
        """Answer a page with `state()`; with `?since=N` once the version is above N, or after 25 seconds."""
        since = request.query.get("since", "")
        if since.isdigit():
            await self.wait_change(int(since))
        return web.json_response(self.state())

    def fail(
        self,
        method: str,
        *,
        status: int = 500,
        body: Json | str | None = None,
        headers: Mapping[str, str] | None = None,
        times: int = 1,
        acts: bool = False,
    ) -> None:
        """Answer the next `times` calls of `method` (`*`: of any) with an error.

        A `str` body is sent as an HTML page, as a proxy in front of the platform would; a dict as JSON; None gives the
        platform's own words for the status. With `acts` the request takes effect all the same.
        """

        def answer() -> web.Response:
            if isinstance(body, str):
                return web.Response(status=status, text=body, content_type="text/html", headers=headers)
            return web.json_response(self.refusal(status) if body is None else body, status=status, headers=headers)

        self._faults.append(Fault(method, times, acts, answer))

    def drop(self, method: str, *, times: int = 1, acts: bool = True) -> None:
        """Take the next `times` calls of `method`, then close the connection; without `acts` they have no effect."""
        self._faults.append(Fault(method, times, acts))

    def silence(self, method: str, *, times: int = 1, acts: bool = True) -> None:
        """Take the next `times` calls of `method` and say nothing until the caller gives up or the emulator stops."""
        self._faults.append(Fault(method, times, acts, silent=True))

    def delay(self, seconds: float, method: str = "*") -> None:
        """From now on answer `method` (`*`: every one without a delay of its own) `seconds` late; 0 ends it."""
        self._delays[method] = seconds

    @property
    def faults_to_come(self) -> int:
        """How many breakages still wait for a request that meets them."""
        return sum(fault.times for fault in self._faults)

    def heal(self) -> None:
        """Forget all faults and delays."""
        self._faults.clear()
        self._delays.clear()

    def _take_fault(self, method: str) -> Fault | None:
        fault = next((one for one in self._faults if one.method in (method, "*")), None)
        if fault is not None:
            fault.times -= 1
            if fault.times <= 0:
                self._faults.remove(fault)
        return fault

    async def serve(
        self, request: web.Request, method: str, params: Json, act: Callable[[], Awaitable[web.Response]]
    ) -> web.Response:
        """Let `act` answer the call, or what `fail`, `drop`, `silence` and `delay` have put in its way; log it."""
        at = time.monotonic()
        fault = self._take_fault(method)
        answer = await act() if fault is None or fault.acts else None
        if fault is not None:
            answer = fault.answer() if fault.answer else None
        self.calls.append(Call(method, params, answer.status if answer else 0, at))
        self._arrivals.ring()
        late = self._delays.get(method, self._delays.get("*", 0.0))
        if late:
            await self.sleep(late)
        if answer is not None:
            return answer
        if fault is not None and fault.silent:
            await self._ending.wait()
        if request.transport is not None:
            request.transport.abort()
        return web.Response()


async def read_action(request: web.Request) -> Json:
    """Answer with the JSON object of a page's request.

    Only `application/json` is taken (415): a form on a foreign page can't send that without asking first.
    """
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="application/json is expected")
    try:
        body = await request.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise web.HTTPBadRequest(text="a JSON object is expected")
    return body


async def play(action: Callable[..., Awaitable[object]], arguments: Json) -> web.Response:
    """Do what a page asks a person to do. 400 with the reason, as JSON, when the person can't do that now."""
    try:
        await action(**arguments)
    except (LookupError, ValueError, TypeError) as refusal:
        return web.json_response({"error": str(refusal.args[0]) if refusal.args else str(refusal)}, status=400)
    return web.json_response({"ok": True})
