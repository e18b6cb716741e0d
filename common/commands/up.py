"""`hubbub up`: every pool on this machine, supervised."""

import asyncio
import signal
from typing import Annotated

import typer

from common.errors import SettingsError
from common.logs import configure_logs
from common.redaction import redacted
from common.settings import Settings, load_settings
from common.supervisor import Running, running
from common.topology import POOLS

DEFAULT_SCALE = dict.fromkeys(POOLS, 1)

RedisOption = Annotated[
    str | None, typer.Option("--redis", help="Use this Redis instead of an embedded one.")
]
ScaleOption = Annotated[str, typer.Option(help="Processes a pool, such as vad=2,emitter=1.")]
IngestPortOption = Annotated[int | None, typer.Option(help="Port for audio; 0 picks a free one.")]
GatewayPortOption = Annotated[int | None, typer.Option(help="Port for results; 0 picks a free one.")]


def up(
    redis: RedisOption = None,
    scale: ScaleOption = "",
    ingest_port: IngestPortOption = None,
    gateway_port: GatewayPortOption = None,
) -> None:
    """Run the whole system on this machine until interrupted."""
    settings = with_ports(load_settings(), ingest_port, gateway_port)
    configure_logs(settings.log, pool="up")
    asyncio.run(_up(settings, redis, parse_scale(scale)))


async def _up(settings: Settings, redis: str | None, scale: dict[str, int]) -> None:
    interrupted = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, interrupted.set)
    async with running(settings, redis_url=redis, scale=scale) as system:
        typer.echo(ready_line(system))
        await system.until(interrupted)


def ready_line(system: Running) -> str:
    """The one line that says the system serves; without the password of Redis, if there is one."""
    return f"ready ingest={system.ingest_url} gateway={system.gateway_url} redis={redacted(system.redis_url)}"


def with_ports(settings: Settings, ingest_port: int | None, gateway_port: int | None) -> Settings:
    """Settings with the ports that flags name."""
    changes: dict[str, object] = {}
    if ingest_port is not None:
        changes["ingest"] = settings.ingest.model_copy(update={"port": ingest_port})
    if gateway_port is not None:
        changes["gateway"] = settings.gateway.model_copy(update={"port": gateway_port})
    return settings.model_copy(update=changes)


def parse_scale(text: str) -> dict[str, int]:
    """Processes a pool from `vad=2,emitter=1`; pools not named have one. Raises SettingsError."""
    scale = dict(DEFAULT_SCALE)
    for part in filter(None, text.split(",")):
        pool, _, count = part.partition("=")
        if pool not in scale or not count.isdecimal():
            raise SettingsError(f"--scale {part!r}: want POOL=COUNT, with POOL one of {', '.join(scale)}")
        scale[pool] = int(count)
    return scale
