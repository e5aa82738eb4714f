"""What the law of a country asks is a setting that is kept; and nothing is kept for longer than it says."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from bot.config import Config
from handlers.channel import SMS, TELEGRAM, WHATSAPP
from handlers.countries import country_of
from handlers.facts import Facts
from handlers.hops import awake
from handlers.invalid import Invalid
from handlers.routing import Route, hindrance, route
from handlers.settings import apply_patch, in_force, place
from handlers.turn import Desk, Links
from scheduler.cleaning import DELIVERIES, clean
from storage.records import MAILING_LANE, SERVICE_LANE, Business, Delivery, LinkCode, Message, Receipt
from storage.sqlite import SqliteStore, open_sqlite
from storage.store import Changes
from tests.support.post import BUSINESS, CHAT, CLIENT, DAY, HOUR, NOON, SALON, message

ALL = {"telegram": TELEGRAM, "whatsapp": WHATSAPP, "sms": SMS}
RUSSIAN = replace(CLIENT, phone="+79161234567", marketing_consent=True)
KAZAKH = replace(CLIENT, phone="+77011234567", marketing_consent=True)


def facts(client: Any, patch: dict[str, Any], **more: Any) -> Facts:
    own = apply_patch({}, patch, level="business")
    business = replace(BUSINESS, settings=own)
    return Facts(
        now=NOON, links=Links(None, b"s"), business=business, place=place(business, SALON), language="ru", salon=SALON,
        settings=in_force(business, SALON), client=client, **more,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("phone", "country"),
    [
        ("+380671234567", "UA"), ("+905321234567", "TR"), ("+79161234567", "RU"), ("+77011234567", "KZ"), ("+1", None),
    ],
)  # fmt: skip
def test_the_country_of_a_phone_is_known(phone: str, country: str | None) -> None:
    assert country_of(phone) == country


@pytest.mark.parametrize("lane", [SERVICE_LANE, MAILING_LANE])
def test_a_channel_that_is_closed_in_a_country_is_not_used_for_its_phones(lane: int) -> None:
    closed = {"channels": ["whatsapp", "sms"], "closed_channels": {"RU": ["whatsapp"]}}
    row = message("reminder", lane=lane, channel=None, address=None)
    assert route(row, facts(RUSSIAN, closed), ALL) == Route("sms", RUSSIAN.phone or "")
    found = route(row, facts(KAZAKH, closed), ALL)
    assert isinstance(found, Route) and found.channel == "whatsapp"


def test_where_every_channel_is_closed_nothing_goes() -> None:
    closed = {"channels": ["whatsapp", "telegram"], "closed_channels": {"RU": ["whatsapp", "telegram"]}}
    chat = replace(CHAT, phone=RUSSIAN.phone)
    row = message("reminder", channel=None, address=None)
    assert not isinstance(route(row, facts(RUSSIAN, closed, addresses=(chat,)), ALL), Route)


@pytest.mark.parametrize(
    ("patch", "at"),
    [
        ({"closed_channels": {"Russia": ["whatsapp"]}}, "/closed_channels/Russia"),
        ({"closed_channels": {"RU": ["manual"]}}, "/closed_channels/RU/0"),
        ({"messages_kept_for": "P1D"}, "/messages_kept_for"),
    ],
)
def test_a_wrong_rule_is_refused_at_its_place(patch: dict[str, Any], at: str) -> None:
    with pytest.raises(Invalid) as caught:
        apply_patch({}, patch, level="business")
    assert [one for one, _ in caught.value.errors] == [at]


@pytest.mark.parametrize("name", ["closed_channels", "messages_kept_for"])
def test_such_rules_belong_to_the_business(name: str) -> None:
    with pytest.raises(Invalid, match="business alone"):
        apply_patch({}, {name: {} if name == "closed_channels" else "P30D"}, level="salon")


@pytest.mark.parametrize("consent", [None, False])
def test_advertising_without_consent_goes_nowhere(consent: bool | None) -> None:
    stranger = replace(CLIENT, marketing_consent=consent)
    row = message("campaign", lane=MAILING_LANE, channel=None, address=None)
    assert hindrance(row, facts(stranger, {})) == "no_consent"


def test_advertising_waits_for_the_morning_even_where_no_hours_are_quiet() -> None:
    restless = facts(RUSSIAN, {"quiet_hours": False})
    night = NOON + 12 * HOUR
    assert awake(message("campaign", lane=MAILING_LANE), restless, NOON) == NOON
    morning = awake(message("campaign", lane=MAILING_LANE), restless, night)
    assert (morning - NOON) // HOUR == 20
    assert ZoneInfo(BUSINESS.timezone) == restless.place.zone
    assert awake(message("reminder"), restless, night) == night


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = await open_sqlite(tmp_path / "vizit.db")
    yield opened
    await opened.close()


def desk(store: SqliteStore, now: int) -> Desk:
    return Desk(store, lambda: now, Links(None, b"s" * 32))


async def test_messages_go_when_their_time_is_over_and_their_visit_too(store: SqliteStore) -> None:
    business = Business(business="a", id="a", name="x", created_at=1, settings={"messages_kept_for": "P30D"})
    keeper = Business(business="b", id="b", name="x", created_at=1, settings={"messages_kept_for": False})
    old = {"due_at": NOON - 31 * DAY, "status": "sent", "business": "a", "salon": None}
    rows = (
        message(**old, id="1" * 32, key="1", not_after=NOON - 31 * DAY),
        message(**old, id="2" * 32, key="2", not_after=NOON + DAY),
        message(**{**old, "status": "planned"}, id="3" * 32, key="3", not_after=NOON - 31 * DAY),
        message(**{**old, "business": "b"}, id="4" * 32, key="4", not_after=NOON - 31 * DAY),
        message(**{**old, "due_at": NOON - 29 * DAY}, id="5" * 32, key="5", not_after=NOON - 29 * DAY),
    )
    word = Receipt(business="a", id="r", message="1" * 32, status="delivered", at=1)
    await store.commit(Changes(inserts=(business, keeper, *rows, word)))
    assert await clean(desk(store, NOON)) == 2
    assert {row.id[0] for row in await store.find(Message, {})} == {"2", "3", "4", "5"}
    assert await clean(desk(store, NOON)) == 0


async def test_more_than_a_chunk_goes_in_one_night(store: SqliteStore) -> None:
    business = Business(business="a", id="a", name="x", created_at=1)
    rows = (message(id=f"{n:032x}", key=f"{n}", business="a", due_at=n, not_after=n, status="read") for n in range(250))
    await store.commit(Changes(inserts=(business, *rows)))
    assert await clean(desk(store, NOON)) == 250


async def test_what_booking_systems_were_told_and_old_codes_go_too(store: SqliteStore) -> None:
    told = [
        Delivery(
            business="a", id=str(age), webhook="w", stream="s", type="t", body="{}", created_at=NOON - age, next_at=0,
            give_up_at=0,
        )
        for age in (DELIVERIES - 1, DELIVERIES + 1)
    ]  # fmt: skip
    codes = [LinkCode(id=str(at), purpose="client", owner="a", expires_at=at) for at in (NOON - 2 * DAY, NOON)]
    await store.commit(Changes(inserts=(*told, *codes)))
    assert await clean(desk(store, NOON)) == 2
    assert [row.id for row in await store.find(LinkCode, {})] == [str(NOON)]


@pytest.mark.parametrize("days", ["1", "91", "x"])
def test_events_are_remembered_for_longer_than_their_senders_repeat_them(days: str) -> None:
    with pytest.raises(ValidationError):
        Config.of(admin_key="k7" * 20, secret="s7" * 20 + "x", inbox_days=days)


def test_advertising_is_made_in_one_place_which_puts_the_way_out_of_it_on_every_message() -> None:
    root = Path(__file__).resolve().parents[2]
    makers = [
        file.relative_to(root).as_posix()
        for room in ("handlers", "scheduler", "bot")
        for file in sorted((root / room).rglob("*.py"))
        if "lane=MAILING_LANE" in file.read_text()
    ]
    assert makers == ["handlers/offers.py"]
    assert "choices=(*choices, OFF)" in (root / "handlers/offers.py").read_text()
