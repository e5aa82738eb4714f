"""The servers that some peers need, each in a folder of its own, where Debian's packages are installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.mongod import free_port

POSTGRES = "procrastinate is left out: Debian's package postgresql is not installed."
REDIS = "saq is left out: Debian's package redis-server is not installed."


class Missing(Exception):
    """A server can't run here; the text says why."""


@contextmanager
def running_postgres() -> Iterator[str]:
    """PostgreSQL with its defaults; yields what a client connects to. Raises Missing."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        raise Missing(POSTGRES)
    control, port = found[-1].with_name("pg_ctl"), free_port()
    with tempfile.TemporaryDirectory(prefix="vizit-postgres-") as folder:
        data = f"{folder}/data"
        if user := _user():
            shutil.chown(folder, user)
        _run(found[-1], "-D", data, "-U", "bench", "-A", "trust", "-E", "UTF8")
        options = f"-p {port} -h 127.0.0.1 -k {folder}"
        _run(control, "-D", data, "-l", f"{folder}/log", "-w", "-o", options, "start")
        try:
            yield f"host=127.0.0.1 port={port} user=bench dbname=postgres"
        finally:
            _run(control, "-D", data, "-m", "immediate", "stop")


@contextmanager
def running_redis() -> Iterator[str]:
    """Redis that writes a log of every change; yields its address. Raises Missing."""
    binary = shutil.which("redis-server")
    if binary is None:
        raise Missing(REDIS)
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="vizit-redis-") as folder:
        command = [binary, "--port", str(port), "--bind", "127.0.0.1", "--dir", folder, "--appendonly", "yes"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout
        try:
            for line in process.stdout:
                if "Ready to accept connections" in line:
                    break
            yield f"redis://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(10)
            process.stdout.close()


def _run(*command: object) -> None:
    words = [str(word) for word in command]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, user=_user(), cwd="/")


def _user() -> str | None:
    """PostgreSQL refuses to run as root: then it runs as the user that Debian's package made for it."""
    return "postgres" if os.geteuid() == 0 else None
