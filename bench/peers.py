"""What one would use instead: the same messages to the same people, a job for each, all due at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from bench.limits import BODY
from bench.measuring import Cpu, Figures, Sink, answer_for, arrivals, peak_mb
from bot.loops import complete

PATIENCE_S = 60.0


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


async def _finished(sink: str, number: int, due: float, stored_s: float) -> Figures:
    """Wait for the last message; what arrived until then, or until patience ends."""
    await asyncio.sleep(max(0.0, due - time.time() - 0.1))
    cpu, server = Cpu(), Sink(sink)
    whole = True
    try:
        await asyncio.to_thread(server.wait, number, PATIENCE_S)
    except TimeoutError:
        whole = False
    cost, tally = cpu.per(number), await asyncio.to_thread(server.tally)
    figures = arrivals(tally, lambda n: due, number) | {"cpu_us": cost, "peak_mb": peak_mb()}
    if not whole:
        figures["rate"] = figures["arrived"] / PATIENCE_S
    return figures | {"stored": number / stored_s}


async def _apscheduler(sink: str, number: int, ahead: float, store: Callable[[], Any]) -> Figures:
    from apscheduler.schedulers.asyncio import AsyncIOScheduler

    from bench.peer_jobs import open_bot

    async with open_bot(sink):
        scheduler = AsyncIOScheduler(timezone=UTC, jobstores={"default": store()})
        scheduler.start()
        due, start = time.time() + ahead, time.perf_counter()
        for n in range(number):
            scheduler.add_job(
                "bench.peer_jobs:deliver",
                "date",
                run_date=_moment(due),
                args=[n],
                id=f"visit-{n}",
                misfire_grace_time=None,
            )
        stored_s = time.perf_counter() - start
        figures = await _finished(sink, number, due, stored_s)
        scheduler.shutdown(wait=False)
    return figures


def _on_sqlite(sink: str, number: int, ahead: float, database: str) -> Figures:
    from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore

    return complete(_apscheduler(sink, number, ahead, lambda: SQLAlchemyJobStore(url=database)))


def _on_mongo(sink: str, number: int, ahead: float, database: str) -> Figures:
    from apscheduler.jobstores.mongodb import MongoDBJobStore

    return complete(_apscheduler(sink, number, ahead, lambda: MongoDBJobStore("bench_peer", host=database)))


async def _job_queue(sink: str, number: int, ahead: float) -> Figures:
    from telegram.ext import Application

    application = Application.builder().token("42:TOKEN").base_url(f"{sink}/bot").updater(None).build()

    async def remind(context: Any) -> None:
        await context.bot.send_message(1_000_000 + context.job.data, BODY)

    async with application:
        await application.start()
        due, start = time.time() + ahead, time.perf_counter()
        for n in range(number):
            application.job_queue.run_once(remind, _moment(due), data=n, job_kwargs={"misfire_grace_time": None})
        figures = await _finished(sink, number, due, time.perf_counter() - start)
        await application.job_queue.stop(wait=False)
        await application.stop()
    return figures


async def _procrastinate(sink: str, number: int, ahead: float, database: str) -> Figures:
    from procrastinate import App, PsycopgConnector

    from bench.peer_jobs import deliver, open_bot

    app = App(connector=PsycopgConnector(conninfo=database))
    task = app.task(deliver, name="deliver")
    async with open_bot(sink), app.open_async():
        await app.schema_manager.apply_schema_async()
        due, start = time.time() + ahead, time.perf_counter()
        await task.configure(schedule_at=_moment(due)).batch_defer_async(*({"number": n} for n in range(number)))
        stored_s = time.perf_counter() - start
        worker = asyncio.create_task(
            app.run_worker_async(concurrency=30, fetch_job_polling_interval=0.1, install_signal_handlers=False)
        )
        figures = await _finished(sink, number, due, stored_s)
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)
    return figures


async def _saq(sink: str, number: int, ahead: float, database: str) -> Figures:
    from saq import Queue, Worker

    from bench.peer_jobs import deliver, open_bot

    async def remind(context: Any, *, number: int) -> None:
        await deliver(number)

    queue = Queue.from_url(database)
    async with open_bot(sink):
        await queue.connect()
        due, start = time.time() + ahead, time.perf_counter()
        await asyncio.gather(*(queue.enqueue("remind", number=n, scheduled=int(due)) for n in range(number)))
        stored_s = time.perf_counter() - start
        worker = Worker(queue, functions=[("remind", remind)], concurrency=100)
        running = asyncio.create_task(worker.start())
        figures = await _finished(sink, number, due, stored_s)
        await worker.stop()
        await asyncio.gather(running, return_exceptions=True)
        await queue.disconnect()
    return figures


if __name__ == "__main__":
    answer_for(
        {
            "apscheduler-sqlite": _on_sqlite,
            "apscheduler-mongo": _on_mongo,
            "job-queue": lambda **given: complete(_job_queue(**given)),
            "procrastinate": lambda **given: complete(_procrastinate(**given)),
            "saq": lambda **given: complete(_saq(**given)),
        }
    )
