"""The page that documents the API: rendered here from the OpenAPI document, with nothing fetched from elsewhere."""

from __future__ import annotations

import base64
import hashlib
import json
import shlex
from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

from bot.api.examples import IDS, NAMES
from bot.api.openapi import document, problems_of
from bot.api.problems import KINDS
from bot.api.serving import Route
from bot.api.table import ROUTES, TAGS

TEMPLATES: Final = Path(__file__).parent / "templates"
STYLE: Final = (TEMPLATES / "docs.css").read_text(encoding="utf-8")
_DIGEST: Final = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
CONTENT_SECURITY_POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_DIGEST}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@cache
def page() -> str:
    """The whole page; rendered when it is first asked for."""
    loader = FileSystemLoader(TEMPLATES)
    environment = Environment(loader=loader, autoescape=select_autoescape(), undefined=StrictUndefined)
    environment.filters["code"] = code
    environment.filters["type"] = type_of
    whole = document()
    return environment.get_template("docs.html").render(
        style=Markup(STYLE),
        info=whole["info"],
        chapters=[
            (name, text, [_shown(route, whole) for route in ROUTES if route.tag == name]) for name, text in TAGS.items()
        ],
        schemas={name: schema for name, schema in whole["components"]["schemas"].items() if "properties" in schema},
        problems=KINDS,
    )


def _shown(route: Route, whole: dict[str, Any]) -> dict[str, Any]:
    operation = whole["paths"][route.path][route.method.lower()]
    return {
        "anchor": route.do.__name__,
        "route": route,
        "parameters": [parameter for parameter in operation["parameters"] if parameter["in"] == "query"],
        "body": operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema"),
        "answers": [
            (status, answer.get("content", {}).get("application/json", {}).get("schema"))
            for status, answer in operation["responses"].items()
            if status.startswith("2")
        ],
        "problems": problems_of(route),
        "curl": curl(route),
    }


def curl(route: Route) -> str:
    """A command that tries the route; ``$VIZIT``, ``$KEY`` and ``$ADMIN_KEY`` are set by whoever tries it."""
    first = route.path.strip("/").split("/")[0]
    path = route.path.replace("{id}", NAMES.get(first, IDS["id"])).replace("{key}", IDS["key"])
    head = [
        "curl " + ("" if route.method == "GET" else f"-X {route.method} ") + f'"$VIZIT{path}"',
        f'-H "Authorization: Bearer ${"ADMIN_KEY" if route.admin else "KEY"}"',
    ]
    if route.body is not None:
        sent = shlex.quote(json.dumps(route.shows or {}, ensure_ascii=False, indent=2))
        head += ['-H "Content-Type: application/json"', f"-d {sent}"]
    return " \\\n  ".join(head)


def code(text: str) -> Markup:
    """``text`` with what stands between backticks set as code."""
    parts = text.replace("``", "`").split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if index % 2 else escape(part) for index, part in enumerate(parts)
    )


def type_of(schema: dict[str, Any]) -> Markup:
    """What a schema allows, in a few words; named types are links."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return Markup('<a href="#{0}">{0}</a>').format(name)
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return Markup(" or ").join(type_of(one) for one in schema[several])
    if "enum" in schema or "const" in schema:
        return Markup(", ").join(Markup("<code>{}</code>").format(json.dumps(one)) for one in _words(schema))
    if schema.get("type") == "array":
        return Markup("list of {}").format(type_of(schema.get("items", {})))
    limits = [
        f"{word} {schema[name]}"
        for name, word in (("minimum", "from"), ("maximum", "to"), ("maxLength", "to"))
        if name in schema
    ]
    return escape(" ".join([str(schema.get("format") or schema.get("type") or "anything"), *limits]))


def _words(schema: dict[str, Any]) -> list[Any]:
    return list(schema["enum"]) if "enum" in schema else [schema["const"]]
