"""Audits what is installed, without a network.

    python -m tools.audit

Everything installed is locked, at the locked version; what it says it needs is there; and no file of it was changed since
it was installed, after the hashes that came with it. Whether a version has become known to be weak needs a list that only
the network has: `make lock UPGRADE=1` takes what is newest.
"""

import base64
import hashlib
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import Distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools.check_lock import ROOT, read_lock

OURS = frozenset({"vizit", "pip"})
"""Installed without a lock: this project itself, and what installs the rest."""


def name_of(distribution: Distribution) -> str:
    """The name of a distribution as locks write it."""
    return canonicalize_name(distribution.metadata["Name"])


def unlocked(installed: Iterable[Distribution], pins: Mapping[str, str]) -> Iterator[str]:
    """What is installed and not locked, or at another version, each as a sentence."""
    for one in installed:
        name = name_of(one)
        if name not in OURS and pins.get(name) != one.version:
            yield f"{name} {one.version} is installed, and {pins.get(name, 'none')} is locked"


def lacking(installed: Iterable[Distribution]) -> Iterator[str]:
    """What something installed needs and does not find, each as a sentence."""
    versions = {name_of(one): one.version for one in installed}
    for one in installed:
        for text in one.requires or ():
            needed = Requirement(text)
            if needed.marker is not None and not needed.marker.evaluate({"extra": ""}):
                continue
            version = versions.get(canonicalize_name(needed.name))
            if version is None or not needed.specifier.contains(version, prereleases=True):
                yield f"{name_of(one)} needs {needed}, and {version or 'nothing'} is installed"


def changed(installed: Iterable[Distribution]) -> Iterator[str]:
    """The files that are not what was installed, each as a sentence."""
    for one in installed:
        for file in one.files or ():
            if file.hash is None or file.suffix == ".pyc":
                continue
            path = Path(str(one.locate_file(file)))
            if not path.exists():
                yield f"{name_of(one)}: {file} is gone"
            elif _digest(path, file.hash.mode) != file.hash.value:
                yield f"{name_of(one)}: {file} was changed"


def _digest(path: Path, kind: str) -> str:
    return base64.urlsafe_b64encode(hashlib.new(kind, path.read_bytes()).digest()).decode().rstrip("=")


def findings(root: Path = ROOT) -> list[str]:
    """Everything that is wrong with what is installed here, each as a sentence; empty when all is well."""
    pins: dict[str, str] = {}
    for lock in ("requirements.lock", "requirements-test.lock"):
        pins |= read_lock((root / lock).read_text())[0]
    installed = list(distributions())
    return [*unlocked(installed, pins), *lacking(installed), *changed(installed)]


if __name__ == "__main__":
    found = findings()
    sys.stderr.writelines(f"{line}\n" for line in found)
    sys.exit(1 if found else 0)
