"""The commands that reach out: run, demo, check."""

from __future__ import annotations

import logging
from argparse import Namespace
from datetime import UTC, datetime

from bot import logs
from bot.cli_database import SQLITE, opened, shown_time, there
from bot.config import Config, load, unknown
from handlers.phone import STATES
from scheduler.pause import REASONS, pause_of
from storage.sqlite import path_of
from storage.store import StoreError

_log = logging.getLogger(__name__)


async def run(args: Namespace) -> bool:
    """The service, or half of it, until it is told to stop."""
    config = load()
    logs.configure(config.log, config.secrets)
    for name in unknown():
        _log.warning("%s means nothing to Vizit", name)
    from bot.app import run as serve

    try:
        await serve(config, only=args.only)
    except (StoreError, OSError) as error:
        _log.error("%s", error)
        return False
    return True


async def demo(args: Namespace) -> bool:
    """The playground, until it is told to stop."""
    logs.configure()
    from bot.playground.demo import serve

    await serve(*args.listen)
    return True


async def check(_: Namespace) -> bool:
    """Tell what is wrong with the settings; where they are sound, reach every provider that they name."""
    config = load()
    print("settings: sound")
    for name in unknown():
        print(f"settings: {name} means nothing to Vizit")
    asked = {
        "Telegram": config.telegram_token and _telegram,
        "Twilio": config.twilio_account_sid and _twilio,
        "SMS gateway": config.sms_gateway_url and _gateway,
    }
    reached = True
    for provider, ask in asked.items():
        try:
            print(f"{provider}: {await ask(config) if ask else 'not set up'}")
        # Whatever goes wrong out there is the answer to what was asked.
        except Exception as error:
            print(f"{provider}: {type(error).__name__} {logs.one_line(logs.redact(str(error), config.secrets))}")
            reached = False
    await _tell_of_pause(config)
    if not any(asked.values()):
        print("channels: none is set up, so nothing would be sent")
    return reached


async def _tell_of_pause(config: Config) -> None:
    """Say that sending is paused, where it is; a database file that is not there yet is not made."""
    url = config.database.get_secret_value()
    if url.startswith(SQLITE) and not there(path_of(url)):
        return
    async with opened(config) as store:
        paused = await pause_of(store)
    if paused is not None:
        print(f"sending: paused since {shown_time(paused.since)}: {REASONS[paused.why]}")


async def _telegram(config: Config) -> str:
    from bot.telegram import make_bot

    assert config.telegram_token is not None
    bot = make_bot(config.telegram_token.get_secret_value(), config.telegram_api)
    try:
        me = await bot.get_me(request_timeout=10)
        webhook = await bot.get_webhook_info(request_timeout=10)
    finally:
        await bot.session.close()
    trouble = f", but its webhook fails: {webhook.last_error_message}" if webhook.last_error_message else ""
    return f"reached as @{me.username}, {config.telegram_mode}{trouble}"


async def _twilio(config: Config) -> str:
    from bot.twilio_http import make_client

    assert config.twilio_account_sid is not None and config.twilio_auth_token is not None
    token = config.twilio_auth_token.get_secret_value()
    client, http = make_client(
        config.twilio_account_sid, token, api=config.twilio_api, content_api=config.twilio_content_api
    )
    try:
        account = await client.api.v2010.accounts(config.twilio_account_sid).fetch_async()
    finally:
        await http.close()
    return f"reached, account {account.friendly_name!r} is {account.status}"


async def _gateway(config: Config) -> str:
    from bot.sms_gateway import Gateway, look

    url, user, password = config.sms_gateway_url, config.sms_gateway_user, config.sms_gateway_password
    assert url is not None and user is not None and password is not None
    gateway = Gateway(url, user, password.get_secret_value())
    try:
        seen = await look(gateway.client, round(datetime.now(UTC).timestamp() * 1000))
    finally:
        await gateway.close()
    return f"reached, {STATES[seen.state]}"
