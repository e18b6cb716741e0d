"""Transcripts of utterances, and the effects that put them out."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

from common.audio import samples_to_ms
from common.messages import Window
from common.results import Transcript, Word
from common.service_level import ServiceLevel
from common.stage import Acknowledge, Append, Effect, Forget, Position, Stream, Tally
from workers.emitter.deferred import Kept
from workers.emitter.utterance import Utterance
from workers.engines.speech import Hypothesis

Status = Literal["partial", "final", "deferred", "lost"]


def partial(utterance: Utterance, level: int) -> Append:
    """What was heard so far."""
    newest, heard = utterance.newest, utterance.agreement
    transcript = replace(
        _transcript(newest, "partial", name=str(newest.end), level=level),
        text=heard.text,
        stable=heard.stable,
    )
    at = Position(utterance.key, 2 * newest.end)
    return Append(utterance.shard, Stream.RESULTS, transcript, at, newest.captured_ms)


def final(utterance: Utterance, hypothesis: Hypothesis, level: int) -> Iterator[Effect]:
    """The text for good, also where it is empty.

    A watermark belongs to an utterance: a track's next one may begin before this one's end. The
    value of a final is above that of a partial with the same end.
    """
    transcript = _final(utterance.newest, hypothesis, level=level)
    yield _put_out(utterance, transcript)
    yield _tally(utterance, "transcribed_samples", utterance.samples)
    yield _tally(utterance, "finals", 1)


def deferred(utterance: Utterance) -> Iterator[Effect]:
    """No text yet: what is needed to transcribe the utterance later is kept."""
    transcript = _transcript(utterance.newest, "deferred", name="deferred", level=ServiceLevel.KEYWORDS)
    yield _put_out(utterance, transcript)
    kept = utterance.as_one()
    yield Append(utterance.shard, Stream.DEFERRED, kept, _end(utterance), kept.captured_ms)
    yield _tally(utterance, "deferred", 1)
    yield from map(Acknowledge, utterance.entries)
    yield Forget(utterance.shard, utterance.key)


def backfilled(kept: Kept, hypothesis: Hypothesis, level: int) -> Iterator[Effect]:
    """The text of an utterance that had been deferred."""
    transcript = replace(_final(kept.window, hypothesis, level=level), backfilled=True)
    yield from _conclude(kept, transcript)
    meeting, samples = kept.window.track.meeting, kept.window.end - kept.window.start
    yield Tally(kept.entry.shard, meeting, "transcribed_samples", samples)
    yield Tally(kept.entry.shard, meeting, "finals", 1)


def lost(kept: Kept) -> Iterator[Effect]:
    """An utterance that had been deferred will have no text."""
    yield from _conclude(kept, _transcript(kept.window, "lost", name="lost", level=ServiceLevel.KEYWORDS))
    samples = kept.window.end - kept.window.start
    yield Tally(kept.entry.shard, kept.window.track.meeting, "lost_samples", samples)


def _conclude(kept: Kept, transcript: Transcript) -> Iterator[Effect]:
    captured_ms = kept.window.voiced_end_captured_ms
    yield Append(kept.entry.shard, Stream.RESULTS, transcript, captured_ms=captured_ms)
    yield Acknowledge(kept.entry)


def _put_out(utterance: Utterance, transcript: Transcript) -> Append:
    captured_ms = utterance.newest.voiced_end_captured_ms
    return Append(utterance.shard, Stream.RESULTS, transcript, _end(utterance), captured_ms)


def _tally(utterance: Utterance, counter: str, amount: int) -> Tally:
    return Tally(utterance.shard, utterance.newest.track.meeting, counter, amount, _end(utterance))


def _end(utterance: Utterance) -> Position:
    return Position(utterance.key, 2 * utterance.newest.end + 1)


def _final(window: Window, hypothesis: Hypothesis, *, level: int) -> Transcript:
    return replace(
        _transcript(window, "final", name="final", level=level),
        text=hypothesis.text,
        stable=hypothesis.text,
        words=_words(hypothesis, samples_to_ms(window.start)),
    )


def _transcript(newest: Window, status: Status, *, name: str, level: int) -> Transcript:
    """Of an utterance up to the end of speech, with no text yet."""
    return Transcript(
        id=f"{newest.utterance}/transcript/{name}",
        tenant=newest.track.meeting.tenant,
        meeting=newest.track.meeting.id,
        track=newest.track.id,
        speaker=newest.track.speaker,
        start_ms=samples_to_ms(newest.start),
        end_ms=samples_to_ms(newest.voiced_end),
        utterance=newest.utterance,
        status=status,
        text="",
        stable="",
        level=level,
    )


def _words(hypothesis: Hypothesis, start_ms: int) -> tuple[Word, ...]:
    return tuple(
        Word(
            word.text,
            start_ms + round(word.start_s * 1000),
            start_ms + round(word.end_s * 1000),
            word.probability,
        )
        for word in hypothesis.words
    )
