"""What stands behind `make`: the first run on a bare machine, the locks, the compiled catalogs, the tracked files."""

import gettext
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools import check_lock, check_tracked, compile_catalogs

ROOT = Path(__file__).resolve().parent.parent
PO = """
msgid ""
msgstr "Content-Type: text/plain; charset=utf-8\\nPlural-Forms: nplurals=2; plural=(n != 1);\\n"

msgid "Confirm"
msgstr "Onayla"

#, fuzzy
msgid "Cancel"
msgstr "?"
"""


def fake_python(folder: Path, script: str) -> Path:
    """An interpreter of this machine's that behaves as `script`, a shell script, says."""
    path = folder / "python"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def make_venv(python: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    command = ["sh", str(ROOT / "tools/make_venv.sh"), str(python), str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ('[ "$1" = --version ] && echo Python 3.9.2; exit 1', "is Python 3.9.2: install a newer one"),
        (f'case "$*" in *ensurepip*) exit 1;; esac; exec {sys.executable} "$@"', "install the package python3-venv"),
        (f'[ "$1" = -m ] && exit 1; exec {sys.executable} "$@"', "install the package python3-venv"),
    ],
    ids=["too old", "without ensurepip", "failing half-way"],
)
def test_a_python_that_cannot_make_environments_is_answered_with_one_sentence(
    tmp_path: Path, script: str, said: str
) -> None:
    result = make_venv(fake_python(tmp_path, script), tmp_path / "venv")
    assert result.returncode == 1
    assert said in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "venv").exists()


def test_a_machine_without_python_is_answered_with_one_sentence(tmp_path: Path) -> None:
    result = make_venv(tmp_path / "python3", tmp_path / "venv")
    assert result.returncode == 1
    assert "install the package python3-venv" in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_lock_of_pins_and_hashes_alone_is_read() -> None:
    text = f"one==1.0 \\\n    --hash=sha256:{'a' * 64} \\\n    --hash=sha256:{'b' * 64}\n"
    assert check_lock.read_lock(text) == ({"one": "1.0"}, [])


@pytest.mark.parametrize(
    "line", ["--index-" + "url https://index.example/simple", "one==1.0", "one @ file:///one.whl", "    # via two"]
)
def test_a_lock_with_anything_else_in_it_is_refused(line: str) -> None:
    assert check_lock.read_lock(line)[1] == [f"line 1 is neither a pin nor a hash: {line}"]


def test_a_dependency_that_the_lock_lacks_or_pins_elsewhere_is_named() -> None:
    pins = {"one": "1.0", "two": "2.0"}
    assert check_lock.unmet(["One", "two>=2,<3"], pins) == []
    assert check_lock.unmet(["two<2", "three"], pins) == ["two<2 is locked at 2.0", "three is not locked"]


def test_the_locks_of_this_project_are_complete() -> None:
    assert check_lock.mistakes() == []


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("see https://" + "pypi" + ".org/simple", "the address of a package index"),
        ("open /" + "root/x/y", "a folder of one machine"),
        ("token = 8101234567:" + "AAHkQ3xv9ZpL0sWbT5cNf2dRgYuJe7MiKoB", "a Telegram bot token"),
        ("AC" + "9f8e7d6c5b4a39281706f5e4d3c2b1a0", "a Twilio key"),
    ],
)
def test_a_file_that_names_an_index_a_machine_or_a_secret_is_found(text: str, what: str) -> None:
    assert list(check_tracked.mistakes_in(f"harmless\n{text}\n")) == [(2, what)]


@pytest.mark.parametrize(
    "text", ["8000000001:" + "A" * 35, "AC" + "0" * 31 + "1", "/usr/bin/chromium", "${ROOM}/work/x", "a/root/b"]
)
def test_made_up_secrets_and_paths_that_every_machine_has_are_let_through(text: str) -> None:
    assert list(check_tracked.mistakes_in(text)) == []


def test_a_catalog_is_compiled_when_its_source_is_newer_and_fuzzy_entries_stay_out(tmp_path: Path) -> None:
    source = tmp_path / "locales/tr/LC_MESSAGES/vizit.po"
    source.parent.mkdir(parents=True)
    source.write_text(PO)
    compiled = source.with_suffix(".mo")
    assert compile_catalogs.compile_all(tmp_path) == [compiled]
    assert compile_catalogs.compile_all(tmp_path) == []
    turkish = gettext.translation("vizit", tmp_path / "locales", ["tr"])
    assert [turkish.gettext("Confirm"), turkish.gettext("Cancel")] == ["Onayla", "Cancel"]
    os.utime(compiled, (0, 0))
    assert compile_catalogs.compile_all(tmp_path) == [compiled]
