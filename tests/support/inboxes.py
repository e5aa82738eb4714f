"""An inbox on a real store whose handlers write down what they were told."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from bot.inbox import Inbox, Read
from handlers.turn import Desk, Links, Turn
from storage.opening import open_store
from storage.records import InboxEvent, Millis
from storage.store import Changes, Store

NOW: Millis = 1_790_000_000_000


@dataclass
class Listening:
    """``turns`` are what handlers were given, in order."""

    store: Store
    inbox: Inbox
    turns: list[Turn] = field(default_factory=list)

    async def events(self) -> list[InboxEvent]:
        """What the inbox holds."""
        return await self.store.find(InboxEvent, {})


@asynccontextmanager
async def listening(source: str, read: Read) -> AsyncIterator[Listening]:
    """An inbox for one source, at the moment ``NOW``."""
    store = await open_store("sqlite:///:memory:")
    turns: list[Turn] = []

    async def respond(_: Desk, turn: Turn) -> Changes:
        turns.append(turn)
        return Changes()

    inbox = Inbox(Desk(store, lambda: NOW, Links(None, b"secret")), {source: read}, respond)
    yield Listening(store, inbox, turns)
    await inbox.stop()
    await store.close()
