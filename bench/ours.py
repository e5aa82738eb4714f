"""This service as it sends: the whole worker, with real words and facts, every message to a chat of its own, no pace."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from bench.measuring import Cpu, Figures, Sink, answer_for, arrivals, peak_mb, resident_mb
from bench.salon import fill
from bot.app import App, Role, build
from bot.config import Config, Listen
from bot.loops import complete, spare_the_collector
from storage.opening import open_store
from storage.records import Address, Booking, Business, Client, Master, Message, Millis, Salon, Service
from storage.store import Changes

KEY = "0d4f1c2b3a59687786958473625140ffeeddccbb"
ACCOUNT = "AC" + "0" * 32
TWILIO_TOKEN = "token-of-the-sink"
TELEGRAM_SECRET = "secret-of-the-sink"
BEGINNING: Millis = 1_800_000_000_000
"""When the first message is due, by the service's own time: a worker sets its clock once it is at rest."""
AHEAD: Millis = 1_000
AN_HOUR: Millis = 3_600_000
KINDS: tuple[type[Any], ...] = (Business, Salon, Master, Service, Client, Address, Booking, Message)
CHUNK = 500


def config(database: str, sink: str, port: int = 0) -> Config:
    """Both channels, which the sink plays, without pace."""
    return Config.of(
        admin_key=KEY,
        secret=KEY[::-1],
        database=database,
        listen=Listen("127.0.0.1", port),
        public_url=f"http://127.0.0.1:{port or 1}",
        telegram_token="42:token-of-the-sink",
        telegram_mode="webhook",
        telegram_secret=TELEGRAM_SECRET,
        telegram_api=sink,
        twilio_account_sid=ACCOUNT,
        twilio_auth_token=TWILIO_TOKEN,
        twilio_whatsapp_from="+14155238886",
        twilio_api=sink,
        telegram_rate=0,
        whatsapp_rate=0,
        api_rate=0,
    )


async def _load(database: str, number: int, spread: float) -> Figures:
    """Bookings of `number` people, their notices due over `spread` seconds from BEGINNING."""
    store = await open_store(database)
    start = time.perf_counter()
    await fill(store, range(number), lambda n: BEGINNING + int(1000 * spread * n / number))
    seconds = time.perf_counter() - start
    await store.close()
    return {"rate": number / seconds}


async def _move(source: str, database: str) -> Figures:
    """The same rows in another store: planning twenty thousand visits one by one is not what is measured here."""
    old, new = await open_store(source), await open_store(database)
    start, moved = time.perf_counter(), 0
    for kind in KINDS:
        after = None
        while rows := await old.find(kind, {}, after=after, limit=CHUNK):
            await new.commit(Changes(inserts=tuple(rows)))
            after, moved = (rows[-1].id,), moved + len(rows)
    seconds = time.perf_counter() - start
    await old.close()
    await new.close()
    return {"rate": moved / seconds}


async def at_rest(database: str, sink: str, *, role: Role | None = "worker", starts_at: Millis, port: int = 0) -> App:
    """The service, started as `vizit run` does it, and through with what it does at a start."""
    app = await build(config(database, sink, port), only=role, starts_at=starts_at)
    spare_the_collector()
    await app.start()
    await app.tick()
    return app


async def _send(database: str, sink: str, number: int, spread: float) -> Figures:
    """Send what :func:`_load` stored. CPU from the first due moment until all is settled."""
    app = await at_rest(database, sink, starts_at=BEGINNING - AN_HOUR)
    rest = resident_mb()
    app.now.move_to(BEGINNING - AHEAD)
    app.outbox.wake()
    due = time.time() + (BEGINNING - app.now()) / 1000
    await asyncio.sleep(max(0.0, due - time.time() - 0.1))
    cpu, server = Cpu(), Sink(sink)
    await asyncio.to_thread(server.wait, number)
    await app.outbox.idle()
    cost = cpu.per(number)
    states = {key[0]: n for key, n in (await app.store.count(Message, {}, ("status",))).items()}
    await app.close()
    figures = arrivals(server.tally(), lambda n: due + spread * n / number, number)
    return figures | {"cpu_us": cost, "rest_mb": rest, "peak_mb": peak_mb(), "states": states}


if __name__ == "__main__":
    answer_for(
        {
            "load": lambda database, number, spread: complete(_load(database, number, spread)),
            "move": lambda source, database: complete(_move(source, database)),
            "send": lambda database, sink, number, spread: complete(_send(database, sink, number, spread)),
        }
    )
