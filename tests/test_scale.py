"""The page about growing says what the model says, and the model behaves as queues do."""

from __future__ import annotations

import pytest

from bench.scale import BOT_RATE, DOCS, MONGODB, SQLITE, WIRE_S, WIRES, Model, Store, with_tables


def test_the_page_shows_what_the_model_says_today() -> None:
    document = DOCS.read_text(encoding="utf-8")
    assert with_tables(document) == document


def test_one_bot_sends_at_its_pace_however_many_workers_there_are() -> None:
    for workers in (1, 8):
        out = Model(1_000, bots=1, workers=workers, store=SQLITE).run()
        assert out.rate == pytest.approx(BOT_RATE, rel=0.02)


def test_without_a_pace_the_wires_of_a_worker_are_the_limit() -> None:
    out = Model(3_000, bots=1, workers=1, store=SQLITE, bot_rate=0).run()
    assert 0.7 * WIRES / WIRE_S < out.rate < WIRES / WIRE_S


def test_many_workers_meet_the_writer_of_the_database() -> None:
    out = Model(5_000, bots=1, workers=40, store=MONGODB, bot_rate=0).run()
    assert out.rate < 1 / MONGODB.writer_s
    twice = Store("two", MONGODB.worker_s, MONGODB.writer_s, writers=2)
    assert Model(5_000, bots=1, workers=40, store=twice, bot_rate=0).run().rate > 1.3 * out.rate
