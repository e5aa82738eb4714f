"""The OpenAPI document, made from the route table and the types that check and answer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import version
from typing import Any, Final, Literal

from pydantic import BaseModel, TypeAdapter

from bot.api.fields import ID_PATTERN
from bot.api.problems import CONTENT_TYPE, KINDS, ProblemOut
from bot.api.serving import BUSINESS_HEADER, Route
from bot.api.table import ROUTES, TAGS

REF: Final = "#/components/schemas/{model}"
INTRODUCTION: Final = """\
Vizit plans messages from bookings, sends them on Telegram and WhatsApp, and takes the answers. Ids in paths are the
caller's own references: 1 to 64 of `A-Za-z0-9._:-`, not `.` or `..`; anything else is 422 at `/id`. A PUT creates (201) or
replaces (200), and the same PUT again changes nothing and sends nothing. Null means the same as leaving a field out;
unknown fields and parameters are refused by name. Times are RFC 3339 with an offset; answers give `starts_at` and
`ends_at` with the salon's offset, all else in UTC with whole milliseconds. In a query, a space where a `+` must stand is
read as `+`. Lists come in parts: `next` is the `cursor` of the next part, null at the end."""
USUAL: Final = ("unauthorized", "not-found", "invalid", "too-many", "busy")
"""Problems that every route may answer with."""
OF_A_BODY: Final = ("not-json", "too-slow", "too-large", "media-type")
HEADERS: Final = {
    "unauthorized": ("WWW-Authenticate", {"type": "string"}),
    "too-many": ("Retry-After", {"type": "integer", "minimum": 1}),
    "busy": ("Retry-After", {"type": "integer", "minimum": 1}),
}
"""Problem to the header that comes with it."""
_LIST: Final = re.compile(r"ListOut_(\w+?)Out_")

Json = dict[str, Any]


@cache
def document() -> Json:
    """The whole document; built when it is first asked for."""
    schemas, components = _schemas(ROUTES)
    paths: dict[str, Json] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    whole = {
        "openapi": "3.1.0",
        "info": {"title": "Vizit", "version": version("vizit"), "description": INTRODUCTION},
        "servers": [{"url": "/api/v1"}],
        "security": [{"key": []}],
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": components,
            "responses": {name: _problem(name) for name in KINDS},
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "A key of a business, or the admin key."}
            },
        },
    }
    renamed: Json = _renamed(whole)
    return renamed


def _renamed(value: Any) -> Any:
    """``value`` with ``ListOut_SalonOut_`` called ``SalonList`` throughout."""
    if isinstance(value, dict):
        return {_renamed(name): _renamed(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_renamed(inner) for inner in value]
    return _LIST.sub(r"\1List", value) if isinstance(value, str) else value


def _schemas(routes: Iterable[Route]) -> tuple[Mapping[Any, Json], Json]:
    """The schema of every type in the table, and the definitions that they refer to."""
    wanted: dict[Any, Literal["validation", "serialization"]] = {ProblemOut: "serialization"}
    for route in routes:
        wanted |= {answer: "serialization" for answer in route.answers.values() if answer is not None}
        if route.body is not None:
            wanted[route.body] = "validation"
    inputs = [(kind, mode, TypeAdapter[Any](kind)) for kind, mode in wanted.items()]
    found, definitions = TypeAdapter.json_schemas(inputs, ref_template=REF)
    return {kind: schema for (kind, _), schema in found.items()}, definitions["$defs"]


def problems_of(route: Route) -> tuple[str, ...]:
    """The names of all problems that a route may answer with."""
    names = {*USUAL, *route.may}
    names |= {"forbidden"} if route.admin else {"no-business"}
    if route.body is not None:
        names |= set(OF_A_BODY)
    return tuple(name for name in KINDS if name in names)


def _operation(route: Route, schemas: Mapping[Any, Json]) -> Json:
    operation: Json = {
        "operationId": route.do.__name__,
        "tags": [route.tag],
        "summary": route.summary,
        "parameters": [*_path(route), *_query(route.query), *_header(route)],
        "responses": {
            str(status): _success(status, schemas.get(body), csv=route.csv) for status, body in route.answers.items()
        },
    }
    if route.note:
        operation["description"] = route.note
    if route.body is not None:
        content: Json = {"schema": schemas[route.body]}
        if route.shows is not None:
            content["example"] = route.shows
        operation["requestBody"] = {"required": True, "content": {"application/json": content}}
    for name in problems_of(route):
        operation["responses"].setdefault(str(KINDS[name].status), {"$ref": f"#/components/responses/{name}"})
    return operation


def _success(status: int, schema: Json | None, *, csv: bool = False) -> Json:
    meaning = {200: "As it is now", 201: "Created", 204: "Done"}[status]
    content = {"application/json": {"schema": schema}} if schema else {}
    if csv:
        content["text/csv"] = {"schema": {"type": "string"}}
    return {"description": meaning} | ({"content": content} if content else {})


def _problem(name: str) -> Json:
    kind = KINDS[name]
    same = [other for other in KINDS.values() if other.status == kind.status]
    problem: Json = {
        "description": " ".join(f"{one.title}. {one.advice}" for one in same),
        "content": {CONTENT_TYPE: {"schema": {"$ref": REF.format(model="ProblemOut")}}},
    }
    if name in HEADERS:
        header, schema = HEADERS[name]
        problem["headers"] = {header: {"schema": schema, "required": True}}
    return problem


def _path(route: Route) -> list[Json]:
    schema = {"type": "string", "pattern": ID_PATTERN}
    return [{"name": name, "in": "path", "required": True, "schema": schema} for name in route.parameters]


def _query(model: type[BaseModel]) -> list[Json]:
    """The fields of a query as parameters; one that may be left out is never null."""
    parameters = []
    whole = model.model_json_schema(ref_template=REF)
    required = whole.get("required", ())
    for name, schema in whole.get("properties", {}).items():
        described = {key: value for key, value in schema.items() if key not in ("anyOf", "title")}
        if described.get("default", ...) is None:
            del described["default"]
        text = described.pop("description", None)
        (only,) = [one for one in schema.get("anyOf", [{}]) if one != {"type": "null"}]
        needed = name in required
        parameter: Json = {"name": name, "in": "query", "required": needed, "schema": {**only, **described}}
        parameters.append(parameter | ({"description": text} if text else {}))
    return parameters


def _header(route: Route) -> list[Json]:
    if route.admin:
        return []
    text = "With the admin key: the business that the call is about. A business's own key needs none."
    return [
        {
            "name": BUSINESS_HEADER,
            "in": "header",
            "required": False,
            "schema": {"type": "string", "pattern": ID_PATTERN},
            "description": text,
        }
    ]
