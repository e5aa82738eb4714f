"""Checks the lock files against pyproject.toml and against each other.

    python -m tools.check_lock

Every dependency is pinned at a version that pyproject.toml allows, every pin has a hash, all locks pin the same
versions, and nothing but pins and hashes stands in them: an address would tie the install to one index.
"""

import re
import sys
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
TOOL = "requirements-sbom.lock"
"""A tool that runs nothing of this project: what runs need not be in its lock."""
PIN = re.compile(r"^(?P<name>[a-z0-9-]+)==(?P<version>\S+)(?: ; (?P<marker>[^\\]+?))? \\$")
HASH = re.compile(r"^ {4}--hash=sha256:[0-9a-f]{64}(?: \\)?$")


def read_lock(text: str) -> tuple[dict[str, str], list[str]]:
    """The pins of a lock, name to version, and what is wrong with its lines."""
    pins: dict[str, str] = {}
    hashes: dict[str, int] = {}
    wrong: list[str] = []
    name = ""
    for number, line in enumerate(text.splitlines(), 1):
        if pin := PIN.match(line):
            name = pin["name"]
            pins[name] = pin["version"]
            hashes[name] = 0
        elif HASH.match(line) and name:
            hashes[name] += 1
        else:
            wrong.append(f"line {number} is neither a pin nor a hash: {line}")
    return pins, wrong + [f"{name} has no hash" for name, count in hashes.items() if not count]


def unmet(requirements: Iterable[str], pins: Mapping[str, str]) -> list[str]:
    """The requirements that no pin meets, each as a sentence."""
    wrong = []
    for requirement in map(Requirement, requirements):
        version = pins.get(canonicalize_name(requirement.name))
        if version is None:
            wrong.append(f"{requirement.name} is not locked")
        elif not requirement.specifier.contains(version, prereleases=True):
            wrong.append(f"{requirement} is locked at {version}")
    return wrong


def mistakes(root: Path = ROOT) -> list[str]:
    """Everything that is wrong with the locks under `root`, each as a sentence; empty when all is well."""
    project = tomllib.loads((root / "pyproject.toml").read_text())
    groups = project["dependency-groups"]
    runtime = [*project["project"]["dependencies"], *groups["build"]]
    wanted = {"requirements.lock": runtime, "requirements-test.lock": [*runtime, *groups["test"]]}
    wanted["requirements-bench.lock"] = [*runtime, *groups["bench"]]
    wanted[TOOL] = groups["sbom"]
    wrong: list[str] = []
    locks: dict[str, dict[str, str]] = {}
    for lock, requirements in wanted.items():
        locks[lock], lines = read_lock((root / lock).read_text())
        wrong += [f"{lock}: {why}" for why in lines + unmet(requirements, locks[lock])]
    return wrong + [
        f"{name} {version} runs, and {lock} has {pins.get(name, 'none')}"
        for name, version in locks["requirements.lock"].items()
        for lock, pins in locks.items()
        if pins.get(name) != version and not (lock == TOOL and name not in pins)
    ]


if __name__ == "__main__":
    found = mistakes()
    sys.stderr.writelines(f"{line}\n" for line in found)
    sys.exit(1 if found else 0)
