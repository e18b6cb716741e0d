"""A server on loopback that behaves as MeetStream's API is documented to."""

import asyncio
import socket
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from common.settings import MeetStreamSettings

API_KEY = "ms-key-0123456789"


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the test run."""
        yield


@dataclass
class Vendor:
    """Bots by id as they were ordered, what they were told to write, and how to answer next."""

    url: str = ""
    id_field: str = "bot_id"
    bots: dict[str, dict[str, Any]] = field(default_factory=dict)
    requests: dict[str, str] = field(default_factory=dict)
    chat: list[tuple[str, str]] = field(default_factory=list)
    trouble: deque[Response | str] = field(default_factory=deque)
    asked: int = 0

    async def answer(self, request: Request) -> Response:
        """The documented answers, after what trouble there is."""
        self.asked += 1
        if self.trouble:
            trouble = self.trouble.popleft()
            if isinstance(trouble, Response):
                return trouble
            if trouble == "after":
                await self._act(request)
            await asyncio.sleep(3600)
        return await self._act(request)

    async def _act(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Token {API_KEY}":
            return said(403, "Invalid API key")
        if request.url.path.endswith("/create_bot"):
            return self._create(orjson.loads(await request.body()), request.headers.get("idempotency-key"))
        bot_id = request.path_params["bot_id"]
        if bot_id not in self.bots:
            return said(404, "Bot not found")
        if request.url.path.endswith("/send_message"):
            self.chat.append((bot_id, orjson.loads(await request.body())["message"]))
        elif request.url.path.endswith("/remove_bot"):
            del self.bots[bot_id]
        return JSONResponse({"bot_id": bot_id, "status": "InMeeting"})

    def _create(self, order: dict[str, Any], key: str | None) -> Response:
        if "meet.google.com" not in order["meeting_link"]:
            return said(400, "Unsupported meeting\nlink")
        if key is not None and key in self.requests:
            return JSONResponse({self.id_field: self.requests[key]}, 507)
        bot_id = str(uuid4())
        self.bots[bot_id] = order
        if key is not None:
            self.requests[key] = bot_id
        body = {self.id_field: bot_id, "transcript_id": None, "meeting_url": order["meeting_link"]}
        return JSONResponse(body, 201)


def said(status: int, message: str, **headers: str) -> Response:
    return JSONResponse({"message": message}, status, {k.replace("_", "-"): v for k, v in headers.items()})


@asynccontextmanager
async def vendor_api() -> AsyncIterator[Vendor]:
    """Serve while the context lasts."""
    vendor = Vendor()
    routes = [
        Route("/api/v1/bots/create_bot", vendor.answer, methods=["POST"]),
        Route("/api/v1/bots/{bot_id}/remove_bot", vendor.answer, methods=["GET"]),
        Route("/api/v1/bots/{bot_id}/status", vendor.answer, methods=["GET"]),
        Route("/api/v1/bots/{bot_id}/send_message", vendor.answer, methods=["POST"]),
    ]
    config = uvicorn.Config(
        Starlette(routes=routes),
        log_config=None,
        log_level="warning",
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=1,
    )
    server = _Server(config)
    listener = socket.create_server(("127.0.0.1", 0))
    serving = asyncio.create_task(server.serve([listener]))
    vendor.url = "http://{}:{}/api/v1".format(*listener.getsockname())
    try:
        yield vendor
    finally:
        server.should_exit = server.force_exit = True
        await serving
        listener.close()


def account(
    vendor: Vendor, ingest_url: str = "wss://ingest.example.org", **changes: object
) -> MeetStreamSettings:
    """Settings of a gateway that may send bots."""
    return MeetStreamSettings(api_key=API_KEY, base_url=vendor.url, ingest_url=ingest_url, **changes)
