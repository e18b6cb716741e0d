"""Turns the effects of a step into commits: one a shard, filtered by the watermarks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from common.messages import Message
from common.metrics import LATENCY_SECONDS, REPLAYED
from common.results import Common, Result
from common.stage import Acknowledge, Append, Effect, EntryId, Forget, Position, Stream, Tally
from common.streams import keys
from common.streams.codec import encode
from common.streams.fenced import Delivery, RawEntry, Reached, ShardCommit
from common.streams.leases import Lease
from common.streams.scripts import Arg

COUNTER = "count:"


@dataclass(frozen=True, slots=True)
class Bury:
    """The loop's own effect: put aside an entry that the stage cannot take, and go on."""

    entry: RawEntry
    error: str


@dataclass(slots=True)
class OwnedShard:
    """A shard this process holds: its lease, what it committed under it, how far it has read.

    `replaying` names, by stream, the pending entry to go on after; it is empty once all pending
    entries were read. `fresh` are entries read since the last commit, which makes them pending, or
    done with. `careful` feeds the stage one entry at a time.
    """

    lease: Lease
    watermarks: dict[str, int]
    reached: dict[Stream, Reached]
    replaying: dict[Stream, str]
    fresh: dict[Stream, list[str]] = field(default_factory=dict)
    sequence: int = 0
    careful: bool = False

    def is_new(self, at: Position | None) -> bool:
        """Whether an effect at this position has not been committed yet."""
        return at is None or at.value > self.watermarks.get(at.key, -1)


@dataclass(slots=True)
class _Draft:
    """The commit of one shard in the making."""

    appends: list[tuple[str, Sequence[Arg]]] = field(default_factory=list)
    acknowledged: dict[Stream, list[str]] = field(default_factory=dict)
    watermarks: dict[str, int | None] = field(default_factory=dict)
    tallies: dict[tuple[str, str], int] = field(default_factory=dict)

    def acknowledge(self, entry: EntryId) -> None:
        self.acknowledged.setdefault(entry.stream, []).append(entry.id)


def _shard_of(effect: Effect | Bury) -> int:
    if isinstance(effect, Bury):
        return effect.entry.id.shard
    return effect.entry.shard if isinstance(effect, Acknowledge) else effect.shard


def build_commits(
    effects: Iterable[Effect | Bury], owned: dict[int, OwnedShard], *, stage: str, now_ms: int
) -> list[ShardCommit]:
    """One commit for each shard with effects or fresh entries; effects of shards not owned are left out.

    Advances the watermarks and sequence numbers of `owned`: a commit must then be applied, or its
    shard replayed.
    """
    drafts = {number: _Draft() for number, shard in owned.items() if shard.fresh}
    for effect in effects:
        shard = owned.get(_shard_of(effect))
        if shard is not None:
            _add(effect, drafts.setdefault(shard.lease.shard, _Draft()), shard, (stage, now_ms))
    return [_finish(draft, owned[number]) for number, draft in drafts.items()]


def _finish(draft: _Draft, shard: OwnedShard) -> ShardCommit:
    fresh, shard.fresh = shard.fresh, {}
    deliveries = []
    for stream, ids in fresh.items():
        done = set(draft.acknowledged.pop(stream, ()))
        deliveries.append(Delivery(stream, shard.reached[stream], [i for i in ids if i not in done]))
        older = done.difference(ids)
        if older:
            draft.acknowledged[stream] = list(older)
    shard.sequence += 1
    _advance(shard.watermarks, draft.watermarks)
    return ShardCommit(
        shard.lease,
        shard.sequence,
        appends=draft.appends,
        deliveries=deliveries,
        acknowledged=draft.acknowledged,
        watermarks=draft.watermarks,
        tallies=draft.tallies,
    )


def _add(effect: Effect | Bury, draft: _Draft, shard: OwnedShard, stamp: tuple[str, int]) -> None:
    stage, now_ms = stamp
    if isinstance(effect, Acknowledge):
        draft.acknowledge(effect.entry)
    elif isinstance(effect, Bury):
        draft.acknowledge(effect.entry.id)
        draft.appends.append((keys.dead_letters(shard.lease.shard), _dead_letter(effect, stage)))
    elif isinstance(effect, Forget):
        draft.watermarks[effect.key] = None
    elif not shard.is_new(effect.at):
        REPLAYED.labels(stage).inc()
    else:
        if effect.at is not None:
            reached = draft.watermarks.get(effect.at.key)
            draft.watermarks[effect.at.key] = max(effect.at.value, -1 if reached is None else reached)
        if isinstance(effect, Tally):
            _add_tally(effect, draft)
        else:
            draft.appends.append((keys.stream(effect.shard, effect.stream), encode(_stamped(effect, now_ms))))


def _add_tally(tally: Tally, draft: _Draft) -> None:
    key = (keys.meeting(tally.shard, tally.meeting), COUNTER + tally.counter)
    draft.tallies[key] = draft.tallies.get(key, 0) + tally.amount


def _dead_letter(bury: Bury, stage: str) -> list[Arg]:
    """The entry as it was, with who gave it up and why."""
    flat: list[Arg] = ["stage", stage, "stream", bury.entry.id.stream, "entry", bury.entry.id.id]
    flat += ["error", bury.error]
    for name, value in bury.entry.fields.items():
        flat += [b"field:" + name, value]
    return flat


def _stamped(append: Append, now_ms: int) -> Message | Result:
    message = append.message
    if not isinstance(message, Common):
        return message
    latency_ms = max(0, now_ms - append.captured_ms) if append.captured_ms else 0
    if append.captured_ms:
        LATENCY_SECONDS.labels(message.type, kind_of(message)).observe(latency_ms / 1000)
    stamped: Result = replace(message, emitted_at_ms=now_ms, latency_ms=latency_ms)
    return stamped


def kind_of(result: Result) -> str:
    """The finer kind of a result: a transcript's status, a keyword's source and so on."""
    for name in ("status", "state", "source", "event", "kind"):
        value = getattr(result, name, None)
        if value is not None:
            return str(value)
    return ""


def _advance(watermarks: dict[str, int], changes: dict[str, int | None]) -> None:
    for key, value in changes.items():
        if value is None:
            watermarks.pop(key, None)
        else:
            watermarks[key] = value
