"""What messages cost, in the providers' own figures. Nothing is converted: every currency has its own sum."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from handlers.durations import DAY
from handlers.turn import Desk
from storage.records import Business, Cost, Millis
from storage.store import Range

CostsBy = Literal["channel", "day"]


@dataclass(slots=True)
class Bill:
    """How many messages have a price, and the sums of those by currency, in hundred-thousandths."""

    messages: int = 0
    sums: Counter[str] = field(default_factory=Counter)

    def add(self, amount: int, currency: str, messages: int) -> None:
        """So many messages more, each at this price."""
        self.messages += messages
        self.sums[currency] += amount * messages


@dataclass(frozen=True, slots=True)
class Costs:
    """The bill of a period, in all and per group."""

    total: Bill
    groups: Mapping[str, Bill]


async def count_costs(
    desk: Desk,
    business: Business,
    since: Millis | None = None,
    until: Millis | None = None,
    group_by: CostsBy | None = None,
) -> Costs:
    """What the messages cost that were due from ``since`` to ``until``, as far as the providers have told."""
    where: dict[str, Any] = {"business": business.id, "due_at": Range(since, until)}
    names = [*([group_by] if group_by else []), "currency", "amount"]
    total, groups = Bill(), dict[str, Bill]()
    for values, messages in sorted((await desk.store.count(Cost, where, names)).items()):
        row = dict(zip(names, values, strict=True))
        total.add(row["amount"], row["currency"], messages)
        if group_by:
            groups.setdefault(row[group_by], Bill()).add(row["amount"], row["currency"], messages)
    return Costs(total, groups)


def decimal_text(amount: int) -> str:
    """Hundred-thousandths as a decimal number of two to five places: ``0.0075``, ``12.50``."""
    whole, rest = divmod(abs(amount), 100_000)
    places = f"{rest:05}".rstrip("0").ljust(2, "0")
    return f"{'-' if amount < 0 else ''}{whole}.{places}"


async def usual_prices(desk: Desk, business: Business) -> dict[str, tuple[int, str]]:
    """What a message of each channel cost on average within the last month: hundred-thousandths and the currency, where the
    providers have told; of several currencies the most frequent one."""
    where = {"business": business.id, "due_at": Range(desk.now() - 30 * DAY, None)}
    sums: dict[tuple[str, str], list[int]] = {}
    for (channel, currency, amount), n in (
        await desk.store.count(Cost, where, ("channel", "currency", "amount"))
    ).items():
        known = sums.setdefault((channel, currency), [0, 0])
        known[0] += n
        known[1] += amount * n
    prices: dict[str, tuple[int, str]] = {}
    for (channel, currency), (_, amount) in sorted(sums.items(), key=lambda item: item[1][0]):
        prices[channel] = (round(amount / sums[channel, currency][0]), currency)
    return prices
