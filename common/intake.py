"""Reads and decodes what is there for the shards at hand."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from common.commit import Bury, OwnedShard
from common.errors import InvalidMessage
from common.shelves import Place, Shelf, ShelfBounds, Taking, note_taken, plan
from common.stage import Acknowledge, Entry, Stream
from common.streams.codec import FOR, decode
from common.streams.fenced import NEW, Demand, FencedShards, RawEntry, Reached, Verdict, split_id
from common.streams.leases import Lease

Owned = Mapping[int, OwnedShard]


@dataclass(frozen=True, slots=True)
class Batch:
    """What one read brought.

    `careful` entries go to the stage one at a time. `passed` ones are none of the `reader`'s: they are
    for another stage, or were pending when results ran out of their retention. `lost` shards must
    begin again: what was taken of them, only a replay finds.
    """

    reader: bytes = b""
    entries: list[Entry] = field(default_factory=list)
    careful: list[tuple[Entry, RawEntry]] = field(default_factory=list)
    unreadable: list[Bury] = field(default_factory=list)
    passed: list[Acknowledge] = field(default_factory=list)
    fenced: list[Lease] = field(default_factory=list)
    lost: set[int] = field(default_factory=set)

    def add(self, later: "Batch") -> None:
        """Go on with what the next read brought."""
        self.entries.extend(later.entries)
        self.careful.extend(later.careful)
        self.unreadable.extend(later.unreadable)
        self.passed.extend(later.passed)
        self.fenced.extend(later.fenced)
        self.lost.update(later.lost)


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
        after = {(n, stream): at.last for n, shard in owned.items() for stream, at in shard.reached.items()}
        shelves = {place: shelf for place, shelf in self._shelves.items() if place[0] in owned}
        return Outlook(after=after, takings=plan(shelves, recall))

    def take(self, owned: Owned, outlook: Outlook, news: Mapping[Place, Sequence[RawEntry]]) -> Batch:
        """What is new, and what `outlook` has to take, in order within each stream of a shard."""
        batch = Batch(self._shards.pool.encode())
        for (number, stream), raw in news.items():
            _receive_news(owned[number], stream, raw, batch)
        demands = [Demand(shard.lease, shard.replaying) for shard in outlook.replaying]
        demands += [
            Demand(owned[n].lease, {s: NEW}, taking.count) for (n, s), taking in outlook.takings.items()
        ]
        taken = iter(self._shards.read(demands))
        for shard in outlook.replaying:
            _receive_pending(shard, next(taken), batch, full=self._shards.read_count)
        for place, taking in outlook.takings.items():
            found = next(taken)
            if isinstance(found, Verdict):
                _note_verdict(owned[place[0]], found, batch)
                continue
            _receive_requested(owned[place[0]], found, batch, asked=taking.asked)
            note_taken(self._shelves[place], taking, split_id(found[-1].id.id) if found else None)
        return batch

    def look(self, shards: Iterable[int]) -> int:
        """See what lies on the shelves of these shards; returns how many entries."""
        self._shelves = self._shards.shelves(shards, self._bounds)
        return sum(shelf.unread for shelf in self._shelves.values())


def _receive_news(shard: OwnedShard, stream: Stream, raw: Sequence[RawEntry], batch: Batch) -> None:
    shard.reached[stream] = Reached(raw[-1].id.id, shard.reached[stream].count + len(raw))
    shard.fresh.setdefault(stream, []).extend(item.id.id for item in raw)
    for item in raw:
        _sort_in(shard, item, batch)


def _note_verdict(shard: OwnedShard, verdict: Verdict, batch: Batch) -> None:
    if verdict is Verdict.FENCED:
        batch.fenced.append(shard.lease)
    else:
        batch.lost.add(shard.lease.shard)


def _receive_pending(
    shard: OwnedShard, raw: Sequence[RawEntry] | Verdict, batch: Batch, *, full: int
) -> None:
    """A stream that brings less than a `full` read has no more of them."""
    if isinstance(raw, Verdict):
        _note_verdict(shard, raw, batch)
        return
    last = {entry.id.stream: entry.id.id for entry in raw}
    brought = Counter(entry.id.stream for entry in raw)
    shard.replaying = {stream: last[stream] for stream in shard.replaying if brought[stream] >= full}
    for item in raw:
        _sort_in(shard, item, batch)
    if not shard.replaying:
        shard.careful = False


def _receive_requested(shard: OwnedShard, raw: Sequence[RawEntry], batch: Batch, *, asked: int) -> None:
    for i, item in enumerate(raw):
        _sort_in(shard, item, batch, unasked=i >= asked)


def _sort_in(shard: OwnedShard, item: RawEntry, batch: Batch, *, unasked: bool = False) -> None:
    if not item.fields or item.fields.get(FOR, batch.reader) != batch.reader:
        batch.passed.append(Acknowledge(item.id))
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
