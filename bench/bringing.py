"""How long `vizit import` takes: a hundred thousand visits of two years, some of them still to come, on SQLite.

python -m bench import [ROWS]
"""

from __future__ import annotations

import asyncio
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

from storage.opening import open_store
from storage.records import Booking, Business, Message, Salon
from storage.store import Changes

ROWS: Final = 100_000
MOST_S: Final = 120.0
PAST_DAYS: Final = 730
COMING_DAYS: Final = 30
SETTINGS: Final = {
    "VIZIT_ADMIN_KEY": "0d4f1c2b3a59687786958473625140ffeeddccbb",
    "VIZIT_SECRET": "b7e23ec29af22b0b4e41da31e868d57226121c84",
    "VIZIT_PUBLIC_URL": "https://vizit.example",
    "VIZIT_LOG": "json",
}


def table(rows: int, today: date) -> Iterator[str]:
    """The lines of the file: each client has five visits."""
    chance = random.Random(1)
    yield "Дата;Час;Клієнт;Телефон;Майстер;Послуга;Ціна;Статус"
    for number in range(rows):
        day = today + timedelta(days=chance.randint(-PAST_DAYS, COMING_DAYS))
        client = chance.randrange(max(1, rows // 5))
        state = "Завершено" if day < today else "Записаний"
        at = f"{9 + number % 10:02d}:{number * 7 % 60:02d}"
        yield (
            f"{day:%d.%m.%Y};{at};Клієнт {client};067{client:07d};Оксана {client % 7};Стрижка {client % 9};450,00;{state}"
        )


async def _furnish(url: str) -> None:
    store = await open_store(url)
    rows = (Business(business="b", id="b", name="Мрія", country="UA"), Salon(business="b", id="s1", name="Мрія"))
    await store.commit(Changes(inserts=rows))
    await store.close()


async def _stored(url: str) -> tuple[int, int]:
    store = await open_store(url)
    visits, messages = [(await store.count(record, {}))[()] for record in (Booking, Message)]
    await store.close()
    return visits, messages


def main(args: Sequence[str]) -> int:
    """Import a file, and say how long that took; 1 where it took too long, or something is missing."""
    rows = int(args[0]) if args else ROWS
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/vizit.db"
        asyncio.run(_furnish(url))
        file = Path(folder) / "visits.csv"
        file.write_text("\n".join(table(rows, datetime.now(UTC).date())) + "\n", encoding="utf-8")
        settings = os.environ | SETTINGS | {"VIZIT_DATABASE": url, "PYTHONPATH": str(Path(__file__).parent.parent)}
        began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [sys.executable, "-m", "bot", "import", str(file)], cwd=folder, env=settings, stdout=sys.stderr, check=False
        )
        took, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        visits, messages = asyncio.run(_stored(url))
    busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"{visits:,} visits and {messages:,} messages in {took:.0f} s ({busy:.0f} s of one core)")
    return int(done.returncode != 0 or took > MOST_S or not 0.99 * rows <= visits)
