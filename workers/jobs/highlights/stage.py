"""The highlights stage: reads the results, puts out what is worth coming back to.

What it puts out is positioned at the entry that gave rise to it: ids of entries grow, and a
replay of what is held comes to the same verdict at the same entry.
"""

from collections.abc import Iterable, Sequence

from common.identity import Meeting
from common.messages import Message
from common.results import Result
from common.settings import HighlightSettings
from common.stage import Acknowledge, Append, Effect, Entry, EntryId, Position, Step, Stream
from workers.jobs.highlights.memory import HOLD_MS, Held, MeetingMemory, added_ms, holdable

_KEY = "results"
_SKEW_MS = 60_000
"""How far the clocks of Redis and of this process may differ."""
_SWEEP_MS = 1000
_MOST_A_MS = 1 << 20

Meetings = dict[Meeting, MeetingMemory]


class HighlightStage:
    """Memories of meetings by shard."""

    name = "highlights"
    inputs = (Stream.RESULTS,)

    def __init__(self, settings: HighlightSettings) -> None:
        self._settings = settings
        self._shards: dict[int, Meetings] = {}
        self._next_sweep_ms = 0

    def process(self, entries: Sequence[Entry], now_ms: int) -> Step:
        """Take results; where nothing comes any more, what is held goes by the clock."""
        effects: list[Effect] = []
        for entry in entries:
            effects += self._take(entry.id, entry.message)
        if now_ms >= self._next_sweep_ms:
            self._next_sweep_ms = now_ms + _SWEEP_MS
            effects += self._sweep(now_ms - HOLD_MS - _SKEW_MS)
        return Step(effects)

    def release(self, shard: int) -> None:
        """Forget a shard."""
        self._shards.pop(shard, None)

    def _take(self, entry: EntryId, message: Message | Result) -> Iterable[Effect]:
        result = holdable(message)
        if result is None:
            yield Acknowledge(entry)
            return
        meetings = self._shards.setdefault(entry.shard, {})
        meeting = Meeting(result.tenant, result.meeting)
        memory = meetings.setdefault(meeting, MeetingMemory(self._settings))
        for gone in memory.forget(added_ms(entry) - HOLD_MS):
            yield Acknowledge(gone)
        captured_ms = result.emitted_at_ms - result.latency_ms
        for found in memory.take(Held(entry, result)):
            yield Append(
                entry.shard, Stream.RESULTS, found, Position(_KEY, _order(entry)), captured_ms=captured_ms
            )

    def _sweep(self, before_ms: int) -> Iterable[Effect]:
        for meetings in self._shards.values():
            for meeting, memory in list(meetings.items()):
                for gone in memory.forget(before_ms):
                    yield Acknowledge(gone)
                if not memory:
                    del meetings[meeting]


def _order(entry: EntryId) -> int:
    """Grows as the ids of a stream do; a server adds far fewer than a million entries a millisecond."""
    ms, _, number = entry.id.partition("-")
    return int(ms) * _MOST_A_MS + int(number)
