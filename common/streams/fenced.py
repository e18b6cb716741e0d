"""The owner's side of the shards: commit, wait, replay.

What is new is read with a plain XREAD, which takes nothing and needs no fence. That it was read is
told to the group by the commit of what came of it, which checks the fencing token. All of it
blocks: the loop that uses it has a thread of its own.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

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
_HOLD = ("FORCE", "JUSTID")


class Verdict(StrEnum):
    """What became of a commit or read."""

    OK = "OK"
    REPEATED = "REPEATED"
    FENCED = "FENCED"


class RawEntry(NamedTuple):
    """An entry as it lies in the stream."""

    id: EntryId
    fields: Fields


@dataclass(frozen=True, slots=True)
class Reached:
    """How far a stream was read: the last entry, and how many there were ever."""

    last: str
    count: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """Entries were read up to there, and of the new ones these `held` are not done with."""

    stream: Stream
    reached: Reached
    held: Sequence[str]


@dataclass(frozen=True, slots=True)
class Demand:
    """Entries to take of a shard: NEW ones of a stream, or pending ones after an id.

    At most `count` of each stream; 0 is as many as one read usually takes.
    """

    lease: Lease
    after: Mapping[Stream, str]
    count: int = 0


@dataclass(frozen=True, slots=True)
class ShardCommit:
    """All effects on one shard, ready to be written. `sequence` counts the commits of a lease."""

    lease: Lease
    sequence: int
    appends: Sequence[tuple[str, Sequence[Arg]]]
    deliveries: Sequence[Delivery]
    acknowledged: Mapping[Stream, Sequence[str]]
    watermarks: Mapping[str, int | None]
    tallies: Mapping[tuple[str, str], int]


@dataclass(frozen=True, slots=True)
class Exchange:
    """What one round trip brought: what became of the commits, after how long, and entries by place."""

    verdicts: Mapping[int, Verdict]
    commit_s: float
    news: Mapping[Place, Sequence[RawEntry]]


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
        self._read_count = read_count
        self.awaited = tuple(stream for stream in inputs if stream not in ON_REQUEST)

    def watermarks(self, shard: int) -> dict[str, int]:
        """The positions committed so far, by key."""
        (stored,) = self._wire.ask([("HGETALL", keys.watermarks(shard, self._pool))])
        return {key.decode(): int(value) for key, value in _pairs(stored).items()}

    def reached(self, shard: int) -> dict[Stream, Reached]:
        """How far this pool has read each input that it waits for."""
        calls: list[Call] = [("reached", [keys.stream(shard, s)], [self._pool]) for s in self.awaited]
        replies = self._wire.run(calls)
        return {s: Reached(last.decode(), n) for s, (last, n) in zip(self.awaited, replies, strict=True)}

    def exchange(
        self, commits: Sequence[ShardCommit], after: Mapping[Place, str], block_ms: int | None
    ) -> Exchange:
        """Write each shard's effects, all or none of a shard's, then wait for entries after those ids.

        It waits up to `block_ms` for the first. An owner frozen in that does no harm.
        """
        calls = [self._commit_call(commit) for commit in commits]
        began = time.perf_counter()
        self._wire.send([*map(script_command, calls), *self._waits(after, block_ms)])
        replies = self._wire.receive(len(calls))
        commit_s = time.perf_counter() - began
        news = _news(after, self._wire.receive(1)[0]) if after else {}
        replies = checked(self._wire.again(calls, replies))
        verdicts = {c.lease.shard: Verdict(r[0].decode()) for c, r in zip(commits, replies, strict=True)}
        return Exchange(verdicts, commit_s, news)

    def _waits(self, after: Mapping[Place, str], block_ms: int | None) -> Sequence[Command]:
        if not after:
            return []
        block: list[Arg] = [] if block_ms is None else ["BLOCK", block_ms]
        names = [keys.stream(shard, stream) for shard, stream in after]
        return [["XREAD", "COUNT", self._read_count, *block, "STREAMS", *names, *after.values()]]

    def read(self, demands: Sequence[Demand]) -> list[list[RawEntry] | None]:
        """Take entries, by demand; None where the shard has another owner.

        For what is pending, and for streams read on request: they become pending at once.
        """
        replies = self._wire.run([self._read_call(demand) for demand in demands])
        return [_entries(demand, reply) for demand, reply in zip(demands, replies, strict=True)]

    def _read_call(self, demand: Demand) -> Call:
        shard = demand.lease.shard
        return (
            "read",
            [keys.lease(shard, self._pool), *(keys.stream(shard, stream) for stream in demand.after)],
            [demand.lease.token, self._pool, demand.count or self._read_count, *demand.after.values()],
        )

    def _commit_call(self, commit: ShardCommit) -> Call:
        shard = commit.lease.shard
        table = _KeyTable([keys.lease(shard, self._pool), keys.watermarks(shard, self._pool)])
        args: list[Arg] = [commit.lease.token, commit.sequence, self._pool, len(commit.appends)]
        for name, flat in commit.appends:
            args += [table.index(name), len(flat), *flat]
        deliveries = list(_deliveries(shard, commit.deliveries))
        args.append(len(deliveries))
        for name, reached, claim in deliveries:
            args += [table.index(name), reached.last, reached.count, len(claim), *claim]
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


def _news(after: Mapping[Place, str], reply: Any) -> dict[Place, list[RawEntry]]:
    if isinstance(reply, Exception):
        raise reply
    found = dict(reply or ())
    if not found:
        return {}
    by_name = {keys.stream(*place).encode(): place for place in after}
    return {by_name[name]: _raw(*by_name[name], entries) for name, entries in found.items()}


def split_id(entry_id: str) -> tuple[int, int]:
    """The milliseconds and the number of an entry's id, which sort as entries do."""
    milliseconds, _, number = entry_id.partition("-")
    return int(milliseconds), int(number)


def _entries(demand: Demand, reply: Sequence[Any]) -> list[RawEntry] | None:
    verdict, streams = [*reply, None][:2]
    if verdict.decode() == Verdict.FENCED:
        return None
    shard = demand.lease.shard
    by_name = {keys.stream(shard, stream).encode(): stream for stream in demand.after}
    return [entry for name, found in streams or () for entry in _raw(shard, by_name[name], found)]


def _raw(shard: int, stream: Stream, found: Iterable[Sequence[Any]]) -> list[RawEntry]:
    return [RawEntry(EntryId(shard, stream, entry_id.decode()), _pairs(flat)) for entry_id, flat in found]


def _pairs(flat: Sequence[bytes] | None) -> Fields:
    values = iter(flat or ())
    return dict(zip(values, values, strict=True))


def _deliveries(shard: int, deliveries: Iterable[Delivery]) -> Iterable[tuple[str, Reached, Sequence[str]]]:
    for delivery in deliveries:
        name = keys.stream(shard, delivery.stream)
        for i in range(0, len(delivery.held), _IDS_A_CALL):
            yield name, delivery.reached, [*delivery.held[i : i + _IDS_A_CALL], *_HOLD]
        if not delivery.held:
            yield name, delivery.reached, ()


def _batches(shard: int, acknowledged: Mapping[Stream, Sequence[str]]) -> Iterable[tuple[str, Sequence[str]]]:
    """Lua's stack bounds how many arguments one command can take."""
    for stream, ids in acknowledged.items():
        for i in range(0, len(ids), _IDS_A_CALL):
            yield keys.stream(shard, stream), ids[i : i + _IDS_A_CALL]
