"""A slow, unsteady network line: a TCP proxy with delay, jitter and cuts."""

import asyncio
import random
from contextlib import suppress

_PIECE = 65_536


class Line:
    """Carries connections to a port. Both directions keep their order."""

    def __init__(self, port: int, seed: int = 0) -> None:
        self.delay_s = 0.0
        self.port = 0
        self._to = port
        self._chance = random.Random(seed)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._carrying: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Begin to carry."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Hang up, and carry no more."""
        assert self._server is not None
        self._server.close()
        self.cut()
        await asyncio.gather(*self._carrying, return_exceptions=True)

    async def slow_down(self, delay_ms: int, lasts_s: float) -> None:
        """Every piece takes about so long for a while; half-way, all connections break."""
        self.delay_s = delay_ms / 1000
        await asyncio.sleep(lasts_s / 2)
        self.cut()
        await asyncio.sleep(lasts_s / 2)
        self.delay_s = 0.0

    def cut(self) -> None:
        """Break every connection, wherever it is."""
        for writer in list(self._writers):
            writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:
            writer.transport.abort()
            return
        for pair in ((reader, far_writer), (far_reader, writer)):
            task = asyncio.create_task(self._carry(*pair))
            self._carrying.add(task)
            task.add_done_callback(self._carrying.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            with suppress(OSError):
                while piece := await reader.read(_PIECE):
                    if self.delay_s:
                        await asyncio.sleep(self.delay_s * self._chance.uniform(0.2, 2))
                    writer.write(piece)
                    await writer.drain()
        finally:
            self._writers.discard(writer)
            writer.transport.abort()
