"""The side of readers: results by shard, live or from the past, and the records of meetings."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from common.identity import Meeting
from common.results import Result, from_json
from common.stage import Stream
from common.streams import keys
from common.streams.audio_log import MeetingRecord, parse_record
from common.streams.client import Client
from common.streams.cluster_client import ClusterClient
from common.streams.shard_reads import ShardReads

START = "0-0"


@dataclass(frozen=True, slots=True)
class StoredResult:
    """A result with the id of its entry, from which a reader resumes, and its JSON."""

    shard: int
    id: str
    meeting: Meeting
    type: str
    data: bytes

    def decoded(self) -> Result:
        """The result as a value. Raises InvalidMessage."""
        return from_json(self.data)


@dataclass(frozen=True, slots=True)
class Heard:
    """When a meeting was last heard (Unix time): its place in the list of a tenant's meetings."""

    heard_ms: int
    meeting_id: str


@dataclass(frozen=True, slots=True)
class MeetingPage:
    """Some meetings of the list; where to go on, unless it ends with them."""

    records: list[MeetingRecord]
    last: Heard | None


class ResultLog:
    """Reads results, for all shards. Takes nothing: any number of readers may follow."""

    def __init__(self, redis: Client, shards: int) -> None:
        self._redis = redis
        self._reads = ShardReads(redis) if isinstance(redis, ClusterClient) else None
        self.shards = shards

    async def tails(self) -> dict[int, str]:
        """The id of the last entry of each shard: follow from there to see only what is new."""
        pipeline = self._redis.pipeline(transaction=False)
        for shard in range(self.shards):
            pipeline.xrevrange(keys.stream(shard, Stream.RESULTS), count=1)
        replies = await pipeline.execute()
        return {shard: reply[0][0].decode() if reply else START for shard, reply in enumerate(replies)}

    async def follow(
        self, after: Mapping[int, str], *, count: int = 500, block_ms: int = 1000
    ) -> list[StoredResult]:
        """Results after an entry id of each shard, in order within a shard; waits for the first."""
        if self._reads is not None:
            found = await self._reads.first(after, count=count, block_ms=block_ms)
            return [_stored(shard, *entry) for shard, entries in found.items() for entry in entries]
        names = {keys.stream(shard, Stream.RESULTS): shard for shard in after}
        ids = {keys.stream(shard, Stream.RESULTS): entry_id for shard, entry_id in after.items()}
        reply = await self._redis.xread(ids, count=count, block=block_ms)
        return [
            _stored(names[name.decode()], entry_id, fields)
            for name, entries in reply
            for entry_id, fields in entries
        ]

    async def entry(self, shard: int, entry_id: str) -> StoredResult | None:
        """The result of an entry; None where it is no longer kept."""
        found = await self._redis.xrange(keys.stream(shard, Stream.RESULTS), entry_id, entry_id)
        return _stored(shard, *found[0]) if found else None

    async def range(self, shard: int, *, after: str = START, count: int = 1000) -> list[StoredResult]:
        """Past results of a shard after an entry id, oldest first; empty at the end."""
        entries = await self._redis.xrange(keys.stream(shard, Stream.RESULTS), f"({after}", "+", count)
        return [_stored(shard, entry_id, fields) for entry_id, fields in entries]

    async def history(self, meeting: Meeting, *, after: str = START) -> list[StoredResult]:
        """All results of a meeting after an entry id that are still kept."""
        shard, found = meeting.shard(self.shards), []
        while page := await self.range(shard, after=after):
            found += [result for result in page if result.meeting == meeting]
            after = page[-1].id
        return found

    async def meeting(self, meeting: Meeting) -> MeetingRecord | None:
        """What is known of a meeting, if anything."""
        stored = await self._redis.hgetall(keys.meeting(meeting.shard(self.shards), meeting))
        return parse_record(meeting, stored) if stored else None

    async def meetings(self, tenant: str, *, limit: int = 200) -> list[MeetingRecord]:
        """A tenant's meetings, the one heard last first."""
        return (await self.heard(tenant, limit=limit)).records

    async def heard(
        self, tenant: str, *, limit: int, before: Heard | None = None, matching: str = ""
    ) -> MeetingPage:
        """The same in pages: those `before` another one of the list, with some text in their ids."""
        wanted = _Wanted(f"{tenant}/".encode(), limit + 1, before, matching.lower())
        chosen = sorted(await self._newest(wanted), key=_newest_first)
        last = chosen[limit - 1] if len(chosen) > limit else None
        chosen = chosen[:limit]
        pipeline = self._redis.pipeline(transaction=False)
        for heard in chosen:
            meeting = Meeting(tenant, heard.meeting_id)
            pipeline.hgetall(keys.meeting(meeting.shard(self.shards), meeting))
        found = zip(chosen, await pipeline.execute(), strict=True)
        records = [parse_record(Meeting(tenant, h.meeting_id), stored) for h, stored in found if stored]
        return MeetingPage(records, last)

    async def _newest(self, wanted: "_Wanted") -> list[Heard]:
        """The newest of each shard, so many that the wanted ones are among them.

        A shard is read from its newest on, and further where too few of those are wanted: thousands
        of meetings of a day are not read for a page of a hundred.
        """
        found: dict[int, list[Heard]] = {}
        count = wanted.count
        while lacking := [shard for shard in range(self.shards) if shard not in found]:
            pipeline = self._redis.pipeline(transaction=False)
            for shard in lacking:
                pipeline.zrevrangebyscore(
                    keys.meetings(shard), wanted.newest, "-inf", start=0, num=count, withscores=True
                )
            for shard, reply in zip(lacking, await pipeline.execute(), strict=True):
                heard = list(wanted.among(reply))
                if len(heard) >= wanted.count or len(reply) < count:
                    found[shard] = heard
            count *= 4
        return [heard for of_shard in found.values() for heard in of_shard]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Which meetings of a shard, and how many of them at most: names begin with `prefix`."""

    prefix: bytes
    count: int
    before: Heard | None
    matching: str

    @property
    def newest(self) -> int | str:
        """The latest time at which one may have been heard."""
        return self.before.heard_ms if self.before else "+inf"

    def among(self, reply: Iterable[tuple[bytes, float]]) -> Iterator[Heard]:
        """Those of a reply of Redis."""
        for name, score in reply:
            heard = Heard(int(score), name.removeprefix(self.prefix).decode())
            is_later = self.before is not None and _newest_first(heard) <= _newest_first(self.before)
            if name.startswith(self.prefix) and not is_later and self.matching in heard.meeting_id.lower():
                yield heard


def _newest_first(heard: Heard) -> tuple[int, str]:
    return -heard.heard_ms, heard.meeting_id


def _stored(shard: int, entry_id: bytes, fields: Mapping[bytes, bytes]) -> StoredResult:
    tenant, _, name = fields[b"meeting"].decode().partition("/")
    return StoredResult(
        shard, entry_id.decode(), Meeting(tenant, name), fields[b"type"].decode(), fields[b"data"]
    )
