"""Transcripts of utterances, and the effects that put them out."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

from common.audio import samples_to_ms
from common.results import Transcript, Word
from common.stage import Acknowledge, Append, Effect, Forget, Position, Stream, Tally
from workers.emitter.utterance import Utterance
from workers.engines.speech import Hypothesis


def partial(utterance: Utterance, level: int) -> Append:
    """What was heard so far."""
    newest, heard = utterance.newest, utterance.agreement
    transcript = replace(
        _transcript(utterance, "partial", name=str(newest.end), level=level),
        text=heard.text,
        stable=heard.stable,
    )
    at = Position(utterance.key, 2 * newest.end)
    return Append(utterance.shard, Stream.RESULTS, transcript, at, newest.captured_ms)


def final(utterance: Utterance, hypothesis: Hypothesis, level: int) -> Iterator[Effect]:
    """The text for good, also where it is empty; nothing of the utterance is needed any more.

    A watermark belongs to an utterance: a track's next one may begin before this one's end. The
    value of a final is above that of a partial with the same end.
    """
    newest, shard = utterance.newest, utterance.shard
    transcript = replace(
        _transcript(utterance, "final", name="final", level=level),
        text=hypothesis.text,
        stable=hypothesis.text,
        words=_words(hypothesis, samples_to_ms(newest.start)),
    )
    at = Position(utterance.key, 2 * newest.end + 1)
    yield Append(shard, Stream.RESULTS, transcript, at, newest.voiced_end_captured_ms)
    yield Tally(shard, newest.track.meeting, "transcribed_samples", utterance.samples, at)
    yield Tally(shard, newest.track.meeting, "finals", 1, at)
    yield from map(Acknowledge, utterance.entries)
    yield Forget(shard, utterance.key)


def _transcript(
    utterance: Utterance, status: Literal["partial", "final"], *, name: str, level: int
) -> Transcript:
    """Of an utterance up to the end of speech, with no text yet."""
    newest = utterance.newest
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
