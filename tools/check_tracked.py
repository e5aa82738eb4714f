"""Checks that no file under version control names a package index, a folder of somebody's machine, or a secret.

python -m tools.check_tracked
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PATTERNS = {
    "the address of a package index": re.compile(
        r"pypi\.org|pythonhosted\.org|registry\.npmjs|npmjs\.org|deb\.debian\.org|--(?:extra-)?index-url|--find[-]links"
    ),
    "a folder of one machine": re.compile(r"(?<![\w.~$}/-])/(?:root|work|home/\w+|Users/\w+|opt/pypi|tmp/bash_jobs)/"),
    "a Telegram bot token": re.compile(r"\b(?P<secret>\d{8,10}:[A-Za-z0-9_-]{35})\b"),
    "a Twilio key": re.compile(r"\b(?P<secret>(?:AC|SK)[0-9a-f]{32})\b"),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "a signing secret": re.compile(r"\b(?P<secret>whsec_[A-Za-z0-9+/]{24,})"),
}
FEWEST_DIFFERENT_CHARACTERS = 14


def is_placeholder(secret: str) -> bool:
    """Whether a text in a secret's shape is made up, as in AC00000000000000000000000000000001: it hardly varies."""
    return len(set(secret)) < FEWEST_DIFFERENT_CHARACTERS


def mistakes_in(text: str) -> Iterator[tuple[int, str]]:
    """The line number, from 1, and the sort of every mistake in a text."""
    for number, line in enumerate(text.splitlines(), 1):
        for what, pattern in PATTERNS.items():
            for found in pattern.finditer(line):
                secret = found.groupdict().get("secret")
                if secret is None or not is_placeholder(secret):
                    yield number, what


def tracked_files(root: Path) -> list[Path]:
    """Every file that git tracks or would add. Raises CalledProcessError outside of a checkout."""
    command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, capture_output=True, check=True).stdout.decode()
    return [path for name in listed.split("\0") if name and (path := root / name).is_file()]


def mistakes(root: Path = ROOT) -> list[str]:
    """Every mistake in the tracked text files, as `path:line: what`; the secret itself is never repeated."""
    found = []
    for path in tracked_files(root):
        content = path.read_bytes()
        if b"\0" not in content:
            text = content.decode(errors="replace")
            found += [f"{path.relative_to(root)}:{number}: {what}" for number, what in mistakes_in(text)]
    return found


if __name__ == "__main__":
    listed = mistakes()
    sys.stderr.writelines(f"{line}\n" for line in listed)
    sys.exit(1 if listed else 0)
