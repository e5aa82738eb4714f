"""Forms of records: a table of inputs, what stands in them, and the checked fields that come of what was posted.

What may be said of a record is checked by the very types of the API.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar

from pydantic import BaseModel

from bot.api.reading import check
from bot.console.settings_fields import length
from handlers import durations
from handlers.i18n import Translator, mark
from handlers.invalid import Invalid

M = TypeVar("M", bound=BaseModel)

CHECK: Final = mark("Nothing has been saved. Please check:")
Kind = Literal["text", "tel", "url", "select", "lines", "decimal", "birthday"]


@dataclass(frozen=True, slots=True)
class Input:
    """One field of a form. ``name`` is that of the API; a dot parts an object from its field. ``options``: durations to
    choose from; those of a ``select`` that hang on the business are given when the page is made."""

    name: str
    title: str
    kind: Kind = "text"
    required: bool = False
    options: tuple[str, ...] = ()
    hint: str = ""


def shown(
    inputs: Sequence[Input],
    values: Mapping[str, Any],
    t: Translator,
    choices: Mapping[str, Sequence[tuple[str, str]]] | None = None,
) -> list[dict[str, Any]]:
    """What the template needs of every input; ``values`` by their names."""
    return [
        {
            "input": one,
            "title": t(one.title),
            "hint": t(one.hint) if one.hint else "",
            "value": _text(values.get(one.name)),
            "options": [("", "—"), *(choices or {}).get(one.name, ()), *_durations(one, values.get(one.name), t)],
        }
        for one in inputs
    ]


def _text(value: Any) -> str:
    if value is None:
        return ""
    return "\n".join(value) if isinstance(value, list | tuple) else str(value)


def _durations(one: Input, value: Any, t: Translator) -> list[tuple[str, str]]:
    """The lengths to choose from, the present one among them, each once however it is written."""
    if not one.options:
        return []
    known = {durations.parse(text, months=True): text for text in one.options}
    present = _parsed(value)
    if present is not None:
        known[present] = value
    return [(text, length(text, t)) for _, text in sorted(known.items(), key=lambda item: durations.length(item[0]))]


def _parsed(value: Any) -> durations.Duration | None:
    """A length as it is stored or was typed; None where there is none, or what was typed is no length."""
    try:
        return durations.parse(value, months=True) if value else None
    except ValueError:
        return None


def typed(inputs: Sequence[Input], form: Mapping[str, str]) -> dict[str, str]:
    """What was typed, as it was."""
    return {one.name: form.get(one.name, "").strip() for one in inputs}


def content_of(inputs: Sequence[Input], form: Mapping[str, str]) -> dict[str, Any]:
    """What was posted as the API would be sent it: what is empty is left out."""
    content: dict[str, Any] = {}
    for one in inputs:
        text = form.get(one.name, "").strip()
        if not text:
            continue
        *outer, last = one.name.split(".")
        here = content
        for name in outer:
            here = here.setdefault(name, {})
        here[last] = [line.strip() for line in text.splitlines() if line.strip()] if one.kind == "lines" else text
    return content


def checked(model: type[M], content: Mapping[str, Any]) -> M:
    """``content`` as the type of the API. Raises :class:`Invalid`."""
    return check(model, dict(content))


def faults(inputs: Sequence[Input], invalid: Invalid, t: Translator) -> list[str]:
    """What is wrong, as the titles of the inputs that it was found in."""
    found = []
    for one in inputs:
        here = "/" + one.name.replace(".", "/")
        if any(
            at == here or at.startswith(f"{here}/") or (here.startswith(f"{at}/") and at) for at, _ in invalid.errors
        ):
            found.append(t(one.title))
    return found or [why for _, why in invalid.errors]
