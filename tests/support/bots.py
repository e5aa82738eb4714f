"""aiogram bots in tests."""

from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession


async def hang_up(bot: Bot) -> None:
    """Close a bot's connections. aiogram's own `close` adds a quarter of a second for TLS, which loopback has not."""
    session = bot.session
    assert isinstance(session, AiohttpSession)
    if session._session is not None:
        await session._session.close()
