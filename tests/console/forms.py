"""A form as a browser would send it: every field of it with the value that the page shows."""

from __future__ import annotations

from html.parser import HTMLParser


class Fields(HTMLParser):
    """The fields of the form with this class, as pairs; buttons are left out."""

    def __init__(self, text: str, name: str) -> None:
        super().__init__()
        self.pairs: list[tuple[str, str]] = []
        self._wanted, self._inside, self._select, self._area = name, False, "", ""
        self._first = self._chosen = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._inside = given.get("class") == self._wanted
        if not self._inside:
            return
        if tag == "input" and (given.get("type") not in ("checkbox", "radio") or "checked" in given):
            self.pairs.append((given["name"], given.get("value", "")))
        elif tag == "select":
            self._select, self._first, self._chosen = given["name"], None, None
        elif tag == "option":
            self._first = given["value"] if self._first is None else self._first
            self._chosen = given["value"] if "selected" in given else self._chosen
        elif tag == "textarea":
            self._area = given["name"]
            self.pairs.append((self._area, ""))

    def handle_data(self, data: str) -> None:
        if self._area:
            name, value = self.pairs.pop()
            self.pairs.append((name, value + data))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False
        elif tag == "select" and self._select:
            value = self._first if self._chosen is None else self._chosen
            self.pairs.append((self._select, value or ""))
            self._select = ""
        elif tag == "textarea":
            self._area = ""


def filled(text: str, name: str, /, **changed: str | list[str]) -> list[tuple[str, str]]:
    """The fields of a form, some of them with other values; one with several values is given as a list."""
    kept = [pair for pair in Fields(text, name).pairs if pair[0] not in changed]
    for field, value in changed.items():
        kept += [(field, one) for one in (value if isinstance(value, list) else [value])]
    return kept
