"""The ground that other tests stand on: MongoDB and a browser really run, and what is left out is said."""

import pytest
from pymongo import AsyncMongoClient

from tests.support.browser import OpenPage
from tests.support.leftout import summary

pytest_plugins = ["pytester"]

SKIPPING = """
    from tests.support.leftout import leave_out

    def test_that_needs_a_printer():
        leave_out("printer", "none is plugged in")
"""


async def test_the_mongodb_server_commits_a_transaction_with_majority(mongodb_url: str) -> None:
    async with AsyncMongoClient[dict[str, object]](mongodb_url, w="majority", journal=True) as client:
        things = client.get_default_database()["things"]
        async with client.start_session() as session, await session.start_transaction():
            await things.insert_one({"_id": 1}, session=session)
        assert await things.find_one({"_id": 1}) == {"_id": 1}


async def test_each_test_has_a_mongodb_database_of_its_own(mongodb_url: str) -> None:
    async with AsyncMongoClient[dict[str, object]](mongodb_url) as client:
        assert await client.get_default_database().list_collection_names() == []


async def test_the_browser_shows_a_page_at_the_width_that_was_asked_for(open_page: OpenPage) -> None:
    page = await open_page(width=390, height=844)
    await page.set_content("<h1>Візит 💈</h1>")
    assert await page.text_content("h1") == "Візит 💈"
    assert await page.evaluate("window.innerWidth") == 390


def test_what_is_left_out_is_named_with_its_reason_and_its_count() -> None:
    assert summary(["browser: none", "MongoDB: none", "MongoDB: none"]) == [
        "Left out: 2 tests: MongoDB: none",
        "Left out: 1 test: browser: none",
    ]
    assert summary([]) == ["Nothing was left out."]


@pytest.mark.parametrize(
    ("required", "outcome"), [("", {"skipped": 1}), ("1", {"failed": 1})], ids=["by default", "where all is required"]
)
def test_leaving_out_is_said_by_default_and_fails_where_all_is_required(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, required: str, outcome: dict[str, int]
) -> None:
    monkeypatch.setenv("VIZIT_REQUIRE_ALL", required)
    pytester.makepyfile(SKIPPING)
    result = pytester.runpytest_inprocess("-p", "tests.support.leftout", "-p", "no:asyncio")
    result.assert_outcomes(**outcome)
    assert "printer: none is plugged in" in result.stdout.str()
