"""The side of ingest: audio onto the streams, and the records of meetings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from redis.exceptions import OutOfMemoryError

from common.audio import sample_count
from common.errors import Backlogged, InvalidInput
from common.identity import Meeting, Speaker
from common.messages import AudioChunk, pack
from common.results import Result, Status
from common.stage import Stream
from common.streams import keys
from common.streams.client import Client
from common.streams.codec import encode
from common.streams.scripts import Arg, Call, run_scripts

_END = "end:"
_COUNT = "count:"
_NOBODY = Speaker("", "")


@dataclass(frozen=True, slots=True)
class MeetingRecord:
    """What Redis knows of a meeting. Times are Unix time; `ends` is how far each track has come."""

    meeting: Meeting
    started_at_ms: int
    ended_at_ms: int | None
    ends: Mapping[str, int]
    counters: Mapping[str, int]

    @property
    def ended(self) -> bool:
        """No more audio is taken."""
        return self.ended_at_ms is not None

    @property
    def coverage(self) -> float:
        """The share of captured audio that reached its final result; 1.0 where none was captured."""
        count = self.counters.get
        captured, gaps = count("captured_samples", 0), count("gap_samples", 0)
        unheard = captured - count("heard_samples", 0)
        untranscribed = count("speech_samples", 0) - count("transcribed_samples", 0)
        if captured + gaps <= 0:
            return 1.0
        return max(0.0, 1.0 - (gaps + unheard + untranscribed) / (captured + gaps))


class AudioLog:
    """Appends audio and keeps meeting records, for all shards."""

    def __init__(self, redis: Client, shards: int, backlog_limit: int) -> None:
        self._redis = redis
        self._shards = shards
        self._backlog_limit = backlog_limit

    async def append(self, chunks: Sequence[AudioChunk], now_ms: int) -> None:
        """Put chunks on their shards in one round trip; safe to repeat after a lost reply.

        Raises Backlogged when a stream is at its limit or Redis out of memory, InvalidInput when a
        meeting has ended; the chunks of other meetings are taken all the same.
        """
        grouped = [
            (meeting, list(group)) for meeting, group in groupby(chunks, key=lambda c: c.track.meeting)
        ]
        replies = await run_scripts(
            self._redis, [self._append_call(m, group, now_ms) for m, group in grouped]
        )
        for (meeting, _), reply in zip(grouped, replies, strict=True):
            _check_append(meeting, reply)

    def _append_call(self, meeting: Meeting, chunks: Sequence[AudioChunk], now_ms: int) -> Call:
        shard = meeting.shard(self._shards)
        args: list[Arg] = [self._backlog_limit, f"{meeting.tenant}/{meeting.id}", now_ms]
        for chunk in chunks:
            closes = "1" if not chunk.pcm else "0"
            args += [_END + chunk.track.id, chunk.end, sample_count(chunk.pcm), closes, pack(chunk)]
        return (
            "append",
            [keys.stream(shard, Stream.AUDIO), keys.meeting(shard, meeting), keys.meetings(shard)],
            args,
        )

    async def start_meeting(self, meeting: Meeting, started_at_ms: int) -> MeetingRecord:
        """The meeting's record, made now if it is new (which is announced once)."""
        shard = meeting.shard(self._shards)
        if await self._redis.hsetnx(keys.meeting(shard, meeting), "started_at_ms", str(started_at_ms)):
            await self._redis.zadd(keys.meetings(shard), {f"{meeting.tenant}/{meeting.id}": started_at_ms})
            await self.publish(_meeting_status(meeting, "meeting_started", started_at_ms, started_at_ms))
        record = await self.record(meeting)
        assert record is not None
        return record

    async def end_meeting(self, meeting: Meeting, ended_at_ms: int) -> None:
        """Take no more audio for a meeting (which is announced once)."""
        record = await self.record(meeting)
        if record is None:
            return
        shard = meeting.shard(self._shards)
        if await self._redis.hsetnx(keys.meeting(shard, meeting), "ended_at_ms", str(ended_at_ms)):
            await self.publish(_meeting_status(meeting, "meeting_ended", record.started_at_ms, ended_at_ms))

    async def tally(self, meeting: Meeting, counter: str, amount: int) -> None:
        """Add to a counter of the meeting's record."""
        await self._redis.hincrby(
            keys.meeting(meeting.shard(self._shards), meeting), _COUNT + counter, amount
        )

    async def publish(self, result: Result) -> None:
        """Put a result on its shard, at least once."""
        flat = encode(result)
        shard = Meeting(result.tenant, result.meeting).shard(self._shards)
        await self._redis.xadd(
            keys.stream(shard, Stream.RESULTS),
            dict(zip(flat[::2], flat[1::2], strict=True)),
        )

    async def record(self, meeting: Meeting) -> MeetingRecord | None:
        """What is known of a meeting, if anything."""
        stored = await self._redis.hgetall(keys.meeting(meeting.shard(self._shards), meeting))
        return parse_record(meeting, stored) if stored else None


def parse_record(meeting: Meeting, stored: Mapping[bytes, bytes]) -> MeetingRecord:
    """Read a meeting's hash."""
    fields = {key.decode(): value for key, value in stored.items()}
    ended = fields.get("ended_at_ms")
    return MeetingRecord(
        meeting,
        int(fields.get("started_at_ms", 0)),
        int(ended) if ended is not None else None,
        {key.removeprefix(_END): int(value) for key, value in fields.items() if key.startswith(_END)},
        {key.removeprefix(_COUNT): int(value) for key, value in fields.items() if key.startswith(_COUNT)},
    )


def _check_append(meeting: Meeting, reply: object) -> None:
    if isinstance(reply, OutOfMemoryError):
        raise Backlogged(f"meeting {meeting.id}: Redis is out of memory")
    if isinstance(reply, Exception):
        raise reply
    if reply == b"FULL":
        raise Backlogged(f"meeting {meeting.id}: the stream of its audio is full")
    if reply == b"ENDED":
        raise InvalidInput(f"meeting {meeting.id} has ended")


def _meeting_status(meeting: Meeting, event: str, started_at_ms: int, now_ms: int) -> Status:
    at_ms = now_ms - started_at_ms
    return Status(
        id=f"{meeting.tenant}/{meeting.id}/{event}",
        tenant=meeting.tenant,
        meeting=meeting.id,
        track="",
        speaker=_NOBODY,
        start_ms=at_ms,
        end_ms=at_ms,
        emitted_at_ms=now_ms,
        event=event,  # type: ignore[arg-type]  # the callers name two of its values
        started_at_ms=started_at_ms,
    )
