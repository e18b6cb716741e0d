"""The coaching stage: speech, finals and reference texts in, feedback for each word read out.

A reference text stays unacknowledged for as long as it is in force, and the speech and the final of
an utterance until both are here, so whoever takes the shard over begins with the same. What is put
out is acknowledged in the same commit.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from common.identity import Meeting
from common.messages import SpeechChunk
from common.results import Reference, Status, Transcript
from common.stage import Acknowledge, Append, Effect, Entry, EntryId, Step, Stream
from workers.engines.pronunciation import AlignedWord
from workers.jobs.coaching import metrics
from workers.jobs.coaching.feedback import feedback
from workers.jobs.coaching.reading import ReferenceText
from workers.jobs.coaching.utterance import Utterance

PATIENCE_MS = 60_000
"""For the other half of an utterance, and for finals after the end of a meeting."""


class PronunciationEngine(Protocol):
    """Says how well each word of a text was said."""

    def align(self, words: Sequence[str], pcm: bytes) -> list[AlignedWord]:
        """The words that could be judged, in order, of canonical audio."""


@dataclass(slots=True)
class _Lesson:
    """A text that is read in a meeting, and how far each track has come."""

    entry: EntryId
    speaker: str
    text: ReferenceText
    ended_ms: int | None = None
    reached: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Shard:
    lessons: dict[Meeting, _Lesson] = field(default_factory=dict)
    utterances: dict[str, Utterance] = field(default_factory=dict)


class CoachingStage:
    """Judges one utterance a call, and asks to be called again."""

    name = "coaching"
    # Results first: a reference text must be known before the speech that a replay brings with it.
    inputs = (Stream.RESULTS, Stream.SPEECH)

    def __init__(self, engine: PronunciationEngine) -> None:
        self._engine = engine
        self._shards: defaultdict[int, _Shard] = defaultdict(_Shard)

    def process(self, entries: Sequence[Entry], now_ms: int) -> Step:
        """Take in what has come, judge one utterance, give up those that never become complete."""
        effects: list[Effect] = []
        for entry in entries:
            effects += self._take(entry, self._shards[entry.id.shard], now_ms)
        for number, shard in self._shards.items():
            effects += _give_up(shard, now_ms)
            complete = [key for key, utterance in shard.utterances.items() if utterance.complete]
            if complete:
                effects += self._judge(number, shard, shard.utterances.pop(complete[0]))
                return Step(effects, busy=True)
        return Step(effects)

    def release(self, shard: int) -> None:
        """Forget a shard."""
        self._shards.pop(shard, None)

    def _take(self, entry: Entry, shard: _Shard, now_ms: int) -> Iterator[Effect]:
        match entry.message:
            case Reference():
                yield from _begin(entry.id, entry.message, shard)
            case SpeechChunk() if _is_read(entry.message, shard):
                utterance = shard.utterances.setdefault(entry.message.utterance, Utterance(now_ms))
                utterance.hear(entry.id, entry.message, now_ms)
            case Transcript() if _is_awaited(entry.message, shard):
                yield from _settle(entry.id, entry.message, shard, now_ms)
            case Status(event="meeting_ended", tenant=tenant, meeting=meeting):
                if lesson := shard.lessons.get(Meeting(tenant, meeting)):
                    lesson.ended_ms = now_ms
                yield Acknowledge(entry.id)
            case _:
                yield Acknowledge(entry.id)

    def _judge(self, number: int, shard: _Shard, utterance: Utterance) -> Iterator[Effect]:
        first, final = utterance.first, utterance.final
        assert first is not None
        assert final is not None
        lesson = shard.lessons.get(first.track.meeting)
        stretch = lesson.text.find(final.text, lesson.reached.get(first.track.id, 0)) if lesson else None
        if lesson is None or stretch is None:
            metrics.NOT_JUDGED.labels("not_from_the_text").inc()
        else:
            lesson.reached[first.track.id] = stretch.end
            aligned = self._engine.align(lesson.text.keys[stretch.start : stretch.end], bytes(utterance.pcm))
            coaching = feedback(final, first, lesson.text, stretch, aligned)
            yield Append(number, Stream.RESULTS, coaching, captured_ms=utterance.captured_ms)
        yield from utterance.let_go()


def _begin(entry: EntryId, reference: Reference, shard: _Shard) -> Iterator[Effect]:
    """From now on this text is read; an empty one ends the lesson."""
    meeting = Meeting(reference.tenant, reference.meeting)
    before = shard.lessons.pop(meeting, None)
    if before is not None and before.entry != entry:
        yield Acknowledge(before.entry)
    text = ReferenceText(reference.text)
    if text.words:
        shard.lessons[meeting] = _Lesson(entry, reference.speaker.id, text)
    else:
        yield Acknowledge(entry)


def _is_read(chunk: SpeechChunk, shard: _Shard) -> bool:
    """Whether it is of an utterance that is to be judged, from its start on."""
    lesson = shard.lessons.get(chunk.track.meeting)
    if lesson is None or lesson.speaker not in ("", chunk.track.speaker.id):
        return False
    known = shard.utterances.get(chunk.utterance)
    return chunk.offset == chunk.start or (known is not None and known.first is not None)


def _is_awaited(transcript: Transcript, shard: _Shard) -> bool:
    """Whether it is the last word on an utterance that is to be judged, or may be."""
    return (
        Meeting(transcript.tenant, transcript.meeting) in shard.lessons
        and transcript.status != "partial"
        and not transcript.backfilled
    )


def _settle(entry: EntryId, transcript: Transcript, shard: _Shard, now_ms: int) -> Iterator[Effect]:
    """A final may come before its audio has been read; where there is none, nothing is to be judged."""
    if transcript.status == "final":
        utterance = shard.utterances.setdefault(transcript.utterance, Utterance(now_ms))
        utterance.read(entry, transcript, now_ms)
        return
    yield Acknowledge(entry)
    if transcript.utterance in shard.utterances:
        metrics.NOT_JUDGED.labels(transcript.status).inc()
        yield from shard.utterances.pop(transcript.utterance).let_go()


def _give_up(shard: _Shard, now_ms: int) -> Iterator[Effect]:
    for key, utterance in list(shard.utterances.items()):
        if not utterance.complete and now_ms - utterance.touched_ms >= PATIENCE_MS:
            metrics.NOT_JUDGED.labels("incomplete").inc()
            del shard.utterances[key]
            yield from utterance.let_go()
    for meeting, lesson in list(shard.lessons.items()):
        if lesson.ended_ms is not None and now_ms - lesson.ended_ms >= PATIENCE_MS:
            del shard.lessons[meeting]
            yield Acknowledge(lesson.entry)
