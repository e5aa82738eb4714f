"""The image: its files are there, its lines work in an environment of its own, and what they install is the whole service.

No engine is needed: the lines of the first stage are run here as they stand, with the image's folders in a temporary one.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from tests.support.process import environment, free_port

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "docker" / "Dockerfile"
PLACES = ("/opt/vizit", "/data")
"""Folders of the image that the first stage writes to, beside its working directory."""


class Line(NamedTuple):
    """One instruction, with its stage counted from 0."""

    stage: int
    word: str
    rest: str


def lines() -> list[Line]:
    text = re.sub(r"\\\n\s*", "", re.sub(r"^\s*#.*\n", "", FILE.read_text(), flags=re.MULTILINE))
    found: list[Line] = []
    stage = -1
    for line in filter(str.strip, text.splitlines()):
        word, rest = line.split(maxsplit=1)
        stage += word == "FROM"
        found.append(Line(stage, word, rest))
    return found


def last(word: str) -> str:
    """What the final stage says with an instruction."""
    stages = [line.stage for line in lines()]
    return [line.rest for line in lines() if line.word == word and line.stage == max(stages)][-1]


def reaches_the_builder(path: str) -> bool:
    """Whether .dockerignore lets a file through: the last line that names it, or a folder above it, decides."""
    parts = Path(path).parts
    above = ["/".join(parts[:number]) for number in range(1, len(parts) + 1)]
    sent = True
    for pattern in (ROOT / ".dockerignore").read_text().splitlines():
        bare = pattern.lstrip("!")
        if not bare or bare.startswith("#"):
            continue
        anywhere = bare.removeprefix("**/")
        names = parts if bare != anywhere else above
        if any(fnmatch(name, anywhere) for name in names):
            sent = pattern.startswith("!")
    return sent


def copied() -> list[tuple[list[str], str]]:
    """Sources, from the checkout, and target of every COPY of the first stage."""
    found = [line.rest.split() for line in lines() if line.word == "COPY" and "--from" not in line.rest]
    return [(words[:-1], words[-1]) for words in found]


def files_of(source: str) -> list[str]:
    """The files of a source as the builder gets them, as paths from the root of the checkout."""
    path = ROOT / source
    found = [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]
    return [name for one in found if reaches_the_builder(name := one.relative_to(ROOT).as_posix())]


def test_every_file_that_is_copied_is_there_and_reaches_the_builder() -> None:
    for sources, _ in copied():
        for source in sources:
            assert (ROOT / source).exists(), source
            assert files_of(source), source


def test_every_package_of_the_service_is_copied() -> None:
    taken = {source.strip("/") for sources, _ in copied() for source in sources}
    assert {"bot", "handlers", "locales", "scheduler", "storage"} <= taken


@pytest.mark.parametrize("path", [".env", "vizit.db", ".git/config", "tests/conftest.py", "bot/__pycache__/a.pyc"])
def test_secrets_databases_and_caches_never_reach_the_builder(path: str) -> None:
    assert not reaches_the_builder(path)


def test_the_image_runs_as_a_user_and_needs_no_shell() -> None:
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", last("USER"))
    assert json.loads(last("ENTRYPOINT")) == ["vizit"]
    assert json.loads(last("CMD")) == ["run"]
    assert json.loads(last("HEALTHCHECK").partition("CMD ")[2])[0] == "python"
    assert [line for line in lines() if line.stage == 1 and line.word == "RUN"] == []


def test_what_is_beside_it_stands_in_the_compose_file() -> None:
    compose: Any = yaml.safe_load((ROOT / "docker" / "compose.yml").read_text())
    service, mongo = compose["services"]["vizit"], compose["services"]["mongo"]
    assert (service["stop_grace_period"], service["read_only"], service["cap_drop"]) == ("30s", True, ["ALL"])
    assert (ROOT / "docker" / service["build"]["context"] / service["build"]["dockerfile"]).resolve() == FILE
    replica_set = mongo["command"][mongo["command"].index("--replSet") + 1]
    assert service["environment"]["VIZIT_DATABASE"].endswith(f"replicaSet={replica_set}")
    assert service["depends_on"]["mongo"]["condition"] == "service_healthy"
    assert f"_id: '{replica_set}'" in mongo["healthcheck"]["test"][-1]
    assert mongo["image"].startswith("mongo:6")


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """The folder in which the first stage was built."""
    locked = _what_the_lock_names(tmp_path / "locked")
    source = tmp_path / "src"
    source.mkdir()
    tools = tmp_path / "path"
    tools.mkdir()
    (tools / "python").symlink_to(sys.executable)
    variables = {"PATH": f"{tools}:/usr/bin:/bin", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INDEX": "1"}
    for line in lines():
        if line.stage == 0 and line.word == "COPY":
            *sources, target = line.rest.split()
            for each in sources:
                _copy(each, source, target)
        if line.stage == 0 and line.word == "RUN":
            command = re.sub("|".join(PLACES), lambda place: f"{tmp_path}{place[0]}", line.rest)
            (tmp_path / "opt").mkdir(exist_ok=True)
            done = subprocess.run(
                ["sh", "-c", command], cwd=source, env=variables, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, (line, done.stdout, done.stderr)
            if "-m venv" in command:
                (packages,) = (tmp_path / "opt/vizit/lib").glob("python*/site-packages")
                for bundled in (
                    *packages.glob("setuptools*"),
                    packages / "pkg_resources",
                    packages / "_distutils_hack",
                ):
                    shutil.rmtree(bundled, ignore_errors=True)
                (packages / "locked.pth").write_text(f"{locked}\n")
    shutil.rmtree(source)
    return tmp_path


def _what_the_lock_names(folder: Path) -> Path:
    """The packages of this environment but for the program itself and pip; so nothing has to be fetched once more."""
    folder.mkdir()
    for entry in Path(yaml.__file__).parent.parent.iterdir():
        if not entry.name.lower().startswith(("vizit", "__editable__", "pip")) and entry.suffix != ".pth":
            (folder / entry.name).symlink_to(entry)
    return folder


def _copy(source: str, folder: Path, target: str) -> None:
    whole = (ROOT / source).is_dir()
    for name in files_of(source):
        inner = Path(name).relative_to(source) if whole else Path(Path(name).name)
        place = folder / target / inner
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, place)


def test_the_lines_of_the_image_install_the_whole_service_in_a_fresh_environment(image: Path) -> None:
    commands, data = image / "opt/vizit/bin", image / "data"
    port = free_port()
    settings = environment(VIZIT_LISTEN=f"127.0.0.1:{port}", VIZIT_LOG="json", PATH=f"{commands}:/usr/bin:/bin")
    del settings["PYTHONPATH"]
    spoken = "from handlers.i18n import translator; print(translator('uk')('Menu'))"
    said = subprocess.run(
        [commands / "python", "-c", spoken], cwd=data, env=settings, capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() not in ("", "Menu")
    entry = [*json.loads(last("ENTRYPOINT")), *json.loads(last("CMD"))]
    with subprocess.Popen(entry, cwd=data, env=settings, stderr=subprocess.PIPE, text=True) as service:
        assert service.stderr is not None
        told = next((line for line in service.stderr if "listening on" in line), "")
        check = last("HEALTHCHECK").partition("CMD ")[2].replace("8080", str(port))
        healthy = subprocess.run(json.loads(check), cwd=data, env=settings, check=False)
        page = f"from urllib.request import urlopen; urlopen('http://127.0.0.1:{port}/api/docs')"
        shown = subprocess.run(["python", "-c", page], cwd=data, env=settings, check=False)
        service.send_signal(getattr(signal, last("STOPSIGNAL")))
        rest = service.stderr.read()
    assert (bool(told), healthy.returncode, shown.returncode, service.returncode) == (True, 0, 0, 0), told + rest
    assert sorted(os.listdir(data)) == ["vizit.db", "vizit.db.lock"]


def test_the_lines_of_the_image_are_read_as_they_stand() -> None:
    runs = [shlex.split(line.rest) for line in lines() if line.word == "RUN"]
    assert ["/opt/vizit/bin/python", "-m", "pip"] == runs[1][:3]
    assert "--require-hashes" in runs[1]
