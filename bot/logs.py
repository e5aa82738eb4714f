"""What the process writes about itself: one record a line, UTC, and no secret, phone or link in it, whoever wrote it."""

from __future__ import annotations

import json
import logging
import re
import sys
import traceback
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, Literal, TextIO
from urllib.parse import quote

MASK: Final = "***"
QUIETER: Final[dict[str, int]] = {
    "aiogram": logging.WARNING,
    "aiohttp.access": logging.WARNING,
    "apscheduler": logging.WARNING,
    "twilio": logging.WARNING,
}
"""Libraries that name people and whole requests in what they log below these levels."""
LONGEST: Final = 16_384
"""Characters of one message or traceback."""
SHORTEST_LITERAL: Final = 6
"""A configured secret shorter than this is not looked for: the search would blot out common words."""


def _last_two_digits(found: re.Match[str]) -> str:
    digits = re.sub(r"\D", "", found[0])
    return f"{MASK}{digits[-2:]}"


Rule = tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]

RULES: Final[tuple[Rule, ...]] = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        # A password in an address.
        (r"(?<=://)[^\s/@]+@", f"{MASK}@"),
        # The token of a bot: Bot API addresses hold it.
        (r"(?<!\w)(?:bot)?\d+:[\w-]{20,}|\bbot\d+(?::|%3[Aa])[\w-]+", MASK),
        # Headers and fields that are secrets by their names.
        (r"""(?i)\b((?:set-)?cookie["']?\s*[:=]\s*)[^\r\n]+""", rf"\1{MASK}"),
        (
            r"""(?ix)((?:authorization|password|secret|signature|token|api[_-]?key)[\w-]{0,40}["']?\s*[:=]\s*["']?)
            (?:(?:bearer|basic)\s+)?[^\s"',;&)}\]]+""",
            rf"\1{MASK}",
        ),
        (r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}", rf"\1 {MASK}"),
        (r"\bvizit_([0-9a-f]{32})_[\w-]+", rf"vizit_\1_{MASK}"),
        # Links that act for a person: pages, one-time codes.
        (r"(?<=/)([vrs])/[\w-]{8,}", rf"\1/{MASK}"),
        (r"(?i)(\bstart(?:group)?=|/start(?:@\w+)?\s+|/link(?:@\w+)?\s+)[\w-]+", rf"\1{MASK}"),
        # Twilio's names of things: the last four characters find one again in its console.
        (r"(?<![A-Za-z0-9])([A-Z]{2})[0-9a-f]{28}([0-9a-f]{4})(?![A-Za-z0-9])", rf"\1{MASK}\2"),
        # Phones: with a plus, in national groups (0 67 123-45-67), or as bare digits of that length.
        (r"(?:\+|%2[Bb])[ (]?[1-9](?:[ ().-]{0,3}\d){6,14}", _last_two_digits),
        (r"(?<![\w.:-])\(?[08]?[ (-]{0,3}\d{2,3}[) -]{1,3}\d{3}[ -]\d{2}[ -]?\d{2}(?![\w-])", _last_two_digits),
        (r"(?<![\w.])\d{10,15}(?!\w)(?!\.\d)", _last_two_digits),
    )
)
CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""Whatever could end a line, colour a terminal or turn the direction of the text."""


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """The text without these secrets and without anything that looks like a secret, a phone or a personal link.

    Of a phone the last two digits stay, of a Twilio sid the kind and the last four characters. A text longer than
    `LONGEST` is cut before a word, so that no secret is cut in two and goes unnoticed.
    """
    if len(text) > LONGEST:
        text = re.sub(r"\S*\Z", "…", text[:LONGEST])
    for secret in secrets:
        text = text.replace(secret, MASK)
    for pattern, replacement in RULES:
        text = pattern.sub(replacement, text)
    return text


def one_line(text: str) -> str:
    """The text with every control character written out, so that it can't look like a second record."""
    return CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def _moment(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception as error:
        return f"{record.msg} (can't be completed: {type(error).__name__})"


PLAIN: Final = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName", "color_message"}


class _Formatter(logging.Formatter):
    """Gives every text of a record to `redact` before it is put together."""

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__()
        known = {secret for secret in secrets if len(secret) >= SHORTEST_LITERAL}
        self.secrets = sorted(known | {quote(secret, safe="") for secret in known}, key=len, reverse=True)

    def clean(self, text: str) -> str:
        return redact(text, self.secrets)

    def trace(self, record: logging.LogRecord) -> str:
        """The exception and the stack that came with the record, or nothing."""
        parts = ["".join(traceback.format_exception(*record.exc_info))] if record.exc_info else []
        parts += [record.stack_info] if record.stack_info else []
        return self.clean("\n".join(parts).rstrip())


class TextLines(_Formatter):
    """For people: `time LEVEL logger: message`, and a traceback below it, indented."""

    def format(self, record: logging.LogRecord) -> str:
        line = f"{_moment(record)} {record.levelname:<7} {record.name}: {one_line(self.clean(_message(record)))}"
        trace = self.trace(record)
        return "\n".join([line, *(f"    {one_line(below)}" for below in trace.splitlines())])


class JsonLines(_Formatter):
    """For machines: an object a line with `time`, `level`, `logger`, `message`, what `extra=` gave, and `exception`."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "time": _moment(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": one_line(self.clean(_message(record))),
        }
        for name in record.__dict__.keys() - PLAIN:
            value = getattr(record, name)
            entry[name] = value if isinstance(value, bool | float | None) else one_line(self.clean(str(value)))
        if trace := self.trace(record):
            entry["exception"] = trace
        return json.dumps(entry, ensure_ascii=False)


class _Handler(logging.StreamHandler[TextIO]):
    def handleError(self, record: logging.LogRecord) -> None:
        """Say that a record was lost, and where it was made; the standard one would print its arguments as they are."""
        if sys.__stderr__ is not None:
            sys.__stderr__.write(f"a log record of {record.name} could not be written\n")


def configure(
    style: Literal["text", "json"] | None = None, secrets: Iterable[str] = (), stream: TextIO | None = None
) -> None:
    """Send everything that is logged, warned of or left uncaught to `stream` (standard error), one record a line.

    `style` None: text on a terminal, else JSON. `secrets` are values to blot out wherever they turn up.
    """
    out = stream or sys.stderr
    handler = _Handler(out)
    lines = TextLines if (style or ("text" if out.isatty() else "json")) == "text" else JsonLines
    handler.setFormatter(lines(secrets))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for name, level in QUIETER.items():
        logging.getLogger(name).setLevel(level)
    logging.captureWarnings(True)
    sys.excepthook = _uncaught


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    logging.getLogger("vizit").critical("uncaught %s", kind.__name__, exc_info=(kind, error, trace))
