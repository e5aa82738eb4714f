"""The service as a real process, beside emulated platforms."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from aiohttp import ClientSession

from bot.playground import twilio_emulator
from bot.playground.telegram_emulator import DEMO_TOKEN, TelegramEmulator
from bot.playground.twilio_emulator import TwilioEmulator

ROOT: Final = Path(__file__).resolve().parent.parent.parent
ADMIN_KEY: Final = "0d4f1c2b3a59687786958473625140ffeeddccbb"
SECRET: Final = "b7e23ec29af22b0b4e41da31e868d57226121c84"
LOOKS: Final = 600
PAUSE_S: Final = 0.05


def environment(**variables: str) -> dict[str, str]:
    """The machine's environment without settings of its own, the secrets that are always needed, and these variables."""
    machine = {name: value for name, value in os.environ.items() if not name.startswith("VIZIT_")}
    needed = {"PYTHONPATH": str(ROOT), "VIZIT_ADMIN_KEY": ADMIN_KEY, "VIZIT_SECRET": SECRET}
    return machine | needed | variables


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def telegram_settings(telegram: TelegramEmulator) -> dict[str, str]:
    """What sets up Telegram."""
    return {"VIZIT_TELEGRAM_TOKEN": DEMO_TOKEN, "VIZIT_TELEGRAM_API": telegram.base_url}


def twilio_settings(twilio: TwilioEmulator, port: int) -> dict[str, str]:
    """What sets up WhatsApp for a process on this port, which Twilio can call back."""
    return {
        "VIZIT_LISTEN": f"127.0.0.1:{port}",
        "VIZIT_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "VIZIT_TWILIO_ACCOUNT_SID": twilio_emulator.DEMO_ACCOUNT,
        "VIZIT_TWILIO_AUTH_TOKEN": twilio_emulator.DEMO_TOKEN,
        "VIZIT_TWILIO_WHATSAPP_FROM": twilio_emulator.DEMO_WHATSAPP,
        "VIZIT_TWILIO_API": twilio.base_url,
        "VIZIT_TWILIO_CONTENT_API": twilio.base_url,
    }


@dataclass
class Service:
    """A running service; `key` is that of the business `b`, once :meth:`furnish` has made it."""

    process: asyncio.subprocess.Process
    http: ClientSession
    url: str = ""
    key: str = ""
    log: list[dict[str, Any]] = field(default_factory=list)
    """What it has logged so far."""
    _listening: asyncio.Event = field(default_factory=asyncio.Event)
    _reading: asyncio.Task[None] | None = None

    async def read(self) -> None:
        """Take down the log until it ends."""
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            entry = json.loads(line)
            self.log.append(entry)
            if entry["message"].startswith("listening on "):
                self.url = entry["message"].removeprefix("listening on ")
                self._listening.set()
        self._listening.set()

    async def listens(self) -> None:
        """Wait until it says where it listens. AssertionError when it ended before."""
        await self._listening.wait()
        assert self.url, self.log

    async def ready(self) -> None:
        """Wait until it says that it is ready. AssertionError when it never does."""
        await self.listens()
        said: Any = None
        for _ in range(LOOKS):
            async with self.http.get(f"{self.url}/readyz") as answer:
                said = await answer.json()
                if answer.status == 200:
                    return
            await asyncio.sleep(PAUSE_S)
        raise AssertionError(said)

    async def call(self, method: str, path: str, body: Any = None, *, key: str | None = None, status: int = 0) -> Any:
        """A call of the API below /api/v1; AssertionError where it is not answered with `status` (0: any success)."""
        headers = {"Authorization": f"Bearer {key or self.key}"}
        async with self.http.request(method, f"{self.url}/api/v1{path}", json=body, headers=headers) as answer:
            said = await answer.json(content_type=None)
            assert answer.status == status if status else answer.status < 300, (answer.status, said)
            return said

    async def furnish(self) -> None:
        """A business with a key, a salon, and the client `c1` with a phone."""
        await self.call("PUT", "/businesses/b", {"name": "Мрія", "country": "UA"}, key=ADMIN_KEY)
        self.key = (await self.call("POST", "/businesses/b/keys", {}, key=ADMIN_KEY))["key"]
        await self.call("PUT", "/salons/s1", {"name": "Салон «Мрія»"})
        await self.call("PUT", "/clients/c1", {"name": "Олена Коваль", "phone": "+380671234567"})

    async def book(self, id: str, client: str = "c1") -> Any:
        """A visit that the client booked, so that the notice goes out at any hour."""
        visit = {"salon": "s1", "client": {"id": client}, "starts_at": "2030-01-10T15:00:00+02:00"}
        return await self.call("PUT", f"/bookings/{id}", {**visit, "created_by": "client"})

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal, and wait for the exit status."""
        if self.process.returncode is None:
            self.process.send_signal(number)
        return await self.ended()

    async def ended(self) -> int:
        """Wait for the exit status, and for the rest of the log."""
        if self._reading is not None:
            await self._reading
        return await self.process.wait()


@asynccontextmanager
async def serving(folder: Path, *args: str, **variables: str) -> AsyncIterator[Service]:
    """`python -m bot run ARGS` in this folder, on a free port unless `VIZIT_LISTEN` names one."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "bot", "run", *args),
        cwd=folder,
        env=environment(**{"VIZIT_LISTEN": "127.0.0.1:0", "VIZIT_LOG": "json"} | variables),
        stderr=asyncio.subprocess.PIPE,
    )
    async with ClientSession() as http:
        service = Service(process, http)
        service._reading = asyncio.create_task(service.read())
        try:
            yield service
        finally:
            if process.returncode is None:
                process.kill()
            await service.ended()
