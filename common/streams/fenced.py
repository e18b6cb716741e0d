"""The owner's side of the shards: commit and wait, read. Every step checks the fencing token.

All of it blocks: the loop that uses it has a thread of its own.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from common.shelves import Place, Shelf, ShelfBounds
from common.stage import ON_REQUEST, EntryId, Stream
from common.streams import keys
from common.streams.codec import Fields
from common.streams.leases import Lease
from common.streams.scripts import Arg, Call, script_command
from common.streams.wire import Command, Wire, checked

NEW = ">"
_IDS_A_CALL = 1000
_AGED_A_LOOK = 64


class Verdict(StrEnum):
    """What became of a commit or read."""

    OK = "OK"
    REPEATED = "REPEATED"
    FENCED = "FENCED"


@dataclass(frozen=True, slots=True)
class RawEntry:
    """An entry as it lies in the stream."""

    id: EntryId
    fields: Fields


@dataclass(frozen=True, slots=True)
class Demand:
    """Entries to read of a shard, at most `count` of each stream: NEW ones, or pending ones after an id."""

    lease: Lease
    after: Mapping[Stream, str]
    count: int


@dataclass(frozen=True, slots=True)
class ShardCommit:
    """All effects on one shard, ready to be written. `sequence` counts the commits of a lease."""

    lease: Lease
    sequence: int
    appends: Sequence[tuple[str, Sequence[Arg]]]
    acknowledged: Mapping[Stream, Sequence[str]]
    watermarks: Mapping[str, int | None]
    tallies: Mapping[tuple[str, str], int]


@dataclass(frozen=True, slots=True)
class Exchange:
    """What one round trip brought: what became of the commits, after how long, and shards with news."""

    verdicts: Mapping[int, Verdict]
    commit_s: float
    ready: frozenset[int]


@dataclass(slots=True)
class _KeyTable:
    """Numbers the keys of a script call, from 1, as Lua does."""

    names: list[str]
    _indices: dict[str, int] = field(default_factory=dict)

    def index(self, name: str) -> int:
        if name not in self._indices:
            self.names.append(name)
            self._indices[name] = len(self.names)
        return self._indices[name]


class FencedShards:
    """Reads and commits for one pool, over any of its shards, each in one round trip."""

    def __init__(self, wire: Wire, pool: str, inputs: Sequence[Stream], read_count: int) -> None:
        self._wire = wire
        self._pool = pool
        self._inputs = tuple(inputs)
        self.read_count = read_count
        self.awaited = tuple(stream for stream in inputs if stream not in ON_REQUEST)

    def watermarks(self, shard: int) -> dict[str, int]:
        """The positions committed so far, by key."""
        (stored,) = self._wire.ask([("HGETALL", keys.watermarks(shard, self._pool))])
        return {key.decode(): int(value) for key, value in _pairs(stored).items()}

    def delivered(self, shard: int) -> dict[Stream, str]:
        """The last entry that this pool was given of each input that it waits for."""
        replies = self._wire.ask([("XINFO", "GROUPS", keys.stream(shard, s)) for s in self.awaited])
        last = {}
        for stream, groups in zip(self.awaited, replies, strict=True):
            found = [_pairs(group) for group in groups]
            last[stream] = next(g[b"last-delivered-id"] for g in found if g[b"name"] == self._pool.encode())
        return {stream: entry_id.decode() for stream, entry_id in last.items()}

    def exchange(
        self, commits: Sequence[ShardCommit], after: Mapping[Place, str], block_ms: int | None
    ) -> Exchange:
        """Write each shard's effects, all or none of a shard's, then wait for entries after those ids.

        It waits up to `block_ms` for the first, with a plain XREAD, which takes nothing: an owner
        frozen in it does no harm.
        """
        calls = [self._commit_call(commit) for commit in commits]
        began = time.perf_counter()
        self._wire.send([*map(script_command, calls), *_wait_commands(after, block_ms)])
        replies = self._wire.receive(len(calls))
        commit_s = time.perf_counter() - began
        ready = _ready(after, self._wire.receive(1)[0]) if after else frozenset[int]()
        replies = checked(self._wire.again(calls, replies))
        verdicts = {c.lease.shard: Verdict(r[0].decode()) for c, r in zip(commits, replies, strict=True)}
        return Exchange(verdicts, commit_s, ready)

    def read(self, demands: Sequence[Demand]) -> list[list[RawEntry] | None]:
        """Entries, by demand; None where the shard has another owner."""
        replies = self._wire.run([self._read_call(demand) for demand in demands])
        return [_entries(demand, reply) for demand, reply in zip(demands, replies, strict=True)]

    def _read_call(self, demand: Demand) -> Call:
        shard = demand.lease.shard
        return (
            "read",
            [keys.lease(shard, self._pool), *(keys.stream(shard, stream) for stream in demand.after)],
            [demand.lease.token, self._pool, demand.count, *demand.after.values()],
        )

    def _commit_call(self, commit: ShardCommit) -> Call:
        shard = commit.lease.shard
        table = _KeyTable([keys.lease(shard, self._pool), keys.watermarks(shard, self._pool)])
        args: list[Arg] = [commit.lease.token, commit.sequence, self._pool, len(commit.appends)]
        for name, flat in commit.appends:
            args += [table.index(name), len(flat), *flat]
        batches = list(_batches(shard, commit.acknowledged))
        args.append(len(batches))
        for name, ids in batches:
            args += [table.index(name), len(ids), *ids]
        args.append(len(commit.watermarks))
        for key, value in commit.watermarks.items():
            args += [key, "" if value is None else value]
        args.append(len(commit.tallies))
        for (name, counter), amount in commit.tallies.items():
            args += [table.index(name), counter, amount]
        return "commit", table.names, args

    def lengths(self, shards: Iterable[int], streams: Iterable[Stream]) -> list[int]:
        """Entries in each stream of each shard."""
        wanted = list(streams)
        return self._wire.ask([("XLEN", keys.stream(shard, s)) for shard in shards for s in wanted])

    def shelves(self, shards: Iterable[int], bounds: ShelfBounds) -> dict[Place, Shelf]:
        """What lies unread on the inputs that are read on request; places with nothing are left out."""
        places = [(shard, stream) for shard in shards for stream in self._inputs if stream in ON_REQUEST]
        limits: list[Arg] = [self._pool, bounds.max_bytes, bounds.max_age_ms, _AGED_A_LOOK]
        replies = self._wire.run([("shelf", [keys.stream(*place)], limits) for place in places])
        return {
            place: Shelf(unread=reply[0], beyond=reply[1], oldest=split_id(reply[2].decode()))
            for place, reply in zip(places, replies, strict=True)
            if reply
        }

    def trim(self, shards: Iterable[int]) -> None:
        """Cut from the inputs what every group has acknowledged; `results` is kept by age instead."""
        cut = [stream for stream in self._inputs if stream is not Stream.RESULTS]
        self._wire.run([("trim", [keys.stream(shard, s)], []) for shard in shards for s in cut])


def _wait_commands(after: Mapping[Place, str], block_ms: int | None) -> Sequence[Command]:
    if not after:
        return []
    block: list[Arg] = [] if block_ms is None else ["BLOCK", block_ms]
    names = [keys.stream(shard, stream) for shard, stream in after]
    return [["XREAD", "COUNT", 1, *block, "STREAMS", *names, *after.values()]]


def _ready(after: Mapping[Place, str], reply: Any) -> frozenset[int]:
    if isinstance(reply, Exception):
        raise reply
    names = {name.decode() for name, _ in reply or ()}
    return frozenset(shard for shard, stream in after if keys.stream(shard, stream) in names)


def split_id(entry_id: str) -> tuple[int, int]:
    """The milliseconds and the number of an entry's id, which sort as entries do."""
    milliseconds, _, number = entry_id.partition("-")
    return int(milliseconds), int(number)


def _entries(demand: Demand, reply: Sequence[Any]) -> list[RawEntry] | None:
    verdict, streams = [*reply, None][:2]
    if verdict.decode() == Verdict.FENCED:
        return None
    shard = demand.lease.shard
    by_key = {keys.stream(shard, stream): stream for stream in demand.after}
    return [
        RawEntry(EntryId(shard, by_key[name.decode()], entry_id.decode()), _pairs(flat))
        for name, entries in streams or ()
        for entry_id, flat in entries
    ]


def _pairs(flat: Sequence[bytes] | None) -> Fields:
    return dict(zip(flat[::2], flat[1::2], strict=True)) if flat else {}


def _batches(shard: int, acknowledged: Mapping[Stream, Sequence[str]]) -> Iterable[tuple[str, Sequence[str]]]:
    """Lua's stack bounds how many arguments one command can take."""
    for stream, ids in acknowledged.items():
        for i in range(0, len(ids), _IDS_A_CALL):
            yield keys.stream(shard, stream), ids[i : i + _IDS_A_CALL]
