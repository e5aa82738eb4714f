"""WhatsApp templates for the salon on stage: brought to the emulated Twilio as to the real one, and approved there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bot.content import push, refresh, rows_of
from bot.content_api import ContentApi
from bot.playground.twilio_emulator import DEMO_ACCOUNT, DEMO_TOKEN
from bot.twilio_http import make_client
from handlers.content_templates import of_catalogs
from handlers.i18n import LANGUAGES

if TYPE_CHECKING:
    from bot.playground.stage import Stage


async def push_templates(stage: Stage, languages: Sequence[str] = LANGUAGES) -> None:
    """Make the templates of the catalogs, have them reviewed, and hear the result. RuntimeError where one is refused."""
    twilio, desk = stage.twilio, stage.app.desk
    client, http = make_client(DEMO_ACCOUNT, DEMO_TOKEN, api=twilio.base_url, content_api=twilio.base_url)
    try:
        api = ContentApi(client)
        async for _ in push(desk, api, of_catalogs(languages)):
            pass
        await twilio.idle()
        await refresh(desk, api, await rows_of(desk.store, ""))
    finally:
        await http.close()
    refused = [row.name for row in await rows_of(desk.store, "") if row.status != "approved"]
    if refused:
        raise RuntimeError(f"WhatsApp's reviewers did not approve {', '.join(refused)}")
