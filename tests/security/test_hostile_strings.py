"""Five hundred strings that mean something to some reader are, everywhere here, words: shown as they are, and inert."""

import csv
import io
import logging
from dataclasses import replace

from bot.logs import TextLines
from bot.tables import safe
from bot.telegram import make_bot
from handlers.channel import TELEGRAM, Edit, Text
from handlers.settings_schema import VARIABLES
from handlers.templates import faults, fill
from tools.specimen import MASTER, SALON, Specimen

SEEDS = (
    "<b>bold</b>",
    "<script>alert(1)</script>",
    "</title><svg/onload=alert(1)>",
    '"><img src=x onerror=alert(1)>',
    "<a href=//x>x</a>",
    "&lt;i&gt;",
    "&amp;",
    "*bold*",
    "_under_",
    "`code`",
    "[x](tg://user?id=1)",
    "||spoiler||",
    "~strike~",
    ">quote",
    "#tag @all /stop",
    "{client.__init__.__globals__[SECRET]}",
    "{0}",
    "{}",
    "{:>9999999}",
    "%s%n%x",
    "%(secret)s",
    "${jndi:ldap://x/a}",
    "{{7*7}}",
    "{% include 'x' %}",
    "[Клієнт]",
    "[Салон] [Дата]",
    "[[",
    "]]",
    "=1+1",
    "=cmd|' /C calc'!A0",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "'; DROP TABLE client; --",
    "' OR '1'='1",
    '"; {"$gt": ""}',
    "$where: 1",
    "../../etc/passwd",
    "..\\..\\boot.ini",
    "CON.txt",
    "a;b,c\td",
    '"quoted"',
    "it's",
    "«лапки»",
    "Ім'я О'Ніл-Дюк",
    "İıŞşĞğ",
    "ёЁ",
    "🙂👩‍👩‍👧",
    "\u202egnp.exe",
    "\u200bzero",
    "𝕏",
    "ﷺ",
    "null",
    "undefined",
    "NaN",
    "true",
    "0",
    "-0",
    "1e999",
    "Robert'); --",
)
FRAMES = ("{}", "Олена {}", "{} Олена", "{} {}", "  {}", "{}!", "({})", "{}/{}", "a{}b", "1. {}")
HOSTILE = tuple(dict.fromkeys(frame.replace("{}", seed).strip() for seed in SEEDS for frame in FRAMES))


def test_there_are_five_hundred() -> None:
    assert len(HOSTILE) >= 500


def test_telegram_is_told_to_read_nothing_into_a_text() -> None:
    assert make_bot("123456:test-token", "http://127.0.0.1:1").default.parse_mode is None


def test_a_message_shows_every_name_as_it_is() -> None:
    for name in HOSTILE:
        named = {"salon": replace(SALON, name=name), "master": replace(MASTER, name=name)}
        rendered = Specimen("booking_created", facts=named).rendered("uk", TELEGRAM)
        assert isinstance(rendered, Text | Edit)
        shown = " ".join((rendered.body or "").split())
        assert shown.count(" ".join(name.split())) >= 2, name


def test_a_value_in_an_owners_text_is_never_read_as_a_text_itself() -> None:
    for value in HOSTILE:
        assert " ".join(fill("Чекаємо, [Клієнт]!", {"client": value}).split()) == " ".join(f"Чекаємо, {value}!".split())


def test_an_owners_text_that_is_hostile_fills_in_nothing() -> None:
    values = dict.fromkeys(VARIABLES, "SECRET-VALUE")
    for text in HOSTILE:
        if "[" not in text and not faults(text):
            assert "SECRET-VALUE" not in fill(text, values)


def test_a_cell_is_no_formula_and_comes_back_from_a_spreadsheet_as_one_cell() -> None:
    for value in HOSTILE:
        cell = safe(value)
        assert cell[0] not in "=+-@\t\r\x00", value
        assert cell.removeprefix("'") == value.removeprefix("'")
        written = io.StringIO()
        csv.writer(written).writerow([cell, "next"])
        assert next(csv.reader(io.StringIO(written.getvalue()))) == [cell, "next"]


def test_a_log_record_with_any_name_in_it_is_one_line() -> None:
    formatter = TextLines(frozenset())
    for name in HOSTILE:
        record = logging.LogRecord("x", logging.INFO, "f", 1, "client %s", (name + "\n\x1b[31m",), None)
        line = formatter.format(record)
        assert len(line.splitlines()) == 1 and "\x1b" not in line
