"""What processes say about themselves, for `hubbub status` and whoever waits for readiness."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from common.streams import keys
from common.streams.client import Client
from common.topology import POOLS

KEPT_S = 10


@dataclass(frozen=True, slots=True)
class ProcessReport:
    """One process. CPU in seconds since its start, memory resident; `url` where it serves.

    `level` is the worst service level it gives a meeting, `headroom` how many more meetings it
    could give full service; other pools than the emitter say 0.
    """

    pool: str
    member: str
    pid: int
    host: str
    ready: int
    started_at_ms: int
    cpu_s: float
    rss_bytes: int
    metrics_port: int
    url: str = ""
    level: int = 0
    headroom: float = 0.0


async def write_report(redis: Client, report: ProcessReport) -> None:
    """Replace a process's report; one that stops reporting is forgotten after some seconds."""
    key = keys.process(report.pool, report.member)
    async with redis.pipeline(transaction=True) as pipeline:
        pipeline.hset(key, mapping=asdict(report))
        pipeline.expire(key, KEPT_S)
        await pipeline.execute()


async def erase_report(redis: Client, pool: str, member: str) -> None:
    """A process that ends says so."""
    await redis.delete(keys.process(pool, member))


async def read_reports(redis: Client) -> list[ProcessReport]:
    """All processes that reported lately, by pool."""
    found = [key async for key in redis.scan_iter(match=keys.process("*", "*"), count=1000)]
    pipeline = redis.pipeline(transaction=False)
    for key in found:
        pipeline.hgetall(key)
    reports = [_parse(stored) for stored in await pipeline.execute() if stored]
    return sorted(reports, key=lambda r: (POOLS.index(r.pool), r.started_at_ms, r.member))


def _parse(stored: Mapping[bytes, bytes]) -> ProcessReport:
    text = {key.decode(): value.decode() for key, value in stored.items()}
    return ProcessReport(
        pool=text["pool"],
        member=text["member"],
        pid=int(text["pid"]),
        host=text["host"],
        ready=int(text["ready"]),
        started_at_ms=int(text["started_at_ms"]),
        cpu_s=float(text["cpu_s"]),
        rss_bytes=int(text["rss_bytes"]),
        metrics_port=int(text["metrics_port"]),
        url=text["url"],
        level=int(text["level"]),
        headroom=float(text["headroom"]),
    )
