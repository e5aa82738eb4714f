"""Telegram's rules for what a bot may send and how often. Source: core.telegram.org/bots/api and /bots/faq."""

import math
from collections import deque
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from bot.playground.telegram_world import ApiError, Chat
from bot.playground.wire import Json

LONGEST_TEXT = 4096
LONGEST_CAPTION = 1024
LONGEST_CALLBACK = 64
MOST_BUTTONS = 100
BUTTON_STYLES = {None, "primary", "success", "danger"}
BUTTON_ACTIONS = ("callback_data", "url", "copy_text", "web_app", "login_url", "switch_inline_query", "pay", "disabled")

BURST_IN_CHAT = 3
SECONDS_BETWEEN = 1.0
GROUP_MESSAGES, GROUP_SECONDS = 20, 60.0
ALL_MESSAGES, ALL_SECONDS = 30, 1.0


class Pace:
    """The flood limits: one message a second in a chat (three at once are let through), 20 a minute in a group, 30 a
    second over all. `clock` gives seconds that only grow."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._free_at: dict[int, float] = {}
        self._in_group: dict[int, deque[float]] = {}
        self._in_all: deque[float] = deque(maxlen=ALL_MESSAGES)

    def admit(self, chat: Chat) -> None:
        """Count one message to `chat`. ApiError 429 with `retry_after` (whole seconds) when it is one too many."""
        now = self._clock()
        waits = [self._free_at.get(chat.id, now) - now - SECONDS_BETWEEN * (BURST_IN_CHAT - 1)]
        waits.append(_wait(self._in_all, now, ALL_SECONDS))
        group = self._in_group.setdefault(chat.id, deque(maxlen=GROUP_MESSAGES)) if chat.kind != "private" else None
        if group is not None:
            waits.append(_wait(group, now, GROUP_SECONDS))
        if (wait := max(waits)) > 0:
            seconds = math.ceil(wait)
            raise ApiError(429, f"retry after {seconds}", retry_after=seconds)
        self._free_at[chat.id] = max(self._free_at.get(chat.id, now), now) + SECONDS_BETWEEN
        self._in_all.append(now)
        if group is not None:
            group.append(now)


def _wait(stamps: deque[float], now: float, window: float) -> float:
    """Seconds until the oldest of a full deque of stamps has left the window."""
    return stamps[0] + window - now if len(stamps) == stamps.maxlen else 0.0


def check_text(text: str) -> None:
    """ApiError when this can't be the text of a message: 1 to 4096 characters."""
    if not text.strip():
        raise ApiError(400, "message text is empty")
    if len(text) > LONGEST_TEXT:
        raise ApiError(400, "message is too long")


def check_caption(text: str) -> None:
    """ApiError when this can't be a caption: up to 1024 characters."""
    if len(text) > LONGEST_CAPTION:
        raise ApiError(400, "message caption is too long")


def check_markup(markup: object, chat: Chat, *, inline_only: bool = False) -> Json | None:
    """Answer with the keyboard as it is kept: None for none or an empty one. ApiError when it breaks a rule."""
    if markup is None:
        return None
    if not isinstance(markup, dict):
        raise ApiError(400, "object expected as reply markup")
    if "inline_keyboard" in markup:
        buttons = _buttons(markup["inline_keyboard"])
        if len(buttons) > MOST_BUTTONS:
            raise ApiError(400, "reply markup is too long")
        for button in buttons:
            _check_inline_button(button)
        return markup if buttons else None
    if inline_only:
        raise ApiError(400, "inline keyboard expected")
    for button in _buttons(markup.get("keyboard", [])):
        _check_reply_button(button, chat)
    return markup


def _buttons(rows: object) -> list[Any]:
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise ApiError(400, "can't parse keyboard: Array of Arrays expected")
    return [button for row in rows for button in row]


def _check_inline_button(button: Json) -> None:
    if not str(button.get("text", "")).strip():
        raise ApiError(400, 'can\'t parse inline keyboard button: Field "text" must be of type String')
    actions = [name for name in BUTTON_ACTIONS if button.get(name) is not None]
    if not actions:
        raise ApiError(400, "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
    if "callback_data" in actions and not 1 <= len(str(button["callback_data"]).encode()) <= LONGEST_CALLBACK:
        raise ApiError(400, "BUTTON_DATA_INVALID")
    if "url" in actions:
        _check_url(str(button["url"]))
    if "copy_text" in actions and not 1 <= len(str(button["copy_text"].get("text", ""))) <= 256:
        raise ApiError(400, "BUTTON_COPY_TEXT_INVALID")
    if button.get("style") not in BUTTON_STYLES:
        raise ApiError(400, "can't parse inline keyboard button: unsupported button style specified")


def _check_url(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https", "tg") or not parts.netloc:
        raise ApiError(400, f"inline keyboard button URL '{url}' is invalid: Wrong HTTP URL")


def _check_reply_button(button: Json | str, chat: Chat) -> None:
    title = button if isinstance(button, str) else str(button.get("text", ""))
    if not title.strip():
        raise ApiError(400, 'can\'t parse keyboard button: Field "text" must be of type String')
    if isinstance(button, dict) and button.get("request_contact") and chat.kind != "private":
        raise ApiError(400, "phone number can be requested in private chats only")
