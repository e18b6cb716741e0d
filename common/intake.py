"""Reads and decodes what is there for the shards at hand."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from common.commit import Bury, OwnedShard
from common.errors import InvalidMessage
from common.stage import Acknowledge, Entry
from common.streams.codec import decode
from common.streams.fenced import FencedShards, RawEntry
from common.streams.leases import Lease


@dataclass(frozen=True, slots=True)
class Batch:
    """What one read brought.

    `careful` entries go to the stage one at a time. `trimmed` ones were pending when results ran
    out of their retention; nothing is left of them to process.
    """

    entries: list[Entry] = field(default_factory=list)
    careful: list[tuple[Entry, RawEntry]] = field(default_factory=list)
    unreadable: list[Bury] = field(default_factory=list)
    trimmed: list[Acknowledge] = field(default_factory=list)
    fenced: list[Lease] = field(default_factory=list)


class Intake:
    """The reading half of the loop."""

    def __init__(self, shards: FencedShards) -> None:
        self._shards = shards

    async def ready(self, owned: Mapping[int, OwnedShard], block_ms: int | None) -> list[OwnedShard]:
        """Shards with something to read: those in replay first, else those with new entries."""
        replaying = [shard for shard in owned.values() if shard.replaying]
        if replaying:
            return replaying
        after = {(number, s): at for number, shard in owned.items() for s, at in shard.delivered.items()}
        return [owned[number] for number in await self._shards.wait(after, block_ms)]

    async def read(self, shards: Collection[OwnedShard]) -> Batch:
        """Take entries, in order within each stream of a shard."""
        start = {(s.lease.shard, stream): at for s in shards for stream, at in s.replaying.items()}
        read = await self._shards.read([shard.lease for shard in shards], start)
        batch = Batch()
        for shard in shards:
            raw = read[shard.lease.shard]
            if raw is None:
                batch.fenced.append(shard.lease)
            else:
                _note_progress(shard, raw)
                _sort_in(shard, raw, batch)
        return batch


def _note_progress(shard: OwnedShard, raw: Sequence[RawEntry]) -> None:
    last = {entry.id.stream: entry.id.id for entry in raw}
    shard.delivered.update({stream: at for stream, at in last.items() if stream not in shard.replaying})
    shard.replaying = {stream: last[stream] for stream in shard.replaying if stream in last}


def _sort_in(shard: OwnedShard, raw: Sequence[RawEntry], batch: Batch) -> None:
    for item in raw:
        if not item.fields:
            batch.trimmed.append(Acknowledge(item.id))
            continue
        try:
            entry = Entry(item.id, decode(item.fields))
        except InvalidMessage as error:
            batch.unreadable.append(Bury(item, str(error)))
            continue
        if shard.careful:
            batch.careful.append((entry, item))
        else:
            batch.entries.append(entry)
    if shard.careful and not shard.replaying and not raw:
        shard.careful = False
