"""The emitter's stage: windows in, transcripts out."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from common.audio import SAMPLE_RATE, samples_to_ms
from common.errors import EngineError, InvalidMessage
from common.identity import Meeting
from common.messages import Window
from common.metrics import HEADROOM, SERVICE_LEVEL
from common.service_level import ServiceLevel, level_changed
from common.stage import Append, Effect, Entry, Step, Stream
from workers.emitter import metrics, transcripts
from workers.emitter.agenda import Agenda, Task
from workers.emitter.batching import Job, Kind, Limits, choose
from workers.emitter.costs import Costs
from workers.emitter.deferred import Deferred, Kept
from workers.emitter.effort import Effort
from workers.emitter.lead import after_lead
from workers.emitter.load import Load
from workers.emitter.manner import Model
from workers.emitter.past import Past
from workers.emitter.service import Rules, Service
from workers.emitter.utterance import Draft, Utterance
from workers.emitter.utterances import Utterances
from workers.emitter.waiting_share import WaitingShare
from workers.engines.speech import Hypothesis, SpeechEngine

_SATURATED = 0.8
"""Share of the time in which finals wait, from which late ones are no mere coincidence of pauses."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What meetings get at each level, and what decides about it.

    Service is reduced where the finals that wait would take longer than `budget_ms`; partials that
    wait are overtaken by newer ones. A deferred utterance is given up when it is `most_age_ms` old.
    """

    efforts: Sequence[Effort]
    rules: Rules
    limits: Limits
    budget_ms: float
    most_age_ms: int


@dataclass(frozen=True, slots=True)
class _Backlog:
    """How many finals wait, and the predicted time of these and of what else is due, backfilling aside."""

    finals: int
    finals_ms: float
    others_ms: float

    @property
    def ms(self) -> float:
        return self.finals_ms + self.others_ms


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
        engines: Mapping[Model, SpeechEngine],
        utterances: Utterances,
        policy: Policy,
        *,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._engines, self._utterances, self._clock = engines, utterances, clock
        self._limits, self._budget_ms = policy.limits, policy.budget_ms
        self._past, self._deferred = Past(), Deferred(most_age_ms=policy.most_age_ms)
        self._service, self._costs = Service(policy.rules), Costs()
        self._load = Load(policy.efforts, self._costs)
        self._pressed = WaitingShare()
        self._agenda = Agenda(policy.efforts, self._costs, self._service)
        self._newest: dict[Meeting, tuple[int, Window]] = {}

    def process(self, entries: Sequence[Entry], now_ms: int) -> Step:
        """Take in windows; put out what is ready, or else run at most one forward pass."""
        for entry in entries:
            self._take(entry, now_ms)
        self._utterances.finish_abandoned(now_ms)
        waiting = list(self._utterances.in_turn())
        tasks = {t.job.key: t for t in self._agenda.tasks(waiting, self._past, self._deferred, now_ms)}
        jobs = [task.job for task in tasks.values()]
        backlog = self._backlog(jobs, waiting)
        effects = [*self._plan(backlog, now_ms), *self._settle(waiting, now_ms)]
        if effects:
            return Step(effects, busy=True)
        batch = choose(jobs, self._limits, self._costs)
        metrics.WINDOWS_WAITING.set(len(jobs) - len(batch))
        if batch:
            effects = self._transcribe([tasks[job.key] for job in batch], now_ms)
        # Behind a final, the next utterance of its track is due.
        busy = len(jobs) > len(batch) or any(job.kind is Kind.FINAL for job in batch)
        return Step(effects, busy, recall=self._recall(backlog, now_ms))

    def release(self, shard: int) -> None:
        """Forget the shard's utterances."""
        self._utterances.release(shard)
        self._deferred.release(shard)
        self._past.release(shard)

    # Taking in

    def _take(self, entry: Entry, now_ms: int) -> None:
        window = entry.message
        if not isinstance(window, Window):
            raise InvalidMessage(f"{type(window).__name__} on the stream {entry.id.stream}")
        frames = self._utterances.frames(window)
        if entry.id.stream is Stream.DEFERRED:
            self._deferred.take(Kept(entry.id, window, frames, now_ms), unasked=entry.unasked)
            return
        self._utterances.take(entry.id, window, frames, now_ms)
        meeting = window.track.meeting
        self._load.hear(meeting, window.end - window.offset, now_ms)
        self._newest[meeting] = entry.id.shard, window
        if window.due == "final":
            self._load.ended(window.end - window.start)

    # Deciding

    def _backlog(self, jobs: Sequence[Job], waiting: Sequence[Sequence[Utterance]]) -> "_Backlog":
        finals = [manner for track in waiting for manner in self._agenda.finals(track)]
        others = [job.manner for job in jobs if job.kind in (Kind.PARTIAL, Kind.DRAFT)]
        times_ms = (self._costs.total_ms(part, self._limits.windows) for part in (finals, others))
        return _Backlog(len(finals), *times_ms)

    def _plan(self, backlog: "_Backlog", now_ms: int) -> Iterator[Effect]:
        """Give every meeting its level, and say which changed."""
        late = backlog.finals_ms > self._budget_ms
        work = self._load.work(now_ms)
        self._newest = {meeting: self._newest[meeting] for meeting in work if meeting in self._newest}
        self._pressed.note(now_ms, waits=backlog.finals > 0)
        saturated = self._pressed.share(now_ms) > _SATURATED
        changed = self._service.plan(work, now_ms, late=saturated and late)
        metrics.BACKLOG_SECONDS.set(backlog.ms / 1000)
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

    def _recall(self, backlog: "_Backlog", now_ms: int) -> int:
        """How many deferred utterances there is time for: none before all who speak have partials again."""
        calm = backlog.ms < self._budget_ms / 2
        speaking = self._load.speaking(now_ms)
        everybody = all(self._service.level(meeting) <= ServiceLevel.RELAXED for meeting in speaking)
        return self._deferred.room if calm and everybody else 0

    # Putting out

    def _settle(self, waiting: Sequence[Sequence[Utterance]], now_ms: int) -> Iterator[Effect]:
        """What needs no pass: finals that were drafted, and utterances that are put aside or given up."""
        spoken = {(track[0].shard, track[0].newest.track.key) for track in waiting}
        yield from self._past.expire(now_ms, spoken)
        for kept in self._deferred.give_up():
            metrics.UTTERANCES_LOST.inc()
            yield from transcripts.lost(kept)
        for track in waiting:
            for utterance in takewhile(lambda utterance: utterance.final, track):
                if draft := utterance.drafted:
                    yield from self._final(utterance, draft, now_ms)
                elif self._service.level(utterance.meeting) >= ServiceLevel.KEYWORDS:
                    self._utterances.close(utterance)
                    metrics.UTTERANCES_DEFERRED.inc()
                    yield from transcripts.deferred(utterance)
                else:
                    break

    def _transcribe(self, batch: Sequence[Task], now_ms: int) -> list[Effect]:
        manner = batch[0].job.manner
        windows = [task.frames() for task in batch]
        begun = self._clock()
        engine = self._engines[manner.model]
        heard = engine.transcribe(windows, manner.decode, word_times=manner.word_times)
        took_ms = (self._clock() - begun) * 1000
        if len(heard) != len(windows):
            raise EngineError(f"{len(heard)} hypotheses for {len(windows)} windows")
        self._account([task.job for task in batch], took_ms)
        pairs = zip(batch, heard, strict=True)
        return [effect for task, h in pairs for effect in self._results(task, h, now_ms)]

    def _account(self, batch: Sequence[Job], took_ms: float) -> None:
        self._costs.learn(batch[0].manner, len(batch), took_ms)
        self._load.passed(batch[0].kind, len(batch))
        for job in batch:
            self._service.served(job.meeting, took_ms / len(batch))
        metrics.BATCH_WINDOWS.observe(len(batch))
        metrics.BATCH_SECONDS.observe(took_ms / 1000)

    def _results(self, task: Task, hypothesis: Hypothesis, now_ms: int) -> Iterator[Effect]:
        subject, level = task.subject, self._agenda.level(task.job.meeting)
        if isinstance(subject, Kept):
            self._deferred.close(subject)
            metrics.UTTERANCES_BACKFILLED.inc()
            yield from transcripts.backfilled(subject, hypothesis, level)
        elif task.job.kind is Kind.PARTIAL:
            if subject.hear(self._partial(task, subject, hypothesis), moves_on=task.moves_on):
                yield transcripts.partial(subject, level)
        elif draft := self._draft(task, subject, hypothesis):
            if subject.final:
                yield from self._final(subject, draft, now_ms)
            elif subject.hear_draft(draft):
                yield transcripts.partial(subject, level)

    def _partial(self, task: Task, utterance: Utterance, heard: Hypothesis) -> Hypothesis:
        """What was said after the left context; nothing where that cannot be told, or not yet."""
        own: Hypothesis | None = heard
        if task.lead:
            own = after_lead(heard, task.lead, length_s=utterance.view_samples / SAMPLE_RATE)
        utterance.view_alone = own is None
        return own or replace(heard, text="", words=())

    def _draft(self, task: Task, utterance: Utterance, heard: Hypothesis) -> Draft | None:
        """What was said after the left context; None where that cannot be told, and is to be heard alone."""
        length_s = utterance.spoken_samples / SAMPLE_RATE
        own = after_lead(heard, task.lead, length_s=length_s) if task.lead else heard
        if own is None:
            metrics.LEADS_DISTRUSTED.inc()
            utterance.alone = True
            return None
        lead = self._past.next_lead(utterance, task.lead, own)
        return Draft(utterance.newest.voiced_end, own, self._agenda.level(utterance.meeting), lead)

    def _final(self, utterance: Utterance, draft: Draft, now_ms: int) -> Iterator[Effect]:
        self._utterances.close(utterance)
        yield from transcripts.final(utterance, draft.hypothesis, draft.level)
        yield from self._past.tell(utterance, draft.lead, now_ms)
