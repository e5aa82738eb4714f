"""What an update of Telegram says to us."""

import json
from typing import Any

import pytest

from bot.telegram_updates import ALLOWED_UPDATES, Reader
from handlers.turn import Contact, Press, Turn, pack
from storage.records import InboxEvent, new_id

NOW = 1_790_000_000_000
ROW = new_id()
OLENA = {"id": 501, "is_bot": False, "first_name": "Олена", "last_name": "Коваль", "language_code": "uk"}
PRIVATE = {"id": 501, "type": "private", "first_name": "Олена"}
GROUP = {"id": -1001, "type": "supergroup", "title": "Салон"}
BOT = {"id": 42, "is_bot": True, "first_name": "Vizit", "username": "vizit_bot"}
MUTED = {"status": "restricted", "can_send_messages": False}
SPEAKING = {"status": "restricted", "can_send_messages": True}


def read(update: dict[str, Any], name: str | None = "Vizit_bot") -> Turn | None:
    event = InboxEvent(
        id="telegram:42-7", source="telegram", payload=json.dumps({"update_id": 7, **update}), received_at=NOW
    )
    return Reader(lambda: name)(event)


def message(chat: dict[str, Any] = PRIVATE, sender: Any = OLENA, **fields: Any) -> dict[str, Any]:
    return {"message": {"message_id": 11, "date": 1, "chat": chat, "from": sender, **fields}}


def press(chat: dict[str, Any] = PRIVATE, **fields: Any) -> dict[str, Any]:
    stands_on = {"message_id": 9, "date": 1, "chat": chat, "from": BOT, "text": "Прийдете?"}
    return {"callback_query": {"id": "4", "from": OLENA, "message": stands_on, "chat_instance": "1", **fields}}


def member(chat: dict[str, Any], old: str, new: str) -> dict[str, Any]:
    statuses = {"old_chat_member": {"user": BOT, "status": old}, "new_chat_member": {"user": BOT, "status": new}}
    return {"my_chat_member": {"chat": chat, "from": OLENA, "date": 1, **statuses}}


def test_words_come_with_who_said_them_and_where() -> None:
    assert read(message(text="Добрий день")) == Turn(
        channel="telegram",
        address="501",
        user="501",
        event="42-7",
        at=NOW,
        text="Добрий день",
        name="Олена Коваль",
        language="uk",
    )


def test_a_press_carries_the_choice_and_the_message_it_stands_on() -> None:
    turn = read(press(data=pack("confirm", ROW, 2)))
    assert turn is not None
    assert turn.press == Press("confirm", ROW, 2)
    assert (turn.address, turn.user, turn.reply_to, turn.text, turn.private) == ("501", "501", "501:9", None, True)


@pytest.mark.parametrize("data", ["", "0", "1.confirm.short.0", "cb:old:1", "9.confirm.x.0", "🙂" * 16, "1..."])
def test_a_payload_that_is_not_ours_is_a_turn_without_words_about_its_message(data: str) -> None:
    turn = read(press(data=data))
    assert turn is not None
    assert (turn.kind, turn.press, turn.text, turn.reply_to) == ("message", None, None, "501:9")


def test_a_press_on_a_message_that_telegram_no_longer_shows_is_still_a_press() -> None:
    update = press(data=pack("move", ROW, 0))
    update["callback_query"]["message"] = {"chat": PRIVATE, "message_id": 9, "date": 0}
    turn = read(update)
    assert turn is not None and turn.press == Press("move", ROW, 0) and turn.reply_to == "501:9"


def test_a_press_without_a_chat_is_nothing() -> None:
    update = press(data=pack("move", ROW, 0))
    del update["callback_query"]["message"]
    assert read(update | {"inline_message_id": "x"}) is None


def test_in_a_group_who_presses_is_not_where_it_is_pressed() -> None:
    turn = read(press(GROUP, data=pack("move", ROW, 0)))
    assert turn is not None
    assert (turn.address, turn.user, turn.private, turn.title) == ("-1001", "501", False, "Салон")


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("/start", "/start"),
        ("/start aB3-_x", "/start aB3-_x"),
        ("/link@vizit_bot ABCD", "/link ABCD"),
        ("/today@VIZIT_BOT", "/today"),
        ("/stop", "/stop"),
    ],
)
def test_a_command_comes_without_our_name(said: str, meant: str) -> None:
    turn = read(message(GROUP, text=said))
    assert turn is not None and turn.text == meant


def test_a_command_for_another_bot_is_nothing() -> None:
    assert read(message(GROUP, text="/today@other_bot")) is None


def test_while_our_name_is_not_known_every_command_is_taken_for_ours() -> None:
    turn = read(message(GROUP, text="/link@vizit_bot ABCD"), name=None)
    assert turn is not None and turn.text == "/link ABCD"


def test_words_that_only_hold_an_at_sign_stay_as_they_are() -> None:
    turn = read(message(text="пошта: a@b.ua"))
    assert turn is not None and turn.text == "пошта: a@b.ua"


@pytest.mark.parametrize(
    ("card", "own"),
    [
        ({"phone_number": "380671234567", "user_id": 501}, True),
        ({"phone_number": "+380671234567", "user_id": 502}, False),
        ({"phone_number": "+380671234567"}, False),
        ({"phone_number": "+380671234567", "user_id": "501"}, False),
        ({"phone_number": "+380671234567", "user_id": None}, False),
    ],
)
def test_a_contact_is_ones_own_only_with_ones_own_id_on_it(card: dict[str, Any], own: bool) -> None:
    turn = read(message(contact={"first_name": "О", **card}))
    assert turn is not None and turn.contact == Contact(card["phone_number"], own)


def test_a_contact_without_a_phone_links_nothing() -> None:
    turn = read(message(contact={"first_name": "О", "user_id": 501}))
    assert turn is not None and turn.contact is None


def test_of_a_photo_the_largest_size_is_named_and_its_caption_is_the_text() -> None:
    turn = read(message(photo=[{"file_id": "small"}, {"file_id": "large"}], caption="Ось так"))
    assert turn is not None and (turn.photo, turn.text) == ("large", "Ось так")


def test_a_sticker_is_a_turn_without_words() -> None:
    turn = read(message(sticker={"file_id": "x"}))
    assert turn is not None and (turn.text, turn.press, turn.reply_to) == (None, None, None)


def test_a_reply_names_the_message_it_answers() -> None:
    turn = read(message(text="так", reply_to_message={"message_id": 9, "from": BOT, "text": "Прийдете?"}))
    assert turn is not None and turn.reply_to == "501:9"


def test_standing_in_a_topic_is_no_reply_to_its_beginning() -> None:
    opened = {"message_id": 3, "forum_topic_created": {"name": "Записи"}}
    turn = read(message(GROUP, text="/today", message_thread_id=3, is_topic_message=True, reply_to_message=opened))
    assert turn is not None and (turn.thread, turn.reply_to) == (3, None)


def test_a_chain_of_replies_outside_of_a_forum_is_no_topic() -> None:
    turn = read(message(GROUP, text="/today", message_thread_id=3))
    assert turn is not None and turn.thread is None


@pytest.mark.parametrize(
    ("chat", "old", "new", "kind"),
    [
        (PRIVATE, "member", "kicked", "blocked"),
        (PRIVATE, "kicked", "member", "unblocked"),
        (GROUP, "member", "kicked", "removed"),
        (GROUP, "administrator", "left", "removed"),
        (GROUP, "left", "member", "unblocked"),
        (GROUP, "kicked", "administrator", "unblocked"),
        (GROUP, "member", "administrator", None),
        (GROUP, "administrator", "restricted", None),
        (GROUP, "member", "member", None),
        (PRIVATE, "member", "something_new", None),
        ({"id": -100, "type": "channel", "title": "Новини"}, "left", "administrator", None),
    ],
)
def test_the_bots_own_membership_tells_where_it_can_write(
    chat: dict[str, Any], old: str, new: str, kind: str | None
) -> None:
    turn = read(member(chat, old, new))
    assert (turn and turn.kind) == kind
    assert turn is None or (turn.address, turn.user, turn.private) == (str(chat["id"]), "501", chat is PRIVATE)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ({"status": "member"}, MUTED, ("removed", "muted")),
        ({"status": "administrator"}, MUTED, ("removed", "muted")),
        (MUTED, {"status": "member"}, ("unblocked", None)),
        (MUTED, SPEAKING, ("unblocked", None)),
        (MUTED, {"status": "kicked"}, ("removed", None)),
        ({"status": "left"}, MUTED, None),
        ({"status": "member"}, SPEAKING, None),
        (MUTED, MUTED, None),
    ],
)
def test_a_group_in_which_the_bot_may_not_write_is_as_good_as_left(
    old: dict[str, Any], new: dict[str, Any], told: tuple[str, str | None] | None
) -> None:
    change = {"chat": GROUP, "from": OLENA, "date": 1, "old_chat_member": old, "new_chat_member": new}
    turn = read({"my_chat_member": change})
    assert (turn and (turn.kind, turn.text)) == told


def test_a_group_that_became_a_supergroup_tells_its_new_id_whoever_did_it() -> None:
    for sender in (OLENA, None):
        turn = read(message({"id": -55, "type": "group", "title": "Салон"}, sender, migrate_to_chat_id=-10055))
        assert turn is not None
        assert (turn.kind, turn.address, turn.text, turn.private) == ("migrated", "-55", "-10055", False)


@pytest.mark.parametrize(
    "update",
    [
        message({"id": -100, "type": "channel", "title": "Новини"}, text="/link ABCD"),
        message(GROUP, {"id": 1087968824, "is_bot": True, "first_name": "Group"}, sender_chat=GROUP, text="/link AB"),
        message(GROUP, OLENA, sender_chat={"id": -100, "type": "channel"}, text="/link ABCD"),
        message(GROUP, {"id": 77, "is_bot": True, "first_name": "Other"}, text="/today"),
        message(GROUP, None, text="/today"),
    ],
)
def test_channels_anonymous_administrators_and_bots_are_nobody(update: dict[str, Any]) -> None:
    assert read(update) is None


@pytest.mark.parametrize(
    "fields",
    [
        {"new_chat_members": [OLENA]},
        {"left_chat_member": OLENA},
        {"migrate_from_chat_id": -55},
        {"pinned_message": {"message_id": 1}},
        {"new_chat_title": "Інша назва"},
        {"forum_topic_created": {"name": "Записи"}},
    ],
)
def test_what_telegram_itself_says_is_nothing_a_person_said(fields: dict[str, Any]) -> None:
    assert read(message(GROUP, **fields)) is None


def test_updates_of_other_kinds_are_nothing_and_are_not_asked_for() -> None:
    edited = {"edited_message": message(text="x")["message"]}
    assert read(edited) is None
    assert read({}) is None
    assert ALLOWED_UPDATES == ["message", "callback_query", "my_chat_member", "pre_checkout_query"]


@pytest.mark.parametrize("kind", ALLOWED_UPDATES)
@pytest.mark.parametrize(
    "value",
    [
        None, 5, "x", [], {}, {"chat": 5}, {"chat": {"id": "501"}}, {"chat": {"id": True}},
        {"chat": PRIVATE, "from": {"id": None}}, {"chat": PRIVATE, "from": [], "text": []},
        {"chat": PRIVATE, "from": OLENA, "text": {"a": 1}}, {"chat": PRIVATE, "from": OLENA, "photo": [5]},
        {"chat": PRIVATE, "from": OLENA, "photo": {}, "contact": 1, "reply_to_message": 7},
        {"from": OLENA, "data": 5, "message": {"chat": PRIVATE, "message_id": "9"}},
        {"from": OLENA, "data": None, "message": 5}, {"chat": GROUP, "from": OLENA, "new_chat_member": "left"},
    ],
)  # fmt: skip
def test_no_shape_of_an_update_breaks_the_reading(kind: str, value: object) -> None:
    turn = read({kind: value})
    assert turn is None or turn.address == "501"


def test_half_a_surrogate_pair_which_no_database_keeps_is_replaced() -> None:
    event = InboxEvent(
        id="telegram:42-7",
        source="telegram",
        payload='{"update_id": 7, "message": {"chat": {"id": 501, "type": "private"}, "from": {"id": 501},'
        ' "text": "так \\ud83d"}}',
        received_at=NOW,
    )
    turn = Reader(lambda: None)(event)
    assert turn is not None and turn.text == "так ?"
