"""Plays a programme over a socket as time passes, or faster."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle, repeat

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from common.errors import HubbubError
from ingest.player.programme import Piece, Programme
from ingest.player.wires import Wire

_CONNECT_S = 10
_CLOSE_S = 30
# Platforms buffer as they like: about 100 ms is usual, now and then it is much more.
_VARYING_MS = (100, 85, 21, 100, 64, 128, 100, 43, 250, 100)


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast (`speed` 2 takes half the time), in what pieces (`chunk_ms` None varies as platforms do)."""

    chunk_ms: int | None = None
    speed: float = 1.0

    def sizes(self, rate: int) -> Iterator[int]:
        """Samples of each message."""
        lengths_ms = cycle(_VARYING_MS) if self.chunk_ms is None else repeat(self.chunk_ms)
        return (rate * ms // 1000 for ms in lengths_ms)

    def due_s(self, end: int, rate: int) -> float:
        """When audio up to a sample has been captured, from the start."""
        return end / rate / self.speed


@dataclass(slots=True)
class Played:
    """What came of playing a meeting. `late_ms` is the most that a message was late."""

    meeting: str
    seconds: float = 0.0
    messages: int = 0
    acknowledged: int = 0
    gaps: int = 0
    late_ms: float = 0.0
    started_at_ms: int = 0


@dataclass(slots=True)
class Performance:
    """One meeting on its way."""

    programme: Programme
    wire: Wire
    meeting: str
    pace: Pace = field(default_factory=Pace)

    async def play(self, url: str) -> Played:
        """Connect, send everything, close in good order. Raises HubbubError."""
        played = Played(self.meeting)
        try:
            async with connect(
                url.rstrip("/") + self.wire.path(self.meeting),
                open_timeout=_CONNECT_S,
                close_timeout=_CLOSE_S,
                compression=None,
                ping_interval=None,
            ) as socket:
                await self._perform(socket, played)
        except (OSError, TimeoutError, WebSocketException) as error:
            raise HubbubError(f"meeting {self.meeting}: {url}: {error or type(error).__name__}") from error
        return played

    async def _perform(self, socket: ClientConnection, played: Played) -> None:
        listener = asyncio.create_task(_listen(socket, played))
        try:
            await socket.send(self.wire.opening(self.meeting, self.programme.rate))
            await self._send_audio(socket, played)
            if self.wire.closing is None:
                await socket.close()
            else:
                await socket.send(self.wire.closing)
            await asyncio.wait_for(listener, _CLOSE_S)
        except ConnectionClosed:
            await listener  # it knows why
            raise
        finally:
            listener.cancel()

    async def _send_audio(self, socket: ClientConnection, played: Played) -> None:
        rate = self.programme.rate
        began, played.started_at_ms = time.monotonic(), time.time_ns() // 1_000_000
        for number, piece in enumerate(self.programme.pieces(self.pace.sizes(rate)), 1):
            wait_s = began + self.pace.due_s(piece.end, rate) - time.monotonic()
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            played.late_ms = max(played.late_ms, -wait_s * 1000)
            await socket.send(self.wire.message(piece, number, _captured_ms(played, piece, rate)))
            played.messages = number
            played.seconds = piece.end / rate


def _captured_ms(played: Played, piece: Piece, rate: int) -> int:
    return played.started_at_ms + piece.end * 1000 // rate


async def _listen(socket: ClientConnection, played: Played) -> None:
    """Count what the server answers. Raises HubbubError with the reason when it refuses."""
    async for message in socket:
        match orjson.loads(message):
            case {"type": "ack"}:
                played.acknowledged += 1
            case {"type": "gap"}:
                played.gaps += 1
            case {"type": "error", "message": reason}:
                raise HubbubError(f"meeting {played.meeting}: {reason}")
