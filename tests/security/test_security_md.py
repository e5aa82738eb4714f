"""SECURITY.md says what is true: seventeen threats, and every test that it names is there."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NAMED = re.compile(r"`(test_\w+)`")
DEFINED = re.compile(r"^(?:async )?def (test_\w+)", re.MULTILINE)
FILE = re.compile(r"`((?:bot|handlers|scheduler|storage|tools|tests)/[\w./]*)`")


def text() -> str:
    return (ROOT / "SECURITY.md").read_text()


def rows() -> list[list[str]]:
    lines = [line for line in text().splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_every_threat_has_a_countermeasure_in_the_code_and_a_test() -> None:
    assert len(rows()) == 17
    for threat, countermeasure, tests in rows():
        assert FILE.findall(countermeasure), threat
        assert NAMED.findall(tests), threat


def test_every_test_that_is_named_is_there() -> None:
    defined = {name for file in (ROOT / "tests").rglob("test_*.py") for name in DEFINED.findall(file.read_text())}
    assert set(NAMED.findall(text())) - defined == set()


def test_every_file_that_is_named_is_there() -> None:
    assert [name for name in FILE.findall(text()) if not (ROOT / name).exists()] == []
