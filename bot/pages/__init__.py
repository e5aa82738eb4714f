"""The pages that a client sees."""

from bot.pages.routes import page_routes

__all__ = ["page_routes"]
