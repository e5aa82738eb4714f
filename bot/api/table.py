"""Every route of the API, in the order in which the documentation shows them."""

from __future__ import annotations

from typing import Final

from bot.api import bonuses, campaigns, retention, tenant_routes, visit_routes, webhooks
from bot.api.reviews import ROUTES as REVIEWS
from bot.api.serving import Route

TAGS: Final = {
    "Businesses": "Customers of this service and their keys. With the admin key alone.",
    "Salons": "Locations, and the settings of business and salon.",
    "Masters and services": "Who serves, and what is sold.",
    "Clients": "People, their links and their data.",
    "Bookings": "Visits; every message follows from them.",
    "Messages": "What was sent, what is to come, and what was not sent and why.",
    bonuses.TAG: "The ledger of a client's bonus points.",
    "Reviews and tips": "What clients think of their visits, and give for them.",
    "Staff chats": "Telegram chats in which staff hear of the schedule and press buttons.",
    campaigns.TAG: "Win-back and offers to groups of clients, against a group that gets nothing.",
    retention.TAG: "Who comes back, and who is lost.",
    webhooks.TAG: "Addresses of the booking system that hear what happens here.",
}
"""The chapters of the document, in their order."""

ROUTES: Final[tuple[Route, ...]] = (
    *tenant_routes.ROUTES,
    *visit_routes.ROUTES,
    *REVIEWS,
    *bonuses.ROUTES,
    *retention.ROUTES,
    *campaigns.ROUTES,
    *webhooks.ROUTES,
)
