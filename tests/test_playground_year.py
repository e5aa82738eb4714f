"""The playground through one client's year: a visit, and all that follows from it until the next summer."""

from __future__ import annotations

from pathlib import Path

from bot.playground import cast
from bot.playground.demo import played
from bot.playground.page import STEPS


async def test_a_year_shows_points_the_next_visit_a_birthday_and_what_expires(tmp_path: Path) -> None:
    async with played(f"sqlite:///{tmp_path}/playground.db", hurry=True) as stage:
        visit = await stage.api.call("GET", "/bookings/b-1")
        await stage.move_to(stage.now() + 2 * STEPS["P1D"])
        body = {name: visit[name] for name in ("salon", "master", "services", "starts_at")}
        price = {"amount": "1200.00", "currency": "UAH"}
        body |= {"client": {"id": cast.OLENA.id}, "price": price, "status": "arrived"}
        await stage.api.call("PUT", "/bookings/b-1", body)
        await stage.quiet()
        await stage.move_to(stage.now() + STEPS["P1Y"])
        rows = (await stage.api.call("GET", "/messages", client=cast.OLENA.id, limit="200"))["items"]
        told = [row["kind"] for row in rows if row["status"] == "sent"]
        offers = [kind for kind in told if kind.startswith(("bonus", "rebook"))]
        assert offers.index("bonus_accrued") < offers.index("rebook_invitation") < len(offers)
        assert {"bonus_accrued", "rebook_invitation", "bonus_birthday", "bonus_expiring"} == set(offers)
        kept = await stage.api.call("GET", f"/clients/{cast.OLENA.id}/bonuses")
        assert [entry["reason"] for entry in kept["entries"]].count("birthday") == 1
        asked = (await stage.api.call("GET", "/messages", kind="consent_ask", limit="200"))["items"]
        assert {row["client"] for row in asked} == {role.id for role in cast.CLIENTS}
