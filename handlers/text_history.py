"""How owners' texts came to be: a version is kept in the commit that changes one, whoever does it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from handlers.turn import Desk
from storage.records import Business, Millis, Salon, TextVersion, new_id
from storage.store import Changes

API: Final = "API"
"""Who changed a text through the API, as people are told."""
SHOWN: Final = 50
TEMPLATES: Final = "templates"


def versions(before: Business | Salon | None, after: Business | Salon, by: str, now: Millis) -> Changes:
    """A version of every text that differs from ``before`` to ``after``, of the business or of one of its salons."""
    was, is_ = (_texts(record.settings) if record else {} for record in (before, after))
    salon = after.id if isinstance(after, Salon) else None
    return Changes(
        inserts=tuple(
            TextVersion(
                business=after.business,
                id=new_id(),
                salon=salon,
                kind=kind,
                language=language,
                text=is_.get((kind, language)),
                by=by,
                at=now,
            )
            for kind, language in sorted({*was, *is_})
            if was.get((kind, language)) != is_.get((kind, language))
        )
    )


def _texts(settings: Mapping[str, Any]) -> dict[tuple[str, str], str]:
    return dict(_each(settings.get(TEMPLATES) or {}))


def _each(texts: Mapping[str, Mapping[str, str]]) -> Iterator[tuple[tuple[str, str], str]]:
    for kind, languages in texts.items():
        for language, text in languages.items():
            yield (kind, language), text


async def history(desk: Desk, business: str, salon: str | None, kind: str, language: str) -> list[TextVersion]:
    """The versions of one text, the newest first."""
    where = {"business": business, "kind": kind, "language": language, "salon": salon}
    return await desk.store.find(TextVersion, where, order=("-at", "-id"), limit=SHOWN)
