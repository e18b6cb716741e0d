"""What audio in costs: processor time of one ingest process, by wire format and length of messages.

    python benchmarks/audio_in.py [--meetings 8] [--seconds 60]

Plays noise over real sockets as fast as it is taken, into an embedded Valkey. Processor time is
the ingest process's own, so that the player and the machine's other work don't count.
"""

import asyncio
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import numpy as np
import psutil
import typer
from rich.console import Console
from rich.table import Table

from common.embedded import embedded_redis
from common.errors import HubbubError
from common.identity import Speaker
from common.settings import load_settings
from common.streams.client import connect
from common.streams.reports import read_reports
from common.supervisor import own_command
from ingest.player.play import Pace, Performance
from ingest.player.programme import Programme, Segment
from ingest.player.wires import WIRES
from ingest.simulate import play_all

AS_FAST_AS_IT_GOES = 1e9
CASES = [("meetstream", 48_000), ("binary", 48_000), ("binary", 16_000), ("json", 16_000)]
CHUNKS_MS = (20, 100, 500)


@contextmanager
def ingest_process(redis_url: str) -> Iterator[subprocess.Popen[bytes]]:
    environment = {**os.environ, "HUBBUB_REDIS__URL": redis_url, "HUBBUB_REDIS__BACKLOG_LIMIT": "100000000"}
    environment["HUBBUB_INGEST__PORT"] = "0"
    with subprocess.Popen([*own_command(), "ingest"], env=environment, stderr=subprocess.DEVNULL) as process:
        yield process
        process.terminate()


async def wait_for_url(redis_url: str, pid: int) -> str:
    os.environ["HUBBUB_REDIS__URL"] = redis_url
    redis = connect(load_settings().redis)
    try:
        while True:
            for report in await read_reports(redis):
                if report.pid == pid and report.ready:
                    return report.url
            await asyncio.sleep(0.1)
    finally:
        await redis.aclose()


def noise(rate: int, seconds: int) -> Programme:
    pcm = np.random.default_rng(1).integers(-5_000, 5_000, rate * seconds).astype("<i2")
    return Programme(rate, [Segment(pcm, Speaker("ann", "Ann"))])


async def measure(url: str, pid: int, performances: list[Performance]) -> tuple[int, float, float]:
    process = psutil.Process(pid)
    before, began = process.cpu_times(), time.perf_counter()
    outcomes = await play_all(performances, url)
    wall_s, after = time.perf_counter() - began, process.cpu_times()
    failed = [outcome for outcome in outcomes if isinstance(outcome, HubbubError)]
    if failed:
        raise failed[0]
    messages = sum(o.messages for o in outcomes if not isinstance(o, HubbubError))
    return messages, after.user + after.system - before.user - before.system, wall_s


def main(meetings: Annotated[int, typer.Option()] = 8, seconds: Annotated[int, typer.Option()] = 60) -> None:
    table = Table("format", "kHz", "message ms", "messages/s of CPU", "CPU % of one meeting", "wall s")
    for name, rate in CASES:
        for chunk_ms in CHUNKS_MS:
            with embedded_redis() as redis_url, ingest_process(redis_url) as process:
                url = asyncio.run(wait_for_url(redis_url, process.pid))
                pace = Pace(chunk_ms, AS_FAST_AS_IT_GOES)
                programme = noise(rate, seconds)
                performances = [
                    Performance(programme, WIRES[name], f"bench-{n}", pace) for n in range(meetings)
                ]
                messages, cpu_s, wall_s = asyncio.run(measure(url, process.pid, performances))
                share = 100 * cpu_s / (meetings * seconds)
                figures = (f"{messages / cpu_s:,.0f}", f"{share:.2f}", f"{wall_s:.1f}")
                table.add_row(name, f"{rate // 1000}", str(chunk_ms), *figures)
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
