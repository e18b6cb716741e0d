"""The side of ingest: audio onto the streams, and the records of meetings."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from redis.exceptions import OutOfMemoryError

from common.audio import sample_count
from common.errors import Backlogged, InvalidInput
from common.identity import Meeting, Speaker, Track
from common.messages import AudioChunk, pack
from common.results import Result, Status
from common.stage import Stream
from common.streams import keys
from common.streams.client import Client, NotNow
from common.streams.codec import encode
from common.streams.replicas import WaitCommand
from common.streams.scripts import Arg, Call, run_script, run_scripts

_END = "end:"
_OPEN = "open:"
_PAUSED = "paused:"
_SEQ = "seq:"
_NEXT = "next:"
_COUNT = "count:"
_NOBODY = Speaker("", "")


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a source's numbered messages have come: all up to `seq` are in the audio before this.

    The first message after them that is of this track begins at `position`. `over`: the source is
    done, and may begin with another number.
    """

    track: Track
    source: str
    seq: int
    position: int
    over: bool = False


@dataclass(frozen=True, slots=True)
class MeetingRecord:
    """What Redis knows of a meeting. Times are Unix time; `ends` is how far each track has come.

    `open` has the tracks that have not ended, and their speakers' names. `sequences` is the last
    message of each source whose audio is wholly here, and `nexts` where the one after it begins on
    each track, which is before the track's end when part of it is here.
    """

    meeting: Meeting
    started_at_ms: int
    ended_at_ms: int | None
    ends: Mapping[str, int]
    counters: Mapping[str, int]
    open: Mapping[str, str] = field(default_factory=dict)
    sequences: Mapping[str, int] = field(default_factory=dict)
    nexts: Mapping[str, int] = field(default_factory=dict)

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


@dataclass(frozen=True, slots=True)
class Silence:
    """What a look at a shard found: open meetings, and when each was last heard, `until_ms` at the latest."""

    shard: int
    until_ms: int
    records: Sequence[tuple[MeetingRecord, int]]


class AudioLog:
    """Appends audio and keeps meeting records, for all shards."""

    def __init__(
        self, redis: Client, shards: int, backlog_limit: int, *, wait: WaitCommand | None = None
    ) -> None:
        """Audio counts as taken once the replicas of `wait` have it."""
        self._redis = redis
        self._shards = shards
        self._backlog_limit = backlog_limit
        self._wait = wait

    async def append(self, items: Sequence[AudioChunk | Mark]) -> None:
        """Put audio on its shards in one round trip; safe to repeat after a lost reply.

        A meeting's chunks and marks are taken together or not at all.

        Raises Backlogged when a stream is at its limit, Redis out of memory or short of replicas,
        InvalidInput when a meeting has ended; the chunks of other meetings are taken all the same.
        """
        grouped = [
            (meeting, list(group)) for meeting, group in groupby(items, key=lambda item: item.track.meeting)
        ]
        calls = [self._append_call(m, group) for m, group in grouped]
        replies = await run_scripts(self._redis, calls, wait=self._wait)
        for (meeting, _), reply in zip(grouped, replies, strict=True):
            _check_append(meeting, reply)

    def _append_call(self, meeting: Meeting, items: Sequence[AudioChunk | Mark]) -> Call:
        shard = meeting.shard(self._shards)
        marks = [item for item in items if isinstance(item, Mark)]
        args: list[Arg] = [self._backlog_limit, _name(meeting), len(marks)]
        for mark in marks:
            args += [_SEQ + mark.source, mark.seq, _NEXT + mark.track.id, mark.position, int(mark.over)]
        for chunk in items:
            if isinstance(chunk, AudioChunk):
                args += [_END + chunk.track.id, chunk.end, sample_count(chunk.pcm), pack(chunk)]
                args += [_OPEN + chunk.track.id, chunk.track.speaker.name]
                args += [_PAUSED + chunk.track.id, chunk.pause]
        return (
            "append",
            [keys.stream(shard, Stream.AUDIO), keys.meeting(shard, meeting), keys.meetings(shard)],
            args,
        )

    async def start_meeting(self, meeting: Meeting, started_at_ms: int) -> MeetingRecord:
        """The meeting's record, made now if it is new (which is announced once).

        One that is being deleted has ended.
        """
        shard = meeting.shard(self._shards)
        announcement = encode(_meeting_status(meeting, "meeting_started", started_at_ms, started_at_ms))
        touched = [keys.meeting(shard, meeting), keys.deleted(shard), keys.meetings(shard)]
        await run_script(
            self._redis,
            "start",
            [*touched, keys.stream(shard, Stream.RESULTS)],
            [_name(meeting), started_at_ms, *announcement],
        )
        record = await self.record(meeting)
        return record or MeetingRecord(meeting, started_at_ms, started_at_ms, ends={}, counters={})

    async def keep_alive(self, meetings: Iterable[Meeting]) -> None:
        """Say that somebody still listens for these meetings' audio."""
        by_shard: dict[int, list[Arg]] = defaultdict(list)
        for meeting in meetings:
            by_shard[meeting.shard(self._shards)].append(_name(meeting))
        replies = await run_scripts(
            self._redis, [("heard", [keys.meetings(shard)], names) for shard, names in by_shard.items()]
        )
        _check_all(replies)

    async def unheard(self, silence_ms: int, after_ms: Mapping[int, int]) -> list[Silence]:
        """By shard, the open meetings last heard so long ago, and after a time of each shard."""
        shards = range(self._shards)
        replies = await run_scripts(
            self._redis,
            [("unheard", [keys.meetings(shard)], [silence_ms, after_ms.get(shard, 0)]) for shard in shards],
        )
        _check_all(replies)
        return [
            Silence(shard, int(reply[0]), await self._open_records(reply[1]))
            for shard, reply in zip(shards, replies, strict=True)
        ]

    async def _open_records(self, heard: Sequence[bytes]) -> list[tuple[MeetingRecord, int]]:
        found = []
        for name, heard_ms in zip(heard[::2], heard[1::2], strict=True):
            record = await self.record(Meeting(*name.decode().split("/", 1)))
            if record is not None and not record.ended:
                found.append((record, int(float(heard_ms))))
        return found

    async def abandon(
        self, record: MeetingRecord, heard_ms: int, last_words: Sequence[AudioChunk | Result]
    ) -> bool:
        """End a meeting and its tracks unless it was heard again; safe from several processes at once."""
        meeting = record.meeting
        shard = meeting.shard(self._shards)
        args: list[Arg] = [_name(meeting), heard_ms]
        for chunk in last_words:
            if isinstance(chunk, AudioChunk):
                args += [_OPEN + chunk.track.id, pack(chunk)]
        args.append("")
        ended = _meeting_status(meeting, "meeting_ended", record.started_at_ms, heard_ms)
        for result in (*last_words, ended):
            if not isinstance(result, AudioChunk):
                flat = encode(result)
                args += [len(flat), *flat]
        touched = [keys.meeting(shard, meeting), keys.meetings(shard)]
        streams = [keys.stream(shard, Stream.AUDIO), keys.stream(shard, Stream.RESULTS)]
        verdict: bytes = await run_script(self._redis, "abandon", [*touched, *streams], args)
        return verdict == b"OK"

    async def end_meeting(self, meeting: Meeting, ended_at_ms: int) -> None:
        """Take no more audio for a meeting (which is announced once)."""
        record = await self.record(meeting)
        if record is None:
            return
        shard = meeting.shard(self._shards)
        announcement = encode(_meeting_status(meeting, "meeting_ended", record.started_at_ms, ended_at_ms))
        await run_script(
            self._redis,
            "end",
            [keys.meeting(shard, meeting), keys.stream(shard, Stream.RESULTS)],
            [ended_at_ms, *announcement],
        )

    async def tally(self, meeting: Meeting, counter: str, amount: int) -> None:
        """Add to a counter of the meeting's record, if there is one."""
        record = keys.meeting(meeting.shard(self._shards), meeting)
        await run_script(self._redis, "tally", [record], [_COUNT + counter, amount])

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
        ends=_numbers(fields, _END),
        counters=_numbers(fields, _COUNT),
        open={
            key.removeprefix(_OPEN): name.decode() for key, name in fields.items() if key.startswith(_OPEN)
        },
        sequences=_numbers(fields, _SEQ),
        nexts=_numbers(fields, _NEXT),
    )


def _numbers(fields: Mapping[str, bytes], prefix: str) -> dict[str, int]:
    return {key.removeprefix(prefix): int(value) for key, value in fields.items() if key.startswith(prefix)}


def _name(meeting: Meeting) -> str:
    return f"{meeting.tenant}/{meeting.id}"


def _check_all(replies: Iterable[object]) -> None:
    for reply in replies:
        if isinstance(reply, Exception):
            raise reply


def _check_append(meeting: Meeting, reply: object) -> None:
    if isinstance(reply, OutOfMemoryError):
        raise Backlogged(f"meeting {meeting.id}: Redis is out of memory")
    if isinstance(reply, NotNow):
        raise Backlogged(f"meeting {meeting.id}: {reply}")
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
