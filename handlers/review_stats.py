"""What clients think on average: of a master, of a service, in a month, with how many reviews each figure rests on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from handlers.turn import Desk
from storage.records import Business, Master, Review, Salon, Service

GroupBy = Literal["salon", "master", "service", "month"]

FIELDS: Final[Mapping[GroupBy, str]] = {
    "salon": "salon",
    "master": "master",
    "service": "services",
    "month": "month",
}
"""What is grouped by, to the field of a review that tells it."""
NAMED: Final[Mapping[GroupBy, type[Any]]] = {"salon": Salon, "master": Master, "service": Service}


@dataclass(frozen=True, slots=True)
class Figure:
    """How many reviews, and their average of 1 to 5 (None of none)."""

    reviews: int
    average: float | None


@dataclass(frozen=True, slots=True)
class Group:
    """The figure of one group. ``key`` is None for visits that name no such thing, ``name`` where a key has none."""

    key: str | None
    name: str | None
    figure: Figure


@dataclass(frozen=True, slots=True)
class Averages:
    """Of all reviews, and of each group, by its key. A visit of two services counts for both, and once in all."""

    total: Figure
    groups: tuple[Group, ...]


async def averages(desk: Desk, business: Business, where: Mapping[str, Any], group_by: GroupBy | None) -> Averages:
    """The averages of the reviews that match ``where`` (fields of a review)."""
    fields = ("rating",) if group_by is None else (FIELDS[group_by], "rating")
    counted = await desk.store.count(Review, {"business": business.id, **where}, fields)
    every: Counter[int] = Counter()
    apart: dict[str | None, Counter[int]] = {}
    for values, number in counted.items():
        every[values[-1]] += number
        for key in _keys(group_by, values[0]) if group_by else ():
            apart.setdefault(key, Counter())[values[-1]] += number
    names = await _names(desk, business, group_by, apart)
    ordered = sorted(apart, key=lambda key: (key is None, key or ""))
    return Averages(_figure(every), tuple(Group(key, names.get(key or ""), _figure(apart[key])) for key in ordered))


def _keys(group_by: GroupBy, value: str | None) -> list[str | None]:
    """The groups that a review counts for."""
    if group_by != "service":
        return [value or None]
    return list(dict.fromkeys((value or "").split())) or [None]


def _figure(stars: Mapping[int, int]) -> Figure:
    reviews = sum(stars.values())
    return Figure(reviews, round(sum(rating * n for rating, n in stars.items()) / reviews, 2) if reviews else None)


async def _names(
    desk: Desk, business: Business, group_by: GroupBy | None, keys: Mapping[str | None, Any]
) -> dict[str, str]:
    record = NAMED.get(group_by) if group_by else None
    if record is None:
        return {}
    found = await desk.store.get_many(record, [(business.id, key) for key in keys if key])
    return {id: one.name for (_, id), one in found.items()}
