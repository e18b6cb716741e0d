"""Entries that no stage could process: list them, put them back, throw them away."""

from dataclasses import dataclass

from common.stage import Stream
from common.streams import keys
from common.streams.client import Client

_FIELD = b"field:"


@dataclass(frozen=True, slots=True)
class StoredDeadLetter:
    """An entry put aside by `stage`, read from `stream`."""

    shard: int
    id: str
    stage: str
    stream: str
    error: str
    fields: dict[bytes, bytes]


async def list_dead(redis: Client, shards: int) -> list[StoredDeadLetter]:
    """All of them, by shard and age."""
    found = []
    for shard in range(shards):
        for entry_id, fields in await redis.xrange(keys.dead_letters(shard)):
            found.append(parse_dead(shard, entry_id, fields))
    return found


async def retry_dead(redis: Client, letter: StoredDeadLetter) -> None:
    """Put an entry back at the end of the stream it came from, in one transaction.

    Every group of that stream is given it again; those that had processed it drop what they
    put out before by their watermarks.
    """
    async with redis.pipeline(transaction=True) as pipeline:
        pipeline.xadd(keys.stream(letter.shard, Stream(letter.stream)), letter.fields)
        pipeline.xdel(keys.dead_letters(letter.shard), letter.id)
        await pipeline.execute()


async def drop_dead(redis: Client, letter: StoredDeadLetter) -> None:
    """Throw an entry away for good."""
    await redis.xdel(keys.dead_letters(letter.shard), letter.id)


def parse_dead(shard: int, entry_id: bytes, fields: dict[bytes, bytes]) -> StoredDeadLetter:
    """Read an entry of the stream of dead letters."""
    return StoredDeadLetter(
        shard,
        entry_id.decode(),
        fields[b"stage"].decode(),
        fields[b"stream"].decode(),
        fields[b"error"].decode(),
        {name.removeprefix(_FIELD): value for name, value in fields.items() if name.startswith(_FIELD)},
    )
