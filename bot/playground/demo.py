"""`make demo`: the playground, until it is told to stop. No credentials, nothing leaves this machine."""

from __future__ import annotations

import asyncio
import signal
import sys
import tempfile
import time
from datetime import datetime, timedelta

from bot.playground import cast
from bot.playground.content import push_templates
from bot.playground.page import Page
from bot.playground.picture import ZONE
from bot.playground.stage import Stage, opened
from handlers.wording_choices import labels
from storage.records import Millis


async def serve(host: str, port: int) -> None:
    """Set the stage on this address, put the cast on it, and play until SIGTERM or SIGINT."""
    loop, told = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    with tempfile.TemporaryDirectory(prefix="vizit-") as folder:
        async with played(f"sqlite:///{folder}/playground.db", (host, port)) as stage:
            sys.stderr.write(f"The playground is at {stage.app.url}   (Ctrl+C ends it)\n")
            await told.wait()


class played:
    """A stage with its cast and its page, as an asynchronous context."""

    def __init__(self, database: str, listen: tuple[str, int] = ("127.0.0.1", 0), *, hurry: bool = False) -> None:
        self._page = Page()
        self._context = opened(
            database,
            ten_in_the_morning(),
            business=cast.BUSINESS,
            salon=cast.SALON_BODY,
            listen=listen,
            hurry=hurry,
            disorder=0.2,
            routes=self._page.routes,
            settings={"telegram_payment_token": "1:TEST:playground"},
        )

    async def __aenter__(self) -> Stage:
        stage = await self._context.__aenter__()
        await self._page.open(stage, await furnish(stage))
        return stage

    async def __aexit__(self, *error: object) -> None:
        await self._page.close()
        await self._context.__aexit__(*error)  # type: ignore[arg-type]


def ten_in_the_morning() -> Millis:
    """Today at ten by the salon's clock: nobody sleeps, and the day is young."""
    today = datetime.fromtimestamp(time.time(), ZONE)
    return int(today.replace(hour=10, minute=0, second=0, microsecond=0).timestamp() * 1000)


async def furnish(stage: Stage) -> int:
    """Masters, services, clients in their chats, the staff in their group, and a first booking for each client.

    Answers with the chat id of the staff's group.
    """
    api = stage.api
    await push_templates(stage)
    await api.call("PATCH", "/settings", cast.SETTINGS)
    for id, body in cast.MASTERS.items():
        await api.call("PUT", f"/masters/{id}", body)
    for id, body in cast.SERVICES.items():
        await api.call("PUT", f"/services/{id}", body)
    for role in cast.CLIENTS:
        await api.call("PUT", f"/clients/{role.id}", cast.person(role))
        await _enters(stage, role)
    group = await _staff(stage)
    await stage.quiet()
    day = datetime.fromtimestamp(stage.now() / 1000, ZONE)
    for number, role in enumerate(cast.CLIENTS, 1):
        start = (day + timedelta(days=number)).replace(hour=14 + number, minute=0)
        body = {
            "salon": cast.SALON,
            "client": {"id": role.id},
            "master": list(cast.MASTERS)[number % 2],
            "services": [list(cast.SERVICES)[number - 1]],
            "starts_at": start.isoformat(),
            "created_by": "client",
        }
        await api.call("PUT", f"/bookings/b-{number}", body)
    await stage.quiet()
    return group


async def _enters(stage: Stage, role: cast.Role) -> None:
    """The client opens the chat: on Telegram by the salon's one-time link, on WhatsApp by a first word."""
    if role.platform == "telegram":
        user = stage.telegram.user(role.account, role.first_name, role.language, role.phone)
        link = await stage.api.call("POST", f"/clients/{role.id}/links", {})
        await user.start(link["url"].partition("start=")[2])
        await stage.quiet()
        if role is cast.OLENA:
            # Somebody must have said yes for the year to show what offers look like; the others are still asked.
            await user.taps(labels("offers_yes", role.language), user.messages[-1])
    else:
        await stage.twilio.person(role.phone, role.first_name).says("Merhaba")
    await stage.quiet()


async def _staff(stage: Stage) -> int:
    """The staff's group, linked by a code as the salon would do it."""
    member = stage.telegram.user(cast.STAFF_ACCOUNT, cast.STAFF_NAME, "uk")
    group = stage.telegram.group(cast.GROUP_TITLE, [member])
    await group.add_bot()
    wanted = {"salon": cast.SALON, "language": "uk"}
    code = await stage.api.call("POST", "/staff-chats/links", wanted)
    await member.says(f"/link {code['code']}", in_chat=group)
    return group.id
