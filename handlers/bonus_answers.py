"""How many bonus points there are, when somebody asks for it in a chat."""

from __future__ import annotations

from handlers.presence import Here
from handlers.replies import answer
from handlers.turn import Desk, Turn
from storage.records import BonusAccount, Choice, Client, Message
from storage.store import Changes

KIND = "bonus_balance"


async def balances(desk: Desk, turn: Turn, here: Here, business: str) -> Changes:
    """One answer for each business that knows this chat, and for each person there who has points."""
    rows: list[Message] = []
    for owner in here.businesses or (business,):
        people = here.of(owner)
        accounts = await desk.store.get_many(BonusAccount, [(owner, client.id) for client in people])
        rich = [client for client in people if (account := accounts.get((owner, client.id))) and account.balance]
        rows += [_row(desk, turn, owner, client) for client in rich or people[:1]]
    return Changes(inserts=tuple(rows))


def _row(desk: Desk, turn: Turn, business: str, client: Client) -> Message:
    return answer(
        turn,
        KIND,
        business=business,
        now=desk.now(),
        client=client.id,
        choices=(Choice("book"),),
        tag=f":{business}:{client.id}",
    )
