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
    """How large a batch may be, in windows, and, from the second window on, in predicted time."""

    windows: int
    ms: float


def choose(jobs: Iterable[Job], limits: Limits, costs: Costs) -> list[Job]:
    """The next batch: the most urgent job, and those of its manner that had better share its pass.

    Empty where nothing waits.
    """
    ranked = _ranked(jobs)
    batch = list(ranked[:1])
    for job in ranked[1:]:
        if job.manner != batch[0].manner:
            continue
        size = len(batch) + 1
        if size > limits.windows or costs.predict_ms(job.manner, size) > limits.ms:
            break
        if not _pays(job.manner, size, len(ranked) - size, costs):
            break
        batch.append(job)
    return batch


def _pays(manner: Manner, size: int, behind: int, costs: Costs) -> bool:
    """Whether all wait less, taken together, when a batch grows to `size` windows.

    Those already in it are kept waiting for one more window; the one that joins, and those behind,
    are spared the difference between a pass of its own and a place in this one.
    """
    alone = costs.predict_ms(manner, 1)
    joining = costs.predict_ms(manner, size) - costs.predict_ms(manner, size - 1)
    return (size - 1) * joining < (behind + 1) * (alone - joining)


def _ranked(jobs: Iterable[Job]) -> Sequence[Job]:
    """By kind; then by priority; then meetings take turns; then who has waited longest."""
    turns: Counter[tuple[Meeting, Kind]] = Counter()
    ranked = []
    for job in sorted(jobs, key=lambda job: job.since_ms):
        ranked.append((job.kind.place, -job.priority, turns[job.meeting, job.kind], job.since_ms, job))
        turns[job.meeting, job.kind] += 1
    return [job for *_, job in sorted(ranked, key=lambda item: item[:4])]
