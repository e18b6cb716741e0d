"""A WebSocket as the endpoints see it: messages in, JSON out, closed with a reason."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import orjson
import structlog
from starlette.responses import JSONResponse
from starlette.websockets import WebSocket, WebSocketState

from common.errors import InvalidInput
from ingest import metrics
from ingest.refusals import Reason, Refused

NORMAL = 1000
_TOO_BIG = 1009
_SEND_S = 10
_CLOSE_REASON_BYTES = 123

log = structlog.get_logger()


class Gone(Exception):
    """The other side has closed the connection or is lost."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.finished = code == NORMAL


class Socket:
    """An accepted WebSocket of one wire format."""

    def __init__(self, websocket: WebSocket, wire: str) -> None:
        self._websocket = websocket
        self._wire = wire

    async def receive(self) -> bytes | str:
        """The next message. Raises Gone."""
        event = await self._websocket.receive()
        if event["type"] == "websocket.disconnect":
            if event.get("code") == _TOO_BIG:
                metrics.REFUSALS.labels(self._wire, Reason.TOO_LARGE).inc()
            raise Gone(event.get("code", 1005))
        message: bytes | str = event["bytes"] if event.get("bytes") is not None else event["text"]
        metrics.MESSAGES.labels(self._wire).inc()
        metrics.BYTES.labels(self._wire).inc(len(message))
        return message

    async def receive_within(self, within_ms: int | None) -> bytes | str | None:
        """The next message, or None where none comes in time. Raises Gone."""
        try:
            return await asyncio.wait_for(self.receive(), None if within_ms is None else within_ms / 1000)
        except TimeoutError:
            return None

    async def first(self, within_s: float) -> bytes | str:
        """The first message. Raises Gone, or Refused where none comes."""
        try:
            return await asyncio.wait_for(self.receive(), within_s)
        except TimeoutError as error:
            raise Refused(Reason.TOO_SLOW, f"no message within {within_s:g} s") from error

    async def send(self, message: Mapping[str, Any]) -> None:
        """A JSON message. Raises Gone when the other side does not read."""
        try:
            await asyncio.wait_for(self._websocket.send_text(orjson.dumps(message).decode()), _SEND_S)
        except (TimeoutError, RuntimeError, OSError) as error:
            raise Gone(1006) from error

    async def close(self, code: int, reason: str = "") -> None:
        """End it from this side, if it is not over yet."""
        if WebSocketState.DISCONNECTED in {self._websocket.application_state, self._websocket.client_state}:
            return
        short = reason.encode()[:_CLOSE_REASON_BYTES].decode(errors="ignore")
        await asyncio.wait_for(self._websocket.close(code, short), _SEND_S)

    async def refuse(self, refused: Refused) -> None:
        """Say what was wrong, and close."""
        metrics.REFUSALS.labels(self._wire, refused.reason).inc()
        log.warning("refused", wire=self._wire, reason=refused.reason, detail=str(refused))
        try:
            await self.send({"type": "error", "reason": refused.reason, "message": str(refused)})
            await self.close(refused.close_code, str(refused))
        except (Gone, TimeoutError, RuntimeError, OSError):
            return  # nobody is there to be told


async def deny(websocket: WebSocket, refused: Refused, wire: str) -> None:
    """Say what was wrong before the socket opens: an HTTP answer instead of it."""
    metrics.REFUSALS.labels(wire, refused.reason).inc()
    log.warning("denied", wire=wire, reason=refused.reason, detail=str(refused))
    body = {"error": {"reason": refused.reason, "message": str(refused)}}
    await websocket.send_denial_response(JSONResponse(body, refused.status))


@asynccontextmanager
async def accepted(websocket: WebSocket, wire: str) -> AsyncIterator[Socket]:
    """Accept; what is raised inside closes this connection and says why."""
    await websocket.accept()
    socket = Socket(websocket, wire)
    with metrics.CONNECTIONS.labels(wire).track_inprogress():
        try:
            yield socket
        except Gone:
            return
        except Refused as refused:
            await socket.refuse(refused)
        except InvalidInput as error:
            await socket.refuse(Refused(Reason.NAME, str(error)))
