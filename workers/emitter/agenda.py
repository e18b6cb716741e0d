"""What is due of everything that is open, and how it is to be transcribed."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import NDArray

from common.audio import SAMPLE_RATE
from common.identity import Meeting
from common.service_level import ServiceLevel
from workers.emitter.batching import Job, Kind
from workers.emitter.costs import Costs
from workers.emitter.deferred import Kept
from workers.emitter.effort import Due, Effort, Partials
from workers.emitter.lead import Lead
from workers.emitter.manner import PADDING_S, Manner
from workers.emitter.past import Past
from workers.emitter.service import Service
from workers.emitter.utterance import Utterance, spoken

_BACKFILL_PATIENCE_MS = 5000
"""A deferred utterance that came back and waited so long is no less urgent than a partial."""


@dataclass(frozen=True, slots=True)
class Task:
    """A job, what it is about, the left context it is to have, and whether the view then moves on."""

    job: Job
    subject: Utterance | Kept
    lead: Lead | None = None
    moves_on: bool = False

    def frames(self) -> NDArray[Any]:
        """The frames to transcribe."""
        if isinstance(self.subject, Kept):
            return spoken(self.subject.frames, self.subject.window)
        own = self.subject.view() if self.job.kind is Kind.PARTIAL else self.subject.spoken()
        return own if self.lead is None else self.lead.window(own)


class Agenda:
    """Makes tasks, by the service level of each meeting and by what the utterances before have left."""

    def __init__(self, efforts: Sequence[Effort], costs: Costs, service: Service) -> None:
        self._efforts, self._costs, self._service = efforts, costs, service

    def level(self, meeting: Meeting) -> int:
        """The level at which a meeting's windows are computed, where they are."""
        return min(self._service.level(meeting), len(self._efforts) - 1)

    def finals(self, track: Iterable[Utterance]) -> Iterator[Manner]:
        """The least that each final of a track takes which is due, now or behind another."""
        for utterance in track:
            level = self._service.level(utterance.meeting)
            if utterance.final and not utterance.drafted and level < len(self._efforts):
                yield self._efforts[level].finals[-1].manner(utterance.spoken_samples)

    def tasks(
        self, tracks: Iterable[Sequence[Utterance]], past: Past, deferred: Iterable[Kept], now_ms: int
    ) -> Iterator[Task]:
        """One task at most for each track: the next final rests on the one before it."""
        firsts = [(first, kind) for first, *_ in tracks if (kind := self._due(first))]
        partials_ms = [self._partial_ms(first) for first, kind in firsts if kind is Kind.PARTIAL]
        due = Due(len(firsts) - len(partials_ms), len(partials_ms), sum(partials_ms))
        for utterance, kind in firsts:
            yield self._task(utterance, kind, past, due)
        alone = replace(due, finals=1)
        for kept in deferred:
            yield self._backfill(kept, alone, now_ms)

    def _due(self, utterance: Utterance) -> Kind | None:
        """What to compute of an utterance, if anything."""
        if self._service.level(utterance.meeting) >= len(self._efforts):
            return None
        effort = self._efforts[self.level(utterance.meeting)]
        if utterance.final:
            return None if utterance.drafted else Kind.FINAL
        if effort.drafts and utterance.paused and not utterance.drafted:
            return Kind.DRAFT
        if effort.partials and utterance.partial_due(effort.partials.every):
            return Kind.PARTIAL
        return None

    def _partial_ms(self, utterance: Utterance) -> float:
        """What a partial takes at least; nothing below full service, where it can wait."""
        level = self.level(utterance.meeting)
        partials = self._efforts[level].partials
        if partials is None or level > ServiceLevel.FULL:
            return 0.0
        return self._costs.predict_ms(partials.manner(utterance.view_samples), 1)

    def _task(self, utterance: Utterance, kind: Kind, past: Past, due: Due) -> Task:
        effort = self._efforts[self.level(utterance.meeting)]
        if kind is Kind.PARTIAL and effort.partials:
            return self._partial(utterance, effort.partials, past, due)
        best = effort.final(utterance.spoken_samples, self._costs, due)
        manner = best.manner(utterance.spoken_samples)
        room_s = manner.decode.context_s - PADDING_S - utterance.spoken_samples / SAMPLE_RATE
        before = past.lead(utterance) if best.lead and not utterance.alone else None
        lead = before.last(room_s) if before else None
        return Task(self._job(utterance, kind, manner), utterance, lead)

    def _partial(self, utterance: Utterance, partials: Partials, past: Past, due: Due) -> Task:
        """While an utterance is young, what was said before it fills the view, if there is time."""
        samples = utterance.view_samples
        careful = partials.affords_care(samples, self._costs, due=due.partials)
        job = self._job(utterance, Kind.PARTIAL, partials.manner(samples, careful=careful))
        room_s = partials.room_s - samples / SAMPLE_RATE
        wanted = careful and room_s > 0 and not (utterance.view_alone or utterance.view_moved)
        before = past.lead(utterance) if wanted else None
        return Task(job, utterance, before.last(room_s) if before else None, moves_on=room_s < 0)

    def _job(self, utterance: Utterance, kind: Kind, manner: Manner) -> Job:
        meeting = utterance.meeting
        priority = self._service.priority(meeting)
        return Job(utterance.key, meeting, kind, utterance.due_since_ms, manner, priority)

    def _backfill(self, kept: Kept, due: Due, now_ms: int) -> Task:
        meeting = kept.window.track.meeting
        urgent = now_ms - kept.since_ms > _BACKFILL_PATIENCE_MS
        kind = Kind.PARTIAL if urgent else Kind.BACKFILL
        samples = kept.window.end - kept.window.start
        effort = self._efforts[self.level(meeting)]
        manner = effort.final(samples, self._costs, due).manner(samples)
        priority = self._service.priority(meeting)
        return Task(Job(kept.key, meeting, kind, kept.since_ms, manner, priority), kept)
