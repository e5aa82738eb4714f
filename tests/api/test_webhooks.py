"""Webhooks over the API: the secret is shown once, the log is read, and a delivery is sent again."""

import pytest

from handlers.events import told
from storage.records import Delivery
from storage.store import Changes, Patch
from tests.api.hands import BUSINESS, Hands

URL = "https://booking.example/vizit"


async def hook(api: Hands, **more: object) -> str:
    return str((await api.put("/webhooks/w", {"url": URL, **more})).json["secret"])


async def test_the_secret_is_shown_where_it_is_new_and_never_again(api: Hands) -> None:
    made = await api.put("/webhooks/w", {"url": URL})
    again = await api.put("/webhooks/w", {"url": URL})
    turned = await api.put("/webhooks/w", {"url": URL, "rotate": True})
    assert (made.status, again.status, turned.status) == (201, 200, 200)
    assert made.json["secret"].startswith("whsec_") and turned.json["secret"] != made.json["secret"]
    assert "secret" not in again.json and "secret" not in (await api.get("/webhooks/w")).json
    assert made.json["events"] is None and made.json["disabled_at"] is None


async def test_a_webhook_that_is_replaced_or_removed(api: Hands) -> None:
    await hook(api, events=["visit.confirmed"])
    changed = await api.put("/webhooks/w", {"url": URL + "/2", "events": ["tip.received", "tip.received"]})
    assert (changed.json["url"], changed.json["events"]) == (URL + "/2", ["tip.received"])
    assert [one["id"] for one in (await api.get("/webhooks")).json["items"]] == ["w"]
    assert (await api.call("DELETE", "/webhooks/w")).status == 204
    assert (await api.call("DELETE", "/webhooks/w")).status == 404


@pytest.mark.parametrize(
    ("body", "at"),
    [
        ({}, "/url"),
        ({"url": "http://booking.example/"}, "/url"),
        ({"url": "https://127.0.0.1/"}, "/url"),
        ({"url": "https://[::ffff:10.0.0.1]/"}, "/url"),
        ({"url": URL, "events": ["visit.invented"]}, "/events/0"),
        ({"url": URL, "events": []}, "/events"),
    ],
)
async def test_a_wrong_webhook_is_refused_at_its_place(api: Hands, body: dict[str, object], at: str) -> None:
    reply = await api.put("/webhooks/w", body)
    assert (reply.status, reply.faults) == (422, [at])


async def test_a_business_has_so_many_webhooks_and_no_more(api: Hands) -> None:
    statuses = [(await api.put(f"/webhooks/w{number}", {"url": URL})).status for number in range(11)]
    assert statuses == [201] * 10 + [409]


async def test_the_log_is_read_newest_first_and_a_delivery_is_sent_again(api: Hands) -> None:
    await hook(api)
    assert api.desk is not None
    for event in ("visit.confirmed", "visit.cancelled"):
        await api.store.commit(await told(api.desk, BUSINESS, event, {"booking": "b-1"}, stream="booking:b-1"))
    first = (await api.get("/webhooks/w/deliveries?limit=1")).json
    rest = (await api.get(f"/webhooks/w/deliveries?limit=1&cursor={first['next']}")).json
    assert [one["type"] for one in first["items"] + rest["items"]] == ["visit.cancelled", "visit.confirmed"]
    assert rest["next"] is None
    shown = first["items"][0]
    assert shown["event"]["data"] == {"booking": "b-1"} and shown["status"] == "pending"
    path = f"/webhooks/w/deliveries/{shown['id']}/resend"
    assert (await api.call("POST", path)).status == 409
    done = Patch(Delivery, BUSINESS, shown["id"], {"status": "failed", "attempts": 9, "response": 500})
    await api.store.commit(Changes(patches=(done,)))
    again = await api.call("POST", path)
    assert (again.status, again.json["status"], again.json["attempts"]) == (200, "pending", 0)
    assert (await api.call("POST", "/webhooks/other/deliveries/x/resend")).status == 404
    assert (await api.call("POST", "/webhooks/w/deliveries/x/resend")).status == 404


async def test_the_document_describes_every_event(api: Hands) -> None:
    document = (await api.get("/openapi.json")).json
    body = document["components"]["schemas"]["WebhookIn"]["properties"]["events"]
    named = next(one for one in body["anyOf"] if one["type"] == "array")["items"]["enum"]
    note = document["paths"]["/webhooks/{id}"]["put"]["description"]
    assert named and all(f"`{event}`" in note for event in named)
