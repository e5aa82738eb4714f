"""The methods of the Bot API that write to chats and answer taps. Each takes the world and the call's parameters."""

from collections.abc import Callable
from datetime import timedelta

from bot.playground.telegram_rules import check_caption, check_markup, check_text
from bot.playground.telegram_world import ApiError, Chat, Message, Payment, Press, StoredFile, World
from bot.playground.wire import Json

PRESS_LIVES = timedelta(seconds=30)
"""How long a tap can be answered. Telegram does not say; between 5 and 60 seconds have been reported."""
PAYMENT_WAITS = timedelta(seconds=10)
DELETABLE = timedelta(hours=48)
LONGEST_TOAST = 200
LARGEST_PHOTO = 10 * 1024 * 1024
STALE_QUERY = "query is too old and response timeout expired or query ID is invalid"
IMAGE_MARKS = {b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8\xff": "jpg"}

LEAST_INVOICE = {"UAH": 4500, "TRY": 5000, "RUB": 10_000, "KZT": 50_000, "USD": 100, "EUR": 100, "GBP": 100}
LEAST_INVOICE |= {"PLN": 400, "GEL": 300, "AZN": 170}
"""About one dollar, in minor units (core.telegram.org/bots/payments; the real table moves with the rates)."""


def send_message(world: World, params: Json) -> object:
    """sendMessage."""
    chat = world.reachable(params.get("chat_id"))
    text = _plain(params, "text")
    check_text(text)
    return _send(world, chat, params, _text_content(text, params)).json()


def send_photo(world: World, params: Json) -> object:
    """sendPhoto, with an upload or the id of a photo that is already here."""
    chat = world.reachable(params.get("chat_id"))
    caption = _plain(params, "caption")
    check_caption(caption)
    photo = params.get("photo")
    if isinstance(photo, bytes):
        stored = keep_photo(world, photo)
    elif str(photo) in world.files:
        stored = world.files[str(photo)]
    else:
        raise ApiError(400, "wrong file identifier/HTTP URL specified")
    return _send(world, chat, params, photo_content(stored, caption)).json()


def keep_photo(world: World, data: bytes) -> StoredFile:
    """Store a picture. ApiError when it is none, or above 10 MB."""
    suffix = next((suffix for mark, suffix in IMAGE_MARKS.items() if data.startswith(mark)), None)
    if suffix is None:
        raise ApiError(400, "IMAGE_PROCESS_FAILED")
    if len(data) > LARGEST_PHOTO:
        raise ApiError(400, "file is too big")
    return world.store_file(data, suffix)


def photo_content(stored: StoredFile, caption: str) -> Json:
    """The fields of a message with this photo; a JPEG's size is not read and counts as 1280 square."""
    width, height = 1280, 1280
    if stored.path.endswith("png"):
        width, height = (int.from_bytes(stored.data[at : at + 4], "big") for at in (16, 20))
    size = {
        "file_id": stored.file_id,
        "file_unique_id": stored.unique_id,
        "width": width,
        "height": height,
        "file_size": len(stored.data),
    }
    return {"photo": [size]} | ({"caption": caption} if caption else {})


def send_invoice(world: World, params: Json) -> object:
    """sendInvoice: a price in minor units, payable through a provider."""
    chat = world.reachable(params.get("chat_id"))
    total = sum(int(price["amount"]) for price in params.get("prices") or ())
    currency, payload = str(params.get("currency", "")), str(params.get("payload", ""))
    refusals = {
        "INVOICE_TITLE_INVALID": not 1 <= len(params.get("title", "")) <= 32,
        "INVOICE_DESCRIPTION_INVALID": not 1 <= len(params.get("description", "")) <= 255,
        "INVOICE_PAYLOAD_INVALID": not 1 <= len(payload.encode()) <= 128,
        "PAYMENT_PROVIDER_INVALID": currency != "XTR" and not params.get("provider_token"),
        "CURRENCY_INVALID": currency not in LEAST_INVOICE and currency != "XTR",
        "CURRENCY_TOTAL_AMOUNT_INVALID": total < LEAST_INVOICE.get(currency, 1),
        "TIP_AMOUNTS_INVALID": not _tips_fit(params),
    }
    for refusal, applies in refusals.items():
        if applies:
            raise ApiError(400, refusal)
    invoice = {
        "title": params["title"],
        "description": params["description"],
        "start_parameter": params.get("start_parameter", ""),
        "currency": currency,
        "total_amount": total,
    }
    markup = params.get("reply_markup") or {"inline_keyboard": [[{"text": "Pay", "pay": True}]]}
    message = _send(world, chat, params | {"reply_markup": markup}, {"invoice": invoice})
    message.invoice_payload = payload
    return message.json()


def _tips_fit(params: Json) -> bool:
    tips = [int(tip) for tip in params.get("suggested_tip_amounts") or ()]
    rising = all(low < high for low, high in zip([0, *tips], tips, strict=False))
    return rising and len(tips) <= 4 and max(tips, default=0) <= int(params.get("max_tip_amount") or 0)


def edit_text(world: World, params: Json) -> object:
    """editMessageText. A keyboard that is not sent along is removed."""
    message = _editable(world, params)
    text = _plain(params, "text")
    check_text(text)
    if "text" not in message.content:
        raise ApiError(400, "there is no text in the message to edit")
    return _edit(world, message, _text_content(text, params), params)


def edit_markup(world: World, params: Json) -> object:
    """editMessageReplyMarkup. No keyboard removes the one that is there."""
    message = _editable(world, params)
    return _edit(world, message, message.content, params)


def _edit(world: World, message: Message, content: Json, params: Json) -> object:
    markup = check_markup(params.get("reply_markup"), message.chat, inline_only=True)
    if (content, markup) == (message.content, message.markup):
        raise ApiError(
            400,
            "message is not modified: specified new message content and reply markup are exactly the same"
            " as a current content and reply markup of the message",
        )
    message.content, message.markup, message.edited_at = content, markup, world.now()
    world.changed()
    return message.json()


def _editable(world: World, params: Json) -> Message:
    message = _named(world.reachable(params.get("chat_id")), params, "message to edit not found")
    if message.sender is not world.bot:
        raise ApiError(400, "message can't be edited")
    return message


def delete_message(world: World, params: Json) -> object:
    """deleteMessage: the bot's own, or any as an administrator, for 48 hours."""
    chat = world.reachable(params.get("chat_id"))
    message = _named(chat, params, "message to delete not found")
    allowed = message.sender is world.bot or chat.kind == "private" or chat.bot == "administrator"
    if not allowed or world.now() - message.date > DELETABLE:
        raise ApiError(400, "message can't be deleted for everyone")
    chat.messages.remove(message)
    world.changed()
    return True


def answer_callback(world: World, params: Json) -> object:
    """answerCallbackQuery: once, and soon."""
    press: Press | None = world.presses.get(str(params.get("callback_query_id")))
    if press is None or press.answered or world.now() - press.at > PRESS_LIVES:
        raise ApiError(400, STALE_QUERY)
    text = str(params.get("text", ""))
    if len(text) > LONGEST_TOAST:
        raise ApiError(400, "MESSAGE_TOO_LONG")
    press.answered, press.text, press.alert = True, text, bool(params.get("show_alert"))
    world.changed()
    return True


def answer_pre_checkout(world: World, params: Json) -> object:
    """answerPreCheckoutQuery, within ten seconds; the payment goes through if it is `ok`."""
    payment: Payment | None = world.payments.get(str(params.get("pre_checkout_query_id")))
    if payment is None or payment.accepted is not None or world.now() - payment.at > PAYMENT_WAITS:
        raise ApiError(400, STALE_QUERY)
    payment.accepted, payment.error = bool(params.get("ok")), str(params.get("error_message", ""))
    if payment.accepted:
        paid = {
            "currency": payment.invoice.content["invoice"]["currency"],
            "total_amount": payment.total,
            "invoice_payload": payment.invoice.invoice_payload,
            "telegram_payment_charge_id": f"tg_{payment.id}",
            "provider_payment_charge_id": f"provider_{payment.id}",
        }
        world.post(payment.invoice.chat, payment.account, {"successful_payment": paid})
    world.changed()
    return True


def pin_message(world: World, params: Json) -> object:
    """pinChatMessage: freely in a private chat, as an administrator in a group."""
    chat = world.reachable(params.get("chat_id"))
    message = _named(chat, params, "message to pin not found")
    if chat.kind != "private" and chat.bot != "administrator":
        raise ApiError(400, "not enough rights to manage pinned messages in the chat")
    chat.pinned = message.message_id
    world.post(chat, world.bot, {"pinned_message": message.json(nested=False)})
    return True


def send_chat_action(world: World, params: Json) -> object:
    """sendChatAction: typing."""
    world.reachable(params.get("chat_id"))
    return True


def get_file(world: World, params: Json) -> object:
    """getFile."""
    stored = world.files.get(str(params.get("file_id")))
    if stored is None:
        raise ApiError(400, "invalid file_id")
    return {
        "file_id": stored.file_id,
        "file_unique_id": stored.unique_id,
        "file_size": len(stored.data),
        "file_path": stored.path,
    }


def get_chat(world: World, params: Json) -> object:
    """getChat."""
    chat = world.reachable(params.get("chat_id"))
    gifts = ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels")
    return chat.json() | {
        "accent_color_id": 0,
        "max_reaction_count": 11,
        "accepted_gift_types": dict.fromkeys(gifts, False),
    }


def get_member(world: World, params: Json) -> object:
    """getChatMember."""
    chat = world.reachable(params.get("chat_id"))
    account = world.accounts.get(int(params.get("user_id") or 0))
    if account is None:
        raise ApiError(400, "user not found")
    status = chat.bot if account is world.bot else chat.members.get(account.id, "left")
    return world.member_json(chat, account, status)


def get_administrators(world: World, params: Json) -> object:
    """getChatAdministrators."""
    chat = world.reachable(params.get("chat_id"))
    if chat.kind == "private":
        raise ApiError(400, "there are no administrators in the private chat")
    statuses = chat.members | {world.bot.id: chat.bot}
    return [
        world.member_json(chat, world.accounts[number], status)
        for number, status in statuses.items()
        if status in ("creator", "administrator")
    ]


def leave_chat(world: World, params: Json) -> object:
    """leaveChat."""
    chat = world.reachable(params.get("chat_id"))
    if chat.kind == "private":
        raise ApiError(400, "chat member status can't be changed in private chats")
    world.set_bot(chat, "left", world.bot)
    return True


def _send(world: World, chat: Chat, params: Json, content: Json) -> Message:
    if chat.bot == "restricted":
        raise ApiError(400, "not enough rights to send text messages to the chat")
    markup = check_markup(params.get("reply_markup"), chat)
    thread = params.get("message_thread_id")
    if thread is not None and thread not in chat.topics:
        raise ApiError(400, "message thread not found")
    reply_to = _replied(chat, params)
    world.admit(chat)
    return world.post(chat, world.bot, content, markup=markup, reply_to=reply_to, thread=thread)


def _text_content(text: str, params: Json) -> Json:
    return {"text": text} | ({"entities": params["entities"]} if params.get("entities") else {})


def _replied(chat: Chat, params: Json) -> Message | None:
    reply = params.get("reply_parameters") or {"message_id": params.get("reply_to_message_id")}
    if reply.get("message_id") is None:
        return None
    message = chat.find(int(reply["message_id"]))
    lenient = reply.get("allow_sending_without_reply") or params.get("allow_sending_without_reply")
    if message is None and not lenient:
        raise ApiError(400, "message to be replied not found")
    return message


def _named(chat: Chat, params: Json, missing: str) -> Message:
    message = chat.find(int(params.get("message_id") or 0))
    if message is None:
        raise ApiError(400, missing)
    return message


def _plain(params: Json, field: str) -> str:
    if params.get("parse_mode"):
        raise ApiError(400, "unsupported parse_mode: this emulator takes plain text and entities")
    return str(params.get(field, ""))


METHODS: dict[str, Callable[[World, Json], object]] = {
    "sendMessage": send_message,
    "sendPhoto": send_photo,
    "sendInvoice": send_invoice,
    "editMessageText": edit_text,
    "editMessageReplyMarkup": edit_markup,
    "deleteMessage": delete_message,
    "answerCallbackQuery": answer_callback,
    "answerPreCheckoutQuery": answer_pre_checkout,
    "pinChatMessage": pin_message,
    "sendChatAction": send_chat_action,
    "getFile": get_file,
    "getChat": get_chat,
    "getChatMember": get_member,
    "getChatAdministrators": get_administrators,
    "leaveChat": leave_chat,
}
"""The methods by their names in the Bot API."""
