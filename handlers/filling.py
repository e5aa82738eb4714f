"""Puts values into templates, line by line, and leaves out what has no value.

A line all of whose variables are empty is dropped whole; an empty variable beside a filled one takes its comma with it.
Values go in as they are and are never looked at again, so a name that holds braces or brackets stays a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

Pieces = tuple[str, ...]
"""A line taken apart: text, variable, text, variable, …, text. Its length is odd."""

_VARIABLE: Final = re.compile(r"\{([a-z_]+)\}")
_COMMA: Final = ", "


@lru_cache(maxsize=4096)
def pieces_of(text: str) -> tuple[Pieces, ...]:
    """The lines of a catalog text with ``{name}`` placeholders, each taken apart."""
    return tuple(tuple(_VARIABLE.split(line)) for line in text.split("\n"))


def fill_pieces(pieces: Pieces, values: Mapping[str, str]) -> str | None:
    """The line with its values; None where it has variables and all of them are empty."""
    if len(pieces) == 1:
        return pieces[0]
    line, filled = pieces[0], False
    for index in range(1, len(pieces), 2):
        value, after = values[pieces[index]], pieces[index + 1]
        if value:
            line, filled = line + value + after, True
        elif line.endswith(_COMMA):
            line = line.removesuffix(_COMMA) + after
        else:
            line += after.removeprefix(_COMMA)
    return line if filled else None


class Plain(str):
    """A line that is text already: somebody's own words, or an empty line."""

    __slots__ = ()


def lay_out(lines: Iterable[str], values: Mapping[str, str]) -> str:
    """Catalog lines (each may hold several, parted by newlines) as one text; empty ones but :class:`Plain` are left out."""
    filled: list[str] = []
    for text in lines:
        if type(text) is Plain:
            filled.append(text)
        elif text:
            filled += [line for pieces in pieces_of(text) if (line := fill_pieces(pieces, values))]
    return "\n".join(filled)
