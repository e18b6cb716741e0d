"""Receivers of webhooks on loopback that do as they are told, and remember what they got."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from ssl import SSLContext

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass(frozen=True, slots=True)
class Request:
    headers: Mapping[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


Answer = Callable[[Request, asyncio.StreamWriter], Awaitable[None]]


async def say_ok(request: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(OK)


def say(status: int, *headers: str, body: str = "") -> Answer:
    async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
        lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}", *headers]
        writer.write(("\r\n".join(lines) + "\r\n\r\n" + body).encode())

    return answer


async def hang(request: Request, writer: asyncio.StreamWriter) -> None:
    """No answer until the sender has gone."""
    await asyncio.Event().wait()


async def hang_up(request: Request, writer: asyncio.StreamWriter) -> None:
    writer.close()


@dataclass
class Receiver:
    """A small HTTP server; `answer` decides, and may be changed at any time."""

    answer: Answer = say_ok
    requests: list[Request] = field(default_factory=list)
    answered: list[str] = field(default_factory=list)
    connections: int = 0
    url: str = ""
    host: str = "127.0.0.1"

    def ids(self) -> list[str]:
        return [request.id for request in self.requests]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while not writer.is_closing():
                request = await self._read(reader)
                self.requests.append(request)
                await self.answer(request, writer)
                await writer.drain()
                self.answered.append(request.id)
        writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> Request:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        lines = [line.partition(": ") for line in head.split("\r\n")[1:] if line]
        headers = {name.lower(): value for name, _, value in lines}
        return Request(headers, await reader.readexactly(int(headers["content-length"])))


@asynccontextmanager
async def receiving(answer: Answer = say_ok, *, tls: SSLContext | None = None) -> AsyncIterator[Receiver]:
    receiver = Receiver(answer)
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        await receiver.serve(reader, writer)
        tasks.discard(task)

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    receiver.url = f"{'https' if tls else 'http'}://{'localhost' if tls else '127.0.0.1'}:{port}/hook"
    try:
        yield receiver
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
