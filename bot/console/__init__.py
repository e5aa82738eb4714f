"""The console: everything that the API can do for a business, for a person in a browser."""

from bot.console.routes import console_routes

__all__ = ["console_routes"]
