"""`vizit import` as people start it: a preview, a bar, and a line for every row that is not taken."""

from __future__ import annotations

from pathlib import Path

import pytest

from storage.opening import open_store
from storage.records import Booking, Business, Client, Salon
from storage.store import Changes
from tests.support.commands import Ended, command

TABLE = """Телефон;Ім'я;Початок;Майстер
0671234567;Олена;15.10.2020 10:30;Оксана
05;Іра;15.10.2020 11:30;Оксана
0671234567;Олена;15.10.2090 10:30;Оксана
"""


async def furnished(folder: Path, *businesses: str) -> None:
    store = await open_store(f"sqlite:///{folder / 'vizit.db'}")
    for one in businesses:
        rows = (Business(business=one, id=one, name="Мрія", country="UA"), Salon(business=one, id="s1", name="Мрія"))
        await store.commit(Changes(inserts=rows))
    await store.close()


async def stored(folder: Path) -> tuple[int, int]:
    store = await open_store(f"sqlite:///{folder / 'vizit.db'}")
    found = [(await store.count(kind, {}))[()] for kind in (Booking, Client)]
    await store.close()
    return found[0], found[1]


async def brought(folder: Path, *args: str) -> Ended:
    (folder / "visits.csv").write_bytes(TABLE.encode("cp1251"))
    return await command(folder, "bot", "import", "visits.csv", *args)


async def test_a_dry_run_tells_what_would_happen_and_stores_nothing(tmp_path: Path) -> None:
    await furnished(tmp_path, "b")
    ended = await brought(tmp_path, "--dry-run")
    assert ended.status == 1
    assert ended.out.splitlines() == [
        "3 rows of visits, cp1251, separated by semicolons",
        "columns: Телефон = phone, Ім'я = name, Початок = start, Майстер = master",
        "new masters: Оксана",
        "2 can be stored, 1 of them are still to come",
        "there is no column for the state: visits of the past count as having taken place",
        "Nothing was stored.",
    ]
    assert "line 3: Телефон: is no phone number: write it with + and the country code\n" in ended.err
    assert await stored(tmp_path) == (0, 0)


async def test_all_rows_but_the_wrong_ones_are_stored_and_the_status_says_that_some_were_wrong(tmp_path: Path) -> None:
    await furnished(tmp_path, "b")
    ended = await brought(tmp_path)
    assert ended.status == 1
    assert ended.out.splitlines()[-1] == "2 new, 0 changed, 0 as they were, 1 not taken"
    assert "2 of 2" in ended.err
    assert await stored(tmp_path) == (2, 1)


@pytest.mark.parametrize(
    ("businesses", "args", "why"),
    [
        ((), (), "there is no business yet"),
        (("a", "b"), (), "there are several businesses: name one with --business"),
        (("a", "b"), ("--business", "c"), "there is no business c"),
        (("a",), ("--salon", "s9"), "a has no salon s9"),
    ],
)
async def test_it_is_said_whose_the_rows_are(
    tmp_path: Path, businesses: tuple[str, ...], args: tuple[str, ...], why: str
) -> None:
    await furnished(tmp_path, *businesses)
    ended = await brought(tmp_path, *args)
    assert ended.status == 1
    assert f"vizit: {why}\n" in ended.err
