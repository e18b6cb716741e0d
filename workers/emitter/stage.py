"""The emitter: windows of all meetings in, transcripts out, one forward pass a call."""

import time
from collections.abc import Callable, Iterator, Sequence

from common.errors import EngineError
from common.stage import Effect, Entry, Step, Stream
from workers.emitter import metrics, transcripts
from workers.emitter.batching import Job, Limits, choose
from workers.emitter.costs import Costs
from workers.emitter.effort import EFFORTS, Effort
from workers.emitter.levels import Levels
from workers.emitter.utterance import Utterance
from workers.emitter.utterances import Utterances
from workers.engines.speech import Hypothesis, SpeechEngine


class EmitterStage:
    """Takes in what has come, transcribes the most urgent batch, and asks to be called again.

    So the next entries are read, and the last results committed, while a batch is computed. The
    windows of an utterance stay unacknowledged until its final is out.
    """

    name = "emitter"
    inputs = (Stream.WINDOWS,)

    def __init__(
        self,
        engine: SpeechEngine,
        utterances: Utterances,
        levels: Levels,
        *,
        limits: Limits,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._engine, self._utterances, self._levels = engine, utterances, levels
        self._limits, self._clock = limits, clock
        self._costs = Costs()

    def process(self, entries: Sequence[Entry], now_ms: int) -> Step:
        """Take in windows, then run at most one forward pass."""
        for entry in entries:
            self._utterances.take(entry, now_ms)
        self._utterances.finish_abandoned(now_ms)
        waiting = list(self._utterances.in_turn())
        level = self._level(waiting, now_ms)
        jobs = _jobs(waiting, EFFORTS[level])
        batch = choose(jobs, self._limits, self._costs)
        metrics.WINDOWS_WAITING.set(len(jobs) - len(batch))
        if not batch:
            return Step()
        chosen = {utterance.key: utterance for track in waiting for utterance in track}
        effects = self._transcribe(batch, [chosen[job.key] for job in batch], level)
        return Step(effects, busy=len(jobs) > len(batch))

    def release(self, shard: int) -> None:
        """Forget the shard's utterances."""
        self._utterances.release(shard)

    def _level(self, waiting: Sequence[Sequence[Utterance]], now_ms: int) -> int:
        at_best = (job.manner for job in _jobs(waiting, EFFORTS[self._levels.best]))
        backlog_ms = self._costs.total_ms(at_best, self._limits.windows)
        level = self._levels.observe(backlog_ms, now_ms)
        metrics.BACKLOG_SECONDS.set(backlog_ms / 1000)
        metrics.LEVEL.set(level)
        return level

    def _transcribe(self, batch: Sequence[Job], utterances: Sequence[Utterance], level: int) -> list[Effect]:
        manner = batch[0].manner
        windows = [u.whole() if u.final else u.view() for u in utterances]
        begun = self._clock()
        heard = self._engine.transcribe(windows, manner.decode, word_times=manner.word_times)
        took_s = self._clock() - begun
        if len(heard) != len(windows):
            raise EngineError(f"{len(heard)} hypotheses for {len(windows)} windows")
        self._costs.learn(manner, len(windows), took_s * 1000)
        metrics.BATCH_WINDOWS.observe(len(windows))
        metrics.BATCH_SECONDS.observe(took_s)
        return [e for u, h in zip(utterances, heard, strict=True) for e in self._results(u, h, level)]

    def _results(self, utterance: Utterance, hypothesis: Hypothesis, level: int) -> Iterator[Effect]:
        if utterance.final:
            self._utterances.close(utterance)
            yield from transcripts.final(utterance, hypothesis, level)
        elif utterance.hear(hypothesis):
            yield transcripts.partial(utterance, level)


def _jobs(waiting: Sequence[Sequence[Utterance]], effort: Effort) -> list[Job]:
    """A job for each utterance, those of one track behind each other."""
    return [
        _job(utterance, effort, behind)
        for track in waiting
        for behind, utterance in zip([None, *track], track, strict=False)
    ]


def _job(utterance: Utterance, effort: Effort, behind: Utterance | None) -> Job:
    newest, final = utterance.newest, utterance.final
    return Job(
        utterance.key,
        newest.track.meeting,
        final,
        newest.voiced_end_captured_ms if final else utterance.partial_since_ms or newest.captured_ms,
        effort.final(utterance.samples) if final else effort.partial(utterance.view_samples),
        behind.key if behind else "",
    )
