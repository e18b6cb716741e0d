"""The contract of a stage: entries in, effects out, no Redis, no clock, no tasks.

A stage is a deterministic function from ordered entries to effects. The loop (`common.loop`)
reads entries of the shards this process owns, hands them over, and commits what comes back in
one fenced script per shard. A stage cannot acknowledge, append or trim by itself.

Exactly once. What a stage needs in order to rebuild its state it leaves unacknowledged: a new
owner gets those entries again, in order, followed by new ones. Effects whose `at` is not above
the watermark committed under the same key are then dropped by the loop. So an effect is either
 * positioned: the same entries lead to the same effect at the same, strictly growing position
   (effects of one call may share a position), however the entries were batched; or
 * unpositioned (`at=None`): all entries that caused it are acknowledged in the same commit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol

from common.errors import HubbubError
from common.identity import Meeting
from common.messages import Message
from common.results import Result


class Stream(StrEnum):
    """The streams of a shard."""

    AUDIO = "audio"
    SPEECH = "speech"
    WINDOWS = "windows"
    DEFERRED = "deferred"
    RESULTS = "results"


ON_REQUEST = frozenset({Stream.DEFERRED})
"""Streams whose new entries a stage is given only as it asks for them (`Step.recall`)."""


class EntryId(NamedTuple):
    """Names an entry among all streams of all shards."""

    shard: int
    stream: Stream
    id: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A decoded entry of an input stream.

    `unasked`: it lies on a stream that is read on request, nobody requested it, and it comes
    because the stream is beyond its bounds. A stage that has no room for it gives it up.
    """

    id: EntryId
    message: Message | Result
    unasked: bool = False


@dataclass(frozen=True, slots=True)
class Position:
    """A point on the way of one key (usually a track's) that a watermark can reach."""

    key: str
    value: int


@dataclass(frozen=True, slots=True)
class Append:
    """Put a message on a stream of its meeting's shard.

    For a result, `captured_ms` is when the last sample it rests on was captured (Unix time);
    its latency is counted from there.
    """

    shard: int
    stream: Stream
    message: Message | Result
    at: Position | None = None
    captured_ms: int = 0


@dataclass(frozen=True, slots=True)
class Tally:
    """Add to a counter of the meeting's record, exactly once."""

    shard: int
    meeting: Meeting
    counter: str
    amount: int
    at: Position | None = None


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """The stage will not need this entry again."""

    entry: EntryId


@dataclass(frozen=True, slots=True)
class Forget:
    """Drop the watermark of a key: its track is over and all its entries are acknowledged."""

    shard: int
    key: str


Effect = Append | Tally | Acknowledge | Forget


@dataclass(frozen=True, slots=True)
class Step:
    """What came of one call. `busy` asks to be called again at once, with whatever is new.

    `recall` is how many new entries of on-request streams the stage has room for, in all shards
    together; it holds until the next call, and asking costs nothing while nothing lies there.
    What a former owner asked for and did not acknowledge comes again without being asked for.
    """

    effects: Sequence[Effect] = ()
    busy: bool = False
    recall: int = 0


class EntryFailed(HubbubError):
    """A stage could not process one particular entry, whichever entry it was given last."""

    def __init__(self, entry: EntryId, reason: str) -> None:
        super().__init__(f"entry {entry.id} of {entry.stream}, shard {entry.shard}: {reason}")
        self.entry = entry


class Stage(Protocol):
    """One pool's work. Called from one thread at a time."""

    @property
    def name(self) -> str:
        """The pool and its consumer group."""

    @property
    def inputs(self) -> tuple[Stream, ...]:
        """The streams it reads."""

    def process(self, entries: Sequence[Entry], now_ms: int) -> Step:
        """Take new entries of any owned shards, in order within each stream of a shard.

        Called with no entries at least every 100 ms, so that time can pass; `now_ms` is Unix
        time by a clock that never jumps. It may decide only about partials and about sources that
        went quiet. Whatever it
        raises is laid to the entry at hand, or to the one that EntryFailed names: the loop
        replays its shard, and puts the entry aside when it fails again and again.
        """

    def release(self, shard: int) -> None:
        """Forget everything about a shard: someone else owns it now, or it is replayed."""
