"""A shard of a real server, driven through what the product drives it with, and read as values."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr
from redis import Redis

from common.identity import Meeting
from common.settings import RedisSettings
from common.shelves import ShelfBounds
from common.stage import Stream
from common.streams import keys
from common.streams.client import connect
from common.streams.fenced import NEW, Delivery, Demand, FencedShards, Reached, ShardCommit, Verdict
from common.streams.leases import Lease, LeaseTable
from tests.integration.model.shard import INPUT, CommitModel, GroupModel, LeaseModel, ShardModel
from tests.kit import SHARDS, wire_to

MEETING = Meeting("default", "weekly")
SHARD = MEETING.shard(SHARDS)
LEASE_MS = 3_600_000
OUT = keys.stream(SHARD, Stream.WINDOWS)
RECORD = keys.meeting(SHARD, MEETING)


@dataclass(frozen=True)
class State:
    """All that the scripts can change, from a server or a model."""

    leases: Any
    groups: Any
    watermarks: Any
    streams: Any
    outputs: Any
    tally: Any


class Rig:
    """Every call is a round trip of its own, so that calls of any owners interleave as told."""

    def __init__(self, url: str) -> None:
        self.redis = Redis.from_url(url)
        self._runner = asyncio.Runner()
        self._client = connect(RedisSettings(url=SecretStr(url)))
        self._wire = wire_to(self._client)
        self._ids: dict[Stream, list[str]] = {stream: [] for stream in INPUT.values()}
        self._shards = {
            pool: FencedShards(self._wire, pool, [stream], read_count=50) for pool, stream in INPUT.items()
        }
        self._tokens: dict[tuple[str, int], int] = {}
        self.redis.flushall()
        self._began_ms = self.redis.time()[0] * 1000 - 60_000
        for pool, stream in INPUT.items():
            self.redis.xgroup_create(keys.stream(SHARD, stream), pool, id="0", mkstream=True)

    def close(self) -> None:
        self._wire.close()
        self._runner.run(self._client.aclose())
        self._runner.close()
        self.redis.close()

    # Leases

    def acquire(self, pool: str, member: str) -> int | None:
        for lease in self._runner.run(self._table(pool, member).acquire([SHARD])):
            count = _count(lease.token)
            digits = {token % 10**12 for token in self._tokens.values()}
            assert lease.token % 10**12 not in digits, "a promoted replica could give this token again"
            self._tokens[pool, count] = lease.token
            return count
        return None

    def renew(self, pool: str, member: str, token: int) -> bool:
        return self._runner.run(self._table(pool, member).renew([self._lease(pool, token)])) == []

    def release(self, pool: str, member: str, token: int) -> None:
        self._runner.run(self._table(pool, member).release([self._lease(pool, token)]))

    def expire(self, pool: str) -> None:
        """As if the owner had been silent for too long."""
        self.redis.hset(keys.lease(SHARD, pool), "until_ms", 0)

    def _lease(self, pool: str, count: int) -> Lease:
        return Lease(SHARD, self._tokens.get((pool, count), count))

    def _table(self, pool: str, member: str) -> LeaseTable:
        return LeaseTable(self._client, pool, member, LEASE_MS)

    # Streams

    def write(self, stream: Stream, count: int) -> None:
        """Three a millisecond, a minute ago."""
        for _ in range(count):
            number = len(self._ids[stream]) + 1
            entry = f"{self._began_ms + number // 3}-{number % 3 + 1}"
            self.redis.xadd(keys.stream(SHARD, stream), {"m": number}, id=entry)
            self._ids[stream].append(entry)

    def stand(self, pool: str, group: GroupModel) -> None:
        """Bring a pool's group where the model has it, without the scripts."""
        stream, key = INPUT[pool], keys.stream(SHARD, INPUT[pool])
        self.redis.xgroup_setid(key, pool, self.id_of(stream, group.last), entries_read=group.last)
        if group.pending:
            named = self._named(stream, sorted(group.pending))
            self.redis.xclaim(key, pool, "owner", 0, named, force=True, justid=True)

    def begin_record(self) -> None:
        self.redis.hset(RECORD, "started_at_ms", 1)

    def commit(self, commit: CommitModel) -> str:
        exchange = self._shards[commit.pool].exchange([self._call(commit)], {}, None)
        return str(exchange.verdicts[SHARD])

    def _call(self, commit: CommitModel) -> ShardCommit:
        stream = INPUT[commit.pool]
        reads_to = commit.reads_to
        reached = None if reads_to is None else Reached(self.id_of(stream, reads_to), reads_to)
        return ShardCommit(
            self._lease(commit.pool, commit.token),
            commit.sequence,
            appends=[(OUT, ["m", text]) for text in commit.outputs],
            deliveries=[Delivery(stream, reached, self._named(stream, commit.held))] if reached else [],
            acknowledged={stream: self._named(stream, commit.acknowledged)} if commit.acknowledged else {},
            watermarks=commit.watermarks,
            tallies={(RECORD, "count:heard"): commit.tally} if commit.tally else {},
        )

    def pending(self, pool: str, token: int, after: int, count: int) -> list[int] | None:
        return self._read(pool, token, self.id_of(INPUT[pool], after), count)

    def take(self, pool: str, token: int, count: int) -> list[int] | None:
        return self._read(pool, token, NEW, count)

    def _read(self, pool: str, token: int, after: str, count: int) -> list[int] | None:
        stream = INPUT[pool]
        (entries,) = self._shards[pool].read([Demand(self._lease(pool, token), {stream: after}, count)])
        return (
            None if isinstance(entries, Verdict) else [self._ids[stream].index(e.id.id) + 1 for e in entries]
        )

    def reached(self, pool: str) -> tuple[int, int]:
        """The last entry by number, and the count beside it."""
        reached = self._shards[pool].reached(SHARD)[INPUT[pool]]
        return (0 if reached.last == "0-0" else self._ids[INPUT[pool]].index(reached.last) + 1), reached.count

    def trim(self, pool: str) -> None:
        self._shards[pool].trim([SHARD])

    def shelf(self, bounds: ShelfBounds) -> tuple[int, int, int] | None:
        """Entries put aside, how many are beyond the bounds, and the oldest; None where nothing is."""
        stream = INPUT["emitter"]
        found = self._shards["emitter"].shelves([SHARD], bounds).get((SHARD, stream))
        if found is None:
            return None
        return found.unread, found.beyond, self._ids[stream].index("{}-{}".format(*found.oldest)) + 1

    def id_of(self, stream: Stream, number: int) -> str:
        return self._ids[stream][number - 1] if number else "0-0"

    def _named(self, stream: Stream, numbers: Iterable[int]) -> Sequence[str]:
        return [self.id_of(stream, number) for number in numbers]

    # Seeing

    def state(self) -> State:
        """All of it in one round trip."""
        seen = self.redis.pipeline(transaction=False)
        seen.time()
        seen.exists(RECORD)
        seen.hget(RECORD, "count:heard")
        seen.xrange(OUT)
        for stream in self._ids:
            seen.xrange(keys.stream(SHARD, stream))
        for pool, stream in INPUT.items():
            seen.hgetall(keys.lease(SHARD, pool))
            seen.hgetall(keys.watermarks(SHARD, pool))
            seen.xinfo_groups(keys.stream(SHARD, stream))
            seen.xpending_range(keys.stream(SHARD, stream), pool, "-", "+", 1000)
        replies = iter(seen.execute())
        (seconds, _), recorded, tally, outputs = (next(replies) for _ in range(4))
        streams = {stream: [int(fields[b"m"]) for _, fields in next(replies)] for stream in self._ids}
        leases, watermarks, groups = {}, {}, {}
        for pool in INPUT:
            leases[pool] = _lease(next(replies), seconds * 1000)
            watermarks[pool] = {key.decode(): int(value) for key, value in next(replies).items()}
            groups[pool] = self._group(pool, next(replies), next(replies))
        texts = [fields[b"m"].decode() for _, fields in outputs]
        return State(leases, groups, watermarks, streams, texts, int(tally or 0) if recorded else None)

    def _group(self, pool: str, groups: Any, pending: Any) -> tuple[str, int, list[int]]:
        info = next(group for group in groups if group["name"].decode() == pool)
        numbers = [self._ids[INPUT[pool]].index(item["message_id"].decode()) + 1 for item in pending]
        return info["last-delivered-id"].decode(), info["entries-read"] or 0, numbers

    def expected(self, model: ShardModel) -> State:
        """What the server should hold if the model is right."""
        return State(
            model.leases,
            {
                pool: (self.id_of(INPUT[pool], group.last), group.last, sorted(group.pending))
                for pool, group in model.groups.items()
            },
            model.watermarks,
            {s: list(range(model.cut[s] + 1, model.added[s] + 1)) for s in model.added},
            model.outputs,
            model.tally,
        )


def _count(token: int | str) -> int:
    """Without the twelve random digits behind it."""
    return int(token) // 10**12


def _lease(stored: dict[bytes, bytes], now_ms: int) -> LeaseModel:
    fields = {key.decode(): value.decode() for key, value in stored.items()}
    lasting = now_ms + LEASE_MS * 0.9 < float(fields.get("until_ms", 0)) < now_ms + LEASE_MS * 1.1
    token, sequence = _count(fields.get("token", 0)), int(fields.get("sequence", 0))
    return LeaseModel(fields.get("owner"), token, sequence, lasting)
