"""The keyword stage: speech and transcripts in, one event per phrase and utterance out.

Whichever source hears a phrase of an utterance first tells it. Which one that is depends on how
entries were batched, so every event has a watermark of its own, named by utterance and phrase:
after a crash the other source may be first, and its event is dropped. Said twice in an utterance,
a phrase counts once.

The speech of an utterance stays unacknowledged until it is closed and all its candidates are
verified. The watermarks are forgotten when its last transcript was read as well, or a while after
nothing more was heard of it.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from common.messages import SpeechChunk
from common.results import Transcript
from common.stage import Acknowledge, Effect, Entry, Step, Stream
from workers.engines.pocketsphinx import Spotter
from workers.keyword import metrics
from workers.keyword.listening import Inquiry, Listening
from workers.keyword.phrases import Phrase
from workers.keyword.reading import Reader
from workers.keyword.utterance import Utterance
from workers.keyword.verifier import Verifier

SWEEP_MS = 1000


@dataclass(frozen=True, slots=True)
class Limits:
    """What bounds the stage.

    An utterance whose audio stops coming is no longer listened to after `patience_ms`. One whose
    audio or last transcript never comes is forgotten after `quiet_ms`, or after `verdict_ms` where
    something was found in it or its transcript is deferred, since that may come late.
    """

    batch: int
    waiting: int
    listening: int
    patience_ms: int
    quiet_ms: int = 60_000
    verdict_ms: int = 3_600_000


class KeywordStage:
    """Takes in what has come, verifies one batch of candidates, and asks to be called again."""

    name = "keyword"
    inputs = (Stream.SPEECH, Stream.RESULTS)

    def __init__(
        self,
        phrases: Sequence[Phrase],
        spotter: Spotter,
        verifier: Verifier,
        reader: Reader,
        *,
        limits: Limits,
    ) -> None:
        self._phrases = tuple(phrases)
        self._spotter, self._verifier, self._reader = spotter, verifier, reader
        self._limits = limits
        self._utterances: dict[tuple[int, str], Utterance] = {}
        self._inquiries: deque[tuple[Utterance, Inquiry]] = deque()
        self._touched: dict[tuple[int, str], Utterance] = {}
        self._listening = self._swept_ms = 0

    def process(self, entries: Sequence[Entry], now_ms: int) -> Step:
        """Take in entries, then run at most one forward pass."""
        effects: list[Effect] = []
        for entry in entries:
            effects += self._take(entry, now_ms)
        effects += self._verify()
        for utterance in self._due(now_ms):
            effects += self._finish(utterance, now_ms)
        metrics.UTTERANCES.set(self._listening)
        metrics.WAITING.set(len(self._inquiries))
        return Step(effects, busy=bool(self._inquiries))

    def release(self, shard: int) -> None:
        """Forget the shard's utterances; their decoders are free."""
        for key, utterance in list(self._utterances.items()):
            if key[0] == shard:
                self._stop_listening(utterance)
                del self._utterances[key]
        self._inquiries = deque(waiting for waiting in self._inquiries if waiting[0].shard != shard)
        self._touched = {key: utterance for key, utterance in self._touched.items() if key[0] != shard}

    # Entries

    def _take(self, entry: Entry, now_ms: int) -> Iterator[Effect]:
        if isinstance(entry.message, SpeechChunk):
            yield from self._hear(entry, entry.message, now_ms)
            return
        if isinstance(entry.message, Transcript):
            yield from self._read(entry.id.shard, entry.message, now_ms)
        yield Acknowledge(entry.id)

    def _hear(self, entry: Entry, chunk: SpeechChunk, now_ms: int) -> Iterator[Effect]:
        key = (entry.id.shard, chunk.utterance)
        utterance = self._utterances.get(key)
        if utterance is None:
            utterance = Utterance.of_speech(entry.id.shard, chunk, now_ms)
            self._utterances[key] = utterance
        self._touch(utterance, now_ms)
        if utterance.listening is None and not utterance.deaf:
            self._start_listening(utterance, chunk)
        listening = utterance.listening
        if listening is None or listening.end != chunk.offset:
            self._stop_listening(utterance)
            yield Acknowledge(entry.id)
            return
        utterance.keep(entry.id, chunk)
        self._inquire(utterance, listening.push(chunk.pcm))
        if chunk.closed:
            self._stop_listening(utterance)

    def _read(self, shard: int, transcript: Transcript, now_ms: int) -> Iterator[Effect]:
        key = (shard, transcript.utterance)
        utterance = self._utterances.get(key)
        if utterance is None:
            utterance = Utterance.of_text(shard, transcript, now_ms)
            self._utterances[key] = utterance
        self._touch(utterance, now_ms)
        for heard in self._reader.read(transcript, utterance.words_read):
            event = utterance.keyword(heard)
            if event is not None:
                yield event
        utterance.words_read = len(transcript.stable.split())
        utterance.settled = transcript.status in ("final", "lost")
        utterance.deferred = transcript.status == "deferred"

    # The acoustic side

    def _start_listening(self, utterance: Utterance, chunk: SpeechChunk) -> None:
        """From the start of an utterance, or not at all."""
        if chunk.offset == chunk.start and self._listening < self._limits.listening:
            utterance.listening = Listening(utterance.id, chunk.start, self._spotter.listen())
            self._listening += 1
        else:
            utterance.deaf = True
            metrics.UNHEARD.inc()

    def _stop_listening(self, utterance: Utterance) -> None:
        if utterance.listening is not None:
            self._inquire(utterance, utterance.listening.close())
            utterance.listening = None
            self._listening -= 1
        utterance.deaf = True

    def _inquire(self, utterance: Utterance, inquiries: Sequence[Inquiry]) -> None:
        for inquiry in inquiries:
            if len(self._inquiries) >= self._limits.waiting:
                overdue, _ = self._inquiries.popleft()
                self._answered(overdue)
                metrics.UNVERIFIED.inc()
            utterance.waiting += 1
            self._inquiries.append((utterance, inquiry))

    def _verify(self) -> Iterator[Effect]:
        batch = self._next_batch()
        if not batch:
            return
        with metrics.VERIFY_SECONDS.time():
            answers = self._verifier.answer([inquiry for _, inquiry in batch])
        for (utterance, _), answer in zip(batch, answers, strict=True):
            self._answered(utterance)
            utterance.doubtful |= answer.doubtful
            metrics.INQUIRIES.labels("confirmed" if answer.heard else "rejected").inc()
            for heard in answer.heard:
                event = utterance.keyword(heard)
                if event is not None:
                    yield event

    def _next_batch(self) -> list[tuple[Utterance, Inquiry]]:
        """The inquiries that wait longest; a second look not together with the first."""
        batch: list[tuple[Utterance, Inquiry]] = []
        while self._inquiries and len(batch) < self._limits.batch:
            utterance, inquiry = self._inquiries[0]
            if inquiry.again and any(utterance is chosen for chosen, _ in batch):
                break
            self._inquiries.popleft()
            if utterance.wants(inquiry):
                batch.append((utterance, inquiry))
            else:
                self._answered(utterance)
        return batch

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
        self._touched = {}
        return list(due.values())

    def _finish(self, utterance: Utterance, now_ms: int) -> Iterator[Effect]:
        quiet_ms = now_ms - utterance.touched_ms
        if utterance.listening is not None and quiet_ms >= self._limits.patience_ms:
            self._stop_listening(utterance)
        if utterance.listening is not None or utterance.waiting:
            return
        yield from map(Acknowledge, utterance.entries)
        utterance.entries.clear()
        unfinished = utterance.found or utterance.deferred
        limit_ms = self._limits.verdict_ms if unfinished else self._limits.quiet_ms
        if (utterance.deaf and utterance.settled) or quiet_ms >= limit_ms:
            yield from utterance.forget(self._phrases)
            del self._utterances[utterance.shard, utterance.id]
