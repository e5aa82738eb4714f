"""What was wrong with what a caller sent: each fault with its place, so that one answer can name them all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

_PLAIN = {
    "missing": "is required",
    "extra_forbidden": "is not a known field",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "dict_type": "must be an object",
}
"""Pydantic's own sentences for these speak of Python."""


class Invalid(Exception):
    """A caller's content can't be accepted (422); nothing was stored.

    ``errors``: pairs of an RFC 6901 JSON pointer into what was sent and a sentence that says why, in the order found.
    """

    def __init__(self, errors: Iterable[tuple[str, str]]) -> None:
        self.errors: list[tuple[str, str]] = list(errors)
        super().__init__("; ".join(f"{at or '/'}: {why}" for at, why in self.errors))

    def under(self, prefix: str) -> Invalid:
        """The same faults, their pointers put below ``prefix`` (``/notify``)."""
        return Invalid([(prefix + at, why) for at, why in self.errors])


def pointer(*parts: str | int) -> str:
    """The JSON pointer of these names and indexes: ``pointer("client", "phone")`` is ``/client/phone``."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def from_pydantic(error: ValidationError, content: Any) -> Invalid:
    """The faults that pydantic found in ``content``, as pointers into it.

    Pydantic's locations also name the branch of a union that was tried; such words name nothing in ``content`` and are
    left out. Of several faults at one place the first is kept.
    """
    faults: dict[str, str] = {}
    for fault in error.errors(include_url=False, include_context=False, include_input=False):
        faults.setdefault(pointer(*_path(fault["loc"], fault["type"], content)), _why(fault["type"], fault["msg"]))
    return Invalid(faults.items())


def _why(kind: str, message: str) -> str:
    return _PLAIN.get(kind) or message.replace("Input should", "must", 1)


def _path(location: tuple[str | int, ...], kind: str, content: Any) -> list[str | int]:
    path: list[str | int] = []
    for index, part in enumerate(location):
        absent = kind == "missing" and index == len(location) - 1
        if isinstance(content, Mapping):
            if part not in content and not absent:
                continue
            content = content.get(part)
        elif isinstance(content, list) and isinstance(part, int) and part < len(content):
            content = content[part]
        else:
            continue
        path.append(part)
    return path
