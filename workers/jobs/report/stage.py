"""The reports stage: says when the report of a meeting is to be built, or built again.

It orders and builds nothing itself. Orders are idempotent, so that one made twice after a crash
changes nothing; the entry that says that a meeting ended stays unacknowledged as long as more is
to be expected, and stands for the orders to come.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from common.identity import Meeting
from common.messages import Message
from common.results import Highlight, Result, Sentiment, Status, Transcript
from common.stage import Acknowledge, Effect, Entry, EntryId, Step, Stream

SETTLE_MS = 5_000
"""So long after a change, since most come together."""
LINGER_MS = 300_000
"""So long after its last change a meeting that ended is watched for more."""


class Desk(Protocol):
    """Where reports are ordered."""

    def order(self, meetings: Sequence[Meeting]) -> bool:
        """Have the reports of those built that have ended; False when that must be tried again."""


@dataclass(slots=True)
class Watched:
    """A meeting with a report to come. `held` stands for it in the stream."""

    held: EntryId
    changed_ms: int
    due_ms: int | None


class ReportStage:
    """Watches the meetings that ended, and the ones whose put-off speech got its text."""

    name = "reports"
    inputs = (Stream.RESULTS,)

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._watched: dict[Meeting, Watched] = {}

    def process(self, entries: Sequence[Entry], now_ms: int) -> Step:
        """Note changes; order what has settled. When that fails, it is tried again at the next call."""
        effects: list[Effect] = []
        for entry in entries:
            effects += self._note(entry.id, entry.message, now_ms)
        due = [m for m, one in self._watched.items() if one.due_ms is not None and one.due_ms <= now_ms]
        if due and self._desk.order(due):
            for meeting in due:
                self._watched[meeting].due_ms = None
        return Step([*effects, *self._let_go(now_ms)])

    def release(self, shard: int) -> None:
        """Forget the meetings of a shard."""
        self._watched = {m: one for m, one in self._watched.items() if one.held.shard != shard}

    def _note(self, entry: EntryId, message: Message | Result, now_ms: int) -> Iterable[Effect]:
        if not isinstance(message, Transcript | Sentiment | Highlight | Status) or _is_passing(message):
            yield Acknowledge(entry)
            return
        meeting = Meeting(message.tenant, message.meeting)
        known = self._watched.get(meeting)
        if known is not None:
            known.changed_ms = now_ms
            known.due_ms = known.due_ms or now_ms + SETTLE_MS
            yield Acknowledge(entry)
        elif _begins_watch(message):
            self._watched[meeting] = Watched(entry, now_ms, now_ms + SETTLE_MS)
        else:
            yield Acknowledge(entry)

    def _let_go(self, now_ms: int) -> Iterable[Effect]:
        done = [
            meeting
            for meeting, one in self._watched.items()
            if one.due_ms is None and one.changed_ms + LINGER_MS < now_ms
        ]
        for meeting in done:
            yield Acknowledge(self._watched.pop(meeting).held)


def _is_passing(result: Result) -> bool:
    """Whether nothing of it is in a report."""
    return isinstance(result, Transcript) and result.status == "partial"


def _begins_watch(result: Result) -> bool:
    """Whether it may concern a meeting that ended, of which nothing is known here (any more)."""
    if isinstance(result, Status):
        return result.event == "meeting_ended"
    return isinstance(result, Transcript) and (result.backfilled or result.status == "lost")
