"""Which of the waiting windows share the next forward pass."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from common.identity import Meeting
from workers.emitter.costs import Costs
from workers.emitter.manner import Manner


class Kind(Enum):
    """What a window is transcribed for. A draft is as urgent as a partial: it shows the last words, too."""

    FINAL = "final"
    DRAFT = "draft"
    PARTIAL = "partial"
    BACKFILL = "backfill"

    @property
    def place(self) -> int:
        """0 goes first."""
        return _PLACES[self]


_PLACES = {Kind.FINAL: 0, Kind.DRAFT: 1, Kind.PARTIAL: 1, Kind.BACKFILL: 2}


@dataclass(frozen=True, slots=True)
class Job:
    """A window that is due.

    `since_ms` is when the audio was captured that has waited longest for it: what is of one kind
    has one budget, so the earliest is the first whose deadline passes.
    """

    key: str
    meeting: Meeting
    kind: Kind
    since_ms: int
    manner: Manner
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a batch may be, in windows, and, from the second window on, in predicted time.

    `final_ms` is the predicted time up to which a final may have a wider beam and a longer context.
    """

    windows: int
    ms: float
    final_ms: float


def choose(jobs: Iterable[Job], limits: Limits, costs: Costs) -> list[Job]:
    """The next batch: the most urgent job, and those of its manner; empty where nothing waits."""
    batch: list[Job] = []
    for job in _ranked(jobs):
        if batch and job.manner != batch[0].manner:
            continue
        if batch and costs.predict_ms(job.manner, len(batch) + 1) > limits.ms:
            break
        batch.append(job)
        if len(batch) >= limits.windows:
            break
    return batch


def _ranked(jobs: Iterable[Job]) -> Sequence[Job]:
    """By kind; then by priority; then meetings take turns; then who has waited longest."""
    turns: Counter[tuple[Meeting, Kind]] = Counter()
    ranked = []
    for job in sorted(jobs, key=lambda job: job.since_ms):
        ranked.append((job.kind.place, -job.priority, turns[job.meeting, job.kind], job.since_ms, job))
        turns[job.meeting, job.kind] += 1
    return [job for *_, job in sorted(ranked, key=lambda item: item[:4])]
