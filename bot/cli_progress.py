"""How far a long command is, on standard error: a line that is rewritten on a terminal, else a line now and then."""

from __future__ import annotations

import sys
import time
from typing import Final, TextIO

WIDTH: Final = 24
TERMINAL_S: Final = 0.1
FILE_S: Final = 5.0
"""Between two lines, at least; the last one is always told."""


class Progress:
    """A bar for each part of the work, by name."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._on_terminal = self._stream.isatty()
        self._name: str | None = None
        self._began = self._told = 0.0

    def __call__(self, name: str, done: int, total: int) -> None:
        """``done`` of ``total`` of the part ``name``."""
        now = time.monotonic()
        if name != self._name:
            self._name, self._began, self._told = name, now, 0.0
        finished = done >= total
        if not finished and now - self._told < (TERMINAL_S if self._on_terminal else FILE_S):
            return
        self._told = now
        line = f"{name:<18} {_bar(done, total)} {done:>9,} of {total:,}{_left(done, total, now - self._began)}"
        end = "\n" if finished or not self._on_terminal else ""
        start = "\r\x1b[K" if self._on_terminal else ""
        print(f"{start}{line}", end=end, file=self._stream, flush=True)


def _bar(done: int, total: int) -> str:
    filled = WIDTH if done >= total else WIDTH * done // total
    return "[" + "#" * filled + "." * (WIDTH - filled) + "]"


def _left(done: int, total: int, seconds: float) -> str:
    if not 0 < done < total or seconds < 1:
        return ""
    return f", {seconds / done * (total - done):.0f} s left"
