"""What goes wrong on the wire is said in one form, and never a 500."""

import sqlite3
import zlib
from contextlib import closing
from io import BytesIO

import pytest

from bot.api.keys import Rate
from bot.api.problems import Problem
from storage.store import Conflict, StoreBusy, StoreError
from tests.api.hands import BUSINESS, Hands

JSON = {"Content-Type": "application/json"}


async def test_every_problem_has_the_form_of_rfc_9457(api: Hands) -> None:
    reply = await api.put("/salons/s1", {"nme": "x"})
    assert reply.status == 422
    assert reply.headers["Content-Type"].startswith("application/problem+json")
    assert set(reply.json) == {"type", "title", "status", "detail", "errors"}
    assert reply.json["type"] == "/api/docs#invalid"
    assert {fault["at"]: fault["why"] for fault in reply.json["errors"]} == {
        "/name": "is required",
        "/nme": "is not a known field",
    }


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b'{"name": "x"} {}',
        b'{"name": NaN}',
        b'{"name": -Infinity}',
        b'{"name": "a", "name": "b"}',
        b'{"name": "\\ud800"}',
        b'{"\\udc00": "x"}',
        b"[" * 100_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b"1" * 10_000,
    ],
    ids=lambda body: body[:24].decode("latin-1"),
)
async def test_wrong_json_is_400(api: Hands, body: bytes) -> None:
    reply = await api.call("PUT", "/salons/s1", data=body, headers=JSON)
    assert reply.status == 400
    assert reply.json["type"] == "/api/docs#not-json"


@pytest.mark.parametrize("body", [b"[]", b"null", b'"x"', b"1e999", b"true"])
async def test_json_that_is_no_object_is_422_at_the_root(api: Hands, body: bytes) -> None:
    for path in ("/salons/s1", "/bookings/b-1"):
        reply = await api.call("PUT", path, data=body, headers=JSON)
        assert (reply.status, reply.faults) == (422, [""])


async def test_a_body_of_one_mebibyte_is_read_and_a_longer_one_is_413(api: Hands) -> None:
    head, tail = b'{"name": "', b'"}'
    fits = head + b"x" * (1024 * 1024 - len(head) - len(tail)) + tail
    assert (await api.call("PUT", "/salons/s1", data=BytesIO(fits), headers=JSON)).status == 422
    assert (await api.call("PUT", "/salons/s1", data=BytesIO(fits + b" "), headers=JSON)).status == 413


async def test_a_body_that_swells_when_unpacked_is_413(api: Hands) -> None:
    bomb = zlib.compress(b"[" + b" " * (64 * 1024 * 1024) + b"]")
    reply = await api.call("PUT", "/salons/s1", data=bomb, headers={**JSON, "Content-Encoding": "deflate"})
    assert reply.status == 413


async def test_a_body_that_cannot_be_unpacked_is_400(api: Hands) -> None:
    reply = await api.call("PUT", "/salons/s1", data=b"not packed", headers={**JSON, "Content-Encoding": "gzip"})
    assert reply.status == 400


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=koi8-u", "multipart/form-data"],
)
async def test_another_content_type_is_415(api: Hands, kind: str) -> None:
    reply = await api.call("PUT", "/salons/s1", data=b'{"name": "x"}', headers={"Content-Type": kind})
    assert reply.status == 415


async def test_a_merge_patch_may_call_itself_so(api: Hands) -> None:
    headers = {"Content-Type": "application/merge-patch+json"}
    assert (await api.call("PATCH", "/settings", data=b"{}", headers=headers)).status == 200


async def test_an_unknown_route_is_404_and_a_wrong_method_405_that_says_what_is_allowed(api: Hands) -> None:
    for key in ("", api.key):
        unknown = await api.call("GET", "/nothing/here", key=key)
        assert (unknown.status, unknown.json["status"]) == (404, 404)
        wrong = await api.call("DELETE", "/salons/s1", key=key)
        assert (wrong.status, wrong.json["status"]) == (405, 405)
        assert set(wrong.headers["Allow"].split(",")) == {"GET", "HEAD", "OPTIONS", "PUT"}


async def test_options_says_what_a_path_takes_and_head_answers_like_get_without_a_body(salon: Hands) -> None:
    options = await salon.call("OPTIONS", "/salons/s1", key="")
    assert (options.status, options.headers["Allow"]) == (204, "GET, HEAD, OPTIONS, PUT")
    head = await salon.call("HEAD", "/salons/s1")
    assert (head.status, head.json) == (200, None)
    assert (await salon.call("HEAD", "/salons/nothing")).status == 404
    assert (await salon.call("HEAD", "/salons/s1", key="")).status == 401


@pytest.mark.parametrize("id", ["%20", "a%2Fb", "a" * 65, "%D1%96", "a%00", "%ff", "a*b", "%2E%2E"])
async def test_an_id_of_other_characters_is_422_at_id(api: Hands, id: str) -> None:
    for method, body in (("GET", None), ("PUT", {"name": "x"})):
        reply = await api.call(method, f"/salons/{id}", body)
        assert (reply.status, reply.faults) == (422, ["/id"])


@pytest.mark.parametrize("id", ["a", "A.b_c:d-e", "%3A", "0" * 64, "..."])
async def test_an_id_may_be_64_of_its_characters(api: Hands, id: str) -> None:
    assert (await api.put(f"/salons/{id}", {"name": "x"})).status == 201
    assert (await api.get(f"/salons/{id}")).status == 200


@pytest.mark.parametrize(
    ("query", "at"),
    [
        ("limit=0", "/limit"),
        ("limit=201", "/limit"),
        ("limit=ten", "/limit"),
        ("limit=1&limit=2", "/limit"),
        ("limit=%D9%A1", "/limit"),
        ("cursor=nonsense", "/cursor"),
        ("cursor=W10", "/cursor"),
        ("cursor=WyJcdWQ4MDAiXQ", "/cursor"),
        ("cursor=%F0%9F%92%88", "/cursor"),
        ("limits=5", "/limits"),
    ],
)
async def test_a_wrong_or_unknown_parameter_is_422(api: Hands, query: str, at: str) -> None:
    reply = await api.get(f"/salons?{query}")
    assert (reply.status, reply.faults) == (422, [at])


async def test_a_list_comes_in_parts_to_its_end(api: Hands) -> None:
    for number in range(5):
        await api.put(f"/salons/s{number}", {"name": str(number)})
    seen, cursor = [], ""
    while cursor is not None:
        reply = await api.get(f"/salons?limit=2{cursor and '&cursor=' + cursor}")
        seen.append([item["id"] for item in reply.json["items"]])
        cursor = reply.json["next"]
    assert seen == [["s0", "s1"], ["s2", "s3"], ["s4"]]


async def test_too_many_calls_of_one_key_are_429(bare: Hands) -> None:
    rate = Rate(2, bare.monotonic)
    rate.take("one")
    rate.take("one")
    with pytest.raises(Problem) as refused:
        rate.take("one")
    assert refused.value.kind.status == 429
    assert refused.value.headers["Retry-After"] == "1"
    rate.take("another")
    bare.seconds += 0.5
    rate.take("one")


async def test_a_locked_database_is_503_and_a_later_try_succeeds(api: Hands) -> None:
    with closing(sqlite3.connect(api.file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        reply = await api.put("/salons/s1", {"name": "x"})
        assert reply.status == 503
        assert int(reply.headers["Retry-After"]) >= 1
        other.execute("ROLLBACK")
    assert (await api.get("/salons/s1")).status == 404
    assert (await api.put("/salons/s1", {"name": "x"})).status == 201


@pytest.mark.parametrize("trouble", [StoreBusy("full"), Conflict("again"), StoreError("odd")])
async def test_whatever_keeps_the_store_from_answering_is_503(
    api: Hands, monkeypatch: pytest.MonkeyPatch, trouble: StoreError
) -> None:
    async def fail(*_: object) -> None:
        raise trouble

    monkeypatch.setattr(api.store, "commit", fail)
    reply = await api.put("/salons/s1", {"name": "x"})
    assert (reply.status, reply.headers["Retry-After"]) == (503, "1")


async def test_what_nobody_expected_is_a_500_that_tells_nothing_and_is_logged(
    api: Hands, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*_: object) -> None:
        raise ZeroDivisionError("a detail")

    monkeypatch.setattr(api.store, "commit", fail)
    reply = await api.put("/salons/s1", {"name": "Олена"})
    assert reply.status == 500
    assert "a detail" not in str(reply.json)
    assert "a detail" in caplog.text
    assert "Олена" not in caplog.text


async def test_answers_are_not_kept_by_caches(salon: Hands) -> None:
    assert (await salon.get("/salons/s1")).headers["Cache-Control"] == "no-store"


async def test_whoever_waits_for_changes_is_told_after_writing_calls_only(api: Hands) -> None:
    before = api.changes
    await api.get("/salons")
    assert api.changes == before
    await api.put("/salons/s1", {"name": "x"})
    assert api.changes == before + 1
    await api.put("/salons/s1", {"nam": "x"})
    assert api.changes == before + 1


async def test_two_businesses_may_use_the_same_ids(api: Hands) -> None:
    other = {"Vizit-Business": "other"}
    await api.admin("PUT", "/businesses/other", {"name": "Other"})
    assert (await api.put("/salons/s1", {"name": "Ours"})).status == 201
    assert (await api.admin("PUT", "/salons/s1", {"name": "Theirs"}, headers=other)).status == 201
    assert (await api.get("/salons/s1")).json["name"] == "Ours"
    assert (await api.admin("GET", f"/businesses/{BUSINESS}")).json["id"] == BUSINESS
