"""The emitter's stage: windows in, transcripts out."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from numpy.typing import NDArray

from common.audio import samples_to_ms
from common.errors import EngineError, InvalidMessage
from common.identity import Meeting
from common.messages import Window
from common.metrics import HEADROOM, SERVICE_LEVEL
from common.service_level import ServiceLevel, level_changed
from common.stage import Append, Effect, Entry, Step, Stream
from workers.emitter import metrics, transcripts
from workers.emitter.batching import Job, Kind, Limits, choose
from workers.emitter.costs import Costs
from workers.emitter.deferred import Deferred, Kept
from workers.emitter.effort import Effort, Manner
from workers.emitter.load import Load
from workers.emitter.service import Rules, Service
from workers.emitter.utterance import Draft, Utterance, spoken
from workers.emitter.utterances import Utterances
from workers.engines.speech import Hypothesis, SpeechEngine

_BACKFILL_PATIENCE_MS = 5000
"""A deferred utterance that came back and waited so long is no less urgent than a partial."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What meetings get at each level, and what decides about it.

    Service is reduced where what waits would take longer than `budget_ms`. A deferred utterance is
    given up when it is `most_age_ms` old.
    """

    efforts: Sequence[Effort]
    rules: Rules
    limits: Limits
    budget_ms: float
    most_age_ms: int


class EmitterStage:
    """Takes in what has come, transcribes the most urgent batch, and asks to be called again.

    So the next entries are read, and the last results committed, while a batch is computed. What
    costs nothing, such as a final that was drafted, is put out before a batch is begun. The windows
    of an utterance stay unacknowledged until its final is out, or until it is put aside.
    """

    name = "emitter"
    inputs = (Stream.WINDOWS, Stream.DEFERRED)

    def __init__(
        self,
        engine: SpeechEngine,
        utterances: Utterances,
        policy: Policy,
        *,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._engine, self._utterances, self._clock = engine, utterances, clock
        self._efforts, self._limits, self._budget_ms = policy.efforts, policy.limits, policy.budget_ms
        self._deferred = Deferred(most_age_ms=policy.most_age_ms)
        self._service = Service(policy.rules)
        self._costs = Costs()
        self._load = Load(policy.efforts, self._costs, most_windows=policy.limits.windows)
        self._newest: dict[Meeting, tuple[int, Window]] = {}

    def process(self, entries: Sequence[Entry], now_ms: int) -> Step:
        """Take in windows; put out what is ready, or else run at most one forward pass."""
        for entry in entries:
            self._take(entry, now_ms)
        self._utterances.finish_abandoned(now_ms)
        waiting = list(self._utterances.in_turn())
        jobs = self._jobs(waiting, now_ms)
        effects = [*self._plan(jobs, now_ms), *self._settle(waiting)]
        if effects:
            return Step(effects, busy=True)
        batch = choose(jobs, self._limits, self._costs)
        metrics.WINDOWS_WAITING.set(len(jobs) - len(batch))
        if batch:
            effects = self._transcribe(batch, self._subjects(waiting))
        return Step(effects, busy=len(jobs) > len(batch), recall=self._recall(jobs))

    def release(self, shard: int) -> None:
        """Forget the shard's utterances."""
        self._utterances.release(shard)
        self._deferred.release(shard)

    # Taking in

    def _take(self, entry: Entry, now_ms: int) -> None:
        window = entry.message
        if not isinstance(window, Window):
            raise InvalidMessage(f"{type(window).__name__} on the stream {entry.id.stream}")
        frames = self._utterances.frames(window)
        if entry.id.stream is Stream.DEFERRED:
            self._deferred.take(Kept(entry.id, window, frames, now_ms))
            return
        self._utterances.take(entry.id, window, frames, now_ms)
        meeting = window.track.meeting
        self._load.hear(meeting, window.end - window.offset, now_ms)
        self._newest[meeting] = entry.id.shard, window
        if window.due == "final":
            self._load.ended(window.end - window.start)

    # Deciding

    def _plan(self, jobs: Sequence[Job], now_ms: int) -> Iterator[Effect]:
        """Give every meeting its level, and say which changed."""
        waiting_ms = self._waiting_ms(jobs)
        work = self._load.work(now_ms)
        self._newest = {meeting: self._newest[meeting] for meeting in work if meeting in self._newest}
        changed = self._service.plan(work, now_ms, late=waiting_ms > self._budget_ms)
        metrics.BACKLOG_SECONDS.set(waiting_ms / 1000)
        SERVICE_LEVEL.set(max(map(self._service.level, work), default=self._service.best))
        HEADROOM.set(self._load.headroom(work, self._service.capacity))
        for meeting in changed:
            if meeting in self._newest:
                yield self._announce(meeting, now_ms)

    def _announce(self, meeting: Meeting, now_ms: int) -> Append:
        shard, window = self._newest[meeting]
        at_ms, level = samples_to_ms(window.end), ServiceLevel(self._service.level(meeting))
        reason = f"the emitter can do {self._service.capacity:.2f} s of work a second"
        status = level_changed(meeting, level, at_ms=at_ms, now_ms=now_ms, reason=reason)
        return Append(shard, Stream.RESULTS, status, captured_ms=window.captured_ms)

    def _jobs(self, waiting: Sequence[Sequence[Utterance]], now_ms: int) -> list[Job]:
        """A job for each utterance of which something is due, those of one track behind each other."""
        jobs = [job for track in waiting for job in self._jobs_of_track(track)]
        return jobs + [self._backfill(kept, now_ms) for kept in self._deferred]

    def _jobs_of_track(self, track: Sequence[Utterance]) -> Iterator[Job]:
        """Up to the first utterance that will be settled without a pass once those before it are."""
        behind = ""
        for utterance in track:
            level = self._service.level(utterance.meeting)
            kind = _due(utterance, self._efforts[level]) if level < len(self._efforts) else None
            if kind is None:
                return
            yield Job(
                utterance.key,
                utterance.meeting,
                kind,
                utterance.due_since_ms,
                _manner(utterance, kind, self._efforts[level]),
                behind,
                self._service.priority(utterance.meeting),
            )
            behind = utterance.key

    def _transcribed_at(self, meeting: Meeting) -> int:
        """The level at which a meeting's windows are computed, where they are."""
        return min(self._service.level(meeting), len(self._efforts) - 1)

    def _backfill(self, kept: Kept, now_ms: int) -> Job:
        meeting = kept.window.track.meeting
        effort = self._efforts[self._transcribed_at(meeting)]
        urgent = now_ms - kept.since_ms > _BACKFILL_PATIENCE_MS
        kind = Kind.PARTIAL if urgent else Kind.BACKFILL
        manner = effort.final(kept.window.end - kept.window.start)
        return Job(kept.key, meeting, kind, kept.since_ms, manner, priority=self._service.priority(meeting))

    def _waiting_ms(self, jobs: Sequence[Job]) -> float:
        """The predicted time of all that is due. Backfilling can wait."""
        manners = [job.manner for job in jobs if job.kind is not Kind.BACKFILL]
        return self._costs.total_ms(manners, self._limits.windows)

    def _recall(self, jobs: Sequence[Job]) -> int:
        """How many deferred utterances there is time for: none before everybody has partials again."""
        calm = self._waiting_ms(jobs) < self._budget_ms / 2
        everybody = all(self._service.level(meeting) <= ServiceLevel.RELAXED for meeting in self._newest)
        return self._deferred.room if calm and everybody else 0

    # Putting out

    def _settle(self, waiting: Sequence[Sequence[Utterance]]) -> Iterator[Effect]:
        """What needs no pass: finals that were drafted, and utterances that are put aside or given up."""
        for kept in self._deferred.give_up():
            metrics.UTTERANCES_LOST.inc()
            yield from transcripts.lost(kept)
        for track in waiting:
            for utterance in takewhile(lambda utterance: utterance.final, track):
                if draft := utterance.drafted:
                    yield from self._final(utterance, draft)
                elif self._service.level(utterance.meeting) >= ServiceLevel.KEYWORDS:
                    self._utterances.close(utterance)
                    metrics.UTTERANCES_DEFERRED.inc()
                    yield from transcripts.deferred(utterance)
                else:
                    break

    def _subjects(self, waiting: Sequence[Sequence[Utterance]]) -> dict[str, Utterance | Kept]:
        subjects: dict[str, Utterance | Kept] = {u.key: u for track in waiting for u in track}
        return subjects | {kept.key: kept for kept in self._deferred}

    def _transcribe(self, batch: Sequence[Job], subjects: Mapping[str, Utterance | Kept]) -> list[Effect]:
        manner = batch[0].manner
        windows = [_frames(subjects[job.key], job.kind) for job in batch]
        begun = self._clock()
        heard = self._engine.transcribe(windows, manner.decode, word_times=manner.word_times)
        took_ms = (self._clock() - begun) * 1000
        if len(heard) != len(windows):
            raise EngineError(f"{len(heard)} hypotheses for {len(windows)} windows")
        self._account(batch, took_ms)
        pairs = zip(batch, heard, strict=True)
        return [e for job, h in pairs for e in self._results(job, subjects[job.key], h)]

    def _account(self, batch: Sequence[Job], took_ms: float) -> None:
        self._costs.learn(batch[0].manner, len(batch), took_ms)
        for job in batch:
            self._service.served(job.meeting, took_ms / len(batch))
        metrics.BATCH_WINDOWS.observe(len(batch))
        metrics.BATCH_SECONDS.observe(took_ms / 1000)

    def _results(self, job: Job, subject: Utterance | Kept, hypothesis: Hypothesis) -> Iterator[Effect]:
        level = self._transcribed_at(job.meeting)
        if isinstance(subject, Kept):
            self._deferred.close(subject)
            metrics.UTTERANCES_BACKFILLED.inc()
            yield from transcripts.backfilled(subject, hypothesis, level)
            return
        draft = Draft(subject.newest.voiced_end, hypothesis, level)
        if job.kind is Kind.FINAL:
            yield from self._final(subject, draft)
        elif subject.hear_draft(draft) if job.kind is Kind.DRAFT else subject.hear(hypothesis):
            yield transcripts.partial(subject, level)

    def _final(self, utterance: Utterance, draft: Draft) -> Iterator[Effect]:
        self._utterances.close(utterance)
        yield from transcripts.final(utterance, draft.hypothesis, draft.level)


def _due(utterance: Utterance, effort: Effort) -> Kind | None:
    """What to compute of an utterance, if anything."""
    if utterance.final:
        return None if utterance.drafted else Kind.FINAL
    if effort.drafts and utterance.paused and not utterance.drafted:
        return Kind.DRAFT
    if effort.partials and utterance.partial_due(effort.partials.every):
        return Kind.PARTIAL
    return None


def _manner(utterance: Utterance, kind: Kind, effort: Effort) -> Manner:
    if kind is Kind.PARTIAL and effort.partials:
        return effort.partials.manner(utterance.view_samples)
    return effort.final(utterance.samples)


def _frames(subject: Utterance | Kept, kind: Kind) -> NDArray[Any]:
    if isinstance(subject, Kept):
        return spoken(subject.frames, subject.window)
    return subject.view() if kind is Kind.PARTIAL else subject.spoken()
