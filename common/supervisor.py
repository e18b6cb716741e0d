"""Runs every pool on one machine, each as its own processes, and restarts what dies.

For one machine only: beyond it, whatever runs containers does this better.
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import IO

import structlog
from pydantic import SecretStr

from common.embedded import embedded_redis
from common.errors import HubbubError
from common.ports import reserved_port
from common.settings import RedisSettings, Settings
from common.streams.client import PASSING, connect
from common.streams.deployment import disable_pool
from common.streams.reports import ProcessReport, read_reports
from common.topology import OPTIONAL, POOLS

STOP_S = 20.0
BACKOFF_S = (0.2, 0.5, 1, 2, 5)
STABLE_S = 10.0
LOOK_S = 0.2
_NICENESS = MappingProxyType({"emitter": 10})
"""Transcription takes all the processor there is; keywords and the rest need little of it, but at once."""


@dataclass(frozen=True, slots=True)
class Running:
    """A system that serves."""

    ingest_url: str
    gateway_url: str
    redis_url: str
    supervision: asyncio.Task[None]

    async def until(self, interrupted: asyncio.Event) -> None:
        """Wait for an interruption. Raises HubbubError when a process keeps ending."""
        waiting = asyncio.ensure_future(interrupted.wait())
        await asyncio.wait({waiting, self.supervision}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if self.supervision.done():
            await self.supervision


@dataclass(slots=True)
class Supervisor:
    """Keeps `scale[pool]` processes of each pool alive. Their output goes to `output`, or where ours does."""

    environment: Mapping[str, str]
    scale: Mapping[str, int]
    output: IO[bytes] | None = None
    _processes: dict[str, asyncio.subprocess.Process] = field(default_factory=dict)
    _stopping: bool = False

    async def run(self) -> None:
        """Start everything and keep it alive until cancelled or told to stop."""
        async with asyncio.TaskGroup() as group:
            for pool, count in self.scale.items():
                for number in range(count):
                    group.create_task(self._keep(pool, f"{pool}-{number}"))

    async def stop(self) -> None:
        """Drain: ingest first, so that what was captured is still worked on; then the rest."""
        self._stopping = True
        for pools in (["ingest"], [pool for pool in POOLS if pool != "ingest"]):
            await asyncio.gather(
                *(self._end(name) for name in self._processes if name.rsplit("-", 1)[0] in pools)
            )

    async def _keep(self, pool: str, name: str) -> None:
        failures = 0
        while not self._stopping:
            began = time.monotonic()
            process = await self._start(pool)
            self._processes[name] = process
            status = await process.wait()
            if self._told_to_stop():
                return
            failures = 0 if time.monotonic() - began > STABLE_S else failures + 1
            delay = BACKOFF_S[min(failures, len(BACKOFF_S) - 1)]
            structlog.get_logger().error("process_ended", process=name, status=status, restart_in_s=delay)
            if failures >= len(BACKOFF_S):
                raise HubbubError(
                    f"{name} ended {failures} times in a row, the last time with status {status}"
                )
            await asyncio.sleep(delay)

    def _told_to_stop(self) -> bool:
        return self._stopping

    async def _start(self, pool: str) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            *own_command(),
            pool,
            env={**os.environ, **self.environment},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=self.output,
            stderr=self.output,
            start_new_session=True,
        )
        with suppress(ProcessLookupError):
            os.setpriority(os.PRIO_PROCESS, process.pid, _NICENESS.get(pool, 0))
        return process

    async def _end(self, name: str) -> None:
        process = self._processes[name]
        if process.returncode is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


def own_command() -> list[str]:
    """The installed `hubbub`, so that a listing of processes shows each pool by name."""
    installed = Path(sys.executable).with_name("hubbub")
    return [str(installed)] if installed.exists() else [sys.executable, "-m", "common"]


@asynccontextmanager
async def running(
    settings: Settings,
    *,
    redis_url: str | None,
    scale: Mapping[str, int],
    output: IO[bytes] | None = None,
    environment: Mapping[str, str] = MappingProxyType({}),
) -> AsyncIterator[Running]:
    """The whole system, ready, while the context lasts; leaving drains it.

    Port 0 picks a free one, which a process that is restarted keeps. `redis_url` None starts the
    embedded server; `environment` is what the processes see besides ours. Raises HubbubError when a
    process keeps ending.
    """
    with (
        embedded_redis() if redis_url is None else nullcontext(redis_url) as url,
        reserved_port(settings.ingest.host, settings.ingest.port) as ingest_port,
        reserved_port(settings.gateway.host, settings.gateway.port) as gateway_port,
    ):
        if redis_url is None:
            await _do_without(url, scale)
        places = _places(settings, url, ingest_port, gateway_port)
        supervisor = Supervisor({**environment, **places}, scale, output)
        async with _supervised(settings, url, supervisor) as system:
            yield system


async def _do_without(redis_url: str, scale: Mapping[str, int]) -> None:
    """A server of our own is for nobody else: pools that don't run here run nowhere."""
    redis = connect(RedisSettings(url=SecretStr(redis_url)))
    try:
        for pool in OPTIONAL:
            if not scale.get(pool):
                await disable_pool(redis, pool)
    finally:
        await redis.aclose()


@asynccontextmanager
async def _supervised(settings: Settings, redis_url: str, supervisor: Supervisor) -> AsyncIterator[Running]:
    work = asyncio.create_task(supervisor.run())
    try:
        reports = await _until_ready(settings, redis_url, supervisor.scale, work)
        urls = {report.pool: report.url for report in reports}
        yield Running(urls.get("ingest", ""), urls.get("gateway", ""), redis_url, work)
    finally:
        await supervisor.stop()
        await asyncio.gather(work, return_exceptions=True)


def _places(settings: Settings, redis_url: str, ingest_port: int, gateway_port: int) -> Mapping[str, str]:
    return {
        "HUBBUB_REDIS__URL": redis_url,
        "HUBBUB_INGEST__PORT": str(ingest_port),
        "HUBBUB_INGEST__SHARE_PORT": "true",
        "HUBBUB_GATEWAY__PORT": str(gateway_port),
        "HUBBUB_GATEWAY__SHARE_PORT": "true",
        "HUBBUB_SHARDS": str(settings.shards),
        "HUBBUB_METRICS_PORT": "0",
    }


async def _until_ready(
    settings: Settings, redis_url: str, scale: Mapping[str, int], work: asyncio.Task[None]
) -> Sequence[ProcessReport]:
    redis = connect(settings.redis.model_copy(update={"url": type(settings.redis.url)(redis_url)}))
    wanted = {pool for pool, count in scale.items() if count}
    try:
        while not work.done():
            try:
                reports = [report for report in await read_reports(redis) if report.ready]
            except PASSING as error:
                raise HubbubError(f"no Redis at {redis_url}: {error}") from error
            if wanted <= {report.pool for report in reports}:
                return reports
            await asyncio.sleep(LOOK_S)
        await work
        raise HubbubError("every process ended")
    finally:
        await redis.aclose()
