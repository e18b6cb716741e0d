"""The keyword stage: speech and transcripts in, one event per phrase and utterance out.

Whichever source hears a phrase of an utterance first tells it. Which one that is depends on how
entries were batched, so every event has a watermark of its own, named by utterance and phrase:
after a crash the other source may be first, and its event is dropped. Said twice in an utterance,
a phrase counts once.

The speech of an utterance stays unacknowledged until it is closed and all its candidates are
verified. The watermarks are forgotten when its last transcript was read as well, or a while after
nothing more was heard of it; while a transcript is deferred they stay, whatever else is forgotten.

Where listening to all takes too long, some utterances are only read; see `attention` and `levels`.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from common.audio import SAMPLE_RATE, sample_count, samples_to_ms
from common.messages import SpeechChunk
from common.results import Status, Transcript
from common.stage import Acknowledge, Effect, Entry, Step, Stream
from workers.engines.spotter import Spotter
from workers.keyword import metrics
from workers.keyword.attention import Attention, Audio, Rules
from workers.keyword.inquiries import Bounds, Inquiries
from workers.keyword.levels import Levels
from workers.keyword.listening import Listening
from workers.keyword.reading import Reader
from workers.keyword.utterance import Utterance
from workers.keyword.verifier import Verifier

SWEEP_MS = 1000
_Key = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Limits:
    """What bounds the stage.

    An utterance whose audio stops coming is no longer listened to after `patience_ms`. One whose
    audio or last transcript never comes is forgotten after `quiet_ms`, or after `verdict_ms` where
    something was found in it or its transcript is deferred, since that may come late; and the
    oldest when there are more than `remembered`.
    """

    attention: Rules
    inquiries: Bounds
    patience_ms: int
    quiet_ms: int = 60_000
    verdict_ms: int = 3_600_000
    remembered: int = 10_000


class KeywordStage:
    """Takes in what has come, verifies one batch of candidates, and asks to be called again."""

    name = "keyword"
    inputs = (Stream.SPEECH, Stream.RESULTS)

    def __init__(
        self,
        spotter: Spotter,
        verifier: Verifier,
        reader: Reader,
        *,
        limits: Limits,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._spotter, self._verifier, self._reader = spotter, verifier, reader
        self._limits, self._clock = limits, clock
        self._attention = Attention(limits.attention)
        self._levels = Levels()
        self._inquiries = Inquiries(limits.inquiries, self._answered)
        self._utterances: dict[_Key, Utterance] = {}
        self._listening: dict[_Key, Utterance] = {}
        self._fresh: dict[_Key, Utterance] = {}
        self._touched: dict[_Key, Utterance] = {}
        self._open: set[_Key] = set()
        self._passed_over: frozenset[_Key] = frozenset()
        self._heard_s = 0.0
        self._swept_ms = 0

    def process(self, entries: Sequence[Entry], now_ms: int) -> Step:
        """Take in entries, then run at most one forward pass."""
        begun = self._clock()
        self._plan(entries, now_ms)
        effects: list[Effect] = list(self._give_way(now_ms))
        for entry in entries:
            effects += self._take(entry, now_ms)
        self._listen(now_ms)
        effects += self._verify(now_ms)
        for utterance in self._due(now_ms):
            effects += self._finish(utterance, now_ms)
        if not self._attention.scarce:
            effects += self._levels.over(now_ms)
        self._attention.learn(self._heard_s, (self._clock() - begun) * 1000)
        self._show()
        self._heard_s = 0.0
        return Step(effects, busy=self._inquiries.due(now_ms, behind=self._attention.behind))

    def release(self, shard: int) -> None:
        """Forget the shard's utterances."""
        for key, utterance in list(self._utterances.items()):
            if key[0] == shard:
                if self._listening.pop(key, None) and utterance.listening:
                    utterance.listening.give_up()
                self._drop(utterance)
        self._inquiries.release(shard)
        self._levels.release(shard)
        self._touched = {key: utterance for key, utterance in self._touched.items() if key[0] != shard}

    # Entries

    def _take(self, entry: Entry, now_ms: int) -> Iterator[Effect]:
        match entry.message:
            case SpeechChunk():
                yield from self._hear(entry, entry.message, now_ms)
            case Transcript():
                yield from self._read(entry.id.shard, entry.message, now_ms)
                yield Acknowledge(entry.id)
            case Status():
                yield from self._levels.heed(entry.id, entry.message, now_ms)
            case _:
                yield Acknowledge(entry.id)

    def _hear(self, entry: Entry, chunk: SpeechChunk, now_ms: int) -> Iterator[Effect]:
        key = (entry.id.shard, chunk.utterance)
        utterance = self._utterances.get(key)
        if utterance is None:
            utterance = Utterance.of_speech(entry.id.shard, chunk, now_ms)
            self._utterances[key] = utterance
        self._touch(utterance, now_ms)
        if chunk.closed:
            self._open.discard(key)
        else:
            self._open.add(key)
        if utterance.listening is None and not utterance.deaf:
            yield from self._start_listening(utterance, chunk, now_ms)
        listening = utterance.listening
        if listening is None or utterance.deaf or listening.end != chunk.offset:
            self._stop_listening(utterance)
            yield Acknowledge(entry.id)
            return
        utterance.entries.append(entry.id)
        self._heard_s += _seconds(chunk)
        self._attention.served(utterance.meeting, _seconds(chunk), now_ms)
        listening.push(chunk.pcm)
        self._fresh[key] = utterance
        if chunk.closed:
            self._stop_listening(utterance)

    def _read(self, shard: int, transcript: Transcript, now_ms: int) -> Iterator[Effect]:
        key = (shard, transcript.utterance)
        utterance = self._utterances.get(key)
        if utterance is None:
            utterance = Utterance.of_text(shard, transcript, now_ms)
            self._utterances[key] = utterance
        self._touch(utterance, now_ms)
        self._levels.note(transcript)
        for heard in self._reader.read(transcript, utterance.words_read):
            event = utterance.keyword(heard)
            if event is not None:
                yield event
        utterance.words_read = len(transcript.stable.split())
        utterance.settled = transcript.status in ("final", "lost")
        utterance.deferred = transcript.status == "deferred"

    # The acoustic side

    def _plan(self, entries: Sequence[Entry], now_ms: int) -> None:
        """Set how many utterances may be listened to, and which not, by the audio that is here for them."""
        here: dict[_Key, Audio] = {}
        for entry in entries:
            if isinstance(entry.message, SpeechChunk):
                key = (entry.id.shard, entry.message.utterance)
                if key in self._listening or key not in self._utterances:
                    audio = here.setdefault(key, Audio(entry.message.track.meeting))
                    audio.seconds += _seconds(entry.message)
        self._passed_over = self._attention.plan(here, len(self._open), now_ms)

    def _start_listening(self, utterance: Utterance, chunk: SpeechChunk, now_ms: int) -> Iterator[Effect]:
        """From the start of an utterance, or not at all; perhaps in the place of another."""
        if chunk.offset != chunk.start:
            utterance.deaf = True
            metrics.UNHEARD.labels("unseen").inc()
            return
        key = (utterance.shard, utterance.id)
        if key in self._passed_over:
            yield from self._skip(utterance, chunk.start, now_ms)
            return
        utterance.listening = Listening(utterance.id, chunk.start, self._spotter.listen())
        self._listening[key] = utterance
        yield from self._give_way(now_ms)

    def _give_way(self, now_ms: int) -> Iterator[Effect]:
        """Stop listening to those that are passed over, and to those beyond the limit."""
        surplus = [self._listening[key] for key in self._passed_over & self._listening.keys()]
        if len(self._listening) - len(surplus) > self._attention.limit:
            kept = [utterance for key, utterance in self._listening.items() if key not in self._passed_over]
            surplus += self._attention.surplus(kept, now_ms)
        for utterance in surplus:
            end = utterance.listening.end if utterance.listening else 0
            yield from self._skip(utterance, end, now_ms)

    def _skip(self, utterance: Utterance, position: int, now_ms: int) -> Iterator[Effect]:
        self._stop_listening(utterance)
        metrics.UNHEARD.labels("busy").inc()
        at_ms = samples_to_ms(position)
        yield from self._levels.skipped(utterance.shard, utterance.meeting, at_ms=at_ms, now_ms=now_ms)

    def _stop_listening(self, utterance: Utterance) -> None:
        """What was heard of it up to here still counts."""
        utterance.deaf = True
        key = (utterance.shard, utterance.id)
        if self._listening.pop(key, None) and utterance.listening:
            utterance.listening.finish()
            self._fresh[key] = utterance

    def _listen(self, now_ms: int) -> None:
        """All that was said since the last time, of all utterances at once."""
        self._lose_patience(now_ms)
        self._spotter.work(thrifty=self._attention.behind or self._attention.scarce)
        for utterance in self._fresh.values():
            if utterance.listening is not None:
                for inquiry in utterance.listening.inquiries():
                    self._inquiries.add(utterance, inquiry, now_ms)
                if utterance.listening.over:
                    utterance.listening = None
        self._fresh = {}

    def _lose_patience(self, now_ms: int) -> None:
        for utterance in list(self._listening.values()):
            if now_ms - utterance.touched_ms >= self._limits.patience_ms:
                self._stop_listening(utterance)
                self._touched[utterance.shard, utterance.id] = utterance

    def _verify(self, now_ms: int) -> Iterator[Effect]:
        batch = self._inquiries.next_batch(now_ms, behind=self._attention.behind)
        if not batch:
            return
        begun = self._clock()
        answers = self._verifier.answer([one.inquiry for one in batch])
        took_s = self._clock() - begun
        metrics.VERIFY_SECONDS.labels(batch[0].inquiry.look).observe(took_s)
        self._inquiries.took(batch[0].inquiry, took_s * 1000, now_ms)
        for one, answer in zip(batch, answers, strict=True):
            self._answered(one.utterance)
            if not one.inquiry.reads:
                one.utterance.doubt(one.inquiry, answer.doubtful)
            verdict = "confirmed" if answer.heard else "open" if answer.doubtful else "rejected"
            metrics.INQUIRIES.labels(one.inquiry.look, verdict).inc()
            for heard in answer.heard:
                event = one.utterance.keyword(heard)
                if event is not None:
                    yield event

    def _answered(self, utterance: Utterance) -> None:
        utterance.waiting -= 1
        self._touched[utterance.shard, utterance.id] = utterance

    # The end

    def _touch(self, utterance: Utterance, now_ms: int) -> None:
        utterance.touched_ms = now_ms
        self._touched[utterance.shard, utterance.id] = utterance

    def _due(self, now_ms: int) -> list[Utterance]:
        """Those that may be over: all once a second, since time passes, else those that changed."""
        due = self._touched
        if now_ms - self._swept_ms >= SWEEP_MS:
            self._swept_ms, due = now_ms, self._utterances
            self._attention.sweep(now_ms)
            self._forget_oldest()
        self._touched = {}
        return list(due.values())

    def _finish(self, utterance: Utterance, now_ms: int) -> Iterator[Effect]:
        quiet_ms = now_ms - utterance.touched_ms
        if utterance.listening is not None or utterance.waiting:
            return
        yield from map(Acknowledge, utterance.entries)
        utterance.entries.clear()
        unfinished = utterance.found or utterance.deferred
        limit_ms = self._limits.verdict_ms if unfinished else self._limits.quiet_ms
        if (utterance.deaf and utterance.settled) or quiet_ms >= limit_ms:
            if not utterance.deferred:
                yield from utterance.forget(self._reader.phrases)
            self._drop(utterance)

    def _forget_oldest(self) -> None:
        """Keep the bound on what is remembered; the watermarks stay, so nothing is told twice."""
        surplus = len(self._utterances) - self._limits.remembered
        if surplus > 0:
            over = [utterance for utterance in self._utterances.values() if utterance.heard_out]
            for utterance in over[:surplus]:
                self._drop(utterance)

    def _drop(self, utterance: Utterance) -> None:
        key = (utterance.shard, utterance.id)
        del self._utterances[key]
        self._open.discard(key)

    def _show(self) -> None:
        metrics.HEARD.inc(self._heard_s)
        metrics.UTTERANCES.set(len(self._listening))
        metrics.LIMIT.set(self._attention.limit)
        metrics.WAITING.set(len(self._inquiries))
        metrics.REDUCED.set(len(self._levels))


def _seconds(chunk: SpeechChunk) -> float:
    return sample_count(chunk.pcm) / SAMPLE_RATE
