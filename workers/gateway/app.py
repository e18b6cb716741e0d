"""The gateway process: results out, over HTTP, server-sent events and WebSockets."""

import asyncio
import socket
from importlib.metadata import version
from typing import Any

import httpx
from fastapi import FastAPI

from common.access import Access
from common.service import Service
from common.settings import Settings
from common.streams.audio_log import AudioLog
from common.streams.audit import AuditLog
from common.streams.bots import BotLog
from common.streams.client import Client
from common.streams.commands import CommandLog
from common.streams.deployment import join_deployment
from common.streams.erasure import Erasure
from common.streams.meeting_reports import ReportShelf
from common.streams.result_log import ResultLog
from common.streams.tokens import TokenStore
from common.tls import Certificate
from workers.gateway import failures, metrics
from workers.gateway.body_limit import BodyLimit
from workers.gateway.bots import BotDesk
from workers.gateway.browser_policy import BrowserPolicy
from workers.gateway.fanout import Fanout
from workers.gateway.feed import Feed
from workers.gateway.gateway import Gateway
from workers.gateway.lessons import LessonDesk
from workers.gateway.lookout import Lookout
from workers.gateway.meetstream import MeetStream
from workers.gateway.openapi import describe
from workers.gateway.pulse import Pulse
from workers.gateway.routes import (
    bots,
    coaching,
    deletion,
    live,
    meetings,
    operations,
    page,
    reports,
    webhooks,
)
from workers.gateway.server import Server, listen
from workers.gateway.tailer import Tailer
from workers.gateway.webhooks import WebhookDesk

MOST_BODY_BYTES = 10 * 1024 * 1024
"""Of a request: enough for a minute of speech."""
GOODBYE_S = 3.0
"""For live readers to hear that the gateway goes, before the server cuts their connections."""


async def serve(settings: Settings, service: Service) -> None:
    """Serve until the service stops; then tell live readers to go on elsewhere, and close.

    Raises SettingsError when it would show meetings to a network without tokens.
    """
    access = Access(settings.access, TokenStore(service.redis), host=settings.gateway.host)
    await service.insist(lambda: access.check_exposure("gateway"))
    certificate = Certificate.load(settings.gateway, "gateway")
    await service.insist(lambda: join_deployment(service.redis, settings.shards))
    async with httpx.AsyncClient(timeout=settings.meetstream.timeout_s) as web:
        gateway = build_gateway(settings, access, service.redis, web, log=service.log)
        await service.insist(gateway.tailer.start)
        with listen(settings.gateway) as listener:
            await _serve_on(listener, gateway, service, certificate)


async def _serve_on(
    listener: socket.socket, gateway: Gateway, service: Service, certificate: Certificate | None
) -> None:
    server = Server(build_app(gateway), certificate)
    async with asyncio.TaskGroup() as group:
        beside = [group.create_task(gateway.tailer.run(), name="tailer")]
        if certificate is not None:
            beside.append(group.create_task(certificate.run(), name="certificate"))
        serving = group.create_task(server.serve([listener]), name="server")
        host, port = listener.getsockname()[:2]
        scheme = "http" if certificate is None else "https"
        service.ready(f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}")
        await service.stopping.wait()
        await gateway.fanout.close(GOODBYE_S)
        server.should_exit = True
        await serving
        for task in beside:
            task.cancel()


def build_gateway(
    settings: Settings, access: Access, redis: Client, web: httpx.AsyncClient, *, log: Any
) -> Gateway:
    """Put the parts of a gateway together."""
    results = ResultLog(redis, settings.shards)
    own = settings.gateway
    pulse = Pulse()
    fanout = Fanout(capacity=own.reader_buffer, max_readers=own.max_readers)
    metrics.READERS.set_function(lambda: fanout.readers)
    return Gateway(
        settings=own,
        access=access,
        results=results,
        fanout=fanout,
        feed=Feed(results, fanout, heartbeat_s=own.heartbeat_s),
        tailer=Tailer(results, fanout, pulse, log=log),
        pulse=pulse,
        lookout=Lookout(redis),
        bots=_bot_desk(settings, redis, web),
        webhooks=WebhookDesk(redis, settings.webhooks),
        lessons=LessonDesk(redis, AudioLog(redis, settings.shards, settings.redis.backlog_limit)),
        erasure=Erasure(redis, settings.shards),
        audit=AuditLog(redis),
        reports=ReportShelf(redis, settings.shards),
    )


def _bot_desk(settings: Settings, redis: Client, web: httpx.AsyncClient) -> BotDesk:
    vendor = MeetStream(settings.meetstream, web)
    return BotDesk(BotLog(redis, settings.shards), CommandLog(redis), vendor, settings.meetstream)


def build_app(gateway: Gateway) -> FastAPI:
    """The web application of a gateway."""
    app = FastAPI(
        title="Hubbub gateway",
        version=version("hubbub"),
        description="Live captions, keywords and mood of meetings.",
        docs_url=None,
        redoc_url=None,
    )
    app.state.gateway = gateway
    failures.install(app)
    app.add_middleware(BodyLimit, most_bytes=MOST_BODY_BYTES)
    app.add_middleware(BrowserPolicy)
    for routes in (meetings, deletion, bots, live, reports, coaching, webhooks, operations, page):
        app.include_router(routes.router)
    page.mount_files(app)
    describe(app)
    return app
