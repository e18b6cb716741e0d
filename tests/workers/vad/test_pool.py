"""The pool as configured, on the voices of the bundled meeting."""

from importlib.resources import files

import numpy as np
import pytest
import soundfile
import soxr

from common.errors import EngineError
from common.identity import Meeting, Speaker, Track
from common.messages import AudioChunk, SpeechChunk
from common.settings import Settings, VadSettings
from common.stage import Append, Entry, EntryId, Stage, Stream
from workers.engines.silero import find_model
from workers.vad import pool

CHUNK = 1600
TRACK = Track(Meeting("default", "standup"), "mix", Speaker("mix", "Mix"))
needs_silero = pytest.mark.skipif(find_model() is None, reason="hubbub[local] is not installed")


def passed_on(stage: Stage, audio: np.ndarray) -> int:
    """Samples on `speech`."""
    samples = 0
    for number, start in enumerate(range(0, len(audio), CHUNK)):
        chunk = AudioChunk(TRACK, start, start // 16, audio[start : start + CHUNK].tobytes())
        step = stage.process([Entry(EntryId(0, Stream.AUDIO, f"{number}-0"), chunk)], start // 16)
        messages = [effect.message for effect in step.effects if isinstance(effect, Append)]
        samples += sum(m.end - m.offset for m in messages if isinstance(m, SpeechChunk))
    return samples


@pytest.fixture(scope="module")
def meeting() -> np.ndarray:
    """Half a minute of people speaking."""
    with files("ingest.demo").joinpath("meeting.ogg").open("rb") as file:
        audio, rate = soundfile.read(file, dtype="float32", always_2d=True)
    mixed = soxr.resample(audio[: 30 * rate].mean(axis=1), rate, 16_000)
    return (mixed * 32_000).astype("<i2")


@needs_silero
def test_voices_are_passed_on(meeting: np.ndarray) -> None:
    assert passed_on(pool.build(Settings()), meeting) > 0.5 * len(meeting)


@needs_silero
def test_noise_is_not_though_webrtcvad_would() -> None:
    noise = (np.random.default_rng(2).normal(size=10 * 16_000) * 2000).astype("<i2")
    alone = Settings(vad=VadSettings(silero="off"))
    assert passed_on(pool.build(alone), noise) > 0.9 * len(noise)
    assert passed_on(pool.build(Settings()), noise) == 0


def test_silero_that_must_be_and_is_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "find_model", lambda: None)
    with pytest.raises(EngineError, match=r"hubbub\[local\]"):
        pool.load_silero(VadSettings(silero="on"))
    assert pool.load_silero(VadSettings(silero="auto")) is None
