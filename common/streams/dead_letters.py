"""Entries that no stage could process: list them, put them back, throw them away."""

from dataclasses import dataclass

from common.stage import Stream
from common.streams import keys
from common.streams.client import Client
from common.streams.codec import FOR
from common.streams.scripts import run_script

_FIELD = b"field:"


@dataclass(frozen=True, slots=True)
class StoredDeadLetter:
    """An entry put aside by `stage`, which lay on `stream` as `entry`."""

    shard: int
    id: str
    stage: str
    stream: str
    entry: str
    error: str
    fields: dict[bytes, bytes]


async def list_dead(redis: Client, shards: int) -> list[StoredDeadLetter]:
    """All of them, by shard and age."""
    found = []
    for shard in range(shards):
        for entry_id, fields in await redis.xrange(keys.dead_letters(shard)):
            found.append(parse_dead(shard, entry_id, fields))
    return found


async def retry_dead(redis: Client, letter: StoredDeadLetter) -> str:
    """Give an entry to the stage that gave it up, and to no other; OK, GONE or TRIMMED.

    A result comes again in its place, by a replay of the shard, since others read that stream. Any
    other entry comes behind all that is on its stream: what it leads to is put out late, or not at
    all where it lies before what the track has reached. Done twice, it happens once.
    """
    in_place = letter.stream == Stream.RESULTS
    flat = [part for field in (letter.fields | {FOR: letter.stage.encode()}).items() for part in field]
    stream = keys.stream(letter.shard, Stream(letter.stream))
    touched = [keys.dead_letters(letter.shard), stream, keys.lease(letter.shard, letter.stage)]
    place = "in place" if in_place else "at the end"
    verdict: bytes = await run_script(
        redis, "retry", touched, [letter.id, letter.stage, letter.entry, place, *flat]
    )
    return verdict.decode()


async def drop_dead(redis: Client, letter: StoredDeadLetter) -> str:
    """Throw an entry away for good; OK or GONE."""
    return "OK" if await redis.xdel(keys.dead_letters(letter.shard), letter.id) else "GONE"


def parse_dead(shard: int, entry_id: bytes, fields: dict[bytes, bytes]) -> StoredDeadLetter:
    """Read an entry of the stream of dead letters."""
    return StoredDeadLetter(
        shard,
        entry_id.decode(),
        fields[b"stage"].decode(),
        fields[b"stream"].decode(),
        fields[b"entry"].decode(),
        fields[b"error"].decode(errors="replace"),
        {name.removeprefix(_FIELD): value for name, value in fields.items() if name.startswith(_FIELD)},
    )
