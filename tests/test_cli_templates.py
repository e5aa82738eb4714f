"""`vizit templates`, as the real process that people start, beside an emulated Twilio."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from bot.playground.twilio_emulator import TwilioEmulator
from handlers.content_templates import of_catalogs
from storage.opening import open_store
from storage.records import Business, Salon
from storage.store import Changes, Put
from tests.support.process import environment, twilio_settings

ENGLISH = [blueprint.key for blueprint in of_catalogs(("en",))]


class Ended(NamedTuple):
    status: int
    out: str
    err: str


Templates = Callable[..., Awaitable[Ended]]


@pytest.fixture
async def twilio() -> AsyncIterator[TwilioEmulator]:
    async with TwilioEmulator() as emulator:
        yield emulator


@pytest.fixture
def templates(tmp_path: Path, twilio: TwilioEmulator) -> Templates:
    """Runs `vizit templates` in an empty folder to its end; `reach`: with Twilio set up."""

    async def run(*args: str, reach: bool = True, python: tuple[str, ...] = ()) -> Ended:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *python,
            *("-m", "bot", "templates", *args),
            cwd=tmp_path,
            env=environment(**(settings if reach else {})),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        return Ended(process.returncode or 0, out.decode(), err.decode())

    settings = twilio_settings(twilio, 8080)
    return run


async def a_business(folder: Path, text: str) -> None:
    """A business with a text of its own for reminders in English."""
    store = await open_store(f"sqlite:///{folder / 'vizit.db'}")
    own = {"templates": {"reminder": {"en": text}}}
    business = Business(business="studio", id="studio", name="Studio", settings=own, created_at=1)
    await store.commit(Changes(puts=(Put(business, 0),)))
    await store.close()


def standings(out: str) -> dict[str, str]:
    """Key to standing, of every line that speaks of a template."""
    return dict(re.findall(r"^(\w+:\w+:\w+) +(\w+)", out, re.MULTILINE))


async def test_list_shows_texts_and_buttons_without_twilio_and_without_its_library(templates: Templates) -> None:
    ended = await templates("list", "--language", "uk", reach=False, python=("-X", "importtime"))
    assert ended.status == 0
    assert "    Нагадуємо про ваш візит 🗓\n    Дата: {{1}}\n" in ended.out
    assert "    [Підтверджую] [Перенести] [Не зможу]\n" in ended.out
    assert set(standings(ended.out).values()) == {"missing"}
    assert "| twilio" not in ended.err


async def test_push_makes_them_and_status_tells_what_the_reviewers_said(
    templates: Templates, twilio: TwilioEmulator
) -> None:
    pushed = await templates("push", "--language", "en")
    assert (pushed.status, pushed.err) == (0, "")
    assert standings(pushed.out) == dict.fromkeys(ENGLISH, "received")
    await twilio.idle()
    sid = next(iter(twilio.templates))
    twilio.review(sid, "rejected", "Too vague")
    told = await templates("status", "--language", "en")
    assert told.status == 0
    assert list(standings(told.out).values()) == ["rejected"] + ["approved"] * (len(ENGLISH) - 1)
    assert "    Too vague\n" in told.out


async def test_a_dry_run_reaches_nobody(templates: Templates, twilio: TwilioEmulator) -> None:
    ended = await templates("push", "--dry-run", "--language", "en", "--language", "tr")
    assert set(standings(ended.out).values()) == {"missing"}
    assert len(standings(ended.out)) == 2 * len(ENGLISH)
    assert list(twilio.calls) == []


async def test_without_twilio_nothing_can_be_pushed(templates: Templates) -> None:
    ended = await templates("push", reach=False)
    assert (ended.status, ended.out, ended.err) == (1, "", "vizit: Twilio is not set up\n")


async def test_a_refusal_of_twilio_is_told_in_one_line(templates: Templates, twilio: TwilioEmulator) -> None:
    twilio.fail("create_content", status=429)
    ended = await templates("push", "--language", "en")
    assert ended.status == 1
    assert re.fullmatch(r"vizit: Twilio says 20429 .+ goes on from here\.\n", ended.err)
    assert (await templates("push", "--language", "en")).status == 0


async def test_an_unknown_business_has_no_templates(templates: Templates) -> None:
    for action in ("list", "push", "status"):
        ended = await templates(action, "--business", "nobody")
        assert (ended.status, ended.out, ended.err) == (1, "", "vizit: there is no business nobody\n")


async def test_a_business_pushes_its_own_texts(templates: Templates, twilio: TwilioEmulator, tmp_path: Path) -> None:
    await a_business(tmp_path, "We expect you on [Date], your visit begins at [Time], please do not be late!")
    ended = await templates("push", "--business", "studio")
    assert ended.status == 0
    assert set(standings(ended.out)) == {"reminder:asks:en", "reminder:plain:en"}
    bodies = {fields["body"] for template in twilio.templates.values() for fields in template.types.values()}
    assert bodies == {"We expect you on {{1}}, your visit begins at {{2}}, please do not be late!"}


async def test_a_salons_own_text_has_a_template_of_its_own(
    templates: Templates, twilio: TwilioEmulator, tmp_path: Path
) -> None:
    await a_business(tmp_path, "We expect you on [Date], your visit begins at [Time], please do not be late!")
    store = await open_store(f"sqlite:///{tmp_path / 'vizit.db'}")
    own = {
        "templates": {"booking_cancelled": {"en": "Your visit at the old mill on [Date] is cancelled, we are sorry!"}}
    }
    await store.commit(Changes(puts=(Put(Salon(business="studio", id="s1", name="Mill", settings=own), 0),)))
    await store.close()
    ended = await templates("push", "--business", "studio")
    assert ended.status == 0
    assert "booking_cancelled:plain@s1:en" in ended.out
    bodies = {fields["body"] for template in twilio.templates.values() for fields in template.types.values()}
    assert "Your visit at the old mill on {{1}} is cancelled, we are sorry!" in bodies


async def test_a_text_that_would_be_rejected_is_told_and_not_pushed(
    templates: Templates, twilio: TwilioEmulator, tmp_path: Path
) -> None:
    await a_business(tmp_path, "[Date], [Time]")
    ended = await templates("push", "--business", "studio")
    assert ended.status == 1
    assert set(standings(ended.out).values()) == {"faulty"}
    assert "    it begins with a variable\n" in ended.out
    assert not twilio.templates


@pytest.mark.parametrize("args", [(), ("pull",), ("list", "--language", "de"), ("list", "--again")])
async def test_wrong_usage_ends_with_2(templates: Templates, args: tuple[str, ...]) -> None:
    ended = await templates(*args)
    assert ended.status == 2
    assert "usage: vizit" in ended.err
