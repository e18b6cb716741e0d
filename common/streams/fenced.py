"""The owner's side of the shards: wait, read, commit. Every step checks the fencing token."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from common.shelves import Place, Shelf, ShelfBounds
from common.stage import ON_REQUEST, EntryId, Stream
from common.streams import keys
from common.streams.client import Client
from common.streams.codec import Fields
from common.streams.leases import Lease
from common.streams.scripts import Arg, Call, run_scripts

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

    def __init__(self, redis: Client, pool: str, inputs: Sequence[Stream], read_count: int) -> None:
        self._redis = redis
        self._pool = pool
        self._inputs = tuple(inputs)
        self.read_count = read_count
        self.awaited = tuple(stream for stream in inputs if stream not in ON_REQUEST)

    async def watermarks(self, shard: int) -> dict[str, int]:
        """The positions committed so far, by key."""
        stored = await self._redis.hgetall(keys.watermarks(shard, self._pool))
        return {key.decode(): int(value) for key, value in stored.items()}

    async def delivered(self, shard: int) -> dict[Stream, str]:
        """The last entry that this pool was given of each input that it waits for."""
        last = {}
        for stream in self.awaited:
            groups = await self._redis.xinfo_groups(keys.stream(shard, stream))
            last[stream] = next(g["last-delivered-id"] for g in groups if g["name"] == self._pool.encode())
        return {stream: entry_id.decode() for stream, entry_id in last.items()}

    async def wait(self, after: Mapping[tuple[int, Stream], str], block_ms: int | None) -> set[int]:
        """The shards with entries after those ids, waiting up to `block_ms` for the first.

        A plain XREAD, which takes nothing: an owner frozen in it does no harm.
        """
        if not after:
            return set()
        names = {keys.stream(shard, stream): shard for shard, stream in after}
        ids = {keys.stream(shard, stream): entry_id for (shard, stream), entry_id in after.items()}
        reply = await self._redis.xread(ids, count=1, block=block_ms)
        return {names[name.decode()] for name, _ in reply}

    async def read(self, demands: Sequence[Demand]) -> list[list[RawEntry] | None]:
        """Entries, by demand; None where the shard has another owner."""
        replies = await run_scripts(self._redis, [self._read_call(demand) for demand in demands])
        return [_entries(demand, reply) for demand, reply in zip(demands, replies, strict=True)]

    def _read_call(self, demand: Demand) -> Call:
        shard = demand.lease.shard
        return (
            "read",
            [keys.lease(shard, self._pool), *(keys.stream(shard, stream) for stream in demand.after)],
            [demand.lease.token, self._pool, demand.count, *demand.after.values()],
        )

    async def commit(self, commits: Sequence[ShardCommit]) -> dict[int, Verdict]:
        """Write each shard's effects, all or none of a shard's."""
        replies = await run_scripts(self._redis, [self._commit_call(commit) for commit in commits])
        verdicts = {}
        for commit, reply in zip(commits, replies, strict=True):
            if isinstance(reply, Exception):
                raise reply
            verdicts[commit.lease.shard] = Verdict(reply[0].decode())
        return verdicts

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

    async def lengths(self, shards: Iterable[int], streams: Iterable[Stream]) -> list[int]:
        """Entries in each stream of each shard."""
        pipeline = self._redis.pipeline(transaction=False)
        wanted = list(streams)
        for shard in shards:
            for stream in wanted:
                pipeline.xlen(keys.stream(shard, stream))
        return list(await pipeline.execute())

    async def shelves(self, shards: Iterable[int], bounds: ShelfBounds) -> dict[Place, Shelf]:
        """What lies unread on the inputs that are read on request; places with nothing are left out."""
        places = [(shard, stream) for shard in shards for stream in self._inputs if stream in ON_REQUEST]
        limits: list[Arg] = [self._pool, bounds.max_bytes, bounds.max_age_ms, _AGED_A_LOOK]
        calls: list[Call] = [("shelf", [keys.stream(*place)], limits) for place in places]
        found = {}
        for place, reply in zip(places, await run_scripts(self._redis, calls), strict=True):
            if isinstance(reply, Exception):
                raise reply
            if reply:
                unread, beyond, oldest = reply
                found[place] = Shelf(unread, beyond, split_id(oldest.decode()))
        return found

    async def trim(self, shards: Iterable[int]) -> None:
        """Cut from the inputs what every group has acknowledged; `results` is kept by age instead."""
        calls: list[Call] = [
            ("trim", [keys.stream(shard, stream)], [])
            for shard in shards
            for stream in self._inputs
            if stream is not Stream.RESULTS
        ]
        for reply in await run_scripts(self._redis, calls):
            if isinstance(reply, Exception):
                raise reply


def split_id(entry_id: str) -> tuple[int, int]:
    """The milliseconds and the number of an entry's id, which sort as entries do."""
    milliseconds, _, number = entry_id.partition("-")
    return int(milliseconds), int(number)


def _entries(demand: Demand, reply: object) -> list[RawEntry] | None:
    if isinstance(reply, Exception):
        raise reply
    verdict, streams = [*reply, None][:2]  # type: ignore[misc]  # a script's reply is a list
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
