"""What webhooks cost, and what receivers that hang cost a receiver that does not.

    python -m benchmarks.webhooks [--burst 1000] [--seconds 15] [--rate 20] [--hanging 0 30] [--json FILE]

- job: what RQ takes for a job that does nothing, one after another in one worker;
- burst: so many results are there when `hubbub jobs` starts; deliveries a second until the last;
- live: results come at a rate, while other receivers, of one meeting in fifty, hang; from a result's
  publication to its arrival.

`hubbub jobs` is a process of its own; the receivers are in this one.
"""

import argparse
import asyncio
import json
import os
import sys
import threading
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from secrets import token_hex

import numpy as np
from pydantic import SecretStr
from redis import Redis
from rich.console import Console
from rich.table import Table
from rq import Queue
from rq.serializers import JSONSerializer

from benchmarks.machine import machine_line
from common.clock import unix_ms
from common.embedded import embedded_redis
from common.identity import Speaker
from common.results import Transcript
from common.settings import RedisSettings
from common.streams.audio_log import AudioLog
from common.streams.client import Client, connect
from common.streams.deployment import join_deployment
from common.streams.subscriptions import SubscriptionStore
from common.webhooks import Subscription, new_secret
from workers.jobs.worker import ThreadWorker, run_jobs

SHARDS = 8
JOBS = 300
OK = b"HTTP/1.1 204 No Content\r\n\r\n"


@dataclass
class Receiver:
    """Answers at once, or never; remembers when which utterance came first."""

    hangs: bool = False
    came: dict[str, float] = field(default_factory=dict)
    url: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take requests on one connection."""
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r")[0])
                body = json.loads(await reader.readexactly(length))
                self.came.setdefault(body["data"]["utterance"], time.time())
                if self.hangs:
                    await reader.read()
                    break
                writer.write(OK)
        writer.close()


@dataclass(frozen=True)
class Row:
    """One measurement. Times in milliseconds."""

    what: str
    deliveries: int
    a_second: float
    p50_ms: float | None = None
    p95_ms: float | None = None


def measure_job(url: str) -> Row:
    """The rate of empty jobs through RQ, as the jobs pool runs them."""
    with Redis.from_url(url) as connection:
        queue = Queue("bench", connection=connection, serializer=JSONSerializer)
        for _ in range(JOBS):
            queue.enqueue(time.time, result_ttl=0)
        worker = ThreadWorker([queue], connection=connection, serializer=JSONSerializer)
        thread = threading.Thread(target=run_jobs, args=(worker, lambda: queue.count == 0))
        began = time.perf_counter()
        thread.start()
        thread.join()
        took_s = time.perf_counter() - began
    return Row("job", JOBS, JOBS / took_s)


async def measure_burst(url: str, count: int) -> Row:
    """How fast what waits for one receiver goes out."""
    async with opened(url) as (redis, log), receiving() as receiver:
        await subscribe(redis, receiver)
        await asyncio.gather(*(publish(log, n) for n in range(count)))
        async with jobs_process(url):
            await until(receiver, 1)
            began = time.perf_counter()
            await until(receiver, count)
            took_s = time.perf_counter() - began
    return Row("burst", count, count / took_s)


async def measure_live(url: str, *, hanging: int, rate: float, seconds: float) -> Row:
    """How long results take to a good receiver, while others hang."""
    published: dict[str, float] = {}
    async with (
        opened(url) as (redis, log),
        receiving() as good,
        receiving(hangs=True) as stuck,
        jobs_process(url),
    ):
        await subscribe(redis, good)
        await publish(log, -1)
        await until(good, 1)
        for _ in range(hanging):
            await subscribe(redis, stuck, "m0")
        for number in range(round(rate * seconds)):
            published[f"u{number}"] = time.time()
            await publish(log, number)
            await asyncio.sleep(1 / rate)
        await until(good, len(published) + 1)
    taken_ms = [1000 * (good.came[name] - at) for name, at in published.items()]
    p50, p95 = np.percentile(taken_ms, (50, 95))
    return Row(f"live, {hanging} others hang", len(taken_ms), rate, float(p50), float(p95))


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[tuple[Client, AudioLog]]:
    """An empty deployment."""
    redis = connect(RedisSettings(url=SecretStr(url)))
    await redis.flushall()
    await join_deployment(redis, SHARDS)
    try:
        yield redis, AudioLog(redis, SHARDS, 1000)
    finally:
        await redis.aclose()


@asynccontextmanager
async def receiving(*, hangs: bool = False) -> AsyncIterator[Receiver]:
    """A receiver on a free port."""
    receiver = Receiver(hangs)
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    try:
        yield receiver
    finally:
        server.close()


@asynccontextmanager
async def jobs_process(url: str) -> AsyncIterator[None]:
    """`hubbub jobs` until the block ends."""
    settings = {
        "HUBBUB_REDIS__URL": url,
        "HUBBUB_SHARDS": str(SHARDS),
        "HUBBUB_WEBHOOKS__ALLOWED_NETWORKS": '["127.0.0.0/8"]',
    }
    command = [sys.executable, "-m", "common", "jobs"]
    process = await asyncio.create_subprocess_exec(*command, env={**os.environ, **settings})
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def subscribe(redis: Client, receiver: Receiver, *meetings: str) -> None:
    """Have finals posted to a receiver: of all meetings, or of these."""
    store = SubscriptionStore(redis)
    made = Subscription(
        id=f"wh_{token_hex(8)}", tenant="default", url=receiver.url, created_at_ms=0, secret=new_secret(),
        events=("transcript.final",), meetings=meetings,
    )  # fmt: skip
    await store.create(made, most=10_000)


async def publish(log: AudioLog, number: int) -> None:
    """Put a final on its stream."""
    text = "The build is green, but the import takes far too long and I am worried about Friday."
    final = Transcript(
        id=f"u{number}/final",
        tenant="default",
        meeting=f"m{number % 50}",
        track="a",
        speaker=Speaker("a", "Ann"),
        start_ms=0,
        end_ms=900,
        emitted_at_ms=unix_ms(),
        utterance=f"u{number}",
        status="final",
        text=text,
        stable=text,
    )
    await log.publish(final)


async def until(receiver: Receiver, count: int) -> None:
    """Wait for so many."""
    async with asyncio.timeout(300):
        while len(receiver.came) < count:  # noqa: ASYNC110  # a benchmark polls
            await asyncio.sleep(0.005)


async def measure(url: str, args: argparse.Namespace) -> list[Row]:
    """All rows."""
    return [
        await asyncio.to_thread(measure_job, url),
        await measure_burst(url, args.burst),
        *[
            await measure_live(url, hanging=hanging, rate=args.rate, seconds=args.seconds)
            for hanging in args.hanging
        ],
    ]


def show(rows: Sequence[Row]) -> None:
    """Print a table."""
    table = Table(
        "what", "deliveries", "a second", "p50 ms", "p95 ms", title=machine_line(["rq", "httpcore"])
    )
    for row in rows:
        percentiles = ["" if value is None else f"{value:.0f}" for value in (row.p50_ms, row.p95_ms)]
        table.add_row(row.what, f"{row.deliveries}", f"{row.a_second:.0f}", *percentiles)
    Console().print(table)


def main() -> None:
    """Measure and print."""
    layout = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=layout)
    parser.add_argument("--burst", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--rate", type=float, default=20)
    parser.add_argument("--hanging", type=int, nargs="+", default=[0, 30])
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    with embedded_redis() as url:
        rows = asyncio.run(measure(url, args))
    show(rows)
    if args.json:
        args.json.write_text(json.dumps([asdict(row) for row in rows], indent=1))


if __name__ == "__main__":
    main()
