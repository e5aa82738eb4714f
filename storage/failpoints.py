"""Named points in a message's life at which a test may let the process die, fail, or let another one run.

In service nothing is armed and reaching a point is one look into an empty dictionary. The points inside of the stores, in
the order in which a commit or a step passes them: ``commit.begin``, ``commit.statement`` (before every statement),
``commit.end`` (before the transaction is made durable), ``commit.done`` (after it); the same with ``step.``. Those of the
life around them are in :data:`LIFE`, in its order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

COMMIT: Final = ("commit.begin", "commit.statement", "commit.end", "commit.done")
STEP: Final = ("step.begin", "step.statement", "step.end", "step.done")
LIFE: Final = (
    "claim.begin", "claim.end", "permitted", "rendered", "guard.begin", "guard.end", "wire.begin", "wire.end",
    "settle.begin", "settle.end", "outcome.begin", "outcome.end", "receipt.begin", "receipt.end",
)  # fmt: skip
"""``outcome``: of a send that did not end well, with the next hop of the cascade. ``receipt``: a provider's later word."""

_armed: dict[str, Callable[[], None]] = {}


def reach(name: str) -> None:
    """Do what is armed for the point ``name``: nothing, outside of tests. Whatever that raises is raised here."""
    if name in _armed:
        _armed[name]()


@contextmanager
def armed(name: str, action: Callable[[], None]) -> Iterator[None]:
    """Within this context run ``action`` whenever the point ``name`` is reached."""
    if name not in (*COMMIT, *STEP, *LIFE):
        raise ValueError(f"no such point: {name}")
    _armed[name] = action
    try:
        yield
    finally:
        del _armed[name]
