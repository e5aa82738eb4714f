"""A caller of the API: real requests to a served application, and answers in one piece."""

from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from aiohttp import ClientSession
from multidict import CIMultiDictProxy
from yarl import URL

from handlers.turn import Desk
from storage.store import Store

ADMIN_KEY = "an-admin-key-that-is-long-enough-4711"
BUSINESS = "krasa"


@dataclass(frozen=True)
class Reply:
    """An answer. ``json`` is None where there was no body."""

    status: int
    json: Any
    headers: CIMultiDictProxy[str]
    text: str = ""

    @property
    def faults(self) -> list[str]:
        """Where the problem says that something is wrong."""
        return [fault["at"] for fault in self.json["errors"]]


@dataclass
class Hands:
    """What a test holds: the time, the seconds of limits, and the calls."""

    now: int
    seconds: float = 1000.0
    file: Path = Path()
    url: str = ""
    key: str = ""
    session: ClientSession | None = None
    desk: Desk | None = None
    changes: int = 0

    @property
    def store(self) -> Store:
        assert self.desk is not None
        return self.desk.store

    def clock(self) -> int:
        return self.now

    def monotonic(self) -> float:
        return self.seconds

    def changed(self) -> None:
        self.changes += 1

    async def call(
        self,
        method: str,
        path: str,
        json: Any = None,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        data: bytes | BytesIO | None = None,
    ) -> Reply:
        """One request below ``/api/v1``; ``key`` "" sends no key at all. ``path`` goes out as it is written."""
        assert self.session is not None
        key = self.key if key is None else key
        sent = {**({"Authorization": f"Bearer {key}"} if key else {}), **(headers or {})}
        url = URL(f"{self.url}/api/v1{path}", encoded=True)
        body: dict[str, Any] = {"json": json} if json is not None else {"data": data}
        async with self.session.request(method, url, headers=sent, **body) as answer:
            raw = await answer.read()
            is_json = answer.content_type in ("application/json", "application/problem+json")
            read = await answer.json(content_type=None) if raw and is_json else None
            return Reply(answer.status, read, answer.headers, raw.decode("utf-8", "replace"))

    async def put(self, path: str, json: Any, **more: Any) -> Reply:
        return await self.call("PUT", path, json, **more)

    async def get(self, path: str, **more: Any) -> Reply:
        return await self.call("GET", path, **more)

    async def admin(self, method: str, path: str, json: Any = None, **more: Any) -> Reply:
        return await self.call(method, path, json, key=ADMIN_KEY, **more)
