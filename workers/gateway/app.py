"""The gateway process: results out, over HTTP, server-sent events and WebSockets."""

import asyncio
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI

from common.access import Access
from common.service import Service
from common.settings import GatewaySettings, Settings
from common.streams.deployment import join_deployment
from common.streams.result_log import ResultLog
from common.streams.tokens import TokenStore
from workers.gateway import failures, metrics
from workers.gateway.browser_policy import BrowserPolicy
from workers.gateway.fanout import Fanout
from workers.gateway.feed import Feed
from workers.gateway.gateway import Gateway
from workers.gateway.lookout import Lookout
from workers.gateway.pulse import Pulse
from workers.gateway.routes import live, meetings, operations, page
from workers.gateway.server import Server, listen
from workers.gateway.tailer import Tailer

GOODBYE_S = 3.0
"""For live readers to hear that the gateway goes, before the server cuts their connections."""


async def serve(settings: Settings, service: Service) -> None:
    """Serve until the service stops; then tell live readers to go on elsewhere, and close.

    Raises SettingsError when it would show meetings to a network without tokens.
    """
    access = Access(settings.access, TokenStore(service.redis), host=settings.gateway.host)
    await access.check_exposure("gateway")
    await join_deployment(service.redis, settings.shards)
    results = ResultLog(service.redis, settings.shards)
    lookout = Lookout(service.redis)
    gateway = build_gateway(settings.gateway, access, results, lookout=lookout, log=service.log)
    await gateway.tailer.start()
    with listen(settings.gateway) as listener:
        server = Server(build_app(gateway))
        async with asyncio.TaskGroup() as group:
            tailing = group.create_task(gateway.tailer.run(), name="tailer")
            serving = group.create_task(server.serve([listener]), name="server")
            host, port = listener.getsockname()[:2]
            service.ready(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")
            await service.stopping.wait()
            await gateway.fanout.close(GOODBYE_S)
            server.should_exit = True
            await serving
            tailing.cancel()


def build_gateway(
    settings: GatewaySettings, access: Access, results: ResultLog, *, lookout: Lookout, log: Any
) -> Gateway:
    """Put the parts of a gateway together."""
    pulse = Pulse()
    fanout = Fanout(capacity=settings.reader_buffer, max_readers=settings.max_readers)
    metrics.READERS.set_function(lambda: fanout.readers)
    return Gateway(
        settings=settings,
        access=access,
        results=results,
        fanout=fanout,
        feed=Feed(results, fanout, heartbeat_s=settings.heartbeat_s),
        tailer=Tailer(results, fanout, pulse, log=log),
        pulse=pulse,
        lookout=lookout,
    )


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
    app.add_middleware(BrowserPolicy)
    for routes in (meetings, live, operations, page):
        app.include_router(routes.router)
    page.mount_files(app)
    return app
