"""What everybody else waits while strangers guess keys, hold connections and write without end: `python -m bench strain`.

Callers and service share one process and one core, so the figures are those of a worse day than any.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from bench.measuring import percentile
from tests.security.service import ADMIN_KEY, TELEGRAM_SECRET, Client, service

SECONDS: Final = 10
GUESSES_A_SECOND: Final = 1000
WORDS_A_SECOND: Final = 100
SLOW: Final = 200
MOST_MS: Final = 500
RIGHT: Final = {"Authorization": f"Bearer {ADMIN_KEY}", "Vizit-Business": "b"}


async def _steadily(a_second: int, one: Any) -> None:
    start, tasks = time.perf_counter(), []
    for number in range(a_second * SECONDS):
        await asyncio.sleep(max(0.0, start + number / a_second - time.perf_counter()))
        tasks.append(asyncio.ensure_future(one(number)))
    await asyncio.gather(*tasks)


async def _guess(client: Client, number: int) -> None:
    async with client.get("/api/v1/salons", headers={"Authorization": f"Bearer guess-{number}"}) as answer:
        await answer.read()


async def _word(client: Client, number: int) -> None:
    person = {"id": 7, "is_bot": False, "first_name": "N"}
    message = {"message_id": number + 1, "date": 1, "chat": {"id": 7, "type": "private"}, "from": person, "text": "x"}
    headers = {"X-Telegram-Bot-Api-Secret-Token": TELEGRAM_SECRET}
    async with client.post(
        "/telegram/webhook", json={"update_id": number + 1, "message": message}, headers=headers
    ) as answer:
        await answer.read()


async def measure() -> list[float]:
    """Milliseconds of a caller's reads, ten a second, while all of it goes on."""
    took: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        async with service(Path(folder)) as (_, client):
            (await client.put("/api/v1/businesses/b", json={"name": "B"}, headers=RIGHT)).raise_for_status()
            slow = [await asyncio.open_connection(client.host, client.port) for _ in range(SLOW)]

            async def read(_: int) -> None:
                start = time.perf_counter()
                (await client.get("/api/v1/salons", headers=RIGHT)).raise_for_status()
                took.append(1000 * (time.perf_counter() - start))

            await asyncio.gather(
                _steadily(GUESSES_A_SECOND, lambda number: _guess(client, number)),
                _steadily(WORDS_A_SECOND, lambda number: _word(client, number)),
                _steadily(10, read),
            )
            for _, writer in slow:
                writer.close()
    return took


def main(_: list[str]) -> int:
    """Print the figures; 1 where everybody else had to wait too long."""
    took = asyncio.run(measure())
    p50, p99 = percentile(took, 0.5), percentile(took, 0.99)
    sys.stdout.write(
        f"{GUESSES_A_SECOND} guessed keys and {WORDS_A_SECOND} words of one chat a second, {SLOW} silent connections: "
        f"everybody else's call took {p50:.1f} ms at the median, {p99:.1f} ms at p99 of {len(took)}\n"
    )
    return int(p99 >= MOST_MS)
