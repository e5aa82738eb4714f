"""The command `vizit templates`: WhatsApp's templates, as they would be sent to review and as they stand."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from bot.cli_database import desk_of, known, opened, refuse
from bot.config import Config, load
from bot.content import Piece, compare, push, refresh, rows_of
from handlers.channel import SendError
from handlers.content_templates import Blueprint, of_catalogs, of_owner
from handlers.i18n import LANGUAGES
from handlers.settings import in_force
from handlers.turn import Desk
from storage.records import Business, Salon
from storage.store import Store

if TYPE_CHECKING:
    from bot.content_api import ContentApi

MOST_SALONS: Final = 1000


async def show(args: Namespace) -> bool:
    """Print every template with its text and buttons, as WhatsApp's people would see it, and what is wrong with it."""
    async with opened(load()) as store:
        wanted = await _wanted(store, args)
        if wanted is None:
            return False
        pieces = compare(wanted, await rows_of(store, args.business or ""))
    for piece in pieces:
        _print(piece)
        text = piece.blueprint.body.splitlines()
        buttons = ["".join(f"[{title}] " for title in piece.blueprint.titles).strip()] if piece.blueprint.titles else []
        print("".join(f"    {line}\n" for line in (*text, *buttons)))
    return _sound(pieces)


async def bring(args: Namespace) -> bool:
    """Make at Twilio what is missing or has changed, and hand it to WhatsApp for review."""
    config = load()
    async with opened(config) as store:
        wanted = await _wanted(store, args)
        if wanted is None:
            return False
        if args.dry_run:
            pieces = compare(wanted, await rows_of(store, args.business or ""))
            for piece in pieces:
                _print(piece)
            return _sound(pieces)
        if config.twilio_account_sid is None:
            return refuse("Twilio is not set up")
        async with _api(config) as api:
            return await _bring(desk_of(store), api, wanted, args)


async def _bring(desk: Desk, api: ContentApi, wanted: Sequence[Blueprint], args: Namespace) -> bool:
    pieces = []
    try:
        async for piece in push(desk, api, wanted, business=args.business or "", again=args.again):
            _print(piece)
            pieces.append(piece)
    except SendError as error:
        return refuse(
            f"Twilio says {error.code} {error.text}. What was done is kept; the same command goes on from here."
        )
    return _sound(pieces)


async def status(args: Namespace) -> bool:
    """Ask Twilio how the templates stand, and print a line for each."""
    config = load()
    async with opened(config) as store:
        wanted = await _wanted(store, args)
        if wanted is None:
            return False
        rows = await rows_of(store, args.business or "")
        if config.twilio_account_sid is not None:
            try:
                async with _api(config) as api:
                    await refresh(desk_of(store), api, rows)
            except SendError as error:
                return refuse(f"Twilio says {error.code} {error.text}")
            rows = await rows_of(store, args.business or "")
    for piece in compare(wanted, rows):
        _print(piece)
    return True


@asynccontextmanager
async def _api(config: Config) -> AsyncIterator[ContentApi]:
    # Without Twilio the texts can be read all the same, and its library takes its time.
    from bot.content_api import ContentApi
    from bot.twilio_http import make_client

    assert config.twilio_account_sid is not None and config.twilio_auth_token is not None
    client, http = make_client(
        config.twilio_account_sid,
        config.twilio_auth_token.get_secret_value(),
        api=config.twilio_api,
        content_api=config.twilio_content_api,
    )
    try:
        yield ContentApi(client)
    finally:
        await http.close()


async def _wanted(store: Store, args: Namespace) -> list[Blueprint] | None:
    """The templates that the arguments speak of; None where there is no such business, which is said."""
    languages = args.language or LANGUAGES
    if args.business is None:
        return list(of_catalogs(languages))
    if not await known(store, args.business):
        return None
    business = await store.get(Business, args.business, args.business)
    salons = await store.find(Salon, {"business": args.business}, limit=MOST_SALONS)
    made = list(of_owner(in_force(business, None).templates, languages)) if business else []
    made += [one for salon in salons for one in of_owner(salon.settings.get("templates") or {}, languages, salon.id)]
    if not made:
        print(f"{args.business} has no texts of its own, so the templates of the catalogs serve it.", file=sys.stderr)
    return made


def _print(piece: Piece) -> None:
    name = piece.row.name if piece.row else ""
    print(f"{piece.blueprint.key:<34} {piece.standing:<12} {piece.blueprint.category:<9} {name}".rstrip())
    for why in piece.why:
        print(f"    {why}")


def _sound(pieces: Sequence[Piece]) -> bool:
    return all(piece.standing != "faulty" for piece in pieces)
