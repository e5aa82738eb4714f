"""Brings WhatsApp templates to Twilio and keeps the map of them: what was made, what WhatsApp said, what has changed.

Every step is stored before the next one, and what was made without being stored is found by its name, so a push that was
cut short goes on where it was.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from handlers.channel import SendError
from handlers.content_rules import faults
from handlers.content_templates import Blueprint
from handlers.turn import Desk
from storage.records import ContentTemplate, Millis, Task
from storage.remote import LIVING, UNDER_REVIEW, TemplateStatus
from storage.store import Changes, OneOf, Patch, Put, Store

if TYPE_CHECKING:
    from bot.content_api import ContentApi, Remote

Standing = Literal["missing", "faulty", "changed"] | TemplateStatus
"""Where a template stands: not made yet, not fit to be made, its text has changed since, or WhatsApp's word."""

REVIEW: Final = "content_review"
"""The kind and the id of the task that asks what WhatsApp says."""
ASK_AGAIN: Final[Millis] = 5 * 60_000
"""While something is under review."""
LOOK_AGAIN: Final[Millis] = 12 * 3_600_000
"""What was approved may be paused or taken away later."""
MOST: Final = 1000
REFUSED: Final = ("rejected", "disabled")
WITHDRAWN: Final = frozenset({"63040", "63041", "63042"})
"""Codes of messages whose template WhatsApp has rejected, paused or disabled since."""

_log = logging.getLogger(__name__)


class Piece(NamedTuple):
    """One template that there is to be: its newest row, if any, and where it stands. ``why``: what is wrong with it."""

    blueprint: Blueprint
    row: ContentTemplate | None
    standing: Standing
    why: tuple[str, ...] = ()


async def rows_of(store: Store, business: str) -> list[ContentTemplate]:
    """The rows of a business, or (empty) those that serve everybody."""
    return await store.find(ContentTemplate, {"business": business}, limit=MOST)


def compare(blueprints: Iterable[Blueprint], rows: Sequence[ContentTemplate]) -> list[Piece]:
    """What there is to be beside what there is."""
    newest: dict[str, ContentTemplate] = {}
    for row in sorted(rows, key=lambda row: row.version):
        newest[f"{row.kind}:{row.variant}:{row.language}"] = row
    return [_piece(blueprint, newest.get(blueprint.key)) for blueprint in blueprints]


def _piece(blueprint: Blueprint, row: ContentTemplate | None) -> Piece:
    if row is not None and row.digest == blueprint.digest:
        return Piece(blueprint, row, row.status, (row.reason,) if row.reason else ())
    wrong = tuple(faults(blueprint))
    if wrong or row is None:
        return Piece(blueprint, row, "faulty" if wrong else "missing", wrong)
    return Piece(blueprint, row, "changed", (f"its text has changed: a push makes version {row.version + 1}",))


async def push(
    desk: Desk, api: ContentApi, blueprints: Iterable[Blueprint], *, business: str = "", again: bool = False
) -> AsyncIterator[Piece]:
    """Make and submit what is missing or has changed, one after the other; gives every template as it then stands.

    A new text is a new version under a new name, and the old one serves until that is approved. ``again``: a new version
    also of what WhatsApp has refused, since it blocks a rejected name for thirty days. Raises SendError; what was done
    until then is stored.
    """
    pieces = compare(blueprints, await rows_of(desk.store, business))
    wanted = ("missing", "changed", *(REFUSED if again else ()))
    found = {one.name: one for one in await api.all()} if any(piece.standing in wanted for piece in pieces) else {}
    for piece in pieces:
        row = piece.row
        if piece.standing in wanted:
            row = await _made(desk, api, piece, found, business)
        if row is not None and piece.standing != "faulty" and row.status == "unsubmitted":
            row = await _stored(desk, row, status=await api.submit(row.sid, row.name, row.category))
        yield piece if row is piece.row else _piece(piece.blueprint, row)
    await ask_soon(desk)


async def _made(
    desk: Desk, api: ContentApi, piece: Piece, found: Mapping[str, Remote], business: str
) -> ContentTemplate:
    blueprint = piece.blueprint
    version = piece.row.version + 1 if piece.row else 1
    while (there := found.get(blueprint.name(business, version))) and not _usable(there, blueprint, piece):
        version += 1
    name = blueprint.name(business, version)
    row = ContentTemplate(
        business=business,
        id=f"{blueprint.key}:{version}",
        kind=blueprint.kind,
        variant=blueprint.variant,
        language=blueprint.language,
        version=version,
        sid=there.sid if there else await api.create(name, blueprint),
        name=name,
        category=blueprint.category,
        body=blueprint.body,
        variables=blueprint.variables,
        buttons=blueprint.buttons,
        digest=blueprint.digest,
        status=there.status if there else "unsubmitted",
        reason=there.reason if there else None,
        created_at=desk.now(),
        updated_at=desk.now(),
    )
    await desk.store.commit(Changes(puts=(Put(row, None),)))
    return row


def _usable(there: Remote, blueprint: Blueprint, piece: Piece) -> bool:
    """Whether a template that Twilio has under our name is the one that we would make."""
    return there.is_like(blueprint) and not (piece.standing in REFUSED and there.status in REFUSED)


async def _stored(desk: Desk, row: ContentTemplate, *, status: TemplateStatus) -> ContentTemplate:
    row = replace(row, status=status, updated_at=desk.now())
    await desk.store.commit(Changes(puts=(Put(row, None),)))
    return row


async def refresh(desk: Desk, api: ContentApi, rows: Sequence[ContentTemplate]) -> int:
    """Ask what WhatsApp says of these now; how many of them stand elsewhere than before. Raises SendError."""
    if not rows:
        return 0
    there = {one.sid: one for one in await api.all()}
    patches, changed = [], 0
    for row in rows:
        one = there.get(row.sid)
        status, reason = (one.status, one.reason) if one else ("disabled", "Twilio does not have it any more")
        if (status, reason) != (row.status, row.reason):
            changed += 1
            _log.info("template %s is %s%s", row.name, status, f": {reason}" if reason else "")
        said = {"status": status, "reason": reason, "updated_at": desk.now()}
        patches.append(Patch(ContentTemplate, row.business, row.id, said, {"sid": row.sid}, must=False))
    await desk.store.commit(Changes(patches=tuple(patches)))
    return changed


async def ask_soon(desk: Desk) -> None:
    """Let the task that asks run at once: there is something to hear."""
    await desk.store.commit(Changes(patches=(Patch(Task, "", REVIEW, {"next_at": desk.now()}, must=False),)))


async def review(desk: Desk, api: ContentApi, task: Task) -> Task:
    """A part of the task that asks from time to time: soon while something is under review, else twice a day."""
    try:
        await refresh(desk, api, await _living(desk.store))
    except SendError as error:
        _log.warning("Twilio did not say how templates stand: %s", error.code)
        return replace(task, next_at=desk.now() + ASK_AGAIN)
    waiting = await desk.store.count(ContentTemplate, {"status": OneOf(UNDER_REVIEW)})
    return replace(task, next_at=desk.now() + (ASK_AGAIN if waiting.get((), 0) else LOOK_AGAIN))


async def _living(store: Store) -> list[ContentTemplate]:
    """Every row, of whatever business, that WhatsApp may still speak of."""
    rows: list[ContentTemplate] = []
    after: tuple[str, str] | None = None
    where, order = {"status": OneOf(LIVING)}, ("business", "id")
    while page := await store.find(ContentTemplate, where, order=order, after=after, limit=MOST):
        rows += page
        after = (page[-1].business, page[-1].id)
    return rows
