"""`python -m tests.chaos.takeover`: for how long a shard stands still when its owner goes.

One meeting plays in real time. A shard stands still while entries wait for a pool's group and the
group gets no further; that is looked at every few milliseconds.
"""

import argparse
import asyncio
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from common.identity import Meeting
from common.stage import Stream
from common.streams import keys
from common.streams.client import Client
from common.streams.reports import read_reports
from common.topology import STAGES
from tests.chaos.__main__ import until_told
from tests.chaos.fleet import Member
from tests.chaos.load import excerpt, meetings_named, play
from tests.chaos.system import PINNED, SHARDS, System, be_polite, running, until_ready

_LOOK_S = 0.01
_BEFORE_S, _AFTER_S = 6.0, 8.0
_INPUT = {
    "vad": Stream.AUDIO,
    "asr": Stream.SPEECH,
    "emitter": Stream.WINDOWS,
    "keyword": Stream.SPEECH,
    "sentiment": Stream.SPEECH,
}
_WAYS = ("undisturbed", "drained", "killed")


def main() -> int:
    """Print the table; 0 where every crashed owner's shard worked again within three seconds."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.takeover", description=__doc__)
    parser.add_argument("--times", type=int, default=3, help="how often each")
    parser.add_argument("--pools", default=",".join(STAGES), help="with commas between them")
    parser.add_argument("--lease-ms", type=int, default=2000)
    options = parser.parse_args()
    be_polite()
    return asyncio.run(until_told(_measure(options, Path(tempfile.mkdtemp(prefix="hubbub-takeover-")))))


async def _measure(options: argparse.Namespace, folder: Path) -> int:
    print(
        "| pool | how its owner goes | stands still, median s | longest s |\n|---|---|---:|---:|", flush=True
    )
    longest_s = 0.0
    async with running(
        folder, settings={**PINNED, "HUBBUB_REDIS__LEASE_MS": str(options.lease_ms)}, jumpy=False
    ) as system:
        for pool in options.pools.split(","):
            for way in _WAYS:
                gaps = [await _gap(system, folder, pool, way) for _ in range(options.times)]
                print(f"| {pool} | {way} | {statistics.median(gaps):.2f} | {max(gaps):.2f} |", flush=True)
                longest_s = max(longest_s, max(gaps) if way == "killed" else 0.0)
    return 0 if longest_s < 3 else 1


async def _gap(system: System, folder: Path, pool: str, way: str) -> float:
    """The longest standstill of the meeting's shard, in seconds."""
    [meeting] = meetings_named(f"{pool}-{way}-{time.monotonic_ns()}", 1)
    audio = excerpt(folder, 0, _BEFORE_S + _AFTER_S)
    playing = asyncio.create_task(play(audio, system.ingest_url, [meeting], 1.0))
    watching = asyncio.create_task(_watch(system.redis, pool, meeting.shard(SHARDS), playing))
    await asyncio.sleep(_BEFORE_S)
    if way != "undisturbed":
        await _remove_owner(system, pool, meeting, way)
    failures = await playing
    assert not failures, failures
    await until_ready(system.redis, system.fleet)
    return await watching


async def _remove_owner(system: System, pool: str, meeting: Meeting, way: str) -> None:
    owner = await system.redis.hget(keys.lease(meeting.shard(SHARDS), pool), "owner")
    reports = {report.member: report.pid for report in await read_reports(system.redis)}
    pid = reports[owner.decode()]
    [member] = [member for member in system.fleet.members if member.process.pid == pid]
    _end(member, signal.SIGTERM if way == "drained" else signal.SIGKILL)
    await asyncio.to_thread(member.process.wait)
    system.fleet.members.remove(member)
    system.fleet.start(pool)


def _end(member: Member, number: signal.Signals) -> None:
    member.expected_to_end = True
    member.process.send_signal(number)


async def _watch(redis: Client, pool: str, shard: int, playing: "asyncio.Task[Sequence[str]]") -> float:
    stream, longest_s, reached = keys.stream(shard, _INPUT[pool]), 0.0, -1
    since = time.monotonic()
    while not playing.done():
        [group] = [g for g in await redis.xinfo_groups(stream) if g["name"] == pool.encode()]
        if group["entries-read"] != reached or not group["lag"]:
            reached, since = group["entries-read"], time.monotonic()
        longest_s = max(longest_s, time.monotonic() - since)
        await asyncio.sleep(_LOOK_S)
    return longest_s


if __name__ == "__main__":
    sys.exit(main())
