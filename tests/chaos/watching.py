"""Looks at a running system every few seconds: what its processes and its server hold, and who is behind."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from common.stage import Stream
from common.streams import keys
from common.streams.client import PASSING, Client, check_cancelled
from common.streams.overview import Overview, read_overview
from tests.chaos.fleet import Member
from tests.chaos.system import SHARDS, System

_SAMPLED_NODES = 20
_PATIENCE_S = 5.0
MEMORY, RESULTS, KEYS, CLIENTS = "memory", "results", "keys", "clients"
"""What is known of a server: bytes without those of results, their bytes, its keys and connections."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a process holds: resident memory, and open files and sockets."""

    rss_bytes: int
    files: int


@dataclass(frozen=True, slots=True)
class Sample:
    """One look. Of the server there is nothing where it did not answer.

    `lags` and `pendings` are by pool and stream, `lengths` by stream, each over all shards.
    """

    at_s: float
    processes: Mapping[str, Held]
    server: Mapping[str, int]
    lags: Mapping[str, int]
    pendings: Mapping[str, int]
    lengths: Mapping[str, int]


async def watch(system: System, every_s: float, samples: list[Sample], record: Path | None) -> None:
    """Look until cancelled; each look is a line of JSON in `record` as well."""
    began = time.monotonic()
    while True:
        check_cancelled()
        samples.append(await _look(system, time.monotonic() - began))
        if record:
            with record.open("a") as file:
                file.write(json.dumps(asdict(samples[-1])) + "\n")
        await asyncio.sleep(every_s)


async def _look(system: System, at_s: float) -> Sample:
    processes = dict(_held(system.fleet.members))
    try:
        async with asyncio.timeout(_PATIENCE_S):
            overview = await read_overview(system.redis)
            server, lengths = await _server(system.redis), await _lengths(system.redis)
    except (*PASSING, TimeoutError):
        return Sample(at_s, processes, {}, {}, {}, {})
    return Sample(at_s, processes, server, *_groups(overview), lengths)


def _held(members: Iterable[Member]) -> Iterable[tuple[str, Held]]:
    for member in members:
        try:
            process = psutil.Process(member.process.pid)
            held = Held(process.memory_info().rss, process.num_fds())
        except psutil.Error:
            continue
        yield f"{member.pool} {process.pid}{' spared' if member.spared else ''}", held


def _groups(overview: Overview) -> tuple[Mapping[str, int], Mapping[str, int]]:
    lags: Counter[str] = Counter()
    pendings: Counter[str] = Counter()
    for group in overview.groups:
        lags[f"{group.pool} on {group.stream}"] += group.lag
        pendings[f"{group.pool} on {group.stream}"] += group.pending
    return dict(lags), dict(pendings)


async def _server(redis: Client) -> Mapping[str, int]:
    info = await redis.info()
    results = [keys.stream(shard, Stream.RESULTS) for shard in range(SHARDS)]
    held = sum([await redis.memory_usage(name, samples=_SAMPLED_NODES) or 0 for name in results])
    return {
        MEMORY: int(info["used_memory"]) - held,
        RESULTS: held,
        KEYS: await redis.dbsize(),
        CLIENTS: int(info["connected_clients"]),
    }


async def _lengths(redis: Client) -> Mapping[str, int]:
    return {
        str(stream): sum([await redis.xlen(keys.stream(shard, stream)) for shard in range(SHARDS)])
        for stream in Stream
    }
