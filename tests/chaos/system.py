"""A whole system to be broken: a server, a slow line to it, and the processes of every pool."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from common.ports import reserved_port
from common.streams.client import PASSING, Client
from common.streams.reports import read_reports
from tests.chaos.broker import Broker, url_at
from tests.chaos.clocks import Clock, find_library
from tests.chaos.faults import DISTURBED
from tests.chaos.fleet import Fleet
from tests.chaos.line import Line

SHARDS = 8
LEASE_S = 2.0
READY_WITHIN_S = 240
MEMBERS = 2
PINNED = {
    "HUBBUB_SHARDS": str(SHARDS),
    "HUBBUB_REDIS__LEASE_MS": str(int(LEASE_S * 1000)),
    "HUBBUB_EMITTER__QUALITY": "busy",
    "HUBBUB_EMITTER__DRAFTS": "false",
    "HUBBUB_EMITTER__PARTIAL_MS": "3000",
    "HUBBUB_KEYWORD__QUALITY": "full",
    "HUBBUB_KEYWORD__PHRASES": '[{"text": "next slide"}, {"text": "wonderful news"}]',
    "HUBBUB_VAD__QUIET_SOURCE_MS": "30000",
    "HUBBUB_INGEST__GRACE_S": "1.5",
    "HUBBUB_INGEST__ORPHAN_S": "14",
    "HUBBUB_LOG__FORMAT": "json",
}
"""Texts depend on nothing but the audio, a run is cheap, and a quiet line is no quiet source."""


@dataclass(frozen=True, slots=True)
class System:
    """A running system, and the handles to break it."""

    broker: Broker
    line: Line
    fleet: Fleet
    clocks: Mapping[str, Clock]
    ingest_url: str
    redis: Client


@asynccontextmanager
async def running(
    folder: Path, *, members: int = MEMBERS, settings: Mapping[str, str] = PINNED, jumpy: bool = True
) -> AsyncIterator[System]:
    """Every pool with so many processes, ready, until the block ends.

    Clocks that can jump (`jumpy`) have a price: threads of a process then wait longer for each other.
    """
    library = find_library() if jumpy else ""
    clocks = {name: Clock(folder / f"clock-{name}", library) for name in (*DISTURBED, "redis")}
    for clock in clocks.values():
        clock.jump(0)
    broker = Broker(folder / "redis", clocks["redis"])
    broker.start()
    line = Line(broker.port)
    await line.open()
    redis = broker.client()
    with reserved_port("127.0.0.1", 0) as port:
        own = {"HUBBUB_INGEST__PORT": str(port), "HUBBUB_INGEST__SHARE_PORT": "true"}
        fleet = Fleet({**settings, **own}, broker.url, url_at(line.port), clocks, folder)
        watch = asyncio.create_task(fleet.watch())
        try:
            for pool in (*DISTURBED, "jobs"):
                for _ in range(members if pool in DISTURBED else 1):
                    fleet.start(pool)
            await until_ready(redis, fleet)
            yield System(broker, line, fleet, clocks, f"ws://127.0.0.1:{port}", redis)
        finally:
            watch.cancel()
            await fleet.stop()
            await line.close()
            await redis.aclose()
            broker.kill()


async def until_ready(redis: Client, fleet: Fleet) -> None:
    """Every process that lives says that it is ready. Raises TimeoutError."""
    async with asyncio.timeout(READY_WITHIN_S):
        while True:
            wanted = {pid for pids in fleet.pids().values() for pid in pids}
            try:
                ready = {report.pid for report in await read_reports(redis) if report.ready}
            except PASSING:
                ready = set()
            if wanted <= ready and len(wanted) == len(fleet.members):
                return
            await asyncio.sleep(0.3)


def be_polite() -> None:
    """Other work on this machine goes first, and our processes inherit that."""
    os.nice(max(0, 10 - os.nice(0)))
