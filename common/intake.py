"""Reads and decodes what is there for the shards at hand."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from common.commit import Bury, OwnedShard
from common.errors import InvalidMessage
from common.shelves import Place, Shelf, ShelfBounds, Taking, note_taken, plan
from common.stage import Acknowledge, Entry
from common.streams.codec import decode
from common.streams.fenced import NEW, Demand, FencedShards, RawEntry, split_id
from common.streams.leases import Lease

Owned = Mapping[int, OwnedShard]


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


@dataclass(frozen=True, slots=True)
class Outlook:
    """What to read next: shards in replay, else what comes `after` and what is taken of the shelves."""

    replaying: Sequence[OwnedShard] = ()
    after: Mapping[Place, str] = field(default_factory=dict)
    takings: Mapping[Place, Taking] = field(default_factory=dict)


class Intake:
    """The reading half of the loop; `bounds` are those of the streams that are read on request."""

    def __init__(self, shards: FencedShards, bounds: ShelfBounds) -> None:
        self._shards = shards
        self._bounds = bounds
        self._shelves: dict[Place, Shelf] = {}

    def plan(self, owned: Owned, recall: int) -> Outlook:
        """Shards in replay come first; else all are waited for, except when a shelf has something."""
        replaying = [shard for shard in owned.values() if shard.replaying]
        if replaying:
            return Outlook(replaying)
        after = {(number, s): at for number, shard in owned.items() for s, at in shard.delivered.items()}
        shelves = {place: shelf for place, shelf in self._shelves.items() if place[0] in owned}
        return Outlook(after=after, takings=plan(shelves, recall))

    def take(self, owned: Owned, outlook: Outlook, ready: Iterable[int]) -> Batch:
        """Take entries, in order within each stream of a shard, of what the wait found `ready`."""
        shards = outlook.replaying or [owned[number] for number in ready]
        demands = [self._next_of(shard) for shard in shards]
        demands += [
            Demand(owned[n].lease, {s: NEW}, taking.count) for (n, s), taking in outlook.takings.items()
        ]
        batch = Batch()
        read = iter(self._shards.read(demands))
        for shard in shards:
            _receive(shard, next(read), batch)
        for place, taking in outlook.takings.items():
            raw = next(read)
            _receive_requested(owned[place[0]], raw, batch, asked=taking.asked)
            note_taken(self._shelves[place], taking, split_id(raw[-1].id.id) if raw else None)
        return batch

    def look(self, shards: Iterable[int]) -> int:
        """See what lies on the shelves of these shards; returns how many entries."""
        self._shelves = self._shards.shelves(shards, self._bounds)
        return sum(shelf.unread for shelf in self._shelves.values())

    def _next_of(self, shard: OwnedShard) -> Demand:
        """What a shard's replay goes on with, and what is new where it is over; shelves only in replay."""
        after = dict.fromkeys(self._shards.awaited, NEW) | shard.replaying
        return Demand(shard.lease, after, self._shards.read_count)


def _receive(shard: OwnedShard, raw: Sequence[RawEntry] | None, batch: Batch) -> None:
    if raw is None:
        batch.fenced.append(shard.lease)
        return
    last = {entry.id.stream: entry.id.id for entry in raw}
    shard.delivered.update({stream: at for stream, at in last.items() if stream not in shard.replaying})
    shard.replaying = {stream: last[stream] for stream in shard.replaying if stream in last}
    for item in raw:
        _sort_in(shard, item, batch)
    if shard.careful and not shard.replaying and not raw:
        shard.careful = False


def _receive_requested(
    shard: OwnedShard, raw: Sequence[RawEntry] | None, batch: Batch, *, asked: int
) -> None:
    if raw is None:
        batch.fenced.append(shard.lease)
        return
    for i, item in enumerate(raw):
        _sort_in(shard, item, batch, unasked=i >= asked)


def _sort_in(shard: OwnedShard, item: RawEntry, batch: Batch, *, unasked: bool = False) -> None:
    if not item.fields:
        batch.trimmed.append(Acknowledge(item.id))
        return
    try:
        entry = Entry(item.id, decode(item.fields), unasked)
    except InvalidMessage as error:
        batch.unreadable.append(Bury(item, str(error)))
        return
    if shard.careful:
        batch.careful.append((entry, item))
    else:
        batch.entries.append(entry)
