"""Whatever bytes come from outside, every parser of them answers, or refuses in its own words."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.api import paging
from bot.api.problems import Problem
from bot.api.reading import check, parse
from bot.api.serving import Route
from bot.api.table import ROUTES
from bot.logs import one_line, redact
from bot.telegram_updates import Reader
from bot.twilio_updates import read_message
from bot.webhooks import read_form
from handlers.import_tables import Table, Unusable, read_table
from handlers.invalid import Invalid
from handlers.page_links import find
from handlers.people import normal_phone
from handlers.recognise import command_of
from handlers.turn import Desk, Links, Turn, pack, unpack
from storage.records import InboxEvent
from storage.sqlite import open_sqlite

TEXT = st.text(st.characters(exclude_categories=()), max_size=40)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=6,
)
ID = st.integers(-(2**63), 2**63) | JSON
PERSON = st.fixed_dictionaries({}, optional={"id": ID, "is_bot": JSON, "first_name": JSON, "language_code": JSON})
CHAT = st.fixed_dictionaries({}, optional={"id": ID, "type": st.sampled_from(["private", "group", "channel"]) | JSON})
MESSAGE = st.fixed_dictionaries(
    {},
    optional={
        "message_id": ID, "chat": CHAT | JSON, "from": PERSON | JSON, "text": JSON, "contact": JSON, "reply_to_message": JSON,
        "photo": JSON, "successful_payment": JSON, "entities": JSON, "migrate_to_chat_id": ID, "forum_topic_created": JSON,
    },
)  # fmt: skip
UPDATE = st.fixed_dictionaries(
    {"update_id": st.integers(0, 2**31)},
    optional={
        "message": MESSAGE | JSON,
        "callback_query": st.fixed_dictionaries(
            {}, optional={"id": JSON, "from": PERSON, "message": MESSAGE, "data": TEXT}
        ),
        "my_chat_member": st.fixed_dictionaries({}, optional={"chat": CHAT, "from": PERSON, "new_chat_member": JSON}),
    },
)


def event(payload: Any) -> InboxEvent:
    return InboxEvent(id="source:1", source="source", payload=json.dumps(payload), received_at=1)


@settings(max_examples=50)
@given(UPDATE)
def test_an_update_of_telegram_is_a_turn_or_nothing(update: dict[str, Any]) -> None:
    turn = Reader(lambda: "bot")(event(update))
    assert turn is None or isinstance(turn, Turn)


@given(
    st.dictionaries(st.sampled_from(("From", "Body", "NumMedia", "ButtonPayload", "ListId", "MediaUrl0")) | TEXT, TEXT)
)
def test_a_form_of_twilio_is_a_turn_or_nothing(form: dict[str, str]) -> None:
    turn = read_message(event(form))
    assert turn is None or isinstance(turn, Turn)


@given(
    st.binary(max_size=300)
    | st.lists(st.tuples(TEXT, TEXT)).map(lambda pairs: urlencode(pairs, errors="replace").encode())
)
async def test_a_form_is_read_or_refused(body: bytes) -> None:
    request = make_mocked_request("POST", "/", payload=_Payload(body))
    try:
        form = await read_form(request, 250)
    except web.HTTPClientError as refused:
        assert refused.status in (400, 413)
    else:
        assert all(isinstance(value, str) for value in form.values())


class _Payload:
    """A body that has arrived."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def iter_any(self) -> Any:
        yield self._body


@given(st.binary(max_size=300) | JSON.map(lambda value: json.dumps(value).encode()))
def test_the_body_of_a_call_is_json_or_400(body: bytes) -> None:
    try:
        parse(body)
    except Problem as refused:
        assert refused.kind.status == 400


BODIES = [route for route in ROUTES if route.body is not None and not route.raw]


@pytest.mark.parametrize("route", BODIES, ids=lambda route: f"{route.method} {route.path}")
@settings(max_examples=15)
@given(data=st.data())
def test_the_content_of_a_call_is_taken_or_422_with_places(route: Route, data: st.DataObject) -> None:
    assert route.body is not None
    names = list(route.body.model_fields)
    content = data.draw(JSON | st.dictionaries(st.sampled_from(names), JSON))
    try:
        check(route.body, content)
    except Invalid as refused:
        assert all(at == "" or at.startswith("/") for at, _ in refused.errors)


@given(TEXT | st.binary().map(lambda raw: raw.hex()))
def test_a_cursor_is_a_place_or_422(cursor: str) -> None:
    try:
        paging.decode(cursor, ("due_at", "id"))
    except Invalid as refused:
        assert refused.errors[0][0] == "/cursor"


def _table(parts: tuple[str, str]) -> bytes:
    return "".join(parts).encode("utf-8", "replace")


@given(st.binary(max_size=400) | st.tuples(st.sampled_from(["", "sep=", "phone;name\n", "\ufeff"]), TEXT).map(_table))
def test_a_table_is_read_or_refused(content: bytes) -> None:
    try:
        table = read_table(content)
    except Unusable:
        return
    assert isinstance(table, Table)


@given(TEXT)
def test_the_payload_of_a_button_is_a_press_or_nothing(data: str) -> None:
    assert unpack(data) is None


@given(st.binary(min_size=16, max_size=16), st.integers(0, 999))
def test_a_payload_of_ours_comes_back_as_it_was(row: bytes, index: int) -> None:
    press = unpack(pack("confirm", row.hex(), index))
    assert press is not None and (press.message, press.index) == (row.hex(), index)


async def test_a_token_of_any_shape_opens_nothing() -> None:
    store = await open_sqlite("sqlite:///:memory:")
    desk = Desk(store, lambda: 1, Links(None, b"s"))
    strange = [
        "",
        " ",
        "\x00",
        "\ud800",
        "x" * 100_000,
        "../../etc/passwd",
        "' OR 1=1 --",
        "%00",
        "ї" * 50,
        "A" * 22,
        "\u202e",
    ]
    for token in strange:
        assert await find(desk, "visit", token) is None
    await store.close()


@given(TEXT, st.sampled_from([None, "UA", "TR", "XX"]))
def test_a_phone_is_e164_or_nothing(written: str, country: str | None) -> None:
    phone = normal_phone(written, country)
    assert phone is None or (phone[0] == "+" and phone[1:].isdigit())


@given(TEXT)
def test_words_are_a_command_or_not(text: str) -> None:
    found = command_of(text)
    assert found is None or isinstance(found, str)


@given(TEXT)
def test_a_log_line_stays_one_line(text: str) -> None:
    line = one_line(redact(text))
    assert not any(end in line for end in "\n\r\v\f\x1c\x85\u2028\u2029\x1b")
