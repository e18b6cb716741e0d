"""The life of a process: logs, signals, health, a report on itself; ready, draining, gone.

The first SIGTERM or SIGINT drains, the second kills.
"""

import asyncio
import os
import secrets
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

import psutil
import structlog
from prometheus_client import Gauge
from redis.exceptions import AuthenticationError, NoPermissionError

from common.access import check_metrics_exposure
from common.clock import unix_ms
from common.errors import HubbubError
from common.health import HealthServer
from common.logs import configure_logs
from common.metrics import HEADROOM, SERVICE_LEVEL
from common.settings import Settings
from common.streams.client import PASSING, REFUSED, Client, check_cancelled, connect
from common.streams.reports import ProcessReport, erase_report, write_report

REPORT_S = 2.0
DRAIN_S = 15.0
SILENCE_S = 10.0
STUCK_S = 30.0
"""A forward pass of a large batch on a slow processor takes less."""
RETRY_S = 1.0

T = TypeVar("T")


class Stopped(Exception):
    """The process was told to stop while it still waited to begin."""


class Service:
    """What a process of any pool has at hand."""

    def __init__(self, pool: str, settings: Settings) -> None:
        self.pool = pool
        self.settings = settings
        self.member = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
        self.stopping = asyncio.Event()
        self.redis: Client = connect(settings.redis)
        self.log = structlog.get_logger()
        self._url = ""
        self._ready = False
        self._started_at_ms = unix_ms()
        self._beat_at = self._reported_at = time.monotonic()
        self._pulses: list[Callable[[], float]] = []
        self._changed = asyncio.Event()

    def ready(self, url: str = "") -> None:
        """Say that this process does its work now, and where it serves if it does."""
        self._url = url
        self._ready = True
        self._changed.set()
        self.log.info("ready", url=url)

    def follow(self, pulse: Callable[[], float]) -> None:
        """Count as alive only while a thread of this process turns; `pulse` says when it last did."""
        self._pulses.append(pulse)

    def is_alive(self) -> bool:
        """Whether the event loop and the stages still turn."""
        now = time.monotonic()
        return now - self._beat_at < SILENCE_S and all(now - pulse() < STUCK_S for pulse in self._pulses)

    def is_ready(self) -> bool:
        """Whether work should be sent here: not to who is stuck, goes, or cannot reach Redis."""
        reached = time.monotonic() - self._reported_at < SILENCE_S
        return self._ready and not self.stopping.is_set() and reached and self.is_alive()

    async def insist(self, call: Callable[[], Awaitable[T]]) -> T:
        """What a call comes to, which is repeated until Redis answers it.

        Raises Stopped when told to stop meanwhile, HubbubError where Redis lets nobody in.
        """
        while True:
            try:
                return await call()
            except AuthenticationError as error:
                raise HubbubError(f"Redis: {error}") from error
            except PASSING as error:
                self.log.warning("waiting_for_redis", error=str(error))
            with suppress(TimeoutError):
                async with asyncio.timeout(RETRY_S):
                    await self.stopping.wait()
            if self.stopping.is_set():
                raise Stopped

    def stop(self) -> None:
        """Drain; when asked again, end at once."""
        if self.stopping.is_set():
            os._exit(128 + signal.SIGTERM)
        self.log.info("draining")
        self.stopping.set()

    async def report(self, metrics_port: int) -> None:
        """Write the process's report every two seconds, until cancelled."""
        process = psutil.Process()
        while True:
            check_cancelled()
            self._beat_at = time.monotonic()
            try:
                async with asyncio.timeout(SILENCE_S / 2):
                    await write_report(self.redis, self._report(process, metrics_port))
                self._reported_at = time.monotonic()
            except (TimeoutError, *PASSING) as error:
                self.log.warning("report_lost", error=str(error))
            self._changed.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(REPORT_S):
                    await self._changed.wait()

    def _report(self, process: psutil.Process, metrics_port: int) -> ProcessReport:
        cpu = process.cpu_times()
        return ProcessReport(
            pool=self.pool,
            member=self.member,
            pid=process.pid,
            host=socket.gethostname(),
            ready=int(self.is_ready()),
            started_at_ms=self._started_at_ms,
            cpu_s=round(cpu.user + cpu.system, 2),
            rss_bytes=process.memory_info().rss,
            metrics_port=metrics_port,
            url=self._url,
            level=int(_value(SERVICE_LEVEL)),
            headroom=round(_value(HEADROOM), 2),
        )


def _value(gauge: Gauge) -> float:
    [metric] = gauge.collect()
    return metric.samples[0].value


Main = Callable[[Settings, Service], Awaitable[None]]


def run_service(pool: str, settings: Settings, main: Main) -> int:
    """Run a pool's main until it ends or is told to; returns the exit status."""
    configure_logs(settings.log, pool=pool, pid=str(os.getpid()))
    failures: list[Exception] = []
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        try:
            runner.run(_live(pool, settings, main))
        except* HubbubError as group:
            failures = _leaves(group)
        except* NoPermissionError as refused:
            failures += [HubbubError(f"Redis: {error}; {REFUSED}") for error in _leaves(refused)]
    for error in failures:
        structlog.get_logger().error("failed", reason=str(error))
    return 1 if failures else 0


async def _live(pool: str, settings: Settings, main: Main) -> None:
    check_metrics_exposure(settings)
    service = Service(pool, settings)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, service.stop)
    health = HealthServer(
        settings.metrics_host, settings.metrics_port, alive=service.is_alive, ready=service.is_ready
    )
    try:
        with health:
            async with asyncio.TaskGroup() as group:
                report = group.create_task(service.report(health.port))
                await _until_drained(service, _begin(main, settings, service))
                report.cancel()
            with suppress(*PASSING):  # it is forgotten by itself soon
                await erase_report(service.redis, pool, service.member)
    finally:
        await service.redis.aclose()


async def _begin(main: Main, settings: Settings, service: Service) -> None:
    with suppress(Stopped):
        await service.insist(service.redis.ping)
        await main(settings, service)


async def _until_drained(service: Service, main: Awaitable[None]) -> None:
    """Run the main; once it is told to stop it has some seconds to do so."""
    work = asyncio.ensure_future(main)
    stop = asyncio.ensure_future(service.stopping.wait())
    await asyncio.wait({work, stop}, return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    try:
        async with asyncio.timeout(DRAIN_S if service.stopping.is_set() else None):
            await work
    except TimeoutError as error:
        raise HubbubError(f"{service.pool} did not drain within {DRAIN_S:.0f} s") from error


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    import uvloop  # noqa: PLC0415  # not on every platform

    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


def _leaves(group: BaseExceptionGroup[Exception]) -> list[Exception]:
    found: list[Exception] = []
    for error in group.exceptions:
        found += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found
