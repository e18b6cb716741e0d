"""The owner's side of the shards: commit, wait, replay.

What is new is read with a plain XREAD, which takes nothing and needs no fence. That it was read is
told to the group by the commit of what came of it, which checks the fencing token. All of it
blocks: the loop that uses it has a thread of its own.

What an owner knows of a shard rests on one server and one course of events. When another server
has the shard, or this one was restarted, some of what the owner knows may never have happened: it
begins again, from what the server has.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from redis.exceptions import ConnectionError as RedisConnectionError

from common.shelves import Place, Shelf, ShelfBounds
from common.stage import ON_REQUEST, EntryId, Stream
from common.streams import keys
from common.streams.client import PASSING
from common.streams.codec import Fields
from common.streams.leases import Lease
from common.streams.link import Link, Visit, checked
from common.streams.scripts import Arg, Call

NEW = ">"
_IDS_A_CALL = 1000
_AGED_A_LOOK = 64
_HOLD = ("FORCE", "JUSTID")


class Verdict(StrEnum):
    """What became of a commit or read.

    The last two say that the owner must begin again: the server does not have what the owner rests
    on, or nobody knows what became of it.
    """

    OK = "OK"
    REPEATED = "REPEATED"
    FENCED = "FENCED"
    FORGOTTEN = "FORGOTTEN"
    LOST = "LOST"


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
class Beginning:
    """What was committed on a shard: the positions by key, and how far each awaited input was read."""

    watermarks: dict[str, int]
    reached: dict[Stream, Reached]


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
    """What one round trip brought: verdicts by shard, after how long, and entries by place.

    Every commit has its verdict; other shards only where they must begin again.
    """

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

    def __init__(self, link: Link, pool: str, inputs: Sequence[Stream], read_count: int) -> None:
        self._link = link
        self._histories: dict[int, str] = {}
        self.pool = pool
        self._inputs = tuple(inputs)
        self.read_count = read_count
        self.awaited = tuple(stream for stream in inputs if stream not in ON_REQUEST)

    def begin(self, starts: Mapping[Lease, int]) -> dict[Lease, Beginning | Exception | None]:
        """Take up shards, or take them up again, all in one round trip.

        Each with a sequence number at least that of any commit sent under its lease: none of those is
        applied from now on. None where a shard has another owner; an error of `PASSING` where its
        server does not answer, or is another one by now. Raises such an error where no server answers.
        """
        outcomes: dict[Lease, Beginning | Exception | None] = {}
        histories: dict[Lease, str] = {}
        for lease in starts:
            try:
                histories[lease] = self._link.history_of(lease.shard)
            except PASSING as error:
                outcomes[lease] = error
        calls = [call for lease in histories for call in self._beginning_calls(lease, starts[lease])]
        replies = iter(self._link.run(calls))
        for lease, history in histories.items():
            own = [next(replies), *(next(replies) for _ in self.awaited)]
            outcomes[lease] = self._begun(lease.shard, history, own)
        return outcomes

    def _beginning_calls(self, lease: Lease, sequence: int) -> list[Call]:
        names = [keys.lease(lease.shard, self.pool), keys.watermarks(lease.shard, self.pool)]
        return [("resume", names, [lease.token, sequence]), *self._reached_calls(lease.shard)]

    def _begun(self, shard: int, history: str, replies: list[Any]) -> Beginning | Exception | None:
        try:
            (verdict, *found), *reached = checked(replies)
            if verdict.decode() == Verdict.FENCED:
                return None
            if self._link.history_of(shard) != history:
                return RedisConnectionError(f"another server took over shard {shard} meanwhile")
        except PASSING as error:
            return error
        self._histories[shard] = history
        return Beginning(_positions(found[0]), self._as_reached(reached))

    def leave(self, shard: int) -> None:
        """The shard is no longer ours."""
        self._histories.pop(shard, None)
        self._link.leave(shard)

    def watermarks(self, shard: int) -> dict[str, int]:
        """The positions committed so far, by key."""
        (stored,) = checked(self._link.ask([("HGETALL", keys.watermarks(shard, self.pool))]))
        return _positions(stored)

    def reached(self, shard: int) -> dict[Stream, Reached]:
        """How far this pool has read each input that it waits for."""
        return self._as_reached(checked(self._link.run(self._reached_calls(shard))))

    def _reached_calls(self, shard: int) -> list[Call]:
        return [("reached", [keys.stream(shard, stream)], [self.pool]) for stream in self.awaited]

    def _as_reached(self, replies: Sequence[Any]) -> dict[Stream, Reached]:
        return {s: Reached(last.decode(), n) for s, (last, n) in zip(self.awaited, replies, strict=True)}

    def exchange(
        self, commits: Sequence[ShardCommit], after: Mapping[Place, str], block_ms: int | None
    ) -> Exchange:
        """Write each shard's effects, all or none of a shard's, then wait for entries after those ids.

        It waits up to `block_ms` for the first. An owner frozen in that does no harm. Raises an error
        of `PASSING` where no server answered: the same commits may be sent again.
        """
        calls = {commit.lease.shard: self._commit_call(commit) for commit in commits}
        trip = self._link.exchange(Visit(calls, after, self._histories, self.read_count, block_ms))
        verdicts = {shard: _verdict(reply) for shard, reply in trip.replies.items()}
        return Exchange(verdicts, trip.commit_s, _news(after, trip.news))

    def read(self, demands: Sequence[Demand]) -> list[list[RawEntry] | Verdict]:
        """Take entries, by demand; a verdict where that was not possible.

        For what is pending, and for streams read on request: they become pending at once.
        """
        replies = self._link.run([self._read_call(demand) for demand in demands])
        return [self._taken(demand, reply) for demand, reply in zip(demands, replies, strict=True)]

    def _taken(self, demand: Demand, reply: Any) -> list[RawEntry] | Verdict:
        shard = demand.lease.shard
        verdict = _verdict(reply)
        if verdict is not Verdict.OK:
            return verdict
        now = self._link.history_of(shard)
        return _entries(demand, reply) if self._histories.get(shard, now) == now else Verdict.FORGOTTEN

    def _read_call(self, demand: Demand) -> Call:
        shard = demand.lease.shard
        return (
            "read",
            [keys.lease(shard, self.pool), *(keys.stream(shard, stream) for stream in demand.after)],
            [demand.lease.token, self.pool, demand.count or self.read_count, *demand.after.values()],
        )

    def _commit_call(self, commit: ShardCommit) -> Call:
        shard = commit.lease.shard
        table = _KeyTable([keys.lease(shard, self.pool), keys.watermarks(shard, self.pool)])
        args: list[Arg] = [commit.lease.token, commit.sequence, self.pool, len(commit.appends)]
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
        """Entries in each stream of each shard that answers."""
        wanted = list(streams)
        return _known(self._link.ask([("XLEN", keys.stream(shard, s)) for shard in shards for s in wanted]))

    def shelves(self, shards: Iterable[int], bounds: ShelfBounds) -> dict[Place, Shelf]:
        """What lies unread on the inputs that are read on request; places with nothing are left out."""
        places = [(shard, stream) for shard in shards for stream in self._inputs if stream in ON_REQUEST]
        limits: list[Arg] = [self.pool, bounds.max_bytes, bounds.max_age_ms, _AGED_A_LOOK]
        replies = self._link.run([("shelf", [keys.stream(*place)], limits) for place in places])
        return {
            place: Shelf(unread=reply[0], beyond=reply[1], oldest=split_id(reply[2].decode()))
            for place, reply in zip(places, replies, strict=True)
            if _known([reply]) and reply
        }

    def trim(self, shards: Iterable[int]) -> None:
        """Cut from the inputs what every group has acknowledged; `results` is kept by age instead."""
        cut = [stream for stream in self._inputs if stream is not Stream.RESULTS]
        _known(self._link.run([("trim", [keys.stream(shard, s)], []) for shard in shards for s in cut]))


def _known(replies: Iterable[Any]) -> list[Any]:
    """Those of servers that answered. Raises what does not pass."""
    known = [reply for reply in replies if not isinstance(reply, PASSING)]
    return checked(known)


def _verdict(reply: Any) -> Verdict:
    if isinstance(reply, list):
        return Verdict(reply[0].decode())
    if isinstance(reply, PASSING):
        return Verdict.LOST
    raise reply


def _news(after: Mapping[Place, str], found: Iterable[tuple[bytes, Any]]) -> dict[Place, list[RawEntry]]:
    entries_by_name = dict(found)
    if not entries_by_name:
        return {}
    by_name = {keys.stream(*place).encode(): place for place in after}
    return {by_name[name]: _raw(*by_name[name], entries) for name, entries in entries_by_name.items()}


def split_id(entry_id: str) -> tuple[int, int]:
    """The milliseconds and the number of an entry's id, which sort as entries do."""
    milliseconds, _, number = entry_id.partition("-")
    return int(milliseconds), int(number)


def _entries(demand: Demand, reply: Sequence[Any]) -> list[RawEntry]:
    streams = reply[1] if len(reply) > 1 else None
    shard = demand.lease.shard
    by_name = {keys.stream(shard, stream).encode(): stream for stream in demand.after}
    return [entry for name, found in streams or () for entry in _raw(shard, by_name[name], found)]


def _raw(shard: int, stream: Stream, found: Iterable[Sequence[Any]]) -> list[RawEntry]:
    return [RawEntry(EntryId(shard, stream, entry_id.decode()), _pairs(flat)) for entry_id, flat in found]


def _positions(flat: Sequence[bytes]) -> dict[str, int]:
    return {key.decode(): int(value) for key, value in _pairs(flat).items()}


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
