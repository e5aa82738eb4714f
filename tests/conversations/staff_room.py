"""What the staff see and press in their chats, and ways to bring a client out of reach."""

from __future__ import annotations

from typing import Any

from bot.playground.telegram_people import Group, User
from bot.playground.telegram_world import Message
from handlers.wording import labels
from tests.conversations.world import World

SENT_BY_HAND = "Надіслано вручну"


def of_bot(chat: Group | User, world: World) -> list[Message]:
    """What the bot has said in a chat, oldest first, as it stands there now."""
    return [message for message in chat.messages if message.sender is world.stage.telegram.world.bot]


def cards(chat: Group | User) -> list[Message]:
    """Messages that a person is to send: those with the buttons of a card, oldest first."""
    return offering(chat, "hand_sent")


def offering(chat: Group | User, verb: str, language: str = "uk") -> list[Message]:
    """Messages that show the button of ``verb``, oldest first."""
    return [message for message in chat.messages if labels(verb, language) in message.titles]


def button(message: Message, verb: str, language: str = "uk") -> dict[str, Any]:
    """The button of ``verb`` as the platform shows it."""
    title = labels(verb, language)
    return next(one for row in message.buttons for one in row if one["text"] == title)


async def press(world: World, verb: str, on: Message, by: User | None = None) -> None:
    """Somebody of the staff presses a button; waits until all that follows has happened."""
    await (by or world.staff).taps(labels(verb, "uk"), on)
    await world.stage.quiet()


async def set_order(world: World, *channels: str) -> None:
    """The order in which channels are tried."""
    await world.stage.api.call("PATCH", "/settings", {"channels": list(channels)})
    await world.stage.quiet()


async def out_of_reach(world: World, **fields: Any) -> Any:
    """A booking of a client whom no channel of the salon reaches."""
    await set_order(world, "telegram", "manual")
    await world.client(linked=False)
    return await world.put(**fields)


async def waiting(world: World) -> list[Any]:
    """What the API lists as waiting for a person."""
    return list((await world.stage.api.call("GET", "/manual"))["items"])
