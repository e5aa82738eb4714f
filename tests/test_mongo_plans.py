"""Every query that the service runs is served by an index on MongoDB too."""

import asyncio
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from pymongo import MongoClient

from storage.mongo import open_mongo
from storage.mongo_documents import documents, following, query, sorting
from storage.records import Client, Message, new_id
from storage.store import Changes, Claim, Guard, Permit, Settle
from tests.store_contract.samples import BEFORE, BUSY, message
from tests.support.service_queries import QUERIES, TALLIES

Sync = MongoClient[dict[str, Any]]


@pytest.fixture(scope="module")
def indexed(mongod: str) -> Iterator[str]:
    """The address of an empty database with all indexes, for all tests of this file."""
    name = f"vizit_test_{new_id()[:12]}"
    url = urlsplit(mongod)._replace(path=f"/{name}").geturl()

    async def prepare() -> None:
        await (await open_mongo(url)).close()

    asyncio.run(prepare())
    yield url
    with Sync(mongod) as server:
        server.drop_database(name)


def stages(plan: Any) -> Iterator[str]:
    """The names of all stages in an explanation."""
    if isinstance(plan, dict):
        if "stage" in plan:
            yield plan["stage"]
        for value in plan.values():
            yield from stages(value)
    elif isinstance(plan, list):
        for value in plan:
            yield from stages(value)


@pytest.mark.parametrize("case", QUERIES)
def test_a_query_is_an_index_search(indexed: str, case: str) -> None:
    asked = QUERIES[case]
    wanted = [query(asked.record, asked.where)]
    if asked.after is not None:
        wanted.append(following(asked.record, asked.order, asked.after))
    with Sync(indexed) as server:
        found = server.get_default_database()[documents(asked.record).collection].find({"$and": wanted})
        plan = found.sort(sorting(asked.record, asked.order)).limit(200).explain()["queryPlanner"]["winningPlan"]
    names = set(stages(plan))
    assert names & {"IXSCAN", "IDHACK"} and "COLLSCAN" not in names, plan
    if not asked.sorts:
        assert "SORT" not in names, plan


@pytest.mark.parametrize("case", TALLIES)
def test_a_report_is_an_index_search(indexed: str, case: str) -> None:
    record, where, _ = TALLIES[case]
    with Sync(indexed) as server:
        found = server.get_default_database()[documents(record).collection].find(query(record, where))
        names = set(stages(found.explain()["queryPlanner"]["winningPlan"]))
    assert "IXSCAN" in names and "COLLSCAN" not in names


async def test_nothing_that_a_store_does_by_itself_reads_a_whole_collection(indexed: str) -> None:
    store = await open_mongo(indexed)
    with Sync(indexed) as server:
        database = server.get_default_database()
        database.command("profile", 2)
        await store.commit(Changes(inserts=(*BEFORE, *(message(due_at=number) for number in range(50)))))
        await store.commit(BUSY)
        claimed = (await store.step(claims=[Claim(lane, 20, 1000, "t", 99) for lane in (0, 1, 2)])).claimed
        guards = [Guard(row.id, "t", 3, 1, 99, "telegram", f"{number // 2}") for number, row in enumerate(claimed)]
        guarded = (await store.step(guards=guards)).guarded
        assert {"sending", "busy"} <= set(guarded)
        await store.step(settles=[Settle(row.id, "t", "p", 5) for row in claimed])
        await store.get_many(Client, [("a", "old"), ("a", "none")])
        await store.get(Message, "a", claimed[0].id)
        await store.next_due()
        await store.reserve([Permit("p", 1, 1000.0), Permit("q", 1, 1000.0)])
        await store.hold("p", 1)
        await store.ready()
        database.command("profile", 0)
        seen = list(database["system.profile"].find({"ns": {"$not": {"$regex": "system.profile"}}}))
    await store.close()
    assert len(seen) > 20
    assert not [entry["command"] for entry in seen if "COLLSCAN" in entry.get("planSummary", "")]
