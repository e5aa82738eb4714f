"""What a bot may write in Telegram and to whom, as the real aiogram client is told by the emulator."""

import pytest
from aiogram import Bot
from aiogram.exceptions import (
    TelegramBadRequest,
    TelegramForbiddenError,
    TelegramUnauthorizedError,
)
from aiogram.types import (
    BufferedInputFile,
    CopyTextButton,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    LabeledPrice,
    ReplyParameters,
)

from bot.playground.telegram_emulator import TelegramEmulator
from bot.playground.telegram_people import User
from tests.emulators.hands import OLENA, Hands, button, client, everything, png, refused

# Who may be written to


async def test_the_bot_says_who_it_is(bot: Bot, telegram: TelegramEmulator) -> None:
    me = await bot.get_me()
    assert (me.id, me.is_bot, me.username) == (bot.id, True, "vizit_demo_bot")
    assert telegram.calls[-1].method == "getMe"


async def test_a_wrong_token_is_unauthorized(telegram: TelegramEmulator) -> None:
    async with client(telegram, "42:WRONG") as stranger:
        await refused(TelegramUnauthorizedError, stranger.get_me(), "Unauthorized")


async def test_a_bot_cannot_write_first(bot: Bot, telegram: TelegramEmulator) -> None:
    telegram.user(OLENA, "Олена")
    await refused(TelegramForbiddenError, bot.send_message(OLENA, "Вітаю"), "can't initiate conversation")


async def test_a_chat_that_never_was_is_not_found(bot: Bot) -> None:
    await refused(TelegramBadRequest, bot.send_message(5, "?"), "chat not found")


async def test_a_started_chat_shows_what_the_bot_writes(bot: Bot, olena: User) -> None:
    sent = await bot.send_message(OLENA, "Вітаю 👋 & <b>")
    shown = olena.messages[-1]
    assert (shown.message_id, shown.text, shown.edited) == (sent.message_id, "Вітаю 👋 & <b>", False)


async def test_a_blocked_bot_is_told_so_and_refused_until_it_is_unblocked(bot: Bot, olena: User) -> None:
    await everything(bot)
    await olena.blocks()
    await refused(TelegramForbiddenError, bot.send_message(OLENA, "?"), "bot was blocked by the user")
    await olena.unblocks()
    await bot.send_message(OLENA, "!")
    changes = [update.my_chat_member for update in await everything(bot)]
    assert [(c.old_chat_member.status, c.new_chat_member.status) for c in changes if c] == [
        ("member", "kicked"),
        ("kicked", "member"),
    ]


async def test_a_deleted_account_is_deactivated(bot: Bot, olena: User) -> None:
    await olena.deletes_account()
    await refused(TelegramForbiddenError, bot.send_message(OLENA, "?"), "user is deactivated")


# What may be sent


@pytest.mark.parametrize(("length", "fits"), [(1, True), (4096, True), (4097, False)])
async def test_a_text_has_up_to_4096_characters(bot: Bot, olena: User, length: int, fits: bool) -> None:
    if fits:
        assert (await bot.send_message(OLENA, "я" * length)).text == "я" * length
    else:
        await refused(TelegramBadRequest, bot.send_message(OLENA, "я" * length), "message is too long")


async def test_an_empty_text_is_refused(bot: Bot, olena: User) -> None:
    await refused(TelegramBadRequest, bot.send_message(OLENA, "  "), "message text is empty")


@pytest.mark.parametrize(("data", "fits"), [("x" * 64, True), ("x" * 65, False), ("я" * 32, True), ("я" * 33, False)])
async def test_callback_data_has_up_to_64_bytes(bot: Bot, olena: User, data: str, fits: bool) -> None:
    call = bot.send_message(OLENA, "Прийдете?", reply_markup=button("Так", data))
    if fits:
        await call
        assert olena.messages[-1].buttons == [[{"text": "Так", "data": data}]]
    else:
        await refused(TelegramBadRequest, call, "BUTTON_DATA_INVALID")


async def test_buttons_keep_their_link_copied_text_and_style(bot: Bot, olena: User) -> None:
    row = [
        InlineKeyboardButton(text="Мапа", url="https://example.com/m"),
        InlineKeyboardButton(text="Код", copy_text=CopyTextButton(text="VIZIT")),
        InlineKeyboardButton(text="Так", callback_data="1", style="success"),
    ]
    await bot.send_message(OLENA, "?", reply_markup=InlineKeyboardMarkup(inline_keyboard=[row]))
    assert olena.messages[-1].buttons == [
        [
            {"text": "Мапа", "url": "https://example.com/m"},
            {"text": "Код", "copy": "VIZIT"},
            {"text": "Так", "data": "1", "style": "success"},
        ]
    ]


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        ({"text": "Так"}, "Text buttons are unallowed"),
        ({"text": "Так", "url": "nowhere"}, "Wrong HTTP URL"),
        ({"text": " ", "callback_data": "1"}, 'Field "text"'),
    ],
)
async def test_a_broken_button_is_refused(bot: Bot, olena: User, broken: dict[str, str], words: str) -> None:
    markup = InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton.model_validate(broken)]])
    await refused(TelegramBadRequest, bot.send_message(OLENA, "?", reply_markup=markup), words)


async def test_a_reply_goes_to_a_message_that_is_there(bot: Bot, olena: User) -> None:
    asked = await olena.says("Котра година?")
    answer = await bot.send_message(OLENA, "П'ята", reply_parameters=ReplyParameters(message_id=asked.message_id))
    assert answer.reply_to_message and answer.reply_to_message.text == "Котра година?"
    gone = ReplyParameters(message_id=999)
    await refused(TelegramBadRequest, bot.send_message(OLENA, "?", reply_parameters=gone), "replied not found")
    lenient = ReplyParameters(message_id=999, allow_sending_without_reply=True)
    assert (await bot.send_message(OLENA, "!", reply_parameters=lenient)).reply_to_message is None


async def test_a_photo_is_uploaded_fetched_back_and_sent_again_by_its_id(bot: Bot, olena: User) -> None:
    picture = png(3, 2)
    sent = await bot.send_photo(OLENA, BufferedInputFile(picture, "qr.png"), caption="QR")
    assert sent.photo and (sent.photo[-1].width, sent.photo[-1].height, sent.caption) == (3, 2, "QR")
    fetched = await bot.download(sent.photo[-1])
    assert fetched and fetched.read() == picture
    again = await bot.send_photo(OLENA, sent.photo[-1].file_id)
    assert again.photo and again.photo[-1].file_id == sent.photo[-1].file_id


async def test_bytes_that_are_no_picture_are_refused(bot: Bot, olena: User) -> None:
    call = bot.send_photo(OLENA, BufferedInputFile(b"BEGIN:VCALENDAR", "x.png"))
    await refused(TelegramBadRequest, call, "IMAGE_PROCESS_FAILED")


# Messages that change


async def test_an_edit_changes_what_the_person_sees_and_drops_the_buttons_not_sent_along(bot: Bot, olena: User) -> None:
    sent = await bot.send_message(OLENA, "Прийдете?", reply_markup=button("Так", "1"))
    await bot.edit_message_text("Чекаємо", chat_id=OLENA, message_id=sent.message_id)
    shown = olena.messages[-1]
    assert (shown.text, shown.buttons, shown.edited) == ("Чекаємо", [], True)


async def test_the_buttons_of_a_message_can_be_taken_away_once(bot: Bot, olena: User) -> None:
    sent = await bot.send_message(OLENA, "Прийдете?", reply_markup=button("Так", "1"))
    await bot.edit_message_reply_markup(chat_id=OLENA, message_id=sent.message_id)
    assert (olena.messages[-1].text, olena.messages[-1].buttons) == ("Прийдете?", [])
    again = bot.edit_message_reply_markup(chat_id=OLENA, message_id=sent.message_id)
    await refused(TelegramBadRequest, again, "message is not modified")


async def test_an_edit_that_changes_nothing_is_refused(bot: Bot, olena: User) -> None:
    sent = await bot.send_message(OLENA, "Те саме")
    again = bot.edit_message_text("Те саме", chat_id=OLENA, message_id=sent.message_id)
    await refused(TelegramBadRequest, again, "message is not modified")


async def test_only_its_own_messages_can_be_edited_and_only_while_they_exist(bot: Bot, olena: User) -> None:
    hers = await olena.says("Моє")
    call = bot.edit_message_text("Чуже", chat_id=OLENA, message_id=hers.message_id)
    await refused(TelegramBadRequest, call, "message can't be edited")
    missing = bot.edit_message_text("?", chat_id=OLENA, message_id=999)
    await refused(TelegramBadRequest, missing, "message to edit not found")


async def test_a_message_can_be_deleted_for_48_hours(bot: Bot, olena: User, hands: Hands) -> None:
    first = await bot.send_message(OLENA, "1")
    second = await bot.send_message(OLENA, "2")
    await bot.delete_message(OLENA, first.message_id)
    assert [message.text for message in olena.messages] == ["/start", "2"]
    await refused(TelegramBadRequest, bot.delete_message(OLENA, first.message_id), "message to delete not found")
    hands.move(hours=49)
    await refused(TelegramBadRequest, bot.delete_message(OLENA, second.message_id), "can't be deleted")


# Payments


async def test_an_invoice_is_paid_when_the_bot_agrees_in_time(bot: Bot, olena: User, hands: Hands) -> None:
    prices = [LabeledPrice(label="Чайові", amount=10000)]
    await bot.send_invoice(
        OLENA, "Чайові", "Для Марії", "tip:1", "UAH", prices, provider_token="p", max_tip_amount=5000
    )
    payment = await olena.pays(tip=500)
    query = (await everything(bot))[-1].pre_checkout_query
    assert query and (query.invoice_payload, query.total_amount) == ("tip:1", 10500)
    await bot.answer_pre_checkout_query(query.id, ok=True)
    message = (await everything(bot))[-1].message
    assert payment.accepted and message and message.successful_payment
    assert message.successful_payment.total_amount == 10500

    late = await olena.pays()
    hands.move(seconds=11)
    await refused(TelegramBadRequest, bot.answer_pre_checkout_query(late.id, ok=True), "query is too old")
    refusal = await olena.pays()
    await bot.answer_pre_checkout_query(refusal.id, ok=False, error_message="Уже сплачено")
    assert (refusal.accepted, refusal.error) == (False, "Уже сплачено")
    assert [message for message in olena.messages if "successful_payment" in message.content] == [olena.messages[-1]]


@pytest.mark.parametrize(
    ("amount", "token", "words"), [(2000, "p", "TOTAL_AMOUNT"), (10000, None, "PAYMENT_PROVIDER_INVALID")]
)
async def test_an_invoice_needs_a_provider_and_about_a_dollar(
    bot: Bot, olena: User, amount: int, token: str | None, words: str
) -> None:
    prices = [LabeledPrice(label="Чайові", amount=amount)]
    call = bot.send_invoice(OLENA, "Чайові", "Для Марії", "tip:1", "UAH", prices, provider_token=token)
    await refused(TelegramBadRequest, call, words)
