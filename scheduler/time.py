"""What time it is: the database's clock, and the playground's shift."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from storage.records import Millis


@dataclass(slots=True)
class Now:
    """The time by which messages are due, too late, or disturb: made once per process, and called like a function.

    ``clock`` is the store's own clock (:meth:`storage.store.Store.clock`), by which leases and paces live unshifted.
    """

    clock: Callable[[], Millis]
    shift: Millis = 0

    def __call__(self) -> Millis:
        """Whole milliseconds since 1970-01-01T00:00:00Z."""
        return self.clock() + self.shift

    def move_to(self, moment: Millis) -> None:
        """Make it ``moment`` now, unless it is later already: time only moves forward."""
        self.shift += max(0, moment - self())
