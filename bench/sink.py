"""Telegram and Twilio as far as sending goes, in a process of its own: takes messages, and writes down who got one when.

It speaks just enough HTTP/1.1 to keep connections open and is several times faster than any client of it. It plays no
rules. Besides the two APIs it answers `/reset`, `/wait/N` (as soon as N different people were reached) and `/tally`.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections.abc import Callable
from typing import Any, Final

TO: Final = re.compile(rb"(?:^|[&{\s])\"?(?:chat_id|To)\"?[=:]\s*(?:whatsapp%3A%2B)?(\d+)")
LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
ME: Final = b'{"ok":true,"result":{"id":42,"is_bot":true,"first_name":"Vizit","username":"vizit_bot"}}'
SENT: Final = b'{"ok":true,"result":{"message_id":%d,"date":1700000000,"chat":{"id":%s,"type":"private"},"text":"."}}'
DONE: Final = b'{"ok":true,"result":true}'
NO_UPDATES: Final = b'{"ok":true,"result":[]}'
CREATED: Final = (
    b'{"sid":"SM%032x","status":"queued","to":"whatsapp:+%s","from":"whatsapp:+1","body":".","num_segments":"1",'
    b'"date_created":"Thu, 30 Jul 2026 20:12:31 +0000","error_code":null,"error_message":null,"price":null}'
)
POLL_S: Final = 5.0


class Tally:
    """Who was reached, and when: `first` by number (a chat or a phone), in seconds since 1970."""

    def __init__(self) -> None:
        self.first: dict[bytes, float] = {}
        self.calls = 0
        self._waiting: list[tuple[int, Callable[[], None]]] = []

    def take(self, to: bytes) -> int:
        """Note a message; its number."""
        self.calls += 1
        if to not in self.first:
            self.first[to] = time.time()
            for number, tell in self._waiting:
                if number == len(self.first):
                    tell()
        return self.calls

    def when(self, number: int, tell: Callable[[], None]) -> None:
        """Call `tell` once so many people were reached."""
        if len(self.first) >= number:
            tell()
        else:
            self._waiting.append((number, tell))

    def shown(self) -> bytes:
        """All of it as JSON."""
        first = {to.decode(): at for to, at in self.first.items()}
        return json.dumps({"calls": self.calls, "cpu": time.process_time(), "first": first}).encode()

    def reset(self) -> None:
        """Forget everybody."""
        self.first, self.calls, self._waiting = {}, 0, []


class Wire(asyncio.Protocol):
    """One connection; requests are answered one after the other. `latency`: seconds until a message is answered."""

    def __init__(self, tally: Tally, latency: float) -> None:
        self._tally, self._latency, self._buffer = tally, latency, b""

    def connection_made(self, transport: Any) -> None:
        """See asyncio."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end]
            length = LENGTH.search(head)
            size = end + 4 + (int(length[1]) if length else 0)
            if len(self._buffer) < size:
                return
            body, self._buffer = self._buffer[end + 4 : size], self._buffer[size:]
            self._answer(head[: head.find(b" HTTP/")], body)

    def _answer(self, line: bytes, body: bytes) -> None:
        path = line.partition(b" ")[2].partition(b"?")[0]
        call = path.rpartition(b"/")[2]
        if call == b"sendMessage" or (call == b"Messages.json" and line.startswith(b"POST")):
            self._message(call, body)
        elif call == b"getUpdates":
            asyncio.get_running_loop().call_later(POLL_S, self._say, NO_UPDATES)
        elif path.startswith(b"/wait/"):
            self._tally.when(int(call), lambda: self._say(b"{}"))
        elif path == b"/tally":
            self._say(self._tally.shown())
        elif path == b"/reset":
            self._tally.reset()
            self._say(b"{}")
        else:
            self._say(ME if call == b"getMe" else DONE)

    def _message(self, call: bytes, body: bytes) -> None:
        found = TO.search(body)
        to = found[1] if found else b"0"
        number = self._tally.take(to)
        if call == b"sendMessage":
            status, said = 200, SENT % (number, to)
        else:
            status, said = 201, CREATED % (number, to)
        if self._latency:
            asyncio.get_running_loop().call_later(self._latency, self._say, said, status)
        else:
            self._say(said, status)

    def _say(self, body: bytes, status: int = 200) -> None:
        head = b"HTTP/1.1 %d OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        if self._transport.is_closing():
            return
        self._transport.write(head % (status, len(body)) + body)


async def serve(latency: float = 0.0) -> None:
    """Listen on a free loopback port, say which on stdout, and stay until stdin closes."""
    loop, tally = asyncio.get_running_loop(), Tally()
    server = await loop.create_server(lambda: Wire(tally, latency), "127.0.0.1", 0, backlog=512)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    from bot.loops import complete

    complete(serve(float(sys.argv[1]) if sys.argv[1:] else 0.0))
