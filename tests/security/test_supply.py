"""The audit sees what was slipped in, what is missing, and what was changed after it was installed."""

import base64
import hashlib
from importlib.metadata import Distribution, distributions
from pathlib import Path

import pytest

from tools.audit import changed, findings, lacking, unlocked


@pytest.fixture
def installed(tmp_path: Path) -> list[Distribution]:
    """A package with one module, which needs another one."""
    (tmp_path / "kind.py").write_text("GOOD = True\n")
    info = tmp_path / "kind-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: Kind\nVersion: 1.0\nRequires-Dist: friend>=2\n")
    digest = base64.urlsafe_b64encode(hashlib.sha256(b"GOOD = True\n").digest()).decode().rstrip("=")
    (info / "RECORD").write_text(f"kind.py,sha256={digest},12\nkind-1.0.dist-info/RECORD,,\n")
    return list(distributions(path=[str(tmp_path)]))


def test_what_is_not_locked_is_named(installed: list[Distribution]) -> None:
    assert list(unlocked(installed, {})) == ["kind 1.0 is installed, and none is locked"]
    assert list(unlocked(installed, {"kind": "0.9"})) == ["kind 1.0 is installed, and 0.9 is locked"]
    assert list(unlocked(installed, {"kind": "1.0"})) == []


def test_what_something_needs_and_does_not_find_is_named(installed: list[Distribution]) -> None:
    assert list(lacking(installed)) == ["kind needs friend>=2, and nothing is installed"]


def test_a_file_that_was_changed_or_taken_away_is_named(installed: list[Distribution], tmp_path: Path) -> None:
    assert list(changed(installed)) == []
    (tmp_path / "kind.py").write_text("GOOD = 0000\n")
    assert list(changed(installed)) == ["kind: kind.py was changed"]
    (tmp_path / "kind.py").unlink()
    assert list(changed(installed)) == ["kind: kind.py is gone"]


def test_every_finding_is_a_sentence() -> None:
    assert all(" " in line for line in findings())
