"""What a person allows: offers on or off, nothing at all, and the language to speak. Said once, in force at once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from handlers import rebook
from handlers.events import of_client
from handlers.keys import encoded
from handlers.presence import Here
from handlers.replan import addresses_of, replan_client
from handlers.replies import answer
from handlers.turn import Desk, Turn
from handlers.wording_choices import VERBS, labels
from storage.records import MAILING_LANE, WAITING, Address, Business, Choice, Client, Consent, Message, Millis, new_id
from storage.store import Changes, OneOf, Patch, Put

COMMANDS: Final = {"stop": "offers_off", "offers": "offers_on", "all_off": "all_off", "all_on": "all_on"}
"""Command to the kind of its answer. ``stop`` ends offers; the answer offers "nothing at all"."""
SYNONYMS: Final = {"offers_off": "stop", "offers_on": "offers", "offers_yes": "offers", "offers_no": "stop"}
ASK: Final = "consent_ask"
ASKING: Final = (Choice("offers_yes"), Choice("offers_no"))
NEXT: Final = {"stop": ("all_off",), "offers": ("offers_off",), "all_off": ("all_on",), "all_on": ("offers_off",)}
"""What can be said next, as buttons under the answer."""


async def withdraw_or_give(
    desk: Desk, turn: Turn, here: Here, business: str, said: str, row: Message | None = None
) -> Changes:
    """Offers on or off, everything on or off, for everybody behind this chat: one phone is one reader.

    ``row`` is the message that was answered, where one was: its question goes into the ledger with the answer.
    """
    command = SYNONYMS.get(said, said)
    words = _words(turn, said, row)
    changes = Changes()
    for client in here.clients:
        changes += await word_given(desk, client, command, at=turn.at, place=turn.channel, words=words)
    people = here.of(business)
    told = answer(
        turn,
        COMMANDS[command],
        business=business,
        now=desk.now(),
        client=people[0].id if people else None,
        choices=() if said == "offers_no" else tuple(Choice(verb) for verb in NEXT[command]),
    )
    return changes + Changes(inserts=(told,))


def _words(turn: Turn, said: str, row: Message | None) -> str:
    """What was said: the very words, else those on the button; with the question where one was answered."""
    language = (row and row.language) or "uk"
    words = turn.text or (labels(said, language) if said in VERBS else said)
    return f"{row.text} — {words}" if row is not None and row.kind == ASK and row.text else words


def asked(turn: Turn, client: Client, now: Millis) -> Message:
    """The question whether offers may be sent, right behind what ``turn`` was answered. Its key names the client: whoever
    was asked is not asked again."""
    row = answer(turn, ASK, business=client.business, now=now + 1, client=client.id, choices=ASKING)
    return replace(row, key=f"{ASK}:{encoded(client.id)}")


def may_be_asked(client: Client) -> bool:
    """Whether this person has said nothing of offers yet, and wants to hear from us."""
    return client.marketing_consent is None and not client.silent


async def word_given(desk: Desk, client: Client, command: str, *, at: Millis, place: str, words: str) -> Changes:
    """The word of one client: in the ledger, on the record, and on what waits to be sent.

    ``command`` is one of :data:`COMMANDS`; ``place`` and ``words`` say where it was given and how.
    """
    given = command in ("offers", "all_on")
    everything = command in ("all_off", "all_on")
    fields: dict[str, Any] = (
        {"silent": not given}
        if everything
        else {
            "marketing_consent": given,
            "consent_at": at,
            "consent_place": place,
        }
    )
    after = replace(client, revision=client.revision + 1, **fields)
    ledger = Consent(
        business=client.business,
        id=new_id(),
        client=client.id,
        purpose="everything" if everything else "marketing",
        given=given,
        at=at,
        place=place,
        words=words,
    )
    changes = Changes(inserts=(ledger,), puts=(Put(after, expect=client.revision),))
    business = await desk.store.get(Business, client.business, client.business)
    if business is not None and everything:
        changes += await replan_client(desk, business, after, await addresses_of(desk, after))
    if business is not None:
        changes += await rebook.replanned(desk, business, after)
    event = "client.opted_in" if given else "client.opted_out"
    changes += await of_client(desk, after, event, purpose=ledger.purpose, place=place)
    return changes if given else changes + await _withdraw_offers(desk, client)


async def offers_taken_back(desk: Desk, before: Client | None, after: Client) -> Changes:
    """What the booking system's word on offers means for those that are planned: without consent, none waits any longer.

    Invitations are not among them: they are planned anew, which follows the same word.
    """
    withdrawn = before is not None and before.marketing_consent is True and after.marketing_consent is not True
    return await _withdraw_offers(desk, after) if withdrawn else Changes()


async def _withdraw_offers(desk: Desk, client: Client) -> Changes:
    """Offers that are planned already are taken back in the same commit."""
    waiting = await desk.store.find(
        Message,
        {"business": client.business, "client": client.id, "status": OneOf(WAITING), "lane": MAILING_LANE},
        limit=1000,
    )
    gone = {"status": "cancelled", "reason": "opted_out"}
    return Changes(
        patches=tuple(
            Patch(Message, row.business, row.id, gone, {"status": OneOf(WAITING)})
            for row in waiting
            if row.kind != rebook.KIND
        )
    )


async def choose_language(desk: Desk, turn: Turn, here: Here, business: str, language: str) -> Changes:
    """Speak ``language`` from now on to everybody behind this chat; a later PUT does not change it."""
    people = tuple(
        Put(replace(client, language=language, language_chosen=True, revision=client.revision + 1), client.revision)
        for client in here.clients
    )
    chats = tuple(Patch(Address, row.business, row.id, {"language": language}, must=False) for row in here.rows)
    heard = Changes()
    for client in here.clients:
        heard += await of_client(desk, client, "client.language_chosen", language=language)
    said = answer(turn, "language_set", business=business, now=desk.now(), language=language)
    mine = here.of(business)
    if mine:
        said = replace(said, client=mine[0].id)
    return heard + Changes(inserts=(said,), puts=people, patches=chats)
