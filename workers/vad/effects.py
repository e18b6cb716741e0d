"""What a piece of an utterance means to the rest of Hubbub."""

from dataclasses import dataclass
from typing import Literal

from common.audio import samples_to_ms
from common.identity import Track
from common.messages import SpeechChunk
from common.results import Activity
from common.stage import Append, Effect, Position, Stream, Tally


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
        effects.append(tally("speech_samples", chunk.end - chunk.start, track=chunk.track, on=on))
        effects.append(tally("utterances", 1, track=chunk.track, on=on))
    return effects


def tally(counter: str, amount: int, *, track: Track, on: Occasion) -> Tally:
    """Add to a counter of the track's meeting."""
    return Tally(on.shard, track.meeting, counter, amount, at=on.at)


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
