"""The pool on real speech, with its real models: the bundled demonstration meeting."""

from collections.abc import Iterator

import numpy as np
import pytest
from scripted_speech import ANN, MEETING_BEGAN_MS

from common.audio import SAMPLE_RATE, ms_to_samples, samples_to_ms
from common.messages import SpeechChunk
from common.results import Keyword
from common.settings import KeywordSettings, Settings
from common.stage import Acknowledge, Append, Effect, Entry, EntryId, Stage, Stream
from tests.workers import real_speech
from workers.keyword.pool import build

NEXT_SLIDE, NO_PHRASE, FOLLOW_UP, SCHEDULE = 4, 5, 15, 17


@pytest.fixture(scope="module")
def stage() -> Stage:
    return build(Settings(keyword=KeywordSettings(quality="full")))


def chunks(turn: int) -> list[SpeechChunk]:
    """A turn of the meeting, in chunks of 100 ms, with the silence that ends it."""
    audio = np.concatenate([real_speech.turn(turn), np.zeros(SAMPLE_RATE // 2, np.int16)])
    start, step = ms_to_samples(real_speech.script()[turn]["start_ms"]), SAMPLE_RATE // 10
    return [
        _chunk(start, at, audio[at : at + step], last=at + step >= len(audio))
        for at in range(0, len(audio), step)
    ]


def _chunk(start: int, at: int, samples: np.ndarray, *, last: bool) -> SpeechChunk:
    end = start + at + len(samples)
    captured_ms = MEETING_BEGAN_MS + samples_to_ms(end)
    name, closed = ANN.utterance_id(start), "endpoint" if last else ""
    return SpeechChunk(ANN, name, start, start + at, end, captured_ms, samples.tobytes(), closed)


def effects_of(stage: Stage, entry: Entry) -> Iterator[Effect]:
    step = stage.process([entry], 0)
    yield from step.effects
    while step.busy:
        step = stage.process([], 0)
        yield from step.effects


def listened(stage: Stage, turn: int) -> list[tuple[Keyword, int]]:
    """The events, and the end of the audio, in ms of the meeting, that had come by then."""
    events: list[tuple[Keyword, int]] = []
    pending: set[EntryId] = set()
    for number, chunk in enumerate(chunks(turn)):
        entry = EntryId(0, Stream.SPEECH, f"{number}-0")
        pending.add(entry)
        for effect in effects_of(stage, Entry(entry, chunk)):
            if isinstance(effect, Append):
                events.append((effect.message, samples_to_ms(chunk.end)))
            elif isinstance(effect, Acknowledge):
                pending.remove(effect.entry)
    assert not pending
    return events


@pytest.mark.parametrize(
    ("turn", "phrases", "within_ms"),
    [
        (NEXT_SLIDE, ["next slide"], 300),
        (FOLLOW_UP, ["follow up"], 400),
        (SCHEDULE, ["let's schedule"], 200),
        (NO_PHRASE, [], 0),
    ],
)
def test_what_is_said_in_the_demonstration_is_heard(
    stage: Stage, turn: int, phrases: list[str], within_ms: int
) -> None:
    events = listened(stage, turn)
    assert [event.phrase for event, _ in events] == phrases
    for event, heard_by_ms in events:
        assert event.source == "acoustic"
        assert heard_by_ms - event.end_ms <= within_ms
    stage.release(0)
