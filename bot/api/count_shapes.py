"""What callers are answered about many messages at once: counts, reasons, costs."""

from __future__ import annotations

from collections.abc import Mapping

from typing_extensions import TypedDict

from bot.api.shapes import MoneyOut
from handlers.costs import Bill, Costs, decimal_text
from handlers.statistics import Stats, Word
from handlers.wording_reasons import in_words


class WordsOut(TypedDict):
    """Counts in the owner's five words."""

    processing: int
    waiting: int
    delivered: int
    not_delivered: int
    cancelled: int


class GroupOut(TypedDict):
    """The counts of one group. ``key`` is null where a message has no such thing."""

    key: str | None
    total: int
    status_reported: WordsOut


class ReasonOut(TypedDict):
    """Why so many were not delivered: our own word or the provider's code, and the same in words."""

    code: str
    words: str
    total: int


class StatsOut(TypedDict):
    """Counts of messages; ``total`` is the sum of the five words, and that of the reasons is ``not_delivered``."""

    total: int
    status_reported: WordsOut
    groups: list[GroupOut]
    reasons: list[ReasonOut]


class BillOut(TypedDict):
    """What messages cost, as far as the providers have told: a sum for each currency, with up to five decimals."""

    messages: int
    costs: list[MoneyOut]


class CostGroupOut(BillOut):
    """The costs of one group."""

    key: str


class CostsOut(BillOut):
    """The costs of a period, in all and per group."""

    groups: list[CostGroupOut]


def words_out(words: Mapping[Word, int]) -> WordsOut:
    """The JSON of counts by word."""
    return {
        "processing": words["processing"],
        "waiting": words["waiting"],
        "delivered": words["delivered"],
        "not_delivered": words["not_delivered"],
        "cancelled": words["cancelled"],
    }


def stats_out(stats: Stats, language: str) -> StatsOut:
    """The JSON of counts, with reasons in ``language``."""
    return {
        "total": sum(stats.words.values()),
        "status_reported": words_out(stats.words),
        "groups": [
            {"key": key, "total": sum(words.values()), "status_reported": words_out(words)}
            for key, words in stats.groups
        ],
        "reasons": [{"code": code, "words": in_words(code, language), "total": n} for code, n in stats.reasons],
    }


def costs_out(costs: Costs) -> CostsOut:
    """The JSON of costs."""
    groups: list[CostGroupOut] = [{"key": key, **_bill(bill)} for key, bill in costs.groups.items()]
    return {**_bill(costs.total), "groups": groups}


def _bill(bill: Bill) -> BillOut:
    sums: list[MoneyOut] = [
        {"amount": decimal_text(amount), "currency": currency} for currency, amount in bill.sums.items()
    ]
    return {"messages": bill.messages, "costs": sums}
