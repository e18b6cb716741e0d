"""The ingest process: its routes, its server, its life."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute

from common.access import Access
from common.audio import ms_to_samples
from common.clock import SteadyClock
from common.service import Service
from common.settings import IngestSettings, Settings
from common.streams.audio_log import AudioLog
from common.streams.bots import BotLog
from common.streams.client import Client
from common.streams.commands import CommandLog
from common.streams.deployment import join_deployment
from common.streams.live_meetings import LiveMeetings
from common.streams.replicas import wait_command
from common.streams.tokens import TokenStore
from common.tls import Certificate
from ingest.bots import Bots
from ingest.door import Door
from ingest.endpoints import Endpoints
from ingest.layouts import Cutting
from ingest.meetings import Meetings, Patience
from ingest.orphans import Orphans
from ingest.server import Server, listening, server_config
from ingest.sink import AudioSink
from ingest.tracks import ChunkSize
from ingest.uploads import Uploads
from ingest.writer import Writer

_DRAIN_S = 5
_MISSED_LOOKS_MS = 3000


async def serve(settings: Settings, service: Service) -> None:
    """Take audio until told to stop; then close the connections, and write what they left.

    Raises SettingsError when it would take audio from a network without tokens.
    """
    ingest = settings.ingest
    access = Access(settings.access, TokenStore(service.redis), host=ingest.host)
    await service.insist(lambda: access.check_exposure("ingest"))
    certificate = Certificate.load(ingest, "ingest")
    await service.insist(lambda: join_deployment(service.redis, settings.shards))
    wait = wait_command(settings.redis)
    sink = AudioLog(service.redis, settings.shards, settings.redis.backlog_limit, wait=wait)
    writer = Writer(sink, SteadyClock().now_ms)
    meetings = new_meetings(sink, writer, ingest)
    orphans = Orphans(sink, meetings.held, int((ingest.grace_s + ingest.orphan_s) * 1000))
    bots = Bots(BotLog(service.redis, settings.shards), CommandLog(service.redis), service.member)
    door = new_door(access, service.redis, ingest)
    with listening(ingest) as listener:
        app = _app(routes(meetings, ingest, bots, door), service)
        server = Server(server_config(app, ingest, certificate))
        scheme = "ws" if certificate is None else "wss"
        async with _beside(writer, meetings, orphans, bots, door, *([certificate] if certificate else [])):
            stopping = asyncio.create_task(_stop_with(service, server))
            service.ready("{}://{}:{}".format(scheme, *listener.getsockname()[:2]))
            await server.serve([listener])
            service.stopping.set()
            await stopping
            await writer.drained(_DRAIN_S)
            await meetings.close()


class _Job(Protocol):
    async def run(self) -> None: ...


@asynccontextmanager
async def _beside(*jobs: _Job) -> AsyncIterator[None]:
    """Run jobs until the context is left; one that fails ends it."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(job.run()) for job in jobs]
        yield
        for task in tasks:
            task.cancel()


def new_meetings(sink: AudioSink, writer: Writer, settings: IngestSettings) -> Meetings:
    """The registry of meetings, as configured."""
    cutting = Cutting(
        ChunkSize.of_ms(settings.chunk_min_ms, settings.chunk_max_ms),
        ms_to_samples(settings.gap_ms),
        ms_to_samples(settings.no_speaker_ms),
        settings.max_tracks,
    )
    patience = Patience(int(settings.grace_s * 1000), settings.backlog_patience_ms)
    return Meetings(sink, writer, cutting=cutting, patience=patience, now_ms=writer.now_ms)


def new_door(access: Access, redis: Client, settings: IngestSettings) -> Door:
    """What lets connections in, as configured. A meeting counts as heard until its grace is over."""
    live = LiveMeetings(redis, int(settings.grace_s * 1000) + _MISSED_LOOKS_MS)
    return Door(access, live, settings)


def routes(meetings: Meetings, settings: IngestSettings, bots: Bots, door: Door) -> list[BaseRoute]:
    """Where audio comes in. MeetStream may put the bot's id before the path it was given."""
    endpoints = Endpoints(meetings, settings, bots, door)
    meetstream = [
        WebSocketRoute(f"{prefix}/v1/meetstream/{name}{suffix}", door.guarding(wire, endpoint))
        for name, wire, endpoint in (
            ("audio", "meetstream", endpoints.meetstream_audio),
            ("control", "control", endpoints.meetstream_control),
        )
        for prefix in ("", "/{bot_id}")
        for suffix in ("", "/{token}")
    ]
    path = "/v1/meetings/{meeting_id:path}/audio"
    uploads = Uploads(meetings, door, settings)
    generic = door.guarding("generic", endpoints.generic)
    return [WebSocketRoute(path, generic), Route(path, uploads.post, methods=["POST"]), *meetstream]


def _app(served: list[BaseRoute], service: Service) -> Starlette:
    def healthz(_: Request) -> Response:
        return _answer(good=service.is_alive())

    def readyz(_: Request) -> Response:
        return _answer(good=service.is_ready())

    def metrics(_: Request) -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    pages = [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)]
    return Starlette(routes=[*served, *pages])


def _answer(*, good: bool) -> Response:
    return PlainTextResponse("ok\n" if good else "not ready\n", 200 if good else 503)


async def _stop_with(service: Service, server: uvicorn.Server) -> None:
    await service.stopping.wait()
    server.should_exit = True
