"""The OpenAPI document and its page say what the API does."""

import json
import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from playwright.async_api import Page

from bot.api.docs import curl
from bot.api.openapi import document
from bot.api.problems import KINDS
from bot.api.serving import Route
from bot.api.table import ROUTES, TAGS
from tests.api.hands import BUSINESS, Hands, Reply
from tests.support.browser import OpenPage


async def test_the_document_is_for_everybody(bare: Hands) -> None:
    reply = await bare.get("/openapi.json", key="")
    assert reply.status == 200
    assert reply.json["openapi"] == "3.1.0"
    assert reply.json == json.loads(json.dumps(document()))


def test_every_route_stands_in_the_document_and_nothing_else() -> None:
    listed = {(method.upper(), path) for path, methods in document()["paths"].items() for method in methods}
    assert listed == {(route.method, route.path) for route in ROUTES}
    assert {route.tag for route in ROUTES} == set(TAGS)


def test_no_two_operations_share_a_name() -> None:
    names = [operation["operationId"] for methods in document()["paths"].values() for operation in methods.values()]
    assert len(names) == len(set(names)) == len(ROUTES)


def test_every_reference_leads_somewhere() -> None:
    whole = document()
    for reference in set(re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(whole))):
        place: Any = whole
        for part in reference.split("/"):
            place = place[part]


def test_every_schema_is_one() -> None:
    for schema in document()["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_every_object_that_is_answered_lists_its_fields() -> None:
    schemas = document()["components"]["schemas"]
    assert all(schemas[name]["required"] for name in ("BookingOut", "MessageOut", "ClientOut", "ProblemOut"))


def fits(reply: Reply, method: str, path: str) -> None:
    """The answer is as the document says."""
    whole = document()
    answer = whole["paths"][path][method.lower()]["responses"][str(reply.status)]
    if "$ref" in answer:
        answer = whole["components"]["responses"][answer["$ref"].rpartition("/")[2]]
    if "content" not in answer:
        assert reply.json is None
        return
    content = answer["content"][reply.headers["Content-Type"].partition(";")[0]]
    Draft202012Validator({**content["schema"], "components": whole["components"]}).validate(reply.json)


def required_query(route: Route) -> str:
    """The query that a route can't do without, made of the document's own examples."""
    parameters = document()["paths"][route.path][route.method.lower()]["parameters"]
    needed = [one for one in parameters if one["in"] == "query" and one["required"]]
    return "?" + "&".join(f"{one['name']}={one['schema']['examples'][0]}" for one in needed)


async def test_every_example_is_taken_and_every_answer_is_as_described(bare: Hands) -> None:
    await bare.admin("PUT", f"/businesses/{BUSINESS}", {"name": "x", "country": "UA"})
    bare.key = (await bare.admin("POST", f"/businesses/{BUSINESS}/keys")).json["key"]
    ids = {
        "businesses": BUSINESS,
        "salons": "s1",
        "masters": "m1",
        "services": "haircut",
        "clients": "c1",
        "bookings": "b-1",
        "campaigns": "spring",
        "webhooks": "w",
    }
    order = sorted(ROUTES, key=lambda route: route.method == "DELETE")
    for route in order:
        first = route.path.strip("/").split("/")[0]
        path = re.sub(r"\{\w+\}", "nothing", route.path.replace("{id}", ids.get(first, "nothing")))
        call = bare.admin if route.admin else bare.call
        reply = await call(route.method, path + required_query(route), route.shows)
        found = (first in ids and len(route.parameters) < 2) or "{id}" not in route.path
        assert reply.status in (route.answers if found else (404,)), (route.method, path, reply.json)
        fits(reply, route.method, route.path)


async def test_problems_are_as_described(salon: Hands) -> None:
    for method, path, real, body in (
        ("PUT", "/salons/{id}", "/salons/s9", {}),
        ("PUT", "/bookings/{id}", "/bookings/%20", {}),
        ("GET", "/salons/{id}", "/salons/s9", None),
        ("GET", "/messages", "/messages?limit=0", None),
        ("POST", "/messages/{id}/resend", "/messages/none/resend", None),
    ):
        fits(await salon.call(method, real, body), method, path)
    fits(await salon.get("/salons", key="wrong"), "GET", "/salons")
    fits(await salon.admin("GET", "/salons"), "GET", "/salons")
    fits(await salon.put(f"/businesses/{BUSINESS}", {"name": "x"}), "PUT", "/businesses/{id}")


@pytest.mark.parametrize("route", [route for route in ROUTES if route.body], ids=lambda route: route.path)
def test_every_body_has_an_example(route: Any) -> None:
    assert route.shows is not None
    assert "-d '{" in curl(route)


async def test_the_page_is_for_everybody_and_fetches_nothing(bare: Hands) -> None:
    assert bare.session is not None
    async with bare.session.get(f"{bare.url}/api/docs") as answer:
        text = await answer.text()
        assert answer.content_type == "text/html"
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "<script" not in text
    assert not re.findall(r"(?:src|href)=\"(?:https?:)?//", text)
    for route in ROUTES:
        assert f'id="{route.do.__name__}"' in text
    anchors = set(re.findall(r'id="([^"]+)"', text))
    assert set(re.findall(r'href="#([^"]+)"', text)) <= anchors
    assert set(KINDS) <= anchors


async def test_the_page_reads_well_on_a_phone(bare: Hands, open_page: OpenPage) -> None:
    page: Page = await open_page(width=390, height=844, java_script=False)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    await page.goto(f"{bare.url}/api/docs")
    width = await page.locator("body").evaluate("body => body.ownerDocument.documentElement.scrollWidth")
    assert width <= 390
    assert complaints == []
    size = await page.locator("h2").first.evaluate("node => parseFloat(getComputedStyle(node).fontSize)")
    assert size > 16
