"""Where a meeting may have left something, and how that is found."""

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass

import orjson

from common.errors import InvalidMessage
from common.identity import Meeting, track_digest
from common.results import Common
from common.stage import Stream
from common.streams import keys
from common.streams.audio_log import MeetingRecord
from common.streams.client import Client
from common.streams.codec import Fields, decode
from common.streams.dead_letters import parse_dead
from common.topology import READERS

PAGE = 500
_IN_FLIGHT = (Stream.AUDIO, Stream.SPEECH, Stream.WINDOWS)
_GROUPS = sorted({group for groups in READERS.values() for group in groups})


@dataclass(frozen=True, slots=True)
class Tombstone:
    """What is kept of a meeting while it is being deleted: since when, and how its traces begin."""

    at_ms: int
    started_at_ms: int
    track_digests: tuple[str, ...]

    def to_json(self) -> bytes:
        """As Redis keeps it."""
        return orjson.dumps([self.at_ms, self.started_at_ms, self.track_digests])

    @classmethod
    def of(cls, record: MeetingRecord, at_ms: int) -> "Tombstone":
        """For a meeting that is deleted at a Unix time."""
        digests = tuple(track_digest(record.meeting, track) for track in record.ends)
        return cls(at_ms, record.started_at_ms, digests)

    @classmethod
    def from_json(cls, stored: bytes) -> "Tombstone":
        """Read what `to_json` wrote."""
        at_ms, started_at_ms, digests = orjson.loads(stored)
        return cls(at_ms, started_at_ms, tuple(digests))


async def result_ids(redis: Client, shard: int, meeting: Meeting, *, after: str) -> AsyncIterator[list[str]]:
    """The ids of a meeting's results, a page at a time."""
    name = _name(meeting).encode()
    async for entries in _pages(redis, keys.stream(shard, Stream.RESULTS), after):
        if ids := [entry_id for entry_id, fields in entries if fields.get(b"meeting") == name]:
            yield ids


async def in_flight(redis: Client, shard: int, meeting: Meeting) -> int:
    """How many entries of a meeting are on their way through the stages. They go as they are worked on."""
    count = 0
    for stream in _IN_FLIGHT:
        async for entries in _pages(redis, keys.stream(shard, stream), "-"):
            count += sum(is_about(meeting, fields) for _, fields in entries)
    return count


async def deferred_ids(redis: Client, shard: int, meeting: Meeting) -> list[str]:
    """The ids of a meeting's utterances that were put aside."""
    pages = _pages(redis, keys.stream(shard, Stream.DEFERRED), "-")
    return [entry_id async for entries in pages for entry_id, fields in entries if is_about(meeting, fields)]


async def dead_ids(redis: Client, shard: int, meeting: Meeting) -> list[str]:
    """The ids of a meeting's dead letters."""
    pages = _pages(redis, keys.dead_letters(shard), "-")
    return [
        entry_id
        async for entries in pages
        for entry_id, fields in entries
        if is_about(meeting, parse_dead(shard, entry_id.encode(), fields).fields)
    ]


async def watermarks(
    redis: Client, shard: int, meeting: Meeting, digests: Iterable[str]
) -> Mapping[str, list[bytes]]:
    """The positions that are kept for a meeting's tracks and utterances, by key."""
    beginnings = (f"{_name(meeting)}/".encode(), *(f"{digest}-".encode() for digest in digests))
    found = {}
    for group in _GROUPS:
        key = keys.watermarks(shard, group)
        fields = [field async for field, _ in redis.hscan_iter(key, count=PAGE)]
        if mine := [field for field in fields if field.startswith(beginnings)]:
            found[key] = mine
    return found


def is_about(meeting: Meeting, fields: Fields) -> bool:
    """Whether an entry is of a meeting; one that cannot be read counts if it has the meeting's name in it."""
    try:
        message = decode(fields)
    except InvalidMessage:
        return any(_name(meeting).encode() in value for value in fields.values())
    if isinstance(message, Common):
        return (message.tenant, message.meeting) == (meeting.tenant, meeting.id)
    return message.track.meeting == meeting


async def _pages(redis: Client, key: str, after: str) -> AsyncIterator[list[tuple[str, Fields]]]:
    while page := await redis.xrange(key, after, "+", PAGE):
        yield [(entry_id.decode(), fields) for entry_id, fields in page]
        after = f"({page[-1][0].decode()}"


def _name(meeting: Meeting) -> str:
    return f"{meeting.tenant}/{meeting.id}"
