"""The command line, as the real process that people start."""

import asyncio
import os
import re
import sqlite3
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from bot.playground.gateway_emulator import GatewayEmulator
from bot.playground.telegram_emulator import DEMO_TOKEN, TelegramEmulator
from bot.playground.twilio_emulator import TwilioEmulator
from storage.opening import open_store
from storage.records import Business
from storage.store import Changes, Put
from tests.support.process import ADMIN_KEY, SECRET, environment, telegram_settings, twilio_settings


class Ended(NamedTuple):
    status: int
    out: str
    err: str


Vizit = Callable[..., Awaitable[Ended]]


@pytest.fixture
def vizit(tmp_path: Path) -> Vizit:
    """Runs `python -m bot` in an empty folder, with sound settings and these beside them, to its end."""

    async def run(*args: str, python: tuple[str, ...] = (), **variables: str) -> Ended:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *python,
            "-m",
            "bot",
            *args,
            cwd=tmp_path,
            env=environment(**variables),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        return Ended(process.returncode or 0, out.decode(), err.decode())

    return run


@pytest.fixture
async def telegram() -> AsyncIterator[TelegramEmulator]:
    emulator = TelegramEmulator()
    await emulator.start()
    yield emulator
    await emulator.stop()


@pytest.fixture
async def twilio() -> AsyncIterator[TwilioEmulator]:
    emulator = TwilioEmulator()
    await emulator.start()
    yield emulator
    await emulator.stop()


def loaded(ended: Ended) -> set[str]:
    """The top-level packages that a run with `-X importtime` imported."""
    return {name.split(".")[0] for name in re.findall(r"^import time:.*\|\s+(\S+)$", ended.err, re.MULTILINE)}


async def test_help_lists_the_commands_and_loads_no_library(vizit: Vizit) -> None:
    ended = await vizit("--help", python=("-X", "importtime"))
    assert ended.status == 0
    for command in ("run", "demo", "check", "migrate", "backup", "restore", "copy", "pause", "release", "keys"):
        assert re.search(rf"^ +{command} ", ended.out, re.MULTILINE)
    assert not loaded(ended) & {"aiogram", "aiohttp", "twilio", "pydantic", "apscheduler"}


@pytest.mark.parametrize(
    "args",
    [
        (),
        ("fly",),
        ("run", "--only", "half"),
        ("backup",),
        ("keys", "new"),
        ("keys", "revoke", "b"),
        ("demo", "--listen", "x"),
    ],
)
async def test_wrong_usage_ends_with_2_and_says_how_it_is_meant(vizit: Vizit, args: tuple[str, ...]) -> None:
    ended = await vizit(*args)
    assert ended.status == 2
    assert "usage: vizit" in ended.err


@pytest.mark.parametrize("args", [("run",), ("check",), ("migrate",), ("backup", "x.db"), ("keys", "list", "b")])
async def test_wrong_settings_end_with_2_and_one_list_of_all_mistakes(vizit: Vizit, args: tuple[str, ...]) -> None:
    ended = await vizit(*args, VIZIT_ADMIN_KEY="short", VIZIT_LISTEN="here", VIZIT_TELEGRAM_MODE="webhook")
    assert ended.status == 2
    told = [line.split()[0] for line in ended.err.splitlines()]
    assert told == [
        "VIZIT_ADMIN_KEY",
        "VIZIT_LISTEN",
        "VIZIT_PUBLIC_URL",
        "VIZIT_TELEGRAM_SECRET",
        "VIZIT_TELEGRAM_TOKEN",
    ]
    assert "Traceback" not in ended.err


async def test_check_says_what_is_not_set_up_without_loading_it(vizit: Vizit) -> None:
    ended = await vizit("check", python=("-X", "importtime"), VIZIT_COMPOSE_PROJECT="salon")
    assert ended.status == 0
    assert ended.out.splitlines() == [
        "settings: sound",
        "settings: VIZIT_COMPOSE_PROJECT means nothing to Vizit",
        "Telegram: not set up",
        "Twilio: not set up",
        "SMS gateway: not set up",
        "channels: none is set up, so nothing would be sent",
    ]
    assert not loaded(ended) & {"aiogram", "android_sms_gateway", "twilio"}


async def test_check_says_how_the_salons_phone_is(vizit: Vizit) -> None:
    async with GatewayEmulator() as gateway:
        own = {
            "VIZIT_SMS_GATEWAY_URL": gateway.base_url,
            "VIZIT_SMS_GATEWAY_USER": gateway.user,
            "VIZIT_SMS_GATEWAY_PASSWORD": gateway.password,
        }
        ended = await vizit("check", **own)
        assert (ended.status, "SMS gateway: reached, the salon's phone is ready" in ended.out) == (0, True)
        await gateway.is_unbound()
        ended = await vizit("check", **own)
        assert "SMS gateway: reached, the salon's phone is being linked again" in ended.out
        ended = await vizit("check", **own | {"VIZIT_SMS_GATEWAY_PASSWORD": "wrong"})
        assert (ended.status, "SMS gateway: UnauthorizedError" in ended.out) == (1, True)


def both(telegram: TelegramEmulator, twilio: TwilioEmulator) -> dict[str, str]:
    return telegram_settings(telegram) | twilio_settings(twilio, 8080)


async def test_check_reaches_both_providers(vizit: Vizit, telegram: TelegramEmulator, twilio: TwilioEmulator) -> None:
    ended = await vizit("check", **both(telegram, twilio))
    assert ended.status == 0
    assert "Telegram: reached as @vizit_demo_bot, polling" in ended.out
    assert re.search(r"^Twilio: reached, account '.+' is active$", ended.out, re.MULTILINE)


async def test_check_fails_where_a_provider_does_not_know_us_and_keeps_the_secrets(
    vizit: Vizit, telegram: TelegramEmulator, twilio: TwilioEmulator
) -> None:
    token, auth = "77:AAEhBOweik6ad9r_QXMENQjcrGbqCr4K-bc", "wrong-wrong-wrong"
    wrong = {"VIZIT_TELEGRAM_TOKEN": token, "VIZIT_TWILIO_AUTH_TOKEN": auth}
    ended = await vizit("check", **both(telegram, twilio) | wrong)
    assert ended.status == 1
    assert "Telegram: TelegramUnauthorizedError" in ended.out
    assert re.search(r"^Twilio: \w+", ended.out, re.MULTILINE)
    assert "reached" not in ended.out
    for secret in (token, token.split(":")[1], auth):
        assert secret not in ended.out + ended.err


async def test_check_fails_where_a_provider_is_out_of_reach(
    vizit: Vizit, telegram: TelegramEmulator, twilio: TwilioEmulator
) -> None:
    addresses = both(telegram, twilio)
    await telegram.stop()
    await twilio.stop()
    ended = await vizit("check", **addresses)
    assert ended.status == 1
    assert ended.out.count("Cannot connect") == 2
    assert DEMO_TOKEN not in ended.out


async def test_migrate_makes_the_database_and_may_be_repeated(vizit: Vizit, tmp_path: Path) -> None:
    for _ in range(2):
        ended = await vizit("migrate", VIZIT_DATABASE="sqlite:///new.db")
        assert (ended.status, ended.err) == (0, "")
    store = await open_store(f"sqlite:///{tmp_path / 'new.db'}")
    await store.ready()
    await store.close()


async def test_a_database_that_cannot_be_opened_ends_with_1_and_one_line(vizit: Vizit) -> None:
    ended = await vizit("migrate", VIZIT_DATABASE="sqlite:///nowhere/at/all.db")
    assert ended.status == 1
    assert ended.err.startswith("vizit: ")
    assert ended.err.count("\n") == 1


async def business(path: Path) -> None:
    store = await open_store(f"sqlite:///{path}")
    await store.commit(Changes(puts=(Put(Business(business="mriya", id="mriya", name="Мрія", created_at=1), 0),)))
    await store.close()


async def test_a_backup_is_a_sound_copy_and_never_writes_over_a_file(vizit: Vizit, tmp_path: Path) -> None:
    await business(tmp_path / "vizit.db")
    ended = await vizit("backup", "copy.db")
    assert ended.status == 0
    with sqlite3.connect(tmp_path / "copy.db") as copy:
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert copy.execute("SELECT name FROM business").fetchall() == [("Мрія",)]
    copy.close()
    again = await vizit("backup", "copy.db")
    assert again.status == 1
    assert again.err == "vizit: copy.db is there already\n"


async def test_there_is_no_backup_of_a_database_that_is_not_there(vizit: Vizit, tmp_path: Path) -> None:
    ended = await vizit("backup", "copy.db")
    assert (ended.status, ended.err) == (1, "vizit: there is no database vizit.db\n")
    assert os.listdir(tmp_path) == []


async def test_keys_are_made_listed_and_revoked(vizit: Vizit, tmp_path: Path) -> None:
    await business(tmp_path / "vizit.db")
    made = await vizit("keys", "new", "mriya")
    assert made.status == 0
    key = made.out.strip()
    id = re.search(r"[0-9a-f]{32}", made.err)
    assert id is not None and id[0] in key

    listed = await vizit("keys", "list", "mriya")
    assert re.fullmatch(rf"{id[0]}  made \d{{4}}-\d\d-\d\d \d\d:\d\d UTC  active\n", listed.out)
    assert key not in listed.out

    assert (await vizit("keys", "revoke", "mriya", id[0])).status == 0
    assert "revoked" in (await vizit("keys", "list", "mriya")).out


async def test_keys_need_their_business_and_a_key_that_it_has(vizit: Vizit, tmp_path: Path) -> None:
    await business(tmp_path / "vizit.db")
    for args in (("new", "other"), ("list", "other"), ("revoke", "mriya", "0" * 32)):
        ended = await vizit("keys", *args)
        assert ended.status == 1
        assert ended.err.startswith("vizit: ")


async def test_the_keys_command_does_not_load_the_providers_libraries(vizit: Vizit, tmp_path: Path) -> None:
    await business(tmp_path / "vizit.db")
    ended = await vizit("keys", "list", "mriya", python=("-X", "importtime"))
    assert ended.status == 0
    assert not loaded(ended) & {"aiogram", "twilio", "aiohttp", "apscheduler"}


LEAN = """
import asyncio, sys
from bot.app import build
from bot.config import Config
config = Config.of(
    admin_key="{key}", secret="{secret}", database="sqlite:///:memory:", public_url="https://vizit.example",
    twilio_account_sid="AC" + "0" * 32, twilio_auth_token="x", twilio_whatsapp_from="+14155238886",
)
async def main():
    await (await build(config)).close()
asyncio.run(main())
print(*sorted(name for name in ("aiogram", "motor", "pymongo", "twilio") if name in sys.modules))
"""


async def test_a_salon_without_a_bot_or_mongodb_does_not_pay_for_their_libraries(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        LEAN.format(key=ADMIN_KEY, secret=SECRET),
        cwd=tmp_path,
        env=environment(),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    assert (process.returncode, out.decode()) == (0, "twilio\n")
