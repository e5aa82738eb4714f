"""Health, readiness, metrics, and what holds for every HTTP answer."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path

import pytest
from aiohttp import ClientSession, web

from bot import servers
from bot.config import Listen
from bot.health import Readiness, database, fresh, routes
from bot.metrics import Gauges, Measured, Metrics, watch_requests
from handlers.channel import TELEGRAM, Capabilities, Rendered, SendError, Text
from scheduler import sweeps
from storage.backups import note_backup
from storage.opening import open_store
from storage.records import Message
from storage.store import Changes, SchemaNewer, Store, StoreBusy, StoreError
from tests.support.post import HOUR, MINUTE, NOON, message, opened

Get = Callable[[str], Awaitable[tuple[int, dict[str, str], str]]]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await open_store(f"sqlite:///{tmp_path / 'vizit.db'}")
    yield opened
    await opened.close()


@asynccontextmanager
async def serving(app: web.Application) -> AsyncIterator[str]:
    """The application on a free port; gives its address."""
    runner = await servers.serve(app, Listen("127.0.0.1", 0))
    try:
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


async def fine() -> str | None:
    return None


async def broken() -> str | None:
    return "is on fire"


async def no_metrics() -> bytes:
    return b""


async def test_a_process_is_ready_while_every_check_passes() -> None:
    assert await Readiness({"one": fine, "two": fine}).reasons() == {}


async def test_a_process_that_is_not_ready_says_why_and_keeps_living() -> None:
    app = servers.application()
    app.add_routes(routes(Readiness({"one": fine, "two": broken}), no_metrics))
    async with serving(app) as url, ClientSession() as http:
        async with http.get(f"{url}/readyz") as answer:
            assert answer.status == 503
            assert await answer.json() == {
                "status": "not ready",
                "reasons": [{"check": "two", "why": "is on fire"}],
            }
        async with http.get(f"{url}/healthz") as answer:
            assert answer.status == 200


async def test_a_process_that_is_stopping_is_not_ready() -> None:
    readiness = Readiness({"one": fine})
    assert await readiness.reasons() == {}
    readiness.stopping = True
    assert await readiness.reasons() == {"process": "is stopping"}


async def test_many_looks_in_one_second_ask_the_database_once() -> None:
    asked = 0

    async def count() -> str | None:
        nonlocal asked
        asked += 1
        return None

    readiness = Readiness({"one": count})
    for _ in range(5):
        await readiness.reasons()
    assert asked == 1


async def test_a_database_that_takes_and_gives_a_row_is_fine(store: Store) -> None:
    assert await database(store)() is None


@pytest.mark.parametrize(
    ("error", "word"), [(StoreBusy, "busy"), (SchemaNewer, "newer"), (StoreError, "used"), (TimeoutError, "answer")]
)
async def test_a_database_in_trouble_is_described_without_its_own_words(
    store: Store, monkeypatch: pytest.MonkeyPatch, error: type[Exception], word: str
) -> None:
    async def ready() -> None:
        raise error("mongodb://vizit:hunter2@db/vizit")

    monkeypatch.setattr(store, "ready", ready)
    said = await database(store)() or ""
    assert word in said
    assert "hunter2" not in said


@pytest.mark.parametrize(("age", "is_fresh"), [(0.0, True), (59.9, True), (60.0, False), (None, False)])
async def test_a_beat_is_fresh_for_its_time(age: float | None, is_fresh: bool) -> None:
    assert (await fresh(lambda: age, 60)() is None) is is_fresh


class Line:
    """A channel that does what it is told."""

    name = "telegram"
    capabilities: Capabilities = TELEGRAM

    def __init__(self, error: SendError | None = None) -> None:
        self.error = error

    async def send(self, rendered: Rendered, to: str, message_id: str) -> str | None:
        if self.error:
            raise self.error
        return "1:1"


async def test_sends_are_counted_by_how_they_end() -> None:
    metrics = Metrics()
    assert await Measured(Line(), metrics).send(Text("hello"), "1", "m") == "1:1"
    for outcome in ("not_sent", "permanent", "unknown", "unknown"):
        with pytest.raises(SendError):
            await Measured(Line(SendError(outcome, "x")), metrics).send(Text("hello"), "1", "m")  # type: ignore[arg-type]
    value = metrics.registry.get_sample_value
    for outcome, n in {"sent": 1, "not_sent": 1, "permanent": 1, "unknown": 2}.items():
        assert value("vizit_send_attempts_total", {"channel": "telegram", "outcome": outcome}) == n
    assert value("vizit_send_unknown_total", {"channel": "telegram"}) == 2
    assert value("vizit_send_duration_seconds_count", {"channel": "telegram"}) == 5


async def test_what_waits_is_counted_by_state_kind_and_channel(store: Store) -> None:
    rows = [
        Message(
            business="b",
            id=f"{number:032x}",
            key=f"k{number}",
            kind="reminder",
            lane=1,
            channel="telegram",
            status=status,
            due_at=1_000,
            next_at=1_000,
            not_after=9_000,
        )
        for number, status in enumerate(("planned", "planned", "sent", "cancelled"))
    ]
    await store.commit(Changes(inserts=tuple(rows)))
    metrics = Metrics()
    shown = (await Gauges(metrics, store, lambda: 4_500).text()).decode()
    assert 'vizit_outbox_messages{channel="telegram",kind="reminder",state="planned"} 2.0' in shown
    assert 'state="sent"' not in shown
    assert "vizit_outbox_oldest_due_seconds 3.5" in shown
    assert "vizit_database_up 1.0" in shown


async def test_metrics_are_shown_while_the_database_is_down(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    async def next_due() -> None:
        raise StoreBusy("locked")

    monkeypatch.setattr(store, "next_due", next_due)
    shown = (await Gauges(Metrics(), store, lambda: 0).text()).decode()
    assert "vizit_database_up 0.0" in shown
    assert "process_resident_memory_bytes" in shown


async def test_requests_are_told_apart_by_the_first_part_of_their_path_and_by_status() -> None:
    metrics = Metrics()
    app = servers.application([watch_requests(metrics)])

    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=int(request.query["status"]))

    async def refuse(_: web.Request) -> web.Response:
        raise web.HTTPUnauthorized

    app.add_routes([web.post("/telegram/webhook", answer), web.get("/api/v1/x", answer), web.get("/v/{token}", refuse)])
    async with serving(app) as url, ClientSession() as http:
        for status in (200, 401, 503):
            await http.post(f"{url}/telegram/webhook?status={status}")
        await http.get(f"{url}/api/v1/x?status=200")
        await http.get(f"{url}/v/secret-token")
        await http.get(f"{url}/wp-admin/login.php")
    value = metrics.registry.get_sample_value
    for result in ("ok", "refused", "failed"):
        assert value("vizit_webhook_requests_total", {"source": "telegram", "result": result}) == 1
    assert value("vizit_auth_failures_total", {"surface": "telegram"}) == 1
    assert value("vizit_auth_failures_total", {"surface": "v"}) == 1
    seconds = "vizit_http_request_duration_seconds_count"
    assert value(seconds, {"surface": "api", "status": "2xx"}) == 1
    assert value(seconds, {"surface": "other", "status": "4xx"}) == 1


async def test_every_answer_carries_the_headers_that_protect_its_reader() -> None:
    app = servers.application()

    async def page(_: web.Request) -> web.Response:
        return web.Response(text="hello", headers={"Content-Security-Policy": "default-src 'self'"})

    app.add_routes([web.get("/page", page)])
    async with serving(app) as url, ClientSession() as http:
        for path, status, policy in (
            ("/page", 200, "default-src 'self'"),
            ("/nothing", 404, "frame-ancestors 'none'"),
        ):
            async with http.get(url + path) as answer:
                assert answer.status == status
                assert answer.headers["X-Content-Type-Options"] == "nosniff"
                assert answer.headers["Referrer-Policy"] == "no-referrer"
                assert answer.headers["Content-Security-Policy"] == policy
                assert answer.headers["Cache-Control"] == "no-store"
                assert "Server" not in answer.headers
                assert len(await answer.read()) < 200


async def test_a_body_over_one_mebibyte_is_refused_and_one_that_fits_is_not() -> None:
    app = servers.application()

    async def take(request: web.Request) -> web.Response:
        return web.json_response(len(await request.read()))

    app.add_routes([web.post("/", take)])
    async with serving(app) as url, ClientSession() as http:
        async with http.post(url, data=BytesIO(b"x" * servers.LARGEST_BODY)) as answer:
            assert (answer.status, await answer.json()) == (200, servers.LARGEST_BODY)
        async with http.post(url, data=BytesIO(b"x" * (servers.LARGEST_BODY + 1))) as answer:
            assert answer.status == 413


async def test_a_body_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "BODY_S", 0.05)
    app = servers.application()

    async def take(request: web.Request) -> web.Response:
        return web.json_response(len(await request.read()))

    app.add_routes([web.post("/", take)])
    async with serving(app) as url:
        host, port = url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
        assert (await reader.readline()).startswith(b"HTTP/1.1 408")
        writer.close()
        await writer.wait_closed()


async def test_a_handler_takes_its_time_once_the_body_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "BODY_S", 0.02)
    app = servers.application()

    async def take(request: web.Request) -> web.Response:
        body = await request.read()
        await asyncio.sleep(5 * servers.BODY_S)
        return web.json_response(len(body))

    app.add_routes([web.post("/", take)])
    async with serving(app) as url:
        host, port = url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        # Head and body in one write, so that they arrive together however slow the machine is.
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        writer.close()
        await writer.wait_closed()


async def test_a_connection_without_a_whole_request_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "IDLE_S", 0.05)
    async with serving(servers.application()) as url:
        host, port = url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow")
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()


async def test_messages_that_were_too_late_are_counted_by_kind_whoever_ends_them() -> None:
    async with opened() as post:
        metrics = Metrics()
        late = {"due_at": NOON - HOUR, "next_at": NOON - HOUR, "not_after": NOON - MINUTE}
        await post.add(message("reminder", **late))
        await post.send_all(observe=metrics.observer(post.now))
        await post.add(message("booking_created", **late))
        assert await sweeps.expire(post.desk, metrics.has_expired) == 1
        value = metrics.registry.get_sample_value
        for kind in ("reminder", "booking_created"):
            assert value("vizit_messages_expired_total", {"kind": kind}) == 1


async def test_when_a_backup_last_worked_is_shown(store: Store) -> None:
    metrics = Metrics()
    shown = (await Gauges(metrics, store, lambda: 0).text()).decode()
    assert "vizit_backup_last_success_timestamp_seconds 0.0" in shown
    await note_backup(store, 4_096)
    await Gauges(metrics, store, lambda: 0).text()
    value = metrics.registry.get_sample_value
    assert value("vizit_backup_last_size_bytes") == 4_096
    assert value("vizit_backup_last_success_timestamp_seconds") == pytest.approx(store.clock() / 1000, abs=60)
