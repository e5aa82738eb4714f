"""What people do in Telegram reaches the bot as the platform would tell it."""

import pytest
from aiogram import Bot
from aiogram.exceptions import (
    TelegramBadRequest,
    TelegramForbiddenError,
    TelegramMigrateToChat,
)
from aiogram.types import (
    KeyboardButton,
    Message,
    ReplyKeyboardMarkup,
    ReplyKeyboardRemove,
)

from bot.playground.telegram_emulator import TelegramEmulator
from bot.playground.telegram_people import User
from bot.playground.telegram_world import Press
from tests.emulators.hands import OLENA, Hands, button, everything, refused

# Taps and keyboards


async def test_a_tap_reaches_the_bot_and_is_answered_once(bot: Bot, olena: User) -> None:
    await bot.send_message(OLENA, "Прийдете?", reply_markup=button("Так", "v1:yes"))
    press = await olena.taps("Так")
    assert isinstance(press, Press)
    query = (await everything(bot))[-1].callback_query
    assert query and isinstance(query.message, Message)
    assert (query.data, query.from_user.id, query.message.text) == ("v1:yes", OLENA, "Прийдете?")
    assert query.message.reply_markup is not None
    await bot.answer_callback_query(query.id, text="Дякуємо", show_alert=True)
    assert (press.answered, press.text, press.alert) == (True, "Дякуємо", True)
    await refused(TelegramBadRequest, bot.answer_callback_query(query.id), "query is too old")


async def test_a_tap_can_be_answered_only_for_a_while_and_only_if_it_happened(
    bot: Bot, olena: User, hands: Hands
) -> None:
    await bot.send_message(OLENA, "?", reply_markup=button("Так", "1"))
    press = await olena.taps()
    assert isinstance(press, Press)
    hands.move(seconds=31)
    await refused(TelegramBadRequest, bot.answer_callback_query(press.id), "query is too old")
    await refused(TelegramBadRequest, bot.answer_callback_query("0"), "query ID is invalid")


async def test_a_tap_on_an_old_message_may_come_without_the_message(bot: Bot, olena: User) -> None:
    sent = await bot.send_message(OLENA, "?", reply_markup=button("Так", "1"))
    await olena.taps(0, olena.chat.find(sent.message_id), inaccessible=True)
    query = (await everything(bot))[-1].callback_query
    assert query and query.message and query.message.message_id == sent.message_id
    assert not isinstance(query.message, Message)


async def test_a_button_that_is_not_there_cannot_be_tapped(bot: Bot, olena: User) -> None:
    with pytest.raises(LookupError, match="no message here has buttons"):
        await olena.taps("Так")
    await bot.send_message(OLENA, "?", reply_markup=button("Ні", "1"))
    with pytest.raises(LookupError, match="there are \\['Ні'\\]"):
        await olena.taps("Так")


async def test_a_key_that_asks_for_the_contact_shares_the_own_one(bot: Bot, olena: User) -> None:
    keyboard = ReplyKeyboardMarkup(
        keyboard=[[KeyboardButton(text="Поділитися", request_contact=True)], [KeyboardButton(text="Ні")]]
    )
    await bot.send_message(OLENA, "Ваш номер?", reply_markup=keyboard)
    assert olena.messages[-1].keyboard[0][0]["request_contact"] is True
    await olena.taps("Поділитися")
    await olena.taps("Ні")
    *_, shared, typed = await everything(bot)
    assert shared.message and shared.message.contact
    assert (shared.message.contact.phone_number, shared.message.contact.user_id) == ("380671234567", OLENA)
    assert typed.message and typed.message.text == "Ні"


async def test_a_removed_keyboard_can_be_pressed_no_more(bot: Bot, olena: User) -> None:
    keyboard = ReplyKeyboardMarkup(keyboard=[[KeyboardButton(text="Ні")]])
    await bot.send_message(OLENA, "?", reply_markup=keyboard)
    await bot.send_message(OLENA, "!", reply_markup=ReplyKeyboardRemove())
    assert olena.chat.keyboard is None
    with pytest.raises(LookupError):
        await olena.taps("Ні")


async def test_a_keyboard_for_one_time_is_gone_after_it(bot: Bot, olena: User) -> None:
    keyboard = ReplyKeyboardMarkup(keyboard=[[KeyboardButton(text="Ні")]], one_time_keyboard=True)
    await bot.send_message(OLENA, "?", reply_markup=keyboard)
    await olena.taps("Ні")
    assert olena.chat.keyboard is None


async def test_anothers_contact_carries_no_account(bot: Bot, olena: User) -> None:
    await olena.shares_contact(phone="+380500000000")
    message = (await everything(bot))[-1].message
    assert message and message.contact
    assert (message.contact.phone_number, message.contact.user_id) == ("+380500000000", None)


# Groups


async def test_in_a_group_the_bot_hears_commands_replies_service_messages_and_taps_only(
    bot: Bot, telegram: TelegramEmulator, olena: User
) -> None:
    ihor = telegram.user(1002, "Ігор")
    group = telegram.group("Адміністратори", [olena, ihor])
    await group.add_bot(olena)
    mine = await bot.send_message(group.id, "Новий запис", reply_markup=button("Деталі", "d"))
    await everything(bot)
    await ihor.says("між нами", in_chat=group)
    await ihor.says("/today@other_bot", in_chat=group)
    await ihor.says("/today", in_chat=group)
    await ihor.says("/link@vizit_demo_bot 123", in_chat=group)
    shown = group.chat.find(mine.message_id)
    assert shown
    await ihor.replies(shown, "бачу")
    await ihor.taps("Деталі", in_chat=group)
    await group.add(telegram.user(1003, "Нова"))
    heard = await everything(bot)
    assert [u.message.text for u in heard if u.message] == ["/today", "/link@vizit_demo_bot 123", "бачу", None]
    assert [u.callback_query.data for u in heard if u.callback_query] == ["d"]


async def test_an_administrator_hears_everything_and_may_pin(bot: Bot, telegram: TelegramEmulator, olena: User) -> None:
    group = telegram.group("Адміністратори", [olena])
    await group.add_bot()
    sent = await bot.send_message(group.id, "План дня")
    call = bot.pin_chat_message(group.id, sent.message_id)
    await refused(TelegramBadRequest, call, "not enough rights")
    await group.promote_bot()
    await olena.says("між нами", in_chat=group)
    assert await bot.pin_chat_message(group.id, sent.message_id)
    heard = await everything(bot)
    assert heard[-1].message and heard[-1].message.text == "між нами"
    assert group.chat.pinned == sent.message_id


async def test_a_link_adds_the_bot_and_says_its_payload(bot: Bot, telegram: TelegramEmulator, olena: User) -> None:
    group = telegram.group("Адміністратори", [olena])
    await group.add_bot(olena, "CODE-1")
    heard = await everything(bot)
    assert [update.event_type for update in heard] == ["message", "my_chat_member", "message", "message"]
    assert heard[-1].message and heard[-1].message.text == "/start@vizit_demo_bot CODE-1"


async def test_a_bot_that_was_thrown_out_is_told_so_and_refused(
    bot: Bot, telegram: TelegramEmulator, olena: User
) -> None:
    group = telegram.group("Адміністратори", [olena])
    await refused(TelegramBadRequest, bot.send_message(group.id, "?"), "chat not found")
    await group.add_bot()
    await group.remove_bot()
    await refused(TelegramForbiddenError, bot.send_message(group.id, "?"), "kicked from the group chat")
    change = (await everything(bot))[-1].my_chat_member
    assert change and (change.old_chat_member.status, change.new_chat_member.status) == ("member", "left")


async def test_a_bot_that_left_is_no_member(bot: Bot, telegram: TelegramEmulator, olena: User) -> None:
    group = telegram.group("Адміністратори", [olena], supergroup=True)
    await group.add_bot()
    await bot.leave_chat(group.id)
    await refused(TelegramForbiddenError, bot.send_message(group.id, "?"), "not a member of the supergroup chat")


async def test_a_group_that_became_a_supergroup_names_its_new_id(
    bot: Bot, telegram: TelegramEmulator, olena: User
) -> None:
    group = telegram.group("Адміністратори", [olena])
    await group.add_bot()
    old = group.id
    await group.upgrade()
    with pytest.raises(TelegramMigrateToChat) as refusal:
        await bot.send_message(old, "?")
    assert refusal.value.migrate_to_chat_id == group.id != old
    assert (await bot.send_message(group.id, "!")).chat.type == "supergroup"
    told = [update.message for update in await everything(bot) if update.message]
    assert [(m.migrate_to_chat_id, m.migrate_from_chat_id) for m in told[-2:]] == [(group.id, None), (None, old)]


async def test_a_topic_takes_the_messages_that_name_it(bot: Bot, telegram: TelegramEmulator, olena: User) -> None:
    group = telegram.group("Салон", [olena], supergroup=True)
    await group.add_bot()
    thread = await group.topic("Записи")
    sent = await bot.send_message(group.id, "Новий запис", message_thread_id=thread)
    assert (sent.message_thread_id, sent.is_topic_message, sent.chat.is_forum) == (thread, True, True)
    await olena.says("/today", in_chat=group, thread=thread)
    heard = (await everything(bot))[-1].message
    assert heard and heard.message_thread_id == thread
    call = bot.send_message(group.id, "?", message_thread_id=thread + 100)
    await refused(TelegramBadRequest, call, "message thread not found")


async def test_members_of_a_chat_have_their_roles(bot: Bot, telegram: TelegramEmulator, olena: User) -> None:
    ihor, stranger = telegram.user(1002, "Ігор"), telegram.user(1003, "Чужа")
    group = telegram.group("Адміністратори", [olena, ihor])
    await group.add_bot(administrator=True)
    roles = [(await bot.get_chat_member(group.id, one.id)).status for one in (olena, ihor, stranger)]
    assert roles == ["creator", "member", "left"]
    assert {one.user.id for one in await bot.get_chat_administrators(group.id)} == {OLENA, bot.id}
    assert (await bot.get_chat(group.id)).title == "Адміністратори"
    await refused(TelegramBadRequest, bot.get_chat_member(group.id, 77), "user not found")
