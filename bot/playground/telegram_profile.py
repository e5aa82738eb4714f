"""What a bot says of itself, by language: its name, descriptions and commands."""

import json
import re
from collections.abc import Callable
from functools import partial

from bot.playground.telegram_world import ApiError, World
from bot.playground.wire import Json

COMMAND = re.compile(r"[a-z0-9_]{1,32}")
MOST_COMMANDS = 100
LONGEST = {"name": 64, "description": 512, "short_description": 120}
"""The texts, with their greatest length in characters."""


class Profile:
    """The bot's names, descriptions and commands; those in the language '' stand for all others."""

    def __init__(self, name: str) -> None:
        self.texts: dict[tuple[str, str], str] = {("name", ""): name}
        self.commands: dict[tuple[str, str], list[Json]] = {}

    def set_text(self, field: str, _: World, params: Json) -> object:
        """setMyName and its like; an empty text removes that of the language."""
        text = str(params.get(field, ""))
        if len(text) > LONGEST[field]:
            raise ApiError(400, f"{field.upper()}_TOO_LONG")
        self.texts[field, str(params.get("language_code", ""))] = text
        return True

    def get_text(self, field: str, _: World, params: Json) -> object:
        """getMyName and its like: the text of the language, else the one for all."""
        language = str(params.get("language_code", ""))
        return {field: self.texts.get((field, language)) or self.texts.get((field, ""), "")}

    def set_commands(self, _: World, params: Json) -> object:
        """setMyCommands, for a scope and a language."""
        commands = list(params.get("commands") or ())
        if len(commands) > MOST_COMMANDS:
            raise ApiError(400, "BOT_COMMANDS_TOO_MUCH")
        for command in commands:
            if not COMMAND.fullmatch(str(command.get("command", "")).removeprefix("/")):
                raise ApiError(400, "BOT_COMMAND_INVALID")
            if not 1 <= len(str(command.get("description", ""))) <= 256:
                raise ApiError(400, "BOT_COMMAND_DESCRIPTION_INVALID")
        self.commands[_scope(params)] = commands
        return True

    def get_commands(self, _: World, params: Json) -> object:
        """getMyCommands: those of exactly this scope and language."""
        return self.commands.get(_scope(params), [])

    def methods(self) -> dict[str, Callable[[World, Json], object]]:
        """The methods by their names in the Bot API."""
        return {
            "setMyName": partial(self.set_text, "name"),
            "getMyName": partial(self.get_text, "name"),
            "setMyDescription": partial(self.set_text, "description"),
            "getMyDescription": partial(self.get_text, "description"),
            "setMyShortDescription": partial(self.set_text, "short_description"),
            "getMyShortDescription": partial(self.get_text, "short_description"),
            "setMyCommands": self.set_commands,
            "getMyCommands": self.get_commands,
        }


def _scope(params: Json) -> tuple[str, str]:
    scope = params.get("scope") or {"type": "default"}
    return json.dumps(scope, sort_keys=True), str(params.get("language_code", ""))
