"""How many SMS a text takes. A text of the GSM alphabet has 160 characters in one, 153 in each of several; any other
text is sent as UCS-2, with 70 UTF-16 units in one and 67 in each of several. Source: 3GPP TS 23.038 and 23.040.

Turkish letters outside the basic alphabet are counted as UCS-2: the shift tables that would hold them are seldom used.
"""

from __future__ import annotations

from typing import Final

BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""The GSM alphabet without its escape."""
EXTENSION: Final = frozenset("\f^{}\\[~]|€")
"""Characters that take two places: the escape and one more."""


def segments(text: str) -> int:
    """How many SMS ``text`` takes; an empty one takes one."""
    if BASIC.issuperset(text) or (BASIC | EXTENSION).issuperset(text):
        return _parts([2 if character in EXTENSION else 1 for character in text], 160, 153)
    return _parts([2 if character > "\uffff" else 1 for character in text], 70, 67)


def _parts(sizes: list[int], whole: int, part: int) -> int:
    """Into how many parts characters of these sizes go; none is split between two."""
    if sum(sizes) <= whole:
        return 1
    parts, room = 1, part
    for size in sizes:
        if size > room:
            parts, room = parts + 1, part
        room -= size
    return parts
