"""Who may call: keys, the admin key, and how wrong keys and too many calls are met."""

import pytest

from handlers.tenants import revoke_key
from storage.records import ApiKey
from tests.api.hands import ADMIN_KEY, BUSINESS, Hands


async def test_a_key_opens_its_own_business(api: Hands) -> None:
    assert (await api.get("/salons")).status == 200


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic abc", "Bearer nonsense", "Bearer " + "x" * 300, "Bearer ключ"]
)
async def test_no_key_and_an_unknown_key_are_401(api: Hands, header: str) -> None:
    reply = await api.call("GET", "/salons", key="", headers={"Authorization": header} if header else {})
    assert reply.status == 401
    assert reply.json["status"] == 401
    assert reply.headers["WWW-Authenticate"].startswith("Bearer")
    assert reply.headers["Content-Type"].startswith("application/problem+json")


async def test_the_admin_key_names_the_business(api: Hands) -> None:
    assert (await api.admin("GET", "/salons")).status == 400
    assert (await api.admin("GET", "/salons", headers={"Vizit-Business": "nobody"})).status == 404
    assert (await api.admin("GET", "/salons", headers={"Vizit-Business": "../x"})).status == 404
    assert (await api.admin("GET", "/salons", headers={"Vizit-Business": BUSINESS})).status == 200


async def test_a_business_key_cannot_make_keys_or_businesses(api: Hands) -> None:
    assert (await api.put(f"/businesses/{BUSINESS}", {"name": "Mine"})).status == 403
    assert (await api.call("POST", f"/businesses/{BUSINESS}/keys")).status == 403


async def test_a_business_key_cannot_name_another_business(api: Hands) -> None:
    await api.admin("PUT", "/businesses/other", {"name": "Other"})
    await api.admin("PUT", "/salons/theirs", {"name": "Theirs"}, headers={"Vizit-Business": "other"})
    reply = await api.get("/salons/theirs", headers={"Vizit-Business": "other"})
    assert reply.status == 404


async def test_keys_are_listed_without_their_secrets(api: Hands) -> None:
    reply = await api.admin("GET", f"/businesses/{BUSINESS}/keys")
    (key,) = reply.json["items"]
    assert key["id"] in api.key
    assert key["revoked_at"] is None
    assert "key" not in key


async def test_a_revoked_key_opens_nothing_at_once(api: Hands) -> None:
    assert (await api.get("/salons")).status == 200
    (key,) = (await api.admin("GET", f"/businesses/{BUSINESS}/keys")).json["items"]
    assert (await api.admin("DELETE", f"/businesses/{BUSINESS}/keys/{key['id']}")).status == 204
    assert (await api.get("/salons")).status == 401
    (key,) = (await api.admin("GET", f"/businesses/{BUSINESS}/keys")).json["items"]
    assert key["revoked_at"] == "2026-11-20T10:00:00.000Z"


async def test_a_key_revoked_elsewhere_opens_nothing_within_seconds(api: Hands) -> None:
    assert (await api.get("/salons")).status == 200
    (key,) = (await api.admin("GET", f"/businesses/{BUSINESS}/keys")).json["items"]
    assert api.desk is not None
    assert await revoke_key(api.desk, BUSINESS, key["id"])
    api.seconds += 2
    assert (await api.get("/salons")).status == 401


async def test_an_unknown_key_cannot_be_revoked(api: Hands) -> None:
    assert (await api.admin("DELETE", f"/businesses/{BUSINESS}/keys/unknown")).status == 404


async def test_the_eleventh_wrong_key_of_a_minute_is_429_and_says_when_to_come_again(api: Hands) -> None:
    for _ in range(10):
        assert (await api.get("/salons", key="wrong")).status == 401
    reply = await api.get("/salons", key="wrong")
    assert reply.status == 429
    assert 0 < int(reply.headers["Retry-After"]) <= 60
    api.seconds += 60
    assert (await api.get("/salons", key="wrong")).status == 401


async def test_wrong_keys_do_not_shut_out_a_caller_who_was_let_in_before(api: Hands) -> None:
    assert (await api.get("/salons")).status == 200
    for _ in range(11):
        await api.get("/salons", key="wrong")
    assert (await api.get("/salons")).status == 200
    api.seconds += 3
    assert (await api.get("/salons")).status == 200
    assert (await api.admin("GET", f"/businesses/{BUSINESS}")).status == 200


async def test_a_right_key_that_nobody_has_seen_waits_when_its_address_guessed_too_often(api: Hands) -> None:
    fresh = (await api.admin("POST", f"/businesses/{BUSINESS}/keys")).json["key"]
    for _ in range(10):
        await api.get("/salons", key="wrong")
    assert (await api.get("/salons", key=fresh)).status == 429
    api.seconds += 60
    assert (await api.get("/salons", key=fresh)).status == 200


async def test_a_missing_key_is_no_guess(api: Hands) -> None:
    for _ in range(20):
        assert (await api.get("/salons", key="")).status == 401


async def test_the_secret_of_a_key_is_not_stored(api: Hands) -> None:
    (stored,) = await api.store.find(ApiKey, {"business": BUSINESS})
    assert stored.digest not in api.key
    assert api.key not in repr(stored)
    assert ADMIN_KEY not in repr(stored)
