"""The HTTP API: every route is a row of a table that serves it, checks what is sent, and describes it."""

from bot.api.app import add_api, api_app

__all__ = ["add_api", "api_app"]
