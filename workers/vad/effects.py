"""What a piece of an utterance means to the rest of Hubbub."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from common.audio import samples_to_ms
from common.identity import Track
from common.messages import SpeechChunk
from common.results import Activity
from common.stage import Acknowledge, Append, Effect, Position, Stream, Tally
from workers.vad.tape import Kept


@dataclass(frozen=True, slots=True)
class Occasion:
    """On which shard and at which position effects arise, and when their audio was captured (Unix time)."""

    shard: int
    at: Position
    captured_ms: int


def passed_on(chunk: SpeechChunk, on: Occasion) -> list[Effect]:
    """The chunk itself, and what follows where an utterance opens or closes with it."""
    effects: list[Effect] = [Append(on.shard, Stream.SPEECH, chunk, at=on.at, captured_ms=chunk.captured_ms)]
    if chunk.offset == chunk.start:
        effects.append(_activity("speaking", chunk, on))
    if chunk.closed:
        effects.append(_activity("silent", chunk, on))
        meeting, length = chunk.track.meeting, chunk.end - chunk.start
        effects.append(Tally(on.shard, meeting, "speech_samples", length, at=on.at))
        effects.append(Tally(on.shard, meeting, "utterances", 1, at=on.at))
    return effects


def settled(kept: Sequence[Kept], *, track: Track, shard: int) -> list[Effect]:
    """Nothing more will come of these entries.

    They count as heard only now: in the commit that acknowledges them a count needs no position,
    and an entry of silence costs no effect of its own.
    """
    effects: list[Effect] = [Acknowledge(entry.id) for entry in kept]
    samples = sum(entry.samples for entry in kept)
    if samples:
        effects.append(Tally(shard, track.meeting, "heard_samples", samples))
    return effects


def _activity(state: Literal["speaking", "silent"], chunk: SpeechChunk, on: Occasion) -> Append:
    track = chunk.track
    activity = Activity(
        id=f"{chunk.utterance}/activity/{state}",
        tenant=track.meeting.tenant,
        meeting=track.meeting.id,
        track=track.id,
        speaker=track.speaker,
        start_ms=samples_to_ms(chunk.start),
        end_ms=samples_to_ms(chunk.end),
        state=state,
        utterance=chunk.utterance,
    )
    return Append(on.shard, Stream.RESULTS, activity, at=on.at, captured_ms=on.captured_ms)
