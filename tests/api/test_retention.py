"""Who comes back, over the API: periods, groups, people, cohorts, tables."""

import csv
import io
from typing import Any

from tests.api.hands import Hands

PERIODS = "visit_from=2026-09-01&visit_to=2026-09-30&return_from=2026-10-01&return_to=2026-10-31"


async def visited(salon: Hands, id: str, client: str, day: str, **fields: Any) -> None:
    body = {
        "salon": "s1",
        "client": {"id": client, "name": client.title(), "phone": f"+38067{sum(client.encode()):07}"},
        "master": "m1",
        "services": ["haircut"],
        "starts_at": f"{day}T12:00:00+03:00",
        "price": {"amount": "450.00", "currency": "UAH"},
        "status": "arrived",
        **fields,
    }
    assert (await salon.put(f"/bookings/{id}", body)).status == 201


async def september(salon: Hands) -> None:
    """Anna comes back, Vira does not, Olha has a booking to come, Ivan never came."""
    await visited(salon, "a1", "anna", "2026-09-03")
    await visited(salon, "a2", "anna", "2026-10-08")
    await visited(salon, "v0", "vira", "2026-08-03")
    await visited(salon, "v1", "vira", "2026-09-05", price={"amount": "500.50", "currency": "UAH"})
    await visited(salon, "o1", "olha", "2026-09-30")
    await visited(salon, "o2", "olha", "2026-12-01", status="booked")
    await visited(salon, "i1", "ivan", "2026-09-07", status="no_show")


async def test_who_came_back_and_who_is_lost_is_told_with_an_interval(salon: Hands) -> None:
    await september(salon)
    report = (await salon.get(f"/retention?{PERIODS}&group_by=master")).json
    assert report["total"]["clients"] == {"total": 3, "new": 2}
    assert report["total"]["lost"] == {"total": 1, "new": 0}
    (group,) = report["groups"]
    assert (group["key"], group["name"], group["enough"]) == ("m1", "Ірина", False)
    assert group["returned"] == {
        "total": 2, "new": 2, "percent": 66.7, "low": 20.8, "high": 93.9, "like_for_like": 66.7,
    }  # fmt: skip


async def test_the_lost_are_listed_with_what_an_owner_asks_before_writing_to_them(salon: Hands) -> None:
    await september(salon)
    listed = (await salon.get(f"/retention/lost?{PERIODS}&master=m1")).json
    assert listed["next"] is None
    (vira,) = listed["items"]
    assert vira == {
        "client": "vira",
        "name": "Vira",
        "phone": vira["phone"],
        "last_visit": "2026-09-05T09:00:00.000Z",
        "salon": "s1",
        "master": "m1",
        "services": ["haircut"],
        "visits": 2,
        "spent": [{"amount": "950.50", "currency": "UAH"}],
        "may_write": False,
        "why_not": "no_consent",
    }
    assert (await salon.get(f"/retention/lost?{PERIODS}&master=m2")).json["items"] == []
    assert (await salon.get(f"/retention/lost?{PERIODS}&master=m1&salon=s1")).faults == ["/master"]


async def test_the_lost_come_in_parts(salon: Hands) -> None:
    for number in range(5):
        await visited(salon, f"b{number}", f"client-{number}", "2026-09-03")
    seen, cursor = [], ""
    while True:
        part = (await salon.get(f"/retention/lost?{PERIODS}&limit=2{cursor}")).json
        seen += [person["client"] for person in part["items"]]
        if part["next"] is None:
            break
        cursor = f"&cursor={part['next']}"
    assert seen == [f"client-{number}" for number in range(5)]
    assert (await salon.get(f"/retention/lost?{PERIODS}&cursor=x")).faults == ["/cursor"]


async def test_a_report_is_a_table_too_in_which_no_name_is_a_formula(salon: Hands) -> None:
    await salon.put("/masters/m1", {"salon": "s1", "name": "=1+1"})
    await september(salon)
    answer = await salon.get(f"/retention?{PERIODS}&group_by=master&format=csv")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.reader(io.StringIO(answer.text.lstrip("\ufeff"))))
    assert rows[0][:5] == ["key", "name", "clients", "new", "returned"]
    assert rows[1][:5] == ["", "", "3", "2", "2"]
    assert rows[2][:5] == ["m1", "'=1+1", "3", "2", "2"]


async def test_new_clients_are_followed_month_by_month(salon: Hands) -> None:
    await september(salon)
    cohorts = (await salon.get("/retention/cohorts?from=2026-09&months=12")).json["cohorts"]
    assert [(cohort["month"], cohort["clients"]) for cohort in cohorts] == [
        ("2026-09", 2),
        ("2026-10", 0),
        ("2026-11", 0),
    ]
    assert [(month["month"], month["came"]) for month in cohorts[0]["months"]] == [(0, 2), (1, 1), (2, 0)]
    assert cohorts[0]["months"][1]["percent"] == 50.0
    table = (await salon.get("/retention/cohorts?from=2026-09&format=csv")).text.lstrip("\ufeff").splitlines()
    assert table[:2] == ["month,clients,month_1,month_2", "2026-09,2,1,0"]
    assert (await salon.get("/retention/cohorts?from=2027-01")).faults == ["/from"]


async def test_who_is_late_by_the_own_rhythm_is_listed(salon: Hands) -> None:
    for number, day in enumerate(("2026-07-01", "2026-07-29", "2026-08-26", "2026-09-23")):
        await visited(salon, f"l{number}", "lesia", day)
        await visited(salon, f"n{number}", "nina", day)
    await visited(salon, "n9", "nina", "2026-12-01", status="booked")
    for number, day in enumerate(("2026-01-10", "2026-04-20", "2026-05-01", "2026-09-01")):
        await visited(salon, f"z{number}", "zoia", day)
    (late,) = (await salon.get("/retention/overdue")).json["items"]
    assert (late["client"], late["every_days"], late["visits"]) == ("lesia", 28, 4)


async def test_wrong_days_are_named(salon: Hands) -> None:
    assert (await salon.get("/retention")).faults == ["/visit_from", "/visit_to", "/return_from", "/return_to"]
    wrong = PERIODS.replace("2026-09-01", "2026-9-1").replace("2026-10-31", "2026-02-31")
    assert (await salon.get(f"/retention?{wrong}")).faults == ["/visit_from", "/return_to"]
    assert (await salon.get(f"/retention?{PERIODS}&group_by=day")).faults == ["/group_by"]
    assert (await salon.get("/retention/cohorts?from=2026-13")).faults == ["/from"]
