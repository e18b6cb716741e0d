"""Plays a programme over a socket as time passes, or faster."""

import asyncio
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle, repeat

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from common.clock import unix_ms
from common.errors import HubbubError
from ingest.player.programme import Piece, Programme
from ingest.player.wires import Wire

_CONNECT_S = 10
_CLOSE_S = 30
# A client that comes back at once finds the process that was killed still on its way up.
_RETRY_S, _LONGEST_RETRY_S = 0.1, 2.0
_AWAY_S = 20.0
_STABLE_S = 1.0
_UNAVAILABLE = 503
_MOST_KEPT = 4096
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
    reconnects: int = 0
    late_ms: float = 0.0
    started_at_ms: int = 0


@dataclass(slots=True)
class Performance:
    """One meeting on its way."""

    programme: Programme
    wire: Wire
    meeting: str
    pace: Pace = field(default_factory=Pace)
    token: str = ""

    async def play(self, url: str) -> Played:
        """Connect, send everything, close in good order; a connection that is lost is made again.

        Raises HubbubError: when the first connection cannot be had, when the server refuses, and
        when it stays away.
        """
        played = Played(self.meeting)
        show, away = _Show(self, played), _Away()
        while True:
            try:
                await show.go_on(url)
            except (ConnectionClosed, InvalidStatus, OSError, TimeoutError) as error:
                if not (show.has_begun and _may_pass(error) and await away.wait(show.connected_at)):
                    raise self._failed(url, error) from error
                played.reconnects += 1
            except WebSocketException as error:
                raise self._failed(url, error) from error
            else:
                return played

    def _failed(self, url: str, error: Exception) -> HubbubError:
        detail = error.response.body.decode() if isinstance(error, InvalidStatus) else ""
        return HubbubError(f"meeting {self.meeting}: {url}: {error or type(error).__name__} {detail}".strip())


def _may_pass(error: Exception) -> bool:
    """Whether a server that denies the connection may take it later: it could not look the token up."""
    return not isinstance(error, InvalidStatus) or error.response.status_code == _UNAVAILABLE


class _Away:
    """How long to wait before each try to come back."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._next_s = _RETRY_S

    async def wait(self, connected_at: float) -> bool:
        """Wait, unless this has gone on for too long. `connected_at`: when the last connection began."""
        now = time.monotonic()
        if self._since is None or self._since <= connected_at <= now - _STABLE_S:
            self._since, self._next_s = now, _RETRY_S
        if now + self._next_s - self._since > _AWAY_S:
            return False
        await asyncio.sleep(self._next_s)
        self._next_s = min(2 * self._next_s, _LONGEST_RETRY_S)
        return True


class _Show:
    """A performance over one connection after another."""

    def __init__(self, performance: Performance, played: Played) -> None:
        self.has_begun = False
        self.connected_at = 0.0
        self._programme, self._wire = performance.programme, performance.wire
        self._pace, self._played = performance.pace, played
        self._headers = {"Authorization": f"Bearer {performance.token}"} if performance.token else None
        self._began = 0.0
        self._numbered = enumerate(self._programme.pieces(self._pace.sizes(self._programme.rate)), 1)
        self._next: tuple[int, Piece] | None = next(self._numbered, None)
        self._unacknowledged: deque[tuple[int, bytes | str]] = deque(maxlen=_MOST_KEPT)

    async def go_on(self, url: str) -> None:
        """To the end, over a new connection. Raises HubbubError with the reason when the server refuses."""
        async with connect(
            url.rstrip("/") + self._wire.path(self._played.meeting),
            additional_headers=self._headers,
            open_timeout=_CONNECT_S,
            close_timeout=_CLOSE_S,
            compression=None,
            ping_interval=None,
        ) as socket:
            self.connected_at = time.monotonic()
            listener = asyncio.create_task(self._listen(socket))
            try:
                await self._send_all(socket)
                await asyncio.wait_for(listener, _CLOSE_S)
            except ConnectionClosed:
                await listener  # it knows why
                raise
            finally:
                listener.cancel()

    async def _send_all(self, socket: ClientConnection) -> None:
        await socket.send(self._wire.opening(self._played.meeting, self._programme.rate))
        if self.has_begun:
            await self._catch_up(socket)
        else:
            self._began, self._played.started_at_ms = time.monotonic(), unix_ms()
            self.has_begun = True
        await self._send_audio(socket)
        if self._wire.closing is None:
            await socket.close()
        else:
            await socket.send(self._wire.closing)

    async def _catch_up(self, socket: ClientConnection) -> None:
        """Again what was not acknowledged; live audio that nobody acknowledges is gone by now."""
        for _, message in list(self._unacknowledged):
            await socket.send(message)
        while not self._wire.acknowledged and self._next and self._wait_s(self._next[1]) < 0:
            self._next = next(self._numbered, None)

    async def _send_audio(self, socket: ClientConnection) -> None:
        played = self._played
        while self._next is not None:
            number, piece = self._next
            wait_s = self._wait_s(piece)
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            played.late_ms = max(played.late_ms, -wait_s * 1000)
            message = self._wire.message(piece, number, self._captured_ms(piece))
            if self._wire.acknowledged:
                self._unacknowledged.append((number, message))
            self._next = next(self._numbered, None)
            played.messages, played.seconds = number, piece.end / self._programme.rate
            await socket.send(message)

    def _wait_s(self, piece: Piece) -> float:
        return self._began + self._pace.due_s(piece.end, self._programme.rate) - time.monotonic()

    def _captured_ms(self, piece: Piece) -> int:
        return self._played.started_at_ms + piece.end * 1000 // self._programme.rate

    async def _listen(self, socket: ClientConnection) -> None:
        """Hear what the server answers. Raises HubbubError with the reason when it refuses."""
        async for message in socket:
            match orjson.loads(message):
                case {"type": "ack", "seq": seq}:
                    self._acknowledge(seq)
                case {"type": "gap"}:
                    self._played.gaps += 1
                case {"type": "error", "reason": "unavailable"}:
                    continue  # it closes now; later it may be there
                case {"type": "error", "message": reason}:
                    raise HubbubError(f"meeting {self._played.meeting}: {reason}")

    def _acknowledge(self, seq: int) -> None:
        while self._unacknowledged and self._unacknowledged[0][0] <= seq:
            self._unacknowledged.popleft()
            self._played.acknowledged += 1
